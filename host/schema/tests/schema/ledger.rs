//! The stored form of the ledger.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stead_schema::{Collection, Identity, Kind, Ledger, LedgerError, Schema};

use crate::choices::choices;
use crate::wit::ty;

fn tally() -> Ledger {
    let ballots = Collection {
        number: 0,
        kind: Kind::Map,
        schemas: vec![
            Schema { kind: Kind::Map, key: Some(ty("string")), value: Some(ty("record { at: u64 }")), signed: None },
            Schema {
                kind: Kind::Map,
                key: Some(ty("string")),
                value: Some(ty("record { at: u64, by: option<string> }")),
                signed: None,
            },
        ],
        writer: "v2".into(),
        dropped: false,
    };
    let total = Collection {
        number: 7,
        kind: Kind::Counter,
        schemas: vec![Schema { kind: Kind::Counter, key: None, value: None, signed: Some(true) }],
        writer: "v1".into(),
        dropped: true,
    };
    let identity = |text| Identity::parse(text).unwrap();
    Ledger { collections: BTreeMap::from([(identity("a:b/c@1"), ballots), (identity("total"), total)]) }
}

/// The bytes of every release: these never change.
#[test]
fn golden_bytes() {
    let entries = tally().encode();
    let mut ballots = b"\x01\x07a:b/c@1\x01\x00\x02v2\x02".to_vec();
    ballots.extend(b"\x01\x01\x0c\x01\x11\x01\x02at\x04\x00");
    ballots.extend(b"\x01\x01\x0c\x01\x11\x02\x02at\x04\x02by\x0e\x0c\x00");
    assert_eq!(entries[&0], ballots);
    assert_eq!(entries[&7], b"\x01\x05total\x03\x01\x02v1\x01\x03\x00\x00\x02");
    assert_eq!(Ledger::decode(entries), Ok(tally()));
}

/// Fingerprints of every release: these never change.
#[test]
fn golden_fingerprints() {
    let types =
        "record { a: list<u8>, b: result<_, string>, c: variant { x, y(char) }, d: flags { p }, e: enum { q } }";
    assert_eq!(ty(types).fingerprint().to_string(), "a836baeaf034c3f879703cf2231fcc196b4e792110f580c61f09b9e55f84c63a");
}

#[test]
fn false_entries_are_refused() {
    let refused = |number, bytes: &[u8]| Ledger::decode([(number, bytes)]).unwrap_err();
    assert_eq!(refused(3, &[2]), LedgerError::Newer { number: 3, version: 2 });
    assert_eq!(refused(3, &[]).to_string(), "ledger entry 3: value: the bytes end within the value");
    let entry = tally().encode()[&7].clone();
    assert!(Ledger::decode([(7, &entry), (8, &entry)]).unwrap_err().to_string().contains("`total` stands twice"));
    assert!(Ledger::decode([(u32::MAX, &entry)]).is_err());
    let mut trailing = entry.clone();
    trailing.push(0);
    assert!(Ledger::decode([(7, trailing)]).is_err());
    let mut counter_with_key = b"\x01\x05total\x03\x01\x02v1\x01\x03\x01\x01\x00\x02".to_vec();
    assert!(Ledger::decode([(7, &counter_with_key)]).is_err());
    counter_with_key.truncate(12);
    assert!(Ledger::decode([(7, &counter_with_key)]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_encoded_decodes_to_itself(mut choices in choices(), writer in any::<String>(), dropped in any::<bool>()) {
        let schema = Schema {
            kind: Kind::Map,
            key: Some(choices.key_ty(2)),
            value: Some(choices.ty()),
            signed: None,
        };
        let collection = Collection { number: 5, kind: Kind::Map, schemas: vec![schema], writer, dropped };
        let identity = Identity::parse("a:b/c@0.3").unwrap();
        let ledger = Ledger { collections: BTreeMap::from([(identity, collection)]) };
        prop_assert_eq!(Ledger::decode(ledger.encode()), Ok(ledger));
    }

    #[test]
    fn hostile_bytes_never_panic(at in any::<usize>(), byte in any::<u8>(), cut in any::<usize>()) {
        let mut entry = tally().encode()[&0].clone();
        let length = entry.len();
        entry[at % length] = byte;
        entry.truncate(length - cut % 8);
        let _ = Ledger::decode([(0, entry)]);
    }
}
