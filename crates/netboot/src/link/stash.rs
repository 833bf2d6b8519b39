//! Frames of a transfer that the device keeps until they are read: several at once, each under a number.

use netboot_core::FrameSlot;

/// Greatest number of frames: the largest window of UBP.
pub(crate) const STASH: usize = 64;

/// A frame that the device keeps, and where the payload of its datagram is.
struct Frame {
    slot: FrameSlot,
    from: u16,
    to: u16,
}

/// The frames, by number.
pub(super) struct Stash([Option<Frame>; STASH]);

impl Stash {
    pub const EMPTY: Self = Self([const { None }; STASH]);

    /// A number under which no frame is kept.
    pub fn free(&self) -> Option<u8> {
        let free = self.0.iter().position(Option::is_none)?;
        u8::try_from(free).ok()
    }

    /// Puts a frame under a number, with the range of its payload. Gives back the frame that was there.
    pub fn put(
        &mut self,
        number: u8,
        slot: FrameSlot,
        payload: core::ops::Range<usize>,
    ) -> Option<FrameSlot> {
        let Some(place) = self.0.get_mut(usize::from(number)) else {
            return Some(slot);
        };
        // A frame is shorter than 64 KiB.
        let frame = Frame {
            slot,
            from: u16::try_from(payload.start).unwrap_or(u16::MAX),
            to: u16::try_from(payload.end).unwrap_or(u16::MAX),
        };
        place.replace(frame).map(|old| old.slot)
    }

    /// The frame under a number, and the range of its payload.
    pub fn get(&self, number: u8) -> Option<(&FrameSlot, core::ops::Range<usize>)> {
        let frame = self.0.get(usize::from(number))?.as_ref()?;
        Some((&frame.slot, frame.from.into()..frame.to.into()))
    }

    /// Takes the frame under a number out.
    pub fn take(&mut self, number: u8) -> Option<FrameSlot> {
        let frame = self.0.get_mut(usize::from(number))?.take()?;
        Some(frame.slot)
    }
}
