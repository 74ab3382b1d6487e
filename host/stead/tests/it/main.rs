//! The built binary, run as a user runs it.

mod bad_input;
mod calls;
mod cancel;
mod check;
mod demo;
mod door;
mod harness;
mod help;
mod links;
mod output;
mod receipts;
mod serving;
mod versions;
