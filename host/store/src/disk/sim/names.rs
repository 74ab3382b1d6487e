//! The names of files and directories: what processes see, what lies on the medium, and the changes between the two.

use std::collections::{BTreeMap, BTreeSet};

use super::random::Random;
use super::tear::Fate;

/// The number of a file, whatever its name.
pub(super) type Inode = u64;

#[derive(Clone, Default)]
pub(super) struct Names {
    pub(super) seen: Listing,
    medium: Listing,
    /// What syncs of directories would add to the medium, in order.
    pending: Vec<Change>,
}

#[derive(Clone, Default)]
pub(super) struct Listing {
    pub(super) files: BTreeMap<String, Inode>,
    pub(super) dirs: BTreeSet<String>,
}

#[derive(Clone)]
pub(super) enum Change {
    MakeDir {
        path: String,
    },
    Link {
        path: String,
        inode: Inode,
    },
    /// A name goes away. If the file moved into another directory, its new name goes to the medium first: no file system
    /// loses a file for being renamed.
    Unlink {
        path: String,
        moved_to: Option<String>,
    },
    /// A rename within one directory is one change.
    Move {
        from: String,
        to: String,
        inode: Inode,
    },
}

impl Names {
    pub(super) fn has_dir(&self, path: &str) -> bool {
        path.is_empty() || self.seen.dirs.contains(path)
    }

    pub(super) fn change(&mut self, change: Change) {
        self.seen.apply(&change);
        self.pending.push(change);
    }

    pub(super) fn rename(&mut self, from: &str, to: &str, inode: Inode) {
        let (from, to) = (from.to_owned(), to.to_owned());
        if parent(&from) == parent(&to) {
            self.change(Change::Move { from, to, inode });
        } else {
            self.change(Change::Link { path: to.clone(), inode });
            self.change(Change::Unlink { path: from, moved_to: Some(to) });
        }
    }

    pub(super) fn sync(&mut self, dir: &str) {
        let (synced, rest) = self.split(dir);
        self.pending = rest;
        for change in &synced {
            self.medium.apply(change);
        }
    }

    /// A sync that failed: some changes are on the medium, the others never will be. New directories are the exception:
    /// a name that was not made to last can be made again, a directory cannot, so its name stays to be synced.
    pub(super) fn sync_fails(&mut self, dir: &str, fate: Option<Fate>, random: &mut Random) {
        let (lost, rest) = self.split(dir);
        self.medium = self.medium.with_some(&lost, fate, random);
        let dirs = lost.into_iter().filter(|change| matches!(change, Change::MakeDir { .. }));
        self.pending = dirs.chain(rest).collect();
    }

    pub(super) fn after_power_loss(&self, fate: Option<Fate>, random: &mut Random) -> Names {
        let mut medium = self.medium.with_some(&self.pending, fate, random);
        // A directory that never was takes its files with it.
        let Listing { files, dirs } = &mut medium;
        files.retain(|path, _| parent(path).is_empty() || dirs.contains(parent(path)));
        Names { seen: medium.clone(), medium, pending: Vec::new() }
    }

    fn split(&self, dir: &str) -> (Vec<Change>, Vec<Change>) {
        self.pending.iter().cloned().partition(|change| change.dir() == dir)
    }
}

impl Listing {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::MakeDir { path } => {
                self.dirs.insert(path.clone());
            }
            Change::Link { path, inode } => {
                self.files.insert(path.clone(), *inode);
            }
            Change::Unlink { path, moved_to } => {
                if let (Some(to), Some(inode)) = (moved_to, self.files.get(path)) {
                    let inode = *inode;
                    self.files.entry(to.clone()).or_insert(inode);
                }
                self.files.remove(path);
            }
            Change::Move { from, to, inode } => {
                self.files.remove(from);
                self.files.insert(to.clone(), *inode);
            }
        }
    }

    fn with_some(&self, changes: &[Change], fate: Option<Fate>, random: &mut Random) -> Listing {
        let mut listing = self.clone();
        let fate = fate.unwrap_or_else(|| Fate::choose(changes.len(), random));
        for (position, change) in changes.iter().enumerate() {
            if fate.keeps(position, changes.len(), random) {
                listing.apply(change);
            }
        }
        listing
    }
}

impl Change {
    fn dir(&self) -> &str {
        match self {
            Change::MakeDir { path } | Change::Link { path, .. } | Change::Unlink { path, .. } => parent(path),
            Change::Move { to, .. } => parent(to),
        }
    }
}

/// The directory a path lies in.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}
