//! iPXE itself, on a PC under QEMU.
//!
//! iPXE is the reference for the scripts that this project runs. Debian's image for the boot protocol of Linux is loaded by QEMU without any boot menu,
//! with a first script as its initial RAM disk. SeaBIOS copies what iPXE writes to the text screen to the serial line.

use crate::netns::{self, Lan};
use crate::qemu;
use crate::servers::Program;
use anyhow::{Context, Result};
use std::fs;

/// Columns of the screen. A line that fills them is broken into two.
pub const COLUMNS: usize = 80;

/// Memory of the machine in MiB.
const MEMORY_MIB: u32 = 256;

/// What the PC knows of itself, which iPXE reads from its SMBIOS tables.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The UUID of the system in its text form (RFC 9562).
    pub uuid: &'static str,
    /// Who made the system.
    pub manufacturer: &'static str,
    /// What the system is.
    pub product: &'static str,
    /// The serial number of the system.
    pub serial: &'static str,
    /// The owner's number for the chassis.
    pub asset: &'static str,
}

impl Facts {
    /// The same facts as settings of the QEMU ROM.
    pub fn settings(&self) -> String {
        let Self {
            uuid,
            manufacturer,
            product,
            serial,
            asset,
        } = self;
        format!(
            "uuid {uuid}\nmanufacturer {manufacturer}\nproduct {product}\nserial {serial}\nasset {asset}\n"
        )
    }
}

/// Starts iPXE behind the TAP of `lan`, with the MAC address that the ROM has under QEMU. It begins with `script`.
///
/// # Errors
/// When iPXE or its emulator is missing or cannot be started.
pub fn start(lan: &Lan, script: &str, facts: &Facts) -> Result<crate::console::Console> {
    let image = Program::Ipxe.find()?;
    let path = lan.server.workspace("ipxe")?.join("first.ipxe");
    fs::write(&path, script).with_context(|| format!("cannot write {}", path.display()))?;
    let mut command = lan.server.namespace.command(Program::QemuPc.find()?);
    command
        .args(["-display", "none", "-monitor", "none", "-serial", "stdio"])
        // The emulator is the same everywhere, and the firmware writes to the serial line where there is no graphics.
        .args(["-accel", "tcg", "-machine", "graphics=off"])
        .args(["-m", &format!("{MEMORY_MIB}M")])
        .arg("-netdev")
        .arg(format!(
            "tap,id=net0,ifname={},script=no,downscript=no",
            netns::TAP
        ))
        .arg("-device")
        .arg(format!(
            "virtio-net-pci,romfile=,netdev=net0,mac={}",
            qemu::MAC
        ))
        .args(["-uuid", facts.uuid])
        .arg("-smbios")
        .arg(format!(
            "type=1,manufacturer={},product={},serial={}",
            facts.manufacturer, facts.product, facts.serial
        ))
        .arg("-smbios")
        .arg(format!("type=3,asset={}", facts.asset))
        .arg("-kernel")
        .arg(image)
        .arg("-initrd")
        .arg(path);
    crate::console::Console::start(command)
}
