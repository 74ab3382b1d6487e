//! The guarantees, each in a module of its number, against a host on a simulated disk or a real directory.

mod harness;

mod crash_points;
mod door;
mod g01_atomic;
mod g02_durable;
mod g03_contained;
mod g04_verified;
mod g05_canonical;
mod g06_one_owner;
mod g07_ages;
mod g07_checked;
mod g07_holes;
mod g07_migration;
mod g07_typed;
mod g07_types;
mod g08_hand_off_is_atomic;
mod g08_receipts;
mod g08_together;
mod g09_no_lost_call;
mod g10_old_code_is_not_needed;
mod g11_resumable;
mod g12_exactly_once;
mod g13_least_authority;
mod g14_bounded;
mod keyvalue;
mod languages;
mod links;
mod recording;
mod rehearsal;
mod rollback;
mod settings;
mod simulated;
mod upgrade;
