//! Stead's store and calls beside their peers, measured in one run, in one directory, on one machine.
//!
//! Machines differ, so what counts is the ratio; [`report`] prints it beside its budget. The peers are real: each is set
//! to sync every commit, and each also runs behind a group-commit queue written for it, which is what a good engineer
//! would put in front of it.
//!
//! This crate is not responsible for proving that anything is right, only for how fast it is.

pub mod disk;
#[cfg(feature = "plugins")]
pub mod hand_off;
pub mod load;
#[cfg(feature = "plugins")]
pub mod plugins;
pub mod queue;
#[cfg(feature = "plugins")]
pub mod replay;
pub mod report;
pub mod settings;
pub mod stores;
#[cfg(feature = "plugins")]
pub mod typed;
