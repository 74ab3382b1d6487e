//! The next track, to which track 1 is upgraded entry by entry.

stead_guest::bindings!(
    path: ["../../../wit", "wit/ticks", "wit/ledger-1", "wit/ledger-2"],
    world: "test:ledger/ledger@2.0.0",
);

mod from_one;
mod two;

struct Ledger;

fn version() -> &'static str {
    "v2"
}

export!(Ledger);
