//! How many lines the log may have in a second.

use netboot_core::{Duration, Instant};
use netboot_ipxe::Severity;

/// Lines in one second at the most.
const LINES: u8 = 8;

/// The pace of the log.
pub(crate) struct Pace {
    since: Instant,
    /// Lines since then.
    count: u8,
    /// Lines that were dropped since the last one that was sent.
    pub dropped: u16,
}

impl Pace {
    pub const fn new() -> Self {
        Self {
            since: Instant::ZERO,
            count: 0,
            dropped: 0,
        }
    }

    /// Whether a line may be sent at `now`. The last line of a boot always may.
    pub fn allows(&mut self, now: Instant, severity: Severity) -> bool {
        if now.since(self.since) >= Duration::from_secs(1) {
            self.since = now;
            self.count = 0;
        }
        let last = matches!(severity, Severity::Error | Severity::Notice);
        let allowed = last || self.count < LINES;
        match allowed {
            true => self.count = self.count.saturating_add(1),
            false => self.dropped = self.dropped.saturating_add(1),
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_lines_a_second_and_always_the_last_one() {
        let mut pace = Pace::new();
        let at = Instant::from_millis;
        let line = Severity::Informational;
        assert!((0..8).all(|nth| pace.allows(at(2_000 + nth), line)));
        assert!(!pace.allows(at(2_999), line));
        assert_eq!(pace.dropped, 1);
        assert!(pace.allows(at(2_999), Severity::Error));
        assert!(pace.allows(at(2_999), Severity::Notice));
        assert!(pace.allows(at(3_000), line));
    }
}
