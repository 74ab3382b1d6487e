use stead_schema::{Parts, Type, Value};
use stead_store::Writes;

use super::record::{HandOffOfOne, VersionRecord1};
use super::{End, HandOffRecord, Key, PluginId, ResultRecord, VersionRecord, decode, put};
use crate::engine::{Grants, Settings};
use crate::handoff::{Phase, ReceiptKind};

fn record() -> ResultRecord {
    ResultRecord { asked: [7; 32], era: 3, end: End::Returned(Some(Value(Parts::U64(300)))), ty: Some(Type::U64) }
}

#[test]
fn a_result_has_these_bytes() {
    let mut writes = Writes::new();
    put(&mut writes, Key::result(PluginId(2), "ann", 9), &record());
    let (key, value) = writes.pop_first().unwrap();
    assert_eq!(&key[..], b"\x05\0\0\0\0\0\0\0\x02\0\x03ann\0\0\0\0\0\0\0\x09");
    let value = value.unwrap();
    assert_eq!(value[0], 1, "the version comes first");
    assert_eq!(&value[1..33], &[7; 32]);
    assert_eq!(&value[33..], [3, 0, 1, 4, 0xAC, 2, 1, 4]);
    assert_eq!(decode::<ResultRecord>(&key, &value).unwrap(), record());
}

#[test]
fn what_is_no_record_is_named_as_damage_and_a_newer_record_is_not() {
    let mut writes = Writes::new();
    put(&mut writes, Key::result(PluginId(2), "ann", 9), &record());
    let (key, value) = writes.pop_first().unwrap();
    let value = value.unwrap();
    let (mut longer, mut newer) = (value.to_vec(), value.to_vec());
    longer.push(0);
    newer[0] = 2;
    for bytes in [&value[..value.len() - 1], &longer, &[]] {
        let error = decode::<ResultRecord>(&key, bytes).unwrap_err();
        assert_eq!(error.kind(), "catalog", "{error}");
    }
    let error = decode::<ResultRecord>(&key, &newer).unwrap_err();
    assert_eq!(error.kind(), "newer-format", "{error}");
    assert!(!error.to_string().contains("damaged"), "{error}");
}

fn version_1() -> VersionRecord1 {
    VersionRecord1 {
        generation: 7,
        component: stead_store::ComponentHash::of(b"a component"),
        label: Some("1.2.0".into()),
        deployed_at_ms: 300,
        grants: Grants { names: true, ..Grants::default() },
    }
}

/// As releases wrote it before versions had settings.
fn before_settings(record: &impl serde::Serialize) -> Vec<u8> {
    [&[1][..], &postcard::to_stdvec(record).unwrap()].concat()
}

#[test]
fn versions_from_before_settings_are_read_and_those_since_have_these_bytes() {
    let version: VersionRecord = version_1().into();
    assert_eq!((version.generation, &version.settings), (7, &Settings::default()));
    assert_eq!(decode::<VersionRecord>(b"k", &before_settings(&version_1())).unwrap(), version);

    let settings = Settings([("mode".to_owned(), "fast".to_owned())].into());
    let version = VersionRecord { settings, ..version };
    let mut writes = Writes::new();
    put(&mut writes, Key::version(PluginId(2), 7), &version);
    let (key, value) = writes.pop_first().unwrap();
    let value = value.unwrap();
    assert_eq!((value[0], &value[1..2]), (2, &[7][..]));
    assert!(value.ends_with(b"\x01\x04mode\x04fast"), "settings come last");
    assert_eq!(value.len(), before_settings(&version_1()).len() + 11);
    assert_eq!(decode::<VersionRecord>(&key, &value).unwrap(), version);
    let mut newer = value.to_vec();
    newer[0] = 3;
    assert!(decode::<VersionRecord>(&key, &newer).unwrap_err().to_string().contains("newer release"));
}

#[test]
fn a_hand_off_that_an_earlier_release_began_is_read() {
    let before = HandOffOfOne {
        plugin: "tally".into(),
        kind: ReceiptKind::Swap,
        phase: Phase::Sealing,
        successor: version_1(),
        drop: vec!["a:b/c@1".into()],
        accept_lossy: Vec::new(),
        accept_unread: true,
        sealed: None,
        attempts: 2,
        reason: None,
    };
    let check = |bytes: Vec<u8>| {
        let record: HandOffRecord = decode(b"k", &bytes).unwrap();
        let [party] = &record.parties[..] else { panic!("{record:?}") };
        assert_eq!((&party.successor, record.attempts, record.phase), (&version_1().into(), 2, Phase::Sealing));
        assert_eq!((&party.plugin[..], party.accept_unread, &party.drop[..]), ("tally", true, &["a:b/c@1".into()][..]));
        assert!(decode::<HandOffRecord>(b"k", &[&bytes[..], &[0]].concat()).is_err());
    };
    check(before_settings(&before));
    let HandOffOfOne { plugin, kind, phase, successor, drop, accept_lossy, accept_unread, sealed, attempts, reason } =
        before;
    let successor = VersionRecord::from(successor);
    let with_settings =
        HandOffOfOne { plugin, kind, phase, successor, drop, accept_lossy, accept_unread, sealed, attempts, reason };
    check([vec![2], postcard::to_stdvec(&with_settings).unwrap()].concat());
}

#[test]
fn keys_of_one_client_do_not_lie_among_those_of_another() {
    let plugin = PluginId(1);
    let (low, high) = (Key::result(plugin, "a", 0), Key::result(plugin, "a", u64::MAX));
    for other in ["", "b", "aa", "a\0\0\0\0\0\0\0\0"] {
        let key = Key::result(plugin, other, 5);
        assert!(key.as_bytes() < low.as_bytes() || key.as_bytes() > high.as_bytes(), "{other:?}");
    }
}
