//! `memmove` in 66 octets, in place of the 700 of compiler_builtins (whose own is weak, and dropped by the linker).
//!
//! Nearly all callers move between places that do not overlap: those go to `memcpy`, which copies words. What overlaps is
//! moved octet by octet, from the end that is not overwritten.

use core::arch::global_asm;

// a0: destination, stays as the result; a1: source; a2: octets.
global_asm!(
    r#"
    .section .text.memmove, "ax"
    .balign 2
    .global memmove
    .type memmove, @function
memmove:
    sub a3, a0, a1
    bltu a3, a2, 2f
    sub a3, a1, a0
    bltu a3, a2, 1f
    tail memcpy
1:
    // The destination begins before the source: forwards. At least one octet, as a3 < a2.
    add a2, a2, a1
    mv a3, a0
3:
    lbu a4, 0(a1)
    sb a4, 0(a3)
    addi a1, a1, 1
    addi a3, a3, 1
    bne a1, a2, 3b
    ret
2:
    // The destination begins inside the source: backwards. At least one octet, as a3 < a2.
    add a1, a1, a2
    add a3, a0, a2
4:
    addi a1, a1, -1
    addi a3, a3, -1
    lbu a4, 0(a1)
    sb a4, 0(a3)
    bne a3, a0, 4b
    ret
    .size memmove, . - memmove
"#
);
