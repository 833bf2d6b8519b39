//! A TAP of this machine as the client's Ethernet device, and what went over it.

use crate::realtime::RealClock;
use image_server::frame::Datagram;
use netboot_core::{Device, DeviceInfo, Instant, TxSlot};
use netsim::PcapWriter;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::cell::RefCell;
use std::ffi::c_short;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;

/// Address of the station behind the TAP.
pub const MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x15];
/// Octets of an interface's name, with the NUL (Linux, `IFNAMSIZ`).
const NAME: usize = 16;
/// Ethernet frames (Linux, `IFF_TAP`).
const TAP: c_short = 0x0002;
/// No header of the driver's own before a frame (Linux, `IFF_NO_PI`).
const NO_PI: c_short = 0x1000;
/// A header, 1,500 octets, and room to see that a frame is too long.
const FRAME: usize = 2048;
/// Frames that a peer may send in one go; the driver's own queue holds 500.
const RX_RING: usize = 256;

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

/// The TAP as a device.
pub struct TapDevice {
    fd: Arc<OwnedFd>,
    clock: RealClock,
    received: Box<[u8; FRAME]>,
    capture: Rc<RefCell<Capture>>,
}

impl TapDevice {
    /// Frames come from and go to `fd`, which [`open`] gave.
    pub fn new(fd: OwnedFd, clock: RealClock) -> Self {
        Self {
            fd: Arc::new(fd),
            clock,
            received: Box::new([0; FRAME]),
            capture: Rc::default(),
        }
    }

    /// What becomes readable when a frame arrives.
    pub fn fd(&self) -> Arc<OwnedFd> {
        self.fd.clone()
    }

    /// The frames so far, shared with the device.
    pub fn capture(&self) -> Rc<RefCell<Capture>> {
        self.capture.clone()
    }

    fn tx(&self) -> TapTx<'_> {
        TapTx {
            fd: &self.fd,
            clock: self.clock,
            capture: &self.capture,
        }
    }
}

/// A frame to be sent.
pub struct TapTx<'a> {
    fd: &'a OwnedFd,
    clock: RealClock,
    capture: &'a RefCell<Capture>,
}

impl TxSlot for TapTx<'_> {
    fn send<R>(self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut octets = vec![0; len];
        let result = fill(&mut octets);
        // What the kernel does not take is lost, as on a wire.
        if let Err(error) = rustix::io::write(self.fd, &octets) {
            log::warn!("tap: frame of {len} octets lost: {error}");
        }
        self.capture.borrow_mut().0.push(Frame {
            at: self.clock.now(),
            sent: true,
            octets,
        });
        result
    }
}

impl Device for TapDevice {
    type Tx<'a> = TapTx<'a>;

    fn info(&self) -> DeviceInfo {
        DeviceInfo {
            mac: MAC,
            mtu: 1500,
            rx_ring: RX_RING,
        }
    }

    fn receive(&mut self) -> Option<(&[u8], TapTx<'_>)> {
        let len = match rustix::io::read(&*self.fd, &mut self.received[..]) {
            Ok(len) => len,
            Err(Errno::AGAIN | Errno::INTR) => return None,
            Err(error) => {
                log::error!("tap: cannot be read: {error}");
                return None;
            }
        };
        self.capture.borrow_mut().0.push(Frame {
            at: self.clock.now(),
            sent: false,
            octets: self.received[..len].to_vec(),
        });
        Some((&self.received[..len], self.tx()))
    }

    fn transmit(&mut self) -> Option<TapTx<'_>> {
        Some(self.tx())
    }
}
