//! What the guests on 1.0.0 with a way down from 2.0.0 have in common.

use crate::{
    Evolve,
    exports::test::evolve1_0_0::bumps::Guest,
    test::{
        evolve1_0_0::{
            entries::{self, Item},
            sum,
        },
        evolve2_0_0 as newer,
    },
    version,
};

/// Carries back the first `limit` entries.
pub fn entries(limit: u32) -> Result<(), String> {
    for (key, item) in newer::entries::scan(None, limit) {
        if key.starts_with("refuse") {
            return Err(format!("{key} has no place on track 1"));
        }
        let count = item.count.try_into().map_err(|_| format!("{key} counts too far"))?;
        let label = item.labels.into_iter().next().unwrap_or_default();
        entries::set(&key, &Item { count, label });
    }
    Ok(())
}

/// Carries back the sum.
pub fn sum() {
    sum::add(newer::sum::value());
}

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

    /// Of a key that starts with `newer` what the newer track says.
    fn count_of(key: String) -> u64 {
        match key.strip_prefix("newer ") {
            Some(key) => newer::entries::get(key).map_or(0, |item| item.count),
            None => entries::get(&key).map_or(0, |item| item.count.into()),
        }
    }

    fn total() -> i64 {
        sum::value()
    }

    fn version() -> String {
        version().to_owned()
    }
}
