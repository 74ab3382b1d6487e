//! Events as they happen: one answer that goes on, line by line, for as long as its client reads.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use hyper::body::Bytes;
use serde_json::json;
use stead_runtime::{EventReader, News};
use tokio::sync::watch;

use super::router::{Shared, refuse};
use crate::api::{ApiError, EventsQuery, Pairs};
use crate::pipe::{Outgoing, Sender, pipe};

/// After so long without an event comes an empty line, by which either side sees that the other is there.
const QUIET_MAX: Duration = Duration::from_secs(15);

pub(super) async fn events(State(shared): State<Shared>, pairs: Pairs) -> Response {
    let reader = async {
        let query = EventsQuery::parse(pairs)?;
        let place =
            shared.event_readers.clone().try_acquire_owned().map_err(|_| {
                ApiError::new("busy", "too many clients read events").help("try again when one has ended")
            })?;
        Ok((shared.api.events(&query)?, query, place))
    };
    let (reader, query, place) = match reader.await {
        Ok(opened) => opened,
        Err(error) => return refuse(&error),
    };
    let (sender, receiver) = pipe();
    let stopping = shared.stopping.clone();
    tokio::spawn(async move {
        let sent = send(&sender, reader, &query, stopping).await;
        sender.end(sent).await;
        drop(place);
    });
    ([(CONTENT_TYPE, "application/jsonl")], Body::new(Outgoing(receiver))).into_response()
}

async fn send(
    sender: &Sender,
    mut reader: EventReader,
    query: &EventsQuery,
    mut stopping: watch::Receiver<bool>,
) -> std::io::Result<()> {
    loop {
        let news = match reader.ready() {
            Some(news) => news,
            None if !query.follow => return Ok(()),
            None => match next(&mut reader, &mut stopping).await {
                Next::News(news) => news,
                Next::Quiet => {
                    sender.send(Ok(Bytes::from_static(b"\n"))).await?;
                    continue;
                }
                Next::End => return Ok(()),
            },
        };
        if let Some(line) = line(&news, query) {
            sender.send(Ok(Bytes::from(line))).await?;
        }
    }
}

/// What waiting for an event ended in.
enum Next {
    News(News),
    /// Nothing happened for long.
    Quiet,
    /// The host stops.
    End,
}

async fn next(reader: &mut EventReader, stopping: &mut watch::Receiver<bool>) -> Next {
    tokio::select! {
        news = tokio::time::timeout(QUIET_MAX, reader.next()) => match news {
            Ok(Some(news)) => Next::News(news),
            Ok(None) => Next::End,
            Err(_) => Next::Quiet,
        },
        _ = stopping.wait_for(|stopping| *stopping) => Next::End,
    }
}

/// One event, or how many were missed, as a line of JSON; none if it is of another plugin.
fn line(news: &News, query: &EventsQuery) -> Option<String> {
    let json = match news {
        News::Missed(events) => json!({ "missed": events }).to_string(),
        News::Event(event) if query.plugin.as_ref().is_some_and(|plugin| *plugin != event.plugin) => return None,
        News::Event(event) => serde_json::to_string(event.as_ref()).ok()?,
    };
    Some(json + "\n")
}
