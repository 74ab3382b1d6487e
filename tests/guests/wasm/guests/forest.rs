//! Types inside types, as values and as keys.

#![allow(clippy::too_many_arguments, reason = "generated code passes a record field by field")]

stead_guest::bindings!(path: "wit/forest");

use test::forest::{grove, ranks, trees};

struct Forest;

impl Guest for Forest {
    fn trees_get(key: u8) -> Option<Tree> {
        trees::get(key)
    }

    fn trees_set(key: u8, value: Tree) {
        trees::set(key, &value);
    }

    fn trees_scan(start: Option<u8>, limit: u32) -> Vec<(u8, Tree)> {
        trees::scan(start, limit)
    }

    fn grove_append(entry: Tree) -> u64 {
        grove::append(&entry)
    }

    fn grove_at(index: u64) -> Option<Tree> {
        grove::at(index)
    }

    fn ranks_get(key: Rank) -> Option<u32> {
        ranks::get(&key)
    }

    fn ranks_set(key: Rank, value: u32) {
        ranks::set(&key, value);
    }

    fn ranks_scan(start: Option<Rank>, limit: u32) -> Vec<(Rank, u32)> {
        ranks::scan(start.as_ref(), limit)
    }

    fn ranks_scan_after(key: Rank, limit: u32) -> Vec<(Rank, u32)> {
        ranks::scan_after(&key, limit)
    }

    fn ranks_scan_back(end: Option<Rank>, limit: u32) -> Vec<(Rank, u32)> {
        ranks::scan_back(end.as_ref(), limit)
    }
}

export!(Forest);
