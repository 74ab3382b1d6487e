use std::future::Future;

use stead_runtime::Event;

use super::Context;
use super::events::words;
use crate::api::ApiError;
use crate::session::Session;

/// The exit code of a command that Ctrl-C ended, as shells have it.
const INTERRUPTED: i32 = 130;

/// Waits for a hand-off, and shows on a terminal how far it is. Ctrl-C ends the waiting, not the hand-off, and says so.
pub(super) async fn watched<T>(
    context: &Context,
    session: &Session,
    plugins: &[&str],
    work: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let done = tokio::select! {
        biased;
        done = shown(context, session, plugins, work) => done,
        Ok(()) = tokio::signal::ctrl_c() => {
            let plugin = plugins.first().copied().unwrap_or_default();
            context.console.note(match session {
                Session::Remote(_) => format!(
                    "the host goes on with it; `stead show {plugin}` says how far it is, `stead cancel {plugin}` gives \
                     it up"
                ),
                Session::Local(_) => format!(
                    "interrupted; `stead serve` on this data directory goes on with what was begun, or gives it up: \
                     `stead history {plugin}` says how it ended"
                ),
            });
            std::process::exit(INTERRUPTED)
        }
    };
    done.map_err(|error| match (error.kind.as_str(), plugins.first()) {
        // Nobody else has the directory open: it is one that was interrupted.
        ("busy", Some(plugin)) if matches!(session, Session::Local(_)) => error.help(format!(
            "it was interrupted, and goes on while a host runs: start `stead serve`; `stead show {plugin}` says how far it is"
        )),
        ("outcome-unknown", Some(plugin)) => error.help(format!(
            "a host that is started again goes on with what was begun, or gives it up: `stead history {plugin}` says how \
             it ended"
        )),
        _ => error,
    })
}

async fn shown<T>(context: &Context, session: &Session, plugins: &[&str], work: impl Future<Output = T>) -> T {
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
