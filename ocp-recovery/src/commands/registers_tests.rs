//! What registers over a bus that fails tell of it.

use super::bus::CommandBus;
use super::registers::CommandRegisters;
use crate::bus::RegisterBus;
use crate::command::{Command, MAX_DATA};
use crate::fault::BusFault;
use crate::map::recovery;

/// A bus whose transfers all fail; the errors are numbered.
struct Broken(u32);

impl CommandBus for Broken {
    type Error = u32;

    fn read(&mut self, _: Command, _: &mut [u8; MAX_DATA]) -> Result<usize, u32> {
        self.0 += 1;
        Err(self.0)
    }

    fn write(&mut self, _: Command, _: &[u8]) -> Result<(), u32> {
        self.0 += 1;
        Err(self.0)
    }

    fn max_block(&self) -> usize {
        252
    }

    fn fault(&self, command: Command, _: u32) -> BusFault {
        BusFault::Transfer { command }
    }
}

#[test]
fn the_last_error_and_the_number_of_repeats_are_told() {
    let mut registers = CommandRegisters::new(Broken(0));
    assert_eq!((registers.last_error(), registers.repeats()), (None, 0));
    assert!(!registers.has_fault());
    let offset = CommandRegisters::<Broken>::MAP.recovery + recovery::DEVICE_STATUS_0;
    assert_eq!(registers.read32(offset), 0);
    // Four tries, and no further access until the fault was taken.
    assert_eq!((registers.last_error(), registers.repeats()), (Some(4), 4));
    assert!(registers.has_fault());
    assert_eq!(registers.read32(offset), 0);
    assert_eq!(registers.bus_mut().0, 4);
    let command = Command::DeviceStatus;
    assert_eq!(registers.take_fault(), Some(BusFault::Transfer { command }));
    assert!(!registers.has_fault() && registers.take_fault().is_none());
    assert_eq!(registers.last_error(), Some(4));
    registers.read32(offset);
    assert_eq!((registers.last_error(), registers.repeats()), (Some(8), 8));
}
