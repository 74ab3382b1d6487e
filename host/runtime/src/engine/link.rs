//! Interfaces that a component imports from another plugin.
//!
//! Whether an import is one is the operator's word alone (`--link`); what it takes is read from the component, and what
//! there is from the other plugin's exports. Both are compared by structure: names and types of functions, parameters and
//! results. Values cross a link as they are; nothing else does.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use stead_schema::Identity;
use wasmtime::component::Linker;
use wasmtime::component::types::{ComponentInstance, ComponentItem};

use super::instance::Context;
use super::program::{Export, Signature};
use super::refusal::ComponentError;
use super::{Engine, reflect};

/// An interface that is imported from another plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    /// Name of the import: the interface, or a label.
    pub(crate) import: String,
    /// The interface: `acme:ledger/api@1.0.0`.
    pub(crate) interface: String,
    /// The plugin that is called.
    pub(crate) callee: String,
    /// The functions that the component uses.
    pub(crate) functions: Vec<(String, Signature)>,
}

/// A link as an operator says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LinkTo {
    /// The imported interface: `acme:ledger/api@1.0.0`, or its track, `acme:ledger/api@1`.
    pub interface: String,
    /// The plugin that exports it.
    pub plugin: String,
}

impl LinkTo {
    /// Whether an import is meant: by its name, or by its track.
    pub(crate) fn means(&self, import: &str) -> bool {
        let track = |name: &str| Identity::parse(name).ok();
        self.interface == import || (track(import).is_some() && track(&self.interface) == track(import))
    }
}

/// A function that a link needs and that its callee does not have so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    pub(crate) function: String,
    /// What is wrong, as the end of a sentence about it.
    pub(crate) what: String,
}

impl Link {
    /// Reads what a component imports under a name.
    pub(super) fn read(
        engine: &Engine,
        import: &str,
        implements: Option<&str>,
        callee: &str,
        instance: &ComponentInstance,
    ) -> Result<Link, ComponentError> {
        let refused = |function: &str, what: String| ComponentError::LinkedFunction {
            import: import.to_owned(),
            function: function.to_owned(),
            what,
        };
        let mut functions = Vec::new();
        for (name, item) in instance.exports(engine.wasmtime()) {
            match item.ty {
                ComponentItem::ComponentFunc(function) if function.async_() => {
                    return Err(refused(name, "is async".into()));
                }
                ComponentItem::ComponentFunc(function) => {
                    let signature = reflect::signature(&function).map_err(|(parameter, foreign)| {
                        refused(name, format!("has in {parameter}, {foreign}, which is no value"))
                    })?;
                    functions.push((name.to_owned(), signature));
                }
                ComponentItem::Resource(_) => return Err(refused(name, "is a resource".into())),
                _ => {}
            }
        }
        let interface = implements.unwrap_or(import).to_owned();
        Ok(Link { import: import.to_owned(), interface, callee: callee.to_owned(), functions })
    }

    /// The link as an operator says it.
    pub(crate) fn to(&self) -> LinkTo {
        LinkTo { interface: self.import.clone(), plugin: self.callee.clone() }
    }

    /// The place among a program's exports of a function that the link needs.
    pub(crate) fn resolve(&self, function: &str, exports: &[Export]) -> Option<usize> {
        let named = |export: &Export, fits: &dyn Fn(&str) -> bool| {
            export.function == function && export.interface.as_deref().is_some_and(fits)
        };
        let exact = exports.iter().position(|export| named(export, &|interface| interface == self.interface));
        let track = Identity::parse(&self.interface).ok()?;
        exact.or_else(|| {
            exports.iter().position(|export| {
                named(export, &|interface| Identity::parse(interface).is_ok_and(|other| other == track))
            })
        })
    }

    /// What a program lacks to be called through the link.
    pub(crate) fn misfits(&self, exports: &[Export]) -> Vec<Misfit> {
        let misfit = |(function, needed): &(String, Signature)| {
            let what = match self.resolve(function, exports).map(|place| &exports[place].signature) {
                None => "is not exported".to_owned(),
                Some(Ok(there)) if there == needed => return None,
                Some(Ok(there)) => format!("is `{there}`, not `{needed}`"),
                Some(Err(what)) => format!("cannot be called through a link: {what}"),
            };
            Some(Misfit { function: format!("{}#{function}", self.interface), what })
        };
        self.functions.iter().filter_map(misfit).collect()
    }
}

/// Which export of which component a function was found to be; looked up again when the callee has another component.
pub(super) type Found = Mutex<Option<(blake3::Hash, usize)>>;

/// Defines the functions of a link: each enters the callee within the call that runs.
pub(super) fn define(linker: &mut Linker<Context>, link: &Link) -> wasmtime::Result<()> {
    let mut instance = linker.instance(&link.import)?;
    let shared = Arc::new(link.clone());
    for (place, (name, _)) in link.functions.iter().enumerate() {
        let (link, found) = (Arc::clone(&shared), Arc::new(Found::default()));
        instance.func_new_async(name, move |mut store, _, params, results| {
            let (link, found) = (Arc::clone(&link), Arc::clone(&found));
            Box::new(async move {
                let (scope, mode, deadline) = store.data_mut().leave(&link)?;
                let (scope, ended) = scope.enter(&link, place, &found, params, results, mode, deadline).await;
                store.data_mut().come_back(scope);
                Ok(ended?)
            })
        })?;
    }
    Ok(())
}
