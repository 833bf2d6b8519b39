//! Sets up the network device of QEMU's machine `virt` and counts frames. The functions are what a ROM has; on a host
//! there is no such device, so `main` says so and touches nothing.
//!
//! `cargo run -p netboot-virtio --example machine_virt`

use netboot_core::{Device, Received, TxSlot};
use netboot_virtio::{Buffers, VirtioNet, VirtioNetError};

/// Number of receive buffers: the burst that the ring can hold.
const RX: usize = 16;
/// Number of transmit buffers.
const TX: usize = 2;
/// First virtio register window of the machine `virt`; seven more follow at distances of 4 KiB.
const FIRST_WINDOW: usize = 0x1000_1000;

type Network = VirtioNet<16, RX, TX>;

/// Memory for frames: 1,528 octets for each buffer.
static mut FRAMES: Buffers<RX, TX> = Buffers::new();

/// Sets up the device.
///
/// # Safety
/// The program runs on the machine `virt`, calls this function once, and uses the window for nothing else.
unsafe fn network() -> Result<Network, VirtioNetError> {
    let frames = &raw mut FRAMES;
    // SAFETY: the caller promises to call this function once, and nothing else names the static.
    let frames = unsafe { &mut *frames };
    // SAFETY: the caller promises that the window is there and ours.
    unsafe { VirtioNet::new(FIRST_WINDOW, frames) }
}

/// Answers each frame with a copy of itself to its sender: an echo, to try a new port with.
fn echo(net: &mut impl Device) {
    while let Some(Received { frame, tx, .. }) = net.receive() {
        let mut copy = [0; 1514];
        let len = frame.len().min(copy.len());
        copy[..len].copy_from_slice(&frame[..len]);
        // Destination and source change places.
        for octet in 0..6.min(len.saturating_sub(6)) {
            copy.swap(octet, octet + 6);
        }
        tx.send(len, |octets| octets.copy_from_slice(&copy[..len]));
    }
}

fn main() {
    if cfg!(target_os = "none") {
        // SAFETY: a program without an operating system is the only one, and `main` runs once.
        match unsafe { network() } {
            Ok(mut net) => loop {
                echo(&mut net);
            },
            Err(error) => panic!("{error:?}"),
        }
    }
    let octets = size_of::<Buffers<RX, TX>>();
    println!(
        "{RX} + {TX} buffers take {octets} octets, the driver {}",
        size_of::<Network>()
    );
    println!(
        "there is no virtio register window on this machine; see qemu/src/boot.rs for the ROM"
    );
}
