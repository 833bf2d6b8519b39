//! The options of a boot, and the plan that they make.

use crate::format::octets;
use crate::link::LinkArgs;
use anyhow::{Context, Result, anyhow, ensure};
use clap::{Args, ValueEnum};
use image_server::Faults;
use netboot_core::Duration;
use netboot_ipxe::script::{SCRIPT_LEN, Script};
use netboot_tls::channel::SMALL_RECORDS;
use netsim::LinkConfig;
use rand_core::{OsRng, RngCore as _};
use serde::Serialize;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use test_pki::{Identity, Pki, Usage, Validity};
use testbed::https::Https;
use testbed::plan::{
    EndSignal, FILE_NAMES, FIRMWARE_SIZES, Family, Pointer, SERVER, firmware, sha256,
};
use testbed::rack::Remembered;
use testbed::rom::RomOptions;
use testbed::sztp::Sztp;
use testbed::{Image, Plan, Protocol, settings_help};

/// The link of `--sim` when nothing else is said: Fast Ethernet in one room.
const LAN: LinkConfig = LinkConfig {
    delay: Duration::from_micros(200),
    bandwidth_bps: Some(100_000_000),
    ..LinkConfig::PERFECT
};

/// Flash of the ROM in KiB: the default program takes nearly 104, and the code of the emulated device lies behind 1,020.
const ROM_KIB: RangeInclusive<u32> = 104..=1020;
/// RAM of the ROM in KiB: static data and some stack take 64, and the emulated device's begins behind 1,024.
const RAM_KIB: RangeInclusive<u32> = 64..=1024;

/// What carries the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProtocolArg {
    /// TFTP
    Tftp,
    /// HTTP
    Http,
    /// HTTP over TLS 1.3, with a certification authority made for this run
    Https,
    /// The UDP boot protocol
    Ubp,
}

impl From<ProtocolArg> for Protocol {
    fn from(value: ProtocolArg) -> Self {
        match value {
            ProtocolArg::Tftp => Protocol::Tftp,
            ProtocolArg::Http => Protocol::Http,
            ProtocolArg::Https => Protocol::Https,
            ProtocolArg::Ubp => Protocol::Ubp,
        }
    }
}

/// Where a board has its network from that has no DHCP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RememberedArg {
    /// The board's own ledger, which lies in its settings
    Ledger,
    /// A node on the same network
    Node,
}

impl From<RememberedArg> for Remembered {
    fn from(value: RememberedArg) -> Self {
        match value {
            RememberedArg::Ledger => Remembered::Ledger,
            RememberedArg::Node => Remembered::Node,
        }
    }
}

/// Options of `cargo xtask boot`.
#[derive(Args, Clone, Debug, Serialize)]
pub struct BootArgs {
    /// What carries the images
    #[arg(long, value_enum, default_value = "tftp")]
    pub protocol: ProtocolArg,
    /// The same as --protocol https
    #[arg(long, conflicts_with = "protocol")]
    pub https: bool,
    /// Build the ROM for servers that keep their TLS records to 4096 octets; the server does
    #[arg(long)]
    pub small_records: bool,
    /// Build a ROM that trusts the roots and pins in this file of yours, and not the authority that is made for this run
    #[arg(long, value_name = "FILE", conflicts_with = "sim")]
    pub trust: Option<PathBuf>,
    /// Let the server show the chain in this file of yours (PEM, its own certificate first), for 10.0.2.2
    #[arg(long, value_name = "FILE", requires_all = ["trust", "key"])]
    pub chain: Option<PathBuf>,
    /// The private key of --chain (PEM, on P-256)
    #[arg(long, value_name = "FILE", requires = "chain")]
    pub key: Option<PathBuf>,
    /// Run in the simulated world, in this process and in virtual time: no QEMU
    #[arg(long)]
    pub sim: bool,
    /// A firmware image of your own; up to three times, in the order of the image indices. The device
    /// expects exactly these octets
    #[arg(long, value_name = "FILE")]
    pub image: Vec<PathBuf>,
    /// Size of image 0 in octets, such as 16MiB, made of pseudo-random octets
    #[arg(long, value_name = "OCTETS", value_parser = octets, conflicts_with = "image")]
    pub size: Option<usize>,
    /// Let DHCP point to a table of contents that names the files
    #[arg(long, conflicts_with = "flash_image")]
    pub toc: bool,
    /// Let DHCP point to one flash image with a table of contents and all images behind it
    #[arg(long)]
    pub flash_image: bool,
    /// Give the board a static address and the place of its images; no DHCP server answers
    #[arg(long = "static")]
    pub static_address: bool,
    /// Boot without any DHCP server, by the network configuration that a rack remembers: out of the board's own ledger, or from a node on the network, which is
    /// asked over IPv6
    #[arg(long, value_name = "WHERE", num_args = 0..=1, require_equals = true,
        default_missing_value = "ledger", value_enum, conflicts_with_all = ["static_address", "nwp", "shell"])]
    pub bootstore: Option<RememberedArg>,
    /// Boot over IPv6 alone: a router that tells to ask DHCPv6, which leases the address and names the images
    #[arg(long, conflicts_with = "static_address")]
    pub ipv6: bool,
    /// Hand out this iPXE script as the boot file; the images lie beside it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["toc", "flash_image", "nwp"])]
    pub script: Option<PathBuf>,
    /// Let a bootstrap server say what the board has to run (RFC 8572): DHCP names it, it wants to see the board's certificate, and sends what the owner has signed. The image comes
    /// by HTTPS, and its digest is compared
    #[arg(long, conflicts_with_all = ["toc", "flash_image", "nwp", "script", "shell", "static_address", "ipv6", "trust", "stay"])]
    pub sztp: bool,
    /// With --sztp: the board trusts the bootstrap server, which sends what nobody has signed and hears what becomes of it
    #[arg(long, requires = "sztp")]
    pub trusted: bool,
    /// Begin with a prompt at this terminal: `help` lists the commands, and `autoboot` boots
    #[arg(long, conflicts_with_all = ["sim", "nwp", "gdb", "icount"])]
    pub shell: bool,
    /// Let the board stay up after a boot that went well, and answer `caliptra-util` by mailbox and by MCTP, until Enter is pressed
    #[arg(long, conflicts_with_all = ["sim", "shell", "nwp", "ipv6", "gdb"])]
    pub stay: bool,
    /// Turn one bit of this image on the server
    #[arg(long, value_name = "INDEX")]
    pub corrupt: Option<usize>,
    /// Tell the boot application size and SHA-256 of each image (this is the default)
    #[arg(long, overrides_with = "no_expect")]
    pub expect: bool,
    /// Do not: only the device checks them
    #[arg(long, overrides_with = "expect")]
    pub no_expect: bool,
    #[command(flatten)]
    pub link: LinkArgs,
    /// TFTP window in blocks (RFC 7440)
    #[arg(long, value_name = "BLOCKS", help_heading = "Board")]
    pub windowsize: Option<u16>,
    /// TFTP block size in octets (RFC 2348)
    #[arg(long, value_name = "OCTETS", help_heading = "Board")]
    pub blksize: Option<u16>,
    /// A setting of the boot application, such as "retry 1"; may be repeated
    #[arg(long, value_name = "LINE", help_heading = "Board")]
    pub setting: Vec<String>,
    /// A setting of the emulated device, such as "refuse 1 6"; may be repeated
    #[arg(long, value_name = "LINE", help_heading = "Board")]
    pub device: Vec<String>,
    /// Whose behaviour the emulated device shows
    #[arg(long, help_heading = "Board", value_parser = ["rom-2.1.2", "rom-2.1.0", "documented"])]
    pub personality: Option<String>,
    /// Version of the emulated I3C core
    #[arg(long, help_heading = "Board", value_parser = ["v1p4", "v1p5"])]
    pub core: Option<String>,
    /// RAM of the ROM program in KiB [default: 128; 160 for scripts with HTTPS, 256 with --stay]; the build fails when it does not fit
    #[arg(long, value_name = "KIB", help_heading = "QEMU")]
    pub ram: Option<u32>,
    /// Flash of the ROM program in KiB [default: 256; 288 for scripts with HTTPS, which verify signatures too; 512 with --stay]
    #[arg(long, value_name = "KIB", help_heading = "QEMU")]
    pub rom: Option<u32>,
    /// Boot the ROM of a network coprocessor: TFTP only, in 64 KiB of flash and 64 KiB of RAM, stack included
    #[arg(long, help_heading = "QEMU", conflicts_with_all = ["sim", "https", "toc", "flash_image", "static_address", "ipv6", "ram", "rom", "texts"])]
    pub nwp: bool,
    /// Build the ROM with its log and a sentence for each error
    #[arg(long, help_heading = "QEMU", conflicts_with = "sim")]
    pub texts: bool,
    /// Wait for a debugger before the first instruction, and print how to attach one
    #[arg(long, help_heading = "QEMU", conflicts_with = "sim")]
    pub gdb: bool,
    /// Count instructions; each takes 2^SHIFT ns of the machine's time
    #[arg(long, value_name = "SHIFT", help_heading = "QEMU", num_args = 0..=1,
        default_missing_value = "0", require_equals = true, conflicts_with = "sim")]
    pub icount: Option<u8>,
    /// Give up after this time
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 300,
        help_heading = "QEMU"
    )]
    pub timeout: u64,
    /// Seed of everything that is left to chance
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Show the machine-readable lines as they are
    #[arg(long, short)]
    pub verbose: bool,
    /// Where to write the report [default: target/boot]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl BootArgs {
    /// The boot.
    ///
    /// # Errors
    /// An option that makes no sense, alone or with the others, in one line.
    pub fn plan(&self) -> Result<Plan> {
        self.check()?;
        let images = self.images()?;
        if let Some(index) = self.corrupt {
            let image = images.get(index);
            let image = image.with_context(|| format!("--corrupt {index}: no such image"))?;
            ensure!(!image.bytes.is_empty(), "--corrupt {index}: nothing in it");
        }
        let mut device: Vec<String> = vec!["rate 0".into()];
        let personality = self.personality.as_ref();
        device.extend(personality.map(|name| format!("personality {name}")));
        device.extend(self.core.as_ref().map(|core| format!("core {core}")));
        device.extend(self.device.iter().cloned());
        // A short time to settle: the emulated device has no second thoughts.
        let mut settings: Vec<String> = vec!["settle_ms 300".into()];
        settings.extend(self.windowsize.map(|blocks| format!("windowsize {blocks}")));
        settings.extend(self.blksize.map(|octets| format!("blksize {octets}")));
        // Nobody answers DHCP, so that there is nothing to wait long for.
        settings.extend(self.bootstore.map(|_| "dhcp_ms 3000".into()));
        settings.extend(self.shell.then(|| "shell on".into()));
        settings.extend(self.setting.iter().cloned());
        let protocol = match self.https || self.sztp {
            true => Protocol::Https,
            false => self.protocol.into(),
        };
        let https = match protocol {
            Protocol::Https => Some(self.https_ends()?),
            _ => None,
        };
        if self.sztp {
            settings.push("order sztp".into());
        }
        let mut plan = Plan {
            parallel: false,
            protocol,
            files: match &https {
                Some(ends) if self.script.is_some() => signatures(&ends.pki, &images)?,
                _ => Vec::new(),
            },
            signers: https.as_ref().map(Https::root),
            accelerator: None,
            https,
            images,
            pointer: match (self.toc, self.flash_image) {
                (true, _) => Pointer::Toc,
                (_, true) => Pointer::FlashImage,
                _ if self.sztp => Pointer::FlashImage,
                _ => Pointer::Directory,
            },
            link: match self.sim && self.link.is_default() {
                true => LAN,
                false => self.link.config(),
            },
            device: lines(&device),
            settings: lines(&settings),
            expect: !self.no_expect,
            corrupt: self.corrupt,
            faults: Faults::default(),
            poll: None,
            can_reset: false,
            end: EndSignal::None,
            static_address: self.static_address,
            remembered: self.bootstore.map(Remembered::from),
            family: match (self.ipv6, self.bootstore) {
                (true, _) => Family::Ipv6,
                (false, Some(RememberedArg::Node)) => Family::Both,
                (false, _) => Family::Ipv4,
            },
            script: self.script.as_deref().map(script).transpose()?,
            built_in: None,
            keys: String::new(),
            sztp: None,
            ledger: None,
            seed: self.seed,
        };
        if let (true, Some(https)) = (self.sztp, &plan.https) {
            let place = format!("https://{SERVER}/flash.bin");
            let sha256 = sha256(&plan.flash_image()).to_string();
            plan.sztp = Some(Sztp::offered(https, self.trusted, &place, &sha256));
        }
        settings_help::check(&plan)?;
        Ok(plan)
    }

    /// Whether the images come by HTTPS.
    fn is_https(&self) -> bool {
        self.https || self.sztp || self.protocol == ProtocolArg::Https
    }

    /// Flash of the ROM program in KiB.
    pub(super) fn rom_kib(&self) -> u32 {
        let stay = self.stay.then(|| RomOptions::staying().rom_kib);
        self.rom.or(stay).unwrap_or(match self.is_large() {
            true => 288,
            false => 256,
        })
    }

    /// RAM of the ROM program in KiB.
    pub(super) fn ram_kib(&self) -> u32 {
        let stay = self.stay.then(|| RomOptions::staying().ram_kib);
        self.ram.or(stay).unwrap_or(match self.is_large() {
            true => 160,
            false => 128,
        })
    }

    /// Whether the ROM has nearly everything.
    fn is_large(&self) -> bool {
        self.sztp || (self.has_scripts() && self.is_https())
    }

    /// Whether the ROM runs scripts.
    pub(super) fn has_scripts(&self) -> bool {
        self.script.is_some() || self.shell
    }

    /// Whether the options go together.
    fn check(&self) -> Result<()> {
        let https = self.is_https();
        ensure!(
            https || !self.small_records,
            "--small-records is about TLS: give --https as well"
        );
        ensure!(
            https || self.trust.is_none(),
            "--trust is about TLS: give --https as well"
        );
        ensure!(
            !self.nwp || self.protocol == ProtocolArg::Tftp,
            "--nwp: the ROM of a network coprocessor speaks TFTP only"
        );
        let (rom, ram) = (self.rom_kib(), self.ram_kib());
        ensure!(
            self.sim || ROM_KIB.contains(&rom),
            "--rom {rom}: {} to {} KiB are possible; `cargo xtask size` says what the program takes",
            ROM_KIB.start(),
            ROM_KIB.end()
        );
        ensure!(
            self.sim || RAM_KIB.contains(&ram),
            "--ram {ram}: {} to {} KiB are possible; `cargo xtask size` says what the program takes",
            RAM_KIB.start(),
            RAM_KIB.end()
        );
        ensure!(self.timeout > 0, "--timeout 0: no boot ends in no time");
        Ok(())
    }

    /// A certification authority for this run, and a server that it has certified; or what the user has of both.
    fn https_ends(&self) -> Result<Https> {
        let mut ends = Https::new(Pki::new(OsRng.next_u64()));
        if self.small_records {
            ends.records = SMALL_RECORDS;
            ends.max_fragment = Some(4096);
        }
        if self.sztp {
            (ends.mutual, ends.client, ends.trusted) = (true, true, self.trusted);
        }
        if let Some(path) = &self.trust {
            // The ROM's build script judges what is in it.
            let text = text_of(path)?;
            ensure!(!text.trim().is_empty(), "{} is empty", path.display());
            ends.trust = Some(text);
        }
        if let (Some(chain), Some(key)) = (&self.chain, &self.key) {
            let identity = Identity::from_pem(&text_of(chain)?, &text_of(key)?);
            let files = || format!("--chain {} --key {}", chain.display(), key.display());
            ends.shown = Some(identity.with_context(files)?);
        }
        Ok(ends)
    }

    fn images(&self) -> Result<Vec<Image>> {
        let mut sizes = FIRMWARE_SIZES;
        sizes[0] = self.size.unwrap_or(sizes[0]);
        let mut images = firmware(&sizes);
        ensure!(
            self.image.len() <= images.len(),
            "--image can be given {} times, once for each image",
            images.len()
        );
        for ((path, image), name) in self.image.iter().zip(&mut images).zip(FILE_NAMES) {
            let bytes = fs::read(path);
            let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
            ensure!(!bytes.is_empty(), "{} is empty", path.display());
            *image = Image {
                name: name.into(),
                bytes: bytes.into(),
            };
        }
        Ok(images)
    }
}

/// A signature beside each image, by the release team, whose certificate the authority of this run has issued.
fn signatures(pki: &Pki, images: &[Image]) -> Result<Vec<(String, Vec<u8>)>> {
    let signer = pki.signer("release", Usage::CodeSigning, Validity::default())?;
    let sign = |image: &Image| {
        let signature = test_pki::sign(&[&signer], &image.bytes, &[])?;
        Ok((format!("{}.sig", image.name), signature))
    };
    images.iter().map(sign).collect()
}

/// The text of a script.
fn script(path: &Path) -> Result<String> {
    let text = text_of(path)?;
    let read = Script::new(text.as_bytes());
    read.map_err(|error| anyhow!("{}: {error}", path.display()))?;
    ensure!(
        text.len() <= SCRIPT_LEN,
        "{}: {} octets, and the ROM has room for {SCRIPT_LEN}",
        path.display(),
        text.len()
    );
    Ok(text)
}

/// The text of a file that an option names.
fn text_of(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        boot: BootArgs,
    }

    fn plan(arguments: &[&str]) -> Result<Plan> {
        let all = ["boot"].iter().chain(arguments);
        Cli::try_parse_from(all)?.boot.plan()
    }

    #[test]
    fn options_make_a_plan() {
        let plan = plan(&[
            "--protocol=http",
            "--size=1MiB",
            "--corrupt=2",
            "--toc",
            "--loss=1",
            "--windowsize=4",
            "--setting=retry 1",
            "--device=refuse 1 6",
            "--core=v1p4",
            "--no-expect",
        ]);
        let plan = plan.unwrap();
        assert_eq!(plan.protocol, Protocol::Http);
        assert_eq!(plan.images[0].bytes.len(), 1 << 20);
        assert_eq!(plan.pointer, Pointer::Toc);
        assert_eq!(plan.link.loss, 0.01);
        assert!(!plan.expect);
        assert_eq!(
            plan.settings_text(),
            "settle_ms 300\nwindowsize 4\nretry 1\n"
        );
        assert!(
            plan.device_text()
                .ends_with("rate 0\ncore v1p4\nrefuse 1 6\n")
        );
    }

    #[test]
    fn expectations_are_the_default_and_the_last_word_counts() {
        assert!(plan(&[]).unwrap().expect);
        assert!(plan(&["--no-expect", "--expect"]).unwrap().expect);
        assert!(!plan(&["--expect", "--no-expect"]).unwrap().expect);
    }

    #[test]
    fn the_simulated_world_has_a_real_link_unless_told() {
        assert_eq!(plan(&["--sim"]).unwrap().link, LAN);
        assert_eq!(plan(&[]).unwrap().link, LinkConfig::PERFECT);
        let told = plan(&["--sim", "--delay-ms=0"]).unwrap();
        assert_eq!(told.link, LinkConfig::PERFECT);
    }

    #[test]
    fn the_users_own_trust_and_server_are_used() {
        let place = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = place.path().join(name);
            fs::write(&path, text).unwrap();
            format!("{}", path.display())
        };
        let (mine, other) = (Pki::new(1), Pki::new(2));
        let server = mine.server(&["10.0.2.2"]).unwrap();
        let root = mine.root_pem().unwrap();
        let trust = format!("--trust={}", file("ca.pem", &root));
        let chain = format!("--chain={}", file("server.pem", &server.chain_pem()));
        let key = format!("--key={}", file("server.key", &server.key_pem()));
        let foreign = other.server(&["10.0.2.2"]).unwrap().key_pem();
        let foreign = format!("--key={}", file("foreign.key", &foreign));

        let ends = plan(&["--https", &trust, &chain, &key])
            .unwrap()
            .https
            .unwrap();
        assert_eq!(ends.rom().trust, root);
        assert_eq!(ends.shown, Some(server));
        let ends = plan(&["--https", &trust]).unwrap().https.unwrap();
        assert_eq!((ends.rom().trust, ends.shown), (root, None));

        for options in [
            &["--https", &chain, &key][..],
            &["--https", &trust, &chain],
            &["--https", &trust, "--sim"],
        ] {
            assert!(plan(options).is_err(), "{options:?}");
        }
        let empty = format!("--trust={}", file("empty.pem", "\n"));
        for (options, said) in [
            (&[&*trust][..], "--trust is about TLS"),
            (&["--https", &empty], "empty.pem is empty"),
            (&["--https", &trust, &chain, &foreign], "does not belong"),
        ] {
            let error = format!("{:#}", plan(options).unwrap_err());
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(plan(&["--corrupt=3"]).is_err());
        assert!(plan(&["--image=/no/such/file"]).is_err());
        assert!(plan(&["--toc", "--flash-image"]).is_err());
        for other in [
            "--sim", "--toc", "--static", "--ipv6", "--texts", "--ram=64",
        ] {
            assert!(plan(&["--nwp", other]).is_err(), "{other}");
        }
        assert!(plan(&["--size=1G"]).is_err());
        for (options, said) in [
            (&["--small-records"][..], "--small-records is about TLS"),
            (
                &["--small-records", "--protocol=http"],
                "--small-records is about TLS",
            ),
            (&["--rom=64"], "--rom 64: 104 to 1020 KiB"),
            (&["--rom=2000"], "--rom 2000: 104 to"),
            (&["--ram=8"], "--ram 8: 64 to"),
            (&["--timeout=0"], "--timeout 0"),
            (&["--nwp", "--protocol=http"], "--nwp: "),
            (&["--setting=windowsize 0"], "\"windowsize 0\""),
            (&["--device=core v3"], "\"core v3\""),
        ] {
            let error = format!("{:#}", plan(options).unwrap_err());
            assert!(error.starts_with(said) || error.contains(said), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        assert!(plan(&["--small-records", "--https"]).is_ok());
    }
}
