//! What is told of a probation: how it stands, and what happened in it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::outlook::{Outlook, outlook};
use super::terms::unjudged;
use super::{Breach, Measure, OnBreach, Otherwise, Probation};
use crate::catalog::Stage;
use crate::error::HostError;
use crate::host::Shared;
use crate::plugin::{CallFigures, Plugin};

/// How the probation of the active version stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProbationReport {
    /// What was agreed.
    pub terms: Probation,
    /// How far it is.
    pub stage: ProbationStage,
    /// For how long it was watched so far, in milliseconds.
    pub watched_ms: u64,
    /// Figures of its calls.
    pub figures: CallFigures,
    /// Figures of the version before, by which it is judged.
    pub before: CallFigures,
    /// What cannot be judged, because the version before served too few calls.
    pub unjudged: Vec<Measure>,
    /// Whether the version before could take over again with every write that may come, as far as can be told now.
    pub outlook: Outlook,
}

/// How far a probation is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbationStage {
    /// The version is watched.
    Watching,
    /// It did worse than it may, for this reason; what was agreed is being done.
    Breached {
        /// Why.
        reason: String,
    },
    /// Its calls are refused.
    Stopped {
        /// Why.
        reason: String,
    },
}

impl ProbationStage {
    pub(crate) fn of(stage: Stage) -> ProbationStage {
        match stage {
            Stage::Agreed | Stage::Watching => ProbationStage::Watching,
            Stage::Breached(reason) => ProbationStage::Breached { reason },
            Stage::Stopped(reason) => ProbationStage::Stopped { reason },
        }
    }
}

/// What happened in a probation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbationStep {
    /// It ended without a breach. Without a call, nothing was proved.
    Passed {
        /// Figures of the version.
        figures: CallFigures,
        /// Figures of the version before.
        before: CallFigures,
    },
    /// The version did worse than it may.
    Breached {
        /// In what.
        breaches: Vec<Breach>,
        /// Figures of the version.
        figures: CallFigures,
        /// Figures of the version before.
        before: CallFigures,
        /// What is done about it.
        answer: OnBreach,
    },
    /// The version before could not take over again.
    NotHandedBack {
        /// Why.
        reason: String,
        /// What was done instead.
        otherwise: Otherwise,
    },
    /// An operator let the calls of the stopped plugin in again.
    Resumed,
}

impl ProbationReport {
    /// How the probation of the version that serves stands; none if it has none.
    pub(crate) fn of(host: &Shared, plugin: &Arc<Plugin>) -> Result<Option<ProbationReport>, HostError> {
        let serving = plugin.serving();
        let Some(record) = serving.conduct.record() else { return Ok(None) };
        Ok(Some(ProbationReport {
            unjudged: unjudged(&record.terms.thresholds, &record.baseline),
            outlook: outlook(host, &serving)?,
            terms: record.terms,
            stage: ProbationStage::of(record.stage),
            watched_ms: record.watched_ms,
            figures: record.stats.report(),
            before: record.baseline.report(),
        }))
    }
}
