//! Installs what is missing, and says so.

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::thread::sleep;
use std::time::Duration;
use testbed::qemu::QEMU;
use testbed::rom::{self, TARGET};
use testbed::servers::Program;

/// Options of `cargo xtask setup`.
#[derive(Args)]
pub struct SetupArgs {
    /// Also install the servers that the tests of real servers need
    #[arg(long)]
    tests: bool,
    /// Also install the boot firmware that `cargo xtask bench` measures beside the ROM, and its emulators
    #[arg(long)]
    peers: bool,
}

/// The package with [`QEMU`] (Debian and Ubuntu).
const QEMU_PACKAGE: &str = "qemu-system-misc";

/// Programs that tests outside of the part with real servers need, and their packages.
const TOOLS: [(&str, &str); 8] = [
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("fsverity", "fsverity"),
    ("fdisk", "fdisk"),
    ("sgdisk", "gdisk"),
    ("gnutls-serv", "gnutls-bin"),
    ("openssl", "openssl"),
    ("tshark", "tshark"),
];

/// Times that a package manager in use by somebody else is asked again, and the wait between.
const PATIENCE: (u32, Duration) = (30, Duration::from_secs(10));

/// Installs everything.
pub fn run(arguments: &SetupArgs) -> Result<bool> {
    rust_target()?;
    qemu()?;
    if arguments.tests {
        servers()?;
    }
    if arguments.peers {
        peers()?;
    }
    println!("Everything is there.");
    Ok(true)
}

/// What the ROM is built with: the Rust target, and the sources of the core library. Without those the ROM is
/// built all the same, larger.
pub fn rust_target() -> Result<()> {
    precompiled_target()?;
    library_sources();
    Ok(())
}

/// The sources of the core library, said loudly when they cannot be had.
fn library_sources() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if rom::has_library_sources() {
            return;
        }
        println!("Installing the core library's sources: rustup component add rust-src");
        let status = Command::new("rustup")
            .args(["component", "add", "rust-src"])
            .status();
        if !(status.is_ok_and(|status| status.success()) && rom::has_library_sources()) {
            eprintln!(
                "WARNING: no sources of the core library (rustup component add rust-src failed).\n\
                 WARNING: the ROM is built with the precompiled one: some 18 KiB more flash; it boots the same."
            );
        }
    });
}

fn precompiled_target() -> Result<()> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .context("cannot start rustc")?;
    let directory = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && holds_core(&directory) {
        return Ok(());
    }
    println!("Installing the Rust target {TARGET}: rustup target add {TARGET}");
    let status = Command::new("rustup")
        .args(["target", "add", TARGET])
        .status()
        .with_context(|| {
            format!("the Rust target {TARGET} is missing and there is no rustup to add it")
        })?;
    ensure!(status.success(), "rustup target add {TARGET} failed");
    Ok(())
}

/// Whether a target's library directory is not just there but filled.
fn holds_core(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            name.to_string_lossy().starts_with("libcore-")
        })
    })
}

/// The emulator.
pub fn qemu() -> Result<()> {
    if find(QEMU).is_some() {
        return Ok(());
    }
    install(&[QEMU_PACKAGE], QEMU).context(
        "no QEMU; without it, `cargo xtask boot --sim` runs the same boot in a simulated world",
    )
}

/// What tests make network namespaces with, and the programs whose opinion they ask.
pub fn tools() -> Result<()> {
    let missing = missing_tools();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
    install(&packages, &packages.join(", "))
}

fn missing_tools() -> Vec<(&'static str, &'static str)> {
    let tools = TOOLS.into_iter();
    tools
        .filter(|(program, _)| find(program).is_none())
        .collect()
}

/// The real servers that tests boot from.
pub fn servers() -> Result<()> {
    let mut missing = missing_tools();
    for server in Program::ALL {
        let package = match server {
            Program::Dnsmasq => "dnsmasq-base",
            Program::Nginx => "nginx-light",
            Program::TftpdHpa => "tftpd-hpa",
            Program::OpenSsl => "openssl",
            Program::GnutlsServ => "gnutls-bin",
            Program::Rsyslogd => "rsyslog",
            Program::Mtail => "mtail",
            Program::Radvd => "radvd",
            Program::Kea6 => "kea-dhcp6-server",
            Program::Kea4 => "kea-dhcp4-server",
            Program::Varnish => "varnish",
            Program::Dhcpd => "isc-dhcp-server",
            Program::QemuPc => "qemu-system-x86",
            Program::Ipxe => "ipxe",
            // Debian installs it beside no other TFTP server.
            Program::Atftpd => continue,
        };
        if server.find().is_err() {
            missing.push((package, package));
        }
    }
    if !missing.is_empty() {
        let packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
        install(&packages, &packages.join(", "))?;
    }
    unpack_atftpd()
}

/// U-Boot and iPXE.
fn peers() -> Result<()> {
    const PEERS: [(&str, &str); 3] = [
        ("/usr/lib/u-boot/qemu-riscv64/u-boot.bin", "u-boot-qemu"),
        ("/usr/lib/ipxe/ipxe.lkrn", "ipxe"),
        ("/usr/bin/qemu-system-x86_64", "qemu-system-x86"),
    ];
    let missing = PEERS.iter().filter(|(file, _)| !Path::new(file).exists());
    let packages: Vec<_> = missing.map(|(_, package)| *package).collect();
    match packages.is_empty() {
        true => Ok(()),
        false => install(&packages, &packages.join(", ")),
    }
}

/// Unpacks atftpd into the target directory.
fn unpack_atftpd() -> Result<()> {
    if Program::Atftpd.find().is_ok() {
        return Ok(());
    }
    ensure!(find("apt-get").is_some(), "atftpd is missing; install it");
    let command = Program::Atftpd.install();
    println!("Unpacking atftpd: {command}");
    if is_root() {
        apt(&["update"])?;
    }
    let place = rom::target_directory().join("tools");
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    let status = Command::new("/bin/sh")
        .args(["-c", &command])
        .current_dir(&place)
        .status()
        .context("cannot start a shell")?;
    ensure!(status.success(), "{command}: {status}");
    Program::Atftpd.find().map(drop)
}

/// Where `program` is. Servers are not in everybody's PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<_> = env::split_paths(&path).collect();
    places.extend(["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let mut files = places.into_iter().map(|place| place.join(program));
    files.find(|file| file.is_file())
}

/// A program of the registry, of exactly this version. If it is nowhere, cargo builds it into the target directory, once, and
/// not optimized, which takes half the time.
pub fn tool(name: &str, version: &str, options: &[&str]) -> Result<PathBuf> {
    // cargo-mutants tells its version only to a caller that names the subcommand, as cargo does.
    let subcommand = name.strip_prefix("cargo-").unwrap_or(name);
    let right = |program: &PathBuf| {
        [&["--version"][..], &[subcommand, "--version"]]
            .iter()
            .any(|arguments| {
                let output = Command::new(program).args(*arguments).output();
                output.is_ok_and(|output| {
                    let text = String::from_utf8_lossy(&output.stdout).into_owned();
                    let last = text.trim().rsplit([' ', 'v']).next();
                    last.is_some_and(|found| found == version)
                })
            })
    };
    let tools = rom::target_directory().join("tools");
    let ours = tools.join("bin").join(name);
    let found = find(name).into_iter().chain([ours.clone()]).find(right);
    if let Some(program) = found {
        return Ok(program);
    }
    println!("Building {name} {version} into {}", tools.display());
    let status = cargo()
        .args(["install", name, "--locked", "--version", version, "--debug"])
        .args(options)
        .arg("--root")
        .arg(&tools)
        .arg("--target-dir")
        .arg(tools.join("build"))
        // Its own toolchain file, or ours, has no say in how a tool is built.
        .current_dir(env::temp_dir())
        .status()
        .with_context(|| format!("cannot start cargo install {name}"))?;
    ensure!(status.success(), "cargo install {name}: {status}");
    Ok(ours)
}

/// Whether this process may do everything.
pub fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Installs packages if this process may, else says how to.
fn install(packages: &[&str], what: &str) -> Result<()> {
    let names = packages.join(" ");
    ensure!(
        find("apt-get").is_some(),
        "{what} is missing. This is no Debian or Ubuntu; install what they call {names}"
    );
    if !is_root() {
        bail!(
            "{what} is missing. To install it:\n\n    sudo apt-get update && sudo apt-get install -y {names}\n"
        );
    }
    println!("Installing {what}: apt-get update && apt-get install -y {names}");
    apt(&["update"])?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    apt(&arguments)
}

/// Runs apt-get, again and again while somebody else has it locked.
fn apt(arguments: &[&str]) -> Result<()> {
    let shown = || format!("apt-get {}", arguments.join(" "));
    for round in 0..PATIENCE.0 {
        let output = Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .output()
            .with_context(|| format!("cannot start {}", shown()))?;
        if output.status.success() {
            return Ok(());
        }
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        let locked =
            complaint.contains("Could not get lock") || complaint.contains("Unable to lock");
        ensure!(locked, "{} failed:\n{}", shown(), complaint.trim());
        if round == 0 {
            println!("  another package manager is at work; waiting for it");
        }
        sleep(PATIENCE.1);
    }
    bail!("{}: the package manager stayed locked", shown())
}

pub use testbed::rom::cargo;
