//! Duplicate address detection: nobody else may use an address before the host does (RFC 4862, section 5.4).

use core::net::Ipv6Addr;
use netboot_core::{Duration, Instant};

/// How an address is probed before it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Probing {
    /// Number of questions who has the address. Without any it is used at once.
    pub count: u8,
    /// Time between two questions, and from the last one to the use of the address.
    pub interval: Duration,
}

/// An address of the host, from the moment that it would like to have it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Own {
    pub address: Ipv6Addr,
    /// Questions that are still to be sent.
    left: u8,
    /// When the next question is due, or the use of the address. `None` once it is used.
    next: Option<Instant>,
}

impl Own {
    /// Begins to probe.
    pub fn new(now: Instant, address: Ipv6Addr, probing: &Probing) -> Self {
        Self {
            address,
            left: probing.count,
            next: Some(now).filter(|_| probing.count > 0),
        }
    }

    /// Takes an address into use as it is.
    pub fn used(address: Ipv6Addr) -> Self {
        Self {
            address,
            left: 0,
            next: None,
        }
    }

    /// Whether the host may use it.
    pub fn is_usable(&self) -> bool {
        self.next.is_none()
    }

    /// When it has something to do.
    pub fn due(&self) -> Instant {
        self.next.unwrap_or(Instant::FAR_FUTURE)
    }

    /// Whether a question has to be sent at `now`; the next one is then later.
    pub fn take_question(&mut self, now: Instant, probing: &Probing) -> bool {
        let due = self.due() <= now && self.left > 0;
        if due {
            self.left = self.left.saturating_sub(1);
            self.next = Some(now + probing.interval);
        }
        due
    }

    /// Whether the probing has ended at `now` without an answer; the address is then used.
    pub fn settle(&mut self, now: Instant) -> bool {
        let settled = self.due() <= now && self.left == 0;
        if settled {
            self.next = None;
        }
        settled
    }
}
