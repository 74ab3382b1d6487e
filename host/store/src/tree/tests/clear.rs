//! Clearing ranges: the tree is that of what is left, and what goes is not read.

use std::ops::Bound;

use proptest::prelude::*;

use super::*;
use crate::tree::Order;

/// An end of a range: at a number's key, right after it, or beyond all keys.
#[derive(Clone, Debug)]
enum End {
    At(u64),
    After(u64),
    Never,
}

#[derive(Clone, Debug)]
struct Step {
    cleared: Vec<(End, End)>,
    /// Numbers with the length of their value or none, and whether they start where the first range does.
    changes: Vec<(u64, Option<usize>)>,
    is_within: bool,
}

const NUMBERS: u64 = 900;
/// The length of the value that a number has from the start.
const AS_BEFORE: usize = 60;

fn end() -> impl Strategy<Value = End> {
    prop_oneof![8 => (0..NUMBERS + 30).prop_map(End::At), 4 => (0..NUMBERS).prop_map(End::After), 1 => Just(End::Never)]
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![6 => 0..60usize, 6 => Just(AS_BEFORE), 1 => 0..3000usize];
    let change = (0..NUMBERS, prop::option::weighted(0.8, length));
    (prop::collection::vec((end(), end()), 0..4), prop::collection::vec(change, 0..30), any::<bool>())
        .prop_map(|(cleared, changes, is_within)| Step { cleared, changes, is_within })
}

/// The ranges and the batch of a step.
fn edits(step: &Step, key_length_max: u64, seed: u64) -> (Ranges, Batch) {
    let at = |end: &End| match end {
        End::At(number) => Some(key(*number, key_length_max)),
        End::After(number) => Some([&*key(*number, key_length_max), b"\0"].concat().into()),
        End::Never => None,
    };
    let cleared = step.cleared.iter().map(|(from, to)| (at(from).unwrap_or_default(), at(to))).collect();
    let start = match step.cleared.first() {
        Some((End::At(number) | End::After(number), _)) if step.is_within => *number,
        _ => 0,
    };
    let change = |(number, length): &(u64, Option<usize>)| {
        let number = (start + number) % NUMBERS;
        let seed = |length| if length == AS_BEFORE { 0 } else { seed };
        (key(number, key_length_max), length.map(|length| value(number ^ seed(length), length)))
    };
    (cleared, step.changes.iter().map(change).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn g05_a_cleared_tree_is_the_tree_of_what_is_left(
        steps in prop::collection::vec(step(), 1..8),
        key_length_max in prop_oneof![Just(20u64), Just(1500), Just(4000)],
        seed in any::<u64>(),
    ) {
        let shelf = Shelf::new();
        let mut model: Model = (0..NUMBERS).map(|number| (key(number, key_length_max), value(number, AS_BEFORE))).collect();
        let mut tree = shelf.build(&model);
        prop_assert!(key_length_max < 4000 || tree.height >= 6, "the tree has {} levels", tree.height);
        for (round, step) in steps.iter().enumerate() {
            let (cleared, batch) = edits(step, key_length_max, seed ^ round as u64);
            tree = shelf.clear(&tree, &cleared, batch.clone());
            model.retain(|key, _| !cleared.contains(key));
            for (key, value) in batch {
                match value {
                    Some(value) => drop(model.insert(key, value)),
                    None => drop(model.remove(&key)),
                }
            }
            prop_assert_eq!(tree, Shelf::new().build(&model));
            prop_assert_eq!(tree.entries, model.len() as u64);
            prop_assert_eq!(tree.bytes, model.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum::<u64>());
            for order in [Order::Ascending, Order::Descending] {
                let scan = tree.scan(shelf.clone(), Bound::Unbounded, Bound::Unbounded, order);
                let mut entries = scan.collect::<Result<Vec<_>, _>>().unwrap();
                if order == Order::Descending {
                    entries.reverse();
                }
                prop_assert!(entries.iter().map(|(key, value)| (key, value)).eq(&model));
            }
        }
    }
}

#[test]
fn g05_every_range_of_a_tall_tree() {
    // Long keys: a node holds two to four entries.
    let shelf = Shelf::new();
    let model: Model = (0..48).map(|number| (key(number, 4000), value(number, 1000))).collect();
    let tree = shelf.build(&model);
    assert!(tree.height >= 4);
    for from in 0..=48 {
        for to in (from..=48).map(Some).chain([None]) {
            let cleared: Ranges = [(key(from, 0), to.map(|to| key(to, 0)))].into_iter().collect();
            let left: Model =
                model.iter().filter(|(key, _)| !cleared.contains(key)).map(|(k, v)| (k.clone(), v.clone())).collect();
            let expected = shelf.build(&left);
            assert_eq!(shelf.clear(&tree, &cleared, []), expected, "without {from}..{to:?}");
            // What is put back leaves no trace of having been cleared.
            let again = model.range(key(from, 0)..).map(|(key, value)| (key.clone(), Some(value.clone())));
            assert_eq!(shelf.clear(&tree, &cleared, again), tree, "{from}..{to:?} and back");
        }
    }
}

#[test]
fn clearing_reads_the_ends_of_a_range_alone() {
    let shelf = Shelf::new();
    let count = 1_000_000;
    let tree = shelf.build(&(0..count).map(|number| (key(number, 0), value(number, 40))).collect());
    assert!(tree.height >= 2);
    let counted = Counted::new(&shelf);
    let reads = |from: Bytes, to: Option<Bytes>| {
        let cleared = [(from, to)].into_iter().collect();
        let left = tree.apply(&*counted, &cleared, std::iter::empty(), &mut Recorded::default()).unwrap();
        (left.entries, counted.reads())
    };
    // On each level it goes down to two nodes, and on from the second until chunks end as they did.
    let bound = 6 * (usize::from(tree.height) + 1);
    let (left, all_but_ends) = reads(key(5, 0), Some(key(count - 5, 0)));
    assert_eq!(left, 10);
    assert!(all_but_ends <= bound, "{all_but_ends} nodes read");
    for (from, to) in [(7, count / 2), (count / 3, count / 3 * 2), (count / 2, count - 1), (1000, 1010)] {
        let (left, reads) = reads(key(from, 0), Some(key(to, 0)));
        assert_eq!(left, count - (to - from));
        assert!(reads <= bound + 10, "{reads} nodes read for {from}..{to}");
    }
    let (left, reads_of_all) = reads(Bytes::new(), None);
    assert_eq!(left, 0);
    assert!(reads_of_all <= bound, "{reads_of_all} nodes read");
    let (left, reads_of_none) = reads(key(count + 1, 0), None);
    assert_eq!(left, count);
    assert!(reads_of_none <= usize::from(tree.height) + 1, "{reads_of_none} nodes read");
}
