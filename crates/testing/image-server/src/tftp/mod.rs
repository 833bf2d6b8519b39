//! TFTP server: RFC 1350 with RFC 2347, 2348, 2349 and 7440. Reads only.
//!
//! It shares no code with the TFTP client. Each transfer has a port of its own, its transfer id (TID).

pub mod packet;
pub mod transfer;

use crate::faults::TftpFault;
use crate::frame::Datagram;
use crate::served::{Protocol, Served};
use crate::shared::{Shared, plain};
use crate::stack::{Stack, earlier};
use netboot_core::{Duration, Instant};
use packet::{Request, error, opcode};
use rand_core::RngCore;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::udp::{self, UdpMetadata};
use smoltcp::wire::{IpAddress, IpEndpoint};
use std::net::{Ipv4Addr, SocketAddrV4};
use transfer::Transfer;

const PORT: u16 = 69;
/// Packets that a socket can queue; a longer window goes out in pieces.
const QUEUE: usize = 32;
/// Header and the longest block.
const LONGEST: usize = 4 + 1_468;
/// What a transfer sent last, such as an error, may wait for the client's Ethernet address so long.
const LINGER: Duration = Duration::from_secs(10);
/// Requests that may wait.
const LISTEN_QUEUE: usize = 16;

/// The TFTP server.
pub struct Tftp {
    listener: Option<SocketHandle>,
    active: Vec<Active>,
}

/// A transfer and its socket.
struct Active {
    socket: SocketHandle,
    /// The server's transfer id.
    tid: u16,
    peer: UdpMetadata,
    name: String,
    transfer: Transfer,
    /// Mixes in packets of a foreign TID.
    decoy: Option<u16>,
    /// Something was sent.
    started: bool,
    /// The socket takes nothing now.
    blocked: bool,
    /// When it ended and was recorded.
    ended: Option<Instant>,
}

impl Tftp {
    /// Listens on port 69 unless the configuration says otherwise.
    pub fn new(stack: &mut Stack, shared: &Shared) -> Self {
        let enabled = shared.config.tftp.enabled;
        Self {
            listener: enabled
                .then(|| stack.udp(PORT, LISTEN_QUEUE, LONGEST))
                .flatten(),
            active: Vec::new(),
        }
    }

    /// Answers requests and goes on with transfers; whether anything was sent or ended.
    pub fn service(&mut self, now: Instant, stack: &mut Stack, shared: &mut Shared) -> bool {
        let mut changed = self.accept(now, stack, shared);
        for active in &mut self.active {
            changed |= active.service(now, stack, shared);
        }
        self.active.retain(|active| {
            let queued = stack
                .sockets
                .get::<udp::Socket<'_>>(active.socket)
                .send_queue();
            let given_up = active.ended.is_some() && active.poll_at() <= now;
            let over = given_up || active.transfer.is_over(now) && queued == 0;
            if over {
                stack.sockets.remove(active.socket);
            }
            !over
        });
        changed
    }

    /// When a transfer has something to do by itself.
    pub fn poll_at(&self) -> Option<Instant> {
        let deadlines = self.active.iter().map(Active::poll_at);
        deadlines
            .filter(|at| *at != Instant::FAR_FUTURE)
            .fold(None, |a, b| earlier(a, Some(b)))
    }

    fn accept(&mut self, now: Instant, stack: &mut Stack, shared: &mut Shared) -> bool {
        let Some(listener) = self.listener else {
            return false;
        };
        let mut changed = false;
        loop {
            let socket = stack.sockets.get_mut::<udp::Socket<'_>>(listener);
            let Ok((packet, mut peer)) = socket.recv() else {
                return changed;
            };
            peer.meta = Default::default();
            // What is no request deserves no answer: an ERROR could answer an ERROR.
            let Some(request) = Request::parse(packet) else {
                continue;
            };
            changed = true;
            self.start(now, request, peer, stack, shared);
        }
    }

    fn start(
        &mut self,
        now: Instant,
        request: Request,
        peer: UdpMetadata,
        stack: &mut Stack,
        shared: &mut Shared,
    ) {
        let name = plain(&request.name).to_string();
        let faults = shared.config.faults.tftp.strike(&name);
        if faults.contains(&TftpFault::NoAnswer) {
            shared.record(now, Protocol::Tftp, &name, 0, false);
            return;
        }
        let mut refusal = None;
        let mut content = shared.file(&name).cloned();
        for fault in &faults {
            match fault {
                TftpFault::Replace(other) => content = Some(other.clone()),
                TftpFault::Burst(frames, octets) => shared.burst(*frames, *octets),
                _ => {}
            }
        }
        if request.write {
            refusal = Some(TftpFault::Error(error::ACCESS, "Read only".into()));
        } else if request.mode != "octet" {
            refusal = Some(TftpFault::Error(error::ILLEGAL, "Octet mode only".into()));
        } else if content.is_none() {
            refusal = Some(TftpFault::Error(error::NOT_FOUND, "File not found".into()));
        }
        let faults = match refusal {
            Some(refusal) => vec![refusal],
            None => faults,
        };
        let decoy = faults
            .contains(&TftpFault::ForeignTid)
            .then(|| self.free_tid(shared));
        let tid = self.free_tid(shared);
        // There must be free ports.
        let most = shared.config.tftp.max_transfers.clamp(1, 4_096);
        if self.active.len() >= most {
            let mut oldest = self.active.remove(0);
            oldest.record(now, shared);
            stack.sockets.remove(oldest.socket);
        }
        let Some(socket) = stack.udp(tid, QUEUE, LONGEST) else {
            return;
        };
        let content = content.unwrap_or_else(|| "".into());
        self.active.push(Active {
            socket,
            tid,
            peer,
            name,
            transfer: Transfer::new(now, &request, content, &shared.config.tftp, faults),
            decoy,
            started: false,
            blocked: false,
            ended: None,
        });
    }

    /// A random port that no transfer uses (RFC 1350 section 4).
    fn free_tid(&self, shared: &mut Shared) -> u16 {
        loop {
            let tid = 0xC000 | (shared.rng.next_u32() as u16 & 0x3FFF);
            let used = |active: &Active| active.tid == tid || active.decoy == Some(tid);
            if !self.active.iter().any(used) {
                return tid;
            }
        }
    }
}

impl Active {
    fn poll_at(&self) -> Instant {
        match self.ended {
            Some(at) => self.transfer.silent_until().unwrap_or(at + LINGER),
            None if self.blocked => self.transfer.deadline(),
            None => self.transfer.poll_at(),
        }
    }

    fn service(&mut self, now: Instant, stack: &mut Stack, shared: &mut Shared) -> bool {
        let mut changed = false;
        let socket = stack.sockets.get_mut::<udp::Socket<'_>>(self.socket);
        let mut stranger = None;
        while let Ok((packet, from)) = socket.recv() {
            changed = true;
            if from.endpoint == self.peer.endpoint {
                self.transfer.handle(now, packet);
            } else {
                stranger = Some(from);
            }
        }
        if let Some(mut stranger) = stranger {
            stranger.meta = Default::default();
            let answer = packet::error(error::UNKNOWN_TID, "Unknown transfer ID");
            // A full queue loses the answer, as the network might.
            let _ = socket.send_slice(&answer, stranger);
        }
        self.transfer.handle_timeout(now);
        while socket.can_send() {
            let block = self.transfer.wire(self.transfer.next_block());
            let Some(packet) = self.transfer.transmit(now) else {
                break;
            };
            if socket.send_slice(&packet, self.peer).is_err() {
                self.transfer.put_back(packet);
                break;
            }
            changed = true;
            // Not before the first packet, which tells the client the right TID.
            if let Some(decoy) = self.decoy.filter(|_| self.started) {
                mislead(decoy, block, self.peer, shared);
            }
            self.started = true;
        }
        self.blocked = !socket.can_send();
        if self.transfer.outcome().is_some() && self.ended.is_none() {
            changed = true;
            self.record(now, shared);
        }
        changed
    }

    fn record(&mut self, now: Instant, shared: &mut Shared) {
        if self.ended.replace(now).is_some() {
            return;
        }
        let outcome = self.transfer.outcome();
        shared.served(Served {
            protocol: Protocol::Tftp,
            name: self.name.clone(),
            offset: 0,
            octets: outcome.map_or(0, |outcome| outcome.octets),
            status: outcome.map_or(0, |outcome| outcome.status),
            complete: outcome.is_some_and(|outcome| outcome.complete),
            at: now,
        });
    }
}

/// Sends a block of noise from a port that is not the transfer's.
fn mislead(from_port: u16, block: u16, peer: UdpMetadata, shared: &mut Shared) {
    let (Some(to), from) = (ipv4(peer.endpoint), shared.config.ip) else {
        return;
    };
    let Some(to_mac) = shared.neighbour(*to.ip()) else {
        return;
    };
    let mut payload = packet::head(opcode::DATA, block.max(1));
    payload.resize(4 + 512, 0xEE);
    let frame = Datagram {
        from_mac: shared.config.mac,
        to_mac,
        from: SocketAddrV4::new(from, from_port),
        to,
        payload: &payload,
    }
    .frame();
    shared.raw.push(frame);
}

fn ipv4(endpoint: IpEndpoint) -> Option<SocketAddrV4> {
    let address: Option<Ipv4Addr> = match endpoint.addr {
        IpAddress::Ipv4(address) => Some(address),
        IpAddress::Ipv6(_) => None,
    };
    address.map(|address| SocketAddrV4::new(address, endpoint.port))
}
