//! The condition variable that the scheduled locks lack, with the face of parking_lot's.

use shuttle::sync::{Condvar as Inner, Mutex};

use super::MutexGuard;

/// A condition variable for scheduled locks.
#[derive(Default)]
pub(crate) struct Condvar {
    /// Held from before the waiter lets go of its own lock until it waits, and for each notification: none is lost between.
    gate: Mutex<()>,
    inner: Inner,
}

impl Condvar {
    pub(crate) fn new() -> Condvar {
        Condvar::default()
    }

    /// Waits for a notification; the guard's lock is free meanwhile.
    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let gate = self.gate.lock().expect("nobody panics under the gate");
        MutexGuard::unlocked(guard, || drop(self.inner.wait(gate)));
    }

    pub(crate) fn notify_one(&self) {
        let _gate = self.gate.lock();
        self.inner.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        let _gate = self.gate.lock();
        self.inner.notify_all();
    }
}
