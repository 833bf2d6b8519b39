//! Writes the linker script: the sizes of ROM and RAM can be set from outside, so that a build shows
//! whether the program still fits a smaller part. So can those of the TCP buffer and the receive ring. And, for `https`, what the ROM trusts.

#[path = "build/board.rs"]
mod board;
#[path = "build/trust.rs"]
mod trust;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
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

/// Reads the file that the variable `name` names, as `read` does. Without the variable there is nothing to read, and cargo prints what that means for the
/// ROM; a file that is of no use ends the build.
fn from_file<T: Default>(
    name: &str,
    without: &str,
    read: impl FnOnce(&[u8]) -> Result<T, String>,
) -> T {
    println!("cargo:rerun-if-env-changed={name}");
    let Ok(named) = env::var(name) else {
        println!("cargo:warning={name} is not set: {without}");
        return T::default();
    };
    let path = named_file(&named);
    println!("cargo:rerun-if-changed={}", path.display());
    let file = fs::read(&path);
    let file = file.map_err(|error| format!("cannot read {}: {error}", path.display()));
    file.and_then(|file| read(&file)).unwrap_or_else(|fault| {
        // Cargo prints this line and ends the build when the script has ended.
        println!("cargo::error={name}={named}: {fault}");
        T::default()
    })
}

/// Writes `trust.rs`: `ROOTS`, `KEYS` and `FLOOR`.
fn write_trust(out: &Path) {
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let without = "this ROM refuses every HTTPS server";
    let trusted = from_file("NETBOOT_TRUST", without, trust::read);
    let mut source = String::from("pub const ROOTS: &[&[u8]] = &[");
    for root in &trusted.roots {
        write!(source, "&{root:?},").expect("a string");
    }
    source += "];\npub const KEYS: &[[u8; 32]] = &";
    writeln!(source, "{:?};", trusted.keys).expect("a string");
    // A build that wants to be reproducible says when it is (reproducible-builds.org).
    let floor = env::var("SOURCE_DATE_EPOCH");
    let floor = floor.ok().and_then(|text| text.parse::<u64>().ok());
    writeln!(source, "pub const FLOOR: Option<u64> = {floor:?};").expect("a string");
    fs::write(out.join("trust.rs"), source).expect("OUT_DIR is writable");
}

/// Writes `board.rs`: `VOUCHERS`, `CHAIN` and `KEY`.
fn write_board(out: &Path) {
    let without = "this ROM believes no owner by a voucher";
    let vouchers = from_file("NETBOOT_VOUCHERS", without, board::certificates);
    let without = "this board has no certificate to show to a bootstrap server";
    let identity = from_file("NETBOOT_IDEVID", without, board::identity);
    let list = |certificates: &[Vec<u8>]| {
        let all = certificates.iter().map(|der| format!("&{der:?},"));
        all.collect::<String>()
    };
    let source = format!(
        "pub const VOUCHERS: &[&[u8]] = &[{}];\npub const CHAIN: &[&[u8]] = &[{}];\npub const KEY: Option<[u8; 32]> = {:?};\n",
        list(&vouchers),
        list(&identity.chain),
        identity.key
    );
    fs::write(out.join("board.rs"), source).expect("OUT_DIR is writable");
}

/// A relative path starts where cargo was called, as anywhere else. Cargo runs this script in the package's directory and leaves `PWD` as
/// the shell has set it; without a `PWD` the path starts at the workspace's root.
fn named_file(named: &str) -> PathBuf {
    println!("cargo:rerun-if-env-changed=PWD");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let caller = env::var_os("PWD").map(PathBuf::from);
    let places = [caller.as_deref(), root].into_iter().flatten();
    let mut found = places.map(|place| place.join(named));
    let first = found.next().unwrap_or_else(|| named.into());
    match first.exists() {
        true => first,
        false => found.find(|path| path.exists()).unwrap_or(first),
    }
}

/// Code behind the emulated Ethernet device of a network coprocessor: its model, and QEMU's network device, which is the wire.
const WIRE_TEXT: &str = "    *(.text.*nwp_ethernet_model*);
    *(.text.*netboot_virtio*);
    *(.text.*virtio_drivers*);
    *(.text.*mcu_rom*virtio*);
";
/// Memory of the same.
const WIRE_RAM: &str = "
  .emulation.wire (NOLOAD) :
  {
    *(.emulation.wire);
    *(.bss.*netboot_virtio* .sbss.*netboot_virtio*);
    *(.bss.*mcu_rom*virtio* .sbss.*mcu_rom*virtio*);
  } > WIRE
";

fn main() {
    println!("cargo:rerun-if-changed=memory.x.in");
    for (name, default) in [("NETBOOT_TCP_KIB", 16), ("NETBOOT_RX_RING", 16)] {
        println!("cargo:rustc-env={name}={}", size(name, default));
    }
    if env::var("CARGO_CFG_TARGET_ARCH").as_deref() != Ok("riscv32") {
        return;
    }
    let script = fs::read_to_string("memory.x.in").expect("memory.x.in lies beside build.rs");
    // In other ROMs QEMU's network device is the board's own, and counts.
    let (text, ram) = match env::var_os("CARGO_FEATURE_NWP") {
        Some(_) => (WIRE_TEXT, WIRE_RAM),
        None => ("", ""),
    };
    let script = script
        .replace("@WIRE_TEXT@", text)
        .replace("@WIRE_RAM@", ram)
        .replace("@ROM_KIB@", &size("MCU_ROM_KIB", 256).to_string())
        .replace("@RAM_KIB@", &size("MCU_RAM_KIB", 128).to_string());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    if env::var_os("CARGO_FEATURE_HTTPS").is_some() {
        write_trust(&out);
    }
    if env::var_os("CARGO_FEATURE_SZTP").is_some() {
        write_board(&out);
    }
    fs::write(out.join("memory.x"), script).expect("OUT_DIR is writable");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=-Tmemory.x");
    // Fragments of netboot-rom-support. A section goes to the first script that names it, so these come before link.x.
    println!("cargo:rustc-link-arg-bins=-Tnetboot-hot.x");
    println!("cargo:rustc-link-arg-bins=-Tnetboot-small.x");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
}
