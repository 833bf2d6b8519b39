//! A second UART, for MCTP: QEMU's `pci-serial`, a 16550 behind the PCI host bridge of the machine `virt`.
//!
//! The machine has one UART of its own, which is the console. A 16550 in an I/O window needs neither queues nor memory that a
//! device reads, and its other end is whatever QEMU connects it with, octet by octet: a serial line as DSP0253 has it.

use crate::board::{PCI_ECAM, PCI_IO};

/// Configuration space of a function: 4 KiB; a device has eight functions.
const DEVICE: usize = 8 << 12;
/// Devices on the first bus.
const DEVICES: usize = 32;
/// Vendor and device identifier of `pci-serial` (QEMU, docs/specs/pci-serial.rst).
const PCI_SERIAL: u32 = 0x0002_1B36;
/// Configuration registers: command, with I/O decoding in bit 0, and the first base address.
const COMMAND: usize = 0x04;
const BASE_ADDRESS: usize = 0x10;
/// Where the UART is put in the I/O window.
const PLACE: u32 = 0x1000;
/// Registers of a 16550: data, FIFO control, line status.
const DATA: usize = 0;
const FIFO_CONTROL: usize = 2;
const LINE_STATUS: usize = 5;
/// FIFO control: both FIFOs on.
const FIFOS: u8 = 1 << 0;
/// Line status: an octet was received; the transmit holding register is empty.
const RECEIVED: u8 = 1 << 0;
const EMPTY: u8 = 1 << 5;
/// Looks at the line status before an octet is given up: nobody may be at the other end.
const PATIENCE: u32 = 100_000;

/// The UART.
pub struct Serial {
    base: usize,
}

impl Serial {
    /// Finds the UART and switches it on. `None` when QEMU was not told to have one.
    ///
    /// # Safety
    /// Once: nothing else may use the configuration space.
    pub unsafe fn find() -> Option<Self> {
        let identifier = |function: &usize| {
            // SAFETY: configuration space of a machine that always has the bridge; that of no device reads as all ones.
            unsafe { core::ptr::read_volatile(*function as *const u32) }
        };
        let function = (0..DEVICES)
            .map(|device| PCI_ECAM + device * DEVICE)
            .find(|function| identifier(function) == PCI_SERIAL)?;
        // SAFETY: registers of a device that is there, and that nobody else uses, by the caller's promise. Bit 0 of a base address says
        // that it lies in the I/O window and is read only.
        unsafe {
            core::ptr::write_volatile((function + BASE_ADDRESS) as *mut u32, PLACE);
            core::ptr::write_volatile((function + COMMAND) as *mut u16, 1);
        }
        let mut serial = Self {
            base: PCI_IO + PLACE as usize,
        };
        serial.write(FIFO_CONTROL, FIFOS);
        Some(serial)
    }

    fn read(&mut self, register: usize) -> u8 {
        // SAFETY: a register of the UART that `find` has put there.
        unsafe { core::ptr::read_volatile((self.base + register) as *const u8) }
    }

    fn write(&mut self, register: usize, octet: u8) {
        // SAFETY: a register of the UART that `find` has put there.
        unsafe { core::ptr::write_volatile((self.base + register) as *mut u8, octet) };
    }

    /// An octet that was received.
    pub fn take(&mut self) -> Option<u8> {
        (self.read(LINE_STATUS) & RECEIVED != 0).then(|| self.read(DATA))
    }

    /// Sends a frame. Octets that nobody takes in time are lost, as on a line that nobody listens to.
    pub fn send(&mut self, frame: &[u8]) {
        for octet in frame {
            for _ in 0..PATIENCE {
                if self.read(LINE_STATUS) & EMPTY != 0 {
                    self.write(DATA, *octet);
                    break;
                }
            }
        }
    }
}
