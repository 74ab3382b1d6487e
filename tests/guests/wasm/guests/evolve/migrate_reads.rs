//! Its migration reads what the label of the version before says, word by word, and writes nothing. Outside of it,
//! `count-of` and `total` ask the old collections.

stead_guest::bindings!(
    path: ["../../../wit", "wit/evolve-1.0", "wit/evolve-2.0"],
    world: "test:evolve/evolve@2.0.0",
);

use exports::test::evolve2_0_0::bumps::Guest;
use test::{
    evolve1_0_0 as old,
    evolve2_0_0::{
        entries::{self, Item},
        sum,
    },
};

struct Evolve;

impl Guest for Evolve {
    fn bump(key: String) -> Result<u64, String> {
        sum::add(1);
        let count = entries::get(&key).map_or(0, |item| item.count) + 1;
        entries::set(&key, &Item { count, labels: Vec::new() });
        Ok(count)
    }

    fn count_of(key: String) -> u64 {
        old::entries::get(&key).map_or(0, |item| item.count.into())
    }

    fn total() -> i64 {
        old::sum::value()
    }

    fn version() -> String {
        "migrate-reads".to_owned()
    }
}

impl exports::stead::plugin::migrate::Guest for Evolve {
    fn migrate(from: Option<String>) -> Result<(), String> {
        if entries::get("a").is_some() || sum::value() != 0 {
            return Err("the new track did not start empty".to_owned());
        }
        from.unwrap_or_default().split_whitespace().try_for_each(read)
    }
}

/// `sum`, `get:KEY`, `contains:KEY`, `scan:KEY+LIMIT` or `scan-back:KEY+LIMIT`, in which KEY may be missing.
fn read(word: &str) -> Result<(), String> {
    let unknown = || format!("{word:?} is nothing to read");
    let (function, argument) = word.split_once(':').unwrap_or((word, ""));
    let page = || {
        let (key, limit) = argument.split_once('+').ok_or_else(unknown)?;
        let key = (!key.is_empty()).then_some(key);
        Ok::<_, String>((key, limit.parse().map_err(|_| unknown())?))
    };
    match function {
        "sum" => drop(old::sum::value()),
        "get" => drop(old::entries::get(argument)),
        "contains" => drop(old::entries::contains(argument)),
        "scan" => page().map(|(start, limit)| drop(old::entries::scan(start, limit)))?,
        "scan-back" => page().map(|(end, limit)| drop(old::entries::scan_back(end, limit)))?,
        _ => return Err(unknown()),
    }
    Ok(())
}

export!(Evolve);
