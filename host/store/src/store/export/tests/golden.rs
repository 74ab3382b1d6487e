//! Byte for byte.

use super::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn exported(view: &View, base: Option<&View>) -> Vec<u8> {
    let mut out = Vec::new();
    match base {
        None => view.export(&mut out).expect("exported"),
        Some(base) => view.export_since(base, &mut out).expect("exported"),
    };
    out
}

#[test]
fn a_whole_file_is_byte_for_byte() {
    let file = exported(&view([(Bytes::from_static(b"key"), Bytes::from_static(b"value"))]), None);
    let zeros = |count: usize| "00".repeat(count);
    let header = [
        "53544541444558500100000000010000".to_owned(),
        "00100000004000000004000000000000".to_owned(),
        zeros(32),
        "0603ae3fcb498f99c7517d9f383e44387538f5a3f97715cf7c2d258410190ded".to_owned(),
        "01000000000000000800000000000000".to_owned(),
        "4d106582fc39a8aafba5a1fd3ca012b666774aba1566e356dcd385521bf36735".to_owned(),
        zeros(80),
        "4211df2680447a1226f52aa3f9b7662101a9bdfded8fb11db3fe80e0f094216c".to_owned(),
    ];
    let items = "0114000000534e0100010000000300050\
                 06b657976616c756502";
    assert_eq!(hex(&file[..256]), header.concat());
    assert_eq!(hex(&file[256..]), items);
    assert_eq!(ExportHeader::decode(&file).expect("valid").id().to_string(), header[7]);
}

#[test]
fn larger_files_have_their_hashes() {
    let mut entries: Vec<(Bytes, Bytes)> = numbered(0..200).collect();
    let base = view(entries.clone());
    entries[150].1 = vec![9; 3000].into();
    entries.push((key(999), vec![9; 3000].into()));
    let state = view(entries);
    let (whole, incremental) = (exported(&state, None), exported(&state, Some(&base)));
    assert_eq!(
        (whole.len(), blake3::hash(&whole).to_hex().as_str()),
        (26170, "fbfa33eec6324f57e0ced472c7d2cf171507083a634ecad0ca934bed126f5461")
    );
    assert_eq!(
        (incremental.len(), blake3::hash(&incremental).to_hex().as_str()),
        (9086, "7637d0dfa00d5f87f1f640a8c006d12dde9aa0f015117e5b152be8a4b68b8cde")
    );
}
