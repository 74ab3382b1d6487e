//! What an author has to write when a new version cannot read the old state: the WIT and the Rust of the migration that is
//! missing, as a start.
//!
//! The shapes that the new version declares go to the next track of their package. Its world imports the old interfaces beside
//! them and exports `stead:plugin/migrate`. The Rust text reads every old collection page by page and writes it to the new one,
//! field by field. Where the types do not say what becomes of a value it has a function of its own that does not compile until a
//! person writes it.
//!
//! Types have no names in a [`Schema`]; both texts name them after their place: `value`, `value-choice`.

mod names;
mod rust;
mod way;
mod wit;

use std::collections::BTreeMap;

use crate::admit::Declared;
use crate::identity::{Identity, Track};
use crate::ledger::Schema;
use crate::shape::{Kind, Operation};
use crate::verdict::{Verdict, compare};

use names::{Package, label_path};

/// The migration that is missing, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skeleton {
    /// The package of the new version, with the world and what it imports, as one WIT file. `stead:plugin` is not in it: it
    /// stands in `wit/deps`.
    pub wit: String,
    /// The module that exports `stead:plugin/migrate`, as Rust over the bindings of that world.
    pub rust: String,
}

/// The migration that leads from the old collections of a state to those that a new version declares.
///
/// `old` is what the state or the old version has: identity and newest schema of each collection. `new` is what the new version
/// declares, be it on the same track in another shape or already on a later track. `None` if nothing needs a migration:
/// every collection can be read as it is, or belongs to an inline interface, which has no tracks.
pub fn skeleton(old: &[(Identity, Schema)], new: &[Declared]) -> Option<Skeleton> {
    let mut packages: BTreeMap<Package, Side<'_>> = BTreeMap::new();
    for (identity, schema) in old {
        if let Some((package, interface)) = label_path(identity.name()) {
            packages.entry(package).or_default().old.push((interface, identity, schema));
        }
    }
    for declared in new {
        if let Some((package, interface)) = label_path(declared.identity.name()) {
            packages.entry(package).or_default().new.push((interface, declared));
        }
    }
    let moves: Vec<Move> = packages.into_iter().filter_map(|(package, side)| side.moved(package)).collect();
    match moves.as_slice() {
        [] => None,
        moves => Some(Skeleton { wit: wit::print(moves), rust: rust::print(moves) }),
    }
}

/// What a package has before and after, as far as it is known.
#[derive(Default)]
struct Side<'a> {
    old: Vec<(String, &'a Identity, &'a Schema)>,
    new: Vec<(String, &'a Declared)>,
}

/// A package that goes to a later track.
struct Move {
    package: Package,
    /// The version that it goes to.
    version: String,
    collections: Vec<Carried>,
}

/// A collection of a package that goes to a later track.
struct Carried {
    /// Its interface's name without package and version.
    interface: String,
    /// Version and schema on the old track, if it had one.
    old: Option<(Option<String>, Schema)>,
    /// Schema and the functions that the new version uses, if it declares the collection.
    new: Option<(Schema, Vec<(String, Operation)>)>,
}

impl Side<'_> {
    /// The move that this package has to make, if it has to make one.
    fn moved(&self, package: Package) -> Option<Move> {
        let newest = self.old.iter().map(|(_, identity, _)| identity.track()).max()?;
        let live = || self.new.iter().filter(|(_, declared)| !declared.old);
        let later =
            live().filter(|(_, declared)| declared.identity.track() > newest).max_by_key(|(_, d)| d.identity.track());
        let clashes = |(_, declared): &&(String, &Declared)| {
            let same = self.old.iter().find(|(_, identity, _)| **identity == declared.identity);
            same.is_some_and(|(_, _, schema)| {
                compare(schema, &declared.schema_beside(schema)).verdict == Verdict::Incompatible
            })
        };
        let version = match later {
            Some((_, declared)) => version_of(&declared.interface).unwrap_or_else(|| next_version(newest)),
            None => live().find(clashes).map(|_| next_version(newest))?,
        };
        let mut collections: Vec<Carried> = self
            .old
            .iter()
            .map(|(interface, identity, schema)| {
                let imported = self.new.iter().find(|(_, declared)| declared.old && declared.identity == **identity);
                let imported = imported.and_then(|(_, declared)| version_of(&declared.interface));
                let new = live().find(|(name, _)| name == interface).map(|(_, declared)| declared.shown_beside(schema));
                let old = Some((imported.or_else(|| first_version(identity.track())), (*schema).clone()));
                Carried { interface: interface.clone(), old, new }
            })
            .collect();
        for (interface, declared) in live() {
            if self.old.iter().all(|(name, ..)| name != interface) {
                let schema = Schema::of(&declared.shape, declared.shape.kind.unwrap_or(Kind::Map));
                collections.push(Carried {
                    interface: interface.clone(),
                    old: None,
                    new: Some((schema, declared.shape.operations.clone())),
                });
            }
        }
        Some(Move { package, version, collections })
    }
}

impl Declared {
    /// The schema that the new version shows, its undecided kind taken from the old one.
    fn schema_beside(&self, old: &Schema) -> Schema {
        Schema::of(&self.shape, self.shape.kind.unwrap_or(old.kind))
    }

    /// Schema and functions, with the holes of the same kind filled from the old schema.
    fn shown_beside(&self, old: &Schema) -> (Schema, Vec<(String, Operation)>) {
        let shown = self.schema_beside(old);
        let schema = if shown.kind == old.kind { shown.filled_from(old) } else { shown };
        (schema, self.shape.operations.clone())
    }
}

/// The version in the full name of an import.
fn version_of(interface: &str) -> Option<String> {
    let version = interface.split_once('@')?.1;
    semver::Version::parse(version).is_ok().then(|| version.to_owned())
}

/// The first version of a track.
fn first_version(track: Track) -> Option<String> {
    match track {
        Track::Unversioned => None,
        Track::Minor(minor) => Some(format!("0.{minor}.0")),
        Track::Major(major) => Some(format!("{major}.0.0")),
    }
}

/// The first version of the track after this one.
pub(crate) fn next_version(track: Track) -> String {
    match track {
        Track::Unversioned => "1.0.0".into(),
        Track::Minor(minor) => format!("0.{}.0", minor.saturating_add(1)),
        Track::Major(major) => format!("{}.0.0", major.saturating_add(1)),
    }
}
