//! What a rollback gave up can be put back.

use std::io::Write;
use std::sync::{Arc, Mutex};

use stead_runtime::{ImportError, ImportMode, RollbackOptions};
use stead_schema::{Parts, Value};
use stead_test_guests::{EVOLVE_REBUILT, EVOLVE_V1, EVOLVE_WIDENING, KINDS};

use super::{call_of, export, import, import_as};
use crate::harness::{bump, call, count_of, deploy, number, swap, text, total, u64_, with_plugin};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn g07_later_writes_that_a_rollback_gave_up_are_merged_back() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    host.swap("box", EVOLVE_WIDENING, swap()).await.unwrap();
    for key in ["a", "b", "b"] {
        bump(&host, key).await;
    }
    let lines = Lines::default();
    let options = RollbackOptions { discard: Some(Box::new(lines.clone())), ..RollbackOptions::default() };
    let receipt = host.rollback("box", options).await.unwrap();
    let file = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert_eq!(receipt.discarded as usize, file.lines().count() - 2, "{file}");
    assert_eq!(total(&host).await, 1);
    // Something is written under the older version, and then the newer one is there again.
    bump(&host, "c").await;
    host.swap("box", EVOLVE_WIDENING, swap()).await.unwrap();
    match import(&host, "box", &file).await {
        Err(ImportError::Content { .. }) => {}
        other => panic!("changes were taken for a whole state: {other:?}"),
    }
    import_as(&host, "box", file.as_bytes(), ImportMode::Merge).await.unwrap();
    assert_eq!((count_of(&host, "a").await, count_of(&host, "b").await, count_of(&host, "c").await), (2, 2, 1));
    assert_eq!(total(&host).await, 5, "the counter is added to");
}

#[tokio::test]
async fn a_log_takes_merged_entries_at_its_end_only() {
    let (_, host) = with_plugin(KINDS).await;
    deploy(&host, "other", KINDS).await;
    call_of(&host, "other", "lines-append", vec![text("one")]).await;
    let file = export(&host, "other").await;
    import_as(&host, "box", file.as_bytes(), ImportMode::Merge).await.unwrap();
    assert_eq!(number(call(&host, "lines-end", vec![]).await), 1);
    let error = import_as(&host, "box", file.as_bytes(), ImportMode::Merge).await.unwrap_err().to_string();
    assert!(error.contains("index 0 cannot be appended: the log's next index is 1"), "{error}");
    // An index is never given twice, also when nothing is left under it.
    call_of(&host, "box", "lines-truncate-before", vec![u64_(1)]).await;
    match import(&host, "box", &file).await {
        Err(ImportError::NotEmpty(taken)) => assert!(taken[0].1.contains("its indices below 1 were used"), "{taken:?}"),
        other => panic!("an index was given twice: {other:?}"),
    }
}

#[tokio::test]
async fn a_counter_that_has_no_room_refuses_the_whole_file() {
    let (_, host) = with_plugin(KINDS).await;
    deploy(&host, "other", KINDS).await;
    call_of(&host, "other", "meter-add", vec![u64_(u64::MAX)]).await;
    call_of(&host, "other", "strings-set", vec![text("a"), text("b")]).await;
    let file = export(&host, "other").await;
    call_of(&host, "box", "meter-add", vec![u64_(1)]).await;
    let error = import_as(&host, "box", file.as_bytes(), ImportMode::Merge).await.unwrap_err().to_string();
    assert!(error.contains("the sum does not fit `u64`"), "{error}");
    assert_eq!(number(call(&host, "strings-len", vec![]).await), 0);
    // What was added fits its 64 bits, but the sum is signed.
    deploy(&host, "signed", KINDS).await;
    call_of(&host, "signed", "gauge-add", vec![Value(Parts::S64(i64::MAX))]).await;
    let file = export(&host, "signed").await;
    call_of(&host, "box", "gauge-add", vec![Value(Parts::S64(1))]).await;
    let error = import_as(&host, "box", file.as_bytes(), ImportMode::Merge).await.unwrap_err().to_string();
    assert!(error.contains("the sum does not fit `s64`"), "{error}");
}

#[tokio::test]
async fn versions_are_swapped_and_rolled_back_after_an_import_as_before() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    let file = export(&host, "box").await;
    host.swap("box", EVOLVE_REBUILT, swap()).await.unwrap();
    for _ in 0..20 {
        import_as(&host, "box", file.as_bytes(), ImportMode::Merge).await.unwrap();
    }
    assert_eq!(total(&host).await, 21);
    host.rollback("box", crate::harness::keep()).await.unwrap();
    assert_eq!(bump(&host, "b").await, 1);
    drop(host);
    let (host, _) = crate::harness::open(&disk.restart(1)).await;
    assert_eq!(total(&host).await, 22);
    host.rollback("box", crate::harness::keep()).await.unwrap();
    assert_eq!(total(&host).await, 22);
}
