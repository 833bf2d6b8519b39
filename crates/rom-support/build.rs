//! Puts the linker fragments where the linker looks for them, in every program that depends on this crate.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    for name in ["netboot-small.x", "netboot-hot.x"] {
        println!("cargo:rerun-if-changed={name}");
        fs::copy(name, out.join(name)).expect("the fragment lies beside build.rs");
    }
    println!("cargo:rustc-link-search={}", out.display());
}
