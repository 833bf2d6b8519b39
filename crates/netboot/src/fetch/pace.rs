//! Tells a server that goes on sending, but too slowly for a boot.

use crate::board::Board;
use crate::error::NetError;
use crate::options::SlowLimit;
use crate::station::{Internal, Station};
use netboot_core::{Duration, Instant};

/// How a transfer gets on. A server that sends an octet now and then is not silent, so the time-outs for silence do not see it.
///
/// Only the time counts in which the station waits for the server. What the device and the station's own work take is no fault of the server.
pub(crate) struct Pace {
    limit: SlowLimit,
    /// Time that the station has waited in the present span.
    waited: Duration,
    /// Octets of the transfer when the span began.
    octets: u64,
}

impl Pace {
    /// Begins to watch a transfer that has brought `octets`.
    pub const fn new(limit: SlowLimit, octets: u64) -> Self {
        Self {
            limit,
            waited: Duration::ZERO,
            octets,
        }
    }

    /// Notes that the station has waited for the server since `since`; the transfer has brought `octets`.
    ///
    /// # Errors
    /// [`NetError::TooSlow`] when a whole span has brought less than it has to.
    pub fn waited<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        since: Instant,
        octets: u64,
    ) -> Internal {
        let waited = station.now().since(since);
        self.add(waited, octets)
            .map_err(|error| station.fail(error))
    }

    #[inline(never)]
    fn add(&mut self, waited: Duration, octets: u64) -> Result<(), NetError> {
        self.waited += waited;
        if self.waited < self.limit.time {
            return Ok(());
        }
        let came = octets.saturating_sub(self.octets);
        if came < u64::from(self.limit.octets) {
            let octets = came as u32;
            return Err(NetError::TooSlow { octets });
        }
        *self = Self::new(self.limit, octets);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: SlowLimit = SlowLimit {
        octets: 100,
        time: Duration::from_secs(10),
    };

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_span_has_to_bring_its_octets() {
        let mut pace = Pace::new(LIMIT, 50);
        let before = secs(10) - Duration::from_micros(1);
        assert_eq!(pace.add(before, 50), Ok(()));
        assert_eq!(pace.add(Duration::from_micros(1), 150), Ok(()));
        assert_eq!(pace.add(secs(9), 150), Ok(()));
        let octets = 99;
        assert_eq!(pace.add(secs(1), 249), Err(NetError::TooSlow { octets }));
    }

    #[test]
    fn a_long_wait_is_one_span() {
        let mut pace = Pace::new(LIMIT, 0);
        assert_eq!(pace.add(secs(100), 100), Ok(()));
        let octets = 0;
        assert_eq!(pace.add(secs(10), 100), Err(NetError::TooSlow { octets }));
    }

    #[test]
    fn no_limit_is_a_limit_of_no_octets() {
        let mut pace = Pace::new(SlowLimit { octets: 0, ..LIMIT }, 0);
        assert_eq!(pace.add(secs(1000), 0), Ok(()));
    }
}
