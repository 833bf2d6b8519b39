//! The server as one object: frames in, frames out, time as an argument.

use crate::config::ServerConfig;
use crate::dhcp::Dhcp;
use crate::dhcp6::Dhcp6;
use crate::dns::Dns;
use crate::faults::Faults;
use crate::frame::Datagram;
use crate::http::Http;
use crate::nodes::Nodes;
use crate::router::{Router, link_local};
use crate::served::Served;
use crate::shared::Shared;
use crate::stack::{Stack, earlier};
use crate::tftp::Tftp;
use crate::tls::TlsConnection;
use crate::ubp::Ubp;
use netboot_core::Instant;
use smoltcp::wire::{IpAddress, IpCidr};
use std::net::Ipv4Addr;

/// Frames that may wait for [`ImageServer::poll`]; a flood beyond is dropped, as by a NIC.
const MOST_FRAMES: usize = 65_536;

/// The simulated image server.
///
/// Give it what arrives with [`handle_frame`](Self::handle_frame), call [`poll`](Self::poll), take what it
/// sends with [`poll_transmit`](Self::poll_transmit) until there is no more, and call `poll` again when
/// [`poll_at`](Self::poll_at) says so. Time must not go back.
pub struct ImageServer {
    shared: Shared,
    stack: Stack,
    dhcp: Dhcp,
    dhcp6: Dhcp6,
    router: Router,
    nodes: Nodes,
    dns: Dns,
    tftp: Tftp,
    http: Http,
    https: Http,
    ubp: Ubp,
    waiting: usize,
}

impl ImageServer {
    /// A server that starts at `now`.
    pub fn new(config: ServerConfig, now: Instant) -> Self {
        let mut ips = vec![config.ip];
        ips.extend(
            config
                .proxy
                .as_ref()
                .map(|proxy| proxy.ip)
                .filter(|ip| *ip != config.ip),
        );
        let mut addresses: Vec<IpCidr> = ips
            .into_iter()
            .map(|ip| IpCidr::new(IpAddress::Ipv4(ip), config.prefix_len.min(32)))
            .collect();
        if let Some(ipv6) = &config.ipv6 {
            for ip in [link_local(config.mac), ipv6.address] {
                addresses.push(IpCidr::new(IpAddress::Ipv6(ip), 64));
            }
        }
        let mut stack = Stack::new(config.mac, &addresses, config.seed, now);
        let mut shared = Shared::new(config);
        Self {
            dhcp: Dhcp::default(),
            dhcp6: Dhcp6::default(),
            router: Router::default(),
            nodes: Nodes::default(),
            dns: Dns::new(&mut stack),
            tftp: Tftp::new(&mut stack, &shared),
            http: Http::plain(&mut stack, &shared),
            https: Http::over_tls(&mut stack, &shared),
            ubp: Ubp::new(&mut stack, &mut shared),
            shared,
            stack,
            waiting: 0,
        }
    }

    /// Takes a frame that has arrived. It is answered in the next [`poll`](Self::poll).
    pub fn handle_frame(&mut self, now: Instant, frame: &[u8]) {
        self.handle_owned(now, frame.to_vec());
    }

    /// As [`handle_frame`](Self::handle_frame), without a copy.
    pub fn handle_owned(&mut self, now: Instant, frame: Vec<u8>) {
        if self.is_dead(now) || self.waiting >= MOST_FRAMES {
            return;
        }
        if let Some(datagram) = Datagram::parse(&frame) {
            self.shared.learn(*datagram.from.ip(), datagram.from_mac);
            if Dhcp::wants(&datagram) {
                self.dhcp.handle(now, &datagram, &mut self.shared);
                return;
            }
        }
        if self.nodes.look(now, &frame, &mut self.shared) {
            return;
        }
        self.router.look(now, &frame, &self.shared);
        self.dhcp6.look(now, &frame, &mut self.shared);
        self.waiting += 1;
        self.stack.receive(frame);
    }

    /// Answers what has arrived and does what is due.
    pub fn poll(&mut self, now: Instant) {
        /// Rounds in which something happened; the next `poll` goes on.
        const MOST_ROUNDS: usize = 10_000;
        self.waiting = 0;
        if self.is_dead(now) {
            self.stack.clear();
            return;
        }
        for _ in 0..MOST_ROUNDS {
            let mut changed = self.stack.poll(now);
            self.dhcp.poll(now, |frame| self.stack.send_raw(frame));
            self.dhcp6.poll(now, |frame| self.stack.send_raw(frame));
            self.nodes.poll(now, |frame| self.stack.send_raw(frame));
            self.router.poll(now, &mut self.shared);
            changed |= self.dns.service(now, &mut self.stack, &mut self.shared);
            changed |= self.tftp.service(now, &mut self.stack, &mut self.shared);
            changed |= self.http.service(now, &mut self.stack, &mut self.shared);
            changed |= self.https.service(now, &mut self.stack, &mut self.shared);
            changed |= self.ubp.service(now, &mut self.stack, &mut self.shared);
            for frame in self.shared.raw.drain(..) {
                self.stack.send_raw(frame);
            }
            if !changed {
                return;
            }
        }
    }

    /// The next frame to send.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.stack.transmit()
    }

    /// When [`poll`](Self::poll) is to be called again without a frame; `None` is never.
    pub fn poll_at(&mut self, now: Instant) -> Option<Instant> {
        if self.is_dead(now) {
            return None;
        }
        let protocols = [
            self.stack.poll_at(now),
            self.dhcp.poll_at(),
            self.dhcp6.poll_at(),
            self.router.poll_at(),
            self.nodes.poll_at(),
            self.dns.poll_at(),
            self.tftp.poll_at(),
            self.http.poll_at(&self.shared),
            self.https.poll_at(&self.shared),
            self.ubp.poll_at(),
        ];
        protocols.into_iter().fold(None, earlier)
    }

    /// What was served so far, in order of its end.
    pub fn served(&self) -> &[Served] {
        &self.shared.served
    }

    /// The TLS connections so far, in order of their beginning.
    pub fn tls_connections(&self) -> &[TlsConnection] {
        &self.shared.tls
    }

    /// Path and content of each POST that was answered, in their order.
    pub fn posted(&self) -> &[(String, Vec<u8>)] {
        &self.shared.posted
    }

    /// The faults, to add some or to see how often they struck.
    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.shared.config.faults
    }

    /// The configuration. Files, names, leases and answers may change while the server runs; addresses,
    /// ports and sockets are those of the start.
    pub fn config_mut(&mut self) -> &mut ServerConfig {
        &mut self.shared.config
    }

    /// The hardware address of the server.
    pub fn mac(&self) -> [u8; 6] {
        self.shared.config.mac
    }

    /// The address of the server.
    pub fn ip(&self) -> Ipv4Addr {
        self.shared.config.ip
    }

    /// Sends a frame as it is, after those that wait to be sent.
    pub fn inject(&mut self, frame: Vec<u8>) {
        self.stack.send_raw(frame);
    }

    fn is_dead(&self, now: Instant) -> bool {
        self.shared
            .config
            .faults
            .dies_at
            .is_some_and(|at| at <= now)
    }
}
