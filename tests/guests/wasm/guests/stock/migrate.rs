//! The next track, with a migration of the whole state.

stead_guest::bindings!(
    path: ["../../../wit", "wit/stock-1.0", "wit/stock-2.0"],
    world: "test:stock/stock@2.0.0",
);

use exports::test::stock2_0_0::store::Guest;
use test::{
    stock1_0_0 as old,
    stock2_0_0::{
        items::{self, Item},
        puts,
    },
};

/// Entries read at a time.
const PAGE: u32 = 1_000;

struct Stock;

impl Guest for Stock {
    fn fill(first: u64, items: u32) {
        for number in first..first + u64::from(items) {
            let name = format!("{:0<80}", format!("item {number} "));
            items::set(number, &Item { count: 0, name, shelf: shelf(number % 1000) });
        }
    }

    fn put(number: u64) -> u64 {
        let mut item = items::get(number).expect("an item that was made");
        item.count += 1;
        items::set(number, &item);
        puts::add(1);
        item.count
    }

    fn total() -> i64 {
        puts::value()
    }
}

fn shelf(number: u64) -> String {
    format!("shelf {number}")
}

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
