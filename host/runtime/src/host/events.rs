//! What happens to plugins, as it happens: the last events in memory, for any number of readers, none of which holds up a
//! plugin. What has to last is in the history.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::handoff::{Activated, Phase, ProbationStep, Receipt, ReceiptKind};
use crate::limits::{EVENT_TEXT_BYTES_MAX, EVENTS_KEPT};
use crate::plugin::{Progress, now_ms};

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place among the events of all plugins since the host was opened, from 1.
    pub number: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The plugin.
    pub plugin: String,
    /// What happened.
    #[serde(flatten)]
    pub what: Happened,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Happened {
    /// A hand-off came to a phase.
    Phase {
        /// The phase.
        phase: Phase,
        /// Which direction it goes; none while the successor is looked at.
        kind: Option<ReceiptKind>,
        /// The generation of the successor.
        to: Option<u64>,
        /// Calls that wait at the closed gate.
        held_calls: u64,
    },
    /// A migration came so far.
    Progress {
        /// How far.
        #[serde(flatten)]
        progress: Progress,
    },
    /// A hand-off ended.
    HandedOff {
        /// Which direction it went.
        kind: ReceiptKind,
        /// The generation of the incumbent.
        from: u64,
        /// The generation of the successor.
        to: u64,
        /// The generation that serves now.
        serves: u64,
        /// Why it was given up, if it was; a long text is cut.
        reason: Option<String>,
        /// For how long calls were held, in microseconds.
        pause_us: u64,
        /// Calls that waited when the gate was opened.
        held_calls: u64,
    },
    /// Something happened in a version's probation; a long text is cut.
    Probation {
        /// Its generation.
        version: u64,
        /// What.
        step: Box<ProbationStep>,
    },
    /// A version was deployed under a new name.
    Deployed {
        /// Its generation.
        version: u64,
    },
    /// It began with the state of another plugin.
    Forked {
        /// The other plugin.
        from: String,
    },
    /// An operator changed one entry.
    Edited {
        /// Of which collection.
        collection: String,
    },
    /// An exported state came in.
    Imported {
        /// Entries of it.
        entries: u64,
    },
}

impl Happened {
    /// How a hand-off ended.
    pub(crate) fn handed_off(receipt: &Receipt) -> Happened {
        let (serves, reason) = match &receipt.activated {
            Activated::Successor => (receipt.to.generation, None),
            Activated::Incumbent { reason, .. } => (receipt.from.generation, Some(cut(reason))),
        };
        Happened::HandedOff {
            kind: receipt.kind,
            from: receipt.from.generation,
            to: receipt.to.generation,
            serves,
            reason,
            pause_us: receipt.pause_us,
            held_calls: receipt.held_calls,
        }
    }

    /// A step of a probation.
    pub(crate) fn in_probation(version: u64, step: &ProbationStep) -> Happened {
        let mut step = Box::new(step.clone());
        if let ProbationStep::NotHandedBack { reason, .. } = &mut *step {
            *reason = cut(reason);
        }
        Happened::Probation { version, step }
    }
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(EVENT_TEXT_BYTES_MAX)].to_owned()
}

/// The last events of a host.
pub(crate) struct Events {
    kept: Mutex<Kept>,
    told: watch::Sender<Told>,
}

#[derive(Default)]
struct Kept {
    /// The number of the last event.
    last: u64,
    events: VecDeque<Arc<Event>>,
}

/// What readers wait for.
#[derive(Clone, Copy, Default)]
struct Told {
    last: u64,
    closed: bool,
}

impl Default for Events {
    fn default() -> Events {
        Events { kept: Mutex::default(), told: watch::Sender::new(Told::default()) }
    }
}

impl Events {
    /// Adds an event. The oldest one goes when there are too many.
    pub(crate) fn tell(&self, plugin: &str, what: Happened) {
        let mut kept = self.kept.lock();
        kept.last += 1;
        let event = Event { number: kept.last, at_ms: now_ms(), plugin: plugin.to_owned(), what };
        kept.events.push_back(Arc::new(event));
        if kept.events.len() > EVENTS_KEPT {
            kept.events.pop_front();
        }
        // Under the lock, so that numbers never go back.
        self.told.send_modify(|told| told.last = kept.last);
    }

    /// Ends all readers once they have read what there is.
    pub(crate) fn close(&self) {
        self.told.send_modify(|told| told.closed = true);
    }

    /// A reader of what comes after an event; of all that is kept, with 0.
    pub(crate) fn after(self: &Arc<Self>, number: u64) -> EventReader {
        EventReader { told: self.told.subscribe(), events: Arc::clone(self), next: number.saturating_add(1) }
    }

    /// The number of the last event.
    pub(crate) fn last(&self) -> u64 {
        self.kept.lock().last
    }
}

/// What a reader gets.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// The next event.
    Event(Arc<Event>),
    /// So many events, of any plugin, came and went before this reader read them.
    Missed(u64),
}

/// Reads events in their order, at its own pace.
pub struct EventReader {
    events: Arc<Events>,
    told: watch::Receiver<Told>,
    next: u64,
}

impl EventReader {
    /// The next event if it is there already.
    pub fn ready(&mut self) -> Option<News> {
        let kept = self.events.kept.lock();
        let first = kept.last + 1 - kept.events.len() as u64;
        if self.next > kept.last {
            return None;
        }
        if self.next < first {
            let missed = first - self.next;
            self.next = first;
            return Some(News::Missed(missed));
        }
        let at = usize::try_from(self.next - first).ok()?;
        self.next += 1;
        kept.events.get(at).cloned().map(News::Event)
    }

    /// Waits for the next event; none once the host closes.
    pub async fn next(&mut self) -> Option<News> {
        loop {
            if let Some(news) = self.ready() {
                return Some(news);
            }
            let next = self.next;
            let told = self.told.wait_for(|told| told.last >= next || told.closed).await.ok()?;
            if told.closed && told.last < next {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(news: Option<News>) -> u64 {
        match news {
            Some(News::Event(event)) => match event.what {
                Happened::Deployed { version } => version,
                ref other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn g14_a_slow_reader_is_told_what_it_missed_and_holds_up_nobody() {
        let events = Arc::new(Events::default());
        let mut slow = events.after(0);
        let kept = EVENTS_KEPT as u64;
        for version in 1..=kept + 5 {
            events.tell("a", Happened::Deployed { version });
        }
        assert_eq!(slow.next().await, Some(News::Missed(5)));
        for expected in 6..=kept + 5 {
            assert_eq!(version(slow.next().await), expected);
        }
        assert_eq!(slow.ready(), None);
        assert_eq!(events.kept.lock().events.len(), EVENTS_KEPT);
    }

    #[tokio::test]
    async fn a_reader_waits_and_ends_with_the_host() {
        let events = Arc::new(Events::default());
        events.tell("a", Happened::Deployed { version: 1 });
        let mut late = events.after(events.last());
        let waiting = tokio::spawn(async move { (version(late.next().await), late.next().await) });
        tokio::task::yield_now().await;
        events.tell("a", Happened::Deployed { version: 2 });
        tokio::task::yield_now().await;
        events.close();
        assert_eq!(waiting.await.unwrap(), (2, None));
        let mut all = events.after(0);
        assert_eq!((version(all.next().await), version(all.next().await)), (1, 2), "what there is is read to the end");
        assert_eq!(all.next().await, None);
        assert_eq!(events.after(u64::MAX).ready(), None);
    }

    #[test]
    fn an_event_is_flat_json() {
        let progress = Progress { done: 3, total: 10, round: 1 };
        let event = Event { number: 7, at_ms: 9, plugin: "a".into(), what: Happened::Progress { progress } };
        let json = r#"{"number":7,"at_ms":9,"plugin":"a","event":"progress","done":3,"total":10,"round":1}"#;
        assert_eq!(serde_json::to_string(&event).unwrap(), json);
        assert_eq!(serde_json::from_str::<Event>(json).unwrap(), event);
    }
}
