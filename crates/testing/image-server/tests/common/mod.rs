//! A client of its own making at the other end of a simulated world: smoltcp for UDP and TCP, and a TFTP
//! client that is as simple as can be. It shares no code with the clients of the project.
#![allow(dead_code)]

pub mod tls;

use image_server::frame::{BROADCAST, Datagram};
use image_server::{Content, Served, ServerConfig, SharedWorld, World};
use netboot_core::{Duration, Instant};
use netsim::LinkConfig;
use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::socket::{tcp, udp};
use smoltcp::time;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, IpEndpoint};
use std::cell::RefMut;
use std::net::Ipv4Addr;

pub const MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x99];
pub const IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 50);
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

pub fn pattern(size: u64) -> Content {
    Content::Pattern { size, seed: 11 }
}

/// A server with `fw.bin` of `size` octets.
pub fn with_file(size: u64) -> ServerConfig {
    let mut config = ServerConfig::default();
    config.files.insert("fw.bin".into(), pattern(size));
    config
}

pub struct Client {
    world: SharedWorld,
    port: Port,
    interface: Interface,
    pub sockets: SocketSet<'static>,
    next_port: u16,
}

impl Client {
    pub fn new(server: ServerConfig, link: LinkConfig) -> Self {
        let world = World::shared(server, link);
        let mut port = Port(world.clone());
        let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(MAC)));
        config.random_seed = 99;
        let mut interface = Interface::new(config, &mut port, time::Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            addresses
                .push(IpCidr::new(IpAddress::Ipv4(IP), 24))
                .unwrap();
        });
        Self {
            world,
            port,
            interface,
            sockets: SocketSet::new(Vec::new()),
            next_port: 50_000,
        }
    }

    pub fn perfect(server: ServerConfig) -> Self {
        Self::new(server, LinkConfig::default())
    }

    pub fn world(&self) -> RefMut<'_, World> {
        self.world.borrow_mut()
    }

    pub fn now(&self) -> Instant {
        self.world.borrow().now
    }

    pub fn served(&self) -> Vec<Served> {
        self.world.borrow().server.served().to_vec()
    }

    pub fn last_served(&self) -> Served {
        self.served().pop().expect("something was served")
    }

    fn smoltcp_now(&self) -> time::Instant {
        time::Instant::from_micros(self.now().as_micros() as i64)
    }

    /// Lets time pass until `done` gives something, or for `span`.
    pub fn wait<T>(
        &mut self,
        span: Duration,
        mut done: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let until = self.now() + span;
        loop {
            self.poll();
            if let Some(value) = done(self) {
                self.poll();
                return Some(value);
            }
            // What `done` did may have made the other side answer at once.
            if self.poll() {
                continue;
            }
            if self.now() >= until {
                return None;
            }
            let now = self.smoltcp_now();
            let own = self.interface.poll_at(now, &self.sockets);
            let own = own.map(|at| Instant::from_micros(at.total_micros() as u64));
            // `done` may look at the clock.
            let tick = self.now() + Duration::from_secs(1);
            let next = own.into_iter().chain([until, tick]).min().unwrap();
            self.world.borrow_mut().advance(next);
        }
    }

    fn poll(&mut self) -> bool {
        let now = self.smoltcp_now();
        let result = self.interface.poll(now, &mut self.port, &mut self.sockets);
        result == PollResult::SocketStateChanged
    }

    pub fn pass(&mut self, span: Duration) {
        self.wait(span, |_| None::<()>);
    }

    // UDP

    pub fn udp(&mut self, port: u16) -> SocketHandle {
        let buffer =
            || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 256], vec![0; 512 * 1024]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(port).unwrap();
        self.sockets.add(socket)
    }

    pub fn send(&mut self, socket: SocketHandle, to: (Ipv4Addr, u16), payload: &[u8]) {
        let socket = self.sockets.get_mut::<udp::Socket>(socket);
        let to = IpEndpoint::new(IpAddress::Ipv4(to.0), to.1);
        socket.send_slice(payload, to).unwrap();
    }

    /// The next datagram within `span`, and its source port.
    pub fn receive(&mut self, socket: SocketHandle, span: Duration) -> Option<(u16, Vec<u8>)> {
        self.wait(span, |client| {
            let socket = client.sockets.get_mut::<udp::Socket>(socket);
            let (payload, from) = socket.recv().ok()?;
            Some((from.endpoint.port, payload.to_vec()))
        })
    }

    /// Sends a frame by hand.
    pub fn broadcast(&mut self, from: (Ipv4Addr, u16), to_port: u16, payload: &[u8]) {
        let frame = Datagram {
            from_mac: MAC,
            to_mac: BROADCAST,
            from: std::net::SocketAddrV4::new(from.0, from.1),
            to: std::net::SocketAddrV4::new(Ipv4Addr::BROADCAST, to_port),
            payload,
        }
        .frame();
        self.world().client_send(&frame);
    }

    /// All frames that arrive within `span`, past smoltcp.
    pub fn raw_frames(&mut self, span: Duration) -> Vec<(Instant, Vec<u8>)> {
        let mut world = self.world.borrow_mut();
        let until = world.now + span;
        let mut frames = Vec::new();
        while world.advance(until) {
            while let Some(frame) = world.client_receive() {
                frames.push((world.now, frame));
            }
        }
        frames
    }

    // TFTP

    pub fn fresh_port(&mut self) -> u16 {
        self.next_port += 1;
        self.next_port
    }

    /// Fetches `name` with `options` (`blksize\01468\0`...).
    pub fn tftp(&mut self, name: &str, options: &str) -> Tftp {
        let port = self.fresh_port();
        let socket = self.udp(port);
        let request = format!("\0\x01{name}\0octet\0{options}");
        self.send(socket, (SERVER, 69), request.as_bytes());
        let mut tftp = Tftp::default();
        let (mut blksize, mut window) = (512, 1);
        let mut tid = None;
        let mut expected = 1_u64;
        let mut in_window = 0;
        let mut gap_told = false;
        let mut quiet = 0;
        loop {
            let Some((from, packet)) = self.receive(socket, Duration::from_millis(2_500)) else {
                quiet += 1;
                if quiet == 3 {
                    tftp.silent = true;
                    break;
                }
                match tid {
                    Some(tid) => self.ack(socket, tid, expected - 1),
                    None => self.send(socket, (SERVER, 69), request.as_bytes()),
                }
                continue;
            };
            quiet = 0;
            if *tid.get_or_insert(from) != from {
                tftp.foreign += 1;
                continue;
            }
            tftp.packets += 1;
            let number = u16::from_be_bytes([packet[2], packet[3]]);
            match packet[1] {
                6 if packet[0] == 0 => {
                    let text = String::from_utf8_lossy(&packet[2..]).into_owned();
                    let fields: Vec<&str> = text.split('\0').collect();
                    for pair in fields.chunks_exact(2) {
                        match pair[0] {
                            "blksize" => blksize = pair[1].parse().unwrap(),
                            "windowsize" => window = pair[1].parse().unwrap(),
                            _ => {}
                        }
                    }
                    tftp.oack = Some(text);
                    self.ack(socket, from, 0);
                }
                3 if packet[0] == 0 => {
                    let data = &packet[4..];
                    if number != expected as u16 {
                        // A repeated block says that its ACK was lost; a gap is told once.
                        if !std::mem::replace(&mut gap_told, true)
                            || number == (expected - 1) as u16
                        {
                            in_window = 0;
                            self.ack(socket, from, expected - 1);
                        }
                        tftp.unexpected += 1;
                        continue;
                    }
                    tftp.data.extend_from_slice(data);
                    expected += 1;
                    in_window += 1;
                    gap_told = false;
                    let last = data.len() < blksize;
                    if in_window == window || last {
                        in_window = 0;
                        self.ack(socket, from, expected - 1);
                    }
                    if last {
                        tftp.complete = true;
                        break;
                    }
                }
                5 if packet[0] == 0 => {
                    tftp.error = Some(number);
                    break;
                }
                _ => tftp.unexpected += 1,
            }
        }
        self.pass(Duration::from_millis(300));
        self.sockets.remove(socket);
        tftp
    }

    pub fn ack(&mut self, socket: SocketHandle, tid: u16, block: u64) {
        let mut packet = [0, 4, 0, 0];
        packet[2..].copy_from_slice(&(block as u16).to_be_bytes());
        self.send(socket, (SERVER, tid), &packet);
    }

    // TCP and HTTP

    pub fn connect(&mut self, port: u16, window: usize) -> SocketHandle {
        let mut socket = tcp::Socket::new(
            tcp::SocketBuffer::new(vec![0; window]),
            tcp::SocketBuffer::new(vec![0; 8_192]),
        );
        socket.set_ack_delay(None);
        let own = self.fresh_port();
        let remote = IpEndpoint::new(IpAddress::Ipv4(SERVER), port);
        socket
            .connect(self.interface.context(), remote, own)
            .unwrap();
        self.sockets.add(socket)
    }

    pub fn write(&mut self, socket: SocketHandle, octets: &[u8]) {
        let ready = self.wait(Duration::from_secs(3), |client| {
            client
                .sockets
                .get_mut::<tcp::Socket>(socket)
                .may_send()
                .then_some(())
        });
        if ready.is_some() {
            let socket = self.sockets.get_mut::<tcp::Socket>(socket);
            assert_eq!(socket.send_slice(octets), Ok(octets.len()));
        }
    }

    /// Reads until the head and `Content-Length` octets, or all chunks, are there, or the connection ends, or
    /// nothing comes for `patience`.
    pub fn read(&mut self, socket: SocketHandle, patience: Duration) -> Http {
        let mut octets = Vec::new();
        let mut last = self.now();
        let end = self.wait(Duration::from_secs(100_000), |client| {
            let now = client.now();
            let socket = client.sockets.get_mut::<tcp::Socket>(socket);
            while socket.can_recv() {
                last = now;
                socket
                    .recv(|piece| {
                        octets.extend_from_slice(piece);
                        (piece.len(), ())
                    })
                    .unwrap();
            }
            if Http::is_whole(&octets) {
                return Some(End::Whole);
            }
            match socket.state() {
                tcp::State::Closed => return Some(End::Reset),
                _ if !socket.may_recv() && socket.state() != tcp::State::SynSent => {
                    return Some(End::Closed);
                }
                _ => {}
            }
            // Time moves on its own timers too.
            (now.since(last) > patience).then_some(End::Quiet)
        });
        Http {
            octets,
            end: end.unwrap_or(End::Quiet),
        }
    }

    /// One request on a connection of its own, with a window of 64 KiB - 1.
    pub fn http(&mut self, request: &str) -> Http {
        self.http_with_window(request, 65_535)
    }

    pub fn http_with_window(&mut self, request: &str, window: usize) -> Http {
        let socket = self.connect(80, window);
        self.write(socket, request.as_bytes());
        let answer = self.read(socket, Duration::from_secs(20));
        self.pass(Duration::from_millis(300));
        self.sockets.get_mut::<tcp::Socket>(socket).abort();
        self.pass(Duration::from_millis(100));
        self.sockets.remove(socket);
        answer
    }

    pub fn get(&mut self, name: &str) -> Http {
        self.http(&get(name, ""))
    }
}

pub fn get(name: &str, fields: &str) -> String {
    format!("GET /{name} HTTP/1.1\r\nHost: 10.0.0.1\r\n{fields}\r\n")
}

#[derive(Default)]
pub struct Tftp {
    pub data: Vec<u8>,
    pub oack: Option<String>,
    pub error: Option<u16>,
    pub complete: bool,
    /// Nothing came any more.
    pub silent: bool,
    pub packets: u32,
    pub unexpected: u32,
    /// Packets from other ports.
    pub foreign: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The response was complete.
    Whole,
    Closed,
    Reset,
    /// The connection stays open and nothing comes.
    Quiet,
}

impl std::fmt::Debug for Tftp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tftp")
            .field("octets", &self.data.len())
            .field("oack", &self.oack)
            .field("error", &self.error)
            .field("complete", &self.complete)
            .field("silent", &self.silent)
            .field("packets", &self.packets)
            .field("unexpected", &self.unexpected)
            .field("foreign", &self.foreign)
            .finish()
    }
}

pub struct Http {
    pub octets: Vec<u8>,
    pub end: End,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let length = self.octets.len();
        let start = String::from_utf8_lossy(&self.octets[..length.min(500)]);
        write!(f, "{length} octets, {:?}: {start}", self.end)
    }
}

impl Http {
    fn split(octets: &[u8]) -> Option<(&str, &[u8])> {
        let end = octets.windows(4).position(|four| four == b"\r\n\r\n")?;
        Some((
            std::str::from_utf8(&octets[..end]).ok()?,
            &octets[end + 4..],
        ))
    }

    pub fn is_whole(octets: &[u8]) -> bool {
        let Some((head, body)) = Self::split(octets) else {
            return false;
        };
        if head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked")
        {
            return body.ends_with(b"0\r\n\r\n");
        }
        match field(head, "Content-Length") {
            Some(length) => body.len() as u64 >= length.parse::<u64>().unwrap(),
            None => false,
        }
    }

    pub fn head(&self) -> &str {
        Self::split(&self.octets).expect("a head").0
    }

    pub fn status(&self) -> u16 {
        self.head().split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        field(self.head(), name)
    }

    pub fn body(&self) -> &[u8] {
        Self::split(&self.octets).expect("a head").1
    }

    /// The body without its chunk heads.
    pub fn dechunked(&self) -> Vec<u8> {
        let mut rest = self.body();
        let mut out = Vec::new();
        loop {
            let end = rest.windows(2).position(|two| two == b"\r\n").unwrap();
            let size = std::str::from_utf8(&rest[..end]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            if size == 0 {
                assert_eq!(&rest[end..], b"\r\n\r\n");
                return out;
            }
            out.extend_from_slice(&rest[end + 2..end + 2 + size]);
            assert_eq!(rest[end + 2 + size..end + 4 + size], *b"\r\n");
            rest = &rest[end + 4 + size..];
        }
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (field, value) = line.split_once(':')?;
        field.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// The client's end of the link as a smoltcp device.
struct Port(SharedWorld);

impl Device for Port {
    type RxToken<'a> = RxToken;
    type TxToken<'a> = TxToken;

    fn receive(&mut self, _: time::Instant) -> Option<(RxToken, TxToken)> {
        let frame = self.0.borrow_mut().client_receive()?;
        Some((RxToken(frame), TxToken(self.0.clone())))
    }

    fn transmit(&mut self, _: time::Instant) -> Option<TxToken> {
        Some(TxToken(self.0.clone()))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1_514;
        capabilities
    }
}

struct RxToken(Vec<u8>);

impl phy::RxToken for RxToken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

struct TxToken(SharedWorld);

impl phy::TxToken for TxToken {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.borrow_mut().client_send(&frame);
        result
    }
}
