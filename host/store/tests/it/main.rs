//! The store against a simulated disk: crashes, faults and flipped bits, each at every place.
//!
//! A failure prints the one command that repeats it. `STEAD_SEED` chooses another workload, `STEAD_OPERATION` one place,
//! `STEAD_SEEDS` how many random runs there are.

#![expect(clippy::print_stderr, reason = "a failing run says how to repeat it")]

mod archive;
mod bitflip;
mod counts;
mod crash;
mod crash_faults;
mod crash_owner;
mod crash_threads;
mod diff;
mod durability;
mod export;
mod export_faults;
mod export_kill;
mod faults;
mod history;
mod import;
mod killed;
mod many_states;
mod model;
mod model_machine;
mod model_roots;
mod model_run;
mod model_steps;
mod old_formats;
mod owner_processes;
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod preload;
mod pressure;
mod proofs;
mod repair;
mod repair_faults;
mod repaired;
mod scans;
mod seeds;
mod snapshots;
mod space;
mod store_damage;
mod store_directory;
mod store_faults;
mod transaction;
mod values;
