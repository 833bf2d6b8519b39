//! The IP stack of the server: a smoltcp interface on queues of frames.

use netboot_core::{Duration, Instant};
use smoltcp::iface::{
    Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet,
};
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::socket::{Socket, tcp, udp};
use smoltcp::time;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, HardwareAddress, IpAddress, IpCidr,
    IpEndpoint, IpProtocol, Ipv4Packet, Ipv6Packet, TcpPacket,
};
use std::collections::VecDeque;

/// Longest frame without its FCS.
const FRAME: usize = 1_514;

/// Interface, sockets and the frames in and out.
pub struct Stack {
    queues: Queues,
    interface: Interface,
    /// All sockets of the server.
    pub sockets: SocketSet<'static>,
}

impl Stack {
    /// A stack with these addresses, of which there may be four.
    pub fn new(mac: [u8; 6], ips: &[IpCidr], seed: u64, now: Instant) -> Self {
        let mut queues = Queues::default();
        let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(mac)));
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut queues, smoltcp_time(now));
        interface.update_ip_addrs(|addresses| {
            for &ip in ips {
                // A fifth one does not fit and is not served.
                let _ = addresses.push(ip);
            }
        });
        Self {
            queues,
            interface,
            sockets: SocketSet::new(Vec::new()),
        }
    }

    /// Queues a received frame for the next [`poll`](Self::poll).
    pub fn receive(&mut self, frame: Vec<u8>) {
        self.queues.received.push_back(frame);
    }

    /// Whether the next received frame opens a connection that is open: a SYN that came twice. smoltcp
    /// would give it to the next socket that listens, and answer with another sequence number.
    fn is_repeated_syn(&self) -> bool {
        let Some(syn) = self.queues.received.front().and_then(|frame| syn_of(frame)) else {
            return false;
        };
        self.sockets.iter().any(|(_, socket)| match socket {
            Socket::Tcp(socket) => {
                matches!(
                    socket.state(),
                    tcp::State::SynReceived | tcp::State::Established
                ) && (socket.remote_endpoint(), socket.local_endpoint())
                    == (Some(syn.0), Some(syn.1))
            }
            _ => false,
        })
    }

    /// Queues a frame to be sent as it is.
    pub fn send_raw(&mut self, frame: Vec<u8>) {
        self.queues.to_send.push_back(frame);
    }

    /// The next frame to send.
    pub fn transmit(&mut self) -> Option<Vec<u8>> {
        self.queues.to_send.pop_front()
    }

    /// Drops every frame in the queues.
    pub fn clear(&mut self) {
        self.queues.received.clear();
        self.queues.to_send.clear();
    }

    /// Handles what was received and sends what is due; whether a socket may have changed.
    pub fn poll(&mut self, now: Instant) -> bool {
        let now = smoltcp_time(now);
        let mut changed = false;
        while !self.queues.received.is_empty() {
            if self.is_repeated_syn() {
                self.queues.received.pop_front();
                continue;
            }
            let result =
                self.interface
                    .poll_ingress_single(now, &mut self.queues, &mut self.sockets);
            changed |= matches!(result, PollIngressSingleResult::SocketStateChanged);
        }
        self.interface
            .poll(now, &mut self.queues, &mut self.sockets)
            == PollResult::SocketStateChanged
            || changed
    }

    /// When to poll again.
    pub fn poll_at(&mut self, now: Instant) -> Option<Instant> {
        if !self.queues.received.is_empty() {
            return Some(now);
        }
        let at = self
            .interface
            .poll_at(smoltcp_time(now), &self.sockets)?
            .total_micros();
        Some(Instant::from_micros(u64::try_from(at).unwrap_or(0)))
    }

    /// Opens a UDP socket that can queue `packets` of `octets` each, either way; `None` when the port is 0.
    pub fn udp(&mut self, port: u16, packets: usize, octets: usize) -> Option<SocketHandle> {
        let buffer = || {
            udp::PacketBuffer::new(
                vec![udp::PacketMetadata::EMPTY; packets],
                vec![0; packets * octets],
            )
        };
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(port).ok()?;
        Some(self.sockets.add(socket))
    }

    /// Opens a TCP socket that listens. It sends at once and acknowledges at once: a simulation measures
    /// the client, not the server's habits.
    pub fn tcp_listener(&mut self, port: u16, send_buffer: usize) -> Option<SocketHandle> {
        /// Requests are short; a client that sends more waits.
        const RECEIVE: usize = 8 * 1024;
        let mut socket = tcp::Socket::new(
            tcp::SocketBuffer::new(vec![0; RECEIVE]),
            tcp::SocketBuffer::new(vec![0; send_buffer.clamp(1_024, 1 << 30)]),
        );
        socket.set_nagle_enabled(false);
        socket.set_ack_delay(None);
        // A client that vanished does not keep its socket for ever.
        socket.set_timeout(Some(time::Duration::from_secs(60)));
        socket.listen(port).ok()?;
        Some(self.sockets.add(socket))
    }
}

/// Sender and receiver of a SYN without ACK.
fn syn_of(frame: &[u8]) -> Option<(IpEndpoint, IpEndpoint)> {
    let ethernet = EthernetFrame::new_checked(frame).ok()?;
    let segment = |source: IpAddress, destination: IpAddress, next: IpProtocol, payload: &[u8]| {
        let tcp = TcpPacket::new_checked(payload).ok()?;
        (next == IpProtocol::Tcp && tcp.syn() && !tcp.ack()).then_some((
            IpEndpoint::new(source, tcp.src_port()),
            IpEndpoint::new(destination, tcp.dst_port()),
        ))
    };
    match ethernet.ethertype() {
        EthernetProtocol::Ipv4 => {
            let ip = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
            segment(
                ip.src_addr().into(),
                ip.dst_addr().into(),
                ip.next_header(),
                ip.payload(),
            )
        }
        EthernetProtocol::Ipv6 => {
            let ip = Ipv6Packet::new_checked(ethernet.payload()).ok()?;
            segment(
                ip.src_addr().into(),
                ip.dst_addr().into(),
                ip.next_header(),
                ip.payload(),
            )
        }
        _ => None,
    }
}

/// The interface's time: it counts signed microseconds.
fn smoltcp_time(now: Instant) -> time::Instant {
    time::Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX / 2))
}

/// The earlier of two deadlines.
pub fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    a.into_iter().chain(b).min()
}

/// How long a rate of `per_second` octets takes for `octets`.
pub fn time_for(octets: u64, per_second: u64) -> Duration {
    Duration::from_micros(octets.saturating_mul(1_000_000) / per_second.max(1))
}

#[derive(Default)]
struct Queues {
    received: VecDeque<Vec<u8>>,
    to_send: VecDeque<Vec<u8>>,
}

impl Device for Queues {
    type RxToken<'a> = RxToken;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, _: time::Instant) -> Option<(RxToken, TxToken<'_>)> {
        let frame = self.received.pop_front()?;
        Some((RxToken(frame), TxToken(&mut self.to_send)))
    }

    fn transmit(&mut self, _: time::Instant) -> Option<TxToken<'_>> {
        Some(TxToken(&mut self.to_send))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }
}

struct RxToken(Vec<u8>);

impl phy::RxToken for RxToken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

struct TxToken<'a>(&'a mut VecDeque<Vec<u8>>);

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.push_back(frame);
        result
    }
}
