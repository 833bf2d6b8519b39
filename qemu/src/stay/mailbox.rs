//! The mailbox behind UDP, in the framing of the public emulator's server.
//!
//! smoltcp answers ARP and takes the datagrams from the network device that the boot has left. The boot's own stack has no part in it:
//! the lease is neither renewed nor given back while the board stays.

use crate::clock;
use crate::platform::Nic;
use core::net::Ipv4Addr;
use core::ptr::addr_of_mut;
use netboot_core::{Device as _, Received, TxSlot};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::socket::udp::{self, PacketBuffer, PacketMetadata};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr};
use util_device::{Device, Refusal};

/// The public port.
pub const PORT: u16 = 62222;
/// Octets of the longest datagram: one frame without fragments.
const LONGEST: usize = 1_472;
/// Datagrams that wait in either direction.
const WAITING: usize = 4;
/// The answer to a command that fails.
const FAILED: [u8; 1] = [0xFF];

type Tx<'a> = <Nic as netboot_core::Device>::Tx<'a>;

/// Memory of the socket.
struct Memory {
    sockets: [SocketStorage<'static>; 1],
    rx_meta: [PacketMetadata; WAITING],
    tx_meta: [PacketMetadata; WAITING],
    rx: [u8; WAITING * LONGEST],
    tx: [u8; WAITING * LONGEST],
    /// One answer.
    answer: [u8; util_device::MAX_ANSWER],
}

static mut MEMORY: Memory = Memory {
    sockets: [SocketStorage::EMPTY],
    rx_meta: [PacketMetadata::EMPTY; WAITING],
    tx_meta: [PacketMetadata::EMPTY; WAITING],
    rx: [0; WAITING * LONGEST],
    tx: [0; WAITING * LONGEST],
    answer: [0; util_device::MAX_ANSWER],
};

/// The mailbox's end of the network.
pub struct Mailbox {
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
    answer: &'static mut [u8; util_device::MAX_ANSWER],
}

impl Mailbox {
    /// A mailbox at `address`, whose network has a prefix of `prefix` bits.
    ///
    /// # Safety
    /// Once.
    pub unsafe fn new(nic: &mut Nic, address: Ipv4Addr, prefix: u8) -> Self {
        // SAFETY: once, by the caller's promise, so this is the only reference.
        let memory = unsafe { &mut *addr_of_mut!(MEMORY) };
        let hardware = HardwareAddress::Ethernet(EthernetAddress(nic.info().mac));
        let mut interface = Interface::new(Config::new(hardware), &mut Phy(nic), now());
        interface.update_ip_addrs(|addresses| {
            // There is room for two.
            let _ = addresses.push(IpCidr::new(address.into(), prefix.min(32)));
        });
        let mut socket = udp::Socket::new(
            PacketBuffer::new(&mut memory.rx_meta[..], &mut memory.rx[..]),
            PacketBuffer::new(&mut memory.tx_meta[..], &mut memory.tx[..]),
        );
        // Fails for port 0 and for a socket that is bound.
        let _ = socket.bind(PORT);
        let mut sockets = SocketSet::new(&mut memory.sockets[..]);
        let socket = sockets.add(socket);
        Self {
            interface,
            sockets,
            socket,
            answer: &mut memory.answer,
        }
    }

    /// Takes what has come, and answers at most one command.
    pub fn poll(&mut self, nic: &mut Nic, device: &mut Device) {
        self.interface.poll(now(), &mut Phy(nic), &mut self.sockets);
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.socket);
        if !socket.can_send() {
            return;
        }
        let Ok((datagram, meta)) = socket.recv() else {
            return;
        };
        let Some((code, request)) = datagram.split_first_chunk() else {
            return;
        };
        let code = u32::from_le_bytes(*code);
        let answer = match device.exchange(code, request, self.answer) {
            Ok(reply) => self.answer.get(..reply.len.min(LONGEST + 1)),
            // The framing has no word for it: the public server is silent.
            Err(Refusal::BUSY) => return,
            Err(_) => None,
        };
        // An answer that one frame cannot hold is a failure, too.
        let answer = answer
            .filter(|answer| answer.len() <= LONGEST)
            .unwrap_or(&FAILED);
        // A host that has gone asks again.
        let _ = socket.send_slice(answer, meta);
    }
}

fn now() -> Instant {
    Instant::from_micros(i64::try_from(clock::now().as_micros()).unwrap_or(i64::MAX))
}

/// The board's network device as smoltcp wants it.
struct Phy<'n>(&'n mut Nic);

struct RxToken<'a>(&'a [u8]);

struct TxToken<'a>(Tx<'a>);

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        self.0.send(len, fill)
    }
}

impl phy::Device for Phy<'_> {
    type RxToken<'a>
        = RxToken<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = TxToken<'a>
    where
        Self: 'a;

    fn receive(&mut self, _: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        let Received { frame, tx, .. } = self.0.receive()?;
        Some((RxToken(frame), TxToken(tx)))
    }

    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_>> {
        self.0.transmit().map(TxToken)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.0.info().mtu + 14;
        capabilities
    }
}
