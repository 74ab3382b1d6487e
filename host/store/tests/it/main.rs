//! The store against a simulated disk: crashes, faults and flipped bits, each at every place.
//!
//! A failure prints the one command that repeats it. `STEAD_SEED` chooses another workload, `STEAD_OPERATION` one place.

#![expect(clippy::print_stderr, reason = "a failing run says how to repeat it")]

mod bitflip;
mod counts;
mod crash;
mod crash_faults;
mod crash_owner;
mod crash_threads;
mod model;
mod model_roots;
mod model_run;
mod store_damage;
mod store_directory;
mod store_faults;
