//! WIT values, owned and borrowed, over any representation.

use serde::{Deserialize, Serialize};

/// One layer of a WIT value whose parts are `V`: the same shape as wasmtime's `Val`, so that neither side copies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Parts<V> {
    /// `bool`
    Bool(bool),
    /// `u8`
    U8(u8),
    /// `u16`
    U16(u16),
    /// `u32`
    U32(u32),
    /// `u64`
    U64(u64),
    /// `s8`
    S8(i8),
    /// `s16`
    S16(i16),
    /// `s32`
    S32(i32),
    /// `s64`
    S64(i64),
    /// `f32`
    F32(f32),
    /// `f64`
    F64(f64),
    /// `char`
    Char(char),
    /// `string`
    String(String),
    /// `list<T>`
    List(Vec<V>),
    /// A record: all fields, in the order of the type.
    Record(Vec<(String, V)>),
    /// A tuple.
    Tuple(Vec<V>),
    /// A variant's case and payload.
    Variant(String, Option<Box<V>>),
    /// An enum's case.
    Enum(String),
    /// `none` or `some`
    Option(Option<Box<V>>),
    /// `ok` or `err`
    Result(Result<Option<Box<V>>, Option<Box<V>>>),
    /// The flags that are set.
    Flags(Vec<String>),
}

/// An owned WIT value. Equality is that of its encoding: all NaNs are equal, `0.0` and `-0.0` differ, and the order
/// in which flags are named does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value(pub Parts<Value>);

/// One layer of a WIT value, borrowed.
#[derive(Debug)]
pub enum View<'a, V> {
    /// `bool`
    Bool(bool),
    /// `u8`
    U8(u8),
    /// `u16`
    U16(u16),
    /// `u32`
    U32(u32),
    /// `u64`
    U64(u64),
    /// `s8`
    S8(i8),
    /// `s16`
    S16(i16),
    /// `s32`
    S32(i32),
    /// `s64`
    S64(i64),
    /// `f32`
    F32(f32),
    /// `f64`
    F64(f64),
    /// `char`
    Char(char),
    /// `string`
    String(&'a str),
    /// `list<T>`
    List(&'a [V]),
    /// A record's fields.
    Record(&'a [(String, V)]),
    /// A tuple's items.
    Tuple(&'a [V]),
    /// A variant's case and payload.
    Variant(&'a str, Option<&'a V>),
    /// An enum's case.
    Enum(&'a str),
    /// `none` or `some`
    Option(Option<&'a V>),
    /// `ok` or `err`
    Result(Result<Option<&'a V>, Option<&'a V>>),
    /// The flags that are set.
    Flags(&'a [String]),
}

/// A representation of WIT values that the codecs read and build: [`Owned`] here, wasmtime's `Val` in the runtime.
pub trait Repr {
    /// The value type.
    type Value;
    /// Borrows one layer.
    fn view(value: &Self::Value) -> View<'_, Self::Value>;
    /// Builds a value from one layer.
    fn make(parts: Parts<Self::Value>) -> Self::Value;
}

/// The representation of [`Value`].
#[derive(Clone, Copy, Debug)]
pub struct Owned;

impl Repr for Owned {
    type Value = Value;

    fn view(value: &Value) -> View<'_, Value> {
        value.0.view()
    }

    fn make(parts: Parts<Value>) -> Value {
        Value(parts)
    }
}

impl Value {
    /// The same value in another representation.
    pub fn build<R: Repr>(self) -> R::Value {
        let boxed = |value: Option<Box<Value>>| value.map(|value| Box::new(value.build::<R>()));
        let all = |values: Vec<Value>| values.into_iter().map(Value::build::<R>).collect();
        R::make(match self.0 {
            Parts::Bool(v) => Parts::Bool(v),
            Parts::U8(v) => Parts::U8(v),
            Parts::U16(v) => Parts::U16(v),
            Parts::U32(v) => Parts::U32(v),
            Parts::U64(v) => Parts::U64(v),
            Parts::S8(v) => Parts::S8(v),
            Parts::S16(v) => Parts::S16(v),
            Parts::S32(v) => Parts::S32(v),
            Parts::S64(v) => Parts::S64(v),
            Parts::F32(v) => Parts::F32(v),
            Parts::F64(v) => Parts::F64(v),
            Parts::Char(v) => Parts::Char(v),
            Parts::String(v) => Parts::String(v),
            Parts::List(v) => Parts::List(all(v)),
            Parts::Record(v) => Parts::Record(v.into_iter().map(|(name, value)| (name, value.build::<R>())).collect()),
            Parts::Tuple(v) => Parts::Tuple(all(v)),
            Parts::Variant(case, payload) => Parts::Variant(case, boxed(payload)),
            Parts::Enum(case) => Parts::Enum(case),
            Parts::Option(v) => Parts::Option(boxed(v)),
            Parts::Result(Ok(v)) => Parts::Result(Ok(boxed(v))),
            Parts::Result(Err(v)) => Parts::Result(Err(boxed(v))),
            Parts::Flags(v) => Parts::Flags(v),
        })
    }

    /// A `list<u8>`.
    pub fn bytes(bytes: &[u8]) -> Value {
        Value(Parts::List(bytes.iter().map(|byte| Value(Parts::U8(*byte))).collect()))
    }

    /// The bytes of a `list<u8>`; `None` if this is anything else.
    pub fn as_bytes(&self) -> Option<Vec<u8>> {
        let Parts::List(elements) = &self.0 else {
            return None;
        };
        let byte = |element: &Value| match element.0 {
            Parts::U8(byte) => Some(byte),
            _ => None,
        };
        elements.iter().map(byte).collect()
    }

    /// A `string`.
    pub fn string(text: impl Into<String>) -> Value {
        Value(Parts::String(text.into()))
    }

    /// The text of a `string`; `None` if this is anything else.
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Parts::String(text) => Some(text),
            _ => None,
        }
    }

    /// `none`
    pub fn none() -> Value {
        Value(Parts::Option(None))
    }

    /// `some(self)`
    pub fn some(self) -> Value {
        Value(Parts::Option(Some(Box::new(self))))
    }

    /// A record from its fields, in the order of the type.
    pub fn record<N: Into<String>>(fields: impl IntoIterator<Item = (N, Value)>) -> Value {
        Value(Parts::Record(fields.into_iter().map(|(name, value)| (name.into(), value)).collect()))
    }
}

macro_rules! from_native {
    ($($native:ty => $part:ident),*) => {$(
        impl From<$native> for Value {
            fn from(native: $native) -> Value {
                Value(Parts::$part(native))
            }
        }
    )*};
}

from_native! {
    bool => Bool, u8 => U8, u16 => U16, u32 => U32, u64 => U64, i8 => S8, i16 => S16, i32 => S32, i64 => S64,
    f32 => F32, f64 => F64, char => Char, String => String
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::string(text)
    }
}

impl<V> Parts<V> {
    /// Borrows this layer.
    pub fn view(&self) -> View<'_, V> {
        match self {
            Parts::Bool(v) => View::Bool(*v),
            Parts::U8(v) => View::U8(*v),
            Parts::U16(v) => View::U16(*v),
            Parts::U32(v) => View::U32(*v),
            Parts::U64(v) => View::U64(*v),
            Parts::S8(v) => View::S8(*v),
            Parts::S16(v) => View::S16(*v),
            Parts::S32(v) => View::S32(*v),
            Parts::S64(v) => View::S64(*v),
            Parts::F32(v) => View::F32(*v),
            Parts::F64(v) => View::F64(*v),
            Parts::Char(v) => View::Char(*v),
            Parts::String(v) => View::String(v),
            Parts::List(v) => View::List(v),
            Parts::Record(v) => View::Record(v),
            Parts::Tuple(v) => View::Tuple(v),
            Parts::Variant(case, payload) => View::Variant(case, payload.as_deref()),
            Parts::Enum(case) => View::Enum(case),
            Parts::Option(v) => View::Option(v.as_deref()),
            Parts::Result(Ok(v)) => View::Result(Ok(v.as_deref())),
            Parts::Result(Err(v)) => View::Result(Err(v.as_deref())),
            Parts::Flags(v) => View::Flags(v),
        }
    }
}

impl<V: PartialEq> PartialEq for Parts<V> {
    fn eq(&self, other: &Parts<V>) -> bool {
        use Parts::*;
        match (self, other) {
            (Bool(a), Bool(b)) => a == b,
            (U8(a), U8(b)) => a == b,
            (U16(a), U16(b)) => a == b,
            (U32(a), U32(b)) => a == b,
            (U64(a), U64(b)) => a == b,
            (S8(a), S8(b)) => a == b,
            (S16(a), S16(b)) => a == b,
            (S32(a), S32(b)) => a == b,
            (S64(a), S64(b)) => a == b,
            (F32(a), F32(b)) => (a.is_nan() && b.is_nan()) || a.to_bits() == b.to_bits(),
            (F64(a), F64(b)) => (a.is_nan() && b.is_nan()) || a.to_bits() == b.to_bits(),
            (Char(a), Char(b)) => a == b,
            (String(a), String(b)) | (Enum(a), Enum(b)) => a == b,
            (List(a), List(b)) | (Tuple(a), Tuple(b)) => a == b,
            (Record(a), Record(b)) => a == b,
            (Variant(a, x), Variant(b, y)) => a == b && x == y,
            (Option(a), Option(b)) => a == b,
            (Result(a), Result(b)) => a == b,
            (Flags(a), Flags(b)) => a.len() == b.len() && a.iter().all(|flag| b.contains(flag)),
            _ => false,
        }
    }
}

impl<V: Eq> Eq for Parts<V> {}
