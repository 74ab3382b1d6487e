//! A program joined to one plugin's collections, links and grants.

use std::sync::Arc;

use stead_schema::Binding;
use wasmtime::component::{InstancePre, Linker};

use super::bind;
use super::collection::{Collection, Touched};
use super::fixed::{self, Fixed};
use super::instance::Context;
use super::program::Program;
use super::refusal::ComponentError;
use super::settings::Settings;
use super::wasi::Grants;
use super::{keyvalue, link, logging, settings};
use crate::limits::Limits;

/// A program joined to one plugin's collections and grants: instances are made of it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Linked {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) program: Program,
    pub(super) plugin: Arc<str>,
    pub(super) pre: InstancePre<Context>,
    /// One for each binding, with nothing counted.
    pub(super) untouched: Vec<Touched>,
    pub(super) grants: Grants,
    pub(super) settings: Arc<Settings>,
    pub(super) limits: Arc<Limits>,
    /// Time and chance that are given, in a rehearsal.
    pub(super) fixed: Option<Fixed>,
}

impl Program {
    /// Joins the program to a plugin's collections and grants. There must be a binding for each declared collection.
    pub(crate) fn link(
        &self,
        plugin: &str,
        bindings: &[Binding],
        grants: &Grants,
        settings: &Settings,
        limits: &Limits,
    ) -> Result<Linked, ComponentError> {
        let unlinkable = |error: wasmtime::Error| ComponentError::Unlinkable { what: format!("{error:#}") };
        let mut linker = self.engine().wasi_linker();
        let mut untouched = Vec::with_capacity(self.declared().len());
        for (slot, declared) in self.declared().iter().enumerate() {
            let binding = bindings
                .iter()
                .find(|binding| binding.interface == declared.interface)
                .ok_or_else(|| ComponentError::Unbound { import: declared.interface.clone() })?;
            let collection = Arc::new(Collection::new(slot, binding));
            untouched.push(Touched { number: binding.number, ..Touched::default() });
            if keyvalue::is(declared) {
                keyvalue::define(&mut linker, self, &collection).map_err(unlinkable)?;
                continue;
            }
            let mut instance = linker.instance(&declared.interface).map_err(unlinkable)?;
            for (name, operation) in &declared.shape.operations {
                bind::define(&mut instance, name, *operation, &collection).map_err(unlinkable)?;
            }
        }
        for to in self.links() {
            link::define(&mut linker, to).map_err(unlinkable)?;
        }
        let pre = linker.instantiate_pre(self.component()).map_err(unlinkable)?;
        let mut limits = limits.clone();
        limits.memory_bytes_max = limits.memory_bytes_max.min(self.engine().limits().memory_bytes_max);
        let shared = Shared {
            program: self.clone(),
            plugin: plugin.into(),
            pre,
            untouched,
            grants: grants.clone(),
            settings: Arc::new(settings.clone()),
            limits: Arc::new(limits),
            fixed: None,
        };
        Ok(Linked { shared: Arc::new(shared) })
    }
}

impl Linked {
    /// The program.
    pub(crate) fn program(&self) -> &Program {
        &self.shared.program
    }

    /// The same to be tried out: no effect leaves the host, and time and chance are given. What it logs says so.
    pub(crate) fn rehearsing(&self, fixed: &Fixed) -> Linked {
        let shared = self.shared();
        let shared = Shared {
            program: shared.program.clone(),
            plugin: format!("{} (rehearsal)", shared.plugin).into(),
            pre: shared.pre.clone(),
            untouched: shared.untouched.clone(),
            grants: shared.grants.without_effects(),
            settings: shared.settings.clone(),
            limits: shared.limits.clone(),
            fixed: Some(fixed.clone()),
        };
        Linked { shared: Arc::new(shared) }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }
}

/// A linker with WASI in it, and the standard interfaces beside it that need no collection.
pub(super) fn wasi_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Context>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    fixed::define(&mut linker)?;
    settings::define(&mut linker)?;
    logging::define(&mut linker)?;
    Ok(linker)
}
