//! Whom to dial, and when.

use core::cmp::Ordering;
use core::net::SocketAddrV6;
use heapless::Vec;
use netboot_core::{Duration, Instant};

/// Greatest number of addresses of peers.
pub const TARGETS_MAX: usize = 64;
/// The wait doubles this many times at most.
const DOUBLINGS_MAX: u8 = 4;

/// Order of addresses: by IP address, then by port. Flow label and scope do not count.
pub fn compare(a: &SocketAddrV6, b: &SocketAddrV6) -> Ordering {
    (a.ip(), a.port()).cmp(&(b.ip(), b.port()))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be dialled at this time.
    Waiting(Instant),
    /// The caller dials.
    Dialing,
    /// There is a connection.
    Connected,
}

#[derive(Clone, Debug)]
struct Target {
    address: SocketAddrV6,
    state: State,
    failures: u8,
}

/// The addresses that this node dials.
#[derive(Clone, Debug)]
pub(super) struct Dialer {
    targets: Vec<Target, TARGETS_MAX, u8>,
    reconnect: Duration,
}

impl Dialer {
    pub(super) const fn new(reconnect: Duration) -> Self {
        Self {
            targets: Vec::new(),
            reconnect,
        }
    }

    /// Keeps the state of addresses that stay.
    pub(super) fn set(
        &mut self,
        now: Instant,
        own: &SocketAddrV6,
        addresses: &[SocketAddrV6],
    ) -> usize {
        let wanted = |address: &SocketAddrV6| {
            addresses
                .iter()
                .any(|other| compare(other, address).is_eq())
        };
        self.targets.retain(|target| wanted(&target.address));
        let mut left_over = 0usize;
        for address in addresses {
            let known = self.find(address).is_some();
            if known || compare(address, own).is_ge() {
                continue;
            }
            let target = Target {
                address: *address,
                state: State::Waiting(now),
                failures: 0,
            };
            if self.targets.push(target).is_err() {
                left_over = left_over.saturating_add(1);
            }
        }
        left_over
    }

    pub(super) fn next_due(&mut self, now: Instant) -> Option<SocketAddrV6> {
        let due = |target: &&mut Target| matches!(target.state, State::Waiting(at) if at <= now);
        let target = self.targets.iter_mut().find(due)?;
        target.state = State::Dialing;
        Some(target.address)
    }

    pub(super) fn succeeded(&mut self, address: &SocketAddrV6) {
        if let Some(target) = self.find(address) {
            target.state = State::Connected;
            target.failures = 0;
        }
    }

    pub(super) fn failed(&mut self, now: Instant, address: &SocketAddrV6) {
        let reconnect = self.reconnect;
        if let Some(target) = self.find(address) {
            let wait = reconnect * (1u32 << target.failures.min(DOUBLINGS_MAX));
            target.failures = target.failures.saturating_add(1);
            target.state = State::Waiting(now + wait);
        }
    }

    /// Notes the end of a connection; `was_up` tells whether its handshake had been done.
    pub(super) fn closed(&mut self, now: Instant, address: &SocketAddrV6, was_up: bool) {
        if was_up && let Some(target) = self.find(address) {
            target.failures = 0;
        }
        self.failed(now, address);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.targets
            .iter()
            .filter_map(|target| match target.state {
                State::Waiting(at) => Some(at),
                State::Dialing | State::Connected => None,
            })
            .min()
    }

    fn find(&mut self, address: &SocketAddrV6) -> Option<&mut Target> {
        self.targets
            .iter_mut()
            .find(|target| compare(&target.address, address).is_eq())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv6Addr;

    fn address(last: u16) -> SocketAddrV6 {
        SocketAddrV6::new(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last), 12346, 0, 0)
    }

    fn at(secs: u64) -> Instant {
        Instant::from_millis(secs * 1000)
    }

    #[test]
    fn only_lower_addresses_are_dialled() {
        let mut dialer = Dialer::new(Duration::from_secs(1));
        dialer.set(at(0), &address(2), &[address(1), address(2), address(3)]);
        assert_eq!(dialer.next_due(at(0)), Some(address(1)));
        assert_eq!(dialer.next_due(at(9)), None);
    }

    #[test]
    fn the_wait_doubles_and_starts_again_after_success() {
        let mut dialer = Dialer::new(Duration::from_secs(1));
        dialer.set(at(0), &address(2), &[address(1)]);
        let (mut now, mut waits) = (at(0), std::vec::Vec::new());
        for _ in 0..7 {
            assert!(dialer.next_due(now).is_some());
            dialer.failed(now, &address(1));
            let next = dialer.poll_timeout().unwrap();
            waits.push(next.since(now).as_millis() / 1000);
            now = next;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 16, 16]);
        assert!(dialer.next_due(now).is_some());
        dialer.succeeded(&address(1));
        assert_eq!(dialer.poll_timeout(), None);
        dialer.closed(now, &address(1), true);
        assert_eq!(
            dialer.poll_timeout().unwrap().since(now),
            Duration::from_secs(1)
        );
    }

    #[test]
    fn more_targets_than_places_are_counted() {
        let mut dialer = Dialer::new(Duration::from_secs(1));
        let addresses: std::vec::Vec<_> = (0..70).map(address).collect();
        assert_eq!(dialer.set(at(0), &address(99), &addresses), 6);
    }
}
