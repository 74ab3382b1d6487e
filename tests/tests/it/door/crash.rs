//! After any crash an import is there whole, or not at all.

use stead_runtime::ImportMode;
use stead_store::disk::sim::SimDisk;
use stead_test_guests::EVOLVE_V1;

use super::{export, import, import_as, root};
use crate::harness::{bump, deploy, open, total, try_open, with_plugin};

/// Enough for several batches of the state in the making.
async fn file() -> String {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    let file = export(&host, "box").await;
    let line = file.lines().nth(1).unwrap();
    let label = "x".repeat(40_000);
    let mut lines: Vec<String> = (0..60)
        .map(|key| {
            format!(
                r#"{{"collection":"test:evolve/entries@1","key":"{key:03}","value":{{"count":1,"label":"{label}"}}}}"#
            )
        })
        .collect();
    assert!(
        line.starts_with(r#"{"collection":"test:evolve/entries@1","key":"a","value":{"count":1,"label":""#),
        "{line}"
    );
    let header = file.lines().next().unwrap().replacen(r#""entries":1"#, r#""entries":60"#, 1);
    lines.insert(0, header);
    lines.push(file.lines().nth(2).unwrap().to_owned());
    super::sealed(&(lines.join("\n") + "\n"))
}

#[tokio::test]
async fn g01_a_crash_at_any_disk_operation_of_an_import_leaves_all_of_it_or_nothing() {
    let file = file().await;
    let (mut done, mut undone) = (0, 0);
    for crash_at in 0.. {
        let disk = SimDisk::new(crash_at);
        let (host, _) = open(&disk).await;
        deploy(&host, "box", EVOLVE_V1).await;
        bump(&host, "kept").await;
        let before = root(&host, "box");
        disk.crash_after(crash_at);
        let imported = import_as(&host, "box", file.as_bytes(), ImportMode::Replace).await;
        let crashed = disk.crashed();
        drop(host);
        let (host, _) = try_open(&disk.restart(crash_at)).await.expect("it opens after a crash");
        let entries = crate::harness::entries(&host, "box", "entries");
        match entries {
            60 => done += 1,
            1 => {
                undone += 1;
                assert!(imported.is_err(), "an acknowledged import is gone, crash at {crash_at}");
                assert_eq!(root(&host, "box"), before, "crash at {crash_at}");
            }
            _ => panic!("{entries} entries, crash at {crash_at}"),
        }
        let states = if entries == 60 { 3 } else { 2 };
        assert_eq!(host.info().store.states, states, "the state in the making is gone, crash at {crash_at}");
        assert_eq!(bump(&host, "after").await, 1);
        assert_eq!(total(&host).await, 2);
        if !crashed {
            break;
        }
    }
    assert!(done > 0 && undone > 3, "{done} {undone}");
}

#[tokio::test]
async fn a_source_that_breaks_changes_nothing() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    let broken = std::io::Read::chain(std::io::Cursor::new(file().await.into_bytes()[..90_000].to_vec()), Broken);
    let error = host.import("box", Box::new(broken), Default::default()).await.unwrap_err();
    assert_eq!(error.kind(), "io", "{error}");
    assert_eq!(host.info().store.states, 2);
    import(&host, "box", &file().await).await.unwrap();
    assert_eq!(bump(&host, "after").await, 1);
}

struct Broken;

impl std::io::Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    }
}
