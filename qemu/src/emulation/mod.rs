//! The devices that QEMU does not have: the Caliptra device, and in builds with `nwp` the Ethernet device of a network coprocessor.
//!
//! Loads and stores in the window at [`RECOVERY`](crate::board::RECOVERY) raise access faults, and so do those at `ETHERNET`. The trap
//! handler decodes the instruction, asks the device's model, and returns behind it. Code and data live in memory
//! regions of their own, and the handler has its own stack and counts its own instructions, so that
//! none of it shows in the figures of the ROM.

#[cfg(feature = "nwp")]
mod ethernet;
mod trap;

use crate::clock;
use crate::console::Line;
use crate::fault;
use crate::straps;
use core::mem::MaybeUninit;
use core::ptr::addr_of_mut;
use netboot_core::Console;
use recovery_model::{DeviceConfig, DeviceOutcome, RecoveryModel};
use rom_parts::device_settings;
use rom_parts::settings::BadLine;

pub use trap::Counts;

#[unsafe(link_section = ".emulation.bss")]
static mut DEVICE: MaybeUninit<RecoveryModel> = MaybeUninit::uninit();

/// Powers the device on and takes the traps.
///
/// # Safety
/// Once, before the first access to the window, on the only hart.
#[inline(never)]
pub unsafe fn start() {
    let config = match settings() {
        Ok(config) => config,
        Err(bad) => {
            let out: &mut dyn Console = &mut Line;
            out.text("@settings device ");
            bad.tell(out);
            crate::board::exit(fault::SETTINGS)
        }
    };
    // SAFETY: nobody else uses the device yet, by the caller's promise; from here on only the trap handler and `report` use the device.
    unsafe { (*addr_of_mut!(DEVICE)).write(RecoveryModel::new(config, clock::now())) };
    // SAFETY: once, before any access, by the caller's promise.
    #[cfg(feature = "nwp")]
    unsafe {
        ethernet::start()
    };
    trap::install();
}

#[inline(never)]
fn settings() -> Result<DeviceConfig, BadLine> {
    let text = straps::device().ok_or(BadLine { line: 0 })?;
    let config = device_settings::parse(text)?;
    // When nobody says what the device expects, it takes what it gets.
    Ok(DeviceConfig {
        accept_any: config.accept_any || text.is_empty(),
        ..config
    })
}

/// The device; only inside a trap, or while no access can happen.
unsafe fn device() -> &'static mut RecoveryModel {
    // SAFETY: `start` ran, and there is one hart; the caller is alone.
    unsafe { (*addr_of_mut!(DEVICE)).assume_init_mut() }
}

/// Writes the device's own view of the boot.
///
/// # Safety
/// After [`start`].
#[inline(never)]
pub unsafe fn report() {
    // SAFETY: no driver runs while the report is written.
    let device = unsafe { device() };
    device.tick(clock::now());
    let out: &mut dyn Console = &mut Line;
    out.text("@device");
    match device.outcome() {
        DeviceOutcome::Running => out.word("outcome", "running"),
        DeviceOutcome::Booted => out.word("outcome", "booted"),
        DeviceOutcome::Failed {
            index,
            reason,
            fw_error,
        } => {
            out.word("outcome", "failed");
            out.number("index", u64::from(index));
            out.number("reason", u64::from(reason));
            out.key("fw_error");
            out.hex(fw_error);
        }
    }
    let count = usize::from(device.config().count);
    for (index, image) in device.images().iter().enumerate().take(count) {
        out.text("\n@device-image");
        out.number("index", index as u64);
        out.number("octets", u64::from(image.octets));
        if let Some(sha256) = &image.sha256 {
            out.key("sha256");
            out.octets(&sha256.0);
        }
        out.flag("activated", image.activated);
        out.flag("verified", image.verified);
        out.number("dropped", u64::from(image.dropped_words));
    }
    out.text("\n");
    // SAFETY: no driver runs while the report is written.
    #[cfg(feature = "nwp")]
    unsafe { ethernet::wired() }.report();
}

/// The version that an image told in its head, if it told one.
///
/// Only while no driver runs.
#[cfg(feature = "stay")]
pub fn version(index: u8) -> Option<util_device::Text> {
    // SAFETY: the emulation was started before the boot, and no driver runs after it.
    let device = unsafe { device() };
    let version = device.images().get(usize::from(index))?.version?;
    Some(util_device::Text::of_version(
        version.major,
        version.minor,
        version.patch,
        &version.commit,
    ))
}

/// What the emulation has cost so far.
pub fn counts() -> Counts {
    trap::counts()
}
