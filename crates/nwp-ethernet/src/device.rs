//! The driver: two receive buffers, one transmit buffer, and the words between them and the device.

use crate::registers::{
    CTRL, MAC_HIGH, MAC_LOW, QUEUE, RX_AVAIL, RX_DATA, RX_LEN, RX_POP, Registers, STATUS, TX_DATA,
    TX_LEN, TX_READY, TX_START,
};
use core::fmt;
use netboot_core::{Device, DeviceInfo, FrameSlot, Received, TxSlot};
use zerocopy::IntoBytes;

/// Octets of an Ethernet header.
const HEADER: usize = 14;
/// Octets of the largest IP packet.
const MTU: usize = 1500;
/// Octets of the longest frame that the driver receives or sends: a header with a VLAN tag (IEEE 802.1Q), and 1,500 octets.
pub const FRAME_MAX: usize = HEADER + 4 + MTU;
/// Octets left free at the start of a receive buffer, so that the IP header lies on a word.
const SKEW: usize = 2;
/// Words of a buffer.
const WORDS: usize = (SKEW + FRAME_MAX).div_ceil(4);

/// Room for one frame, on a word.
#[derive(Clone, Debug)]
struct Frame([u32; WORDS]);

impl Frame {
    const EMPTY: Self = Self([0; WORDS]);

    /// The `len` octets behind [`SKEW`].
    fn received(&self, len: usize) -> &[u8] {
        let octets = self.0.as_bytes();
        octets.get(SKEW..SKEW.saturating_add(len)).unwrap_or(&[])
    }
}

/// Memory for frames: two receive buffers and a transmit buffer. A static of them is all zero and takes no flash.
#[derive(Debug)]
pub struct Buffers {
    rx: [Frame; 2],
    tx: Frame,
}

impl Buffers {
    /// Zeroed buffers.
    pub const fn new() -> Self {
        Self {
            rx: [Frame::EMPTY; 2],
            tx: Frame::EMPTY,
        }
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}

/// The device shows no address that a station can have: zeros, ones, or a group address. Either no device answers, or it has not been
/// given its address yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAddress;

impl fmt::Display for NoAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the Ethernet device shows no address that a station can have")
    }
}

impl core::error::Error for NoAddress {}

/// Counts since start; each wraps round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Number of frames received.
    pub rx_frames: u32,
    /// Number of frames sent.
    pub tx_frames: u32,
    /// Number of frames that the driver dropped because of their length.
    pub errors: u32,
}

/// A polled driver of the device behind `R`.
#[derive(Debug)]
pub struct NwpEthernet<'a, R> {
    registers: R,
    mac: [u8; 6],
    buffers: &'a mut Buffers,
    /// Index of the receive buffer that takes the next frame.
    next: usize,
    /// Octets of the frame that the last `receive` left in that buffer; 0 when there is none.
    lent: usize,
    /// Octets of the frame that is kept in the other buffer; 0 when none is kept.
    kept: usize,
    stats: Stats,
}

impl<'a, R: Registers> NwpEthernet<'a, R> {
    /// Takes the device into use. Frames that are queued already are received.
    ///
    /// # Errors
    /// [`NoAddress`] when MAC_LOW and MAC_HIGH show no address of a station.
    pub fn new(mut registers: R, buffers: &'a mut Buffers) -> Result<Self, NoAddress> {
        let [a, b, c, d] = registers.read(MAC_LOW).to_le_bytes();
        let [e, f, ..] = registers.read(MAC_HIGH).to_le_bytes();
        let mac = [a, b, c, d, e, f];
        // Bit 0 of the first octet marks a group (IEEE 802, section 8.4); it is set in an address of ones.
        if a & 1 != 0 || mac == [0; 6] {
            return Err(NoAddress);
        }
        Ok(Self {
            registers,
            mac,
            buffers,
            next: 0,
            lent: 0,
            kept: 0,
            stats: Stats::default(),
        })
    }

    /// Counts since start.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Copies the first queued frame that has a right length into the next buffer and drops it from the queue. Returns its length;
    /// `None` when no frame is queued or the device cannot send an answer to it now. Frames of a wrong length are dropped, at most as
    /// many as the queue holds, so that a device that shows nonsense does not keep the caller.
    #[inline(never)]
    fn take(&mut self) -> Option<usize> {
        for _ in 0..QUEUE {
            let wanted = TX_READY | RX_AVAIL;
            if self.registers.read(STATUS) & wanted != wanted {
                return None;
            }
            let len = self.registers.read(RX_LEN) as usize;
            let fits = (HEADER..=FRAME_MAX).contains(&len);
            if fits && let Some(frame) = self.buffers.rx.get_mut(self.next) {
                copy_in(&mut self.registers, frame, len);
            }
            self.registers.write(CTRL, RX_POP);
            if fits {
                return Some(len);
            }
            self.stats.errors = self.stats.errors.wrapping_add(1);
        }
        None
    }
}

/// Reads a frame of `len` octets from RX_DATA into the buffer, behind [`SKEW`] octets. Each word in memory has the upper half of one
/// register and the lower half of the next.
fn copy_in(registers: &mut impl Registers, Frame(words): &mut Frame, len: usize) {
    let mut upper = 0;
    let mut offset = RX_DATA;
    for word in words.iter_mut().take((SKEW + len).div_ceil(4)) {
        let read = registers.read(offset);
        *word = (upper | read << 16).to_le();
        upper = read >> 16;
        offset = offset.wrapping_add(4);
    }
}

/// Writes `len` octets to TX_DATA and sends them. This is a function of its own because each caller of `send` is compiled anew.
#[inline(never)]
fn start(registers: &mut impl Registers, Frame(words): &Frame, len: usize) {
    let mut offset = TX_DATA;
    for word in words.iter().take(len.div_ceil(4)) {
        registers.write(offset, u32::from_le(*word));
        offset = offset.wrapping_add(4);
    }
    registers.write(TX_LEN, len as u32);
    registers.write(CTRL, TX_START);
}

/// The transmit buffer, while the device is ready to send.
#[derive(Debug)]
pub struct Tx<'t, R> {
    registers: &'t mut R,
    frame: &'t mut Frame,
    stats: &'t mut Stats,
}

impl<R: Registers> TxSlot for Tx<'_, R> {
    fn send<T>(self, len: usize, fill: impl FnOnce(&mut [u8]) -> T) -> T {
        let len = len.min(FRAME_MAX);
        let octets = self.frame.0.as_mut_bytes();
        let result = fill(octets.get_mut(..len).unwrap_or_default());
        start(self.registers, self.frame, len);
        self.stats.tx_frames = self.stats.tx_frames.wrapping_add(1);
        result
    }
}

impl<R: Registers> Device for NwpEthernet<'_, R> {
    type Tx<'t>
        = Tx<'t, R>
    where
        Self: 't;

    const HELD_FRAMES: usize = 1;

    fn info(&self) -> DeviceInfo {
        DeviceInfo {
            mac: self.mac,
            mtu: MTU,
            rx_ring: QUEUE,
        }
    }

    /// The device has no register for the link, so the link counts as up.
    fn link_up(&mut self) -> bool {
        true
    }

    /// The device has no filter and receives all groups.
    fn set_multicast(&mut self, _: &[[u8; 6]]) {}

    fn receive(&mut self) -> Option<Received<'_, Tx<'_, R>>> {
        self.lent = 0;
        let len = self.take()?;
        self.lent = len;
        self.stats.rx_frames = self.stats.rx_frames.wrapping_add(1);
        Some(Received {
            frame: self.buffers.rx.get(self.next)?.received(len),
            // The device verifies the frame check sequence alone.
            rx_checksum_verified: false,
            tx: Tx {
                registers: &mut self.registers,
                frame: &mut self.buffers.tx,
                stats: &mut self.stats,
            },
        })
    }

    fn transmit(&mut self) -> Option<Tx<'_, R>> {
        let ready = self.registers.read(STATUS) & TX_READY != 0;
        ready.then_some(Tx {
            registers: &mut self.registers,
            frame: &mut self.buffers.tx,
            stats: &mut self.stats,
        })
    }

    fn hold(&mut self) -> Option<FrameSlot> {
        if self.kept != 0 || self.lent == 0 {
            return None;
        }
        self.kept = core::mem::take(&mut self.lent);
        let slot = FrameSlot(self.next as u8);
        self.next ^= 1;
        Some(slot)
    }

    fn held(&self, slot: &FrameSlot) -> &[u8] {
        let index = usize::from(slot.0);
        match self.buffers.rx.get(index) {
            Some(frame) if index != self.next => frame.received(self.kept),
            _ => &[],
        }
    }

    fn release(&mut self, slot: FrameSlot) {
        if usize::from(slot.0) == self.next ^ 1 {
            self.kept = 0;
        }
    }
}
