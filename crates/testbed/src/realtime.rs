//! The board of a client that runs on this machine: its clock, its entropy, and sleep until a frame
//! arrives.

use netboot_core::{Duration, Instant, Platform};
use rand_core::OsRng;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::OwnedFd;
use std::sync::Arc;

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

/// Real time, real randomness, and a file descriptor that becomes readable when a frame arrives.
pub struct RealPlatform {
    clock: RealClock,
    frames: Arc<OwnedFd>,
    rng: OsRng,
}

impl RealPlatform {
    /// Sleeps on `frames`, such as [`TapDevice::fd`](crate::tap::TapDevice::fd).
    pub fn new(clock: RealClock, frames: Arc<OwnedFd>) -> Self {
        Self {
            clock,
            frames,
            rng: OsRng,
        }
    }
}

impl Platform for RealPlatform {
    type Rng = OsRng;

    fn now(&mut self) -> Instant {
        self.clock.now()
    }

    fn idle(&mut self, until: Instant) {
        // FAR_FUTURE is more than the kernel takes, and an early return is always right.
        let micros = until.since(self.clock.now()).as_micros().min(60_000_000);
        let timeout = Timespec {
            tv_sec: (micros / 1_000_000) as i64,
            tv_nsec: (micros % 1_000_000 * 1_000) as _,
        };
        let mut wanted = [PollFd::new(&*self.frames, PollFlags::IN)];
        // A signal ends the wait early, too.
        let _ = poll(&mut wanted, Some(&timeout));
    }

    fn rng(&mut self) -> &mut OsRng {
        &mut self.rng
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::pipe;

    #[test]
    fn idle_ends_in_time_or_with_a_frame() {
        let (reader, writer) = pipe().unwrap();
        let clock = RealClock::start();
        let mut platform = RealPlatform::new(clock, Arc::new(reader));
        platform.idle(Instant::from_millis(20));
        assert!(clock.now() >= Instant::from_millis(20));
        rustix::io::write(&writer, b"frame").unwrap();
        platform.idle(Instant::FAR_FUTURE);
        assert!(clock.now() < Instant::from_millis(10_000));
    }
}
