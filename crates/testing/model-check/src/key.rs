//! When two states are the same: if they differ only in how late it is.
//!
//! The client's state has moments in it. What happens next depends on how far they are from now, so that is what counts.

use netboot_core::Instant;
use std::fmt::{Debug, Write as _};

/// The word before a moment in the debugging form of a state.
const MOMENT: &str = "Instant(";

/// The debugging form of `state`, with each moment in it as a distance from `now`, and without the counters behind `stats: `.
pub fn key(state: &impl Debug, now: Instant) -> String {
    let text = format!("{state:?}");
    let now = i128::from(now.as_micros());
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(MOMENT) {
        let (before, after) = rest.split_at(at + MOMENT.len());
        out.push_str(before);
        let digits = after.find(')').unwrap_or(0);
        match after[..digits].parse::<i128>() {
            // A moment that never comes stays where it is.
            Ok(moment) if moment < i128::from(u64::MAX) => {
                let _ = write!(out, "{}", moment - now);
            }
            _ => out.push_str(&after[..digits]),
        }
        rest = &after[digits..];
    }
    out.push_str(rest);
    if let Some(at) = out.find("stats: ") {
        let end = out[at..].find('}').map_or(out.len(), |end| at + end);
        out.replace_range(at..end, "");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct State(#[expect(dead_code, reason = "read by Debug")] Vec<Option<Instant>>);

    #[test]
    fn moments_count_from_now() {
        let at = |micros| Some(Instant::from_micros(micros));
        let one = State(vec![at(1_000), None, at(7), Some(Instant::FAR_FUTURE)]);
        let later = State(vec![at(1_500), None, at(507), Some(Instant::FAR_FUTURE)]);
        let now = Instant::from_micros;
        assert_eq!(key(&one, now(10)), key(&later, now(510)));
        assert_ne!(key(&one, now(10)), key(&one, now(11)));
    }
}
