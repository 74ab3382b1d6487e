//! Tells the time, random numbers, and how long a wait took: what no two runs have in common.

stead_guest::bindings!(path: "wit/moment");

use std::thread;
use std::time::{Duration, Instant, SystemTime};

struct Moment;

impl Guest for Moment {
    fn now() -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        u64::try_from(since.as_nanos()).expect("before 2554")
    }

    fn chance() -> u64 {
        wasi::random::random::get_random_u64()
    }

    fn wait(milliseconds: u32) -> u64 {
        let began = Instant::now();
        thread::sleep(Duration::from_millis(milliseconds.into()));
        u64::try_from(began.elapsed().as_millis()).expect("not that long")
    }
}

export!(Moment);
