//! What the disk itself can do: the floor under every durable commit.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use crate::load;

const FILE_BYTES: u64 = 64 << 20;
const BLOCK_BYTES: u64 = 4096;

/// `fdatasync`s per second of a zero-filled file, each after one block was written behind the one before.
pub fn syncs_per_second(path: &Path, time: Duration) -> f64 {
    let file = File::create_new(path.join("zero-filled")).expect("the file is new");
    let zeros = vec![0; 1 << 20];
    for offset in (0..FILE_BYTES).step_by(zeros.len()) {
        file.write_all_at(&zeros, offset).expect("the disk writes");
    }
    file.sync_all().expect("the disk syncs");
    let block = vec![0xa5; BLOCK_BYTES as usize];
    load::rate(1, time, |_, number| {
        file.write_all_at(&block, number * BLOCK_BYTES % FILE_BYTES).expect("the disk writes");
        file.sync_data().expect("the disk syncs");
    })
}
