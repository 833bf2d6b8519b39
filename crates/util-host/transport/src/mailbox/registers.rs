//! The mailbox by its registers, as the hardware specification of the Caliptra subsystem has them.
//!
//! The requester reads LOCK until it reads 0 and so owns the mailbox; writes the command, the length and the data; sets
//! EXECUTE; waits for the status to leave *busy*; reads length and data; and clears EXECUTE, which frees the mailbox.
//!
//! A command that is not answered in time is given up by clearing EXECUTE. Its late answer cannot be taken for another's:
//! the mailbox clears its memory and status when it is freed, and the next command starts with a lock of its own.

use crate::mailbox::{MailboxDriver, MailboxError};
use caliptra_util_host_osal::{Clock, Deadline};

/// Values of the status register's lowest four bits.
pub mod status {
    /// The command is being carried out.
    pub const BUSY: u32 = 0;
    /// There is an answer.
    pub const DATA_READY: u32 = 1;
    /// The command was carried out and has no answer.
    pub const COMPLETE: u32 = 2;
    /// The command failed.
    pub const FAILURE: u32 = 3;
}

/// The registers of one mailbox. Each call is exactly one access, in order.
pub trait MailboxRegisters: Send + Sync {
    /// Reads LOCK. Bit 0 reads 0 for the one reader who then owns the mailbox, and 1 for all others.
    fn lock(&mut self) -> u32;
    /// Writes the command register.
    fn set_command(&mut self, command: u32);
    /// Reads the length of the data in octets.
    fn length(&mut self) -> u32;
    /// Writes the length of the data in octets.
    fn set_length(&mut self, octets: u32);
    /// Reads a word of the data.
    fn data(&mut self, index: usize) -> u32;
    /// Writes a word of the data.
    fn set_data(&mut self, index: usize, word: u32);
    /// Writes EXECUTE.
    fn execute(&mut self, start: bool);
    /// Reads the status register.
    fn status(&mut self) -> u32;
    /// Octets of the mailbox's memory.
    fn size(&self) -> usize;
}

/// A driver for a mailbox that this processor reaches by its registers.
#[derive(Debug)]
pub struct RegisterMailbox<'b, R, C> {
    registers: R,
    clock: C,
    buffer: &'b mut [u8],
    command_ms: u32,
    connected: bool,
}

impl<'b, R: MailboxRegisters, C: Clock> RegisterMailbox<'b, R, C> {
    /// A driver that reads answers into `buffer`. A command may take five seconds until another time is set.
    pub fn new(registers: R, clock: C, buffer: &'b mut [u8]) -> Self {
        Self {
            registers,
            clock,
            buffer,
            command_ms: 5_000,
            connected: false,
        }
    }

    /// Carries out a command on the mailbox that is locked; gives the answer's length.
    fn run(
        &mut self,
        command: u32,
        payload: &[u8],
        deadline: Deadline,
    ) -> Result<usize, MailboxError> {
        let registers = &mut self.registers;
        let octets = u32::try_from(payload.len()).map_err(|_| MailboxError::BufferOverflow)?;
        registers.set_command(command);
        registers.set_length(octets);
        for (index, chunk) in payload.chunks(4).enumerate() {
            let mut word = [0; 4];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            registers.set_data(index, u32::from_le_bytes(word));
        }
        registers.execute(true);
        loop {
            match registers.status() & 0xF {
                status::BUSY => {}
                status::DATA_READY => break,
                status::COMPLETE => return Ok(0),
                status => return Err(MailboxError::DeviceError(status)),
            }
            if deadline.has_passed(&self.clock) {
                return Err(MailboxError::Timeout);
            }
            self.clock.relax();
        }
        let len = usize::try_from(registers.length()).unwrap_or(usize::MAX);
        if len > registers.size() {
            // The length register says more than the mailbox can hold.
            return Err(MailboxError::CommunicationError);
        }
        let Some(to) = self.buffer.get_mut(..len) else {
            return Err(MailboxError::BufferOverflow);
        };
        for (index, chunk) in to.chunks_mut(4).enumerate() {
            for (to, from) in chunk.iter_mut().zip(registers.data(index).to_le_bytes()) {
                *to = from;
            }
        }
        Ok(len)
    }
}

impl<R: MailboxRegisters, C: Clock> MailboxDriver for RegisterMailbox<'_, R, C> {
    fn send_command(&mut self, external_cmd: u32, payload: &[u8]) -> Result<&[u8], MailboxError> {
        if !self.connected {
            return Err(MailboxError::NotReady);
        }
        if payload.len() > self.registers.size() {
            return Err(MailboxError::BufferOverflow);
        }
        let deadline = Deadline::after(&self.clock, self.command_ms);
        while self.registers.lock() & 1 != 0 {
            if deadline.has_passed(&self.clock) {
                return Err(MailboxError::NotReady);
            }
            self.clock.relax();
        }
        let result = self.run(external_cmd, payload, deadline);
        // Whatever happened, the mailbox has to be free for the next.
        self.registers.execute(false);
        let len = result?;
        if len == 0 {
            // Carried out, without an answer: the payload of such an answer is `fips_status` 0, whose checksum is 0 too.
            let to = self
                .buffer
                .get_mut(..8)
                .ok_or(MailboxError::BufferOverflow)?;
            to.fill(0);
            return Ok(to);
        }
        self.buffer.get(..len).ok_or(MailboxError::BufferOverflow)
    }

    fn is_ready(&self) -> bool {
        self.connected
    }

    fn connect(&mut self) -> Result<(), MailboxError> {
        self.connected = true;
        Ok(())
    }

    fn disconnect(&mut self) -> Result<(), MailboxError> {
        self.connected = false;
        Ok(())
    }

    fn set_timeouts(&mut self, _connection_ms: u32, command_ms: u32) {
        self.command_ms = command_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Each look takes a millisecond.
    #[derive(Default)]
    struct Ticking(AtomicU64);

    impl Clock for Ticking {
        fn now_ms(&self) -> u64 {
            self.0.fetch_add(1, Ordering::Relaxed)
        }
        fn sleep_ms(&self, _ms: u32) {}
    }

    /// Hardware as strict as the real one.
    #[derive(Default)]
    struct Hardware {
        locked: bool,
        /// Looks at LOCK for which another owns the mailbox.
        taken: u32,
        /// Looks at the status until the device is done.
        work: u32,
        end: u32,
        answer: Vec<u8>,
        lie: Option<u32>,
        command: u32,
        length: u32,
        memory: Vec<u32>,
        executing: bool,
        log: Vec<&'static str>,
    }

    impl MailboxRegisters for &mut Hardware {
        fn lock(&mut self) -> u32 {
            if self.taken > 0 {
                self.taken -= 1;
                return 1;
            }
            let before = self.locked;
            self.locked = true;
            u32::from(before)
        }
        fn set_command(&mut self, command: u32) {
            assert!(self.locked && !self.executing);
            self.command = command;
        }
        fn length(&mut self) -> u32 {
            self.lie.unwrap_or(self.length)
        }
        fn set_length(&mut self, octets: u32) {
            assert!(self.locked && !self.executing);
            self.length = octets;
        }
        fn data(&mut self, index: usize) -> u32 {
            assert!(self.locked);
            self.memory[index]
        }
        fn set_data(&mut self, index: usize, word: u32) {
            assert!(self.locked && !self.executing);
            self.memory.resize(16, 0);
            self.memory[index] = word;
        }
        fn execute(&mut self, start: bool) {
            assert!(self.locked);
            self.executing = start;
            if !start {
                self.locked = false;
                self.memory.fill(0);
                self.log.push("freed");
            }
        }
        fn status(&mut self) -> u32 {
            assert!(self.executing);
            if self.work > 0 {
                self.work -= 1;
                return status::BUSY;
            }
            self.length = self.answer.len() as u32;
            self.memory = vec![0; 16];
            for (at, octet) in self.answer.clone().into_iter().enumerate() {
                self.memory[at / 4] |= u32::from(octet) << (8 * (at % 4));
            }
            self.end | 0x100
        }
        fn size(&self) -> usize {
            64
        }
    }

    fn send(hardware: &mut Hardware, payload: &[u8]) -> Result<Vec<u8>, MailboxError> {
        let mut buffer = [0; 32];
        let mut driver = RegisterMailbox::new(hardware, Ticking::default(), &mut buffer);
        driver.connect().unwrap();
        driver.set_timeouts(0, 50);
        driver
            .send_command(0x4D43_4150, payload)
            .map(<[u8]>::to_vec)
    }

    #[test]
    fn a_command_goes_through_the_registers_in_order() {
        let mut hardware = Hardware {
            taken: 3,
            work: 5,
            end: status::DATA_READY,
            answer: b"answer".to_vec(),
            ..Default::default()
        };
        assert_eq!(send(&mut hardware, b"12345"), Ok(b"answer".to_vec()));
        assert_eq!(hardware.command, 0x4D43_4150);
        assert_eq!(hardware.log, ["freed"]);
        hardware.end = status::COMPLETE;
        assert_eq!(send(&mut hardware, &[]), Ok(vec![0; 8]));
    }

    #[test]
    fn every_failure_frees_the_mailbox_and_none_waits_for_ever() {
        let cases = [
            (0, 1000, status::DATA_READY, None, MailboxError::Timeout),
            (0, 0, status::FAILURE, None, MailboxError::DeviceError(3)),
            (0, 0, 9, None, MailboxError::DeviceError(9)),
            (
                0,
                0,
                status::DATA_READY,
                Some(65),
                MailboxError::CommunicationError,
            ),
            (
                0,
                0,
                status::DATA_READY,
                Some(u32::MAX),
                MailboxError::CommunicationError,
            ),
            (
                0,
                0,
                status::DATA_READY,
                Some(33),
                MailboxError::BufferOverflow,
            ),
        ];
        for (taken, work, end, lie, error) in cases {
            let mut hardware = Hardware {
                taken,
                work,
                end,
                lie,
                ..Default::default()
            };
            assert_eq!(send(&mut hardware, b"x"), Err(error));
            assert!(!hardware.locked && !hardware.executing);
        }
        let mut owned = Hardware {
            taken: 1000,
            ..Default::default()
        };
        assert_eq!(send(&mut owned, b"x"), Err(MailboxError::NotReady));
        assert_eq!(
            send(&mut owned, &[0; 65]),
            Err(MailboxError::BufferOverflow)
        );
        assert!(owned.log.is_empty(), "what is another's is not freed");
        let _ = Mutex::new(());
    }
}
