//! One version in a rehearsal: its copy of the state, and how it answers calls on it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use stead_schema::Value;
use stead_store::{Effects, Transaction, View};

use super::compare::{Typed, fit};
use super::report::SideFigures;
use crate::catalog::{CallRecord, RecordedEnd};
use crate::engine::{CallEnd, Fixed, Instance, InstanceError, Linked, Mode, TrapKind, Unreadable};
use crate::error::HostError;
use crate::host::Shared;
use crate::plugin::{Reuse, digest};

/// One version, on a state of its own that is nowhere but in memory.
pub(super) struct Side {
    host: Shared,
    linked: Linked,
    fixed: Fixed,
    reuse: Reuse,
    pub(super) view: View,
    /// Changes that the state had before the first call.
    began_bytes: u64,
    instance: Option<Instance>,
    pub(super) figures: SideFigures,
}

/// How a version answered a call.
pub(super) struct Answer {
    pub(super) kind: AnswerKind,
    /// The export that was called, if there is one.
    pub(super) export: Option<usize>,
    pub(super) took: Duration,
    /// What it would write.
    pub(super) effects: Effects,
}

pub(super) enum AnswerKind {
    Returned(Option<Value>),
    Failed(Option<Value>),
    Trapped {
        kind: String,
        message: String,
        /// It was still running when its time was over.
        late: bool,
    },
    /// It was not run.
    Refused(String),
}

impl Side {
    /// A version on a state.
    pub(super) fn new(host: &Shared, linked: Linked, fixed: Fixed, reuse: Reuse, view: View) -> Side {
        let began_bytes = view.dirty_bytes();
        let figures = SideFigures::default();
        Side { host: host.clone(), linked, fixed, reuse, view, began_bytes, instance: None, figures }
    }

    /// Makes a call, on the state as the calls that were kept have left it.
    pub(super) async fn call(
        &mut self,
        call: &CallRecord<'_>,
        args: &[Value],
        place: u64,
        deadline: Instant,
    ) -> Result<Answer, HostError> {
        let refused = |export, why: String| Answer {
            kind: AnswerKind::Refused(why),
            export,
            took: Duration::ZERO,
            effects: Effects::default(),
        };
        let export = match self.linked.program().find(&call.function) {
            Ok(export) => export,
            Err(error) => {
                self.figures.refused += 1;
                return Ok(refused(None, error.to_string()));
            }
        };
        let args = match self.arguments(export, args) {
            Ok(args) => args,
            Err(why) => {
                self.figures.refused += 1;
                return Ok(refused(Some(export), why));
            }
        };
        self.fixed.set(call.at_ms, place);
        let mut instance = match self.instance(call.read, deadline).await {
            Ok(instance) => instance,
            Err(kind) => {
                self.figures.trapped += 1;
                return Ok(Answer { kind, export: Some(export), took: Duration::ZERO, effects: Effects::default() });
            }
        };
        // Also where a start-up took some of it.
        self.fixed.set(call.at_ms, place);
        let mode = if call.read { Mode::ReadOnly } else { Mode::ReadWrite };
        let (transaction, began) = (Transaction::new(self.view.clone()), Instant::now());
        let (end, transaction) = instance.call(export, &args, transaction, deadline, mode).await;
        let took = began.elapsed();
        self.figures.memory_bytes = self.figures.memory_bytes.max(instance.memory_bytes());
        let kind = match end {
            CallEnd::Returned(value) => AnswerKind::Returned(value),
            CallEnd::Failed(value) => AnswerKind::Failed(value),
            CallEnd::Trapped(trap) => trapped(&trap),
            CallEnd::Unreadable(Unreadable::Store { source, .. }) => return Err(source.into()),
            CallEnd::Unreadable(error) => return Err(HostError::Catalog { what: error.to_string() }),
            CallEnd::Refused(error) => AnswerKind::Refused(error.to_string()),
            CallEnd::Unavailable { plugin, reason } => {
                AnswerKind::Refused(format!("it calls {plugin}, which does not run: {reason}"))
            }
        };
        let counted = match &kind {
            AnswerKind::Returned(_) => &mut self.figures.returned,
            AnswerKind::Failed(_) => &mut self.figures.failed,
            AnswerKind::Trapped { .. } => &mut self.figures.trapped,
            AnswerKind::Refused(_) => &mut self.figures.refused,
        };
        *counted += 1;
        self.figures.times.add(super::micros(took));
        let has_returned = matches!(kind, AnswerKind::Returned(_));
        if has_returned && self.reuse == Reuse::Resident && !call.read {
            self.instance = Some(instance);
        }
        let effects = if has_returned { transaction.into_effects() } else { Effects::default() };
        Ok(Answer { kind, export: Some(export), took, effects })
    }

    /// Goes on from what a call did.
    pub(super) fn keep(&mut self, effects: Effects) {
        if !effects.cleared.is_empty() || !effects.writes.is_empty() {
            let bytes = |(key, value): (&Bytes, &Option<Bytes>)| key.len() + value.as_ref().map_or(0, Bytes::len);
            self.figures.written_bytes += effects.writes.iter().map(bytes).sum::<usize>() as u64;
            self.view = self.view.ahead(effects);
        }
    }

    /// Memory that its copy of the state takes beyond what there was before the first call, in bytes.
    pub(super) fn held_bytes(&self) -> u64 {
        self.view.dirty_bytes().saturating_sub(self.began_bytes)
    }

    /// Goes on as if a call had not been made: an instance that remembers it goes.
    pub(super) fn forget(&mut self) {
        self.instance = None;
    }

    /// The result of an answer with its type.
    pub(super) fn typed<'a>(&'a self, answer: &'a Answer) -> Typed<'a> {
        let exports = self.linked.program().exports();
        let signature = answer.export.and_then(|export| exports[export].signature.as_ref().ok());
        match &answer.kind {
            AnswerKind::Returned(value) => (value.as_ref(), signature.and_then(|signature| signature.returned())),
            AnswerKind::Failed(value) => (value.as_ref(), signature.and_then(|signature| signature.failed())),
            _ => (None, None),
        }
    }

    /// The full name of the function that was called.
    pub(super) fn path(&self, answer: &Answer) -> Option<String> {
        answer.export.map(|export| self.linked.program().exports()[export].path.clone())
    }

    fn arguments(&self, export: usize, args: &[Value]) -> Result<Vec<Value>, String> {
        let export = &self.linked.program().exports()[export];
        let Ok(signature) = &export.signature else { return Err("its types cannot be carried from outside".into()) };
        let (takes, given) = (signature.params.len(), args.len());
        // A caller leaves out trailing options that it does not know.
        let left_out = signature.params.iter().skip(given);
        if given > takes || left_out.clone().any(|(_, ty)| !matches!(ty, stead_schema::Type::Option(_))) {
            return Err(format!("{} takes {takes} arguments, not {given}", export.path));
        }
        let fitted = signature.params.iter().zip(args).map(|((name, ty), value)| {
            fit(value, ty).ok_or_else(|| format!("argument {name} of {}: expected `{}`", export.path, ty.brief()))
        });
        let none = left_out.map(|_| Ok(Value(stead_schema::Parts::Option(None))));
        fitted.chain(none).collect()
    }

    /// The one that is kept, or a fresh one; a call that only reads has always one of its own.
    async fn instance(&mut self, read: bool, deadline: Instant) -> Result<Instance, AnswerKind> {
        let kept = if read { None } else { self.instance.take() };
        if let Some(instance) = kept {
            return Ok(instance);
        }
        self.host.instantiate(&self.linked, deadline).await.map_err(|error| match error {
            InstanceError::Trapped(trap) => trapped(&trap),
            error => {
                AnswerKind::Trapped { kind: TrapKind::Host.name().into(), message: error.to_string(), late: false }
            }
        })
    }
}

fn trapped(trap: &crate::engine::Trap) -> AnswerKind {
    let late = trap.kind == TrapKind::Deadline;
    AnswerKind::Trapped { kind: trap.kind.name().into(), message: trap.message.clone(), late }
}

impl AnswerKind {
    /// The call ended as it did when it was recorded.
    pub(super) fn is_as_recorded(&self, recorded: &RecordedEnd<'_>) -> bool {
        match (self, recorded) {
            (AnswerKind::Returned(value), RecordedEnd::Returned { digest: was })
            | (AnswerKind::Failed(value), RecordedEnd::Failed { digest: was }) => digest(value.as_ref()) == *was,
            (AnswerKind::Trapped { kind, .. }, RecordedEnd::Trapped { kind: was }) => kind == was,
            _ => false,
        }
    }
}
