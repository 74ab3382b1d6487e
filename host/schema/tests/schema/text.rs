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
    }

    #[test]
    fn wave_with_a_slip_never_panics(mut choices in choices(), at in any::<usize>(), slip in "[(){}\\[\\],:\"'\\\\%a0.\\-é]{0,2}") {
        let ty = choices.ty();
        let mut text: Vec<char> = wave::print(&choices.value(&ty), &ty).chars().collect();
        let at = at % text.len();
        text.splice(at..=at, slip.chars());
        let text: String = text.into_iter().collect();
        if let Ok(value) = wave::parse(&ty, &text) {
            prop_assert_eq!(wave::parse(&ty, &wave::print(&value, &ty)), Ok(value));
        }
        let _ = wave::parse_arguments(&text, &[ty]);
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

#[test]
fn arguments_come_with_and_without_parentheses() {
    let check = |types: &[&str], lists: &[&str], values: &[Value]| {
        for list in lists {
            let types: Vec<Type> = types.iter().map(|text| ty(text)).collect();
            assert_eq!(wave::parse_arguments(list, &types).as_deref(), Ok(values), "{list}");
        }
    };
    let two = [Value::from("ann"), Value::from(7u64)];
    check(&["string", "u64"], &[r#"("ann", 7)"#, r#" "ann", 7 "#], &two);
    check(&[], &["", " ", "()"], &[]);
    let pair = [wave::parse(&ty("tuple<u8, u8>"), "(1, 2)").unwrap()];
    check(&["tuple<u8, u8>"], &["(1, 2)", "((1, 2))"], &pair);
    check(&["u8", "option<u8>"], &["1", "(1)", "1, none"], &[1u8.into(), Value::none()]);
}

/// The parser below once panicked on a comment without a character.
#[test]
fn g14_comments_may_end_a_text() {
    for text in ["5 //", "5 // five", "// five\n5", "5 //\n"] {
        assert_eq!(wave::parse(&Type::S64, text), Ok(5_i64.into()), "{text:?}");
    }
    assert!(wave::parse(&Type::S64, "//").is_err());
    for text in ["//", "(5//", "(5)//"] {
        let _ = wave::parse_arguments(text, &[Type::S64]);
    }
}

#[test]
fn false_wave_says_where() {
    let list = |types: &[&str], text: &str, expected: &str| {
        let types: Vec<Type> = types.iter().map(|text| ty(text)).collect();
        assert_eq!(wave::parse_arguments(text, &types).unwrap_err().to_string(), expected);
    };
    let two = ["string", "u64"];
    list(&two, r#""ann""#, "arguments: 1 given, 2 are (`string`, `u64`) expected");
    list(&two, r#"("ann", 7, 8)"#, "arguments: 3 given, 2 are (`string`, `u64`) expected");
    list(&two, r#"("ann", x)"#, "argument 2, at character 9: `x` does not fit; expected `u64`");
    list(&two, r#""ann", x"#, "argument 2, at character 8: `x` does not fit; expected `u64`");
    list(&two, r#"("ann", 1"#, "at character 10: the text ends too early for `(string, u64)`");
    list(&["string"], "(unquoted)", "argument 1, at character 2: `unquoted` does not fit; expected `string`");
    list(&[], "1", "arguments: 1 given, none is expected");
    let one = |text: &str, wave: &str, expected: &str| {
        assert_eq!(wave::parse(&ty(text), wave).unwrap_err().to_string(), expected);
    };
    one("u8", "300", "at character 1: `300` does not fit; expected `u8`");
    one("u8", "3 4", "at character 3: `4` follows the value; expected only `u8`");
    one("list<u8>", "[1, 2", "at character 6: the text ends too early for `list<u8>`");
    one("list<u8>", "[1, x]", "at character 5: `x` does not fit; expected `list<u8>`");
    one("record { a: u8 }", "{b: 1}", "at character 1: `{b: 1}`: missing field \"a\"; expected `record { a: u8 }`");
    one("enum { yes, no }", "maybe", "at character 1: `maybe`: unknown case \"maybe\"; expected `enum { yes, no }`");
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
}
