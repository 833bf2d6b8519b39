//! Whole racks of 3 to 16 nodes under every fault of network, power and storage.
//!
//! Each run is a list of actions that proptest makes up and, when a check fails, shrinks to a short history.
//!
//! ```text
//! cargo test -p bootstore --test cluster                                   a few runs
//! BOOTSTORE_RUNS=10000 cargo test --release -p bootstore --test cluster campaign -- --nocapture
//! ```

#![allow(
    clippy::result_large_err,
    reason = "the library has no allocator to box its lists with"
)]

mod check;
#[path = "../common/mod.rs"]
mod common;
mod disk;
mod finish;
mod world;

use check::Counts;
use disk::Bugs;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::cell::Cell;
use world::{Checked, World};

/// One thing that happens. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Action {
    Tick,
    DeliverOne(u16),
    Drop(u16),
    Duplicate(u16),
    Reorder(u16),
    Disconnect(u16),
    /// Bit *i* is the side of node *i*.
    Partition(u16),
    Heal,
    Crash(u8),
    /// The next write of the node is cut off after so many octets.
    TearNextWrite(u8, u16),
    CrashAfterNextWrite(u8),
    Restart(u8),
    InitRack(u8),
    InitLearner(u8),
    Load(u8),
    SetNetwork(u8, u8),
    Reset(u8),
}

fn action() -> impl Strategy<Value = Action> {
    use Action::*;
    prop_oneof![
        50 => Just(Tick),
        20 => any::<u16>().prop_map(DeliverOne),
        3 => any::<u16>().prop_map(Drop),
        3 => any::<u16>().prop_map(Duplicate),
        3 => any::<u16>().prop_map(Reorder),
        4 => any::<u16>().prop_map(Disconnect),
        2 => any::<u16>().prop_map(Partition),
        2 => Just(Heal),
        2 => any::<u8>().prop_map(Crash),
        2 => (any::<u8>(), any::<u16>()).prop_map(|(n, cut)| TearNextWrite(n, cut)),
        2 => any::<u8>().prop_map(CrashAfterNextWrite),
        6 => any::<u8>().prop_map(Restart),
        2 => any::<u8>().prop_map(InitRack),
        2 => any::<u8>().prop_map(InitLearner),
        5 => any::<u8>().prop_map(Load),
        3 => (any::<u8>(), 0..4u8).prop_map(|(n, step)| SetNetwork(n, step)),
        // Rare: a board that is erased has lost its share for good.
        1 => prop_oneof![9 => Just(Tick), 1 => any::<u8>().prop_map(Reset)],
    ]
}

/// A rack: how many boards are there, how many of them are initial members, and what happens.
#[derive(Clone, Debug)]
struct Plan {
    members: usize,
    learners: usize,
    seed: u64,
    actions: Vec<Action>,
}

fn plan(max_actions: usize) -> impl Strategy<Value = Plan> {
    (
        3..=14usize,
        0..=2usize,
        any::<u64>(),
        vec(action(), 0..=max_actions),
    )
        .prop_map(|(members, learners, seed, actions)| Plan {
            members,
            learners,
            seed,
            actions,
        })
}

fn apply(world: &mut World, members: usize, action: &Action) -> Checked {
    let count = world.boards.len();
    let node = |number: u8| usize::from(number) % count;
    // A direction of a link in which something is under way.
    let busy = |world: &World, number: u16| {
        let busy: Vec<_> = (0..world.links.len())
            .flat_map(|link| [(link, 0), (link, 1)])
            .filter(|(link, end)| !world.links[*link].queues[*end].is_empty())
            .collect();
        (!busy.is_empty()).then(|| busy[usize::from(number) % busy.len()])
    };
    match *action {
        Action::Tick => {
            world.deliver_all()?;
            world.tick()?;
        }
        Action::DeliverOne(number) => {
            if let Some((link, end)) = busy(world, number) {
                world.deliver(link, end)?;
            }
        }
        Action::Drop(number) => {
            if let Some((link, end)) = busy(world, number) {
                world.log(format!("the network loses a message of link {link}"));
                world.links[link].queues[end].pop_front();
            }
        }
        Action::Duplicate(number) => {
            if let Some((link, end)) = busy(world, number) {
                world.log(format!("the network repeats a message of link {link}"));
                let queue = &mut world.links[link].queues[end];
                let copy = queue[0].clone();
                queue.push_back(copy);
            }
        }
        Action::Reorder(number) => {
            if let Some((link, end)) = busy(world, number) {
                world.log(format!("the network reorders messages of link {link}"));
                world.links[link].queues[end].rotate_left(1);
            }
        }
        Action::Disconnect(number) => {
            if !world.links.is_empty() {
                let ends = world.links[usize::from(number) % world.links.len()].ends;
                world.log(format!("connection {} - {} breaks", ends[0].0, ends[1].0));
                world.cut(|link| link.ends == ends);
            }
        }
        Action::Partition(sides) => {
            world.log(format!("the network is cut: {sides:016b}"));
            for index in 0..count {
                world.group[index] = (sides >> index & 1) as u8;
            }
            let group = world.group.clone();
            world.cut(|link| group[link.ends[0].0] != group[link.ends[1].0]);
        }
        Action::Heal => world.group.fill(0),
        Action::Crash(number) => world.crash(node(number)),
        Action::TearNextWrite(number, cut) => {
            world.ghost.count.torn += 1;
            let board = &mut world.boards[node(number)];
            board.state_disk.tear_after = Some(cut.into());
            board.network_disk.tear_after = Some(cut.into());
        }
        Action::CrashAfterNextWrite(number) => {
            world.boards[node(number)].crash_after_write = true;
        }
        Action::Restart(number) => {
            let index = node(number);
            world.boards[index].state_disk.tear_after = None;
            world.boards[index].network_disk.tear_after = None;
            world.start(index)?;
        }
        Action::InitRack(number) => world.init_rack(usize::from(number) % members, members)?,
        Action::InitLearner(number) => {
            // Boards beyond the members learn, and boards that were reset.
            let index = node(number);
            if index >= members || world.ghost.was_reset(index) {
                world.init_learner(index)?;
            }
        }
        Action::Load(number) => {
            world.load(node(number))?;
        }
        Action::SetNetwork(number, step) => world.set_network(node(number), step.into())?,
        Action::Reset(number) => {
            world.ghost.note_reset(node(number));
            world.reset(node(number))?;
        }
    }
    Ok(())
}

/// Runs a plan. The error has the check that failed, and the history.
fn run(plan: &Plan, bugs: Bugs) -> Result<Counts, String> {
    let mut world = World::new(plan.members + plan.learners, plan.seed, bugs);
    let mut result = Ok(());
    // A rack is initialised in most runs; what happens meanwhile is up to the actions.
    for action in &plan.actions {
        result = apply(&mut world, plan.members, action);
        if result.is_err() {
            break;
        }
    }
    let result = result.and_then(|()| finish::finish(&mut world));
    match result {
        Ok(()) => Ok(world.ghost.count),
        Err(error) => Err(format!("{error}\n{}", world.history.join("\n"))),
    }
}

fn runner(cases: u32) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let seed = std::env::var("BOOTSTORE_SEED")
        .ok()
        .and_then(|seed| seed.parse::<u8>().ok())
        .unwrap_or(7);
    TestRunner::new_with_rng(
        config,
        TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]),
    )
}

fn add(a: Counts, b: Counts) -> Counts {
    Counts {
        messages: a.messages + b.messages,
        secrets: a.secrets + b.secrets,
        learned: a.learned + b.learned,
        racks: a.racks + b.racks,
        restarts: a.restarts + b.restarts,
        torn: a.torn + b.torn,
    }
}

/// Every invariant holds in every run.
#[test]
fn campaign() {
    let runs = match std::env::var("BOOTSTORE_RUNS") {
        Ok(runs) => runs.parse().expect("BOOTSTORE_RUNS is a number"),
        Err(_) => 24,
    };
    let total = Cell::new(Counts::default());
    let done = Cell::new(0u32);
    let begun = std::time::Instant::now();
    let result = runner(runs).run(&plan(1000), |plan| match run(&plan, Bugs::default()) {
        Ok(counts) => {
            total.set(add(total.get(), counts));
            done.set(done.get() + 1);
            Ok(())
        }
        Err(error) => Err(TestCaseError::fail(error)),
    });
    if let Err(TestError::Fail(reason, plan)) = &result {
        panic!("{reason}\n{plan:#?}");
    }
    result.expect("the runs went through");
    let total = total.get();
    println!("{} runs in {:.0?}: {total:?}", done.get(), begun.elapsed());
    // A campaign in which nothing happens proves nothing.
    assert!(
        total.secrets > 20 && total.racks > 10 && total.torn > 20,
        "{total:?}"
    );
}

/// Runs until a check fails, and returns the shrunk plan with the error.
fn find(bugs: Bugs) -> (Plan, String) {
    let result = runner(300).run(&plan(300), |plan| {
        run(&plan, bugs).map(|_| ()).map_err(TestCaseError::fail)
    });
    match result {
        Err(TestError::Fail(reason, plan)) => (plan, reason.to_string()),
        other => panic!("the bug was not found: {other:?}"),
    }
}

#[test]
fn sending_before_storing_is_found_with_a_short_history() {
    let (plan, error) = find(Bugs {
        store_late: true,
        ..Bugs::default()
    });
    assert!(error.contains("before its state is stored"), "{error}");
    assert!(plan.actions.len() <= 4, "{plan:#?}\n{error}");
}

#[test]
fn a_ledger_with_one_slot_is_found_with_a_short_history() {
    let (plan, error) = find(Bugs {
        one_slot: true,
        ..Bugs::default()
    });
    assert!(
        error.contains("after a restart")
            || error.contains("cannot start")
            || error.contains("generation"),
        "{error}"
    );
    assert!(plan.actions.len() <= 12, "{plan:#?}\n{error}");
}
