//! How a plugin goes back, as a query.

use std::path::PathBuf;

use stead_runtime::Probation;

use crate::api::pairs::{Pairs, flag, number};
use crate::api::{ApiError, ProbationRequest, asked_by};

/// How a plugin goes back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RollbackRequest {
    /// A new file on the host's machine for every write that is given up.
    pub(crate) discard_to: Option<PathBuf>,
    pub(crate) deadline_ms: Option<u64>,
    /// Who asks.
    pub(crate) asked_by: Option<String>,
    /// Entries that its migration never reads may be left behind.
    pub(crate) accept_unread: bool,
    pub(crate) probation: ProbationRequest,
}

impl RollbackRequest {
    pub(crate) fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::default();
        pairs.add_some("discard_to", self.discard_to.as_ref().map(|path| path.display()));
        pairs.add_some("deadline_ms", self.deadline_ms);
        pairs.add_some("as", self.asked_by.as_ref());
        pairs.add_flag("accept_unread", self.accept_unread);
        self.probation.add_to(&mut pairs);
        pairs
    }

    pub(crate) fn parse(pairs: Pairs) -> Result<Self, ApiError> {
        let mut request = Self::default();
        pairs.each(|name, value| {
            if request.probation.read(name, value.clone()) {
                return Ok(true);
            }
            match name {
                "discard_to" => request.discard_to = Some(PathBuf::from(value)),
                "deadline_ms" => request.deadline_ms = Some(number(name, &value)?),
                "as" => request.asked_by = Some(asked_by(value)?),
                "accept_unread" => request.accept_unread = flag(name, &value)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(request)
    }

    pub(in crate::api) fn probation(&self) -> Result<Option<Probation>, ApiError> {
        self.probation.terms()
    }
}
