//! A swap that is tried out first.

use std::time::Duration;

use stead_runtime::{RehearseError, RehearseOptions, Rehearsed, Swap};

use super::pairs::{flag, number};
use super::{Api, ApiError, Pairs, SwapRequest};

/// How a swap is rehearsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RehearseRequest {
    pub(crate) swap: SwapRequest,
    /// So many of the recorded calls.
    pub(crate) last: Option<u64>,
    pub(crate) time_ms: Option<u64>,
    /// Functions and collections.
    pub(crate) accept_difference: Vec<String>,
    pub(crate) then_commit: bool,
}

impl RehearseRequest {
    pub(crate) fn pairs(&self) -> Pairs {
        let mut pairs = self.swap.pairs();
        pairs.add_some("last", self.last);
        pairs.add_some("time_ms", self.time_ms);
        pairs.add_all("accept_difference", &self.accept_difference);
        pairs.add_flag("then_commit", self.then_commit);
        pairs
    }

    pub(crate) fn parse(pairs: Pairs) -> Result<Self, ApiError> {
        let mut request = Self::default();
        let mut of_swap = Pairs::default();
        pairs.each(|name, value| {
            match name {
                "last" => request.last = Some(number(name, &value)?),
                "time_ms" => request.time_ms = Some(number(name, &value)?),
                "accept_difference" => request.accept_difference.push(value),
                "then_commit" => request.then_commit = flag(name, &value)?,
                _ => of_swap.add(name, value),
            }
            Ok(true)
        })?;
        request.swap = SwapRequest::parse(of_swap)?;
        Ok(request)
    }

    fn options(&self) -> RehearseOptions {
        RehearseOptions {
            last: self.last,
            time: self.time_ms.map(Duration::from_millis),
            accept: self.accept_difference.clone(),
            then_commit: self.then_commit,
        }
    }
}

impl Api {
    pub(crate) async fn rehearse(
        &self,
        plugin: &str,
        wasm: &[u8],
        request: &RehearseRequest,
    ) -> Result<Rehearsed, ApiError> {
        let swap = Swap { plugin: plugin.to_owned(), wasm: wasm.to_owned(), options: request.swap.options()? };
        Ok(self.host().rehearse(swap, request.options()).await?)
    }
}

impl From<RehearseError> for ApiError {
    fn from(error: RehearseError) -> Self {
        let kind = error.kind();
        match error {
            RehearseError::Swap(error) => error.into(),
            RehearseError::UnknownName { ref name } => Self::new(kind, &error).at(name).help(
                "name a function that either version exports, or a collection by its identity, as the report has them",
            ),
            error => Self::new(kind, &error).help("try again when it has ended"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_survives_the_query_beside_the_options_of_its_swap() {
        let request = RehearseRequest {
            swap: SwapRequest { label: Some("2".to_owned()), accept_unread: true, ..SwapRequest::default() },
            last: Some(10),
            time_ms: Some(500),
            accept_difference: vec!["vote".to_owned(), "a:b/c@1".to_owned()],
            then_commit: true,
        };
        assert_eq!(RehearseRequest::parse(request.pairs()).unwrap(), request);
        let unknown = Pairs(vec![("lastly".to_owned(), "1".to_owned())]);
        assert_eq!(RehearseRequest::parse(unknown).unwrap_err().kind, "bad-request");
    }
}
