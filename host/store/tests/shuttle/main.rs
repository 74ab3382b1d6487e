//! The commit path under a scheduler that decides every interleaving: of committing and waiting threads, the journal's
//! writer, checkpoints, collections, failing disks and the store's end. A thread that is never woken shows as a deadlock.
//!
//! `cargo test -p stead-store --features shuttle --test shuttle`. A failure prints the one command that repeats it.
//! `STEAD_SEED` is the only seed to try, `STEAD_SCHEDULES` how many are tried otherwise.

#![expect(clippy::print_stderr, reason = "a failing run says how to repeat it")]

mod commits;
mod ends;
mod failures;
mod history;
mod schedules;
