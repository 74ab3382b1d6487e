//! A ballot box: one vote per voter, and a running total.

stead_guest::bindings!();

use acme::tally::{ballots, total, types::Ballot};
use exports::acme::tally::api::Guest;

struct Tally;

impl Guest for Tally {
    /// Counts a vote and returns how many there are. A second vote by the same voter is refused, and the refusal
    /// leaves no trace: an `err` rolls back the whole call.
    fn vote(voter: String, choice: String) -> Result<u64, String> {
        total::add(1);
        let at = total::value() as u64;
        if let Some(earlier) = ballots::get(&voter) {
            return Err(format!("{voter} voted for {} already", earlier.choice));
        }
        ballots::set(&voter, &Ballot { choice, at });
        Ok(at)
    }
}

export!(Tally);
