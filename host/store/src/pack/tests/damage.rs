//! Damaged and hostile packs: every changed byte is found, and none is served.

use proptest::prelude::*;

use super::*;
use crate::disk::Mode;
use crate::pack::format::{FOOTER_BYTES, Footer, HEADER_BYTES, Index, Item, Kind, header, index_hash};

/// A disk with one pack, and the tree in it.
fn sample() -> (SimDisk, PackId, Tree, Model) {
    let disk = empty_disk(5);
    let packs = packs_on(&disk);
    let changes = entries(0..150, 0);
    let model = changes.iter().cloned().map(|(key, value)| (key, value.unwrap())).collect();
    let (tree, id) = write(&packs, &Tree::EMPTY, changes);
    (disk, id.unwrap(), tree, model)
}

/// A disk with a file in the place of a pack.
fn forged(id: PackId, bytes: &[u8]) -> SimDisk {
    let disk = empty_disk(6);
    disk.open(&id.path(), Mode::CreateNew).unwrap().write_at(0, bytes).unwrap();
    disk
}

#[test]
fn g04_every_flipped_byte_is_found_and_none_is_served() {
    let (disk, id, tree, model) = sample();
    let bytes = disk.contents(&id.path()).unwrap().len() as u64;
    assert!(bytes > 10_000);
    for offset in 0..bytes {
        let bit = (offset % 8) as u8;
        disk.flip_bit(&id.path(), offset, bit);
        let damage = verify_pack(&disk, id, &mut |_| {});
        assert!(!damage.is_empty(), "the flip at {offset} went unnoticed");
        for error in damage {
            let ReadError::Damaged { path, offset: found, .. } = error else { panic!("{error}") };
            assert_eq!(path, id.path());
            assert!(found <= bytes);
        }
        let packs = packs_on(&disk);
        if packs.add(id).is_ok()
            && let Ok(read) = read_all(&packs, &tree)
        {
            assert_eq!(read, model, "the flip at {offset} was served");
            panic!("the flip at {offset} lies in no body that a scan needs");
        }
        disk.flip_bit(&id.path(), offset, bit);
    }
    assert!(verify_pack(&disk, id, &mut |_| {}).is_empty());
}

#[test]
fn g04_damage_is_named_by_file_offset_and_kind() {
    let (disk, id, ..) = sample();
    disk.flip_bit(&id.path(), HEADER_BYTES as u64 + 100, 0);
    let damage = verify_pack(&disk, id, &mut |_| {});
    let [ReadError::Damaged { path, offset, what }] = damage.as_slice() else { panic!("{damage:?}") };
    assert_eq!((path.as_str(), *offset), (id.path().as_str(), HEADER_BYTES as u64));
    assert!(what.starts_with("the ") && what.ends_with(" does not have its hash"), "{what}");
}

#[test]
fn g04_a_pack_cut_off_or_extended_does_not_open() {
    let (disk, id, ..) = sample();
    let bytes = disk.contents(&id.path()).unwrap();
    for length in (0..bytes.len()).step_by(97).chain(bytes.len() - 200..bytes.len()) {
        assert!(!verify_pack(&forged(id, &bytes[..length]), id, &mut |_| {}).is_empty());
    }
    for extra in [1, 48, 4096] {
        let extended = [bytes.clone(), vec![0; extra]].concat();
        assert!(!verify_pack(&forged(id, &extended), id, &mut |_| {}).is_empty());
    }
}

#[test]
fn a_pack_under_another_name_does_not_open() {
    let (disk, id, ..) = sample();
    let other = PackId(id.0 ^ 1);
    let disk = forged(other, &disk.contents(&id.path()).unwrap());
    let damage = verify_pack(&disk, other, &mut |_| {});
    assert!(damage[0].to_string().ends_with("it is the pack of another name"), "{}", damage[0]);
}

#[test]
fn a_missing_pack_is_an_error() {
    let packs = packs_on(&empty_disk(7));
    assert!(matches!(packs.add(PackId(1)), Err(ReadError::Io { .. })));
    assert!(matches!(verify_pack(packs.disk(), PackId(1), &mut |_| {})[..], [ReadError::Io { .. }]));
}

/// A pack of given bodies with an index of our choice; all hashes of the frame are right.
fn framed(id: PackId, bodies: &[u8], items: Vec<Item>) -> Vec<u8> {
    let index = Index::new(items.into_iter());
    let mut file = [&header(id), bodies].concat();
    let footer = index.footer(file.len() as u64);
    file.extend_from_slice(index.bytes());
    file.extend_from_slice(&footer.encode(id));
    file
}

#[test]
fn golden_pack() {
    let id = PackId(0x0102_0304);
    let body = b"a blob";
    let item = Item { hash: Kind::Blob.hash(body), offset: 24, length: 6, kind: Kind::Blob };
    let file = framed(id, body, vec![item]);
    assert_eq!(file.len(), HEADER_BYTES + body.len() + 1024 + 48 + FOOTER_BYTES);
    assert_eq!(file[..30], *b"STEADPAK\x01\0\0\0\0\0\0\0\x04\x03\x02\x01\0\0\0\0a blob");
    assert_eq!(blake3::hash(&file).to_string(), "00b09b1292f2bfccde079b7a5264d4fa43581802bb1bb5b9ff6723e2b1f3e39a");
    assert!(verify_pack(&forged(id, &file), id, &mut |_| {}).is_empty());
}

#[test]
fn hostile_frames_are_refused() {
    let id = PackId(77);
    let body = b"some body";
    let good = Item { hash: Kind::Value.hash(body), offset: 24, length: 9, kind: Kind::Value };
    let check = |bodies: &[u8], items: Vec<Item>, what: &str| {
        let damage = verify_pack(&forged(id, &framed(id, bodies, items)), id, &mut |_| {});
        let text = damage.first().map(ToString::to_string).unwrap_or_default();
        assert!(text.ends_with(what), "{text:?} instead of {what:?}");
    };
    check(body, vec![good], "");
    check(body, vec![Item { offset: 20, ..good }], "an item lies outside the bodies");
    check(body, vec![Item { offset: u64::MAX, ..good }], "an item lies outside the bodies");
    check(body, vec![Item { length: u32::MAX, ..good }], "an item lies outside the bodies");
    check(body, vec![good, good], "the index is not sorted");
    check(body, vec![], "its bodies overlap or leave a gap");
    check(b"some body and more", vec![good], "its bodies overlap or leave a gap");
    check(&[0; 20_000], vec![Item { length: 20_000, kind: Kind::Leaf, ..good }], "a node is larger than any");
    let leaf = |body: &[u8], kind: Kind| Item { hash: kind.hash(body), offset: 24, length: body.len() as u32, kind };
    check(body, vec![leaf(body, Kind::Leaf)], "it does not start with a node's magic");
    let mut node = vec![];
    Tree::EMPTY
        .apply(&*packs_on(&empty_disk(8)), &Ranges::new(), entries(0..1, 0).into_iter(), &mut LastNode(&mut node))
        .unwrap();
    check(&node, vec![leaf(&node, Kind::Inner)], "its level is not that of its kind");
}

struct LastNode<'a>(&'a mut Vec<u8>);

impl crate::tree::NodeSink for LastNode<'_> {
    fn node(&mut self, _: crate::tree::NodeHash, bytes: Vec<u8>) {
        *self.0 = bytes;
    }

    fn value(&mut self, _: crate::tree::ValueHash, _: Bytes) {}
}

#[test]
fn sizes_are_checked_before_anything_is_allocated() {
    let id = PackId(78);
    for items in [u64::MAX, u64::MAX / 48, 1 << 40, 1 << 31, 3] {
        for index_offset in [0, 24, u64::MAX - 1024, u64::MAX] {
            let footer = Footer { index_offset, items, index_hash: [0; 32] };
            let file = [&header(id)[..], &[0; 1024], &footer.encode(id)].concat();
            let damage = verify_pack(&forged(id, &file), id, &mut |_| {});
            assert!(damage[0].to_string().ends_with("the index does not fit the file"), "{}", damage[0]);
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_files_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..3000), is_framed in any::<bool>()) {
        let id = PackId(79);
        let file = if is_framed && bytes.len() > 1024 {
            // An arbitrary index whose hash is right.
            let items = (bytes.len() as u64 - 1024) / 48;
            let index = &bytes[..1024 + 48 * items as usize];
            let footer = Footer { index_offset: 24, items, index_hash: index_hash(index) };
            [&header(id)[..], index, &footer.encode(id)].concat()
        } else {
            bytes
        };
        let damage = verify_pack(&forged(id, &file), id, &mut |_| {});
        prop_assert!(!damage.is_empty());
    }
}
