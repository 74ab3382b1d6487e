//! The next track, with a migration of the whole state.

stead_guest::bindings!(
    path: ["../../../wit", "wit/stock-1.0", "wit/stock-2.0"],
    world: "test:stock/stock@2.0.0",
);

mod two;

use test::{
    stock1_0_0 as old,
    stock2_0_0::{
        items::{self, Item},
        puts,
    },
};
use two::shelf;

/// Entries read at a time.
const PAGE: u32 = 1_000;

struct Stock;

impl exports::stead::plugin::migrate::Guest for Stock {
    fn migrate(_from: Option<String>) -> Result<(), String> {
        let mut start = Some(0);
        while start.is_some() {
            let page = old::items::scan(start, PAGE);
            start = page.last().and_then(|(number, _)| number.checked_add(1));
            for (number, item) in page {
                let shelf = shelf(item.shelf.into());
                items::set(number, &Item { count: item.count.into(), name: item.name, shelf });
            }
        }
        puts::add(old::puts::value());
        Ok(())
    }
}

export!(Stock);
