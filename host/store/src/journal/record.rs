//! The records of a batch. Their frame is drawn in [`format`](super::format); their bodies are postcard.

use std::borrow::Cow;
use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::format::{Hash, RECORD_HEADER_BYTES, array_at, u32_at, u64_at};
use crate::pack::PackId;
use crate::store::{CommitNumber, StateId, WriterEpoch, Writes};
use crate::tree::Tree;

/// What kind of record a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Manifest = 1,
    Own = 2,
    Commit = 3,
    Checkpoint = 4,
    PackDrop = 5,
    Close = 6,
}

impl Kind {
    /// The version of the body that this release writes. It reads all earlier ones.
    fn version(self) -> u8 {
        match self {
            Kind::Manifest | Kind::Checkpoint | Kind::PackDrop => 2,
            Kind::Own | Kind::Commit | Kind::Close => 1,
        }
    }
}

/// A record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Record<'a> {
    Manifest(Anchor),
    Own(Own),
    Commit(Vec<Part<'a>>),
    Checkpoint(Anchor),
    PackDrop(PackDrop),
    Close,
}

/// Where replay starts: state 0's checkpoint. A Checkpoint makes it, the Manifest of every later segment repeats it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Anchor {
    /// The last commit that the trees hold; replay starts at the next one.
    pub(crate) commit: CommitNumber,
    /// No segment before this one is needed for replay.
    pub(crate) replay_segment: u64,
    /// The catalog's tree. It leads to the trees of all other states.
    pub(crate) catalog: Header,
    /// The highest owner epoch so far.
    pub(crate) owner_epoch: u64,
    /// The least state id that was never used.
    pub(crate) next_state: u64,
    /// Every pack that is needed.
    pub(crate) packs: Vec<PackId>,
    /// Of what earlier checkpoints lead to, parts may be gone. Version 1 ends before this: no earlier one was kept.
    pub(crate) kept_from: CommitNumber,
}

/// What the catalog keeps about a state at its checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) tree: Tree,
    pub(crate) epoch: WriterEpoch,
    /// How many commits changed the state.
    pub(crate) commits: u64,
    /// The last of them.
    pub(crate) last: CommitNumber,
    /// The tree holds everything up to this commit.
    pub(crate) held: CommitNumber,
}

/// A process took the data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Own {
    pub(crate) owner_epoch: u64,
}

/// Packs that nothing needs any more. Their files are removed once this record is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PackDrop {
    /// The pack that holds what the dropped ones still had.
    pub(crate) added: Option<PackId>,
    pub(crate) dropped: Vec<PackId>,
    /// What checkpoints before this commit alone lead to may be gone with them. Version 1 ends before this.
    pub(crate) kept_from: CommitNumber,
}

/// One change of a commit, with the version that the state has after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part<'a, O = Ops<'a>> {
    /// Commits that changed the state, this one included. First and of fixed width: it is known last.
    #[serde(with = "postcard::fixint::le")]
    pub(crate) version: u64,
    /// What changed.
    #[serde(borrow, bound(deserialize = "O: Deserialize<'de>"))]
    pub(crate) what: What<'a, O>,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What<'a, O = Ops<'a>> {
    Create {
        state: StateId,
    },
    Write {
        state: StateId,
        epoch: WriterEpoch,
        ops: O,
    },
    Fork {
        from: StateId,
        to: StateId,
    },
    Fence {
        state: StateId,
        epoch: WriterEpoch,
    },
    Remove {
        state: StateId,
    },
    WritePacked {
        state: StateId,
        epoch: WriterEpoch,
        blob: Blob,
    },
    Snapshot {
        state: StateId,
        to: StateId,
        name: &'a str,
    },
    /// A state of a tree that is there already. The packs are new: what of the tree was not in the store lies in them.
    Adopt {
        state: StateId,
        tree: Tree,
        packs: Vec<PackId>,
    },
    Clear {
        state: StateId,
        epoch: WriterEpoch,
        from: &'a [u8],
        to: Option<&'a [u8]>,
    },
}

impl What<'_> {
    /// The state that comes to be, changes or goes.
    pub(crate) fn state(&self) -> StateId {
        match *self {
            What::Fork { to, .. } | What::Snapshot { to, .. } => to,
            What::Create { state }
            | What::Write { state, .. }
            | What::Clear { state, .. }
            | What::Fence { state, .. }
            | What::Remove { state }
            | What::WritePacked { state, .. }
            | What::Adopt { state, .. } => state,
        }
    }

    /// The state that it starts from.
    pub(crate) fn origin(&self) -> Option<StateId> {
        match *self {
            What::Fork { from: state, .. } | What::Snapshot { state, .. } => Some(state),
            _ => None,
        }
    }

    /// The states that the change names.
    pub(crate) fn states(&self) -> impl Iterator<Item = StateId> {
        self.origin().into_iter().chain([self.state()])
    }
}

/// Ops that lie in a pack because they do not fit a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blob {
    pub(crate) pack: PackId,
    pub(crate) hash: Hash,
    pub(crate) bytes: u64,
}

/// Writes as they are stored: a sequence of keys with a value, or none for a removed key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Ops<'a>(#[serde(borrow)] pub(crate) Vec<(&'a [u8], Option<&'a [u8]>)>);

impl Serialize for Ops<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(key, value)| (Raw(key), value.map(Raw))))
    }
}

/// Writes that are passed over.
struct Passed;

impl<'de> Deserialize<'de> for Passed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Passed, D::Error> {
        deserializer.deserialize_seq(Passed)
    }
}

impl<'de> Visitor<'de> for Passed {
    type Value = Passed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("writes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut writes: A) -> Result<Passed, A::Error> {
        while writes.next_element::<(&[u8], Option<&[u8]>)>()?.is_some() {}
        Ok(Passed)
    }
}

/// Bytes, written in one piece instead of one by one; the form on disk is the same.
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// A record as it lies in a batch: its kind and body, and the number of the commit it is, or comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: Kind,
    pub(crate) number: CommitNumber,
    version: u8,
    pub(crate) body: &'a [u8],
}

/// Why bytes with the right hash are no record: this release cannot have written them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct RecordError(pub(crate) String);

impl RecordError {
    fn new(what: impl Into<String>) -> RecordError {
        RecordError(what.into())
    }
}

impl<'a> Frame<'a> {
    /// Takes the first frame off `rest`.
    pub(crate) fn take(rest: &mut &'a [u8]) -> Result<Frame<'a>, RecordError> {
        let bytes = *rest;
        if bytes.len() < RECORD_HEADER_BYTES {
            return Err(RecordError::new("a record is cut off"));
        }
        let length = u32_at(bytes, 0) as usize;
        let Some(body) = bytes[RECORD_HEADER_BYTES..].get(..length) else {
            return Err(RecordError::new("a record is longer than its batch"));
        };
        let kind = match bytes[4] {
            1 => Kind::Manifest,
            2 => Kind::Own,
            3 => Kind::Commit,
            4 => Kind::Checkpoint,
            5 => Kind::PackDrop,
            6 => Kind::Close,
            other => return Err(RecordError::new(format!("a record has the unknown kind {other}"))),
        };
        let version = bytes[5];
        if version == 0 || version > kind.version() || array_at::<2>(bytes, 6) != [0; 2] {
            return Err(RecordError::new(format!("a record has the unknown version {version}")));
        }
        *rest = &bytes[RECORD_HEADER_BYTES + length..];
        Ok(Frame { kind, number: CommitNumber(u64_at(bytes, 8)), version, body })
    }

    /// The packs that a commit names: its writes lie in them, or trees that it adopts.
    pub(crate) fn packs(&self) -> Result<Vec<PackId>, RecordError> {
        if self.kind != Kind::Commit {
            return Ok(Vec::new());
        }
        let parts: Vec<Part<'_, Passed>> = from_body(self.body)?;
        let packs = parts.into_iter().flat_map(|part| match part.what {
            What::WritePacked { blob, .. } => vec![blob.pack],
            What::Adopt { packs, .. } => packs,
            _ => Vec::new(),
        });
        Ok(packs.collect())
    }

    /// Reads the body.
    pub(crate) fn record(&self) -> Result<Record<'a>, RecordError> {
        Ok(match self.kind {
            Kind::Manifest => Record::Manifest(self.anchor()?),
            Kind::Own => Record::Own(from_body(self.body)?),
            Kind::Commit => Record::Commit(from_body(self.body)?),
            Kind::Checkpoint => Record::Checkpoint(self.anchor()?),
            Kind::PackDrop => Record::PackDrop(from_body(&self.current_body())?),
            Kind::Close if self.body.is_empty() => Record::Close,
            Kind::Close => return Err(RecordError::new("a close record has a body")),
        })
    }

    fn anchor(&self) -> Result<Anchor, RecordError> {
        let anchor: Anchor = from_body(&self.current_body())?;
        Ok(Anchor { kept_from: if self.version == 1 { anchor.commit } else { anchor.kept_from }, ..anchor })
    }

    /// The body of a record that ends with a number since version 2, as of that version.
    fn current_body(&self) -> Cow<'a, [u8]> {
        if self.version == 1 { [self.body, &[0]].concat().into() } else { self.body.into() }
    }
}

fn from_body<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, RecordError> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(RecordError::new("a record has bytes after its end")),
        Err(error) => Err(RecordError::new(format!("a record does not decode: {error}"))),
    }
}

/// Reads ops that were stored in a pack.
pub(crate) fn ops_from_blob(blob: &[u8]) -> Result<Ops<'_>, RecordError> {
    from_body(blob)
}

/// Writes ops as a pack stores them.
pub(crate) fn ops_to_blob(writes: &Writes) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, &Ops::of(writes));
    out
}

impl<'a> Ops<'a> {
    /// The ops of some writes, borrowed.
    pub(crate) fn of(writes: &'a Writes) -> Ops<'a> {
        Ops(writes.iter().map(|(key, value)| (key.as_ref(), value.as_deref())).collect())
    }
}

/// A record that is no commit, framed.
pub(crate) fn encode(kind: Kind, number: CommitNumber, body: &impl Serialize) -> Vec<u8> {
    let mut out = frame_header(kind, number);
    write(&mut out, body);
    finish_frame(&mut out);
    out
}

/// A close record, framed.
pub(crate) fn encode_close(number: CommitNumber) -> Vec<u8> {
    frame_header(Kind::Close, number)
}

/// A commit record, framed. Its number and its versions are filled in once it is ordered.
#[derive(Debug)]
pub(crate) struct EncodedCommit {
    bytes: Vec<u8>,
    versions: Vec<usize>,
}

impl EncodedCommit {
    pub(crate) fn new(changes: &[What<'_>]) -> EncodedCommit {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&frame_header(Kind::Commit, CommitNumber(0)));
        write(&mut bytes, &(changes.len() as u64));
        let mut versions = Vec::with_capacity(changes.len());
        for what in changes {
            versions.push(bytes.len());
            bytes.extend_from_slice(&[0; 8]);
            write(&mut bytes, what);
        }
        finish_frame(&mut bytes);
        EncodedCommit { bytes, versions }
    }

    /// Bytes of the record, frame included.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Fills in the commit's number.
    pub(crate) fn set_number(&mut self, number: CommitNumber) {
        self.bytes[8..16].copy_from_slice(&number.0.to_le_bytes());
    }

    /// Fills in the version that the state of one part has after it.
    pub(crate) fn set_version(&mut self, part: usize, version: u64) {
        let at = self.versions[part];
        self.bytes[at..at + 8].copy_from_slice(&version.to_le_bytes());
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn frame_header(kind: Kind, number: CommitNumber) -> Vec<u8> {
    let mut out = vec![0; RECORD_HEADER_BYTES];
    out[4] = kind as u8;
    out[5] = kind.version();
    out[8..16].copy_from_slice(&number.0.to_le_bytes());
    out
}

fn finish_frame(out: &mut [u8]) {
    let length = (out.len() - RECORD_HEADER_BYTES) as u32;
    out[0..4].copy_from_slice(&length.to_le_bytes());
}

/// Appends a value in postcard's form.
fn write(out: &mut Vec<u8>, value: &impl Serialize) {
    postcard::to_io(value, out).expect("postcard writes every type of a record to memory");
}
