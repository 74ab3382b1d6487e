//! Makes a state of a tree that is there already: of an imported one, or of what a view shows.

use std::sync::Arc;

use super::parts::Incoming;
use crate::error::{CommitError, StoreError};
use crate::pack::{PACK_DIR, PackId, PackWriter, Packs};
use crate::store::base::Base;
use crate::store::core::Core;
use crate::store::{Change, CommitNumber, Durability, StateId, Ticket, View};
use crate::tree::Tree;

/// The tree that a [`Change::Adopt`] makes a state of. Only the store makes one: its nodes are durable, and while it
/// lives they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    pub(crate) base: Arc<Base>,
    /// Packs that no record names yet.
    pub(crate) packs: Vec<PackId>,
}

/// A view as a new state. What no checkpoint wrote yet goes into a pack of its own.
pub(super) fn adopt_view(
    core: &Arc<Core>,
    state: StateId,
    view: &View,
    also: Vec<Change>,
) -> Result<CommitNumber, StoreError> {
    assert!(Arc::ptr_eq(view.packs(), &core.packs), "a view of another store");
    check_is_new(core, state)?;
    // What the view stands on stays while it lives. Nothing else is relied on, so no collection is in the way.
    let mut writer = PackWriter::new(&Packs::new(core.disk.clone(), 0));
    let tree = view.whole_tree(&mut writer)?;
    let written = writer.finish().map_err(|source| StoreError::from_io(PACK_DIR, source))?;
    let accepted = commit(core, state, tree, written.into_iter().collect(), also).inspect_err(|_| {
        // Nothing names this pack; should it survive this, the next open removes it.
        let _ = written.map(|pack| core.disk.remove(&pack.path()));
    })?;
    Ok(accepted.wait()?)
}

/// An import that is complete as a new state.
pub(super) fn adopt_import(
    core: &Arc<Core>,
    state: StateId,
    tree: Tree,
    incoming: Incoming<'_>,
    also: Vec<Change>,
) -> Result<CommitNumber, StoreError> {
    let number = commit(core, state, tree, incoming.finished(), also)?.wait()?;
    incoming.adopted();
    Ok(number)
}

/// Refuses a state that exists before anything is written for it.
pub(super) fn check_is_new(core: &Core, state: StateId) -> Result<(), CommitError> {
    core.front().states.check(&[Change::Create { state }])
}

fn commit(
    core: &Arc<Core>,
    state: StateId,
    tree: Tree,
    packs: Vec<PackId>,
    also: Vec<Change>,
) -> Result<Ticket, StoreError> {
    let forget = || packs.iter().for_each(|pack| core.packs.forget(*pack));
    for pack in &packs {
        core.packs.add_unnamed(*pack).inspect_err(|_| forget())?;
    }
    let base = {
        let mut front = core.front();
        let last = front.accepted;
        front.states.base(tree, last)
    };
    let adopted = Adopted { base, packs: packs.clone() };
    let changes = std::iter::once(Change::Adopt { state, adopted }).chain(also).collect();
    Ok(core.commit(changes, Durability::Synced).inspect_err(|_| forget())?)
}
