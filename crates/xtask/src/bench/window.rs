//! Round trips of a TCP connection whose window is full: from the ACK that moves the window's edge to the first segment that needed it.

use image_server::frame::Segment;
use netboot_core::{Duration, Instant};
use std::collections::VecDeque;

/// Sequence numbers up to half of all are ahead.
const HALF: u32 = 1 << 31;

/// What the client let the server send, and when.
#[derive(Debug, Default)]
pub struct Window {
    scale: u8,
    /// Edges beyond what has come, with the time of the ACK that moved the window there.
    edges: VecDeque<(u32, Instant)>,
    /// The front of `edges` was told of.
    told: bool,
}

/// Whether sequence number `a` is after `b`.
fn after(a: u32, b: u32) -> bool {
    a != b && a.wrapping_sub(b) < HALF
}

impl Window {
    /// The client sent `segment`.
    pub fn sent(&mut self, at: Instant, segment: &Segment<'_>) {
        self.scale = segment.scale.unwrap_or(self.scale).min(14);
        let Some(ack) = segment.ack else { return };
        let edge = ack.wrapping_add(u32::from(segment.window) << self.scale);
        if self.edges.back().is_none_or(|(last, _)| after(edge, *last)) {
            self.edges.push_back((edge, at));
        }
    }

    /// The client got `segment`: how long after the ACK without which it could not have been sent, if it is the first such one.
    pub fn received(&mut self, at: Instant, segment: &Segment<'_>) -> Option<Duration> {
        let end = segment.sequence.wrapping_add(segment.payload.len() as u32);
        let mut needed = false;
        while self
            .edges
            .front()
            .is_some_and(|(edge, _)| after(end, *edge))
        {
            self.edges.pop_front();
            self.told = false;
            needed = true;
        }
        let (_, since) = self.edges.front()?;
        if !needed || std::mem::replace(&mut self.told, true) {
            return None;
        }
        Some(at.since(*since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(sequence: u32, ack: Option<u32>, window: u16, payload: &[u8]) -> Segment<'_> {
        Segment {
            from: "10.0.0.1:1".parse().unwrap(),
            to: "10.0.0.2:80".parse().unwrap(),
            sequence,
            ack,
            window,
            scale: None,
            payload,
        }
    }

    #[test]
    fn a_segment_that_waited_for_an_ack_tells_the_round_trip() {
        let at = Instant::from_micros;
        let mut window = Window::default();
        let syn = Segment {
            scale: Some(1),
            ..segment(0, None, 1_000, &[])
        };
        window.sent(at(0), &syn);
        // Up to 2,000 beyond the wrap of sequence numbers.
        let start = u32::MAX - 99;
        window.sent(at(10), &segment(1, Some(start), 1_000, &[]));
        let data = [0; 1_000];
        assert_eq!(
            window.received(at(20), &segment(start, None, 0, &data)),
            None
        );
        let next = start.wrapping_add(1_000);
        assert_eq!(
            window.received(at(21), &segment(next, None, 0, &data)),
            None
        );
        window.sent(at(30), &segment(1, Some(next), 1_000, &[]));
        window.sent(
            at(31),
            &segment(1, Some(next.wrapping_add(1_000)), 1_000, &[]),
        );
        let next = next.wrapping_add(1_000);
        let trip = window.received(at(50), &segment(next, None, 0, &data));
        assert_eq!(trip, Some(Duration::from_micros(20)));
        // A repetition needed nothing new, and the next ACK is one of its own.
        assert_eq!(
            window.received(at(51), &segment(next, None, 0, &data)),
            None
        );
        let next = next.wrapping_add(1_000);
        let trip = window.received(at(52), &segment(next, None, 0, &data));
        assert_eq!(trip, Some(Duration::from_micros(21)));
    }
}
