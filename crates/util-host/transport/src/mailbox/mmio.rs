//! The registers of an MCI mailbox in memory.

use crate::mailbox::registers::MailboxRegisters;
use core::ptr::NonNull;

/// Offsets in octets from the start of a mailbox's window in the MCI, as the Caliptra subsystem's register map has them
/// (`mbox0`: memory at 0x40_0000 of the MCI, registers 0x20_0000 above it).
pub mod offset {
    /// LOCK.
    pub const LOCK: usize = 0x20_0000;
    /// The command.
    pub const COMMAND: usize = 0x20_0010;
    /// The length in octets.
    pub const LENGTH: usize = 0x20_0014;
    /// EXECUTE.
    pub const EXECUTE: usize = 0x20_0018;
    /// The status.
    pub const STATUS: usize = 0x20_0020;
}

/// A mailbox whose memory and registers are mapped.
#[derive(Debug)]
pub struct MmioMailbox {
    memory: NonNull<u32>,
    size: usize,
}

// SAFETY: the pointer is to device memory and not to data of a thread; all accesses need `&mut self`.
unsafe impl Send for MmioMailbox {}
// SAFETY: as above; `&self` gives no access to the memory.
unsafe impl Sync for MmioMailbox {}

impl MmioMailbox {
    /// The mailbox whose memory of `size` octets starts at `memory`.
    ///
    /// # Safety
    /// `memory` has to be the start of a mailbox's window: aligned to 4, with `size` octets of memory and the registers at
    /// [`offset`], all mapped as device memory for as long as this value lives, and used by nobody else in this program.
    pub const unsafe fn new(memory: NonNull<u32>, size: usize) -> Self {
        Self { memory, size }
    }

    fn read(&self, offset: usize) -> u32 {
        // SAFETY: `new` demands that the window is mapped, and the callers give offsets inside it.
        unsafe { self.memory.as_ptr().byte_add(offset).read_volatile() }
    }

    fn write(&mut self, offset: usize, value: u32) {
        // SAFETY: as for `read`, and nobody else uses the window.
        unsafe { self.memory.as_ptr().byte_add(offset).write_volatile(value) }
    }

    /// The offset of a word of the memory, if it is inside.
    fn word(&self, index: usize) -> Option<usize> {
        let offset = index.checked_mul(4)?;
        (offset < self.size).then_some(offset)
    }
}

impl MailboxRegisters for MmioMailbox {
    fn lock(&mut self) -> u32 {
        self.read(offset::LOCK)
    }

    fn set_command(&mut self, command: u32) {
        self.write(offset::COMMAND, command);
    }

    fn length(&mut self) -> u32 {
        self.read(offset::LENGTH)
    }

    fn set_length(&mut self, octets: u32) {
        self.write(offset::LENGTH, octets);
    }

    fn data(&mut self, index: usize) -> u32 {
        self.word(index).map_or(0, |offset| self.read(offset))
    }

    fn set_data(&mut self, index: usize, word: u32) {
        if let Some(offset) = self.word(index) {
            self.write(offset, word);
        }
    }

    fn execute(&mut self, start: bool) {
        self.write(offset::EXECUTE, u32::from(start));
    }

    fn status(&mut self) -> u32 {
        self.read(offset::STATUS)
    }

    fn size(&self) -> usize {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_stay_inside_the_window() {
        let mut window = vec![0u32; (offset::STATUS + 4) / 4];
        let base = NonNull::new(window.as_mut_ptr()).unwrap();
        // SAFETY: the vector is as long as the window, aligned, and used through this value only until it is dropped.
        let mut mailbox = unsafe { MmioMailbox::new(base, 64) };
        mailbox.set_command(7);
        mailbox.set_length(5);
        mailbox.execute(true);
        mailbox.set_data(15, 0xAABB_CCDD);
        mailbox.set_data(16, 1);
        mailbox.set_data(usize::MAX, 1);
        assert_eq!(mailbox.data(15), 0xAABB_CCDD);
        assert_eq!(mailbox.data(16), 0);
        assert_eq!(
            (mailbox.length(), mailbox.status(), mailbox.lock()),
            (5, 0, 0)
        );
        assert_eq!(window[offset::COMMAND / 4], 7);
        assert_eq!(window[offset::EXECUTE / 4], 1);
        assert_eq!(window[16], 0);
    }
}
