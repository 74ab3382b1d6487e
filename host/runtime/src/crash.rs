//! Named points at which a test may kill the process: `STEAD_CRASH_AT=handoff.sealed`, or `STEAD_CRASH_AT=call.durable:40`
//! for the fortieth time that it is passed.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Signal, getpid, kill_process};

static CRASH_AT: LazyLock<Option<CrashAt>> = LazyLock::new(|| CrashAt::parse(&std::env::var("STEAD_CRASH_AT").ok()?));

struct CrashAt {
    point: String,
    /// How often it is still passed, the last time included.
    passes: AtomicU64,
}

impl CrashAt {
    fn parse(text: &str) -> Option<CrashAt> {
        let (point, passes) = text.split_once(':').unwrap_or((text, "1"));
        Some(CrashAt { point: point.to_owned(), passes: AtomicU64::new(passes.parse().ok()?) })
    }
}

/// Ends the process as `kill -9` does if `STEAD_CRASH_AT` names this point.
pub(crate) fn point(name: &str) {
    let Some(at) = CRASH_AT.as_ref().filter(|at| at.point == name) else { return };
    if at.passes.fetch_sub(1, Ordering::Relaxed) == 1 {
        let _ = kill_process(getpid(), Signal::KILL);
        // The signal ends the process before the call returns; whatever happens, nothing goes on from here.
        std::process::abort();
    }
}
