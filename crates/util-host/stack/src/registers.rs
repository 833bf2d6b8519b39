//! Registers of a mailbox that show what the device showed when the same commands were carried out before.

use caliptra_util_host_transport::mailbox::registers::MailboxRegisters;
use util_device::{MAX_ANSWER, MailboxModel};

/// Answers that are written down.
const ANSWERS: usize = 128;
/// Words of their data.
const WORDS: usize = 64 * 1024;

/// What the registers showed at the end of a command.
#[derive(Clone, Copy, Default)]
struct Answer {
    status: u32,
    length: u32,
    /// Where its data begins among the words.
    at: usize,
}

/// Everything that was written down.
pub struct Notes {
    answers: [Answer; ANSWERS],
    words: [u32; WORDS],
    count: usize,
    used: usize,
}

impl Notes {
    /// An empty sheet.
    pub const fn new() -> Self {
        Self {
            answers: [Answer {
                status: 0,
                length: 0,
                at: 0,
            }; ANSWERS],
            words: [0; WORDS],
            count: 0,
            used: 0,
        }
    }
}

/// The registers of the device, which are written down.
pub struct Observed<'n> {
    /// The device.
    pub model: &'n mut MailboxModel,
    /// The sheet.
    pub notes: &'n mut Notes,
}

impl MailboxRegisters for Observed<'_> {
    fn lock(&mut self) -> u32 {
        self.model.lock()
    }
    fn set_command(&mut self, command: u32) {
        self.model.set_command(command);
    }
    fn length(&mut self) -> u32 {
        self.model.length()
    }
    fn set_length(&mut self, octets: u32) {
        self.model.set_length(octets);
    }
    fn data(&mut self, index: usize) -> u32 {
        self.model.data(index)
    }
    fn set_data(&mut self, index: usize, word: u32) {
        self.model.set_data(index, word);
    }
    fn execute(&mut self, start: bool) {
        self.model.execute(start);
    }

    /// Writes an answer down when it is there. The driver looks no further then.
    fn status(&mut self) -> u32 {
        let status = self.model.status();
        if status != 0 {
            let notes = &mut *self.notes;
            let (length, at) = (self.model.length(), notes.used);
            let words = if status == 1 {
                length.div_ceil(4) as usize
            } else {
                0
            };
            notes.answers[notes.count] = Answer { status, length, at };
            notes.count += 1;
            for index in 0..words {
                notes.words[at + index] = self.model.data(index);
            }
            notes.used += words;
        }
        status
    }

    fn size(&self) -> usize {
        MAX_ANSWER
    }
}

/// The registers without a device: each command gets the next answer that was written down.
pub struct Repeated<'n> {
    notes: &'n Notes,
    next: usize,
    shown: Answer,
}

impl<'n> Repeated<'n> {
    /// Begins with the first answer.
    pub fn new(notes: &'n Notes) -> Self {
        Self {
            notes,
            next: 0,
            shown: Answer::default(),
        }
    }
}

impl MailboxRegisters for Repeated<'_> {
    fn lock(&mut self) -> u32 {
        0
    }
    fn set_command(&mut self, _command: u32) {}
    fn length(&mut self) -> u32 {
        self.shown.length
    }
    fn set_length(&mut self, _octets: u32) {}
    fn data(&mut self, index: usize) -> u32 {
        self.notes.words[self.shown.at + index]
    }
    fn set_data(&mut self, _index: usize, _word: u32) {}
    fn execute(&mut self, start: bool) {
        if start {
            self.shown = self.notes.answers[self.next];
            self.next += 1;
        }
    }
    fn status(&mut self) -> u32 {
        self.shown.status
    }
    fn size(&self) -> usize {
        MAX_ANSWER
    }
}
