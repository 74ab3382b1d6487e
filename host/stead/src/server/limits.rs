//! Every bound that a client of the control API can run into, with its reason.

use std::time::Duration;

/// A call's arguments; the runtime has narrower limits for single values.
pub(crate) const CALL_BODY_BYTES_MAX: usize = 16 << 20;

/// A component; interpreters compiled into one (JavaScript, Python) reach 40 MiB.
pub(crate) const COMPONENT_BYTES_MAX: usize = 128 << 20;

/// The components of one hand-off together: two interpreters with room to spare, or dozens of compiled ones.
pub(crate) const COMPONENTS_BYTES_MAX: usize = 256 << 20;

/// Open connections, each some 10 KiB of buffers; the next one waits in the listen queue.
pub(crate) const CONNECTIONS_MAX: usize = 1024;

/// Requests in work at once; beyond it the answer is `busy`, so that waiting work stays bounded.
pub(crate) const REQUESTS_MAX: usize = 4096;

/// States on their way in or out at once: each holds a thread that waits for its client.
pub(crate) const STREAMS_MAX: usize = 16;

/// Clients that read events at once: each is a task and a few buffered lines.
pub(crate) const EVENT_READERS_MAX: usize = 64;

/// From the first byte of a request to the end of its head; ends idle half-open clients.
pub(crate) const HEADER_READ_TIME: Duration = Duration::from_secs(30);

/// How long a body may take to arrive.
pub(crate) const BODY_READ_TIME: Duration = Duration::from_secs(60);

/// How long a graceful stop waits for running requests before it closes the store anyway.
pub(crate) const STOP_TIME: Duration = Duration::from_secs(30);
