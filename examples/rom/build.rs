//! Names the linker scripts: this board's memory, riscv-rt's sections, and what netboot-rom-support discards.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=memory.x");
    if env::var("CARGO_CFG_TARGET_ARCH").as_deref() != Ok("riscv32") {
        return;
    }
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let out = Path::new(&out);
    fs::copy("memory.x", out.join("memory.x")).expect("memory.x lies beside build.rs");
    println!("cargo:rustc-link-search={}", out.display());
    // A section goes to the first script that names it, so the fragment comes before link.x.
    for script in ["memory.x", "netboot-small.x", "link.x"] {
        println!("cargo:rustc-link-arg-bins=-T{script}");
    }
}
