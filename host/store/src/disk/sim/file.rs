//! Open files and the lock of a simulated disk.

use std::io;
use std::sync::Arc;

use super::names::Inode;
use super::plan::{Failure, Operation, Step, power_off};
use super::tear::Loss;
use super::{ENOSPC, SimDisk, State};
use crate::disk::{File, Lock, replaced};

pub(super) struct SimFile {
    pub(super) disk: SimDisk,
    pub(super) inode: Inode,
    pub(super) path: Arc<str>,
    pub(super) writable: bool,
}

impl SimFile {
    /// Makes a change to the contents, whole, or in part where it fails.
    fn change(
        &self,
        operation: Operation,
        change: impl FnOnce(&mut State, Inode, Option<Failure>) -> io::Result<()>,
    ) -> io::Result<()> {
        if !self.writable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut state = self.disk.state.lock();
        match state.plan.step(operation, &self.path)? {
            Step::Whole => change(&mut state, self.inode, None),
            Step::PowerFails => change(&mut state, self.inode, None).and(Err(power_off())),
            Step::Fails(failure) => change(&mut state, self.inode, Some(failure)).and(Err(failure.error())),
        }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        let state = &mut *state;
        let contents = state.inodes.get_mut(&self.inode).expect("open files have contents");
        match state.plan.step(Operation::Sync, &self.path)? {
            Step::Whole => contents.sync(),
            Step::PowerFails => return Err(power_off()),
            Step::Fails(failure) => {
                let fate = failure.loss.and_then(Loss::fates).map(|(_, contents)| contents);
                contents.sync_fails(fate, &mut state.random);
                return Err(failure.error());
            }
        }
        Ok(())
    }
}

impl File for SimFile {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let mut state = self.disk.state.lock();
        state.plan.look(Operation::Read, &self.path)?;
        let contents = &state.inodes[&self.inode].cache.clone();
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(contents.len());
        let mut len = out.len().min(contents.len() - start);
        if len > 1 && state.random.once_in(8) {
            len = 1 + state.random.below(len);
        }
        out[..len].copy_from_slice(&contents[start..start + len]);
        Ok(len)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        self.change(Operation::Write, |state, inode, failure| {
            let done = match failure {
                None => bytes.len(),
                Some(Failure { part: Some(part), .. }) => part.ranges(bytes.len())[0].end,
                Some(_) => state.random.below(bytes.len() + 1),
            };
            let fits = state.grow(inode, offset + done);
            let done = fits.saturating_sub(offset).min(done);
            let contents = state.inodes.get_mut(&inode).expect("open files have contents");
            contents.write(offset, &bytes[..done]);
            state.last_written = Some(inode);
            if failure.is_none() && done < bytes.len() {
                return Err(io::Error::from_raw_os_error(ENOSPC));
            }
            Ok(())
        })
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = self.disk.state.lock();
        state.plan.look(Operation::Len, &self.path)?;
        Ok(state.inodes[&self.inode].len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        self.change(Operation::SetLen, |state, inode, failure| {
            if failure.is_some() {
                return Ok(());
            }
            if state.grow(inode, len) < len {
                return Err(io::Error::from_raw_os_error(ENOSPC));
            }
            state.shrink(inode, len);
            state.inodes.get_mut(&inode).expect("open files have contents").set_len(len);
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }
}

pub(super) struct SimLock {
    pub(super) file: SimFile,
}

impl Lock for SimLock {
    fn read(&self) -> io::Result<String> {
        if self.file.disk.state.lock().names.seen.files.get(&*self.file.path) != Some(&self.file.inode) {
            return Err(replaced(&self.file.path));
        }
        let file: &dyn File = &self.file;
        let mut bytes = vec![0; usize::try_from(file.len()?).map_err(io::Error::other)?];
        file.read_exact_at(0, &mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn write(&self, record: &str) -> io::Result<()> {
        self.file.write_at(0, record.as_bytes())?;
        self.file.set_len(record.len() as u64)?;
        self.file.sync_data()
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.file.disk.state.lock().locks.remove(&self.file.inode);
    }
}
