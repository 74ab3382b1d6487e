//! Keys chosen by someone who knows the rule of boundaries: what they can do, and what they cannot.

use super::*;
use crate::limits::KEY_BYTES_MAX;
use crate::tree::NODE_BYTES_MAX;

/// Whether a key ends no leaf wherever it stands: the hash that decides is above what an entry of 40 bytes reaches before
/// the bound of a node is near, which is (11 284⁴ − 11 244⁴) / 4096⁴ < 0.85.
fn ends_no_leaf(key: &[u8]) -> bool {
    let salt = *b"stead state tree: boundary, v1\0\0";
    let [a, b, c, d, ..] = *blake3::keyed_hash(&salt, key).as_bytes();
    f64::from(u32::from_le_bytes([a, b, c, d])) >= 0.85 * 2f64.powi(32)
}

/// What applying some changes writes: the sizes of the nodes.
fn written(shelf: &Shelf, tree: &Tree, changes: Batch) -> (Tree, Vec<usize>) {
    let mut recorded = Recorded::default();
    let changed = tree.apply(shelf, &Ranges::new(), changes.into_iter(), &mut recorded).unwrap();
    (changed, recorded.nodes.iter().map(|(_, bytes)| bytes.len()).collect())
}

fn one_entry(key: Bytes) -> Batch {
    [(key, Some(value(1, 20)))].into()
}

#[test]
fn g14_a_write_of_an_ordinary_key_rewrites_few_nodes() {
    let shelf = Shelf::new();
    let model: Model = (0..40_000u64).map(|number| (key(number << 32, 0), value(number, 60))).collect();
    let tree = shelf.build(&model);
    let levels = usize::from(tree.height) + 1;
    let mut random = Random(11);
    let (mut sum, mut most) = (0, 0);
    for _ in 0..600 {
        let (_, sizes) = written(&shelf, &tree, one_entry(key(random.below(40_000 << 32), 0)));
        (sum, most) = (sum + sizes.len(), most.max(sizes.len()));
    }
    assert!(sum <= 600 * 2 * levels, "{sum} nodes for 600 writes in {levels} levels");
    assert!(most <= 8 * levels, "{most} nodes for one write in {levels} levels");
}

#[test]
fn g14_chosen_keys_cost_their_own_run_once_and_no_more() {
    let shelf = Shelf::new();
    let chosen = (1..200_000u64).map(|number| key(number, 0)).filter(|key| ends_no_leaf(key)).take(20_000);
    let run: Model = chosen.map(|key| (key, value(7, 20))).collect();
    assert_eq!(run.len(), 20_000);
    let ordinary = (0..20_000u64).map(|number| (key((1 << 40) + number, 0), value(number, 20)));
    let model: Model = run.clone().into_iter().chain(ordinary).collect();
    let (tree, sizes) =
        written(&shelf, &Tree::EMPTY, model.iter().map(|(k, v)| (k.clone(), Some(v.clone()))).collect());
    assert_eq!(shelf.build(&model), tree);
    assert!(sizes.iter().all(|bytes| *bytes <= NODE_BYTES_MAX));
    let run_nodes =
        written(&shelf, &Tree::EMPTY, run.iter().map(|(k, v)| (k.clone(), Some(v.clone()))).collect()).1.len();

    // All of them are cut by size alone, so an entry in front moves every cut. What follows them is cut as before.
    let (front, sizes) = written(&shelf, &tree, one_entry(key(0, 0)));
    assert_eq!(shelf.apply(&tree, one_entry(key(0, 0))), front);
    assert!(sizes.len() > run_nodes / 2, "the keys were not hostile enough: {} of {run_nodes} nodes", sizes.len());
    assert!(sizes.len() <= run_nodes + 8 * (usize::from(tree.height) + 1), "{} of {run_nodes} nodes", sizes.len());
    assert!(sizes.iter().all(|bytes| *bytes <= NODE_BYTES_MAX));
    // However many changes come at once, each node is written once.
    let many: Batch =
        run.keys().step_by(50).map(|key| ([key, &b"\0"[..]].concat().into(), Some(value(1, 20)))).collect();
    let (_, sizes) = written(&shelf, &front, many);
    assert!(
        sizes.len() <= run_nodes + run_nodes / 10 + 8 * (usize::from(tree.height) + 1),
        "{} of {run_nodes}",
        sizes.len()
    );
}

#[test]
fn g14_no_keys_make_a_tree_higher_than_its_nodes_by_twos() {
    // The longest keys leave room for the fewest children.
    let shelf = Shelf::new();
    let model: Model = (0..600u64)
        .map(|number| {
            let mut key = number.to_be_bytes().to_vec();
            key.resize(KEY_BYTES_MAX, 0);
            (key.into(), value(number, 1024))
        })
        .collect();
    let (tree, sizes) =
        written(&shelf, &Tree::EMPTY, model.iter().map(|(k, v)| (k.clone(), Some(v.clone()))).collect());
    assert!(sizes.iter().all(|bytes| *bytes <= NODE_BYTES_MAX));
    assert!(tree.height >= 6, "the keys were not hostile enough: {} levels", tree.height);
    assert!(u32::from(tree.height) <= 600u32.ilog2() + 1, "{} levels", tree.height);
}
