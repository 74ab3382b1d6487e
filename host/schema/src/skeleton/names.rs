//! Names in WIT and in the Rust that wit-bindgen makes of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::types::Type;

/// The longest invented name: deeper places are named by their last step.
const NAME_CHARS_MAX: usize = 48;

/// A package's namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Package {
    pub(super) namespace: String,
    pub(super) name: String,
}

/// Package and interface in `acme:tally/ballots`; `None` for an inline interface, and for what no component names so.
pub(super) fn label_path(name: &str) -> Option<(Package, String)> {
    let (package, interface) = name.split_once('/')?;
    let (namespace, name) = package.split_once(':')?;
    let labels = [namespace, name, interface].into_iter().all(is_label);
    labels.then(|| (Package { namespace: namespace.into(), name: name.into() }, interface.into()))
}

/// Whether this is a label as WIT has them: words of letters and digits with dashes between.
fn is_label(name: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.split('-').all(is_word)
}

const WIT_KEYWORDS: [&str; 41] = [
    "as",
    "async",
    "bool",
    "borrow",
    "char",
    "constructor",
    "enum",
    "error-context",
    "export",
    "f32",
    "f64",
    "flags",
    "from",
    "func",
    "future",
    "import",
    "include",
    "interface",
    "list",
    "map",
    "option",
    "own",
    "package",
    "record",
    "resource",
    "result",
    "s16",
    "s32",
    "s64",
    "s8",
    "static",
    "stream",
    "string",
    "tuple",
    "type",
    "u16",
    "u32",
    "u64",
    "u8",
    "use",
    "variant",
];

/// A name as it stands in WIT: `%` before what is a keyword otherwise.
pub(super) fn wit(name: &str) -> String {
    match WIT_KEYWORDS.contains(&name) || ["with", "world"].contains(&name) {
        true => format!("%{name}"),
        false => name.into(),
    }
}

const RUST_KEYWORDS: &str = "as break const continue crate else enum extern false fn for if impl in let loop match mod move mut \
    pub ref return self static struct super trait true type unsafe use where while async await dyn abstract become box do \
    final macro override priv typeof unsized virtual yield try";

/// A field, function, interface or namespace in Rust.
pub(super) fn snake(name: &str) -> String {
    match RUST_KEYWORDS.split(' ').any(|keyword| keyword == name) {
        true => format!("{name}_"),
        false => name.to_ascii_lowercase().replace('-', "_"),
    }
}

/// A flag in Rust.
pub(super) fn shouty(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

/// A type or case in Rust.
pub(super) fn camel(name: &str) -> String {
    let capitalised = |word: &str| {
        let mut characters = word.chars();
        let first: String = characters.next().map(|first| first.to_ascii_uppercase()).into_iter().collect();
        first + &characters.as_str().to_ascii_lowercase()
    };
    name.split('-').map(capitalised).collect()
}

/// The module of a package that stands in more than one version: `tally1_0_0`.
pub(super) fn module(package: &Package, version: Option<&str>) -> String {
    let version = version.unwrap_or_default().replace(['.', '-', '+'], "_").to_ascii_lowercase();
    snake(&package.name) + &version
}

/// Names that are given once each.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken(BTreeSet<String>);

impl Taken {
    pub(super) fn by(names: impl IntoIterator<Item = impl Into<String>>) -> Taken {
        Taken(names.into_iter().map(Into::into).collect())
    }

    /// The name of something inside what is named `outer`; with a number if it is taken.
    pub(super) fn inside(&mut self, outer: &str, step: &str) -> String {
        let step: String = step.chars().take(NAME_CHARS_MAX).collect();
        let step = step.trim_end_matches('-');
        let name = match outer.len() + step.len() {
            0..NAME_CHARS_MAX => format!("{outer}-{step}"),
            _ => format!("{}-{step}", outer.split('-').next().unwrap_or_default()),
        };
        self.free(&name)
    }

    /// This name, or the first one of it with a number that is not taken.
    pub(super) fn free(&mut self, name: &str) -> String {
        let numbered = (2..).map(|number| format!("{name}{number}"));
        let free =
            [name.to_owned()].into_iter().chain(numbered).find(|name| !self.0.contains(&name.to_ascii_lowercase()));
        let free = free.expect("there is always another number");
        self.0.insert(free.to_ascii_lowercase());
        free
    }
}

/// The names of all records, variants, enums and flags of one interface. Equal types share a name.
#[derive(Clone, Debug)]
pub(super) struct TypeNames<'a> {
    names: BTreeMap<&'a Type, String>,
    /// The types that have names, each after those inside it.
    pub(super) in_order: Vec<&'a Type>,
    taken: Taken,
}

impl<'a> TypeNames<'a> {
    /// No name is that of a function of the interface: they share one space.
    pub(super) fn beside(functions: impl IntoIterator<Item = impl Into<String>>) -> TypeNames<'a> {
        TypeNames { names: BTreeMap::new(), in_order: Vec::new(), taken: Taken::by(functions) }
    }

    /// Names a type at a place, and those inside it.
    pub(super) fn add(&mut self, ty: &'a Type, place: &str) {
        if !is_named(ty) {
            return self.add_parts(ty, place);
        }
        if !self.names.contains_key(ty) {
            let name = self.taken.free(place);
            self.add_parts(ty, &name);
            self.names.insert(ty, name);
            self.in_order.push(ty);
        }
    }

    fn add_parts(&mut self, ty: &'a Type, place: &str) {
        let inside = |step: &str| Taken::default().inside(place, step);
        match ty {
            Type::List(part) | Type::Option(part) => self.add(part, place),
            Type::Result { ok, err } => {
                ok.iter().for_each(|ok| self.add(ok, &inside("ok")));
                err.iter().for_each(|err| self.add(err, &inside("err")));
            }
            Type::Tuple(items) => {
                items.iter().enumerate().for_each(|(index, item)| self.add(item, &inside(&format!("item{index}"))));
            }
            Type::Record(fields) => fields.iter().for_each(|field| self.add(&field.ty, &inside(&field.name))),
            Type::Variant(cases) => {
                for case in cases {
                    case.ty.iter().for_each(|ty| self.add(ty, &inside(&case.name)));
                }
            }
            _ => {}
        }
    }

    /// The name of a record, variant, enum or flags; `None` for a type that WIT writes out.
    pub(super) fn of(&self, ty: &Type) -> Option<&str> {
        if is_named(ty) { self.names.get(ty).map(String::as_str) } else { None }
    }
}

/// Whether WIT writes the type by a name.
pub(super) fn is_named(ty: &Type) -> bool {
    matches!(ty, Type::Record(_) | Type::Variant(_) | Type::Enum(_) | Type::Flags(_))
}

/// Whether some type in it has a name.
pub(super) fn has_named(ty: &Type) -> bool {
    is_named(ty) || ty.parts().into_iter().any(|(_, part)| has_named(part))
}
