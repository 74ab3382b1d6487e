//! The HTTP client of the control API, over the Unix socket of a data directory or over TCP.

use std::path::{Path, PathBuf};

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Mutex;

use crate::api::{ApiError, ErrorBody};
use crate::pipe::Outgoing;

/// A connection to a running host, made anew when it was closed between two requests.
pub(crate) struct Client {
    target: Target,
    token: Option<String>,
    connection: Mutex<Option<Connection>>,
}

type Sent = UnsyncBoxBody<Bytes, std::io::Error>;

type Connection = SendRequest<Sent>;

/// Where the host listens.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Unix(PathBuf),
    /// `host:port`.
    Tcp(String),
}

/// The body of a request with its media type.
pub(crate) enum Body {
    Empty,
    Json(serde_json::Value),
    Text(String),
    Component(Bytes),
    /// Lines of JSON, as they come.
    Lines(Outgoing),
}

impl Target {
    /// `http://host:port`; the control API itself speaks no TLS.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        if url.starts_with("https://") {
            return Err(
                "the control API speaks plain HTTP; tunnel it, for instance with `ssh -L`, and give http://".to_owned()
            );
        }
        let address = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
        let (host, port) = address.rsplit_once(':').ok_or_else(|| format!("`{url}` has no port: http://HOST:PORT"))?;
        if host.is_empty() || address.contains('/') || port.parse::<u16>().is_err() {
            return Err(format!("`{url}` is no address: http://HOST:PORT"));
        }
        Ok(Self::Tcp(address.to_owned()))
    }

    /// The `Host` header.
    fn authority(&self) -> &str {
        match self {
            Self::Unix(_) => "localhost",
            Self::Tcp(address) => address,
        }
    }
}

impl Client {
    pub(crate) fn new(target: Target, token: Option<String>) -> Self {
        Self { target, token, connection: Mutex::new(None) }
    }

    /// A client of the host that serves `data`, if one answers on its socket.
    pub(crate) async fn of_running_host(socket: &Path) -> Option<Self> {
        let client = Self::new(Target::Unix(socket.to_owned()), None);
        let connection = client.connect().await.ok()?;
        *client.connection.lock().await = Some(connection);
        Some(client)
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.request(Method::GET, path, Body::Empty).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: Body) -> Result<T, ApiError> {
        self.request(Method::POST, path, body).await
    }

    /// An answer that is read as it comes. It takes a connection of its own.
    pub(crate) async fn stream(&self, path: &str) -> Result<Incoming, ApiError> {
        let mut connection = self.connect().await?;
        let response = self.send(&mut connection, Method::GET, path, Body::Empty).await?;
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(|error| self.lost(&error))?.to_bytes();
        Err(self.refused(status, &bytes))
    }

    async fn request<T: DeserializeOwned>(&self, method: Method, path: &str, body: Body) -> Result<T, ApiError> {
        let mut slot = self.connection.lock().await;
        let mut connection = match alive(slot.take()).await {
            Some(kept) => kept,
            None => self.connect().await?,
        };
        let response = self.send(&mut connection, method, path, body).await?;
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(|error| self.lost(&error))?.to_bytes();
        *slot = Some(connection);
        drop(slot);
        self.answer(status, &bytes)
    }

    async fn send(
        &self,
        connection: &mut Connection,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<Response<Incoming>, ApiError> {
        connection.send_request(self.build(method, path, body)?).await.map_err(|error| self.lost(&error))
    }

    fn build(&self, method: Method, path: &str, body: Body) -> Result<Request<Sent>, ApiError> {
        let whole = |bytes: Bytes| Full::new(bytes).map_err(|never| match never {}).boxed_unsync();
        let (media, body) = match body {
            Body::Empty => (None, whole(Bytes::new())),
            Body::Json(value) => (Some("application/json"), whole(Bytes::from(value.to_string()))),
            Body::Text(text) => (Some("text/plain; charset=utf-8"), whole(Bytes::from(text))),
            Body::Component(bytes) => (Some("application/wasm"), whole(bytes)),
            Body::Lines(lines) => (Some("application/jsonl"), lines.boxed_unsync()),
        };
        let mut request = Request::builder().method(method).uri(path).header(HOST, self.target.authority());
        if let Some(media) = media {
            request = request.header(CONTENT_TYPE, media);
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        request.body(body).map_err(|error| ApiError::new("bad-request", format!("cannot form a request: {error}")))
    }

    fn answer<T: DeserializeOwned>(&self, status: StatusCode, bytes: &[u8]) -> Result<T, ApiError> {
        if status.is_success() {
            return serde_json::from_slice(bytes).map_err(|error| {
                ApiError::new("unreachable", format!("{} did not answer as a Stead host: {error}", self.place()))
                    .help("check that client and host are of the same version: `stead --version`")
            });
        }
        Err(self.refused(status, bytes))
    }

    fn refused(&self, status: StatusCode, bytes: &[u8]) -> ApiError {
        match serde_json::from_slice::<ErrorBody>(bytes) {
            Ok(body) => body.error,
            Err(_) => ApiError::new("unreachable", format!("{} answered with status {status}", self.place())),
        }
    }

    async fn connect(&self) -> Result<Connection, ApiError> {
        match &self.target {
            Target::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(|error| self.unreachable(&error))?;
                self.shake(TokioIo::new(stream)).await
            }
            Target::Tcp(address) => {
                let stream = TcpStream::connect(address).await.map_err(|error| self.unreachable(&error))?;
                // Only latency is at stake where this is refused.
                drop(stream.set_nodelay(true));
                self.shake(TokioIo::new(stream)).await
            }
        }
    }

    async fn shake<S>(&self, stream: S) -> Result<Connection, ApiError>
    where
        S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let (sender, connection) = handshake(stream).await.map_err(|error| self.lost(&error))?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn unreachable(&self, error: &std::io::Error) -> ApiError {
        ApiError::new("unreachable", format!("no host answers at {}: {error}", self.place()))
            .help("start one with `stead serve`, or check the address")
    }

    fn lost(&self, error: &hyper::Error) -> ApiError {
        ApiError::new("outcome-unknown", format!("the connection to {} broke before the answer: {error}", self.place()))
            .help(
                "the request may have been carried out; a call that has an id (--id CLIENT:SEQ) can be repeated safely",
            )
    }

    fn place(&self) -> String {
        match &self.target {
            Target::Unix(path) => path.display().to_string(),
            Target::Tcp(address) => format!("http://{address}"),
        }
    }
}

/// The connection, unless the host has closed it since the last request.
async fn alive(kept: Option<Connection>) -> Option<Connection> {
    let mut kept = kept?;
    kept.ready().await.is_ok().then_some(kept)
}

/// A path segment with everything escaped that is not unreserved in RFC 3986.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// A query with its `?`; empty without pairs.
pub(crate) fn query(pairs: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        text.push_str(&escape(value));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_are_escaped() {
        assert_eq!(escape("acme:tally/api@1.0.0#vote"), "acme%3Atally%2Fapi%401.0.0%23vote");
        assert_eq!(query(&[("b".to_owned(), "x y".to_owned()), ("c".to_owned(), "1".to_owned())]), "?b=x%20y&c=1");
    }

    #[test]
    fn addresses_are_http_with_a_port() {
        assert!(
            matches!(Target::parse("http://127.0.0.1:7070/"), Ok(Target::Tcp(address)) if address == "127.0.0.1:7070")
        );
        assert!(Target::parse("https://example.org:443").unwrap_err().contains("ssh"));
        assert!(Target::parse("http://localhost").unwrap_err().contains("port"));
    }
}
