//! What is converted, by which function, from which types to which.

use bytes::Bytes;
use stead_schema::{Binding, Conversion, Kind, Type, layout};
use stead_store::ComponentHash;

use crate::engine::{Linked, Program};
use crate::handoff::plan::Plan;

/// All collections that are converted entry by entry.
#[derive(Clone)]
pub(in crate::handoff) struct Job {
    pub(super) linked: Linked,
    pub(super) steps: Vec<Step>,
}

/// One of them.
#[derive(Clone)]
pub(super) struct Step {
    /// The function's place among the exports, and its name.
    pub(super) export: usize,
    pub(super) function: String,
    pub(super) takes_key: bool,
    pub(super) kind: Kind,
    pub(super) key: Option<Type>,
    pub(super) from: Side,
    pub(super) to: Side,
    /// By schema number, how a stored value becomes one that the function takes.
    pub(super) conversions: Vec<Option<Conversion>>,
    /// The schema number under which the new values are stored.
    pub(super) schema: u32,
}

/// A collection as it was or will be.
#[derive(Clone)]
pub(super) struct Side {
    pub(super) identity: String,
    pub(super) number: u32,
    /// The type of its values; of a counter, of its sum.
    pub(super) value: Type,
}

impl Job {
    /// None if nothing is converted so.
    pub(in crate::handoff) fn of(program: &Program, plan: &Plan) -> Option<Job> {
        let bindings = &plan.admitted.bindings;
        let step = |upgraded: &stead_schema::Upgraded| {
            let bound = |identity| bindings.iter().find(|binding| &binding.identity == identity);
            let (from, to) = (bound(&upgraded.from)?, bound(&upgraded.to)?);
            let upgrade = program.upgrades().get(upgraded.upgrade)?;
            Some(Step {
                export: program.upgrade_export(upgraded.upgrade)?,
                function: upgrade.path.clone(),
                takes_key: upgrade.takes_key,
                kind: from.kind,
                key: from.key.clone(),
                from: Side::of(from, &upgrade.old),
                to: Side::of(to, &upgrade.new),
                conversions: from.conversions.clone(),
                schema: to.schema,
            })
        };
        let steps: Vec<Step> = plan.admitted.upgraded.iter().filter_map(step).collect();
        (!steps.is_empty()).then(|| Job { linked: plan.linked.clone(), steps })
    }

    /// The component whose functions these are.
    pub(super) fn component(&self) -> ComponentHash {
        ComponentHash(*self.linked.program().hash().as_bytes())
    }

    /// The step for a key of the state, by the collection that it lies in.
    pub(super) fn step(&self, key: &[u8]) -> Option<usize> {
        let (number, _) = layout::entry_number(key)?;
        self.steps.iter().position(|step| step.from.number == number)
    }

    /// The collection that a key lies in, if it is filled by what is converted.
    pub(super) fn filled(&self, key: &[u8]) -> Option<&str> {
        let (number, _) = layout::entry_number(key)?;
        let step = self.steps.iter().find(|step| step.to.number == number)?;
        Some(&step.to.identity)
    }
}

impl Side {
    fn of(binding: &Binding, value: &Type) -> Side {
        Side { identity: binding.identity.to_string(), number: binding.number, value: value.clone() }
    }
}

impl Step {
    /// The key of what an entry becomes: a collection keeps its keys.
    pub(super) fn key_of(&self, key: &[u8]) -> Bytes {
        let own = layout::entry_number(key).map_or(&[][..], |(_, own)| own);
        layout::map_key(self.to.number, own).into()
    }

    /// Whether a key holds the bounds of a log, which are no entry.
    pub(super) fn is_bounds(&self, key: &[u8]) -> bool {
        self.kind == Kind::Log && layout::log_index(key).is_none()
    }
}
