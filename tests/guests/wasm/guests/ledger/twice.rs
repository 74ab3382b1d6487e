//! As v2, with a second function for entries of the same type.

stead_guest::bindings!(
    path: ["../../../wit", "wit/ticks", "wit/ledger-1", "wit/ledger-2"],
    world: "test:ledger/ledger-twice@2.0.0",
);

mod from_one;
mod two;

struct Ledger;

impl exports::test::ledger2_0_0::also_from_one::Guest for Ledger {
    fn upgrade_motto(
        old: exports::test::ledger2_0_0::also_from_one::OldWords,
    ) -> Result<Option<test::ledger2_0_0::motto::Words>, String> {
        <Ledger as exports::test::ledger2_0_0::from_one::Guest>::upgrade_motto(old)
    }
}

fn version() -> &'static str {
    "twice"
}

export!(Ledger);
