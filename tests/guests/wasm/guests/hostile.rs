//! Does what a plugin must not do, one thing for each export.

stead_guest::bindings!(path: "wit/hostile");

use std::{env, fs, hint::black_box, net::TcpStream, thread, time::Duration};
use test::hostile::{entries, gauge};

struct Hostile;

/// What an unfinished call wrote and must never be seen.
fn leave_trace() {
    entries::set("trace", b"of a call that did not end well");
    gauge::add(1);
}

fn filler(bytes: u64) -> Vec<u8> {
    vec![b'x'; usize::try_from(bytes).expect("fits a 32-bit address space")]
}

impl Guest for Hostile {
    fn put(key: String, value: Vec<u8>) {
        entries::set(&key, &value);
    }

    fn look_up(key: String) -> Option<Vec<u8>> {
        entries::get(&key)
    }

    fn len() -> u64 {
        entries::len()
    }

    fn scan(limit: u32) -> u32 {
        entries::scan(None, limit).len() as u32
    }

    fn spin() {
        leave_trace();
        loop {
            black_box(());
        }
    }

    fn doze(milliseconds: u32) {
        leave_trace();
        thread::sleep(Duration::from_millis(milliseconds.into()));
    }

    fn exhaust_memory() -> u64 {
        leave_trace();
        let mut blocks = Vec::new();
        loop {
            blocks.push(black_box(filler(1 << 20)));
        }
    }

    fn recurse(depth: u64) -> u64 {
        leave_trace();
        descend(depth)
    }

    fn panic(message: String) {
        leave_trace();
        panic!("{message}");
    }

    fn fail(message: String) -> Result<u64, String> {
        leave_trace();
        Err(message)
    }

    fn overflow_counter() {
        leave_trace();
        gauge::add(i64::MAX);
        gauge::add(i64::MAX);
    }

    fn write_large_value(bytes: u64) {
        entries::set("large value", &filler(bytes));
    }

    fn write_large_key(bytes: u64) {
        let key = String::from_utf8(filler(bytes)).expect("ASCII");
        entries::set(&key, b"");
    }

    fn write_many(entries: u64, bytes: u32) {
        let value = filler(bytes.into());
        for index in 0..entries {
            entries::set(&format!("many {index:012}"), &value);
        }
    }

    fn overwrite(times: u64, bytes: u32) {
        let value = filler(bytes.into());
        for _ in 0..times {
            entries::set("overwritten", &value);
        }
    }

    fn read_many(key: String, times: u64) -> u64 {
        (0..times).map(|_| entries::get(&key).map_or(0, |value| value.len() as u64)).sum()
    }

    fn return_large(bytes: u64) -> Vec<u8> {
        filler(bytes)
    }

    fn print(lines: u32) {
        for line in 0..lines {
            eprintln!("line {line} of {lines}: the quick brown fox jumps over the lazy dog");
        }
    }

    fn read_file(path: String) -> Result<String, String> {
        fs::read_to_string(path).map_err(|error| error.to_string())
    }

    fn environment(name: String) -> Option<String> {
        env::var(name).ok()
    }

    fn reach(address: String) -> Result<(), String> {
        TcpStream::connect(address).map(|_| ()).map_err(|error| error.to_string())
    }
}

/// Not a tail call: each level keeps a block of its own.
#[inline(never)]
fn descend(depth: u64) -> u64 {
    let block = black_box([depth; 32]);
    match depth {
        0 => block[0],
        _ => descend(depth - 1) + black_box(block)[31],
    }
}

export!(Hostile);
