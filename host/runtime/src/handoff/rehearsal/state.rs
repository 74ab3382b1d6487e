//! What both versions left behind, in typed values.

use std::sync::Arc;

use stead_store::View;

use super::cut;
use super::report::{CollectionRehearsal, EntryRehearsal, StateRehearsal};
use crate::door::{Apart, DiffLine, FileError};
use crate::error::{HostError, StateError};
use crate::limits::REHEARSAL_ENTRIES_MAX;
use crate::plugin::Plugin;

/// Compares the incumbent's state with the successor's, in the collections that both have. What both share is not read.
pub(super) fn compare(plugin: &Arc<Plugin>, incumbent: View, successor: View) -> Result<StateRehearsal, HostError> {
    let Apart { common, only } = Apart::of(plugin, [incumbent, successor]).map_err(|error| match error {
        StateError::Host(error) => error,
        error => HostError::Catalog { what: error.to_string() },
    })?;
    let [only_incumbent, only_successor] = only.map(|only| only.iter().map(ToString::to_string).collect());
    let mut found = StateRehearsal { only_incumbent, only_successor, ..StateRehearsal::default() };
    let ran = common.run(&mut |line| {
        found.take(line);
        Ok(())
    });
    match ran {
        Ok(_) => Ok(found),
        Err(FileError::Host(error)) => Err(error),
        Err(error) => Err(HostError::Catalog { what: error.to_string() }),
    }
}

impl StateRehearsal {
    fn take(&mut self, line: DiffLine) {
        if line.differs.is_some() {
            // How the types differ the verdicts say.
            return;
        }
        if self.collections.last().is_none_or(|last| last.identity != line.collection) {
            let identity = line.collection.clone();
            self.collections.push(CollectionRehearsal { identity, ..CollectionRehearsal::default() });
        }
        let Some(last) = self.collections.last_mut() else { return };
        let counted = match (&line.was_wave, &line.is_wave) {
            (None, _) => &mut last.added,
            (_, None) => &mut last.removed,
            _ => &mut last.changed,
        };
        *counted += 1;
        if last.first.len() < REHEARSAL_ENTRIES_MAX {
            let (key, was, is) = (line.key_wave.map(cut), line.was_wave.map(cut), line.is_wave.map(cut));
            last.first.push(EntryRehearsal { key, was, is });
        }
    }
}
