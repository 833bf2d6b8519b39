//! The board of a client that runs on this machine: its clock, its entropy, and sleep until a frame
//! arrives.

use netboot_core::{Duration, Instant, Platform};
use rand_core::{CryptoRngCore, OsRng};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::cell::RefCell;
use std::os::fd::BorrowedFd;
use std::rc::Rc;

/// This machine's monotonic clock, from the moment it was made.
#[derive(Clone, Copy, Debug)]
pub struct RealClock(std::time::Instant);

impl RealClock {
    /// A clock that shows zero.
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// The time since it was made.
    pub fn now(&self) -> Instant {
        Instant::ZERO + Duration::from(self.0.elapsed())
    }
}

/// Where frames come from, as far as a sleeper needs to know.
pub trait Frames {
    /// Becomes readable when a frame arrives.
    fn as_fd(&self) -> BorrowedFd<'_>;

    /// Passes on what is due, and says when there will be something due again.
    fn pass_on(&mut self) -> Option<Instant>;
}

/// Real time and real randomness.
pub struct RealPlatform<F> {
    clock: RealClock,
    frames: Rc<RefCell<F>>,
    rng: OsRng,
}

impl<F: Frames> RealPlatform<F> {
    /// Sleeps until `frames` has some.
    pub fn new(clock: RealClock, frames: Rc<RefCell<F>>) -> Self {
        Self {
            clock,
            frames,
            rng: OsRng,
        }
    }
}

impl<F: Frames> Platform for RealPlatform<F> {
    type Rng = OsRng;

    fn now(&mut self) -> Instant {
        self.clock.now()
    }

    fn idle(&mut self, until: Instant) {
        let mut frames = self.frames.borrow_mut();
        let due = frames.pass_on().unwrap_or(Instant::FAR_FUTURE);
        // FAR_FUTURE is more than the kernel takes, and an early return is always right.
        let span = until.min(due).since(self.clock.now());
        let micros = span.as_micros().min(60_000_000);
        let timeout = Timespec {
            tv_sec: (micros / 1_000_000) as i64,
            tv_nsec: (micros % 1_000_000 * 1_000) as _,
        };
        let fd = frames.as_fd();
        // A signal ends the wait early, too.
        let _ = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout));
        frames.pass_on();
    }

    fn rng(&mut self) -> &mut OsRng {
        &mut self.rng
    }

    fn secret_rng(&mut self) -> Option<&mut dyn CryptoRngCore> {
        Some(self.rng())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::pipe;
    use std::os::fd::{AsFd as _, OwnedFd};

    struct Pipe {
        reader: OwnedFd,
        due: Option<Instant>,
    }

    impl Frames for Pipe {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.reader.as_fd()
        }

        fn pass_on(&mut self) -> Option<Instant> {
            self.due
        }
    }

    #[test]
    fn idle_ends_in_time_or_with_a_frame() {
        let (reader, writer) = pipe().unwrap();
        let clock = RealClock::start();
        let pipe = Rc::new(RefCell::new(Pipe { reader, due: None }));
        let mut platform = RealPlatform::new(clock, pipe.clone());
        platform.idle(Instant::from_millis(20));
        assert!(clock.now() >= Instant::from_millis(20));
        pipe.borrow_mut().due = Some(Instant::from_millis(40));
        platform.idle(Instant::FAR_FUTURE);
        assert!(clock.now() >= Instant::from_millis(40));
        pipe.borrow_mut().due = None;
        rustix::io::write(&writer, b"frame").unwrap();
        platform.idle(Instant::FAR_FUTURE);
        assert!(clock.now() < Instant::from_millis(10_000));
    }
}
