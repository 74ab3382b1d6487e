//! Which calls of a plugin are recorded, for rehearsals.

use serde::{Deserialize, Serialize};
use stead_runtime::{RecordError, RecordOptions, Recording};

use super::pairs::{flag, number};
use super::{Api, ApiError, Pairs};

/// What is to be recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecordRequest {
    /// So many calls.
    pub(crate) last: Option<u64>,
    pub(crate) bytes: Option<u64>,
    /// No more, and what there is is forgotten.
    pub(crate) off: bool,
}

/// What is recorded.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct RecordAnswer {
    /// Null if nothing is.
    pub(crate) recording: Option<Recording>,
}

impl RecordRequest {
    pub(crate) fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::default();
        pairs.add_some("last", self.last);
        pairs.add_some("bytes", self.bytes);
        pairs.add_flag("off", self.off);
        pairs
    }

    pub(crate) fn parse(pairs: Pairs) -> Result<Self, ApiError> {
        let mut request = Self::default();
        pairs.each(|name, value| {
            match name {
                "last" => request.last = Some(number(name, &value)?),
                "bytes" => request.bytes = Some(number(name, &value)?),
                "off" => request.off = flag(name, &value)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(request)
    }

    fn options(self) -> Result<Option<RecordOptions>, ApiError> {
        match (self.last, self.bytes, self.off) {
            (None, None, true) => Ok(None),
            (Some(last), bytes, false) => Ok(Some(RecordOptions { last, bytes })),
            _ => Err(ApiError::new("bad-request", "either `last` or `off` says what is to be recorded")),
        }
    }
}

impl Api {
    pub(crate) async fn record(&self, plugin: &str, request: RecordRequest) -> Result<RecordAnswer, ApiError> {
        Ok(RecordAnswer { recording: self.host().record(plugin, request.options()?).await? })
    }

    pub(crate) fn recording(&self, plugin: &str) -> Result<RecordAnswer, ApiError> {
        Ok(RecordAnswer { recording: self.host().recording(plugin)? })
    }
}

impl From<RecordError> for ApiError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Host(error) => error.into(),
            RecordError::UnknownPlugin { plugin } => super::convert::no_plugin(&plugin),
            error => Self::new(error.kind(), &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_recorded_survives_the_query_and_is_said_in_one_way() {
        let on = RecordRequest { last: Some(3), bytes: Some(5), off: false };
        let off = RecordRequest { off: true, ..RecordRequest::default() };
        for request in [on, off] {
            assert_eq!(RecordRequest::parse(request.pairs()).unwrap(), request);
            assert!(request.options().is_ok());
        }
        for neither in [RecordRequest::default(), RecordRequest { off: true, ..on }] {
            assert_eq!(neither.options().unwrap_err().kind, "bad-request");
        }
    }
}
