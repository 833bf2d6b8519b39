//! Builds the ROM: cargo makes an ELF file, this makes the flash image that QEMU wants.

use crate::flash::{flash_segments, write_sparse};
use crate::watched;
pub use crate::watched::Compiled;
use anyhow::{Context, Result, bail, ensure};
use netboot_core::Digest;
use netboot_rom_support::flags::{BOOTSTRAP, IMAGE, REBUILT, REBUILT_CARGO};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Target of the ROM.
pub const TARGET: &str = "riscv32imc-unknown-none-elf";
/// Environment variable with the path of a flash image that was built already.
pub const ROM_VARIABLE: &str = "NETBOOT_ROM";

/// Which core library is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Core {
    /// Built for the image with the image's own flags. The compiler is the stable one, the flags are not; the
    /// sources must be there (`rustup component add rust-src`).
    Rebuilt,
    /// As it comes with the toolchain: a larger image by stable means alone.
    Precompiled,
}

impl Core {
    /// Rebuilt where that can be.
    pub fn best() -> Self {
        match has_library_sources() {
            true => Core::Rebuilt,
            false => Core::Precompiled,
        }
    }
}

/// A ROM that speaks HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpsRom {
    /// What it trusts: roots in PEM, pins (`qemu/build/trust.rs`). Empty for a ROM that is built without `NETBOOT_TRUST`.
    pub trust: String,
    /// With a receive buffer for records of 4096 octets in place of any.
    pub small_records: bool,
}

/// What makes the board of a ROM provable to bootstrap servers, and them to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SztpRom {
    /// Roots of those who sign vouchers, in PEM.
    pub vouchers: String,
    /// The board's own certificate, those above it, and its private key, in PEM.
    pub idevid: String,
}

/// What the ROM is made of and what the linker script grants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RomOptions {
    /// Flash in KiB.
    pub rom_kib: u32,
    /// RAM in KiB: static data and stack.
    pub ram_kib: u32,
    /// The core library.
    pub core: Core,
    /// With a log and a sentence for each error; otherwise errors are numbers.
    pub texts: bool,
    /// IPv4, DHCP and TFTP only, in as little memory as that takes.
    pub tiny: bool,
    /// The same for a network coprocessor, with its Ethernet device in place of virtio: [`RomOptions::network_coprocessor`] has the memory
    /// of one.
    pub nwp: bool,
    /// With memory for four connections by HTTP.
    pub parallel: bool,
    /// With the settings that few boards need: a static address, the order of the sources, HTTPS required.
    pub settings: bool,
    /// With IPv6.
    pub ipv6: bool,
    /// With the bootstore as a source, for boots without DHCP.
    pub bootstore: bool,
    /// With the question which protocol a server speaks.
    pub negotiate: bool,
    /// With iPXE scripts.
    pub script: bool,
    /// With what few scripts need: menus, a shell at the UART, disks.
    pub script_extras: bool,
    /// With the last events and the number of attempts kept over a reset.
    pub trace: bool,
    /// With an end that stays up and answers the host library.
    pub stay: bool,
    /// With HTTPS.
    pub https: Option<HttpsRom>,
    /// With secure zero-touch provisioning, which needs HTTPS.
    pub sztp: Option<SztpRom>,
    /// With a key of the board's own, which needs provisioning: the owner is asked for a certificate.
    pub ldevid: bool,
    /// With packed files, whose blocks are verified before they go into the device.
    pub verity: bool,
    /// With the UDP boot protocol, which needs packed files.
    pub ubp: bool,
    /// With a SHA-256 that is compiled for speed.
    pub fast_sha256: bool,
    /// A ROM that panics once its console is up, to see what becomes of that.
    pub panic: bool,
    /// A ROM that measures a fetch where its settings ask for that (`qemu/src/bench.rs`).
    pub bench: bool,
    /// HTTP receive buffer in KiB; what the ROM has by itself without.
    pub tcp_kib: Option<u32>,
    /// Receive buffers of the network device; what the ROM has by itself without.
    pub rx_ring: Option<u32>,
}

impl Default for RomOptions {
    /// The ROM that an integrator would flash.
    fn default() -> Self {
        Self {
            rom_kib: 256,
            ram_kib: 128,
            core: Core::best(),
            texts: false,
            tiny: false,
            nwp: false,
            parallel: false,
            settings: false,
            ipv6: false,
            bootstore: false,
            negotiate: false,
            script: false,
            script_extras: false,
            trace: false,
            stay: false,
            https: None,
            sztp: None,
            ldevid: false,
            verity: false,
            ubp: false,
            fast_sha256: false,
            panic: false,
            bench: false,
            tcp_kib: None,
            rx_ring: None,
        }
    }
}

impl RomOptions {
    /// The ROM of a network coprocessor, linked for the memory of one: 64 KiB of flash, and 64 KiB of RAM for static data and stack.
    pub fn network_coprocessor() -> Self {
        Self {
            rom_kib: 64,
            ram_kib: 64,
            nwp: true,
            ..Self::default()
        }
    }

    /// The usual ROM with an end that stays up. The device that answers has its own keys, curves and buffers, so the ROM has more memory.
    pub fn staying() -> Self {
        Self {
            rom_kib: 512,
            ram_kib: 256,
            stay: true,
            ..Self::default()
        }
    }

    /// Whether the ROM is one of those that are built without the default features.
    fn is_small(&self) -> bool {
        self.tiny || self.nwp
    }

    /// What the ROM is built with beside its core library and numbers: the cargo feature, and the part of the file name that tells it.
    fn parts(&self) -> impl Iterator<Item = (&'static str, String)> {
        let https = self.https.as_ref().map(|https| {
            let digest = digest_of(&https.trust).to_string();
            let digest = digest.get(..8).unwrap_or_default();
            match https.small_records {
                true => ("https-small-records", format!("https-small-{digest}")),
                false => ("https", format!("https-{digest}")),
            }
        });
        // Signers have the roots of HTTPS.
        let extras = match self.https {
            Some(_) => "menu,san,shell,verify",
            None => "menu,san,shell",
        };
        let switches = [
            (self.tiny, "tiny", "tiny"),
            (self.nwp, "nwp", "nwp"),
            (self.parallel, "parallel", "parallel"),
            (self.settings, "settings", "settings"),
            (self.script, "script", "script"),
            (self.script_extras, extras, "extras"),
            (self.ipv6, "ipv6", "ipv6"),
            (self.bootstore, "bootstore", "bootstore"),
            (self.negotiate, "negotiate", "negotiate"),
            (self.trace, "trace", "trace"),
            (self.stay, "stay", "stay"),
            (self.ldevid, "ldevid", "ldevid"),
            (self.verity, "verity", "verity"),
            (self.ubp, "ubp", "ubp"),
            (self.fast_sha256, "fast-sha256", "fast"),
            (self.texts, "texts", "texts"),
            (self.panic, "panic-at-start", "panic"),
            (self.bench, "bench", "bench"),
        ];
        let switched = switches
            .into_iter()
            .filter(|(on, ..)| *on)
            .map(|(_, feature, part)| (feature, part.to_owned()));
        let sztp = self.sztp.as_ref().map(|sztp| {
            let digest = digest_of(&format!("{}{}", sztp.vouchers, sztp.idevid)).to_string();
            let digest = digest.get(..8).unwrap_or_default();
            ("sztp", format!("sztp-{digest}"))
        });
        https.into_iter().chain(sztp).chain(switched)
    }

    fn features(&self) -> String {
        let features: Vec<_> = self.parts().map(|(feature, _)| feature).collect();
        features.join(",")
    }

    /// The name of the image's files: builds for different ends do not overwrite each other. Two that trust
    /// different servers are different ends, too.
    fn name(&self) -> String {
        let mut name = String::from("mcu-rom");
        if self.core != Core::best() {
            name += "-precompiled";
        }
        for (_, part) in self.parts() {
            name = name + "-" + &part;
        }
        for (part, number) in [("-tcp", self.tcp_kib), ("-rx", self.rx_ring)] {
            name += &number.map_or(String::new(), |number| format!("{part}{number}"));
        }
        name
    }
}

/// A built ROM.
#[derive(Clone, Debug)]
pub struct Rom {
    /// With symbols, for a debugger.
    pub elf: PathBuf,
    /// Contents of the flash device.
    pub image: PathBuf,
}

/// The workspace's root.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(3).unwrap_or(here).to_path_buf()
}

/// The directory of everything that is built and written: `CARGO_TARGET_DIR`, from the caller's directory if it is relative, or `target`
/// in the workspace.
pub fn target_directory() -> PathBuf {
    let named = env::var_os("CARGO_TARGET_DIR").filter(|name| !name.is_empty());
    target_from(named.as_deref())
}

fn target_from(named: Option<&OsStr>) -> PathBuf {
    match named {
        Some(name) => std::path::absolute(name).unwrap_or_else(|_| name.into()),
        None => workspace().join("target"),
    }
}

/// The flash image that [`ROM_VARIABLE`] names, or else a fresh one.
///
/// # Errors
/// When it cannot be built.
pub fn image() -> Result<PathBuf> {
    match env::var_os(ROM_VARIABLE) {
        Some(path) => Ok(path.into()),
        None => Ok(build(&RomOptions::default())?.image),
    }
}

/// The ROM of these options, built when this process asks for it for the first time.
///
/// # Errors
/// As with [`build`].
pub fn build_once(options: &RomOptions) -> Result<Rom> {
    static BUILT: Mutex<Vec<(RomOptions, Rom)>> = Mutex::new(Vec::new());
    let mut all = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, rom)) = all.iter().find(|(known, _)| known == options) {
        return Ok(rom.clone());
    }
    let rom = build(options)?;
    all.push((options.clone(), rom.clone()));
    Ok(rom)
}

/// Builds the ROM.
///
/// # Errors
/// When cargo fails, or the program does not fit where it has to be.
pub fn build(options: &RomOptions) -> Result<Rom> {
    build_watched(options, &mut |_| {})
}

/// The cargo that this process was started by, or the one on the path. It builds into [`target_directory`], wherever it is run.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.env("CARGO_TARGET_DIR", target_directory());
    command
}

/// Like [`build`]; tells `watch` of each package that is built.
///
/// # Errors
/// As with [`build`].
pub fn build_watched(options: &RomOptions, watch: &mut dyn FnMut(&Compiled)) -> Result<Rom> {
    // Cargo gives all builds the same name; each is copied from there before the next one may begin.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = cargo();
    if options.core == Core::Rebuilt {
        command.args(REBUILT_CARGO).env(BOOTSTRAP, "1");
    }
    match &options.https {
        Some(https) if !https.trust.is_empty() => {
            command.env("NETBOOT_TRUST", trust_file(&https.trust)?)
        }
        _ => command.env_remove("NETBOOT_TRUST"),
    };
    if let Some(sztp) = &options.sztp {
        command
            .env("NETBOOT_VOUCHERS", trust_file(&sztp.vouchers)?)
            .env("NETBOOT_IDEVID", trust_file(&sztp.idevid)?);
    }
    for (name, number) in [
        ("NETBOOT_TCP_KIB", options.tcp_kib),
        ("NETBOOT_RX_RING", options.rx_ring),
    ] {
        if let Some(number) = number {
            command.env(name, number.to_string());
        }
    }
    command
        .current_dir(workspace())
        .args(["build", "--profile", "rom", "--package", "mcu-rom"])
        .args(["--features", &options.features()])
        .args(["--bin", "mcu-rom", "--target", TARGET])
        .arg("--message-format=json-render-diagnostics")
        .env("MCU_ROM_KIB", options.rom_kib.to_string())
        .args(["--config", &flags(options)])
        .env("MCU_RAM_KIB", options.ram_kib.to_string())
        .stdin(Stdio::null());
    if options.is_small() {
        command.arg("--no-default-features");
    }
    let (success, messages, errors) =
        watched::run(&mut command, packages(options).unwrap_or_default(), watch)?;
    // Said only then: the compiler's remark on `relax`, once for each crate, helps nobody.
    if let (false, Some(short)) = (success, too_small(&errors, options)) {
        bail!("{short}");
    }
    ensure!(success, "{errors}\nthe ROM does not build");
    let built = executable(&messages).context("cargo named no executable for mcu-rom")?;
    let elf = built.with_file_name(options.name());
    if elf != built {
        fs::copy(&built, &elf).with_context(|| format!("cannot write {}", elf.display()))?;
    }
    let image = elf.with_extension("bin");
    let bytes = fs::read(&elf).with_context(|| format!("cannot read {}", elf.display()))?;
    let segments = flash_segments(&bytes).with_context(|| format!("in {}", elf.display()))?;
    write_sparse(&image, &segments)?;
    Ok(Rom { elf, image })
}

/// The number of packages that `cargo tree` shows for the ROM, build scripts' and macros' included.
fn packages(options: &RomOptions) -> Option<usize> {
    let mut command = cargo();
    command.current_dir(workspace());
    command.args(["tree", "-p", "mcu-rom", "--target", TARGET]);
    command.args(["--edges", "normal,build", "--prefix", "none"]);
    command.args(["--features", &options.features()]);
    if options.is_small() {
        command.arg("--no-default-features");
    }
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // A package that was shown before has a mark behind it.
    let lines = text.lines().map(|line| line.trim_end_matches(" (*)"));
    Some(lines.collect::<BTreeSet<_>>().len())
}

/// What the linker's many lines come to when the program is larger than the memory that `options` give it.
fn too_small(errors: &str, options: &RomOptions) -> Option<String> {
    let line = errors
        .lines()
        .find(|line| line.contains("will not fit in region"))?;
    let (_, rest) = line.split_once("in region '")?;
    let (region, rest) = rest.split_once('\'')?;
    let over = rest
        .split_whitespace()
        .find_map(|word| word.parse::<u64>().ok());
    let over = over.map_or_else(String::new, |over| format!(": {over} octets too many"));
    let (option, kib) = match region {
        "RAM" => ("--ram", options.ram_kib),
        _ => ("--rom", options.rom_kib),
    };
    Some(format!("{option} {kib}: the program does not fit{over}"))
}

/// A file with this text, of a name that goes with it: cargo builds anew when the name changes.
fn trust_file(text: &str) -> Result<PathBuf> {
    let directory = target_directory().join("trust");
    let name = digest_of(text);
    let path = directory.join(format!("{name}.pem"));
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(&directory)?;
        fs::write(&path, text)
    };
    write().with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn digest_of(text: &str) -> Digest {
    Digest(Sha256::digest(text.as_bytes()).into())
}

/// What cargo adds to the flags in `.cargo/config.toml`. Besides [`IMAGE`], the directories of this machine are
/// taken out of the paths in the program: the image is the same wherever it is built, and smaller.
fn flags(options: &RomOptions) -> String {
    let rebuilt = match options.core {
        Core::Rebuilt => REBUILT.as_slice(),
        Core::Precompiled => &[],
    };
    let chosen = IMAGE.iter().chain(rebuilt);
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let sources = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok());
    let sources = sources.into_iter().flatten().flatten();
    let flags: Vec<String> = sources
        .map(|source| source.path())
        .chain([workspace()])
        .chain(library_sources())
        .filter_map(|path| Some(format!("--remap-path-prefix={}/=", path.to_str()?)))
        .chain(chosen.map(ToString::to_string))
        .collect();
    let flags = serde_json::to_string(&flags).unwrap_or_else(|_| "[]".into());
    format!("target.{TARGET}.rustflags={flags}")
}

/// Where the standard library's sources lie, if they are installed.
fn library_sources() -> Option<PathBuf> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "sysroot"])
        .output()
        .ok()?;
    let sysroot = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(sysroot.trim()).join("lib/rustlib/src/rust"))
}

/// Whether the core library can be built: its sources are there, and those of what it is built with.
pub fn has_library_sources() -> bool {
    library_sources().is_some_and(|sources| {
        let library = sources.join("library");
        library.join("core/src/lib.rs").is_file() && library.join("Cargo.lock").is_file()
    })
}

/// The executable that cargo's JSON messages name.
fn executable(messages: &str) -> Option<PathBuf> {
    let mut named = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let ours = message["target"]["name"] == "mcu-rom";
        let path = message["executable"].as_str().filter(|_| ours)?;
        Some(PathBuf::from(path))
    });
    named.next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_names_the_executable() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"log"},"executable":null}
not json
{"reason":"compiler-artifact","target":{"name":"mcu-rom"},"executable":"/t/rom/mcu-rom"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages), Some("/t/rom/mcu-rom".into()));
        assert_eq!(executable("{}"), None);
    }

    #[test]
    fn what_is_built_lies_where_the_user_wants_it() {
        let from = |name: &str| target_from(Some(OsStr::new(name)));
        assert_eq!(from("/elsewhere/built"), Path::new("/elsewhere/built"));
        // Cargo reads a relative name from where it is run, too.
        let here = env::current_dir().unwrap();
        assert_eq!(from("built/here"), here.join("built/here"));
        assert_eq!(target_from(None), workspace().join("target"));
        assert!(workspace().join("Cargo.lock").is_file());
    }

    /// A command that is run in another folder builds into the same directory.
    #[test]
    fn each_cargo_builds_into_that_directory() {
        let command = cargo();
        let named = command
            .get_envs()
            .find(|(name, _)| *name == "CARGO_TARGET_DIR");
        let directory = named.and_then(|(_, value)| value).map(PathBuf::from);
        assert_eq!(directory, Some(target_directory()));
        assert!(target_directory().is_absolute());
    }

    #[test]
    fn images_for_different_ends_have_different_names() {
        let https = |trust: &str, small_records| RomOptions {
            https: Some(HttpsRom {
                trust: trust.into(),
                small_records,
            }),
            ..RomOptions::default()
        };
        let with = |set: fn(&mut RomOptions)| {
            let mut options = RomOptions::default();
            set(&mut options);
            options
        };
        let all = [
            RomOptions::default(),
            RomOptions::network_coprocessor(),
            with(|rom| rom.tiny = true),
            https("", false),
            https("a", false),
            https("b", false),
            https("a", true),
            RomOptions {
                texts: true,
                ..https("a", false)
            },
            RomOptions {
                sztp: Some(SztpRom {
                    vouchers: "c".into(),
                    idevid: "d".into(),
                }),
                ..https("a", false)
            },
            with(|rom| rom.texts = true),
            with(|rom| rom.parallel = true),
            with(|rom| rom.settings = true),
            with(|rom| rom.stay = true),
            with(|rom| rom.ipv6 = true),
            with(|rom| rom.fast_sha256 = true),
            with(|rom| rom.panic = true),
            with(|rom| rom.bench = true),
            with(|rom| rom.tcp_kib = Some(8)),
            with(|rom| rom.rx_ring = Some(8)),
        ];
        let features: BTreeSet<_> = all.iter().map(RomOptions::features).collect();
        // The two numbers are no features, and whom a ROM trusts is none.
        assert_eq!(features.len(), all.len() - 4, "{features:?}");
        let package = fs::read_to_string(workspace().join("qemu/Cargo.toml")).unwrap();
        for feature in features.iter().flat_map(|list| list.split(',')) {
            let known = feature.is_empty() || package.contains(&format!("\n{feature} = ["));
            assert!(known, "{feature} is no feature of the ROM");
        }
        let mut names: Vec<_> = all.iter().map(RomOptions::name).collect();
        assert_eq!(names[0], "mcu-rom");
        assert_eq!(names[1], "mcu-rom-nwp");
        assert!(names[3].starts_with("mcu-rom-https-"), "{}", names[3]);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn a_feature_more_is_no_package_less() {
        let small = packages(&RomOptions {
            tiny: true,
            ..RomOptions::default()
        })
        .unwrap();
        let usual = packages(&RomOptions::default()).unwrap();
        // The ROM links twelve crates of this workspace and more of others.
        assert!(20 < small && small < usual, "{small} {usual}");
    }
}
