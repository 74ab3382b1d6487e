//! What the guests on 2.0.0 have in common.

use crate::{
    Evolve,
    exports::test::evolve2_0_0::bumps::Guest,
    test::{
        evolve1_0_0 as old,
        evolve2_0_0::{
            entries::{self, Item},
            sum,
        },
    },
    version,
};

/// Entries read at a time: small, so that tests cross pages.
const PAGE: u32 = 3;

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

/// Carries over everything that 1.0.0 kept, and tells `each` how many entries are done.
pub fn carry_over(mut each: impl FnMut(u64) -> Result<(), String>) -> Result<(), String> {
    let mut done = 0;
    let mut start = None;
    loop {
        let page = old::entries::scan(start.as_deref(), PAGE);
        let Some((last, _)) = page.last() else { break };
        // The least string above the last one.
        start = Some(format!("{last}\0"));
        for (key, item) in page {
            let labels = vec![item.label];
            entries::set(&key, &Item { count: item.count.into(), labels });
            done += 1;
            each(done)?;
        }
    }
    sum::add(old::sum::value());
    Ok(())
}
