//! Versions taking over a state, one after another.

use stead_schema::layout::NOWHERE;
use stead_schema::{
    Access, Admission, Admitted, Binding, Declared, Identity, Kind, Ledger, Reason, Shape, Type, Value, Verdict, admit,
};

use crate::wit::ty;

fn identity(text: &str) -> Identity {
    Identity::parse(text).unwrap()
}

fn declared(interface: &str, kind: Option<Kind>, key: Option<&str>, value: Option<&str>) -> Declared {
    let signed = (kind == Some(Kind::Counter)).then_some(true);
    let shape = Shape { kind, key: key.map(ty), value: value.map(ty), signed, operations: Vec::new() };
    Declared { identity: identity(interface), interface: interface.into(), shape, old: false }
}

fn map(interface: &str, value: &str) -> Declared {
    declared(interface, Some(Kind::Map), Some("string"), Some(value))
}

fn counter(interface: &str) -> Declared {
    declared(interface, Some(Kind::Counter), None, None)
}

fn old(declared: Declared) -> Declared {
    Declared { old: true, ..declared }
}

fn label(label: &str) -> Admission {
    Admission { version_label: label.into(), ..Admission::default() }
}

/// Admits, and sees that the version is admitted to what it made of the ledger, as it is at every restart.
fn accept(ledger: &Ledger, declared: &[Declared], options: &Admission) -> Admitted {
    let admitted = admit(ledger, declared, options).unwrap();
    let again = admit(&admitted.ledger, declared, &label("again")).unwrap();
    assert_eq!(again.ledger, admitted.ledger);
    let live = |admitted: &Admitted| {
        let live = admitted.bindings.iter().filter(|binding| binding.access == Access::Live);
        live.cloned().collect::<Vec<_>>()
    };
    assert_eq!(live(&again), live(&admitted));
    admitted
}

fn refuse(ledger: &Ledger, declared: &[Declared], options: &Admission) -> String {
    admit(ledger, declared, options).unwrap_err().to_string()
}

const BALLOTS: &str = "acme:tally/ballots@1.0.0";
const TOTAL: &str = "acme:tally/total@1.0.0";

fn first() -> Ledger {
    accept(&Ledger::default(), &[map(BALLOTS, "record { choice: string }"), counter(TOTAL)], &label("v1")).ledger
}

fn binding<'a>(admitted: &'a Admitted, interface: &str) -> &'a Binding {
    admitted.bindings.iter().find(|binding| binding.interface == interface).unwrap()
}

#[test]
fn new_collections_get_numbers_in_turn() {
    let declared = [map(BALLOTS, "u8"), counter(TOTAL)];
    let admitted = accept(&Ledger::default(), &declared, &label("v1"));
    let numbers: Vec<u32> = admitted.bindings.iter().map(|binding| binding.number).collect();
    assert_eq!(numbers, [0, 1]);
    let ballots = binding(&admitted, BALLOTS);
    assert_eq!((ballots.schema, ballots.access), (0, Access::Live));
    assert_eq!(ballots.conversions, [None]);
    assert_eq!(admitted.ledger.collections[&identity(BALLOTS)].writer, "v1");
    assert!(admitted.verdicts.is_empty() && admitted.dormant.is_empty() && admitted.migrated.is_empty());
}

#[test]
fn g07_an_identical_version_changes_nothing() {
    let declared = [map("acme:tally/ballots@1.7.2", "record { choice: string }"), counter(TOTAL)];
    let admitted = accept(&first(), &declared, &label("v2"));
    assert_eq!(admitted.ledger, first());
    assert!(admitted.verdicts.iter().all(|(_, comparison)| comparison.verdict == Verdict::Identical));
}

#[test]
fn g07_a_widening_version_gets_a_schema_of_its_own() {
    let wider = "record { choice: string, at: option<u64> }";
    let admitted = accept(&first(), &[map(BALLOTS, wider), counter(TOTAL)], &label("v2"));
    let ballots = binding(&admitted, BALLOTS);
    assert_eq!((ballots.number, ballots.schema), (0, 1));
    assert_eq!(ballots.conversions[1], None);
    let stored = Value::record([("choice", Value::from("yes"))]);
    let read = ballots.conversions[0].as_ref().unwrap().apply(stored).unwrap();
    assert_eq!(read, Value::record([("choice", Value::from("yes")), ("at", Value::none())]));
    let collection = &admitted.ledger.collections[&identity(BALLOTS)];
    assert_eq!((collection.schemas.len(), collection.writer.as_str()), (2, "v2"));
}

#[test]
fn g07_an_incompatible_version_is_refused_with_what_to_do() {
    let message =
        refuse(&first(), &[map(BALLOTS, "record { choice: enum { yes, no } }"), counter(TOTAL)], &label("v2"));
    assert_eq!(
        message,
        "`acme:tally/ballots@1` cannot be read by this version: value, field `choice`: was `string`, is \
         `enum { yes, no }`; publish the new shape as `acme:tally/ballots@2.0.0` and bring a migration (export \
         `stead:plugin/migrate`)"
    );
    let message = refuse(&first(), &[declared(BALLOTS, Some(Kind::Log), None, Some("u8"))], &label("v2"));
    assert!(message.contains("kind: was `map`, is `log`"), "{message}");
    let message = refuse(&first(), &[declared(BALLOTS, Some(Kind::Map), Some("u64"), None)], &label("v2"));
    assert!(message.contains("key: was `string`, is `u64`"), "{message}");
}

/// An inline interface belongs to no package, and so to no track.
#[test]
fn g07_what_to_do_fits_the_interface() {
    let ledger =
        accept(&Ledger::default(), &[map("ballots", "u8"), map("acme:tally/total", "u8")], &label("v1")).ledger;
    let message = refuse(&ledger, &[map("ballots", "string"), map("acme:tally/total", "string")], &label("v2"));
    let (inline, packaged) = message.split_once('\n').unwrap();
    assert!(
        inline.ends_with(
            "is `string`; an inline interface has no tracks to migrate between: keep the shape, or give the new \
                              one another name and drop this one by name"
        ),
        "{inline}"
    );
    assert!(packaged.contains("publish the new shape as `acme:tally/total@1.0.0`"), "{packaged}");
    let drop = Admission { drop: vec![identity("ballots")], ..label("v2") };
    let dropped = accept(&ledger, &[map("acme:tally/total", "u8")], &drop).ledger;
    let message = refuse(&dropped, &[map("ballots", "u8"), map("acme:tally/total", "u8")], &label("v3"));
    assert!(message.ends_with("is not taken again: use another name"), "{message}");
}

#[test]
fn g07_a_lossy_version_needs_to_be_named_or_proved() {
    let ledger = accept(&Ledger::default(), &[map(BALLOTS, "record { a: u8, b: u8 }")], &label("v1")).ledger;
    let narrower = [map(BALLOTS, "record { a: u8 }")];
    let message = refuse(&ledger, &narrower, &label("v2"));
    assert!(
        message.starts_with("`acme:tally/ballots@1` would lose data: value, field `b`: was `u8`, is gone"),
        "{message}"
    );
    assert!(message.contains("--accept-lossy acme:tally/ballots@1"), "{message}");
    let named = Admission { lossy: vec![identity(BALLOTS)], ..label("v2") };
    let admitted = accept(&ledger, &narrower, &named);
    assert!(admitted.unproven.is_empty());
    assert_eq!(binding(&admitted, BALLOTS).schema, 1);
    let proved = Admission { prove: true, ..label("v2") };
    assert_eq!(accept(&ledger, &narrower, &proved).unproven, [identity(BALLOTS)]);
}

#[test]
fn g07_a_rollback_goes_back_by_value() {
    let wider =
        accept(&first(), &[map(BALLOTS, "record { choice: string, at: option<u64> }"), counter(TOTAL)], &label("v2"));
    let back = Admission { back: true, ..label("v1") };
    let declared = [map(BALLOTS, "record { choice: string }"), counter(TOTAL)];
    assert!(admit(&wider.ledger, &declared, &label("v1")).is_err());
    let admitted = accept(&wider.ledger, &declared, &back);
    assert_eq!(admitted.unproven, [identity(BALLOTS)]);
    let ballots = binding(&admitted, BALLOTS);
    assert_eq!(ballots.schema, 2);
    let conversion = ballots.conversions[1].as_ref().unwrap();
    let with = |at| Value::record([("choice", Value::from("yes")), ("at", at)]);
    assert!(!conversion.loses(&with(Value::none())));
    assert!(conversion.loses(&with(Value::from(7u64).some())));
    let narrow = Admission { back: true, ..label("v1") };
    let message = refuse(&first(), &[map(BALLOTS, "record { choice: u8 }")], &narrow);
    assert!(message.contains("cannot be read by this version"), "{message}");
}

#[test]
fn g07_upgrade_then_upgrade_again_and_back_and_again() {
    let v1 = [map(BALLOTS, "u8")];
    let v2 = [map(BALLOTS, "u32")];
    let mut ledger = accept(&Ledger::default(), &v1, &label("v1")).ledger;
    for round in 0..3 {
        let forward = accept(&ledger, &v2, &label("v2"));
        let conversions = &binding(&forward, BALLOTS).conversions;
        assert_eq!(conversions.len(), 2 * round + 2);
        for conversion in &conversions[..conversions.len() - 1] {
            assert!(conversion.is_some());
        }
        ledger = accept(&forward.ledger, &v1, &Admission { back: true, ..label("v1") }).ledger;
    }
    let schemas = &ledger.collections[&identity(BALLOTS)].schemas;
    assert_eq!(schemas.len(), 7);
}

#[test]
fn holes_conflict_with_nothing_and_are_filled() {
    let hole = [declared(BALLOTS, Some(Kind::Map), None, None)];
    let ledger = accept(&Ledger::default(), &hole, &label("v1")).ledger;
    let filled = accept(&ledger, &[map(BALLOTS, "u8")], &label("v2"));
    let collection = &filled.ledger.collections[&identity(BALLOTS)];
    assert_eq!((collection.number, collection.schemas.len()), (0, 1));
    assert_eq!(collection.schemas[0].value, Some(Type::U8));
    let again = accept(&filled.ledger, &hole, &label("v3"));
    assert_eq!(again.ledger, filled.ledger);
    assert_eq!(binding(&again, BALLOTS).value, Some(Type::U8));
}

#[test]
fn an_undecided_kind_makes_no_entry() {
    let clear = [declared(BALLOTS, None, None, None)];
    let admitted = accept(&Ledger::default(), &clear, &label("v1"));
    assert_eq!(admitted.ledger, Ledger::default());
    assert_eq!(binding(&admitted, BALLOTS).number, NOWHERE);
    let known = accept(&first(), &[declared(BALLOTS, None, None, None), counter(TOTAL)], &label("v2"));
    assert_eq!((binding(&known, BALLOTS).number, binding(&known, BALLOTS).kind), (0, Kind::Map));
    let message = refuse(&first(), &[declared(TOTAL, None, None, None)], &label("v2"));
    assert!(message.contains("kind: was `counter`"), "{message}");
}

#[test]
fn g07_two_versions_of_one_track_are_refused() {
    let message =
        refuse(&Ledger::default(), &[map(BALLOTS, "u8"), map("acme:tally/ballots@1.1.0", "u8")], &label("v1"));
    assert_eq!(
        message,
        "`acme:tally/ballots@1.0.0` and `acme:tally/ballots@1.1.0` are the same collection, `acme:tally/ballots@1`: import \
         one version of a track"
    );
}

#[test]
fn g07_what_is_not_imported_is_dormant() {
    let admitted = accept(&first(), &[map(BALLOTS, "record { choice: string }")], &label("v2"));
    assert_eq!(admitted.dormant, [identity(TOTAL)]);
    assert_eq!(admitted.ledger, first());
}

#[test]
fn g07_only_what_is_named_is_dropped_and_never_taken_again() {
    let drop = Admission { drop: vec![identity(TOTAL)], ..label("v2") };
    let declared = [map(BALLOTS, "record { choice: string }")];
    let admitted = accept(&first(), &declared, &drop);
    assert_eq!(admitted.dropped, [(identity(TOTAL), 1)]);
    assert!(admitted.dormant.is_empty());
    let message = refuse(&admitted.ledger, &[map(BALLOTS, "record { choice: string }"), counter(TOTAL)], &label("v3"));
    assert!(message.contains("`acme:tally/total@1` was dropped or migrated away by version `v2`"), "{message}");
    let next = accept(&admitted.ledger, &[declared[0].clone(), counter("acme:tally/sum@1.0.0")], &label("v3"));
    assert_eq!(binding(&next, "acme:tally/sum@1.0.0").number, 2);
    let message = refuse(&first(), &[counter(TOTAL), map(BALLOTS, "record { choice: string }")], &drop);
    assert!(message.contains("is to be dropped, but this version imports it"), "{message}");
    let message = refuse(&admitted.ledger, &declared, &drop);
    assert_eq!(
        message,
        "`acme:tally/total@1` was named, but the state has no such collection; it has `acme:tally/ballots@1`"
    );
}

const BALLOTS_2: &str = "acme:tally/ballots@2.0.0";
const BALLOTS_3: &str = "acme:tally/ballots@3.0.0";

#[test]
fn g07_a_migration_reads_the_old_track_and_writes_the_new() {
    let declared =
        [old(map(BALLOTS, "record { choice: string }")), map(BALLOTS_2, "u8"), counter("acme:tally/total@2.0.0")];
    let admitted = accept(&first(), &declared, &label("v2"));
    assert_eq!(admitted.migrated, [(identity(BALLOTS), 0)]);
    assert_eq!(admitted.dormant, [identity(TOTAL)]);
    let (before, after) = (binding(&admitted, BALLOTS), binding(&admitted, BALLOTS_2));
    assert_eq!((before.number, before.access), (0, Access::Old));
    assert_eq!((after.number, after.access), (2, Access::Live));
    assert!(admitted.ledger.collections[&identity(BALLOTS)].dropped);

    let again = accept(&admitted.ledger, &declared, &label("v2.1"));
    assert!(again.migrated.is_empty());
    assert_eq!(binding(&again, BALLOTS).number, NOWHERE);
    assert_eq!(again.ledger, admitted.ledger);
}

#[test]
fn g07_a_way_down_takes_up_what_was_migrated_away_and_so_does_the_way_up_after_it() {
    let up = [old(map(BALLOTS, "record { choice: string }")), map(BALLOTS_2, "u8")];
    let down = [map(BALLOTS, "record { choice: string }"), old(map(BALLOTS_2, "u8"))];
    let mut ledger = first();
    let mut seen = vec![ledger.collections[&identity(BALLOTS)].number];
    for round in 0..3 {
        for (declared, from, to) in [(&up, BALLOTS, BALLOTS_2), (&down, BALLOTS_2, BALLOTS)] {
            let admitted = accept(&ledger, declared, &label("next"));
            assert_eq!(admitted.migrated.len(), 1, "round {round}");
            assert_eq!(admitted.migrated[0].0, identity(from));
            let taken = binding(&admitted, to);
            assert_eq!((taken.access, taken.schema, taken.conversions.len()), (Access::Live, 0, 1), "it starts anew");
            assert!(!seen.contains(&taken.number), "{} was used before", taken.number);
            seen.push(taken.number);
            assert!(admitted.ledger.collections[&identity(from)].dropped);
            assert!(!admitted.ledger.collections[&identity(to)].dropped);
            ledger = admitted.ledger;
        }
    }
}

#[test]
fn g07_what_no_migration_fills_is_not_taken_again() {
    let up = [old(map(BALLOTS, "record { choice: string }")), map(BALLOTS_2, "u8")];
    let ledger = accept(&first(), &up, &label("v2")).ledger;
    // Without a source, and with a source that the state does not hold.
    for declared in
        [vec![map(BALLOTS, "u8"), map(BALLOTS_2, "u8")], vec![map(BALLOTS, "u8"), old(map(BALLOTS_3, "u8"))]]
    {
        let refused = admit(&ledger, &declared, &label("v3")).unwrap_err();
        assert!(refused.reasons.iter().any(|reason| matches!(reason, Reason::Dropped { .. })), "{refused}");
    }
}

#[test]
fn a_migration_on_a_first_deploy_has_nothing_to_read() {
    let declared = [old(map(BALLOTS, "u8")), map(BALLOTS_2, "u16")];
    let admitted = accept(&Ledger::default(), &declared, &label("v2"));
    assert!(admitted.migrated.is_empty());
    assert_eq!(binding(&admitted, BALLOTS).number, NOWHERE);
    assert_eq!(binding(&admitted, BALLOTS_2).number, 0);
}

#[test]
fn g07_the_old_interface_of_a_migration_must_fit_the_state() {
    let wider = [old(map(BALLOTS, "record { choice: string, at: option<u8> }")), map(BALLOTS_2, "u8")];
    assert_eq!(binding(&accept(&first(), &wider, &label("v2")), BALLOTS).conversions.len(), 2);
    let lossy = [old(map(BALLOTS, "record { at: option<u8> }")), map(BALLOTS_2, "u8")];
    let allowed = Admission { lossy: vec![identity(BALLOTS)], prove: true, back: true, ..label("v2") };
    let message = refuse(&first(), &lossy, &allowed);
    assert!(message.starts_with("`acme:tally/ballots@1`, imported to migrate from, differs"), "{message}");
}

#[test]
fn g07_tracks_are_not_skipped_and_not_gone_back() {
    let message = refuse(&first(), &[map(BALLOTS_3, "u8")], &label("v3"));
    assert!(
        message.starts_with("the state keeps `acme:tally/ballots@1`, and this version imports nothing below"),
        "{message}"
    );
    assert!(message.contains("--drop acme:tally/ballots@1"), "{message}");
    let dropping = Admission { drop: vec![identity(BALLOTS), identity(TOTAL)], ..label("v3") };
    assert_eq!(accept(&first(), &[map(BALLOTS_3, "u8")], &dropping).dropped.len(), 2);

    let third = accept(&Ledger::default(), &[map(BALLOTS_3, "u8")], &label("v3")).ledger;
    let refused = admit(&third, &[map(BALLOTS, "u8")], &label("v1")).unwrap_err();
    assert!(matches!(refused.reasons.as_slice(), [Reason::Downgrade { .. }]), "{refused}");
    let stranger = accept(&third, &[map("other:pkg/ballots@1.0.0", "u8")], &label("v1"));
    assert_eq!(stranger.dormant, [identity(BALLOTS_3)]);
}

#[test]
fn every_reason_is_given_at_once() {
    let declared = [map(BALLOTS, "u8"), declared(TOTAL, Some(Kind::Log), None, None)];
    assert_eq!(admit(&first(), &declared, &label("v2")).unwrap_err().reasons.len(), 2);
}

#[test]
fn a_refusal_tells_what_was_found_all_the_same() {
    let declared = [map(BALLOTS, "u8"), counter(TOTAL), map("acme:tally/notes@1.0.0", "u8")];
    let refused = admit(&first(), &declared, &label("v2")).unwrap_err();
    let verdicts = refused.found.verdicts.iter().map(|(identity, comparison)| (identity.clone(), comparison.verdict));
    let expected = [(identity(BALLOTS), Verdict::Incompatible), (identity(TOTAL), Verdict::Identical)];
    assert_eq!(verdicts.collect::<Vec<_>>(), expected);
    assert_eq!(refused.found.bindings.len(), 2, "the new one and the identical one");
}
