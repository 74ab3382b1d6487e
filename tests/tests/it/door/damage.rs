//! A file that was changed or cut short is refused, and changes nothing.

use stead_runtime::{FileError, ImportError, ImportMode};
use stead_test_guests::EVOLVE_V1;

use super::{export, import, import_as, root};
use crate::harness::{bump, deploy, with_plugin};

#[tokio::test]
async fn g04_a_file_with_any_flipped_bit_or_cut_short_anywhere_is_refused() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    for key in ["a", "b", "c"] {
        bump(&host, key).await;
    }
    let file = export(&host, "box").await.into_bytes();
    deploy(&host, "copy", EVOLVE_V1).await;
    let before = root(&host, "copy");
    let mut damaged: Vec<(String, Vec<u8>)> = Vec::new();
    for at in 0..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 8);
        damaged.push((format!("bit flipped in byte {at}"), flipped));
        if at % 7 == 0 || at + 2 > file.len() {
            damaged.push((format!("cut after {at} bytes"), file[..at].to_vec()));
        }
    }
    damaged.push(("a line more".into(), [&file[..], b"\n"].concat()));
    damaged.push(("twice".into(), [&file[..], &file[..]].concat()));
    for (what, bytes) in damaged {
        match import_as(&host, "copy", &bytes, ImportMode::Empty).await {
            Err(ImportError::File(FileError::Refused { .. }) | ImportError::Collections(_)) => {}
            other => panic!("{what}: {other:?}"),
        }
    }
    assert_eq!(root(&host, "copy"), before);
    assert_eq!(host.info().store.states, 3, "nothing is left behind");
    import(&host, "copy", std::str::from_utf8(&file).unwrap()).await.unwrap();
    assert_eq!(root(&host, "copy"), root(&host, "box"));
}

#[tokio::test]
async fn g14_a_line_without_end_is_refused() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    let endless = Box::new(std::io::repeat(b'{'));
    let error = host.import("box", endless, Default::default()).await.unwrap_err().to_string();
    assert!(error.contains("line 1: the line is longer than 134217728 bytes"), "{error}");
}

#[tokio::test]
async fn g14_types_nested_too_deep_are_refused() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    let file = export(&host, "box").await;
    let deep = format!("{}u8{}", "list<".repeat(100_000), ">".repeat(100_000));
    let error = import(&host, "box", &super::resealed(&file, "\"string\"", &format!("\"{deep}\""))).await.unwrap_err();
    assert!(error.to_string().contains("no deeper type"), "{error}");
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let error = import(&host, "box", &format!("{nested}\n")).await.unwrap_err().to_string();
    assert!(error.contains("recursion limit"), "{error}");
}
