//! Paths, bodies and statuses; `host/docs/api.md` describes them for users.

use std::future::Future;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use tokio::sync::{Semaphore, watch};

use super::auth::{Token, require};
use super::limits::{
    BODY_READ_TIME, CALL_BODY_BYTES_MAX, COMPONENT_BYTES_MAX, COMPONENTS_BYTES_MAX, EVENT_READERS_MAX, REQUESTS_MAX,
    STREAMS_MAX,
};
use super::{door, events};
use crate::api::{
    Api, ApiError, Arguments, CallOptions, CheckRequest, DeployRequest, ErrorBody, Pairs, RecordRequest,
    RehearseRequest, RollbackRequest, StateQuery, SwapAllRequest, SwapRequest,
};

/// Who may ask.
pub(crate) enum Access {
    /// Whoever can open the socket: the user that runs the host.
    Owner,
    /// Whoever has the token.
    Token(Token),
}

#[derive(Clone)]
pub(super) struct Shared {
    pub(super) api: Api,
    slots: Arc<Semaphore>,
    /// For states on their way in or out.
    pub(super) streams: Arc<Semaphore>,
    /// For those who read events.
    pub(super) event_readers: Arc<Semaphore>,
    /// Ends what would otherwise go on for ever.
    pub(super) stopping: watch::Receiver<bool>,
    /// A file on the host's machine may be named only by the user that runs the host.
    owner: bool,
}

/// The control API for one listener.
pub(crate) fn router(api: Api, access: Access, stopping: watch::Receiver<bool>) -> Router {
    let (slots, streams) = (Arc::new(Semaphore::new(REQUESTS_MAX)), Arc::new(Semaphore::new(STREAMS_MAX)));
    let event_readers = Arc::new(Semaphore::new(EVENT_READERS_MAX));
    let owner = matches!(access, Access::Owner);
    let shared = Shared { api, slots, streams, event_readers, stopping, owner };
    let router = Router::new()
        .route("/v1/health", get(health))
        .route("/v1/plugins", get(list))
        .route("/v1/plugins/{plugin}", get(show))
        .route("/v1/plugins/{plugin}/history", get(history))
        .route("/v1/plugins/{plugin}/receipts", get(door::receipts))
        .route("/v1/events", get(events::events))
        .route("/v1/plugins/{plugin}/state/{*collection}", get(state))
        .route("/v1/plugins/{plugin}/schema", get(door::schema))
        .route("/v1/plugins/{plugin}/export", get(door::export))
        .route("/v1/plugins/{plugin}/digest", get(door::digest))
        .route("/v1/plugins/{plugin}/import", post(door::import))
        .route("/v1/plugins/{plugin}/edit/{*collection}", post(door::edit))
        .route("/v1/plugins/{plugin}/fork", post(door::fork))
        .route("/v1/diff", get(door::diff))
        .route("/v1/plugins/{plugin}/call/{*function}", post(call))
        .route("/v1/plugins/{plugin}/deploy", post(deploy))
        .route("/v1/plugins/{plugin}/swap", post(swap))
        .route("/v1/plugins/{plugin}/rehearse", post(rehearse))
        .route("/v1/plugins/{plugin}/check", post(check))
        .route("/v1/plugins/{plugin}/rollback", post(rollback))
        .route("/v1/swap", post(swap_all))
        .route("/v1/plugins/{plugin}/recording", get(recording).post(record))
        .route("/v1/plugins/{plugin}/cancel", post(cancel))
        .route("/v1/plugins/{plugin}/resume", post(resume))
        .route("/v1/verify", post(verify))
        .route("/v1/checkpoint", post(checkpoint))
        .fallback(no_path)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared.slots), bounded))
        .with_state(shared);
    match access {
        Access::Owner => router,
        Access::Token(token) => router.layer(middleware::from_fn_with_state(token, require)),
    }
}

impl Shared {
    /// Says in a receipt how who asks came in: a name alone is only a claim.
    fn vouch(&self, asked_by: &mut Option<String>) {
        let way = if self.owner { "owner" } else { "token" };
        *asked_by = Some(match asked_by.take() {
            Some(name) => format!("{name} ({way})"),
            None => way.to_owned(),
        });
    }
}

/// An error as an answer.
pub(super) fn refuse(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(ErrorBody { error: error.clone() })).into_response()
}

async fn bounded(State(slots): State<Arc<Semaphore>>, request: axum::extract::Request, next: Next) -> Response {
    match slots.try_acquire() {
        Ok(_slot) => next.run(request).await,
        Err(_) => refuse(&ApiError::new("busy", "too many requests are in work").help("try again later")),
    }
}

pub(super) fn answer<T: Serialize>(result: Result<T, ApiError>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => refuse(&error),
    }
}

/// Runs to the end even if the client goes away: what was begun is not cut short by a disconnect.
pub(super) async fn to_the_end<T, F>(work: F) -> Response
where
    T: Serialize + Send + 'static,
    F: Future<Output = Result<T, ApiError>> + Send + 'static,
{
    match tokio::spawn(work).await {
        Ok(result) => answer(result),
        Err(error) => refuse(&ApiError::new("internal", format!("the request ended in a fault of the host: {error}"))),
    }
}

/// As [`to_the_end`], for work that may wait for the disk.
pub(super) async fn off_the_loop<T, F>(work: F) -> Response
where
    T: Serialize + Send + 'static,
    F: FnOnce() -> Result<T, ApiError> + Send + 'static,
{
    to_the_end(async move {
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
            Err(ApiError::new("internal", format!("the request ended in a fault of the host: {error}")))
        })
    })
    .await
}

async fn health(State(shared): State<Shared>) -> Response {
    answer(Ok(shared.api.health()))
}

async fn list(State(shared): State<Shared>) -> Response {
    off_the_loop(move || shared.api.list()).await
}

async fn show(State(shared): State<Shared>, Path(plugin): Path<String>) -> Response {
    off_the_loop(move || shared.api.show(&plugin)).await
}

async fn history(State(shared): State<Shared>, Path(plugin): Path<String>) -> Response {
    off_the_loop(move || shared.api.history(&plugin)).await
}

async fn state(
    State(shared): State<Shared>,
    Path((plugin, collection)): Path<(String, String)>,
    pairs: Pairs,
) -> Response {
    match StateQuery::parse(pairs) {
        Ok(query) => off_the_loop(move || shared.api.state(&plugin, &collection, &query)).await,
        Err(error) => refuse(&error),
    }
}

async fn call(
    State(shared): State<Shared>,
    Path((plugin, function)): Path<(String, String)>,
    pairs: Pairs,
    parts: Parts,
    body: Body,
) -> Response {
    let request = async {
        let options = CallOptions::parse(pairs)?;
        Ok((options, arguments(&parts, &read(body, CALL_BODY_BYTES_MAX).await?)?))
    };
    match request.await {
        Ok((options, arguments)) => {
            to_the_end(async move { shared.api.call(&plugin, &function, arguments, &options).await }).await
        }
        Err(error) => refuse(&error),
    }
}

async fn deploy(State(shared): State<Shared>, Path(plugin): Path<String>, pairs: Pairs, body: Body) -> Response {
    match with_component(DeployRequest::parse(pairs), body).await {
        Ok((request, wasm)) => to_the_end(async move { shared.api.deploy(&plugin, &wasm, &request).await }).await,
        Err(error) => refuse(&error),
    }
}

async fn swap(State(shared): State<Shared>, Path(plugin): Path<String>, pairs: Pairs, body: Body) -> Response {
    match with_component(SwapRequest::parse(pairs), body).await {
        Ok((mut request, wasm)) => {
            shared.vouch(&mut request.asked_by);
            to_the_end(async move { shared.api.swap(&plugin, &wasm, &request).await }).await
        }
        Err(error) => refuse(&error),
    }
}

async fn swap_all(State(shared): State<Shared>, pairs: Pairs, body: Body) -> Response {
    let request = async { Ok((SwapAllRequest::parse(pairs)?, read(body, COMPONENTS_BYTES_MAX).await?)) };
    match request.await {
        Ok((mut request, components)) => {
            request.swaps.iter_mut().for_each(|swap| shared.vouch(&mut swap.request.asked_by));
            to_the_end(async move { shared.api.swap_all(&request, &components).await }).await
        }
        Err(error) => refuse(&error),
    }
}

async fn rehearse(State(shared): State<Shared>, Path(plugin): Path<String>, pairs: Pairs, body: Body) -> Response {
    match with_component(RehearseRequest::parse(pairs), body).await {
        Ok((mut request, wasm)) => {
            shared.vouch(&mut request.swap.asked_by);
            to_the_end(async move { shared.api.rehearse(&plugin, &wasm, &request).await }).await
        }
        Err(error) => refuse(&error),
    }
}

async fn check(State(shared): State<Shared>, Path(plugin): Path<String>, pairs: Pairs, body: Body) -> Response {
    match with_component(CheckRequest::parse(pairs), body).await {
        Ok((request, wasm)) => to_the_end(async move { shared.api.check(&plugin, &wasm, &request).await }).await,
        Err(error) => refuse(&error),
    }
}

async fn rollback(State(shared): State<Shared>, Path(plugin): Path<String>, pairs: Pairs) -> Response {
    match RollbackRequest::parse(pairs) {
        Ok(request) if request.discard_to.is_some() && !shared.owner => refuse(
            &ApiError::new("refused", "a file on the host's machine can be named only over its Unix socket")
                .help("run `stead rollback … --discard-to FILE` on that machine"),
        ),
        Ok(mut request) => {
            shared.vouch(&mut request.asked_by);
            to_the_end(async move { shared.api.rollback(&plugin, &request).await }).await
        }
        Err(error) => refuse(&error),
    }
}

async fn recording(State(shared): State<Shared>, Path(plugin): Path<String>) -> Response {
    answer(shared.api.recording(&plugin))
}

async fn record(State(shared): State<Shared>, Path(plugin): Path<String>, pairs: Pairs) -> Response {
    match RecordRequest::parse(pairs) {
        Ok(request) => to_the_end(async move { shared.api.record(&plugin, request).await }).await,
        Err(error) => refuse(&error),
    }
}

async fn cancel(State(shared): State<Shared>, Path(plugin): Path<String>) -> Response {
    to_the_end(async move { shared.api.cancel(&plugin).await }).await
}

async fn resume(State(shared): State<Shared>, Path(plugin): Path<String>) -> Response {
    to_the_end(async move { shared.api.resume(&plugin).await }).await
}

async fn verify(State(shared): State<Shared>) -> Response {
    to_the_end(async move { shared.api.verify(|_, _| {}).await }).await
}

async fn checkpoint(State(shared): State<Shared>) -> Response {
    to_the_end(async move { shared.api.checkpoint().await }).await
}

async fn no_path(uri: Uri) -> Response {
    refuse(&ApiError::new("not-found", format!("there is no {}", uri.path())).help("host/docs/api.md lists the paths"))
}

async fn no_method(method: Method, uri: Uri) -> Response {
    refuse(&ApiError::new("method-not-allowed", format!("{} does not take {method}", uri.path())))
}

async fn with_component<R>(request: Result<R, ApiError>, body: Body) -> Result<(R, Bytes), ApiError> {
    Ok((request?, read(body, COMPONENT_BYTES_MAX).await?))
}

pub(super) async fn read(body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::new("too-large", format!("the body is larger than {bytes_max} bytes"));
    // One that says so itself is refused before it is sent.
    if HttpBody::size_hint(&body).lower() > bytes_max as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_READ_TIME, to_bytes(body, bytes_max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_length_limit(&error) => Err(too_large()),
        Ok(Err(error)) => Err(ApiError::new("bad-request", format!("the body did not arrive whole: {error}"))),
        Err(_) => Err(ApiError::new("bad-request", format!("the body did not arrive within {BODY_READ_TIME:?}"))),
    }
}

fn is_length_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>())
}

/// An array of JSON values, an object `{"wave": […]}`, or plain text that is one WAVE argument list.
fn arguments(parts: &Parts, body: &[u8]) -> Result<Arguments, ApiError> {
    let media = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/json");
    if media.starts_with("text/plain") {
        let text = std::str::from_utf8(body).map_err(|_| ApiError::new("bad-request", "the body is not UTF-8"))?;
        return Ok(Arguments::WaveList(text.to_owned()));
    }
    if body.is_empty() {
        return Ok(Arguments::Json(Vec::new()));
    }
    let wrong = || {
        ApiError::new("bad-request", "the body holds no arguments")
            .help("send a JSON array of the arguments, {\"wave\": [\"…\"]}, or WAVE as text/plain")
    };
    match serde_json::from_slice(body).map_err(|error| wrong().at(error))? {
        serde_json::Value::Array(values) => Ok(Arguments::Json(values)),
        serde_json::Value::Object(mut object) => {
            let wave = object.remove("wave").filter(|_| object.is_empty()).ok_or_else(wrong)?;
            serde_json::from_value(wave).map(Arguments::Wave).map_err(|error| wrong().at(error))
        }
        _ => Err(wrong()),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Pairs {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Query::<Vec<(String, String)>>::from_request_parts(parts, state).await {
            Ok(Query(pairs)) => Ok(Self(pairs)),
            Err(error) => Err(refuse(&ApiError::new("bad-request", error))),
        }
    }
}
