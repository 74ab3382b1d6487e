//! From the runtime's terms to those of the API: types become WIT text, errors one shape.

use stead_runtime::engine::{DirectoryGrant, Engine, Grants, Settings};
use stead_runtime::{
    CallError, CollectionDetails, DeployError, Deployed, HostError, InspectedCollection, Inspection, LedgerEntry,
    PluginDetails, Refusal, RollbackError, Signature, StateError, SwapError, TrapReport,
};
use stead_schema::{Kind, Type};
use stead_store::OpenError;

use super::answers::{
    CollectionInfo, DeclaredInfo, DeployAnswer, FunctionInfo, InspectAnswer, LedgerInfo, NeededLink, ParamInfo,
    PluginInfo, SchemaInfo,
};
use super::{ApiError, GrantsRequest};

/// What a component is, without a data directory.
pub(crate) fn inspect(engine: &Engine, wasm: &[u8]) -> Result<InspectAnswer, ApiError> {
    Ok(Inspection::of(engine, wasm)?.into())
}

impl From<Signature> for FunctionInfo {
    fn from(signature: Signature) -> Self {
        let param = |(name, ty): (String, Type)| ParamInfo { name, ty: ty.to_string() };
        Self {
            name: signature.path,
            params: signature.params.into_iter().map(param).collect(),
            result: text(signature.result.as_ref()),
        }
    }
}

impl From<CollectionDetails> for CollectionInfo {
    fn from(details: CollectionDetails) -> Self {
        Self {
            identity: details.identity,
            kind: kind(details.kind).to_owned(),
            key: text(details.key.as_ref()),
            value: text(details.value.as_ref()),
            schemas: details.schemas,
            entries: details.entries,
            dormant: details.dormant,
            dropped: details.dropped,
        }
    }
}

impl From<LedgerEntry> for LedgerInfo {
    fn from(entry: LedgerEntry) -> Self {
        let schema = |(number, schema): (usize, stead_schema::Schema)| SchemaInfo {
            number: number as u64,
            key: text(schema.key.as_ref()),
            value: match schema.signed {
                Some(false) => Some(Type::U64.to_string()),
                Some(true) => Some(Type::S64.to_string()),
                None => text(schema.value.as_ref()),
            },
        };
        Self {
            identity: entry.details.identity,
            number: entry.number,
            kind: kind(entry.details.kind).to_owned(),
            key: text(entry.details.key.as_ref()),
            value: text(entry.details.value.as_ref()),
            entries: entry.details.entries,
            dormant: entry.details.dormant,
            dropped: entry.details.dropped,
            writer: entry.writer,
            schemas: entry.schemas.into_iter().enumerate().map(schema).collect(),
        }
    }
}

impl From<InspectedCollection> for DeclaredInfo {
    fn from(declared: InspectedCollection) -> Self {
        Self {
            identity: declared.identity,
            interface: declared.interface,
            kind: declared.kind.map(|of| kind(of).to_owned()),
            key: text(declared.key.as_ref()),
            value: text(declared.value.as_ref()),
            old: declared.old,
        }
    }
}

impl From<PluginDetails> for PluginInfo {
    fn from(details: PluginDetails) -> Self {
        Self {
            summary: details.summary,
            functions: all(details.functions),
            collections: all(details.collections),
            root: details.root,
            commits: details.commits,
            reuse: details.reuse,
            settings: details.settings,
            unused_links: details.unused_links,
            callers: details.callers,
            waiting: details.waiting,
            recording: details.recording,
            figures: details.figures,
            probation_report: details.probation_report,
            versions: details.versions,
            previous: details.previous,
        }
    }
}

impl From<Deployed> for DeployAnswer {
    fn from(deployed: Deployed) -> Self {
        Self {
            plugin: deployed.plugin,
            version: deployed.version,
            functions: all(deployed.functions),
            collections: all(deployed.collections),
            links: deployed.links,
        }
    }
}

impl From<Inspection> for InspectAnswer {
    fn from(inspection: Inspection) -> Self {
        Self {
            component: inspection.component,
            bytes: inspection.bytes,
            functions: all(inspection.functions),
            collections: all(inspection.collections),
            links: inspection.links.into_iter().map(NeededLink::from).collect(),
            imports: inspection.imports,
            migrates: inspection.migrates,
            upgrades: inspection.upgrades,
            migrates_back: inspection.migrates_back,
            checks_ready: inspection.checks_ready,
        }
    }
}

pub(super) fn all<From, To: std::convert::From<From>>(items: Vec<From>) -> Vec<To> {
    items.into_iter().map(To::from).collect()
}

fn text(ty: Option<&Type>) -> Option<String> {
    ty.map(ToString::to_string)
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Cell => "cell",
        Kind::Map => "map",
        Kind::Log => "log",
        Kind::Counter => "counter",
    }
}

/// Settings as an operator writes them.
pub(super) fn settings(texts: &[String]) -> Result<Settings, ApiError> {
    let pair = |text: &String| {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| ApiError::new("bad-argument", format!("`{text}` is no setting")).help("write NAME=VALUE"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    let settings = Settings(texts.iter().map(pair).collect::<Result<_, ApiError>>()?);
    settings.check().map_err(|error| ApiError::new("bad-argument", error))?;
    Ok(settings)
}

/// Grants as an operator writes them.
pub(super) fn grants(request: &GrantsRequest) -> Result<Grants, ApiError> {
    let mut grants = Grants { names: request.names, ..Grants::default() };
    for text in &request.env {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            ApiError::new("bad-argument", format!("`{text}` is no environment variable")).help("write NAME=VALUE")
        })?;
        grants.env.insert(name.to_owned(), value.to_owned());
    }
    for text in &request.dirs {
        grants.directories.push(directory(text)?);
    }
    for text in &request.nets {
        let address = text.parse().map_err(|error| ApiError::new("bad-argument", error))?;
        grants.addresses.push(address);
    }
    Ok(grants)
}

fn directory(text: &str) -> Result<DirectoryGrant, ApiError> {
    let (paths, write) = match text.strip_suffix(":rw") {
        Some(paths) => (paths, true),
        None => (text, false),
    };
    let (host, guest) =
        paths.rsplit_once(':').filter(|(host, guest)| !host.is_empty() && !guest.is_empty()).ok_or_else(|| {
            ApiError::new("bad-argument", format!("`{text}` is no directory grant"))
                .help("write HOST_DIR:GUEST_DIR, with :rw at the end if the plugin may write in it")
        })?;
    Ok(DirectoryGrant { host: host.into(), guest: guest.to_owned(), write })
}

impl From<HostError> for ApiError {
    fn from(error: HostError) -> Self {
        if let HostError::Open(OpenError::Damaged { file, offset, what, affects, .. }) = &error {
            return Self::new(error.kind(), format!("{file} is damaged at byte {offset}: {what}"))
                .at(format!("affected: {affects}"))
                .help(
                    "nothing was changed; `stead verify` lists all damage, `stead repair --dry-run` says what of it can \
                     be kept, and `stead repair` keeps it",
                );
        }
        with_help(error.kind(), &error, store_help(error.kind()))
    }
}

/// What to do about a store that failed.
fn store_help(kind: &str) -> Option<&'static str> {
    match kind {
        "locked" => Some(
            "another process has it open; stop it, or talk to it: a running `stead serve` answers on DIR/control.sock",
        ),
        "read-only" => Some("run as the user who owns the directory, or make it writable; a copy can be opened, too"),
        "newer-format" => Some("install a newer release of stead; this one changes nothing in it"),
        "not-a-store" => Some("give an empty or absent directory, or one that stead made, with --data DIR"),
        "damaged" | "missing" => {
            Some("`stead verify` lists all damage, `stead repair` keeps what can be kept; nothing was changed")
        }
        "no-space" => Some("free space on the disk and try again; nothing was lost"),
        "checkpoint-failed" => {
            Some("mend what the message names, such as a full disk, and try again; nothing was lost")
        }
        "poisoned" | "outcome-unknown" => {
            Some("the disk failed under the journal: check it, then restart the host; what it had acknowledged is safe")
        }
        "undone" => Some("its writes are in the rollback's file: once that is imported, do not repeat the call"),
        _ => None,
    }
}

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        let kind = error.kind();
        match &error {
            CallError::UnknownFunction { plugin, function, exports } => ApiError::new(
                kind,
                format!("`{plugin}` exports no function `{function}`"),
            )
            .help(near(function, exports, "it exports")),
            CallError::Trapped { trap, .. } => {
                let error = ApiError::new(kind, &error);
                let place = trap_place(trap);
                let error = if place.is_empty() { error } else { error.at(place.join("\n")) };
                error.help("the call's writes were discarded; the plugin goes on with the state before the call")
            }
            CallError::UnknownPlugin { plugin } => no_plugin(plugin),
            CallError::ClientsFull { .. } => with_help(
                kind,
                &error,
                Some("call under the name of a known client; `--limit clients-max=…` is set when a plugin is deployed"),
            ),
            CallError::Stopped { plugin, .. } => ApiError::new(kind, &error).help(format!(
                "`stead resume {plugin}` lets its calls in again; `stead rollback {plugin}` and `stead swap` replace the \
                 version; then repeat the call"
            )),
            CallError::QueueFull { .. } => with_help(kind, &error, Some("try again later; the call was not executed")),
            CallError::Unavailable { .. } => {
                with_help(kind, &error, Some("`stead swap` can replace it; its state is safe: `stead state`"))
            }
            CallError::IdReused { .. } => with_help(kind, &error, Some("a new call needs a new sequence number")),
            CallError::OutcomeUnknown(_) => with_help(
                kind,
                &error,
                Some("restart the host; a call that has an id can then be repeated safely under the same id"),
            ),
            _ => with_help(kind, &error, store_help(kind)),
        }
    }
}

impl From<DeployError> for ApiError {
    fn from(error: DeployError) -> Self {
        let kind = error.kind();
        match error {
            DeployError::Host(error) => error.into(),
            DeployError::State(refusals) => refused(kind, "the component's state is refused", &refusals),
            DeployError::Links(refusals) => refused(kind, "the component's links are refused", &refusals),
            DeployError::UnknownOrigin { name } => no_plugin(&name),
            DeployError::Exists { ref name } => ApiError::new(kind, format!("there is a plugin `{name}` already"))
                .help(format!("`stead swap {name} FILE.wasm` replaces its code and keeps its state")),
            error => ApiError::new(kind, &error),
        }
    }
}

impl From<SwapError> for ApiError {
    fn from(error: SwapError) -> Self {
        let kind = error.kind();
        match error {
            SwapError::Host(error) => error.into(),
            SwapError::UnknownPlugin { plugin } => no_plugin(&plugin),
            SwapError::State(refusals) => {
                refused(kind, "the successor cannot take over this state", &refusals).help(format_args!(
                    "{GOES_ON} (`stead swap --help` shows what can be accepted by name)"
                ))
            }
            SwapError::Links(refusals) => refused(kind, "the successor does not fit to other plugins", &refusals)
                .help("nothing was changed; `stead show` says which plugins call which, and plugins that call each other can be \
                       swapped together"),
            SwapError::Aborted { ref receipts, .. } => {
                // A reason may end in what the plugin wrote: the first line is the message, the rest says where.
                let text = error.to_string();
                let (message, rest) = text.split_once('\n').unwrap_or((&text, ""));
                let plugin = receipts.first().map_or("PLUGIN", |receipt| &receipt.plugin);
                let receipt = format!("`stead history {plugin}` keeps the receipt");
                ApiError::new(kind, message).at(format!("{rest}\n{receipt}").trim_start()).help(GOES_ON)
            }
            SwapError::Of { plugin, source } => {
                let error = ApiError::from(*source);
                ApiError { message: format!("`{plugin}`: {}", error.message), ..error }
            }
            SwapError::Busy { ref plugin } => {
                ApiError::new(kind, &error).help(format!("`stead show {plugin}` shows its phase"))
            }
            error => ApiError::new(kind, &error),
        }
    }
}

impl From<RollbackError> for ApiError {
    fn from(error: RollbackError) -> Self {
        let kind = error.kind();
        match error {
            RollbackError::Swap(error) => error.into(),
            RollbackError::WouldLose(refusals) => {
                refused(kind, "going back would lose what was written since", &refusals).help(
                    "nothing was changed; `--discard-to FILE` saves every later write in FILE, then returns to the state at the swap",
                )
            }
            error => ApiError::new(kind, &error),
        }
    }
}

impl From<StateError> for ApiError {
    fn from(error: StateError) -> Self {
        let kind = error.kind();
        match error {
            StateError::Host(error) => error.into(),
            StateError::UnknownPlugin { plugin } => no_plugin(&plugin),
            StateError::UnknownCollection { plugin, collection, collections } => ApiError::new(
                kind,
                format!("`{plugin}` keeps no collection `{collection}`"),
            )
            .help(near(&collection, &collections, "it keeps")),
            error => ApiError::new(kind, &error),
        }
    }
}

const GOES_ON: &str = "nothing was changed and no call was lost; the version before goes on";

/// Frames of a backtrace that are shown; a recursion that is too deep has thousands.
const FRAMES_MAX: usize = 12;

/// What the plugin said last, and where it was.
fn trap_place(trap: &TrapReport) -> Vec<String> {
    let mut place = Vec::new();
    if !trap.stderr.trim().is_empty() {
        place.push(format!("standard error of the plugin: {}", trap.stderr.trim()));
    }
    place.extend(trap.backtrace.iter().take(FRAMES_MAX).map(|frame| format!("at {frame}")));
    if trap.backtrace.len() > FRAMES_MAX {
        place.push(format!("and {} more frames", trap.backtrace.len() - FRAMES_MAX));
    }
    place
}

pub(super) fn no_plugin(plugin: &str) -> ApiError {
    ApiError::new("unknown-plugin", format!("there is no plugin `{plugin}`"))
        .help("`stead list` shows the plugins; `stead deploy NAME FILE.wasm` makes one")
}

fn with_help(kind: &str, error: &impl std::fmt::Display, help: Option<&str>) -> ApiError {
    let made = ApiError::new(kind, error);
    match help {
        Some(help) => made.help(help),
        None => made,
    }
}

fn refused(kind: &str, message: &str, refusals: &[Refusal]) -> ApiError {
    let lines: Vec<String> =
        refusals.iter().map(|refusal| format!("{}: {}", refusal.subject, refusal.reason)).collect();
    ApiError::new(kind, message).at(lines.join("\n"))
}

/// The name that was probably meant, and otherwise all there are.
fn near(given: &str, names: &[String], verb: &str) -> String {
    if names.is_empty() {
        return format!("{verb} nothing");
    }
    let short = |name: &str| name.rsplit(['#', '/']).next().unwrap_or(name).to_owned();
    // No name is longer; what is cannot be near one, and comparing takes the product of both lengths.
    const CHARS_MAX: usize = 256;
    let given = if given.len() > CHARS_MAX { "" } else { given };
    let best = names.iter().map(|name| (distance(&short(given), &short(name)), name)).min();
    match best {
        Some((distance, name)) if distance <= 1 + given.len() / 6 => {
            format!("did you mean `{}`? {verb} {}", short(name), names.join(", "))
        }
        _ => format!("{verb} {}", names.join(", ")),
    }
}

/// Edits between two names: insertions, deletions, replacements, and neighbours that changed places.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested() {
        let exports = ["acme:tally/api@1.0.0#vote".to_owned(), "acme:tally/api@1.0.0#result".to_owned()];
        assert!(near("voet", &exports, "it exports").starts_with("did you mean `vote`?"));
        assert!(near("nope", &exports, "it exports").starts_with("it exports acme"));
    }

    #[test]
    fn directories_are_read_only_unless_said() {
        let grant = directory("/srv/in:/in").unwrap();
        assert_eq!((grant.guest.as_str(), grant.write), ("/in", false));
        assert!(directory("/srv/out:/out:rw").unwrap().write);
        assert!(directory("/srv").is_err());
    }
}
