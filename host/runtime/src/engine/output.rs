//! Standard output and error of a guest: to the log line by line, and the end of the latter into error messages.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::limits::Limits;

/// Bytes that a guest may write at once.
const PERMIT_BYTES: usize = 64 << 10;

/// The end of what an instance wrote to standard error during a call.
#[derive(Clone, Default)]
pub(super) struct Tail {
    bytes: Arc<Mutex<VecDeque<u8>>>,
}

impl Tail {
    pub(super) fn clear(&self) {
        self.bytes.lock().clear();
    }

    pub(super) fn text(&self) -> String {
        let bytes: Vec<u8> = self.bytes.lock().iter().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn push(&self, written: &[u8], bytes_max: usize) {
        let mut bytes = self.bytes.lock();
        let written = &written[written.len().saturating_sub(bytes_max)..];
        let surplus = (bytes.len() + written.len()).saturating_sub(bytes_max);
        bytes.drain(..surplus);
        bytes.extend(written);
    }
}

/// One of the two streams of an instance; its clones write to the same place.
#[derive(Clone)]
pub(super) struct Output {
    shared: Arc<Shared>,
}

struct Shared {
    plugin: Arc<str>,
    stream: &'static str,
    tail: Option<Tail>,
    tail_bytes_max: usize,
    line_bytes_max: usize,
    line: Mutex<Vec<u8>>,
}

impl Output {
    pub(super) fn new(plugin: &Arc<str>, stream: &'static str, limits: &Limits, tail: Option<&Tail>) -> Output {
        Output {
            shared: Arc::new(Shared {
                plugin: plugin.clone(),
                stream,
                tail: tail.cloned(),
                tail_bytes_max: limits.stderr_tail_bytes_max,
                line_bytes_max: limits.log_line_bytes_max,
                line: Mutex::default(),
            }),
        }
    }

    fn take(&self, written: &[u8]) {
        let shared = &*self.shared;
        if let Some(tail) = &shared.tail {
            tail.push(written, shared.tail_bytes_max);
        }
        let mut line = shared.line.lock();
        for &byte in written {
            if byte == b'\n' || line.len() == shared.line_bytes_max {
                shared.log(&line);
                line.clear();
            }
            if byte != b'\n' {
                line.push(byte);
            }
        }
    }
}

impl Shared {
    fn log(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        tracing::info!(target: "stead::plugin", plugin = %self.plugin, stream = self.stream, "{line}");
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let line = std::mem::take(self.line.get_mut());
        if !line.is_empty() {
            self.log(&line);
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT_BYTES)
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
