//! The next track, to which the first is upgraded entry by entry.

stead_guest::bindings!(
    path: ["../../../wit", "wit/stock-1.0", "wit/stock-2.0"],
    world: "test:stock/stock-by-entries@2.0.0",
);

mod two;

use exports::test::stock2_0_0::from_one::{Guest, Item, OldItem};
use two::shelf;

struct Stock;

impl Guest for Stock {
    fn upgrade_items(old: OldItem) -> Result<Option<Item>, String> {
        Ok(Some(Item { count: old.count.into(), name: old.name, shelf: shelf(old.shelf.into()) }))
    }

    fn upgrade_puts(old: i64) -> Result<Option<i64>, String> {
        Ok(Some(old))
    }
}

export!(Stock);
