//! The promise of a commit that was accepted.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::OutcomeUnknown;
use crate::store::CommitNumber;

/// Resolves when the commit is durable. Dropping it does not take the commit back.
#[derive(Debug)]
#[must_use = "a commit is durable only once its ticket has resolved"]
pub struct Ticket {
    number: CommitNumber,
}

impl Ticket {
    /// The commit's place in the store's order.
    pub fn number(&self) -> CommitNumber {
        self.number
    }

    /// Blocks until the commit is durable.
    pub fn wait(self) -> Result<CommitNumber, OutcomeUnknown> {
        todo!()
    }
}

impl Future for Ticket {
    type Output = Result<CommitNumber, OutcomeUnknown>;

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Self::Output> {
        todo!()
    }
}
