//! Writes the fixtures of the current release.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use stead_runtime::engine::Settings;
use stead_runtime::{
    Call, DataDir, DeployOptions, Edit, EditChange, Host, HostOptions, ImportMode, ImportOptions, Input, Phase,
};
use stead_store::Options;
use stead_store::disk::sim::SimDisk;
use stead_store::limits::SEGMENT_BYTES_MIN;
use stead_test_guests::{EVOLVE_MIGRATE_ERR, EVOLVE_READY, EVOLVE_REBUILT, EVOLVE_V1, EVOLVE_V2, EVOLVE_WIDENING};

use super::describe::{ASKED, asked, describe};
use super::{DIRECTORIES, fixtures, load};
use crate::harness::{discard, engine, inline, keep, open, returned, swap, text};

/// Of one release: all of them lie in the repository for ever.
const FIXTURE_BYTES_MAX: usize = 3 << 20;

#[tokio::test]
#[ignore = "writes into the repository; only for a release that is about to change what it records"]
async fn make_fixtures() {
    let name = std::env::var("STEAD_FIXTURE").expect("STEAD_FIXTURE names the fixtures, such as runtime-v2");
    let release = fixtures().join(name);
    let mut directories = BTreeMap::from([("closed", closed().await)]);
    // Only a check makes an attempt that is journaled.
    for successor in [EVOLVE_V2, EVOLVE_READY] {
        let mut crash_at = 0;
        while let Some(disk) = interrupted(successor, crash_at).await {
            if let Some(directory) = phase(&disk).await {
                directories.entry(directory).or_insert(disk);
            }
            crash_at += 1;
        }
    }
    let mut bytes = 0;
    for directory in DIRECTORIES {
        let disk = directories.get(directory).unwrap_or_else(|| panic!("no crash in {directory}"));
        bytes += keep_files(disk, &release, directory);
        let (host, recovery) = open(&load(&release, directory)).await;
        fs::write(release.join(format!("{directory}.txt")), describe(&host, &recovery).await).unwrap();
    }
    assert!(bytes <= FIXTURE_BYTES_MAX, "{bytes} bytes");
}

/// Everything that a release records but a hand-off under way.
async fn closed() -> SimDisk {
    let disk = SimDisk::new(31);
    let host = open_small(&disk).await;
    for plugin in ["box", "imported", "migrated", "plain", "rebuilt", "widened"] {
        let settings = Settings([("colour".to_owned(), plugin.to_owned())].into());
        let options = DeployOptions { label: Some("1".into()), settings, ..DeployOptions::default() };
        host.deploy(plugin, EVOLVE_V1, options).await.unwrap();
        ask(&host, plugin, 1).await;
        ask(&host, plugin, 2).await;
    }
    host.fork("box", "forked").await.unwrap();
    ask(&host, "forked", 1).await;
    ask(&host, "forked", 2).await;
    host.checkpoint().await.unwrap();

    // A swap that is given up, one with a check, and the way back with all writes kept.
    host.swap("box", EVOLVE_MIGRATE_ERR, swap()).await.unwrap_err();
    host.swap("box", EVOLVE_READY, swap()).await.unwrap();
    ask(&host, "box", 3).await;
    host.rollback("box", keep()).await.unwrap();
    // A migration that was taken back with what was written since, and whose call was undone.
    host.swap("plain", EVOLVE_V2, swap()).await.unwrap();
    ask(&host, "plain", 3).await;
    host.rollback("plain", discard()).await.unwrap();
    host.swap("rebuilt", EVOLVE_REBUILT, swap()).await.unwrap();
    host.swap("widened", EVOLVE_WIDENING, swap()).await.unwrap();
    bump(&host, "migrated", "b").await;
    host.swap("migrated", EVOLVE_V2, swap()).await.unwrap();
    bump(&host, "migrated", "c").await;

    let edit = Edit {
        collection: "test:evolve/entries@1".into(),
        key: Some(Input::Wave("\"edited\"".into())),
        change: EditChange::Set(Input::Wave("{count: 7, label: \"by hand\"}".into())),
        expect: None,
        reason: "a fixture".into(),
    };
    host.edit("box", &edit).await.unwrap();
    let mut file = Vec::new();
    host.export("box", &[]).await.unwrap().write_to(&mut file).unwrap();
    let options = ImportOptions { mode: ImportMode::Replace, reason: Some("a fixture".into()) };
    host.import("imported", Box::new(Cursor::new(file)), options).await.unwrap();
    for plugin in ["box", "forked", "imported", "migrated", "plain", "rebuilt", "widened"] {
        for sequence in ASKED {
            ask(&host, plugin, sequence).await;
        }
    }
    host.close().await.unwrap();
    disk
}

/// What a crash in a swap leaves; none if the swap came to its end before.
async fn interrupted(successor: &[u8], crash_at: u64) -> Option<SimDisk> {
    let disk = SimDisk::new(crash_at);
    let host = open_small(&disk).await;
    let options = DeployOptions { label: Some("1".into()), ..DeployOptions::default() };
    host.deploy("box", EVOLVE_V1, options).await.unwrap();
    for sequence in ASKED {
        ask(&host, "box", sequence).await;
    }
    for key in 0..20 {
        bump(&host, "box", &format!("key {key}")).await;
    }
    disk.crash_after(crash_at);
    drop(host.swap("box", successor, swap()).await);
    disk.crashed().then(|| disk.restart(crash_at))
}

/// The name of the directory for what a disk holds.
async fn phase(disk: &SimDisk) -> Option<&'static str> {
    let (_, recovery) = open(&disk.restart(0)).await;
    match recovery.handoffs.first()?.phase {
        Phase::Negotiating => Some("negotiating"),
        Phase::Draining => Some("draining"),
        Phase::Sealing => Some("sealing"),
        Phase::AwaitingReady => Some("awaiting-ready"),
        Phase::Committed | Phase::ResumingAfterAbort => None,
    }
}

/// With the smallest segments, which are what a fixture mostly consists of.
async fn open_small(disk: &SimDisk) -> Host {
    let data = DataDir::Disk(Arc::new(disk.clone()));
    let store = Options { segment_bytes: SEGMENT_BYTES_MIN, ..inline() };
    Host::open(HostOptions { data, engine: engine(), store, receipt_key: None }).await.unwrap().0
}

async fn ask(host: &Host, plugin: &str, sequence: u64) {
    // An `err` or what was undone is an answer too.
    drop(host.call(asked(plugin, sequence)).await);
}

async fn bump(host: &Host, plugin: &str, key: &str) {
    returned(host.call(Call::new(plugin, "bump", vec![text(key)])).await);
}

/// Writes a disk's files; components go to a directory of the release, compiled code nowhere.
fn keep_files(disk: &SimDisk, release: &Path, directory: &str) -> usize {
    let mut bytes = 0;
    for path in disk.files().iter().filter(|path| !path.starts_with("cache/")) {
        let contents = disk.contents(path).unwrap();
        bytes += contents.len();
        let file =
            if path.starts_with("components/") { release.join(path) } else { release.join(directory).join(path) };
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, contents).unwrap();
    }
    bytes
}
