//! What the functions of each kind do, with typed and with reflected bindings.

use stead_schema::{Conversion, codec};

use super::*;
use crate::engine::Unreadable;

fn some(value: impl Into<Value>) -> Option<Value> {
    Some(value.into().some())
}

fn none() -> Option<Value> {
    Some(Value::none())
}

const MAP_OF_TEXT: &[&str] = &[
    "get | (param \"k\" string) | (option u64) | i32 i32 | spilled",
    "set | (param \"k\" string) (param \"v\" u64) | | i32 i32 i64 | none",
    "remove | (param \"k\" string) | (option u64) | i32 i32 | spilled",
    "contains | (param \"k\" string) | bool | i32 i32 | flat i32",
    "len | | u64 | | flat i64",
    "scan | (param \"s\" (option string)) (param \"n\" u32) | (list (tuple string u64)) | i32 i32 i32 i32 | spilled",
    "scan-after | (param \"k\" string) (param \"n\" u32) | (list (tuple string u64)) | i32 i32 i32 | spilled",
    "scan-back | (param \"e\" (option string)) (param \"n\" u32) | (list (tuple string u64)) | i32 i32 i32 i32 | spilled",
    "range | (param \"s\" string) (param \"e\" string) (param \"n\" u32) | (list (tuple string u64)) | i32 i32 i32 i32 i32 | spilled",
    "clear | | | | none",
];

#[tokio::test]
async fn a_map_of_common_types() {
    let mut map = Plugin::new(&passing("", MAP_OF_TEXT));
    assert_eq!(map.ok("get", &["a".into()]).await, none());
    for (key, value) in [("b", 2u64), ("a", 1), ("d", 4), ("c", 3)] {
        map.ok("set", &[key.into(), value.into()]).await;
    }
    assert_eq!(map.ok("get", &["a".into()]).await, some(1u64));
    assert_eq!(map.ok("contains", &["a".into()]).await, Some(true.into()));
    assert_eq!(map.ok("contains", &["x".into()]).await, Some(false.into()));
    assert_eq!(map.ok("len", &[]).await, Some(4u64.into()));
    let entries = |keys: &[(&str, u64)]| Some(list(keys.iter().map(|(key, value)| pair(*key, *value))));
    let from = |key: &str| Value::some(key.into());
    assert_eq!(map.ok("scan", &[Value::none(), 2u32.into()]).await, entries(&[("a", 1), ("b", 2)]));
    assert_eq!(map.ok("scan", &[from("c"), 9u32.into()]).await, entries(&[("c", 3), ("d", 4)]));
    assert_eq!(map.ok("scan", &[Value::none(), 0u32.into()]).await, entries(&[]));
    assert_eq!(map.ok("scan-after", &["b".into(), 1u32.into()]).await, entries(&[("c", 3)]));
    assert_eq!(map.ok("scan-back", &[Value::none(), 2u32.into()]).await, entries(&[("d", 4), ("c", 3)]));
    assert_eq!(map.ok("scan-back", &[from("c"), 9u32.into()]).await, entries(&[("b", 2), ("a", 1)]));
    assert_eq!(map.ok("range", &["b".into(), "d".into(), 9u32.into()]).await, entries(&[("b", 2), ("c", 3)]));
    assert_eq!(map.ok("range", &["d".into(), "b".into(), 9u32.into()]).await, entries(&[]));
    assert_eq!(map.ok("remove", &["b".into()]).await, some(2u64));
    assert_eq!(map.ok("remove", &["b".into()]).await, none());
    assert_eq!(map.ok("len", &[]).await, Some(3u64.into()));
    map.ok("clear", &[]).await;
    assert_eq!(map.ok("scan", &[Value::none(), 9u32.into()]).await, entries(&[]));
}

const PLACE: &str = r#"
    (type $place' (record (field "x" s8) (field "name" (option string))))
    (export "place" (type $place (eq $place')))"#;

const MAP_OF_RECORDS: &[&str] = &[
    "get | (param \"k\" (tuple u8 bool)) | (option $place) | i32 i32 | spilled",
    "set | (param \"k\" (tuple u8 bool)) (param \"v\" $place) | | i32 i32 i32 i32 i32 i32 | none",
    "remove | (param \"k\" (tuple u8 bool)) | bool | i32 i32 | flat i32",
    "scan | (param \"s\" (option (tuple u8 bool))) (param \"n\" u32) | (list (tuple (tuple u8 bool) $place)) | i32 i32 i32 i32 | spilled",
    "len | | u64 | | flat i64",
];

#[tokio::test]
async fn a_map_of_any_types() {
    let mut map = Plugin::new(&passing(PLACE, MAP_OF_RECORDS));
    let key = |n: u8| pair(n, true);
    let place = |x: i8, name: Option<&str>| {
        Value::record([("x", x.into()), ("name", name.map_or(Value::none(), |name| Value::some(name.into())))])
    };
    map.ok("set", &[key(200), place(-1, Some("far"))]).await;
    map.ok("set", &[key(7), place(3, None)]).await;
    assert_eq!(map.ok("get", &[key(200)]).await, some(place(-1, Some("far"))));
    assert_eq!(map.ok("get", &[key(8)]).await, none());
    let both = list([pair(key(7), place(3, None)), pair(key(200), place(-1, Some("far")))]);
    assert_eq!(map.ok("scan", &[Value::none(), 9u32.into()]).await, Some(both));
    assert_eq!(map.ok("remove", &[key(7)]).await, Some(true.into()));
    assert_eq!(map.ok("remove", &[key(7)]).await, Some(false.into()));
    assert_eq!(map.ok("len", &[]).await, Some(1u64.into()));
}

const CELL: &[&str] =
    &["get | | (option u32) | | spilled", "set | (param \"v\" u32) | | i32 | none", "clear | | | | none"];

#[tokio::test]
async fn a_cell() {
    let mut cell = Plugin::new(&passing("", CELL));
    assert_eq!(cell.ok("get", &[]).await, none());
    cell.ok("set", &[5u32.into()]).await;
    assert_eq!(cell.ok("get", &[]).await, some(5u32));
    cell.ok("clear", &[]).await;
    assert_eq!(cell.ok("get", &[]).await, none());
}

const LOG: &[&str] = &[
    "append | (param \"e\" string) | u64 | i32 i32 | flat i64",
    "at | (param \"i\" u64) | (option string) | i64 | spilled",
    "read | (param \"s\" u64) (param \"n\" u32) | (list (tuple u64 string)) | i64 i32 | spilled",
    "first | | u64 | | flat i64",
    "end | | u64 | | flat i64",
    "truncate-before | (param \"i\" u64) | | i64 | none",
];

#[tokio::test]
async fn a_log() {
    let mut log = Plugin::new(&passing("", LOG));
    assert_eq!(log.ok("end", &[]).await, Some(0u64.into()));
    for (index, entry) in ["a", "b", "c"].into_iter().enumerate() {
        assert_eq!(log.ok("append", &[entry.into()]).await, Some((index as u64).into()));
    }
    assert_eq!(log.ok("at", &[1u64.into()]).await, some("b"));
    assert_eq!(log.ok("at", &[3u64.into()]).await, none());
    let entries = |from: &[(u64, &str)]| Some(list(from.iter().map(|(index, entry)| pair(*index, *entry))));
    assert_eq!(log.ok("read", &[1u64.into(), 9u32.into()]).await, entries(&[(1, "b"), (2, "c")]));
    log.ok("truncate-before", &[2u64.into()]).await;
    assert_eq!(log.ok("first", &[]).await, Some(2u64.into()));
    assert_eq!(log.ok("at", &[1u64.into()]).await, none());
    assert_eq!(log.ok("read", &[0u64.into(), 9u32.into()]).await, entries(&[(2, "c")]));
    log.ok("truncate-before", &[99u64.into()]).await;
    assert_eq!(log.ok("first", &[]).await, Some(3u64.into()));
    assert_eq!(log.ok("append", &["d".into()]).await, Some(3u64.into()), "indices are never used again");
}

#[tokio::test]
async fn counters_add_and_trap_on_overflow() {
    let mut signed =
        Plugin::new(&passing("", &["value | | s64 | | flat i64", "add | (param \"d\" s64) | | i64 | none"]));
    signed.ok("add", &[5i64.into()]).await;
    signed.ok("add", &[(-7i64).into()]).await;
    assert_eq!(signed.ok("value", &[]).await, Some((-2i64).into()));
    let trap = signed.trap("add", &[i64::MIN.into()]).await;
    assert_eq!(trap.kind, TrapKind::Limit);
    assert!(trap.message.contains("acme:test/kept@1"), "{}", trap.message);
    assert_eq!(signed.ok("value", &[]).await, Some((-2i64).into()));

    let mut unsigned =
        Plugin::new(&passing("", &["value | | u64 | | flat i64", "add | (param \"d\" u64) | | i64 | none"]));
    unsigned.ok("add", &[u64::MAX.into()]).await;
    assert_eq!(unsigned.ok("value", &[]).await, Some(u64::MAX.into()));
    assert_eq!(unsigned.trap("add", &[1u64.into()]).await.kind, TrapKind::Limit);
}

#[tokio::test]
async fn g03_a_read_only_call_cannot_write() {
    let mut cell = Plugin::new(&passing("", CELL));
    cell.ok("set", &[5u32.into()]).await;
    let refused = trap(cell.call_as(Mode::ReadOnly, "set", &[6u32.into()]).await);
    assert_eq!(refused.kind, TrapKind::Forbidden);
    assert!(refused.message.contains("read-only"), "{}", refused.message);
    match cell.call_as(Mode::ReadOnly, "get", &[]).await {
        CallEnd::Returned(value) => assert_eq!(value, some(5u32)),
        end => panic!("{end:?}"),
    }
}

/// The cell, bound otherwise.
fn rebound(cell: &Plugin, rebind: impl FnOnce(&mut Binding)) -> Linked {
    let program = cell.linked.program();
    let mut bindings = bindings(program);
    rebind(&mut bindings[0]);
    program.link("test", &bindings, &Grants::default(), &Settings::default(), &Limits::default()).expect("linked")
}

#[tokio::test]
async fn an_old_collection_is_read_while_migrating_only() {
    let mut cell = Plugin::new(&passing("", CELL));
    cell.ok("set", &[5u32.into()]).await;
    cell.linked = rebound(&cell, |binding| binding.access = Access::Old);
    cell.instance = None;
    assert_eq!(cell.trap("get", &[]).await.kind, TrapKind::Forbidden);
    assert_eq!(trap(cell.call_as(Mode::Migrate, "set", &[6u32.into()]).await).kind, TrapKind::Forbidden);
    match cell.call_as(Mode::Migrate, "get", &[]).await {
        CallEnd::Returned(value) => assert_eq!(value, some(5u32)),
        end => panic!("{end:?}"),
    }
    let touched = cell.instance.as_ref().expect("it is kept").touched();
    assert_eq!((touched[0].read, touched[0].written), (1, 0));
}

#[tokio::test]
async fn values_of_an_older_schema_are_converted_as_they_are_read() {
    let mut cell = Plugin::new(&passing("", CELL));
    let mut writes = stead_store::Writes::new();
    let mut stored = Vec::new();
    codec::encode_schema(0, &mut stored);
    codec::Scalar::encode(200u8, &mut stored);
    writes.insert(layout::cell_key(0).into(), Some(stored.into()));
    let write = Change::Write { state: cell.state, epoch: WriterEpoch::FIRST, writes };
    cell.store.commit(vec![write]).expect("accepted").wait().expect("durable");
    cell.linked = rebound(&cell, |binding| {
        let widening = Conversion::between(&stead_schema::Type::U8, &stead_schema::Type::U32);
        binding.schema = 1;
        binding.conversions = vec![widening, None];
    });
    assert_eq!(cell.ok("get", &[]).await, some(200u32));
    cell.ok("set", &[70_000u32.into()]).await;
    assert_eq!(cell.ok("get", &[]).await, some(70_000u32));
}

#[tokio::test]
async fn g04_bytes_that_are_no_value_are_reported_and_not_served() {
    let mut cell = Plugin::new(&passing("", CELL));
    for bad in [&[0xff; 20][..], &[], &[0], &[9, 1], &[0, 1, 1]] {
        let mut writes = stead_store::Writes::new();
        writes.insert(layout::cell_key(0).into(), Some(bad.to_vec().into()));
        let write = Change::Write { state: cell.state, epoch: WriterEpoch::FIRST, writes };
        cell.store.commit(vec![write]).expect("accepted").wait().expect("durable");
        match cell.call("get", &[]).await {
            CallEnd::Unreadable(Unreadable::Value { collection, .. }) => assert_eq!(collection, "acme:test/kept@1"),
            end => panic!("{bad:?}: {end:?}"),
        }
    }
}
