//! JSON in the one form that equal values have: names in the order of their bytes, no white space, numbers and texts as
//! short as they can be written.

use serde_json::{Map, Value};

use crate::limits::{SHORTENED_ELEMENTS, SHORTENED_TEXT_BYTES};

/// The canonical form of a value.
pub(crate) fn write(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put(value, &mut out);
    out
}

/// The value that canonical bytes hold; none if they are in any other form.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    // A name that stands twice, white space or another order do not come out as they came in.
    if write(&value) != bytes {
        return Err("it is not in canonical form".into());
    }
    Ok(value)
}

fn put(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                comma(index, out);
                put(item, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            for (index, (name, field)) in sorted(fields).into_iter().enumerate() {
                comma(index, out);
                scalar(&Value::String(name.clone()), out);
                out.push(b':');
                put(field, out);
            }
            out.push(b'}');
        }
        scalar_value => scalar(scalar_value, out),
    }
}

fn comma(index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
}

fn sorted(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut all: Vec<_> = fields.iter().collect();
    all.sort_unstable_by_key(|(name, _)| name.as_bytes());
    all
}

fn scalar(value: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(value.to_string().as_bytes());
}

/// Cuts texts and lists until the canonical form has at most so many bytes. Says whether anything was cut.
pub(crate) fn shorten(value: &mut Value, bytes_max: usize) -> bool {
    let (mut text, mut elements) = (SHORTENED_TEXT_BYTES, SHORTENED_ELEMENTS);
    let mut shortened = false;
    while write(value).len() > bytes_max && elements > 0 {
        cut(value, text, elements);
        (text, elements) = (text / 2, elements / 2);
        shortened = true;
    }
    shortened
}

fn cut(value: &mut Value, text: usize, elements: usize) {
    match value {
        Value::String(whole) if whole.len() > text => {
            whole.truncate(whole.floor_char_boundary(text));
            whole.push('…');
        }
        Value::Array(items) => {
            items.truncate(elements);
            items.iter_mut().for_each(|item| cut(item, text, elements));
        }
        Value::Object(fields) => fields.values_mut().for_each(|field| cut(field, text, elements)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_values_have_equal_bytes() {
        let one = json!({"b": [1, {"z": null, "a": "ü\n\u{1}\""}], "a": -7});
        let bytes = write(&one);
        assert_eq!(String::from_utf8_lossy(&bytes), "{\"a\":-7,\"b\":[1,{\"a\":\"ü\\n\\u0001\\\"\",\"z\":null}]}");
        assert_eq!(read(&bytes), Ok(one));
    }

    #[test]
    fn every_other_form_is_refused() {
        let other_forms = [
            "{\"a\": 1}",
            "{\"b\":1,\"a\":2}",
            "{\"a\":1,\"a\":1}",
            "{\"a\":1}\n",
            "{\"a\":\"\\u0041\"}",
            "{\"a\":1.0e1}",
            "{\"a\":-0}",
            "[1",
        ];
        for other in other_forms {
            assert!(read(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn what_is_too_long_is_cut_until_it_fits() {
        let mut long = json!({"reason": "ü".repeat(50_000), "lists": vec![vec!["x".repeat(100); 300]; 300]});
        assert!(shorten(&mut long, 10_000));
        assert!(write(&long).len() <= 10_000);
        assert!(long["reason"].as_str().unwrap().ends_with('…'));
        let mut short = json!({"reason": "short"});
        assert!(!shorten(&mut short, 10_000));
    }
}
