//! Reads one pack: footer and index when it is opened, bodies when they are asked for, each checked against its hash.

use std::io;

use bytes::Bytes;

use super::PackId;
use super::format::{FOOTER_BYTES, Footer, FormatError, HEADER_BYTES, Index, Item, Kind};
use crate::disk::{Disk, File, Mode};
use crate::error::ReadError;
use crate::planted::{Bug, planted};
use crate::tree::{GROUP_BYTES, Node, NodeError, ValueHash, hex};

/// An open pack.
pub(crate) struct Pack {
    id: PackId,
    path: String,
    file: Box<dyn File>,
    file_bytes: u64,
    index_offset: u64,
    index: Index,
}

impl Pack {
    /// Opens a pack. Of its bodies nothing is read.
    pub(crate) fn open(disk: &dyn Disk, id: PackId) -> Result<Pack, ReadError> {
        let path = id.path();
        let io = |source| ReadError::Io { path: path.clone(), source };
        let damaged = |error: FormatError| damaged(&path, error.offset, error.what);
        let file = disk.open(&path, Mode::Read).map_err(io)?;
        let file_bytes = file.len().map_err(io)?;
        if file_bytes < HEADER_BYTES as u64 + Index::bytes_of(0) + FOOTER_BYTES as u64 {
            return Err(damaged(FormatError { offset: file_bytes, what: "it is shorter than any pack" }));
        }
        let (mut head, mut foot) = ([0; HEADER_BYTES], [0; FOOTER_BYTES]);
        file.read_exact_at(0, &mut head).map_err(io)?;
        file.read_exact_at(file_bytes - FOOTER_BYTES as u64, &mut foot).map_err(io)?;
        let footer = Footer::decode(id, &head, &foot, file_bytes).map_err(damaged)?;
        // The footer was checked against the file's length, so this allocates no more than the file has.
        let index_bytes =
            usize::try_from(Index::bytes_of(footer.items)).map_err(|error| io(io::Error::other(error)))?;
        let mut index = vec![0; index_bytes];
        file.read_exact_at(footer.index_offset, &mut index).map_err(io)?;
        let index = Index::decode(index, &footer).map_err(damaged)?;
        let index_offset = footer.index_offset;
        Ok(Pack { id, path, file, file_bytes, index_offset, index })
    }

    /// What is left of a damaged pack: the index leads to nothing but what was checked.
    pub(super) fn salvaged(id: PackId, file: Box<dyn File>, file_bytes: u64, index: Index) -> Pack {
        Pack { id, path: id.path(), file, file_bytes, index_offset: file_bytes, index }
    }

    /// The pack's name.
    pub(crate) fn id(&self) -> PackId {
        self.id
    }

    /// The size of the file.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// The index.
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// Reads a body and checks it.
    pub(crate) fn read(&self, item: &Item) -> Result<Bytes, ReadError> {
        let mut body = vec![0; item.length as usize];
        self.read_part(item, 0, &mut body)?;
        if item.kind.hash(&body) != item.hash && !planted(Bug::HashNotChecked) {
            return Err(self.damaged_item(item, "does not have its hash"));
        }
        Ok(body.into())
    }

    /// Checks a value without holding it whole.
    fn check_value(&self, item: &Item) -> Result<(), ReadError> {
        let mut hasher = ValueHash::hasher();
        let mut group = vec![0; GROUP_BYTES.min(item.length as usize)];
        let mut start = 0;
        while start < u64::from(item.length) {
            let length = group.len().min((u64::from(item.length) - start) as usize);
            self.read_part(item, start, &mut group[..length])?;
            hasher.update(&group[..length]);
            start += length as u64;
        }
        if *hasher.finalize().as_bytes() == item.hash {
            Ok(())
        } else {
            Err(self.damaged_item(item, "does not have its hash"))
        }
    }

    /// Reads a part of a body, unchecked.
    pub(super) fn read_part(&self, item: &Item, start: u64, out: &mut [u8]) -> Result<(), ReadError> {
        debug_assert!(start + out.len() as u64 <= u64::from(item.length));
        let read = self.file.read_exact_at(item.offset + start, out);
        read.map_err(|source| ReadError::Io { path: self.path.clone(), source })
    }

    /// The error that says what is wrong with a body.
    pub(super) fn damaged_item(&self, item: &Item, what: &str) -> ReadError {
        damaged(&self.path, item.offset, format!("the {} {} {what}", item.kind.name(), hex(&item.hash)))
    }

    /// Reads a node, checks and decodes it.
    pub(crate) fn read_node(&self, item: &Item) -> Result<Node, ReadError> {
        let fail = |error: NodeError| {
            let what = format!("the node {}: {}", hex(&item.hash), error.what);
            damaged(&self.path, item.offset + error.offset as u64, what)
        };
        let node = Node::decode(self.read(item)?).map_err(fail)?;
        match (item.kind, node.level()) {
            (Kind::Leaf, 0) | (Kind::Inner, 1..) => Ok(node),
            _ => Err(fail(NodeError { offset: 3, what: "its level is not that of its kind" })),
        }
    }
}

/// Reads every byte of a pack, open or not, and names all damage. `progress` is told how many bytes were read since the
/// last time.
pub(crate) fn verify_pack(disk: &dyn Disk, id: PackId, progress: &mut dyn FnMut(u64)) -> Vec<ReadError> {
    match Pack::open(disk, id) {
        Ok(pack) => verify_open_pack(&pack, progress),
        Err(error) => vec![error],
    }
}

/// The same for the bodies of a pack whose index was read.
pub(super) fn verify_open_pack(pack: &Pack, progress: &mut dyn FnMut(u64)) -> Vec<ReadError> {
    progress(pack.file_bytes - pack.index_offset + HEADER_BYTES as u64);
    let mut damage = vec![];
    let mut items: Vec<Item> = pack.index.iter().collect();
    items.sort_by_key(|item| (item.offset, item.length));
    let mut end = HEADER_BYTES as u64;
    for item in &items {
        if item.offset != end {
            damage.push(damaged(&pack.path, end.min(item.offset), "its bodies overlap or leave a gap"));
        }
        end = item.offset + u64::from(item.length);
        let checked = match item.kind {
            Kind::Leaf | Kind::Inner => pack.read_node(item).map(drop),
            Kind::Value => pack.check_value(item),
            Kind::Blob => pack.read(item).map(drop),
        };
        damage.extend(checked.err());
        progress(u64::from(item.length));
    }
    if end != pack.index_offset {
        damage.push(damaged(&pack.path, end, "its bodies overlap or leave a gap"));
    }
    damage
}

fn damaged(path: &str, offset: u64, what: impl Into<String>) -> ReadError {
    ReadError::Damaged { path: path.to_owned(), offset, what: what.into() }
}
