//! Every decoder, over the committed seeds, over what this release writes, and over changed forms of both.

use super::*;

#[path = "../../../../fuzz/mutations.rs"]
#[expect(clippy::print_stderr, reason = "a failing input is named")]
mod mutations;

use crate::{Case, Field};

macro_rules! targets {
    ($($test:ident: $target:ident, $times:literal;)*) => {
        $(#[test]
        fn $test() {
            mutations::check(stringify!($target), seeds::$target(), $times, $target);
        })*

        /// Run by hand after a format was added: `cargo test -p stead-schema --lib write_the_seeds -- --ignored`.
        #[test]
        #[ignore = "writes the seeds of this release beside those of earlier ones"]
        fn write_the_seeds() {
            $(mutations::commit(stringify!($target), seeds::$target());)*
        }
    };
}

targets! {
    g04_hostile_values_are_refused_or_read: values, 20000;
    g04_hostile_keys_are_refused_or_read: keys, 20000;
    g04_hostile_texts_are_refused_or_read: text, 20000;
    g04_hostile_ledger_entries_are_refused_or_read: ledger, 20000;
}

mod seeds {
    use super::*;

    type Named = Vec<(String, Vec<u8>)>;

    pub(super) fn values() -> Named {
        examples(|ty, text| {
            let mut out = payload(ty);
            codec::encode::<Owned>(ty, &value(ty, text), &mut out).expect("an example belongs to its type");
            // And its conversion to an option of it.
            out.extend(payload(&ty.clone().option()));
            out
        })
    }

    pub(super) fn keys() -> Named {
        let keys = types().into_iter().filter(|(_, ty, _)| key::check(ty).is_ok());
        let encoded = keys.map(|(name, ty, text)| {
            let mut out = payload(&ty);
            key::encode::<Owned>(&ty, &value(&ty, text), &mut out).expect("an example belongs to its type");
            (name.to_owned(), out)
        });
        encoded.collect()
    }

    pub(super) fn text() -> Named {
        let wave = examples(|ty, text| [payload(ty), text.as_bytes().to_vec()].concat());
        let json = examples(|ty, text| [payload(ty), json::to_json(&value(ty, text), ty).to_string().into()].concat());
        wave.into_iter().chain(json.into_iter().map(|(name, seed)| (format!("{name}-json"), seed))).collect()
    }

    pub(super) fn ledger() -> Named {
        let identity = Identity::parse("acme:tally/ballots@1.2.0").expect("an identity");
        let schema = |value: &Type| Schema {
            kind: crate::Kind::Map,
            key: Some(Type::String),
            value: Some(value.clone()),
            signed: None,
        };
        let entries = examples(|ty, _| {
            let collection = crate::Collection {
                number: 3,
                kind: crate::Kind::Map,
                schemas: vec![schema(ty), schema(&ty.clone().option())],
                writer: "tally 1".to_owned(),
                dropped: false,
            };
            let ledger = Ledger { collections: [(identity.clone(), collection)].into() };
            [&3u32.to_le_bytes()[..], &ledger.encode()[&3]].concat()
        });
        let others = [
            ("identity", identity.to_string().into_bytes()),
            ("ledger-key", layout::ledger_key(7)),
            ("log-entry", layout::log_entry(7, 8)),
            ("log-meta", layout::encode_log_meta(1, 5).to_vec()),
        ];
        entries.into_iter().chain(others.map(|(name, seed)| (name.to_owned(), seed))).collect()
    }

    fn examples(seed: impl Fn(&Type, &str) -> Vec<u8>) -> Named {
        types().into_iter().map(|(name, ty, text)| (name.to_owned(), seed(&ty, text))).collect()
    }

    fn payload(ty: &Type) -> Vec<u8> {
        let mut out = Vec::new();
        encode_payload(Some(ty), &mut out);
        out
    }

    fn value(ty: &Type, text: &str) -> Value {
        wave::parse(ty, text).expect("an example is a value of its type")
    }

    /// Types that between them have every constructor, each with a value.
    fn types() -> Vec<(&'static str, Type, &'static str)> {
        let field = |name: &str, ty| Field { name: name.to_owned(), ty };
        let case = |name: &str, ty| Case { name: name.to_owned(), ty };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let ballot = Type::Record(vec![field("choice", Type::String), field("at", Type::U64.option())]);
        let shape = Type::Variant(vec![case("point", None), case("circle", Some(Type::F64))]);
        let both = Type::Result { ok: Some(Box::new(Type::S32)), err: None };
        vec![
            ("bool", Type::Bool, "true"),
            ("s64", Type::S64, "-300"),
            ("f32", Type::F32, "1.5"),
            ("char", Type::Char, "'ü'"),
            ("string", Type::String, "\"a\\nb\""),
            ("bytes", Type::bytes(), "[0, 1, 255]"),
            ("record", ballot.clone(), "{choice: \"yes\", at: some(12)}"),
            ("variants", shape.list(), "[point, circle(0.5), circle(nan)]"),
            ("result", both, "ok(7)"),
            ("enum", Type::Enum(names(&["red", "green"])), "green"),
            ("flags", Type::Flags(names(&["r", "w", "x"])), "{r, x}"),
            ("tuple", Type::Tuple(vec![Type::U8, Type::String, Type::bytes()]), "(1, \"two\", [0, 3])"),
            ("nested", Type::Tuple(vec![ballot.option().option().list(), Type::U16]), "([none, some(none)], 9)"),
        ]
    }
}
