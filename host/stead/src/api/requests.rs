//! What can be asked, and its form as a query: the same options for HTTP and for the command line.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value as Json;
use stead_runtime::engine::Grants;
use stead_runtime::{CheckOptions, DeployOptions, Reuse, Swap, SwapOptions};

use super::{ApiError, ImportRequest};

/// The options of a request as they stand in a query: names with values, repeated for lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pairs(pub(crate) Vec<(String, String)>);

/// The arguments of a call.
#[derive(Clone, Debug)]
pub(crate) enum Arguments {
    /// A JSON value each.
    Json(Vec<Json>),
    /// One WAVE text each.
    Wave(Vec<String>),
    /// All in one WAVE text: `("ann", 1)`.
    WaveList(String),
}

/// How a call is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallOptions {
    /// `CLIENT:SEQ`.
    pub(crate) id: Option<String>,
    pub(crate) deadline_ms: Option<u64>,
    pub(crate) read: bool,
}

/// What a plugin may reach, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GrantsRequest {
    /// `NAME=VALUE`.
    pub(crate) env: Vec<String>,
    /// `HOST:GUEST` or `HOST:GUEST:rw`.
    pub(crate) dirs: Vec<String>,
    /// `127.0.0.1:5432`, `*:443`.
    pub(crate) nets: Vec<String>,
    /// Name lookup.
    pub(crate) names: bool,
}

/// How a plugin is deployed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeployRequest {
    pub(crate) label: Option<String>,
    pub(crate) per_call: bool,
    /// `NAME=VALUE`.
    pub(crate) limits: Vec<String>,
    /// `NAME=VALUE`.
    pub(crate) config: Vec<String>,
    pub(crate) grants: GrantsRequest,
    /// Identities.
    pub(crate) state: Vec<String>,
}

/// How a version is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SwapRequest {
    pub(crate) label: Option<String>,
    pub(crate) deadline_ms: Option<u64>,
    pub(crate) drop: Vec<String>,
    pub(crate) accept_lossy: Vec<String>,
    pub(crate) accept_unread: bool,
    /// `NAME=VALUE`.
    pub(crate) config: Vec<String>,
    pub(crate) grants: GrantsRequest,
    pub(crate) state: Vec<String>,
}

/// Plugins whose versions are replaced in one hand-off. In a query each begins with `plugin` and `bytes`, the length of its
/// component; the body holds the components one after another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SwapAllRequest {
    pub(crate) swaps: Vec<OneOfSeveral>,
}

/// One of several plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OneOfSeveral {
    pub(crate) plugin: String,
    pub(crate) component_bytes: usize,
    pub(crate) request: SwapRequest,
}

/// What a swap that is only asked about would allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CheckRequest {
    pub(crate) drop: Vec<String>,
    pub(crate) accept_lossy: Vec<String>,
    pub(crate) state: Vec<String>,
}

/// How a plugin goes back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RollbackRequest {
    /// A new file on the host's machine for every write that is given up.
    pub(crate) discard_to: Option<PathBuf>,
    pub(crate) deadline_ms: Option<u64>,
}

/// Which entries to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StateQuery {
    pub(crate) from: Option<String>,
    pub(crate) limit: Option<u32>,
    pub(crate) back: bool,
}

impl Pairs {
    fn add(&mut self, name: &str, value: impl ToString) {
        self.0.push((name.to_owned(), value.to_string()));
    }

    fn add_some(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    fn add_all(&mut self, name: &str, values: &[String]) {
        for value in values {
            self.add(name, value);
        }
    }

    /// The values of one option that may stand several times; no other is known.
    pub(crate) fn only(self, known: &str) -> Result<Vec<String>, ApiError> {
        let mut values = Vec::new();
        self.each(|name, value| {
            let is_known = name == known;
            if is_known {
                values.push(value);
            }
            Ok(is_known)
        })?;
        Ok(values)
    }

    /// The values of options that each stand exactly once.
    pub(crate) fn each_once<const N: usize>(self, names: [&str; N]) -> Result<[String; N], ApiError> {
        let mut values = [const { None }; N];
        self.each(|name, value| {
            let place = names.iter().position(|known| *known == name);
            if let Some(place) = place {
                values[place] = Some(value);
            }
            Ok(place.is_some())
        })?;
        let missing = |at: usize| ApiError::new("bad-request", format!("`{}` is missing in the query", names[at]));
        let mut all = [const { String::new() }; N];
        for (at, value) in values.into_iter().enumerate() {
            all[at] = value.ok_or_else(|| missing(at))?;
        }
        Ok(all)
    }

    fn add_flag(&mut self, name: &str, set: bool) {
        if set {
            self.add(name, true);
        }
    }

    /// Reads each pair by `read`, which answers false for a name that it does not know.
    fn each(self, mut read: impl FnMut(&str, String) -> Result<bool, ApiError>) -> Result<(), ApiError> {
        for (name, value) in self.0 {
            if !read(&name, value)? {
                return Err(ApiError::new("bad-request", format!("unknown option `{name}` in the query")));
            }
        }
        Ok(())
    }
}

impl CallOptions {
    pub(crate) fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::default();
        pairs.add_some("id", self.id.as_ref());
        pairs.add_some("deadline_ms", self.deadline_ms);
        pairs.add_flag("read", self.read);
        pairs
    }

    pub(crate) fn parse(pairs: Pairs) -> Result<Self, ApiError> {
        let mut options = Self::default();
        pairs.each(|name, value| {
            match name {
                "id" => options.id = Some(value),
                "deadline_ms" => options.deadline_ms = Some(number(name, &value)?),
                "read" => options.read = flag(name, &value)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(options)
    }
}

impl GrantsRequest {
    fn add_to(&self, pairs: &mut Pairs) {
        pairs.add_all("env", &self.env);
        pairs.add_all("dir", &self.dirs);
        pairs.add_all("net", &self.nets);
        pairs.add_flag("names", self.names);
    }

    fn read(&mut self, name: &str, value: String) -> Result<bool, ApiError> {
        match name {
            "env" => self.env.push(value),
            "dir" => self.dirs.push(value),
            "net" => self.nets.push(value),
            "names" => self.names = flag(name, &value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn grants(&self) -> Result<Grants, ApiError> {
        super::convert::grants(self)
    }
}

impl DeployRequest {
    pub(crate) fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::default();
        pairs.add_some("label", self.label.as_ref());
        pairs.add_flag("per_call", self.per_call);
        pairs.add_all("limit", &self.limits);
        pairs.add_all("state", &self.state);
        pairs.add_all("config", &self.config);
        self.grants.add_to(&mut pairs);
        pairs
    }

    pub(crate) fn parse(pairs: Pairs) -> Result<Self, ApiError> {
        let mut request = Self::default();
        pairs.each(|name, value| {
            match name {
                "label" => request.label = Some(value),
                "per_call" => request.per_call = flag(name, &value)?,
                "limit" => request.limits.push(value),
                "state" => request.state.push(value),
                "config" => request.config.push(value),
                _ => return request.grants.read(name, value),
            }
            Ok(true)
        })?;
        Ok(request)
    }

    pub(super) fn options(&self) -> Result<DeployOptions, ApiError> {
        Ok(DeployOptions {
            label: label(self.label.as_deref())?,
            grants: self.grants.grants()?,
            settings: super::convert::settings(&self.config)?,
            reuse: if self.per_call { Reuse::PerCall } else { Reuse::Resident },
            limits: super::limits::limits(&self.limits)?,
            state: self.state.clone(),
        })
    }
}

impl SwapRequest {
    pub(crate) fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::default();
        pairs.add_some("label", self.label.as_ref());
        pairs.add_some("deadline_ms", self.deadline_ms);
        pairs.add_all("drop", &self.drop);
        pairs.add_all("accept_lossy", &self.accept_lossy);
        pairs.add_flag("accept_unread", self.accept_unread);
        pairs.add_all("state", &self.state);
        pairs.add_all("config", &self.config);
        self.grants.add_to(&mut pairs);
        pairs
    }

    pub(crate) fn parse(pairs: Pairs) -> Result<Self, ApiError> {
        let mut request = Self::default();
        pairs.each(|name, value| {
            match name {
                "label" => request.label = Some(value),
                "deadline_ms" => request.deadline_ms = Some(number(name, &value)?),
                "drop" => request.drop.push(value),
                "accept_lossy" => request.accept_lossy.push(value),
                "accept_unread" => request.accept_unread = flag(name, &value)?,
                "state" => request.state.push(value),
                "config" => request.config.push(value),
                _ => return request.grants.read(name, value),
            }
            Ok(true)
        })?;
        Ok(request)
    }

    pub(super) fn options(&self) -> Result<SwapOptions, ApiError> {
        let grants = self.grants != GrantsRequest::default();
        Ok(SwapOptions {
            label: label(self.label.as_deref())?,
            deadline: self.deadline_ms.map(Duration::from_millis),
            drop: self.drop.clone(),
            accept_lossy: self.accept_lossy.clone(),
            accept_unread: self.accept_unread,
            grants: if grants { Some(self.grants.grants()?) } else { None },
            state: self.state.clone(),
            settings: if self.config.is_empty() { None } else { Some(super::convert::settings(&self.config)?) },
            asked_by: None,
        })
    }
}

impl SwapAllRequest {
    pub(crate) fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::default();
        for swap in &self.swaps {
            pairs.add("plugin", &swap.plugin);
            pairs.add("bytes", swap.component_bytes);
            pairs.0.extend(swap.request.pairs().0);
        }
        pairs
    }

    pub(crate) fn parse(pairs: Pairs) -> Result<Self, ApiError> {
        let mut sections: Vec<(String, Option<usize>, Pairs)> = Vec::new();
        for (name, value) in pairs.0 {
            match (name.as_str(), sections.last_mut()) {
                ("plugin", _) => sections.push((value, None, Pairs::default())),
                (_, None) => return Err(ApiError::new("bad-request", "the query begins with `plugin`")),
                ("bytes", Some(section)) => section.1 = Some(number::<usize>("bytes", &value)?),
                (_, Some(section)) => section.2.0.push((name, value)),
            }
        }
        let one = |(plugin, bytes, pairs): (String, Option<usize>, Pairs)| {
            let missing = || ApiError::new("bad-request", format!("`bytes` is missing for `{plugin}` in the query"));
            let component_bytes = bytes.ok_or_else(missing)?;
            Ok(OneOfSeveral { plugin, component_bytes, request: SwapRequest::parse(pairs)? })
        };
        Ok(Self { swaps: sections.into_iter().map(one).collect::<Result<_, ApiError>>()? })
    }

    /// The swaps, each with its part of the body.
    pub(super) fn swaps(&self, mut components: &[u8]) -> Result<Vec<Swap>, ApiError> {
        let mut swaps = Vec::new();
        for OneOfSeveral { plugin, component_bytes, request } in &self.swaps {
            let Some((wasm, rest)) = components.split_at_checked(*component_bytes) else {
                let text = format!("the body ends within the component of `{plugin}`");
                return Err(ApiError::new("bad-request", text));
            };
            swaps.push(Swap { plugin: plugin.clone(), wasm: wasm.into(), options: request.options()? });
            components = rest;
        }
        match components.len() {
            0 => Ok(swaps),
            rest => Err(ApiError::new("bad-request", format!("{rest} bytes follow the last component"))),
        }
    }
}

impl CheckRequest {
    pub(crate) fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::default();
        pairs.add_all("drop", &self.drop);
        pairs.add_all("accept_lossy", &self.accept_lossy);
        pairs.add_all("state", &self.state);
        pairs
    }

    pub(crate) fn parse(pairs: Pairs) -> Result<Self, ApiError> {
        let mut request = Self::default();
        pairs.each(|name, value| {
            match name {
                "drop" => request.drop.push(value),
                "accept_lossy" => request.accept_lossy.push(value),
                "state" => request.state.push(value),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(request)
    }

    pub(super) fn options(&self) -> CheckOptions {
        CheckOptions { drop: self.drop.clone(), accept_lossy: self.accept_lossy.clone(), state: self.state.clone() }
    }
}

impl RollbackRequest {
    pub(crate) fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::default();
        pairs.add_some("discard_to", self.discard_to.as_ref().map(|path| path.display()));
        pairs.add_some("deadline_ms", self.deadline_ms);
        pairs
    }

    pub(crate) fn parse(pairs: Pairs) -> Result<Self, ApiError> {
        let mut request = Self::default();
        pairs.each(|name, value| {
            match name {
                "discard_to" => request.discard_to = Some(PathBuf::from(value)),
                "deadline_ms" => request.deadline_ms = Some(number(name, &value)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(request)
    }
}

impl ImportRequest {
    pub(crate) fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::default();
        pairs.add_some("mode", self.mode.as_ref());
        pairs.add_some("reason", self.reason.as_ref());
        pairs
    }

    pub(crate) fn parse(pairs: Pairs) -> Result<Self, ApiError> {
        let mut request = Self::default();
        pairs.each(|name, value| {
            match name {
                "mode" => request.mode = Some(value),
                "reason" => request.reason = Some(value),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(request)
    }
}

impl StateQuery {
    pub(crate) fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::default();
        pairs.add_some("from", self.from.as_ref());
        pairs.add_some("limit", self.limit);
        pairs.add_flag("back", self.back);
        pairs
    }

    pub(crate) fn parse(pairs: Pairs) -> Result<Self, ApiError> {
        let mut query = Self::default();
        pairs.each(|name, value| {
            match name {
                "from" => query.from = Some(value),
                "limit" => query.limit = Some(number(name, &value)?),
                "back" => query.back = flag(name, &value)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(query)
    }
}

/// A version's name, which stands in tables.
fn label(text: Option<&str>) -> Result<Option<String>, ApiError> {
    const CHARS_MAX: usize = 64;
    let Some(text) = text else { return Ok(None) };
    if text.is_empty() || text.chars().count() > CHARS_MAX || text.chars().any(char::is_control) {
        return Err(ApiError::new("bad-argument", "this cannot be a version's label")
            .at(format!("{text:.80?}"))
            .help(format!("a label has 1 to {CHARS_MAX} characters on one line, for instance 2.0.0")));
    }
    Ok(Some(text.to_owned()))
}

fn number<N: std::str::FromStr>(name: &str, value: &str) -> Result<N, ApiError> {
    value.parse().map_err(|_| ApiError::new("bad-request", format!("`{name}` takes a number, not `{value}`")))
}

fn flag(name: &str, value: &str) -> Result<bool, ApiError> {
    match value {
        "true" | "1" | "" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(ApiError::new("bad-request", format!("`{name}` takes true or false, not `{value}`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_survive_the_query() {
        let swap = SwapRequest {
            label: Some("2.0.0".to_owned()),
            deadline_ms: Some(500),
            drop: vec!["a:b/c@1".to_owned(), "a:b/d@1".to_owned()],
            accept_unread: true,
            grants: GrantsRequest { env: vec!["A=b=c".to_owned()], names: true, ..GrantsRequest::default() },
            ..SwapRequest::default()
        };
        assert_eq!(SwapRequest::parse(swap.pairs()).unwrap(), swap);
        let check =
            CheckRequest { drop: swap.drop.clone(), state: vec!["a:b/e@1".to_owned()], ..CheckRequest::default() };
        assert_eq!(CheckRequest::parse(check.pairs()).unwrap(), check);
        let state = StateQuery { from: Some("\"x\"".to_owned()), limit: Some(3), back: true };
        assert_eq!(StateQuery::parse(state.pairs()).unwrap(), state);
    }

    #[test]
    fn unknown_options_are_refused() {
        let error = CallOptions::parse(Pairs(vec![("ide".to_owned(), "a:1".to_owned())])).unwrap_err();
        assert_eq!(error.kind, "bad-request");
        assert!(error.message.contains("`ide`"));
    }
}
