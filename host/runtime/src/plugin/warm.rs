//! Instances that are kept warm between calls, the least recently used evicted first.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::engine::Instance;

/// All idle instances of a host. A plugin keeps only the [`WarmKey`] of its own.
#[derive(Default)]
pub(crate) struct Warm {
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    used: u64,
    by_use: BTreeMap<u64, Instance>,
}

/// Finds an idle instance again, unless it was evicted.
#[derive(Debug)]
pub(crate) struct WarmKey(u64);

impl Warm {
    /// Keeps an instance that just served a call.
    pub(crate) fn keep(&self, instance: Instance) -> WarmKey {
        let mut idle = self.idle.lock();
        idle.used += 1;
        let key = idle.used;
        idle.by_use.insert(key, instance);
        WarmKey(key)
    }

    /// Takes an instance out.
    pub(crate) fn take(&self, key: WarmKey) -> Option<Instance> {
        self.idle.lock().by_use.remove(&key.0)
    }

    /// Drops the instance that was not used for the longest time; false if none is idle.
    pub(crate) fn evict(&self) -> bool {
        // Dropped outside the lock: that unmaps memory.
        let oldest = self.idle.lock().by_use.pop_first();
        oldest.is_some()
    }

    /// Drops all.
    pub(crate) fn clear(&self) {
        let all = std::mem::take(&mut self.idle.lock().by_use);
        drop(all);
    }
}
