//! Writes a state to a file.

use std::io::{BufWriter, Write};

use super::base::{Base, Frozen};
use super::format::{ExportHeader, Tag};
use super::walk::{Next, Walk};
use crate::error::ReadError;
use crate::store::View;
use crate::store::export::ExportError;
use crate::tree::{Node, Root};

/// Collected before it is handed on.
const BUFFER_BYTES: usize = 64 << 10;

/// What an export wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// The root of the state.
    pub root: Root,
    /// The root that the receiver must have, if the file is incremental.
    pub base: Option<Root>,
    /// Entries of the state.
    pub entries: u64,
    /// Tree nodes in the file.
    pub nodes: u64,
    /// Values in the file that lie outside their leaves.
    pub values: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

impl View {
    /// Writes the state to one file that verifies itself; [`Store::import`](crate::Store::import) makes a state of it,
    /// in any store. The file depends on the entries alone. It is streamed: of the state, no more than a node or a piece
    /// of a value is held, beside what no checkpoint wrote yet and 32 bytes for each value that lies outside its leaf.
    pub fn export(&self, out: &mut dyn Write) -> Result<Exported, ExportError> {
        write(&Frozen::of(self)?, None, out)
    }

    /// The same for a receiver that has a state with the root of `base`: only what differs is read and written.
    pub fn export_since(&self, base: &View, out: &mut dyn Write) -> Result<Exported, ExportError> {
        write(&Frozen::of(self)?, Some(&Frozen::of(base)?), out)
    }
}

fn write(state: &Frozen, base: Option<&Frozen>, out: &mut dyn Write) -> Result<Exported, ExportError> {
    let header = ExportHeader { base: base.map(|base| base.tree.root()), tree: state.tree };
    let exported =
        Exported { root: header.root(), base: header.base, entries: state.tree.entries, nodes: 0, values: 0, bytes: 0 };
    let mut items = Items { out: BufWriter::with_capacity(BUFFER_BYTES, out), exported };
    items.write(&header.encode())?;
    let mut base = base.map(Base::new);
    let mut walk = Walk::new(&state.tree);
    while let Some(next) = walk.next() {
        match next {
            Next::Node(place) => {
                if let Some(base) = &mut base
                    && base.find(&place)?.is_some()
                {
                    items.write(&[Tag::Held as u8])?;
                    continue;
                }
                let node = state.nodes.node(&place.hash)?;
                items.node(&node)?;
                walk.open(place, node);
            }
            Next::Value { key, hash, len } => {
                if let Some(base) = &mut base
                    && base.has_value(&key, &hash)?
                {
                    items.write(&[Tag::Held as u8])?;
                    continue;
                }
                items.value(len, |take| state.nodes.value_in_pieces(&hash, len, take))?;
            }
        }
    }
    items.write(&[Tag::End as u8])?;
    items.out.flush().map_err(|source| ExportError::Write { source })?;
    Ok(items.exported)
}

/// The file in the making.
struct Items<'a> {
    out: BufWriter<&'a mut dyn Write>,
    exported: Exported,
}

impl Items<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        self.exported.bytes += bytes.len() as u64;
        self.out.write_all(bytes).map_err(|source| ExportError::Write { source })
    }

    fn head(&mut self, length: u32) -> Result<(), ExportError> {
        self.write(&[Tag::Body as u8])?;
        self.write(&length.to_le_bytes())
    }

    fn node(&mut self, node: &Node) -> Result<(), ExportError> {
        self.exported.nodes += 1;
        self.head(node.encoded().len() as u32)?;
        self.write(node.encoded())
    }

    fn value(
        &mut self,
        len: u32,
        read: impl FnOnce(&mut dyn FnMut(&[u8]) -> bool) -> Result<(), ReadError>,
    ) -> Result<(), ExportError> {
        self.exported.values += 1;
        self.head(len)?;
        let mut written = Ok(());
        read(&mut |piece| {
            written = self.write(piece);
            written.is_ok()
        })?;
        written
    }
}
