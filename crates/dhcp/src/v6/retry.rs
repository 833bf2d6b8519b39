//! Says when to send a message again: RFC 8415 section 15, with the parameters of section 7.6.

use netboot_core::{Duration, Instant, quotient};
use rand_core::RngCore;

/// Parameters of the retransmission of one kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    /// Time before the first repetition (IRT).
    first: Duration,
    /// Longest time between two repetitions (MRT). [`Duration::MAX`] means that there is no limit.
    most: Duration,
    /// Whether the first time is never shorter than `first` (RFC 8415 section 18.2.1).
    late: bool,
}

impl Timing {
    const fn new(first: u64, most: Duration) -> Self {
        Self {
            first: Duration::from_secs(first),
            most,
            late: false,
        }
    }

    /// Solicit: SOL_TIMEOUT, and SOL_MAX_RT as the servers have said it.
    pub const fn solicit(most: Duration) -> Self {
        Self {
            late: true,
            ..Self::new(1, most)
        }
    }

    /// Information-request: INF_TIMEOUT, and INF_MAX_RT as the servers have said it.
    pub const fn inform(most: Duration) -> Self {
        Self::new(1, most)
    }

    /// Request: REQ_TIMEOUT, REQ_MAX_RT.
    pub const REQUEST: Self = Self::new(1, Duration::from_secs(30));
    /// Renew and Rebind: REN_TIMEOUT, REN_MAX_RT, REB_TIMEOUT, REB_MAX_RT.
    pub const EXTEND: Self = Self::new(10, Duration::from_secs(600));
    /// Release and Decline: REL_TIMEOUT, DEC_TIMEOUT.
    pub const LEAVE: Self = Self::new(1, Duration::MAX);
}

/// Longest time between two Solicits, or two Information-requests, unless a server says otherwise (SOL_MAX_RT, INF_MAX_RT).
pub(crate) const MAX_RT: Duration = Duration::from_secs(3600);
/// Number of transmissions of a Release or Decline (REL_MAX_RC, DEC_MAX_RC).
pub(crate) const LEAVE_MAX_RC: u8 = 4;

/// Retransmission of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    /// Set when the message is due now.
    pub due: bool,
    /// Number of repetitions so far.
    pub count: u8,
    /// When the next repetition is due.
    pub at: Instant,
    timing: Timing,
    /// The last time between two repetitions (RT). Zero before the first transmission.
    last: Duration,
}

impl Retry {
    /// Makes a message that is due now. Until it is sent twice the first time counts, so that a caller that never sends does not wait
    /// for ever.
    pub fn new(now: Instant, timing: Timing) -> Self {
        Self {
            due: true,
            count: 0,
            at: now + timing.first + timing.first,
            timing,
            last: Duration::ZERO,
        }
    }

    /// Makes the next repetition due.
    #[inline(never)]
    pub fn again(&mut self, now: Instant) {
        if self.due {
            // The last one was never sent. Its time counts all the same.
            self.last = self.nominal();
        }
        self.due = true;
        self.count = self.count.saturating_add(1);
        let nominal = self.nominal();
        self.at = now + nominal + nominal;
    }

    /// Notes that the message is sent, and chooses the time until the next one.
    #[inline(never)]
    pub fn sent(&mut self, now: Instant, rng: &mut dyn RngCore) {
        let most = self.timing.most;
        let time = match self.last {
            Duration::ZERO if self.timing.late => {
                let first = self.timing.first;
                first + Duration::from_micros(1) + random(tenth(first), rng)
            }
            Duration::ZERO => randomized(self.timing.first, self.timing.first, rng),
            last => randomized(last + last, last, rng),
        };
        let time = match time > most {
            true => randomized(most, most, rng),
            false => time,
        };
        self.due = false;
        self.last = time;
        self.at = now + time;
    }

    /// Changes the longest time between two repetitions (RFC 8415 sections 21.24 and 21.25). A time that is running goes on.
    pub fn limit(&mut self, most: Duration) {
        self.timing.most = most;
    }

    /// The time until the next repetition without its random part.
    #[inline(never)]
    fn nominal(&self) -> Duration {
        match self.last {
            Duration::ZERO => self.timing.first,
            last => (last + last).min(self.timing.most),
        }
    }
}

/// Gives `time` and RAND times `factor`: a tenth of it more or less.
#[inline(never)]
fn randomized(time: Duration, factor: Duration, rng: &mut dyn RngCore) -> Duration {
    let tenth = tenth(factor);
    time - tenth + random(tenth + tenth, rng)
}

fn tenth(time: Duration) -> Duration {
    Duration::from_micros(quotient(time.as_micros(), 10))
}

/// Gives a random time below `width`, or zero when `width` is zero.
#[inline(never)]
pub(crate) fn random(width: Duration, rng: &mut dyn RngCore) -> Duration {
    let micros = width.as_micros();
    let random = u64::from(rng.next_u32());
    // The product of both, divided by 2^32: 64 bits hold the products of its halves, and their sum.
    let low = (micros & 0xffff_ffff).wrapping_mul(random) >> 32;
    Duration::from_micros((micros >> 32).wrapping_mul(random).wrapping_add(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netboot_core::fuzz::Random;

    /// The least of all random numbers, each time.
    struct Zero;

    impl RngCore for Zero {
        fn next_u32(&mut self) -> u32 {
            0
        }

        fn next_u64(&mut self) -> u64 {
            0
        }

        fn fill_bytes(&mut self, dest: &mut [u8]) {
            dest.fill(0);
        }

        fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
            dest.fill(0);
            Ok(())
        }
    }

    /// The times between the repetitions of a message that is sent `count` times, for many random numbers: least and greatest.
    fn spread(timing: Timing, count: usize) -> Vec<(f64, f64)> {
        let mut all = vec![(f64::MAX, 0f64); count];
        for seed in 0..400 {
            let mut rng = Random(seed);
            let mut now = Instant::from_millis(seed);
            let mut retry = Retry::new(now, timing);
            for (least, most) in &mut all {
                retry.sent(now, &mut rng);
                assert!(!retry.due);
                let time = retry.at.since(now).as_micros() as f64 / 1e6;
                *least = least.min(time);
                *most = most.max(time);
                now = retry.at;
                retry.again(now);
            }
        }
        all
    }

    /// Whether the times fill what RFC 8415 allows: from `least` to `most`, all but a twentieth of it.
    fn fills((least, most): (f64, f64), allowed: (f64, f64)) -> bool {
        let margin = (allowed.1 - allowed.0) / 20.0 + 1e-5;
        least >= allowed.0 - 1e-5
            && least <= allowed.0 + margin
            && most <= allowed.1 + 1e-5
            && most >= allowed.1 - margin
    }

    #[test]
    fn the_first_time_of_each_message() {
        let cases = [
            (Timing::solicit(MAX_RT), (1.0, 1.1)),
            (Timing::inform(MAX_RT), (0.9, 1.1)),
            (Timing::REQUEST, (0.9, 1.1)),
            (Timing::EXTEND, (9.0, 11.0)),
            (Timing::LEAVE, (0.9, 1.1)),
        ];
        for (timing, allowed) in cases {
            let found = spread(timing, 1)[0];
            assert!(fills(found, allowed), "{timing:?}: {found:?}");
        }
    }

    /// The first time of a Solicit is strictly greater than its timeout, and a time that is no longer than the limit stays.
    #[test]
    fn the_shortest_first_time() {
        let shortest = Duration::from_secs(1) + Duration::from_micros(1);
        for most in [MAX_RT, shortest] {
            let mut retry = Retry::new(Instant::ZERO, Timing::solicit(most));
            retry.sent(Instant::ZERO, &mut Zero);
            assert_eq!(retry.at, Instant::ZERO + shortest);
        }
    }

    /// RT = 2 * RTprev + RAND * RTprev.
    #[test]
    fn each_time_is_twice_the_last_give_or_take_a_tenth_of_it() {
        let mut rng = Random(9);
        let mut now = Instant::ZERO;
        let mut retry = Retry::new(now, Timing::LEAVE);
        retry.sent(now, &mut rng);
        let mut ratios = Vec::new();
        for _ in 0..20 {
            let last = retry.at.since(now).as_micros() as f64;
            now = retry.at;
            retry.again(now);
            retry.sent(now, &mut rng);
            ratios.push(retry.at.since(now).as_micros() as f64 / last);
        }
        assert!(ratios.iter().all(|ratio| (1.899..=2.101).contains(ratio)));
        assert!(
            ratios.iter().any(|ratio| *ratio < 1.95) && ratios.iter().any(|ratio| *ratio > 2.05)
        );
    }

    #[test]
    fn no_time_is_beyond_the_limit_and_a_tenth() {
        for (timing, limit, count) in [
            (Timing::REQUEST, 30.0, 9),
            (Timing::EXTEND, 600.0, 10),
            (Timing::solicit(MAX_RT), 3600.0, 15),
            (Timing::solicit(Duration::from_secs(60)), 60.0, 10),
            (Timing::inform(Duration::from_secs(86_400)), 86_400.0, 20),
        ] {
            let found = spread(timing, count);
            let last = *found.last().unwrap();
            assert!(
                fills(last, (limit * 0.9, limit * 1.1)),
                "{timing:?}: {last:?}"
            );
            assert!(found.iter().all(|(_, most)| *most <= limit * 1.1 + 1e-5));
        }
    }

    #[test]
    fn a_new_limit_counts_from_the_next_time_on() {
        let mut rng = Random(1);
        let mut retry = Retry::new(Instant::ZERO, Timing::solicit(MAX_RT));
        for _ in 0..12 {
            retry.sent(Instant::ZERO, &mut rng);
            retry.again(Instant::ZERO);
        }
        retry.sent(Instant::ZERO, &mut rng);
        let running = retry.at;
        assert!(running >= Instant::ZERO + Duration::from_secs(3240));
        retry.limit(Duration::from_secs(60));
        assert_eq!(retry.at, running);
        retry.again(Instant::ZERO);
        retry.sent(Instant::ZERO, &mut rng);
        assert!(retry.at <= Instant::ZERO + Duration::from_secs(66));
    }

    #[test]
    fn a_random_time_is_below_its_width_and_reaches_all_of_it() {
        let mut rng = Random(1);
        for width in [1, 999, 3_600_000_000, 17_280_000_000, u64::MAX] {
            let width = Duration::from_micros(width);
            let found: Vec<_> = (0..200).map(|_| random(width, &mut rng)).collect();
            let (least, most) = (found.iter().min().unwrap(), found.iter().max().unwrap());
            assert!(*most < width);
            assert!(*least <= width / 16 && *most >= width / 16 * 15);
        }
        assert_eq!(random(Duration::ZERO, &mut rng), Duration::ZERO);
    }

    /// A caller that never sends does not wait for ever, and its repetitions grow apart too.
    #[test]
    fn an_unsent_message_counts_with_twice_its_time() {
        let mut now = Instant::ZERO;
        let mut retry = Retry::new(now, Timing::REQUEST);
        for (count, secs) in (0..).zip([2, 4, 8, 16, 32, 60, 60]) {
            assert_eq!((retry.count, retry.due), (count, true));
            assert_eq!(retry.at.since(now), Duration::from_secs(secs));
            now = retry.at;
            retry.again(now);
        }
        (0..300).for_each(|_| retry.again(now));
        assert_eq!(retry.count, u8::MAX);
    }
}
