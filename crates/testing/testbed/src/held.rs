//! The frames that a device of the test world keeps.

use netboot_core::FrameSlot;

/// Frames by slot.
#[derive(Debug, Default)]
pub struct HeldFrames(Vec<Option<Vec<u8>>>);

/// Number of frames that a device of the test world keeps at once.
const MOST: usize = 8;

impl HeldFrames {
    /// Keeps `frame`, unless it is empty or there are as many as there may be.
    pub fn hold(&mut self, frame: Vec<u8>) -> Option<FrameSlot> {
        let free = self.0.iter().position(Option::is_none);
        let at = free.unwrap_or(self.0.len());
        if frame.is_empty() || at >= MOST {
            return None;
        }
        match self.0.get_mut(at) {
            Some(place) => *place = Some(frame),
            None => self.0.push(Some(frame)),
        }
        Some(FrameSlot(at as u8))
    }

    /// The frame in `slot`.
    ///
    /// # Panics
    /// When there is none: the library under test has used a slot twice.
    pub fn get(&self, slot: &FrameSlot) -> &[u8] {
        let frame = self.0.get(usize::from(slot.0)).and_then(Option::as_ref);
        frame.expect("a frame that is kept")
    }

    /// Lets the frame in `slot` go.
    ///
    /// # Panics
    /// When there is none: the library under test has used a slot twice.
    pub fn release(&mut self, slot: &FrameSlot) {
        let frame = self.0.get_mut(usize::from(slot.0)).and_then(Option::take);
        assert!(frame.is_some(), "a frame that is kept");
    }
}
