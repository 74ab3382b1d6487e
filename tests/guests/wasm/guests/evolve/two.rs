//! What the guests on 2.0.0 have in common.

use crate::{
    Evolve,
    exports::test::evolve2_0_0::bumps::Guest,
    test::evolve2_0_0::{
        entries::{self, Item},
        sum,
    },
    version,
};

impl Guest for Evolve {
    fn bump(key: String) -> Result<u64, String> {
        sum::add(1);
        if key.is_empty() {
            return Err("a key is not empty".to_owned());
        }
        let mut item = entries::get(&key).unwrap_or_else(|| Item { count: 0, labels: Vec::new() });
        item.count += 1;
        item.labels.push(version().to_owned());
        entries::set(&key, &item);
        Ok(item.count)
    }

    fn count_of(key: String) -> u64 {
        entries::get(&key).map_or(0, |item| item.count)
    }

    fn total() -> i64 {
        sum::value()
    }

    fn version() -> String {
        version().to_owned()
    }
}
