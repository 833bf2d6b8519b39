//! An Ethernet device, as the library wants it.
//!
//! The shape is that of smoltcp's `Device`, without its types: a port to a new board implements this
//! trait and never names the IP stack.

/// What the stack needs to know of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// The station's address.
    pub mac: [u8; 6],
    /// Largest IP packet in octets, usually 1,500.
    pub mtu: usize,
    /// Frames that the device can receive before somebody polls: bounds what peers may send at once.
    pub rx_ring: usize,
}

/// An Ethernet device without interrupts: polled, non-blocking, no copy.
pub trait Device {
    /// A free transmit buffer.
    type Tx<'a>: TxSlot
    where
        Self: 'a;

    /// Address, MTU and ring size.
    fn info(&self) -> DeviceInfo;

    /// The next received frame, from its destination address to the end of its payload, with a
    /// transmit buffer for an answer to it. `None` when nothing has arrived, or no transmit buffer
    /// is free. The frame is given back to the device at the next call.
    fn receive(&mut self) -> Option<(&[u8], Self::Tx<'_>)>;

    /// A transmit buffer, `None` while all are in use.
    fn transmit(&mut self) -> Option<Self::Tx<'_>>;

    /// Keeps the frame of the last [`receive`](Self::receive), to be read where it lies while others are received.
    /// One at a time: nothing happens while one is kept, or when none was received.
    fn hold(&mut self);

    /// The frame that is kept; empty when there is none.
    fn held(&self) -> &[u8];

    /// Gives the kept frame back to the device.
    fn release(&mut self);
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

    fn info(&self) -> DeviceInfo {
        (**self).info()
    }

    fn receive(&mut self) -> Option<(&[u8], Self::Tx<'_>)> {
        (**self).receive()
    }

    fn transmit(&mut self) -> Option<Self::Tx<'_>> {
        (**self).transmit()
    }

    fn hold(&mut self) {
        (**self).hold();
    }

    fn held(&self) -> &[u8] {
        (**self).held()
    }

    fn release(&mut self) {
        (**self).release();
    }
}
