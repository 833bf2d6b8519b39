//! A link between a machine under QEMU and the servers behind a TAP, in real time.
//!
//! ```text
//! QEMU -netdev stream -- UNIX socket -- watch -- netsim::Link (delay, loss) -- TAP -- servers
//! ```
//!
//! Whatever the machine is, it sees the same wire; whoever watches sees frames as the machine sends and gets them.

use anyhow::{Context, Result, anyhow};
use image_server::qemu::{self as port, QemuPort};
use netboot_core::{Duration, Instant};
use netsim::{Link, LinkConfig, LinkStats, Side};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Gets each frame at the machine's end of the wire.
pub trait Watch: Send + 'static {
    /// `sent`: by the machine. `at` is the time since the bridge was started.
    fn frame(&mut self, at: Instant, sent: bool, octets: &[u8]);
}

/// A header, 1,500 octets, and room to see that a frame is too long.
const FRAME: usize = 2048;
/// Frames taken from the TAP before the other side is looked at again.
const BATCH: usize = 64;
/// The stop flag is looked at so often, in µs.
const ATTENTION: u64 = 20_000;

/// A bridge, in a thread of its own; ends with this value.
pub struct Bridge {
    stop: Arc<AtomicBool>,
    started: std::time::Instant,
    thread: Option<thread::JoinHandle<Result<LinkStats>>>,
}

impl Bridge {
    /// Listens at `socket` for QEMU, and passes frames between it and `tap`, which [`crate::tap::open`] gave.
    ///
    /// # Errors
    /// When the socket or the thread cannot be made.
    pub fn start<W: Watch>(
        tap: OwnedFd,
        socket: &Path,
        seed: u64,
        link: LinkConfig,
        watch: Arc<Mutex<W>>,
    ) -> Result<Self> {
        let listener = port::listen(socket)
            .with_context(|| format!("cannot listen at {}", socket.display()))?;
        let stop = Arc::new(AtomicBool::new(false));
        let started = std::time::Instant::now();
        let seen = stop.clone();
        let thread = thread::Builder::new()
            .name("bridge".into())
            .spawn(move || {
                let Some(stream) = port::accept(&listener, &seen)? else {
                    return Ok(LinkStats::default());
                };
                // Sleeps end when they are to end: the default is 50 µs later.
                let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1_000));
                let run = Run {
                    port: QemuPort::new(stream)?,
                    tap,
                    link: Link::new(seed, link),
                    watch,
                    started,
                };
                run.until(&seen)
            })
            .context("cannot start a thread")?;
        Ok(Self {
            stop,
            started,
            thread: Some(thread),
        })
    }

    /// The time since it was started, as the watch is told it.
    pub fn now(&self) -> Instant {
        Instant::ZERO + Duration::from(self.started.elapsed())
    }

    /// Ends it, and says what the link did to frames.
    ///
    /// # Errors
    /// Those of socket and TAP.
    pub fn stop(mut self) -> Result<LinkStats> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("stopped twice")?;
        thread.join().map_err(|_| anyhow!("the bridge panicked"))?
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It holds the TAP, so the next one has to wait for it.
            let _ = thread.join();
        }
    }
}

/// What the thread works with.
struct Run<W> {
    port: QemuPort,
    tap: OwnedFd,
    link: Link,
    watch: Arc<Mutex<W>>,
    started: std::time::Instant,
}

impl<W: Watch> Run<W> {
    fn now(&self) -> Instant {
        Instant::ZERO + Duration::from(self.started.elapsed())
    }

    fn until(mut self, stop: &AtomicBool) -> Result<LinkStats> {
        self.forget_old_frames()?;
        while self.port.is_open() && !stop.load(Ordering::Relaxed) {
            self.take_from_machine()?;
            self.take_from_servers()?;
            self.port.flush()?;
            let next = self.link.next_arrival();
            let micros = next.map_or(ATTENTION, |at| at.since(self.now()).as_micros());
            let timeout = Timespec {
                tv_sec: 0,
                tv_nsec: (micros.min(ATTENTION) * 1_000) as _,
            };
            let mut fds = [
                PollFd::new(&self.port, self.port.interest()),
                PollFd::new(&self.tap, PollFlags::IN),
            ];
            match poll(&mut fds, Some(&timeout)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error).context("poll"),
            }
        }
        Ok(self.link.stats())
    }

    /// What servers sent to a machine that is no more.
    fn forget_old_frames(&self) -> Result<()> {
        let mut frame = [0; FRAME];
        loop {
            match rustix::io::read(&self.tap, &mut frame[..]) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error).context("the TAP cannot be read"),
            }
        }
    }

    fn take_from_machine(&mut self) -> Result<()> {
        let now = self.now();
        let (link, watch) = (&mut self.link, &self.watch);
        self.port.receive(|frame| {
            if let Ok(mut watch) = watch.lock() {
                watch.frame(now, true, frame);
            }
            link.send(now, Side::Client, frame);
        })?;
        while let Some(frame) = self.link.receive(now, Side::Server) {
            // What the kernel does not take is lost, as on a wire.
            let _ = rustix::io::write(&self.tap, &frame);
        }
        Ok(())
    }

    fn take_from_servers(&mut self) -> Result<()> {
        let mut frame = [0; FRAME];
        for _ in 0..BATCH {
            match rustix::io::read(&self.tap, &mut frame[..]) {
                Ok(len) => {
                    let now = self.now();
                    self.link.send(now, Side::Server, &frame[..len]);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(error) => return Err(error).context("the TAP cannot be read"),
            }
        }
        let now = self.now();
        while let Some(frame) = self.link.receive(now, Side::Client) {
            if let Ok(mut watch) = self.watch.lock() {
                watch.frame(now, false, &frame);
            }
            self.port.queue(&frame);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::{UnixDatagram, UnixStream};

    #[derive(Default)]
    struct Seen(Vec<(Instant, bool, Vec<u8>)>);

    impl Watch for Seen {
        fn frame(&mut self, at: Instant, sent: bool, octets: &[u8]) {
            self.0.push((at, sent, octets.to_vec()));
        }
    }

    /// A datagram socket keeps frames apart, as a TAP does.
    #[test]
    fn frames_pass_both_ways_late_and_watched() {
        let scratch = tempfile::tempdir().unwrap();
        let socket = scratch.path().join("net.sock");
        let (tap, servers) = UnixDatagram::pair().unwrap();
        tap.set_nonblocking(true).unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let link = LinkConfig::with_delay(Duration::from_millis(5));
        let bridge = Bridge::start(tap.into(), &socket, 1, link, seen.clone()).unwrap();
        let mut machine = UnixStream::connect(&socket).unwrap();
        let began = std::time::Instant::now();
        machine.write_all(b"\0\0\0\x04ping").unwrap();
        let mut frame = [0; 16];
        let len = servers.recv(&mut frame).unwrap();
        assert_eq!(&frame[..len], b"ping");
        servers.send(b"pong!").unwrap();
        let mut answer = [0; 9];
        machine.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"\0\0\0\x05pong!");
        assert!(began.elapsed() >= std::time::Duration::from_millis(10));
        let stats = bridge.stop().unwrap();
        assert_eq!(stats.from_client.delivered, 1);
        let seen = seen.lock().unwrap();
        let frames: Vec<_> = seen
            .0
            .iter()
            .map(|(_, sent, frame)| (*sent, &frame[..]))
            .collect();
        assert_eq!(frames, [(true, &b"ping"[..]), (false, b"pong!")]);
        assert!(seen.0[1].0.since(seen.0[0].0) >= Duration::from_millis(10));
    }

    #[test]
    fn a_bridge_that_nobody_came_to_ends() {
        let scratch = tempfile::tempdir().unwrap();
        let (tap, _servers) = UnixDatagram::pair().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let socket = scratch.path().join("net.sock");
        let bridge = Bridge::start(tap.into(), &socket, 1, LinkConfig::PERFECT, seen).unwrap();
        assert_eq!(bridge.stop().unwrap(), LinkStats::default());
    }
}
