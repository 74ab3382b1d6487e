//! Types as WIT text: whole, and within bounds for messages.

use std::fmt::{self, Display, Write};

use super::{Case, Field, Type};
use crate::limits::TYPE_TEXT_CHARS_MAX;

impl Type {
    /// This type as WIT in at most [`TYPE_TEXT_CHARS_MAX`] characters: whole if that will do, else with what lies deeper left
    /// out, as in `record { choice: enum {…} }` or, in the end, `record {…}`.
    pub fn brief(&self) -> String {
        const WHOLE: usize = usize::MAX;
        let within = |levels| {
            let mut text = Bounded { text: String::new(), left: TYPE_TEXT_CHARS_MAX };
            print(self, &mut text, levels).ok().map(|()| text.text)
        };
        let shown = [WHOLE, 3, 2, 1, 0].into_iter().find_map(within);
        shown.expect("a type without its parts is short")
    }
}

impl Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(self, f, usize::MAX)
    }
}

/// Text up to a bound; what goes beyond is an error, so that no more is printed.
struct Bounded {
    text: String,
    left: usize,
}

impl Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.left = self.left.checked_sub(part.chars().count()).ok_or(fmt::Error)?;
        self.text.push_str(part);
        Ok(())
    }
}

/// Prints a type and so many levels of what lies inside it.
fn print(ty: &Type, out: &mut dyn Write, levels: usize) -> fmt::Result {
    let simple = match ty {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::S8 => "s8",
        Type::S16 => "s16",
        Type::S32 => "s32",
        Type::S64 => "s64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::Result { ok: None, err: None } => "result",
        _ => return print_compound(ty, out, levels),
    };
    out.write_str(simple)
}

fn print_compound(ty: &Type, out: &mut dyn Write, levels: usize) -> fmt::Result {
    let (keyword, open, close) = match ty {
        Type::List(_) => ("list", "<", ">"),
        Type::Option(_) => ("option", "<", ">"),
        Type::Result { .. } => ("result", "<", ">"),
        Type::Tuple(_) => ("tuple", "<", ">"),
        Type::Record(_) => ("record", " { ", " }"),
        Type::Variant(_) => ("variant", " { ", " }"),
        Type::Enum(_) => ("enum", " { ", " }"),
        _ => ("flags", " { ", " }"),
    };
    out.write_str(keyword)?;
    let Some(levels) = levels.checked_sub(1) else {
        return out.write_str(if open == "<" { "<…>" } else { " {…}" });
    };
    out.write_str(open)?;
    match ty {
        Type::List(part) | Type::Option(part) => print(part, out, levels),
        Type::Result { ok, err } => {
            match ok {
                Some(ok) => print(ok, out, levels)?,
                None => out.write_str("_")?,
            }
            err.iter().try_for_each(|err| {
                out.write_str(", ")?;
                print(err, out, levels)
            })
        }
        Type::Tuple(items) => members(items, out, |item, out| print(item, out, levels)),
        Type::Record(fields) => members(fields, out, |field, out| print_field(field, out, levels)),
        Type::Variant(cases) => members(cases, out, |case, out| print_case(case, out, levels)),
        Type::Enum(names) | Type::Flags(names) => members(names, out, |name, out| out.write_str(name)),
        _ => Ok(()),
    }?;
    out.write_str(close)
}

fn members<T>(members: &[T], out: &mut dyn Write, print: impl Fn(&T, &mut dyn Write) -> fmt::Result) -> fmt::Result {
    members.iter().enumerate().try_for_each(|(index, member)| {
        if index > 0 {
            out.write_str(", ")?;
        }
        print(member, out)
    })
}

fn print_field(field: &Field, out: &mut dyn Write, levels: usize) -> fmt::Result {
    write!(out, "{}: ", field.name)?;
    print(&field.ty, out, levels)
}

fn print_case(case: &Case, out: &mut dyn Write, levels: usize) -> fmt::Result {
    out.write_str(&case.name)?;
    case.ty.iter().try_for_each(|ty| {
        out.write_str("(")?;
        print(ty, out, levels)?;
        out.write_str(")")
    })
}

impl Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_field(self, f, usize::MAX)
    }
}

impl Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_case(self, f, usize::MAX)
    }
}
