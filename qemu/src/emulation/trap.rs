//! Access faults in a window become calls of the model whose registers are there.

use super::device;
use crate::board::{self, RECOVERY, RECOVERY_SIZE};
use crate::clock;
use crate::console::Line;
use crate::fault;
use core::arch::{asm, global_asm};
use core::ptr::addr_of_mut;
use netboot_core::Console;
use recovery_model::RecoveryModel;
use rom_parts::decode::{Access, decode};

/// `mcause`: load access fault (The RISC-V Instruction Set Manual, volume II, table 14).
const LOAD_FAULT: u32 = 5;
/// `mcause`: store access fault.
const STORE_FAULT: u32 = 7;
/// Instructions of `recovery_trap` outside of the two readings of `minstret`.
const UNCOUNTED: u32 = 45;

/// What the emulation has cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Instructions that only emulate.
    pub instructions: u64,
    /// Loads and stores that were emulated.
    pub traps: u64,
}

#[unsafe(link_section = ".emulation.bss")]
static mut COUNTS: Counts = Counts {
    instructions: 0,
    traps: 0,
};
#[unsafe(link_section = ".emulation.bss")]
static mut INSIDE: bool = false;

/// The registers of the interrupted program, x0 to x31, and the instruction count at the trap.
#[repr(C)]
pub struct Frame {
    registers: [u32; 32],
    instret: u32,
}

unsafe extern "C" {
    fn recovery_trap();
    static _emulation_stack_top: u8;
}

// mscratch holds the top of the emulation's stack while the program runs, and the program's stack
// pointer while the handler runs.
global_asm!(
    r#"
    .section .emulation.text.recovery_trap, "ax"
    .balign 4
    .global recovery_trap
recovery_trap:
    csrrw sp, mscratch, sp
    addi sp, sp, -144
    sw x5, 20(sp)
    csrr x5, minstret
    sw x5, 128(sp)
    csrr x5, mscratch
    sw x5, 8(sp)
    sw x0, 0(sp)
    sw x1, 4(sp)
    sw x3, 12(sp)
    sw x4, 16(sp)
    sw x6, 24(sp)
    sw x7, 28(sp)
    sw x8, 32(sp)
    sw x9, 36(sp)
    sw x10, 40(sp)
    sw x11, 44(sp)
    sw x12, 48(sp)
    sw x13, 52(sp)
    sw x14, 56(sp)
    sw x15, 60(sp)
    sw x16, 64(sp)
    sw x17, 68(sp)
    sw x18, 72(sp)
    sw x19, 76(sp)
    sw x20, 80(sp)
    sw x21, 84(sp)
    sw x22, 88(sp)
    sw x23, 92(sp)
    sw x24, 96(sp)
    sw x25, 100(sp)
    sw x26, 104(sp)
    sw x27, 108(sp)
    sw x28, 112(sp)
    sw x29, 116(sp)
    sw x30, 120(sp)
    sw x31, 124(sp)
    mv a0, sp
    call recovery_access
    lw x5, 8(sp)
    csrw mscratch, x5
    lw x1, 4(sp)
    lw x3, 12(sp)
    lw x4, 16(sp)
    lw x5, 20(sp)
    lw x6, 24(sp)
    lw x7, 28(sp)
    lw x8, 32(sp)
    lw x9, 36(sp)
    lw x10, 40(sp)
    lw x11, 44(sp)
    lw x12, 48(sp)
    lw x13, 52(sp)
    lw x14, 56(sp)
    lw x15, 60(sp)
    lw x16, 64(sp)
    lw x17, 68(sp)
    lw x18, 72(sp)
    lw x19, 76(sp)
    lw x20, 80(sp)
    lw x21, 84(sp)
    lw x22, 88(sp)
    lw x23, 92(sp)
    lw x24, 96(sp)
    lw x25, 100(sp)
    lw x26, 104(sp)
    lw x27, 108(sp)
    lw x28, 112(sp)
    lw x29, 116(sp)
    lw x30, 120(sp)
    lw x31, 124(sp)
    addi sp, sp, 144
    csrrw sp, mscratch, sp
    mret
"#
);

/// Takes over `mtvec`.
pub fn install() {
    // SAFETY: `recovery_trap` is aligned to 4 and saves everything it changes; its stack is reserved by
    // the linker script.
    unsafe {
        let stack = &raw const _emulation_stack_top as usize;
        asm!("csrw mscratch, {}", in(reg) stack);
        asm!("csrw mtvec, {}", in(reg) recovery_trap as *const () as usize);
    }
}

fn instret() -> u32 {
    let count: u32;
    // SAFETY: reads a counter.
    unsafe { asm!("csrr {}, minstret", out(reg) count) };
    count
}

/// What the emulation has cost so far.
pub fn counts() -> Counts {
    // SAFETY: written only inside a trap, and none happens here.
    unsafe { *addr_of_mut!(COUNTS) }
}

/// Called by `recovery_trap`.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".emulation.text.recovery_access")]
extern "C" fn recovery_access(frame: &mut Frame) {
    let (cause, address, pc): (u32, u32, u32);
    // SAFETY: reads CSRs.
    unsafe {
        asm!("csrr {}, mcause", out(reg) cause);
        asm!("csrr {}, mtval", out(reg) address);
        asm!("csrr {}, mepc", out(reg) pc);
    }
    let place = place(address);
    // SAFETY: one hart; a trap inside the handler ends the machine below.
    let nested = unsafe { core::ptr::replace(addr_of_mut!(INSIDE), true) };
    let place = place.filter(|_| matches!(cause, LOAD_FAULT | STORE_FAULT) && !nested);
    // SAFETY: the program counter of an instruction that was executed can be read.
    let decoded = place.and_then(|place| Some((place, decode(unsafe { fetch(pc) })?)));
    let Some((place, decoded)) = decoded else {
        let [_, _, stack, ..] = frame.registers;
        fault::trapped(cause, pc, address, stack as usize)
    };
    match decoded.access {
        Access::Load { rd } => {
            // SAFETY: no other user of the devices while the driver's instruction is held here.
            let value = unsafe { read(place, pc) };
            if let (Some(register), true) = (frame.registers.get_mut(usize::from(rd)), rd != 0) {
                *register = value;
            }
        }
        Access::Store { rs2 } => {
            let value = frame.registers.get(usize::from(rs2)).copied().unwrap_or(0);
            // SAFETY: as above.
            unsafe { write(place, value, pc) };
        }
    }
    // SAFETY: returning behind the emulated instruction; the counters are only used in here.
    unsafe {
        asm!("csrw mepc, {}", in(reg) pc.wrapping_add(decoded.length));
        let counts = &mut *addr_of_mut!(COUNTS);
        counts.traps += 1;
        *addr_of_mut!(INSIDE) = false;
        let spent = instret()
            .wrapping_sub(frame.instret)
            .wrapping_add(UNCOUNTED);
        counts.instructions += u64::from(spent);
    }
}

/// A register of an emulated device, by its offset in octets.
#[derive(Clone, Copy)]
enum Place {
    Recovery(u32),
    #[cfg(feature = "nwp")]
    Ethernet(u32),
}

/// The register at `address`; `None` outside of all windows.
fn place(address: u32) -> Option<Place> {
    let inside = |base: usize, size: u32| {
        let offset = address.wrapping_sub(base as u32);
        (offset < size).then_some(offset)
    };
    #[cfg(feature = "nwp")]
    if let Some(offset) = inside(board::ETHERNET, netboot_nwp_ethernet::registers::BLOCK_LEN) {
        return Some(Place::Ethernet(offset));
    }
    inside(RECOVERY, RECOVERY_SIZE as u32).map(Place::Recovery)
}

/// Reads a register for the instruction at `pc`.
///
/// # Safety
/// Only inside of a trap.
unsafe fn read(place: Place, pc: u32) -> u32 {
    match place {
        Place::Recovery(offset) => {
            // SAFETY: by the caller's promise nobody else uses the device.
            let device = unsafe { device() };
            let value = device.read(clock::now(), offset);
            stop_if_stalled(device, pc);
            value
        }
        // SAFETY: as above.
        #[cfg(feature = "nwp")]
        Place::Ethernet(offset) => unsafe { super::ethernet::wired() }.read(offset),
    }
}

/// Writes a register for the instruction at `pc`.
///
/// # Safety
/// Only inside of a trap.
unsafe fn write(place: Place, value: u32, pc: u32) {
    match place {
        Place::Recovery(offset) => {
            // SAFETY: by the caller's promise nobody else uses the device.
            let device = unsafe { device() };
            device.write(clock::now(), offset, value);
            stop_if_stalled(device, pc);
        }
        // SAFETY: as above.
        #[cfg(feature = "nwp")]
        Place::Ethernet(offset) => unsafe { super::ethernet::wired() }.write(offset, value),
    }
}

/// Ends the run when the access at `pc` would have hung the bus for good on hardware.
fn stop_if_stalled(device: &RecoveryModel, pc: u32) {
    let Some(stall) = device.stall() else {
        return;
    };
    let out: &mut dyn Console = &mut Line;
    out.text("@stall");
    out.key("offset");
    out.hex(stall.offset);
    out.word("kind", stall.kind.as_str());
    out.key("pc");
    out.hex(pc);
    out.text("\n");
    board::exit(fault::STALL)
}

/// The 32 bits at `pc`, which is aligned to 2 only.
///
/// # Safety
/// `pc` must be the address of an instruction.
unsafe fn fetch(pc: u32) -> u32 {
    let at = pc as usize as *const u16;
    // SAFETY: the lower half by the caller's promise; the upper half exists when the lower one says that
    // the instruction has 32 bits.
    unsafe {
        let low = u32::from(core::ptr::read(at));
        if low & 0x3 != 0x3 {
            return low;
        }
        low | (u32::from(core::ptr::read(at.add(1))) << 16)
    }
}
