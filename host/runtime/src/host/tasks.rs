//! Work that a host does by itself, beside what it is asked for: it ends with the host.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::{AbortHandle, JoinSet};

use crate::catalog::PluginId;

/// What runs by itself.
#[derive(Default)]
pub(crate) struct Tasks {
    /// Work that was begun; closing waits for it.
    work: Mutex<JoinSet<()>>,
    /// What waits for a time to come, one for a plugin; closing ends it.
    alarms: Mutex<BTreeMap<PluginId, AbortHandle>>,
}

impl Tasks {
    /// Begins work that closing the host waits for. Needs a tokio runtime.
    pub(crate) fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.work.lock();
        while running.try_join_next().is_some() {}
        running.spawn(work);
    }

    /// Runs work of a plugin after a time, in the place of what it had waiting before. Needs a tokio runtime.
    pub(crate) fn after(
        self: &Arc<Self>,
        plugin: PluginId,
        time: Duration,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let tasks = Arc::downgrade(self);
        let alarm = tokio::spawn(async move {
            tokio::time::sleep(time).await;
            if let Some(tasks) = tasks.upgrade() {
                tasks.alarms.lock().remove(&plugin);
                tasks.begin(work);
            }
        });
        if let Some(before) = self.alarms.lock().insert(plugin, alarm.abort_handle()) {
            before.abort();
        }
    }

    /// Ends what waits, and waits for what was begun.
    pub(crate) async fn end(&self, patience: Duration) {
        self.silence();
        let mut running = std::mem::take(&mut *self.work.lock());
        // What takes longer is cut off by the closed store, as after a crash, and taken up at the next open.
        let _ = tokio::time::timeout(patience, async { while running.join_next().await.is_some() {} }).await;
    }

    fn silence(&self) {
        for alarm in std::mem::take(&mut *self.alarms.lock()).into_values() {
            alarm.abort();
        }
    }
}

/// Ends all work when the last clone of the host goes without having been closed.
pub(crate) struct Alive(pub(crate) Arc<Tasks>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.silence();
        self.0.work.lock().abort_all();
    }
}
