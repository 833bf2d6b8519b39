//! Programs that link one crate each for the ROM's target, so that its panics show as symbols.
//!
//! Each program calls a crate's whole public API in any order on values that the compiler cannot know
//! ([`Input`]). Where nothing in it can panic, the linker leaves all of the panic code out; a symbol of it
//! that remains is a place in the crate, or in what it uses, that may end the boot. The programs are never
//! run: `cargo xtask test --only panic-gate` reads their symbols.
//!
//! The programs are built like the ROM (profile `rom`), as the proof that an index is in range is the
//! optimiser's.
//!
//! What has an error number is printed too, with one exception: [`Ipv4Addr`](::core::net::Ipv4Addr) pads its text in a
//! way that the optimiser does not see through, so what contains an address is not printed here. That is
//! [`netboot_dhcp::DhcpError`] and [`netboot_dhcp::v6::Dhcp6Error`], and the event lines of [`netboot_app::console`].
#![no_std]

pub mod app;
pub mod boot_source;
pub mod cms;
pub mod core;
pub mod dhcp;
pub mod dhcp6;
pub mod dns;
pub mod ethernet;
pub mod http;
mod input;
pub mod ipxe;
pub mod ndp;
pub mod recovery;
pub mod san;
pub mod sha256;
pub mod sztp;
pub mod terminal;
pub mod tftp;
pub mod ubp;
pub mod unpack;
pub mod verity;

pub use input::{Input, call, drive, fail, fail_unseen, show, take};

/// A program of the gate, around a function with an [`Input`]. For another machine it is empty, so that the
/// workspace builds there.
#[macro_export]
macro_rules! program {
    ($run:path) => {
        #[cfg(target_arch = "riscv32")]
        // SAFETY: the linker's name of a program's start; nothing else has it.
        #[unsafe(no_mangle)]
        extern "C" fn _start() -> ! {
            let mut input = $crate::Input::default();
            loop {
                $run(&mut input);
            }
        }

        #[cfg(not(target_arch = "riscv32"))]
        fn main() {
            let _: fn(&mut $crate::Input) = $run;
            eprintln!("build this for riscv32imc-unknown-none-elf");
        }
    };
}

/// A symbol of its own, also when the optimiser puts the panic code into its callers.
#[cfg(target_arch = "riscv32")]
#[inline(never)]
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
extern "C" fn panic_gate_reached(info: &::core::panic::PanicInfo<'_>) -> ! {
    loop {
        ::core::hint::black_box(info);
    }
}

#[cfg(target_arch = "riscv32")]
#[panic_handler]
fn panic(info: &::core::panic::PanicInfo<'_>) -> ! {
    panic_gate_reached(info)
}
