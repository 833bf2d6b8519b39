//! What one direction of a link does to the frames that pass.

use netboot_core::Duration;

/// Behaviour of one direction of a link. The default is a perfect link: no delay, no faults.
///
/// Probabilities are per frame, 0.0 to 1.0; values outside are taken as the nearer bound.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinkConfig {
    /// One-way propagation delay.
    pub delay: Duration,
    /// Up to this much is added to [`delay`](Self::delay), evenly distributed. Jitter alone keeps the
    /// order of frames, as a queue in a switch does.
    pub jitter: Duration,
    /// Probability that a frame is lost. It occupies the wire nevertheless.
    pub loss: f64,
    /// Probability that a frame arrives a second time, shortly after the first.
    pub duplicate: f64,
    /// Probability that a frame is held back so that frames sent after it overtake it: by 1 µs up to
    /// the larger of the one-way delay with jitter and 1 ms.
    pub reorder: f64,
    /// Probability that one bit or one octet of a frame is changed. A real link's FCS would discard such
    /// a frame; this models what a broken switch or NIC does after the check. The Ethernet header and ARP
    /// are spared: nothing above guards them, and one bit there would divert a host's traffic for minutes.
    pub corrupt: f64,
    /// Line rate in bits per second; `None` is unlimited. The 24 octets that Ethernet adds to each frame
    /// (preamble, FCS, gap) and the 60-octet minimum count.
    pub bandwidth_bps: Option<u64>,
    /// Most frames that may wait for the line, as in a switch port's queue; more are dropped at the tail.
    /// Only with [`bandwidth_bps`](Self::bandwidth_bps) do frames wait.
    pub queue_limit: Option<usize>,
    /// Most frames that have arrived and were not yet received, as in a NIC's receive ring; more are
    /// dropped on arrival.
    pub ring_limit: Option<usize>,
}

impl LinkConfig {
    /// A perfect link but for its one-way delay.
    pub const fn with_delay(delay: Duration) -> Self {
        Self {
            delay,
            ..Self::PERFECT
        }
    }

    /// No delay, no faults, no limits.
    pub const PERFECT: Self = Self {
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        loss: 0.0,
        duplicate: 0.0,
        reorder: 0.0,
        corrupt: 0.0,
        bandwidth_bps: None,
        queue_limit: None,
        ring_limit: None,
    };

    /// How long the line is busy with a frame of `octets`, in nanoseconds.
    pub(crate) fn line_nanos(&self, octets: usize) -> u64 {
        /// Preamble and start delimiter 8, FCS 4, inter-frame gap 12 (IEEE 802.3).
        const OVERHEAD: u64 = 24;
        /// Shortest frame without its FCS.
        const MINIMUM: u64 = 60;
        let Some(bps) = self.bandwidth_bps else {
            return 0;
        };
        let bits = ((octets as u64).max(MINIMUM) + OVERHEAD).saturating_mul(8);
        bits.saturating_mul(1_000_000_000) / bps.max(1)
    }
}
