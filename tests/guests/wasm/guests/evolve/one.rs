//! What the guests on 1.0.0 have in common.

use crate::{
    Evolve,
    exports::test::evolve::bumps::Guest,
    test::evolve::{
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
        let mut item = entries::get(&key).unwrap_or_else(|| Item { count: 0, label: format!("label of {key}") });
        item.count += 1;
        entries::set(&key, &item);
        Ok(item.count.into())
    }

    fn count_of(key: String) -> u64 {
        entries::get(&key).map_or(0, |item| item.count.into())
    }

    fn total() -> i64 {
        sum::value()
    }

    fn version() -> String {
        version().to_owned()
    }
}
