//! An import in a real process, which is killed, goes on in another one.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use stead_store::disk::DirDisk;
use stead_store::{ExportHeader, Options, Store};

use crate::export::{entries_of, file_of, numbered, state_of, store, view};

const DIR: &str = "STEAD_IMPORT_DIR";

fn open(path: &Path) -> Store {
    let disk = DirDisk::create(path).expect("directory");
    let options = Options { segment_bytes: 1 << 20, import_part_bytes: 64 << 10, ..Options::default() };
    Store::open(Arc::new(disk), options).expect("open").0
}

#[test]
fn g01_an_import_whose_process_was_killed_goes_on_where_it_was() {
    let sender = store();
    let entries = numbered(0..4000, 8, 120);
    let file = file_of(&view(&sender, state_of(&sender, &entries)));
    let dir = tempfile::tempdir().expect("directory");
    let child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "export_kill::the_child_imports_what_it_reads", "--ignored"])
        .env(DIR, dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn();
    let mut child = child.expect("a process");
    // It gets two thirds and no end.
    let sent = file.len() * 2 / 3;
    let mut input = child.stdin.take().expect("piped");
    input.write_all(&file[..sent]).expect("sent");
    input.flush().expect("sent");
    let since = Instant::now();
    let parts = || std::fs::read_dir(dir.path().join("imports")).map_or(0, Iterator::count);
    while parts() < 4 {
        assert!(child.try_wait().expect("running").is_none(), "it waits for the rest");
        assert!(since.elapsed() < Duration::from_secs(60), "{} parts", parts());
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");

    let receiver = open(dir.path());
    assert_eq!(receiver.states().len(), 1, "no state was made");
    let header = ExportHeader::decode(&file).expect("header");
    let offset = receiver.import_offset(&header).expect("offset");
    assert!((180_000..=sent as u64).contains(&offset), "{offset} of {sent}");
    let state = receiver.new_state();
    let imported = receiver.import_from(state, &header, offset, &mut &file[offset as usize..], vec![]);
    let imported = imported.expect("the rest");
    assert!(imported.bytes_written < file.len() as u64 - offset + (64 << 10), "{imported:?}");
    drop(receiver);
    let receiver = open(dir.path());
    assert_eq!(entries_of(&view(&receiver, state)), entries);
    assert!(receiver.verify(&mut |_| {}).expect("verify").is_clean());
}

#[test]
#[ignore = "the process that the test above kills"]
fn the_child_imports_what_it_reads() {
    let dir = PathBuf::from(std::env::var_os(DIR).expect("the parent names a directory"));
    let store = open(&dir);
    let imported = store.import(store.new_state(), &mut std::io::stdin().lock(), vec![]);
    panic!("it is killed before it ends: {imported:?}");
}
