//! How the driver reaches the registers.
//!
//! Everything above this trait is plain logic, so it runs on a host against a model as well as on the
//! AXI bus. Offsets are octets from the base of the I3C core's CSR block (Caliptra SS: `0x2000_4000`).

use crate::command::Command;
use crate::fault::BusFault;

/// 32-bit register access. Registers have side effects: each call is exactly one access, in order.
pub trait RegisterBus {
    /// Reads the register at `offset` octets from the CSR base. `offset` is a multiple of 4.
    fn read32(&mut self, offset: u32) -> u32;

    /// Writes the register at `offset` octets from the CSR base. `offset` is a multiple of 4.
    fn write32(&mut self, offset: u32, value: u32);

    /// Writes `words` one after the other to the same register, a FIFO port.
    ///
    /// Each word is four octets of the image in order, the first in the lowest bits of the register.
    /// Implement it where a burst can be done faster than word by word.
    fn write_repeated(&mut self, offset: u32, words: &[[u8; 4]]) {
        for word in words {
            self.write32(offset, u32::from_le_bytes(*word));
        }
    }

    /// Returns whether accesses can fail. Where they cannot, the agent has no code for it.
    fn can_fail(&self) -> bool {
        false
    }

    /// Returns why accesses since the last call failed, for a bus that can fail. A failed read returned 0. A fault that lasts
    /// is returned again.
    fn take_fault(&mut self) -> Option<BusFault> {
        None
    }

    /// Returns whether [`take_fault`](Self::take_fault) has something to return.
    fn has_fault(&self) -> bool {
        false
    }

    /// Returns the command that the last protocol error in DEVICE_STATUS_0 belongs to, for a bus that knows it.
    fn protocol_error_command(&self) -> Option<Command> {
        None
    }

    /// Drops words and an activation that were written and have not gone to the device yet, because the image was given up. A bus
    /// that carries each write at once has none.
    fn give_up(&mut self) {}
}

impl<B: RegisterBus + ?Sized> RegisterBus for &mut B {
    fn read32(&mut self, offset: u32) -> u32 {
        (**self).read32(offset)
    }

    fn write32(&mut self, offset: u32, value: u32) {
        (**self).write32(offset, value);
    }

    fn write_repeated(&mut self, offset: u32, words: &[[u8; 4]]) {
        (**self).write_repeated(offset, words);
    }

    fn can_fail(&self) -> bool {
        (**self).can_fail()
    }

    fn take_fault(&mut self) -> Option<BusFault> {
        (**self).take_fault()
    }

    fn has_fault(&self) -> bool {
        (**self).has_fault()
    }

    fn protocol_error_command(&self) -> Option<Command> {
        (**self).protocol_error_command()
    }

    fn give_up(&mut self) {
        (**self).give_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remembers each access; a read gives the offset back.
    #[derive(Default)]
    struct Log(Vec<(u32, Option<u32>)>);

    impl RegisterBus for Log {
        fn read32(&mut self, offset: u32) -> u32 {
            self.0.push((offset, None));
            offset + 1
        }

        fn write32(&mut self, offset: u32, value: u32) {
            self.0.push((offset, Some(value)));
        }
    }

    /// The same accesses through a type parameter, so that a reference is the bus.
    fn access<B: RegisterBus>(mut bus: B) {
        assert_eq!(bus.read32(0x130), 0x131);
        bus.write32(0x310, 0xF00);
        bus.write_repeated(0x27C, &[[1, 2, 3, 4], [5, 6, 7, 8]]);
        bus.write_repeated(0x27C, &[]);
        // Nothing waits in a bus that does each access at once.
        bus.give_up();
    }

    #[test]
    fn a_borrowed_bus_does_each_access_once_and_in_order() {
        let mut bus = Log::default();
        access(&mut bus);
        let accesses = [
            (0x130, None),
            (0x310, Some(0xF00)),
            (0x27C, Some(0x0403_0201)),
            (0x27C, Some(0x0807_0605)),
        ];
        assert_eq!(bus.0, accesses);
        let mut object: Box<dyn RegisterBus> = Box::new(bus);
        access(&mut *object);
    }
}
