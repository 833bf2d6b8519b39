//! How much stack was used: paint it at the start, look at the end how far the paint is gone.

use core::ptr::addr_of;

/// What unused stack looks like.
const PAINT: u32 = 0x5AFE_57AC;
/// Octets below the present frame that are left alone while painting.
const MARGIN: usize = 256;

unsafe extern "C" {
    /// End of the static data (riscv-rt's linker script); the stack may grow down to here.
    static __euninit: u32;
    /// Top of the stack.
    static _stack_start: u32;
    /// First and last octet of the program.
    static __stext: u32;
    static __etext: u32;
    /// Start of the static data.
    static __sdata: u32;
}

fn bottom() -> usize {
    addr_of!(__euninit) as usize
}

fn top() -> usize {
    addr_of!(_stack_start) as usize
}

/// Paints everything between the static data and the present frame.
#[inline(never)]
pub fn paint() {
    let here = 0u32;
    let end = (addr_of!(here) as usize).saturating_sub(MARGIN);
    let mut at = bottom();
    while at < end {
        // SAFETY: between the end of the static data and the stack pointer nothing lives.
        unsafe { core::ptr::write_volatile(at as *mut u32, PAINT) };
        at += 4;
    }
}

/// Octets of stack that were in use at the worst moment so far.
pub fn high_water() -> usize {
    let mut at = bottom();
    while at < top() {
        // SAFETY: RAM, word-aligned.
        if unsafe { core::ptr::read_volatile(at as *const u32) } != PAINT {
            break;
        }
        at += 4;
    }
    top() - at
}

/// Octets that the stack may grow to.
pub fn size() -> usize {
    top() - bottom()
}

/// Octets of static data: `.data`, `.bss`, `.uninit`.
pub fn static_ram() -> usize {
    bottom() - addr_of!(__sdata) as usize
}

/// Whether an address is one of the program.
pub fn is_code(address: usize) -> bool {
    (addr_of!(__stext) as usize..addr_of!(__etext) as usize).contains(&address)
}

/// Tells the words on the stack, from the address `from` up, that point into the program: at most `count`.
#[inline(never)]
pub fn return_addresses(from: usize, count: usize, mut tell: impl FnMut(usize)) {
    // A stack pointer that is out of range is one reason to come here.
    let mut at = from.max(bottom()) & !3;
    let mut left = count;
    while at < top() && left > 0 {
        // SAFETY: RAM, word-aligned.
        let word = unsafe { core::ptr::read_volatile(at as *const u32) } as usize;
        if is_code(word) && word.is_multiple_of(2) {
            tell(word);
            left -= 1;
        }
        at += 4;
    }
}
