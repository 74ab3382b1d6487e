//! The example plugins as built components, for the demo and for tests.

/// A ballot box: `acme:tally/api.vote(voter, choice) -> result<u64, string>`.
pub const TALLY_V1: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tally-v1.wasm"));
