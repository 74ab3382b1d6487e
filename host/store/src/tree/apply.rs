//! Applies a batch of changes, level by level.
//!
//! On each level: go to the old node that holds the first change and start a fresh chunker there, for its start is a
//! boundary. Merge old entries and changes into the chunker. Where it stands at a boundary just as an old node ends, all
//! that follows is cut as before, up to the node of the next change. The nodes consumed and the nodes built are the
//! changes of the level above. The level that comes out with one node is the root.
//!
//! The chunker is a function of the entries since the last boundary, so what comes out is what a tree built from scratch
//! would be.

use std::iter::Peekable;

use bytes::Bytes;

use super::chunker::Chunker;
use super::cursor::Cursor;
use super::node::{self, Child, INLINE_VALUE_BYTES_MAX, Node, Value};
use super::root::{NodeHash, ValueHash};
use super::{NodeSink, Nodes, Tree, load};
use crate::error::ReadError;
use crate::limits::VALUE_BYTES_MAX;

impl Tree {
    /// The tree after some changes: a value under a key, or none. New nodes and values go to the sink; a few of them may
    /// be in the old tree, or in no tree.
    ///
    /// # Panics
    /// If keys do not ascend strictly, or a key or value is larger than [`crate::limits`] allows.
    pub(crate) fn apply(
        &self,
        nodes: &dyn Nodes,
        changes: impl Iterator<Item = (Bytes, Option<Bytes>)>,
        sink: &mut dyn NodeSink,
    ) -> Result<Tree, ReadError> {
        let mut before: Option<Bytes> = None;
        let changes = changes.map(|(key, value)| {
            assert!(before.as_ref().is_none_or(|before| *before < key), "keys that do not ascend");
            before = Some(key.clone());
            (key, value.map(Payload::Value))
        });
        let mut level = 0;
        let mut rebuilt = Rebuilt::new(self, level, nodes, changes, sink)?;
        let mut lasts = vec![];
        loop {
            if rebuilt.is_as_before() {
                return Ok(*self);
            }
            lasts.push(rebuilt.last);
            let above = if self.node.is_some() && level < self.height {
                rebuilt.changes()
            } else {
                // Nothing is left of the old level, so what was built is all of it.
                match rebuilt.built.as_slice() {
                    [] => return Ok(Tree::EMPTY),
                    [(_, root)] => return collapse(*root, level, &lasts, nodes),
                    _ => rebuilt.built.into_iter().map(|(key, child)| (key, Some(Payload::Child(child)))).collect(),
                }
            };
            level += 1;
            rebuilt = Rebuilt::new(self, level, nodes, above.into_iter(), sink)?;
        }
    }
}

/// What stands under a key on some level.
enum Payload {
    Value(Bytes),
    Child(Child),
}

/// The node that was built last on a level, and its only child if it has just one.
type LastBuilt = Option<(NodeHash, Option<Child>)>;

/// A level while it is rebuilt, and what became of it.
struct Rebuilt<'a> {
    chunker: Chunker,
    sink: &'a mut dyn NodeSink,
    /// The entry of the change at hand, encoded.
    entry: Vec<u8>,
    /// The old nodes that are replaced, by their last keys.
    consumed: Vec<(Bytes, NodeHash)>,
    /// The nodes that replace them, by their last keys.
    built: Vec<(Bytes, Child)>,
    last: LastBuilt,
}

impl<'a> Rebuilt<'a> {
    /// Applies changes to one level of a tree.
    fn new(
        tree: &Tree,
        level: u8,
        nodes: &dyn Nodes,
        changes: impl Iterator<Item = (Bytes, Option<Payload>)>,
        sink: &'a mut dyn NodeSink,
    ) -> Result<Rebuilt<'a>, ReadError> {
        let mut changes = changes.peekable();
        let (consumed, built) = (vec![], vec![]);
        let mut this = Rebuilt { chunker: Chunker::new(level), sink, entry: vec![], consumed, built, last: None };
        match Cursor::new(tree, level, nodes) {
            None => changes.for_each(|(key, payload)| this.append(&key, payload)),
            Some(mut cursor) => {
                while let Some((key, _)) = changes.peek() {
                    let mut here = Some(cursor.seek(key)?);
                    while let Some((hash, node)) = here {
                        this.merge(hash, &node, cursor.is_last(), &mut changes);
                        here = if this.chunker.is_empty() { None } else { cursor.next()? };
                    }
                }
            }
        }
        if !this.chunker.is_empty() {
            this.close();
        }
        Ok(this)
    }

    /// Merges an old node with the changes up to its last key; with all that are left, if it is the last node.
    fn merge(
        &mut self,
        hash: NodeHash,
        node: &Node,
        is_last: bool,
        changes: &mut Peekable<impl Iterator<Item = (Bytes, Option<Payload>)>>,
    ) {
        // Whether the chunk so far is how the node starts, and how many of the node's entries were dealt with.
        let mut is_prefix = self.chunker.is_empty();
        let mut done = 0;
        while let Some((key, payload)) = changes.next_if(|(key, _)| is_last || **key <= *node.last_key()) {
            let (at, found) = match node.search_from(done, &key) {
                Ok(at) => (at, true),
                Err(at) => (at, false),
            };
            let put = self.encode(&key, payload);
            if if put { found && self.entry == node.raw(at, at + 1) } else { !found } {
                continue;
            }
            self.copy(node, done, at, is_prefix);
            is_prefix = false;
            done = at + usize::from(found);
            if put {
                self.push_entry();
            }
        }
        if is_prefix {
            // Nothing was changed in this node, and it starts at a boundary.
            return;
        }
        self.copy(node, done, node.len(), false);
        self.consumed.push((Bytes::copy_from_slice(node.last_key()), hash));
    }

    /// Adds a change where no old entries are.
    fn append(&mut self, key: &[u8], payload: Option<Payload>) {
        if self.encode(key, payload) {
            self.push_entry();
        }
    }

    /// Encodes the entry at hand; false if there is none, because the change deletes.
    fn encode(&mut self, key: &[u8], payload: Option<Payload>) -> bool {
        self.entry.clear();
        match payload {
            None => return false,
            Some(Payload::Child(child)) => node::encode_child(key, &child, &mut self.entry),
            Some(Payload::Value(bytes)) if bytes.len() <= INLINE_VALUE_BYTES_MAX => {
                node::encode_value(key, &Value::Inline(bytes), &mut self.entry);
            }
            Some(Payload::Value(bytes)) => {
                assert!(bytes.len() <= VALUE_BYTES_MAX, "a value of {} bytes", bytes.len());
                let (hash, len) = (ValueHash::of(&bytes), bytes.len() as u32);
                node::encode_value(key, &Value::Outside { hash, len }, &mut self.entry);
                self.sink.value(hash, bytes);
            }
        }
        true
    }

    fn push_entry(&mut self) {
        if self.chunker.push(&self.entry) {
            self.close();
        }
    }

    /// Copies old entries.
    fn copy(&mut self, node: &Node, mut start: usize, end: usize, is_prefix: bool) {
        if is_prefix {
            // Only the last entry of a node can end it.
            start = end.min(node.len() - 1);
            self.chunker.push_prefix(node, start);
        }
        for index in start..end {
            if self.chunker.push(node.raw(index, index + 1)) {
                self.close();
            }
        }
    }

    /// Completes a node.
    fn close(&mut self) {
        let built = self.chunker.take();
        self.last = Some((built.child.hash, built.only));
        self.sink.node(built.child.hash, built.bytes);
        self.built.push((built.last_key, built.child));
    }

    /// Whether the level came out as it was.
    fn is_as_before(&self) -> bool {
        self.consumed.iter().map(|(_, hash)| hash).eq(self.built.iter().map(|(_, child)| &child.hash))
    }

    /// What changes on the level above: the merge of the nodes consumed and the nodes built.
    fn changes(self) -> Vec<(Bytes, Option<Payload>)> {
        let mut changes = Vec::with_capacity(self.built.len());
        let mut built = self.built.into_iter().peekable();
        for (key, hash) in self.consumed {
            while let Some((key, child)) = built.next_if(|(new, _)| *new < key) {
                changes.push((key, Some(Payload::Child(child))));
            }
            match built.next_if(|(new, _)| *new == key) {
                Some((_, child)) if child.hash == hash => {}
                Some((_, child)) => changes.push((key, Some(Payload::Child(child)))),
                None => changes.push((key, None)),
            }
        }
        changes.extend(built.map(|(key, child)| (key, Some(Payload::Child(child)))));
        changes
    }
}

/// The tree over the one node of a level: the lowest level with one node is the root's.
fn collapse(mut root: Child, mut level: u8, lasts: &[LastBuilt], nodes: &dyn Nodes) -> Result<Tree, ReadError> {
    while level > 0 {
        // If the one node of a level was built just now, it was built last; the sink may hold it, but `nodes` does not.
        let only = match &lasts[usize::from(level)] {
            Some((hash, only)) if *hash == root.hash => *only,
            _ => {
                let node = load(nodes, &root.hash, level)?;
                (node.len() == 1).then(|| node.child(0))
            }
        };
        let Some(child) = only else { break };
        root = child;
        level -= 1;
    }
    let Child { hash, weight } = root;
    Ok(Tree { node: Some(hash), height: level, entries: weight.entries, bytes: weight.bytes })
}
