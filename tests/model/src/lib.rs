//! The protocol of the hand-off as a model, explored state by state: clients that lose messages and ask again, a host
//! that stops at any step, a swap, and another swap or a rollback after it. Phases follow one another by the driver's own
//! table.
//!
//! A crate of its own, because stateright selects other features of serde than the host, and would have all of wasmtime
//! built twice.

#![cfg(test)]

// What the host makes public is public in a private crate here.
#[allow(unreachable_pub)]
#[path = "../../../host/runtime/src/handoff/phase.rs"]
mod phase;
mod world;

use phase::{Came, Phase};
use stateright::{Checker, Model, Property};
use world::{CLIENTS, Disk, Ends, HandOff, Journal, Turn, World};

/// The transition table, and how many misfortunes there are.
#[derive(Clone)]
struct Protocol {
    next: fn(Phase, Came) -> Option<Phase>,
    after_crash: fn(Phase, bool) -> Phase,
    hand_offs: u8,
    crashes: u8,
    losses: u8,
    duplicates: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Action {
    Ask {
        rollback: bool,
        /// The state is converted entry by entry.
        converts: bool,
    },
    /// The commit with which a phase begins.
    Begin,
    /// The commit of the hand-off is refused: the disk is full.
    Refuse,
    Finish(Came),
    Request(usize),
    Duplicate(usize),
    Deliver(usize),
    Start,
    End,
    Answer(usize),
    LoseRequest(usize),
    LoseReply(usize),
    Crash,
    Restart,
}

impl Protocol {
    fn as_it_is() -> Protocol {
        Protocol {
            next: Phase::next,
            after_crash: Phase::after_crash,
            hand_offs: 2,
            crashes: 2,
            losses: 1,
            duplicates: 1,
        }
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let disk = Disk {
            active: 1,
            versions: 1,
            previous: None,
            writer_epoch: 1,
            journal: None,
            executed: [0; CLIENTS],
            usurped: false,
            refused: false,
            revived: false,
            ends: Ends::default(),
        };
        let host = Some(disk.restarted(self.after_crash));
        let Protocol { hand_offs, crashes, losses, duplicates, .. } = *self;
        vec![World { disk, host, clients: Default::default(), hand_offs, crashes, losses, duplicates }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for (client, state) in world.clients.iter().enumerate() {
            if state.requests > 0 {
                if world.host.is_some() {
                    actions.push(Action::Deliver(client));
                }
                if world.losses > 0 {
                    actions.push(Action::LoseRequest(client));
                }
            }
            if state.replies > 0 {
                actions.push(Action::Answer(client));
                if world.losses > 0 {
                    actions.push(Action::LoseReply(client));
                }
            }
            let is_known = world.host.as_ref().is_some_and(|host| host.holds(client));
            if !state.answered && state.requests + state.replies == 0 && !is_known {
                actions.push(Action::Request(client));
            } else if !state.answered && state.requests == 0 && world.duplicates > 0 {
                actions.push(Action::Duplicate(client));
            }
        }
        let Some(host) = &world.host else { return actions.push(Action::Restart) };
        if world.crashes > 0 {
            actions.push(Action::Crash);
        }
        match &host.hand_off {
            None if world.hand_offs > 0 => {
                actions.extend([false, true].map(|converts| Action::Ask { rollback: false, converts }));
                if world.disk.previous.is_some() {
                    actions.push(Action::Ask { rollback: true, converts: false });
                }
            }
            None => {}
            Some(hand_off) if !hand_off.begun => {
                actions.push(Action::Begin);
                if hand_off.phase == Phase::Committed {
                    actions.push(Action::Refuse);
                }
            }
            Some(hand_off) => {
                if hand_off.may_come_through(&host.turn) {
                    actions.push(Action::Finish(Came::Through));
                }
                if !matches!(hand_off.phase, Phase::Committed | Phase::ResumingAfterAbort) {
                    actions.push(Action::Finish(Came::Undone));
                }
            }
        }
        match host.turn {
            Turn::Free if !host.waiting.is_empty() && !host.wants_the_turn() => actions.push(Action::Start),
            Turn::Call(_) => actions.push(Action::End),
            _ => {}
        }
    }

    fn next_state(&self, before: &World, action: Action) -> Option<World> {
        let mut world = before.clone();
        match action {
            Action::Request(client) => world.clients[client].requests += 1,
            Action::Duplicate(client) => {
                world.clients[client].requests += 1;
                world.duplicates -= 1;
            }
            Action::LoseRequest(client) => {
                world.clients[client].requests -= 1;
                world.losses -= 1;
            }
            Action::LoseReply(client) => {
                world.clients[client].replies -= 1;
                world.losses -= 1;
            }
            Action::Answer(client) => {
                world.clients[client].replies -= 1;
                world.clients[client].answered = true;
            }
            Action::Crash => {
                world.host = None;
                world.crashes -= 1;
            }
            Action::Restart => world.host = Some(world.disk.restarted(self.after_crash)),
            Action::Ask { .. } => {
                world.hand_offs -= 1;
                self.in_host(&mut world, &action);
            }
            _ => self.in_host(&mut world, &action),
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no call runs twice", |_, world: &World| world.disk.executed.iter().all(|n| *n <= 1)),
            Property::always("only the active version commits", |_, world: &World| !world.disk.usurped),
            Property::always("no call fails because of a hand-off", |_, world: &World| !world.disk.refused),
            Property::always("a reply stands for one execution", |_, world: &World| {
                world.clients.iter().zip(world.disk.executed).all(|(client, n)| !client.answered || n == 1)
            }),
            Property::always("what serves is what is active", |_, world: &World| {
                let Some(host) = &world.host else { return true };
                host.turn == Turn::HandOff
                    || (host.serving, host.writer_epoch) == (world.disk.active, world.disk.writer_epoch)
            }),
            Property::always("what came undone does not take over", |_, world: &World| !world.disk.revived),
            Property::always("what was sealed goes on after a crash", |_, world: &World| {
                let hand_off = world.host.as_ref().and_then(|host| host.hand_off.as_ref());
                hand_off.is_none_or(|hand_off| !hand_off.dropped)
            }),
            Property::always("what stands still has ended well", |protocol: &Protocol, world: &World| {
                let mut actions = Vec::new();
                protocol.actions(world, &mut actions);
                !actions.is_empty()
                    || world.clients.iter().all(|client| client.answered)
                        && world.disk.journal.is_none()
                        && world.host.as_ref().is_some_and(|host| host.hand_off.is_none() && host.turn == Turn::Free)
            }),
            Property::sometimes("the successor takes over", |_, world: &World| world.disk.ends.successor == 2),
            Property::sometimes("the incumbent goes on", |_, world: &World| world.disk.ends.incumbent == 2),
            Property::sometimes("a rollback follows", |_, world: &World| world.disk.ends.rollback == 1),
            Property::sometimes("a restart finishes it", |_, world: &World| world.disk.ends.resumed == 1),
            Property::sometimes("a call is served while a restart goes on converting", |_, world: &World| {
                world.host.as_ref().is_some_and(|host| {
                    let goes_on = host.hand_off.as_ref().is_some_and(|hand_off| hand_off.resumed);
                    goes_on && matches!(host.turn, Turn::Call(_))
                })
            }),
        ]
    }
}

impl Protocol {
    /// What happens inside the host that runs.
    fn in_host(&self, world: &mut World, action: &Action) {
        let World { disk, host: Some(host), clients, .. } = world else { return };
        match *action {
            Action::Ask { rollback, converts } => {
                let successor = match (rollback, disk.previous) {
                    (true, Some(previous)) => previous,
                    _ => disk.versions + 1,
                };
                let phase = Phase::Negotiating;
                let journal = Journal { phase, successor, rollback, converts, sealed: false, attempts: 0 };
                host.hand_off =
                    Some(HandOff { phase, begun: false, journal, resumed: false, undone: false, dropped: false });
            }
            Action::Deliver(client) => {
                clients[client].requests -= 1;
                match disk.executed[client] {
                    0 => host.waiting.push(client),
                    _ => clients[client].replies += 1,
                }
            }
            Action::Start => host.turn = Turn::Call(host.waiting.remove(0)),
            Action::End => {
                let Turn::Call(client) = host.turn else { return };
                host.turn = Turn::Free;
                if disk.executed[client] == 0 {
                    if host.writer_epoch != disk.writer_epoch {
                        disk.refused = true;
                        return;
                    }
                    disk.usurped |= host.serving != disk.active;
                    disk.executed[client] += 1;
                }
                clients[client].replies += 1;
            }
            Action::Begin => host.begin(disk),
            Action::Refuse => host.finish(disk, Came::Undone, self.next),
            Action::Finish(came) => host.finish(disk, came, self.next),
            _ => {}
        }
    }
}

/// Explores everything that can happen.
fn explore(protocol: Protocol) -> impl Checker<Protocol> {
    protocol.checker().threads(2).spawn_bfs().join()
}

#[test]
fn g08_g09_g11_the_protocol_ends_in_one_version_and_loses_and_doubles_no_call() {
    let checker = explore(Protocol::as_it_is());
    assert!(checker.unique_state_count() > 100_000, "{}", checker.unique_state_count());
    checker.assert_properties();
}

/// A faulty table must not pass.
fn check_faulty(property: &'static str, fault: impl FnOnce(&mut Protocol)) {
    let mut protocol = Protocol { hand_offs: 1, crashes: 1, losses: 0, duplicates: 0, ..Protocol::as_it_is() };
    fault(&mut protocol);
    let discovered = explore(protocol).discoveries();
    assert!(discovered.contains_key(property), "not found: {property}; found: {:?}", discovered.keys());
}

#[test]
fn a_protocol_that_is_not_driven_to_its_end_is_found_out() {
    check_faulty("what stands still has ended well", |protocol| {
        protocol.next = |phase, came| (phase != Phase::AwaitingReady).then(|| phase.next(came)).flatten();
    });
}

#[test]
fn a_protocol_that_does_not_wait_for_the_running_call_is_found_out() {
    check_faulty("what serves is what is active", |protocol| {
        protocol.next = |phase, came| match (phase, came) {
            (Phase::Negotiating, Came::Through) => Some(Phase::Sealing),
            _ => phase.next(came),
        };
    });
}

#[test]
fn a_protocol_that_takes_an_unsealed_hand_off_up_again_is_found_out() {
    check_faulty("what stands still has ended well", |protocol| {
        protocol.after_crash = |phase, _| match phase {
            Phase::Sealing | Phase::AwaitingReady => Phase::ResumingAfterAbort,
            // Nobody fences the incumbent, nobody drains it, and the record stays.
            phase => phase,
        };
        protocol.next = |phase, came| match (phase, came) {
            (Phase::ResumingAfterAbort, _) => None,
            (Phase::Draining, Came::Through) => None,
            _ => phase.next(came),
        };
    });
}

#[test]
fn a_protocol_that_gives_up_what_was_sealed_is_found_out() {
    check_faulty("what was sealed goes on after a crash", |protocol| {
        protocol.after_crash = |phase, converting| match phase {
            Phase::Sealing => Phase::ResumingAfterAbort,
            phase => phase.after_crash(converting),
        };
    });
}

#[test]
fn a_protocol_that_goes_on_with_what_came_undone_is_found_out() {
    for undone in [Phase::Sealing, Phase::AwaitingReady] {
        check_faulty("what came undone does not take over", |protocol| {
            protocol.next = match undone {
                Phase::Sealing => |phase, came| match (phase, came) {
                    (Phase::Sealing, Came::Undone) => Some(Phase::AwaitingReady),
                    _ => phase.next(came),
                },
                _ => |phase, came| match (phase, came) {
                    (Phase::AwaitingReady, Came::Undone) => Some(Phase::Committed),
                    _ => phase.next(came),
                },
            };
        });
    }
}
