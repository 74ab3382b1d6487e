//! What benchmarks of hand-offs begin with.

stead_guest::bindings!(path: "wit/stock-1.0");

use exports::test::stock::store::Guest;
use test::stock::{
    items::{self, Item},
    puts,
};

struct Stock;

impl Guest for Stock {
    fn fill(first: u64, items: u32) {
        for number in first..first + u64::from(items) {
            let name = format!("{:0<80}", format!("item {number} "));
            items::set(number, &Item { count: 0, name, shelf: (number % 1000) as u16 });
        }
    }

    fn put(number: u64) -> u64 {
        let mut item = items::get(number).expect("an item that was made");
        item.count += 1;
        items::set(number, &item);
        puts::add(1);
        item.count.into()
    }

    fn total() -> i64 {
        puts::value()
    }
}

export!(Stock);
