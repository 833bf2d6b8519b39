//! Says what an arriving message does to the client.

use super::{Client, Event, LostReason, State};
use crate::boot;
use crate::error::DhcpError;
use crate::lease::Lease;
use crate::offer::PxeServer;
use crate::options::code;
use crate::packet::{MessageType, Packet};
use crate::raw::Taken;
use crate::retry::{PROBE_DEADLINE, REFUSED_DELAY, jitter};
use core::net::Ipv4Addr;
use netboot_core::Instant;
use netboot_core::boot::BootOrigin;
use rand_core::RngCore;

impl Client {
    #[inline(never)]
    pub(super) fn receive(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        from: Ipv4Addr,
        datagram: &[u8],
    ) -> Result<Taken, DhcpError> {
        let packet = Packet::parse(datagram)?;
        let header = &packet.header;
        if !header.reply || header.chaddr != self.identity.mac || header.xid != self.xid {
            return Err(DhcpError::NotOurs);
        }
        match (self.state, packet.message) {
            (State::Discovering { .. }, MessageType::Offer) => self.offer(now, from, &packet),
            // A proxy may be slower than the server of the address.
            (State::Requesting { .. } | State::Probing { .. }, MessageType::Offer) => {
                self.offers.add_proxy(from, &packet)
            }
            (
                State::Requesting {
                    address,
                    server,
                    since,
                    ..
                },
                MessageType::Ack,
            ) => {
                of_server(&packet, server)?;
                self.agreed(&packet, address, server, since)?;
                let probe = cfg!(feature = "robust") && self.probe && !self.has_declined_enough();
                if probe {
                    self.state = State::Probing {
                        until: now + PROBE_DEADLINE,
                    };
                    self.event = Some(Event::ProbeAddress(address));
                } else {
                    self.bind(now);
                }
                Ok(Taken::Lease)
            }
            (State::Requesting { server, .. }, MessageType::Nak) => {
                surely_of_server(&packet, server)?;
                self.problem = DhcpError::Refused { server };
                self.state = State::Waiting {
                    until: now + jitter(REFUSED_DELAY, rng),
                };
                Ok(Taken::Nothing)
            }
            (State::AskingProxy { server, .. }, MessageType::Ack | MessageType::Offer) => {
                self.proxy_answer(now, from, &packet, server)
            }
            (State::Renewing(renewal) | State::Rebinding(renewal), MessageType::Ack) => {
                self.renewed(from, &packet, renewal.since)
            }
            (State::Renewing(_), MessageType::Nak) => {
                let server = self.lease.as_ref().map(|lease| lease.server_id);
                surely_of_server(&packet, server.unwrap_or(from))?;
                self.lose(now, rng, LostReason::Refused);
                Ok(Taken::Nothing)
            }
            (State::Rebinding(_), MessageType::Nak) => {
                self.lose(now, rng, LostReason::Refused);
                Ok(Taken::Nothing)
            }
            _ => Err(DhcpError::Unexpected),
        }
    }

    fn offer(
        &mut self,
        now: Instant,
        from: Ipv4Addr,
        packet: &Packet<'_>,
    ) -> Result<Taken, DhcpError> {
        let taken = self.offers.add(from, packet)?;
        if self.offers.best().is_none() {
            return Ok(taken);
        }
        let window = now + self.offer_window;
        if let State::Discovering { retry, decide_at } = &mut self.state {
            // When the client holds an offer it need not ask again.
            retry.due = false;
            let at = *decide_at.get_or_insert(window);
            if self.offers.is_complete() || now >= at {
                self.request(now);
            }
        }
        Ok(taken)
    }

    /// Reads the lease in an ACK, which must be for the address that both sides have in mind.
    fn agreed(
        &mut self,
        packet: &Packet<'_>,
        address: Ipv4Addr,
        server: Ipv4Addr,
        since: Instant,
    ) -> Result<(), DhcpError> {
        if packet.header.yiaddr != address {
            return Err(DhcpError::WrongAddress {
                address: packet.header.yiaddr,
            });
        }
        Lease::read(&mut self.lease, packet, server, since)
    }

    fn renewed(
        &mut self,
        from: Ipv4Addr,
        packet: &Packet<'_>,
        since: Instant,
    ) -> Result<Taken, DhcpError> {
        let Some(held) = &self.lease else {
            return Err(DhcpError::Unexpected);
        };
        self.agreed(packet, held.address, from, since)?;
        self.settle(Event::Renewed);
        Ok(Taken::Lease)
    }

    /// Takes an answer from port 4011: boot information for an address that the client has, or a menu of which it takes the first
    /// service. It looks into one menu only, and asks nobody for a menu without a service.
    fn proxy_answer(
        &mut self,
        now: Instant,
        from: Ipv4Addr,
        packet: &Packet<'_>,
        asked: PxeServer,
    ) -> Result<Taken, DhcpError> {
        if from != asked.address {
            of_server(packet, asked.address)?;
        }
        if !boot::is_known_in(packet) {
            let Some(server) = asked.next(packet) else {
                return Err(DhcpError::Unexpected);
            };
            self.ask_pxe(now, server);
            if server.service.is_none() {
                self.settle(Event::BootInfo);
            }
            return Ok(Taken::Nothing);
        }
        if let Some(lease) = &mut self.lease {
            boot::read(&mut lease.config.boot, packet, from, BootOrigin::Proxy);
        }
        self.settle(Event::BootInfo);
        Ok(Taken::Proxy)
    }
}

/// Checks that the message is from `server`, if it says from whom it is.
fn of_server(packet: &Packet<'_>, server: Ipv4Addr) -> Result<(), DhcpError> {
    match packet.options.address(code::SERVER_ID) {
        Some(id) if id != server => Err(DhcpError::WrongServer),
        _ => Ok(()),
    }
}

/// Checks that the message says that it is from `server`. A refusal without option 54, which RFC 2131 demands (section 4.3.2), could
/// be any server's.
fn surely_of_server(packet: &Packet<'_>, server: Ipv4Addr) -> Result<(), DhcpError> {
    match packet.options.address(code::SERVER_ID) {
        Some(id) if id == server => Ok(()),
        _ => Err(DhcpError::WrongServer),
    }
}
