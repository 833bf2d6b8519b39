//! The open image: how much of it is written, and whether the device has used any of it.

/// The account of the open image.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Transfer {
    /// Octets of the whole image, without padding.
    pub size: u64,
    /// Octets that the producer has still to write.
    pub remaining: u64,
    /// Words in a burst.
    pub burst: u32,
    /// Words that may still be written in the burst that began when the FIFO was seen empty.
    pub room: u32,
    /// Octets of an unfinished word, the first in the lowest bits.
    pub odd: u32,
    /// Number of octets in `odd`, 0..=3.
    pub odd_len: u32,
    /// Set once the device may have drained octets of this image: a whole burst is in the FIFO, or PAYLOAD_DONE was set.
    /// The device sees nothing of an image before that (*payload available*, i3c-core `recovery_executor.sv`).
    pub used: bool,
}

impl Transfer {
    /// The account of an image of `size` octets of which nothing is written yet.
    pub const fn new(size: u64, burst: u32) -> Self {
        Self {
            size,
            remaining: size,
            burst,
            room: 0,
            odd: 0,
            odd_len: 0,
            used: false,
        }
    }

    /// Octets that may be written now.
    pub fn window(&self) -> usize {
        let room = self.room.saturating_mul(4).saturating_sub(self.odd_len);
        match u32::try_from(self.remaining) {
            Ok(remaining) => room.min(remaining) as usize,
            Err(_) => room as usize,
        }
    }

    /// Octets that the producer has written.
    pub const fn written(&self) -> u64 {
        self.size.saturating_sub(self.remaining)
    }
}
