//! `netboot-nwp-ethernet`: the driver with any device behind its registers.

use crate::{Input, call, show, take};
use core::hint::black_box;
use netboot_core::{Device, FrameSlot, TxSlot};
use netboot_nwp_ethernet::{Buffers, Mmio, NwpEthernet, Registers};

/// Calls all of the crate.
pub fn run(input: &mut Input) {
    driver(input, Input::default());
    // SAFETY: the programs of the gate are linked and never run.
    let mmio = unsafe { Mmio::new(input.word() as usize) };
    driver(input, mmio);
}

/// Registers that show anything.
impl Registers for Input {
    fn read(&mut self, _: u32) -> u32 {
        self.word()
    }

    fn write(&mut self, offset: u32, value: u32) {
        take((offset, value));
    }
}

fn driver(input: &mut Input, registers: impl Registers) {
    let mut buffers = Buffers::new();
    let mut device = match NwpEthernet::new(registers, &mut buffers) {
        Ok(device) => device,
        Err(error) => return show(&error),
    };
    while input.flag() {
        let device = call(&mut device);
        take(device.info());
        take(device.stats());
        take(device.link_up());
        device.set_multicast(&[]);
        if let Some(received) = device.receive() {
            take(received.frame.len());
            received.tx.send(input.word() as usize, |place| {
                black_box(place);
            });
        }
        if let Some(slot) = device.transmit() {
            slot.send(input.word() as usize, |place| {
                black_box(place);
            });
        }
        take(device.hold());
        let slot = FrameSlot(input.octet());
        take(device.held(&slot).len());
        device.release(slot);
    }
}
