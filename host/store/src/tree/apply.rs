//! Applies a batch of changes, level by level.
//!
//! On each level: go to the old node that holds the first change and start a fresh chunker there, for its start is a
//! boundary. Merge old entries and changes into the chunker. Where it stands at a boundary just as an old node ends, all
//! that follows is cut as before, up to the node of the next change. The nodes consumed and the nodes built are the
//! changes of the level above. The level that comes out with one node is the root.
//!
//! Where a range is cleared, only the nodes that hold its ends are read: from the one go straight to the other. For the
//! level above, what was passed over is a range again.
//!
//! The chunker is a function of the entries since the last boundary, so what comes out is what a tree built from scratch
//! would be.

use std::iter::Peekable;
use std::ops::Range;

use bytes::Bytes;

use super::chunker::Chunker;
use super::cursor::Cursor;
use super::node::{self, Child, INLINE_VALUE_BYTES_MAX, Node, Value};
use super::ranges::Ranges;
use super::root::{NodeHash, ValueHash};
use super::{NodeSink, Nodes, Tree, load};
use crate::error::ReadError;
use crate::limits::VALUE_BYTES_MAX;

impl Tree {
    /// The tree without the entries in `cleared`, and then after some changes: a value under a key, or none. New nodes and
    /// values go to the sink; a few of them may be in the old tree, or in no tree. What is cleared is not read but at the
    /// ends of each range.
    ///
    /// # Panics
    /// If keys do not ascend strictly, or a key or value is larger than [`crate::limits`] allows.
    pub(crate) fn apply(
        &self,
        nodes: &dyn Nodes,
        cleared: &Ranges,
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
        let mut rebuilt = Rebuilt::new(self, level, nodes, cleared, changes, sink)?;
        let mut lasts = vec![];
        loop {
            if rebuilt.is_as_before() {
                return Ok(*self);
            }
            lasts.push(rebuilt.last);
            let (cleared, changes) = if self.node.is_some() && level < self.height {
                rebuilt.changes()
            } else {
                // Nothing is left of the old level, so what was built is all of it.
                match rebuilt.built.as_slice() {
                    [] => return Ok(Tree::EMPTY),
                    [(_, root)] => return collapse(*root, level, &lasts, nodes),
                    _ => (Ranges::new(), rebuilt.built.into_iter().map(put_child).collect()),
                }
            };
            level += 1;
            rebuilt = Rebuilt::new(self, level, nodes, &cleared, changes.into_iter(), sink)?;
        }
    }
}

/// What stands under a key on some level.
enum Payload {
    Value(Bytes),
    Child(Child),
}

/// What happens to a key of some level.
type LevelChange = (Bytes, Option<Payload>);

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
    /// The last keys of more old nodes that are replaced, most of them unread.
    passed_over: Ranges,
    /// The nodes that replace them, by their last keys.
    built: Vec<(Bytes, Child)>,
    last: LastBuilt,
}

/// What is still to be done on a level.
struct Pending<C: Iterator, R: Iterator> {
    /// Ranges whose old entries go.
    cleared: Peekable<R>,
    /// What comes after that.
    changes: Peekable<C>,
}

/// Where the work goes on after a node.
enum Next {
    /// At the node behind it, if a chunk is open.
    Behind,
    /// At the node that holds this key; at the last if there is no such node or no key. What lies between goes.
    At(Option<Bytes>),
}

impl<'a> Rebuilt<'a> {
    /// Applies changes to one level of a tree.
    fn new(
        tree: &Tree,
        level: u8,
        nodes: &dyn Nodes,
        cleared: &Ranges,
        changes: impl Iterator<Item = LevelChange>,
        sink: &'a mut dyn NodeSink,
    ) -> Result<Rebuilt<'a>, ReadError> {
        let cleared = cleared.iter().map(|(from, to)| (from.clone(), to.cloned()));
        let mut pending = Pending { cleared: cleared.peekable(), changes: changes.peekable() };
        let mut this = Rebuilt {
            chunker: Chunker::new(level),
            sink,
            entry: vec![],
            consumed: vec![],
            passed_over: Ranges::new(),
            built: vec![],
            last: None,
        };
        match Cursor::new(tree, level, nodes) {
            None => pending.changes.for_each(|(key, payload)| this.append(&key, payload)),
            Some(mut cursor) => {
                while let Some(key) = pending.next_key() {
                    let mut here = Some(cursor.seek(Some(key))?);
                    while let Some((hash, node)) = here {
                        here = match this.merge(hash, &node, cursor.is_last(), &mut pending) {
                            Next::Behind if this.chunker.is_empty() => None,
                            Next::Behind => cursor.next()?,
                            Next::At(key) => {
                                let (hash, there) = cursor.seek(key.as_deref())?;
                                this.passed_over.insert(last_key(&node), Some(last_key(&there)));
                                Some((hash, there))
                            }
                        };
                    }
                }
            }
        }
        if !this.chunker.is_empty() {
            this.close();
        }
        Ok(this)
    }

    /// Merges an old node with what is to be done up to its last key; with all that is left, if it is the last node.
    fn merge(
        &mut self,
        hash: NodeHash,
        node: &Node,
        is_last: bool,
        pending: &mut Pending<impl Iterator<Item = LevelChange>, impl Iterator<Item = (Bytes, Option<Bytes>)>>,
    ) -> Next {
        let (gaps, next) = pending.gaps(node, is_last);
        // Whether the chunk so far is how the node starts, and how many of the node's entries were dealt with.
        let mut is_prefix = self.chunker.is_empty();
        let mut done = 0;
        while let Some((key, payload)) = pending.changes.next_if(|(key, _)| is_last || **key <= *node.last_key()) {
            let (at, stands) = match node.search_from(done, &key) {
                Ok(at) => (at, true),
                Err(at) => (at, false),
            };
            let found = stands && !gaps.iter().any(|gap| gap.contains(&at));
            let put = self.encode(&key, payload);
            if if put { found && self.entry == node.raw(at, at + 1) } else { !found } {
                continue;
            }
            self.copy(node, done..at, &gaps, is_prefix);
            is_prefix = false;
            done = at + usize::from(stands);
            if put {
                self.push_entry();
            }
        }
        if is_prefix && gaps.is_empty() {
            // Nothing was changed in this node, and it starts at a boundary.
            return next;
        }
        self.copy(node, done..node.len(), &gaps, is_prefix);
        if let Next::Behind = next {
            self.consumed.push((last_key(node), hash));
        }
        next
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

    /// Copies old entries but those in the gaps.
    fn copy(&mut self, node: &Node, entries: Range<usize>, gaps: &[Range<usize>], mut is_prefix: bool) {
        let mut start = entries.start;
        for gap in gaps.iter().filter(|gap| gap.end > entries.start && gap.start < entries.end) {
            self.copy_run(node, start..gap.start.max(start), is_prefix);
            (start, is_prefix) = (gap.end, false);
        }
        self.copy_run(node, start..entries.end, is_prefix);
    }

    /// Copies neighbouring old entries.
    fn copy_run(&mut self, node: &Node, entries: Range<usize>, is_prefix: bool) {
        let Range { mut start, end } = entries;
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

    /// Whether the level came out as it was, as far as that is known.
    fn is_as_before(&self) -> bool {
        let consumed = self.consumed.iter().map(|(_, hash)| hash);
        self.passed_over.is_empty() && consumed.eq(self.built.iter().map(|(_, child)| &child.hash))
    }

    /// What changes on the level above: what was passed over goes, and then the merge of the nodes consumed and the nodes
    /// built.
    fn changes(self) -> (Ranges, Vec<LevelChange>) {
        let mut changes = Vec::with_capacity(self.built.len());
        let mut built = self.built.into_iter().peekable();
        for (key, hash) in self.consumed {
            while let Some(new) = built.next_if(|(new, _)| *new < key) {
                changes.push(put_child(new));
            }
            match built.next_if(|(new, _)| *new == key) {
                Some((_, child)) if child.hash == hash => {}
                Some(new) => changes.push(put_child(new)),
                None => changes.push((key, None)),
            }
        }
        changes.extend(built.map(put_child));
        (self.passed_over, changes)
    }
}

impl<C, R> Pending<C, R>
where
    C: Iterator<Item = LevelChange>,
    R: Iterator<Item = (Bytes, Option<Bytes>)>,
{
    /// Where the next thing is to be done.
    fn next_key(&mut self) -> Option<&[u8]> {
        let cleared = self.cleared.peek().map(|(from, _)| from);
        let changed = self.changes.peek().map(|(key, _)| key);
        cleared.into_iter().chain(changed).min().map(|key| &**key)
    }

    /// The entries of a node that go, and where the work goes on. A range that reaches beyond the node stays pending.
    fn gaps(&mut self, node: &Node, is_last: bool) -> (Vec<Range<usize>>, Next) {
        let mut gaps = vec![];
        while let Some((from, to)) = self.cleared.peek()
            && (is_last || **from <= *node.last_key())
        {
            let ends_here = to.as_ref().is_some_and(|to| **to <= *node.last_key());
            let end = to.as_ref().map_or(node.len(), |to| node.lower_bound(to));
            let gap = node.lower_bound(from)..end;
            if !gap.is_empty() {
                gaps.push(gap);
            }
            if !ends_here && !is_last {
                return (gaps, Next::At(to.clone()));
            }
            self.cleared.next();
        }
        (gaps, Next::Behind)
    }
}

fn put_child((key, child): (Bytes, Child)) -> LevelChange {
    (key, Some(Payload::Child(child)))
}

fn last_key(node: &Node) -> Bytes {
    Bytes::copy_from_slice(node.last_key())
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
