//! Locks, atomics and threads. The whole crate takes them from here, so that under the feature `shuttle` a scheduler that a
//! test chooses decides every interleaving. `Arc` stays the standard one: it orders nothing that the store relies on.

#[cfg(not(feature = "shuttle"))]
pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard, RwLock};
#[cfg(not(feature = "shuttle"))]
pub(crate) use std::{sync::atomic, thread};

#[cfg(feature = "shuttle")]
mod condvar;
#[cfg(feature = "shuttle")]
pub(crate) use condvar::Condvar;
#[cfg(feature = "shuttle")]
pub(crate) use shuttle::{sync::atomic, thread};
#[cfg(feature = "shuttle")]
pub(crate) use shuttle_parking_lot::{Mutex, MutexGuard, RwLock};
