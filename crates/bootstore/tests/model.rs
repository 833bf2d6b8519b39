//! Every interleaving of small racks: a model checker (stateright) over the shipped state machine.
//!
//! The model has the network (messages in any order, broken connections) and power (a crash before the state is
//! stored, between storing and sending, or at any other time). The machines are the real ones. They and their
//! messages are interned, so that a state of the model is a few numbers.

mod common;

use bootstore::schemes::v0::{ApiOutput, Config, Fsm, Message, State};
use bootstore::trust_quorum::{Dealer, RackSecret};
use bootstore::{Baseboard, RackUuid};
use common::{id, ids, rng};
use netboot_core::{Duration, Instant};
use stateright::{Checker, Model, Property};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;

const RACK: RackUuid = RackUuid([7; 16]);
const SEED: u64 = 11;

/// Values with numbers.
struct Interner<T> {
    values: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T: Clone + Eq + Hash> Interner<T> {
    fn new() -> Self {
        Self {
            values: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    fn number(&mut self, value: T) -> u32 {
        if let Some(number) = self.numbers.get(&value) {
            return *number;
        }
        let number = self.values.len() as u32;
        self.values.push(value.clone());
        self.numbers.insert(value, number);
        number
    }
}

/// What a machine is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Event {
    InitRack,
    InitLearner,
    Load,
    Timeout,
    Connected(u8),
    Disconnected(u8),
    Message { from: u8, message: u32 },
}

/// What a machine does about it.
#[derive(Clone)]
struct Reaction {
    /// The machine before it has stored its state; equal to `after` when there is nothing to store.
    stored: bool,
    after: u32,
    sent: Vec<(u8, u32)>,
    secret: Option<bool>,
}

struct Memory {
    machines: Interner<Fsm>,
    messages: Interner<Message>,
    states: Interner<State>,
    reactions: HashMap<(u32, Event, u8), Reaction>,
}

/// A rack of three members, and a fourth board that may learn.
struct Rack {
    boards: usize,
    members: usize,
    loads: u8,
    crashes: u8,
    breaks: u8,
    timeouts: u8,
    secret: RackSecret,
    memory: Mutex<Memory>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    /// Machine of each board, or none while it has no power.
    machines: Vec<Option<u32>>,
    /// What each board has stored.
    durable: Vec<u32>,
    /// Messages under way, sorted: any of them may come next.
    network: Vec<(u8, u8, u32)>,
    /// Bit `a * 4 + b` (a < b) is set while a and b are connected.
    links: u16,
    boots: Vec<u8>,
    /// Timeouts that each board has seen, which are its clock.
    clock: Vec<u8>,
    loads: u8,
    crashes: u8,
    breaks: u8,
    timeouts: u8,
    loaded: u8,
    fault: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Power {
    Stays,
    FailsBeforeStoring,
    FailsBeforeSending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Action {
    Tell(u8, Event, Power),
    Crash(u8),
    Start(u8),
    Break(u8, u8),
    Connect(u8, u8),
}

fn bit(a: u8, b: u8) -> u16 {
    1 << (a.min(b) * 4 + a.max(b))
}

impl Rack {
    fn new(boards: usize, members: usize, [loads, crashes, breaks, timeouts]: [u8; 4]) -> Self {
        let secret = Dealer::new(RACK, &ids(members), &mut rng(SEED))
            .unwrap()
            .secret();
        Self {
            boards,
            members,
            loads,
            crashes,
            breaks,
            timeouts,
            secret,
            memory: Mutex::new(Memory {
                machines: Interner::new(),
                messages: Interner::new(),
                states: Interner::new(),
                reactions: HashMap::new(),
            }),
        }
    }

    fn clock(timeouts: u8) -> Instant {
        // Longer than every timeout but the one of the initialisation.
        Instant::ZERO + Duration::from_secs(6) * u32::from(timeouts)
    }

    fn boot(&self, board: u8, boots: u8, clock: u8, durable: u32) -> u32 {
        let mut memory = self.memory.lock().unwrap();
        let state = memory.states.values[durable as usize].clone();
        let mut nonce = [0; 8];
        (nonce[0], nonce[1]) = (board, boots);
        let now = Self::clock(clock);
        let fsm = Fsm::restore(now, id(board.into()), Config::default(), nonce, state);
        memory.machines.number(fsm)
    }

    fn react(&self, machine: u32, event: Event, clock: u8) -> Reaction {
        let mut memory = self.memory.lock().unwrap();
        if let Some(known) = memory.reactions.get(&(machine, event, clock)) {
            return known.clone();
        }
        let mut fsm = memory.machines.values[machine as usize].clone();
        let now = Self::clock(clock);
        let mut output = None;
        match event {
            Event::InitRack => {
                output = fsm
                    .init_rack(now, &mut rng(SEED), RACK, &ids(self.members))
                    .ok()
                    .flatten();
            }
            Event::InitLearner => output = fsm.init_learner(now).ok().flatten(),
            Event::Load => output = fsm.load_rack_secret(now).ok(),
            Event::Timeout => {
                let _ = fsm.tick(now);
            }
            Event::Connected(peer) => fsm.on_connected(now, &id(peer.into())).unwrap(),
            Event::Disconnected(peer) => fsm.on_disconnected(&id(peer.into())),
            Event::Message { from, message } => {
                let message = memory.messages.values[message as usize].clone();
                output = fsm.handle(now, &id(from.into()), &message).ok().flatten();
            }
        }
        let stored = fsm.needs_persist();
        if stored {
            assert!(
                fsm.drain_envelopes().next().is_none(),
                "a message leaves before the state is stored"
            );
        }
        fsm.persisted();
        let number = |board: &Baseboard| {
            (0..self.boards)
                .position(|number| id(number) == *board)
                .unwrap() as u8
        };
        let mut sent = Vec::new();
        while let Some(envelope) = fsm.drain_envelopes().next() {
            sent.push((
                number(&envelope.to),
                memory.messages.number(envelope.message),
            ));
        }
        let secret = match output {
            Some(ApiOutput::RackSecret { secret, .. }) => Some(secret == self.secret),
            _ => None,
        };
        let reaction = Reaction {
            stored,
            after: memory.machines.number(fsm),
            sent,
            secret,
        };
        memory
            .reactions
            .insert((machine, event, clock), reaction.clone());
        reaction
    }

    /// A board is told something; it may lose power meanwhile.
    fn tell(&self, world: &mut World, board: u8, event: Event, power: Power) {
        let at = usize::from(board);
        let Some(machine) = world.machines[at] else {
            return;
        };
        let reaction = self.react(machine, event, world.clock[at]);
        if power == Power::FailsBeforeStoring {
            self.crash(world, board);
            return;
        }
        if reaction.stored {
            let mut memory = self.memory.lock().unwrap();
            let state = memory.machines.values[reaction.after as usize]
                .state()
                .clone();
            let before = &memory.states.values[world.durable[at] as usize];
            let stays = match (before, &state) {
                (State::Uninitialized, State::InitialMember(_) | State::Learning)
                | (State::Learning, State::Learned(_)) => true,
                (State::InitialMember(old), State::InitialMember(new)) => {
                    old.pkg == new.pkg
                        && new.distributed_shares.starts_with(&old.distributed_shares)
                }
                _ => false,
            };
            if !stays {
                world.fault = Some("a board leaves its state");
            }
            world.durable[at] = memory.states.number(state);
        }
        if power == Power::FailsBeforeSending {
            self.crash(world, board);
            return;
        }
        world.machines[at] = Some(reaction.after);
        for (to, message) in reaction.sent {
            if world.links & bit(board, to) == 0 {
                world.fault = Some("a message to a board that is not connected");
            }
            world.network.push((board, to, message));
        }
        world.network.sort_unstable();
        match reaction.secret {
            Some(true) => world.loaded |= 1 << board,
            Some(false) => world.fault = Some("a wrong secret"),
            None => {}
        }
    }

    fn crash(&self, world: &mut World, board: u8) {
        world.machines[usize::from(board)] = None;
        for other in 0..self.boards as u8 {
            if world.links & bit(board, other) != 0 && other != board {
                self.unlink(world, board, other);
            }
        }
    }

    fn unlink(&self, world: &mut World, a: u8, b: u8) {
        world.links &= !bit(a, b);
        world
            .network
            .retain(|(from, to, _)| (*from, *to) != (a, b) && (*from, *to) != (b, a));
        self.tell(world, a, Event::Disconnected(b), Power::Stays);
        self.tell(world, b, Event::Disconnected(a), Power::Stays);
    }

    fn link(&self, world: &mut World, a: u8, b: u8) {
        world.links |= bit(a, b);
        self.tell(world, a, Event::Connected(b), Power::Stays);
        self.tell(world, b, Event::Connected(a), Power::Stays);
    }

    fn all_linked(&self, world: &World) -> bool {
        let boards = self.boards as u8;
        (0..boards).all(|a| (a + 1..boards).all(|b| world.links & bit(a, b) != 0))
    }

    fn states<T>(&self, world: &World, look: impl Fn(usize, &State) -> T) -> Vec<T> {
        let memory = self.memory.lock().unwrap();
        let durable = world.durable.iter().enumerate();
        durable
            .map(|(board, state)| look(board, &memory.states.values[*state as usize]))
            .collect()
    }
}

impl Model for Rack {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let fresh = self
            .memory
            .lock()
            .unwrap()
            .states
            .number(State::Uninitialized);
        let mut world = World {
            machines: (0..self.boards)
                .map(|board| Some(self.boot(board as u8, 0, 0, fresh)))
                .collect(),
            durable: vec![fresh; self.boards],
            network: Vec::new(),
            links: 0,
            boots: vec![0; self.boards],
            clock: vec![0; self.boards],
            loads: self.loads,
            crashes: self.crashes,
            breaks: self.breaks,
            timeouts: self.timeouts,
            loaded: 0,
            fault: None,
        };
        for a in 0..self.boards as u8 {
            for b in a + 1..self.boards as u8 {
                self.link(&mut world, a, b);
            }
        }
        self.tell(&mut world, 0, Event::InitRack, Power::Stays);
        for learner in self.members..self.boards {
            self.tell(&mut world, learner as u8, Event::InitLearner, Power::Stays);
        }
        vec![world]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let mut tell = |board, event| {
            actions.push(Action::Tell(board, event, Power::Stays));
            if world.crashes > 0 {
                actions.push(Action::Tell(board, event, Power::FailsBeforeStoring));
                actions.push(Action::Tell(board, event, Power::FailsBeforeSending));
            }
        };
        let mut last = None;
        for (from, to, message) in &world.network {
            if last != Some((from, to, message)) {
                tell(
                    *to,
                    Event::Message {
                        from: *from,
                        message: *message,
                    },
                );
            }
            last = Some((from, to, message));
        }
        for board in 0..self.boards as u8 {
            let at = usize::from(board);
            if world.machines[at].is_none() {
                actions.push(Action::Start(board));
                continue;
            }
            if world.loads > 0 && world.loaded & 1 << board == 0 {
                actions.push(Action::Tell(board, Event::Load, Power::Stays));
            }
            if world.timeouts > 0 {
                actions.push(Action::Tell(board, Event::Timeout, Power::Stays));
            }
            if world.crashes > 0 {
                actions.push(Action::Crash(board));
            }
            for other in board + 1..self.boards as u8 {
                let linked = world.links & bit(board, other) != 0;
                if linked && world.breaks > 0 {
                    actions.push(Action::Break(board, other));
                } else if !linked && world.machines[usize::from(other)].is_some() {
                    actions.push(Action::Connect(board, other));
                }
            }
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Tell(board, event, power) => {
                match event {
                    Event::Load => world.loads -= 1,
                    Event::Timeout => {
                        world.timeouts -= 1;
                        world.clock[usize::from(board)] += 1;
                    }
                    Event::Message { from, message } => {
                        let entry = (from, board, message);
                        let index = world.network.iter().position(|e| *e == entry)?;
                        world.network.remove(index);
                    }
                    _ => {}
                }
                if power != Power::Stays {
                    world.crashes -= 1;
                }
                self.tell(&mut world, board, event, power);
            }
            Action::Crash(board) => {
                world.crashes -= 1;
                self.crash(&mut world, board);
            }
            Action::Start(board) => {
                let at = usize::from(board);
                world.boots[at] += 1;
                let (boots, clock) = (world.boots[at], world.clock[at]);
                world.machines[at] = Some(self.boot(board, boots, clock, world.durable[at]));
            }
            Action::Break(a, b) => {
                world.breaks -= 1;
                self.unlink(&mut world, a, b);
            }
            Action::Connect(a, b) => self.link(&mut world, a, b),
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no fault", |_, world: &World| world.fault.is_none()),
            Property::always("no share twice", |rack: &Rack, world: &World| {
                let xs = rack.states(world, |_, state| {
                    state.common().map(|common| common.share.x())
                });
                let mut xs: Vec<_> = xs.into_iter().flatten().collect();
                let before = xs.len();
                xs.sort_unstable();
                xs.dedup();
                xs.len() == before
            }),
            // A coordinator that restarts has forgotten the packages, so a member without one stays so.
            Property::always(
                "a quiet whole rack is complete",
                |rack: &Rack, world: &World| {
                    let quiet = world.network.is_empty() && rack.all_linked(world);
                    let member = |board: usize, state: &State| {
                        board >= rack.members || matches!(state, State::InitialMember(_))
                    };
                    let pending = |_, state: &State| matches!(state, State::InitialMember(member) if member.init_pending);
                    let members = rack.states(world, member).into_iter().all(|is| is);
                    let pending = rack.states(world, pending).into_iter().any(|is| is);
                    !quiet || (members && !pending) || (!members && world.boots[0] > 0)
                },
            ),
            Property::sometimes(
                "every member recovers the secret",
                |rack: &Rack, world: &World| {
                    let members = (1 << rack.members) - 1;
                    rack.loads < rack.members as u8 || world.loaded & members == members
                },
            ),
            Property::sometimes("the learner learns", |rack: &Rack, world: &World| {
                rack.states(world, |board, state| {
                    board < rack.members || matches!(state, State::Learned(_))
                })
                .into_iter()
                .all(|learned| learned)
            }),
        ]
    }
}

fn check(rack: Rack) {
    let begun = std::time::Instant::now();
    let checker = rack.checker().threads(1).spawn_bfs().join();
    println!(
        "{} boards, {} members: {} states, {} unique, depth {}, {:.1?}",
        checker.model().boards,
        checker.model().members,
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        begun.elapsed()
    );
    checker.assert_properties();
}

#[test]
fn three_members_with_loads() {
    check(Rack::new(3, 3, [3, 0, 0, 0]));
}

#[test]
fn three_members_with_crashes() {
    check(Rack::new(3, 3, [1, 2, 0, 0]));
}

#[test]
fn three_members_with_broken_connections() {
    check(Rack::new(3, 3, [1, 0, 2, 0]));
}

#[test]
fn three_members_and_a_learner() {
    check(Rack::new(4, 3, [0, 0, 0, 0]));
    check(Rack::new(4, 3, [0, 1, 0, 0]));
    check(Rack::new(4, 3, [0, 0, 1, 0]));
    check(Rack::new(4, 3, [0, 0, 0, 1]));
}

#[test]
fn four_members() {
    check(Rack::new(4, 4, [1, 0, 0, 0]));
    check(Rack::new(4, 4, [0, 1, 0, 0]));
    check(Rack::new(4, 4, [0, 0, 1, 0]));
    check(Rack::new(4, 4, [0, 0, 0, 1]));
}
