//! How often and how long to try.

use netboot_core::{Backoff, Duration};

/// What to do when every source of an image, or DHCP, has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Nothing is tried again; the boot ends with the failure in the report.
    Continue,
    /// All of it is tried again, this many times.
    Retry(u32),
    /// All of it is tried again until the total deadline.
    RetryForever,
}

/// The limits of a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What to do after a failure.
    pub on_failure: OnFailure,
    /// The least wait before trying again. The waits are random, and grow to 16 times this one ([`Backoff`]).
    pub retry_wait: Duration,
    /// Time for one attempt at one source, from the first packet to the last octet.
    pub attempt_deadline: Duration,
    /// Time for the whole boot.
    pub total_deadline: Duration,
    /// Number of times that the device is reset and the boot begun anew, where the platform can do that
    /// ([`DeviceControl`](crate::DeviceControl)).
    pub device_resets: u8,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            on_failure: OnFailure::Retry(3),
            retry_wait: Duration::from_secs(1),
            attempt_deadline: Duration::from_secs(300),
            total_deadline: Duration::from_secs(1800),
            device_resets: 2,
        }
    }
}

impl Policy {
    /// Whether there is another round after `rounds` of them failed.
    pub(crate) fn again(&self, rounds: u32) -> bool {
        match self.on_failure {
            OnFailure::Continue => false,
            OnFailure::Retry(times) => rounds <= times,
            OnFailure::RetryForever => true,
        }
    }

    /// Number of rounds that follow when `rounds` of them have failed, the present one included. `None` for as many as there is time for.
    #[cfg(all(feature = "script", feature = "sztp"))]
    pub(crate) fn rounds_left(&self, rounds: u32) -> Option<u32> {
        match self.on_failure {
            OnFailure::Continue => Some(1_u32.saturating_sub(rounds)),
            OnFailure::Retry(times) => Some(times.saturating_add(1).saturating_sub(rounds)),
            OnFailure::RetryForever => None,
        }
    }

    /// The waits before further rounds.
    pub(crate) fn waits(&self) -> Backoff {
        Backoff::new(self.retry_wait, self.retry_wait * 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_counts_rounds_after_the_first() {
        let policy = Policy {
            on_failure: OnFailure::Retry(2),
            ..Policy::default()
        };
        assert!(policy.again(1) && policy.again(2) && !policy.again(3));
        let never = Policy {
            on_failure: OnFailure::Continue,
            ..policy
        };
        assert!(!never.again(1));
        let forever = Policy {
            on_failure: OnFailure::RetryForever,
            ..policy
        };
        assert!(forever.again(u32::MAX));
    }

    #[test]
    fn waits_grow_to_sixteen_times() {
        let mut waits = Policy::default().waits();
        assert_eq!(waits.next(0), Duration::from_secs(1));
        let last = (0..9).map(|_| waits.next(u32::MAX)).last();
        assert_eq!(last, Some(Duration::from_secs(16)));
    }
}
