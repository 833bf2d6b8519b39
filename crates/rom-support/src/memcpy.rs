//! `memcpy` by words in 184 octets, in place of the 338 of compiler_builtins (whose own is weak, and dropped by the linker). 16 octets
//! take 11 instructions, or 23 where source and destination lie at different offsets within a word.
//!
//! It lies with the trap code, which the `link.x` of riscv-rt puts first: QEMU chains translated blocks within a page of 4 KiB only,
//! so that a loop which happens to cross the end of one takes three times as long. (`netboot-hot.x` is for other such loops.)

use core::arch::global_asm;

// a0: destination, also the result; a1: source; a2: octets. Data go by a0, a2, a4 and a5: compressed instructions know these.
global_asm!(
    r#"
    .section .trap.memcpy, "ax"
    .balign 4
    .global memcpy
    .type memcpy, @function
memcpy:
    mv t0, a0
    mv a3, a0
    mv t2, a2
    li a4, 19
    bltu a2, a4, 8f
    // The destination comes to a word's boundary.
1:
    andi a4, a3, 3
    beqz a4, 2f
    lbu a4, 0(a1)
    sb a4, 0(a3)
    addi a1, a1, 1
    addi a3, a3, 1
    addi a2, a2, -1
    j 1b
2:
    // At least 16 octets are left. t1: the end of the last 16; t2: octets behind that.
    andi t1, a2, -16
    add t1, t1, a3
    andi t2, a2, 15
    andi t5, a1, 3
    bnez t5, 4f
3:
    lw a0, 0(a1)
    lw a2, 4(a1)
    lw a4, 8(a1)
    lw a5, 12(a1)
    sw a0, 0(a3)
    sw a2, 4(a3)
    sw a4, 8(a3)
    sw a5, 12(a3)
    addi a1, a1, 16
    addi a3, a3, 16
    bne a3, t1, 3b
    j 8f
4:
    // Each word is put together from two of the source's. The last one read has octets that are wanted.
    sub a1, a1, t5
    slli t3, t5, 3
    neg t4, t3
    lw a4, 0(a1)
5:
    lw a5, 4(a1)
    srl a4, a4, t3
    sll a0, a5, t4
    or a4, a4, a0
    sw a4, 0(a3)
    lw a4, 8(a1)
    srl a5, a5, t3
    sll a0, a4, t4
    or a5, a5, a0
    sw a5, 4(a3)
    lw a5, 12(a1)
    srl a4, a4, t3
    sll a0, a5, t4
    or a4, a4, a0
    sw a4, 8(a3)
    lw a4, 16(a1)
    srl a5, a5, t3
    sll a0, a4, t4
    or a5, a5, a0
    sw a5, 12(a3)
    addi a1, a1, 16
    addi a3, a3, 16
    bne a3, t1, 5b
    add a1, a1, t5
8:
    // What is left, octet by octet.
    beqz t2, 9f
    add t2, t2, a3
6:
    lbu a4, 0(a1)
    sb a4, 0(a3)
    addi a1, a1, 1
    addi a3, a3, 1
    bne a3, t2, 6b
9:
    mv a0, t0
    ret
    .size memcpy, . - memcpy
"#
);
