//! Counts the instructions of SHA-256 on QEMU's machine `virt`, with `-icount`.
//!
//! One line for each way in which a boot hashes: what, octets, instructions, digest. `testbed::hash_count` builds it, runs it and reads the lines.
#![cfg_attr(target_arch = "riscv32", no_std, no_main)]

#[cfg(not(target_arch = "riscv32"))]
fn main() {
    eprintln!("build this for riscv32imc-unknown-none-elf");
}

#[cfg(target_arch = "riscv32")]
mod program {
    use core::fmt::Write;
    use core::hint::black_box;
    use netboot_core::Digest;
    use netboot_core::hasher::{Hasher, Sha256, Software};
    use netboot_verity::{BLOCK, block_digest};
    use riscv::register::minstret;
    // Linked for its feature.
    use sha2 as _;

    /// Octets that are hashed.
    const SIZE: usize = 64 << 10;
    /// Octets of a piece of a stream: what a frame brings by TFTP and by TCP, and what the library hands on at most.
    const PIECES: [usize; 4] = [512, 1460, 1468, 4096];

    static DATA: [u8; SIZE] = {
        let mut data = [0; SIZE];
        let mut at = 0;
        while at < SIZE {
            data[at] = (at * 7 + at / 256) as u8;
            at += 1;
        }
        data
    };

    struct Uart;

    impl Write for Uart {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            for octet in text.bytes() {
                // SAFETY: the transmit register of the UART of QEMU's machine `virt`, which takes any octet.
                unsafe { core::ptr::write_volatile(0x1000_0000 as *mut u8, octet) };
            }
            Ok(())
        }
    }

    /// The stream of a delivery.
    #[inline(never)]
    fn stream(data: &[u8], piece: usize) -> Digest {
        let mut hash = Sha256::new();
        for piece in data.chunks(piece) {
            hash.update(piece);
        }
        hash.finish()
    }

    /// The blocks of a packed file. The digest of their digests tells whether each is right.
    #[inline(never)]
    fn blocks(data: &[u8], hasher: &mut impl Hasher, digests: &mut [Digest]) {
        for (block, digest) in data.chunks(BLOCK).zip(digests) {
            *digest = block_digest(hasher, block);
        }
    }

    fn count<T>(work: impl FnOnce() -> T) -> (u64, T) {
        let before = minstret::read64();
        let result = black_box(work());
        (minstret::read64() - before, result)
    }

    #[riscv_rt::entry]
    fn main() -> ! {
        let data = black_box(&DATA[..]);
        // The first octet of a chunk may lie anywhere in memory.
        for (begin, place) in [(0, "aligned"), (1, "unaligned")] {
            let data = &data[begin..];
            for piece in PIECES {
                let (instructions, digest) = count(|| stream(data, piece));
                let octets = data.len();
                let _ = writeln!(
                    Uart,
                    "stream-{piece}-{place} {octets} {instructions} {digest}"
                );
            }
        }
        let mut digests = [Digest([0; 32]); SIZE / BLOCK];
        let mut hasher = Software::new();
        let (instructions, ()) = count(|| blocks(data, &mut hasher, &mut digests));
        for digest in digests {
            hasher.update(&digest.0);
        }
        let digest = hasher.finish();
        let _ = writeln!(Uart, "blocks {SIZE} {instructions} {digest}");
        // SAFETY: the test device of the machine, which ends it.
        unsafe { core::ptr::write_volatile(0x10_0000 as *mut u32, 0x5555) };
        loop {
            core::hint::spin_loop();
        }
    }

    #[panic_handler]
    fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
        let _ = writeln!(Uart, "{info}");
        // SAFETY: as above; the status is that of a failure.
        unsafe { core::ptr::write_volatile(0x10_0000 as *mut u32, 0x0001_3333) };
        loop {
            core::hint::spin_loop();
        }
    }
}
