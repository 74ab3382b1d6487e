//! A hand-off carried out on copies of the state and reported instead of committed.
//!
//! ```text
//!   plan ──▶ prepare: migrate, ready ──▶ make the recorded calls on both ──▶ compare the states ──▶ report
//!             as the hand-off would                                                       │ passed, and then-commit
//!                                                                                         ▼
//!                                                                                   a hand-off as any other
//! ```
//!
//! A copy is a view with changes that nobody committed: nothing of a rehearsal is ever on the disk, and nothing is left of it
//! when it ends, also by a crash. No effect leaves the host, and both versions see the same time and the same random numbers.
//! The incumbent's code runs only to be compared with: that it traps, or does not load, is said and fails nothing.

mod compare;
mod options;
mod replay;
mod report;
mod run;
mod side;
mod state;

use std::time::Duration;

pub use options::{RehearseOptions, Rehearsed};
pub use report::{
    Calls, CollectionRehearsal, EntryRehearsal, Example, FunctionRehearsal, GivenUp, Rehearsal, SideFigures, Skipped,
    StateRehearsal, Times,
};

pub(crate) use run::rehearse;

use crate::limits::REHEARSAL_TEXT_BYTES_MAX;

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A text within its bound.
fn cut(mut text: String) -> String {
    if text.len() > REHEARSAL_TEXT_BYTES_MAX {
        let end = (0..=REHEARSAL_TEXT_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}
