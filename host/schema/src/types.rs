//! WIT value types as data.

pub(crate) mod wire;

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

use crate::limits::{NAME_BYTES_MAX, TYPE_DEPTH_MAX, TYPE_PARTS_MAX};

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

/// A place inside a type, from the outside in. `Display` says it in WIT's words: ``value, field `choice` ``.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(pub Vec<Segment>);

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// The kind of a collection.
    Kind,
    /// The sum of a counter.
    Sum,
    /// The key of a map.
    Key,
    /// The value of a collection.
    Value,
    /// The elements of a list.
    Element,
    /// The payload of an option.
    Some,
    /// The payload of a result's `ok`.
    Ok,
    /// The payload of a result's `err`.
    Err,
    /// An item of a tuple, counted from 0.
    Item(usize),
    /// A field of a record.
    Field(String),
    /// A case of a variant or enum.
    Case(String),
    /// A flag.
    Flag(String),
}

/// Why a type cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    /// Nested deeper than [`TYPE_DEPTH_MAX`].
    #[error("{path}: nested deeper than {TYPE_DEPTH_MAX} levels")]
    TooDeep {
        /// Where.
        path: Path,
    },
    /// More than [`TYPE_PARTS_MAX`] parts.
    #[error("the type has more than {TYPE_PARTS_MAX} parts")]
    TooLarge,
    /// A record, tuple, variant, enum or flags without members; WIT has none such.
    #[error("{path}: `{what}` without members")]
    Empty {
        /// Where.
        path: Path,
        /// Which kind of type.
        what: &'static str,
    },
    /// A name that is empty or longer than [`NAME_BYTES_MAX`].
    #[error("{path}: a name must have 1 to {NAME_BYTES_MAX} bytes")]
    Name {
        /// Where.
        path: Path,
    },
    /// The same name twice in one type.
    #[error("{path}: named twice")]
    Twice {
        /// Where.
        path: Path,
    },
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

    /// Checks the bounds that every stored type keeps.
    pub fn check(&self) -> Result<(), TypeError> {
        let mut parts = 0;
        check(self, &mut Path::default(), 0, &mut parts)
    }
}

impl Path {
    /// Runs `f` with one more step on the path.
    pub fn within<T>(&mut self, segment: Segment, f: impl FnOnce(&mut Path) -> T) -> T {
        self.0.push(segment);
        let result = f(self);
        self.0.pop();
        result
    }

    /// This path with one more step.
    pub fn then(&self, segment: Segment) -> Path {
        let mut path = self.clone();
        path.0.push(segment);
        path
    }
}

fn check(ty: &Type, path: &mut Path, depth: usize, parts: &mut usize) -> Result<(), TypeError> {
    if depth >= TYPE_DEPTH_MAX {
        return Err(TypeError::TooDeep { path: path.clone() });
    }
    let mut name = |path: &Path, name: &str| {
        *parts += 1;
        if *parts > TYPE_PARTS_MAX {
            return Err(TypeError::TooLarge);
        }
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(TypeError::Name { path: path.clone() });
        }
        Ok(())
    };
    match ty {
        Type::Enum(names) | Type::Flags(names) => {
            let (what, segment): (_, fn(String) -> Segment) = match ty {
                Type::Enum(_) => ("enum", Segment::Case),
                _ => ("flags", Segment::Flag),
            };
            not_empty(names, what, path)?;
            names.iter().try_for_each(|n| name(path, n))?;
            unique(names.iter(), path, segment)?;
        }
        Type::Record(fields) => {
            not_empty(fields, "record", path)?;
            fields.iter().try_for_each(|f| name(path, &f.name))?;
            unique(fields.iter().map(|f| &f.name), path, Segment::Field)?;
        }
        Type::Variant(cases) => {
            not_empty(cases, "variant", path)?;
            cases.iter().try_for_each(|c| name(path, &c.name))?;
            unique(cases.iter().map(|c| &c.name), path, Segment::Case)?;
        }
        Type::Tuple(items) => not_empty(items, "tuple", path)?,
        _ => {}
    }
    *parts += 1;
    if *parts > TYPE_PARTS_MAX {
        return Err(TypeError::TooLarge);
    }
    for (segment, part) in ty.parts() {
        path.within(segment, |path| check(part, path, depth + 1, parts))?;
    }
    Ok(())
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

fn not_empty<T>(members: &[T], what: &'static str, path: &Path) -> Result<(), TypeError> {
    match members {
        [] => Err(TypeError::Empty { path: path.clone(), what }),
        _ => Ok(()),
    }
}

fn unique<'a>(
    names: impl Iterator<Item = &'a String>,
    path: &Path,
    segment: fn(String) -> Segment,
) -> Result<(), TypeError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(TypeError::Twice { path: path.then(segment(name.clone())) });
        }
    }
    Ok(())
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

impl Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("value"),
            segments => comma_separated(f, segments),
        }
    }
}

impl Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Segment::Kind => f.write_str("kind"),
            Segment::Sum => f.write_str("sum"),
            Segment::Key => f.write_str("key"),
            Segment::Value => f.write_str("value"),
            Segment::Element => f.write_str("list element"),
            Segment::Some => f.write_str("inside `some`"),
            Segment::Ok => f.write_str("inside `ok`"),
            Segment::Err => f.write_str("inside `err`"),
            Segment::Item(index) => write!(f, "tuple item {index}"),
            Segment::Field(name) => write!(f, "field `{name}`"),
            Segment::Case(name) => write!(f, "case `{name}`"),
            Segment::Flag(name) => write!(f, "flag `{name}`"),
        }
    }
}

fn braced<T: Display>(f: &mut fmt::Formatter<'_>, keyword: &str, members: &[T]) -> fmt::Result {
    write!(f, "{keyword} {{ ")?;
    comma_separated(f, members)?;
    f.write_str(" }")
}

fn comma_separated<T: Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}
