//! Builds the ROM: cargo makes an ELF file, this makes the flash image that QEMU wants.

use crate::watched;
pub use crate::watched::Compiled;
use anyhow::{Context, Result, bail, ensure};
use netboot_core::Digest;
use netboot_rom_support::flags::{BOOTSTRAP, IMAGE, REBUILT, REBUILT_CARGO};
use object::Endianness;
use object::elf::{FileHeader32, PT_LOAD};
use object::read::elf::{FileHeader as _, ProgramHeader as _};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Target of the ROM.
pub const TARGET: &str = "riscv32imc-unknown-none-elf";
/// Address of the first flash device of QEMU's `virt` machine.
pub const FLASH: u32 = 0x2000_0000;
/// Octets of it; QEMU 7.2 takes a file of no other size.
pub const FLASH_SIZE: u32 = 32 << 20;
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
    /// With memory for four connections by HTTP.
    pub parallel: bool,
    /// With the settings that few boards need: a static address, the order of the sources, HTTPS required.
    pub settings: bool,
    /// With HTTPS.
    pub https: Option<HttpsRom>,
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
            parallel: false,
            settings: false,
            https: None,
            panic: false,
            bench: false,
            tcp_kib: None,
            rx_ring: None,
        }
    }
}

impl RomOptions {
    pub(crate) fn features(&self) -> String {
        let tiny = self.tiny.then_some("tiny");
        let texts = self.texts.then_some("texts");
        let panic = self.panic.then_some("panic-at-start");
        let https = self.https.as_ref().map(|https| match https.small_records {
            true => "https-small-records",
            false => "https",
        });
        let bench = self.bench.then_some("bench");
        let parallel = self.parallel.then_some("parallel");
        let features = tiny.into_iter().chain(texts).chain(panic);
        let settings = self.settings.then_some("settings");
        let features = features.chain(parallel).chain(settings);
        let features = features.chain(https).chain(bench);
        let features: Vec<_> = features.collect();
        features.join(",")
    }

    /// The name of the image's files: builds for different ends do not overwrite each other. Two that trust
    /// different servers are different ends, too.
    fn name(&self) -> String {
        let core = (self.core != Core::best()).then_some("-precompiled");
        let tiny = self.tiny.then_some("-tiny");
        let texts = self.texts.then_some("-texts");
        let panic = self.panic.then_some("-panic");
        let https = self.https.as_ref().map(|https| {
            let digest = digest_of(&https.trust).to_string();
            let digest = digest.get(..8).unwrap_or_default();
            match https.small_records {
                true => format!("-https-small-{digest}"),
                false => format!("-https-{digest}"),
            }
        });
        let https = https.as_deref();
        let bench = self.bench.then_some("-bench");
        let parallel = self.parallel.then_some("-parallel");
        let parts = core.into_iter().chain(tiny).chain(https).chain(parallel);
        let settings = self.settings.then_some("-settings");
        let parts = parts.chain(settings).chain(texts).chain(panic).chain(bench);
        let mut name = parts.fold(String::from("mcu-rom"), |name, part| name + part);
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

/// The cargo that this process was started by, or the one on the path.
pub fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
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
        // A relative one is meant from where the caller is.
        .env("CARGO_TARGET_DIR", target_directory())
        .args(["build", "--profile", "rom", "--package", "mcu-rom"])
        .args(["--features", &options.features()])
        .args(["--bin", "mcu-rom", "--target", TARGET])
        .arg("--message-format=json-render-diagnostics")
        .env("MCU_ROM_KIB", options.rom_kib.to_string())
        .args(["--config", &flags(options)])
        .env("MCU_RAM_KIB", options.ram_kib.to_string())
        .stdin(Stdio::null());
    if options.tiny {
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
    if options.tiny {
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

/// What the flash holds: offset and octets of each segment with a load address there.
///
/// # Errors
/// When this is no 32-bit ELF file, or when something lies outside the flash or twice in one place.
pub fn flash_segments(elf: &[u8]) -> Result<Vec<(u32, &[u8])>> {
    let header = FileHeader32::<Endianness>::parse(elf).context("no 32-bit ELF file")?;
    let endian = header.endian()?;
    let mut segments = Vec::new();
    for segment in header.program_headers(endian, elf)? {
        let size = segment.p_filesz(endian);
        if segment.p_type(endian) != PT_LOAD || size == 0 {
            continue;
        }
        let address = segment.p_paddr(endian);
        let offset = address.checked_sub(FLASH);
        let Some(offset) = offset.filter(|offset| offset.saturating_add(size) <= FLASH_SIZE) else {
            bail!("{size} octets at {address:#010x} are not in flash: the linker script is wrong");
        };
        let Ok(data) = segment.data(endian, elf) else {
            bail!("the segment at {address:#010x} goes beyond the file");
        };
        segments.push((offset, data));
    }
    ensure!(!segments.is_empty(), "nothing is in flash");
    segments.sort_by_key(|(offset, _)| *offset);
    for pair in segments.windows(2) {
        let end = pair[0].0 as usize + pair[0].1.len();
        ensure!(
            end <= pair[1].0 as usize,
            "two segments overlap at {:#010x}",
            FLASH + pair[1].0
        );
    }
    Ok(segments)
}

/// Writes the flash, with holes where nothing is.
fn write_sparse(path: &Path, segments: &[(u32, &[u8])]) -> Result<()> {
    // A fresh file and a rename: a QEMU that still runs keeps the old one.
    let fresh = path.with_extension(format!("bin.{}", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&fresh)?;
        file.set_len(FLASH_SIZE.into())?;
        for (offset, data) in segments {
            file.seek(SeekFrom::Start((*offset).into()))?;
            file.write_all(data)?;
        }
        fs::rename(&fresh, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
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
    fn images_for_different_ends_have_different_names() {
        let https = |trust: &str, small_records| RomOptions {
            https: Some(HttpsRom {
                trust: trust.into(),
                small_records,
            }),
            ..RomOptions::default()
        };
        let texts = RomOptions {
            texts: true,
            ..https("a", false)
        };
        let parallel = RomOptions {
            parallel: true,
            ..RomOptions::default()
        };
        let all = [
            RomOptions::default(),
            parallel,
            https("", false),
            https("a", false),
            https("b", false),
            https("a", true),
            texts,
        ];
        let mut names: Vec<_> = all.iter().map(RomOptions::name).collect();
        assert_eq!(names[0], "mcu-rom");
        assert!(names[2].starts_with("mcu-rom-https-"), "{}", names[2]);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
    }

    /// An ELF file with program headers only.
    fn elf(segments: &[(u32, &[u8])]) -> Vec<u8> {
        const HEADER: usize = 52;
        const PROGRAM_HEADER: usize = 32;
        let mut file = vec![0x7f, b'E', b'L', b'F', 1, 1, 1];
        file.resize(16, 0);
        for half in [2u16, 243] {
            file.extend(half.to_le_bytes());
        }
        for word in [1u32, 0, HEADER as u32, 0, 0] {
            file.extend(word.to_le_bytes());
        }
        for half in [HEADER, PROGRAM_HEADER, segments.len(), 40, 0, 0] {
            file.extend((half as u16).to_le_bytes());
        }
        let mut at = HEADER + segments.len() * PROGRAM_HEADER;
        for (address, data) in segments {
            let size = data.len() as u32;
            for word in [1, at as u32, 0x8000_0000, *address, size, size, 5, 4] {
                file.extend(word.to_le_bytes());
            }
            at += data.len();
        }
        segments.iter().for_each(|(_, data)| file.extend(*data));
        file
    }

    #[test]
    fn segments_go_to_their_load_addresses() {
        let file = elf(&[(FLASH + 0x100, b"data"), (FLASH, b"text")]);
        let segments = flash_segments(&file).unwrap();
        assert_eq!(segments, [(0, &b"text"[..]), (0x100, &b"data"[..])]);
        let path = env::temp_dir().join(format!("netboot-rom-{}", std::process::id()));
        write_sparse(&path, &segments).unwrap();
        let flash = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(flash.len(), FLASH_SIZE as usize);
        assert_eq!(&flash[0x100..0x106], b"data\0\0");
    }

    #[test]
    fn what_is_not_in_flash_or_overlaps_is_refused() {
        for segments in [
            &[(0x8000_0000, &b"x"[..])][..],
            &[(FLASH + FLASH_SIZE - 1, &b"xy"[..])],
            &[(FLASH, &b"text"[..]), (FLASH + 3, &b"data"[..])],
            &[],
        ] {
            assert!(flash_segments(&elf(segments)).is_err(), "{segments:?}");
        }
        assert!(flash_segments(b"no ELF").is_err());
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
