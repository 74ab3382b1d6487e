//! Which plugins, collections and keys damage takes along, in the words of those who run them.

use std::collections::HashMap;

use stead_schema::{Ledger, text::wave};
use stead_store::{Affected, LostCommits, StateId, View};

use super::Typed;
use crate::catalog::{Catalog, PluginRecord};
use crate::plugin::read_ledger;

/// Characters of a key that a text shows.
const KEY_CHARS_SHOWN: usize = 60;
/// States that a text lists.
const STATES_LISTED_MAX: usize = 6;

/// What plugins call the states of a data directory, as far as its catalog and ledgers can be read.
#[derive(Default)]
pub struct Words {
    states: HashMap<StateId, Named>,
}

/// A state with its plugin.
struct Named {
    plugin: String,
    /// It is not the live state: what it is instead.
    aside: Option<String>,
    ledger: Option<Ledger>,
}

impl Words {
    /// Reads the catalog, and the ledger of each plugin's states.
    pub fn new(view: &dyn Fn(StateId) -> Option<View>) -> Words {
        let mut words = Words::default();
        let Some(catalog) = view(StateId::CATALOG) else { return words };
        for plugin in Catalog::over(catalog).readable_plugins() {
            words.add(plugin, view);
        }
        words
    }

    fn add(&mut self, record: PluginRecord, view: &dyn Fn(StateId) -> Option<View>) {
        let previous = record.previous.iter().map(|previous| (previous.begun, "kept to compare with".to_owned()));
        let sealed =
            record.sealed.iter().map(|sealed| (sealed.state, format!("as version {} left it", sealed.generation)));
        let asides = previous.chain(sealed).map(|(state, aside)| (state, Some(aside)));
        for (state, aside) in asides.chain([(record.state, None)]) {
            let ledger = view(state).and_then(|view| read_ledger(&view).ok());
            self.states.insert(state, Named { plugin: record.name.clone(), aside, ledger });
        }
    }

    /// The plugin that a state belongs to.
    pub fn plugin(&self, affected: &Affected) -> Option<&str> {
        let state = affected.snapshot.as_ref().map_or(affected.state, |(of, _)| *of);
        self.states.get(&state).map(|named| named.plugin.as_str())
    }

    /// Entries of a state, by plugin, collection and typed key.
    pub fn entries(&self, affected: &Affected) -> String {
        let count = match affected.entries {
            Some(1) => "1 entry".to_owned(),
            Some(entries) => format!("{entries} entries"),
            None => "entries".to_owned(),
        };
        let (who, of) = match &affected.snapshot {
            Some((of, name)) => (format!("snapshot {name} of {}", self.state(*of)), *of),
            None => (self.state(affected.state), affected.state),
        };
        let place = |key: &Option<_>| key.as_ref().map(|key: &bytes::Bytes| self.place(of, key));
        let range = match (place(&affected.after), place(&affected.to)) {
            (None, None) => String::new(),
            (Some(after), None) => format!(" after {after}"),
            (None, Some(to)) => format!(" up to {to}"),
            (Some(_), Some(to)) if affected.entries == Some(1) => format!(": {to}"),
            (Some(after), Some(to)) => format!(" after {after} up to {to}"),
        };
        format!("{who}: {count}{range}")
    }

    /// Commits, with the plugins whose states they change.
    pub fn commits(&self, lost: &LostCommits) -> String {
        let numbers = LostCommits { states: Vec::new(), ..lost.clone() }.to_string();
        let mut names: Vec<String> = lost.states.iter().map(|state| self.state(*state)).collect();
        names.sort_unstable();
        names.dedup();
        let more = if names.len() > STATES_LISTED_MAX { ", \u{2026}" } else { "" };
        names.truncate(STATES_LISTED_MAX);
        match names.is_empty() {
            true => numbers,
            false => format!("{numbers} (as far as they can be read, they change {}{more})", names.join(", ")),
        }
    }

    fn state(&self, state: StateId) -> String {
        match self.states.get(&state) {
            Some(Named { plugin, aside: None, .. }) => format!("plugin {plugin}"),
            Some(Named { plugin, aside: Some(aside), .. }) => format!("plugin {plugin}, {aside}"),
            None if state == StateId::CATALOG => "the host's own records".to_owned(),
            None => state.to_string(),
        }
    }

    /// A key, with its collection.
    fn place(&self, state: StateId, key: &[u8]) -> String {
        let ledger = self.states.get(&state).and_then(|named| named.ledger.as_ref());
        let typed = ledger.and_then(|ledger| Typed::of(ledger, key).ok().flatten());
        let Some(typed) = typed else { return shortened(format!("key \"{}\"", key.escape_ascii())) };
        let value = typed.key(key).ok().flatten().zip(typed.key_type());
        match value {
            Some((value, ty)) => shortened(format!("{} {}", typed.identity(), wave::print(&value, &ty))),
            None => typed.identity().to_string(),
        }
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(KEY_CHARS_SHOWN) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text,
    }
}
