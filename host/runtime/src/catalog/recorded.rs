//! Calls that are kept for rehearsals, as records.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use stead_schema::Value;

use super::{PluginId, Record};
use crate::plugin::CallId;

/// Which calls of a plugin are recorded; there is none where none are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordingRecord {
    pub(crate) plugin: PluginId,
    /// This many, and the oldest leave.
    pub(crate) last: u64,
    /// No more bytes than this, and the oldest leave.
    pub(crate) bytes_max: u64,
    /// Since when, in milliseconds since 1970.
    pub(crate) since_ms: u64,
}

/// A call as it was made and as it ended. What its caller holds is borrowed to be written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CallRecord<'a> {
    /// As the caller wrote it: what it means to another version is for that version to say.
    pub(crate) function: Cow<'a, str>,
    pub(crate) args: RecordedArgs<'a>,
    pub(crate) id: Option<Cow<'a, CallId>>,
    /// It promised not to write.
    pub(crate) read: bool,
    /// The version that answered it.
    pub(crate) generation: u64,
    /// When it began, in milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// How long it ran, in microseconds.
    pub(crate) took_us: u64,
    pub(crate) end: RecordedEnd<'a>,
}

/// The arguments of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum RecordedArgs<'a> {
    Kept(Cow<'a, [Value]>),
    /// They are larger than [`crate::limits::RECORDED_ARGUMENTS_BYTES_MAX`].
    TooLarge {
        bytes: u64,
    },
}

/// How a call ended. Of a value only the digest is kept: it tells as well whether a rehearsal finds the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum RecordedEnd<'a> {
    Returned {
        digest: [u8; 32],
    },
    Failed {
        digest: [u8; 32],
    },
    /// The word for what cut it short.
    Trapped {
        kind: Cow<'a, str>,
    },
}

impl Record for RecordingRecord {}
impl Record for CallRecord<'_> {}
