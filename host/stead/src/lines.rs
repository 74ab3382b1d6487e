//! Lines of a host's events, as they come: from a running host, or from the one in this process.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use stead_runtime::{EventReader, News};

use crate::api::ApiError;

/// Longest line of an event, in bytes: texts in one are cut to a few thousand.
const LINE_BYTES_MAX: usize = 1 << 20;

/// How long a host may say nothing; it sends an empty line more often.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Lines as they come.
pub(crate) enum Lines {
    Remote { body: Incoming, buffer: Vec<u8> },
    Local(EventReader),
}

impl Lines {
    pub(crate) fn remote(body: Incoming) -> Lines {
        Lines::Remote { body, buffer: Vec::new() }
    }

    /// The next line that says something; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, ApiError> {
        match self {
            Lines::Local(reader) => Ok(reader.next().await.and_then(|news| match news {
                News::Event(event) => serde_json::to_string(&*event).ok(),
                News::Missed(missed) => Some(format!("{{\"missed\":{missed}}}")),
            })),
            Lines::Remote { body, buffer } => loop {
                while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = buffer.drain(..=end).collect();
                    let line = String::from_utf8_lossy(&line[..end]).into_owned();
                    if !line.is_empty() {
                        return Ok(Some(line));
                    }
                }
                if buffer.len() > LINE_BYTES_MAX {
                    return Err(lost("a line was longer than an event can be"));
                }
                let frame = tokio::time::timeout(SILENCE_MAX, body.frame()).await;
                match frame.map_err(|_| lost("the host went silent"))? {
                    None => return Ok(None),
                    Some(Err(error)) => return Err(lost(&error.to_string())),
                    Some(Ok(frame)) => buffer.extend(frame.into_data().unwrap_or_default()),
                }
            },
        }
    }
}

fn lost(why: &str) -> ApiError {
    ApiError::new("unreachable", format!("the events broke off: {why}"))
        .help("read on with `--after NUMBER`, the number of the last event that came")
}
