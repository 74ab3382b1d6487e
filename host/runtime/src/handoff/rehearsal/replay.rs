//! Recorded calls, made again on both versions in the order in which they were recorded.
//!
//! What a call writes is kept only where both versions returned: then the calls after it are compared on equal ground, and
//! a difference is found where it begins and not in everything that follows. Where the incumbent's code does not run at all,
//! the successor's writes are kept.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use stead_schema::text::wave;

use super::compare::are_same;
use super::report::{Calls, Example, FunctionRehearsal, Skipped};
use super::side::{Answer, AnswerKind, Side};
use super::{cut, micros};
use crate::catalog::{CallRecord, Catalog, PluginId, RecordedArgs, RecordedEnd};
use crate::engine::TrapKind;
use crate::error::HostError;
use crate::host::{Shared, blocking};
use crate::limits::{REHEARSAL_FUNCTIONS_MAX, REHEARSAL_WRITTEN_BYTES_MAX};

/// Recorded calls that are read at once.
const READ_AT_ONCE: usize = 64;

/// The part of a rehearsal's time that one call may take: a version that loops is to be seen, and the others too.
const PARTS: u32 = 10;

/// How much time there is.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// For all calls.
    pub(super) all: Duration,
    /// For one call, as the plugin's limit says.
    pub(super) one: Duration,
}

/// What the calls that were made show.
#[derive(Default)]
pub(super) struct Replay {
    pub(super) calls: Calls,
    functions: BTreeMap<String, FunctionRehearsal>,
    skipped: BTreeMap<String, u64>,
}

/// Makes the last recorded calls again. The incumbent is none where its code does not run.
pub(super) async fn replay(
    host: &Shared,
    plugin: PluginId,
    last: Option<u64>,
    patience: Patience,
    incumbent: &mut Option<Side>,
    successor: &mut Side,
) -> Result<Replay, HostError> {
    let store = host.store.clone();
    let catalog = blocking(move || -> Result<_, HostError> {
        let catalog = Catalog::of(&store)?;
        let places = catalog.recorded_sizes(plugin)?;
        Ok((catalog, places))
    });
    let (catalog, places) = catalog.await?;
    let catalog = std::sync::Arc::new(catalog);
    let skip = last.map_or(0, |last| places.len().saturating_sub(usize::try_from(last).unwrap_or(usize::MAX)));
    let places = &places[skip..];
    let mut replay = Replay::default();
    replay.calls.recorded = places.len() as u64;
    let until = Instant::now() + patience.all;
    for chunk in places.chunks(READ_AT_ONCE) {
        let (catalog, chunk) = (catalog.clone(), chunk.to_vec());
        let read = move || -> Result<Vec<_>, HostError> {
            let read = |place: &(u64, u32)| Ok(catalog.recorded_call(plugin, *place)?.map(|call| (place.0, call)));
            chunk.iter().filter_map(|place| read(place).transpose()).collect()
        };
        for (number, call) in blocking(read).await? {
            if let Some(why) = replay.call(number, &call, incumbent.as_mut(), successor, (until, patience)).await? {
                replay.calls.ended_early = Some(why);
                return Ok(replay);
            }
        }
    }
    Ok(replay)
}

impl Replay {
    /// Makes one call; says why none may follow, if so.
    async fn call(
        &mut self,
        number: u64,
        call: &CallRecord<'_>,
        mut incumbent: Option<&mut Side>,
        successor: &mut Side,
        (until, patience): (Instant, Patience),
    ) -> Result<Option<String>, HostError> {
        let RecordedArgs::Kept(args) = &call.args else {
            self.skip("its arguments were too large to be recorded");
            return Ok(None);
        };
        let one = patience.one.min(patience.all / PARTS);
        let deadline = || until.min(Instant::now() + one);
        if Instant::now() >= until {
            return Ok(Some(format!("the {:?} that it may take were over", patience.all)));
        }
        // Who goes second finds the state's nodes in memory: both do in turn, so that their times can be compared.
        let successor_first = number % 2 == 1;
        let mut new = None;
        if successor_first {
            new = Some(successor.call(call, args, number, deadline()).await?);
        }
        let old = match &mut incumbent {
            Some(incumbent) => Some(incumbent.call(call, args, number, deadline()).await?),
            None => None,
        };
        let new = match new {
            Some(new) => new,
            None => successor.call(call, args, number, deadline()).await?,
        };
        let is_late = |answer: &Answer| matches!(answer.kind, AnswerKind::Trapped { late: true, .. });
        let out_of_time = Instant::now() >= until && (is_late(&new) || old.as_ref().is_some_and(is_late));
        if out_of_time {
            return Ok(Some(format!("the {:?} that it may take were over", patience.all)));
        }
        self.take(number, call, args, incumbent, successor, old, new, one < patience.one);
        Ok((successor.held_bytes() > REHEARSAL_WRITTEN_BYTES_MAX)
            .then(|| format!("more than {REHEARSAL_WRITTEN_BYTES_MAX} bytes were written")))
    }

    /// Takes both answers in, and goes on from them.
    #[allow(clippy::too_many_arguments)]
    fn take(
        &mut self,
        number: u64,
        call: &CallRecord<'_>,
        args: &[stead_schema::Value],
        mut incumbent: Option<&mut Side>,
        successor: &mut Side,
        mut old: Option<Answer>,
        mut new: Answer,
        is_hurried: bool,
    ) {
        let mut kept = matches!(new.kind, AnswerKind::Returned(_));
        match (&mut incumbent, &old) {
            (Some(incumbent), Some(answer)) => {
                let hurried = is_hurried && matches!(answer.kind, AnswerKind::Trapped { late: true, .. });
                let is_forbidden = |kind: &str| kind == TrapKind::Forbidden.name();
                let was_forbidden = matches!(&call.end, RecordedEnd::Trapped { kind } if is_forbidden(kind));
                let reason = match &answer.kind {
                    // Only links are forbidden here that were not when it was recorded.
                    AnswerKind::Trapped { kind, .. } if is_forbidden(kind) && !was_forbidden => {
                        Some("it calls another plugin, which a rehearsal does not reach")
                    }
                    AnswerKind::Refused(_) => Some("the version that serves does not take it"),
                    _ if hurried => Some("the version that serves takes longer than a rehearsal gives one call"),
                    _ => None,
                };
                if let Some(reason) = reason {
                    self.skip(reason);
                    incumbent.forget();
                    successor.forget();
                    return;
                }
                kept &= matches!(answer.kind, AnswerKind::Returned(_));
                self.calls.as_recorded += u64::from(answer.kind.is_as_recorded(&call.end));
                self.compare(number, call, args, (incumbent, answer), (successor, &new));
            }
            _ => self.count_alone(successor, &new),
        }
        self.calls.made += 1;
        for (side, answer) in [(incumbent, old.as_mut()), (Some(successor), Some(&mut new))] {
            if let (Some(side), Some(answer)) = (side, answer) {
                match kept {
                    true => side.keep(std::mem::take(&mut answer.effects)),
                    false => side.forget(),
                }
            }
        }
    }

    fn compare(
        &mut self,
        number: u64,
        call: &CallRecord<'_>,
        args: &[stead_schema::Value],
        (incumbent, old): (&Side, &Answer),
        (successor, new): (&Side, &Answer),
    ) {
        let path = incumbent.path(old).unwrap_or_else(|| call.function.to_string());
        let found = self.function(path);
        found.calls += 1;
        found.successor_trapped += u64::from(matches!(new.kind, AnswerKind::Trapped { .. }));
        let answered = |answer: &Answer| matches!(answer.kind, AnswerKind::Returned(_) | AnswerKind::Failed(_));
        if answered(old) && answered(new) {
            found.incumbent.add(micros(old.took));
            found.successor.add(micros(new.took));
        }
        let same = match (&old.kind, &new.kind) {
            (AnswerKind::Trapped { .. }, _) => {
                found.incumbent_trapped += 1;
                true
            }
            (AnswerKind::Returned(_), AnswerKind::Returned(_)) | (AnswerKind::Failed(_), AnswerKind::Failed(_)) => {
                are_same(incumbent.typed(old), successor.typed(new))
            }
            _ => false,
        };
        if !same {
            found.differing += 1;
            found.first.get_or_insert_with(|| Example {
                number,
                at_ms: call.at_ms,
                arguments: arguments(args),
                incumbent: said(incumbent, old),
                successor: said(successor, new),
            });
        }
    }

    fn count_alone(&mut self, successor: &Side, new: &Answer) {
        let Some(path) = successor.path(new) else { return };
        let found = self.function(path);
        found.calls += 1;
        found.successor_trapped += u64::from(matches!(new.kind, AnswerKind::Trapped { .. }));
    }

    fn function(&mut self, path: String) -> &mut FunctionRehearsal {
        self.functions
            .entry(path)
            .or_insert_with_key(|path| FunctionRehearsal { function: path.clone(), ..FunctionRehearsal::default() })
    }

    fn skip(&mut self, reason: &str) {
        *self.skipped.entry(reason.to_owned()).or_default() += 1;
    }

    /// The calls, and the functions: first those that differ, and no more than a report may have.
    pub(super) fn end(mut self) -> (Calls, Vec<FunctionRehearsal>, u64) {
        let skipped = self.skipped.into_iter().map(|(reason, calls)| Skipped { reason, calls });
        self.calls.skipped = skipped.collect();
        let mut functions: Vec<_> = self.functions.into_values().collect();
        functions.sort_by_key(|function| function.differing == 0);
        let left_out = functions.len().saturating_sub(REHEARSAL_FUNCTIONS_MAX);
        functions.truncate(REHEARSAL_FUNCTIONS_MAX);
        (self.calls, functions, left_out as u64)
    }

    /// Functions on which the versions differ.
    pub(super) fn differing(&self) -> impl Iterator<Item = &str> {
        self.functions.values().filter(|function| function.differing > 0).map(|function| function.function.as_str())
    }
}

fn arguments(args: &[stead_schema::Value]) -> String {
    // The text of a value does not depend on its type.
    let texts: Vec<String> = args.iter().map(|value| wave::print(value, &stead_schema::Type::Bool)).collect();
    cut(format!("({})", texts.join(", ")))
}

fn said(side: &Side, answer: &Answer) -> String {
    let value = |(value, ty): super::compare::Typed<'_>| match (value, ty) {
        (Some(value), Some(ty)) => wave::print(value, ty),
        _ => String::new(),
    };
    cut(match &answer.kind {
        AnswerKind::Returned(_) => value(side.typed(answer)),
        AnswerKind::Failed(_) => format!("err({})", value(side.typed(answer))),
        AnswerKind::Trapped { kind, message, .. } => format!("trapped ({kind}): {message}"),
        AnswerKind::Refused(why) => format!("not run: {why}"),
    })
}
