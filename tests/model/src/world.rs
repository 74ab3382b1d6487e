//! What there is in the model: the disk, the host that runs, and its clients.

use super::phase::{Came, Phase};

pub(super) const CLIENTS: usize = 2;
const ATTEMPTS_MAX: u8 = 2;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) disk: Disk,
    /// None after a crash, until the restart.
    pub(super) host: Option<Host>,
    pub(super) clients: [Client; CLIENTS],
    pub(super) hand_offs: u8,
    pub(super) crashes: u8,
    pub(super) losses: u8,
    pub(super) duplicates: u8,
}

/// What lasts. Every change of it is one commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Disk {
    pub(super) active: u8,
    pub(super) versions: u8,
    pub(super) previous: Option<u8>,
    pub(super) writer_epoch: u8,
    pub(super) journal: Option<Journal>,
    /// How often each client's call was executed.
    pub(super) executed: [u8; CLIENTS],
    /// A version committed that was not the active one.
    pub(super) usurped: bool,
    /// A call was refused although only a hand-off was in its way.
    pub(super) refused: bool,
    /// A hand-off took over of which a phase had come undone.
    pub(super) revived: bool,
    pub(super) ends: Ends,
}

/// How hand-offs have ended so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Ends {
    pub(super) successor: u8,
    pub(super) incumbent: u8,
    pub(super) rollback: u8,
    /// After a crash, in the successor.
    pub(super) resumed: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Journal {
    pub(super) phase: Phase,
    pub(super) successor: u8,
    pub(super) rollback: bool,
    /// The state is converted entry by entry.
    pub(super) converts: bool,
    pub(super) sealed: bool,
    pub(super) attempts: u8,
}

/// What ends with the process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Host {
    pub(super) serving: u8,
    pub(super) writer_epoch: u8,
    pub(super) hand_off: Option<HandOff>,
    pub(super) turn: Turn,
    pub(super) waiting: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct HandOff {
    pub(super) phase: Phase,
    /// The phase's commit is durable, its work is not done.
    pub(super) begun: bool,
    pub(super) journal: Journal,
    pub(super) resumed: bool,
    /// One of its phases could not be done.
    pub(super) undone: bool,
    /// A restart gave up what the crash had found sealed.
    pub(super) dropped: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Turn {
    Free,
    Call(usize),
    HandOff,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Client {
    /// Copies of the request on their way.
    pub(super) requests: u8,
    /// Copies of the reply on their way.
    pub(super) replies: u8,
    pub(super) answered: bool,
}

impl Disk {
    pub(super) fn restarted(&self, after_crash: fn(Phase, bool) -> Phase) -> Host {
        let hand_off = self.journal.clone().map(|journal| {
            let phase = after_crash(journal.phase, journal.converts);
            let dropped = journal.phase == Phase::Sealing && phase != Phase::AwaitingReady;
            HandOff { phase, begun: false, journal, resumed: true, undone: false, dropped }
        });
        // What is prepared again is prepared beside the calls.
        let holds = hand_off.as_ref().is_some_and(|hand_off| hand_off.phase != Phase::Negotiating);
        let turn = if holds { Turn::HandOff } else { Turn::Free };
        Host { serving: self.active, writer_epoch: self.writer_epoch, hand_off, turn, waiting: Vec::new() }
    }
}

impl Host {
    pub(super) fn holds(&self, client: usize) -> bool {
        self.turn == Turn::Call(client) || self.waiting.contains(&client)
    }

    /// A hand-off takes the next turn, before all calls that wait.
    pub(super) fn wants_the_turn(&self) -> bool {
        self.hand_off.as_ref().is_some_and(|hand_off| hand_off.begun && hand_off.phase == Phase::Draining)
    }

    /// The commit with which a phase begins.
    pub(super) fn begin(&mut self, disk: &mut Disk) {
        let Some(hand_off) = &mut self.hand_off else { return };
        hand_off.begun = true;
        let journal = &mut hand_off.journal;
        journal.phase = hand_off.phase;
        match hand_off.phase {
            Phase::Negotiating | Phase::Draining => {}
            Phase::Sealing => {
                disk.writer_epoch += 1;
                journal.sealed = true;
            }
            Phase::AwaitingReady => journal.attempts += 1,
            Phase::Committed => {
                disk.previous = Some(disk.active);
                disk.active = journal.successor;
                disk.versions = disk.versions.max(journal.successor);
                disk.journal = None;
                disk.revived |= hand_off.undone;
                disk.ends.successor += 1;
                disk.ends.rollback += u8::from(journal.rollback);
                disk.ends.resumed += u8::from(hand_off.resumed);
                return;
            }
            Phase::ResumingAfterAbort => {
                disk.writer_epoch += u8::from(journal.sealed);
                disk.journal = None;
                disk.ends.incumbent += 1;
                return;
            }
        }
        disk.journal = Some(journal.clone());
    }

    pub(super) fn finish(&mut self, disk: &Disk, came: Came, next: fn(Phase, Came) -> Option<Phase>) {
        let Some(hand_off) = &mut self.hand_off else { return };
        if hand_off.phase == Phase::Draining && came == Came::Through {
            self.turn = Turn::HandOff;
        }
        hand_off.undone |= came == Came::Undone;
        match next(hand_off.phase, came) {
            Some(phase) => {
                hand_off.phase = phase;
                hand_off.begun = false;
            }
            None => {
                // The gate opens to whoever serves now.
                self.hand_off = None;
                if self.turn == Turn::HandOff {
                    (self.serving, self.writer_epoch) = (disk.active, disk.writer_epoch);
                    self.turn = Turn::Free;
                }
            }
        }
    }
}

impl HandOff {
    pub(super) fn may_come_through(&self, turn: &Turn) -> bool {
        match self.phase {
            Phase::Draining => matches!(turn, Turn::Free | Turn::HandOff),
            Phase::AwaitingReady => self.journal.attempts <= ATTEMPTS_MAX,
            _ => true,
        }
    }
}
