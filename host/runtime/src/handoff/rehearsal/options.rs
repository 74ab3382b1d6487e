//! What an operator says about a rehearsal.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::receipt::Receipt;
use super::Rehearsal;

/// How a swap is rehearsed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RehearseOptions {
    /// Make so many of the recorded calls again, the last ones; all if none.
    pub last: Option<u64>,
    /// How long the calls may take, of all plugins that are rehearsed together. `None` is 60 s.
    pub time: Option<Duration>,
    /// Functions, or collections by identity, that may differ.
    pub accept: Vec<String>,
    /// Go on with the swap if the rehearsal passed.
    pub then_commit: bool,
}

/// What a rehearsal found, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rehearsed {
    /// What was found.
    pub rehearsal: Rehearsal,
    /// What the swap did that was to follow; none if none was.
    pub receipt: Option<Receipt>,
}
