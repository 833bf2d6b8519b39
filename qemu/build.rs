//! Writes the linker script: the sizes of ROM and RAM can be set from outside, so that a build shows
//! whether the program still fits a smaller part. So can those of the TCP buffer and the receive ring. And, for `https`, what the ROM trusts.

#[path = "build/trust.rs"]
mod trust;

use std::path::PathBuf;
use std::{env, fs};

fn size(name: &str, default: u32) -> u32 {
    println!("cargo:rerun-if-env-changed={name}");
    match env::var(name) {
        Ok(text) => text
            .parse::<u32>()
            .unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        Err(_) => default,
    }
}

fn main() {
    println!("cargo:rerun-if-changed=memory.x.in");
    for (name, default) in [("NETBOOT_TCP_KIB", 16), ("NETBOOT_RX_RING", 16)] {
        println!("cargo:rustc-env={name}={}", size(name, default));
    }
    if env::var("CARGO_CFG_TARGET_ARCH").as_deref() != Ok("riscv32") {
        return;
    }
    let script = fs::read_to_string("memory.x.in").expect("memory.x.in lies beside build.rs");
    let script = script
        .replace("@ROM_KIB@", &size("MCU_ROM_KIB", 256).to_string())
        .replace("@RAM_KIB@", &size("MCU_RAM_KIB", 128).to_string());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    if env::var_os("CARGO_FEATURE_HTTPS").is_some() {
        trust::write(&out);
    }
    fs::write(out.join("memory.x"), script).expect("OUT_DIR is writable");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=-Tmemory.x");
    // Fragments of netboot-rom-support. A section goes to the first script that names it, so these come before link.x.
    println!("cargo:rustc-link-arg-bins=-Tnetboot-hot.x");
    println!("cargo:rustc-link-arg-bins=-Tnetboot-small.x");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
}
