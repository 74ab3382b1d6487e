//! The Rust of a migration: one module a collection, over the bindings that wit-bindgen makes of the WIT.

use super::names::{self, Package, Taken};
use super::way::{Functions, Way, tuple};
use super::wit::type_names;
use super::{Carried, Move};
use crate::ledger::Schema;
use crate::shape::Kind;
use crate::types::{Path, Segment, Type};
use crate::verdict::Difference;

const HEAD: &str = "\
// A start for the migration: every function that does not compile waits for a decision.
//
// `crate::Component` is the type that `export!` names.

use crate::Component;
use crate::exports::stead::plugin::migrate::Guest;

";

const PAGE: &str = "\
/// Entries read at a time.
const PAGE: u32 = 1_000;

";

pub(super) fn print(moves: &[Move]) -> String {
    let mut taken = Taken::default();
    let mut modules = String::new();
    let mut calls = Vec::new();
    let mut pages = false;
    for one in moves {
        for collection in &one.collections {
            let Some((version, old)) = collection.carries() else { continue };
            let Some((new, _)) = &collection.new else { continue };
            let name = names::snake(&taken.free(&collection.interface));
            let both = Both { one, collection, version, old, new };
            modules.push_str(&both.module(&name));
            calls.push(format!("        {name}::migrate()?;\n"));
            pages |= matches!(old.kind, Kind::Map | Kind::Log);
        }
    }
    let page = if pages { PAGE } else { "" };
    format!(
        "{HEAD}{page}impl Guest for Component {{\n    fn migrate(_from: Option<String>) -> Result<(), String> {{\n{}        \
         Ok(())\n    }}\n}}\n{modules}",
        calls.concat()
    )
}

/// A collection on both tracks.
struct Both<'a> {
    one: &'a Move,
    collection: &'a Carried,
    version: Option<&'a str>,
    old: &'a Schema,
    new: &'a Schema,
}

impl<'a> Both<'a> {
    fn module(&self, name: &str) -> String {
        let Package { namespace, name: package } = &self.one.package;
        let label = format!("{namespace}:{package}/{}", self.collection.interface);
        let mut functions = Functions::new(label, type_names(self.old), type_names(self.new));
        let body = self.reading(&self.entry(&mut functions));
        let path = |version| {
            format!("{}::{}", names::module(&self.one.package, version), names::snake(&self.collection.interface))
        };
        format!(
            "\nmod {name} {{\n    use crate::{}::{{{} as old, {} as new}};\n\n    pub(super) fn migrate() -> Result<(), String> \
             {{\n{body}        Ok(())\n    }}\n{}}}\n",
            names::snake(namespace),
            path(self.version),
            path(Some(&self.one.version)),
            functions.finish()
        )
    }

    /// What an entry of the old collection consists of: names and types.
    fn parts(schema: &'a Schema) -> Vec<(&'static str, Segment, &'a Type)> {
        static SIGNED: Type = Type::S64;
        static UNSIGNED: Type = Type::U64;
        let sum = schema.signed.map(|signed| ("total", Segment::Sum, if signed { &SIGNED } else { &UNSIGNED }));
        let key = schema.key.iter().map(|key| ("key", Segment::Key, key));
        key.chain(schema.value.iter().map(|value| ("value", Segment::Value, value))).chain(sum).collect()
    }

    /// The statements that carry over one entry.
    fn entry(&self, functions: &mut Functions<'a>) -> Vec<String> {
        let (old, new) = (Both::parts(self.old), Both::parts(self.new));
        if self.old.kind != self.new.kind {
            let (was, is) = (self.old.kind.to_string(), self.new.kind.to_string());
            let difference = Difference::between(Path(vec![Segment::Kind]), Some(was), Some(is));
            let param = |(name, _, ty): &(&str, Segment, &Type)| format!("{name}: {}", functions.old_type(ty));
            let params = old.iter().map(param).collect::<Vec<_>>().join(", ");
            let function = functions.undecided("entry", &params, "()", &difference);
            let names = old.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ");
            return vec![format!("{function}({names})?;")];
        }
        let mut lines = Vec::new();
        let mut arguments = Vec::new();
        for ((name, segment, old), (_, _, new)) in old.into_iter().zip(new) {
            let way = functions.way(old, new, name, &Path(vec![segment]));
            if way != Way::Same {
                lines.push(format!("let {name}: {} = {};", functions.new_type(new), way.over(name)));
            }
            arguments.push(argument(name, new));
        }
        let function = match self.new.kind {
            Kind::Cell | Kind::Map => "set",
            Kind::Log => "append",
            Kind::Counter => "add",
        };
        lines.push(format!("new::{function}({});", arguments.join(", ")));
        lines
    }

    /// The loop over all entries of the old collection.
    fn reading(&self, entry: &[String]) -> String {
        let (before, level, after) = match self.old.kind {
            Kind::Cell => ("        if let Some(value) = old::get() {\n".to_owned(), 3, "        }\n".to_owned()),
            Kind::Counter => ("        let total = old::value();\n".to_owned(), 2, String::new()),
            Kind::Log => (
                "        let mut next = 0;\n        loop {\n            let page = old::read(next, super::PAGE);\n            \
                 let Some((last, _)) = page.last() else { break };\n            next = last + 1;\n            \
                 for (_, value) in page {\n"
                    .to_owned(),
                4,
                "            }\n        }\n".to_owned(),
            ),
            Kind::Map => {
                let key = self.old.key.as_ref().unwrap_or(&Type::Bool);
                let last = if has_list(key) { "last.clone()" } else { "*last" };
                let before = format!(
                    "        let mut page = old::scan(None, super::PAGE);\n        while let Some((last, _)) = page.last() {{\n            \
                     let last = {last};\n            for (key, value) in page {{\n"
                );
                let after = format!(
                    "            }}\n            page = old::scan_after({}, super::PAGE);\n        }}\n",
                    argument("last", key)
                );
                (before, 4, after)
            }
        };
        let indent = "    ".repeat(level);
        let entry: String = entry.iter().map(|line| format!("{indent}{line}\n")).collect();
        before + &entry + &after
    }
}

/// A variable as an argument of an imported function, which borrows what lies on the heap.
fn argument(name: &str, ty: &Type) -> String {
    if !has_list(ty) { name.to_owned() } else { borrowed(name, ty, false) }
}

/// An argument that holds something on the heap: by reference down to the first list or named type.
fn borrowed(place: &str, ty: &Type, by_reference: bool) -> String {
    let dereferenced = || if by_reference { format!("*{place}") } else { place.to_owned() };
    match ty {
        Type::String => format!("{place}.as_str()"),
        Type::List(_) => format!("{place}.as_slice()"),
        Type::Option(some) if matches!(**some, Type::String | Type::List(_)) => format!("{place}.as_deref()"),
        Type::Option(some) => match borrowed("some", some, true).as_str() {
            "*some" => dereferenced(),
            "some" => format!("{place}.as_ref()"),
            some => format!("{place}.as_ref().map(|some| {some})"),
        },
        Type::Result { ok, err } => {
            let arm = |method: &str, name: &str, arm: &Option<Box<Type>>| match arm {
                Some(ty) if names::is_named(ty) => String::new(),
                Some(ty) => format!(".{method}(|{name}| {})", borrowed(name, ty, true)),
                None => format!(".{method}(|()| ())"),
            };
            format!("{place}.as_ref(){}{}", arm("map", "ok", ok), arm("map_err", "err", err))
        }
        Type::Tuple(items) => {
            let item = |(index, ty): (usize, &Type)| borrowed(&format!("{place}.{index}"), ty, false);
            tuple(items.iter().enumerate().map(item))
        }
        ty if names::is_named(ty) => {
            if by_reference {
                place.to_owned()
            } else {
                format!("&{place}")
            }
        }
        _ => dereferenced(),
    }
}

/// Whether values of the type hold something on the heap.
fn has_list(ty: &Type) -> bool {
    matches!(ty, Type::String | Type::List(_)) || ty.parts().into_iter().any(|(_, part)| has_list(part))
}
