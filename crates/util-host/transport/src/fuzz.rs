//! Fuzz bodies: both framings of MCTP on unknown octets, the requester on unknown packets, and the mailbox's driver before registers
//! that show anything.

use crate::mailbox::registers::{MailboxRegisters, RegisterMailbox};
use crate::mctp::packet::{PacketHeader, Reassembler};
use crate::mctp::requester::Requester;
use crate::mctp::serial::{Decoder, MAX_FRAME, MAX_PACKET, encode};
use crate::{Mailbox, MailboxDriver as _, Transport as _, TransportError};
use caliptra_util_host_command_types::CaliptraCommandId;
use caliptra_util_host_osal::Clock;
use core::sync::atomic::{AtomicU32, Ordering};

/// Reads `data` as a serial line, as a packet, and as operations of a requester. Findings are a panic, a frame that is not read as it
/// was written, and an answer that answers nothing.
pub fn serial(data: &[u8]) {
    let packet = data.get(..MAX_PACKET).unwrap_or(data);
    let (mut frame, mut fresh) = ([0; MAX_FRAME], Decoder::new());
    if let Some(len) = encode(packet, &mut frame) {
        let line = frame.get(..len).unwrap_or_default();
        let (last, before) = line.split_last().unwrap_or((&0, &[]));
        assert!(before.iter().all(|octet| fresh.push(*octet).is_none()));
        assert_eq!(fresh.push(*last), Some(packet));
    }
    let mut decoder = Decoder::new();
    let mut whole = Reassembler::<256>::new();
    for octet in data {
        if let Some(packet) = decoder.push(*octet) {
            assert!(!packet.is_empty());
            let mut frame = [0; MAX_FRAME];
            assert!(encode(packet, &mut frame).is_some());
            if let Some((header, payload)) = PacketHeader::parse(packet) {
                whole.push(&header, payload);
            }
        }
    }
    let mut requester = Requester::<256>::new(8, 9);
    let (mut now, mut open) = (0, false);
    for chunk in data.chunks(9) {
        let Some((operation, rest)) = chunk.split_first() else {
            continue;
        };
        match operation % 4 {
            0 => open = requester.begin(now, b"ask", 64).is_some(),
            1 => {
                requester.abandon(now);
                open = false;
            }
            2 => now += u64::from(*operation) * 64,
            _ => {
                // A packet that is likely to be for this requester.
                let mut packet = [1, 8, 9, 0xC0 | (operation >> 2 & 7), 0, 0, 0, 0];
                for (to, from) in packet.iter_mut().skip(4).zip(rest) {
                    *to = *from;
                }
                if requester.handle(&packet).is_some() {
                    assert!(open, "an answer came without a request");
                    open = false;
                }
            }
        }
    }
}

/// Octets of the mailbox in [`registers`].
const MAILBOX: usize = 256;
/// Milliseconds that a command may take in [`registers`].
const PATIENCE: u32 = 50;

/// A clock that goes on with each look. riscv32imc can load and store atomically, and nothing more is needed here.
struct Ticking(AtomicU32);

impl Clock for Ticking {
    fn now_ms(&self) -> u64 {
        let now = self.0.load(Ordering::Relaxed);
        self.0.store(now.wrapping_add(1), Ordering::Relaxed);
        u64::from(now)
    }

    fn sleep_ms(&self, _ms: u32) {}
}

/// Registers that show the next word of the input at each access, and then zeros.
struct Shown<'d> {
    data: &'d [u8],
    locked: bool,
}

impl Shown<'_> {
    fn word(&mut self) -> u32 {
        let Some((word, rest)) = self.data.split_first_chunk() else {
            return 0;
        };
        self.data = rest;
        u32::from_le_bytes(*word)
    }
}

impl MailboxRegisters for Shown<'_> {
    fn lock(&mut self) -> u32 {
        let word = self.word();
        self.locked = word & 1 == 0;
        word
    }
    fn set_command(&mut self, _command: u32) {
        assert!(self.locked, "a command without the lock");
    }
    fn length(&mut self) -> u32 {
        self.word()
    }
    fn set_length(&mut self, octets: u32) {
        assert!(octets as usize <= MAILBOX);
    }
    fn data(&mut self, index: usize) -> u32 {
        assert!(index < MAILBOX / 4);
        self.word()
    }
    fn set_data(&mut self, index: usize, _word: u32) {
        assert!(self.locked && index < MAILBOX / 4);
    }
    fn execute(&mut self, start: bool) {
        assert!(self.locked, "EXECUTE without the lock");
        self.locked = start;
    }
    fn status(&mut self) -> u32 {
        self.word()
    }
    fn size(&self) -> usize {
        MAILBOX
    }
}

/// Sends commands to registers that show `data`. Findings are a panic, an access that the registers forbid, a wait beyond the time-out,
/// and an answer that does not fit into the room that its own error asks for.
pub fn registers(data: &[u8]) {
    let (mut buffer, mut answer) = ([0; MAILBOX], [0; MAILBOX]);
    let clock = Ticking(AtomicU32::new(0));
    let shown = Shown {
        data,
        locked: false,
    };
    let mut driver = RegisterMailbox::new(shown, &clock, &mut buffer);
    driver.set_timeouts(0, PATIENCE);
    let mut transport = Mailbox::<MAILBOX>::with_capacity(&mut driver);
    transport.set_timeouts(0, PATIENCE);
    assert_eq!(transport.connect(), Ok(()));
    for (id, octet) in CaliptraCommandId::ALL.iter().zip(data) {
        let begun = clock.0.load(Ordering::Relaxed);
        let payload = data.get(..usize::from(*octet)).unwrap_or(data);
        let sent = transport.send(*id as u32, payload);
        let looks = clock.0.load(Ordering::Relaxed).wrapping_sub(begun);
        assert!(looks <= PATIENCE + 3, "{looks} looks");
        if sent.is_err() {
            continue;
        }
        match transport.receive(&mut []) {
            Err(TransportError::BufferTooSmall { needed, .. }) => {
                let room = answer.get_mut(..needed).unwrap_or_default();
                assert_eq!(transport.receive(room), Ok(needed));
            }
            other => assert_eq!(other, Ok(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_octets_are_a_finding(data in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x7E), Just(0x7D), Just(1)], 0..600)) {
            super::serial(&data);
        }

        /// Words that are likely to be an answer, and others.
        #[test]
        fn no_registers_are_a_finding(words in prop::collection::vec(
            prop_oneof![Just(0u32), Just(1), Just(2), Just(3), Just(8), 0u32..300, any::<u32>()], 0..300))
        {
            let data: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
            super::registers(&data);
        }
    }
}
