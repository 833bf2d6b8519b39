//! Frames, from the board's device to the IP stack and back.
//!
//! The link lies under smoltcp, which sees IP packets only. Ethernet, VLAN tags, ARP and the choice of the next hop are here:
//! smoltcp's own ARP believes nobody outside of the own prefix, does not follow a server that moves to another card, and asks
//! for one neighbour in a second.
//!
//! | file | what |
//! |---|---|
//! | `ethernet` | headers and VLAN tags |
//! | `arp` | ARP messages, and the watch for other users of an address |
//! | `neighbors` | hardware addresses that are known |
//! | `routes` | which neighbour a packet goes to |
//! | `egress` | the way out: from a packet to a frame |
//! | `arrival` | the way in: checksums, and the datagrams that are read where the device put them |

mod arp;
mod arrival;
mod checksum;
mod egress;
mod ethernet;
mod neighbors;
mod routes;

use arp::{Arp, Watch};
use arrival::{Arrival, Datagram, Direct};
use core::net::Ipv4Addr;
pub(crate) use egress::{Egress, Tx, WAITING};
pub(crate) use ethernet::Mac;
use netboot_core::net::is_host;
use netboot_core::{Device, DeviceInfo, FrameSlot, Instant, Received, TxSlot};
pub(crate) use routes::RouteRefused;

/// A device with the taps on it.
pub(crate) struct Link<'w, D> {
    device: D,
    watch: Watch,
    /// The way out.
    pub egress: Egress<'w>,
    /// The UDP port of the transfer, whose datagrams are read where the device put them.
    pub port: Option<u16>,
    /// The UDP port of the query for a name that waits for its answer.
    #[cfg(feature = "dns")]
    pub dns: Option<u16>,
    /// The datagram that is read in place, and the slot of its frame.
    kept: Option<(FrameSlot, Datagram)>,
    /// Set when the device has to keep the frame that arrived last.
    found: Option<Datagram>,
    /// Hardware address that the last DHCP message came from.
    servant: Mac,
    /// Number of fragments of IP packets that were dropped.
    pub fragments: u16,
}

/// Takes the IP packets that are not read in place.
pub(crate) trait TakePacket {
    /// Takes a packet, with a buffer for the answer.
    fn take<T: TxSlot>(&mut self, now: Instant, packet: &[u8], tx: Tx<'_, '_, T>);
}

/// Takes a message for a service, with address and port of its sender.
pub(crate) type TakeMessage<'t> = &'t mut dyn FnMut(Service, (Ipv4Addr, u16), &[u8]);

/// A service of the station that takes messages where the device put them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// The lease.
    Dhcp,
    /// The resolver of names.
    #[cfg(feature = "dns")]
    Dns,
}

impl<'w, D: Device> Link<'w, D> {
    #[inline(always)]
    pub fn new(device: D, vlan: Option<u16>, waiting: &'w mut [u8; WAITING]) -> Self {
        let mac = device.info().mac;
        Self {
            device,
            watch: Watch::new(None),
            egress: Egress::new(mac, vlan, waiting),
            port: None,
            #[cfg(feature = "dns")]
            dns: None,
            kept: None,
            found: None,
            servant: mac,
            fragments: 0,
        }
    }

    /// Keeps the datagram that the last `receive` found, if it found one.
    pub fn hold(&mut self) -> bool {
        let Some(datagram) = self.found.take() else {
            return false;
        };
        // A device that cannot keep the frame has lost it, as the wire may.
        if let Some(slot) = self.device.hold() {
            self.kept = Some((slot, datagram));
        }
        true
    }

    /// Whether a datagram is kept.
    pub fn holds(&self) -> bool {
        self.kept.is_some()
    }

    /// The datagram that is kept: address and port of its sender, and its payload.
    pub fn datagram(&self) -> Option<(Ipv4Addr, u16, &[u8])> {
        let (slot, datagram) = self.kept.as_ref()?;
        let payload = self.device.held(slot).get(datagram.payload.clone())?;
        Some((datagram.source, datagram.port, payload))
    }

    /// Gives the datagram's buffer back to the device.
    pub fn release(&mut self) {
        if let Some((slot, _)) = self.kept.take() {
            self.device.release(slot);
        }
    }

    /// Starts or ends watching for other users of an address.
    pub fn watch(&mut self, address: Option<Ipv4Addr>) {
        self.watch = Watch::new(address);
    }

    /// The hardware address of another station that was seen to use the watched address, or to probe for it.
    pub fn conflict(&self) -> Option<Mac> {
        self.watch.conflict
    }

    /// Asks everybody on the link who has `target`, in the name of `sender`: 0.0.0.0 for a probe (RFC 5227, section 2.1.1), the
    /// target itself for an announcement (section 2.3). The question is lost when no transmit buffer is free.
    #[inline(never)]
    pub fn send_arp(&mut self, sender: Ipv4Addr, target: Ipv4Addr) {
        let Self { device, egress, .. } = self;
        if let Some(slot) = device.transmit() {
            let len = egress.arp_len();
            slot.send(len, |frame| egress.emit_question(frame, sender, target));
        }
    }

    /// Sends what could not be sent while frames arrived: the packet whose neighbour is known now, and the question whether an
    /// old neighbour is still there.
    #[inline(never)]
    pub fn service(&mut self, now: Instant) {
        if self.egress.ready {
            let Self { device, egress, .. } = self;
            if let Some(slot) = device.transmit() {
                let len = egress.waited_len();
                slot.send(len, |frame| egress.emit_waited(frame, now));
            }
        }
        let stale = self.egress.neighbors.take_stale();
        if let (Some(target), Some(own)) = (stale, self.egress.address) {
            self.send_arp(own, target);
        }
    }

    /// Takes the next frame from the device, and hands on what it holds; `false` when none has arrived.
    #[inline(never)]
    pub fn receive(
        &mut self,
        now: Instant,
        messages: TakeMessage<'_>,
        packets: &mut impl TakePacket,
    ) -> bool {
        let direct = Direct {
            address: self.egress.address,
            port: self.port,
            #[cfg(feature = "dns")]
            dns: self.dns,
        };
        let Some(Received {
            frame,
            rx_checksum_verified,
            tx,
        }) = self.device.receive()
        else {
            return false;
        };
        let egress = &mut self.egress;
        let Some(head) = ethernet::parse(frame, egress.vlan) else {
            return true;
        };
        let alone = *head.destination == egress.mac;
        // A frame of our own comes back where the wire has a loop.
        if *head.source == egress.mac || !(alone || ethernet::is_group(*head.destination)) {
            return true;
        }
        let payload = frame.get(head.len..).unwrap_or_default();
        if head.ethertype == ethernet::ARP {
            if let Some(message) = Arp::parse(payload) {
                if cfg!(feature = "robust") {
                    self.watch.look(message, alone, self.servant);
                }
                answer(egress, message, tx, now);
            }
            return true;
        }
        if head.ethertype != ethernet::IPV4 {
            return true;
        }
        match arrival::look(frame, head.len, direct, rx_checksum_verified) {
            Arrival::Other => packets.take(now, payload, Tx::new(tx, egress, now)),
            Arrival::Damaged => {}
            Arrival::Fragment => self.fragments = self.fragments.saturating_add(1),
            Arrival::Datagram(datagram) => {
                // One is kept already only when the sink stands still. This one is lost then, and asked for again.
                if self.kept.is_none() {
                    self.found = Some(datagram);
                }
            }
            Arrival::Message(service, datagram) => {
                let Datagram {
                    source,
                    port,
                    payload,
                } = datagram;
                if service == Service::Dhcp {
                    self.servant = *head.source;
                    // Whoever sent it is a neighbour, and mostly the first one that the station speaks to: the server itself,
                    // or the router that relays for it.
                    if cfg!(feature = "fast-start") && is_host(source) {
                        egress.learn(now, source, *head.source, true);
                    }
                }
                messages(
                    service,
                    (source, port),
                    frame.get(payload).unwrap_or_default(),
                );
            }
        }
        true
    }

    pub fn device(&mut self) -> &mut D {
        &mut self.device
    }

    pub fn info(&self) -> DeviceInfo {
        self.device.info()
    }

    /// A transmit buffer for one IP packet.
    #[inline(never)]
    pub fn transmit(&mut self, now: Instant) -> Option<Tx<'_, 'w, D::Tx<'_>>> {
        let slot = self.device.transmit()?;
        Some(Tx::new(slot, &mut self.egress, now))
    }
}

/// Learns from an ARP message, and answers it if it asks for the station (RFC 826).
#[inline(never)]
fn answer<T: TxSlot>(egress: &mut Egress<'_>, message: &Arp, tx: T, now: Instant) {
    let Some(own) = egress.address else {
        return;
    };
    let for_us = message.target() == own;
    if message.sender() != own && message.has_sender() {
        egress.learn(now, message.sender(), message.sender_mac, for_us);
    }
    if for_us && message.is_request() {
        let to = message.sender_mac;
        let reply = Arp::new(arp::REPLY, (egress.mac, own), to, message.sender());
        tx.send(egress.arp_len(), |frame| egress.emit_arp(frame, &reply, to));
    }
}
