//! Values that come and go in pieces, and packs that no commit names yet.

use super::*;
use crate::pack::CopyError;
use crate::tree::ValueHash;

/// Larger than the writer's buffer.
const LARGE: usize = 3 << 20;

fn value(byte: u8, len: usize) -> (ValueHash, Vec<u8>) {
    let value: Vec<u8> = (0..len).map(|at| byte ^ (at / 251) as u8).collect();
    (ValueHash::of(&value), value)
}

fn copy(writer: &mut PackWriter, hash: ValueHash, len: u32, mut bytes: &[u8]) -> Result<(), CopyError> {
    writer.copy_value(hash, len, &mut |piece| std::io::Read::read_exact(&mut bytes, piece))
}

fn pieces(packs: &Packs, hash: ValueHash, len: usize) -> Result<Vec<u8>, ReadError> {
    let mut out = Vec::new();
    packs.value_in_pieces(&hash, len as u32, &mut |piece| {
        assert!(piece.len() < LARGE, "a piece, not all of it");
        out.extend_from_slice(piece);
        true
    })?;
    Ok(out)
}

#[test]
fn a_value_that_is_not_what_it_must_be_leaves_nothing() {
    let disk = empty_disk(21);
    let packs = packs_on(&disk);
    let ((small, small_bytes), (large, large_bytes)) = (value(1, 2000), value(2, LARGE));
    let mut writer = PackWriter::new(&packs);
    let mut wrong = large_bytes.clone();
    wrong[LARGE - 1] ^= 1;
    // First in the pack, and after something else; wrong, and cut off.
    assert!(matches!(copy(&mut writer, large, LARGE as u32, &wrong), Err(CopyError::Hash)));
    assert_eq!(writer.bytes(), 0);
    copy(&mut writer, small, 2000, &small_bytes).unwrap();
    let bytes = writer.bytes();
    assert!(matches!(copy(&mut writer, large, LARGE as u32, &wrong), Err(CopyError::Hash)));
    assert!(matches!(copy(&mut writer, large, LARGE as u32, &large_bytes[1..]), Err(CopyError::Source(_))));
    assert_eq!(writer.bytes(), bytes);
    let id = writer.finish().unwrap().unwrap();
    packs.add(id).unwrap();
    assert!(!packs.holds(&large.0));
    assert_eq!(pieces(&packs, small, 2000).unwrap(), small_bytes);
    assert!(verify_pack(&disk, id, &mut |_| ()).is_empty(), "no gap where it was");
}

#[test]
fn a_large_value_passes_in_pieces() {
    let disk = empty_disk(22);
    let packs = packs_on(&disk);
    let (hash, bytes) = value(3, LARGE);
    let mut writer = PackWriter::new(&packs);
    copy(&mut writer, hash, LARGE as u32, &bytes).unwrap();
    copy(&mut writer, hash, LARGE as u32, &bytes).unwrap();
    assert!(writer.bytes() < LARGE as u64 + 100, "once");
    let id = writer.finish().unwrap().unwrap();
    packs.add(id).unwrap();
    assert_eq!(pieces(&packs, hash, LARGE).unwrap(), bytes);
    assert!(pieces(&packs, hash, LARGE - 1).is_err(), "of another length");
    disk.flip_bit(&id.path(), 2 << 20, 5);
    assert_eq!(pieces(&packs, hash, LARGE).unwrap_err().kind(), "damaged");
}

#[test]
fn no_pack_relies_on_one_that_no_commit_names() {
    let disk = empty_disk(23);
    let other = packs_on(&disk);
    let (tree, id) = write(&other, &Tree::EMPTY, entries(0..300, 0));
    let packs = packs_on(&disk);
    packs.add_unnamed(id.unwrap()).unwrap();
    let (again, second) = write(&packs, &Tree::EMPTY, entries(0..300, 0));
    assert_eq!(again, tree);
    let second = second.expect("it is written again, for the first pack may go");
    packs.forget(id.unwrap());
    assert_eq!(read_all(&packs, &tree).unwrap().len(), 300);
    packs.forget(second);
    packs.add_unnamed(id.unwrap()).unwrap();
    packs.named(&[id.unwrap()]);
    assert_eq!(write(&packs, &Tree::EMPTY, entries(0..300, 0)).1, None, "a named pack is relied on");
    assert!(disk.files().contains(&second.path()), "what is forgotten stays a file");
}
