//! What can be asked, and its form as a query: the same options for HTTP and for the command line.

mod rollback;

use std::time::Duration;

use serde_json::Value as Json;
use stead_runtime::engine::Grants;
use stead_runtime::{CheckOptions, DeployOptions, Reuse, Swap, SwapOptions};

use super::links::{links, new_links};
use super::pairs::{Pairs, flag, number};
use super::receipts::asked_by;
use super::{ApiError, ImportRequest, ProbationRequest};

pub(crate) use rollback::RollbackRequest;

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
    /// `INTERFACE=PLUGIN`.
    pub(crate) links: Vec<String>,
}

/// How a version is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SwapRequest {
    pub(crate) label: Option<String>,
    pub(crate) deadline_ms: Option<u64>,
    pub(crate) migration_deadline_ms: Option<u64>,
    pub(crate) drop: Vec<String>,
    pub(crate) accept_lossy: Vec<String>,
    pub(crate) accept_unread: bool,
    /// `NAME=VALUE`.
    pub(crate) config: Vec<String>,
    pub(crate) grants: GrantsRequest,
    pub(crate) state: Vec<String>,
    pub(crate) probation: ProbationRequest,
    /// `INTERFACE=PLUGIN`; none keeps those that there are.
    pub(crate) links: Vec<String>,
    /// Who asks.
    pub(crate) asked_by: Option<String>,
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
    /// As for a swap.
    pub(crate) links: Vec<String>,
}

/// Which entries to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StateQuery {
    pub(crate) from: Option<String>,
    pub(crate) limit: Option<u32>,
    pub(crate) back: bool,
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
        pairs.add_all("link", &self.links);
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
                "link" => request.links.push(value),
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
            links: links(&self.links)?,
        })
    }
}

impl SwapRequest {
    pub(crate) fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::default();
        pairs.add_some("label", self.label.as_ref());
        pairs.add_some("deadline_ms", self.deadline_ms);
        pairs.add_some("migration_deadline_ms", self.migration_deadline_ms);
        pairs.add_all("drop", &self.drop);
        pairs.add_all("accept_lossy", &self.accept_lossy);
        pairs.add_flag("accept_unread", self.accept_unread);
        pairs.add_all("state", &self.state);
        pairs.add_all("link", &self.links);
        pairs.add_all("config", &self.config);
        pairs.add_some("as", self.asked_by.as_ref());
        self.grants.add_to(&mut pairs);
        self.probation.add_to(&mut pairs);
        pairs
    }

    pub(crate) fn parse(pairs: Pairs) -> Result<Self, ApiError> {
        let mut request = Self::default();
        pairs.each(|name, value| {
            if request.probation.read(name, value.clone()) {
                return Ok(true);
            }
            match name {
                "label" => request.label = Some(value),
                "deadline_ms" => request.deadline_ms = Some(number(name, &value)?),
                "migration_deadline_ms" => request.migration_deadline_ms = Some(number(name, &value)?),
                "drop" => request.drop.push(value),
                "accept_lossy" => request.accept_lossy.push(value),
                "accept_unread" => request.accept_unread = flag(name, &value)?,
                "state" => request.state.push(value),
                "link" => request.links.push(value),
                "config" => request.config.push(value),
                "as" => request.asked_by = Some(asked_by(value)?),
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
            migration_deadline: self.migration_deadline_ms.map(Duration::from_millis),
            drop: self.drop.clone(),
            accept_lossy: self.accept_lossy.clone(),
            accept_unread: self.accept_unread,
            grants: if grants { Some(self.grants.grants()?) } else { None },
            state: self.state.clone(),
            links: new_links(&self.links)?,
            probation: self.probation.terms()?,
            settings: if self.config.is_empty() { None } else { Some(super::convert::settings(&self.config)?) },
            asked_by: self.asked_by.clone(),
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
        pairs.add_all("link", &self.links);
        pairs
    }

    pub(crate) fn parse(pairs: Pairs) -> Result<Self, ApiError> {
        let mut request = Self::default();
        pairs.each(|name, value| {
            match name {
                "drop" => request.drop.push(value),
                "accept_lossy" => request.accept_lossy.push(value),
                "state" => request.state.push(value),
                "link" => request.links.push(value),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(request)
    }

    pub(super) fn options(&self) -> Result<CheckOptions, ApiError> {
        Ok(CheckOptions {
            drop: self.drop.clone(),
            accept_lossy: self.accept_lossy.clone(),
            state: self.state.clone(),
            links: new_links(&self.links)?,
        })
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

#[cfg(test)]
mod tests;
