//! How a value of an old Rust type becomes one of a new Rust type, as expressions and functions.

use std::collections::HashMap;
use std::fmt::Write;

use super::names::{self, Taken, TypeNames, has_named};
use crate::types::{Case, Field, Path, Segment, Type};
use crate::verdict::Difference;

/// The expression that converts a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As it is.
    Same,
    /// To a wider number.
    Into,
    /// Into `Some`.
    Some(Box<Way>),
    /// By a function of the module, which may fail.
    Call(String),
    List(Box<Way>),
    Option(Box<Way>),
    Result(Box<Way>, Box<Way>),
    Tuple(Vec<Way>),
}

impl Way {
    /// The expression over a variable or a field.
    pub(super) fn over(&self, place: &str) -> String {
        match self {
            Way::Same => place.to_owned(),
            Way::Into => format!("{place}.into()"),
            Way::Some(inner) => format!("Some({})", inner.over(place)),
            Way::Call(function) => format!("{function}({place})?"),
            Way::List(inner) => match &**inner {
                Way::Call(function) => format!("{place}.into_iter().map({function}).collect::<Result<_, _>>()?"),
                inner => {
                    let item = inner.over("item");
                    format!("{place}.into_iter().map(|item| Ok({item})).collect::<Result<_, String>>()?")
                }
            },
            Way::Option(inner) => match &**inner {
                Way::Call(function) => format!("{place}.map({function}).transpose()?"),
                inner => match inner.over("some") {
                    some if some.contains('?') => {
                        format!("match {place} {{ Some(some) => Some({some}), None => None }}")
                    }
                    some => format!("{place}.map(|some| {some})"),
                },
            },
            Way::Result(ok, err) => {
                format!("match {place} {{ Ok(ok) => Ok({}), Err(err) => Err({}) }}", ok.over("ok"), err.over("err"))
            }
            Way::Tuple(items) => {
                let item = |(index, item): (usize, &Way)| item.over(&format!("{place}.{index}"));
                tuple(items.iter().enumerate().map(item))
            }
        }
    }
}

/// A tuple of these, as a type or as an expression.
pub(super) fn tuple(items: impl Iterator<Item = String>) -> String {
    match items.collect::<Vec<_>>().as_slice() {
        [one] => format!("({one},)"),
        items => format!("({})", items.join(", ")),
    }
}

/// The functions of one module.
pub(super) struct Functions<'a> {
    collection: String,
    old: TypeNames<'a>,
    new: TypeNames<'a>,
    by_types: HashMap<(&'a Type, &'a Type), String>,
    taken: Taken,
    text: String,
}

impl<'a> Functions<'a> {
    /// For a collection, named as in messages, with the types of both sides.
    pub(super) fn new(collection: String, old: TypeNames<'a>, new: TypeNames<'a>) -> Functions<'a> {
        Functions { collection, old, new, by_types: HashMap::new(), taken: Taken::default(), text: String::new() }
    }

    /// An old type in Rust.
    pub(super) fn old_type(&self, ty: &Type) -> String {
        self.old.rust(ty, "old")
    }

    /// A new type in Rust.
    pub(super) fn new_type(&self, ty: &Type) -> String {
        self.new.rust(ty, "new")
    }

    /// The text of all functions that were asked for.
    pub(super) fn finish(self) -> String {
        self.text
    }

    /// The way between two types at a place; where the types do not say it, through a function that a person writes.
    pub(super) fn way(&mut self, old: &'a Type, new: &'a Type, name: &str, path: &Path) -> Way {
        match self.known(old, new, name, path) {
            Some(way) => way,
            None => {
                let difference = difference(path, Some(old), Some(new));
                let (was, is) = (self.old.rust(old, "old"), self.new.rust(new, "new"));
                Way::Call(self.undecided(name, &format!("was: {was}"), &is, &difference))
            }
        }
    }

    /// A function that does not compile until a person says what it does.
    pub(super) fn undecided(&mut self, name: &str, params: &str, result: &str, difference: &Difference) -> String {
        let function = format!("new_{}", names::snake(&self.taken.free(name)));
        let what = format!("{}: write what becomes of it", difference.of(&self.collection));
        let _ = write!(
            self.text,
            "\n    fn {function}({params}) -> Result<{result}, String> {{\n        compile_error!({what:?})\n    }}\n"
        );
        function
    }

    /// The way between two types, as far as they say it themselves.
    fn known(&mut self, old: &'a Type, new: &'a Type, name: &str, path: &Path) -> Option<Way> {
        let boxed = |way: Way, around: fn(Box<Way>) -> Way| if way == Way::Same { way } else { around(Box::new(way)) };
        Some(match (old, new) {
            _ if old == new && !has_named(old) => Way::Same,
            (Type::List(old), Type::List(new)) => {
                boxed(self.way(old, new, name, &path.then(Segment::Element)), Way::List)
            }
            (Type::Option(old), Type::Option(new)) => {
                boxed(self.way(old, new, name, &path.then(Segment::Some)), Way::Option)
            }
            (old, Type::Option(some)) if !matches!(old, Type::Option(_)) => {
                Way::Some(Box::new(self.known(old, some, name, path)?))
            }
            (Type::Result { ok, err }, Type::Result { ok: new_ok, err: new_err }) => {
                let arms = [(ok, new_ok, "ok", Segment::Ok), (err, new_err, "err", Segment::Err)];
                if arms.iter().any(|(old, new, ..)| old.is_some() != new.is_some()) {
                    return None;
                }
                let [ok, err] = arms.map(|(old, new, step, segment)| match (old, new) {
                    (Some(old), Some(new)) => self.way(old, new, &inside(name, step), &path.then(segment)),
                    _ => Way::Same,
                });
                if (&ok, &err) == (&Way::Same, &Way::Same) { ok } else { Way::Result(Box::new(ok), Box::new(err)) }
            }
            (Type::Tuple(old), Type::Tuple(new)) if old.len() == new.len() => {
                let items = old.iter().zip(new).enumerate();
                let items = items.map(|(index, (old, new))| {
                    self.way(old, new, &inside(name, &format!("item{index}")), &path.then(Segment::Item(index)))
                });
                Way::Tuple(items.collect())
            }
            (Type::Record(fields), Type::Record(new_fields)) => {
                self.function((old, new), name, |functions, function| {
                    functions.record(fields, new_fields, (old, new), function, path)
                })
            }
            (Type::Flags(flags), Type::Flags(new_flags)) => {
                self.function((old, new), name, |functions, _| functions.flags(flags, new_flags, (old, new), path))
            }
            (Type::Enum(_), Type::Enum(_) | Type::Variant(_)) | (Type::Variant(_), Type::Variant(_)) => {
                self.function((old, new), name, |functions, function| functions.cases((old, new), function, path))
            }
            (Type::F32, Type::F64) => Way::Into,
            _ if crate::verdict::is_wider_integer(old, new) => Way::Into,
            _ => return None,
        })
    }

    /// A call of the function between two named types, which is written once.
    fn function(
        &mut self,
        types: (&'a Type, &'a Type),
        name: &str,
        body: impl FnOnce(&mut Self, &str) -> String,
    ) -> Way {
        if let Some(known) = self.by_types.get(&types) {
            return Way::Call(known.clone());
        }
        let free = self.taken.free(name);
        let function = format!("new_{}", names::snake(&free));
        self.by_types.insert(types, function.clone());
        // Its own text comes before that of the functions that it calls.
        let before = std::mem::take(&mut self.text);
        let body = body(self, &free);
        let (was, is) = (self.old.rust(types.0, "old"), self.new.rust(types.1, "new"));
        let called = std::mem::take(&mut self.text);
        self.text =
            format!("{before}\n    fn {function}(value: {was}) -> Result<{is}, String> {{\n{body}    }}\n{called}");
        Way::Call(function)
    }

    fn record(&mut self, old: &'a [Field], new: &'a [Field], types: (&Type, &Type), name: &str, path: &Path) -> String {
        let by_name: HashMap<&str, &Field> = old.iter().map(|field| (field.name.as_str(), field)).collect();
        let kept: std::collections::HashSet<&str> = new.iter().map(|field| field.name.as_str()).collect();
        let (was, is) = (self.old.rust(types.0, "old"), self.new.rust(types.1, "new"));
        let (mut before, mut fields) = (String::new(), String::new());
        for field in new {
            let place = path.then(Segment::Field(field.name.clone()));
            let rust = names::snake(&field.name);
            let value = match (by_name.get(field.name.as_str()), &field.ty) {
                (Some(old), ty) => {
                    self.way(&old.ty, ty, &inside(name, &field.name), &place).over(&format!("value.{rust}"))
                }
                (None, Type::Option(_)) => "None".to_owned(),
                (None, ty) => {
                    let difference = difference(&place, None, Some(ty));
                    let result = self.new.rust(ty, "new");
                    let function =
                        self.undecided(&inside(name, &field.name), &format!("value: &{was}"), &result, &difference);
                    let _ = writeln!(before, "        let {rust} = {function}(&value)?;");
                    rust.clone()
                }
            };
            let _ = match value == rust {
                true => writeln!(fields, "            {rust},"),
                false => writeln!(fields, "            {rust}: {value},"),
            };
        }
        for field in old.iter().filter(|field| !kept.contains(field.name.as_str())) {
            let _ = writeln!(fields, "            // `{}` is gone: it was `{}`.", field.name, field.ty.brief());
        }
        format!("{before}        Ok({is} {{\n{fields}        }})\n")
    }

    fn flags(&mut self, old: &[String], new: &[String], types: (&Type, &Type), _path: &Path) -> String {
        let (was, is) = (self.old.rust(types.0, "old"), self.new.rust(types.1, "new"));
        let known: std::collections::HashSet<&String> = new.iter().collect();
        let mut out = format!("        let mut flags = {is}::empty();\n");
        for flag in old {
            let constant = names::shouty(flag);
            let _ = match known.contains(flag) {
                true => writeln!(out, "        flags.set({is}::{constant}, value.contains({was}::{constant}));"),
                false => writeln!(out, "        // `{flag}` is gone."),
            };
        }
        out + "        Ok(flags)\n"
    }

    fn cases(&mut self, (old, new): (&'a Type, &'a Type), name: &str, path: &Path) -> String {
        let by_name: HashMap<&str, Option<&'a Type>> = cases(new).into_iter().collect();
        let (was, is) = (self.old.rust(old, "old"), self.new.rust(new, "new"));
        let mut out = "        Ok(match value {\n".to_owned();
        for (case, payload) in cases(old) {
            let place = path.then(Segment::Case(case.to_owned()));
            let variant = names::camel(case);
            let step = inside(name, case);
            let (pattern, result) = match (payload, by_name.get(case)) {
                (None, Some(None)) => (String::new(), format!("{is}::{variant}")),
                (Some(old), Some(Some(new))) => {
                    let payload = self.way(old, new, &step, &place).over("payload");
                    ("(payload)".to_owned(), format!("{is}::{variant}({payload})"))
                }
                (payload, found) => {
                    let text = |payload: Option<&Type>| match payload {
                        Some(ty) => format!("{case}({})", ty.brief()),
                        None => case.to_owned(),
                    };
                    let difference = Difference::between(place, Some(text(payload)), found.map(|found| text(*found)));
                    let params = payload.map(|ty| format!("was: {}", self.old.rust(ty, "old"))).unwrap_or_default();
                    let function = self.undecided(&step, &params, &is, &difference);
                    match payload {
                        Some(_) => ("(payload)".to_owned(), format!("{function}(payload)?")),
                        None => (String::new(), format!("{function}()?")),
                    }
                }
            };
            let _ = writeln!(out, "            {was}::{variant}{pattern} => {result},");
        }
        out + "        })\n"
    }
}

fn difference(path: &Path, was: Option<&Type>, is: Option<&Type>) -> Difference {
    Difference::between(path.clone(), was.map(Type::brief), is.map(Type::brief))
}

fn cases(ty: &Type) -> Vec<(&str, Option<&Type>)> {
    match ty {
        Type::Enum(names) => names.iter().map(|name| (name.as_str(), None)).collect(),
        Type::Variant(cases) => cases.iter().map(|Case { name, ty }| (name.as_str(), ty.as_ref())).collect(),
        _ => Vec::new(),
    }
}

fn inside(name: &str, step: &str) -> String {
    Taken::default().inside(name, step)
}

impl TypeNames<'_> {
    /// A type in Rust, its own names in the module `side`.
    pub(super) fn rust(&self, ty: &Type, side: &str) -> String {
        let inner = |ty: &Type| self.rust(ty, side);
        match ty {
            Type::Bool => "bool".into(),
            Type::U8 => "u8".into(),
            Type::U16 => "u16".into(),
            Type::U32 => "u32".into(),
            Type::U64 => "u64".into(),
            Type::S8 => "i8".into(),
            Type::S16 => "i16".into(),
            Type::S32 => "i32".into(),
            Type::S64 => "i64".into(),
            Type::F32 => "f32".into(),
            Type::F64 => "f64".into(),
            Type::Char => "char".into(),
            Type::String => "String".into(),
            Type::List(part) => format!("Vec<{}>", inner(part)),
            Type::Option(part) => format!("Option<{}>", inner(part)),
            Type::Result { ok, err } => {
                let arm = |arm: &Option<Box<Type>>| arm.as_ref().map_or("()".to_owned(), |ty| inner(ty));
                format!("Result<{}, {}>", arm(ok), arm(err))
            }
            Type::Tuple(items) => tuple(items.iter().map(inner)),
            named => format!("{side}::{}", names::camel(self.of(named).unwrap_or_default())),
        }
    }
}
