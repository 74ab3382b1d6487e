//! WIT value types as data.

mod check;
mod parse;
mod path;
mod text;
pub(crate) mod wire;

pub use check::TypeError;
pub use parse::TypeTextError;
pub(crate) use path::brief_name;
pub use path::{Path, Segment};

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// A storable WIT type. `Display` prints it as WIT, with named types written out; [`Type::brief`] does so within bounds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Type {
    /// `bool`
    Bool,
    /// `u8`
    U8,
    /// `u16`
    U16,
    /// `u32`
    U32,
    /// `u64`
    U64,
    /// `s8`
    S8,
    /// `s16`
    S16,
    /// `s32`
    S32,
    /// `s64`
    S64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `char`
    Char,
    /// `string`
    String,
    /// `list<T>`
    List(Box<Type>),
    /// `option<T>`
    Option(Box<Type>),
    /// `result<T, E>`, each arm with or without a payload.
    Result {
        /// Payload of `ok`.
        ok: Option<Box<Type>>,
        /// Payload of `err`.
        err: Option<Box<Type>>,
    },
    /// `tuple<…>`
    Tuple(Vec<Type>),
    /// `record { … }`
    Record(Vec<Field>),
    /// `variant { … }`
    Variant(Vec<Case>),
    /// `enum { … }`
    Enum(Vec<String>),
    /// `flags { … }`
    Flags(Vec<String>),
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Field {
    /// Its name, as in WIT.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// A case of a variant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Case {
    /// Its name, as in WIT.
    pub name: String,
    /// Its payload, if it has one.
    pub ty: Option<Type>,
}

impl Type {
    /// `list<u8>`, the type of plain bytes.
    pub fn bytes() -> Type {
        Type::List(Box::new(Type::U8))
    }

    /// Whether this is `list<u8>`.
    pub fn is_bytes(&self) -> bool {
        matches!(self, Type::List(element) if **element == Type::U8)
    }

    /// `list<T>` of this type.
    pub fn list(self) -> Type {
        Type::List(Box::new(self))
    }

    /// `option<T>` of this type.
    pub fn option(self) -> Type {
        Type::Option(Box::new(self))
    }
}

impl Type {
    /// The types directly inside this one, each with the step that leads to it.
    pub fn parts(&self) -> Vec<(Segment, &Type)> {
        match self {
            Type::List(element) => vec![(Segment::Element, element)],
            Type::Option(some) => vec![(Segment::Some, some)],
            Type::Result { ok, err } => {
                let ok = ok.iter().map(|ok| (Segment::Ok, &**ok));
                ok.chain(err.iter().map(|err| (Segment::Err, &**err))).collect()
            }
            Type::Tuple(items) => items.iter().enumerate().map(|(i, ty)| (Segment::Item(i), ty)).collect(),
            Type::Record(fields) => fields.iter().map(|f| (Segment::Field(f.name.clone()), &f.ty)).collect(),
            Type::Variant(cases) => {
                let payload = |c: &'_ Case| Segment::Case(c.name.clone());
                cases.iter().filter_map(|c| c.ty.as_ref().map(|ty| (payload(c), ty))).collect()
            }
            _ => Vec::new(),
        }
    }
}

pub(crate) fn comma_separated<T: Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}
