//! JSON as WIT values.

use std::collections::HashSet;
use std::str::FromStr;

use serde_json::{Map, Value as Json};

use super::super::{Place, TextError};
use super::base64;
use crate::limits::FIELDS_LEFT_OUT_MAX;
use crate::types::{Field, Type, brief_name};
use crate::value::{Parts, Value};

/// Reads a value from JSON. Fields that are left out take room too: a document is refused that leaves out more than
/// [`FIELDS_LEFT_OUT_MAX`] of them.
pub fn from_json(ty: &Type, json: &Json) -> Result<Value, TextError> {
    read(ty, json, &mut { FIELDS_LEFT_OUT_MAX }).map_err(Wrong::at_root)
}

/// What is wrong, and the steps to it from the inside out.
struct Wrong {
    steps: Vec<String>,
    message: String,
}

type Read = Result<Parts<Value>, Wrong>;

/// `room` is how many fields may still be left out.
fn read(ty: &Type, json: &Json, room: &mut usize) -> Result<Value, Wrong> {
    let parts = match (ty, json) {
        (Type::Bool, Json::Bool(v)) => Parts::Bool(*v),
        (Type::U8, json) => Parts::U8(integer(ty, json)?),
        (Type::U16, json) => Parts::U16(integer(ty, json)?),
        (Type::U32, json) => Parts::U32(integer(ty, json)?),
        (Type::U64, json) => Parts::U64(integer(ty, json)?),
        (Type::S8, json) => Parts::S8(integer(ty, json)?),
        (Type::S16, json) => Parts::S16(integer(ty, json)?),
        (Type::S32, json) => Parts::S32(integer(ty, json)?),
        (Type::S64, json) => Parts::S64(integer(ty, json)?),
        (Type::F32, json) => Parts::F32(narrow_float(ty, json)?),
        (Type::F64, json) => Parts::F64(float(ty, json)?),
        (Type::Char, Json::String(text)) => Parts::Char(single_char(text).ok_or_else(|| expected(ty, json))?),
        (Type::String, Json::String(text)) => Parts::String(text.clone()),
        (Type::List(_), Json::Object(object)) if ty.is_bytes() => read_base64(object)?,
        (Type::List(element), Json::Array(items)) => {
            let item =
                |(index, json)| read(element, json, room).map_err(|wrong: Wrong| wrong.inside(format!("[{index}]")));
            Parts::List(items.iter().enumerate().map(item).collect::<Result<_, _>>()?)
        }
        (Type::Tuple(types), Json::Array(items)) if types.len() == items.len() => {
            let item =
                |(index, (ty, json))| read(ty, json, room).map_err(|wrong: Wrong| wrong.inside(format!("[{index}]")));
            Parts::Tuple(types.iter().zip(items).enumerate().map(item).collect::<Result<_, _>>()?)
        }
        (Type::Record(fields), Json::Object(object)) => read_record(fields, object, room)?,
        (Type::Option(_), Json::Null) => Parts::Option(None),
        (Type::Option(some), json) => Parts::Option(Some(Box::new(read_some(some, json, room)?))),
        (Type::Result { ok, err }, json) => match read_case(ty, json)? {
            ("ok", payload) => Parts::Result(Ok(read_payload("ok", ok.as_deref(), payload, room)?)),
            ("err", payload) => Parts::Result(Err(read_payload("err", err.as_deref(), payload, room)?)),
            _ => return Err(expected(ty, json)),
        },
        (Type::Variant(cases), json) => {
            let (name, payload) = read_case(ty, json)?;
            let case = cases.iter().find(|case| case.name == name).ok_or_else(|| expected(ty, json))?;
            Parts::Variant(name.into(), read_payload(name, case.ty.as_ref(), payload, room)?)
        }
        (Type::Enum(names), Json::String(name)) if names.contains(name) => Parts::Enum(name.clone()),
        (Type::Flags(names), Json::Array(items)) => read_flags(ty, names, items)?,
        _ => return Err(expected(ty, json)),
    };
    Ok(Value(parts))
}

fn integer<T: TryFrom<i128>>(ty: &Type, json: &Json) -> Result<T, Wrong> {
    let number = match json {
        Json::Number(number) => number.as_i128(),
        Json::String(text) => i128::from_str(text).ok(),
        _ => None,
    };
    number.and_then(|number| number.try_into().ok()).ok_or_else(|| expected(ty, json))
}

fn float(ty: &Type, json: &Json) -> Result<f64, Wrong> {
    match json {
        Json::Number(number) => number.as_f64().ok_or_else(|| expected(ty, json)),
        Json::String(text) => match text.as_str() {
            "nan" => Ok(f64::NAN),
            "inf" => Ok(f64::INFINITY),
            "-inf" => Ok(f64::NEG_INFINITY),
            _ => Err(expected(ty, json)),
        },
        _ => Err(expected(ty, json)),
    }
}

/// Rounds to the nearest `f32`, but does not make an infinity of a number.
fn narrow_float(ty: &Type, json: &Json) -> Result<f32, Wrong> {
    let value = float(ty, json)?;
    let narrow = value as f32;
    match narrow.is_infinite() && value.is_finite() {
        true => Err(expected(ty, json)),
        false => Ok(narrow),
    }
}

fn single_char(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

fn read_base64(object: &Map<String, Json>) -> Read {
    let text = match object.iter().next() {
        Some((name, Json::String(text))) if name == "base64" && object.len() == 1 => Some(text),
        _ => None,
    };
    match text.and_then(|text| base64::decode(text)) {
        Some(bytes) => Ok(Value::bytes(&bytes).0),
        None => Err(wrong("expected `{\"base64\": …}` with a padded base64 text, or an array of numbers")),
    }
}

/// Most fields that are listed beside one that is unknown.
const FIELDS_SHOWN_MAX: usize = 20;

fn read_record(fields: &[Field], object: &Map<String, Json>, room: &mut usize) -> Read {
    let mut record = Vec::with_capacity(fields.len());
    let mut given = 0;
    for field in fields {
        let value = match (object.get(&field.name), &field.ty) {
            (Some(json), ty) => {
                given += 1;
                read(ty, json, room).map_err(|wrong| wrong.inside(format!(".{}", field.name)))?
            }
            (None, Type::Option(_)) => {
                *room = room.checked_sub(1).ok_or_else(|| {
                    wrong(format!("more than {FIELDS_LEFT_OUT_MAX} fields are left out of the whole document"))
                })?;
                Value::none()
            }
            (None, ty) => {
                unknown_field(fields, object)?;
                return Err(wrong(format!("the field `{}: {}` is missing", brief_name(&field.name), ty.brief())));
            }
        };
        record.push((field.name.clone(), value));
    }
    if given < object.len() {
        unknown_field(fields, object)?;
    }
    Ok(Parts::Record(record))
}

/// Refuses a field that the record does not have.
fn unknown_field(fields: &[Field], object: &Map<String, Json>) -> Result<(), Wrong> {
    let names: HashSet<&String> = fields.iter().map(|field| &field.name).collect();
    let Some(unknown) = object.keys().find(|name| !names.contains(name)) else { return Ok(()) };
    let shown = fields.iter().take(FIELDS_SHOWN_MAX).map(|field| format!("`{}`", brief_name(&field.name)));
    let known = shown.collect::<Vec<_>>().join(", ");
    let more = if fields.len() > FIELDS_SHOWN_MAX { ", …" } else { "" };
    Err(wrong(format!("no field `{}`; the fields are {known}{more}", brief_name(unknown))))
}

/// What is inside `some`; around another option it is named, so that `some(none)` is not `none`.
fn read_some(some: &Type, json: &Json, room: &mut usize) -> Result<Value, Wrong> {
    match (some, json) {
        (Type::Option(_), Json::Object(object)) if object.len() == 1 && object.contains_key("some") => {
            read(some, &object["some"], room).map_err(|wrong| wrong.inside(".some".into()))
        }
        (Type::Option(_), _) => Err(wrong("expected `null` or `{\"some\": …}` for an option around an option")),
        (some, json) => read(some, json, room),
    }
}

fn read_case<'a>(ty: &Type, json: &'a Json) -> Result<(&'a str, Option<&'a Json>), Wrong> {
    match json {
        Json::String(name) => Ok((name, None)),
        Json::Object(object) if object.len() == 1 => {
            let (name, payload) = object.iter().next().expect("one member was counted");
            Ok((name, Some(payload)))
        }
        _ => Err(expected(ty, json)),
    }
}

fn read_payload(
    case: &str,
    ty: Option<&Type>,
    json: Option<&Json>,
    room: &mut usize,
) -> Result<Option<Box<Value>>, Wrong> {
    match (ty, json) {
        (None, None | Some(Json::Null)) => Ok(None),
        (None, Some(_)) => Err(wrong(format!("`{case}` carries nothing"))),
        (Some(ty), None) => Err(wrong(format!("`{case}` carries `{}`: write `{{\"{case}\": …}}`", ty.brief()))),
        (Some(ty), Some(json)) => {
            let value = read(ty, json, room).map_err(|wrong| wrong.inside(format!(".{case}")))?;
            Ok(Some(Box::new(value)))
        }
    }
}

fn read_flags(ty: &Type, names: &[String], items: &[Json]) -> Read {
    let known = |item: &Json| item.as_str().is_some_and(|flag| names.iter().any(|name| name == flag));
    if let Some(index) = items.iter().position(|item| !known(item)) {
        return Err(expected(ty, &items[index]).inside(format!("[{index}]")));
    }
    let is_set = |name: &&String| items.iter().any(|item| item.as_str() == Some(name.as_str()));
    Ok(Parts::Flags(names.iter().filter(is_set).cloned().collect()))
}

fn expected(ty: &Type, json: &Json) -> Wrong {
    const SHOWN_MAX: usize = 60;
    let mut shown: String = json.to_string();
    if let Some((end, _)) = shown.char_indices().nth(SHOWN_MAX) {
        shown.truncate(end);
        shown.push('…');
    }
    wrong(format!("expected `{}`, found {shown}", ty.brief()))
}

fn wrong(message: impl Into<String>) -> Wrong {
    Wrong { steps: Vec::new(), message: message.into() }
}

impl Wrong {
    fn inside(mut self, step: String) -> Wrong {
        self.steps.push(step);
        self
    }

    fn at_root(self) -> TextError {
        let path = self.steps.iter().rev().fold("$".to_owned(), |path, step| path + step);
        TextError { place: Place::Json(path), message: self.message }
    }
}
