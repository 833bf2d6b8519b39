//! The resolver on its socket, and which of a name's addresses is spoken to.

use crate::board::Board;
use crate::error::NetError;
use crate::stack::SocketHandle;
use crate::station::{Internal, Station, Step};
use core::net::{IpAddr, Ipv4Addr};
use log::debug;
use netboot_core::net::NetworkConfig;
use netboot_core::{Instant, Platform};
use netboot_dns::{Failure, Outcome, PORT, RecordType, Resolver, TRANSMIT_MAX, Timing};
use rand_core::RngCore;
use smoltcp::wire::IpEndpoint;

/// What is known of names.
pub(crate) struct Names {
    resolver: Resolver,
    /// The socket that sends queries. Answers are read where the device put them.
    socket: SocketHandle,
    /// The local port of the query.
    port: u16,
    /// Counts the addresses of the name that were spoken to in vain.
    turn: usize,
}

impl Names {
    /// Makes a station that knows no name.
    pub fn new(socket: SocketHandle) -> Self {
        Self {
            resolver: Resolver::new(),
            socket,
            port: 0,
            turn: 0,
        }
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

    /// Goes on to the next address of the name that was looked for last.
    pub fn next_address(&mut self) {
        self.turn = self.turn.wrapping_add(1);
    }

    /// Number of addresses of the name that was looked for last.
    pub fn count(&self) -> usize {
        self.resolver.addresses().len()
    }

    /// The address whose turn it is.
    fn address(&self) -> Option<IpAddr> {
        let addresses = self.resolver.addresses();
        let at = self.turn.checked_rem(addresses.len())?;
        addresses.get(at).copied()
    }
}

/// The domains in which short names are looked for, and how many there are.
fn search(config: Option<&NetworkConfig>) -> ([&str; 2], usize) {
    let mut domains = [""; 2];
    let mut count = 0usize;
    for domain in config
        .into_iter()
        .flat_map(|config| [&*config.search, &*config.domain])
    {
        if let Some(to) = domains.get_mut(count)
            && !domain.is_empty()
        {
            *to = domain;
            count = count.saturating_add(1);
        }
    }
    (domains, count)
}

/// Finds the address of a name.
#[inline(never)]
pub(super) fn ask<B: Board>(station: &mut Station<'_, B>, name: &str) -> Internal<IpAddr> {
    let now = station.now();
    start(station, now, name);
    let result = station.run(Instant::FAR_FUTURE, NetError::DnsTimeout, |station, now| {
        station.names_are_due(now);
        let error = match station.names.resolver.poll() {
            None => {
                let at = station.names.resolver.poll_timeout();
                return Ok(Step::Again(at.unwrap_or(Instant::FAR_FUTURE)));
            }
            Some(Outcome::Found) => match station.names.address() {
                Some(address) => return Ok(Step::Done(address)),
                None => NetError::Internal,
            },
            Some(Outcome::Failed(Failure::NoServer)) => NetError::NoDnsServer,
            Some(Outcome::Failed(Failure::Timeout)) => NetError::DnsTimeout,
            Some(Outcome::Failed(Failure::NotFound | Failure::BadName)) => NetError::NameNotFound,
        };
        Err(station.fail(error))
    });
    station.stack.link.dns = None;
    let socket = station.names.socket;
    station.stack.udp(socket).close();
    result
}

#[inline(never)]
fn start<B: Board>(station: &mut Station<'_, B>, now: Instant, name: &str) {
    let timing = Timing {
        patience: station.options.dns_timeout,
    };
    let (config, names, platform) = station.names_and_config();
    let servers = config.map_or(&[][..], |config| &config.dns);
    let (domains, count) = search(config);
    let search = domains.get(..count).unwrap_or_default();
    let kind = RecordType::A;
    let rng = platform.rng();
    names
        .resolver
        .start(now, rng, name, search, kind, servers, timing);
}

impl<B: Board> Station<'_, B> {
    /// Does what is due for the name that is looked for: timers, and the query.
    #[inline(never)]
    fn names_are_due(&mut self, now: Instant) {
        let (config, names, platform) = self.names_and_config();
        let (domains, count) = search(config);
        let search = domains.get(..count).unwrap_or_default();
        let resolver = &mut names.resolver;
        if resolver.poll_timeout().is_some_and(|at| at <= now) {
            resolver.handle_timeout(now, platform.rng(), search);
        }
        let mut query = [0; TRANSMIT_MAX];
        let Some(sent) = resolver.poll_transmit(now, &mut query) else {
            return;
        };
        let IpAddr::V4(server) = sent.server else {
            return;
        };
        names.port = sent.port;
        let handle = names.socket;
        self.stack.link.dns = Some(sent.port);
        let socket = self.stack.udp(handle);
        socket.close();
        // A port other than 0 on a closed socket: cannot fail. A full buffer is a lost query, which is asked again.
        let _ = socket.bind(sent.port);
        let query = query.get(..sent.len).unwrap_or_default();
        let _ = socket.send_slice(query, IpEndpoint::new(server.into(), PORT));
        self.flush();
    }
}
