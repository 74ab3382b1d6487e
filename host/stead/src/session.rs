//! Where a command's requests go: to a running host, or to an idle data directory opened for this one command.

mod hand_offs;

use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use stead_receipt::SecretKey;
use stead_runtime::engine::{Engine, EngineOptions};
use stead_runtime::{
    Diff, Edited, Export, HistoryEntry, Host, HostOptions, Imported, PluginSummary, Recovery, Rehearsed, StateDigest,
    VersionSummary,
};

use crate::api::{
    self, Api, ApiError, Arguments, CallAnswer, CallOptions, CheckAnswer, CheckRequest, CheckpointAnswer, DeployAnswer,
    DeployRequest, EditRequest, HandOffAnswer, ImportRequest, LedgerAnswer, Pairs, PluginInfo, RecordAnswer,
    RecordRequest, RehearseRequest, RepairAnswer, RollbackRequest, StateAnswer, StateQuery, SwapAllRequest,
    SwapRequest, VerifyAnswer, verify_idle, write_diff,
};
use crate::client::{Body, Client, Target, escape, query};
use crate::command::Missing;
use crate::failure::Failure;
use crate::pipe::{Outgoing, Reader, Sender, Writer, pipe};
use crate::server::socket_path;

pub(crate) use hand_offs::write_receipts;

/// How long to wait for another command that has the data directory open: most take milliseconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The host that a command talks to.
pub(crate) enum Session {
    Remote(Client),
    Local(Api),
}

/// Opens a data directory in this process.
pub(crate) async fn open_host(data: &Path, key: Option<SecretKey>) -> Result<(Host, Recovery), ApiError> {
    let options = HostOptions { receipt_key: key, ..HostOptions::at(data, engine(Some(data))?) };
    let begin = Instant::now();
    loop {
        let opened = Host::open(options.clone()).await.map_err(ApiError::from);
        let locked = opened.as_ref().is_err_and(|error| error.kind == "locked");
        if !locked || begin.elapsed() >= LOCK_PATIENCE || Client::of_running_host(&socket_path(data)).await.is_some() {
            return opened;
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
}

/// The compiler, with the cache of a data directory if it has one.
pub(crate) fn engine(data: Option<&Path>) -> Result<Engine, ApiError> {
    let options = EngineOptions { cache: data.map(|data| data.join("cache")), ..EngineOptions::default() };
    Engine::new(options).map_err(|error| ApiError::new("internal", error))
}

impl Session {
    /// A host on TCP.
    pub(crate) fn over(target: Target, token: Option<String>) -> Self {
        Self::Remote(Client::new(target, token))
    }

    /// The host that serves `data`, or else `data` itself.
    pub(crate) async fn open(data: &Path, missing: Missing, key: Option<SecretKey>) -> Result<Self, Failure> {
        if let Some(client) = Client::of_running_host(&socket_path(data)).await {
            return Ok(Self::Remote(client));
        }
        match missing {
            Missing::Refuse => must_exist(data)?,
            Missing::Create => must_not_be_a_file(data)?,
        }
        match open_host(data, key).await {
            Ok((host, recovery)) => Ok(Self::Local(Api::new(host, &recovery))),
            Err(error) => match Client::of_running_host(&socket_path(data)).await {
                // It started meanwhile.
                Some(client) => Ok(Self::Remote(client)),
                None => Err(explain(data, error)),
            },
        }
    }

    /// Ends the session and hands the result on; an error of the request comes before one of closing.
    pub(crate) async fn close<T>(self, result: Result<T, ApiError>) -> Result<T, Failure> {
        let closed = match self {
            Self::Remote(_) => Ok(()),
            Self::Local(api) => api.close().await,
        };
        let value = result?;
        closed?;
        Ok(value)
    }

    pub(crate) async fn list(&self) -> Result<Vec<PluginSummary>, ApiError> {
        match self {
            Self::Remote(client) => client.get("/v1/plugins").await,
            Self::Local(api) => api.list(),
        }
    }

    pub(crate) async fn show(&self, plugin: &str) -> Result<PluginInfo, ApiError> {
        match self {
            Self::Remote(client) => client.get(&path(plugin, "", &Pairs::default())).await,
            Self::Local(api) => api.show(plugin),
        }
    }

    pub(crate) async fn history(&self, plugin: &str) -> Result<Vec<HistoryEntry>, ApiError> {
        match self {
            Self::Remote(client) => client.get(&path(plugin, "/history", &Pairs::default())).await,
            Self::Local(api) => api.history(plugin),
        }
    }

    pub(crate) async fn state(
        &self,
        plugin: &str,
        collection: &str,
        query: &StateQuery,
    ) -> Result<StateAnswer, ApiError> {
        match self {
            Self::Remote(client) => {
                client.get(&path(plugin, &format!("/state/{}", escape(collection)), &query.pairs())).await
            }
            Self::Local(api) => api.state(plugin, collection, query),
        }
    }

    pub(crate) async fn call(
        &self,
        plugin: &str,
        function: &str,
        arguments: Arguments,
        options: &CallOptions,
    ) -> Result<CallAnswer, ApiError> {
        match self {
            Self::Remote(client) => {
                let body = match arguments {
                    Arguments::Json(values) => Body::Json(values.into()),
                    Arguments::Wave(texts) => Body::Json(json!({ "wave": texts })),
                    Arguments::WaveList(text) => Body::Text(text),
                };
                client.post(&path(plugin, &format!("/call/{}", escape(function)), &options.pairs()), body).await
            }
            Self::Local(api) => api.call(plugin, function, arguments, options).await,
        }
    }

    pub(crate) async fn deploy(
        &self,
        plugin: &str,
        wasm: Vec<u8>,
        request: &DeployRequest,
    ) -> Result<DeployAnswer, ApiError> {
        match self {
            Self::Remote(client) => {
                client.post(&path(plugin, "/deploy", &request.pairs()), Body::Component(wasm.into())).await
            }
            Self::Local(api) => api.deploy(plugin, &wasm, request).await,
        }
    }

    pub(crate) async fn swap(
        &self,
        plugin: &str,
        wasm: Vec<u8>,
        request: &SwapRequest,
    ) -> Result<HandOffAnswer, ApiError> {
        match self {
            Self::Remote(client) => {
                client.post(&path(plugin, "/swap", &request.pairs()), Body::Component(wasm.into())).await
            }
            Self::Local(api) => api.swap(plugin, &wasm, request).await,
        }
    }

    pub(crate) async fn swap_all(
        &self,
        request: &SwapAllRequest,
        components: Vec<u8>,
    ) -> Result<Vec<HandOffAnswer>, ApiError> {
        match self {
            Self::Remote(client) => {
                let path = format!("/v1/swap{}", query(&request.pairs().0));
                client.post(&path, Body::Component(components.into())).await
            }
            Self::Local(api) => api.swap_all(request, &components).await,
        }
    }

    /// Tries a swap out, and makes it if that is asked for and passed.
    pub(crate) async fn rehearse(
        &self,
        plugin: &str,
        wasm: Vec<u8>,
        request: &RehearseRequest,
    ) -> Result<Rehearsed, ApiError> {
        match self {
            Self::Remote(client) => {
                client.post(&path(plugin, "/rehearse", &request.pairs()), Body::Component(wasm.into())).await
            }
            Self::Local(api) => api.rehearse(plugin, &wasm, request).await,
        }
    }

    pub(crate) async fn check(
        &self,
        plugin: &str,
        wasm: Vec<u8>,
        request: &CheckRequest,
    ) -> Result<CheckAnswer, ApiError> {
        match self {
            Self::Remote(client) => {
                client.post(&path(plugin, "/check", &request.pairs()), Body::Component(wasm.into())).await
            }
            Self::Local(api) => api.check(plugin, &wasm, request).await,
        }
    }

    pub(crate) async fn rollback(&self, plugin: &str, request: &RollbackRequest) -> Result<HandOffAnswer, ApiError> {
        match self {
            Self::Remote(client) => client.post(&path(plugin, "/rollback", &request.pairs()), Body::Empty).await,
            Self::Local(api) => api.rollback(plugin, request).await,
        }
    }

    pub(crate) async fn record(&self, plugin: &str, request: RecordRequest) -> Result<RecordAnswer, ApiError> {
        match self {
            Self::Remote(client) => client.post(&path(plugin, "/recording", &request.pairs()), Body::Empty).await,
            Self::Local(api) => api.record(plugin, request).await,
        }
    }

    /// Which calls are recorded.
    pub(crate) async fn recording(&self, plugin: &str) -> Result<RecordAnswer, ApiError> {
        match self {
            Self::Remote(client) => client.get(&path(plugin, "/recording", &Pairs::default())).await,
            Self::Local(api) => api.recording(plugin),
        }
    }

    /// What the state records about its collections, or about one.
    pub(crate) async fn schema(&self, plugin: &str, collection: Option<&str>) -> Result<LedgerAnswer, ApiError> {
        match self {
            Self::Remote(client) => {
                let pairs = collection.map(|name| ("collection".to_owned(), name.to_owned())).into_iter().collect();
                client.get(&path(plugin, "/schema", &Pairs(pairs))).await
            }
            Self::Local(api) => api.schema(plugin, collection),
        }
    }

    /// A state as the lines of an exported file.
    pub(crate) async fn export(&self, plugin: &str, collections: &[String]) -> Result<Reader, ApiError> {
        let (sender, receiver) = pipe();
        match self {
            Self::Remote(client) => {
                let named = collections.iter().map(|name| ("collection".to_owned(), name.clone())).collect();
                let body = client.stream(&path(plugin, "/export", &Pairs(named))).await?;
                tokio::spawn(sender.feed(body));
            }
            Self::Local(api) => {
                let export = api.export(plugin, collections).await?;
                tokio::task::spawn_blocking(move || write_export(&export, sender));
            }
        }
        Ok(Reader::new(receiver))
    }

    pub(crate) async fn import(
        &self,
        plugin: &str,
        source: Box<dyn Read + Send>,
        request: &ImportRequest,
    ) -> Result<Imported, ApiError> {
        match self {
            Self::Remote(client) => {
                let (sender, receiver) = pipe();
                sender.copy(source);
                client.post(&path(plugin, "/import", &request.pairs()), Body::Lines(Outgoing(receiver))).await
            }
            Self::Local(api) => api.import(plugin, source, request).await,
        }
    }

    pub(crate) async fn edit(&self, plugin: &str, collection: &str, request: EditRequest) -> Result<Edited, ApiError> {
        match self {
            Self::Remote(client) => {
                let body = serde_json::to_value(request)
                    .map_err(|error| ApiError::new("internal", format!("cannot form a request: {error}")))?;
                let path = path(plugin, &format!("/edit/{}", escape(collection)), &Pairs::default());
                client.post(&path, Body::Json(body)).await
            }
            Self::Local(api) => api.edit(plugin, collection, request).await,
        }
    }

    /// What differs between two states, as lines of JSON.
    pub(crate) async fn diff(&self, one: &str, other: &str) -> Result<Reader, ApiError> {
        let (sender, receiver) = pipe();
        match self {
            Self::Remote(client) => {
                let pairs = [("one".to_owned(), one.to_owned()), ("other".to_owned(), other.to_owned())];
                let body = client.stream(&format!("/v1/diff{}", query(&pairs))).await?;
                tokio::spawn(sender.feed(body));
            }
            Self::Local(api) => {
                let diff = api.diff(one, other).await?;
                tokio::task::spawn_blocking(move || write_comparison(&diff, sender));
            }
        }
        Ok(Reader::new(receiver))
    }

    pub(crate) async fn digest(&self, plugin: &str) -> Result<StateDigest, ApiError> {
        match self {
            Self::Remote(client) => client.get(&path(plugin, "/digest", &Pairs::default())).await,
            Self::Local(api) => api.digest(plugin).await,
        }
    }

    pub(crate) async fn fork(&self, plugin: &str, to: &str) -> Result<VersionSummary, ApiError> {
        match self {
            Self::Remote(client) => {
                let pairs = Pairs(vec![("to".to_owned(), to.to_owned())]);
                client.post(&path(plugin, "/fork", &pairs), Body::Empty).await
            }
            Self::Local(api) => api.fork(plugin, to).await,
        }
    }

    pub(crate) async fn checkpoint(&self) -> Result<CheckpointAnswer, ApiError> {
        match self {
            Self::Remote(client) => client.post("/v1/checkpoint", Body::Empty).await,
            Self::Local(api) => api.checkpoint().await,
        }
    }
}

/// Writes a state out on a thread that may block, to whoever reads.
pub(crate) fn write_export(export: &Export, sender: Sender) {
    let mut writer = Writer::new(sender);
    let wrote = export.write_to(&mut writer).map(drop).map_err(io::Error::other);
    let wrote = wrote.and_then(|()| io::Write::flush(&mut writer));
    writer.end(wrote);
}

/// The same for a comparison.
pub(crate) fn write_comparison(diff: &Diff, sender: Sender) {
    let mut writer = Writer::new(sender);
    let wrote = write_diff(diff, &mut writer).map_err(|error| io::Error::other(error.message));
    let wrote = wrote.and_then(|()| io::Write::flush(&mut writer));
    writer.end(wrote);
}

/// Every hash on disk: by the running host, or on the idle directory, which need not open for it.
pub(crate) async fn verify(
    remote: Option<Client>,
    data: &Path,
    progress: impl FnMut(u64, u64) + Send + 'static,
) -> Result<VerifyAnswer, Failure> {
    let client = match remote {
        Some(client) => Some(client),
        None => Client::of_running_host(&socket_path(data)).await,
    };
    if let Some(client) = client {
        return Ok(client.post("/v1/verify", Body::Empty).await?);
    }
    must_exist(data)?;
    let directory = data.to_owned();
    let verified = tokio::task::spawn_blocking(move || verify_idle(&directory, progress)).await;
    let mut answer =
        verified.map_err(|error| Failure::host("internal", error))?.map_err(|error| explain(data, error))?;
    // Which components there must be only an open directory can say; one that cannot be opened just now, such as on a
    // full disk, has all the same been read to the last byte.
    if answer.damage.is_empty()
        && let Ok((host, recovery)) = open_host(data, None).await
    {
        let api = Api::new(host, &recovery);
        answer.damage = api.missing_components()?;
        api.close().await?;
    }
    Ok(answer)
}

/// Makes a damaged data directory one that opens. A running host is asked for nothing: it would have to stop first.
pub(crate) async fn repair(
    data: &Path,
    dry_run: bool,
    progress: impl FnMut(u64, u64) + Send + 'static,
) -> Result<RepairAnswer, Failure> {
    must_exist(data)?;
    let directory = data.to_owned();
    let repaired = tokio::task::spawn_blocking(move || api::repair(&directory, dry_run, progress)).await;
    repaired.map_err(|error| Failure::host("internal", error))?.map_err(|error| explain(data, error))
}

fn path(plugin: &str, rest: &str, pairs: &Pairs) -> String {
    format!("/v1/plugins/{}{rest}{}", escape(plugin), query(&pairs.0))
}

fn must_exist(data: &Path) -> Result<(), Failure> {
    if data.is_dir() {
        return Ok(());
    }
    must_not_be_a_file(data)?;
    Err(Failure::host("no-data", "there is no data directory")
        .at(data.display())
        .help("name it with --data DIR or STEAD_DATA; `stead deploy` and `stead serve` make a new one"))
}

pub(crate) fn must_not_be_a_file(data: &Path) -> Result<(), Failure> {
    if !data.exists() || data.is_dir() {
        return Ok(());
    }
    Err(Failure::host("not-a-store", "the data directory is no directory, but a file")
        .at(data.display())
        .help("name a directory with --data DIR or STEAD_DATA"))
}

/// Says where, and tells the case apart that a host holds the lock and does not answer.
pub(crate) fn explain(data: &Path, error: ApiError) -> Failure {
    let locked = error.kind == "locked";
    let mut failure = Failure::from(error);
    if locked {
        let socket = socket_path(data);
        return failure.at(format!("{}, and nothing answers on {}", data.display(), socket.display())).help(
            "the host may be starting or stopping: try again; else end that process (or it is another `stead` command at work)",
        );
    }
    match failure.place.take() {
        None => failure.at(data.display()),
        Some(place) => failure.at(format!("{}\n{place}", data.display())),
    }
}
