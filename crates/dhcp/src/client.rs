//! Implements the state machine of RFC 2131 figure 5, with what a boot adds.
//!
//! - The client weighs several offers ([`offer`](crate::offer)) and merges those of ProxyDHCP. It asks a PXE server that
//!   names no file in its offer on port 4011, once it has its address.
//! - The client repeats the first DHCPDISCOVER after 1 s, not after the 4 s that section 4.1 suggests, because one lost
//!   frame, or a switch port that was still blocked, should not cost a boot 4 s. The delay doubles up
//!   to 16 s. Each delay has a jitter of a quarter.
//! - The BROADCAST flag is set until there is an address, because a stack without an address drops unicast.
//! - The client reports a datagram that is of no use. The datagram changes nothing, whoever sent it.

#[cfg(all(test, feature = "robust"))]
mod clock_tests;
#[cfg(test)]
mod patience_tests;
mod probe;
mod receive;
#[cfg(test)]
mod tail_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world_tests;

use crate::config::{AfterDeclines, Config, Identity, Outgoing};
use crate::error::DhcpError;
use crate::lease::Lease;
use crate::offer::{Offers, PxeServer};
use crate::packet::{MessageType, PXE_PORT, SERVER_PORT};
use crate::raw::Taken;
use crate::retry::Retry;
use core::net::Ipv4Addr;
use netboot_core::{Coded, Duration, Instant};
use rand_core::RngCore;

/// Octets of a buffer that holds every message that [`Client::poll_transmit`] writes.
pub const TRANSMIT_MAX: usize = 576;

/// Number of repetitions of a DHCPREQUEST after which the client starts over.
const REQUEST_RETRIES: u8 = 3;
/// Number of times that a PXE server is asked on port 4011.
const PROXY_ATTEMPTS: u8 = 3;
/// Pause after a conflict (RFC 2131 section 3.1, step 5).
const DECLINE_DELAY: Duration = Duration::from_secs(10);
/// Least time between two renewals. RFC 2131 has 60 s, which is too long for the short leases of boot networks.
const MIN_RENEW_DELAY: Duration = Duration::from_secs(10);

/// Tells the caller of [`Client::poll`] what has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The caller has to probe this address by ARP (RFC 5227), without using it, and to call [`Client::probe_result`].
    ProbeAddress(Ipv4Addr),
    /// There is a [`lease`](Client::lease). The caller configures the interface.
    Bound,
    /// The lease was renewed. Its parameters may have changed.
    Renewed,
    /// A PXE server was asked for boot information after [`Bound`](Self::Bound), and has answered or was given up. Nothing more is
    /// [pending](Client::boot_pending).
    BootInfo,
    /// The address must not be used any more. The client is looking for another.
    Lost(LostReason),
    /// There is no lease. The client rests until [`Client::start`].
    Failed(DhcpError),
}

/// Why a lease ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostReason {
    /// The lease expired, and no server renewed it.
    Expired,
    /// A server refused to renew the lease.
    Refused,
}

/// A message that the caller sends from UDP port 68.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Length of the message at the start of the buffer, in octets.
    pub len: usize,
    /// Source address, which is 0.0.0.0 until the client is bound.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Destination UDP port: 67, or 4011 for a PXE server.
    pub destination_port: u16,
}

/// Says how far the client is. The offers and the lease lie beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The client was not started, has failed, or has released its lease.
    Idle,
    /// The client starts over at this instant.
    Waiting { until: Instant },
    /// DHCPDISCOVER was sent. When the client holds an offer, it takes it at `decide_at`.
    Discovering {
        retry: Retry,
        decide_at: Option<Instant>,
    },
    /// DHCPREQUEST was sent for the best offer.
    Requesting {
        retry: Retry,
        address: Ipv4Addr,
        server: Ipv4Addr,
        /// When the request was first sent.
        since: Instant,
    },
    /// The caller probes the address of the lease.
    Probing { until: Instant },
    /// The lease is in use, and nothing is due before T1.
    Bound { renew_at: Instant },
    /// The lease is in use, and a PXE server is asked for boot information.
    AskingProxy { retry: Retry, server: PxeServer },
    /// T1 has passed, and the server of the lease is asked.
    Renewing(Renewal),
    /// T2 has passed, and any server is asked.
    Rebinding(Renewal),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Renewal {
    due: bool,
    /// When the client asks again or goes on.
    at: Instant,
    /// When the first message of this renewal was sent.
    since: Instant,
}

/// The last message to a server, about a lease that is gone by now.
#[derive(Clone, Copy, Debug)]
struct Farewell {
    message: MessageType,
    xid: u32,
    address: Ipv4Addr,
    server: Ipv4Addr,
}

/// A DHCP client for one interface.
#[derive(Clone, Debug)]
pub struct Client {
    identity: Identity,
    offer_window: Duration,
    probe: bool,
    declines: u8,
    after_declines: AfterDeclines,
    attempts: u8,
    patience: Duration,
    /// Addresses declined so far.
    declined: u8,

    state: State,
    xid: u32,
    /// When this acquisition or renewal began.
    began: Instant,
    /// When the acquisition fails at the latest.
    deadline: Instant,
    /// Field `secs` of the last DHCPDISCOVER. A DHCPREQUEST must repeat it (RFC 2131 section 4.4.1).
    secs: u16,
    offers: Offers,
    lease: Option<Lease>,
    /// The last failure, which is the reason when the deadline passes.
    problem: DhcpError,
    farewell: Option<Farewell>,
    event: Option<Event>,
    ignored: u32,
}

impl Client {
    /// Makes a client that rests until [`start`](Self::start).
    ///
    /// # Errors
    /// Fails with [`DhcpError::Config`] when a text or identifier is longer than its field says.
    pub fn new(config: &Config<'_>) -> Result<Self, DhcpError> {
        Ok(Self {
            identity: Identity::new(config)?,
            offer_window: config.offer_window,
            probe: config.probe,
            declines: config.declines,
            after_declines: config.after_declines,
            declined: 0,
            attempts: config.attempts,
            patience: config.deadline,
            state: State::Idle,
            xid: 0,
            began: Instant::ZERO,
            deadline: Instant::ZERO,
            secs: 0,
            offers: Offers::default(),
            lease: None,
            problem: DhcpError::NoOffer,
            farewell: None,
            event: None,
            ignored: 0,
        })
    }

    /// Sets how long further offers are collected after one without boot information. Zero is for a caller that needs none:
    /// the first offer of an address is then taken at once, and no PXE server is asked.
    pub fn set_offer_window(&mut self, window: Duration) {
        self.offer_window = window;
    }

    /// Begins an acquisition. The first DHCPDISCOVER is due at once. A lease that the client holds is forgotten.
    pub fn start(&mut self, now: Instant, rng: &mut impl RngCore) {
        self.event = None;
        self.acquire(now, rng);
    }

    /// Takes one datagram that arrived on UDP port 68 from `from`. Tells what the datagram was taken for, so that a caller can keep options in
    /// their raw form ([`RawOptions`](crate::RawOptions)).
    ///
    /// # Errors
    /// Tells why the datagram was ignored, for a log. The client goes on as if the datagram had not come.
    pub fn handle(
        &mut self,
        now: Instant,
        rng: &mut impl RngCore,
        from: Ipv4Addr,
        datagram: &[u8],
    ) -> Result<Taken, DhcpError> {
        let result = self.receive(now, rng, from, datagram);
        if let Err(error) = &result {
            self.ignored = self.ignored.saturating_add(1);
            // When nothing else comes, this is what there is to say.
            let silent = matches!(self.problem, DhcpError::NoOffer | DhcpError::Ignored { .. });
            if silent && *error != DhcpError::NotOurs {
                let why = error.code() as u16;
                self.problem = DhcpError::Ignored { why };
            }
        }
        result
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
        let at = match self.state {
            State::Idle => return None,
            State::Waiting { until } => until.min(self.deadline),
            // The probe has a bound of its own: an address that was confirmed in time is not given up for the deadline.
            State::Probing { until } => until,
            State::Discovering { retry, decide_at } => {
                decide_at.unwrap_or(retry.at).min(self.deadline)
            }
            State::Requesting { retry, .. } => retry.at.min(self.deadline),
            State::Bound { renew_at } => renew_at,
            State::AskingProxy { retry, .. } => retry.at.min(self.renew_at()),
            State::Renewing(renewal) | State::Rebinding(renewal) => renewal.at,
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
            State::Bound { .. }
            | State::AskingProxy { .. }
            | State::Renewing(_)
            | State::Rebinding(_) => self.lease.as_ref(),
            _ => None,
        }
    }

    /// Whether a PXE server is still being asked where to boot from. That takes at most 9 s after
    /// [`Event::Bound`], and ends with [`Event::BootInfo`].
    pub fn boot_pending(&self) -> bool {
        matches!(self.state, State::AskingProxy { .. })
    }

    /// Number of datagrams ignored so far.
    pub fn ignored(&self) -> u32 {
        self.ignored
    }

    /// Gives the lease back. A DHCPRELEASE is due, which the caller sends before it removes the address from the
    /// interface. The client then rests.
    pub fn release(&mut self, _now: Instant) {
        if self.lease().is_some()
            && let Some(lease) = self.lease.take()
        {
            self.farewell = Some(Farewell {
                message: MessageType::Release,
                xid: self.xid,
                address: lease.address,
                server: lease.server_id,
            });
        }
        self.lease = None;
        self.event = None;
        self.state = State::Idle;
    }

    /// Begins an acquisition with a new deadline.
    fn acquire(&mut self, now: Instant, rng: &mut dyn RngCore) {
        self.deadline = now + self.patience;
        // A server that has no other address to give falls silent: the conflict is still what there is to say.
        if !matches!(self.problem, DhcpError::Conflict { .. }) {
            self.problem = DhcpError::NoOffer;
        }
        self.discover(now, rng);
    }

    /// Starts over with a new transaction.
    fn discover(&mut self, now: Instant, rng: &mut dyn RngCore) {
        self.offers = Offers::default();
        self.lease = None;
        self.xid = rng.next_u32();
        self.began = now;
        self.state = State::Discovering {
            retry: Retry::new(now),
            decide_at: None,
        };
    }

    fn fail(&mut self) {
        self.lease = None;
        self.state = State::Idle;
        self.event = Some(Event::Failed(self.problem));
    }

    /// Notes that the lease may be used.
    fn bind(&mut self, now: Instant) {
        let Some(lease) = &mut self.lease else {
            return;
        };
        self.offers.complete(&mut lease.config.boot);
        let server = self
            .offers
            .pxe_server()
            .filter(|_| !lease.config.boot.is_known());
        self.offers = Offers::default();
        self.event = Some(Event::Bound);
        match server {
            Some(server) if self.offer_window > Duration::ZERO => self.ask_pxe(now, server),
            _ => {
                self.state = State::Bound {
                    renew_at: self.renew_at(),
                };
            }
        }
    }

    /// Begins to ask a PXE server for boot information. Until that comes the lease says whether there was a menu.
    fn ask_pxe(&mut self, now: Instant, server: PxeServer) {
        if let Some(lease) = &mut self.lease {
            lease.config.boot.has_pxe_menu = server.menu;
        }
        self.state = State::AskingProxy {
            retry: Retry::new(now),
            server,
        };
    }

    /// Goes back to the lease that is in use.
    fn settle(&mut self, event: Event) {
        self.state = State::Bound {
            renew_at: self.renew_at(),
        };
        // A caller that has not heard of the lease yet will find the rest in it.
        if self.event != Some(Event::Bound) {
            self.event = Some(event);
        }
    }

    fn lose(&mut self, now: Instant, rng: &mut dyn RngCore, reason: LostReason) {
        self.acquire(now, rng);
        self.event = Some(Event::Lost(reason));
    }

    fn renew_at(&self) -> Instant {
        self.lease
            .as_ref()
            .map_or(Instant::FAR_FUTURE, |lease| lease.obtained + lease.t1)
    }

    fn transmit(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        buf: &mut [u8],
    ) -> Option<Transmit> {
        let none = Ipv4Addr::UNSPECIFIED;
        let everybody = Ipv4Addr::BROADCAST;
        let mut outgoing = Outgoing {
            message: MessageType::Request,
            xid: self.xid,
            secs: self.secs,
            broadcast: false,
            ciaddr: none,
            requested: None,
            server_id: None,
            service: None,
        };
        if let Some(farewell) = self.farewell.take() {
            outgoing.message = farewell.message;
            outgoing.xid = farewell.xid;
            outgoing.secs = 0;
            outgoing.server_id = Some(farewell.server);
            let destination = if farewell.message == MessageType::Release {
                outgoing.ciaddr = farewell.address;
                farewell.server
            } else {
                outgoing.requested = Some(farewell.address);
                everybody
            };
            return self.write(&outgoing, destination, SERVER_PORT, buf);
        }
        let elapsed = u16::try_from(now.since(self.began).as_secs()).unwrap_or(u16::MAX);
        let address = self.lease.as_ref().map_or(none, |lease| lease.address);
        let (destination, port) = match &mut self.state {
            State::Discovering { retry, .. } if retry.due => {
                retry.sent(now, rng);
                self.secs = elapsed;
                outgoing.secs = elapsed;
                outgoing.message = MessageType::Discover;
                outgoing.broadcast = true;
                (everybody, SERVER_PORT)
            }
            State::Requesting {
                retry,
                address,
                server,
                ..
            } if retry.due => {
                retry.sent(now, rng);
                outgoing.broadcast = true;
                outgoing.requested = Some(*address);
                outgoing.server_id = Some(*server);
                (everybody, SERVER_PORT)
            }
            State::AskingProxy { retry, server } if retry.due => {
                retry.sent(now, rng);
                outgoing.ciaddr = address;
                outgoing.service = server.service;
                (server.address, PXE_PORT)
            }
            State::Renewing(renewal) if renewal.due => {
                renewal.due = false;
                outgoing.secs = elapsed;
                outgoing.ciaddr = address;
                let server = self.lease.as_ref().map(|lease| lease.server_id);
                (server.unwrap_or(everybody), SERVER_PORT)
            }
            State::Rebinding(renewal) if renewal.due => {
                renewal.due = false;
                outgoing.secs = elapsed;
                outgoing.ciaddr = address;
                (everybody, SERVER_PORT)
            }
            _ => return None,
        };
        self.write(&outgoing, destination, port, buf)
    }

    fn write(
        &self,
        outgoing: &Outgoing,
        destination: Ipv4Addr,
        destination_port: u16,
        buf: &mut [u8],
    ) -> Option<Transmit> {
        Some(Transmit {
            len: self.identity.emit(outgoing, buf)?,
            source: outgoing.ciaddr,
            destination,
            destination_port,
        })
    }

    fn expire(&mut self, now: Instant, rng: &mut dyn RngCore) {
        if self.poll_timeout().is_none_or(|at| now < at) {
            return;
        }
        let acquiring = self.lease().is_none();
        let probing = matches!(self.state, State::Probing { .. });
        if acquiring && !probing && now >= self.deadline {
            self.fail();
            return;
        }
        if !acquiring
            && let Some(lease) = &self.lease
            && now >= lease.expires_at()
        {
            self.lose(now, rng, LostReason::Expired);
            return;
        }
        match &mut self.state {
            State::Idle => {}
            State::Waiting { .. } => self.discover(now, rng),
            State::Discovering {
                decide_at: Some(_), ..
            } => self.request(now),
            State::Discovering { retry, .. } => {
                if retry.count.saturating_add(1) >= self.attempts {
                    self.fail();
                } else {
                    retry.again(now);
                }
            }
            State::Requesting { retry, .. } => {
                if retry.count >= REQUEST_RETRIES {
                    self.discover(now, rng);
                } else {
                    retry.again(now);
                }
            }
            State::Probing { .. } => self.bind(now),
            State::AskingProxy { retry, .. } => {
                if retry.count.saturating_add(1) >= PROXY_ATTEMPTS {
                    self.settle(Event::BootInfo);
                } else {
                    retry.again(now);
                }
            }
            State::Bound { .. } => {
                // This is the next transaction (RFC 2131 section 4.4.5).
                self.xid = rng.next_u32();
                self.began = now;
                self.renew(now, now);
            }
            State::Renewing(Renewal { since, .. }) | State::Rebinding(Renewal { since, .. }) => {
                let since = *since;
                self.renew(now, since);
            }
        }
    }

    /// Asks for more time: the server of the lease before T2, any server after it.
    fn renew(&mut self, now: Instant, since: Instant) {
        let Some(lease) = &self.lease else {
            return;
        };
        let rebind_at = lease.obtained + lease.t2;
        let (end, rebinding) = if now < rebind_at {
            (rebind_at, false)
        } else {
            (lease.expires_at(), true)
        };
        let delay = (end.since(now) / 2).max(MIN_RENEW_DELAY);
        let renewal = Renewal {
            due: true,
            at: (now + delay).min(end),
            since,
        };
        self.state = if rebinding {
            State::Rebinding(renewal)
        } else {
            State::Renewing(renewal)
        };
    }

    /// Asks for the best offer.
    fn request(&mut self, now: Instant) {
        let Some(offer) = self.offers.best() else {
            return;
        };
        self.problem = DhcpError::NoAck {
            server: offer.server_id,
        };
        self.state = State::Requesting {
            retry: Retry::new(now),
            address: offer.address,
            server: offer.server_id,
            since: now,
        };
    }
}
