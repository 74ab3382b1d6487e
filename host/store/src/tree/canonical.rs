//! Checks that a node from elsewhere is one that this store would have cut.

use super::chunker::Chunker;
use super::node::Node;

impl Node {
    /// Whether the node ends where the chunker ends it: after its last entry and not before. The last node of a level ends
    /// with the entries, wherever that is.
    pub(crate) fn is_canonical(&self, is_last: bool) -> bool {
        let mut chunker = Chunker::new(self.level());
        let last = self.len() - 1;
        let ends_inside = (0..last).any(|index| chunker.push(self.raw(index, index + 1)));
        !ends_inside && (chunker.push(self.raw(last, last + 1)) || is_last)
    }
}
