//! The hash of a large value, group by group: BLAKE3 is a tree over the value, and the nodes of that tree that stand for
//! whole groups allow each group to be checked alone (BLAKE3 paper, 2.1).

use blake3::Hasher;
use blake3::hazmat::{ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root};

use super::root::{VALUE_DOMAIN, ValueHash};

/// What is checked at a time: a power of two, so that it is a subtree of the hash.
pub(crate) const GROUP_BYTES: usize = 64 << 10;

/// The chaining values of a value's groups: 32 bytes for each 64 KiB.
#[derive(Default)]
pub(crate) struct Groups(Vec<ChainingValue>);

impl Groups {
    /// Adds the next group. All but the last have [`GROUP_BYTES`].
    pub(crate) fn push(&mut self, group: &[u8]) {
        self.0.push(chaining_value(self.0.len(), group));
    }

    /// Whether these are the bytes of a group that was added.
    pub(crate) fn is(&self, index: usize, group: &[u8]) -> bool {
        self.0.get(index).is_some_and(|value| *value == chaining_value(index, group))
    }

    /// The hash of the whole value. There are two groups or more.
    pub(crate) fn hash(&self) -> ValueHash {
        let (left, right) = halves(&self.0);
        ValueHash(merge_subtrees_root(&merge(left), &merge(right), Mode::KeyedHash(VALUE_DOMAIN)).into())
    }
}

fn chaining_value(index: usize, group: &[u8]) -> ChainingValue {
    assert!(!group.is_empty() && group.len() <= GROUP_BYTES, "a group of {} bytes", group.len());
    let mut hasher = Hasher::new_keyed(VALUE_DOMAIN);
    hasher.set_input_offset((index * GROUP_BYTES) as u64).update(group).finalize_non_root()
}

fn merge(groups: &[ChainingValue]) -> ChainingValue {
    if let [one] = groups {
        return *one;
    }
    let (left, right) = halves(groups);
    merge_subtrees_non_root(&merge(left), &merge(right), Mode::KeyedHash(VALUE_DOMAIN))
}

/// The two subtrees below a node. The left one is full, so the length of the last group does not matter.
fn halves(groups: &[ChainingValue]) -> (&[ChainingValue], &[ChainingValue]) {
    let left_bytes = left_subtree_len((groups.len() * GROUP_BYTES) as u64) as usize;
    groups.split_at(left_bytes / GROUP_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_the_hash_of_the_whole() {
        let bytes: Vec<u8> =
            (0..40 * GROUP_BYTES as u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for count in [2, 3, 4, 5, 7, 8, 9, 16, 17, 33] {
            for length in [(count - 1) * GROUP_BYTES + 1, count * GROUP_BYTES - 1, count * GROUP_BYTES] {
                let value = &bytes[..length];
                let mut groups = Groups::default();
                value.chunks(GROUP_BYTES).for_each(|group| groups.push(group));
                assert_eq!(groups.hash(), ValueHash::of(value), "{length} bytes");
                assert!(value.chunks(GROUP_BYTES).enumerate().all(|(index, group)| groups.is(index, group)));
                assert!(!groups.is(0, &value[1..GROUP_BYTES]) && !groups.is(count, &value[..GROUP_BYTES]));
                assert!(!groups.is(1, &value[..GROUP_BYTES]), "a group in the place of another");
            }
        }
    }
}
