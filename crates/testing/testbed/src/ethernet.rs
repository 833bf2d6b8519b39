//! The station's Ethernet device, whatever the wire behind it is.

use netboot_core::{Device, DeviceInfo, FrameSlot, Received, TxSlot};

/// Address of the station in every test world.
pub const MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x15];

/// The station's end of a wire.
pub trait WireEnd {
    /// Number of frames that the wire holds for the station before somebody polls.
    const RX_RING: usize;

    /// Takes the next frame that has arrived.
    fn receive(&self) -> Option<Vec<u8>>;

    /// Sends a frame.
    fn send(&self, frame: Vec<u8>);
}

/// A device on a wire `W`.
pub struct Ethernet<W> {
    wire: W,
    received: Vec<u8>,
    /// The frames that are kept.
    held: HeldFrames,
}

impl<W: WireEnd> Ethernet<W> {
    /// The device at this end of `wire`.
    pub fn new(wire: W) -> Self {
        Self {
            wire,
            received: Vec::new(),
            held: HeldFrames::default(),
        }
    }
}

/// A frame to be sent.
pub struct EthernetTx<'a, W>(&'a W);

impl<W: WireEnd> TxSlot for EthernetTx<'_, W> {
    fn send<R>(self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut frame = vec![0; len];
        let result = fill(&mut frame);
        self.0.send(frame);
        result
    }
}

impl<W: WireEnd> Device for Ethernet<W> {
    type Tx<'a>
        = EthernetTx<'a, W>
    where
        W: 'a;

    const HELD_FRAMES: usize = HeldFrames::MOST;

    fn info(&self) -> DeviceInfo {
        DeviceInfo {
            mac: MAC,
            mtu: 1500,
            rx_ring: W::RX_RING,
        }
    }

    fn link_up(&mut self) -> bool {
        true
    }

    fn set_multicast(&mut self, _: &[[u8; 6]]) {}

    fn receive(&mut self) -> Option<Received<'_, EthernetTx<'_, W>>> {
        self.received = self.wire.receive()?;
        Some(Received {
            frame: &self.received,
            rx_checksum_verified: false,
            tx: EthernetTx(&self.wire),
        })
    }

    fn transmit(&mut self) -> Option<EthernetTx<'_, W>> {
        Some(EthernetTx(&self.wire))
    }

    fn hold(&mut self) -> Option<FrameSlot> {
        self.held.hold(std::mem::take(&mut self.received))
    }

    fn held(&self, slot: &FrameSlot) -> &[u8] {
        self.held.get(slot)
    }

    fn release(&mut self, slot: FrameSlot) {
        self.held.release(&slot);
    }
}

/// Frames by slot.
#[derive(Debug, Default)]
pub struct HeldFrames(Vec<Option<Vec<u8>>>);

impl HeldFrames {
    /// Number of frames that a device of the test world keeps at once.
    pub const MOST: usize = 8;

    /// Keeps `frame`, unless it is empty or there are as many as there may be.
    pub fn hold(&mut self, frame: Vec<u8>) -> Option<FrameSlot> {
        let free = self.0.iter().position(Option::is_none);
        let at = free.unwrap_or(self.0.len());
        if frame.is_empty() || at >= Self::MOST {
            return None;
        }
        match self.0.get_mut(at) {
            Some(place) => *place = Some(frame),
            None => self.0.push(Some(frame)),
        }
        Some(FrameSlot(at as u8))
    }

    /// The frame in `slot`.
    ///
    /// # Panics
    /// When there is none: the library under test has used a slot twice.
    pub fn get(&self, slot: &FrameSlot) -> &[u8] {
        let frame = self.0.get(usize::from(slot.0)).and_then(Option::as_ref);
        frame.expect("a frame that is kept")
    }

    /// Lets the frame in `slot` go.
    ///
    /// # Panics
    /// When there is none: the library under test has used a slot twice.
    pub fn release(&mut self, slot: &FrameSlot) {
        let frame = self.0.get_mut(usize::from(slot.0)).and_then(Option::take);
        assert!(frame.is_some(), "a frame that is kept");
    }
}
