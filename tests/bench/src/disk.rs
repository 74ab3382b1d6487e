//! What the disk itself can do, the floor under every durable commit; and what is used of it and of memory.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
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

/// Bytes that the files under a directory occupy.
pub fn allocated_bytes(path: &Path) -> u64 {
    let entries = fs::read_dir(path).expect("the directory is there").map(|entry| entry.expect("an entry"));
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => allocated_bytes(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        // It was removed meanwhile.
        Err(_) => 0,
    });
    bytes.sum()
}

/// Bytes of this process that are in memory and in no file.
pub fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a system with /proc");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("the size of memory");
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes * 1024
}
