//! Carries a plan out.
//!
//! ```text
//! copies of what is damaged, and of what will be cut off, in quarantine/, with the report     synced; nothing replaced yet
//! packs with everything that only damaged ones held                                           synced
//! a new segment whose Manifest starts replay at itself, renamed to its name                   from here on repaired
//! FORMAT, if it is damaged; damaged files take the place of their copies; LOCK is written
//! ```
//!
//! A failure before the rename takes the copies away again: everything is as it was. A crash leaves copies at most.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::plan::Plan;
use super::{RepairError, Repaired, SetAside};
use crate::disk::{Disk, File, Mode};
use crate::error::{OpenError, ReadError};
use crate::journal::format::Link;
use crate::journal::record::{Anchor, Header};
use crate::journal::{JOURNAL_DIR, QUARANTINE_DIR, Survey, begin, remove_if_there, segment_path};
use crate::limits::SEGMENT_BYTES_MIN;
use crate::pack::{PACK_DIR, PackId, PackWriter, Packs};
use crate::store::StateId;
use crate::store::checkpoint::{apply, is_inline};
use crate::store::format_file::{FORMAT_FILE, Format};
use crate::store::headers;
use crate::store::merge::Merge;
use crate::store::state::State;
use crate::store::table::Table;
use crate::tree::{Hash, Lost, Order, Ranges, Tree};

/// Copied at once.
const COPY_BYTES: usize = 1 << 20;
/// What a bad sector takes along.
const SECTOR_BYTES: usize = 4096;

/// What a repair writes to.
pub(crate) struct Site<'a> {
    pub(crate) disk: &'a Arc<dyn Disk>,
    pub(crate) packs: &'a Arc<Packs>,
    pub(crate) survey: &'a Survey,
    /// The epoch that the repair counts as.
    pub(crate) owner_epoch: u64,
    /// The first number that a batch may have.
    pub(crate) next_batch: u64,
    /// FORMAT has to be written again.
    pub(crate) format: bool,
}

/// The name under which a file is set aside.
pub(crate) fn quarantine_name(owner_epoch: u64, file: &str) -> String {
    format!("{QUARANTINE_DIR}/repair-{owner_epoch}-{}", file.replace('/', "-"))
}

impl Site<'_> {
    /// Makes the plan true.
    pub(crate) fn carry_out(&self, plan: &Plan, repaired: &Repaired) -> Result<(), RepairError> {
        let before: BTreeSet<PackId> = self.packs.list().into_iter().map(|pack| pack.id).collect();
        let mut made = Vec::new();
        let done = self.prepare(repaired, &mut made).and_then(|()| self.begin_anew(plan));
        if let Err(error @ RepairError::Unfinished { .. }) = done {
            return Err(error);
        }
        if let Err(error) = done {
            let packs = self.packs.list().into_iter().filter(|pack| !before.contains(&pack.id));
            made.extend(packs.map(|pack| pack.id.path()));
            made.push(format!("{}.new", segment_path(self.segment())));
            for path in made {
                // A copy that stays costs space, nothing else.
                let _ = self.disk.remove(&path);
            }
            return Err(error);
        }
        if self.format {
            let format = Format { store_id: self.survey.store_id };
            let unfinished = |source| RepairError::Unfinished { path: FORMAT_FILE.to_owned(), source };
            format.create(&**self.disk).map_err(unfinished)?;
        }
        move_aside(&**self.disk, &repaired.set_aside)
    }

    /// Copies what is damaged or will be cut off, and the report.
    fn prepare(&self, repaired: &Repaired, made: &mut Vec<String>) -> Result<(), RepairError> {
        let io = |path: &str| {
            let path = path.to_owned();
            move |source| RepairError::Open(OpenError::from_io(&path, source))
        };
        self.disk.create_dir(QUARANTINE_DIR).map_err(io(QUARANTINE_DIR))?;
        for dir in [JOURNAL_DIR, PACK_DIR] {
            self.disk.create_dir(dir).map_err(io(dir))?;
        }
        self.disk.sync_dir("").map_err(io(""))?;
        for SetAside { file, to } in &repaired.set_aside {
            made.push(to.clone());
            copy(&**self.disk, file, to).map_err(io(to))?;
        }
        if let Some(path) = &repaired.report {
            made.push(path.clone());
            write_new(&**self.disk, path, repaired.to_string().as_bytes()).map_err(io(path))?;
        }
        self.disk.sync_dir(QUARANTINE_DIR).map_err(io(QUARANTINE_DIR))
    }

    /// Writes what the new beginning needs, and then the segment that is it.
    fn begin_anew(&self, plan: &Plan) -> Result<(), RepairError> {
        let states = self.rebuild(plan)?;
        let mut pack = PackWriter::new(self.packs);
        self.keep_readable(&states, plan, &mut pack)?;
        let catalog = self.checkpoint(&states, plan, &mut pack)?;
        self.finish(pack)?;
        let whole = self.packs.list().into_iter().filter(|pack| !self.packs.is_doomed(pack.id));
        let anchor = Anchor {
            commit: plan.kept,
            replay_segment: self.segment(),
            catalog,
            owner_epoch: self.owner_epoch,
            next_state: plan.restored.front.states.next,
            packs: whole.map(|pack| pack.id).collect(),
            kept_from: plan.kept,
        };
        let before = Link { salt: 0, number: self.next_batch, chain: self.survey.last_chain };
        let store_id = self.survey.store_id;
        let begun = begin(&**self.disk, store_id, self.segment(), &before, plan.kept, SEGMENT_BYTES_MIN, anchor);
        begun.map(drop).map_err(|source| match self.has_begun() {
            // Perhaps the name lasts, perhaps it does not: what it needs must stay.
            true => RepairError::Unfinished { path: JOURNAL_DIR.to_owned(), source },
            false => OpenError::from_io(JOURNAL_DIR, source).into(),
        })
    }

    /// The new segment has its name, so the directory is as the plan says.
    fn has_begun(&self) -> bool {
        self.disk.open(&segment_path(self.segment()), Mode::Read).is_ok()
    }

    /// The number of the new segment.
    fn segment(&self) -> u64 {
        let known = self.survey.segments.iter().map(|segment| segment.number);
        let named = self.survey.anchors.iter().map(|anchor| anchor.replay_segment);
        known.chain(named).max().unwrap_or(0) + 1
    }

    /// The states, those with a damaged tree on a new one: what can be read of it, and what was found elsewhere.
    fn rebuild(&self, plan: &Plan) -> Result<Vec<(StateId, State)>, RepairError> {
        let mut pack = PackWriter::new(self.packs);
        let mut states = Vec::new();
        for (id, state) in plan.restored.front.states.iter() {
            let mut state = state.clone();
            if let Some(found) = plan.rebuilt.get(&id) {
                let tree = self.rebuild_tree(id, state.base.tree, found, &mut pack).map_err(RepairError::Unsteady)?;
                state.base = Arc::new(crate::store::base::Base::new(tree, state.last));
            }
            states.push((id, state));
        }
        states.sort_by_key(|(id, _)| *id);
        self.finish(pack)?;
        Ok(states)
    }

    fn rebuild_tree(
        &self,
        id: StateId,
        tree: Tree,
        found: &BTreeMap<Bytes, Bytes>,
        pack: &mut PackWriter,
    ) -> Result<Tree, ReadError> {
        let check = |hash: &Hash| self.packs.place(hash).map(drop).ok_or_else(|| self.packs.missing(hash));
        let lost: Vec<Lost> = tree.lost(&**self.packs, &check, &mut HashSet::new());
        // All headers are written again, so none is carried over.
        let is_entry = |key: &Bytes| id != StateId::CATALOG || !super::plan::is_header(key);
        let readable = tree.readable(self.packs.clone(), &lost);
        let readable = readable.filter(|entry| entry.as_ref().map_or(true, |(key, _)| is_entry(key)));
        let found = found.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
        let mut failure = None;
        let entries = Merge::new(found, readable, Order::Ascending).map_while(|entry| match entry {
            Ok((key, value)) => Some((key, Some(value))),
            Err(error) => {
                failure = Some(error);
                None
            }
        });
        let tree = Tree::EMPTY.apply(&**self.packs, &Ranges::new(), entries, pack);
        match failure {
            Some(error) => Err(error),
            None => tree,
        }
    }

    /// Copies what whole trees need and only damaged packs hold.
    fn keep_readable(
        &self,
        states: &[(StateId, State)],
        plan: &Plan,
        pack: &mut PackWriter,
    ) -> Result<(), RepairError> {
        if self.packs.list().iter().all(|pack| !self.packs.is_doomed(pack.id)) {
            return Ok(());
        }
        let mut seen: HashSet<Hash> = HashSet::new();
        for (_, state) in states.iter().filter(|(id, _)| !plan.rebuilt.contains_key(id)) {
            let mut failure = None;
            let marked = state.base.tree.mark(&**self.packs, &mut |hash| {
                let is_new = seen.insert(*hash);
                if is_new {
                    match self.packs.doomed_body(hash) {
                        Ok(Some((kind, body))) => pack.put(kind, *hash, &body),
                        Ok(None) => {}
                        Err(error) => failure = Some(error),
                    }
                }
                is_new
            });
            marked.and(failure.map_or(Ok(()), Err)).map_err(RepairError::Unsteady)?;
        }
        Ok(())
    }

    /// Puts every state's changes into its tree, and all headers into the catalog's.
    fn checkpoint(
        &self,
        states: &[(StateId, State)],
        plan: &Plan,
        pack: &mut PackWriter,
    ) -> Result<Header, RepairError> {
        let unsteady = RepairError::Unsteady;
        let removed = plan.restored.front.states.removed.iter().map(|(_, id, _)| (headers::key(*id), None));
        let mut headers: Vec<(Bytes, Option<Bytes>)> = removed.collect();
        let held = |id: StateId, state: &State| match state.is_dirty() || plan.rebuilt.contains_key(&id) {
            true => plan.kept,
            false => state.held,
        };
        for (id, state) in states.iter().filter(|(id, _)| *id != StateId::CATALOG) {
            let (tree, entries) = match is_inline(state) {
                true => (Tree::EMPTY, state.table.clone()),
                false => (apply(self.packs, state, None, pack).map_err(unsteady)?, Table::default()),
            };
            let header = state.header(tree, held(*id, state));
            headers.push((headers::key(*id), Some(headers::encode(header, &entries, state.snapshot.as_deref()))));
        }
        headers.sort_by(|(one, _), (other, _)| one.cmp(other));
        let (_, catalog) = states.first().expect("the catalog always exists");
        let tree = apply(self.packs, catalog, Some(headers), pack).map_err(unsteady)?;
        Ok(catalog.header(tree, plan.kept))
    }

    fn finish(&self, pack: PackWriter) -> Result<(), RepairError> {
        let added = pack.finish().map_err(|source| OpenError::from_io(PACK_DIR, source))?;
        if let Some(id) = added {
            self.packs.add(id).map_err(RepairError::Unsteady)?;
        }
        Ok(())
    }
}

/// Lets each file take the place of its copy. The store does without them already.
pub(crate) fn move_aside(disk: &dyn Disk, set_aside: &[SetAside]) -> Result<(), RepairError> {
    let mut dirs: BTreeSet<&str> = BTreeSet::new();
    let unfinished = |path: &str| {
        let path = path.to_owned();
        move |source| RepairError::Unfinished { path, source }
    };
    for SetAside { file, to } in set_aside.iter().filter(|aside| aside.file != FORMAT_FILE) {
        match disk.rename(file, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done.map_err(unfinished(file))?,
        }
        dirs.insert(file.rsplit_once('/').map_or("", |(dir, _)| dir));
    }
    if !dirs.is_empty() {
        // The new names first: no name may be gone before the other one lasts.
        disk.sync_dir(QUARANTINE_DIR).map_err(unfinished(QUARANTINE_DIR))?;
    }
    for dir in dirs {
        disk.sync_dir(dir).map_err(unfinished(dir))?;
    }
    Ok(())
}

/// Sets aside what nothing needs, and writes FORMAT anew if it is among that.
pub(crate) fn set_aside_only(disk: &dyn Disk, repaired: &Repaired, format: Option<Format>) -> Result<(), RepairError> {
    let io = |path: &'static str| move |source| OpenError::from_io(path, source);
    disk.create_dir(QUARANTINE_DIR).map_err(io(QUARANTINE_DIR))?;
    disk.sync_dir("").map_err(io(""))?;
    if let Some(format) = format {
        for SetAside { to, .. } in repaired.set_aside.iter().filter(|aside| aside.file == FORMAT_FILE) {
            copy(disk, FORMAT_FILE, to).map_err(io(QUARANTINE_DIR))?;
            disk.sync_dir(QUARANTINE_DIR).map_err(io(QUARANTINE_DIR))?;
        }
        format.create(disk).map_err(io(FORMAT_FILE))?;
    }
    move_aside(disk, &repaired.set_aside)
}

/// Copies a file as far as it can be read; zeros stand for what cannot. Zeros at its end are left out.
fn copy(disk: &dyn Disk, from: &str, to: &str) -> io::Result<()> {
    let source = disk.open(from, Mode::Read)?;
    let bytes = source.len()?;
    remove_if_there(disk, to)?;
    let target = disk.open(to, Mode::CreateNew)?;
    let mut part = vec![0; COPY_BYTES];
    let mut offset = 0;
    while offset < bytes {
        let part = &mut part[..(bytes - offset).min(COPY_BYTES as u64) as usize];
        if source.read_exact_at(offset, part).is_err() {
            read_by_sector(&*source, offset, part);
        }
        let used = part.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if used > 0 {
            target.write_at(offset, &part[..used])?;
        }
        offset += part.len() as u64;
    }
    target.sync_all()
}

fn read_by_sector(source: &(dyn File + 'static), offset: u64, part: &mut [u8]) {
    for (index, sector) in part.chunks_mut(SECTOR_BYTES).enumerate() {
        if source.read_exact_at(offset + (index * SECTOR_BYTES) as u64, sector).is_err() {
            sector.fill(0);
        }
    }
}

fn write_new(disk: &dyn Disk, path: &str, bytes: &[u8]) -> io::Result<()> {
    remove_if_there(disk, path)?;
    let file = disk.open(path, Mode::CreateNew)?;
    file.write_at(0, bytes)?;
    file.sync_all()
}
