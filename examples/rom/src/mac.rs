//! The made-up MAC. It queues 16 received frames and shows the first of them in a window of words; it sends one frame at a time
//! from another window.
//!
//! | offset | register | bits |
//! |---|---|---|
//! | 0x00 | CTRL | 0 TX_START, 1 RX_POP, 2 IRQ_ACK |
//! | 0x04 | STATUS | 0 TX_READY, 1 RX_AVAIL, 2 TX_BUSY, 3 LINK_UP, 15:8 frames in the queue |
//! | 0x08 | TX_LEN | octets of the frame to send |
//! | 0x0C | RX_LEN | 15:0 octets of the first frame, 16 its TCP or UDP checksum was verified |
//! | 0x18 | MAC_LOW | the first four octets of the station's address, the first in bits 7:0 |
//! | 0x1C | MAC_HIGH | the last two octets |
//! | 0x100 | TX_DATA | the frame to send, octet 0 in bits 7:0 |
//! | 0x800 | RX_DATA | the first frame of the queue |

use crate::frames::Frames;
use netboot_core::{Device, DeviceInfo, FrameSlot, Received, TxSlot};
use zerocopy::IntoBytes;

/// Offsets of the registers.
pub mod offset {
    /// Commands.
    pub const CTRL: u32 = 0x00;
    /// State.
    pub const STATUS: u32 = 0x04;
    /// Length of the frame to send.
    pub const TX_LEN: u32 = 0x08;
    /// Length of the first received frame, and what the hardware knows of it.
    pub const RX_LEN: u32 = 0x0C;
    /// First four octets of the station's address.
    pub const MAC_LOW: u32 = 0x18;
    /// Last two octets of the station's address.
    pub const MAC_HIGH: u32 = 0x1C;
    /// Window of the frame to send.
    pub const TX_DATA: u32 = 0x100;
    /// Window of the first received frame.
    pub const RX_DATA: u32 = 0x800;
}

/// CTRL: sends what is in TX_DATA.
pub const TX_START: u32 = 1 << 0;
/// CTRL: drops the first frame of the queue.
pub const RX_POP: u32 = 1 << 1;
/// STATUS: TX_DATA may be written.
pub const TX_READY: u32 = 1 << 0;
/// STATUS: RX_DATA shows a frame.
pub const RX_AVAIL: u32 = 1 << 1;
/// STATUS: there is a link.
pub const LINK_UP: u32 = 1 << 3;
/// RX_LEN: the hardware verified the TCP or UDP checksum.
pub const CHECKSUM_OK: u32 = 1 << 16;

/// Frames that the MAC queues while nobody polls.
pub const QUEUE: usize = 16;
/// Ethernet header.
const HEADER: usize = 14;
/// Ethernet header and 1,500 octets of payload.
pub const FRAME_MAX: usize = HEADER + MTU;
const MTU: usize = 1500;
/// Octets left free at the start of a receive buffer. The IP header, behind 14 octets of Ethernet, then lies on a word, and the
/// library computes checksums and copies by words.
const SKEW: usize = 2;
const WORDS: usize = (SKEW + FRAME_MAX).div_ceil(4);

/// The registers of the MAC, each a word of 32 bits. The ROM has them in memory, a test in a model.
pub trait Registers {
    /// Reads the register at `offset`.
    fn read(&mut self, offset: u32) -> u32;
    /// Writes the register at `offset`.
    fn write(&mut self, offset: u32, value: u32);
}

/// One frame in memory, on a word.
#[derive(Clone, Copy, Debug)]
pub struct Frame([u32; WORDS]);

/// Frame memory: `N` receive buffers and a transmit buffer. One receive buffer is for the present frame, the others are for frames
/// that the stack keeps; frames that wait do so in the MAC. A static of them is all zero and takes no flash.
#[derive(Debug)]
pub struct Buffers<const N: usize> {
    rx: [Frame; N],
    tx: Frame,
}

impl<const N: usize> Buffers<N> {
    /// Zeroed buffers.
    pub const fn new() -> Self {
        Self {
            rx: [Frame([0; WORDS]); N],
            tx: Frame([0; WORDS]),
        }
    }
}

impl<const N: usize> Default for Buffers<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts since start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Frames received.
    pub rx_frames: u32,
    /// Frames sent.
    pub tx_frames: u32,
    /// Frames that were too short or too long.
    pub errors: u32,
}

/// The driver.
#[derive(Debug)]
pub struct Mac<R: Registers, const N: usize> {
    registers: R,
    address: [u8; 6],
    buffers: &'static mut Buffers<N>,
    frames: Frames<N>,
    stats: Stats,
}

impl<R: Registers, const N: usize> Mac<R, N> {
    /// Takes the MAC into use. It has its address already, from fuses.
    pub fn new(mut registers: R, buffers: &'static mut Buffers<N>) -> Self {
        let [a, b, c, d] = registers.read(offset::MAC_LOW).to_le_bytes();
        let [e, f, ..] = registers.read(offset::MAC_HIGH).to_le_bytes();
        Self {
            registers,
            address: [a, b, c, d, e, f],
            buffers,
            frames: Frames::new(),
            stats: Stats::default(),
        }
    }

    /// Counts since start.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    fn status(&mut self, bit: u32) -> bool {
        self.registers.read(offset::STATUS) & bit != 0
    }

    /// Length of the first frame in the queue that can be one, and whether its checksum was verified. Others are dropped.
    fn next(&mut self) -> Option<(usize, bool)> {
        for _ in 0..QUEUE {
            if !self.status(RX_AVAIL) {
                return None;
            }
            let entry = self.registers.read(offset::RX_LEN);
            let len = (entry & 0xffff) as usize;
            if (HEADER..=FRAME_MAX).contains(&len) {
                return Some((len, entry & CHECKSUM_OK != 0));
            }
            self.stats.errors = self.stats.errors.wrapping_add(1);
            self.registers.write(offset::CTRL, RX_POP);
        }
        None
    }
}

/// Copies a frame of `len` octets out of the window, behind [`SKEW`] octets: each word in memory is made of two halves. The last
/// read may show octets behind the frame, which nobody looks at.
fn copy_in(registers: &mut impl Registers, Frame(words): &mut Frame, len: usize) {
    let mut carry = 0;
    let offsets = (offset::RX_DATA..).step_by(4);
    for (word, offset) in words.iter_mut().zip(offsets).take((SKEW + len).div_ceil(4)) {
        let next = registers.read(offset);
        *word = (carry | next << 16).to_le();
        carry = next >> 16;
    }
}

/// The free transmit buffer.
#[derive(Debug)]
pub struct Tx<'a, R> {
    registers: &'a mut R,
    frame: &'a mut Frame,
    stats: &'a mut Stats,
}

impl<R: Registers> TxSlot for Tx<'_, R> {
    fn send<T>(self, len: usize, fill: impl FnOnce(&mut [u8]) -> T) -> T {
        let len = len.min(FRAME_MAX);
        let Frame(words) = self.frame;
        let result = fill(words.as_mut_bytes().get_mut(..len).unwrap_or_default());
        let offsets = (offset::TX_DATA..).step_by(4);
        for (word, offset) in words.iter().zip(offsets).take(len.div_ceil(4)) {
            self.registers.write(offset, u32::from_le(*word));
        }
        self.registers.write(offset::TX_LEN, len as u32);
        self.registers.write(offset::CTRL, TX_START);
        self.stats.tx_frames = self.stats.tx_frames.wrapping_add(1);
        result
    }
}

impl<R: Registers, const N: usize> Device for Mac<R, N> {
    type Tx<'a>
        = Tx<'a, R>
    where
        Self: 'a;

    const HELD_FRAMES: usize = N.saturating_sub(1);

    fn info(&self) -> DeviceInfo {
        DeviceInfo {
            mac: self.address,
            mtu: MTU,
            rx_ring: QUEUE,
        }
    }

    fn link_up(&mut self) -> bool {
        self.status(LINK_UP)
    }

    /// The MAC has no filter: it passes all groups on.
    fn set_multicast(&mut self, _: &[[u8; 6]]) {}

    fn receive(&mut self) -> Option<Received<'_, Tx<'_, R>>> {
        self.frames.take_back();
        // Each frame comes with a transmit buffer for the answer. Without one the frame waits in the queue.
        if !self.status(TX_READY) {
            return None;
        }
        let (len, rx_checksum_verified) = self.next()?;
        let index = self.frames.lend(len)?;
        let frame = self.buffers.rx.get_mut(index)?;
        copy_in(&mut self.registers, frame, len);
        self.registers.write(offset::CTRL, RX_POP);
        self.stats.rx_frames = self.stats.rx_frames.wrapping_add(1);
        Some(Received {
            frame: frame.0.as_bytes().get(SKEW..SKEW + len)?,
            rx_checksum_verified,
            tx: Tx {
                registers: &mut self.registers,
                frame: &mut self.buffers.tx,
                stats: &mut self.stats,
            },
        })
    }

    fn transmit(&mut self) -> Option<Tx<'_, R>> {
        self.status(TX_READY).then_some(Tx {
            registers: &mut self.registers,
            frame: &mut self.buffers.tx,
            stats: &mut self.stats,
        })
    }

    fn hold(&mut self) -> Option<FrameSlot> {
        self.frames.hold()
    }

    fn held(&self, slot: &FrameSlot) -> &[u8] {
        let frame = self.frames.held(slot).and_then(|(index, len)| {
            let Frame(words) = self.buffers.rx.get(index)?;
            words.as_bytes().get(SKEW..SKEW + len)
        });
        frame.unwrap_or_default()
    }

    fn release(&mut self, slot: FrameSlot) {
        self.frames.release(slot);
    }
}
