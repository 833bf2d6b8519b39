//! The state machine: the calls that its user makes.
//!
//! Requests and responses of peers are handled in `responses.rs`.

use super::collection::{Collection, Collections, Purpose};
use super::error::{ApiError, MsgError, TooManyPeers};
use super::learn::Attempt;
use super::message::{Envelope, Message, RemoteError, Request, Response};
use super::outbox::{Intent, Outbox};
use super::output::ApiOutput;
use super::peers::{Peers, Slot};
use super::rack_init::RackInit;
use super::state::{InitialMember, State};
use super::{COLLECTIONS_MAX, PEERS_MAX};
use crate::id::RequestIds;
use crate::trust_quorum::{Dealer, LearnedSharePkg};
use crate::{Baseboard, RackUuid, RequestId};
use heapless::Vec;
use netboot_core::{Duration, Instant};
use rand_core::{CryptoRng, RngCore};

/// How patient a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Time after which a learner asks the next peer.
    pub learn_timeout: Duration,
    /// Time in which all members have to store their packages.
    pub rack_init_timeout: Duration,
    /// Time in which enough shares have to come.
    pub rack_secret_request_timeout: Duration,
}

impl Default for Config {
    /// 5 s, 600 s, 5 s.
    fn default() -> Self {
        Self {
            learn_timeout: Duration::from_secs(5),
            rack_init_timeout: Duration::from_secs(600),
            rack_secret_request_timeout: Duration::from_secs(5),
        }
    }
}

/// Errors of requests whose time is up, each with the id of its request.
pub type ExpiredRequests = Vec<(RequestId, ApiError), { COLLECTIONS_MAX + 1 }>;

/// One node of the trust quorum of scheme V0.
///
/// The machine has no clock, no I/O, and needs randomness only in [`init_rack`](Self::init_rack). After each
/// call that takes `&mut self`, the caller
///
/// 1. stores [`state`](Self::state) if [`needs_persist`](Self::needs_persist), and then calls
///    [`persisted`](Self::persisted);
/// 2. sends what [`drain_envelopes`](Self::drain_envelopes) yields.
///
/// A machine takes about 50 KiB; the constants of this module bound it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fsm {
    pub(super) id: Baseboard,
    pub(super) config: Config,
    pub(super) state: State,
    pub(super) peers: Peers,
    pub(super) ids: RequestIds,
    pub(super) collections: Collections,
    pub(super) outbox: Outbox,
    pub(super) rack_init: Option<RackInit>,
    pub(super) learning: Option<Attempt>,
    /// Set when an initialisation failed: every later call of the interface returns it.
    pub(super) failed: Option<ApiError>,
    pub(super) unstored: bool,
}

impl Fsm {
    /// A node that belongs to no rack. `boot_nonce` is random and new at each start of the node.
    pub fn new(id: Baseboard, config: Config, boot_nonce: [u8; 8]) -> Self {
        Self {
            id,
            config,
            state: State::Uninitialized,
            peers: Peers::default(),
            ids: RequestIds::new(boot_nonce),
            collections: Collections::default(),
            outbox: Outbox::default(),
            rack_init: None,
            learning: None,
            failed: None,
            unstored: false,
        }
    }

    /// A node that starts again from what it stored. It is connected to nobody.
    ///
    /// A coordinator whose rack was not complete goes on: it asks the members for their shares, and the
    /// time for the initialisation starts anew.
    pub fn restore(
        now: Instant,
        id: Baseboard,
        config: Config,
        boot_nonce: [u8; 8],
        state: State,
    ) -> Self {
        let mut fsm = Self::new(id, config, boot_nonce);
        if let State::InitialMember(member) = &state
            && member.init_pending
        {
            let deadline = now + config.rack_init_timeout;
            let mut rack_init = RackInit::new(None, fsm.ids.next(), deadline);
            if let Some(own) = member.pkg.member_index(&fsm.id) {
                rack_init.ack(own);
            }
            fsm.rack_init = Some(rack_init);
        }
        fsm.state = state;
        fsm
    }

    /// Who the node is.
    pub const fn id(&self) -> &Baseboard {
        &self.id
    }

    /// The state, which is all that the node stores.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Whether the state has changed since [`persisted`](Self::persisted) was called.
    pub const fn needs_persist(&self) -> bool {
        self.unstored
    }

    /// Tells the machine that its state is stored. Only then does it yield envelopes again.
    pub fn persisted(&mut self) {
        self.unstored = false;
    }

    /// Number of messages that were lost because the caller did not drain the envelopes.
    pub const fn dropped_envelopes(&self) -> u32 {
        self.outbox.dropped()
    }

    /// Progress of an initialisation that this node coordinates: members that have their package, and all.
    pub fn rack_init_progress(&self) -> Option<(u8, u8)> {
        let rack_init = self.rack_init.as_ref()?;
        Some((rack_init.acked(), self.member_count()))
    }

    /// The error of an initialisation that failed on this node.
    pub const fn failure(&self) -> Option<ApiError> {
        self.failed
    }

    /// Starts the initialisation of a rack: this node draws the secret and deals a package to each member.
    ///
    /// `members` are 1 to 32 boards in any order, this node among them. A rack of one member is complete at
    /// once. The secret stays in memory until all members have acknowledged, and is never stored.
    ///
    /// # Errors
    /// [`ApiError::AlreadyInitialized`], [`ApiError::NotAMember`], [`ApiError::TrustQuorum`] for a membership
    /// that cannot be, and the error of an earlier initialisation that failed.
    pub fn init_rack(
        &mut self,
        now: Instant,
        rng: &mut (impl RngCore + CryptoRng),
        rack_uuid: RackUuid,
        members: &[Baseboard],
    ) -> Result<Option<ApiOutput>, ApiError> {
        self.check_start()?;
        if !members.contains(&self.id) {
            return Err(ApiError::NotAMember);
        }
        let dealer = Dealer::new(rack_uuid, members, rng).map_err(ApiError::TrustQuorum)?;
        let own = dealer.members().binary_search(&self.id);
        let own = own.map_err(|_| ApiError::NotAMember)?;
        let pkg = dealer.package(own).map_err(ApiError::TrustQuorum)?;
        let mut rack_init = RackInit::new(
            Some(dealer),
            self.ids.next(),
            now + self.config.rack_init_timeout,
        );
        rack_init.ack(own);
        let id = rack_init.id;
        self.state = State::InitialMember(InitialMember::new(pkg, true));
        self.unstored = true;
        self.rack_init = Some(rack_init);
        if let Some(output) = self.complete_rack_init() {
            return Ok(Some(output));
        }
        for (slot, peer) in self.peers.connected() {
            if self.state.member_index(peer).is_some() {
                self.outbox.push(slot, Intent::Init(id));
            }
        }
        Ok(Some(ApiOutput::RackInitStarted { rack_uuid }))
    }

    /// Makes this node a learner, which asks one connected peer after the other for a share to keep.
    ///
    /// # Errors
    /// [`ApiError::AlreadyInitialized`], and the error of an earlier initialisation that failed.
    pub fn init_learner(&mut self, now: Instant) -> Result<Option<ApiOutput>, ApiError> {
        self.check_start()?;
        self.state = State::Learning;
        self.unstored = true;
        self.ask_next_peer(now);
        Ok(Some(ApiOutput::LearningStarted))
    }

    /// Starts to collect shares in order to recover the rack secret.
    ///
    /// Returns the request's id; the secret comes in a later output with this id, or an error from
    /// [`tick`](Self::tick). A rack whose threshold is 1 gives the secret at once.
    ///
    /// # Errors
    /// [`ApiError::NotInitialized`], [`ApiError::StillLearning`], [`ApiError::TooManyRequests`], and the error of
    /// an earlier initialisation that failed.
    pub fn load_rack_secret(&mut self, now: Instant) -> Result<ApiOutput, ApiError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        match &self.state {
            State::Uninitialized => return Err(ApiError::NotInitialized),
            State::Learning => return Err(ApiError::StillLearning),
            State::InitialMember(_) | State::Learned(_) => {}
        }
        if self.collections.is_full() {
            return Err(ApiError::TooManyRequests);
        }
        let request_id = self.ids.next();
        let secret = self
            .collect(now, request_id, Purpose::Load)
            .map_err(ApiError::TrustQuorum)?;
        Ok(match secret {
            Some(secret) => ApiOutput::RackSecret { request_id, secret },
            None => ApiOutput::RackSecretRequested { request_id },
        })
    }

    /// Lets time pass. Call it about every 250 ms, or when [`poll_timeout`](Self::poll_timeout) says so.
    ///
    /// # Errors
    /// Each load whose time is up, and the initialisation of the rack if its time is up. All requests that
    /// are due expire in the same call.
    #[allow(
        clippy::result_large_err,
        reason = "there is no allocator to box the list with"
    )]
    pub fn tick(&mut self, now: Instant) -> Result<(), ExpiredRequests> {
        let mut expired = ExpiredRequests::new();
        while let Some(collection) = self.collections.take_expired(now) {
            if collection.purpose == Purpose::Load {
                let error = ApiError::RackSecretTimeout {
                    have: collection.have(),
                    need: self.state.common().map_or(0, |common| common.threshold),
                };
                let _ = expired.push((collection.id, error));
            }
        }
        if let Some(rack_init) = &self.rack_init
            && rack_init.deadline <= now
        {
            let error = ApiError::RackInitTimeout {
                acked: rack_init.acked(),
                members: self.member_count(),
            };
            let _ = expired.push((rack_init.id, error));
            self.failed = Some(error);
            self.rack_init = None;
        }
        if self.state == State::Learning
            && self.learning.is_none_or(|attempt| attempt.deadline <= now)
        {
            self.ask_next_peer(now);
        }
        if expired.is_empty() {
            Ok(())
        } else {
            Err(expired)
        }
    }

    /// When [`tick`](Self::tick) has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let rack_init = self.rack_init.as_ref().map(|init| init.deadline);
        let learning = self.learning.map(|attempt| attempt.deadline);
        [self.collections.next_deadline(), rack_init, learning]
            .into_iter()
            .flatten()
            .min()
    }

    /// Notes that a peer is connected, and repeats what it has not answered yet.
    ///
    /// # Errors
    /// [`TooManyPeers`] when [`PEERS_MAX`] others are connected. The caller closes the connection.
    pub fn on_connected(&mut self, now: Instant, peer: &Baseboard) -> Result<(), TooManyPeers> {
        let (collections, learning) = (&self.collections, &self.learning);
        let in_use = |slot: Slot| {
            let learner =
                |purpose| matches!(purpose, Purpose::Learner { slot: used, .. } if used == slot);
            collections
                .iter()
                .any(|collection| learner(collection.purpose))
                || learning.is_some_and(|attempt| attempt.peer == slot)
        };
        let Some((slot, taken_over)) = self.peers.connect(peer, in_use) else {
            return Err(TooManyPeers(peer.clone()));
        };
        self.outbox.forget(slot);
        if taken_over {
            self.collections.forget(slot);
        }
        if let (Some(rack_init), Some(index)) = (&self.rack_init, self.state.member_index(peer))
            && !rack_init.has_acked(index)
        {
            let intent = match rack_init.dealer {
                Some(_) => Intent::Init(rack_init.id),
                None => Intent::GetShare(rack_init.id),
            };
            self.outbox.push(slot, intent);
        }
        for collection in self.collections.iter() {
            if !collection.answered.contains(slot) {
                self.outbox.push(slot, Intent::GetShare(collection.id));
            }
        }
        if self.state == State::Learning {
            match self.learning {
                Some(attempt) if attempt.peer == slot => {
                    self.outbox.push(slot, Intent::Learn(attempt.id));
                }
                Some(_) => {}
                None => self.ask_next_peer(now),
            }
        }
        Ok(())
    }

    /// Notes that a peer is gone. Messages that wait for it are dropped.
    pub fn on_disconnected(&mut self, peer: &Baseboard) {
        if let Some(slot) = self.peers.disconnect(peer) {
            self.outbox.forget(slot);
        }
    }

    /// The peers that are connected.
    pub fn connected_peers(&self) -> impl Iterator<Item = &Baseboard> {
        self.peers.connected().map(|(_, id)| id)
    }

    /// Handles a message of a connected peer.
    ///
    /// # Errors
    /// The message is not acted upon, for a reason that the caller logs. The state is as it was.
    pub fn handle(
        &mut self,
        now: Instant,
        from: &Baseboard,
        message: &Message,
    ) -> Result<Option<ApiOutput>, MsgError> {
        let slot = self.peers.slot_of(from).ok_or(MsgError::NotConnected)?;
        if !self.peers.is_connected(slot) {
            return Err(MsgError::NotConnected);
        }
        match message {
            Message::Request { id, request } => self.handle_request(now, slot, from, *id, request),
            Message::Response {
                request_id,
                response,
            } => self.handle_response(slot, from, *request_id, response),
        }
    }

    /// The messages to send now, in order. None while the state waits to be stored.
    pub fn drain_envelopes(&mut self) -> Envelopes<'_> {
        Envelopes { fsm: self }
    }

    /// Whether [`drain_envelopes`](Self::drain_envelopes) would yield something.
    pub fn has_envelopes(&self) -> bool {
        !self.unstored && !self.outbox.is_empty()
    }

    fn check_start(&self) -> Result<(), ApiError> {
        match (self.failed, &self.state) {
            (Some(error), _) => Err(error),
            (None, State::Uninitialized) => Ok(()),
            (None, _) => Err(ApiError::AlreadyInitialized),
        }
    }

    pub(super) fn member_count(&self) -> u8 {
        match &self.state {
            State::InitialMember(member) => member.pkg.initial_membership.len() as u8,
            _ => 0,
        }
    }

    /// Starts a collection of shares, unless the own share is enough, which gives the secret.
    pub(super) fn collect(
        &mut self,
        now: Instant,
        id: RequestId,
        purpose: Purpose,
    ) -> Result<Option<crate::trust_quorum::RackSecret>, crate::trust_quorum::TrustQuorumError>
    {
        let deadline = now + self.config.rack_secret_request_timeout;
        let collection = Collection::new(id, purpose, deadline);
        let secret = self
            .state
            .common()
            .and_then(|common| collection.secret(common))
            .transpose()?;
        if secret.is_none() && self.collections.push(collection) {
            for (slot, _) in self.peers.connected() {
                self.outbox.push(slot, Intent::GetShare(id));
            }
        }
        Ok(secret)
    }

    /// Completes the initialisation if every member has its package.
    pub(super) fn complete_rack_init(&mut self) -> Option<ApiOutput> {
        let State::InitialMember(member) = &mut self.state else {
            return None;
        };
        let acked = usize::from(self.rack_init.as_ref()?.acked());
        if acked < member.pkg.initial_membership.len() {
            return None;
        }
        member.init_pending = false;
        self.unstored = true;
        self.rack_init = None;
        Some(ApiOutput::RackInitComplete {
            rack_uuid: member.pkg.common.rack_uuid,
        })
    }

    /// Asks the connected peer that follows the last one in the order of ids.
    fn ask_next_peer(&mut self, now: Instant) {
        let last = self.learning.and_then(|last| self.peers.id(last.peer));
        self.learning = self.peers.next_after(last).map(|peer| Attempt {
            peer,
            id: self.ids.next(),
            deadline: now + self.config.learn_timeout,
        });
        if let Some(attempt) = self.learning {
            self.outbox.push(attempt.peer, Intent::Learn(attempt.id));
        }
    }

    /// Makes the message that was put off; `None` when the state has changed so that it says nothing any more.
    fn message(&self, to: &Baseboard, intent: Intent) -> Option<Message> {
        let request = |id, request| Some(Message::Request { id, request });
        let response = |request_id, response| {
            Some(Message::Response {
                request_id,
                response,
            })
        };
        match intent {
            Intent::Init(id) => {
                let index = self.state.member_index(to)?;
                let dealer = self.rack_init.as_ref()?.dealer.as_ref()?;
                request(id, Request::Init(dealer.package(index).ok()?))
            }
            Intent::GetShare(id) => {
                let rack_uuid = self.state.rack_uuid()?;
                request(id, Request::GetShare { rack_uuid })
            }
            Intent::Learn(id) => request(id, Request::Learn),
            Intent::InitAck(id) => response(id, Response::InitAck),
            Intent::Share(id) => {
                let share = self.state.common()?.share.clone();
                response(id, Response::Share(share))
            }
            Intent::LearnPkg(id, share) => {
                let mut common = self.state.common()?.clone();
                common.share = share;
                response(id, Response::LearnPkg(LearnedSharePkg { common }))
            }
            Intent::Error(id, error) => response(id, Response::Error(error)),
        }
    }

    pub(super) fn refuse(&mut self, to: Slot, id: RequestId, error: RemoteError) {
        self.outbox.push(to, Intent::Error(id, error));
    }
}

impl State {
    /// Position of `id` among the initial members, if this node is one.
    pub(super) fn member_index(&self, id: &Baseboard) -> Option<usize> {
        match self {
            Self::InitialMember(member) => member.pkg.member_index(id),
            _ => None,
        }
    }
}

const _: () = assert!(PEERS_MAX <= 64, "a set of slots has 64 bits");

/// Takes messages out of a machine; see [`Fsm::drain_envelopes`].
#[derive(Debug)]
pub struct Envelopes<'a> {
    fsm: &'a mut Fsm,
}

impl Iterator for Envelopes<'_> {
    type Item = Envelope;

    fn next(&mut self) -> Option<Envelope> {
        if self.fsm.unstored {
            return None;
        }
        loop {
            let (slot, intent) = self.fsm.outbox.pop()?;
            let Some(to) = self.fsm.peers.id(slot) else {
                continue;
            };
            if let Some(message) = self.fsm.message(to, intent) {
                return Some(Envelope {
                    to: to.clone(),
                    message,
                });
            }
        }
    }
}
