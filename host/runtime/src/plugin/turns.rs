//! Whose turn it is: what only one may hold at a time, in the order in which it was asked for.
//!
//! A hand-off asks with [`Turns::take_next`] and is served before everybody who waits; those who come while it holds
//! the turn wait behind it. That is the gate: nobody is turned away, and the order stays.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// A thing that is held by one at a time.
pub(crate) struct Turns<T> {
    queue: Mutex<Queue<T>>,
}

struct Queue<T> {
    /// The thing, while nobody holds it; then nobody waits either.
    free: Option<T>,
    /// Hand-offs come first, and are no part of what may wait at most.
    waiting: VecDeque<Waiter<T>>,
}

struct Waiter<T> {
    sender: oneshot::Sender<Turn<T>>,
    is_next: bool,
}

impl<T> Queue<T> {
    /// Those who asked with [`Turns::take`]. Who asked to be next stands before them.
    fn in_line(&self) -> usize {
        self.waiting.len() - self.waiting.iter().take_while(|waiter| waiter.is_next).count()
    }
}

/// Holds the thing; dropped, it goes to the next in line.
pub(crate) struct Turn<T> {
    held: Option<T>,
    turns: Arc<Turns<T>>,
}

/// Why nobody got a turn.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoTurn {
    /// As many wait already.
    Full { waiting: usize },
    /// The deadline passed first.
    Deadline { waited: Duration },
}

impl<T> Turns<T> {
    pub(crate) fn new(thing: T) -> Arc<Turns<T>> {
        Arc::new(Turns { queue: Mutex::new(Queue { free: Some(thing), waiting: VecDeque::new() }) })
    }

    /// Takes a turn after everybody who waits, if fewer than `waiting_max` do.
    pub(crate) async fn take(self: &Arc<Self>, deadline: Instant, waiting_max: usize) -> Result<Turn<T>, NoTurn> {
        let receiver = {
            let mut queue = self.queue.lock();
            if let Some(thing) = queue.free.take() {
                return Ok(self.turn(thing));
            }
            if queue.in_line() >= waiting_max {
                // Those who gave up leave their place only when their turn comes; make room before refusing.
                queue.waiting.retain(|waiter| !waiter.sender.is_closed());
            }
            if queue.in_line() >= waiting_max {
                return Err(NoTurn::Full { waiting: queue.in_line() });
            }
            let (sender, receiver) = oneshot::channel();
            queue.waiting.push_back(Waiter { sender, is_next: false });
            receiver
        };
        Self::wait(receiver, deadline).await
    }

    /// Takes the next turn, before everybody who waits.
    pub(crate) async fn take_next(self: &Arc<Self>, deadline: Instant) -> Result<Turn<T>, NoTurn> {
        let receiver = {
            let mut queue = self.queue.lock();
            if let Some(thing) = queue.free.take() {
                return Ok(self.turn(thing));
            }
            let (sender, receiver) = oneshot::channel();
            queue.waiting.push_front(Waiter { sender, is_next: true });
            receiver
        };
        Self::wait(receiver, deadline).await
    }

    /// How many wait who asked with [`Turns::take`].
    pub(crate) fn waiting(&self) -> usize {
        let queue = self.queue.lock();
        queue.waiting.iter().filter(|waiter| !waiter.is_next && !waiter.sender.is_closed()).count()
    }

    async fn wait(receiver: oneshot::Receiver<Turn<T>>, deadline: Instant) -> Result<Turn<T>, NoTurn> {
        let began = Instant::now();
        match tokio::time::timeout_at(deadline.into(), receiver).await {
            Ok(Ok(turn)) => Ok(turn),
            // The queue never drops a sender that somebody listens to.
            Ok(Err(_)) | Err(_) => Err(NoTurn::Deadline { waited: began.elapsed() }),
        }
    }

    fn turn(self: &Arc<Self>, thing: T) -> Turn<T> {
        Turn { held: Some(thing), turns: Arc::clone(self) }
    }
}

impl<T> Drop for Turn<T> {
    fn drop(&mut self) {
        // A turn handed to somebody who gave up comes back from the channel, and is handed on in this loop.
        while let Some(thing) = self.held.take() {
            let mut queue = self.turns.queue.lock();
            let Some(next) = queue.waiting.pop_front() else {
                queue.free = Some(thing);
                return;
            };
            drop(queue);
            if let Err(mut refused) = next.sender.send(self.turns.turn(thing)) {
                self.held = refused.held.take();
            }
        }
    }
}

impl<T> Deref for Turn<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.held {
            Some(thing) => thing,
            None => unreachable!("a turn holds its thing until it is dropped"),
        }
    }
}

impl<T> DerefMut for Turn<T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.held {
            Some(thing) => thing,
            None => unreachable!("a turn holds its thing until it is dropped"),
        }
    }
}

#[cfg(test)]
mod tests;
