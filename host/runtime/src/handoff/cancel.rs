//! Giving up a hand-off because an operator says so.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use tokio::sync::watch;

use super::Stop;
use super::receipt::Receipt;
use crate::catalog::Catalog;
use crate::error::CancelError;
use crate::host::{HistoryEvent, Shared};

/// Gives up the hand-off that is under way, with all of its plugins, and waits for its end. What cannot be given up any more
/// goes on.
pub(crate) async fn cancel(host: &Shared, name: &str) -> Result<Receipt, CancelError> {
    let plugin = host.plugin(name).ok_or_else(|| CancelError::UnknownPlugin { plugin: name.into() })?;
    let not_under_way = || CancelError::NotUnderWay { plugin: name.into() };
    let before = Catalog::of(&host.store)?.events(plugin.id)?;
    let cancel = plugin.cancel().ok_or_else(not_under_way)?;
    cancel.send_replace(true);
    cancel.closed().await;
    let later = Catalog::of(&host.store)?.history(plugin.id)?.into_iter().filter(|entry| entry.number > before);
    let mut ended = later.filter_map(|entry| match entry.event {
        HistoryEvent::HandOff { receipt } => Some(*receipt),
        _ => None,
    });
    // What was refused before it was begun is in no history.
    let receipt = ended.next().ok_or_else(not_under_way)?;
    match receipt.given_up() {
        Some(_) => Ok(receipt),
        None => Err(CancelError::TooLate { plugin: name.into() }),
    }
}

/// Does the work of a phase, unless the hand-off is cancelled before it is done, by any of its plugins.
pub(super) async fn unless_cancelled(
    cancelled: &[watch::Receiver<bool>],
    work: impl Future<Output = Result<(), Stop>>,
) -> Result<(), Stop> {
    let mut told: Vec<Pin<Box<dyn Future<Output = ()> + Send>>> = Vec::new();
    for cancelled in cancelled {
        told.push(Box::pin(is_cancelled(cancelled.clone())));
    }
    let any = poll_fn(|context| match told.iter_mut().any(|told| told.as_mut().poll(context).is_ready()) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    });
    tokio::select! {
        biased;
        () = any => Err(Stop::abort("it was cancelled (`stead cancel`)")),
        done = work => done,
    }
}

async fn is_cancelled(mut cancelled: watch::Receiver<bool>) {
    // Whoever could tell it is gone.
    if cancelled.wait_for(|cancelled| *cancelled).await.is_err() {
        std::future::pending::<()>().await;
    }
}
