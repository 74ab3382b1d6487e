//! The promise of a commit that was accepted.

use std::cell::OnceCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use crate::error::OutcomeUnknown;
use crate::store::CommitNumber;
use crate::store::core::Core;

/// Resolves when the commit is durable. Dropping it does not take the commit back.
#[must_use = "a commit is durable only once its ticket has resolved"]
pub struct Ticket {
    core: Arc<Core>,
    /// The place in the journal that has to be durable; it counts records that are no commits, too.
    sequence: u64,
    number: CommitNumber,
    registered: Option<Waker>,
}

impl Ticket {
    pub(crate) fn new(core: Arc<Core>, sequence: u64, number: CommitNumber) -> Ticket {
        Ticket { core, sequence, number, registered: None }
    }

    /// The commit's place in the store's order.
    pub fn number(&self) -> CommitNumber {
        self.number
    }

    /// The commit is durable already.
    pub fn is_durable(&self) -> bool {
        self.core.progress.is_durable(self.sequence)
    }

    /// Blocks until the commit is durable.
    pub fn wait(mut self) -> Result<CommitNumber, OutcomeUnknown> {
        PARKER.with(|parker| {
            let waker = parker.get_or_init(|| Waker::from(Arc::new(Parker(thread::current()))));
            let mut context = Context::from_waker(waker);
            loop {
                match Pin::new(&mut self).poll(&mut context) {
                    Poll::Ready(outcome) => return outcome,
                    Poll::Pending => thread::park(),
                }
            }
        })
    }
}

impl Future for Ticket {
    type Output = Result<CommitNumber, OutcomeUnknown>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ticket = &mut *self;
        if ticket.core.is_inline() {
            ticket.core.drive();
        }
        let waker = context.waker();
        let known = ticket.registered.as_ref().is_some_and(|registered| registered.will_wake(waker));
        match ticket.core.progress.poll(ticket.sequence, (!known).then_some(waker)) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(ticket.number)),
            Poll::Ready(Err(reason)) => Poll::Ready(Err(OutcomeUnknown { reason: reason.to_string() })),
            Poll::Pending => {
                if !known {
                    ticket.registered = Some(waker.clone());
                }
                Poll::Pending
            }
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("number", &self.number).field("is_durable", &self.is_durable()).finish()
    }
}

thread_local! {
    static PARKER: OnceCell<Waker> = const { OnceCell::new() };
}

/// Wakes a thread that waits for a ticket.
struct Parker(Thread);

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}
