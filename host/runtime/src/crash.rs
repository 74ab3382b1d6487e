//! Named points at which a test may kill the process: `STEAD_CRASH_AT=handoff.sealed`.

use std::sync::LazyLock;

static CRASH_AT: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("STEAD_CRASH_AT").ok());

/// Ends the process without any cleaning up if `STEAD_CRASH_AT` names this point.
pub(crate) fn point(name: &str) {
    if CRASH_AT.as_deref() == Some(name) {
        std::process::abort();
    }
}
