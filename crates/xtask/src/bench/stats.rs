//! Figures of several runs, and what a window lets through.

use netboot_core::Duration;

/// The middle of `figures`, the mean of the two middle ones where their number is even; `None` of none.
pub fn median(figures: &[f64]) -> Option<f64> {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    let upper = *figures.get(middle)?;
    if figures.len() % 2 == 1 {
        return Some(upper);
    }
    Some((figures.get(middle.checked_sub(1)?)? + upper) / 2.0)
}

/// Octets per second when each window of `octets` waits for a round trip; `None` without delay.
pub fn limit(octets: u64, delay: Duration) -> Option<f64> {
    let trip = 2 * delay.as_micros();
    (trip > 0).then(|| octets as f64 * 1e6 / trip as f64)
}

/// Octets per second over `micros`; `None` of no time.
pub fn per_second(octets: u64, micros: u64) -> Option<f64> {
    (micros > 0).then(|| octets as f64 * 1e6 / micros as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), Some(3.0));
        assert_eq!(median(&[5.0, 4.0, 3.0, 2.0, 100.0]), Some(4.0));
    }

    #[test]
    fn a_window_for_each_round_trip() {
        let delay = Duration::from_millis(10);
        assert_eq!(limit(1_468, delay), Some(73_400.0));
        assert_eq!(limit(65_536, delay), Some(3_276_800.0));
        assert_eq!(limit(1_468, Duration::ZERO), None);
        assert_eq!(per_second(1_000, 0), None);
        assert_eq!(per_second(1_000, 500), Some(2e6));
    }
}
