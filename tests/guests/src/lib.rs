//! Guests for tests, as built components. Their sources are in `wasm/guests/`, their WIT in `wasm/wit/`.

macro_rules! guests {
    ($($(#[doc = $doc:literal])+ $constant:ident = $name:literal;)+) => {
        $(
            $(#[doc = $doc])+
            pub const $constant: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".wasm"));
        )+

        /// Every guest by its name, for what must hold for all of them.
        pub const ALL: &[(&str, &[u8])] = &[$(($name, $constant)),+];
    };
}

guests! {
    /// Imports an interface that is no collection, and exports `run: func() -> u32`.
    UNKNOWN_IMPORT = "unknown-import";
    /// Every operation of every kind with keys and values of every type, each behind an export of its own: see
    /// `wasm/wit/kinds/kinds.wit`.
    KINDS = "kinds";
    /// Types inside types, as values and as keys: see `wasm/wit/forest/forest.wit`.
    FOREST = "forest";
    /// Exports `nothing`, `sum`, `echo` and `bump`, which reads and writes one entry of a map.
    PLAIN = "plain";
    /// Times every function of maps of many types: see `wasm/wit/classes/classes.wit`.
    CLASSES = "classes";
    /// Misbehaves in a way of its own in each export: see `wasm/wit/hostile/hostile.wit`.
    HOSTILE = "hostile";
    /// The store as a guest; exports `roots`, the roots of states with known contents.
    ROOTS = "roots";
    /// The counter that all of `EVOLVE_…` are versions of; exports `bump(key)`, `count-of(key)`, `total()`, `version()`.
    EVOLVE_V1 = "evolve-v1";
    /// Identical to v1 in its types, other code.
    EVOLVE_REBUILT = "evolve-rebuilt";
    /// As v1; traps on every call.
    EVOLVE_BROKEN = "evolve-broken";
    /// As v1, but each bump counts twice.
    EVOLVE_DIFFERS = "evolve-differs";
    /// As v1, but `bump` never ends for the key `loop`, panics for `trap`, and allocates without end for `greedy`.
    EVOLVE_MISBEHAVES = "evolve-misbehaves";
    /// Exports `now()`, `chance()` and `wait(milliseconds)`: what no two runs have in common.
    MOMENT = "moment";
    /// As v1 with a `ready` that is content once something was bumped.
    EVOLVE_READY = "evolve-ready";
    /// As v1 with a `ready` that says `err`.
    EVOLVE_READY_FAILS = "evolve-ready-fails";
    /// As v1 with a `ready` that never ends.
    EVOLVE_READY_LOOPS = "evolve-ready-loops";
    /// As v1 with a `ready` that writes, and so traps.
    EVOLVE_READY_WRITES = "evolve-ready-writes";
    /// Widening against v1.
    EVOLVE_WIDENING = "evolve-widening";
    /// Lossy against v1.
    EVOLVE_LOSSY = "evolve-lossy";
    /// Incompatible with v1, on its track.
    EVOLVE_INCOMPATIBLE = "evolve-incompatible";
    /// The next track, with a migration that is right.
    EVOLVE_V2 = "evolve-v2";
    /// As v2; its migration writes one entry, then says `err`.
    EVOLVE_MIGRATE_ERR = "evolve-migrate-err";
    /// As v2; its migration panics after two entries.
    EVOLVE_MIGRATE_TRAPS = "evolve-migrate-traps";
    /// As v2; its migration never ends after the first entry.
    EVOLVE_MIGRATE_LOOPS = "evolve-migrate-loops";
    /// As v2; its migration reads three entries, writes one and says `ok`.
    EVOLVE_MIGRATE_PARTLY = "evolve-migrate-partly";
    /// As v2; its migration writes to the old track, and so traps.
    EVOLVE_MIGRATE_WRITES_OLD = "evolve-migrate-writes-old";
    /// The next track; its migration reads what the label of the version before says, and outside of it `count-of` and
    /// `total` ask the old track.
    EVOLVE_MIGRATE_READS = "evolve-migrate-reads";
    /// As v2 with a `ready`; both do what the settings say: see `wasm/guests/evolve/hostile.rs`.
    EVOLVE_HOSTILE = "evolve-hostile";
    /// As v2; imports the old track as the widening version has it.
    EVOLVE_FROM_WIDENING = "evolve-from-widening";
    /// As v2; imports the old track as the lossy version has it.
    EVOLVE_FROM_LOSSY = "evolve-from-lossy";
    /// The track after v2, with a migration from there; knows nothing of v1.
    EVOLVE_V3 = "evolve-v3";
    /// Items by number, for benchmarks of hand-offs; exports `fill(first, items)`, `put(number)` and `total()`.
    STOCK_V1 = "stock-v1";
    /// Widening against STOCK_V1.
    STOCK_WIDENING = "stock-widening";
    /// The track after STOCK_V1, with a migration of the whole state.
    STOCK_MIGRATE = "stock-migrate";
    /// The same track; each entry of STOCK_V1 is upgraded.
    STOCK_UPGRADE = "stock-upgrade";
    /// As v1, with a way down from v2.
    EVOLVE_BACK = "evolve-back";
    /// As EVOLVE_BACK; its way down reads two entries and not the sum, and refuses a key that starts with `refuse`.
    EVOLVE_BACK_PARTLY = "evolve-back-partly";
    /// As v2, with a way down from v3.
    EVOLVE_BOTH = "evolve-both";
    /// As v1; a key that starts with `trap` panics, and one that starts with `slow` takes 30 ms.
    EVOLVE_FLAKY = "evolve-flaky";
    /// Every function of `wasi:keyvalue` 0.2.0-draft behind an export: see `wasm/wit/keyvalue/keyvalue.wit`.
    KEYVALUE_DRAFT = "keyvalue-draft";
    /// The same for 0.2.0-draft2, with compare-and-swap.
    KEYVALUE_DRAFT2 = "keyvalue-draft2";
    /// As KEYVALUE_DRAFT for 0.2.0-draft2 as Spin has it.
    KEYVALUE_SPIN = "keyvalue-spin";
    /// Exports `get(key)` and `all()` of its settings through `wasi:config`, and `log(context, message)` through `wasi:logging`.
    SETTINGS = "settings";
    /// A command over `wasi:keyvalue` 0.2.0-draft: exports `wasi:cli/run`.
    KEYVALUE_COMMAND = "keyvalue_command";
    /// The first of six versions, each widening the types of the one before: see `wasm/wit/ages-1/ages.wit`.
    AGES_V1 = "ages-v1";
    /// The second.
    AGES_V2 = "ages-v2";
    /// The third.
    AGES_V3 = "ages-v3";
    /// The fourth.
    AGES_V4 = "ages-v4";
    /// The fifth.
    AGES_V5 = "ages-v5";
    /// The sixth.
    AGES_V6 = "ages-v6";
    /// Keeps numbers and runs scripts; calls nobody. The guests around it: see `wasm/wit/links/links.wit`.
    LINK_LEAF = "link-leaf";
    /// As LINK_LEAF; calls the leaf.
    LINK_LEFT = "link-left";
    /// As LINK_LEFT under another interface.
    LINK_RIGHT = "link-right";
    /// Calls left, right and leaf.
    LINK_TOP = "link-top";
    /// A leaf that calls the top.
    LINK_RING = "link-ring";
    /// A leaf with another type.
    LINK_LEAF_CHANGED = "link-leaf-changed";
    /// A left that calls a leaf with that type.
    LINK_LEFT_CHANGED = "link-left-changed";
    /// A collection of every kind: see `wasm/wit/ledger-1/ledger.wit`.
    LEDGER_V1 = "ledger-v1";
    /// The next track, to which each entry is upgraded. What the note of an account says is done with its entry: `drop`, `err`,
    /// `panic`, `loop`, `allocate`, `look` (at a collection), `swell` (by 1 MiB); and a line of -999 becomes none.
    LEDGER_V2 = "ledger-v2";
    /// As v2, with two functions for one old type.
    LEDGER_TWICE = "ledger-twice";
    /// As v2; accounts are upgraded, all else is migrated.
    LEDGER_PARTLY = "ledger-partly";
    /// The track after that, to which each entry of either of the two before is upgraded.
    LEDGER_V3 = "ledger-v3";
}
