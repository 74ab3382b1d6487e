//! Collection keeps what is live, in less space, also while packs are written.

use std::collections::HashSet;

use super::*;
use crate::tree::Hash;

/// Everything that some trees need.
fn marked(packs: &Arc<Packs>, trees: &[Tree]) -> HashSet<Hash> {
    let mut live = HashSet::new();
    for tree in trees {
        tree.mark(&**packs, &mut |hash| live.insert(*hash)).unwrap();
    }
    live
}

fn ids(packs: &Arc<Packs>) -> Vec<PackId> {
    packs.list().iter().map(|pack| pack.id).collect()
}

#[test]
fn dead_packs_go_and_half_dead_ones_are_rewritten() {
    let disk = empty_disk(21);
    let packs = packs_on(&disk);
    let (old, dead) = write(&packs, &Tree::EMPTY, entries(5000..5400, 0));
    let (mut tree, _) = write(&packs, &Tree::EMPTY, entries(0..1000, 0));
    let (kept, whole) = write(&packs, &Tree::EMPTY, entries(8000..8400, 0));
    for round in 1..6 {
        tree = write(&packs, &tree, entries(0..1000, round)).0;
    }
    assert_ne!(old, tree);
    let (before, expected) = (packs.list(), read_all(&packs, &tree).unwrap());

    let collection = packs.begin_collection(ids(&packs)).unwrap();
    let live = marked(&packs, &[tree, kept]);
    let collected = collection.finish(&|hash| live.contains(hash)).unwrap();
    assert!(collected.dropped.contains(&dead.unwrap()));
    assert!(!collected.dropped.contains(&whole.unwrap()), "a pack that is live stays as it is");
    assert!(collected.bytes_dropped > 4 * collected.bytes_added);
    for id in &collected.dropped {
        packs.remove(*id).unwrap();
    }
    disk.sync_dir(PACK_DIR).unwrap();
    assert!(packs.list().len() < before.len());

    let reopened = packs_on(&disk.restart(1));
    for id in ids(&packs) {
        reopened.add(id).unwrap();
        assert!(verify_pack(reopened.disk(), id, &mut |_| {}).is_empty());
    }
    assert_eq!(read_all(&reopened, &tree).unwrap(), expected);
    assert_eq!(read_all(&reopened, &kept).unwrap().len(), 400);
}

#[test]
fn many_small_packs_become_few() {
    let packs = packs_on(&empty_disk(25));
    let mut tree = write(&packs, &Tree::EMPTY, entries(0..20_000, 0)).0;
    let large = ids(&packs)[0];
    let mut bytes_written = 0;
    for round in 0..60u64 {
        // Only grows, so that nothing dies by half.
        let start = 20_000 + round * 20;
        tree = write(&packs, &tree, entries(start..start + 20, 0)).0;
        if packs.list().len() >= 8 {
            let collection = packs.begin_collection(ids(&packs)).unwrap();
            let live = marked(&packs, &[tree]);
            let collected = collection.finish(&|hash| live.contains(hash)).unwrap();
            bytes_written += collected.bytes_added;
            for id in collected.dropped {
                packs.remove(id).unwrap();
            }
        }
        assert!(packs.list().len() <= 8);
    }
    assert!(packs.pack(large).is_some(), "a pack much larger than the others is not written again");
    assert!(bytes_written < 60 * 20 * 3000, "{bytes_written} bytes written again");
    assert_eq!(read_all(&packs, &tree).unwrap().len(), 21_200);
}

#[test]
fn a_pack_written_during_a_collection_does_not_rely_on_its_candidates() {
    let packs = packs_on(&empty_disk(22));
    let (gone, _) = write(&packs, &Tree::EMPTY, entries(0..800, 0));
    let candidates = ids(&packs);
    let collection = packs.begin_collection(candidates.clone()).unwrap();
    let live = HashSet::<Hash>::new();
    // The same contents come back while the collection runs that saw them dead.
    let (back, id) = write(&packs, &Tree::EMPTY, entries(0..800, 0));
    assert_eq!(back, gone);
    assert!(id.is_some(), "written again, although a doomed pack holds it");
    let collected = collection.finish(&|hash| live.contains(hash)).unwrap();
    assert_eq!((collected.added, &collected.dropped), (None, &candidates));
    for id in collected.dropped {
        packs.remove(id).unwrap();
    }
    let fresh = Packs::new(Arc::new(empty_disk(0)), 0);
    assert!(read_all(&fresh, &back).is_err());
    assert_eq!(read_all(&packs, &back).unwrap().len(), 800);
    assert!(packs.begin_collection(vec![]).is_some());
}

#[test]
fn a_collection_waits_for_packs_in_the_making() {
    let packs = packs_on(&empty_disk(23));
    let (tree, _) = write(&packs, &Tree::EMPTY, entries(0..100, 0));
    let writer = PackWriter::new(&packs);
    assert!(packs.begin_collection(ids(&packs)).is_none());
    drop(writer);
    let collection = packs.begin_collection(ids(&packs)).unwrap();
    assert!(packs.begin_collection(ids(&packs)).is_none(), "one at a time");
    drop(collection);
    assert_eq!(write(&packs, &tree, entries(0..100, 0)).1, None, "what was spared can be relied on");
}

#[test]
fn a_failed_collection_changes_nothing() {
    let disk = empty_disk(24);
    let packs = packs_on(&disk);
    let (tree, _) = write(&packs, &Tree::EMPTY, entries(0..1000, 0));
    let tree = write(&packs, &tree, entries(0..700, 1)).0;
    let before = packs.list();
    disk.full(Some(100));
    let collection = packs.begin_collection(ids(&packs)).unwrap();
    let live = marked(&packs, &[tree]);
    assert!(collection.finish(&|hash| live.contains(hash)).is_err());
    assert_eq!(packs.list(), before);
    disk.full(None);
    let collection = packs.begin_collection(ids(&packs)).unwrap();
    assert!(!collection.finish(&|hash| live.contains(hash)).unwrap().dropped.is_empty());
    assert_eq!(read_all(&packs, &tree).unwrap().len(), 1000);
}
