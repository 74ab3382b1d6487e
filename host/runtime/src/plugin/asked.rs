//! Exactly once: what was asked under a call id, and what is recorded of it.

use stead_schema::{Parts, Type, Value};
use stead_store::Writes;

use super::{Call, Outcome, Plugin, Reply};
use crate::catalog::{self, Catalog, End, Key, ResultRecord, WindowRecord};
use crate::error::CallError;
use crate::host::Shared;

/// Longest name of a client, in bytes: it stands in the key of every result.
const CLIENT_BYTES_MAX: usize = 128;

/// A call with an id, as it is recorded.
pub(super) struct Asked {
    client: String,
    sequence: u64,
    /// BLAKE3 of the function's own name and the arguments. Neither the version of an interface nor the width of an
    /// integer counts, so that a call repeated after a swap is still the same call.
    hash: [u8; 32],
}

impl Asked {
    /// What a call asks, if it has an id.
    pub(super) fn of(call: &Call) -> Result<Option<Asked>, CallError> {
        let Some(id) = &call.id else { return Ok(None) };
        if id.client.is_empty() || id.client.len() > CLIENT_BYTES_MAX {
            let reason = format!("a client's name has 1 to {CLIENT_BYTES_MAX} bytes, not {}", id.client.len());
            return Err(CallError::Client { reason });
        }
        let mut hasher = blake3::Hasher::new();
        let function = call.function.rsplit(['#', '.']).next().unwrap_or_default();
        absorb_str(function, &mut hasher);
        for argument in &call.args {
            absorb(argument, &mut hasher);
        }
        Ok(Some(Asked { client: id.client.clone(), sequence: id.sequence, hash: *hasher.finalize().as_bytes() }))
    }
}

impl Plugin {
    /// The recorded end of a call, or why it must not run; none if it was never executed.
    #[allow(clippy::type_complexity)]
    pub(super) fn recorded(
        &self,
        host: &Shared,
        asked: Option<&Asked>,
    ) -> Result<Option<Result<Reply, CallError>>, CallError> {
        let Some(asked) = asked else { return Ok(None) };
        let catalog = Catalog::of(&host.store)?;
        let (client, sequence) = (asked.client.clone(), asked.sequence);
        if let Some(record) = catalog.result(self.id, &client, sequence)? {
            return Ok(Some(if record.asked != asked.hash {
                Err(CallError::IdReused { client, sequence })
            } else if self.serving().plugin.undone.contains(record.era) {
                Err(CallError::Undone { client, sequence })
            } else {
                self.reply(record.end, record.ty, true)
            }));
        }
        match catalog.window(self.id, &client)? {
            Some(window) if sequence < window.floor => {
                Ok(Some(Err(CallError::BelowWindow { client, sequence, floor: window.floor })))
            }
            Some(_) => Ok(None),
            None if catalog.clients(self.id)? >= self.serving().plugin.limits.clients_max as u64 => {
                let clients_max = self.serving().plugin.limits.clients_max;
                Err(CallError::ClientsFull { plugin: self.name.clone(), clients_max })
            }
            None => Ok(None),
        }
    }

    /// Adds the end of a call to what its commit writes, and forgets results that fall out of the window.
    pub(super) fn record(
        &self,
        host: &Shared,
        asked: &Asked,
        end: &End,
        ty: Option<&Type>,
        writes: &mut Writes,
    ) -> Result<(), CallError> {
        let catalog = Catalog::of(&host.store)?;
        let serving = self.serving();
        let Asked { client, sequence, hash } = asked;
        let before = catalog.window(self.id, client)?.unwrap_or(WindowRecord { highest: *sequence, floor: 0 });
        let highest = before.highest.max(*sequence);
        let kept = serving.plugin.limits.results_per_client_max.max(1) as u64;
        let floor = before.floor.max((highest + 1).saturating_sub(kept));
        if floor > before.floor {
            for key in catalog.results_below(self.id, client, floor)? {
                writes.insert(key, None);
            }
        }
        let record = ResultRecord { asked: *hash, era: serving.plugin.era, end: end.clone(), ty: ty.cloned() };
        catalog::put(writes, Key::result(self.id, client, *sequence), &record);
        catalog::put(writes, Key::window(self.id, client), &WindowRecord { highest, floor });
        Ok(())
    }

    /// What the caller sees of how a call ended.
    pub(super) fn reply(&self, end: End, ty: Option<Type>, replayed: bool) -> Result<Reply, CallError> {
        match end {
            End::Returned(value) => Ok(Reply { outcome: Outcome::Ok(value), ty, replayed }),
            End::Failed(value) => Ok(Reply { outcome: Outcome::Err(value), ty, replayed }),
            End::Trapped(trap) => Err(CallError::Trapped { plugin: self.name.clone(), trap, replayed }),
        }
    }
}

/// The hash of a result: equal for equal values, whatever the width of an integer in them.
pub(crate) fn digest(value: Option<&Value>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    absorb_payload(value, &mut hasher);
    *hasher.finalize().as_bytes()
}

/// Adds a value to a hash, each part behind a tag and each length before its content.
fn absorb(value: &Value, hasher: &mut blake3::Hasher) {
    match &value.0 {
        Parts::Bool(v) => absorb_tagged(b'b', &[u8::from(*v)], hasher),
        Parts::U8(v) => absorb_integer(i128::from(*v), hasher),
        Parts::U16(v) => absorb_integer(i128::from(*v), hasher),
        Parts::U32(v) => absorb_integer(i128::from(*v), hasher),
        Parts::U64(v) => absorb_integer(i128::from(*v), hasher),
        Parts::S8(v) => absorb_integer(i128::from(*v), hasher),
        Parts::S16(v) => absorb_integer(i128::from(*v), hasher),
        Parts::S32(v) => absorb_integer(i128::from(*v), hasher),
        Parts::S64(v) => absorb_integer(i128::from(*v), hasher),
        Parts::F32(v) => absorb_float(f64::from(*v), hasher),
        Parts::F64(v) => absorb_float(*v, hasher),
        Parts::Char(v) => absorb_tagged(b'c', &u32::from(*v).to_le_bytes(), hasher),
        Parts::String(v) => absorb_str(v, hasher),
        Parts::List(items) => absorb_all(b'l', items, hasher),
        Parts::Tuple(items) => absorb_all(b't', items, hasher),
        Parts::Record(fields) => {
            absorb_tagged(b'r', &(fields.len() as u64).to_le_bytes(), hasher);
            for (name, value) in fields {
                absorb_str(name, hasher);
                absorb(value, hasher);
            }
        }
        Parts::Variant(case, payload) => {
            absorb_str(case, hasher);
            absorb_payload(payload.as_deref(), hasher);
        }
        Parts::Enum(case) => {
            absorb_str(case, hasher);
            absorb_payload(None, hasher);
        }
        Parts::Option(payload) => absorb_payload(payload.as_deref(), hasher),
        Parts::Result(Ok(payload)) => {
            hasher.update(b"k");
            absorb_payload(payload.as_deref(), hasher);
        }
        Parts::Result(Err(payload)) => {
            hasher.update(b"e");
            absorb_payload(payload.as_deref(), hasher);
        }
        Parts::Flags(flags) => {
            let mut flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            flags.sort_unstable();
            absorb_tagged(b'f', &(flags.len() as u64).to_le_bytes(), hasher);
            for flag in flags {
                absorb_str(flag, hasher);
            }
        }
    }
}

fn absorb_all(tag: u8, items: &[Value], hasher: &mut blake3::Hasher) {
    absorb_tagged(tag, &(items.len() as u64).to_le_bytes(), hasher);
    for item in items {
        absorb(item, hasher);
    }
}

fn absorb_payload(payload: Option<&Value>, hasher: &mut blake3::Hasher) {
    hasher.update(&[b'o', u8::from(payload.is_some())]);
    if let Some(value) = payload {
        absorb(value, hasher);
    }
}

fn absorb_integer(integer: i128, hasher: &mut blake3::Hasher) {
    absorb_tagged(b'i', &integer.to_le_bytes(), hasher);
}

fn absorb_float(float: f64, hasher: &mut blake3::Hasher) {
    let bits = if float.is_nan() { f64::NAN.to_bits() } else { float.to_bits() };
    absorb_tagged(b'd', &bits.to_le_bytes(), hasher);
}

fn absorb_str(text: &str, hasher: &mut blake3::Hasher) {
    absorb_tagged(b's', &(text.len() as u64).to_le_bytes(), hasher);
    hasher.update(text.as_bytes());
}

fn absorb_tagged(tag: u8, bytes: &[u8], hasher: &mut blake3::Hasher) {
    hasher.update(&[tag]);
    hasher.update(bytes);
}
