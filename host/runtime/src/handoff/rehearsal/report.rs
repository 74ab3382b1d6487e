//! What a rehearsal found.

use serde::{Deserialize, Serialize};

use super::super::Phase;
use super::super::receipt::{CollectionVerdict, Migrated};
use crate::host::VersionSummary;

/// What a hand-off would do, found out on a copy of the state that nobody else saw.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rehearsal {
    /// The plugin.
    pub plugin: String,
    /// The version that serves.
    pub from: VersionSummary,
    /// The one that would take over.
    pub to: VersionSummary,
    /// A swap may follow: it would not be given up, every call was made, and all that differs was accepted by name.
    pub passed: bool,
    /// What differs and was not accepted, by the names under which it can be: functions and collections.
    pub differing: Vec<String>,
    /// What differs and was accepted.
    pub accepted: Vec<String>,
    /// Where and why the hand-off would be given up, if it would.
    pub given_up: Option<GivenUp>,
    /// What was found for each collection.
    pub verdicts: Vec<CollectionVerdict>,
    /// What the migration did, if there was one.
    pub migrated: Option<Migrated>,
    /// How long the successor's state took to prepare, its readiness check included, in microseconds.
    pub prepared_us: u64,
    /// Grants that were taken away from both versions, because by them a plugin could have an effect outside.
    pub withheld: Vec<String>,
    /// What became of the recorded calls.
    pub calls: Calls,
    /// The functions that were called, by name.
    pub functions: Vec<FunctionRehearsal>,
    /// Functions that are left out above, because there are too many.
    pub functions_left_out: u64,
    /// The version that serves.
    pub incumbent: SideFigures,
    /// The one that would take over.
    pub successor: SideFigures,
    /// What differs in the end between the states of both. None if it was not compared.
    pub state: Option<StateRehearsal>,
}

/// Why a hand-off would be given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// Where.
    pub phase: Phase,
    /// Why.
    pub reason: String,
}

/// What became of the recorded calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// Recorded, of those that were asked for.
    pub recorded: u64,
    /// Made on both versions.
    pub made: u64,
    /// That the version that serves answered as when they were recorded.
    pub as_recorded: u64,
    /// Not made, by reason.
    pub skipped: Vec<Skipped>,
    /// Why the last of them were not reached, if they were not.
    pub ended_early: Option<String>,
}

/// Calls that were not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Why.
    pub reason: String,
    /// How many.
    pub calls: u64,
}

/// What was found for one function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionRehearsal {
    /// `acme:tally/api@1.0.0#vote`
    pub function: String,
    /// Calls that both versions were asked.
    pub calls: u64,
    /// Of these, calls on which the successor answered something else.
    pub differing: u64,
    /// Calls on which the version that serves trapped; what the successor says to them is no difference.
    pub incumbent_trapped: u64,
    /// Calls on which the successor trapped.
    pub successor_trapped: u64,
    /// The first call that differs.
    pub first: Option<Example>,
    /// Of calls that both answered.
    pub incumbent: Times,
    /// Of the same.
    pub successor: Times,
}

/// How long calls ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// All together, in microseconds.
    pub total_us: u64,
    /// The slowest, in microseconds.
    pub slowest_us: u64,
}

/// One call and how both versions answered it. Long texts are cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Its place among the recorded calls of the plugin.
    pub number: u64,
    /// When it was recorded, in milliseconds since 1970.
    pub at_ms: u64,
    /// Its arguments, as WAVE.
    pub arguments: String,
    /// `ok(3)`, `err("…")`, `trapped (guest): …`
    pub incumbent: String,
    /// The same.
    pub successor: String,
}

/// One version in a rehearsal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideFigures {
    /// Why its code does not run at all, if it does not.
    pub unavailable: Option<String>,
    /// Calls that returned.
    pub returned: u64,
    /// Calls that returned `err`.
    pub failed: u64,
    /// Calls that trapped.
    pub trapped: u64,
    /// Calls that it did not take: it has no such function, or other types.
    pub refused: u64,
    /// How long calls ran.
    pub times: Times,
    /// The most linear memory that an instance had, in bytes.
    pub memory_bytes: u64,
    /// Bytes of keys and values that its calls wrote and that were kept.
    pub written_bytes: u64,
}

/// What differs between two states, in collections that both have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateRehearsal {
    /// By collection, those that differ.
    pub collections: Vec<CollectionRehearsal>,
    /// Collections that only the version that serves has, migrated or dropped ones among them.
    pub only_incumbent: Vec<String>,
    /// Collections that only the successor has.
    pub only_successor: Vec<String>,
}

/// How one collection differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionRehearsal {
    /// `acme:tally/ballots@1`
    pub identity: String,
    /// Entries that only the successor's has.
    pub added: u64,
    /// Entries that only the incumbent's has.
    pub removed: u64,
    /// Entries with another value.
    pub changed: u64,
    /// The first of them. Long texts are cut.
    pub first: Vec<EntryRehearsal>,
}

/// An entry that differs, as WAVE.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRehearsal {
    /// The key, if its kind of collection has one.
    pub key: Option<String>,
    /// In the incumbent's state; none if it is not there.
    pub was: Option<String>,
    /// In the successor's state; none if it is not there.
    pub is: Option<String>,
}

impl Times {
    pub(super) fn add(&mut self, took_us: u64) {
        self.total_us = self.total_us.saturating_add(took_us);
        self.slowest_us = self.slowest_us.max(took_us);
    }
}
