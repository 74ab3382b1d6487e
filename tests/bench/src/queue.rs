//! A group-commit queue in front of a store that has none: one thread commits together whatever arrived while it was
//! busy.

use std::mem;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::{Condvar, Mutex};

use crate::load::{Key, Value};
use crate::stores::Peer;

/// A store behind a queue. Dropping it ends the thread.
pub struct Queue {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
    committed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<(Key, Value)>,
    /// Number of entries that ever arrived, and how many of them are durable.
    arrived: u64,
    durable: u64,
    closed: bool,
}

impl Queue {
    /// Puts a queue in front of a store.
    pub fn new(peer: Arc<dyn Peer>) -> Queue {
        let shared = Arc::new(Shared { state: Mutex::default(), arrived: Condvar::new(), committed: Condvar::new() });
        let thread = thread::spawn({
            let shared = shared.clone();
            move || shared.drive(&*peer)
        });
        Queue { shared, thread: Some(thread) }
    }

    /// Returns once the entry is durable.
    pub fn commit(&self, entry: (Key, Value)) {
        let mut state = self.shared.state.lock();
        state.waiting.push(entry);
        state.arrived += 1;
        let own = state.arrived;
        self.shared.arrived.notify_one();
        while state.durable < own {
            self.shared.committed.wait(&mut state);
        }
    }
}

impl Shared {
    fn drive(&self, peer: &dyn Peer) {
        let mut state = self.state.lock();
        loop {
            while state.waiting.is_empty() && !state.closed {
                self.arrived.wait(&mut state);
            }
            if state.waiting.is_empty() {
                return;
            }
            let batch = mem::take(&mut state.waiting);
            let last = state.arrived;
            parking_lot::MutexGuard::unlocked(&mut state, || peer.commit(&batch));
            state.durable = last;
            self.committed.notify_all();
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.arrived.notify_one();
        self.thread.take().map(JoinHandle::join);
    }
}
