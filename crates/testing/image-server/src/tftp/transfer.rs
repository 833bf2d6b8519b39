//! One read transfer: windows of blocks, acknowledged and repeated. RFC 1350, RFC 2347-2349, RFC 7440.
//!
//! Blocks are counted from 1 without roll-over; only [`Transfer::wire`] knows what goes on the wire.

use super::packet::{self, Answer, Request, error, opcode};
use crate::config::{Rollover, TftpConfig};
use crate::content::Content;
use crate::faults::TftpFault;
use netboot_core::{Duration, Instant};
use std::collections::VecDeque;

/// Without the `blksize` option (RFC 1350).
const DEFAULT_BLKSIZE: u16 = 512;
/// What fits into an Ethernet frame: 1,500 - 20 - 8 - 4.
const MOST_BLKSIZE: u16 = 1_468;
/// A dead server keeps its port for so long, so that nobody is told that it is dead.
const SILENCE: Duration = Duration::from_secs(120);

/// What was agreed for a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Octets of a block.
    pub blksize: u16,
    /// Blocks of a window.
    pub windowsize: u16,
    /// Repetition interval.
    pub timeout: Duration,
    /// Options to acknowledge; none means no OACK.
    pub oack: Vec<(String, String)>,
}

impl Agreed {
    /// Answers the options of a request as the RFCs say; what is unknown or out of range is ignored.
    pub fn from(request: &Request, config: &TftpConfig, size: u64) -> Self {
        let mut agreed = Self {
            blksize: DEFAULT_BLKSIZE,
            windowsize: 1,
            timeout: config.timeout,
            oack: Vec::new(),
        };
        if !config.options {
            return agreed;
        }
        for (name, value) in &request.options {
            if agreed.oack.iter().any(|(known, _)| known == name) {
                continue;
            }
            let Ok(number) = value.parse::<u64>() else {
                continue;
            };
            let granted = match (name.as_str(), number) {
                ("blksize", 8..=65_464) if config.max_blksize >= 8 => {
                    let most = config.max_blksize.min(MOST_BLKSIZE);
                    agreed.blksize = most.min(number as u16);
                    agreed.blksize.into()
                }
                ("windowsize", 1..=65_535) if config.max_windowsize >= 1 => {
                    agreed.windowsize = config.max_windowsize.min(number as u16);
                    agreed.windowsize.into()
                }
                ("timeout", 1..=255) if config.timeout_option => {
                    agreed.timeout = Duration::from_secs(number);
                    number
                }
                ("tsize", _) if config.tsize => size,
                _ => continue,
            };
            agreed.oack.push((name.clone(), granted.to_string()));
        }
        agreed
    }
}

/// How a transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The error code sent or received; 0 without one.
    pub status: u16,
    /// Whether the last block was acknowledged.
    pub complete: bool,
    /// Octets acknowledged.
    pub octets: u64,
}

/// The server's side of one transfer.
pub struct Transfer {
    content: Content,
    length: u64,
    blksize: u16,
    windowsize: u16,
    timeout: Duration,
    retries_allowed: u32,
    rollover: Rollover,
    /// The OACK, until it is acknowledged.
    oack: Option<Vec<u8>>,
    oack_due: bool,
    /// Blocks acknowledged.
    acked: u64,
    /// The block sent last; sending goes on after it.
    sent: u64,
    /// Blocks of the file; the last one is shorter than `blksize`, if only empty.
    last: u64,
    /// A repeated ACK made this window begin again; it does so once.
    restarted: bool,
    deadline: Instant,
    retries: u32,
    not_before: Instant,
    queue: VecDeque<Vec<u8>>,
    outcome: Option<Outcome>,
    silent_until: Option<Instant>,
    faults: Vec<TftpFault>,
}

impl Transfer {
    /// Begins to answer `request` for a file with `content`.
    pub fn new(
        now: Instant,
        request: &Request,
        content: Content,
        config: &TftpConfig,
        faults: Vec<TftpFault>,
    ) -> Self {
        let mut agreed = Agreed::from(request, config, content.len());
        let mut transfer = Self {
            length: content.len(),
            content,
            blksize: 0,
            windowsize: 1,
            timeout: agreed.timeout,
            retries_allowed: config.retries,
            rollover: config.rollover,
            oack: None,
            oack_due: false,
            acked: 0,
            sent: 0,
            last: 0,
            restarted: false,
            deadline: Instant::FAR_FUTURE,
            retries: 0,
            not_before: now,
            queue: VecDeque::new(),
            outcome: None,
            silent_until: None,
            faults: Vec::new(),
        };
        let plain = agreed.clone();
        let asked = !request.options.is_empty();
        for fault in &faults {
            match fault {
                TftpFault::Truncate(octets) => transfer.length = transfer.length.min(*octets),
                TftpFault::IgnoreOptions => {
                    agreed.blksize = DEFAULT_BLKSIZE;
                    agreed.windowsize = 1;
                    agreed.oack.clear();
                }
                TftpFault::Oack(options) => agreed.oack = options.clone(),
                TftpFault::Tsize(size) => set(&mut agreed.oack, "tsize", *size),
                TftpFault::LargerBlksize => {
                    set(&mut agreed.oack, "blksize", u64::from(plain.blksize) * 2);
                }
                TftpFault::RefuseOptions if asked => {
                    transfer.fail(error::OPTIONS, "Options refused");
                }
                TftpFault::Error(code, text) => transfer.fail(*code, text),
                TftpFault::UnknownOpcode => transfer.queue.push_front(packet::head(0x4242, 1)),
                TftpFault::Slow(pause) => transfer.not_before = now + *pause,
                _ => {}
            }
        }
        transfer.blksize = agreed.blksize;
        transfer.windowsize = agreed.windowsize;
        transfer.last = transfer.length / u64::from(agreed.blksize) + 1;
        if !agreed.oack.is_empty() {
            let mut oack = packet::oack(&agreed.oack);
            if faults.contains(&TftpFault::MalformedOack) {
                oack = b"\0\x06blksize\0tsize".to_vec();
            }
            transfer.oack = Some(oack);
            transfer.oack_due = true;
        }
        transfer.faults = faults;
        transfer
    }

    /// Takes a packet from the client.
    pub fn handle(&mut self, now: Instant, packet: &[u8]) {
        if self.outcome.is_some() {
            return;
        }
        match Answer::parse(packet) {
            Some(Answer::Ack(number)) => self.acknowledge(now, number),
            Some(Answer::Error(code, text)) => {
                log::info!("{now} TFTP: the client ends the transfer with error {code}: {text}");
                self.end(code, false);
            }
            None => {}
        }
    }

    /// Repeats, or gives up, when the time has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.outcome.is_some() || now < self.deadline {
            return;
        }
        self.deadline = Instant::FAR_FUTURE;
        self.retries += 1;
        if self.retries > self.retries_allowed {
            self.end(0, false);
        } else if self.oack.is_some() {
            self.oack_due = true;
        } else {
            self.sent = self.acked;
            self.restarted = false;
        }
    }

    /// The next packet to send.
    pub fn transmit(&mut self, now: Instant) -> Option<Vec<u8>> {
        if let Some(packet) = self.queue.pop_front() {
            return Some(packet);
        }
        if self.outcome.is_some() || now < self.not_before {
            return None;
        }
        if self.oack_due {
            self.oack_due = false;
            self.deadline = now + self.timeout;
            return self.oack.clone();
        }
        if self.oack.is_some()
            || self.sent >= self.last.min(self.acked + u64::from(self.windowsize))
        {
            return None;
        }
        let block = self.sent + 1;
        let offset = self.sent * u64::from(self.blksize);
        if self.interrupted(now, offset) {
            return self.queue.pop_front();
        }
        self.sent = block;
        self.deadline = now + self.timeout;
        if self.loses(block) {
            return self.transmit(now);
        }
        let data = self.data(block, offset);
        if self.faults.contains(&TftpFault::DuplicateData) {
            self.queue.push_back(data.clone());
        }
        Some(data)
    }

    /// Puts back a packet that could not be sent.
    pub fn put_back(&mut self, packet: Vec<u8>) {
        self.queue.push_front(packet);
    }

    /// When it repeats, or gives up.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Until when it plays dead, once it has ended so.
    pub fn silent_until(&self) -> Option<Instant> {
        self.silent_until
    }

    /// When something is to be done without a packet from the client, until the transfer ends.
    pub fn poll_at(&self) -> Instant {
        let window_open = self.oack_due
            || self.oack.is_none()
                && self.sent < self.last.min(self.acked + u64::from(self.windowsize));
        if window_open {
            self.not_before
        } else {
            self.deadline
        }
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// Whether nothing is left to be done.
    pub fn is_over(&self, now: Instant) -> bool {
        self.outcome.is_some()
            && self.queue.is_empty()
            && self.silent_until.is_none_or(|until| until <= now)
    }

    /// The block number that block `block` has on the wire.
    pub fn wire(&self, block: u64) -> u16 {
        match self.rollover {
            Rollover::One if block > 0 => ((block - 1) % 65_535 + 1) as u16,
            _ => (block & 0xFFFF) as u16,
        }
    }

    /// The block that will be sent next.
    pub fn next_block(&self) -> u64 {
        self.sent + 1
    }

    fn acknowledge(&mut self, now: Instant, number: u16) {
        if self.oack.is_some() {
            if number == 0 && !self.oack_due {
                self.oack = None;
                self.progress(now);
            }
            return;
        }
        let Some(block) = (self.acked..=self.sent).find(|block| self.wire(*block) == number) else {
            return;
        };
        if block > self.acked {
            self.acked = block;
            self.restarted = false;
            // What followed the acknowledged block in its window did not arrive (RFC 7440 section 4).
            self.sent = block;
            if block == self.last {
                self.end(0, true);
            } else {
                self.progress(now);
            }
        } else if self.windowsize > 1 && !self.restarted && self.sent > self.acked {
            // The first block of the window was lost. Once for each window: with more, every duplicate of
            // an ACK would double the traffic (the Sorcerer's Apprentice). A window of one waits.
            self.restarted = true;
            self.sent = self.acked;
        }
    }

    fn progress(&mut self, now: Instant) {
        self.retries = 0;
        self.deadline = Instant::FAR_FUTURE;
        for fault in &self.faults {
            if let TftpFault::Slow(pause) = fault {
                self.not_before = now + *pause;
            }
        }
    }

    fn data(&self, block: u64, offset: u64) -> Vec<u8> {
        let mut packet = packet::head(opcode::DATA, self.wire(block));
        let length = (self.length - offset).min(self.blksize.into()) as usize;
        packet.resize(4 + length, 0);
        self.content.read(offset, &mut packet[4..]);
        for fault in &self.faults {
            if let TftpFault::Corrupt(at) = fault
                && let Some(index) = at.checked_sub(offset)
                && index < length as u64
            {
                packet[4 + index as usize] ^= 0xFF;
            }
        }
        packet
    }

    /// Whether the transfer ends before the block at `offset`.
    fn interrupted(&mut self, now: Instant, offset: u64) -> bool {
        if self.rollover == Rollover::Refuse && self.sent >= 65_535 {
            self.fail(error::OTHER, "File too large");
            return true;
        }
        for fault in self.faults.clone() {
            match fault {
                TftpFault::DieAfter(octets) if offset >= octets => {
                    self.end(0, false);
                    self.silent_until = Some(now + SILENCE);
                    return true;
                }
                TftpFault::ErrorAfter(octets, code, text) if offset >= octets => {
                    self.fail(code, &text);
                    return true;
                }
                _ => {}
            }
        }
        false
    }

    fn loses(&mut self, block: u64) -> bool {
        let fault = TftpFault::LoseBlock(block);
        let before = self.faults.len();
        self.faults.retain(|known| *known != fault);
        before != self.faults.len()
    }

    fn fail(&mut self, code: u16, text: &str) {
        if self.outcome.is_none() {
            self.queue.push_back(packet::error(code, text));
            self.end(code, false);
        }
    }

    fn end(&mut self, status: u16, complete: bool) {
        self.outcome = Some(Outcome {
            status,
            complete,
            octets: (self.acked * u64::from(self.blksize)).min(self.length),
        });
    }
}

fn set(options: &mut Vec<(String, String)>, name: &str, value: u64) {
    let value = value.to_string();
    match options.iter_mut().find(|(known, _)| known == name) {
        Some(option) => option.1 = value,
        None => options.push((name.into(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn start(options: &str, size: u64, config: &TftpConfig, faults: &[TftpFault]) -> Transfer {
        let request = format!("\0\x01f\0octet\0{options}");
        let request = Request::parse(request.as_bytes()).unwrap();
        let content = Content::Pattern { size, seed: 3 };
        Transfer::new(Instant::ZERO, &request, content, config, faults.to_vec())
    }

    fn plain(options: &str, size: u64) -> Transfer {
        start(options, size, &TftpConfig::default(), &[])
    }

    /// The block numbers of all packets that are due, with their lengths.
    fn burst(transfer: &mut Transfer, now: Instant) -> Vec<(u16, usize)> {
        let packets = std::iter::from_fn(|| transfer.transmit(now));
        packets
            .map(|packet| (u16::from_be_bytes([packet[2], packet[3]]), packet.len() - 4))
            .collect()
    }

    fn ack(transfer: &mut Transfer, block: u16) {
        transfer.handle(Instant::ZERO, &packet::head(opcode::ACK, block));
    }

    #[test]
    fn lock_step_ends_with_a_short_block_and_ignores_repeated_acks() {
        let mut transfer = plain("", 1_024);
        assert_eq!(burst(&mut transfer, Instant::ZERO), [(1, 512)]);
        ack(&mut transfer, 1);
        assert_eq!(burst(&mut transfer, Instant::ZERO), [(2, 512)]);
        ack(&mut transfer, 1);
        assert_eq!(burst(&mut transfer, Instant::ZERO), []);
        ack(&mut transfer, 2);
        assert_eq!(burst(&mut transfer, Instant::ZERO), [(3, 0)]);
        assert_eq!(transfer.outcome(), None);
        ack(&mut transfer, 3);
        let outcome = transfer.outcome().unwrap();
        assert_eq!((outcome.complete, outcome.octets), (true, 1_024));
    }

    #[test]
    fn options_are_granted_within_limits() {
        let mut transfer = plain(
            "blksize\x0065464\0windowsize\x00100\0tsize\x000\0timeout\x002\0timeout\x003\0multicast\x001\0",
            9_999,
        );
        assert_eq!(
            transfer.transmit(Instant::ZERO).unwrap(),
            b"\0\x06blksize\x001468\0windowsize\x0064\0tsize\x009999\0timeout\x002\0"
        );
        assert_eq!(transfer.poll_at(), Instant::from_millis(2_000));
        for nonsense in [
            "blksize\x007\0",
            "windowsize\x000\0",
            "timeout\x00256\0",
            "tsize\0x\0",
        ] {
            let mut transfer = plain(nonsense, 10);
            assert_eq!(
                burst(&mut transfer, Instant::ZERO),
                [(1, 10)],
                "{nonsense:?}"
            );
        }
    }

    #[test]
    fn window_goes_on_after_a_gap_and_restarts_once() {
        let mut transfer = plain("windowsize\x004\0", 512 * 10);
        transfer.transmit(Instant::ZERO).unwrap();
        ack(&mut transfer, 0);
        let blocks = |transfer: &mut Transfer| -> Vec<u16> {
            burst(transfer, Instant::ZERO)
                .iter()
                .map(|(block, _)| *block)
                .collect()
        };
        assert_eq!(blocks(&mut transfer), [1, 2, 3, 4]);
        ack(&mut transfer, 2);
        assert_eq!(blocks(&mut transfer), [3, 4, 5, 6]);
        ack(&mut transfer, 2);
        assert_eq!(blocks(&mut transfer), [3, 4, 5, 6]);
        ack(&mut transfer, 2);
        assert_eq!(blocks(&mut transfer), []);
        ack(&mut transfer, 6);
        assert_eq!(blocks(&mut transfer), [7, 8, 9, 10]);
        ack(&mut transfer, 10);
        assert_eq!(burst(&mut transfer, Instant::ZERO), [(11, 0)]);
    }

    #[test]
    fn repeats_until_it_gives_up() {
        let mut transfer = plain("", 100);
        for second in 0..6 {
            let now = Instant::from_millis(second * 1_000);
            transfer.handle_timeout(now);
            assert_eq!(burst(&mut transfer, now), [(1, 100)]);
            assert_eq!(transfer.poll_at(), now + Duration::from_secs(1));
        }
        transfer.handle_timeout(Instant::from_millis(6_000));
        assert!(!transfer.outcome().unwrap().complete);
    }

    #[test]
    fn block_numbers_roll_over_as_configured() {
        for (rollover, after) in [(Rollover::Zero, 0), (Rollover::One, 1)] {
            let config = TftpConfig {
                rollover,
                ..TftpConfig::default()
            };
            let mut transfer = start("blksize\x008\0", 8 * 65_540, &config, &[]);
            transfer.transmit(Instant::ZERO);
            ack(&mut transfer, 0);
            for block in 1..=65_535 {
                assert_eq!(burst(&mut transfer, Instant::ZERO), [(block, 8)]);
                ack(&mut transfer, block);
            }
            assert_eq!(burst(&mut transfer, Instant::ZERO), [(after, 8)]);
            ack(&mut transfer, after);
            assert_eq!(burst(&mut transfer, Instant::ZERO), [(after + 1, 8)]);
        }
        let config = TftpConfig {
            rollover: Rollover::Refuse,
            ..TftpConfig::default()
        };
        let mut transfer = start("blksize\x008\0", 8 * 65_540, &config, &[]);
        transfer.transmit(Instant::ZERO);
        ack(&mut transfer, 0);
        for block in 1..=65_535 {
            transfer.transmit(Instant::ZERO).unwrap();
            ack(&mut transfer, block);
        }
        assert_eq!(transfer.transmit(Instant::ZERO).unwrap()[..4], [0, 5, 0, 0]);
    }

    proptest! {
        #[test]
        fn any_sequence_ends_and_octets_are_right(
            size in 0_u64..5_000,
            window in 1_u16..9,
            steps in proptest::collection::vec((any::<u8>(), any::<u16>()), 0..200),
        ) {
            let mut transfer = plain(&format!("windowsize\0{window}\0blksize\x00100\0"), size);
            let mut now = Instant::ZERO;
            for (what, number) in steps {
                let packets: Vec<_> = std::iter::from_fn(|| transfer.transmit(now)).collect();
                prop_assert!(packets.len() <= usize::from(window) + 1);
                match what % 5 {
                    0 => now = transfer.poll_at().max(now).min(now + Duration::from_secs(9)),
                    1 => transfer.handle(now, &number.to_be_bytes()),
                    2 => ack(&mut transfer, number),
                    _ => ack(&mut transfer, number % 64),
                }
                transfer.handle_timeout(now);
            }
            for _ in 0..20 {
                now += Duration::from_secs(2);
                transfer.handle_timeout(now);
                while transfer.transmit(now).is_some() {}
            }
            prop_assert!(transfer.is_over(now));
            let outcome = transfer.outcome().unwrap();
            prop_assert!(outcome.octets <= size);
            prop_assert!(!outcome.complete || outcome.octets == size);
        }
    }
}
