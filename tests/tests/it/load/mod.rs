//! Eight clients that call one plugin at once under ids of their own, what they were told, and whether it is true.

mod check;
mod seen;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use stead_runtime::{Call, DeployOptions, Host};
use tokio::task::JoinHandle;

pub(crate) use check::check;
pub(crate) use seen::{Answer, Seen};

use crate::harness::text;

/// As many call at once.
pub(crate) const CLIENTS: u64 = 8;

/// Deploys a plugin that keeps all that the clients may ask for again.
pub(crate) async fn deploy_for_load(host: &Host, plugin: &str, wasm: &[u8]) {
    let mut options = DeployOptions { label: Some("1".into()), ..DeployOptions::default() };
    options.limits.results_per_client_max = 1_000_000;
    host.deploy(plugin, wasm, options).await.unwrap_or_else(|error| panic!("{plugin} is not deployed: {error}"));
}

/// The call that a client makes under a sequence number: it bumps the client's own key, or now and then none, which is
/// refused.
pub(crate) fn call(plugin: &str, client: u64, sequence: u64) -> Call {
    let key = if sequence % 9 == 5 { String::new() } else { key(client) };
    Call::new(plugin, "bump", vec![text(&key)]).with_id(format!("client {client}"), sequence)
}

fn key(client: u64) -> String {
    format!("key {client}")
}

/// Clients that call until they are stopped, or a call fails.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts them; `first` says with which sequence number each begins, if not with 1.
    pub(crate) fn start(host: &Host, plugin: &str, seen: &Seen, first: &BTreeMap<u64, u64>) -> Load {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let clients = (0..CLIENTS).map(|client| {
            let (host, plugin, seen) = (host.clone(), plugin.to_owned(), seen.clone());
            let (stop, answered) = (stop.clone(), answered.clone());
            let first = first.get(&client).copied().unwrap_or(1);
            tokio::spawn(async move {
                for sequence in first.. {
                    let reply = host.call(call(&plugin, client, sequence)).await;
                    seen.add(client, sequence, &reply);
                    answered.fetch_add(1, Ordering::Relaxed);
                    if reply.is_err() || stop.load(Ordering::Relaxed) {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            })
        });
        Load { clients: clients.collect(), stop, answered }
    }

    /// Waits until so many more calls were answered, or no client calls any more.
    pub(crate) async fn reach(&self, more: u64) {
        let goal = self.answered.load(Ordering::Relaxed) + more;
        while self.answered.load(Ordering::Relaxed) < goal && !self.clients.iter().all(JoinHandle::is_finished) {
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
    }

    pub(crate) async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.expect("no client panics");
        }
    }
}
