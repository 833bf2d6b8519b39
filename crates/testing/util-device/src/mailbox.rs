//! The mailbox: faults of an answer, and the registers.

use crate::MAX_ANSWER;
use crate::checksum::seal;
use crate::device::Device;
use crate::fault::{Fault, Reply};
use crate::refusal::Refusal;
use core::fmt;

impl Device {
    /// Carries out a command with the fault that is next.
    ///
    /// # Errors
    /// When the device declines. [`Refusal::BUSY`] is the mailbox's own; all others show as *command failure*.
    pub fn exchange(
        &mut self,
        command: u32,
        request: &[u8],
        answer: &mut [u8],
    ) -> Result<Reply, Refusal> {
        let fault = self.faults.next();
        let early = match fault {
            Fault::Busy => Some(Refusal::BUSY),
            Fault::Completion(code) => Some(Refusal(code)),
            _ => None,
        };
        if let Some(refusal) = early {
            self.counters.received += 1;
            self.counters.refused += 1;
            return Err(refusal);
        }
        let len = self.mailbox(command, request, answer)?;
        let mut reply = Reply {
            len,
            delay_ms: 0,
            copies: 1,
        };
        match fault {
            Fault::WrongChecksum => {
                if let Some(octet) = answer.get_mut(4) {
                    *octet ^= 0x10;
                }
            }
            Fault::Late(ms) => reply.delay_ms = ms,
            Fault::Truncated(octets) => {
                reply.len = octets.min(len);
                seal(answer.get_mut(..reply.len).unwrap_or_default());
            }
            Fault::TooLong(octets) => {
                reply.len = (len + octets).min(answer.len());
                answer
                    .get_mut(len..reply.len)
                    .unwrap_or_default()
                    .fill(0xEE);
                seal(answer.get_mut(..reply.len).unwrap_or_default());
            }
            Fault::Silent => reply.copies = 0,
            Fault::Twice => reply.copies = 2,
            Fault::NotApproved => {
                if let Some(octet) = answer.get_mut(4) {
                    *octet = 0x77;
                }
                seal(answer.get_mut(..len).unwrap_or_default());
            }
            Fault::Garbage => self.random.fill(answer.get_mut(..len).unwrap_or_default()),
            Fault::None | Fault::Busy | Fault::Completion(_) => {}
        }
        Ok(reply)
    }
}

/// The registers of a mailbox with the device behind them.
///
/// It is strict where hardware is: nothing but LOCK works without the lock, the memory is cleared when the mailbox is
/// freed, and a device that answers after that answers nobody.
#[derive(Clone)]
pub struct MailboxModel {
    /// The device.
    pub device: Device,
    locked: bool,
    command: u32,
    length: u32,
    executing: bool,
    status: u32,
    /// Looks at the status until the answer is there.
    work: u32,
    /// How many looks at the status a command takes.
    pub looks: u32,
    /// Looks at LOCK for which another requester owns the mailbox.
    pub taken: u32,
    memory: [u8; MAX_ANSWER],
    answer: [u8; MAX_ANSWER],
    reply: Option<Result<Reply, Refusal>>,
    /// Accesses that hardware forbids.
    pub violations: u32,
}

impl fmt::Debug for MailboxModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailboxModel")
            .field("locked", &self.locked)
            .field("executing", &self.executing)
            .field("violations", &self.violations)
            .finish_non_exhaustive()
    }
}

impl MailboxModel {
    /// The mailbox of `device`.
    pub fn new(device: Device) -> Self {
        Self {
            device,
            locked: false,
            command: 0,
            length: 0,
            executing: false,
            status: 0,
            work: 0,
            looks: 2,
            taken: 0,
            memory: [0; MAX_ANSWER],
            answer: [0; MAX_ANSWER],
            reply: None,
            violations: 0,
        }
    }

    fn violation_unless(&mut self, right: bool) -> bool {
        if !right {
            self.violations += 1;
        }
        right
    }

    /// Reads LOCK: 0 for the one who gets it.
    pub fn lock(&mut self) -> u32 {
        if self.taken > 0 {
            self.taken -= 1;
            return 1;
        }
        u32::from(core::mem::replace(&mut self.locked, true))
    }

    /// Writes the command.
    pub fn set_command(&mut self, command: u32) {
        if self.violation_unless(self.locked && !self.executing) {
            self.command = command;
        }
    }

    /// Writes the length.
    pub fn set_length(&mut self, length: u32) {
        if self.violation_unless(self.locked && !self.executing) {
            self.length = length;
        }
    }

    /// Reads the length.
    pub fn length(&self) -> u32 {
        self.length
    }

    /// Writes a word of the memory.
    pub fn set_data(&mut self, index: usize, word: u32) {
        let inside = index < MAX_ANSWER / 4;
        if !self.violation_unless(self.locked && !self.executing && inside) {
            return;
        }
        if let Some(to) = self.memory.get_mut(index * 4..index * 4 + 4) {
            to.copy_from_slice(&word.to_le_bytes());
        }
    }

    /// Reads a word of the memory.
    pub fn data(&mut self, index: usize) -> u32 {
        let inside = index < MAX_ANSWER / 4;
        if !self.violation_unless(self.locked && inside) {
            return 0;
        }
        let octets = self.memory.get(index * 4..index * 4 + 4);
        octets
            .and_then(|octets| octets.try_into().ok())
            .map_or(0, u32::from_le_bytes)
    }

    /// Writes EXECUTE.
    pub fn execute(&mut self, start: bool) {
        if !self.violation_unless(self.locked) {
            return;
        }
        if !start {
            self.locked = false;
            self.executing = false;
            self.status = 0;
            self.length = 0;
            self.reply = None;
            self.memory.fill(0);
            return;
        }
        if !self.violation_unless(!self.executing) {
            return;
        }
        self.executing = true;
        self.status = 0;
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        let request = self.memory.get(..length).unwrap_or_default();
        self.reply = Some(
            self.device
                .exchange(self.command, request, &mut self.answer),
        );
        self.work = match self.reply {
            Some(Ok(Reply { copies: 0, .. })) => u32::MAX,
            Some(Ok(reply)) => self.looks.saturating_add(reply.delay_ms),
            _ => self.looks,
        };
    }

    /// Reads the status.
    pub fn status(&mut self) -> u32 {
        if !self.executing || self.status != 0 {
            return self.status;
        }
        if self.work > 0 {
            self.work = self.work.saturating_sub(1);
            return 0;
        }
        self.status = match self.reply {
            Some(Ok(reply)) => {
                let answer = self.answer.get(..reply.len).unwrap_or_default();
                if let Some(to) = self.memory.get_mut(..reply.len) {
                    to.copy_from_slice(answer);
                }
                self.length = reply.len as u32;
                1
            }
            _ => 3,
        };
        self.status
    }
}
