//! Does in its migration (setting `migrate`) or in its check (setting `ready`) what the operator says: `err`, `panic`,
//! `loop` or `exhaust`, and in its migration after how many entries, as in `panic:1000`.

stead_guest::bindings!(
    path: ["../../../wit", "wit/evolve-1.0", "wit/evolve-2.0"],
    inline: "
        package test:evolve-hostile;

        world hostile {
            include test:evolve/evolve@2.0.0;
            include wasi:config/imports@0.2.0-rc.1;
            export stead:plugin/ready@0.1.0;
        }
    ",
);

mod carry;
mod two;

use std::hint::black_box;

use test::evolve1_0_0 as old;
use wasi::config::store;

struct Evolve;

fn version() -> &'static str {
    "hostile"
}

/// Does what the setting says, once so many entries are done.
fn misbehave(setting: &str, done: u64) -> Result<(), String> {
    let Ok(Some(what)) = store::get(setting) else { return Ok(()) };
    let (word, after) = what.split_once(':').unwrap_or((&what, "0"));
    if done < after.parse().expect("a number of entries") {
        return Ok(());
    }
    match word {
        "err" => Err(format!("gave up after {done}")),
        "panic" => panic!("panicked after {done}"),
        "loop" => loop {
            black_box(done);
        },
        "exhaust" => {
            let mut blocks = Vec::new();
            loop {
                blocks.push(black_box(vec![b'x'; 1 << 20]));
            }
        }
        other => panic!("{other} is nothing to do"),
    }
}

impl exports::stead::plugin::migrate::Guest for Evolve {
    fn migrate(_from: Option<String>) -> Result<(), String> {
        carry::all(|done| misbehave("migrate", done))
    }
}

impl exports::stead::plugin::ready::Guest for Evolve {
    fn ready() -> Result<(), String> {
        misbehave("ready", 0)
    }
}

export!(Evolve);
