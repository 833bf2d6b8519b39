//! What a board lends to the library.

use crate::{Duration, Instant};
use rand_core::{CryptoRngCore, RngCore};

/// Clock, entropy and idle hook. Everything that waits, waits through this, so a run under virtual
/// time is the same run.
pub trait Platform {
    /// The source of random numbers: transaction ids, ports, sequence numbers.
    type Rng: RngCore;

    /// The time now; never goes back.
    fn now(&mut self) -> Instant;

    /// Nothing can be done before `until` unless a frame arrives.
    ///
    /// A ROM feeds its watchdog and may sleep until an interrupt; a simulation moves its clock.
    /// Returning early is always right; returning after `until` makes timers late.
    fn idle(&mut self, until: Instant);

    /// The random source.
    fn rng(&mut self) -> &mut Self::Rng;

    /// The source of random numbers for keys, from real entropy (a TRNG, or a DRBG seeded from one). `None`
    /// when there is none: TLS is refused then.
    fn secret_rng(&mut self) -> Option<&mut dyn CryptoRngCore> {
        None
    }

    /// Waits for `span`, for callers with nothing else to poll.
    fn wait(&mut self, span: Duration) {
        let until = self.now() + span;
        while self.now() < until {
            self.idle(until);
        }
    }
}
