//! States as files: one state to one file that verifies itself, and back into any store.

mod adopt;
mod base;
mod error;
mod format;
mod parts;
mod reader;
mod walk;
mod writer;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::sync::Arc;

pub use adopt::Adopted;
pub use error::{ExportError, ImportError};
pub use format::{ExportHeader, ImportId};
pub use parts::UnfinishedImport;
pub(crate) use parts::{IMPORT_DIR, Imports};
pub use writer::Exported;

use crate::error::{ReadError, StoreError};
use crate::store::core::Core;
use crate::store::{Change, CommitNumber, StateId, Store, View};
use crate::tree::Root;
use adopt::{adopt_import, adopt_view, check_is_new};
use base::Frozen;
use parts::Incoming;
use reader::Reading;

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// The root of the new state, which is the root of the exported one.
    pub root: Root,
    /// Entries of the new state.
    pub entries: u64,
    /// The commit that made the state.
    pub commit: CommitNumber,
    /// Packs that the file's contents lie in.
    pub packs: u64,
    /// Bytes written to them by this call; what an earlier try had written is not written again.
    pub bytes_written: u64,
}

/// Checks a whole exported file without keeping anything: what it accepts, every store imports. An incremental file is
/// checked against `base`. It takes any bytes, so that a fuzzer may feed it.
pub fn verify_export(source: &mut dyn Read, base: Option<&View>) -> Result<ExportHeader, ImportError> {
    let header = ExportHeader::read(source)?;
    let base = match (header.base(), base) {
        (None, _) => None,
        (Some(root), Some(view)) if view.root()? == root => Some(Frozen::of(view)?),
        (Some(root), _) => return Err(ImportError::UnknownBase { root }),
    };
    Reading::new(&header, base.as_ref(), None).read(ExportHeader::BYTES as u64, source)?;
    Ok(header)
}

impl Store {
    /// Makes a new state of an exported file, durable on return. All of it is checked: every hash, and that its tree is
    /// the one that this store builds from the entries. It becomes a state in one commit, together with `also`, or not
    /// at all. For an incremental file some state here must have the root that it builds on.
    ///
    /// What came before an interruption (a kill, a broken source, a full disk) is kept in parts of
    /// [`Options::import_part_bytes`](crate::Options::import_part_bytes): the same file imported again writes only the
    /// rest. See also [`import_offset`](Store::import_offset).
    pub fn import(&self, state: StateId, source: &mut dyn Read, also: Vec<Change>) -> Result<Imported, ImportError> {
        let header = ExportHeader::read(source)?;
        self.import_from(state, &header, ExportHeader::BYTES as u64, source, also)
    }

    /// The same for a source that starts at a byte of the file: what comes before must be there from an earlier try.
    /// The offset is one that [`import_offset`](Store::import_offset) gave, or that of the first byte behind the header.
    pub fn import_from(
        &self,
        state: StateId,
        header: &ExportHeader,
        offset: u64,
        source: &mut dyn Read,
        also: Vec<Change>,
    ) -> Result<Imported, ImportError> {
        let core = self.core();
        check_is_new(core, state)?;
        let base = find_base(core, header)?;
        let mut incoming = Incoming::begin(core, header.id())?;
        if let Some((view, _)) = &base {
            view.whole_tree(incoming.sink())?;
        }
        let base = base.as_ref().map(|(_, frozen)| frozen);
        match Reading::new(header, base, Some(&mut incoming)).read(offset, source) {
            Ok(()) => incoming.finish_part()?,
            Err(error @ ImportError::Invalid { .. }) => {
                incoming.discard()?;
                return Err(error);
            }
            Err(error) => {
                // Should this fail too, the next try has to write a part again.
                let _ = incoming.finish_part();
                return Err(error);
            }
        }
        let (packs, bytes_written) = (incoming.finished().len() as u64, incoming.bytes_written());
        let commit = adopt_import(core, state, header.tree, incoming, also)?;
        Ok(Imported { root: header.root(), entries: header.entries(), commit, packs, bytes_written })
    }

    /// The byte of an exported file from which a source has to be read to import the rest of it: everything before is
    /// here from an earlier try. It reads and checks all of that.
    pub fn import_offset(&self, header: &ExportHeader) -> Result<u64, ImportError> {
        let base = find_base(self.core(), header)?;
        let mut incoming = Incoming::begin(self.core(), header.id())?;
        Reading::new(header, base.as_ref().map(|(_, frozen)| frozen), Some(&mut incoming)).offset()
    }

    /// Removes what an import that did not finish left, and says how many bytes that were. [`Info`](crate::Info) lists
    /// these imports.
    pub fn remove_import(&self, id: ImportId) -> Result<u64, ImportError> {
        Ok(Incoming::begin(self.core(), id)?.discard()?)
    }

    /// Makes a new state of what a view of this store shows, whatever became of the view's state since; durable on return,
    /// together with `also`. Only what no checkpoint has written yet is written.
    ///
    /// # Panics
    /// If the view is of another store: such a state is exported and imported.
    pub fn adopt(&self, state: StateId, view: &View, also: Vec<Change>) -> Result<CommitNumber, StoreError> {
        adopt_view(self.core(), state, view, also)
    }
}

/// The state or snapshot that an incremental file builds on, which the view keeps; none if the file holds everything.
fn find_base(core: &Arc<Core>, header: &ExportHeader) -> Result<Option<(View, Frozen)>, ImportError> {
    let Some(root) = header.base() else { return Ok(None) };
    let views = {
        let front = core.front();
        let all = front.states.iter().map(|(id, state)| View::new(id, state, &core.packs));
        let mut views: Vec<View> = all.collect();
        // The root of a state without changes since its checkpoint is known at once.
        views.sort_by_key(|view| (view.dirty_bytes(), view.state()));
        views
    };
    let has_root = |view: &View| Ok::<_, ReadError>(view.root()? == root);
    for view in views {
        if has_root(&view)? {
            let frozen = Frozen::of(&view)?;
            return Ok(Some((view, frozen)));
        }
    }
    Err(ImportError::UnknownBase { root })
}
