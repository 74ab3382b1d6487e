//! What clients were told; in a file also, where it is beyond a kill.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use stead_runtime::{CallError, Outcome, Reply};

use crate::harness::number;

/// What a client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// How often its key was bumped.
    Count(u64),
    /// `err`: nothing was kept.
    Refused,
}

impl Answer {
    pub(super) fn of(reply: &Reply) -> Answer {
        match &reply.outcome {
            Outcome::Ok(value) => Answer::Count(number(value.clone())),
            Outcome::Err(_) => Answer::Refused,
        }
    }
}

/// All that clients were told, by client and sequence number. Clones are one.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    answers: BTreeMap<u64, BTreeMap<u64, Answer>>,
    failures: Vec<String>,
    file: Option<File>,
}

impl Seen {
    /// What stands in a file, and a place for more.
    pub(crate) fn at(path: &Path) -> Seen {
        let seen = Seen::default();
        let mut inner = seen.inner.lock().unwrap();
        for line in fs::read_to_string(path).unwrap_or_default().lines() {
            let mut words = line.splitn(3, ' ');
            let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{line}"));
            let (client, sequence) = (number(), number());
            match words.next().map(|word| (word, word.parse())) {
                Some((_, Ok(count))) => inner.note(client, sequence, Answer::Count(count)),
                Some(("refused", _)) => inner.note(client, sequence, Answer::Refused),
                other => inner.failures.push(format!("{line}, {other:?}")),
            }
        }
        inner.file = Some(File::options().create(true).append(true).open(path).unwrap());
        drop(inner);
        seen
    }

    pub(super) fn add(&self, client: u64, sequence: u64, reply: &Result<Reply, CallError>) {
        let mut inner = self.inner.lock().unwrap();
        let text = match reply {
            Ok(reply) => {
                let answer = Answer::of(reply);
                inner.note(client, sequence, answer);
                match answer {
                    Answer::Count(count) => count.to_string(),
                    Answer::Refused => "refused".to_owned(),
                }
            }
            Err(error) => {
                inner.failures.push(format!("{} ({client}/{sequence}: {error})", error.kind()));
                format!("failed: {error}")
            }
        };
        if let Some(file) = &mut inner.file {
            // One line in one call of the system: it is there whole or not at all.
            file.write_all(format!("{client} {sequence} {text}\n").as_bytes()).unwrap();
        }
    }

    /// The answers to one client by sequence number.
    pub(crate) fn of(&self, client: u64) -> BTreeMap<u64, Answer> {
        self.inner.lock().unwrap().answers.get(&client).cloned().unwrap_or_default()
    }

    /// Calls that were answered.
    pub(crate) fn len(&self) -> usize {
        self.inner.lock().unwrap().answers.values().map(BTreeMap::len).sum()
    }

    /// The calls that failed, each beginning with the error's kind.
    pub(crate) fn failures(&self) -> Vec<String> {
        self.inner.lock().unwrap().failures.clone()
    }
}

impl Inner {
    fn note(&mut self, client: u64, sequence: u64, answer: Answer) {
        let before = self.answers.entry(client).or_default().insert(sequence, answer);
        assert!(before.is_none(), "{client}/{sequence} was answered twice");
    }
}
