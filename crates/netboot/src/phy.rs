//! A driver for smoltcp as an Ethernet device of the library.
//!
//! Many boards have a driver that implements [`smoltcp::phy::Device`]. [`PhyDevice`] lends it to the library, at the price of one copy of each
//! received frame: smoltcp's receive token ends before the library reads the frame.

use core::mem::take;
use netboot_core::{Device, DeviceInfo, FrameSlot, Received, TxSlot};
use smoltcp::phy;
use smoltcp::time::Instant;

/// Octets of an Ethernet header: two addresses and the EtherType.
const HEADER: usize = 14;

/// A smoltcp driver of an Ethernet (`Medium::Ethernet`), as a [`Device`].
///
/// `FRAME` is the number of octets of the longest frame that is received, header and VLAN tag included; longer frames are lost. There are two
/// buffers of this size: one for the last frame, and one for the frame that the library holds.
///
/// smoltcp's trait tells neither the state of the link nor a filter for groups. The link counts as up, and the driver has to
/// receive frames for all groups when IPv6 is used. The time that the driver is given is always zero.
pub struct PhyDevice<P, const FRAME: usize = 1518> {
    phy: P,
    info: DeviceInfo,
    /// Set when the driver verifies the checksums of TCP and UDP.
    verifies: bool,
    buffers: [Buffer<FRAME>; 2],
    /// Set when the second buffer takes the next frame, not the first.
    second: bool,
    /// Set when the other buffer is held.
    holds: bool,
}

/// Keeps one frame.
struct Buffer<const FRAME: usize> {
    octets: [u8; FRAME],
    /// Length of the frame in octets; zero when there is none.
    len: usize,
}

impl<const FRAME: usize> Buffer<FRAME> {
    const EMPTY: Self = Self {
        octets: [0; FRAME],
        len: 0,
    };

    /// Keeps a copy of `frame`, or nothing if `frame` is too long.
    fn fill(&mut self, frame: &[u8]) {
        let place = self.octets.get_mut(..frame.len());
        self.len = place.map_or(0, |place| {
            place.copy_from_slice(frame);
            frame.len()
        });
    }

    fn frame(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }
}

impl<P: phy::Device, const FRAME: usize> PhyDevice<P, FRAME> {
    /// A device with the station's hardware address `mac`. `rx_ring` is the number of frames that the driver can receive before somebody polls it
    /// ([`DeviceInfo::rx_ring`]).
    pub fn new(phy: P, mac: [u8; 6], rx_ring: usize) -> Self {
        let capabilities = phy.capabilities();
        let longest = capabilities.max_transmission_unit.min(FRAME);
        let checksum = &capabilities.checksum;
        Self {
            info: DeviceInfo {
                mac,
                // smoltcp counts the header of an Ethernet frame in.
                mtu: longest.saturating_sub(HEADER),
                rx_ring,
            },
            verifies: !checksum.tcp.rx() && !checksum.udp.rx(),
            phy,
            buffers: [Buffer::EMPTY; 2],
            second: false,
            holds: false,
        }
    }

    /// The buffer for received frames, and the other one.
    fn buffers(&self) -> (&Buffer<FRAME>, &Buffer<FRAME>) {
        let [first, second] = &self.buffers;
        match self.second {
            false => (first, second),
            true => (second, first),
        }
    }
}

impl<P: phy::Device, const FRAME: usize> Device for PhyDevice<P, FRAME> {
    type Tx<'a>
        = PhyTx<P::TxToken<'a>>
    where
        Self: 'a;

    const HELD_FRAMES: usize = 1;

    fn info(&self) -> DeviceInfo {
        self.info
    }

    fn link_up(&mut self) -> bool {
        true
    }

    fn set_multicast(&mut self, _groups: &[[u8; 6]]) {}

    fn receive(&mut self) -> Option<Received<'_, Self::Tx<'_>>> {
        let (rx, tx) = phy::Device::receive(&mut self.phy, Instant::ZERO)?;
        let [first, second] = &mut self.buffers;
        let buffer = if self.second { second } else { first };
        phy::RxToken::consume(rx, |frame| buffer.fill(frame));
        Some(Received {
            frame: buffer.frame(),
            rx_checksum_verified: self.verifies,
            tx: PhyTx(tx),
        })
    }

    fn transmit(&mut self) -> Option<Self::Tx<'_>> {
        self.phy.transmit(Instant::ZERO).map(PhyTx)
    }

    fn hold(&mut self) -> Option<FrameSlot> {
        if self.holds || self.buffers().0.len == 0 {
            return None;
        }
        self.holds = true;
        self.second = !self.second;
        // What was held before is no frame that was received.
        let [first, second] = &mut self.buffers;
        let next = if self.second { second } else { first };
        take(&mut next.len);
        Some(FrameSlot(0))
    }

    fn held(&self, slot: &FrameSlot) -> &[u8] {
        match (self.holds, slot) {
            (true, FrameSlot(0)) => self.buffers().1.frame(),
            _ => &[],
        }
    }

    fn release(&mut self, slot: FrameSlot) {
        if slot == FrameSlot(0) {
            self.holds = false;
        }
    }
}

/// A transmit token of a smoltcp driver.
pub struct PhyTx<T>(T);

impl<T: phy::TxToken> TxSlot for PhyTx<T> {
    fn send<R>(self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        self.0.consume(len, fill)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::phy::{ChecksumCapabilities, DeviceCapabilities, Loopback, Medium};

    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];

    type Echo = PhyDevice<Loopback, 100>;

    fn echo() -> Echo {
        PhyDevice::new(Loopback::new(Medium::Ethernet), MAC, 4)
    }

    fn send(device: &mut Echo, octet: u8, len: usize) {
        let slot = device.transmit().unwrap();
        slot.send(len, |frame| frame.fill(octet));
    }

    /// The next frame; empty when the device lost it.
    fn receive(device: &mut Echo) -> Option<Vec<u8>> {
        device.receive().map(|received| received.frame.to_vec())
    }

    #[test]
    fn frames_come_as_they_were_sent_and_longer_ones_are_lost() {
        let mut device = echo();
        assert_eq!(receive(&mut device), None);
        for (octet, len) in [(1, 100), (2, 101), (3, 60)] {
            send(&mut device, octet, len);
        }
        assert_eq!(receive(&mut device), Some(vec![1; 100]));
        assert_eq!(receive(&mut device), Some(vec![]));
        // There is nothing to hold of what was lost.
        assert_eq!(device.hold(), None);
        assert_eq!(receive(&mut device), Some(vec![3; 60]));
        assert_eq!(receive(&mut device), None);
    }

    #[test]
    fn a_held_frame_stays_while_others_come() {
        let mut device = echo();
        assert_eq!(device.hold(), None);
        for octet in 1..=4 {
            send(&mut device, octet, 60);
        }
        receive(&mut device);
        let slot = device.hold().unwrap();
        // The frame of that call is held already.
        assert_eq!(device.hold(), None);
        assert_eq!(receive(&mut device), Some(vec![2; 60]));
        assert_eq!(receive(&mut device), Some(vec![3; 60]));
        assert_eq!(device.held(&slot), [1; 60]);
        assert_eq!(device.held(&FrameSlot(1)), []);
        // One at a time, and a slot of another device is not this one's.
        assert_eq!(device.hold(), None);
        device.release(FrameSlot(1));
        assert_eq!(device.held(&slot), [1; 60]);
        device.release(slot);
        assert_eq!(device.held(&FrameSlot(0)), []);
        let slot = device.hold().unwrap();
        assert_eq!(device.held(&slot), [3; 60]);
        assert_eq!(receive(&mut device), Some(vec![4; 60]));
        assert_eq!(device.held(&slot), [3; 60]);
        device.release(slot);
        let slot = device.hold().unwrap();
        device.release(slot);
        // It is given out once.
        assert_eq!(device.hold(), None);
    }

    #[test]
    fn an_answer_goes_out_with_the_slot_of_its_frame() {
        let mut device = echo();
        send(&mut device, 1, 60);
        let received = device.receive().unwrap();
        assert!(received.rx_checksum_verified);
        received.tx.send(64, |frame| frame.fill(7));
        assert_eq!(receive(&mut device), Some(vec![7; 64]));
    }

    /// A driver that tells these capabilities, and does nothing.
    struct Told(DeviceCapabilities);

    impl phy::Device for Told {
        type RxToken<'a> = <Loopback as phy::Device>::RxToken<'a>;
        type TxToken<'a> = <Loopback as phy::Device>::TxToken<'a>;

        fn receive(&mut self, _: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
            None
        }

        fn transmit(&mut self, _: Instant) -> Option<Self::TxToken<'_>> {
            None
        }

        fn capabilities(&self) -> DeviceCapabilities {
            self.0.clone()
        }
    }

    #[test]
    fn the_smaller_of_driver_and_buffers_is_the_mtu() {
        for (longest, mtu) in [(1514, 1500), (9014, 1504), (590, 576), (10, 0)] {
            let mut told = DeviceCapabilities::default();
            told.max_transmission_unit = longest;
            let mut device = <PhyDevice<Told>>::new(Told(told), MAC, 32);
            let info = DeviceInfo {
                mac: MAC,
                mtu,
                rx_ring: 32,
            };
            assert_eq!(device.info(), info);
            assert!(device.link_up() && device.transmit().is_none());
        }
    }

    /// The library looks at the checksums unless the driver verifies those of TCP and those of UDP.
    #[test]
    fn checksums_are_verified_by_somebody() {
        use smoltcp::phy::Checksum::{Both, None, Rx, Tx};
        for (tcp, udp, by_the_driver) in [
            (Both, Both, false),
            (Rx, None, false),
            (None, Rx, false),
            (Tx, None, true),
            (None, None, true),
        ] {
            let mut told = DeviceCapabilities::default();
            told.checksum = ChecksumCapabilities::default();
            (told.checksum.tcp, told.checksum.udp) = (tcp, udp);
            let device = <PhyDevice<Told>>::new(Told(told), MAC, 32);
            assert_eq!(device.verifies, by_the_driver, "{tcp:?} {udp:?}");
        }
    }
}
