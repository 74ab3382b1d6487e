//! A call and its reply.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stead_schema::{Type, Value};

/// One invocation of an exported function.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    /// The plugin.
    pub plugin: String,
    /// The function: `vote`, `api.vote` or `acme:tally/api@1.0.0#vote`.
    pub function: String,
    /// Its arguments.
    pub args: Vec<Value>,
    /// Makes the call run at most once, however often it is asked.
    pub id: Option<CallId>,
    /// How long it may take, waiting included; the plugin's limit if none.
    pub deadline: Option<Duration>,
    /// Promises not to write: runs beside other calls on the last durable state, and traps on a write.
    pub read: bool,
}

impl Call {
    /// A call without id, with the default deadline.
    pub fn new(plugin: impl Into<String>, function: impl Into<String>, args: Vec<Value>) -> Call {
        Call { plugin: plugin.into(), function: function.into(), args, id: None, deadline: None, read: false }
    }

    /// The same call under an id.
    pub fn with_id(self, client: impl Into<String>, sequence: u64) -> Call {
        Call { id: Some(CallId { client: client.into(), sequence }), ..self }
    }

    /// The same call, read-only.
    pub fn read_only(self) -> Call {
        Call { read: true, ..self }
    }
}

/// Names a call for ever: asked again, it is answered from the record and not executed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallId {
    /// Who calls; up to 128 bytes, chosen by the client.
    pub client: String,
    /// The client's own count of its calls.
    pub sequence: u64,
}

/// What a call gave back, durable by the time it is seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// What the function returned.
    pub outcome: Outcome,
    /// The type of the value in `outcome`, if there is one.
    pub ty: Option<Type>,
    /// The call had run before; this is its recorded result.
    pub replayed: bool,
}

/// What a function returned. For a declared `result<T, E>` the two cases are told apart and hold the payload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// The call committed.
    Ok(Option<Value>),
    /// The function returned `err`: everything that it wrote was rolled back.
    Err(Option<Value>),
}

/// Whether instances are kept between calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reuse {
    /// Kept warm. Its memory is a cache: it may be gone at the next call.
    #[default]
    Resident,
    /// A fresh instance for each call: nothing but declared state survives.
    PerCall,
}
