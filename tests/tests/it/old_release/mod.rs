//! Data directories that earlier releases wrote: each in `tests/fixtures` is opened and compared with what that release
//! said of it; then its plugins are called, replaced and taken back, as if they had always been here.
//!
//! A release that changes what it records adds new ones before it changes anything, and never changes those that are there:
//!
//! ```text
//! STEAD_FIXTURE=runtime-v2 cargo test --package stead-tests --test it make_fixtures -- --ignored
//! ```

mod describe;
mod make;

use std::fs;
use std::path::{Path, PathBuf};

use stead_runtime::{Call, Host, Recovery};
use stead_store::disk::sim::SimDisk;
use stead_store::disk::{Disk, Mode};
use stead_test_guests::{EVOLVE_REBUILT, EVOLVE_V2, EVOLVE_V3};

use crate::harness::{discard, keep, number, open, returned, swap, text, version};
use describe::describe;

/// What was interrupted in each of a release's directories; nothing in the first.
const DIRECTORIES: [&str; 5] = ["closed", "negotiating", "draining", "sealing", "awaiting-ready"];

/// What is in every data directory.
const FOLDERS: [&str; 4] = ["journal", "packs", "components", "quarantine"];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Every release that left fixtures.
fn releases() -> Vec<PathBuf> {
    let mut releases: Vec<PathBuf> = fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).collect();
    releases.sort();
    assert!(!releases.is_empty());
    releases
}

/// A disk with the files of one directory, and the components that all directories of its release share.
fn load(release: &Path, directory: &str) -> SimDisk {
    let disk = SimDisk::new(3);
    // No repository keeps an empty directory.
    for folder in FOLDERS {
        disk.create_dir(folder).unwrap();
    }
    put(&disk, &release.join(directory), "");
    put(&disk, &release.join("components"), "components/");
    disk
}

fn put(disk: &SimDisk, from: &Path, to: &str) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{to}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            put(disk, &path, &format!("{name}/"));
        } else {
            let file = disk.open(&name, Mode::CreateNew).unwrap();
            file.write_at(0, &fs::read(path).unwrap()).unwrap();
            file.sync_all().unwrap();
        }
    }
    disk.sync_dir(to.trim_end_matches('/')).unwrap();
}

/// Opens one directory and compares it with what its release said.
async fn opened(release: &Path, directory: &str) -> (SimDisk, Host) {
    let disk = load(release, directory);
    let (host, recovery) = open(&disk).await;
    let expected = fs::read_to_string(release.join(format!("{directory}.txt"))).unwrap();
    let found = describe(&host, &recovery).await;
    assert_eq!(found, expected, "{directory} of {}\nfound:\n{found}", release.display());
    (disk, host)
}

async fn of(host: &Host, plugin: &str, function: &str, args: &[&str]) -> u64 {
    let args = args.iter().map(|arg| text(arg)).collect();
    number(returned(host.call(Call::new(plugin, function, args)).await))
}

/// Whatever serves is called, replaced, taken back, and replaced again; the state stays what it was but for the calls.
async fn goes_on(host: &Host, plugin: &str) {
    let before = of(host, plugin, "total", &[]).await;
    let serving = version(host, plugin).await;
    of(host, plugin, "bump", &["after"]).await;
    if serving != "v2" {
        host.swap(plugin, EVOLVE_V2, swap()).await.unwrap_or_else(|error| panic!("{plugin}: {error}"));
        assert_eq!(version(host, plugin).await, "v2");
        host.rollback(plugin, keep()).await.unwrap_or_else(|error| panic!("{plugin}: {error}"));
        assert_eq!(version(host, plugin).await, serving);
        host.swap(plugin, EVOLVE_V2, swap()).await.unwrap();
    }
    host.swap(plugin, EVOLVE_V3, swap()).await.unwrap();
    assert_eq!(of(host, plugin, "bump", &["after"]).await, 2, "{plugin}");
    assert_eq!(of(host, plugin, "total", &[]).await, before + 2, "{plugin}");
    // The later bump is given up.
    host.rollback(plugin, discard()).await.unwrap();
    assert_eq!((of(host, plugin, "total", &[]).await, version(host, plugin).await.as_str()), (before + 1, "v2"));
}

#[tokio::test]
async fn g08_a_directory_of_an_earlier_release_opens_as_it_was_and_goes_on() {
    for release in releases() {
        let (disk, host) = opened(&release, "closed").await;
        for plugin in ["box", "imported", "forked", "plain"] {
            goes_on(&host, plugin).await;
        }
        // What that release could take back can be taken back now: it went from identical code to other code.
        assert_eq!(version(&host, "rebuilt").await, "rebuilt");
        host.rollback("rebuilt", keep()).await.unwrap();
        assert_eq!(version(&host, "rebuilt").await, "v1");
        // And across a migration, with everything that was written since given up by name.
        assert_eq!((version(&host, "migrated").await.as_str(), of(&host, "migrated", "total", &[]).await), ("v2", 5));
        assert!(host.rollback("migrated", keep()).await.is_err());
        host.rollback("migrated", discard()).await.unwrap();
        assert_eq!((version(&host, "migrated").await.as_str(), of(&host, "migrated", "total", &[]).await), ("v1", 2));
        goes_on(&host, "migrated").await;
        // Values of two ages: the version before cannot hold the newer ones, another build of the same types can.
        assert_eq!(version(&host, "widened").await, "widening");
        assert!(host.rollback("widened", keep()).await.is_err());
        assert!(host.swap("widened", EVOLVE_REBUILT, swap()).await.is_err());
        assert_eq!(of(&host, "widened", "bump", &["a"]).await, 4);
        host.close().await.unwrap();

        let (host, recovery) = open(&disk).await;
        assert!(recovery.handoffs.is_empty());
        assert_eq!(of(&host, "box", "count-of", &["after"]).await, 1);
        assert!(host.verify(|_| {}).await.unwrap().is_clean());
    }
}

#[tokio::test]
async fn g11_a_hand_off_that_an_earlier_release_left_in_any_phase_ends_and_another_follows() {
    for release in releases() {
        for directory in &DIRECTORIES[1..] {
            let (disk, host) = opened(&release, directory).await;
            assert!(host.list().unwrap()[0].handoff.is_none(), "{directory}");
            goes_on(&host, "box").await;
            drop(host);
            let (host, Recovery { handoffs, .. }) = open(&disk.restart(8)).await;
            assert!(handoffs.is_empty(), "{directory}: {handoffs:?}");
            assert_eq!(version(&host, "box").await, "v2");
        }
    }
}
