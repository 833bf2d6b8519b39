//! What becomes of an image that is begun anew although the device has used octets of it.
//!
//! A naive agent shows that the model catches it: the device takes the second transfer as the continuation of the first, and
//! activates a mixture. The shipped agent is then driven through any sequence of operations, and never does that.

mod common;

use common::{CORES, World, expecting, image};
use netboot_core::{AbortReason, Duration, ImageSink};
use ocp_recovery::{AgentConfig, AgentEvent, AgentState, RecoveryAgent, RegisterBus};
use proptest::prelude::*;
use recovery_model::{
    CoreVersion, DeviceConfig, DeviceOutcome, DevicePhase, ModelBus, Personality, padded_sha256,
};

/// An agent that keeps every rule of the registers, and begins an image anew whenever it likes.
struct Naive<'a> {
    world: &'a World,
    bus: ModelBus<'a>,
}

impl Naive<'_> {
    fn wait(&mut self, offset: u32, mask: u32, value: u32) -> bool {
        for _ in 0..10_000 {
            if self.bus.read32(offset) & mask == value {
                return true;
            }
            self.world.idle();
        }
        false
    }

    /// Waits for the request, empties the FIFO, and writes the first `after` octets of an image of `image.len()`.
    fn deliver(&mut self, image: &[u8], after: usize) {
        assert!(self.wait(0x130, 0xFF, 3) && self.wait(0x140, 0x0F, 1));
        self.bus.write32(0x30C, 1);
        self.bus.write32(0x20C, 8);
        self.bus.write32(0x310, 0x0001_0000);
        self.bus.write32(0x14C, (image.len() / 4) as u32);
        for burst in image[..after].chunks(256) {
            assert!(self.wait(0x150, 1, 1));
            for word in burst.chunks_exact(4) {
                let word = u32::from_le_bytes(word.try_into().unwrap());
                self.bus.write32(0x27C, word);
            }
        }
    }

    /// Says that the image is complete, and activates it when the device holds one.
    fn activate(&mut self) {
        self.bus.write32(0x30C, 3);
        assert!(self.wait(0x130, 0xFF, 4));
        self.bus.write32(0x310, 0x0F00);
        self.world.pass(Duration::from_millis(10));
    }
}

#[test]
fn a_naive_agent_gets_a_mixture_activated() {
    let old = image(1, 512);
    let new = image(2, 512);
    for (after, mixed) in [(0, false), (252, false), (256, true), (508, true)] {
        let mut world = World::new(DeviceConfig {
            accept_any: true,
            count: 1,
            // So slow that the agent sees the FIFO empty before the device shows that it has all words.
            step: Duration::from_millis(1),
            ..expecting(
                CoreVersion::V1p5,
                Personality::Rom2_1_2,
                std::slice::from_ref(&new),
            )
        });
        world.poll = Some(Duration::from_micros(1));
        let bus = world.bus();
        let mut naive = Naive { world: &world, bus };
        naive.deliver(&old, after);
        // The device goes on showing its request.
        world.pass(Duration::from_secs(1));
        assert_eq!(naive.bus.read32(0x130), 0x0012_0003);
        assert_eq!(naive.bus.read32(0x140), 0x01);
        naive.deliver(&new, new.len());
        naive.activate();
        let model = world.model.borrow();
        assert_eq!(model.stall(), None);
        let record = model.images()[0];
        assert!(record.activated);
        let held = match mixed {
            false => new.clone(),
            true => [&old[..256], &new[..256]].concat(),
        };
        assert_eq!(
            record.sha256,
            Some(padded_sha256(&held)),
            "broken at {after}"
        );
    }
}

#[test]
fn a_device_that_would_verify_refuses_the_mixture() {
    let old = image(1, 512);
    let new = image(2, 512);
    let world = World::new(DeviceConfig {
        step: Duration::from_millis(1),
        ..expecting(
            CoreVersion::V1p5,
            Personality::Rom2_1_2,
            std::slice::from_ref(&new),
        )
    });
    let bus = world.bus();
    let mut naive = Naive { world: &world, bus };
    naive.deliver(&old, 256);
    naive.deliver(&new, 512);
    naive.activate();
    let model = world.model.borrow();
    assert!(matches!(model.outcome(), DeviceOutcome::Failed { .. }));
    assert_eq!(model.tally().refusals, 1);
}

/// One thing that a boot application, or the world around it, does.
#[derive(Clone, Debug)]
enum Operation {
    Poll,
    /// Begins an image of so many octets.
    Begin(usize),
    /// Writes up to so many octets, if the window lets it.
    Write(usize),
    /// Writes as much as fits, over and over, until the image is whole or so many bursts are through.
    Stream(usize),
    End,
    Ready,
    /// Activates the image if the agent lets it.
    Activate,
    Withdraw,
    Abort,
    /// Lets so many microseconds pass.
    Pause(u64),
    /// Resets device and core, and tells the agent.
    Reset,
    /// Resets device and core, and tells nobody.
    ResetUnseen,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let size = prop_oneof![1usize..300, 250usize..260, 500usize..520, 1usize..3_000];
    prop_oneof![
        6 => Just(Poll),
        6 => size.prop_map(Begin),
        4 => (1usize..300).prop_map(Write),
        6 => (1usize..14).prop_map(Stream),
        4 => Just(End),
        5 => Just(Ready),
        4 => Just(Activate),
        2 => Just(Withdraw),
        2 => Just(Abort),
        5 => (0u32..24).prop_map(|bits| Pause(1 << bits)),
        1 => Just(Reset),
    ]
}

/// The octets of the image that is open, and what the device may activate.
#[derive(Default)]
struct Log {
    /// Octets written since the image was begun.
    written: Vec<u8>,
    /// By index: the image that was activated.
    activated: [Option<Vec<u8>>; 4],
    /// Octets made so far, so that no two are alike by chance.
    seed: u32,
    begun: u32,
}

impl Log {
    fn octets(&mut self, len: usize) -> Vec<u8> {
        self.seed += 1;
        let octets = image(self.seed, len);
        self.written.extend(&octets);
        octets
    }
}

fn perform(
    world: &World,
    agent: &mut RecoveryAgent<ModelBus<'_>>,
    log: &mut Log,
    operation: &Operation,
) {
    let now = world.now();
    let index = usize::from(agent.state().index().unwrap_or(0));
    match operation {
        Operation::Poll => {
            let _ = agent.poll(now);
        }
        Operation::Begin(size) => {
            if agent.begin(now, *size as u64).is_ok() {
                log.written.clear();
                log.begun += 1;
            }
        }
        Operation::Write(most) => {
            if let Ok(window) = agent.window(now) {
                let octets = log.octets(window.min(*most));
                agent.write(world.now(), &octets).unwrap();
            }
        }
        Operation::Stream(bursts) => {
            for _ in 0..*bursts {
                if let Ok(window) = agent.window(world.now()) {
                    let octets = log.octets(window);
                    agent.write(world.now(), &octets).unwrap();
                }
                world.idle();
            }
        }
        Operation::End => {
            let _ = agent.end(now);
        }
        Operation::Ready => {
            for _ in 0..20 {
                if !matches!(agent.poll_ready(world.now()), Ok(false)) {
                    break;
                }
                world.idle();
            }
        }
        Operation::Activate => {
            if agent.activate(now).is_ok() {
                log.activated[index] = Some(log.written.clone());
            }
        }
        Operation::Withdraw => {
            let before = agent.state();
            if !agent.withdraw(now) {
                assert_eq!(agent.state(), before);
            }
        }
        Operation::Abort => agent.abort(now, AbortReason::TransferFailed),
        Operation::Pause(micros) => world.pass(Duration::from_micros(*micros)),
        Operation::Reset => {
            world.reset_device(agent);
            log.activated = Default::default();
        }
        Operation::ResetUnseen => world.model.borrow_mut().reset(),
    }
}

/// The device activated exactly what was written for that image since it was last begun on a fresh device.
fn assert_no_mixture(world: &World, log: &Log) {
    let model = world.model.borrow();
    assert_eq!(model.tally().stalls, 0);
    assert_eq!(model.tally().dropped_words, 0);
    for (record, given) in model.images().iter().zip(&log.activated) {
        if record.activated {
            let given = given.as_ref().expect("activated behind our back");
            assert_eq!(record.octets as usize, given.len().next_multiple_of(4));
            assert_eq!(record.sha256, Some(padded_sha256(given)), "a mixture");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_500) })]

    /// For any sequence of operations, the device activates nothing but the octets that were written for that image since
    /// its last reset.
    #[test]
    fn the_shipped_agent_never_makes_a_mixture(
        operations in prop::collection::vec(operation(), 1..120),
        new_core: bool,
        personality in 0usize..3,
        rate in prop_oneof![Just(0u32), 50_000u32..20_000_000],
        poll in prop_oneof![Just(1u64), 1u64..1_000, Just(50_000)],
        access in prop_oneof![Just(0u64), 1u64..1_000],
        step in prop_oneof![Just(10u64), Just(1_000), Just(30_000)],
        unseen in prop::option::of(0usize..120),
    ) {
        let mut world = World::new(DeviceConfig {
            accept_any: true,
            consume_rate: rate,
            step: Duration::from_micros(step),
            ..expecting(CORES[usize::from(new_core)], common::PERSONALITIES[personality], &[vec![], vec![], vec![]])
        });
        world.poll = Some(Duration::from_micros(poll));
        world.access = Duration::from_micros(access);
        let mut agent = world.agent(AgentConfig::default());
        let mut log = Log::default();
        world.pass(Duration::from_millis(200));
        for (at, operation) in operations.iter().enumerate() {
            if unseen == Some(at) {
                // A pause, so that the agent looks again before it writes.
                perform(&world, &mut agent, &mut log, &Operation::ResetUnseen);
                log.activated = Default::default();
                world.pass(Duration::from_secs(1));
            }
            perform(&world, &mut agent, &mut log, operation);
            assert_no_mixture(&world, &log);
        }
        // The device ends its work on what it was told to activate.
        world.pass(Duration::from_secs(1));
        assert_no_mixture(&world, &log);
    }
}

/// The property above is worth something only if its sequences get images activated, break used images off, and begin anew.
#[test]
fn the_sequences_reach_the_places_that_matter() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (mut activated, mut stuck, mut withdrawn, mut again) = (0, 0, 0, 0);
    for _ in 0..300 {
        let operations = prop::collection::vec(operation(), 100..120)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let mut world = World::new(DeviceConfig {
            accept_any: true,
            ..DeviceConfig::default()
        });
        world.poll = Some(Duration::from_micros(50));
        let mut agent = world.agent(AgentConfig::default());
        let mut log = Log::default();
        world.pass(Duration::from_millis(200));
        for operation in &operations {
            let before = (agent.state(), log.begun);
            perform(&world, &mut agent, &mut log, operation);
            if let (AgentState::Receiving { .. }, AgentState::Requested { .. }) =
                (before.0, agent.state())
            {
                withdrawn += 1;
            }
            if agent.state() != before.0 && matches!(agent.state(), AgentState::Stuck { .. }) {
                stuck += 1;
                let phase = world.model.borrow().progress().phase;
                assert_ne!(phase, DevicePhase::Verifying);
            }
            again += u32::from(log.begun > 1 && log.begun != before.1);
            if agent.poll(world.now()) == Ok(AgentEvent::Complete) {
                assert!(log.activated.iter().any(Option::is_some));
            }
        }
        activated += world.model.borrow().tally().activations;
    }
    let counts = [activated, stuck, withdrawn, again];
    assert!(counts.iter().all(|count| *count >= 50), "{counts:?}");
}
