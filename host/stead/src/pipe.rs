//! Bytes between work that blocks and HTTP bodies, both ways, a few chunks ahead at most.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame};
use tokio::sync::mpsc;

/// Chunks that wait for whoever is slower.
const CHUNKS_AHEAD: usize = 4;

/// Bytes that are handed on at once.
const CHUNK_BYTES: usize = 64 << 10;

/// How long either side may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A chunk, an error of the writing side, or, if empty, the end.
type Chunk = io::Result<Bytes>;

/// A new pipe.
pub(crate) fn pipe() -> (Sender, mpsc::Receiver<Chunk>) {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    (Sender(sender), receiver)
}

/// The writing end. Dropped without a word, it makes the reading end fail: what was cut off never looks whole.
#[derive(Clone)]
pub(crate) struct Sender(mpsc::Sender<Chunk>);

impl Sender {
    /// Hands on a chunk that is not empty, or an error.
    pub(crate) async fn send(&self, chunk: Chunk) -> io::Result<()> {
        match tokio::time::timeout(SILENCE_MAX, self.0.send(chunk)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "nobody reads any more")),
            Err(_) => Err(silent()),
        }
    }

    /// Says that all came, or why not.
    pub(crate) async fn end(&self, result: io::Result<()>) {
        // Where nobody reads any more, nobody has to be told.
        drop(self.send(result.map(|()| Bytes::new())).await);
    }

    /// Hands a body on, chunk by chunk. What comes after the reader has gone is read and dropped, so that a client
    /// that sends is not cut off before it reads the answer.
    pub(crate) async fn feed<B>(self, mut body: B)
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let mut is_read = true;
        loop {
            let frame = match tokio::time::timeout(SILENCE_MAX, body.frame()).await {
                Ok(None) => return self.end(Ok(())).await,
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return self.end(Err(io::Error::other(error.to_string()))).await,
                Err(_) => return self.end(Err(silent())).await,
            };
            if let Ok(chunk) = frame.into_data()
                && !chunk.is_empty()
                && is_read
            {
                is_read = self.send(Ok(chunk)).await.is_ok();
            }
        }
    }

    /// Hands on what a reader gives, on a thread that may block.
    pub(crate) fn copy(self, mut source: impl Read + Send + 'static) {
        tokio::task::spawn_blocking(move || {
            let mut writer = Writer::new(self);
            let copied = io::copy(&mut source, &mut writer).and_then(|_| writer.flush());
            writer.end(copied);
        });
    }
}

/// The writing end for a thread that may block.
pub(crate) struct Writer {
    sender: Sender,
    runtime: tokio::runtime::Handle,
    buffer: Vec<u8>,
}

impl Writer {
    /// To be made where a runtime is entered, such as in its blocking threads.
    pub(crate) fn new(sender: Sender) -> Self {
        Self { sender, runtime: tokio::runtime::Handle::current(), buffer: Vec::new() }
    }

    /// Says that all came, or why not.
    pub(crate) fn end(self, result: io::Result<()>) {
        self.runtime.block_on(self.sender.end(result));
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::take(&mut self.buffer));
        self.runtime.block_on(self.sender.send(Ok(chunk)))
    }
}

/// The reading end for a thread that may block.
pub(crate) struct Reader {
    receiver: mpsc::Receiver<Chunk>,
    chunk: Bytes,
    ended: bool,
}

impl Reader {
    pub(crate) fn new(receiver: mpsc::Receiver<Chunk>) -> Self {
        Self { receiver, chunk: Bytes::new(), ended: false }
    }
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() && !self.ended {
            self.chunk = self.receiver.blocking_recv().unwrap_or_else(|| Err(cut_off()))?;
            self.ended = self.chunk.is_empty();
        }
        let bytes = self.chunk.len().min(into.len());
        into[..bytes].copy_from_slice(&self.chunk.split_to(bytes));
        Ok(bytes)
    }
}

/// The reading end as the body of a message.
pub(crate) struct Outgoing(pub(crate) mpsc::Receiver<Chunk>);

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(cx).map(|chunk| match chunk {
            Some(Ok(chunk)) if chunk.is_empty() => None,
            Some(chunk) => Some(chunk.map(Frame::data)),
            None => Some(Err(cut_off())),
        })
    }
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "what was to come was cut off")
}

fn silent() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("nothing moved for {} s", SILENCE_MAX.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_cut_off_never_looks_whole() {
        for ends in [true, false] {
            let (sender, receiver) = pipe();
            let wrote = tokio::task::spawn_blocking(move || {
                let mut writer = Writer::new(sender);
                writer.write_all(&[7; 300_000]).and_then(|()| writer.flush()).unwrap();
                if ends {
                    writer.end(Ok(()));
                }
            });
            let read = tokio::task::spawn_blocking(move || {
                let mut bytes = Vec::new();
                Reader::new(receiver).read_to_end(&mut bytes).map(|_| bytes.len())
            });
            wrote.await.unwrap();
            let read = read.await.unwrap();
            match ends {
                true => assert_eq!(read.unwrap(), 300_000),
                false => assert_eq!(read.unwrap_err().kind(), io::ErrorKind::UnexpectedEof),
            }
        }
    }
}
