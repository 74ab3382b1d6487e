//! Values as WAVE and JSON.

use proptest::prelude::*;
use serde_json::json;
use stead_schema::text::{json, wave};
use stead_schema::{Type, Value};

use crate::choices::choices;
use crate::wit::ty;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn wave_reads_what_it_prints(mut choices in choices()) {
        let ty = choices.ty();
        let value = choices.value(&ty);
        let printed = wave::print(&value, &ty);
        prop_assert_eq!(wave::parse(&ty, &printed), Ok(value), "{} as {}", printed, ty);
    }

    #[test]
    fn json_reads_what_it_writes(mut choices in choices()) {
        let ty = choices.ty();
        let value = choices.value(&ty);
        let text = json::to_json(&value, &ty).to_string();
        let again = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(json::from_json(&ty, &again), Ok(value), "{} as {}", text, ty);
    }

    #[test]
    fn wave_reads_argument_lists(mut choices in choices()) {
        let types: Vec<Type> = (0..choices.below(4)).map(|_| choices.ty()).collect();
        let values: Vec<Value> = types.iter().map(|ty| choices.value(ty)).collect();
        let printed: Vec<String> = values.iter().zip(&types).map(|(value, ty)| wave::print(value, ty)).collect();
        let list = printed.join(", ");
        prop_assert_eq!(wave::parse_arguments(&format!("({list})"), &types), Ok(values.clone()));
        prop_assert_eq!(wave::parse_arguments(&list, &types), Ok(values));
    }

    #[test]
    fn hostile_text_never_panics(mut choices in choices(), text in any::<String>()) {
        let types = [choices.ty(), choices.ty()];
        let _ = wave::parse(&types[0], &text);
        let _ = wave::parse_arguments(&text, &types);
        let _ = wave::parse_words(&[&text, &text], &types);
    }

    #[test]
    fn json_of_another_type_never_panics(mut choices in choices()) {
        let ty = choices.ty();
        let other = choices.edited(&ty);
        let written = json::to_json(&choices.value(&ty), &ty);
        let _ = json::from_json(&other, &written);
        let _ = json::to_json(&choices.value(&ty), &other);
    }
}

fn types(texts: &[&str]) -> Vec<Type> {
    texts.iter().map(|text| ty(text)).collect()
}

#[test]
fn arguments_come_as_a_list_or_as_words() {
    let two = types(&["string", "u64"]);
    let expected = vec![Value::from("ann"), Value::from(7u64)];
    assert_eq!(wave::parse_words(&[r#"("ann", 7)"#], &two), Ok(expected.clone()));
    assert_eq!(wave::parse_words(&["ann", "7"], &two), Ok(expected.clone()));
    assert_eq!(wave::parse_words(&[r#""ann""#, "7"], &two), Ok(expected.clone()));
    assert_eq!(wave::parse_arguments(r#" "ann", 7 "#, &two), Ok(expected));
    assert_eq!(wave::parse_words::<&str>(&[], &[]), Ok(Vec::new()));
    assert_eq!(wave::parse_words(&["()"], &[]), Ok(Vec::new()));
    assert_eq!(wave::parse_arguments("", &[]), Ok(Vec::new()));
    let pair = types(&["tuple<u8, u8>"]);
    let expected = vec![wave::parse(&pair[0], "(1, 2)").unwrap()];
    assert_eq!(wave::parse_words(&["(1, 2)"], &pair), Ok(expected.clone()));
    assert_eq!(wave::parse_words(&["((1, 2))"], &pair), Ok(expected));
    let optional = types(&["u8", "option<u8>"]);
    assert_eq!(wave::parse_words(&["1"], &optional), Ok(vec![1u8.into(), Value::none()]));
    assert_eq!(wave::parse_words(&["(1)"], &optional), Ok(vec![1u8.into(), Value::none()]));
}

#[test]
fn false_wave_says_where() {
    let check = |types: &[Type], words: &[&str], expected: &str| {
        assert_eq!(wave::parse_words(words, types).unwrap_err().to_string(), expected);
    };
    let two = types(&["string", "u64"]);
    check(&two, &["ann"], "arguments: 1 given, 2 are (`string`, `u64`) expected");
    check(&two, &[r#"("ann", 7, 8)"#], "arguments: 3 given, 2 are (`string`, `u64`) expected");
    check(&two, &["ann", "x"], "argument 2, at character 1: `x` does not fit; expected `u64`");
    check(&two, &[r#"("ann", x)"#], "argument 2, at character 9: `x` does not fit; expected `u64`");
    check(&types(&["u8"]), &["300"], "argument 1, at character 1: `300` does not fit; expected `u8`");
    check(&types(&["u8"]), &["3 4"], "argument 1, at character 3: `4` follows the value; expected only `u8`");
    check(&types(&["list<u8>"]), &["[1, 2"], "argument 1, at character 6: the text ends too early for `list<u8>`");
    check(
        &types(&["record { a: u8 }"]),
        &["{b: 1}"],
        "argument 1, at character 1: `{b: 1}`: missing field \"a\"; expected `record { a: u8 }`",
    );
    check(
        &types(&["enum { yes, no }"]),
        &["maybe"],
        "argument 1, at character 1: `maybe`: unknown case \"maybe\"; expected `enum { yes, no }`",
    );
    check(
        &types(&["string"]),
        &["(unquoted)"],
        "argument 1, at character 2: `unquoted` does not fit; expected `string`",
    );
    check(&two, &["(\"ann\", 1"], "at character 10: the text ends too early for `(string, u64)`");
    check(&[], &["1"], "arguments: 1 given, none is expected");
}

#[test]
fn golden_json() {
    let check = |text: &str, wave: &str, expected: serde_json::Value| {
        let ty = ty(text);
        let value = wave::parse(&ty, wave).unwrap();
        assert_eq!(json::to_json(&value, &ty), expected, "{wave} as {text}");
        assert_eq!(json::from_json(&ty, &expected), Ok(value));
    };
    check("u64", "9007199254740991", json!(9007199254740991u64));
    check("u64", "9007199254740992", json!("9007199254740992"));
    check("s64", "-9007199254740992", json!("-9007199254740992"));
    check("f32", "0.1", json!(0.1));
    check("f64", "-inf", json!("-inf"));
    check("f32", "nan", json!("nan"));
    check("char", "'é'", json!("é"));
    check("list<u8>", "[0, 255, 1, 2]", json!({ "base64": "AP8BAg==" }));
    check("list<u8>", "[]", json!({ "base64": "" }));
    check("list<u16>", "[1, 2]", json!([1, 2]));
    check("record { a: u8, b: option<u8> }", "{a: 1}", json!({ "a": 1, "b": null }));
    check("option<option<u8>>", "some(none)", json!({ "some": null }));
    check("option<option<u8>>", "some(some(1))", json!({ "some": 1 }));
    check("option<option<u8>>", "none", json!(null));
    check("result<u8, string>", "ok(1)", json!({ "ok": 1 }));
    check("result", "err", json!("err"));
    check("variant { a, b(u8) }", "a", json!("a"));
    check("variant { a, b(u8) }", "b(1)", json!({ "b": 1 }));
    check("enum { a }", "a", json!("a"));
    check("flags { a, b }", "{b}", json!(["b"]));
    check("tuple<u8, string>", r#"(1, "x")"#, json!([1, "x"]));
}

#[test]
fn json_is_read_generously_where_it_is_clear() {
    let check = |text: &str, given: serde_json::Value, wave: &str| {
        let ty = ty(text);
        assert_eq!(json::from_json(&ty, &given), Ok(wave::parse(&ty, wave).unwrap()));
    };
    check("u64", json!("7"), "7");
    check("list<u8>", json!([1, 2]), "[1, 2]");
    check("record { a: u8, b: option<u8> }", json!({ "a": 1 }), "{a: 1}");
    check("result<_, u8>", json!({ "ok": null }), "ok");
    check("f64", json!(1), "1");
    let types = types(&["u8", "option<u8>"]);
    assert_eq!(json::arguments(&json!([1]), &types), Ok(vec![1u8.into(), Value::none()]));
}

#[test]
fn false_json_says_where() {
    let check = |text: &str, given: serde_json::Value, expected: &str| {
        assert_eq!(json::from_json(&ty(text), &given).unwrap_err().to_string(), expected);
    };
    check("u8", json!(300), "at $: expected `u8`, found 300");
    check("u8", json!(1.5), "at $: expected `u8`, found 1.5");
    check("u8", json!("x"), "at $: expected `u8`, found \"x\"");
    check("f32", json!(1e300), "at $: expected `f32`, found 1e+300");
    check("record { a: list<u16> }", json!({ "a": [1, -1] }), "at $.a[1]: expected `u16`, found -1");
    check("record { a: u8 }", json!({}), "at $: the field `a: u8` is missing");
    check("record { a: u8, b: u8 }", json!({ "c": 1 }), "at $: no field `c`; the fields are `a`, `b`");
    check("variant { a(u8) }", json!("a"), "at $: `a` carries `u8`: write `{\"a\": …}`");
    check("variant { a(u8) }", json!({ "a": "x" }), "at $.a: expected `u8`, found \"x\"");
    check("enum { yes, no }", json!("maybe"), "at $: expected `enum { yes, no }`, found \"maybe\"");
    check("flags { a }", json!(["a", "b"]), "at $[1]: expected `flags { a }`, found \"b\"");
    check("char", json!("ab"), "at $: expected `char`, found \"ab\"");
    check("tuple<u8, u8>", json!([1]), "at $: expected `tuple<u8, u8>`, found [1]");
    for text in ["A", "AAAAA", "A===", "====", "AP8BAh==", "A=AA", "AA==AAAA"] {
        assert!(json::from_json(&Type::bytes(), &json!({ "base64": text })).is_err(), "{text}");
    }
    let error = json::arguments(&json!([1, "x"]), &types(&["u8", "u8"])).unwrap_err();
    assert_eq!(error.to_string(), "at $[1]: expected `u8`, found \"x\"");
    let error = json::arguments(&json!([1]), &types(&["u8", "u8"])).unwrap_err();
    assert_eq!(error.to_string(), "arguments: 1 given, 2 are (`u8`, `u8`) expected");
}
