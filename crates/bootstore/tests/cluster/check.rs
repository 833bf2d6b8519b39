//! What must hold at every moment, whatever the network and the power do.

use crate::world::{Board, Checked, message};
use bootstore::schemes::v0::{ApiOutput, Message, MsgError, Request, Response, State};
use bootstore::trust_quorum::{RackSecret, TrustQuorumError};
use bootstore::wire::Msg;
use bootstore::{Baseboard, NetworkConfig, RackUuid};
use std::collections::BTreeMap;

/// What the checks know about the past.
#[derive(Default)]
pub struct Ghost {
    /// Threshold and secret of each rack.
    racks: BTreeMap<RackUuid, (usize, RackSecret)>,
    /// Who may hold share x of a rack: the first board that was seen with it.
    holders: BTreeMap<(RackUuid, u8), Baseboard>,
    /// The share that a member gave to a learner.
    given: BTreeMap<(RackUuid, Baseboard, Baseboard), u8>,
    /// Newest configuration that a board has had since its last reset.
    generations: BTreeMap<Baseboard, (u64, Vec<u8>)>,
    /// Configurations that were sent, and how many may have been.
    network_sent: u64,
    network_allowed: u64,
    reset: Vec<usize>,
    pub count: Counts,
}

/// What happened in a run, for the report of a campaign.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub messages: u64,
    pub secrets: u64,
    pub learned: u64,
    pub racks: u64,
    pub restarts: u64,
    pub torn: u64,
}

impl Ghost {
    pub fn dealt(&mut self, rack: RackUuid, members: usize, secret: RackSecret) {
        self.racks.insert(rack, (members / 2 + 1, secret));
        self.count.racks += 1;
    }

    pub fn threshold(&self, rack: RackUuid) -> usize {
        self.racks[&rack].0
    }

    pub fn note_reset(&mut self, board: usize) {
        self.reset.push(board);
    }

    pub fn was_reset(&self, board: usize) -> bool {
        self.reset.contains(&board)
    }

    pub fn linked(&mut self) {
        // Each side sends its configuration once.
        self.network_allowed += 2;
    }

    pub fn reset(&mut self, id: &Baseboard) {
        self.generations.remove(id);
        // The board has lost its share; it may get it again, and nobody else may.
    }

    /// A node starts: what it reads is what was stored last.
    pub fn started(&mut self, id: &Baseboard, before: &State, found: &State) -> Checked {
        self.count.restarts += 1;
        if before != found {
            return Err(format!(
                "{id} stored {:?} and finds {:?} after a restart",
                before.name(),
                found.name()
            ));
        }
        Ok(())
    }

    /// A state reaches the disk.
    pub fn stored(&mut self, id: &Baseboard, before: &State, after: &State) -> Checked {
        let allowed = match (before, after) {
            (State::Uninitialized, State::InitialMember(_) | State::Learning)
            | (State::Learning, State::Learned(_)) => true,
            (State::InitialMember(old), State::InitialMember(new)) => {
                // Shares that were given away stay so.
                old.pkg == new.pkg
                    && new.distributed_shares.starts_with(&old.distributed_shares)
                    && (old.init_pending || !new.init_pending)
            }
            _ => false,
        };
        if !allowed {
            return Err(format!(
                "{id} goes from {:?} to {:?}",
                before.name(),
                after.name()
            ));
        }
        if let State::Learned(_) = after {
            self.count.learned += 1;
        }
        match after.common() {
            Some(common) => self.holds(common.rack_uuid, common.share.x(), id),
            None => Ok(()),
        }
    }

    /// No two boards ever hold the same share.
    fn holds(&mut self, rack: RackUuid, x: u8, id: &Baseboard) -> Checked {
        let holder = self.holders.entry((rack, x)).or_insert_with(|| id.clone());
        if holder == id {
            Ok(())
        } else {
            Err(format!("{holder} and {id} both hold share {x} of {rack}"))
        }
    }

    /// A configuration reaches the disk, or is read from it.
    pub fn network(&mut self, id: &Baseboard, config: Option<&NetworkConfig>) -> Checked {
        let found = config.map_or((0, Vec::new()), |c| (c.generation, c.blob.to_vec()));
        let known = self.generations.entry(id.clone()).or_default();
        if found < *known {
            return Err(format!(
                "{id} goes from generation {} to {}, or to lesser octets",
                known.0, found.0
            ));
        }
        if found > *known {
            // The board may tell each of its peers once.
            self.network_allowed += 31;
        }
        *known = found;
        Ok(())
    }

    /// A node sends something.
    pub fn sent(&mut self, board: &Board, octets: &[u8]) -> Checked {
        self.count.messages += 1;
        let node = board.node.as_ref().ok_or("a node that is down sends")?;
        match message(octets) {
            Some(Msg::Fsm(message)) => {
                if board.durable != *node.fsm().state() {
                    return Err(format!(
                        "{} sends a message before its state is stored",
                        board.id
                    ));
                }
                self.sent_message(board, &message)
            }
            Some(Msg::NetworkConfig(config)) => {
                self.network_sent += 1;
                if self.network_sent > self.network_allowed {
                    return Err("configurations are sent without an end".into());
                }
                if board.durable_network.as_ref() != Some(&config) {
                    return Err(format!(
                        "{} sends a configuration before it is stored",
                        board.id
                    ));
                }
                Ok(())
            }
            Some(Msg::Ping) | None => Ok(()),
        }
    }

    fn sent_message(&mut self, board: &Board, message: &Message) -> Checked {
        match message {
            Message::Response {
                response: Response::Share(share),
                ..
            } => match board.durable.common() {
                Some(common) if common.share == *share => Ok(()),
                _ => Err(format!("{} sends a share that it does not hold", board.id)),
            },
            Message::Response {
                response: Response::LearnPkg(pkg),
                ..
            } => {
                let (State::InitialMember(member), x) = (&board.durable, pkg.common.share.x())
                else {
                    return Err(format!("{} gives a share and is no member", board.id));
                };
                let rack = pkg.common.rack_uuid;
                // Whom the share is for: the index among those of the member tells.
                let per = 255 / member.pkg.initial_membership.len();
                let index = (usize::from(x) - 1) % per;
                let learner = index
                    .checked_sub(1)
                    .and_then(|index| member.distributed_shares.get(index));
                let Some((learner, _)) = learner else {
                    return Err(format!(
                        "{} gives share {x}, which it has not set aside",
                        board.id
                    ));
                };
                let key = (rack, board.id.clone(), learner.clone());
                let given = *self.given.entry(key).or_insert(x);
                if given != x {
                    return Err(format!(
                        "{} gives {learner} share {x} after share {given}",
                        board.id
                    ));
                }
                Ok(())
            }
            Message::Response {
                response: Response::InitAck,
                ..
            } => match &board.durable {
                State::InitialMember(_) => Ok(()),
                _ => Err(format!("{} acknowledges and is no member", board.id)),
            },
            Message::Request {
                request: Request::Init(pkg),
                ..
            } => match &board.durable {
                State::InitialMember(own)
                    if own.init_pending && own.pkg.common.rack_uuid == pkg.common.rack_uuid =>
                {
                    Ok(())
                }
                _ => Err(format!("{} deals packages and is no coordinator", board.id)),
            },
            _ => Ok(()),
        }
    }

    /// Every secret that comes out is the rack's.
    pub fn said(&mut self, board: &Board, output: &ApiOutput) -> Checked {
        if output.must_persist() {
            let node = board.node.as_ref().ok_or("a node that is down speaks")?;
            if board.durable != *node.fsm().state() {
                return Err(format!(
                    "{} tells its user before its state is stored",
                    board.id
                ));
            }
        }
        if let ApiOutput::RackSecret { secret, .. } = output {
            self.count.secrets += 1;
            let rack = board.durable.rack_uuid().ok_or("a secret without a rack")?;
            if self.racks[&rack].1 != *secret {
                return Err(format!("{} recovers a wrong secret of {rack}", board.id));
            }
        }
        Ok(())
    }

    /// Among honest nodes no share and no package is ever wrong.
    pub fn refused(&mut self, board: usize, error: &MsgError) -> Checked {
        match error {
            // A message that came twice.
            MsgError::TrustQuorum(TrustQuorumError::DuplicateX { .. })
            | MsgError::NotConnected
            | MsgError::UnexpectedResponse
            | MsgError::Remote(_)
            | MsgError::TooManyRequests => Ok(()),
            MsgError::TrustQuorum(_) | MsgError::ShareOfAnother { .. } => {
                Err(format!("node {board} refuses an honest message: {error}"))
            }
        }
    }
}
