//! WIT values as JSON.
//!
//! | WIT | JSON |
//! | --- | --- |
//! | `bool`, `string`, `char` | boolean, string, string of one character |
//! | integers | a number; beyond ±(2⁵³ − 1), where other programs lose digits, a string. Either is read |
//! | `f32`, `f64` | a number, or `"nan"`, `"inf"`, `"-inf"` |
//! | `list<T>`, `tuple` | an array |
//! | `list<u8>` | `{"base64": "…"}`; an array of numbers is read too |
//! | `record` | an object; fields that are `none` may be left out |
//! | `option<T>` | `null` or the value; around another option, `null` or `{"some": …}` |
//! | `variant`, `result` | `{"case": payload}`, `{"ok": …}`, `{"err": …}`; without payload just `"case"`, `"ok"`, `"err"` |
//! | `enum` | a string |
//! | `flags` | an array of strings |

mod base64;
mod read;

pub use read::from_json;

use serde_json::{Map, Number, Value as Json, json};

use crate::types::Type;
use crate::value::{Parts, Value};

/// The largest integer up to which every one is exact as a double, which is what most programs read numbers as.
const EXACT_MAX: u64 = (1 << 53) - 1;

/// Writes a value of the type as JSON.
pub fn to_json(value: &Value, ty: &Type) -> Json {
    match (&value.0, ty) {
        (Parts::Bool(v), _) => json!(v),
        (Parts::U8(v), _) => json!(v),
        (Parts::U16(v), _) => json!(v),
        (Parts::U32(v), _) => json!(v),
        (Parts::U64(v), _) if *v <= EXACT_MAX => json!(v),
        (Parts::U64(v), _) => json!(v.to_string()),
        (Parts::S8(v), _) => json!(v),
        (Parts::S16(v), _) => json!(v),
        (Parts::S32(v), _) => json!(v),
        (Parts::S64(v), _) if v.unsigned_abs() <= EXACT_MAX => json!(v),
        (Parts::S64(v), _) => json!(v.to_string()),
        (Parts::F32(v), _) => float(widen_shortest(*v)),
        (Parts::F64(v), _) => float(*v),
        (Parts::Char(v), _) => json!(v),
        (Parts::String(v) | Parts::Enum(v), _) => json!(v),
        (Parts::List(_), ty) if ty.is_bytes() => {
            json!({ "base64": base64::encode(&value.as_bytes().unwrap_or_default()) })
        }
        (Parts::List(values), Type::List(element)) => values.iter().map(|value| to_json(value, element)).collect(),
        (Parts::Tuple(values), Type::Tuple(types)) => {
            values.iter().zip(types).map(|(value, ty)| to_json(value, ty)).collect()
        }
        (Parts::Record(values), Type::Record(fields)) => {
            let field = |((name, value), ty): (&(String, Value), _)| (name.clone(), to_json(value, ty));
            Json::Object(values.iter().zip(fields.iter().map(|field| &field.ty)).map(field).collect())
        }
        (Parts::Variant(name, payload), Type::Variant(cases)) => {
            let ty = cases.iter().find(|case| case.name == *name).and_then(|case| case.ty.as_ref());
            case(name, payload.as_deref(), ty)
        }
        (Parts::Option(None), _) => Json::Null,
        (Parts::Option(Some(value)), Type::Option(some)) => match **some {
            Type::Option(_) => json!({ "some": to_json(value, some) }),
            _ => to_json(value, some),
        },
        (Parts::Result(Ok(value)), Type::Result { ok, .. }) => case("ok", value.as_deref(), ok.as_deref()),
        (Parts::Result(Err(value)), Type::Result { err, .. }) => case("err", value.as_deref(), err.as_deref()),
        (Parts::Flags(set), _) => json!(set),
        // Not a value of the type; WAVE shows what it is.
        (_, ty) => json!(super::wave::print(value, ty)),
    }
}

fn case(name: &str, payload: Option<&Value>, ty: Option<&Type>) -> Json {
    match (payload, ty) {
        (Some(payload), Some(ty)) => Json::Object(Map::from_iter([(name.to_owned(), to_json(payload, ty))])),
        _ => json!(name),
    }
}

/// The double with the shortest digits that still reads as this `f32`: 0.1 and not 0.10000000149011612.
fn widen_shortest(value: f32) -> f64 {
    let shortest = value.to_string().parse().unwrap_or(f64::NAN);
    if shortest as f32 == value { shortest } else { value.into() }
}

fn float(value: f64) -> Json {
    match Number::from_f64(value) {
        Some(number) => Json::Number(number),
        None if value.is_nan() => json!("nan"),
        None if value > 0.0 => json!("inf"),
        None => json!("-inf"),
    }
}
