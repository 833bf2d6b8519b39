//! How often and how long to try.

use netboot_core::Duration;

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
    /// Wait before trying again; it doubles up to 16 times its value.
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
    /// Whether there is another round after `rounds` of them failed, and how long to wait first.
    pub(crate) fn again(&self, rounds: u32) -> Option<Duration> {
        let allowed = match self.on_failure {
            OnFailure::Continue => false,
            OnFailure::Retry(times) => rounds <= times,
            OnFailure::RetryForever => true,
        };
        let factor = 1u32 << rounds.saturating_sub(1).min(4);
        allowed.then_some(self.retry_wait * factor)
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
        assert_eq!(policy.again(1), Some(Duration::from_secs(1)));
        assert_eq!(policy.again(2), Some(Duration::from_secs(2)));
        assert_eq!(policy.again(3), None);
    }

    #[test]
    fn waits_grow_to_sixteen_times() {
        let policy = Policy {
            on_failure: OnFailure::RetryForever,
            ..Policy::default()
        };
        assert_eq!(policy.again(100), Some(Duration::from_secs(16)));
        let never = Policy {
            on_failure: OnFailure::Continue,
            ..policy
        };
        assert_eq!(never.again(1), None);
    }
}
