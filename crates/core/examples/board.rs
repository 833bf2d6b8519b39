//! A port to a made-up board, as a skeleton: its Ethernet as a [`Device`], its clock and random numbers as a [`Platform`].
//!
//! The controller of this board has a ring of receive buffers and two transmit buffers. Its registers are a struct here; on
//! hardware they are volatile accesses. `main` sends a frame to itself, to show that the parts fit together.
//!
//! `cargo run -p netboot-core --example board`

use netboot_core::{Device, DeviceInfo, Duration, FrameSlot, Instant, Platform, Received, TxSlot};
use rand_core::RngCore;

/// Number of receive buffers: the burst that the board can take while nobody polls.
const RX: usize = 8;
/// Number of receive buffers that the library may keep at the same time.
const HELD: usize = 2;
/// Octets of the longest frame: 14 of Ethernet and 1,500 of payload.
const FRAME: usize = 1514;

/// What the controller's registers show and do.
#[derive(Default)]
struct Controller {
    /// Descriptors that the hardware has filled: the number of the buffer, and the frame's length.
    filled: Vec<(usize, usize)>,
    /// Bit for each receive buffer that the hardware may fill.
    given: u32,
    /// Carrier on the wire.
    link: bool,
}

/// The driver of the controller.
struct Mac {
    registers: Controller,
    /// In a ROM these are statics in memory that the controller reaches.
    rx: [[u8; FRAME]; RX],
    tx: [u8; FRAME],
    /// The buffer that the last `receive` lent out, and the length of its frame. It goes back to the ring at the next call.
    lent: Option<(usize, usize)>,
    /// Buffers that the library keeps, by slot.
    held: [Option<(usize, usize)>; HELD],
}

impl Mac {
    fn new() -> Self {
        let mut mac = Self {
            registers: Controller {
                link: true,
                ..Controller::default()
            },
            rx: [[0; FRAME]; RX],
            tx: [0; FRAME],
            lent: None,
            held: [None; HELD],
        };
        (0..RX).for_each(|buffer| mac.give(buffer));
        mac
    }

    /// Gives a buffer to the hardware and notifies it: hardware that has run out of buffers does not look again by itself.
    fn give(&mut self, buffer: usize) {
        self.registers.given |= 1 << buffer;
    }
}

impl Device for Mac {
    type Tx<'a> = Tx<'a>;

    const HELD_FRAMES: usize = HELD;

    fn info(&self) -> DeviceInfo {
        DeviceInfo {
            mac: [0x02, 0, 0, 0, 0, 0x42],
            mtu: 1500,
            rx_ring: RX - HELD,
        }
    }

    fn link_up(&mut self) -> bool {
        self.registers.link
    }

    fn set_multicast(&mut self, _groups: &[[u8; 6]]) {
        // This controller has no filter: it receives all groups.
    }

    fn receive(&mut self) -> Option<Received<'_, Tx<'_>>> {
        if let Some((buffer, _)) = self.lent.take() {
            self.give(buffer);
        }
        if self.registers.filled.is_empty() {
            return None;
        }
        let (buffer, len) = self.registers.filled.remove(0);
        self.lent = Some((buffer, len));
        Some(Received {
            // The length is the hardware's word: never slice by it unchecked.
            frame: self.rx.get(buffer)?.get(..len)?,
            rx_checksum_verified: false,
            tx: Tx {
                buffer: &mut self.tx,
                registers: &mut self.registers,
                // A loop on the wire: what is sent arrives.
                arrives_in: None,
            },
        })
    }

    fn transmit(&mut self) -> Option<Tx<'_>> {
        let free = self.registers.given.trailing_zeros() as usize;
        Some(Tx {
            buffer: &mut self.tx,
            registers: &mut self.registers,
            arrives_in: self.rx.get_mut(free).map(|buffer| (free, buffer)),
        })
    }

    fn hold(&mut self) -> Option<FrameSlot> {
        let slot = self.held.iter().position(Option::is_none)?;
        self.held[slot] = Some(self.lent.take()?);
        u8::try_from(slot).ok().map(FrameSlot)
    }

    fn held(&self, slot: &FrameSlot) -> &[u8] {
        let held = self.held.get(usize::from(slot.0)).copied().flatten();
        held.and_then(|(buffer, len)| self.rx.get(buffer)?.get(..len))
            .unwrap_or_default()
    }

    fn release(&mut self, slot: FrameSlot) {
        let held = self.held.get_mut(usize::from(slot.0));
        if let Some((buffer, _)) = held.and_then(Option::take) {
            self.give(buffer);
        }
    }
}

/// A free transmit buffer.
struct Tx<'a> {
    buffer: &'a mut [u8; FRAME],
    registers: &'a mut Controller,
    arrives_in: Option<(usize, &'a mut [u8; FRAME])>,
}

impl TxSlot for Tx<'_> {
    fn send<R>(self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let frame = &mut self.buffer[..len.min(FRAME)];
        let result = fill(frame);
        // Hardware: write the descriptor, then its owner bit, then the doorbell.
        if let Some((number, buffer)) = self.arrives_in {
            buffer[..frame.len()].copy_from_slice(frame);
            self.registers.given &= !(1 << number);
            self.registers.filled.push((number, frame.len()));
        }
        result
    }
}

/// The board: a timer that never stops, a source of random numbers, a watchdog.
struct Board {
    ticks: u64,
    fed: u32,
    noise: Noise,
}

impl Platform for Board {
    type Rng = Noise;

    fn now(&mut self) -> Instant {
        // Hardware: read the high word, the low word, and the high word again.
        Instant::from_micros(self.ticks)
    }

    fn idle(&mut self, until: Instant) {
        // Every wait of the library comes by here, so this is the place for the watchdog.
        self.fed += 1;
        // Hardware: `wfi` if the timer or the Ethernet will interrupt; otherwise return at once.
        self.ticks = self.ticks.max(until.as_micros());
    }

    fn rng(&mut self) -> &mut Noise {
        &mut self.noise
    }

    // No `secret_rng`: these numbers are not for keys, so HTTPS is refused. A board with a TRNG returns it there.
}

/// Random numbers of a board without a TRNG: good enough for transaction ids, for nothing else.
struct Noise(u64);

impl RngCore for Noise {
    fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.0
    }

    fn fill_bytes(&mut self, octets: &mut [u8]) {
        octets.fill_with(|| self.next_u32() as u8);
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(octets);
        Ok(())
    }
}

fn main() {
    let mut board = Board {
        ticks: 0,
        fed: 0,
        noise: Noise(1),
    };
    board.wait(Duration::from_millis(3));
    let number = board.rng().next_u32();
    println!(
        "{} watchdog fed {} times, random number {number:#010x}",
        board.now(),
        board.fed
    );

    let mut mac = Mac::new();
    for octet in 0..3 {
        if let Some(tx) = mac.transmit() {
            tx.send(60, |frame| frame.fill(octet));
        }
    }
    // The first frame is kept while the others are received, as the library does with a block of TFTP.
    let first = mac.receive().map(|received| received.frame[0]);
    let slot = mac.hold();
    let rest: Vec<_> =
        std::iter::from_fn(|| mac.receive().map(|received| received.frame[0])).collect();
    let kept = slot.as_ref().map(|slot| mac.held(slot)[0]);
    println!("received {first:?}, then {rest:?}; kept all the while: {kept:?}");
    if let Some(slot) = slot {
        mac.release(slot);
    }
    println!(
        "buffers with the hardware: {}",
        mac.registers.given.count_ones()
    );
}
