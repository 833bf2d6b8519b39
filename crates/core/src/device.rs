//! An Ethernet device, as the library wants it.
//!
//! The shape is that of smoltcp's `Device`, without its types: a port to a new board implements this
//! trait and never names the IP stack. No method has a default, so a port cannot forget one by accident.

/// What the stack needs to know of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// The station's hardware address.
    pub mac: [u8; 6],
    /// Largest IP packet in octets, usually 1,500.
    pub mtu: usize,
    /// Number of frames that the device can receive before somebody polls. It bounds what peers may send at once.
    pub rx_ring: usize,
}

/// A frame that was received, with a transmit buffer for an answer to it.
pub struct Received<'a, T> {
    /// The frame, from its destination address to the end of its payload. Padding may follow the payload.
    pub frame: &'a [u8],
    /// Set when the device itself has verified the frame's TCP or UDP checksum. Software then does not look at it again.
    pub rx_checksum_verified: bool,
    /// A free transmit buffer.
    pub tx: T,
}

/// Names a frame that the device keeps. Only the device that gave it out can use it, once.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct FrameSlot(pub u8);

/// An Ethernet device without interrupts: polled, non-blocking, no copy.
pub trait Device {
    /// A free transmit buffer.
    type Tx<'a>: TxSlot
    where
        Self: 'a;

    /// Number of frames that [`hold`](Self::hold) keeps at once, at least 1: a TFTP block is read where the device put it, so the library does
    /// not compile for a device that keeps none. The device has one buffer more, to receive into meanwhile.
    const HELD_FRAMES: usize;

    /// Tells address, MTU and ring size.
    fn info(&self) -> DeviceInfo;

    /// Tells whether the link is up. A device that cannot tell says `true`.
    fn link_up(&mut self) -> bool;

    /// Receives frames for these group addresses from now on, beside those for the station and for everybody. A device
    /// without a filter receives all groups anyway and does nothing here.
    fn set_multicast(&mut self, groups: &[[u8; 6]]);

    /// Gives the next received frame. `None` when nothing has arrived, or no transmit buffer is free. The frame goes back to
    /// the device at the next call, unless it is [held](Self::hold).
    fn receive(&mut self) -> Option<Received<'_, Self::Tx<'_>>>;

    /// Gives a transmit buffer, `None` while all are in use.
    fn transmit(&mut self) -> Option<Self::Tx<'_>>;

    /// Keeps the frame of the last [`receive`](Self::receive), so that it can be read where it lies while others are received.
    ///
    /// A device keeps [`HELD_FRAMES`](Self::HELD_FRAMES) at once. `None` when it keeps so many already, or when no frame was received; the
    /// frame is then lost.
    fn hold(&mut self) -> Option<FrameSlot>;

    /// The kept frame in `slot`; empty when the slot is not one of this device.
    fn held(&self, slot: &FrameSlot) -> &[u8];

    /// Gives a kept frame back to the device.
    fn release(&mut self, slot: FrameSlot);
}

/// One free transmit buffer.
pub trait TxSlot {
    /// Lets `fill` write a frame of `len` octets (at most MTU + 14) and sends it.
    fn send<R>(self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R;
}

/// A borrowed device is a device: it may lie in a static of its own.
impl<T: Device> Device for &mut T {
    type Tx<'a>
        = T::Tx<'a>
    where
        Self: 'a;

    const HELD_FRAMES: usize = T::HELD_FRAMES;

    fn info(&self) -> DeviceInfo {
        (**self).info()
    }

    fn link_up(&mut self) -> bool {
        (**self).link_up()
    }

    fn set_multicast(&mut self, groups: &[[u8; 6]]) {
        (**self).set_multicast(groups);
    }

    fn receive(&mut self) -> Option<Received<'_, Self::Tx<'_>>> {
        (**self).receive()
    }

    fn transmit(&mut self) -> Option<Self::Tx<'_>> {
        (**self).transmit()
    }

    fn hold(&mut self) -> Option<FrameSlot> {
        (**self).hold()
    }

    fn held(&self, slot: &FrameSlot) -> &[u8] {
        (**self).held(slot)
    }

    fn release(&mut self, slot: FrameSlot) {
        (**self).release(slot);
    }
}
