//! What is handed out: data in the order of the file, and slots that are free again.

use super::{Client, Phase};
use crate::error::UbpError;
use crate::wire::DATA_HEAD;
use netboot_core::Instant;
use netboot_verity::{Hasher, Verified};

/// The frames that the caller holds.
pub trait Frames {
    /// The datagram in the frame of this slot, as it was given to [`Client::handle`].
    fn datagram(&self, slot: u8) -> &[u8];
}

/// What the caller has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Nothing, until another datagram comes.
    None,
    /// The next octets of the file are verified: `len` octets of the datagram in `slot`, from its octet [`DATA_HEAD`] on. The caller takes
    /// them, in as many pieces as it likes, and then calls [`Client::consumed`]. The slot is free after that.
    Data {
        /// Where the frame is held.
        slot: u8,
        /// Offset of the first octet in the file.
        offset: u64,
        /// Number of octets, 1 to 1,024.
        len: u16,
        /// Whether the file ends here.
        last: bool,
    },
    /// The frame in this slot is not needed any longer.
    Release {
        /// Where the frame was held.
        slot: u8,
    },
}

impl<H: Hasher, const LEVELS: usize> Client<H, LEVELS> {
    /// Tells what the caller has to do next. Call it after each [`handle`](Self::handle) and [`consumed`](Self::consumed), until it returns
    /// [`Output::None`], or [`Output::Data`] that the caller cannot take yet. It computes one hash at the most.
    ///
    /// # Errors
    /// Fails with [`UbpError::WrongBlocks`] when too many wrong blocks came, and with [`UbpError::Closed`] after an earlier error.
    #[inline(never)]
    pub fn poll(&mut self, now: Instant, frames: &dyn Frames) -> Result<Output, UbpError> {
        if self.phase == Phase::Closed {
            return Err(UbpError::Closed);
        }
        if self.is_fed_up() {
            return Err(self.fail(self.wrong_blocks()));
        }
        let verifier = &mut self.verifier;
        // A block that came before the node with its hash is looked at when all before it is right.
        let next = verifier.next();
        if let Some(slot) = self.window.unverified(next) {
            let block = frames.datagram(slot).get(DATA_HEAD..).unwrap_or_default();
            let verified = verifier.verify(next, block);
            match verified {
                Ok(Verified::Data { .. }) => self.window.confirm(next),
                Ok(Verified::Node) => {
                    self.window.use_up(next);
                }
                Err(_) => {
                    self.window.reject(next);
                    #[cfg(any(test, feature = "multicast"))]
                    self.riding.spoil(next);
                }
            }
            match verified {
                Ok(_) => self.right(),
                Err(_) => self.wrong(next),
            }
            self.arm(now);
            if !matches!(verified, Ok(Verified::Data { .. })) {
                return Ok(Output::Release { slot });
            }
        }
        Ok(self.next_data())
    }

    /// The data that comes next, if it is here and right.
    fn next_data(&self) -> Output {
        let layout = self.verifier.layout();
        match (layout.place(self.window.base()), self.window.ready()) {
            (Some(place), Some(slot)) => {
                let len = layout.len(place);
                let offset = layout.offset(place.index);
                Output::Data {
                    slot,
                    offset,
                    len: u16::try_from(len).unwrap_or(0),
                    last: offset.saturating_add(len as u64) >= layout.size(),
                }
            }
            _ => Output::None,
        }
    }

    /// Says that the caller has taken the octets of the last [`Output::Data`]. More blocks may now be due to be asked for. Without such data it
    /// does nothing.
    pub fn consumed(&mut self, now: Instant) {
        let Output::Data { len, slot, .. } = self.next_data() else {
            return;
        };
        #[cfg(any(test, feature = "multicast"))]
        if slot == super::OWN_SLOT {
            self.riding.used();
        }
        #[cfg(not(any(test, feature = "multicast")))]
        let _ = slot;
        self.offset = self.offset.saturating_add(len.into());
        let waited = self.window.is_waiting();
        self.window.consume();
        if self.phase == Phase::Receiving {
            if !waited {
                // The server could not do anything until now.
                self.progress_at = now;
                self.arm(now);
            }
            self.finish();
        }
    }
}
