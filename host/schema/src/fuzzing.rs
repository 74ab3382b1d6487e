//! Every decoder of the crate, each as a function that takes hostile bytes: it must end without a panic, and what decodes
//! must encode to what it was decoded from. The fuzzer of `fuzz/` drives these functions, and so do the crate's own tests,
//! over the committed seeds and thousands of changes to each.
//!
//! Most inputs start with the type that directs the decoder, in the form of the ledger.

#[cfg(test)]
mod tests;

use serde_json::Value as Json;

use crate::conversion::Conversion;
use crate::digest::Digester;
use crate::limits::DIFFERENCES_MAX;
use crate::text::{json, wave};
use crate::types::Type;
use crate::types::wire::{decode_payload, encode_payload};
use crate::value::{Owned, Value};
use crate::{Collection, Declared, Identity, Kind, Ledger, Schema, Shape, Verdict, codec, key, layout};

/// A stored value, after its type; and its conversion to a second type.
pub fn values(bytes: &[u8]) {
    let mut rest = bytes;
    let Some(ty) = storable_type(&mut rest) else { return };
    let mut stored = rest;
    if let Ok(value) = codec::decode::<Owned>(&ty, &mut stored) {
        let mut again = Vec::new();
        codec::encode::<Owned>(&ty, &value, &mut again).expect("what was decoded encodes");
        assert_eq!(again, rest[..rest.len() - stored.len()], "there is one encoding of one value");
        if let Some(new) = storable_type(&mut stored) {
            convert(&ty, &new, &value);
            digest(&ty, &new, &value);
            read(&ty, &new, &again);
            read(&ty, &new, rest);
        }
    }
    let _ =
        (codec::decode_schema(&mut &rest[..]), codec::decode_str(&mut &rest[..]), codec::decode_bytes(&mut &rest[..]));
}

/// What a conversion makes belongs to the new type, and leads back to where it came from or says that it lost something.
fn convert(old: &Type, new: &Type, value: &Value) {
    let Some(conversion) = Conversion::between(old, new) else { return };
    if let Ok(converted) = conversion.apply(value.clone()) {
        codec::encode::<Owned>(new, &converted, &mut Vec::new()).expect("a converted value belongs to the new type");
        if !conversion.loses(value) {
            assert_eq!(conversion.narrow(converted).as_ref(), Ok(value));
        }
    }
}

/// Read in one pass, bytes are what they are when they are decoded first and converted then.
fn read(old: &Type, new: &Type, body: &[u8]) {
    let Some(conversion) = Conversion::between(old, new) else { return };
    assert!(conversion.is_one_pass(), "a single change leads forward");
    let plain = codec::decode_whole::<Owned>(old, body).ok().and_then(|value| conversion.apply(value).ok());
    assert_eq!(conversion.read::<Owned>(body, &mut { usize::MAX }).ok(), plain);
}

/// A key, after its type.
pub fn keys(bytes: &[u8]) {
    let mut rest = bytes;
    let Some(ty) = storable_type(&mut rest).filter(|ty| key::check(ty).is_ok()) else { return };
    let whole = rest;
    if let Ok(value) = key::decode::<Owned>(&ty, &mut rest) {
        let used = &whole[..whole.len() - rest.len()];
        let mut again = Vec::new();
        // A key that is longer than any decodes, for its bytes are bounded already; it is refused when it is encoded.
        if key::encode::<Owned>(&ty, &value, &mut again).is_ok() {
            assert_eq!(again, used, "there is one encoding of one key");
        }
    }
    let _ = (key::decode_str(&mut &whole[..]), key::decode_bytes(&mut &whole[..]));
}

/// A value as text, after its type: WAVE, an argument list, JSON.
pub fn text(bytes: &[u8]) {
    let mut rest = bytes;
    let Some(ty) = storable_type(&mut rest).filter(has_labels) else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    if let Ok(value) = wave::parse(&ty, text) {
        assert_eq!(wave::parse(&ty, &wave::print(&value, &ty)).as_ref(), Ok(&value), "WAVE reads what it printed");
        through_json(&ty, &value);
    }
    let _ = wave::parse_arguments(text, &[ty.clone(), Type::String.option()]);
    if let Ok(document) = serde_json::from_str::<Json>(text)
        && let Ok(value) = json::from_json(&ty, &document)
    {
        through_json(&ty, &value);
        assert_eq!(wave::parse(&ty, &wave::print(&value, &ty)), Ok(value), "WAVE reads what it printed");
    }
}

fn through_json(ty: &Type, value: &Value) {
    let printed = json::to_json(value, ty).to_string();
    let read: Json = serde_json::from_str(&printed).expect("JSON that was printed is JSON");
    assert_eq!(json::from_json(ty, &read).as_ref(), Ok(value), "JSON reads what it printed");
}

/// A ledger's entry after its number; and keys, records and names of a plugin's state.
pub fn ledger(bytes: &[u8]) {
    if let Some((number, entry)) = bytes.split_first_chunk() {
        let number = u32::from_le_bytes(*number);
        if let Ok(ledger) = Ledger::decode([(number, entry)]) {
            let again = ledger.encode();
            assert_eq!(again.get(&number).map(Vec::as_slice), Some(entry), "there is one form of an entry");
            ledger.collections.values().for_each(|collection| chain(&collection.schemas));
        }
    }
    let mut rest = bytes;
    if let Ok(payload) = decode_payload(&mut rest) {
        let mut again = Vec::new();
        encode_payload(payload.as_ref(), &mut again);
        assert_eq!(again, bytes[..bytes.len() - rest.len()], "there is one encoding of one type");
    }
    if let Some(number) = layout::ledger_number(bytes) {
        assert_eq!(layout::ledger_key(number), bytes);
    }
    if let Some((first, end)) = layout::decode_log_meta(bytes) {
        assert_eq!(layout::encode_log_meta(first, end), bytes);
    }
    if let Some((added, subtracted)) = layout::decode_counter(bytes) {
        assert_eq!(layout::encode_counter(added, subtracted), bytes);
    }
    let _ = layout::log_index(bytes);
    if let Some(identity) = std::str::from_utf8(bytes).ok().and_then(|text| Identity::parse(text).ok()) {
        assert_eq!(Identity::parse(&identity.to_string()), Ok(identity));
    }
}

fn chain(schemas: &[Schema]) {
    assert_eq!(Conversion::chain(schemas).len(), schemas.len());
    for pair in schemas.windows(2) {
        let comparison = crate::compare(&pair[0], &pair[1]);
        assert!(comparison.sentence(Verdict::Identical).len() <= DIFFERENCES_MAX << 12, "what is said is bounded");
        migrate(&pair[0], &pair[1], comparison.verdict);
    }
    schemas.iter().for_each(|schema| drop(schema.fingerprint().to_string()));
}

/// What cannot be read has a skeleton of a migration, and nothing else has one.
fn migrate(old: &Schema, new: &Schema, verdict: Verdict) {
    let interface = "acme:tally/ballots@1.0.0";
    let identity = Identity::parse(interface).expect("an identity");
    let Schema { kind, key, value, signed } = new.clone();
    let shape = Shape { kind: Some(kind), key, value, signed, operations: Vec::new() };
    let declared = Declared { identity: identity.clone(), interface: interface.into(), shape, old: false };
    let made = crate::skeleton(&[(identity, old.clone())], &[declared]);
    assert_eq!(made.is_some(), verdict == Verdict::Incompatible);
}

/// A state of one entry has a digest exactly if the entry reads under the newest schema, and it is that of what is read.
fn digest(old: &Type, new: &Type, value: &Value) {
    let cell = |value: &Type| Schema { kind: Kind::Cell, key: None, value: Some(value.clone()), signed: None };
    let hash = |schemas: Vec<Schema>, stored_as: &Type, value: &Value| {
        let collection = Collection { number: 0, kind: Kind::Cell, schemas, writer: String::new(), dropped: false };
        let identity = Identity::parse("acme:tally/latest").expect("an identity");
        let ledger = Ledger { collections: [(identity, collection)].into() };
        let mut stored = vec![0];
        codec::encode::<Owned>(stored_as, value, &mut stored).expect("a value of its type");
        let mut digester = Digester::new(&ledger);
        digester.entry(&layout::cell_key(0), &stored).map(|()| digester.finish())
    };
    let converted = Conversion::between(old, new).map(|conversion| conversion.apply(value.clone()));
    let found = hash(vec![cell(old), cell(new)], old, value);
    match converted {
        Some(Ok(converted)) => assert_eq!(found, hash(vec![cell(new)], new, &converted)),
        Some(Err(_)) => assert!(found.is_err()),
        // A chain may also lead back to a narrower schema.
        None => {}
    }
}

/// Whether all names in a type are labels as WIT has them; no component shows other ones, and text cannot name them.
fn has_labels(ty: &Type) -> bool {
    let names: Vec<&str> = match ty {
        Type::Record(fields) => fields.iter().map(|field| &field.name[..]).collect(),
        Type::Variant(cases) => cases.iter().map(|case| &case.name[..]).collect(),
        Type::Enum(names) | Type::Flags(names) => names.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    names.iter().all(|name| name.split('-').all(is_word)) && ty.parts().into_iter().all(|(_, part)| has_labels(part))
}

/// The type at the front of an input, if one can be stored.
fn storable_type(bytes: &mut &[u8]) -> Option<Type> {
    decode_payload(bytes).ok().flatten().filter(|ty| ty.check().is_ok())
}
