//! What is known of names: the resolver, and which of a name's addresses is spoken to.

use crate::link::{Address, ip_of};
use core::net::IpAddr;
use log::debug;
use netboot_core::net::NetworkConfig;
use netboot_core::{Duration, Instant};
use netboot_dns::{Outcome, RecordType, Resolver, Timing, Transmit};
use rand_core::RngCore;

/// Number of families of addresses that a name may have here.
pub(crate) const FAMILIES: usize = 1 + cfg!(feature = "ipv6") as usize;

/// Time for a connection to each of many addresses in the first round (RFC 8305, section 5).
#[cfg(feature = "ipv6")]
const ATTEMPT: Duration = Duration::from_millis(250);
/// Number of further rounds. In the last one each address has 16 s.
#[cfg(feature = "ipv6")]
const ROUNDS: u8 = 6;

/// What is known of names.
pub(crate) struct Names<'a> {
    /// One resolver for each family, so that each remembers its addresses. The family that comes first is the first.
    resolvers: [&'a mut Resolver; FAMILIES],
    /// Which of them is asked.
    asked: usize,
    /// The local port of the query.
    port: u16,
    /// Counts the addresses of the name that were spoken to in vain.
    turn: usize,
    /// Rounds through all addresses of the name since the present file was asked for, and the time for a connection to each address in this one.
    #[cfg(feature = "ipv6")]
    round: u8,
    #[cfg(feature = "ipv6")]
    span: Duration,
    /// Set when an address did not answer in this round.
    #[cfg(feature = "ipv6")]
    slow: bool,
    /// Set while a server is spoken to whose address the URI has itself.
    #[cfg(feature = "ipv6")]
    pub literal: bool,
    /// Set for each family whose addresses nobody told when they were asked for last: its servers, or a filter on the way, drop the question.
    #[cfg(feature = "ipv6")]
    pub silent: [bool; FAMILIES],
}

impl<'a> Names<'a> {
    /// Makes a station that knows no name.
    pub fn new(resolvers: [&'a mut Resolver; FAMILIES]) -> Self {
        Self {
            resolvers,
            asked: 0,
            port: 0,
            turn: 0,
            #[cfg(feature = "ipv6")]
            round: 0,
            #[cfg(feature = "ipv6")]
            span: ATTEMPT,
            #[cfg(feature = "ipv6")]
            slow: false,
            #[cfg(feature = "ipv6")]
            literal: false,
            #[cfg(feature = "ipv6")]
            silent: [false; FAMILIES],
        }
    }

    /// The resolver that is asked.
    fn resolver(&mut self) -> &mut Resolver {
        let [first, rest @ ..] = &mut self.resolvers;
        match self.asked {
            0 => first,
            _ => rest.first_mut().unwrap_or(first),
        }
    }

    /// Begins to look for a name, with what the configuration says of servers and domains: for addresses of this kind, by the resolver with this
    /// number.
    #[inline(never)]
    pub fn start(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        name: &str,
        config: Option<&NetworkConfig>,
        (asked, kind): (usize, RecordType),
        patience: Duration,
    ) {
        self.asked = asked;
        let servers = config.map_or(&[][..], |config| &config.dns);
        let (domains, count) = search(config);
        let search = domains.get(..count).unwrap_or_default();
        let timing = Timing { patience };
        self.resolver()
            .start(now, rng, name, search, kind, servers, timing);
    }

    /// Does what is due at `now`, and writes the query that has to be sent then.
    pub fn advance(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        config: Option<&NetworkConfig>,
        query: &mut [u8],
    ) -> Option<Transmit> {
        let (domains, count) = search(config);
        let search = domains.get(..count).unwrap_or_default();
        let resolver = self.resolver();
        if resolver.poll_timeout().is_some_and(|at| at <= now) {
            resolver.handle_timeout(now, rng, search);
        }
        let sent = resolver.poll_transmit(now, query)?;
        self.port = sent.port;
        Some(sent)
    }

    /// Takes in an answer from address and port `from`.
    pub fn receive(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        from: (Address, u16),
        message: &[u8],
    ) {
        let (address, port) = from;
        let (from, own) = ((ip_of(address), port), self.port);
        if let Err(why) = self.resolver().handle(now, rng, from, own, message) {
            debug!("dns: answer from {address} ignored: {why:?}");
        }
    }

    /// The outcome, or when there is something to do.
    pub fn outcome(&mut self) -> Result<Outcome, Instant> {
        let resolver = self.resolver();
        let at = resolver.poll_timeout();
        resolver.poll().ok_or(at.unwrap_or(Instant::FAR_FUTURE))
    }

    /// The address whose turn it is.
    #[cfg(not(feature = "ipv6"))]
    pub fn address(&self) -> Option<IpAddr> {
        let [resolver] = &self.resolvers;
        let addresses = resolver.addresses();
        let at = self.turn.checked_rem(addresses.len())?;
        addresses.get(at).copied()
    }

    /// The address whose turn it is: one of the first family, one of the second, and so on (RFC 8305, section 4).
    #[cfg(feature = "ipv6")]
    pub fn address(&self) -> Option<IpAddr> {
        let [first, second] = &self.resolvers;
        let (first, second) = (first.addresses(), second.addresses());
        let at = self
            .turn
            .checked_rem(first.len().saturating_add(second.len()))?;
        let common = first.len().min(second.len());
        let (list, at) = match at {
            at if at >= common * 2 && first.len() > common => (first, at - common),
            at if at >= common * 2 => (second, at - common),
            at if at & 1 == 0 => (first, at >> 1),
            at => (second, at >> 1),
        };
        list.get(at).copied()
    }

    /// Goes on to the next address of the name that was looked for last. Gives the number of addresses that it has.
    pub fn next_address(&mut self) -> usize {
        self.turn = self.turn.wrapping_add(1);
        let known = self
            .resolvers
            .iter()
            .map(|resolver| resolver.addresses().len());
        known.sum()
    }

    /// Begins with another file: each address has little time again.
    #[cfg(feature = "ipv6")]
    pub fn begin_round(&mut self) {
        self.round = 0;
        self.span = ATTEMPT;
        self.slow = false;
    }

    /// Goes on to the next address after `tried` of them failed, the last one with `slow` set when it did not answer. Says whether it is worth
    /// trying: each address is tried once, and with `again` further rounds follow for those that may only be slow. With no `tried`, because a
    /// transfer broke and not a connection, the round goes on.
    #[cfg(feature = "ipv6")]
    pub fn next_attempt(&mut self, tried: usize, slow: bool, again: bool) -> bool {
        self.slow |= slow;
        let count = self.next_address();
        if tried == 0 || tried.checked_rem(count) != Some(0) {
            return count > 0;
        }
        let more = again && count > 1 && self.slow && self.round < ROUNDS;
        self.round = self.round.saturating_add(1);
        self.span = self.span + self.span;
        self.slow = false;
        more
    }

    /// Time for a connection to the present address, where one address alone has `most`.
    #[cfg(all(feature = "http", feature = "ipv6"))]
    pub fn patience(&self, most: Duration) -> Duration {
        let [first, second] = &self.resolvers;
        let known = first
            .addresses()
            .len()
            .saturating_add(second.addresses().len());
        match known > 1 && !self.literal {
            true => self.span.min(most),
            false => most,
        }
    }

    /// Forgets the addresses of the family with this number: the station does not speak it now.
    #[cfg(feature = "ipv6")]
    pub fn forget(&mut self, nth: usize) {
        if let Some(resolver) = self.resolvers.get_mut(nth) {
            **resolver = Resolver::new();
        }
    }
}

/// The domains in which short names are looked for, and how many there are.
fn search(config: Option<&NetworkConfig>) -> ([&str; 2], usize) {
    let mut domains = [""; 2];
    let mut count = 0usize;
    let known = config.into_iter();
    for domain in known.flat_map(|config| [&*config.search, &*config.domain]) {
        if let Some(to) = domains.get_mut(count)
            && !domain.is_empty()
        {
            *to = domain;
            count = count.saturating_add(1);
        }
    }
    (domains, count)
}
