//! Calls that are kept so that a rehearsal can make them again: each is recorded in the commit of its own writes, and the
//! oldest leave in the same commit.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use stead_store::{Change, CommitError, StateId, Ticket, Writes};

use super::asked::digest;
use super::{Call, Plugin, now_ms};
use crate::catalog::{self, CallRecord, Catalog, End, Key, PluginId, RecordedArgs, RecordedEnd, RecordingRecord};
use crate::error::{HostError, RecordError};
use crate::host::Shared;
use crate::limits::{RECORDED_ARGUMENTS_BYTES_MAX, RECORDED_BYTES_DEFAULT, RECORDED_BYTES_MAX, RECORDED_CALLS_MAX};

/// Which calls are to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordOptions {
    /// This many; the oldest leave. At most [`RECORDED_CALLS_MAX`].
    pub last: u64,
    /// No more bytes than this; the oldest leave. `None` is [`RECORDED_BYTES_DEFAULT`].
    pub bytes: Option<u64>,
}

/// Which calls of a plugin are recorded, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// So many are kept.
    pub last: u64,
    /// So many bytes are kept.
    pub bytes_max: u64,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// Calls that there are.
    pub calls: u64,
    /// Bytes that they take.
    pub bytes: u64,
}

/// Where a plugin's calls are recorded, if they are.
#[derive(Default)]
pub(super) struct Recorder {
    /// Whether there is a tape: what every call looks at.
    is_on: AtomicBool,
    tape: Mutex<Option<Tape>>,
}

/// What is known of the recorded calls without reading them.
struct Tape {
    setting: RecordingRecord,
    next: u64,
    /// Number and size of each, the oldest first.
    calls: VecDeque<(u64, u32)>,
    bytes: u64,
}

/// What one commit does to a tape.
struct Step {
    added: Option<(u64, u32)>,
    leaving: usize,
}

/// How a call went, for its record.
pub(super) struct Made<'a> {
    pub(super) call: &'a Call,
    pub(super) generation: u64,
    pub(super) took: Duration,
    pub(super) end: &'a End,
}

impl Plugin {
    /// Commits a call, together with its record if calls are recorded. The only place where a call commits.
    pub(super) fn commit_call(
        &self,
        host: &Shared,
        changes: Vec<Change>,
        mut records: Writes,
        made: &Made<'_>,
    ) -> Result<Ticket, CommitError> {
        if !self.recorder.is_on.load(Ordering::Relaxed) {
            return host.commit(changes, records);
        }
        // Held until the commit is accepted, so that calls are on the tape in the order of their commits.
        let mut tape = self.recorder.tape.lock();
        let Some(tape) = &mut *tape else { return host.commit(changes, records) };
        let step = tape.add(&made.record(), &mut records);
        let ticket = host.commit(changes, records)?;
        tape.keep(&step);
        Ok(ticket)
    }

    /// Records a call that has nothing else to commit. Nobody waits for it, and it fails nobody: its caller was promised
    /// a read.
    pub(super) fn record_read(&self, host: &Shared, made: &Made<'_>) {
        if !self.recorder.is_on.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.commit_call(host, Vec::new(), Writes::new(), made) {
            tracing::warn!(plugin = %self.name, %error, "a read-only call was not recorded");
        }
    }

    /// Records from now on as `options` say, or no more and forgets what there is.
    pub(crate) fn set_recording(&self, host: &Shared, options: Option<RecordOptions>) -> Result<Ticket, RecordError> {
        let mut tape = self.recorder.tape.lock();
        let mut records = Writes::new();
        let Some(options) = options else {
            let (from, to) = Key::recorded_calls(self.id);
            let catalog = StateId::CATALOG;
            let epoch = host.store.epoch(catalog).ok_or(CommitError::UnknownState { state: catalog });
            let epoch = epoch.map_err(HostError::from)?;
            catalog::remove(&mut records, Key::recording(self.id));
            let clear = Change::Clear { state: catalog, epoch, from, to: Some(to) };
            let ticket = host.commit(vec![clear], records).map_err(HostError::from)?;
            self.recorder.is_on.store(false, Ordering::Relaxed);
            *tape = None;
            return Ok(ticket);
        };
        let setting = setting(self.id, options, tape.as_ref())?;
        catalog::put(&mut records, Key::recording(self.id), &setting);
        let fresh = Tape { setting, next: 1, calls: VecDeque::new(), bytes: 0 };
        let step = tape.as_ref().unwrap_or(&fresh).make_room(&setting, None, &mut records);
        let ticket = host.commit(Vec::new(), records).map_err(HostError::from)?;
        let tape = tape.get_or_insert(fresh);
        tape.setting = setting;
        tape.keep(&step);
        self.recorder.is_on.store(true, Ordering::Relaxed);
        Ok(ticket)
    }

    /// Finds again what is recorded, when the host is opened.
    pub(crate) fn resume_recording(&self, catalog: &Catalog, setting: RecordingRecord) -> Result<(), HostError> {
        let calls: VecDeque<_> = catalog.recorded_sizes(self.id)?.into();
        let tape = Tape {
            setting,
            next: calls.back().map_or(1, |(number, _)| number + 1),
            bytes: calls.iter().map(|(_, bytes)| u64::from(*bytes)).sum(),
            calls,
        };
        *self.recorder.tape.lock() = Some(tape);
        self.recorder.is_on.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Which calls are recorded, if any are.
    pub(crate) fn recording(&self) -> Option<Recording> {
        let tape = self.recorder.tape.lock();
        tape.as_ref().map(|tape| Recording {
            last: tape.setting.last,
            bytes_max: tape.setting.bytes_max,
            since_ms: tape.setting.since_ms,
            calls: tape.calls.len() as u64,
            bytes: tape.bytes,
        })
    }
}

/// The setting that an operator asks for. One that is changed goes on where it was.
fn setting(plugin: PluginId, options: RecordOptions, before: Option<&Tape>) -> Result<RecordingRecord, RecordError> {
    let bytes_max = options.bytes.unwrap_or(RECORDED_BYTES_DEFAULT);
    let bounds = [(options.last, RECORDED_CALLS_MAX, "calls"), (bytes_max, RECORDED_BYTES_MAX, "bytes")];
    for (asked, max, unit) in bounds {
        if !(1..=max).contains(&asked) {
            return Err(RecordError::Bound { asked, max, unit });
        }
    }
    let since_ms = before.map_or_else(now_ms, |tape| tape.setting.since_ms);
    Ok(RecordingRecord { plugin, last: options.last, bytes_max, since_ms })
}

impl Tape {
    /// Adds to what a commit writes a call and the removal of those that leave for it.
    fn add(&self, record: &CallRecord<'_>, writes: &mut Writes) -> Step {
        let encoded = catalog::encode(record);
        let bytes = u32::try_from(encoded.len()).unwrap_or(u32::MAX);
        let step = self.make_room(&self.setting, Some(bytes), writes);
        if let Some((number, bytes)) = step.added {
            writes.insert(Key::recorded_call(self.setting.plugin, number, bytes).into_bytes(), Some(encoded));
        }
        step
    }

    /// Which calls leave so that one more has room; one that is larger than all may be has none.
    fn make_room(&self, setting: &RecordingRecord, adding: Option<u32>, writes: &mut Writes) -> Step {
        let added = adding.filter(|bytes| u64::from(*bytes) <= setting.bytes_max);
        let (mut calls, mut bytes) = (self.calls.len() as u64, self.bytes);
        if let Some(added) = added {
            (calls, bytes) = (calls + 1, bytes + u64::from(added));
        }
        let mut leaving = 0;
        for (number, size) in &self.calls {
            if calls <= setting.last && bytes <= setting.bytes_max {
                break;
            }
            catalog::remove(writes, Key::recorded_call(setting.plugin, *number, *size));
            (calls, bytes, leaving) = (calls - 1, bytes - u64::from(*size), leaving + 1);
        }
        Step { added: added.map(|bytes| (self.next, bytes)), leaving }
    }

    /// The commit with this step was accepted.
    fn keep(&mut self, step: &Step) {
        for (_, bytes) in self.calls.drain(..step.leaving) {
            self.bytes -= u64::from(bytes);
        }
        if let Some((number, bytes)) = step.added {
            self.calls.push_back((number, bytes));
            self.bytes += u64::from(bytes);
            self.next = number + 1;
        }
    }
}

impl Made<'_> {
    fn record(&self) -> CallRecord<'_> {
        let Made { call, generation, took, end } = *self;
        let args = match encoded_bytes(&call.args) {
            bytes if bytes > RECORDED_ARGUMENTS_BYTES_MAX => RecordedArgs::TooLarge { bytes: bytes as u64 },
            _ => RecordedArgs::Kept(Cow::Borrowed(&call.args)),
        };
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        CallRecord {
            function: Cow::Borrowed(&call.function),
            args,
            id: call.id.as_ref().map(Cow::Borrowed),
            read: call.read,
            generation,
            at_ms: now_ms().saturating_sub(took_us / 1000),
            took_us,
            end: recorded_end(end),
        }
    }
}

fn recorded_end(end: &End) -> RecordedEnd<'_> {
    match end {
        End::Returned(value) => RecordedEnd::Returned { digest: digest(value.as_ref()) },
        End::Failed(value) => RecordedEnd::Failed { digest: digest(value.as_ref()) },
        End::Trapped(trap) => RecordedEnd::Trapped { kind: Cow::Borrowed(&trap.kind) },
    }
}

/// How many bytes something takes, without making them.
fn encoded_bytes(value: &impl Serialize) -> usize {
    postcard::experimental::serialized_size(value).unwrap_or(usize::MAX)
}
