//! The QEMU port in real time; the test plays QEMU.
#![cfg(unix)]

mod common;

use common::{IP, MAC, SERVER, get, pattern};
use image_server::frame::{Datagram, noise};
use image_server::qemu::{self, Event, QemuPort, Report};
use image_server::{ImageServer, ServerConfig};
use netboot_core::{Duration, Instant};
use netsim::{Link, LinkConfig};
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::socket::tcp;
use smoltcp::time;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};
use std::collections::VecDeque;
use std::io::Write;
use std::net::SocketAddrV4;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

struct Running {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<std::io::Result<(Report, Vec<Event>)>>,
}

fn start(name: &str, size: u64, link: LinkConfig, burst: usize) -> Running {
    let path = std::env::temp_dir().join(format!("image-server-{name}-{}", std::process::id()));
    let listener: UnixListener = qemu::listen(&path).unwrap();
    let mut config = ServerConfig::default();
    config.files.insert("fw.bin".into(), pattern(size));
    let server = ImageServer::new(config, Instant::ZERO);
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    let thread = std::thread::spawn(move || {
        let mut events = Vec::new();
        let link = Link::new(1, link);
        let report = qemu::run(listener, server, link, &flag, |server, event| {
            if event == Event::Connected {
                for _ in 0..burst {
                    server.inject(noise(MAC, SERVER, 1_000));
                }
            }
            events.push(event);
        })?;
        Ok((report, events))
    });
    Running { path, stop, thread }
}

impl Running {
    fn connect(&self) -> QemuPort {
        QemuPort::new(UnixStream::connect(&self.path).unwrap()).unwrap()
    }

    fn finish(self) -> (Report, Vec<Event>) {
        let result = self.thread.join().unwrap().unwrap();
        let _ = std::fs::remove_file(self.path);
        result
    }
}

/// Waits up to 5 s until `frame` was given a frame that it wants.
fn await_frame(port: &mut QemuPort, mut wanted: impl FnMut(&[u8]) -> bool) -> bool {
    let began = std::time::Instant::now();
    let mut found = false;
    while !found && port.is_open() && began.elapsed().as_secs() < 5 {
        port.flush().unwrap();
        port.wait(std::time::Duration::from_millis(10)).unwrap();
        port.receive(|frame| found |= wanted(frame)).unwrap();
    }
    found
}

fn discover() -> Vec<u8> {
    Datagram {
        from_mac: MAC,
        to_mac: [2, 0, 0, 0, 0, 1],
        from: SocketAddrV4::new(IP, 68),
        to: SocketAddrV4::new(SERVER, 67),
        payload: &{
            let mut message = vec![0; 240];
            message[..3].copy_from_slice(&[1, 1, 6]);
            message[10] = 0x80;
            message[28..34].copy_from_slice(&MAC);
            message[236..].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
            message.extend_from_slice(&[53, 1, 1, 255]);
            message
        },
    }
    .frame()
}

#[test]
fn discover_is_answered_after_the_delay_and_events_are_told() {
    let link = LinkConfig::with_delay(Duration::from_millis(25));
    let running = start("events", 10, link, 0);
    let mut port = running.connect();
    let began = std::time::Instant::now();
    port.queue(&discover());
    let offered = |frame: &[u8]| Datagram::parse(frame).is_some_and(|d| d.to.port() == 68);
    assert!(await_frame(&mut port, offered));
    assert!(began.elapsed().as_millis() >= 50);
    drop(port);
    let (report, events) = running.finish();
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(matches!(&events[1], Event::Served(served) if served.name == "discover"));
    assert_eq!(report.server.served().len(), 1);
    assert_eq!(report.link.stats().from_server.sent, 1);
    assert_eq!(report.dropped, 0);
}

#[test]
fn round_trip_is_short() {
    const ROUNDS: u32 = 2_000;
    let running = start("latency", 10, LinkConfig::default(), 0);
    let mut port = running.connect();
    let began = std::time::Instant::now();
    for _ in 0..ROUNDS {
        port.queue(&discover());
        assert!(await_frame(&mut port, |_| true));
    }
    let each = began.elapsed() / ROUNDS;
    println!("{each:?} for a round trip");
    assert!(each.as_millis() < 10, "{each:?}");
    drop(port);
    running.finish();
}

#[test]
fn burst_is_injected_whole() {
    let running = start("burst", 10, LinkConfig::default(), 5_000);
    let mut port = running.connect();
    let mut frames = 0;
    let all = await_frame(&mut port, |frame| {
        assert_eq!(frame.len(), 1_000);
        frames += 1;
        frames == 5_000
    });
    assert!(all, "{frames}");
    drop(port);
    running.finish();
}

#[test]
fn stop_flag_ends_it_before_and_after_connecting() {
    for connect in [false, true] {
        let running = start(&format!("stop-{connect}"), 10, LinkConfig::default(), 0);
        let port = connect.then(|| running.connect());
        running.stop.store(true, Ordering::Relaxed);
        running.finish();
        drop(port);
    }
}

#[test]
fn nonsense_lengths_are_an_error() {
    let running = start("nonsense", 10, LinkConfig::default(), 0);
    let mut stream = UnixStream::connect(&running.path).unwrap();
    stream.write_all(&[0xFF; 64]).unwrap();
    let error = running.thread.join().unwrap().err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
}

#[test]
fn guest_that_does_not_receive_is_listened_to() {
    let running = start("deaf", 10, LinkConfig::default(), 2_000);
    let mut port = running.connect();
    // Nothing is received: the 2,000,000 octets of the burst fill the socket. All this gets through.
    let began = std::time::Instant::now();
    for _ in 0..5_000 {
        port.queue(&noise(MAC, IP, 1_400));
    }
    let whole = 5_000 * 1_404;
    assert!(whole > 4 << 20);
    while began.elapsed().as_secs() < 5 {
        port.flush().unwrap();
        if port.unsent() == 0 {
            break;
        }
    }
    assert_eq!(port.unsent(), 0);
    drop(port);
    let (report, _) = running.finish();
    assert!(report.link.stats().from_client.sent > 4_000);
}

#[test]
fn http_is_fast() {
    const SIZE: usize = 64 << 20;
    let running = start("fast", SIZE as u64, LinkConfig::default(), 0);
    let mut device = Port {
        port: running.connect(),
        frames: VecDeque::new(),
    };
    let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(MAC)));
    config.random_seed = 9;
    let mut interface = Interface::new(config, &mut device, time::Instant::ZERO);
    interface.update_ip_addrs(|addresses| {
        addresses
            .push(IpCidr::new(IpAddress::Ipv4(IP), 24))
            .unwrap();
    });
    let mut sockets = SocketSet::new(Vec::new());
    let buffer = || tcp::SocketBuffer::new(vec![0; 512 * 1024]);
    let mut socket = tcp::Socket::new(buffer(), buffer());
    socket.set_ack_delay(None);
    socket
        .connect(interface.context(), (IpAddress::Ipv4(SERVER), 80), 50_000)
        .unwrap();
    let handle = sockets.add(socket);
    let began = std::time::Instant::now();
    let (mut asked, mut received) = (false, 0);
    while received < SIZE && began.elapsed().as_secs() < 60 {
        let now = time::Instant::from_micros(began.elapsed().as_micros() as i64);
        let frames = &mut device.frames;
        device
            .port
            .receive(|frame| frames.push_back(frame.to_vec()))
            .unwrap();
        interface.poll(now, &mut device, &mut sockets);
        let socket = sockets.get_mut::<tcp::Socket>(handle);
        if socket.may_send() && !asked {
            asked = true;
            socket.send_slice(get("fw.bin", "").as_bytes()).unwrap();
        }
        while socket.can_recv() {
            received += socket.recv(|octets| (octets.len(), octets.len())).unwrap();
        }
        interface.poll(now, &mut device, &mut sockets);
        device.port.flush().unwrap();
        device
            .port
            .wait(std::time::Duration::from_millis(1))
            .unwrap();
    }
    let took = began.elapsed();
    assert!(received >= SIZE, "{received} octets in {took:?}");
    println!("{:.0} MB/s", received as f64 / took.as_secs_f64() / 1e6);
    drop(device);
    let (report, _) = running.finish();
    assert!(report.server.served()[0].octets == SIZE as u64);
}

struct Port {
    port: QemuPort,
    frames: VecDeque<Vec<u8>>,
}

impl Device for Port {
    type RxToken<'a> = RxToken;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, _: time::Instant) -> Option<(RxToken, TxToken<'_>)> {
        let frame = self.frames.pop_front()?;
        Some((RxToken(frame), TxToken(&mut self.port)))
    }

    fn transmit(&mut self, _: time::Instant) -> Option<TxToken<'_>> {
        Some(TxToken(&mut self.port))
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

struct TxToken<'a>(&'a mut QemuPort);

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.queue(&frame);
        result
    }
}
