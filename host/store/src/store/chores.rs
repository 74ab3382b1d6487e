//! Work that a store does beside its commits, on threads of its own.

use std::io;
use std::sync::Arc;

use crate::store::core::Core;
use crate::sync::thread::{self, JoinHandle};
use crate::sync::{Condvar, Mutex};

/// Calls a thread to work. Rings that come while it works count as one.
#[derive(Default)]
pub(crate) struct Bell {
    state: Mutex<Rung>,
    changed: Condvar,
}

#[derive(Default)]
struct Rung {
    rung: bool,
    stopped: bool,
}

impl Bell {
    pub(crate) fn ring(&self) {
        self.state.lock().rung = true;
        self.changed.notify_one();
    }

    /// Waits for a ring; false once the bell was stopped.
    fn wait(&self) -> bool {
        let mut state = self.state.lock();
        while !state.rung && !state.stopped {
            self.changed.wait(&mut state);
        }
        state.rung = false;
        !state.stopped
    }

    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_one();
    }
}

/// The threads of an open store; none if it has no threads.
#[derive(Default)]
pub(crate) struct Threads {
    pub(crate) writer: Option<JoinHandle<()>>,
    pub(crate) others: Vec<JoinHandle<()>>,
}

/// Starts the threads of a store.
pub(crate) fn start(core: &Arc<Core>) -> io::Result<Threads> {
    let writer = core.clone();
    let spares = core.clone();
    let checkpoints = core.clone();
    Ok(Threads {
        writer: Some(named("stead-journal", move || writer.write_until_stopped())?),
        others: vec![
            named("stead-segments", move || {
                while spares.spare_bell.wait() {
                    spares.tidy_segments();
                }
            })?,
            named("stead-checkpoint", move || {
                while checkpoints.checkpoint_bell.wait() {
                    checkpoints.checkpoint_in_background();
                }
            })?,
        ],
    })
}

fn named(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(work)
}
