//! The normalised digest: equal for equal typed contents, whatever the history, and different otherwise.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stead_schema::{
    Admission, Conversion, Declared, Digest, DigestError, Digester, Identity, Kind, Ledger, Owned, Shape, Type, Value,
    admit, codec, key, layout,
};

use crate::choices::choices;
use crate::wit::ty;

/// A state in memory, written as the runtime writes it.
#[derive(Clone, Default)]
struct State {
    ledger: Ledger,
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
}

const BALLOTS: &str = "acme:tally/ballots@1.0.0";
const HISTORY: &str = "acme:tally/history@1.0.0";
const TOTAL: &str = "acme:tally/total@1.0.0";
const LATEST: &str = "acme:tally/latest@1.0.0";

fn declared(interface: &str, kind: Kind, value: Option<&Type>) -> Declared {
    let key = (kind == Kind::Map).then_some(Type::String);
    let signed = (kind == Kind::Counter).then_some(true);
    let shape = Shape { kind: Some(kind), key, value: value.cloned(), signed, operations: Vec::new() };
    Declared { identity: Identity::parse(interface).unwrap(), interface: interface.into(), shape, old: false }
}

fn map(value: &str) -> Declared {
    declared(BALLOTS, Kind::Map, Some(&ty(value)))
}

impl State {
    /// Another version takes over.
    fn takes(&mut self, declared: &[Declared], options: &Admission) -> &mut State {
        let admitted = admit(&self.ledger, declared, options).unwrap();
        for (_, number) in admitted.dropped.into_iter().chain(admitted.migrated) {
            let prefix = layout::prefix(number);
            self.entries.retain(|key, _| !key.starts_with(&prefix));
        }
        self.ledger = admitted.ledger;
        self
    }

    fn version(&mut self, declared: &[Declared]) -> &mut State {
        self.takes(declared, &Admission::default())
    }

    fn stored(&self, interface: &str, value: &Value) -> (u32, Vec<u8>) {
        let collection = &self.ledger.collections[&Identity::parse(interface).unwrap()];
        let mut bytes = Vec::new();
        codec::encode_schema(collection.schema_number(), &mut bytes);
        codec::encode::<Owned>(collection.schema().value.as_ref().unwrap(), value, &mut bytes).unwrap();
        (collection.number, bytes)
    }

    fn number(&self, interface: &str) -> u32 {
        self.ledger.collections[&Identity::parse(interface).unwrap()].number
    }

    /// Sets an entry of the map of ballots.
    fn set(&mut self, voter: &str, value: &Value) -> &mut State {
        let (number, stored) = self.stored(BALLOTS, value);
        let mut encoded = Vec::new();
        key::encode_str(voter, &mut encoded).unwrap();
        self.entries.insert(layout::map_key(number, &encoded), stored);
        self
    }

    fn put_log(&mut self, first: u64, values: &[Value]) -> &mut State {
        for (index, value) in (first..).zip(values) {
            let (number, stored) = self.stored(HISTORY, value);
            self.entries.insert(layout::log_entry(number, index), stored);
        }
        let bounds = layout::encode_log_meta(first, first + values.len() as u64);
        self.entries.insert(layout::log_meta(self.number(HISTORY)), bounds.to_vec());
        self
    }

    fn count(&mut self, node: u64, added: u64, subtracted: u64) -> &mut State {
        let key = layout::counter_key(self.number(TOTAL), node);
        self.entries.insert(key, layout::encode_counter(added, subtracted).to_vec());
        self
    }

    fn put_cell(&mut self, value: &Value) -> &mut State {
        let (number, stored) = self.stored(LATEST, value);
        self.entries.insert(layout::cell_key(number), stored);
        self
    }

    fn try_digest(&self) -> Result<Digest, DigestError> {
        let mut digester = Digester::new(&self.ledger);
        let ledger = self.ledger.encode().into_iter().map(|(number, entry)| (layout::ledger_key(number), entry));
        let all: BTreeMap<Vec<u8>, Vec<u8>> = ledger.chain(self.entries.clone()).collect();
        all.iter().try_for_each(|(key, stored)| digester.entry(key, stored))?;
        Ok(digester.finish())
    }

    fn digest(&self) -> Digest {
        self.try_digest().unwrap()
    }
}

fn plain(choice: &str) -> Value {
    Value::record([("choice", Value::from(choice))])
}

fn timed(choice: &str, at: Option<u64>) -> Value {
    let at = at.map_or_else(Value::none, |at| Value::from(at).some());
    Value::record([("choice", Value::from(choice)), ("at", at)])
}

const PLAIN: &str = "record { choice: string }";
const TIMED: &str = "record { choice: string, at: option<u64> }";

#[test]
fn g05_histories_with_the_same_contents_have_one_digest() {
    let counter = declared(TOTAL, Kind::Counter, None);
    let mut direct = State::default();
    direct.version(&[map(TIMED), counter.clone()]).set("ann", &timed("yes", None)).set("bob", &timed("no", Some(7)));
    direct.count(1, 5, 2);

    // Another order of collections, a schema before, a dropped collection, and two nodes that counted.
    let dropped = declared("acme:other/gone@1.0.0", Kind::Cell, Some(&Type::U8));
    let mut long = State::default();
    long.version(&[dropped, counter.clone(), map(PLAIN)]).set("ann", &plain("yes")).set("bob", &plain("draft"));
    long.version(&[map(TIMED), counter.clone()]).set("bob", &timed("no", Some(7)));
    let drop = Admission { drop: vec![Identity::parse("acme:other/gone@1").unwrap()], ..Admission::default() };
    long.takes(&[map(TIMED), counter], &drop);
    long.count(1, 1, 1).count(2, 4, 1);

    assert_ne!(direct.ledger, long.ledger);
    assert_ne!(direct.entries, long.entries);
    assert_eq!(direct.digest(), long.digest());
}

#[test]
fn g05_other_contents_have_another_digest() {
    let all = || {
        let log = declared(HISTORY, Kind::Log, Some(&Type::U8));
        let mut state = State::default();
        let cell = declared(LATEST, Kind::Cell, Some(&Type::U8));
        state.version(&[map(PLAIN), log, cell, declared(TOTAL, Kind::Counter, None)]);
        state.set("ann", &plain("yes")).put_log(2, &[1u8.into(), 2u8.into()]).put_cell(&7u8.into()).count(1, 5, 0);
        state
    };
    let base = all().digest();
    assert_eq!(all().digest(), base);
    let mut others: Vec<Digest> = vec![
        all().set("ann", &plain("no")).digest(),
        all().set("ann ", &plain("yes")).digest(),
        all().set("bob", &plain("yes")).digest(),
        all().put_log(2, &[1u8.into()]).digest(),
        all().put_log(1, &[1u8.into(), 2u8.into()]).digest(),
        all().put_log(2, &[2u8.into(), 1u8.into()]).digest(),
        all().put_cell(&8u8.into()).digest(),
        all().count(1, 4, 0).digest(),
        all().count(2, 0, 2).digest(),
        all().version(&[map(TIMED)]).digest(),
        all().version(&[declared("acme:other/new@1.0.0", Kind::Cell, Some(&Type::U8))]).digest(),
        base,
    ];
    others.sort();
    assert!(others.windows(2).all(|pair| pair[0] != pair[1]), "{others:?}");
}

/// Nothing stored, and zero stored, read the same.
#[test]
fn g05_what_reads_the_same_counts_the_same() {
    let new = || {
        let mut state = State::default();
        let log = declared(HISTORY, Kind::Log, Some(&Type::U8));
        state.version(&[log, declared(TOTAL, Kind::Counter, None)]);
        state
    };
    assert_eq!(new().digest(), new().count(3, 9, 9).put_log(0, &[]).digest());
    assert_ne!(new().digest(), new().put_log(1, &[]).digest());
}

/// The digest of every release: it never changes.
#[test]
fn g05_golden_digest() {
    let mut state = State::default();
    state.version(&[map(PLAIN), declared(TOTAL, Kind::Counter, None)]).set("ann", &plain("yes")).count(1, 5, 2);
    assert_eq!(state.digest().to_string(), "2ace28b4b33035465e7c66ffb48a941ec9365d63e00af8d9e93e5f29ad148d2d");
    assert_eq!(
        State::default().digest().to_string(),
        "14b0f422632c6d48c366e292f94ff84f4070f8f44fd2ade7dc19d1e88c461f94"
    );
}

#[test]
fn g05_bytes_that_are_no_state_have_no_digest() {
    let check = |change: &dyn Fn(&mut State), expected: &str| {
        let mut state = State::default();
        let log = declared(HISTORY, Kind::Log, Some(&Type::U8));
        state.version(&[map("u16"), log, declared(TOTAL, Kind::Counter, None)]).set("ann", &300u16.into());
        change(&mut state);
        assert_eq!(state.try_digest().unwrap_err().to_string(), expected);
    };
    let put = |key: Vec<u8>, value: &'static [u8]| {
        move |state: &mut State| drop(state.entries.insert(key.clone(), value.to_vec()))
    };
    check(&put(layout::map_key(9, b"x"), &[]), "an entry belongs to collection 9, which the ledger does not have");
    check(
        &put(layout::map_key(0, b"x\0\0"), &[4, 1]),
        "`acme:tally/ballots@1`: a value was written under schema 4, which the ledger does not have",
    );
    check(&put(layout::map_key(0, b"x\0\0"), &[0, 1, 1]), "`acme:tally/ballots@1`: 1 bytes left after the value");
    check(&put(layout::log_meta(1), &[0]), "`acme:tally/history@1`: a key or record that a log does not have");
    check(
        &put(layout::map_key(2, b"x"), &[0; 16]),
        "`acme:tally/total@1`: a key or record that a counter does not have",
    );
    check(&put(vec![7], &[]), "a key that starts with Some(7) belongs to no entry of a state");
    let ledger = Ledger::default();
    let mut digester = Digester::new(&ledger);
    digester.entry(&layout::ledger_key(1), &[]).unwrap();
    assert_eq!(digester.entry(&layout::ledger_key(1), &[]), Err(DigestError::Order));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Entries written before a change and after it are one, if they read the same; and otherwise not.
    #[test]
    fn g05_the_digest_is_that_of_the_converted_values(mut choices in choices()) {
        let old = choices.ty();
        let new = choices.edited(&old);
        let lossy = Admission { lossy: vec![Identity::parse(BALLOTS).unwrap()], ..Admission::default() };
        let Some(conversion) = Conversion::between(&old, &new) else { return Ok(()) };
        let values = [choices.value(&old), choices.value(&old)];
        let mut before = State::default();
        let of = |ty: &Type| declared(BALLOTS, Kind::Map, Some(ty));
        before.version(&[of(&old)]).set("a", &values[0]).set("b", &values[1]).takes(&[of(&new)], &lossy);
        let converted: Result<Vec<Value>, _> = values.into_iter().map(|value| conversion.apply(value)).collect();
        let Ok(converted) = converted else {
            let refused = matches!(before.try_digest(), Err(DigestError::Unconvertible { .. }));
            prop_assert!(refused);
            return Ok(());
        };
        let mut after = State::default();
        after.version(&[of(&new)]).set("a", &converted[0]).set("b", &converted[1]);
        prop_assert_eq!(before.digest(), after.digest());
        let another = choices.value(&new);
        prop_assert_eq!(after.set("b", &another).digest() == before.digest(), another == converted[1]);
    }
}
