//! When the key of the cookies is replaced, and by what.

use netboot_core::{Duration, Instant};
use rustix::rand::{GetRandomFlags, getrandom};

/// Life of a key. The server takes cookies of the last key, too.
const LIFE: Duration = Duration::from_secs(3600);
/// Time after which it is tried again when the system has no random numbers.
const AGAIN: Duration = Duration::from_secs(1);

/// The time of the next key.
#[derive(Debug)]
pub struct Renewal {
    at: Instant,
}

impl Renewal {
    /// Begins the life of a key that was taken now.
    pub fn new(now: Instant) -> Self {
        Self { at: now + LIFE }
    }

    /// When the next key is due.
    pub fn poll_timeout(&self) -> Instant {
        self.at
    }

    /// The next key, if it is due.
    pub fn poll(&mut self, now: Instant) -> Option<[u8; 16]> {
        if now < self.at {
            return None;
        }
        let key = Self::key();
        self.at = now + if key.is_some() { LIFE } else { AGAIN };
        key
    }

    /// A key of random numbers of the system.
    pub fn key() -> Option<[u8; 16]> {
        let mut key = [0; 16];
        let len = getrandom(&mut key[..], GetRandomFlags::empty()).ok()?;
        (len == key.len()).then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_lives_for_an_hour() {
        let hour = 3_600_000;
        let mut renewal = Renewal::new(Instant::from_millis(5));
        let at = Instant::from_millis(hour + 5);
        assert_eq!(renewal.poll_timeout(), at);
        assert_eq!(renewal.poll(Instant::from_millis(hour + 4)), None);
        let first = renewal.poll(at).unwrap();
        assert_eq!(renewal.poll(at), None);
        assert_eq!(renewal.poll_timeout(), at + LIFE);
        let second = renewal.poll(at + LIFE).unwrap();
        assert!(first != second && first != [0; 16]);
    }
}
