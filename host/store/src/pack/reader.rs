//! Reads one pack.
use crate::disk::Disk;
use crate::error::ReadError;

use super::PackId;

/// Reads every byte of a pack, open or not, and names all damage. `progress` is told how many bytes were read since the
/// last time.
pub(crate) fn verify_pack(disk: &dyn Disk, id: PackId, progress: &mut dyn FnMut(u64)) -> Vec<ReadError> {
    let _ = (disk, id, progress);
    todo!()
}
