//! States on their way out and in: bodies that are written and read as they come.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use tokio::sync::OwnedSemaphorePermit;

use super::limits::CALL_BODY_BYTES_MAX;
use super::router::{Shared, answer, off_the_loop, read, refuse, to_the_end};
use crate::api::{ApiError, EditRequest, ImportRequest, Pairs};
use crate::pipe::{Outgoing, Reader, Sender, pipe};
use crate::session::{write_comparison, write_export, write_receipts};

pub(super) async fn schema(State(shared): State<Shared>, Path(plugin): Path<String>, pairs: Pairs) -> Response {
    match pairs.only("collection") {
        Ok(named) => off_the_loop(move || shared.api.schema(&plugin, named.first().map(String::as_str))).await,
        Err(error) => refuse(&error),
    }
}

pub(super) async fn digest(State(shared): State<Shared>, Path(plugin): Path<String>, pairs: Pairs) -> Response {
    match pairs.each_once([]).and_then(|[]| place(&shared)) {
        Ok(_place) => to_the_end(async move { shared.api.digest(&plugin).await }).await,
        Err(error) => refuse(&error),
    }
}

pub(super) async fn export(State(shared): State<Shared>, Path(plugin): Path<String>, pairs: Pairs) -> Response {
    let export = async {
        let (named, place) = (pairs.only("collection")?, place(&shared)?);
        Ok((shared.api.export(&plugin, &named).await?, place))
    };
    match export.await {
        Ok((export, place)) => lines(place, move |sender| write_export(&export, sender)),
        Err(error) => refuse(&error),
    }
}

pub(super) async fn receipts(State(shared): State<Shared>, Path(plugin): Path<String>, pairs: Pairs) -> Response {
    let receipts = async {
        let ([], place) = (pairs.each_once([])?, place(&shared)?);
        Ok((shared.api.receipts(&plugin).await?, place))
    };
    match receipts.await {
        Ok((receipts, place)) => lines(place, move |sender| write_receipts(&receipts, sender)),
        Err(error) => refuse(&error),
    }
}

pub(super) async fn diff(State(shared): State<Shared>, pairs: Pairs) -> Response {
    let diff = async {
        let ([one, other], place) = (pairs.each_once(["one", "other"])?, place(&shared)?);
        Ok((shared.api.diff(&one, &other).await?, place))
    };
    match diff.await {
        Ok((diff, place)) => lines(place, move |sender| write_comparison(&diff, sender)),
        Err(error) => refuse(&error),
    }
}

pub(super) async fn import(
    State(shared): State<Shared>,
    Path(plugin): Path<String>,
    pairs: Pairs,
    body: Body,
) -> Response {
    let (request, place) = match (ImportRequest::parse(pairs), place(&shared)) {
        (Ok(request), Ok(place)) => (request, place),
        (Err(error), _) | (_, Err(error)) => return refuse(&error),
    };
    let (sender, receiver) = pipe();
    let fed = tokio::spawn(sender.feed(body));
    let answer = to_the_end(async move {
        let imported = shared.api.import(&plugin, Box::new(Reader::new(receiver)), &request).await;
        drop(place);
        imported
    })
    .await;
    // A client that is still sending reads no answer.
    drop(fed.await);
    answer
}

pub(super) async fn edit(
    State(shared): State<Shared>,
    Path((plugin, collection)): Path<(String, String)>,
    pairs: Pairs,
    body: Body,
) -> Response {
    let request = async {
        let [] = pairs.each_once([])?;
        let body = read(body, CALL_BODY_BYTES_MAX).await?;
        serde_json::from_slice::<EditRequest>(&body)
            .map_err(|error| ApiError::new("bad-request", "the body is no edit").at(error))
    };
    match request.await {
        Ok(request) => to_the_end(async move { shared.api.edit(&plugin, &collection, request).await }).await,
        Err(error) => refuse(&error),
    }
}

pub(super) async fn fork(State(shared): State<Shared>, Path(plugin): Path<String>, pairs: Pairs) -> Response {
    match pairs.each_once(["to"]) {
        Ok([to]) => to_the_end(async move { shared.api.fork(&plugin, &to).await }).await,
        Err(error) => answer::<()>(Err(error)),
    }
}

fn place(shared: &Shared) -> Result<OwnedSemaphorePermit, ApiError> {
    shared.streams.clone().try_acquire_owned().map_err(|_| {
        ApiError::new("busy", "too many states are on their way in or out").help("try again when one has ended")
    })
}

/// An answer that is written as it is read, on a thread of its own.
fn lines(place: OwnedSemaphorePermit, write: impl FnOnce(Sender) + Send + 'static) -> Response {
    let (sender, receiver) = pipe();
    tokio::task::spawn_blocking(move || {
        write(sender);
        drop(place);
    });
    ([(CONTENT_TYPE, "application/jsonl")], Body::new(Outgoing(receiver))).into_response()
}
