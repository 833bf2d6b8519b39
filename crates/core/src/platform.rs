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
    /// A ROM may sleep until an interrupt; a simulation moves its clock.
    /// Returning early is always right; returning after `until` makes timers late.
    fn idle(&mut self, until: Instant);

    /// The library is at work: it calls this at the beginning of each of its rounds, and after each [`idle`](Self::idle). A ROM feeds its watchdog here.
    ///
    /// A round takes as long as the device takes for 8,192 octets at the most, and with HTTPS as long as the computations for one message of the
    /// handshake. The watchdog has to be more patient than that. It may be less patient than a wait: a platform returns early from `idle` then.
    fn alive(&mut self) {}

    /// Says whether a person wants the present command to end, such as by Ctrl-C at the UART, and forgets it. The library asks only while its caller
    /// allows that, once in each of its rounds; a platform returns early from [`idle`](Self::idle) for it. A board without a person at it never says so.
    fn interrupted(&mut self) -> bool {
        false
    }

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
