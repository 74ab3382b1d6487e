//! One plugin of a hand-off.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use stead_store::{StateId, WriterEpoch};

use super::carry::Carried;
use super::group::{AHEAD, PATIENCE};
use super::plan::Plan;
use super::upgrade::Upgrading;
use super::{Probation, Stop};
use crate::catalog::{LinksRecord, PartyRecord, ProbationRecord, Stage};
use crate::engine::Program;
use crate::error::{HostError, SwapError};
use crate::host::Shared;
use crate::plugin::{Mark, Plugin, Seat, Stats, Turn};

/// One plugin of a hand-off: what is journaled of it, and what lives only as long as the process.
pub(super) struct Party {
    pub(super) host: Shared,
    pub(super) plugin: Arc<Plugin>,
    /// None in a rehearsal, which nobody is kept out by.
    pub(super) mark: Option<Mark>,
    /// As it stands in the catalog, or will with the next commit.
    pub(super) record: PartyRecord,
    /// None only if the hand-off is given up at open.
    pub(super) successor: Option<Successor>,
    /// What the successor's state needs; none until it was prepared.
    pub(super) carried: Option<Carried>,
    /// Where later writes go that are given up.
    pub(super) sink: Option<Mutex<Box<dyn Write + Send>>>,
    pub(super) gate: Option<Gate>,
    /// How many calls waited, and for how long, behind a gate that never closed because the running call did not end.
    pub(super) held_in_vain: Option<(u64, Duration)>,
    /// The conversion of its state entry by entry, once it is begun.
    pub(super) upgrading: Option<Upgrading>,
    /// For how long the successor's code may run before calls are held.
    pub(super) ahead: Duration,
    /// For how long calls may be held.
    pub(super) patience: Duration,
    /// Commits of the live state when the gate had closed; none after a crash.
    pub(super) sealed_at: Option<u64>,
    /// Later writes that were exported.
    pub(super) discarded: u64,
    /// The links of a version that is new; those of one that is not stand in the catalog.
    pub(super) links: Option<LinksRecord>,
    /// The probation that the successor begins with.
    pub(super) probation: Option<ProbationRecord>,
}

/// The successor's code, and what is going to be done for it.
pub(super) struct Successor {
    pub(super) program: Program,
    pub(super) plan: Plan,
}

/// A closed gate: calls are held for as long as it lives.
pub(super) struct Gate {
    pub(super) turn: Turn<Seat>,
    pub(super) since: Instant,
    /// Until when the successor's code may run while it is closed.
    pub(super) until: Instant,
}

impl Party {
    pub(super) fn new(host: &Shared, plugin: Arc<Plugin>, mark: Mark, record: PartyRecord) -> Party {
        mark.is_for(record.kind, record.successor.summary(), record.asked_by.clone());
        Party { mark: Some(mark), ..Party::bare(host, plugin, record) }
    }

    /// One that is only tried out: no gate is closed for it and nothing is committed.
    pub(super) fn rehearsed(host: &Shared, plugin: Arc<Plugin>, record: PartyRecord, successor: Successor) -> Party {
        Party { successor: Some(successor), ..Party::bare(host, plugin, record) }
    }

    fn bare(host: &Shared, plugin: Arc<Plugin>, record: PartyRecord) -> Party {
        Party {
            host: host.clone(),
            plugin,
            mark: None,
            record,
            successor: None,
            carried: None,
            sink: None,
            gate: None,
            held_in_vain: None,
            upgrading: None,
            ahead: AHEAD,
            patience: PATIENCE,
            sealed_at: None,
            discarded: 0,
            links: None,
            probation: None,
        }
    }

    /// The same with a probation of the successor, which is judged by what the incumbent has done so far.
    pub(super) fn with_probation(self, terms: Option<Probation>) -> Party {
        let serving = self.plugin.serving();
        let probation = terms.map(|terms| ProbationRecord {
            plugin: self.plugin.name.clone(),
            generation: self.record.successor.generation,
            terms,
            baseline: serving.conduct.stats(),
            stats: Stats::default(),
            watched_ms: 0,
            stage: Stage::Agreed,
        });
        Party { probation, ..self }
    }

    /// Holds new calls and waits for the running one, until `patience` has passed since then.
    pub(super) async fn close_gate(&mut self, since: Instant, patience: Duration) -> Result<(), Stop> {
        let until = since + patience;
        match self.plugin.close_gate(until).await {
            Ok(turn) => {
                self.gate = Some(Gate { turn, since, until });
                Ok(())
            }
            Err(_) => {
                self.held_in_vain = Some((self.plugin.waiting() as u64, since.elapsed()));
                let name = &self.plugin.name;
                Err(Stop::Abort(format!("the running call of {name} did not end within {patience:?}")))
            }
        }
    }

    pub(super) fn successor(&self) -> Result<&Successor, Stop> {
        self.successor.as_ref().ok_or_else(|| Stop::abort("the successor was not planned"))
    }

    /// The incumbent's live state.
    pub(super) fn live(&self) -> StateId {
        self.plugin.serving().plugin.state
    }

    /// The next writer epoch of the live state.
    pub(super) fn next_epoch(&self) -> Result<WriterEpoch, HostError> {
        let state = self.live();
        let epoch = self.host.store.epoch(state);
        let epoch = epoch.ok_or_else(|| HostError::Catalog { what: format!("{state} is missing") })?;
        Ok(WriterEpoch(epoch.0 + 1))
    }
}

/// Finds a plugin and marks its hand-off as begun.
pub(super) fn begin(host: &Shared, name: &str) -> Result<(Arc<Plugin>, Mark), SwapError> {
    let plugin = host.plugin(name).ok_or_else(|| SwapError::UnknownPlugin { plugin: name.into() })?;
    let mark = plugin.begin_hand_off(&host.events).ok_or_else(|| SwapError::Busy { plugin: name.into() })?;
    Ok((plugin, mark))
}
