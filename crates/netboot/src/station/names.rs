//! What is known of names: the resolver on its socket, and which of a name's addresses is spoken to.

use crate::stack::SocketHandle;
use core::net::{IpAddr, Ipv4Addr};
use log::debug;
use netboot_core::net::NetworkConfig;
use netboot_core::{Duration, Instant};
use netboot_dns::{Outcome, RecordType, Resolver, Timing, Transmit};
use rand_core::RngCore;

/// What is known of names.
pub(crate) struct Names<'a> {
    resolver: &'a mut Resolver,
    /// The socket that sends queries. Answers are read where the device put them.
    pub socket: SocketHandle,
    /// The local port of the query.
    port: u16,
    /// Counts the addresses of the name that were spoken to in vain.
    turn: usize,
}

impl<'a> Names<'a> {
    /// Makes a station that knows no name.
    pub fn new(socket: SocketHandle, resolver: &'a mut Resolver) -> Self {
        Self {
            resolver,
            socket,
            port: 0,
            turn: 0,
        }
    }

    /// Begins to look for a name, with what the configuration says of servers and domains.
    #[inline(never)]
    pub fn start(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        name: &str,
        config: Option<&NetworkConfig>,
        patience: Duration,
    ) {
        let servers = config.map_or(&[][..], |config| &config.dns);
        let (domains, count) = search(config);
        let search = domains.get(..count).unwrap_or_default();
        let (kind, timing) = (RecordType::A, Timing { patience });
        self.resolver
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
        if self.resolver.poll_timeout().is_some_and(|at| at <= now) {
            self.resolver.handle_timeout(now, rng, search);
        }
        let sent = self.resolver.poll_transmit(now, query)?;
        self.port = sent.port;
        Some(sent)
    }

    /// Takes in an answer from address and port `from`.
    pub fn receive(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        from: (Ipv4Addr, u16),
        message: &[u8],
    ) {
        let (address, port) = from;
        let from = (IpAddr::V4(address), port);
        if let Err(why) = self.resolver.handle(now, rng, from, self.port, message) {
            debug!("dns: answer from {address} ignored: {why:?}");
        }
    }

    /// The outcome, or when there is something to do.
    pub fn outcome(&self) -> Result<Outcome, Instant> {
        let at = self.resolver.poll_timeout();
        self.resolver
            .poll()
            .ok_or(at.unwrap_or(Instant::FAR_FUTURE))
    }

    /// The address whose turn it is.
    pub fn address(&self) -> Option<IpAddr> {
        let addresses = self.resolver.addresses();
        let at = self.turn.checked_rem(addresses.len())?;
        addresses.get(at).copied()
    }

    /// Goes on to the next address of the name that was looked for last. Gives the number of addresses that it has.
    pub fn next_address(&mut self) -> usize {
        self.turn = self.turn.wrapping_add(1);
        self.resolver.addresses().len()
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
