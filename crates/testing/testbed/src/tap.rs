//! A TAP of this machine as the client's Ethernet device, and what went over it.
//!
//! Between client and TAP lies a simulated link, in real time: real servers can be met over a bad line.

use crate::ethernet::{Ethernet, WireEnd};
use crate::realtime::{Frames, RealClock};
use image_server::frame::Datagram;
use netboot_core::Instant;
use netsim::{Link, LinkConfig, LinkStats, PcapWriter, Side};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::cell::RefCell;
use std::ffi::c_short;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::rc::Rc;

/// Octets of an interface's name, with the NUL (Linux, `IFNAMSIZ`).
const NAME: usize = 16;
/// Ethernet frames (Linux, `IFF_TAP`).
const TAP: c_short = 0x0002;
/// No header of the driver's own before a frame (Linux, `IFF_NO_PI`).
const NO_PI: c_short = 0x1000;
/// A header, 1,500 octets, and room to see that a frame is too long.
const FRAME: usize = 2048;

/// Opens the TAP `name` of the network namespace that the calling thread is in. While it is open, the
/// link is up.
///
/// # Errors
/// When there is no such TAP, somebody else holds it, or it takes more rights.
pub fn open(name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::open("/dev/net/tun", flags, Mode::empty())?;
    let mut request = InterfaceRequest {
        name: [0; NAME],
        flags: TAP | NO_PI,
        rest: [0; 22],
    };
    if name.len() >= NAME {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    request.name[..name.len()].copy_from_slice(name.as_bytes());
    attach(&fd, &mut request)?;
    Ok(fd)
}

/// Linux, `struct ifreq`.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; NAME],
    flags: c_short,
    rest: [u8; 22],
}

#[expect(unsafe_code, reason = "no safe wrapper for this ioctl is known")]
fn attach(fd: &OwnedFd, request: &mut InterfaceRequest) -> rustix::io::Result<()> {
    use rustix::ioctl::{Updater, ioctl, opcode};
    const TUNSETIFF: rustix::ioctl::Opcode = opcode::write::<std::ffi::c_int>(b'T', 202);
    // SAFETY: TUNSETIFF reads a `struct ifreq` and writes it back; the request has its layout, at least
    // its size, and lives through the call.
    unsafe { ioctl(fd, Updater::<TUNSETIFF, InterfaceRequest>::new(request)) }
}

/// A frame as it went over the TAP.
#[derive(Clone, Debug)]
pub struct Frame {
    /// When.
    pub at: Instant,
    /// Whether the client sent it.
    pub sent: bool,
    /// From the destination address on, without check sequence.
    pub octets: Vec<u8>,
}

/// All frames of a boot, both ways, in order.
#[derive(Clone, Debug, Default)]
pub struct Capture(pub Vec<Frame>);

impl Capture {
    /// The UDP datagrams, with whether the client sent them.
    pub fn datagrams(&self) -> impl Iterator<Item = (bool, Datagram<'_>)> {
        self.0
            .iter()
            .filter_map(|frame| Some((frame.sent, Datagram::parse(&frame.octets)?)))
    }

    /// Writes it as a pcap file.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_pcap(&self, out: impl io::Write) -> io::Result<()> {
        let mut pcap = PcapWriter::new(out)?;
        for frame in &self.0 {
            pcap.frame(frame.at, &frame.octets)?;
        }
        pcap.finish().map(drop)
    }
}

/// The TAP, and the line to it.
pub struct Wire {
    fd: OwnedFd,
    clock: RealClock,
    link: Link,
    capture: Capture,
}

impl Wire {
    /// A line to `fd`, which [`open`] gave.
    pub fn shared(fd: OwnedFd, clock: RealClock, seed: u64, link: LinkConfig) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self {
            fd,
            clock,
            link: Link::new(seed, link),
            capture: Capture::default(),
        }))
    }

    /// The frames so far, as the client has sent and received them.
    pub fn take_capture(&mut self) -> Capture {
        std::mem::take(&mut self.capture)
    }

    /// What the line did to frames.
    pub fn stats(&self) -> LinkStats {
        self.link.stats()
    }

    fn record(&mut self, at: Instant, sent: bool, octets: &[u8]) {
        self.capture.0.push(Frame {
            at,
            sent,
            octets: octets.to_vec(),
        });
    }

    fn send(&mut self, frame: Vec<u8>) {
        let now = self.clock.now();
        self.record(now, true, &frame);
        self.link.send_owned(now, Side::Client, frame);
        self.pass_on();
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        self.pass_on();
        let now = self.clock.now();
        let frame = self.link.receive(now, Side::Client)?;
        self.record(now, false, &frame);
        Some(frame)
    }
}

impl Frames for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    fn pass_on(&mut self) -> Option<Instant> {
        let mut frame = [0; FRAME];
        loop {
            match rustix::io::read(&self.fd, &mut frame[..]) {
                Ok(len) => self
                    .link
                    .send(self.clock.now(), Side::Server, &frame[..len]),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(error) => {
                    log::error!("tap: cannot be read: {error}");
                    break;
                }
            }
        }
        while let Some(frame) = self.link.receive(self.clock.now(), Side::Server) {
            // What the kernel does not take is lost, as on a wire.
            if let Err(error) = rustix::io::write(&self.fd, &frame) {
                log::warn!("tap: frame of {} octets lost: {error}", frame.len());
            }
        }
        self.link.next_arrival()
    }
}

impl WireEnd for Rc<RefCell<Wire>> {
    /// Frames that a peer may send in one go; the driver's own queue holds 500.
    const RX_RING: usize = 256;

    fn receive(&self) -> Option<Vec<u8>> {
        self.borrow_mut().receive()
    }

    fn send(&self, frame: Vec<u8>) {
        self.borrow_mut().send(frame);
    }
}

/// The client's end of a [`Wire`].
pub type TapDevice = Ethernet<Rc<RefCell<Wire>>>;
