//! What the daemon does with requests of the control socket.

use crate::control::{Answer, Blob, Peer, Status, Usage};
use crate::early_json::{EarlyJson, hex, unhex};
use anyhow::Result;
use bootstore::node::{Direction, Node};
use bootstore::schemes::v0::State;
use bootstore::seal::{SEAL_OVERHEAD, Sealer};
use bootstore::trust_quorum::RackSecret;
use bootstore::{NetworkConfig, RackUuid};
use rand_core::OsRng;
use zeroize::Zeroizing;

pub(crate) fn status(node: &Node, refused_connections: u64) -> Status {
    let fsm = node.fsm();
    let (members, learners) = match fsm.state() {
        State::InitialMember(member) => (
            member
                .pkg
                .initial_membership
                .iter()
                .map(ToString::to_string)
                .collect(),
            member
                .distributed_shares
                .iter()
                .map(|(learner, _)| learner.to_string())
                .collect(),
        ),
        _ => (Vec::new(), Vec::new()),
    };
    Status {
        board: fsm.id().to_string(),
        state: fsm.state().name().to_string(),
        scheme: node.scheme().to_string(),
        address: node.identity().addr.to_string(),
        rack_uuid: fsm.state().rack_uuid().map(|uuid| uuid.to_string()),
        threshold: fsm.state().common().map(|common| common.threshold),
        members,
        init: fsm.rack_init_progress(),
        failed: fsm.failure().map(|error| error.to_string()),
        learners,
        peers: node
            .peers()
            .map(|(board, address, direction)| Peer {
                board: board.to_string(),
                address: address.to_string(),
                dialed: direction == Direction::Dialed,
            })
            .collect(),
        network_generation: node.network_config().map_or(0, |config| config.generation),
        refused_connections,
        pid: std::process::id(),
    }
}

pub(crate) fn config_get(node: &Node) -> Answer {
    let Some(config) = node.network_config() else {
        return Answer::error("this node has no network configuration yet");
    };
    let blob = match EarlyJson::decode(&config.blob) {
        Ok((_, early)) => Blob::Early(early),
        Err(_) => Blob::Raw(hex(&config.blob)),
    };
    Answer::Config {
        generation: config.generation,
        config: blob,
    }
}

/// The configuration to set.
pub(crate) fn new_config(
    node: &Node,
    blob: &Blob,
    generation: Option<u64>,
) -> Result<NetworkConfig> {
    let current = node.network_config().map_or(0, |config| config.generation);
    let generation = generation.unwrap_or(current.saturating_add(1));
    let octets = match blob {
        Blob::Early(early) => early.encode(generation.max(1))?,
        Blob::Raw(text) => unhex(text)?,
    };
    NetworkConfig::new(generation, &octets)
        .ok_or_else(|| anyhow::anyhow!("the configuration has more than 1,280 octets"))
}

/// Uses a secret once.
pub(crate) fn use_secret(
    secret: &RackSecret,
    rack: RackUuid,
    usage: &Usage,
    milliseconds: u64,
) -> Answer {
    let sealer = Sealer::new(secret, rack);
    let octets = match usage {
        Usage::Check => Ok(None),
        Usage::Key { label } => sealer.key(label).map(|key| Some(hex(&*key))),
        Usage::Seal { label, octets } => {
            let Ok(octets) = unhex(octets).map(Zeroizing::new) else {
                return Answer::error("the octets to seal are no hexadecimal");
            };
            let mut sealed = vec![0; octets.len() + SEAL_OVERHEAD];
            sealer
                .seal(&mut OsRng, label, &octets, &mut sealed)
                .map(|len| Some(hex(sealed.get(..len).unwrap_or(&[]))))
        }
        Usage::Open { label, octets } => {
            let Ok(mut octets) = unhex(octets).map(Zeroizing::new) else {
                return Answer::error("the sealed secret is no hexadecimal");
            };
            sealer
                .open(label, &mut octets)
                .map(|secret| Some(hex(secret)))
        }
    };
    match octets {
        Ok(octets) => Answer::Unlocked {
            rack_uuid: rack.to_string(),
            check: hex(&secret.check_value(&rack)),
            milliseconds,
            octets,
        },
        Err(error) => Answer::coded(&error),
    }
}
