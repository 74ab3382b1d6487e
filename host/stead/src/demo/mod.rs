//! The main job on real input, against real processes: deploy, call, kill, restart, swap, compare.
//!
//! The host is a child process that is killed with SIGKILL; the callers stream a data set as calls with ids over its
//! socket and repeat under the same id whatever was not acknowledged; at the end every total that the plugin kept is
//! compared with one computed from the file. What is printed are the commands that a user would type.

mod callers;
mod check;
mod host;
mod input;
mod round;
mod story;

pub(crate) use round::{Report, Setup, run};
pub(crate) use story::figures;
