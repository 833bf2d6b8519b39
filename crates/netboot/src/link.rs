//! The board's device as a smoltcp device.
//!
//! On the way in, ARP frames are looked at for the sake of the probe (RFC 5227): smoltcp has no
//! address yet when the probe runs and would not tell of a conflict.

use crate::arrival::{self, Arrival, Datagram, Direct};
use crate::lease::PROBES;
use core::net::Ipv4Addr;
use netboot_core::{Device, TxSlot};
use smoltcp::phy::{Checksum, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr,
};

/// A device, and the address that is being probed on it.
pub(crate) struct Link<D> {
    device: D,
    probed: Option<Ipv4Addr>,
    conflict: bool,
    /// The station's address, as the interface has it.
    pub address: Option<Ipv4Addr>,
    /// The port whose datagrams are read in place.
    pub port: Option<u16>,
    /// The datagram that is kept in the device.
    datagram: Option<Datagram>,
    /// It was the last frame received.
    found: bool,
    /// Who sent the last DHCP message,
    #[cfg(feature = "learn-neighbor")]
    server: crate::reply::Reply,
    /// which smoltcp is still to be told.
    #[cfg(feature = "learn-neighbor")]
    untold: bool,
}

impl<D: Device> Link<D> {
    pub fn new(device: D) -> Self {
        Self {
            device,
            probed: None,
            conflict: false,
            address: None,
            port: None,
            datagram: None,
            found: false,
            #[cfg(feature = "learn-neighbor")]
            server: crate::reply::Reply::new(),
            #[cfg(feature = "learn-neighbor")]
            untold: false,
        }
    }

    /// Keeps the datagram that was found by the last `receive`, if that was one.
    pub fn hold(&mut self) -> bool {
        let found = core::mem::take(&mut self.found);
        if found {
            self.device.hold();
        }
        found
    }

    /// Whether a datagram is kept.
    pub fn holds(&self) -> bool {
        self.datagram.is_some()
    }

    /// The datagram that is kept: address, port and payload.
    pub fn datagram(&self) -> Option<(Ipv4Addr, u16, &[u8])> {
        let datagram = self.datagram.as_ref()?;
        let payload = self.device.held().get(datagram.payload.clone())?;
        Some((datagram.source, datagram.port, payload))
    }

    /// Gives the datagram's buffer back to the device.
    pub fn release(&mut self) {
        if self.datagram.take().is_some() {
            self.device.release();
        }
    }

    pub fn device(&mut self) -> &mut D {
        &mut self.device
    }

    pub fn mac(&self) -> EthernetAddress {
        EthernetAddress(self.device.info().mac)
    }

    /// Starts or ends watching for other users of an address.
    pub fn watch(&mut self, address: Option<Ipv4Addr>) {
        self.probed = address;
        self.conflict = false;
    }

    /// Whether another station was seen to use, or to probe for, the watched address.
    pub fn conflict(&self) -> bool {
        self.conflict
    }

    /// Sends an ARP probe: who has `target`, asked by nobody (RFC 5227, section 2.1.1).
    pub fn send_arp_probe(&mut self, target: Ipv4Addr) {
        self.send_arp(Ipv4Addr::UNSPECIFIED, target);
    }

    /// Announces `address` as ours (RFC 5227, section 2.3).
    pub fn send_arp_announcement(&mut self, address: Ipv4Addr) {
        self.send_arp(address, address);
    }

    /// Who sent the last DHCP message, until smoltcp is told.
    #[cfg(feature = "learn-neighbor")]
    pub fn server(&self) -> Option<Ipv4Addr> {
        self.untold.then(|| self.server.sender())
    }

    #[inline(never)]
    pub fn send_arp(&mut self, sender: Ipv4Addr, target: Ipv4Addr) {
        let mac = self.mac();
        let arp = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Request,
            source_hardware_addr: mac,
            source_protocol_addr: sender,
            target_hardware_addr: EthernetAddress([0; 6]),
            target_protocol_addr: target,
        };
        let ethernet = EthernetRepr {
            src_addr: mac,
            dst_addr: EthernetAddress::BROADCAST,
            ethertype: EthernetProtocol::Arp,
        };
        if let Some(Tx(slot)) = slot(&mut self.device) {
            let len = EthernetFrame::<&[u8]>::buffer_len(arp.buffer_len());
            slot.send(len, |buffer| {
                let mut frame = EthernetFrame::new_unchecked(buffer);
                ethernet.emit(&mut frame);
                arp.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
            });
        }
    }
}

/// A transmit buffer. One copy of the search for it serves all.
#[inline(never)]
fn slot<D: Device>(device: &mut D) -> Option<Tx<D::Tx<'_>>> {
    device.transmit().map(Tx)
}

/// Whether `frame` is an ARP message of another station than `mac` that claims `address`, or probes
/// for it as we do.
fn claims(frame: &[u8], address: Ipv4Addr, mac: EthernetAddress) -> bool {
    let Ok(frame) = EthernetFrame::new_checked(frame) else {
        return false;
    };
    if frame.ethertype() != EthernetProtocol::Arp {
        return false;
    }
    let arp = ArpPacket::new_checked(frame.payload())
        .ok()
        .and_then(|packet| ArpRepr::parse(&packet).ok());
    let Some(ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr,
        source_protocol_addr,
        target_protocol_addr,
        ..
    }) = arp
    else {
        return false;
    };
    let also_probing = operation == ArpOperation::Request
        && source_protocol_addr == Ipv4Addr::UNSPECIFIED
        && target_protocol_addr == address;
    source_hardware_addr != mac && (source_protocol_addr == address || also_probing)
}

pub(crate) struct Rx<'a>(&'a [u8]);
pub(crate) struct Tx<T>(T);

impl RxToken for Rx<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

impl<T: TxSlot> TxToken for Tx<T> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        self.0.send(len, f)
    }
}

impl<D: Device> smoltcp::phy::Device for Link<D> {
    type RxToken<'a>
        = Rx<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Tx<D::Tx<'a>>
    where
        Self: 'a;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Rx<'_>, Tx<D::Tx<'_>>)> {
        #[cfg(feature = "learn-neighbor")]
        if let Some(address) = self.address.filter(|_| self.untold) {
            let slot = slot(&mut self.device)?;
            self.untold = false;
            return Some((Rx(self.server.to(address)), slot));
        }
        let mac = self.mac();
        let direct = match (self.address, self.port) {
            (Some(address), Some(port)) => Some(Direct { mac, address, port }),
            _ => None,
        };
        let (frame, slot) = self.device.receive()?;
        let frame = match arrival::look(frame, direct) {
            Arrival::Other => frame,
            // smoltcp passes over a frame without octets.
            Arrival::Damaged => &[],
            Arrival::Datagram(datagram) => {
                // Only when the sink stands still is one held here already: this one is lost, and asked for again.
                if self.datagram.is_none() {
                    self.datagram = Some(datagram);
                    self.found = true;
                }
                &[]
            }
        };
        #[cfg(feature = "learn-neighbor")]
        if self.address.is_none() && self.server.learn(frame) {
            self.untold = true;
        }
        if PROBES
            && let Some(address) = self.probed
            && claims(frame, address, mac)
        {
            self.conflict = true;
        }
        Some((Rx(frame), Tx(slot)))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Tx<D::Tx<'_>>> {
        slot(&mut self.device)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let info = self.device.info();
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = info.mtu + 14;
        // Bounds the TCP window to what the ring holds between two polls.
        capabilities.max_burst_size = Some(info.rx_ring);
        // Those of what arrives are looked at in `arrival`.
        capabilities.checksum.udp = Checksum::Tx;
        capabilities.checksum.tcp = Checksum::Tx;
        capabilities
    }
}
