//! Frames that wait for their time.

use netboot_core::Instant;

/// Frames that wait at most; a flood is not kept.
const MOST: usize = 1_024;

/// Frames in the order in which they came, each with the time at which it goes out.
#[derive(Default)]
pub struct Pending(Vec<(Instant, Vec<u8>)>);

impl Pending {
    /// Number of frames for which there is room.
    pub fn room(&self) -> usize {
        MOST.saturating_sub(self.0.len())
    }

    /// Keeps a frame until it is due.
    pub fn push(&mut self, due: Instant, frame: Vec<u8>) {
        self.0.push((due, frame));
    }

    /// Sends what is due.
    pub fn poll(&mut self, now: Instant, mut send: impl FnMut(Vec<u8>)) {
        self.0.retain_mut(|(due, frame)| {
            let waits = *due > now;
            if !waits {
                send(std::mem::take(frame));
            }
            waits
        });
    }

    /// When the next frame is due.
    pub fn poll_at(&self) -> Option<Instant> {
        self.0.iter().map(|(due, _)| *due).min()
    }
}
