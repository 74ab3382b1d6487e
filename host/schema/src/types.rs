//! WIT value types as data.

mod check;
mod path;
pub(crate) mod wire;

pub use check::TypeError;
pub use path::{Path, Segment};

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// A storable WIT type. `Display` prints it as WIT, with named types written out.
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

impl Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Bool => f.write_str("bool"),
            Type::U8 => f.write_str("u8"),
            Type::U16 => f.write_str("u16"),
            Type::U32 => f.write_str("u32"),
            Type::U64 => f.write_str("u64"),
            Type::S8 => f.write_str("s8"),
            Type::S16 => f.write_str("s16"),
            Type::S32 => f.write_str("s32"),
            Type::S64 => f.write_str("s64"),
            Type::F32 => f.write_str("f32"),
            Type::F64 => f.write_str("f64"),
            Type::Char => f.write_str("char"),
            Type::String => f.write_str("string"),
            Type::List(element) => write!(f, "list<{element}>"),
            Type::Option(some) => write!(f, "option<{some}>"),
            Type::Result { ok: None, err: None } => f.write_str("result"),
            Type::Result { ok: Some(ok), err: None } => write!(f, "result<{ok}>"),
            Type::Result { ok: None, err: Some(err) } => write!(f, "result<_, {err}>"),
            Type::Result { ok: Some(ok), err: Some(err) } => write!(f, "result<{ok}, {err}>"),
            Type::Tuple(items) => {
                f.write_str("tuple<")?;
                comma_separated(f, items)?;
                f.write_str(">")
            }
            Type::Record(fields) => braced(f, "record", fields),
            Type::Variant(cases) => braced(f, "variant", cases),
            Type::Enum(names) => braced(f, "enum", names),
            Type::Flags(names) => braced(f, "flags", names),
        }
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.ty)
    }
}

impl Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ty {
            Some(ty) => write!(f, "{}({ty})", self.name),
            None => f.write_str(&self.name),
        }
    }
}

fn braced<T: Display>(f: &mut fmt::Formatter<'_>, keyword: &str, members: &[T]) -> fmt::Result {
    write!(f, "{keyword} {{ ")?;
    comma_separated(f, members)?;
    f.write_str(" }")
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
