//! A host that configures itself: link-local address, routers, and an address of a prefix that a router tells (RFC 4861, section 6.3; RFC 4862).

use crate::address::{self, LINK_LOCAL, Mac, PREFIX_LEN};
use crate::advertisement::{self, Advertisement, Prefix};
use crate::duplicate::Own;
pub use crate::duplicate::Probing;
use crate::learnt::Learnt;
use crate::wire::PACKET_MAX;
use crate::{listener, neighbor};
use core::net::Ipv6Addr;
use netboot_core::net::NetworkConfig;
use netboot_core::{Duration, Instant};
use rand_core::RngCore;

/// Octets of a buffer that holds every packet that [`Host::poll_transmit`] writes.
pub const TRANSMIT_MAX: usize = PACKET_MAX;

/// Time until routers are asked again: RFC 7559 begins with 4 s, which is too long for a boot that has lost one frame.
const FIRST_REPEAT: Duration = Duration::from_secs(1);
/// Longest time between two questions for routers.
const LAST_REPEAT: Duration = Duration::from_secs(16);
/// Number of questions after which the link counts as one without a router (RFC 4861, section 10: MAX_RTR_SOLICITATIONS).
const QUESTIONS: u8 = 3;
/// How long an answer to the last of these is waited for (RFC 4861, section 10: MAX_RTR_SOLICITATION_DELAY).
const LAST_WAIT: Duration = Duration::from_secs(1);
/// Number of interface identifiers that are tried.
const TRIES: u8 = 3;
/// Number of times that new groups are reported (RFC 3810, section 9.1), and the time between two reports.
const REPORTS: u8 = 2;
const BETWEEN_REPORTS: Duration = Duration::from_secs(1);
/// Nobody who is not authenticated shortens the life of an address below this (RFC 4862, section 5.5.3).
const SAFE: Duration = Duration::from_secs(2 * 60 * 60);

/// What a host is told at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Hardware address of the station.
    pub mac: Mac,
    /// How an address is probed before it is used.
    pub probing: Probing,
    /// Longest time before routers are asked first. The real one is random, so that hosts that were switched on together do not ask together
    /// (RFC 4861, section 6.3.7).
    pub delay: Duration,
}

/// Tells the caller of [`Host::poll`] what has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Addresses, or facts of the link, are others than before. The caller sets the interface up by them.
    Changed,
    /// Another station uses an address that the host would like to have.
    Duplicate(Ipv6Addr),
    /// An address that was [leased](Host::probe) was probed: nobody uses it, or a station with this hardware address does.
    Probed(Ipv6Addr, Option<Mac>),
    /// Other stations use all addresses that the host has tried on the link. It rests until [`Host::start`].
    Failed,
}

/// Where an address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is valid on the link only, and made of the hardware address.
    LinkLocal,
    /// It is made of a prefix that a router has told.
    Autonomous,
    /// A DHCPv6 server leases it.
    Leased,
}

/// All kinds of addresses.
pub const KINDS: [Kind; 3] = [Kind::LinkLocal, Kind::Autonomous, Kind::Leased];

/// How far the host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The host was not started, or has failed.
    Off,
    /// No router was heard yet.
    Searching,
    /// No router answers. There may be DHCPv6 servers on such a link nevertheless (RFC 4862, section 5.5.2).
    Alone,
    /// A router was heard, and an address is being probed.
    Probing,
    /// A router was heard, and everything that it told is in use.
    Settled,
}

/// The host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host {
    config: Config,
    /// The addresses, by [`Kind`].
    own: [Option<Own>; 3],
    /// The interface identifier of the addresses that the host makes.
    id: u64,
    tries: u8,
    /// The first half of the autonomous address, and when it ends.
    prefix: u64,
    valid_until: Instant,
    learnt: Learnt,
    /// Questions for routers that were sent, and when the next one is due.
    questions: u8,
    ask_at: Option<Instant>,
    /// When the link counts as one without a router, and whether it does.
    alone_at: Instant,
    alone: bool,
    /// Reports of groups that are still to be sent, whether they are new, and when.
    reports: u8,
    is_new: bool,
    report_at: Instant,
    changed: bool,
    duplicate: Option<Ipv6Addr>,
    probed: Option<(Ipv6Addr, Option<Mac>)>,
    failed: bool,
}

impl Host {
    /// Makes a host that has not started.
    pub const fn new(config: Config) -> Self {
        Self {
            config,
            own: [const { None }; 3],
            id: 0,
            tries: 0,
            prefix: 0,
            valid_until: Instant::FAR_FUTURE,
            learnt: Learnt::new(),
            questions: 0,
            ask_at: None,
            alone_at: Instant::FAR_FUTURE,
            alone: false,
            reports: 0,
            is_new: false,
            report_at: Instant::ZERO,
            changed: false,
            duplicate: None,
            probed: None,
            failed: false,
        }
    }

    /// Forgets everything and begins: a link-local address, and a question for routers.
    pub fn start(&mut self, now: Instant, rng: &mut dyn RngCore) {
        *self = Self::new(self.config);
        self.id = address::interface_id(self.config.mac);
        self.begin(now, Kind::LinkLocal, LINK_LOCAL);
        self.ask_at = Some(now + random(rng, self.config.delay));
        self.changed = true;
    }

    /// Forgets everything and rests.
    pub fn stop(&mut self) {
        *self = Self::new(self.config);
        self.changed = true;
    }

    /// Begins to probe the address that this prefix and the interface identifier make.
    fn begin(&mut self, now: Instant, kind: Kind, prefix: u64) {
        let address = address::join(prefix, self.id);
        self.begin_address(now, kind, address);
    }

    fn begin_address(&mut self, now: Instant, kind: Kind, address: Ipv6Addr) {
        let own = Own::new(now, address, &self.config.probing);
        let done = own.is_usable();
        if let Some(slot) = self.own.get_mut(kind as usize) {
            *slot = Some(own);
        }
        if done && kind == Kind::Leased {
            self.probed = Some((address, None));
        }
        // Its group has to be reported first, so that the questions of others come through.
        self.reports = REPORTS;
        self.is_new = true;
        self.report_at = now;
        self.changed = true;
    }

    /// Probes an address that a DHCPv6 server leases. [`Event::Probed`] has the result; without a conflict the host then has the address.
    pub fn probe(&mut self, now: Instant, address: Ipv6Addr) {
        match self.own(Kind::Leased) {
            Some(own) if own.address == address && own.is_usable() => {
                self.probed = Some((address, None))
            }
            _ => self.begin_address(now, Kind::Leased, address),
        }
    }

    /// Takes a leased address into use without a probe. Does nothing when the host has it already.
    pub fn assign(&mut self, address: Ipv6Addr) {
        if self.address(Kind::Leased) == Some(address) {
            return;
        }
        let [_, _, leased] = &mut self.own;
        *leased = Some(Own::used(address));
        self.probed = None;
        self.changed = true;
    }

    /// Gives the leased address up.
    pub fn withdraw(&mut self) {
        let [_, _, leased] = &mut self.own;
        self.changed |= leased.take().is_some();
    }

    fn own(&self, kind: Kind) -> Option<&Own> {
        self.own.get(kind as usize)?.as_ref()
    }

    /// Gives the address of this kind once it may be used.
    pub fn address(&self, kind: Kind) -> Option<Ipv6Addr> {
        let own = self.own(kind).filter(|own| own.is_usable())?;
        Some(own.address)
    }

    /// Gives the addresses that are probed. Another station that says it has one of them, or asks for one with no address of its own, uses it:
    /// [`conflict`](Self::conflict).
    pub fn tentative(&self) -> impl Iterator<Item = Ipv6Addr> + Clone {
        let own = self.own.iter().flatten();
        own.filter(|own| !own.is_usable()).map(|own| own.address)
    }

    /// Gives the groups that the host listens to, beside that of all nodes.
    pub fn groups(&self) -> impl Iterator<Item = Ipv6Addr> + Clone {
        let own = self.own.iter().flatten();
        own.map(|own| address::solicited_node(own.address))
    }

    /// How far the host is.
    pub fn progress(&self) -> Progress {
        let probing = self.tentative().next().is_some();
        if self.own(Kind::LinkLocal).is_none() {
            Progress::Off
        } else if self.learnt.heard && probing {
            Progress::Probing
        } else if self.learnt.heard {
            Progress::Settled
        } else if self.is_alone() && !probing {
            Progress::Alone
        } else {
            Progress::Searching
        }
    }

    /// Whether no router answers, and so nobody says whether there are DHCPv6 servers.
    pub fn is_alone(&self) -> bool {
        self.alone
    }

    /// Whether a router has said that addresses come by DHCPv6.
    pub fn is_managed(&self) -> bool {
        self.learnt.managed
    }

    /// Whether a router has said that DHCPv6 tells more than routers do.
    pub fn has_other(&self) -> bool {
        self.learnt.other
    }

    /// Puts what routers have told into a configuration: default routers, routes, DNS servers behind those that it has, domain, and MTU.
    pub fn fill(&self, config: &mut NetworkConfig) {
        self.learnt.fill(config);
    }

    /// Whether a router says that `address` is on the link.
    #[cfg(test)]
    pub(crate) fn is_on_link(&self, address: Ipv6Addr) -> bool {
        self.learnt.is_on_link(address)
    }

    /// Takes in an advertisement.
    #[inline(never)]
    pub fn handle(&mut self, now: Instant, told: &Advertisement<'_>) {
        if self.own(Kind::LinkLocal).is_none() {
            return;
        }
        self.ask_at = None;
        self.alone_at = Instant::FAR_FUTURE;
        self.alone = false;
        let mut chosen: Option<Prefix> = None;
        let (used, has_one) = (self.prefix, self.own(Kind::Autonomous).is_some());
        let news = self.learnt.take(now, told, |prefix| {
            let network = first_half(prefix);
            let fits = prefix.len == PREFIX_LEN
                && prefix.preferred.0 <= prefix.valid.0
                && address::is_host(address::join(network, 1))
                && network != LINK_LOCAL;
            // The one that is in use, or the first one that can be.
            let is_it = match has_one {
                true => network == used,
                false => !prefix.preferred.is_over() && chosen.is_none(),
            };
            if fits && is_it {
                chosen = Some(*prefix);
            }
        });
        // Routers say the same again and again, and nobody has to set anything up for that.
        self.changed |= news;
        let Some(prefix) = chosen else {
            return;
        };
        let until = prefix.valid.until(now);
        if !has_one {
            self.prefix = first_half(&prefix);
            self.valid_until = until;
            self.begin(now, Kind::Autonomous, self.prefix);
        } else {
            // RFC 4862, section 5.5.3 (e): longer than before, or long enough to be no attack; else two hours at the least.
            let least = self.valid_until.min(now + SAFE);
            self.valid_until = until.max(least);
        }
    }

    /// Takes in that another station uses `address`, or would like to: its hardware address is `mac`.
    pub fn conflict(&mut self, now: Instant, rng: &mut dyn RngCore, address: Ipv6Addr, mac: Mac) {
        let found = KINDS.into_iter().find(|kind| {
            self.own(*kind)
                .is_some_and(|own| own.address == address && !own.is_usable())
        });
        let Some(kind) = found else {
            return;
        };
        self.duplicate = Some(address);
        if kind == Kind::Leased {
            let [_, _, leased] = &mut self.own;
            *leased = None;
            self.probed = Some((address, Some(mac)));
            self.changed = true;
            return;
        }
        self.tries = self.tries.saturating_add(1);
        if self.tries >= TRIES {
            let (config, duplicate) = (self.config, self.duplicate);
            *self = Self::new(config);
            self.duplicate = duplicate;
            self.failed = true;
            self.changed = true;
            return;
        }
        self.id = address::random_id(rng.next_u64());
        let prefix = match kind {
            Kind::Autonomous => self.prefix,
            Kind::LinkLocal | Kind::Leased => LINK_LOCAL,
        };
        self.begin(now, kind, prefix);
    }

    /// Takes in a query for the groups that the host listens to, to be answered within `patience`.
    pub fn query(&mut self, now: Instant, rng: &mut dyn RngCore, patience: Duration) {
        let answer = now + random(rng, patience);
        // Reports of new groups say more, and come soon.
        if self.reports == 0 && self.own(Kind::LinkLocal).is_some() {
            self.reports = 1;
            self.is_new = false;
            self.report_at = answer;
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) and [`poll_transmit`](Self::poll_transmit) have something to do.
    pub fn poll_timeout(&self) -> Instant {
        let own = self.own.iter().flatten().map(Own::due);
        let mut at = own.fold(self.learnt.ends(), Instant::min);
        at = at.min(self.ask_at.unwrap_or(Instant::FAR_FUTURE));
        at = at.min(self.alone_at);
        if self.reports > 0 {
            at = at.min(self.report_at);
        }
        if self.own(Kind::Autonomous).is_some() {
            at = at.min(self.valid_until);
        }
        at
    }

    /// Does what is due at `now`. A call that comes early does nothing.
    #[inline(never)]
    pub fn handle_timeout(&mut self, now: Instant) {
        self.changed |= self.learnt.expire(now);
        if self.alone_at <= now {
            self.alone_at = Instant::FAR_FUTURE;
            self.alone = true;
            self.changed = true;
        }
        let [_, autonomous, leased] = &mut self.own;
        if autonomous.is_some() && self.valid_until <= now {
            *autonomous = None;
            self.changed = true;
        }
        let is_leased = leased.as_mut().is_some_and(|own| own.settle(now));
        if let Some(own) = leased
            && is_leased
        {
            self.probed = Some((own.address, None));
            self.changed = true;
        }
        for own in self.own.iter_mut().flatten() {
            self.changed |= own.settle(now);
        }
    }

    /// Writes the next IPv6 packet that is due at `now` into `buffer` of [`TRANSMIT_MAX`] octets. Gives its octets.
    #[inline(never)]
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let source = self
            .address(Kind::LinkLocal)
            .unwrap_or(Ipv6Addr::UNSPECIFIED);
        let mac = self.config.mac;
        if self.reports > 0 && self.report_at <= now {
            self.reports = self.reports.saturating_sub(1);
            self.report_at = now + BETWEEN_REPORTS;
            let mut groups = heapless::Vec::<Ipv6Addr, 3>::new();
            for group in self.groups() {
                // There is one for each address.
                let _ = groups.push(group);
            }
            return Some(listener::report(buffer, source, &groups, self.is_new));
        }
        let probing = self.config.probing;
        for own in self.own.iter_mut().flatten() {
            if own.take_question(now, &probing) {
                return Some(neighbor::solicit(
                    buffer,
                    mac,
                    Ipv6Addr::UNSPECIFIED,
                    own.address,
                ));
            }
        }
        if self.ask_at.is_some_and(|at| at <= now) {
            let doublings = u32::from(self.questions.min(4));
            let repeat = (FIRST_REPEAT * (1 << doublings)).min(LAST_REPEAT);
            // RFC 7559, section 2: a tenth more or less.
            let span = repeat - repeat / 10 + random(rng, repeat / 5);
            self.ask_at = Some(now + span);
            self.questions = self.questions.saturating_add(1);
            if self.questions == QUESTIONS {
                self.alone_at = now + LAST_WAIT;
            }
            return Some(advertisement::solicit(buffer, mac, source));
        }
        None
    }

    /// Reports what has happened. Call until `None`.
    pub fn poll(&mut self) -> Option<Event> {
        if let Some(address) = self.duplicate.take() {
            return Some(Event::Duplicate(address));
        }
        if core::mem::take(&mut self.failed) {
            return Some(Event::Failed);
        }
        if let Some((address, mac)) = self.probed.take() {
            return Some(Event::Probed(address, mac));
        }
        core::mem::take(&mut self.changed).then_some(Event::Changed)
    }
}

/// The first 64 bits of a prefix.
fn first_half(prefix: &Prefix) -> u64 {
    let [half, _] = prefix.network.as_chunks::<8>().0 else {
        return 0;
    };
    u64::from_be_bytes(*half)
}

/// A random time from zero to `most`.
fn random(rng: &mut dyn RngCore, most: Duration) -> Duration {
    let share = u64::from(rng.next_u32());
    let micros = u128::from(most.as_micros()) * u128::from(share);
    Duration::from_micros((micros >> 32) as u64)
}
