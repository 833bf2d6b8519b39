//! Paints the free stack before a command, and looks how far the paint is gone.

use crate::machine::Uart;
use core::arch::asm;
use core::fmt::Write;
use core::hint::black_box;

/// Octets of stack that are painted.
const PAINTED: usize = 256 * 1024;
const PAINT: u32 = 0x5AFE_57AC;

/// Carries out `work`, and prints how deep the stack grew below this frame if `tell` is set.
#[inline(never)]
pub fn depth<T>(tell: bool, name: &str, work: impl FnOnce() -> T) -> T {
    let sp: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mv {0}, sp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    let bottom = sp - PAINTED;
    let mut at = bottom;
    while at < sp {
        // SAFETY: free stack below this frame; no interrupt is enabled, and this loop calls nothing.
        unsafe { core::ptr::write_volatile(at as *mut u32, PAINT) };
        at += 4;
    }
    let result = apart(work);
    let mut deepest = bottom;
    // SAFETY: as above; what the call left there is read as numbers.
    while deepest < sp && unsafe { core::ptr::read_volatile(deepest as *const u32) } == PAINT {
        deepest += 4;
    }
    if tell {
        let _ = writeln!(Uart, "stack {name} {}", sp - deepest);
    }
    result
}

/// Keeps the frame of `work`, and what the compiler inlines into it, below the one that paints.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}
