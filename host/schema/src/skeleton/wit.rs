//! The WIT of a migration: the new package with its world, and what the migration reads of the old one.

use std::fmt::Write;

use super::names::{self, Package, Taken, TypeNames};
use super::{Carried, Move};
use crate::ledger::Schema;
use crate::shape::table::lines;
use crate::shape::{Kind, Operation, RemoveResult};
use crate::types::Type;

/// The whole file: the first package is the one that holds the world, all others stand in braces below it.
pub(super) fn print(moves: &[Move]) -> String {
    let main = &moves[0];
    let mut out = format!("package {};\n", full(&main.package, Some(&main.version)));
    out.push_str(&interfaces(main, 0));
    out.push_str(&world(moves));
    for other in &moves[1..] {
        let _ = write!(out, "\npackage {} {{{}}}\n", full(&other.package, Some(&other.version)), interfaces(other, 1));
    }
    for (package, version, collections) in old_packages(moves) {
        let _ = write!(
            out,
            "\n// What the migration reads of it. The package as it was, in `wit/deps`, does as well.\npackage {} {{",
            full(package, version)
        );
        for (interface, schema) in collections {
            out.push_str(&interface_text(interface, schema, &reading(schema.kind), 1));
        }
        out.push_str("}\n");
    }
    out
}

fn full(package: &Package, version: Option<&str>) -> String {
    let name = format!("{}:{}", names::wit(&package.namespace), names::wit(&package.name));
    version.map_or(name.clone(), |version| format!("{name}@{version}"))
}

/// Old packages by version, with what is read of them.
type Old<'a> = (&'a Package, Option<&'a str>, Vec<(&'a str, &'a Schema)>);

fn old_packages(moves: &[Move]) -> Vec<Old<'_>> {
    let mut packages: Vec<Old<'_>> = Vec::new();
    for (package, collection) in moves.iter().flat_map(|one| one.collections.iter().map(move |c| (&one.package, c))) {
        let Some((version, schema)) = collection.carries() else { continue };
        let entry = (collection.interface.as_str(), schema);
        match packages.iter_mut().find(|(known, at, _)| *known == package && *at == version) {
            Some((_, _, collections)) => collections.push(entry),
            None => packages.push((package, version, vec![entry])),
        }
    }
    packages
}

impl Carried {
    /// Version and schema of what a migration reads, if it reads this collection.
    pub(super) fn carries(&self) -> Option<(Option<&str>, &Schema)> {
        let (version, schema) = self.old.as_ref()?;
        let (new, _) = self.new.as_ref()?;
        (schema.is_whole() && new.is_whole()).then_some((version.as_deref(), schema))
    }
}

impl Schema {
    /// Whether all types that the kind has are known; else nothing was ever written.
    fn is_whole(&self) -> bool {
        match self.kind {
            Kind::Cell | Kind::Log => self.value.is_some(),
            Kind::Map => self.key.is_some() && self.value.is_some(),
            Kind::Counter => self.signed.is_some(),
        }
    }
}

fn interfaces(one: &Move, level: usize) -> String {
    let mut out = String::new();
    let mut printed = Vec::new();
    for collection in &one.collections {
        let Some((schema, operations)) = &collection.new else { continue };
        if printed.contains(&&collection.interface) {
            continue;
        }
        printed.push(&collection.interface);
        let mut functions = operations.clone();
        functions.extend(writing(schema.kind));
        out.push_str(&interface_text(&collection.interface, schema, &functions, level));
    }
    out
}

fn world(moves: &[Move]) -> String {
    let main = &moves[0];
    let mut taken = Taken::by(main.collections.iter().map(|collection| &collection.interface));
    let mut out = format!("\nworld {} {{\n", names::wit(&taken.free(&main.package.name)));
    out.push_str("  // What the version before kept: readable only while migrating.\n");
    for one in moves {
        for collection in &one.collections {
            let Some((version, _)) = &collection.old else { continue };
            let old = import(&one.package, &collection.interface, version.as_deref());
            let _ = match (collection.carries(), &collection.new) {
                (Some(_), _) => writeln!(out, "  import {old};"),
                (None, None) => {
                    writeln!(out, "  // {old} has no successor here: import it and carry it over, or drop it by name.")
                }
                (None, Some(_)) => writeln!(out, "  // {old} holds nothing whose type is known."),
            };
        }
    }
    out.push_str("\n  // What this version keeps; add what else it imports and exports.\n");
    for (index, one) in moves.iter().enumerate() {
        let mut imported = Vec::new();
        for collection in one.collections.iter().filter(|collection| collection.new.is_some()) {
            if !imported.contains(&&collection.interface) {
                imported.push(&collection.interface);
                let name = match index {
                    0 => names::wit(&collection.interface),
                    _ => import(&one.package, &collection.interface, Some(&one.version)),
                };
                let _ = writeln!(out, "  import {name};");
            }
        }
    }
    out.push_str("  export stead:plugin/migrate@0.1.0;\n}\n");
    out
}

fn import(package: &Package, interface: &str, version: Option<&str>) -> String {
    let name = format!("{}/{}", full(package, None), names::wit(interface));
    version.map_or(name.clone(), |version| format!("{name}@{version}"))
}

/// The functions with which a migration reads a collection.
fn reading(kind: Kind) -> Vec<(String, Operation)> {
    let functions: &[(&str, Operation)] = match kind {
        Kind::Cell => &[("get", Operation::Get)],
        Kind::Map => &[("scan", Operation::Scan), ("scan-after", Operation::ScanAfter)],
        Kind::Log => &[("read", Operation::Read)],
        Kind::Counter => &[("value", Operation::Value)],
    };
    functions.iter().map(|(name, operation)| ((*name).to_owned(), *operation)).collect()
}

/// The function with which a migration writes to a collection.
fn writing(kind: Kind) -> Option<(String, Operation)> {
    let (name, operation) = match kind {
        Kind::Cell | Kind::Map => ("set", Operation::Set),
        Kind::Log => ("append", Operation::Append),
        Kind::Counter => ("add", Operation::Add),
    };
    Some((name.into(), operation))
}

/// The names of an interface's types.
pub(super) fn type_names(schema: &Schema) -> TypeNames<'_> {
    let functions = lines(schema.kind).iter().filter_map(|line| line.split_once(':')).map(|(name, _)| name);
    // `value` is also a counter's function, but a counter has no types.
    let mut names = TypeNames::beside(functions);
    schema.key.iter().for_each(|key| names.add(key, "key"));
    schema.value.iter().for_each(|value| names.add(value, "value"));
    names
}

fn interface_text(interface: &str, schema: &Schema, functions: &[(String, Operation)], level: usize) -> String {
    let types = type_names(schema);
    let indent = "  ".repeat(level);
    let mut out = format!("\n{indent}interface {} {{\n", names::wit(interface));
    for ty in &types.in_order {
        out.push_str(&declaration(ty, &types, level + 1));
        out.push('\n');
    }
    let text = |ty: &Option<Type>| ty.as_ref().map(|ty| reference(ty, &types));
    let (key, value) = (text(&schema.key), text(&schema.value));
    for line in lines(schema.kind) {
        let name = line.split_once(':').map_or("", |(name, _)| name);
        let Some((_, operation)) = functions.iter().find(|(function, _)| function == name) else { continue };
        let result = match operation {
            Operation::Remove(RemoveResult::Existed) => " -> bool",
            Operation::Remove(RemoveResult::Previous) => " -> option<V>",
            _ => "",
        };
        if let Some(line) = filled(&format!("{line}{result}"), key.as_deref(), value.as_deref(), schema.signed) {
            let _ = writeln!(out, "{indent}  {line};");
        }
    }
    let _ = writeln!(out, "{indent}}}");
    out
}

/// A line of a kind's table with its types in place; `None` if one of them is not known.
fn filled(line: &str, key: Option<&str>, value: Option<&str>, signed: Option<bool>) -> Option<String> {
    let mut out = String::new();
    for character in line.chars() {
        match character {
            'K' => out.push_str(key?),
            'T' | 'V' => out.push_str(value?),
            other => out.push(other),
        }
    }
    Some(if signed == Some(false) { out.replace("s64", "u64") } else { out })
}

fn declaration(ty: &Type, types: &TypeNames<'_>, level: usize) -> String {
    let (keyword, members): (_, Vec<String>) = match ty {
        Type::Record(fields) => {
            let field = |field: &crate::Field| format!("{}: {}", names::wit(&field.name), reference(&field.ty, types));
            ("record", fields.iter().map(field).collect())
        }
        Type::Variant(cases) => {
            let case = |case: &crate::Case| match &case.ty {
                Some(ty) => format!("{}({})", names::wit(&case.name), reference(ty, types)),
                None => names::wit(&case.name),
            };
            ("variant", cases.iter().map(case).collect())
        }
        Type::Enum(cases) => ("enum", cases.iter().map(|name| names::wit(name)).collect()),
        Type::Flags(flags) => ("flags", flags.iter().map(|name| names::wit(name)).collect()),
        _ => return String::new(),
    };
    let indent = "  ".repeat(level);
    let name = names::wit(types.of(ty).unwrap_or_default());
    let mut out = format!("{indent}{keyword} {name} {{\n");
    for member in members {
        let _ = writeln!(out, "{indent}  {member},");
    }
    let _ = writeln!(out, "{indent}}}");
    out
}

/// A type as it stands where it is used.
fn reference(ty: &Type, types: &TypeNames<'_>) -> String {
    let inner = |ty: &Type| reference(ty, types);
    match ty {
        Type::List(part) => format!("list<{}>", inner(part)),
        Type::Option(part) => format!("option<{}>", inner(part)),
        Type::Result { ok: None, err: None } => "result".into(),
        Type::Result { ok: Some(ok), err: None } => format!("result<{}>", inner(ok)),
        Type::Result { ok, err } => {
            let arm = |arm: &Option<Box<Type>>| arm.as_ref().map_or("_".to_owned(), |ty| inner(ty));
            format!("result<{}, {}>", arm(ok), arm(err))
        }
        Type::Tuple(items) => format!("tuple<{}>", items.iter().map(inner).collect::<Vec<_>>().join(", ")),
        ty => types.of(ty).map_or_else(|| ty.to_string(), names::wit),
    }
}
