use std::future::Future;

use stead_runtime::Event;

use super::Context;
use super::events::words;
use crate::session::Session;

/// Waits for a hand-off, and shows on a terminal how far it is.
pub(super) async fn watched<T>(
    context: &Context,
    session: &Session,
    plugins: &[&str],
    work: impl Future<Output = T>,
) -> T {
    let Some(steps) = context.console.steps() else { return work.await };
    // What cannot be shown changes nothing about what is done.
    let Ok(mut lines) = session.watch().await else { return work.await };
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            line = lines.next() => match line {
                Ok(Some(line)) => {
                    if let Some(text) = text(&line, plugins) {
                        steps.show(text);
                    }
                }
                Ok(None) | Err(_) => return work.await,
            },
        }
    }
}

fn text(line: &str, plugins: &[&str]) -> Option<String> {
    let event: Event = serde_json::from_str(line).ok()?;
    let words = words(&event.what);
    match plugins {
        [plugin] => (event.plugin == *plugin).then_some(words),
        several => several.contains(&event.plugin.as_str()).then(|| format!("{}: {words}", event.plugin)),
    }
}
