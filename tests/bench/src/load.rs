//! The load: threads that commit one entry after another, each waiting until its entry is durable.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A key.
pub type Key = [u8; 16];
/// A value.
pub type Value = [u8; 100];

/// The entry with that number. Keys are spread evenly, as hashes are.
pub fn entry(number: u64) -> (Key, Value) {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&mix(number).to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    let mut value = [0; 100];
    for (part, salt) in value.chunks_mut(8).zip(1..) {
        part.copy_from_slice(&mix(number ^ mix(salt)).to_le_bytes()[..part.len()]);
    }
    (key, value)
}

/// SplitMix64.
pub fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Operations per second of `writers` threads that run `operation` again and again. It is given the thread's number and
/// a number that no other operation gets.
pub fn rate(writers: u64, time: Duration, operation: impl Fn(u64, u64) + Sync) -> f64 {
    let start = Barrier::new(writers as usize + 1);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|writer| {
                let (start, stop, operation) = (&start, &stop, &operation);
                scope.spawn(move || {
                    start.wait();
                    let mut done = 0;
                    while !stop.load(Ordering::Relaxed) {
                        operation(writer, done * writers + writer);
                        done += 1;
                    }
                    done
                })
            })
            .collect();
        start.wait();
        let began = Instant::now();
        thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        let done: u64 = threads.into_iter().map(|thread| thread.join().expect("a writer panicked")).sum();
        done as f64 / began.elapsed().as_secs_f64()
    })
}

/// Nanoseconds for one operation: the best of five runs, after one to warm up.
pub fn nanoseconds<T>(operations: u64, mut operation: impl FnMut(u64) -> T) -> f64 {
    let mut run = || {
        let began = Instant::now();
        for number in 0..operations {
            black_box(operation(number));
        }
        began.elapsed().as_secs_f64() * 1e9 / operations as f64
    };
    run();
    (0..5).map(|_| run()).fold(f64::INFINITY, f64::min)
}
