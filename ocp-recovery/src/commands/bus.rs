//! A way for the octets of commands.

use crate::command::{Command, MAX_DATA};
use crate::fault::BusFault;

/// Carries OCP recovery commands to one device, each exactly once.
///
/// The bus repeats nothing. [`CommandRegisters`](crate::commands::CommandRegisters) does, because only it knows whether a
/// repeated command would do harm.
pub trait CommandBus {
    /// The bus's own error.
    type Error: Copy;

    /// Reads the data of `command` into the front of `out` and returns its length in octets. The caller checks whether the command may
    /// have that length ([`Command::lengths`]).
    ///
    /// # Errors
    /// Fails when the bus fails, when the packet error code is wrong, or when the data is longer than `out`.
    fn read(&mut self, command: Command, out: &mut [u8; MAX_DATA]) -> Result<usize, Self::Error>;

    /// Writes the data of `command`, at most [`max_block`](Self::max_block) octets. Success says that the bus carried all
    /// octets, not that the device took them.
    ///
    /// # Errors
    /// Fails when the bus fails.
    fn write(&mut self, command: Command, data: &[u8]) -> Result<(), Self::Error>;

    /// The most octets that one write can carry. The agent uses a multiple of 4 of at most 256.
    fn max_block(&self) -> usize;

    /// Tells what `error`, which came from `command`, means to the agent.
    fn fault(&self, command: Command, error: Self::Error) -> BusFault;
}

impl<B: CommandBus + ?Sized> CommandBus for &mut B {
    type Error = B::Error;

    fn read(&mut self, command: Command, out: &mut [u8; MAX_DATA]) -> Result<usize, B::Error> {
        (**self).read(command, out)
    }

    fn write(&mut self, command: Command, data: &[u8]) -> Result<(), B::Error> {
        (**self).write(command, data)
    }

    fn max_block(&self) -> usize {
        (**self).max_block()
    }

    fn fault(&self, command: Command, error: B::Error) -> BusFault {
        (**self).fault(command, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bus that keeps what was written last, and gives it back.
    #[derive(Default)]
    struct Echo(Vec<u8>);

    impl CommandBus for Echo {
        type Error = ();

        fn read(&mut self, _: Command, out: &mut [u8; MAX_DATA]) -> Result<usize, ()> {
            out[..self.0.len()].copy_from_slice(&self.0);
            Ok(self.0.len())
        }

        fn write(&mut self, _: Command, data: &[u8]) -> Result<(), ()> {
            self.0 = data.to_vec();
            match data.is_empty() {
                true => Err(()),
                false => Ok(()),
            }
        }

        fn max_block(&self) -> usize {
            60
        }

        fn fault(&self, command: Command, (): ()) -> BusFault {
            BusFault::ArbitrationLost { command }
        }
    }

    fn is_the_same(mut bus: impl CommandBus<Error = ()>) {
        let command = Command::ProtCap;
        let mut out = [0; MAX_DATA];
        assert_eq!(bus.max_block(), 60);
        assert_eq!(bus.write(command, &[1, 2, 3]), Ok(()));
        assert_eq!(bus.read(command, &mut out), Ok(3));
        assert_eq!(out[..4], [1, 2, 3, 0]);
        assert_eq!(bus.write(command, &[]), Err(()));
        assert_eq!(
            bus.fault(command, ()),
            BusFault::ArbitrationLost { command }
        );
    }

    #[test]
    fn a_borrowed_bus_is_the_bus() {
        is_the_same(Echo::default());
        is_the_same(&mut Echo::default());
    }
}
