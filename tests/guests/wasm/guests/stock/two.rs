//! What every version on the second track does for its callers.

use crate::{
    Stock,
    exports::test::stock2_0_0::store::Guest,
    test::stock2_0_0::{
        items::{self, Item},
        puts,
    },
};

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

pub(crate) fn shelf(number: u64) -> String {
    format!("shelf {number}")
}
