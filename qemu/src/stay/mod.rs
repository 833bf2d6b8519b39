//! After a boot that went well the board stays up and answers the host library, in builds with `stay`.
//!
//! The answers are those of `util-device`, which knows what was booted: the version that a Caliptra firmware bundle tells in its
//! head, as the emulated device read it, or the digest of the image, as the report of the boot has it. Two ways lead to it:
//! [`mailbox`], UDP over the network device that the boot used, and [`serial`], a second 16550 that carries MCTP.

mod mailbox;
mod serial;

use crate::board;
use crate::console::Line;
use crate::emulation;
use crate::place::put;
use crate::platform::Net;
use crate::straps;
use crate::uart::Uart;
use core::mem::MaybeUninit;
use core::net::IpAddr;
use core::ptr::addr_of_mut;
use mailbox::Mailbox;
use netboot_app::BootReport;
use netboot_core::Console;
use netboot_ipxe::IpxeInterface;
use serial::Serial;
use util_device::{Device, DeviceConfig, MctpEndpoint, SerialLine, Text};

/// The key at the console that ends the stay: *end of transmission*, Ctrl-D.
const END: u8 = 0x04;
/// The board's endpoint number in MCTP.
const ENDPOINT: u8 = 9;

/// Versions of what was booted: Caliptra's core firmware, the MCU's runtime, the SoC's set.
type Versions = [Option<Text>; 3];

static mut DEVICE: MaybeUninit<MctpEndpoint> = MaybeUninit::uninit();

/// Finds out what was booted. The images come in the order Caliptra firmware, SoC manifest, MCU runtime; the manifest stands for
/// the SoC's set, which it lists.
pub fn versions<N>(report: &BootReport<N>) -> Versions {
    let mut versions = Versions::default();
    for image in &report.images {
        let place = match image.index {
            0 => 0,
            1 => 2,
            2 => 1,
            _ => continue,
        };
        let told = emulation::version(image.index);
        let digest = image.sha256.as_ref().map(|digest| &digest.0);
        if let Some(to) = versions.get_mut(place) {
            *to = told.or(digest.map(Text::of_digest));
        }
    }
    versions
}

/// Answers until the host sends [`END`] at the console.
///
/// # Safety
/// Once, with the emulation started.
#[inline(never)]
pub unsafe fn run(net: &mut Net, versions: Versions) {
    let out: &mut dyn Console = &mut Line;
    // The mailbox's stack has IPv4 alone.
    let address = net
        .config()
        .map(|config| (config.address, config.prefix_len));
    let Some((IpAddr::V4(address), prefix)) = address else {
        out.text("@stay\n");
        return;
    };
    // SAFETY: once, by the caller's promise, so this is the only reference.
    let endpoint = put(unsafe { &mut *addr_of_mut!(DEVICE) }, || {
        MctpEndpoint::new(device(versions), ENDPOINT)
    });
    let nic = net.device();
    // SAFETY: once, by the caller's promise.
    let mut mailbox = unsafe { Mailbox::new(nic, address, prefix) };
    // SAFETY: once, by the caller's promise.
    let mut serial = unsafe { Serial::find() };
    let mut line = SerialLine::new();
    out.text("@stay");
    out.key("address");
    out.ip(IpAddr::V4(address));
    out.number("port", u64::from(mailbox::PORT));
    if serial.is_some() {
        out.number("mctp", u64::from(ENDPOINT));
    }
    out.text("\n");
    while Uart::take() != Some(END) {
        mailbox.poll(nic, &mut endpoint.device);
        if let Some(serial) = &mut serial
            && let Some(octet) = serial.take()
        {
            line.push(octet, endpoint, &mut |frame| serial.send(frame));
        }
    }
}

/// The device that answers. It has no PCI identity, as newer devices have none.
#[inline(never)]
fn device(versions: Versions) -> Device {
    let [a, b, c, d, e, f, g, h, ..] = straps::seed();
    Device::new(DeviceConfig {
        versions,
        pci: None,
        seed: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        mcu_rt: board::MCU_RUNTIME,
        ..DeviceConfig::default()
    })
}
