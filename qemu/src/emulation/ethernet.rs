//! The Ethernet device of a network coprocessor, with QEMU's own network device as its wire.
//!
//! Frames pass between the two when the driver reads STATUS or writes CTRL: then those that have arrived are queued, or dropped where the
//! queue is full, and the frame on its way out is sent.

use crate::console::Line;
use crate::virtio::{self, NicRef};
use core::ptr::addr_of_mut;
use netboot_core::{Console, Device, TxSlot};
use netboot_nwp_ethernet::registers::{CTRL, QUEUE, STATUS};
use nwp_ethernet_model::EthernetModel;

/// The device and its wire.
pub struct Wired {
    device: EthernetModel,
    wire: Option<NicRef>,
}

/// All zero, as the memory is at power-on: nothing else initializes this section.
#[unsafe(link_section = ".emulation.wire")]
static mut WIRED: Wired = Wired {
    device: EthernetModel::new([0; 6]),
    wire: None,
};

/// The device.
///
/// # Safety
/// Only inside of a trap, or while no access can happen.
pub unsafe fn wired() -> &'static mut Wired {
    // SAFETY: there is one hart, and by the caller's promise it has no other reference.
    unsafe { &mut *addr_of_mut!(WIRED) }
}

/// Powers the device on. Without a network device of QEMU it keeps an address of zeros, which the driver takes for no device.
///
/// # Safety
/// Once, before the first access to the window, on the only hart.
#[inline(never)]
pub unsafe fn start() {
    // SAFETY: no access can happen yet.
    let wired = unsafe { wired() };
    // SAFETY: this is the only call.
    wired.wire = unsafe { virtio::device() };
    if let Some(wire) = &wired.wire {
        wired.device.set_mac(wire.info().mac);
    }
}

impl Wired {
    /// The driver reads a register.
    pub fn read(&mut self, offset: u32) -> u32 {
        if offset == STATUS {
            self.exchange();
        }
        self.device.read(offset)
    }

    /// The driver writes a register.
    pub fn write(&mut self, offset: u32, value: u32) {
        self.device.write(offset, value);
        if offset == CTRL {
            self.exchange();
        }
    }

    /// Writes what the device did.
    pub fn report(&self) {
        let tally = self.device.tally();
        let out: &mut dyn Console = &mut Line;
        out.text("@ethernet");
        out.number("queued", u64::from(tally.queued));
        out.number("overflow", u64::from(tally.overflow));
        out.number("wrong_length", u64::from(tally.wrong_length));
        let ignored = u64::from(tally.ignored_starts) + u64::from(tally.strange);
        out.number("ignored", ignored);
        out.text("\n");
    }

    /// Passes frames between the device and its wire, at most as many as the queue holds.
    #[inline(never)]
    fn exchange(&mut self) {
        let Some(wire) = &mut self.wire else {
            return;
        };
        if let Some(frame) = self.device.outgoing()
            && let Some(slot) = wire.transmit()
        {
            // Octet by octet, because a copy of slices of different lengths may panic.
            slot.send(frame.len(), |place| {
                for (to, from) in place.iter_mut().zip(frame) {
                    *to = *from;
                }
            });
            self.device.finish_sending();
        }
        for _ in 0..QUEUE {
            let Some(received) = wire.receive() else {
                return;
            };
            self.device.arrive(received.frame);
        }
    }
}
