//! Random batches: the tree, however it came about, is the tree of its contents and reads as the model does.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::tree::Order;
use crate::tree::diff::Difference;

/// Compares everything that can be read from a tree with the model.
fn check(shelf: &Arc<Shelf>, tree: &Tree, model: &Model, random: &mut Random, key_length_max: u64) {
    assert_eq!(*tree, Shelf::new().build(model), "shape must depend on contents alone");
    assert_eq!(tree.entries, model.len() as u64);
    assert_eq!(tree.bytes, model.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum::<u64>());
    let bound = |random: &mut Random| {
        let key = key(random.below(1200), key_length_max);
        match random.below(3) {
            0 => Bound::Unbounded,
            1 => Bound::Included(key),
            _ => Bound::Excluded(key),
        }
    };
    for round in 0..6 {
        let (lower, upper) =
            if round == 0 { (Bound::Unbounded, Bound::Unbounded) } else { (bound(random), bound(random)) };
        let expected: Vec<(Bytes, Bytes)> = model
            .iter()
            .filter(|(key, _)| in_range(key, &lower, &upper))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let scan = |order| {
            let entries = tree.scan(shelf.clone(), lower.clone(), upper.clone(), order);
            entries.collect::<Result<Vec<_>, _>>().unwrap()
        };
        assert_eq!(scan(Order::Ascending), expected);
        let mut descending = scan(Order::Descending);
        descending.reverse();
        assert_eq!(descending, expected);
        let as_slice = |bound: &Bound<Bytes>| bound.clone();
        let (low, up) = (as_slice(&lower), as_slice(&upper));
        let count = tree.count(&**shelf, low.as_ref().map(|key| &**key), up.as_ref().map(|key| &**key));
        assert_eq!(count.unwrap(), expected.len() as u64);
    }
    for _ in 0..20 {
        let key = key(random.below(1200), key_length_max);
        assert_eq!(tree.get(&**shelf, &key).unwrap(), model.get(&key).cloned());
    }
}

fn in_range(key: &Bytes, lower: &Bound<Bytes>, upper: &Bound<Bytes>) -> bool {
    let above = match lower {
        Bound::Unbounded => true,
        Bound::Included(bound) => key >= bound,
        Bound::Excluded(bound) => key > bound,
    };
    let below = match upper {
        Bound::Unbounded => true,
        Bound::Included(bound) => key <= bound,
        Bound::Excluded(bound) => key < bound,
    };
    above && below
}

fn check_diff(shelf: &Arc<Shelf>, (old_tree, old): (&Tree, &Model), (new_tree, new): (&Tree, &Model)) {
    let mut expected = vec![];
    let mut keys: Vec<&Bytes> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let (old, new) = (old.get(key).cloned(), new.get(key).cloned());
        if old != new {
            expected.push(Difference { key: key.clone(), old, new });
        }
    }
    let differences = old_tree.diff(new_tree, shelf.clone());
    assert_eq!(differences.collect::<Result<Vec<_>, _>>().unwrap(), expected);
}

fn apply_to_model(model: &mut Model, batch: &Batch) {
    for (key, value) in batch {
        match value {
            Some(value) => drop(model.insert(key.clone(), value.clone())),
            None => drop(model.remove(key)),
        }
    }
}

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    /// Changes of single keys: number, and the length of the value or none.
    Change(Vec<(u64, Option<usize>)>),
    /// Deletes all keys between two numbers.
    Clear(u64, u64),
    /// Sets many neighbouring keys.
    Fill(u64, u64, usize),
    /// Writes again what is there already.
    Repeat,
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![4 => 0..200usize, 1 => 900..1100usize, 1 => 0..6000usize];
    prop_oneof![
        8 => prop::collection::vec((0..1000u64, prop::option::weighted(0.6, length.clone())), 0..40).prop_map(Step::Change),
        2 => (0..1000u64, 0..1000u64).prop_map(|(a, b)| Step::Clear(a, b)),
        3 => (0..1000u64, 0..300u64, length).prop_map(|(start, count, length)| Step::Fill(start, count, length)),
        1 => Just(Step::Repeat),
    ]
}

fn batch_of(step: &Step, model: &Model, key_length_max: u64, seed: u64) -> Batch {
    match step {
        Step::Change(changes) => changes
            .iter()
            .map(|(number, length)| (key(*number, key_length_max), length.map(|length| value(seed ^ number, length))))
            .collect(),
        Step::Clear(a, b) => model
            .range(Bytes::copy_from_slice(&a.min(b).to_be_bytes())..Bytes::copy_from_slice(&a.max(b).to_be_bytes()))
            .map(|(key, _)| (key.clone(), None))
            .collect(),
        Step::Fill(start, count, length) => (*start..start + count)
            .map(|number| (key(number, key_length_max), Some(value(seed ^ number, *length))))
            .collect(),
        Step::Repeat => model.iter().step_by(3).map(|(key, value)| (key.clone(), Some(value.clone()))).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn g05_every_history_gives_the_tree_of_its_contents(
        steps in prop::collection::vec(step(), 1..14),
        key_length_max in prop_oneof![Just(0u64), Just(60), Just(900), Just(4000)],
        seed in any::<u64>(),
    ) {
        let shelf = Shelf::new();
        let mut random = Random(seed);
        let (mut tree, mut model) = (Tree::EMPTY, Model::new());
        for (index, step) in steps.iter().enumerate() {
            let batch = batch_of(step, &model, key_length_max, index as u64);
            let (before_tree, before) = (tree, model.clone());
            tree = shelf.apply(&tree, batch.clone());
            apply_to_model(&mut model, &batch);
            check(&shelf, &tree, &model, &mut random, key_length_max);
            check_diff(&shelf, (&before_tree, &before), (&tree, &model));
        }
        check_diff(&shelf, (&Tree::EMPTY, &Model::new()), (&tree, &model));
        let cleared = shelf.apply(&tree, model.keys().map(|key| (key.clone(), None)));
        prop_assert_eq!(cleared, Tree::EMPTY);
    }
}

#[test]
fn g05_the_order_of_writes_leaves_no_trace() {
    let shelf = Shelf::new();
    let mut random = Random(7);
    let model: Model = (0..4000).map(|number| (key(number, 40), value(number, (number % 300) as usize))).collect();
    let expected = shelf.build(&model);
    for round in 0..4 {
        let mut entries: Vec<_> = model.iter().collect();
        for index in (1..entries.len()).rev() {
            entries.swap(index, random.below(index as u64 + 1) as usize);
        }
        let mut tree = Tree::EMPTY;
        for part in entries.chunks(1 + 211 * round) {
            // Something that is overwritten or deleted again leaves no trace either.
            let passing: Batch = part.iter().map(|(key, _)| ((*key).clone(), Some(value(1, 90)))).collect();
            tree = shelf.apply(&tree, passing);
            let batch: Batch = part.iter().map(|(key, value)| ((*key).clone(), Some((*value).clone()))).collect();
            tree = shelf.apply(&tree, batch);
            if round == 0 && tree.entries >= 300 {
                break;
            }
        }
        if round == 0 {
            let rest = model.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
            tree = shelf.apply(&tree, rest);
        }
        assert_eq!(tree, expected);
        assert_eq!(tree.root(), expected.root());
    }
}

#[test]
fn g05_long_history_of_small_batches() {
    let shelf = Shelf::new();
    let mut random = Random(3);
    let (mut tree, mut model) = (Tree::EMPTY, Model::new());
    for round in 0..400u64 {
        // The state grows, shrinks to nothing, and grows again.
        let is_growing = (round / 100) % 2 == 0;
        let batch: Batch = (0..60)
            .map(|_| {
                let number = random.below(3000);
                let put = is_growing || random.below(10) == 0;
                (key(number, 300), put.then(|| value(round, random.below(80) as usize)))
            })
            .collect();
        tree = shelf.apply(&tree, batch.clone());
        apply_to_model(&mut model, &batch);
        assert_eq!(tree, Shelf::new().build(&model), "after batch {round}");
    }
    assert!(tree.entries > 0);
}
