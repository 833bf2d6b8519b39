//! What the state machine does with messages of peers.

use super::collection::Purpose;
use super::error::MsgError;
use super::fsm::Fsm;
use super::message::{RemoteError, Request, Response};
use super::outbox::Intent;
use super::output::ApiOutput;
use super::peers::Slot;
use super::state::{InitialMember, State};
use crate::trust_quorum::{LearnedSharePkg, RackSecret, Share, SharePkg, holder_of};
use crate::{Baseboard, RackUuid, RequestId};
use netboot_core::Instant;

type Handled = Result<Option<ApiOutput>, MsgError>;

impl Fsm {
    pub(super) fn handle_request(
        &mut self,
        now: Instant,
        slot: Slot,
        from: &Baseboard,
        id: RequestId,
        request: &Request,
    ) -> Handled {
        match request {
            Request::Init(pkg) => self.handle_init(slot, from, id, pkg),
            Request::GetShare { rack_uuid } => {
                self.handle_get_share(slot, id, *rack_uuid);
                Ok(None)
            }
            Request::Learn => self.handle_learn(now, slot, from, id),
        }
    }

    fn handle_init(
        &mut self,
        slot: Slot,
        from: &Baseboard,
        id: RequestId,
        pkg: &SharePkg,
    ) -> Handled {
        match &self.state {
            State::Uninitialized => {
                pkg.check(&self.id, from)?;
                self.state = State::InitialMember(InitialMember::new(pkg.clone(), false));
                self.unstored = true;
                self.outbox.push(slot, Intent::InitAck(id));
                Ok(Some(ApiOutput::PeerInitialized {
                    rack_uuid: pkg.common.rack_uuid,
                }))
            }
            State::InitialMember(member) if member.pkg == *pkg => {
                self.outbox.push(slot, Intent::InitAck(id));
                Ok(None)
            }
            State::InitialMember(_) | State::Learned(_) => {
                self.refuse(slot, id, RemoteError::AlreadyInitialized);
                Ok(None)
            }
            State::Learning => {
                self.refuse(slot, id, RemoteError::StillLearning);
                Ok(None)
            }
        }
    }

    fn handle_get_share(&mut self, slot: Slot, id: RequestId, rack_uuid: RackUuid) {
        let answer = match &self.state {
            State::Uninitialized => Err(RemoteError::NotInitialized),
            State::Learning => Err(RemoteError::StillLearning),
            State::InitialMember(InitialMember {
                pkg: SharePkg { common, .. },
                ..
            })
            | State::Learned(LearnedSharePkg { common }) => {
                if common.rack_uuid == rack_uuid {
                    Ok(())
                } else {
                    Err(RemoteError::RackUuidMismatch {
                        expected: common.rack_uuid,
                        got: rack_uuid,
                    })
                }
            }
        };
        match answer {
            Ok(()) => self.outbox.push(slot, Intent::Share(id)),
            Err(error) => self.refuse(slot, id, error),
        }
    }

    fn handle_learn(
        &mut self,
        now: Instant,
        slot: Slot,
        from: &Baseboard,
        id: RequestId,
    ) -> Handled {
        let refusal = match &self.state {
            State::Uninitialized => Some(RemoteError::NotInitialized),
            State::Learning => Some(RemoteError::StillLearning),
            State::Learned(_) => Some(RemoteError::CannotSpareAShare),
            State::InitialMember(member) => match member.index_for(from) {
                Some(_) => None,
                None => Some(RemoteError::CannotSpareAShare),
            },
        };
        if let Some(error) = refusal {
            self.refuse(slot, id, error);
            return Ok(None);
        }
        if let Some(running) = self.collections.for_learner(slot) {
            running.purpose = Purpose::Learner {
                slot,
                answer_to: id,
            };
            return Ok(None);
        }
        if self.collections.is_full() {
            return Err(MsgError::TooManyRequests);
        }
        let collection = self.ids.next();
        let purpose = Purpose::Learner {
            slot,
            answer_to: id,
        };
        match self.collect(now, collection, purpose)? {
            Some(secret) => self.give_share(slot, id, &secret),
            None => Ok(None),
        }
    }

    pub(super) fn handle_response(
        &mut self,
        slot: Slot,
        from: &Baseboard,
        id: RequestId,
        response: &Response,
    ) -> Handled {
        match response {
            Response::InitAck => self.handle_init_ack(from, id),
            Response::Share(share) => self.handle_share(slot, from, id, share),
            Response::LearnPkg(pkg) => self.handle_learn_pkg(slot, id, pkg),
            Response::Error(error) if self.ids.issued(id) => Err(MsgError::Remote(*error)),
            Response::Error(_) => Err(MsgError::UnexpectedResponse),
        }
    }

    fn handle_init_ack(&mut self, from: &Baseboard, id: RequestId) -> Handled {
        let index = self.state.member_index(from);
        match (&mut self.rack_init, index) {
            (Some(rack_init), Some(index)) if rack_init.id == id && rack_init.dealer.is_some() => {
                rack_init.ack(index);
                Ok(self.complete_rack_init())
            }
            // The member answered twice, or too late.
            (_, Some(_)) if self.ids.issued(id) => Ok(None),
            _ => Err(MsgError::UnexpectedResponse),
        }
    }

    fn handle_share(
        &mut self,
        slot: Slot,
        from: &Baseboard,
        id: RequestId,
        share: &Share,
    ) -> Handled {
        let Some(common) = self.state.common() else {
            return Err(MsgError::UnexpectedResponse);
        };
        if let Some(rack_init) = &mut self.rack_init
            && rack_init.id == id
        {
            // The coordinator has restarted, and the member proves that it holds a share.
            let index = self.state.member_index(from);
            let index = index.ok_or(MsgError::UnexpectedResponse)?;
            common.share_digests.check(share)?;
            self.state.check_sender(from, share)?;
            rack_init.ack(index);
            return Ok(self.complete_rack_init());
        }
        let Some(collection) = self.collections.find_mut(id) else {
            // The secret was there before this share came.
            return if self.ids.issued(id) {
                Ok(None)
            } else {
                Err(MsgError::UnexpectedResponse)
            };
        };
        common.share_digests.check(share)?;
        self.state.check_sender(from, share)?;
        collection.add(share, &common.share)?;
        collection.answered.insert(slot);
        let Some(secret) = collection.secret(common) else {
            return Ok(None);
        };
        let purpose = collection.purpose;
        self.collections.remove(id);
        let secret = secret?;
        match purpose {
            Purpose::Load => Ok(Some(ApiOutput::RackSecret {
                request_id: id,
                secret,
            })),
            Purpose::Learner { slot, answer_to } => self.give_share(slot, answer_to, &secret),
        }
    }

    /// Decrypts the extra share of a learner, sets it aside, and answers.
    fn give_share(&mut self, slot: Slot, answer_to: RequestId, secret: &RackSecret) -> Handled {
        if !self.peers.is_connected(slot) {
            return Ok(None);
        }
        let (State::InitialMember(member), Some(learner)) = (&mut self.state, self.peers.id(slot))
        else {
            return Ok(None);
        };
        let Some(index) = member.index_for(learner) else {
            // Another learner has taken the last share meanwhile.
            self.refuse(slot, answer_to, RemoteError::CannotSpareAShare);
            return Ok(None);
        };
        let share = member.pkg.extra_share(secret, usize::from(index))?;
        let new = member.set_aside(learner, index);
        let learner = learner.clone();
        self.unstored |= new;
        self.outbox.push(slot, Intent::LearnPkg(answer_to, share));
        Ok(new.then_some(ApiOutput::ShareDistributedToLearner { learner }))
    }

    fn handle_learn_pkg(&mut self, slot: Slot, id: RequestId, pkg: &LearnedSharePkg) -> Handled {
        let current = |attempt: &super::learn::Attempt| attempt.id == id && attempt.peer == slot;
        if self.state != State::Learning || !self.learning.as_ref().is_some_and(current) {
            return if self.ids.issued(id) {
                // The peer answers an attempt that was given up.
                Ok(None)
            } else {
                Err(MsgError::UnexpectedResponse)
            };
        }
        pkg.common.check()?;
        self.learning = None;
        self.state = State::Learned(pkg.clone());
        self.unstored = true;
        Ok(Some(ApiOutput::LearningCompleted {
            rack_uuid: pkg.common.rack_uuid,
        }))
    }
}

impl State {
    /// Checks that `from` may hold `share`, as far as this node knows.
    ///
    /// An initial member knows whose own share each x is. An extra share may be anybody's: its holder
    /// joined later, or was reset and joined again.
    fn check_sender(&self, from: &Baseboard, share: &Share) -> Result<(), MsgError> {
        let State::InitialMember(member) = self else {
            return Ok(());
        };
        match holder_of(share.x(), member.pkg.initial_membership.len()) {
            Some((index, 0)) if member.pkg.member_index(from) != Some(index) => {
                Err(MsgError::ShareOfAnother { x: share.x() })
            }
            _ => Ok(()),
        }
    }
}
