use stead_schema::{Parts, Type, Value};
use stead_store::Writes;

use super::{End, Key, PluginId, ResultRecord, decode, put};

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
fn what_is_no_record_is_named_as_damage() {
    let mut writes = Writes::new();
    put(&mut writes, Key::result(PluginId(2), "ann", 9), &record());
    let (key, value) = writes.pop_first().unwrap();
    let value = value.unwrap();
    let (mut longer, mut newer) = (value.to_vec(), value.to_vec());
    longer.push(0);
    newer[0] = 2;
    for bytes in [&value[..value.len() - 1], &longer, &newer, &[]] {
        let error = decode::<ResultRecord>(&key, bytes).unwrap_err();
        assert_eq!(error.kind(), "catalog", "{error}");
    }
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
