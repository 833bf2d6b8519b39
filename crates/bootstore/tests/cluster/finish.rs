//! The end of a run: everything is repaired, and then everything has to work.

use crate::world::{Checked, Said, World, message};
use bootstore::RackUuid;
use bootstore::schemes::v0::{ApiOutput, State};
use bootstore::wire::Msg;
use std::collections::BTreeMap;

/// Repairs network and power, waits until nothing moves, and checks that loads succeed exactly where they can.
pub fn finish(world: &mut World) -> Checked {
    world.log("everything is repaired");
    world.group.fill(0);
    for index in 0..world.boards.len() {
        world.boards[index].state_disk.tear_after = None;
        world.boards[index].network_disk.tear_after = None;
        world.boards[index].crash_after_write = false;
        world.start(index)?;
    }
    // Messages that were lost are repeated on new connections.
    world.cut(|_| true);
    settle(world)?;
    // All agree on one configuration, octet for octet.
    let newest = world
        .boards
        .iter()
        .filter_map(|board| board.durable_network.as_ref())
        .max_by_key(|config| (config.generation, config.blob.clone()));
    for board in &world.boards {
        if board.durable_network.as_ref() != newest {
            return Err(format!(
                "{} does not have the newest configuration",
                board.id
            ));
        }
    }
    loads(world)?;
    // One node after the other goes; loads succeed as long as enough shares are there.
    for index in 0..world.boards.len() {
        world.crash(index);
        settle(world)?;
        loads(world)?;
    }
    for board in 0..world.boards.len() {
        world.start(board)?;
    }
    Ok(())
}

/// Lets 20 s pass, and checks that only pings move in the end.
fn settle(world: &mut World) -> Checked {
    for _ in 0..80 {
        world.tick()?;
        world.deliver_all()?;
    }
    world.deliver_all()?;
    world.deliver_all()?;
    for link in &world.links {
        for octets in link.queues.iter().flatten() {
            match message(octets) {
                Some(Msg::Ping) | None => {}
                // A learner without a giver asks every 5 s, and gets a refusal.
                Some(Msg::Fsm(_)) if someone_learns(world) => {}
                Some(other) => return Err(format!("{other:?} still moves")),
            }
        }
    }
    // Every pair that runs is connected.
    let running = (0..world.boards.len())
        .filter(|b| world.is_running(*b))
        .count();
    if world.links.len() != running * running.saturating_sub(1) / 2 {
        return Err(format!(
            "{} connections between {running} nodes",
            world.links.len()
        ));
    }
    Ok(())
}

fn someone_learns(world: &World) -> bool {
    world
        .boards
        .iter()
        .any(|board| board.durable == State::Learning)
}

/// Loads on every running node, and checks the result against the number of shares that are reachable.
fn loads(world: &mut World) -> Checked {
    let mut holders: BTreeMap<RackUuid, usize> = BTreeMap::new();
    let running: Vec<_> = (0..world.boards.len())
        .filter(|index| world.is_running(*index))
        .collect();
    for index in &running {
        if let Some(rack) = world.boards[*index].durable.rack_uuid() {
            *holders.entry(rack).or_default() += 1;
        }
        world.boards[*index].said.clear();
    }
    let mut started = Vec::new();
    for index in &running {
        let failed = world.boards[*index]
            .node
            .as_ref()
            .is_some_and(|node| node.fsm().failure().is_some());
        let rack = world.boards[*index].durable.rack_uuid();
        let request = world.load(*index)?;
        match (rack, request) {
            (Some(rack), Some(request)) if !failed => started.push((*index, rack, request)),
            (Some(_), None) if failed => {}
            (None, None) => {}
            _ => {
                return Err(format!(
                    "node {index} answers a load wrongly: {rack:?} {request:?}"
                ));
            }
        }
    }
    for _ in 0..28 {
        world.deliver_all()?;
        world.tick()?;
    }
    for (index, rack, request) in started {
        let loaded = world.boards[index].said.iter().any(
            |said| matches!(said, Said::Output(ApiOutput::RackSecret { request_id, .. }) if *request_id == request),
        );
        let expired = world.boards[index]
            .said
            .iter()
            .any(|said| matches!(said, Said::Expired(id) if *id == request));
        let possible = holders[&rack] >= world.ghost.threshold(rack);
        if loaded != possible || expired == possible {
            return Err(format!(
                "node {index}: {} shares are reachable, {} are needed, loaded {loaded}, expired {expired}",
                holders[&rack],
                world.ghost.threshold(rack)
            ));
        }
    }
    Ok(())
}
