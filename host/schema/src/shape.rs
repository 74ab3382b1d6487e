//! Which kind of collection an imported interface is, by the names and types of its functions.

pub(crate) mod table;

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

use crate::key::{self, NotAKey};
use crate::types::{Type, TypeError, brief_name};

/// A kind of collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// One value or none.
    Cell,
    /// Values by key, in the order of the keys.
    Map,
    /// Values by index, appended.
    Log,
    /// A sum.
    Counter,
}

/// What a function of a collection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// cell, map: `get`
    Get,
    /// cell, map: `set`
    Set,
    /// cell, map: `clear`
    Clear,
    /// map: `remove`
    Remove(RemoveResult),
    /// map: `contains`
    Contains,
    /// map: `len`
    Len,
    /// map: `scan`, ascending, start included
    Scan,
    /// map: `scan-after`, ascending, key excluded
    ScanAfter,
    /// map: `scan-back`, descending, end excluded
    ScanBack,
    /// map: `range`, half-open
    Range,
    /// log: `append`
    Append,
    /// log: `at`
    At,
    /// log: `read`
    Read,
    /// log: `first`
    First,
    /// log: `end`
    End,
    /// log: `truncate-before`
    TruncateBefore,
    /// counter: `value`
    Value,
    /// counter: `add`
    Add,
}

/// What a map's `remove` returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RemoveResult {
    /// Nothing.
    Nothing,
    /// `bool`: whether there was a value.
    Existed,
    /// `option<V>`: the value that was there.
    Previous,
}

/// A function of an imported interface; parameter names do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name, as in WIT.
    pub name: String,
    /// The types of its parameters.
    pub params: Vec<Type>,
    /// The type of its result, if it has one.
    pub result: Option<Type>,
}

/// What an imported interface shows of a collection. What no function mentions is a hole (`None`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The kind; `None` while the functions fit more than one.
    pub kind: Option<Kind>,
    /// Key type of a map.
    pub key: Option<Type>,
    /// Value type of a cell, map or log.
    pub value: Option<Type>,
    /// Of a counter: `s64` (true) or `u64` (false).
    pub signed: Option<bool>,
    /// What each function does, in the order given.
    pub operations: Vec<(String, Operation)>,
}

/// Why an interface is no collection; says what would fit, in WIT.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A function that is no function of any collection, or not with these types.
    #[error("`{interface}`: `{function}` does not fit a collection; nearest is a {nearest}, which has {fitting}")]
    Function {
        /// The interface.
        interface: String,
        /// The function, as WIT.
        function: String,
        /// The kind that the interface comes nearest to.
        nearest: Kind,
        /// The functions that would fit, as WIT.
        fitting: String,
    },
    /// Two functions that show different types for the key or the value.
    #[error(
        "`{interface}`: `{function}` shows the {role} as `{is}`, but `{other}` shows it as `{was}`; they must be the same"
    )]
    Disagree {
        /// The interface.
        interface: Box<str>,
        /// The later function's name.
        function: Box<str>,
        /// The earlier function's name.
        other: Box<str>,
        /// `key`, `value` or `sum`.
        role: &'static str,
        /// What the later one shows.
        is: Box<str>,
        /// What the earlier one shows.
        was: Box<str>,
    },
    /// A key type that has no order.
    #[error("`{interface}`: {source}")]
    Key {
        /// The interface.
        interface: String,
        /// Where and why.
        source: NotAKey,
    },
    /// A type beyond the limits.
    #[error("`{interface}`: {source}")]
    Type {
        /// The interface.
        interface: String,
        /// Where and why.
        source: TypeError,
    },
}

/// Recognises a collection by the names and types of its functions.
pub fn recognise(interface: &str, functions: &[Function]) -> Result<Shape, ShapeError> {
    let fits: Vec<Vec<Fit>> = functions.iter().map(fits).collect();
    let fitting = |kind: Kind| fits.iter().filter(|fits| fits.iter().any(|fit| fit.kind == kind)).count();
    let named = |kind: Kind| functions.iter().filter(|function| table::line(kind, &function.name).is_some()).count();
    let nearest = KINDS.into_iter().rev().max_by_key(|kind| (fitting(*kind), named(*kind))).expect("there are kinds");
    let outside = |fits: &Vec<Fit>| fits.iter().all(|fit| fit.kind != nearest);
    if let Some(index) = fits.iter().position(outside) {
        return Err(misfit(interface, &functions[index], nearest));
    }
    let decided = KINDS.into_iter().filter(|kind| fitting(*kind) == functions.len()).count() == 1;
    let mut seen = Seen { interface, shape: Shape::default(), shown_by: Default::default() };
    seen.shape.kind = decided.then_some(nearest);
    for (function, fits) in functions.iter().zip(fits) {
        let fit = fits.into_iter().find(|fit| fit.kind == nearest).expect("every function fits the nearest kind");
        seen.add(&function.name, fit)?;
    }
    seen.shape.check(interface)?;
    Ok(seen.shape)
}

/// The kind that comes nearest to functions by their names and how many parameters they have, where their types say
/// nothing, and the functions of it that `function` may have meant, as WIT.
pub fn nearest(functions: &[(&str, usize)], function: &str) -> (Kind, String) {
    let fits = |kind: Kind| {
        let lines = || functions.iter().filter_map(|(name, params)| Some((table::line(kind, name)?, *params)));
        (lines().filter(|(line, params)| table::params(line) == *params).count(), lines().count())
    };
    let nearest = KINDS.into_iter().rev().max_by_key(|kind| fits(*kind)).expect("there are kinds");
    (nearest, fitting(nearest, function))
}

const KINDS: [Kind; 4] = [Kind::Cell, Kind::Map, Kind::Log, Kind::Counter];

/// One way to read a function as one of a collection, with the types that it shows.
struct Fit {
    kind: Kind,
    operation: Operation,
    key: Option<Type>,
    value: Option<Type>,
    signed: Option<bool>,
}

/// A shape under construction, with the function that first showed its key, value and sum.
struct Seen<'a> {
    interface: &'a str,
    shape: Shape,
    shown_by: [&'a str; 3],
}

/// Every way to read a function, each of another kind.
fn fits(function: &Function) -> Vec<Fit> {
    let fit = |kind, operation| Fit { kind, operation, key: None, value: None, signed: None };
    let of = |kind, operation, key: Option<&Type>, value: Option<&Type>| {
        vec![Fit { key: key.cloned(), value: value.cloned(), ..fit(kind, operation) }]
    };
    let sum = |operation, signed| vec![Fit { signed: Some(signed), ..fit(Kind::Counter, operation) }];
    let result = function.result.as_ref();
    match (function.name.as_str(), function.params.as_slice(), result) {
        ("get", [], Some(Type::Option(value))) => of(Kind::Cell, Operation::Get, None, Some(value)),
        ("set", [value], None) => of(Kind::Cell, Operation::Set, None, Some(value)),
        ("clear", [], None) => vec![fit(Kind::Cell, Operation::Clear), fit(Kind::Map, Operation::Clear)],

        ("get", [key], Some(Type::Option(value))) => of(Kind::Map, Operation::Get, Some(key), Some(value)),
        ("set", [key, value], None) => of(Kind::Map, Operation::Set, Some(key), Some(value)),
        ("remove", [key], None) => of(Kind::Map, Operation::Remove(RemoveResult::Nothing), Some(key), None),
        ("remove", [key], Some(Type::Bool)) => of(Kind::Map, Operation::Remove(RemoveResult::Existed), Some(key), None),
        ("remove", [key], Some(Type::Option(value))) => {
            of(Kind::Map, Operation::Remove(RemoveResult::Previous), Some(key), Some(value))
        }
        ("contains", [key], Some(Type::Bool)) => of(Kind::Map, Operation::Contains, Some(key), None),
        ("len", [], Some(Type::U64)) => of(Kind::Map, Operation::Len, None, None),
        ("scan" | "scan-back", [Type::Option(key), Type::U32], Some(page)) => match entry(page) {
            Some((page_key, value)) if page_key == &**key => {
                let operation = if function.name == "scan" { Operation::Scan } else { Operation::ScanBack };
                of(Kind::Map, operation, Some(key), Some(value))
            }
            _ => Vec::new(),
        },
        ("scan-after", [key, Type::U32], Some(page)) => match entry(page) {
            Some((page_key, value)) if page_key == key => of(Kind::Map, Operation::ScanAfter, Some(key), Some(value)),
            _ => Vec::new(),
        },
        ("range", [start, end, Type::U32], Some(page)) if start == end => match entry(page) {
            Some((key, value)) if key == start => of(Kind::Map, Operation::Range, Some(key), Some(value)),
            _ => Vec::new(),
        },

        ("append", [value], Some(Type::U64)) => of(Kind::Log, Operation::Append, None, Some(value)),
        ("at", [Type::U64], Some(Type::Option(value))) => of(Kind::Log, Operation::At, None, Some(value)),
        ("read", [Type::U64, Type::U32], Some(page)) => match entry(page) {
            Some((Type::U64, value)) => of(Kind::Log, Operation::Read, None, Some(value)),
            _ => Vec::new(),
        },
        ("first", [], Some(Type::U64)) => of(Kind::Log, Operation::First, None, None),
        ("end", [], Some(Type::U64)) => of(Kind::Log, Operation::End, None, None),
        ("truncate-before", [Type::U64], None) => of(Kind::Log, Operation::TruncateBefore, None, None),

        ("value", [], Some(Type::S64)) => sum(Operation::Value, true),
        ("value", [], Some(Type::U64)) => sum(Operation::Value, false),
        ("add", [Type::S64], None) => sum(Operation::Add, true),
        ("add", [Type::U64], None) => sum(Operation::Add, false),
        _ => Vec::new(),
    }
}

/// Key and value of the pages that scans return.
fn entry(page: &Type) -> Option<(&Type, &Type)> {
    let Type::List(element) = page else { return None };
    match &**element {
        Type::Tuple(items) => match items.as_slice() {
            [key, value] => Some((key, value)),
            _ => None,
        },
        _ => None,
    }
}

impl<'a> Seen<'a> {
    fn add(&mut self, function: &'a str, fit: Fit) -> Result<(), ShapeError> {
        let sum = |signed: bool| if signed { Type::S64 } else { Type::U64 };
        let shape = &self.shape;
        let roles = [
            ("key", shape.key.clone(), fit.key.clone()),
            ("value", shape.value.clone(), fit.value.clone()),
            ("sum", shape.signed.map(sum), fit.signed.map(sum)),
        ];
        for (index, (role, was, is)) in roles.into_iter().enumerate() {
            match (was, is) {
                (Some(was), Some(is)) if was != is => {
                    return Err(ShapeError::Disagree {
                        interface: self.interface.into(),
                        function: function.into(),
                        other: self.shown_by[index].into(),
                        role,
                        is: is.brief().into(),
                        was: was.brief().into(),
                    });
                }
                (None, Some(_)) => self.shown_by[index] = function,
                _ => {}
            }
        }
        self.shape.key = self.shape.key.take().or(fit.key);
        self.shape.value = self.shape.value.take().or(fit.value);
        self.shape.signed = self.shape.signed.or(fit.signed);
        self.shape.operations.push((function.into(), fit.operation));
        Ok(())
    }
}

impl Shape {
    fn check(&self, interface: &str) -> Result<(), ShapeError> {
        let types = self.key.iter().chain(&self.value);
        for ty in types {
            ty.check().map_err(|source| ShapeError::Type { interface: interface.into(), source })?;
        }
        match &self.key {
            Some(key) => key::check(key).map_err(|source| ShapeError::Key { interface: interface.into(), source }),
            None => Ok(()),
        }
    }
}

/// The function of a kind that has this name, or else all that it has.
fn fitting(kind: Kind, name: &str) -> String {
    match table::line(kind, name) {
        Some(line) => format!("`{line}`"),
        None => table::lines(kind).iter().map(|line| format!("`{line}`")).collect::<Vec<_>>().join(", "),
    }
}

fn misfit(interface: &str, function: &Function, nearest: Kind) -> ShapeError {
    let fitting = fitting(nearest, &function.name);
    ShapeError::Function { interface: interface.into(), function: function.to_string(), nearest, fitting }
}

impl Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Cell => "cell",
            Kind::Map => "map",
            Kind::Log => "log",
            Kind::Counter => "counter",
        })
    }
}

/// No function of a collection has more than three.
const PARAMS_SHOWN_MAX: usize = 8;

impl Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params = match self.params.as_slice() {
            params @ [..] if params.len() <= PARAMS_SHOWN_MAX => {
                params.iter().map(Type::brief).collect::<Vec<_>>().join(", ")
            }
            _ => "…".to_owned(),
        };
        write!(f, "{}: func({params})", brief_name(&self.name))?;
        match &self.result {
            Some(result) => write!(f, " -> {}", result.brief()),
            None => Ok(()),
        }
    }
}
