//! Functions that convert entries: which are taken, what each other one is told, and which converts what of a state.

use stead_schema::{Admission, Admitted, Declared, Identity, Kind, Ledger, Shape, Upgrade, Upgrader, admit, upgrades};

use crate::wit::ty;

const OLD: &str = "record { choice: string }";
const NEW: &str = "record { choice: string, at: u64 }";

fn identity(text: &str) -> Identity {
    Identity::parse(text).unwrap()
}

fn declared(interface: &str, kind: Option<Kind>, key: Option<&str>, value: Option<&str>, old: bool) -> Declared {
    let signed = (kind == Some(Kind::Counter)).then_some(true);
    let shape = Shape { kind, key: key.map(ty), value: value.map(ty), signed, operations: Vec::new() };
    Declared { identity: identity(interface), interface: interface.into(), shape, old }
}

fn map(interface: &str, value: &str) -> Declared {
    declared(interface, Some(Kind::Map), Some("string"), Some(value), false)
}

fn old(declared: Declared) -> Declared {
    Declared { old: true, ..declared }
}

fn upgrader(collection: &str, key: Option<&str>, old: &str, new: &str) -> Upgrader {
    let path = format!("acme:tally/from@2.0.0#upgrade-{collection}");
    Upgrader { path, collection: collection.into(), key: key.map(ty), old: ty(old), new: ty(new) }
}

/// What a component may convert that imports these, and types of the packages named.
fn fit(upgraders: &[Upgrader], declared: &[Declared], types: &[&str]) -> Result<Vec<Upgrade>, String> {
    let imports = declared.iter().map(|declared| declared.identity.clone()).chain(types.iter().map(|t| identity(t)));
    upgrades(upgraders, declared, &imports.collect::<Vec<_>>()).map_err(|error| error.to_string())
}

#[track_caller]
fn refuses(upgraders: &[Upgrader], declared: &[Declared], words: &[&str]) {
    let message = fit(upgraders, declared, &["acme:tally/types@1.0.0"]).unwrap_err();
    assert!(words.iter().all(|word| message.contains(word)), "{message} lacks one of {words:?}");
}

#[test]
fn g07_a_function_for_entries_fits_its_collection_or_is_told_why_not() {
    let ballots = || map("acme:tally/ballots@2.0.0", NEW);
    let fits =
        fit(&[upgrader("ballots", Some("string"), OLD, NEW)], &[ballots()], &["acme:tally/types@1.4.0"]).unwrap();
    assert_eq!((fits[0].to.to_string().as_str(), fits[0].takes_key), ("acme:tally/ballots@2", true));
    assert_eq!(fits[0].from, [identity("acme:tally/ballots@1")]);

    let plain = [upgrader("ballots", None, OLD, NEW)];
    refuses(&[upgrader("ballot", None, OLD, NEW)], &[ballots()], &["upgrade-ballot`", "no collection", "`ballots`"]);
    refuses(&[upgrader("ballots", None, OLD, OLD)], &[ballots()], &["has an entry of", "it is `record"]);
    refuses(&[upgrader("ballots", Some("u64"), OLD, NEW)], &[ballots()], &["takes the key as `u64`", "`string`"]);
    let same = [ballots(), map("acme:other/ballots@2.0.0", NEW)];
    refuses(&plain, &same, &["may mean", "acme:other/ballots@2"]);
    let twice = [plain[0].clone(), upgrader("ballots", Some("string"), OLD, NEW)];
    refuses(&twice, &[ballots()], &["both convert", "keep one"]);
    let open = declared("acme:tally/ballots@2.0.0", None, None, None, false);
    refuses(&plain, &[open], &["too little", "`get` or `set`"]);
    let none = fit(&plain, &[ballots()], &[]).unwrap_err();
    assert!(none.contains("nothing of that package is imported on an earlier track"), "{none}");

    // What the old import shows has to agree.
    let other_value = [ballots(), old(map("acme:tally/ballots@1.0.0", "u32"))];
    refuses(&plain, &other_value, &["takes `record", "as it is imported, is `u32`"]);
    let other_key = old(declared("acme:tally/ballots@1.0.0", Some(Kind::Map), Some("u32"), Some(OLD), false));
    refuses(&plain, &[ballots(), other_key], &["the key of", "`u32`", "`string`", "stead:plugin/migrate"]);
    let other_kind = old(declared("acme:tally/ballots@1.0.0", Some(Kind::Log), None, Some(OLD), false));
    refuses(&plain, &[ballots(), other_kind], &["the kind of", "log", "map"]);
}

#[test]
fn g07_cells_logs_and_counters_have_functions_of_their_own_form() {
    let total = || declared("acme:tally/total@2.0.0", Some(Kind::Counter), None, None, false);
    let log = || declared("acme:tally/lines@2.0.0", Some(Kind::Log), None, Some(NEW), false);
    let cell = || declared("acme:tally/motto@2.0.0", Some(Kind::Cell), None, Some(NEW), false);
    let types = ["acme:tally/types@1.0.0"];
    assert!(fit(&[upgrader("total", None, "s64", "s64")], &[total()], &types).is_ok());
    assert!(fit(&[upgrader("lines", Some("u64"), OLD, NEW)], &[log()], &types).is_ok());
    assert!(fit(&[upgrader("motto", None, OLD, NEW)], &[cell()], &types).is_ok());
    refuses(&[upgrader("total", None, "string", "s64")], &[total()], &["`string`"]);
    refuses(&[upgrader("total", None, "s64", "u64")], &[total()], &["`u64`", "`s64`"]);
    refuses(&[upgrader("total", Some("u64"), "s64", "s64")], &[total()], &["takes a key", "counter"]);
    refuses(&[upgrader("lines", Some("u32"), OLD, NEW)], &[log()], &["`u32`", "`u64`"]);
    refuses(&[upgrader("motto", Some("string"), OLD, NEW)], &[cell()], &["takes a key", "cell", "`old` alone"]);
}

/// The ledger of a first version with these collections.
fn first(declared: &[Declared]) -> Ledger {
    admit(&Ledger::default(), declared, &Admission::default()).unwrap().ledger
}

fn admitted(ledger: &Ledger, declared: &[Declared], upgrades: Vec<Upgrade>) -> Result<Admitted, String> {
    let admission = Admission { version_label: "v2".into(), upgrades, ..Admission::default() };
    admit(ledger, declared, &admission).map_err(|refused| refused.to_string())
}

#[test]
fn g07_the_states_types_decide_which_function_converts() {
    let declared = [map("acme:tally/ballots@3.0.0", NEW)];
    let types = ["acme:tally/types@1.0.0", "acme:tally/types@2.0.0"];
    let upgraders = [upgrader("ballots", None, OLD, NEW), upgrader("ballots", None, "u32", NEW)];
    let upgrades = fit(&upgraders, &declared, &types).unwrap();
    for (interface, value, place) in [
        ("acme:tally/ballots@1.0.0", "u32", 1),
        ("acme:tally/ballots@2.1.0", OLD, 0),
        ("acme:tally/ballots@1.0.0", "u16", 1),
    ] {
        let ledger = first(&[map(interface, value)]);
        let admitted = admitted(&ledger, &declared, upgrades.clone()).unwrap();
        let [upgraded] = &admitted.upgraded[..] else { panic!("one collection is upgraded: {admitted:?}") };
        assert_eq!((upgraded.upgrade, &upgraded.from), (place, &identity(interface)));
        assert_eq!(admitted.migrated, [(identity(interface), 0)]);
        let bound = |identity: &Identity| admitted.bindings.iter().find(|b| b.identity == *identity).unwrap();
        assert_eq!(bound(&upgraded.from).value, Some(ty(if place == 0 { OLD } else { "u32" })));
        assert!(bound(&upgraded.from).conversions.last().unwrap().is_none());
        assert_eq!((bound(&upgraded.to).number, bound(&upgraded.to).schema), (1, 0));
        assert!(admitted.ledger.collections[&upgraded.from].dropped);
        // The next start finds what this one left.
        let again = self::admitted(&admitted.ledger, &declared, upgrades.clone()).unwrap();
        assert!(again.upgraded.is_empty() && again.migrated.is_empty() && again.ledger == admitted.ledger);
    }
}

#[test]
fn g07_a_state_that_no_function_takes_is_refused_with_the_difference() {
    let declared = [map("acme:tally/ballots@2.0.0", NEW)];
    let types = ["acme:tally/types@1.0.0"];
    let one = fit(&[upgrader("ballots", None, OLD, NEW)], &declared, &types).unwrap();
    let refuses = |ledger: &Ledger, upgrades: &[Upgrade], words: &[&str]| {
        let message = admitted(ledger, &declared, upgrades.to_vec()).unwrap_err();
        assert!(words.iter().all(|word| message.contains(word)), "{message} lacks one of {words:?}");
    };
    let kept = |value: &str| first(&[map("acme:tally/ballots@1.0.0", value)]);
    refuses(&kept("u32"), &one, &["no function converts", "`acme:tally/ballots@1`", "upgrade-ballots", "u32"]);
    let other_key = declared_map_of("u64");
    refuses(&first(&[other_key]), &one, &["the key of", "`u64`", "`string`", "entry by entry only values change"]);
    let log = self::declared("acme:tally/ballots@1.0.0", Some(Kind::Log), None, Some(OLD), false);
    refuses(&first(&[log]), &one, &["the kind of", "log"]);
    let wider = [upgrader("ballots", None, "u32", NEW), upgrader("ballots", None, "u64", NEW)];
    let wider = fit(&wider, &declared, &types).unwrap();
    refuses(&kept("u16"), &wider, &["could both convert", "neither takes exactly"]);
    // A track of which nothing is imported is not guessed at.
    let later = [map("acme:tally/ballots@3.0.0", NEW)];
    let upgrades = fit(&[upgrader("ballots", None, OLD, NEW)], &later, &["acme:tally/types@2.0.0"]).unwrap();
    let message = admitted(&kept(OLD), &later, upgrades).unwrap_err();
    assert!(message.contains("the state keeps `acme:tally/ballots@1`"), "{message}");
    let both = first(&[map("acme:tally/ballots@1.0.0", OLD), map("acme:tally/ballots@2.0.0", OLD)]);
    let types = ["acme:tally/types@1.0.0", "acme:tally/types@2.0.0"];
    let upgrades = fit(&[upgrader("ballots", None, OLD, NEW)], &later, &types).unwrap();
    let message = admitted(&both, &later, upgrades).unwrap_err();
    assert!(message.contains("would both become `acme:tally/ballots@3`"), "{message}");
}

fn declared_map_of(key: &str) -> Declared {
    declared("acme:tally/ballots@1.0.0", Some(Kind::Map), Some(key), Some(OLD), false)
}
