//! The device: its registers, and the two ends of its wire.

use core::cell::RefCell;
use netboot_nwp_ethernet::registers::{
    CTRL, IRQ_ACK, MAC_HIGH, MAC_LOW, QUEUE, RX_AVAIL, RX_DATA, RX_LEN, RX_POP, Registers, STATUS,
    TX_BUSY, TX_DATA, TX_LEN, TX_READY, TX_START, WINDOW,
};

/// Octets of the shortest frame that the device receives: a header of Ethernet.
pub const FRAME_MIN: usize = 14;

/// Octets of a window.
const WINDOW_LEN: u32 = WINDOW as u32;

/// Counts of what the device has done and refused. Nothing resets them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Number of frames that were queued.
    pub queued: u32,
    /// Number of frames that were dropped because the queue was full.
    pub overflow: u32,
    /// Number of frames that were dropped because they were too short or too long.
    pub wrong_length: u32,
    /// Number of frames that were sent.
    pub sent: u32,
    /// Number of TX_STARTs that were ignored: another frame was on its way, or the length was wrong.
    pub ignored_starts: u32,
    /// Number of accesses that no register takes: an unknown or unaligned offset, a read of what can only be written, a write of what can
    /// only be read, an unknown bit of CTRL, a frame changed while it was being sent, a window read while it had no frame.
    pub strange: u32,
}

impl Tally {
    const ZERO: Self = Self {
        queued: 0,
        overflow: 0,
        wrong_length: 0,
        sent: 0,
        ignored_starts: 0,
        strange: 0,
    };
}

fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

/// Room for a queued frame. Octets of older frames stay behind the present one, as in a memory of hardware.
#[derive(Clone, Debug)]
struct Frame {
    octets: [u8; WINDOW],
    len: usize,
}

impl Frame {
    const EMPTY: Self = Self {
        octets: [0; WINDOW],
        len: 0,
    };
}

/// The emulated device. A static of it with an address of zeros is all zero.
#[derive(Clone, Debug)]
pub struct EthernetModel {
    mac: [u8; 6],
    queue: [Frame; QUEUE],
    /// Index of the first queued frame.
    first: usize,
    /// Number of queued frames.
    queued: usize,
    /// The contents of TX_DATA.
    tx: [u8; WINDOW],
    /// The contents of TX_LEN.
    tx_len: u32,
    /// Whether the frame in TX_DATA is on its way.
    busy: bool,
    tally: Tally,
}

impl EthernetModel {
    /// A device with this address and an empty queue.
    pub const fn new(mac: [u8; 6]) -> Self {
        Self {
            mac,
            queue: [Frame::EMPTY; QUEUE],
            first: 0,
            queued: 0,
            tx: [0; WINDOW],
            tx_len: 0,
            busy: false,
            tally: Tally::ZERO,
        }
    }

    /// Gives the device another address.
    pub fn set_mac(&mut self, mac: [u8; 6]) {
        self.mac = mac;
    }

    /// Tells what the device has done so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Lets a frame arrive from the wire, from its destination address on and without a frame check sequence. A frame of fewer than
    /// [`FRAME_MIN`] or more than [`WINDOW`] octets is dropped, and so is a frame for which the queue has no room.
    pub fn arrive(&mut self, frame: &[u8]) {
        if !(FRAME_MIN..=WINDOW).contains(&frame.len()) {
            return count(&mut self.tally.wrong_length);
        }
        if self.queued >= QUEUE {
            return count(&mut self.tally.overflow);
        }
        let at = (self.first + self.queued) % QUEUE;
        let Some(place) = self.queue.get_mut(at) else {
            return;
        };
        if let Some(octets) = place.octets.get_mut(..frame.len()) {
            octets.copy_from_slice(frame);
        }
        place.len = frame.len();
        self.queued += 1;
        count(&mut self.tally.queued);
    }

    /// The frame that is on its way out; `None` when there is none.
    pub fn outgoing(&self) -> Option<&[u8]> {
        let frame = self.tx.get(..self.tx_len as usize);
        frame.filter(|_| self.busy)
    }

    /// Ends the sending of the frame that is on its way out: the device is ready for another.
    pub fn finish_sending(&mut self) {
        if core::mem::take(&mut self.busy) {
            count(&mut self.tally.sent);
        }
    }

    /// The driver reads the register at `offset`. What is no register reads as 0.
    pub fn read(&mut self, offset: u32) -> u32 {
        let [a, b, c, d, e, f] = self.mac;
        let first = self.queue.get(self.first).filter(|_| self.queued > 0);
        match offset {
            STATUS => self.status(),
            TX_LEN => self.tx_len,
            RX_LEN => first.map_or(0, |frame| frame.len as u32),
            MAC_LOW => u32::from_le_bytes([a, b, c, d]),
            MAC_HIGH => u32::from_le_bytes([e, f, 0, 0]),
            _ => {
                let word = window(offset, RX_DATA)
                    .zip(first)
                    .and_then(|(at, frame)| frame.octets.get(at..)?.first_chunk::<4>());
                if word.is_none() {
                    count(&mut self.tally.strange);
                }
                word.map_or(0, |word| u32::from_le_bytes(*word))
            }
        }
    }

    fn status(&self) -> u32 {
        let sending = if self.busy { TX_BUSY } else { TX_READY };
        let available = if self.queued > 0 { RX_AVAIL } else { 0 };
        sending | available | (self.queued as u32) << 8
    }

    /// The driver writes the register at `offset`. A write to what is no register has no effect.
    pub fn write(&mut self, offset: u32, value: u32) {
        match offset {
            CTRL => self.command(value),
            TX_LEN if !self.busy => self.tx_len = value,
            _ => {
                let place = window(offset, TX_DATA).filter(|_| !self.busy);
                let place = place.and_then(|at| self.tx.get_mut(at..));
                let place = place.and_then(|octets| octets.first_chunk_mut::<4>());
                match place {
                    Some(place) => *place = value.to_le_bytes(),
                    None => count(&mut self.tally.strange),
                }
            }
        }
    }

    fn command(&mut self, bits: u32) {
        if bits & !(TX_START | RX_POP | IRQ_ACK) != 0 {
            count(&mut self.tally.strange);
        }
        if bits & RX_POP != 0 && self.queued > 0 {
            self.first = (self.first + 1) % QUEUE;
            self.queued -= 1;
        }
        if bits & TX_START != 0 {
            match !self.busy && (1..=WINDOW_LEN).contains(&self.tx_len) {
                true => self.busy = true,
                false => count(&mut self.tally.ignored_starts),
            }
        }
    }
}

/// The place of `offset` in the window that begins at `start`, in octets.
fn window(offset: u32, start: u32) -> Option<usize> {
    let at = offset.checked_sub(start)?;
    (at < WINDOW_LEN && at.is_multiple_of(4)).then_some(at as usize)
}

/// The registers of a model that a test keeps a hand on.
#[derive(Clone, Copy, Debug)]
pub struct ModelRegisters<'a>(pub &'a RefCell<EthernetModel>);

impl Registers for ModelRegisters<'_> {
    /// Reads all ones, as from a dead bus, if the caller holds the model borrowed.
    fn read(&mut self, offset: u32) -> u32 {
        match self.0.try_borrow_mut() {
            Ok(mut model) => model.read(offset),
            Err(_) => u32::MAX,
        }
    }

    fn write(&mut self, offset: u32, value: u32) {
        if let Ok(mut model) = self.0.try_borrow_mut() {
            model.write(offset, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: [u8; 6] = [0x02, 0xca, 0x11, 0x50, 0x00, 0x07];

    fn model() -> EthernetModel {
        EthernetModel::new(MAC)
    }

    #[test]
    fn a_new_device_has_its_address_and_nothing_else() {
        let mut model = model();
        assert_eq!(model.read(MAC_LOW), 0x5011_ca02);
        assert_eq!(model.read(MAC_HIGH), 0x0700);
        assert_eq!(model.read(STATUS), TX_READY);
        assert_eq!(model.read(RX_LEN), 0);
        assert_eq!(model.outgoing(), None);
        assert_eq!(model.tally(), Tally::ZERO);
    }

    #[test]
    fn lengths_at_the_edges_are_taken_and_beyond_them_dropped() {
        for (len, queued) in [(0, 0), (13, 0), (14, 1), (1536, 1), (1537, 0)] {
            let mut model = model();
            model.arrive(&vec![1; len]);
            let tally = model.tally();
            assert_eq!((tally.queued, tally.wrong_length), (queued, 1 - queued));
            assert_eq!(model.read(STATUS) >> 8, queued);
            let shown = if queued == 1 { len as u32 } else { 0 };
            assert_eq!(model.read(RX_LEN), shown);
        }
    }

    #[test]
    fn the_seventeenth_frame_is_dropped_and_the_others_come_in_their_order() {
        let mut model = model();
        // From every place in the ring.
        for round in 0..QUEUE as u8 {
            for number in 0..17 {
                model.arrive(&[number; 60]);
            }
            assert_eq!(model.read(STATUS), TX_READY | RX_AVAIL | 16 << 8);
            for number in 0..16 {
                assert_eq!(model.read(RX_DATA), u32::from_le_bytes([number; 4]));
                model.write(CTRL, RX_POP);
            }
            assert_eq!(model.read(STATUS), TX_READY);
            assert_eq!(model.tally().overflow, u32::from(round) + 1);
            // The next round begins one place later.
            model.arrive(&[0; 60]);
            model.write(CTRL, RX_POP);
        }
        model.write(CTRL, RX_POP);
        assert_eq!(model.read(STATUS), TX_READY);
        assert_eq!(model.tally().strange, 0);
    }

    #[test]
    fn a_frame_is_sent_as_it_was_written_and_cannot_be_changed_meanwhile() {
        let mut model = model();
        model.write(TX_DATA, 0x0403_0201);
        model.write(TX_DATA + 4, 0x0807_0605);
        model.write(TX_LEN, 7);
        model.write(CTRL, TX_START | IRQ_ACK);
        assert_eq!(model.read(STATUS), TX_BUSY);
        assert_eq!(model.outgoing(), Some(&[1, 2, 3, 4, 5, 6, 7][..]));
        model.write(TX_DATA, 0);
        model.write(TX_LEN, 1);
        model.write(CTRL, TX_START);
        assert_eq!(model.outgoing(), Some(&[1, 2, 3, 4, 5, 6, 7][..]));
        let tally = model.tally();
        assert_eq!((tally.ignored_starts, tally.strange, tally.sent), (1, 2, 0));
        model.finish_sending();
        model.finish_sending();
        assert_eq!((model.read(STATUS), model.tally().sent), (TX_READY, 1));
        assert_eq!(model.outgoing(), None);
    }

    #[test]
    fn a_length_that_no_frame_has_is_not_sent() {
        for (len, sent) in [(0, false), (1, true), (1536, true), (1537, false)] {
            let mut model = model();
            model.write(TX_LEN, len);
            model.write(CTRL, TX_START);
            assert_eq!(model.outgoing().is_some(), sent, "{len}");
            assert_eq!(model.tally().ignored_starts, u32::from(!sent), "{len}");
        }
    }

    #[test]
    fn the_windows_end_where_they_should() {
        let mut model = model();
        model.arrive(&[1; 1536]);
        for (offset, value) in [
            (RX_DATA, 0x0101_0101),
            (RX_DATA + 1532, 0x0101_0101),
            (RX_DATA + 1536, 0),
            (RX_DATA + 1, 0),
            (RX_DATA - 4, 0),
            (TX_DATA, 0),
            (CTRL, 0),
        ] {
            assert_eq!(model.read(offset), value, "{offset:#x}");
        }
        assert_eq!(model.tally().strange, 5);
        for offset in [TX_DATA + 1532, TX_DATA] {
            model.write(offset, 1);
        }
        assert_eq!(model.tally().strange, 5);
        for offset in [
            TX_DATA + 1536,
            TX_DATA + 2,
            RX_DATA,
            STATUS,
            RX_LEN,
            MAC_LOW,
        ] {
            model.write(offset, 1);
        }
        model.write(CTRL, 1 << 3);
        assert_eq!(model.tally().strange, 12);
    }
}
