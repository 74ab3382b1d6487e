//! The requests themselves, on an open host.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use stead_runtime::{
    Call, CallError, CallId, HistoryEntry, Host, PluginSummary, Receipt, Recovery, Reply, RollbackOptions, ScanOptions,
    VersionSummary, Words,
};
use stead_schema::text::{json, wave};
use stead_schema::{Type, Value};

use super::answers::{
    CallAnswer, CheckpointAnswer, DamageInfo, DeployAnswer, EntryInfo, HandOffAnswer, HealthAnswer, Outcome,
    PluginInfo, StateAnswer, VerifyAnswer,
};
use super::repair::{damage_info, open, words};
use super::requests::{
    Arguments, CallOptions, CheckRequest, DeployRequest, RollbackRequest, StateQuery, SwapAllRequest, SwapRequest,
};
use super::{ApiError, CheckAnswer, arguments};
use crate::new_file::NewFile;

/// An open host, as the control API offers it.
#[derive(Clone)]
pub(crate) struct Api {
    host: Host,
    opened_in: Duration,
    replayed_commits: u64,
    opened_at_commit: u64,
}

impl Api {
    pub(crate) fn new(host: Host, recovery: &Recovery) -> Self {
        Self {
            host,
            opened_in: recovery.took,
            replayed_commits: recovery.store.replayed_commits,
            opened_at_commit: recovery.store.last_commit.0,
        }
    }

    /// The open host.
    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn list(&self) -> Result<Vec<PluginSummary>, ApiError> {
        Ok(self.host.list()?)
    }

    pub(crate) fn show(&self, plugin: &str) -> Result<PluginInfo, ApiError> {
        Ok(self.host.show(plugin)?.into())
    }

    pub(crate) fn history(&self, plugin: &str) -> Result<Vec<HistoryEntry>, ApiError> {
        Ok(self.host.history(plugin)?)
    }

    pub(crate) async fn deploy(
        &self,
        plugin: &str,
        wasm: &[u8],
        request: &DeployRequest,
    ) -> Result<DeployAnswer, ApiError> {
        Ok(self.host.deploy(plugin, wasm, request.options()?).await?.into())
    }

    pub(crate) async fn swap(
        &self,
        plugin: &str,
        wasm: &[u8],
        request: &SwapRequest,
    ) -> Result<HandOffAnswer, ApiError> {
        let options = request.options()?;
        let probation = options.probation.is_some();
        let receipt = self.host.swap(plugin, wasm, options).await?;
        self.handed_off(receipt, probation)
    }

    /// What a hand-off did, with the probation that it began.
    fn handed_off(&self, receipt: Receipt, probation: bool) -> Result<HandOffAnswer, ApiError> {
        let probation = if probation { self.host.probation(&receipt.plugin)? } else { None };
        Ok(HandOffAnswer { receipt, probation })
    }

    /// Gives up the hand-off that is under way.
    pub(crate) async fn cancel(&self, plugin: &str) -> Result<Receipt, ApiError> {
        Ok(self.host.cancel(plugin).await?)
    }

    /// Lets the calls of a stopped plugin in again; says which version serves it.
    pub(crate) async fn resume(&self, plugin: &str) -> Result<VersionSummary, ApiError> {
        Ok(self.host.resume(plugin).await?)
    }

    /// Several plugins in one hand-off; the body holds their components one after another.
    pub(crate) async fn swap_all(
        &self,
        request: &SwapAllRequest,
        components: &[u8],
    ) -> Result<Vec<HandOffAnswer>, ApiError> {
        let swaps = request.swaps(components)?;
        let probation: Vec<bool> = swaps.iter().map(|swap| swap.options.probation.is_some()).collect();
        let receipts = self.host.swap_all(swaps).await?;
        receipts.into_iter().zip(probation).map(|(receipt, probation)| self.handed_off(receipt, probation)).collect()
    }

    pub(crate) async fn check(
        &self,
        plugin: &str,
        wasm: &[u8],
        request: &CheckRequest,
    ) -> Result<CheckAnswer, ApiError> {
        Ok(self.host.check(plugin, wasm, request.options()?).await?.into())
    }

    pub(crate) async fn rollback(&self, plugin: &str, request: &RollbackRequest) -> Result<HandOffAnswer, ApiError> {
        let mut options = RollbackOptions {
            deadline: request.deadline_ms.map(Duration::from_millis),
            asked_by: request.asked_by.clone(),
            accept_unread: request.accept_unread,
            probation: request.probation()?,
            ..RollbackOptions::default()
        };
        let probation = options.probation.is_some();
        if let Some(path) = &request.discard_to {
            options.discard = Some(Box::new(Discarded::create(path)?));
        }
        let receipt = self.host.rollback(plugin, options).await?;
        self.handed_off(receipt, probation)
    }

    pub(crate) async fn call(
        &self,
        plugin: &str,
        function: &str,
        arguments: Arguments,
        options: &CallOptions,
    ) -> Result<CallAnswer, ApiError> {
        let reply = self.reply(plugin, function, &arguments, options).await?;
        let (outcome, value) = match reply.outcome {
            stead_runtime::Outcome::Ok(value) => (Outcome::Ok, value),
            stead_runtime::Outcome::Err(value) => (Outcome::Err, value),
        };
        let (value, wave) = match (value, reply.ty) {
            (Some(value), Some(ty)) => (json_of(&value, &ty), Some(wave::print(&value, &ty))),
            _ => (serde_json::Value::Null, None),
        };
        Ok(CallAnswer { outcome, value, wave, replayed: reply.replayed })
    }

    /// Calls with the arguments read by the types of the version that serves. A swap in between may change the types:
    /// the host then refuses the call unexecuted, and the text is read anew.
    async fn reply(
        &self,
        plugin: &str,
        function: &str,
        arguments: &Arguments,
        options: &CallOptions,
    ) -> Result<Reply, ApiError> {
        let mut signature = self.host.function(plugin, function)?;
        loop {
            let call = Call {
                plugin: plugin.to_owned(),
                function: function.to_owned(),
                args: arguments::parse(&signature, arguments)?,
                id: options.id.as_deref().map(call_id).transpose()?,
                deadline: options.deadline_ms.map(Duration::from_millis),
                read: options.read,
            };
            match self.host.call(call).await {
                Err(error @ CallError::Arguments { .. }) => {
                    let now = self.host.function(plugin, function)?;
                    if now == signature {
                        return Err(error.into());
                    }
                    signature = now;
                }
                reply => return Ok(reply?),
            }
        }
    }

    pub(crate) fn state(&self, plugin: &str, collection: &str, query: &StateQuery) -> Result<StateAnswer, ApiError> {
        let page = self.host.state(
            plugin,
            &ScanOptions {
                collection: collection.to_owned(),
                from: query.from.clone(),
                limit: query.limit,
                back: query.back,
            },
        )?;
        let key_type = page.collection.key.clone().unwrap_or(Type::U64);
        let value_type = page.collection.value.clone();
        let entries = page.entries.into_iter().map(|entry| {
            let value_type = value_type.clone().unwrap_or(integer_type(&entry.value));
            EntryInfo {
                key: entry.key.as_ref().map(|key| json_of(key, &key_type)),
                key_wave: entry.key.as_ref().map(|key| wave::print(key, &key_type)),
                value: json_of(&entry.value, &value_type),
                value_wave: wave::print(&entry.value, &value_type),
            }
        });
        Ok(StateAnswer { entries: entries.collect(), collection: page.collection.into(), next: page.next })
    }

    pub(crate) async fn verify(
        &self,
        progress: impl FnMut(u64, u64) + Send + 'static,
    ) -> Result<VerifyAnswer, ApiError> {
        let start = Instant::now();
        let mut progress = progress;
        let verified = self.host.verify(move |at| progress(at.bytes, at.bytes_total)).await?;
        let words = if verified.is_clean() { Words::default() } else { self.host.words() };
        Ok(verify_answer(verified, &words, start.elapsed()))
    }

    /// Components that the catalog names and the data directory lacks.
    pub(crate) fn missing_components(&self) -> Result<Vec<DamageInfo>, ApiError> {
        Ok(self.host.missing_components()?.into_iter().map(|damage| damage_info(damage, &Words::default())).collect())
    }

    pub(crate) async fn checkpoint(&self) -> Result<CheckpointAnswer, ApiError> {
        let start = Instant::now();
        let done = self.host.checkpoint().await?;
        Ok(CheckpointAnswer {
            commit: done.commit.0,
            states: done.states,
            bytes: done.bytes,
            took_us: whole_micros(start.elapsed()),
        })
    }

    pub(crate) fn health(&self) -> HealthAnswer {
        let info = self.host.info();
        HealthAnswer {
            status: "ok".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store: info.store.store_id.iter().map(|byte| format!("{byte:02x}")).collect(),
            owner_epoch: info.store.owner_epoch,
            plugins: info.plugins,
            instances: info.instances,
            calls: info.calls,
            accepted: info.frontier.accepted.0,
            written: info.frontier.written.0,
            durable: info.frontier.durable.0,
            batches: info.frontier.batches,
            syncs: info.frontier.syncs,
            journal_bytes: info.store.journal_bytes,
            dirty_bytes: info.store.dirty_bytes,
            packs: info.store.packs,
            checkpoints: info.store.checkpoints,
            opened_in_us: whole_micros(self.opened_in),
            replayed_commits: self.replayed_commits,
            opened_at_commit: self.opened_at_commit,
        }
    }

    pub(crate) async fn close(self) -> Result<(), ApiError> {
        Ok(self.host.close().await?)
    }
}

/// Verifies a data directory that nobody has open, even one that does not open.
pub(crate) fn verify_idle(data: &Path, mut progress: impl FnMut(u64, u64)) -> Result<VerifyAnswer, ApiError> {
    let start = Instant::now();
    let disk = open(data)?;
    let verified = stead_store::Store::verify_idle(disk.clone(), &mut |at| progress(at.bytes, at.bytes_total))
        .map_err(|error| ApiError::from(stead_runtime::HostError::from(error)))?;
    let words = if verified.is_clean() { Words::default() } else { words(disk) };
    Ok(verify_answer(verified, &words, start.elapsed()))
}

fn verify_answer(verified: stead_store::Verified, words: &Words, took: Duration) -> VerifyAnswer {
    let damage = verified.damage.into_iter().map(|damage| damage_info(damage, words)).collect();
    VerifyAnswer { files: verified.files, bytes: verified.bytes, damage, took_us: whole_micros(took) }
}

pub(super) fn whole_micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn json_of(value: &Value, ty: &Type) -> serde_json::Value {
    json::to_json(value, ty)
}

/// A counter has no declared value type; its value says whether it is signed.
fn integer_type(value: &Value) -> Type {
    match value.0 {
        stead_schema::Parts::U64(_) => Type::U64,
        _ => Type::S64,
    }
}

/// `CLIENT:SEQ`; the client's name may itself hold colons.
fn call_id(text: &str) -> Result<CallId, ApiError> {
    let bad = || {
        ApiError::new("bad-argument", format!("`{text}` is no call id"))
            .help("write CLIENT:SEQ, for instance web-1:42: a name for the caller and its own count of calls")
    };
    let (client, sequence) = text.rsplit_once(':').ok_or_else(bad)?;
    let sequence = sequence.parse().map_err(|_| bad())?;
    if client.is_empty() {
        return Err(bad());
    }
    Ok(CallId { client: client.to_owned(), sequence })
}

/// A new file that is whole and on disk once it was flushed, so that what is given up is safe before it is gone from the
/// state. If nothing is given up, there is none.
struct Discarded(Option<NewFile>);

impl Discarded {
    fn create(path: &Path) -> Result<Self, ApiError> {
        if path.is_relative() {
            return Err(ApiError::new("bad-argument", "`discard_to` takes an absolute path").at(path.display()));
        }
        let file = NewFile::create(path).map_err(|error| {
            let made = ApiError::new("bad-argument", format!("cannot create the file for discarded writes: {error}"));
            made.at(path.display())
                .help("nothing was changed; name a file that does not exist yet, in a directory that does")
        })?;
        Ok(Self(Some(file)))
    }
}

impl Write for Discarded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = self.0.as_ref().ok_or_else(|| io::Error::other("the file was ended already"))?;
        file.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.take().map_or(Ok(()), NewFile::keep)
    }
}
