//! One entry, through the successor's function.

use std::time::Instant;

use bytes::Bytes;
use stead_schema::text::wave;
use stead_schema::{Kind, Owned, Parts, Type, Value, codec, key, layout};
use stead_store::{Transaction, View};

use super::job::{Job, Step};
use crate::engine::{CallEnd, Instance, Mode};
use crate::handoff::Stop;
use crate::limits::{Limits, UPGRADE_KEY_CHARS_MAX};

/// An instance that converts entries. Nothing that it writes counts, so its transaction stays empty.
pub(super) struct Converter<'a> {
    job: &'a Job,
    limits: &'a Limits,
    instance: Instance,
    transaction: Option<Transaction>,
    deadline: Instant,
}

impl<'a> Converter<'a> {
    pub(super) fn new(
        job: &'a Job,
        limits: &'a Limits,
        instance: Instance,
        view: View,
        deadline: Instant,
    ) -> Converter<'a> {
        Converter { job, limits, instance, transaction: Some(Transaction::new(view)), deadline }
    }

    /// What is stored in the place of an entry; none if it is dropped.
    pub(super) async fn convert(&mut self, step: usize, key: &[u8], stored: &[u8]) -> Result<Option<Bytes>, Stop> {
        let step = &self.job.steps[step];
        if step.is_bounds(key) {
            return Ok(Some(Bytes::copy_from_slice(stored)));
        }
        let damaged = |what: String| Stop::Abort(format!("{} could not be read: {what}", entry(step, key)));
        let mut arguments = Vec::with_capacity(2);
        if step.takes_key {
            arguments.push(key_value(step, key).ok_or_else(|| damaged("its key is no key of its type".into()))?);
        }
        arguments.push(old_value(step, stored).map_err(damaged)?);
        let made = self.call(step, key, &arguments).await?;
        self.stored(step, key, made)
    }

    async fn call(&mut self, step: &Step, key: &[u8], arguments: &[Value]) -> Result<Option<Value>, Stop> {
        let Some(transaction) = self.transaction.take() else { return Err(Stop::abort("a conversion was cut short")) };
        let deadline = self.deadline.min(Instant::now() + self.limits.call_time_max);
        let called = self.instance.call(step.export, arguments, transaction, deadline, Mode::Upgrade);
        let (end, transaction) = called.await;
        self.transaction = Some(transaction);
        let what = || format!("`{}`, given {}", step.function, entry(step, key));
        match end {
            CallEnd::Returned(Some(Value(Parts::Option(made)))) => Ok(made.map(|made| *made)),
            CallEnd::Returned(_) => Err(Stop::abort(format!("{} returned no entry", what()))),
            CallEnd::Failed(Some(Value(Parts::String(reason)))) => {
                Err(Stop::abort(format!("{} refused: {reason}", what())))
            }
            CallEnd::Failed(_) => Err(Stop::abort(format!("{} refused", what()))),
            CallEnd::Trapped(trap) => Err(Stop::abort(format!("{} trapped: {trap}", what()))),
            CallEnd::Unreadable(error) => Err(Stop::abort(error)),
            CallEnd::Refused(error) => Err(Stop::abort(error)),
            CallEnd::Unavailable { plugin, reason } => Err(Stop::abort(format!("{} needs {plugin}: {reason}", what()))),
        }
    }

    fn stored(&self, step: &Step, key: &[u8], made: Option<Value>) -> Result<Option<Bytes>, Stop> {
        let no = |what: String| Err(Stop::Abort(format!("`{}`, given {}: {what}", step.function, entry(step, key))));
        let made = match (made, step.kind) {
            (Some(made), _) => made,
            (None, Kind::Log) => {
                return no("it made `none` of an entry of a log, whose entries stay where they are".into());
            }
            (None, _) => return Ok(None),
        };
        if let (Kind::Counter, Parts::S64(sum)) = (step.kind, &made.0) {
            let side = sum.unsigned_abs();
            let (added, subtracted) = if *sum < 0 { (0, side) } else { (side, 0) };
            return Ok(Some(Bytes::copy_from_slice(&layout::encode_counter(added, subtracted))));
        }
        if let (Kind::Counter, Parts::U64(sum)) = (step.kind, &made.0) {
            return Ok(Some(Bytes::copy_from_slice(&layout::encode_counter(*sum, 0))));
        }
        let mut bytes = Vec::new();
        codec::encode_schema(step.schema, &mut bytes);
        if let Err(error) = codec::encode::<Owned>(&step.to.value, &made, &mut bytes) {
            return no(error.to_string());
        }
        let bytes_max = self.limits.value_bytes_max;
        if bytes.len() > bytes_max {
            return no(format!("it made a value of {} bytes; `value_bytes_max` is {bytes_max}", bytes.len()));
        }
        Ok(Some(bytes.into()))
    }
}

/// The value that a function is given for what is stored.
fn old_value(step: &Step, stored: &[u8]) -> Result<Value, String> {
    if step.kind == Kind::Counter {
        let (added, subtracted) = layout::decode_counter(stored).ok_or("these are no sums of a counter")?;
        let sum = i128::from(added) - i128::from(subtracted);
        let value = match step.from.value {
            Type::U64 => u64::try_from(sum).map(Parts::U64),
            _ => i64::try_from(sum).map(Parts::S64),
        };
        return value.map(Value).map_err(|_| format!("the sum is {sum}"));
    }
    let mut body = stored;
    let schema = codec::decode_schema(&mut body).map_err(|error| error.to_string())?;
    match step.conversions.get(schema as usize) {
        None => Err(format!("no schema has the number {schema}")),
        Some(None) => codec::decode_whole::<Owned>(&step.from.value, body).map_err(|error| error.to_string()),
        Some(Some(conversion)) => {
            conversion.read::<Owned>(body, &mut { usize::MAX }).map_err(|error| error.to_string())
        }
    }
}

fn key_value(step: &Step, key: &[u8]) -> Option<Value> {
    match (step.kind, &step.key) {
        (Kind::Log, _) => layout::log_index(key).map(|index| Value(Parts::U64(index))),
        (_, Some(ty)) => key::decode_whole::<Owned>(ty, layout::entry_number(key)?.1).ok(),
        (_, None) => None,
    }
}

/// An entry for people: `entry "ann" of acme:tally/ballots@1`.
fn entry(step: &Step, key: &[u8]) -> String {
    let ty = if step.kind == Kind::Log { Some(&Type::U64) } else { step.key.as_ref() };
    let text = ty.zip(key_value(step, key)).map(|(ty, key)| wave::print(&key, ty)).unwrap_or_default();
    match text.char_indices().nth(UPGRADE_KEY_CHARS_MAX) {
        Some((cut, _)) => format!("entry {}… of {}", &text[..cut], step.from.identity),
        None if text.is_empty() => step.from.identity.clone(),
        None => format!("entry {text} of {}", step.from.identity),
    }
}
