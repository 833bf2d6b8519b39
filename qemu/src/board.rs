//! Addresses of QEMU's `virt` machine (hw/riscv/virt.c), and its way out.

/// 16550 UART.
pub const UART: usize = 0x1000_0000;
/// Ticks of the `time` counter in a microsecond.
pub const TICKS_PER_MICRO: u32 = 10;
/// First virtio MMIO window; eight of them, 4 KiB apart.
pub const VIRTIO: usize = 0x1000_1000;
/// Distance of two virtio windows.
pub const VIRTIO_STRIDE: usize = 0x1000;
/// Number of virtio windows.
pub const VIRTIO_COUNT: usize = 8;
/// CSRs of the I3C core. Nothing is there: accesses fault and are emulated.
pub const RECOVERY: usize = 0x1100_0000;
/// Octets of that window.
pub const RECOVERY_SIZE: usize = 0x1000;
/// Registers of the Ethernet device of a network coprocessor. Nothing is there: accesses fault and are emulated.
#[cfg(feature = "nwp")]
pub const ETHERNET: usize = 0x1200_0000;
/// Configuration space of the PCI host bridge.
#[cfg(feature = "stay")]
pub const PCI_ECAM: usize = 0x3000_0000;
/// The window behind which the bridge has its I/O ports.
#[cfg(feature = "stay")]
pub const PCI_IO: usize = 0x0300_0000;
/// What this board does after the boot in place of the MCU's runtime firmware, as bits of the capabilities: it answers vendor defined
/// messages, keeps a log, and has the mailbox.
#[cfg(feature = "stay")]
pub const MCU_RUNTIME: u32 = 0b0111_0000;
/// SiFive test device.
const TEST: usize = 0x0010_0000;

/// Resets the machine. RAM stays as it is.
#[cfg(feature = "trace")]
pub fn reset() -> ! {
    loop {
        // SAFETY: the test device takes any 32-bit store; this one resets the machine.
        unsafe { core::ptr::write_volatile(TEST as *mut u32, 0x7777) };
    }
}

/// Ends QEMU: with exit code 0 for status 0, else with the status' lowest seven bits, or 1.
pub fn exit(status: u32) -> ! {
    let command = if status == 0 {
        0x5555
    } else {
        (((status & 0x7f).max(1)) << 16) | 0x3333
    };
    loop {
        // SAFETY: the test device takes any 32-bit store; this one ends the machine.
        unsafe { core::ptr::write_volatile(TEST as *mut u32, command) };
    }
}
