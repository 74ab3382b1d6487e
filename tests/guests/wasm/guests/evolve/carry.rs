//! The migration to 2.0.0 that its guests have in common.

use crate::{
    old,
    test::evolve2_0_0::{
        entries::{self, Item},
        sum,
    },
};

/// Entries read at a time: small, so that tests cross pages.
const PAGE: u32 = 3;

/// Carries over everything that the old track kept, and tells `each` how many entries are done.
pub fn all(mut each: impl FnMut(u64) -> Result<(), String>) -> Result<(), String> {
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
