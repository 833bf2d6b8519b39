//! Frames, from the board's device to the IP stack and back.
//!
//! The link is the device that smoltcp sees. On the way in it looks at each frame first: checksums are verified here
//! ([`arrival`]), a datagram for the port that is read in place stays where the device put it, ARP is watched for conflicts
//! ([`arp`]), and the sender of DHCP messages is remembered as a neighbour ([`reply`]).

mod arp;
mod arrival;
mod checksum;
#[cfg(feature = "fast-start")]
mod reply;

use arp::{Question, Watch};
use arrival::{Arrival, Datagram, Direct};
use core::net::Ipv4Addr;
use netboot_core::{Device, FrameSlot, Received, TxSlot};
use smoltcp::phy::{Checksum, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::wire::EthernetAddress;

/// A device with the taps on it.
pub(crate) struct Link<D> {
    device: D,
    watch: Watch,
    /// The station's address, as the interface has it.
    pub address: Option<Ipv4Addr>,
    /// The UDP port whose datagrams are read in place.
    pub port: Option<u16>,
    /// The datagram that is read in place, and the slot of its frame.
    kept: Option<(FrameSlot, Datagram)>,
    /// Set by `receive` when the frame that it passed on holds a datagram to be read in place.
    found: Option<Datagram>,
    /// The ARP reply of whoever sent the last DHCP message.
    #[cfg(feature = "fast-start")]
    server: reply::Reply,
    /// Set while smoltcp has not seen that reply.
    #[cfg(feature = "fast-start")]
    untold: bool,
}

impl<D: Device> Link<D> {
    pub fn new(device: D) -> Self {
        Self {
            device,
            watch: Watch::new(None),
            address: None,
            port: None,
            kept: None,
            found: None,
            #[cfg(feature = "fast-start")]
            server: reply::Reply::new(),
            #[cfg(feature = "fast-start")]
            untold: false,
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

    /// Whether another station was seen to use the watched address, or to probe for it.
    pub fn conflict(&self) -> bool {
        self.watch.conflict()
    }

    /// Asks everybody on the link who has `target`, in the name of `sender`: 0.0.0.0 for a probe (RFC 5227, section 2.1.1), the
    /// target itself for an announcement (section 2.3). The question is lost when no transmit buffer is free.
    #[inline(never)]
    pub fn send_arp(&mut self, sender: Ipv4Addr, target: Ipv4Addr) {
        let mac = self.mac();
        let question = Question {
            mac,
            sender,
            target,
        };
        if let Some(Tx(slot)) = slot(&mut self.device) {
            slot.send(Question::LEN, |buffer| question.emit(buffer));
        }
    }

    pub fn device(&mut self) -> &mut D {
        &mut self.device
    }

    pub fn mac(&self) -> EthernetAddress {
        EthernetAddress(self.device.info().mac)
    }

    /// Address of whoever sent the last DHCP message, until smoltcp has seen the reply.
    #[cfg(feature = "fast-start")]
    pub fn dhcp_sender(&self) -> Option<Ipv4Addr> {
        self.untold.then(|| self.server.sender())
    }
}

/// Finds a transmit buffer. One copy of the search serves all callers.
#[inline(never)]
fn slot<D: Device>(device: &mut D) -> Option<Tx<D::Tx<'_>>> {
    device.transmit().map(Tx)
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
        #[cfg(feature = "fast-start")]
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
        let Received {
            frame,
            rx_checksum_verified,
            tx,
        } = self.device.receive()?;
        let frame = match arrival::look(frame, direct, rx_checksum_verified) {
            Arrival::Other => frame,
            // smoltcp passes over a frame without octets.
            Arrival::Damaged => &[],
            Arrival::Datagram(datagram) => {
                // One is kept already only when the sink stands still. This one is lost then, and asked for again.
                if self.kept.is_none() {
                    self.found = Some(datagram);
                }
                &[]
            }
        };
        #[cfg(feature = "fast-start")]
        if self.address.is_none() && self.server.learn(frame) {
            self.untold = true;
        }
        if cfg!(feature = "robust") {
            self.watch.look(frame, mac);
        }
        Some((Rx(frame), Tx(tx)))
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
        // `arrival` has verified those of what comes in.
        capabilities.checksum.udp = Checksum::Tx;
        capabilities.checksum.tcp = Checksum::Tx;
        capabilities
    }
}
