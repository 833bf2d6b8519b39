//! DHCP server, ProxyDHCP server and a rival: RFC 2131 sections 4.1 and 4.3, RFC 2132, PXE 2.1 section 2.2.3.
//!
//! It works on frames, below the IP stack: its clients have no address yet and cannot answer ARP.

mod leases;
pub mod message;
mod spoil;

use crate::config::{BootPlacement, LeaseConfig, ProxyConfig};
use crate::faults::{DhcpDamage, DhcpFault};
use crate::frame::{BROADCAST, Datagram};
use crate::pending::Pending;
use crate::served::Protocol;
use crate::shared::Shared;
use leases::Leases;
use message::{Layout, Reply, Request, kind, option};
use netboot_core::{Duration, Instant};
use spoil::{spoil, spoil_octets};
use std::net::{Ipv4Addr, SocketAddrV4};

const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;
/// Where PXE clients ask a boot server by unicast.
const BOOT_SERVER_PORT: u16 = 4011;

/// The DHCP side of the server.
#[derive(Default)]
pub struct Dhcp {
    main: Leases,
    rival: Leases,
    pending: Pending,
}

impl Dhcp {
    /// Whether a datagram is for DHCP and must not reach the IP stack.
    pub fn wants(datagram: &Datagram<'_>) -> bool {
        matches!(datagram.to.port(), SERVER_PORT | BOOT_SERVER_PORT)
    }

    /// Answers a datagram; the answers are sent by [`poll`](Self::poll).
    pub fn handle(&mut self, now: Instant, datagram: &Datagram<'_>, shared: &mut Shared) {
        if self.pending.room() == 0 {
            return;
        }
        let Some(request) = Request::parse(datagram.payload) else {
            log::debug!("{now} DHCP: unreadable message from {}", datagram.from);
            return;
        };
        let to_everybody = datagram.to_mac == BROADCAST;
        let to = *datagram.to.ip();
        let is_for = |ip| to_everybody || to == ip;
        if datagram.to.port() == SERVER_PORT {
            if is_for(shared.config.ip) {
                self.answer_as_main(now, &request, datagram, shared);
            }
            if let Some(rival) = shared.config.rival.clone()
                && rival.lease.enabled
                && is_for(rival.ip)
            {
                let reply = answer(&mut self.rival, rival.ip, &rival.lease, shared, &request);
                self.finish(
                    now,
                    "rival:",
                    rival.ip,
                    reply,
                    &rival.lease,
                    &request,
                    datagram,
                    shared,
                );
            }
        }
        if let Some(proxy) = shared.config.proxy.clone()
            && is_for(proxy.ip)
        {
            self.answer_as_proxy(now, &proxy, &request, datagram, shared);
        }
    }

    /// Takes the answers that are due.
    pub fn poll(&mut self, now: Instant, send: impl FnMut(Vec<u8>)) {
        self.pending.poll(now, send);
    }

    /// When the next answer is due.
    pub fn poll_at(&self) -> Option<Instant> {
        self.pending.poll_at()
    }

    fn answer_as_main(
        &mut self,
        now: Instant,
        request: &Request,
        datagram: &Datagram<'_>,
        shared: &mut Shared,
    ) {
        let lease = shared.config.lease.clone();
        if !lease.enabled {
            return;
        }
        let faults = shared.config.faults.dhcp.strike(name_of(request.kind));
        if faults.contains(&DhcpFault::Silent) {
            shared.record(now, Protocol::Dhcp, name_of(request.kind), 0, false);
            return;
        }
        let ip = shared.config.ip;
        let mut reply = answer(&mut self.main, ip, &lease, shared, request);
        if let Some((answered, reply)) = &mut reply {
            spoil(&faults, answered, reply, request, ip);
        }
        let Some((answered, mut reply)) = reply else {
            shared.record(now, Protocol::Dhcp, name_of(request.kind), 0, true);
            return;
        };
        let mut layout = Layout::default();
        let mut damage = None;
        let mut delay = if answered == kind::OFFER {
            lease.offer_delay
        } else {
            Duration::ZERO
        };
        let mut copies = 1;
        for fault in &faults {
            match fault {
                DhcpFault::Overload => layout.overload = true,
                DhcpFault::SplitOptions => layout.split = true,
                DhcpFault::Padded => layout.pad = true,
                DhcpFault::Delay(span) => delay += *span,
                DhcpFault::Duplicate => copies = 2,
                DhcpFault::Malformed(what) => damage = Some(*what),
                _ => {}
            }
        }
        if damage == Some(DhcpDamage::OptionLengths) {
            for (_, value) in reply.options.iter_mut().skip(1) {
                value.push(0);
            }
        }
        let mut message = reply.encode(layout);
        if let Some(damage) = damage {
            spoil_octets(damage, &mut message, shared);
        }
        for _ in 0..copies {
            let from = SocketAddrV4::new(ip, SERVER_PORT);
            self.queue(
                now + delay,
                from,
                answered,
                &reply,
                &message,
                datagram,
                shared,
            );
        }
        shared.record(
            now,
            Protocol::Dhcp,
            name_of(request.kind),
            answered.into(),
            true,
        );
    }

    fn answer_as_proxy(
        &mut self,
        now: Instant,
        proxy: &ProxyConfig,
        request: &Request,
        datagram: &Datagram<'_>,
        shared: &mut Shared,
    ) {
        let class = request.option(option::CLASS_ID).unwrap_or_default();
        let class: &[u8] = if class.starts_with(b"PXEClient") {
            b"PXEClient"
        } else if class.starts_with(b"HTTPClient") {
            b"HTTPClient"
        } else if proxy.any_client {
            b"PXEClient"
        } else {
            return;
        };
        let by_unicast = datagram.to.port() == BOOT_SERVER_PORT;
        let answered = match (request.kind, by_unicast) {
            (kind::DISCOVER, false) => kind::OFFER,
            (kind::REQUEST | kind::INFORM, true) => kind::ACK,
            _ => return,
        };
        let mut reply = blank(request);
        reply.options.push((option::MESSAGE_TYPE, vec![answered]));
        reply
            .options
            .push((option::SERVER_ID, proxy.ip.octets().to_vec()));
        reply.options.push((option::CLASS_ID, class.to_vec()));
        echo_identifiers(request, &mut reply);
        reply.options.extend(proxy.options.iter().cloned());
        reply.siaddr = proxy.next_server.unwrap_or(Ipv4Addr::UNSPECIFIED);
        place_boot_info(
            &mut reply,
            request,
            proxy.placement,
            proxy.boot_file.as_deref(),
            proxy.server_name.as_deref(),
        );
        let message = reply.encode(Layout::default());
        let delay = if by_unicast {
            Duration::ZERO
        } else {
            proxy.offer_delay
        };
        if by_unicast {
            let frame = Datagram {
                from_mac: shared.config.mac,
                to_mac: datagram.from_mac,
                from: datagram.to,
                to: datagram.from,
                payload: &message,
            }
            .frame();
            self.pending.push(now, frame);
        } else {
            let from = SocketAddrV4::new(proxy.ip, SERVER_PORT);
            self.queue(
                now + delay,
                from,
                answered,
                &reply,
                &message,
                datagram,
                shared,
            );
        }
        let name = format!("proxy:{}", name_of(request.kind));
        shared.record(now, Protocol::Dhcp, &name, answered.into(), true);
    }

    #[expect(clippy::too_many_arguments, reason = "one call")]
    fn finish(
        &mut self,
        now: Instant,
        who: &str,
        ip: Ipv4Addr,
        reply: Option<(u8, Reply)>,
        lease: &LeaseConfig,
        request: &Request,
        datagram: &Datagram<'_>,
        shared: &mut Shared,
    ) {
        let mut status = 0;
        if let Some((answered, reply)) = reply {
            let delay = if answered == kind::OFFER {
                lease.offer_delay
            } else {
                Duration::ZERO
            };
            let message = reply.encode(Layout::default());
            let from = SocketAddrV4::new(ip, SERVER_PORT);
            self.queue(
                now + delay,
                from,
                answered,
                &reply,
                &message,
                datagram,
                shared,
            );
            status = answered;
        }
        let name = format!("{who}{}", name_of(request.kind));
        shared.record(now, Protocol::Dhcp, &name, status.into(), true);
    }

    /// Addresses an answer as RFC 2131 section 4.1 says and queues it.
    #[expect(clippy::too_many_arguments, reason = "the parts of a frame")]
    fn queue(
        &mut self,
        at: Instant,
        from: SocketAddrV4,
        answered: u8,
        reply: &Reply,
        message: &[u8],
        datagram: &Datagram<'_>,
        shared: &Shared,
    ) {
        let broadcast = (BROADCAST, Ipv4Addr::BROADCAST, CLIENT_PORT);
        let (to_mac, to, port) = if !reply.giaddr.is_unspecified() {
            (datagram.from_mac, reply.giaddr, SERVER_PORT)
        } else if answered == kind::NAK {
            broadcast
        } else if !reply.ciaddr.is_unspecified() {
            (datagram.from_mac, reply.ciaddr, CLIENT_PORT)
        } else if reply.flags[0] & 0x80 != 0 || reply.yiaddr.is_unspecified() {
            broadcast
        } else {
            (reply.chaddr, reply.yiaddr, CLIENT_PORT)
        };
        let frame = Datagram {
            from_mac: shared.config.mac,
            to_mac,
            from,
            to: SocketAddrV4::new(to, port),
            payload: message,
        }
        .frame();
        self.pending.push(at, frame);
    }
}

/// The name of a message in records and rules.
pub fn name_of(kind: u8) -> &'static str {
    match kind {
        kind::DISCOVER => "discover",
        kind::OFFER => "offer",
        kind::REQUEST => "request",
        kind::DECLINE => "decline",
        kind::ACK => "ack",
        kind::NAK => "nak",
        kind::RELEASE => "release",
        kind::INFORM => "inform",
        _ => "unknown",
    }
}

/// What a leasing server answers: the type and the message.
fn answer(
    leases: &mut Leases,
    ip: Ipv4Addr,
    lease: &LeaseConfig,
    shared: &Shared,
    request: &Request,
) -> Option<(u8, Reply)> {
    let (answered, address) = match request.kind {
        kind::DISCOVER => (kind::OFFER, leases.offer(request.chaddr, lease.address)?),
        kind::REQUEST => match decide(leases, ip, lease, request)? {
            Some(address) => (kind::ACK, address),
            None => (kind::NAK, Ipv4Addr::UNSPECIFIED),
        },
        kind::INFORM => (kind::ACK, Ipv4Addr::UNSPECIFIED),
        kind::DECLINE => {
            if request.address_option(option::SERVER_ID) == Some(ip)
                && let Some(address) = request.address_option(option::REQUESTED_ADDRESS)
            {
                leases.decline(request.chaddr, address);
            }
            return None;
        }
        kind::RELEASE => {
            leases.release(request.chaddr);
            return None;
        }
        _ => return None,
    };
    let mut reply = blank(request);
    reply.yiaddr = address;
    reply.options.push((option::MESSAGE_TYPE, vec![answered]));
    reply
        .options
        .push((option::SERVER_ID, ip.octets().to_vec()));
    echo_identifiers(request, &mut reply);
    if answered == kind::NAK {
        reply.ciaddr = Ipv4Addr::UNSPECIFIED;
        return Some((answered, reply));
    }
    if request.kind != kind::INFORM {
        let seconds = u32::try_from(lease.lease_time.as_secs()).unwrap_or(u32::MAX);
        reply
            .options
            .push((option::LEASE_TIME, seconds.to_be_bytes().to_vec()));
    }
    add_options(&mut reply, lease, shared, request);
    reply.siaddr = lease.next_server.unwrap_or(Ipv4Addr::UNSPECIFIED);
    place_boot_info(
        &mut reply,
        request,
        lease.placement,
        lease.boot_file.as_deref(),
        lease.server_name.as_deref(),
    );
    Some((answered, reply))
}

/// RFC 2131 section 4.3.2: `None` is silence, `Some(None)` a refusal.
fn decide(
    leases: &mut Leases,
    ip: Ipv4Addr,
    lease: &LeaseConfig,
    request: &Request,
) -> Option<Option<Ipv4Addr>> {
    let requested = request.address_option(option::REQUESTED_ADDRESS);
    let granted = match request.address_option(option::SERVER_ID) {
        Some(chosen) if chosen != ip => {
            leases.release(request.chaddr);
            return None;
        }
        // SELECTING: what was offered, and nothing else.
        Some(_) => requested.filter(|address| leases.bound(request.chaddr) == Some(*address)),
        // INIT-REBOOT, RENEWING, REBINDING: what the client had, if it can have it.
        None => {
            let claimed =
                requested.or((!request.ciaddr.is_unspecified()).then_some(request.ciaddr))?;
            leases
                .claim(request.chaddr, claimed, lease.address)
                .then_some(claimed)
        }
    };
    Some(granted)
}

fn blank(request: &Request) -> Reply {
    Reply {
        xid: request.xid,
        flags: request.flags,
        ciaddr: request.ciaddr,
        yiaddr: Ipv4Addr::UNSPECIFIED,
        siaddr: Ipv4Addr::UNSPECIFIED,
        giaddr: request.giaddr,
        chaddr: request.chaddr,
        sname: Vec::new(),
        file: Vec::new(),
        options: Vec::new(),
    }
}

/// RFC 6842: the client identifier is returned; PXE does the same with the GUID.
fn echo_identifiers(request: &Request, reply: &mut Reply) {
    for code in [option::CLIENT_ID, option::CLIENT_GUID] {
        if let Some(value) = request.option(code) {
            reply.options.push((code, value.to_vec()));
        }
    }
}

fn add_options(reply: &mut Reply, lease: &LeaseConfig, shared: &Shared, request: &Request) {
    let wanted = request
        .option(option::PARAMETER_LIST)
        .filter(|_| lease.honour_parameter_list);
    let mut add = |code: u8, value: Vec<u8>| {
        if wanted.is_none_or(|list| list.contains(&code)) {
            reply.options.push((code, value));
        }
    };
    let overridden = |code: u8| lease.options.iter().any(|(c, _)| *c == code);
    let addresses = |list: &[Ipv4Addr]| list.iter().flat_map(Ipv4Addr::octets).collect::<Vec<_>>();
    let seconds = |span: Duration| {
        let seconds = u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
        seconds.to_be_bytes().to_vec()
    };
    let mask = u32::MAX
        .checked_shl(32 - u32::from(shared.config.prefix_len.min(32)))
        .unwrap_or(0);
    let standard = [
        (option::SUBNET_MASK, mask.to_be_bytes().to_vec()),
        (option::ROUTERS, addresses(&lease.routers)),
        (option::DNS, addresses(&lease.dns)),
        (
            option::RENEWAL_TIME,
            lease.renewal_time.map(seconds).unwrap_or_default(),
        ),
        (
            option::REBINDING_TIME,
            lease.rebinding_time.map(seconds).unwrap_or_default(),
        ),
    ];
    for (code, value) in standard {
        if !value.is_empty() && !overridden(code) {
            add(code, value);
        }
    }
    for (code, value) in &lease.options {
        add(*code, value.clone());
    }
}

fn place_boot_info(
    reply: &mut Reply,
    request: &Request,
    placement: BootPlacement,
    boot_file: Option<&str>,
    server_name: Option<&str>,
) {
    let asked = |code: u8| {
        let list = request.option(option::PARAMETER_LIST);
        list.is_none_or(|list| list.contains(&code))
    };
    for (code, text) in [
        (option::SERVER_NAME, server_name),
        (option::BOOT_FILE, boot_file),
    ] {
        let Some(text) = text else { continue };
        let (in_option, in_field) = match placement {
            BootPlacement::Auto => (asked(code), !asked(code)),
            BootPlacement::Options => (true, false),
            BootPlacement::Fields => (false, true),
            BootPlacement::Both => (true, true),
        };
        if in_option && !reply.options.iter().any(|(c, _)| *c == code) {
            reply.options.push((code, text.as_bytes().to_vec()));
        }
        if in_field {
            let field = if code == option::BOOT_FILE {
                &mut reply.file
            } else {
                &mut reply.sname
            };
            *field = text.as_bytes().to_vec();
        }
    }
}
