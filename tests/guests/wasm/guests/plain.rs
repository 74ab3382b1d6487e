//! The least that a plugin can do: what benchmarks measure.

stead_guest::bindings!(path: "wit/plain");

use test::plain::counts;

struct Plain;

impl Guest for Plain {
    fn nothing() {}

    fn sum(a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }

    fn echo(text: String) -> String {
        text
    }

    fn bump(key: String) -> u64 {
        let count = counts::get(&key).unwrap_or(0) + 1;
        counts::set(&key, count);
        count
    }
}

export!(Plain);
