//! Frames, from the board's device to the IP stack and back.
//!
//! The link lies under smoltcp, which sees packets of TCP, and ICMP of IPv4. Ethernet, VLAN tags, ARP and the choice of the next hop are here:
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
//! | `datagram` | the way out for UDP |
//! | `echo` | echo requests and their answers |
//! | `family` | addresses of the families that the build speaks |
//! | `ipv6` | own addresses of IPv6 |
//! | `ndp` | questions and answers about hardware addresses of IPv6 |
//! | `stash` | frames that are kept until they are read |
//! | `arrival6` | the way in for packets of IPv6 |

mod arp;
mod arrival;
#[cfg(feature = "ipv6")]
mod arrival6;
mod checksum;
mod datagram;
#[cfg(feature = "ping")]
mod echo;
mod egress;
mod ethernet;
mod family;
#[cfg(feature = "ipv6")]
mod ipv6;
#[cfg(feature = "ipv6")]
mod ndp;
mod neighbors;
mod routes;
#[cfg(feature = "ubp")]
mod stash;

use arp::{Arp, Watch};
use arrival::{Arrival, Datagram, Direct};
#[cfg(feature = "ipv6")]
use core::net::Ipv6Addr;
use core::net::{IpAddr, Ipv4Addr};
#[cfg(feature = "ping")]
pub(crate) use echo::{Echo, packet_len as echo_len};
#[cfg(feature = "http")]
pub(crate) use egress::Tx;
pub(crate) use egress::{Egress, WAITING};
pub(crate) use ethernet::{Mac, Shown};
#[cfg(feature = "http")]
pub(crate) use family::address_of;
pub(crate) use family::{Address, ip_of};
#[cfg(feature = "ipv6")]
pub(crate) use ipv6::ADDRESSES;
use netboot_core::net::is_host;
#[cfg(feature = "ipv6")]
use netboot_core::net::{Prefix, Route};
use netboot_core::{Device, DeviceInfo, FrameSlot, Instant, Received, TxSlot};
pub(crate) use routes::RouteRefused;
#[cfg(feature = "ubp")]
pub(crate) use stash::STASH;

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
    /// The echo request that waits for its answer.
    #[cfg(feature = "ping")]
    pub echo: Option<Echo>,
    /// The datagram that is read in place, and the slot of its frame.
    kept: Option<(FrameSlot, Datagram)>,
    /// Frames of the transfer that are read later.
    #[cfg(feature = "ubp")]
    stash: stash::Stash,
    /// Set when the device has to keep the frame that arrived last.
    found: Option<Datagram>,
    /// Hardware address that the last DHCP message came from.
    servant: Mac,
    /// Number of fragments of IP packets that were dropped.
    pub fragments: u16,
}

/// The route to the addresses of IPv6 that are valid on the link only.
#[cfg(feature = "ipv6")]
const LINK_LOCAL: Route = Route {
    destination: Prefix {
        address: IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)),
        len: netboot_ndp::address::PREFIX_LEN,
    },
    gateway: None,
};

/// Takes the IP packets that are not read in place.
#[cfg(feature = "http")]
pub(crate) trait TakePacket {
    /// Takes a packet, with a buffer for the answer.
    fn take<T: TxSlot>(&mut self, now: Instant, packet: &[u8], tx: Tx<'_, '_, T>);
}

/// Takes a message for a service, with address and port of its sender.
pub(crate) type TakeMessage<'t> = &'t mut dyn FnMut(Service, (Address, u16), &[u8]);

/// A service of the station that takes messages where the device put them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// The lease.
    Dhcp,
    /// The resolver of names.
    #[cfg(feature = "dns")]
    Dns,
    /// The lease of an address of IPv6.
    #[cfg(feature = "ipv6")]
    Dhcp6,
    /// What routers say of the link: messages of ICMPv6, in packets like this.
    #[cfg(feature = "ipv6")]
    Router(netboot_ndp::wire::Envelope),
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
            #[cfg(feature = "ping")]
            echo: None,
            kept: None,
            #[cfg(feature = "ubp")]
            stash: stash::Stash::EMPTY,
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
    pub fn datagram(&self) -> Option<(Address, u16, &[u8])> {
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

    /// A number under which the datagram that is kept can be put aside.
    #[cfg(feature = "ubp")]
    pub fn free_place(&self) -> Option<u8> {
        self.stash.free()
    }

    /// Puts the datagram that is kept aside, under a number that nothing else has. Its frame stays with the device's driver, and another datagram can be kept.
    #[cfg(feature = "ubp")]
    pub fn put_aside(&mut self, number: u8) {
        if let Some((slot, datagram)) = self.kept.take()
            && let Some(old) = self.stash.put(number, slot, datagram.payload)
        {
            self.device.release(old);
        }
    }

    /// The payload of the datagram that was put aside under this number; empty if none was.
    #[cfg(feature = "ubp")]
    pub fn aside(&self, number: u8) -> &[u8] {
        let frame = self.stash.get(number);
        let payload = frame.and_then(|(slot, payload)| self.device.held(slot).get(payload));
        payload.unwrap_or_default()
    }

    /// Gives the buffer of a datagram that was put aside back to the device.
    #[cfg(feature = "ubp")]
    pub fn release_aside(&mut self, number: u8) {
        if let Some(slot) = self.stash.take(number) {
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
        if let Some(target) = self.egress.neighbors.take_stale() {
            let Self { device, egress, .. } = self;
            if let Some(slot) = device.transmit() {
                let len = egress.question_len();
                slot.send(len, |frame| egress.emit_any_question(frame, target));
            }
        }
    }

    /// Takes the next frame from the device, and hands on what it holds; `false` when none has arrived.
    #[inline(never)]
    pub fn receive(
        &mut self,
        now: Instant,
        messages: TakeMessage<'_>,
        #[cfg(feature = "http")] packets: &mut impl TakePacket,
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
        let (alone, sender) = (*head.destination == egress.mac, *head.source);
        // A frame of our own comes back where the wire has a loop.
        if sender == egress.mac || !(alone || ethernet::is_group(*head.destination)) {
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
        let arrival = match head.ethertype {
            ethernet::IPV4 => arrival::look(frame, head.len, direct, rx_checksum_verified),
            #[cfg(feature = "ipv6")]
            ethernet::IPV6 => {
                arrival6::look(frame, head.len, &egress.ipv6, direct, rx_checksum_verified)
            }
            _ => return true,
        };
        // What is no datagram may be the answer to an echo request of IPv4.
        #[cfg(feature = "ping")]
        if let (Arrival::Other, Some(echo)) = (&arrival, &mut self.echo)
            && head.ethertype == ethernet::IPV4
        {
            echo.look(payload);
        }
        match arrival {
            #[cfg(feature = "http")]
            Arrival::Other => packets.take(now, payload, Tx::new(tx, egress, now)),
            #[cfg(not(feature = "http"))]
            Arrival::Other => {}
            Arrival::Dropped => {}
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
                    self.servant = sender;
                    // Whoever sent it is a neighbour, and mostly the first one that the station speaks to: the server itself,
                    // or the router that relays for it.
                    if cfg!(feature = "fast-start") && is_single(source) {
                        egress.learn(now, source, sender, true);
                    }
                }
                messages(
                    service,
                    (source, port),
                    frame.get(payload).unwrap_or_default(),
                );
            }
            #[cfg(feature = "ipv6")]
            Arrival::Control(envelope, at) => {
                use netboot_ndp::{Advertisement, advertisement, listener, neighbor};
                let message = frame.get(at).unwrap_or_default();
                match message.first() {
                    Some(&(neighbor::SOLICITATION | neighbor::ADVERTISEMENT)) => {
                        ndp::answer(egress, &envelope, message, sender, tx, now);
                    }
                    Some(&(advertisement::ADVERTISEMENT | listener::QUERY)) => {
                        // Most of what follows goes to the router. Its name is one of this link, so nobody else's is taken.
                        if Advertisement::parse(&envelope, message).is_ok() {
                            egress.learn(now, envelope.source.into(), sender, true);
                        }
                        messages(
                            Service::Router(envelope),
                            (envelope.source.into(), 0),
                            message,
                        );
                    }
                    _ =>
                    {
                        #[cfg(feature = "ping")]
                        if let Some(echo) = &mut self.echo {
                            echo.look6(envelope.source, message);
                        }
                    }
                }
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

    /// Sets the addresses of IPv6 that the station uses and would like to use, and the groups that the device has to receive. Takes all routes of
    /// IPv6 away but that to the link itself.
    #[cfg(feature = "ipv6")]
    pub fn set_ipv6(
        &mut self,
        own: impl Iterator<Item = Ipv6Addr>,
        tentative: impl Iterator<Item = Ipv6Addr>,
        groups: impl Iterator<Item = Ipv6Addr>,
    ) {
        self.egress.ipv6.set(own, tentative);
        let routes = &mut self.egress.routes;
        routes.clear(true);
        // The table was just emptied and has room.
        let _ = routes.add(&LINK_LOCAL);
        let groups = core::iter::once(netboot_ndp::address::ALL_NODES).chain(groups);
        let mut macs = heapless::Vec::<Mac, { ADDRESSES + 1 }>::new();
        for group in groups {
            let _ = macs.push(netboot_ndp::address::group_mac(group));
        }
        self.device.set_multicast(&macs);
    }

    /// Sends a packet of IPv6. It is lost when no transmit buffer is free.
    #[cfg(feature = "ipv6")]
    pub fn send_packet(&mut self, now: Instant, packet: &[u8]) {
        let Self { device, egress, .. } = self;
        if let Some(slot) = device.transmit() {
            egress.send(slot, now, packet.len(), |to| {
                ethernet::copy(to, packet);
                packet.len()
            });
        }
    }

    /// Whether a transmit buffer is free.
    pub fn can_send(&mut self) -> bool {
        self.device.transmit().is_some()
    }

    /// Sends a datagram of UDP from a port of the station to an address and a port, in the name of `source` or of the station's own address. It
    /// is lost when no transmit buffer is free, and while the station has no address of the family. Without a route to the address it is looked
    /// for on the link.
    #[inline(never)]
    pub fn send_datagram(
        &mut self,
        now: Instant,
        (source, port): (Option<IpAddr>, u16),
        to: (IpAddr, u16),
        payload: &[u8],
    ) {
        let Self { device, egress, .. } = self;
        let own = egress.source_for(to.0);
        let (Some(source), Some(slot)) = (source.or(own), device.transmit()) else {
            return;
        };
        let len = datagram::packet_len(to.0, payload.len());
        egress.send(slot, now, len, |packet| {
            datagram::emit(packet, (source, port), to, payload)
        });
    }

    /// Sends an echo request with `len` octets of payload, and waits for its answer from now on. It is lost when no transmit buffer is free.
    #[cfg(feature = "ping")]
    #[inline(never)]
    pub fn send_echo(&mut self, now: Instant, echo: Echo, len: u16) {
        self.echo = Some(echo);
        let Self { device, egress, .. } = self;
        let (Some(source), Some(slot)) = (egress.source_for(echo.to), device.transmit()) else {
            return;
        };
        egress.send(slot, now, echo::packet_len(echo.to, len), |packet| {
            echo::emit(packet, source, &echo, len)
        });
    }

    /// A transmit buffer for one IP packet.
    #[cfg(feature = "http")]
    #[inline(never)]
    pub fn transmit(&mut self, now: Instant) -> Option<Tx<'_, 'w, D::Tx<'_>>> {
        let slot = self.device.transmit()?;
        Some(Tx::new(slot, &mut self.egress, now))
    }
}

/// Whether the sender of a message of DHCPv4 can be a neighbour.
#[inline(always)]
fn is_single(address: Address) -> bool {
    #[cfg(feature = "ipv6")]
    let core::net::IpAddr::V4(address) = address else {
        return false;
    };
    is_host(address)
}

/// Learns from an ARP message, and answers it if it asks for the station (RFC 826).
#[inline(never)]
fn answer<T: TxSlot>(egress: &mut Egress<'_>, message: &Arp, tx: T, now: Instant) {
    let Some(own) = egress.address else {
        return;
    };
    let for_us = message.target() == own;
    if message.sender() != own && message.has_sender() {
        egress.learn(
            now,
            family::of_v4(message.sender()),
            message.sender_mac,
            for_us,
        );
    }
    if for_us && message.is_request() {
        let to = message.sender_mac;
        let reply = Arp::new(arp::REPLY, (egress.mac, own), to, message.sender());
        tx.send(egress.arp_len(), |frame| egress.emit_arp(frame, &reply, to));
    }
}
