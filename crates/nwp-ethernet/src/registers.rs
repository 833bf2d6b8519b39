//! The registers of the device, and how a driver reaches them.
//!
//! The crate's page has the table of the registers. [`Mmio`] is the only place of the crate with unsafe code.

/// Octets of the register block.
pub const BLOCK_LEN: u32 = 0x1000;

/// Offset of the commands: [`TX_START`], [`RX_POP`], [`IRQ_ACK`].
pub const CTRL: u32 = 0x00;
/// Offset of the state: [`TX_READY`], [`RX_AVAIL`], [`TX_BUSY`], and the number of queued frames in bits 15:8.
pub const STATUS: u32 = 0x04;
/// Offset of the length of the frame to send, in octets.
pub const TX_LEN: u32 = 0x08;
/// Offset of the length of the first queued frame, in octets.
pub const RX_LEN: u32 = 0x0C;
/// Offset of the first four octets of the station's address.
pub const MAC_LOW: u32 = 0x18;
/// Offset of the last two octets of the station's address.
pub const MAC_HIGH: u32 = 0x1C;
/// Offset of the window with the frame to send.
pub const TX_DATA: u32 = 0x100;
/// Offset of the window with the first queued frame.
pub const RX_DATA: u32 = 0x800;

/// Bit of CTRL that sends the frame in TX_DATA.
pub const TX_START: u32 = 1 << 0;
/// Bit of CTRL that drops the first queued frame.
pub const RX_POP: u32 = 1 << 1;
/// Bit of CTRL that acknowledges the interrupt. A driver that polls does not need it.
pub const IRQ_ACK: u32 = 1 << 2;
/// Bit of STATUS that says that TX_DATA and TX_LEN may be written.
pub const TX_READY: u32 = 1 << 0;
/// Bit of STATUS that says that a frame is queued.
pub const RX_AVAIL: u32 = 1 << 1;
/// Bit of STATUS that says that a frame is being sent.
pub const TX_BUSY: u32 = 1 << 2;

/// Number of received frames that the device queues.
pub const QUEUE: usize = 16;
/// Octets of each window, and so of the longest frame that the device takes.
pub const WINDOW: usize = 1536;

/// The registers of one device. Each access is one of 32 bits, at an offset that is a multiple of 4.
pub trait Registers {
    /// Reads the register at `offset`.
    fn read(&mut self, offset: u32) -> u32;

    /// Writes the register at `offset`.
    fn write(&mut self, offset: u32, value: u32);
}

/// The registers of a device in the address space of the processor.
#[derive(Debug)]
pub struct Mmio {
    base: usize,
}

impl Mmio {
    /// Names the device whose first register is at address `base`.
    ///
    /// # Safety
    /// For as long as the value lives, the 4 KiB from `base` must be mapped as the registers of this device, `base` must be a
    /// multiple of 4, and nothing else may drive the same registers.
    pub const unsafe fn new(base: usize) -> Self {
        Self { base }
    }

    /// The address of a register. An offset that is unaligned or outside of the block, which only a bug could produce, becomes
    /// that of STATUS, to which a write has no effect.
    fn address(&self, offset: u32) -> *mut u32 {
        let offset = match offset < BLOCK_LEN && offset.is_multiple_of(4) {
            true => offset,
            false => STATUS,
        };
        self.base.wrapping_add(offset as usize) as *mut u32
    }
}

impl Registers for Mmio {
    #[inline(never)]
    fn read(&mut self, offset: u32) -> u32 {
        // SAFETY: the address is aligned and inside of the block that `new` was promised.
        unsafe { self.address(offset).read_volatile() }
    }

    #[inline(never)]
    fn write(&mut self, offset: u32, value: u32) {
        // SAFETY: the address is aligned and inside of the block that `new` was promised.
        unsafe { self.address(offset).write_volatile(value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_offset_has_its_place_and_a_wrong_one_is_harmless() {
        for (offset, place) in [
            (0, 0),
            (STATUS, 1),
            (BLOCK_LEN - 4, 0x3FF),
            (BLOCK_LEN, 1),
            (2, 1),
            (u32::MAX, 1),
        ] {
            let mut memory = [0u32; 0x401];
            // SAFETY: more than 4 KiB of aligned memory that nothing else touches while the value lives.
            let mut registers = unsafe { Mmio::new(memory.as_mut_ptr() as usize) };
            registers.write(offset, 7);
            assert_eq!(registers.read(offset), 7);
            let found = memory.iter().position(|word| *word == 7);
            assert_eq!(found, Some(place), "{offset:#x}");
            assert_eq!(memory.iter().filter(|word| **word != 0).count(), 1);
        }
    }
}
