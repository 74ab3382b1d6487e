//! The control API over HTTP: on a Unix socket in the data directory, and on TCP with a token.
//!
//! It translates requests into [`crate::api::Api`] and back. It is not responsible for what they do.

mod auth;
mod door;
mod events;
mod limits;
mod listen;
mod router;
mod socket;

pub(crate) use auth::Token;
pub(crate) use limits::STOP_TIME;
pub(crate) use listen::{Listener, Stop};
pub(crate) use router::{Access, router};
pub(crate) use socket::{ControlSocket, socket_path};
