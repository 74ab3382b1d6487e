//! Which imports are old: on another track than the one that the component keeps, to migrate from.
//!
//! ```text
//! exports        an import is old if the component has, of the same package,
//! migrate        an import or an export on a higher track
//! migrate-back   an import on a lower track
//! both           imports on several tracks, and keeps another: the highest that it imports and exports
//! ```
//!
//! Functions that convert entries count as `migrate` does. Exports do not count for the way down: a version may export the
//! interfaces of earlier tracks for callers that still use them, and keeps its state on its own.

use stead_schema::{Declared, Identity, Track};
use wasmtime::component::Component;

use super::program::Program;
use super::refusal::ComponentError;
use super::{Engine, keyvalue};

/// Which migrations a component brings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    /// From older tracks.
    pub(super) up: bool,
    /// From newer tracks.
    pub(super) down: bool,
}

/// Which way a migration leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// `migrate`: from an older track.
    Up,
    /// `migrate-back`: from a newer track.
    Down,
}

impl Program {
    /// The migration that carries an old collection over, by its place among the exports, and which way it leads.
    pub(crate) fn migration_of(&self, old: &Identity) -> Option<(Way, usize)> {
        let own = |declared: &&Declared| !declared.old && declared.identity.package() == old.package();
        let is_newer = self.declared().iter().filter(own).any(|own| own.identity.is_older_than(old));
        let is_older = self.declared().iter().filter(own).any(|own| old.is_older_than(&own.identity));
        match (self.migrate(), self.migrate_back()) {
            (Some(_), Some(back)) if is_newer => Some((Way::Down, back)),
            (Some(migrate), _) => Some((Way::Up, migrate)),
            // What is older, and is old for the sake of functions for entries, is theirs to convert.
            (None, back) => back.filter(|_| !is_older).map(|back| (Way::Down, back)),
        }
    }
}

/// Marks the imports that are old.
pub(super) fn mark(
    engine: &Engine,
    component: &Component,
    declared: &mut [Declared],
    ways: Ways,
) -> Result<(), ComponentError> {
    let ty = component.component_type();
    let identities = |names: Vec<&str>| -> Vec<Identity> {
        names.into_iter().filter_map(|name| Identity::parse(name).ok()).collect()
    };
    let imports = identities(ty.imports(engine.wasmtime()).map(|(name, _)| name).collect());
    let exports = identities(ty.exports(engine.wasmtime()).map(|(name, _)| name).collect());
    // The standard interfaces have versions of their own, and one store beneath them.
    for collection in declared.iter_mut().filter(|collection| !keyvalue::is(collection)) {
        let identity = &collection.identity;
        collection.old = match ways {
            Ways { up: false, down: false } => false,
            Ways { up: true, down: false } => imports.iter().chain(&exports).any(|other| identity.is_older_than(other)),
            Ways { up: false, down: true } => imports.iter().any(|other| other.is_older_than(identity)),
            Ways { up: true, down: true } => own_track(identity, &imports, &exports)? != identity.track(),
        };
    }
    Ok(())
}

/// The track of a collection's package that a component with both ways keeps.
fn own_track(of: &Identity, imports: &[Identity], exports: &[Identity]) -> Result<Track, ComponentError> {
    let Some(package) = of.package() else { return Ok(of.track()) };
    let tracks = |of: &[Identity]| -> Vec<Track> {
        of.iter().filter(|identity| identity.package() == Some(package)).map(Identity::track).collect()
    };
    let (imported, exported) = (tracks(imports), tracks(exports));
    if imported.iter().all(|track| *track == of.track()) {
        // One track alone is the way up's to judge: what is exported on a higher one has left it behind.
        return Ok(exported.iter().copied().max().unwrap_or(of.track()).max(of.track()));
    }
    let own = imported.iter().copied().filter(|track| exported.contains(track)).max();
    own.ok_or_else(|| ComponentError::BothWays { package: package.to_owned() })
}
