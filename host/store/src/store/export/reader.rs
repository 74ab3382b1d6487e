//! Reads the items of a file, each checked before it is used.

use std::io::{self, BufReader, Read};

use super::base::{Base, Frozen};
use super::format::{ExportHeader, HEADER_BYTES, ITEM_HEAD_BYTES, Tag, damaged};
use super::parts::Incoming;
use super::walk::{Next, Place, Walk};
use crate::pack::CopyError;
use crate::store::export::ImportError;
use crate::tree::{NODE_BYTES_MAX, Node, NodeHash, ValueHash};

const BUFFER_BYTES: usize = 64 << 10;
/// What is read of a value at a time when it is only checked.
const PIECE_BYTES: usize = 64 << 10;

/// A file on its way in.
pub(super) struct Reading<'a, 'c> {
    walk: Walk,
    base: Option<Base<'a>>,
    /// Where what comes is kept; it is only checked if there is no such place.
    incoming: Option<&'a mut Incoming<'c>>,
    /// Where in the file.
    at: u64,
}

impl<'a, 'c> Reading<'a, 'c> {
    /// A position behind the header.
    pub(super) fn new(
        header: &ExportHeader,
        base: Option<&'a Frozen>,
        incoming: Option<&'a mut Incoming<'c>>,
    ) -> Reading<'a, 'c> {
        let (walk, base) = (Walk::new(&header.tree), base.map(Base::new));
        Reading { walk, base, incoming, at: HEADER_BYTES as u64 }
    }

    /// Where in the file the first item stands that is not there.
    pub(super) fn offset(mut self) -> Result<u64, ImportError> {
        while let Some(next) = self.walk.next() {
            if !self.pass(next)? {
                break;
            }
        }
        Ok(self.at)
    }

    /// Reads the file to its end from a source that starts at an offset: what comes before must be there.
    pub(super) fn read(mut self, offset: u64, source: &mut dyn Read) -> Result<(), ImportError> {
        let mut source = Source { inner: BufReader::with_capacity(BUFFER_BYTES, source), at: offset };
        while let Some(next) = self.walk.next() {
            if self.at < offset {
                let needed = self.at;
                if !self.pass(next)? {
                    return Err(ImportError::OtherOffset { given: offset, needed });
                }
                continue;
            }
            self.meet(offset, &source)?;
            match next {
                Next::Node(place) => self.node(place, &mut source)?,
                Next::Value { key, hash, len } => {
                    let is_held = self.base_has_value(&key, &hash)?;
                    self.value(is_held, hash, len, &mut source)?;
                }
            }
            self.at = source.at;
        }
        self.meet(offset, &source)?;
        source.tag(Tag::End)?;
        source.end()
    }

    /// Checks that the source goes on where the walk stands.
    fn meet(&self, offset: u64, source: &Source<'_>) -> Result<(), ImportError> {
        if self.at == source.at { Ok(()) } else { Err(ImportError::OtherOffset { given: offset, needed: self.at }) }
    }

    /// Goes past an item without the source; false if it is not there.
    fn pass(&mut self, next: Next) -> Result<bool, ImportError> {
        let bytes = match next {
            Next::Node(place) => {
                if self.base_has(&place)? {
                    self.at += 1;
                    return Ok(true);
                }
                let Some(incoming) = &self.incoming else { return Ok(false) };
                let Some(node) = incoming.node(&place.hash)? else { return Ok(false) };
                self.check(&place, &node)?;
                let bytes = node.encoded().len() as u64;
                self.walk.open(place, node);
                bytes
            }
            Next::Value { key, hash, len } => {
                if self.base_has_value(&key, &hash)? {
                    self.at += 1;
                    return Ok(true);
                }
                if self.incoming.as_ref().is_none_or(|incoming| !incoming.has_value(&hash)) {
                    return Ok(false);
                }
                u64::from(len)
            }
        };
        self.at += ITEM_HEAD_BYTES + bytes;
        Ok(true)
    }

    fn node(&mut self, place: Place, source: &mut Source<'_>) -> Result<(), ImportError> {
        if self.base_has(&place)? {
            return source.tag(Tag::Held);
        }
        let bytes = source.node(&place)?;
        let decoded = Node::decode(bytes.clone().into());
        let node = decoded.map_err(|error| ImportError::Invalid { offset: self.at, what: error.what })?;
        self.check(&place, &node)?;
        if let Some(incoming) = &mut self.incoming {
            incoming.put(place.hash, bytes)?;
        }
        self.walk.open(place, node.into());
        Ok(())
    }

    fn value(&mut self, is_held: bool, hash: ValueHash, len: u32, source: &mut Source<'_>) -> Result<(), ImportError> {
        if is_held {
            return source.tag(Tag::Held);
        }
        if source.head()? != len {
            return Err(damaged(self.at, "a value has not the length that its leaf names"));
        }
        let is_right = match &mut self.incoming {
            None => source.hash_value(len)? == hash,
            Some(incoming) => {
                let mut failed = None;
                let mut read = |piece: &mut [u8]| {
                    source.read(piece).map_err(|error| {
                        failed = Some(error);
                        io::ErrorKind::Other.into()
                    })
                };
                match incoming.copy_value(hash, len, &mut read)? {
                    Ok(()) => true,
                    Err(CopyError::Hash) => false,
                    Err(CopyError::Source(source)) => {
                        return Err(failed.unwrap_or(ImportError::Source { offset: self.at, source }));
                    }
                }
            }
        };
        if is_right { Ok(()) } else { Err(damaged(self.at, "a value does not have its hash")) }
    }

    /// Whether the base has a node; then it is one that may stand here.
    fn base_has(&mut self, place: &Place) -> Result<bool, ImportError> {
        let Some(base) = &mut self.base else { return Ok(false) };
        let Some(held) = base.find(place)? else { return Ok(false) };
        match base.check(place, &held)? {
            Ok(()) => Ok(true),
            Err(what) => Err(ImportError::Invalid { offset: self.at, what }),
        }
    }

    fn base_has_value(&mut self, key: &bytes::Bytes, hash: &ValueHash) -> Result<bool, ImportError> {
        let Some(base) = &mut self.base else { return Ok(false) };
        Ok(base.has_value(key, hash)?)
    }

    fn check(&self, place: &Place, node: &Node) -> Result<(), ImportError> {
        place.check(node).map_err(|what| ImportError::Invalid { offset: self.at, what })
    }
}

/// The bytes of a file from some offset on.
struct Source<'a> {
    inner: BufReader<&'a mut dyn Read>,
    at: u64,
}

impl Source<'_> {
    fn read(&mut self, mut out: &mut [u8]) -> Result<(), ImportError> {
        while !out.is_empty() {
            match self.inner.read(out) {
                Ok(0) => return Err(ImportError::Truncated { offset: self.at }),
                Ok(read) => {
                    self.at += read as u64;
                    out = &mut out[read..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(ImportError::Source { offset: self.at, source }),
            }
        }
        Ok(())
    }

    fn tag(&mut self, expected: Tag) -> Result<(), ImportError> {
        let offset = self.at;
        let mut tag = [0];
        self.read(&mut tag)?;
        let what = match expected {
            _ if tag[0] == expected as u8 => return Ok(()),
            Tag::Held => "no mark of what the receiver has, where it has it",
            Tag::Body => "no body, where one is needed",
            Tag::End => "no end, where nothing is left",
        };
        Err(damaged(offset, what))
    }

    /// The length of a body that follows. It is not checked yet.
    fn head(&mut self) -> Result<u32, ImportError> {
        self.tag(Tag::Body)?;
        let mut length = [0; 4];
        self.read(&mut length)?;
        Ok(u32::from_le_bytes(length))
    }

    fn node(&mut self, place: &Place) -> Result<Vec<u8>, ImportError> {
        let offset = self.at;
        let length = self.head()? as usize;
        if length > NODE_BYTES_MAX {
            return Err(damaged(offset, "a node is larger than any"));
        }
        let mut bytes = vec![0; length];
        self.read(&mut bytes)?;
        if NodeHash::of(place.level, &bytes) != place.hash {
            return Err(damaged(offset, "a node does not have its hash"));
        }
        Ok(bytes)
    }

    fn hash_value(&mut self, len: u32) -> Result<ValueHash, ImportError> {
        let mut hasher = ValueHash::hasher();
        let mut piece = vec![0; PIECE_BYTES.min(len as usize)];
        let mut left = len as usize;
        while left > 0 {
            let length = piece.len().min(left);
            self.read(&mut piece[..length])?;
            hasher.update(&piece[..length]);
            left -= length;
        }
        Ok(ValueHash(hasher.finalize().into()))
    }

    fn end(&mut self) -> Result<(), ImportError> {
        let offset = self.at;
        match self.read(&mut [0]) {
            Err(ImportError::Truncated { .. }) => Ok(()),
            Err(error) => Err(error),
            Ok(()) => Err(damaged(offset, "bytes follow its end")),
        }
    }
}
