//! The ballot box again: a ballot may carry a note, and votes are counted by choice.
//!
//! Both changes are widening, so the host takes the new version in without a migration.

stead_guest::bindings!();

use acme::tally::{ballots, choices, total, types::Ballot};
use exports::acme::tally::api::Guest;

/// Choices that `standings` shows.
const STANDINGS_MAX: u32 = 100;

struct Tally;

impl Guest for Tally {
    fn vote(voter: String, choice: String) -> Result<u64, String> {
        count(&voter, choice, None)
    }

    fn vote_because(voter: String, choice: String, note: String) -> Result<u64, String> {
        count(&voter, choice, Some(note))
    }

    fn ballot_of(voter: String) -> Option<Ballot> {
        ballots::get(&voter)
    }

    fn standings() -> Vec<(String, u64)> {
        choices::scan(None, STANDINGS_MAX)
    }
}

/// Counts a vote and returns how many there are. A second vote by the same voter is refused, and the refusal leaves no
/// trace: an `err` rolls back the whole call.
fn count(voter: &str, choice: String, note: Option<String>) -> Result<u64, String> {
    total::add(1);
    let at = total::value() as u64;
    if let Some(earlier) = ballots::get(voter) {
        return Err(format!("{voter} voted for {} already", earlier.choice));
    }
    choices::set(&choice, choices::get(&choice).unwrap_or(0) + 1);
    ballots::set(voter, &Ballot { choice, at, note });
    Ok(at)
}

export!(Tally);
