//! Which plugins call which: the links of the versions that serve, and what speaks against others.
//!
//! A link is checked where it begins to hold, and again where anything would end that it rests on: a plugin may have come
//! to call a function a moment ago that a swap is about to take away. So whatever makes or changes links, or replaces a
//! version that others call, does so with the gate in this file closed, from its last check until the new version serves.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard};

use super::Shared;
use crate::catalog::Catalog;
use crate::engine::{Link, LinkTo, Program};
use crate::error::HostError;
use crate::handoff::Refusal;
use crate::limits::{LINK_DEPTH_MAX, LINKED_PLUGINS_MAX, LINKS_MAX};
use crate::plugin::Serving;

/// The links of the versions that serve.
#[derive(Default)]
pub(crate) struct Links {
    /// By the plugin that calls; plugins without links are not in it. Changed with the gate closed only.
    active: RwLock<BTreeMap<String, Arc<[Link]>>>,
    gate: Arc<tokio::sync::RwLock<()>>,
    /// Held while versions that change hands together begin to serve.
    together: RwLock<()>,
}

/// While it lives, no link begins or ends.
pub(crate) enum LinkGate {
    /// Of somebody who neither makes links nor replaces what others call.
    Shared {
        /// Held until it is dropped.
        _gate: OwnedRwLockReadGuard<()>,
    },
    /// Of somebody who does.
    Alone {
        /// Held until it is dropped.
        _gate: OwnedRwLockWriteGuard<()>,
    },
}

/// A version that is about to serve.
pub(crate) struct Newcomer<'a> {
    /// The plugin's name.
    pub(crate) plugin: &'a str,
    pub(crate) program: &'a Program,
}

impl Links {
    /// Sets what a version that serves from now on calls.
    pub(crate) fn serve(&self, plugin: &str, links: &[Link]) {
        let had = self.active.read().contains_key(plugin);
        if links.is_empty() && !had {
            return;
        }
        let mut active = self.active.write();
        match links.is_empty() {
            true => drop(active.remove(plugin)),
            false => drop(active.insert(plugin.to_owned(), links.into())),
        }
    }

    /// While it is held, no versions that change hands together are half there.
    pub(crate) fn look(&self) -> RwLockReadGuard<'_, ()> {
        self.together.read()
    }

    /// Held by whoever lets versions that change hands together begin to serve.
    pub(crate) fn change_hands(&self) -> RwLockWriteGuard<'_, ()> {
        self.together.write()
    }

    /// The plugins that call this one, by name, each with its links to it.
    pub(crate) fn callers(&self, plugin: &str) -> Vec<(String, Vec<Link>)> {
        let to = |links: &[Link]| links.iter().filter(|link| link.callee == plugin).cloned().collect::<Vec<_>>();
        let active = self.active.read();
        let callers = active.iter().map(|(caller, links)| (caller.clone(), to(links)));
        callers.filter(|(_, links)| !links.is_empty()).collect()
    }

    /// Closes the gate for plugins whose versions are about to change.
    pub(crate) async fn close(&self, plugins: &[&str], makes_links: bool) -> LinkGate {
        if !makes_links {
            let gate = Arc::clone(&self.gate).read_owned().await;
            let matters = |plugin: &&str| self.active.read().contains_key(*plugin) || !self.callers(plugin).is_empty();
            if !plugins.iter().any(matters) {
                return LinkGate::Shared { _gate: gate };
            }
        }
        LinkGate::Alone { _gate: Arc::clone(&self.gate).write_owned().await }
    }
}

impl Shared {
    /// Reads the links of all plugins, at open.
    pub(crate) fn read_links(&self) -> Result<(), HostError> {
        let linked = Catalog::of(&self.store)?.linked_plugins()?;
        if linked.is_empty() {
            return Ok(());
        }
        for plugin in self.plugins.read().values().filter(|plugin| linked.contains(&plugin.id)) {
            self.links.serve(&plugin.name, plugin.serving().links(self)?);
        }
        Ok(())
    }

    /// What speaks against links between versions that are about to serve and those that do: functions that are not there
    /// or have other types, on either side, rings, and too many. Blocks: a plugin's code may have to be loaded.
    pub(crate) fn link_refusals(&self, newcomers: &[Newcomer<'_>]) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let newcomer = |plugin: &str| newcomers.iter().find(|newcomer| newcomer.plugin == plugin);
        for Newcomer { plugin, program } in newcomers {
            let links = program.links();
            if links.len() > LINKS_MAX {
                let reason = format!("it has {} links; at most {LINKS_MAX} are allowed (`LINKS_MAX`)", links.len());
                refusals.push(Refusal { subject: (*plugin).to_owned(), reason });
            }
            for link in links {
                refusals.extend(match newcomer(&link.callee) {
                    Some(other) => misfits_of_callee(link, other.program),
                    None => self.misfits_of_serving(link),
                });
            }
            for (caller, links) in self.links.callers(plugin) {
                if newcomer(&caller).is_none() {
                    refusals.extend(links.iter().flat_map(|link| misfits_of_caller(&caller, plugin, link, program)));
                }
            }
        }
        if newcomers.iter().any(|newcomer| !newcomer.program.links().is_empty()) {
            refusals.extend(self.shape_refusals(newcomers));
        }
        refusals
    }

    fn misfits_of_serving(&self, link: &Link) -> Vec<Refusal> {
        let refusal = |reason: String| vec![Refusal { subject: link.import.clone(), reason }];
        let Some(callee) = self.plugin(&link.callee) else {
            return refusal(format!(
                "it is to be linked to plugin `{}`, which is not there: deploy it first",
                link.callee
            ));
        };
        let serving: Arc<Serving> = callee.serving();
        match serving.code_blocking(self) {
            Ok(linked) => misfits_of_callee(link, linked.program()),
            Err(problem) => refusal(format!("plugin `{}`, to which it is linked, cannot run: {problem}", link.callee)),
        }
    }

    /// Rings, and chains and circles of acquaintance that are too large, of all plugins as they would be.
    fn shape_refusals(&self, newcomers: &[Newcomer<'_>]) -> Vec<Refusal> {
        let mut graph: HashMap<String, BTreeSet<String>> = HashMap::new();
        for (plugin, links) in self.links.active.read().iter() {
            graph.insert(plugin.clone(), links.iter().map(|link| link.callee.clone()).collect());
        }
        for Newcomer { plugin, program } in newcomers {
            let callees = program.links().iter().map(|link| link.callee.clone()).collect();
            graph.insert((*plugin).to_owned(), callees);
        }
        let mut refusals = Vec::new();
        let refusal = |subject: &str, reason| Refusal { subject: subject.to_owned(), reason };
        for Newcomer { plugin, .. } in newcomers {
            if let Some(ring) = ring(&graph, plugin) {
                refusals
                    .push(refusal(plugin, format!("plugins would call each other in a ring: {}", ring.join(" → "))));
            }
        }
        if !refusals.is_empty() {
            return refusals;
        }
        for plugin in graph.keys() {
            let (reached, depth) = extent(&graph, plugin);
            if reached > LINKED_PLUGINS_MAX {
                let what =
                    format!("a call of it would reach {reached} plugins; `LINKED_PLUGINS_MAX` is {LINKED_PLUGINS_MAX}");
                refusals.push(refusal(plugin, what));
            }
            if depth > LINK_DEPTH_MAX {
                let what = format!("a call of it could go {depth} links deep; `LINK_DEPTH_MAX` is {LINK_DEPTH_MAX}");
                refusals.push(refusal(plugin, what));
            }
        }
        refusals.sort_by(|one, other| one.subject.cmp(&other.subject));
        refusals
    }
}

/// Links that were named and mean no import, or what is the host's.
pub(crate) fn meaningless(named: &[LinkTo], program: &Program) -> Vec<Refusal> {
    let unused = named.iter().filter(|to| !program.links().iter().any(|link| to.means(&link.import)));
    let refusal = |to: &LinkTo| {
        let reason = match to.interface.starts_with("wasi:") || to.interface.starts_with("stead:") {
            true => "it is the host's own and cannot be linked to a plugin (`--link`)".to_owned(),
            false => format!(
                "it was linked to plugin `{}` (`--link`), but this version calls no function of an interface of that name",
                to.plugin
            ),
        };
        Refusal { subject: to.interface.clone(), reason }
    };
    unused.map(refusal).collect()
}

fn misfits_of_callee(link: &Link, callee: &Program) -> Vec<Refusal> {
    let refusal = |misfit: crate::engine::Misfit| Refusal {
        subject: link.import.clone(),
        reason: format!("plugin `{}`: function `{}` {}", link.callee, misfit.function, misfit.what),
    };
    link.misfits(callee.exports()).into_iter().map(refusal).collect()
}

fn misfits_of_caller(caller: &str, plugin: &str, link: &Link, successor: &Program) -> Vec<Refusal> {
    let refusal = |misfit: crate::engine::Misfit| Refusal {
        subject: caller.to_owned(),
        reason: format!(
            "plugin `{caller}` calls `{plugin}`, whose function `{}` {} in this version; keep it as it is, or swap both \
             together",
            misfit.function, misfit.what
        ),
    };
    link.misfits(successor.exports()).into_iter().map(refusal).collect()
}

/// A ring that goes through a plugin, from it back to it.
fn ring(graph: &HashMap<String, BTreeSet<String>>, plugin: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut open = vec![vec![plugin.to_owned()]];
    while let Some(path) = open.pop() {
        let last = path.last()?;
        for callee in graph.get(last).into_iter().flatten() {
            let longer = || path.iter().chain([callee]).cloned().collect();
            if callee == plugin {
                return Some(longer());
            }
            if seen.insert(callee.clone()) {
                open.push(longer());
            }
        }
    }
    None
}

/// How many plugins a call reaches, its own included, and how many links deep it may go. There are no rings.
fn extent(graph: &HashMap<String, BTreeSet<String>>, plugin: &str) -> (usize, u32) {
    let mut reached = BTreeSet::from([plugin]);
    let mut level: BTreeSet<&str> = reached.clone();
    let mut depth = 0;
    loop {
        level = level.iter().flat_map(|plugin| graph.get(*plugin).into_iter().flatten()).map(String::as_str).collect();
        if level.is_empty() {
            return (reached.len(), depth);
        }
        reached.extend(&level);
        depth += 1;
    }
}
