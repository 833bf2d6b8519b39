//! The server in real time, at the other end of a QEMU network device.
//!
//! QEMU connects with `-netdev stream,id=n,server=off,addr.type=unix,addr.path=PATH`. On the socket each
//! frame is preceded by its length, four octets, most significant first.
//!
//! One thread does everything and sleeps in `poll(2)`: a frame is answered after a single wake-up. Sending
//! never blocks, so a guest that sends and does not receive is still listened to. What is available is read
//! at once, and what is to be sent is written at once.

use crate::forward::Forward;
use crate::served::Served;
use crate::server::ImageServer;
use netboot_core::{Duration, Instant};
use netsim::{Link, Side};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Longest frame that QEMU sends (`NET_BUFSIZE`).
const LONGEST: usize = 4_096 + 65_536;
/// Read at a time.
const READ: usize = 256 * 1024;
/// What QEMU has not taken; more is dropped, as by a full switch.
const MOST_UNSENT: usize = 16 << 20;
/// The stop flag is looked at so often.
const ATTENTION: std::time::Duration = std::time::Duration::from_millis(20);

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// QEMU has connected.
    Connected,
    /// A request is over.
    Served(Served),
    /// QEMU has gone.
    Disconnected,
}

/// What is left when it is over.
pub struct Report {
    /// The server, with its records.
    pub server: ImageServer,
    /// The link, with its counters.
    pub link: Link,
    /// When it ended, since the start of [`run`].
    pub ended: Instant,
    /// Frames that were dropped because QEMU did not take them.
    pub dropped: u64,
}

/// Listens at `path`; a socket that a run before left there is removed.
///
/// # Errors
/// Those of the file system; [`ErrorKind::AddrInUse`] when another server listens there, and [`ErrorKind::AlreadyExists`] when what is
/// there is no socket.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    match std::fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => {
            let kind = ErrorKind::AlreadyExists;
            return Err(io::Error::new(kind, "what is there is no socket"));
        }
        Ok(_) if UnixStream::connect(path).is_ok() => {
            let kind = ErrorKind::AddrInUse;
            return Err(io::Error::new(kind, "another server holds that socket"));
        }
        Ok(_) => std::fs::remove_file(path)?,
        Err(_) => {}
    }
    UnixListener::bind(path)
}

/// Waits for QEMU and serves it until it goes or `stop` is set.
///
/// Time is real: the instants of `server` and `link` are those since the start of this function, so both
/// begin at [`Instant::ZERO`]. `on_event` may change the server, its faults for example, and inject frames.
///
/// # Errors
/// Those of the socket, but not that QEMU has gone; `InvalidData` when what comes is not QEMU's format.
pub fn run(
    listener: UnixListener,
    server: ImageServer,
    link: Link,
    stop: &AtomicBool,
    on_event: impl FnMut(&mut ImageServer, Event),
) -> io::Result<Report> {
    run_with(listener, server, link, None, stop, on_event)
}

/// Like [`run`], with a port of this machine that leads to QEMU's.
///
/// # Errors
/// As with [`run`], and those of the port's socket.
pub fn run_with(
    listener: UnixListener,
    mut server: ImageServer,
    mut link: Link,
    mut forward: Option<Forward>,
    stop: &AtomicBool,
    mut on_event: impl FnMut(&mut ImageServer, Event),
) -> io::Result<Report> {
    let started = std::time::Instant::now();
    let clock = || Instant::ZERO + Duration::from(started.elapsed());
    let Some(stream) = accept(&listener, stop)? else {
        return Ok(Report {
            server,
            link,
            ended: clock(),
            dropped: 0,
        });
    };
    let mut port = QemuPort::new(stream)?;
    on_event(&mut server, Event::Connected);
    let mut told = 0;
    let mut server_due = Some(clock());
    while port.is_open() && !stop.load(Ordering::Relaxed) {
        let now = clock();
        port.receive(|frame| link.send(now, Side::Client, frame))?;
        let mut arrived = false;
        while let Some(frame) = link.receive(now, Side::Server) {
            if forward.as_mut().is_some_and(|port| port.take(&frame)) {
                continue;
            }
            server.handle_owned(now, frame);
            arrived = true;
        }
        if let Some(forward) = &mut forward {
            for frame in forward.frames(server.mac(), server.ip())? {
                link.send_owned(now, Side::Server, frame);
            }
        }
        if arrived || server_due.is_some_and(|due| due <= now) {
            server.poll(now);
            while told < server.served().len() {
                let served = server.served()[told].clone();
                told += 1;
                on_event(&mut server, Event::Served(served));
            }
            while let Some(frame) = server.poll_transmit() {
                link.send_owned(now, Side::Server, frame);
            }
            server_due = server.poll_at(now);
            if let Some(due) = &mut server_due {
                // It was just polled: what is still due waits for something else.
                *due = (*due).max(now + Duration::from_micros(100));
            }
        }
        while let Some(frame) = link.receive(now, Side::Client) {
            port.queue(&frame);
        }
        port.flush()?;
        let next = link.next_arrival().into_iter().chain(server_due).min();
        let patience = next.map_or(ATTENTION, |at| {
            let micros = at.since(clock()).as_micros();
            std::time::Duration::from_micros(micros).min(ATTENTION)
        });
        if !patience.is_zero() {
            let own = PollFd::from_borrowed_fd(port.as_fd(), port.interest());
            match &forward {
                Some(forward) => sleep(&mut [own, PollFd::new(forward, PollFlags::IN)], patience)?,
                None => sleep(&mut [own], patience)?,
            }
        }
    }
    on_event(&mut server, Event::Disconnected);
    Ok(Report {
        server,
        link,
        ended: clock(),
        dropped: port.dropped,
    })
}

/// Waits for QEMU; `None` when `stop` was set before it came.
///
/// # Errors
/// Those of the socket.
pub fn accept(listener: &UnixListener, stop: &AtomicBool) -> io::Result<Option<UnixStream>> {
    listener.set_nonblocking(true)?;
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, _)) => return Ok(Some(stream)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                sleep_on(listener.as_fd(), PollFlags::IN, ATTENTION)?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Waits until `fd` is ready for what `flags` say, or for `patience`.
fn sleep_on(fd: BorrowedFd<'_>, flags: PollFlags, patience: std::time::Duration) -> io::Result<()> {
    sleep(&mut [PollFd::from_borrowed_fd(fd, flags)], patience)
}

/// Waits until one of `fds` is ready, or for `patience`.
fn sleep(fds: &mut [PollFd<'_>], patience: std::time::Duration) -> io::Result<()> {
    let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
    match poll(fds, Some(&patience)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl AsFd for QemuPort {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// A QEMU netdev socket: frames with their lengths, without blocking.
pub struct QemuPort {
    stream: UnixStream,
    open: bool,
    /// Octets read and not yet taken: `inbox[taken..filled]`.
    inbox: Vec<u8>,
    taken: usize,
    filled: usize,
    /// Octets to write: `outbox[written..]`.
    outbox: Vec<u8>,
    written: usize,
    dropped: u64,
}

impl QemuPort {
    /// A port on a connected socket.
    ///
    /// # Errors
    /// When the socket cannot be made non-blocking.
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            open: true,
            inbox: vec![0; READ],
            taken: 0,
            filled: 0,
            outbox: Vec::new(),
            written: 0,
            dropped: 0,
        })
    }

    /// Whether QEMU is still there.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Frames dropped because QEMU did not take them.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Octets that are queued and not yet written.
    pub fn unsent(&self) -> usize {
        self.outbox.len() - self.written
    }

    /// Gives all frames that have arrived to `frame`; at most some hundred, so that answers are not late.
    ///
    /// # Errors
    /// Those of the socket; `InvalidData` when a length cannot be one.
    pub fn receive(&mut self, mut frame: impl FnMut(&[u8])) -> io::Result<()> {
        self.inbox.copy_within(self.taken..self.filled, 0);
        self.filled -= self.taken;
        self.taken = 0;
        match self.stream.read(&mut self.inbox[self.filled..]) {
            Ok(0) => self.open = false,
            Ok(length) => self.filled += length,
            Err(error) => self.endure(error)?,
        }
        while let Some((head, rest)) = self.inbox[self.taken..self.filled].split_first_chunk() {
            let length = u32::from_be_bytes(*head) as usize;
            if length > LONGEST {
                return Err(ErrorKind::InvalidData.into());
            }
            let Some(octets) = rest.get(..length) else {
                break;
            };
            frame(octets);
            self.taken += 4 + length;
        }
        Ok(())
    }

    /// Queues a frame for [`flush`](Self::flush).
    pub fn queue(&mut self, frame: &[u8]) {
        let length = u32::try_from(frame.len()).ok();
        let Some(length) = length.filter(|_| self.unsent() < MOST_UNSENT) else {
            self.dropped += 1;
            return;
        };
        self.outbox.extend_from_slice(&length.to_be_bytes());
        self.outbox.extend_from_slice(frame);
    }

    /// Writes as much as QEMU takes.
    ///
    /// # Errors
    /// Those of the socket, but not that QEMU has gone.
    pub fn flush(&mut self) -> io::Result<()> {
        while self.written < self.outbox.len() {
            match self.stream.write(&self.outbox[self.written..]) {
                Ok(length) => self.written += length,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.endure(error)?;
                    break;
                }
            }
        }
        if self.written == self.outbox.len() {
            self.outbox.clear();
            self.written = 0;
        } else if self.written > READ {
            self.outbox.drain(..self.written);
            self.written = 0;
        }
        Ok(())
    }

    /// Sleeps until something can be read, or written if something is to be, or for `patience`.
    ///
    /// # Errors
    /// Those of `poll(2)`.
    pub fn wait(&self, patience: std::time::Duration) -> io::Result<()> {
        sleep_on(self.stream.as_fd(), self.interest(), patience)
    }

    /// What [`wait`](Self::wait) waits for, for a caller that waits for more than this port.
    pub fn interest(&self) -> PollFlags {
        match self.unsent() {
            0 => PollFlags::IN,
            _ => PollFlags::IN | PollFlags::OUT,
        }
    }

    /// Tells errors that mean *later* and *gone* from real ones.
    fn endure(&mut self, error: io::Error) -> io::Result<()> {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(()),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                self.open = false;
                Ok(())
            }
            _ => Err(error),
        }
    }
}
