//! Whether a commit can be applied: its changes are tried in order, on what the changes before them would have made.

use crate::error::CommitError;
use crate::store::snapshots::SnapshotTrial;
use crate::store::state::States;
use crate::store::{Change, StateId, WriterEpoch};

impl States {
    /// Checks that every change of a commit can be applied, in order. Applying it afterwards cannot fail.
    pub(crate) fn check(&self, changes: &[Change]) -> Result<(), CommitError> {
        let mut trial = Trial::default();
        let mut snapshots = SnapshotTrial::default();
        for change in changes {
            match change {
                Change::Create { state } | Change::Adopt { state, .. } => trial.make(self, *state)?,
                Change::Fork { from, to } => {
                    trial.epoch(self, *from)?;
                    trial.make(self, *to)?;
                }
                Change::Write { state, epoch, .. } | Change::Clear { state, epoch, .. } => {
                    let current = trial.epoch(self, *state)?;
                    snapshots.check_is_none(self, *state)?;
                    if current != *epoch {
                        return Err(CommitError::Fenced { state: *state, given: *epoch, current });
                    }
                }
                Change::Fence { state, epoch } => {
                    let current = trial.epoch(self, *state)?;
                    snapshots.check_is_none(self, *state)?;
                    if *epoch <= current {
                        return Err(CommitError::Fenced { state: *state, given: *epoch, current });
                    }
                    trial.0.push((*state, Some(*epoch)));
                }
                Change::Remove { state } => {
                    trial.epoch(self, *state)?;
                    trial.0.push((*state, None));
                    snapshots.removed.push(*state);
                }
                Change::Snapshot { state, to, name } => {
                    trial.epoch(self, *state)?;
                    trial.make(self, *to)?;
                    snapshots.take(self, *state, *to, name)?;
                }
            }
        }
        Ok(())
    }
}

/// Change by change, what a commit has done so far to the states that it names.
#[derive(Default)]
struct Trial(Vec<(StateId, Option<WriterEpoch>)>);

impl Trial {
    fn epoch(&self, states: &States, id: StateId) -> Result<WriterEpoch, CommitError> {
        let epoch = match self.0.iter().rev().find(|(state, _)| *state == id) {
            Some((_, epoch)) => *epoch,
            None => states.get(id).map(|state| state.epoch),
        };
        epoch.ok_or(CommitError::UnknownState { state: id })
    }

    fn make(&mut self, states: &States, id: StateId) -> Result<(), CommitError> {
        let named = self.0.iter().any(|(state, _)| *state == id);
        let removed = states.removed.iter().any(|(_, state, _)| *state == id);
        if named || removed || states.get(id).is_some() || states.snapshots.has(id) {
            return Err(CommitError::StateExists { state: id });
        }
        self.0.push((id, Some(WriterEpoch::FIRST)));
        Ok(())
    }
}
