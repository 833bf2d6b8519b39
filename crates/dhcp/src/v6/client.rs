//! Implements the client of RFC 8415 section 18.2, with what a boot adds.
//!
//! - Every message goes to the group of all servers and relays of the link, so that a relay sees it. The client never sends to a server
//!   alone, because no server is asked for the option that allows it.
//! - The times of a lease count from the first transmission of the message that the server replied to, which is never later than
//!   the server's own count.
//! - The client reports a datagram that is of no use. The datagram changes nothing, whoever sent it.

#[cfg(test)]
mod again_tests;
#[cfg(test)]
mod clock_tests;
mod probe;
mod receive;
#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world_tests;

use super::config::{Config, Identity, Mode, Outgoing};
use super::error::{Dhcp6Error, Ignored};
use super::lease::Lease;
use super::offer::Offer;
use super::packet::{ALL_SERVERS, MessageType, SERVER_PORT};
use super::retry::{LEAVE_MAX_RC, MAX_RT, Retry, Timing, random};
use crate::client::LostReason;
use crate::config::AfterDeclines;
use crate::raw::Taken;
use core::net::Ipv6Addr;
use netboot_core::net::NetworkConfig;
use netboot_core::{Coded, Duration, Instant, quotient};
use rand_core::RngCore;

/// Octets of a buffer that holds every message that [`Client::poll_transmit`] writes.
pub const TRANSMIT_MAX: usize = 576;

/// Tells the caller of [`Client::poll`] what has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The caller has to look for other users of this address (duplicate address detection, RFC 4862 section 5.4), without using
    /// it, and to call [`Client::probe_result`].
    ProbeAddress(Ipv6Addr),
    /// There is a [`lease`](Client::lease). The caller configures the interface.
    Bound,
    /// The lease was renewed. Its parameters may have changed.
    Renewed,
    /// The address must not be used any more. The client is looking for another.
    Lost(LostReason),
    /// There is no lease. The client rests until [`Client::start`]. When the last address was declined, it still repeats the Decline until
    /// its server replies, four times at the most.
    Failed(Dhcp6Error),
}

/// A message that the caller sends from a link-local address and UDP port 546.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Length of the message at the start of the buffer, in octets.
    pub len: usize,
    /// Destination address: the group of all servers and relays of the link.
    pub destination: Ipv6Addr,
    /// Destination UDP port.
    pub destination_port: u16,
}

/// Says how far the client is. The offer and the lease lie beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The client was not started, has failed, or has released its lease.
    Idle,
    /// The client asks all servers from this instant on.
    Waiting { until: Instant },
    /// Solicit or Information-request was sent, as the mode says. When the client holds an offer, it takes it at `decide_at`.
    Asking {
        retry: Retry,
        decide_at: Option<Instant>,
    },
    /// Request was sent for the offer.
    Requesting { retry: Retry },
    /// The caller probes the address of the lease.
    Probing { until: Instant },
    /// The lease is in use, and nothing is due before this instant.
    Bound { until: Instant },
    /// The lease is in use, and servers are asked to extend it.
    Extending { how: Extension, retry: Retry },
    /// The lease is not in use any more, and its server is told. The client starts over after that, or rests.
    Leaving {
        message: MessageType,
        retry: Retry,
        again: bool,
    },
}

/// How a lease is extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    /// T1 has passed, and the server of the lease is asked.
    Renew,
    /// T2 has passed, and any server is asked.
    Rebind,
    /// A server has no record of the lease, and is asked to make one. It stands in the offer.
    Restore,
    /// The information without an address is asked for again.
    Refresh,
}

/// A DHCPv6 client for one interface.
#[derive(Clone, Debug)]
pub struct Client {
    identity: Identity,
    start_delay: Duration,
    offer_window: Option<Duration>,
    probe: bool,
    declines: u8,
    after_declines: AfterDeclines,
    attempts: u8,
    request_attempts: u8,
    patience: Duration,
    /// Addresses declined so far.
    declined: u8,
    /// Longest time between two Solicits.
    sol_max_rt: Duration,
    /// Longest time between two Information-requests.
    inf_max_rt: Duration,

    mode: Mode,
    state: State,
    xid: u32,
    /// When the first message of this exchange was sent.
    began: Option<Instant>,
    /// When the acquisition fails at the latest.
    deadline: Instant,
    offer: Option<Offer>,
    lease: Option<Lease>,
    /// The last failure, which is the reason when the deadline passes.
    problem: Dhcp6Error,
    event: Option<Event>,
    ignored: u32,
}

impl Client {
    /// Makes a client that rests until [`start`](Self::start).
    ///
    /// # Errors
    /// Fails with [`Dhcp6Error::Config`] when a text or identifier is longer than its field says, or the DUID is empty.
    pub fn new(config: &Config<'_>) -> Result<Self, Dhcp6Error> {
        Ok(Self {
            identity: Identity::new(config)?,
            start_delay: config.start_delay,
            offer_window: config.offer_window,
            probe: config.probe,
            declines: config.declines,
            after_declines: config.after_declines,
            attempts: config.attempts,
            request_attempts: config.request_attempts,
            patience: config.deadline,
            declined: 0,
            sol_max_rt: MAX_RT,
            inf_max_rt: MAX_RT,
            mode: Mode::Stateful,
            state: State::Idle,
            xid: 0,
            began: None,
            deadline: Instant::ZERO,
            offer: None,
            lease: None,
            problem: Dhcp6Error::NoAnswer,
            event: None,
            ignored: 0,
        })
    }

    /// Sets how long further offers are collected after the first one. `None` is the time of RFC 8415, some 1 s after the first Solicit.
    pub fn set_offer_window(&mut self, window: Option<Duration>) {
        self.offer_window = window;
    }

    /// Begins an acquisition of what `mode` says. The first message is due after a random delay
    /// ([`Config::start_delay`]). A lease that the client holds is forgotten.
    pub fn start(&mut self, now: Instant, rng: &mut impl RngCore, mode: Mode) {
        self.event = None;
        self.mode = mode;
        self.acquire(now, rng);
    }

    /// Takes one datagram that arrived on UDP port 546 from `from`. Tells what the datagram was taken for, so that a caller can keep options in
    /// their raw form ([`RawOptions`](crate::v6::RawOptions)).
    ///
    /// # Errors
    /// Tells why the datagram was ignored, for a log. The client goes on as if the datagram had not come.
    pub fn handle(
        &mut self,
        now: Instant,
        rng: &mut impl RngCore,
        from: Ipv6Addr,
        datagram: &[u8],
    ) -> Result<Taken, Dhcp6Error> {
        self.receive(now, rng, from, datagram)
            .map_err(|why| self.note(why))
    }

    /// Writes the next message to send to the start of `buf`. Call it until it returns `None`.
    ///
    /// `buf` needs [`TRANSMIT_MAX`] octets. A message that does not fit counts as lost on the way.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        rng: &mut impl RngCore,
        buf: &mut [u8],
    ) -> Option<Transmit> {
        self.transmit(now, rng, buf)
    }

    /// Tells what has happened. Call it until it returns `None`. A later event replaces one that was not taken in time and that it
    /// makes void.
    pub fn poll(&mut self, _now: Instant) -> Option<Event> {
        self.event.take()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout). `None` when there is nothing to wait for.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let at = match &self.state {
            State::Idle => return None,
            // The probe has a bound of its own: an address that was confirmed in time is not given up for the deadline.
            State::Probing { until } | State::Bound { until } => *until,
            State::Leaving {
                retry,
                again: false,
                ..
            } => retry.at,
            State::Extending { how, retry } => retry.at.min(self.end_of(*how)),
            State::Waiting { until } => self.deadline.min(*until),
            State::Asking { retry, decide_at } => self.deadline.min(decide_at.unwrap_or(retry.at)),
            State::Requesting { retry } | State::Leaving { retry, .. } => {
                self.deadline.min(retry.at)
            }
        };
        (at != Instant::FAR_FUTURE).then_some(at)
    }

    /// Does what is due at `now`. Early calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant, rng: &mut impl RngCore) {
        self.expire(now, rng);
    }

    /// The lease, from [`Event::Bound`] until it is lost, released or forgotten.
    pub fn lease(&self) -> Option<&Lease> {
        match self.state {
            State::Bound { .. } | State::Extending { .. } => self.lease.as_ref(),
            _ => None,
        }
    }

    /// The configuration of the lease, for a caller who adds what routers have told. A renewal replaces what the server tells, and leaves
    /// the rest.
    pub fn config_mut(&mut self) -> Option<&mut NetworkConfig> {
        self.lease()?;
        self.lease.as_mut().map(|lease| &mut lease.config)
    }

    /// Why there is no lease yet: with this the acquisition would fail now.
    pub fn problem(&self) -> Dhcp6Error {
        self.problem
    }

    /// Number of datagrams ignored so far.
    pub fn ignored(&self) -> u32 {
        self.ignored
    }

    /// Gives the lease back. A Release is due, which the caller sends after it has removed the address from the interface (RFC 8415
    /// section 18.2.7). The client repeats it until a server replies, four times at the most, and then rests. A caller that cannot wait may
    /// stop after the first message.
    pub fn release(&mut self, now: Instant, rng: &mut impl RngCore) {
        let held = self.lease().is_some_and(|lease| lease.address.is_some());
        self.event = None;
        if held {
            self.leave(now, rng, MessageType::Release, false);
        } else {
            self.rest();
        }
    }

    /// Begins an acquisition with a new deadline.
    fn acquire(&mut self, now: Instant, rng: &mut dyn RngCore) {
        self.deadline = now + self.patience;
        // A server that has no other address to give falls silent: the conflict is still what there is to say.
        if !matches!(self.problem, Dhcp6Error::Conflict { .. }) {
            self.problem = Dhcp6Error::NoAnswer;
        }
        self.start_over(now, rng);
    }

    /// Asks all servers, after a random delay.
    fn start_over(&mut self, now: Instant, rng: &mut dyn RngCore) {
        self.rest();
        let delay = random(self.start_delay, rng);
        match delay {
            Duration::ZERO => self.ask(now, rng),
            delay => self.state = State::Waiting { until: now + delay },
        }
    }

    /// Begins the first exchange of an acquisition.
    fn ask(&mut self, now: Instant, rng: &mut dyn RngCore) {
        let timing = match self.mode {
            Mode::Stateful => Timing::solicit(self.sol_max_rt),
            Mode::Stateless => Timing::inform(self.inf_max_rt),
        };
        self.state = State::Asking {
            retry: self.exchange(now, rng, timing),
            decide_at: None,
        };
    }

    /// Begins an exchange with a new transaction id. Its first message is due.
    fn exchange(&mut self, now: Instant, rng: &mut dyn RngCore, timing: Timing) -> Retry {
        // 24 random bits.
        self.xid = rng.next_u32() >> 8;
        self.began = None;
        Retry::new(now, timing)
    }

    /// Forgets everything about servers.
    fn rest(&mut self) {
        self.offer = None;
        self.lease = None;
        self.state = State::Idle;
    }

    fn fail(&mut self) {
        self.rest();
        self.event = Some(Event::Failed(self.problem));
    }

    /// Notes why a datagram was ignored. When nothing else comes, this is what there is to say.
    #[inline(never)]
    fn note(&mut self, why: Ignored) -> Dhcp6Error {
        self.ignored = self.ignored.saturating_add(1);
        let Ignored::Message(fault) = why else {
            return self.problem;
        };
        let error = Dhcp6Error::Message(fault);
        let silent = matches!(
            self.problem,
            Dhcp6Error::NoAnswer | Dhcp6Error::Ignored { .. }
        );
        if silent && !fault.is_of_others() {
            let why = error.code() as u16;
            self.problem = Dhcp6Error::Ignored { why };
        }
        error
    }

    /// Notes that the lease may be used.
    fn bind(&mut self) {
        self.event = Some(Event::Bound);
        self.settle();
    }

    /// Lets the lease be until it has to be extended.
    fn settle(&mut self) {
        self.offer = None;
        let until = self.lease.as_ref().map(Lease::renew_at);
        let until = until.unwrap_or(Instant::FAR_FUTURE);
        self.state = State::Bound { until };
    }

    fn lose(&mut self, now: Instant, rng: &mut dyn RngCore, reason: LostReason) {
        self.acquire(now, rng);
        self.event = Some(Event::Lost(reason));
    }

    /// Asks for the offer that the client holds.
    fn request(&mut self, now: Instant, rng: &mut dyn RngCore) {
        if let Some(offer) = &self.offer {
            self.problem = Dhcp6Error::NoReply { server: offer.from };
            self.state = State::Requesting {
                retry: self.exchange(now, rng, Timing::REQUEST),
            };
        }
    }

    /// Begins to extend the lease.
    fn extend(&mut self, now: Instant, rng: &mut dyn RngCore, how: Extension) {
        let timing = match how {
            Extension::Renew | Extension::Rebind => Timing::EXTEND,
            Extension::Restore => Timing::REQUEST,
            Extension::Refresh => Timing::inform(self.inf_max_rt),
        };
        self.state = State::Extending {
            how,
            retry: self.exchange(now, rng, timing),
        };
    }

    /// Tells the server that the lease is not used any more.
    fn leave(&mut self, now: Instant, rng: &mut dyn RngCore, message: MessageType, again: bool) {
        self.state = State::Leaving {
            message,
            retry: self.exchange(now, rng, Timing::LEAVE),
            again,
        };
    }

    /// Goes on when the server knows that the lease is not used any more, or cannot be told.
    fn left(&mut self, now: Instant, rng: &mut dyn RngCore, again: bool) {
        match again {
            true => self.start_over(now, rng),
            false => self.rest(),
        }
    }

    /// When this way to extend the lease comes to its end.
    fn end_of(&self, how: Extension) -> Instant {
        let end = self.lease.as_ref().map(|lease| match how {
            Extension::Renew => lease.rebind_at(),
            _ => lease.expires_at(),
        });
        end.unwrap_or(Instant::FAR_FUTURE)
    }

    #[inline(never)]
    fn transmit(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        buf: &mut [u8],
    ) -> Option<Transmit> {
        let lease = self.lease.as_ref();
        let mut address = lease.and_then(|lease| lease.address);
        let mut server_id = lease.map_or(&[][..], |lease| &lease.server_id);
        let (message, retry) = match &mut self.state {
            State::Asking { retry, .. } => match self.mode {
                Mode::Stateful => (MessageType::Solicit, retry),
                Mode::Stateless => (MessageType::InformationRequest, retry),
            },
            State::Requesting { retry }
            | State::Extending {
                how: Extension::Restore,
                retry,
            } => {
                let offer = self.offer.as_ref()?;
                address = Some(offer.address);
                server_id = &offer.server_id;
                (MessageType::Request, retry)
            }
            State::Extending { how, retry } => match how {
                Extension::Renew => (MessageType::Renew, retry),
                Extension::Refresh => {
                    server_id = &[];
                    (MessageType::InformationRequest, retry)
                }
                Extension::Rebind | Extension::Restore => {
                    server_id = &[];
                    (MessageType::Rebind, retry)
                }
            },
            State::Leaving { message, retry, .. } => (*message, retry),
            _ => return None,
        };
        if !retry.due {
            return None;
        }
        retry.sent(now, rng);
        let began = *self.began.get_or_insert(now);
        let hundredths = quotient(now.since(began).as_micros(), 10_000);
        let outgoing = Outgoing {
            message,
            xid: self.xid,
            elapsed: u16::try_from(hundredths).unwrap_or(u16::MAX),
            server_id,
            address,
        };
        Some(Transmit {
            len: self.identity.emit(&outgoing, buf)?,
            destination: ALL_SERVERS,
            destination_port: SERVER_PORT,
        })
    }

    #[inline(never)]
    fn expire(&mut self, now: Instant, rng: &mut dyn RngCore) {
        if self.poll_timeout().is_none_or(|at| now < at) {
            return;
        }
        let acquiring = match self.state {
            State::Waiting { .. } | State::Asking { .. } | State::Requesting { .. } => true,
            State::Leaving { again, .. } => again,
            _ => false,
        };
        if acquiring && now >= self.deadline {
            self.fail();
            return;
        }
        if self.lease().is_some_and(|lease| now >= lease.expires_at()) {
            self.lose(now, rng, LostReason::Expired);
            return;
        }
        match &mut self.state {
            State::Idle => {}
            State::Waiting { .. } => self.ask(now, rng),
            State::Asking {
                decide_at: Some(_), ..
            } => self.request(now, rng),
            State::Asking { retry, .. } => {
                if retry.count.saturating_add(1) >= self.attempts {
                    self.fail();
                } else {
                    retry.again(now);
                }
            }
            State::Requesting { retry } => {
                if retry.count.saturating_add(1) >= self.request_attempts {
                    self.start_over(now, rng);
                } else {
                    retry.again(now);
                }
            }
            State::Probing { .. } => self.bind(),
            State::Bound { .. } => {
                let how = match &self.lease {
                    Some(lease) if lease.address.is_none() => Extension::Refresh,
                    Some(lease) if now < lease.rebind_at() => Extension::Renew,
                    _ => Extension::Rebind,
                };
                self.extend(now, rng, how);
            }
            State::Extending { how, retry } => {
                let rebind_at = self.lease.as_ref().map(Lease::rebind_at);
                let over = match how {
                    Extension::Renew => rebind_at.is_none_or(|at| now >= at),
                    Extension::Restore => retry.count.saturating_add(1) >= self.request_attempts,
                    Extension::Rebind | Extension::Refresh => false,
                };
                if over {
                    self.extend(now, rng, Extension::Rebind);
                } else {
                    retry.again(now);
                }
            }
            State::Leaving { retry, again, .. } => {
                if retry.count.saturating_add(1) >= LEAVE_MAX_RC {
                    let again = *again;
                    self.left(now, rng, again);
                } else {
                    retry.again(now);
                }
            }
        }
    }
}
