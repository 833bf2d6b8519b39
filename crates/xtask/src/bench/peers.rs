//! Other boot firmware on the same wire: U-Boot for riscv64 and iPXE for x86, as Debian has them.
//!
//! Each is found in its package's place, or where `NETBOOT_UBOOT` and `NETBOOT_IPXE` say. iPXE does HTTPS with the root
//! of [`World::ipxe_root`], whether it was built with it (`TRUST=`) or with iPXE's own (see [`anchor`](super::anchor)).

use super::anchor::Memory;
use super::cases::{Carrier, Case};
use super::run::{Boot, Runner, shortfall, wait_fetches};
use super::world::{Plugged, World, file};
use crate::setup;
use anyhow::{Context, Result, bail};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use testbed::console::Console;
use testbed::netns::{OTHER, SERVER};

/// The serial console on standard input and output, and no other.
const CONSOLE: [&str; 6] = ["-display", "none", "-monitor", "none", "-serial", "stdio"];

/// What a client that says that it is done may take for its last acknowledgment.
const FAREWELL: Duration = Duration::from_secs(1);

/// MiB of a peer's memory.
const MEMORY_MIB: u32 = 256;

/// A firmware image and its emulator.
#[derive(Clone, Debug)]
pub struct Peer {
    image: PathBuf,
    /// As it names itself at start; known after the first boot.
    pub version: Option<String>,
}

/// U-Boot for riscv64.
pub struct UBoot(pub Peer);

/// iPXE for x86.
pub struct Ipxe(pub Peer);

fn find(
    variable: &str,
    places: &[&str],
    package: &str,
    emulator: &str,
    emulator_package: &str,
) -> Result<Peer> {
    let named = env::var_os(variable).map(PathBuf::from);
    let places = places.iter().map(PathBuf::from);
    let image = named.into_iter().chain(places).find(|path| path.is_file());
    let image = image.with_context(|| format!("not installed (apt-get install {package})"))?;
    if setup::find(emulator).is_none() {
        bail!("no {emulator} (apt-get install {emulator_package})");
    }
    Ok(Peer {
        image,
        version: None,
    })
}

/// Where the server of `carrier` has the file.
fn uri(carrier: Carrier, octets: u64) -> String {
    let file = file(octets);
    match carrier {
        Carrier::Tftp { windowsize: 1 } => format!("tftp://{SERVER}/{file}"),
        Carrier::Tftp { .. } => format!("tftp://{OTHER}/{file}"),
        Carrier::Http { .. } => format!("http://{SERVER}/{file}"),
        Carrier::Https => format!("https://{SERVER}/{file}"),
        Carrier::Ubp { .. } => format!("ubp://{OTHER}/{file}"),
    }
}

impl UBoot {
    const QEMU: &str = "qemu-system-riscv64";

    /// U-Boot, if it is here.
    ///
    /// # Errors
    /// When it is not; says how to install it.
    pub fn find() -> Result<Self> {
        let places = ["/usr/lib/u-boot/qemu-riscv64/u-boot.bin"];
        let (package, emulator) = ("u-boot-qemu", "qemu-system-misc");
        find("NETBOOT_UBOOT", &places, package, Self::QEMU, emulator).map(Self)
    }

    fn fetch(
        &mut self,
        console: &mut Console,
        wire: &Plugged,
        case: &Case,
        deadline: Instant,
    ) -> Result<()> {
        const PROMPT: &str = "=> ";
        let Carrier::Tftp { windowsize } = case.carrier else {
            bail!("Debian's U-Boot for riscv64 has no wget");
        };
        console.expect("Hit any key", deadline)?;
        self.0.version = version(console.text(), "U-Boot ");
        console.type_line("")?;
        let blksize = super::cases::BLKSIZE;
        let settings = format!(
            "setenv tftpblocksize {blksize}; setenv tftpwindowsize {windowsize}; setenv autoload no"
        );
        for line in [&settings, "dhcp"] {
            console.expect(PROMPT, deadline)?;
            console.type_line(line)?;
        }
        let server = if windowsize == 1 { SERVER } else { OTHER };
        let file = file(case.octets());
        for fetch in 1..=case.fetches() {
            console.expect(PROMPT, deadline)?;
            console.type_line(&format!("tftpboot 0x84000000 {server}:{file}"))?;
            let over = |patience| Ok(!console.read(patience));
            if wait_fetches(wire, fetch, deadline, over)? || wire.fetched() < fetch {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Runner for UBoot {
    fn boot(&mut self, world: &World, case: &Case, seed: u64, deadline: Instant) -> Result<Boot> {
        let mut wire = world.plug(case.wire, seed, case.octets())?;
        let mut command = wire.qemu(Self::QEMU, "virtio-net-device");
        command
            .args(CONSOLE)
            .args(["-global", "virtio-mmio.force-legacy=false"]);
        command.args(["-M", "virt", "-m", &format!("{MEMORY_MIB}M"), "-bios"]);
        command.arg(&self.0.image);
        wire.power_on();
        let mut console = Console::start(command)?;
        let fetched = self.fetch(&mut console, &wire, case, deadline);
        drop(console);
        end(wire, case, fetched, deadline)
    }
}

impl Ipxe {
    const QEMU: &str = "qemu-system-x86_64";

    /// iPXE, if it is here.
    ///
    /// # Errors
    /// When it is not; says how to install it.
    pub fn find() -> Result<Self> {
        let places = ["/usr/lib/ipxe/ipxe.lkrn", "/boot/ipxe.lkrn"];
        let (package, emulator) = ("ipxe", "qemu-system-x86");
        find("NETBOOT_IPXE", &places, package, Self::QEMU, emulator).map(Self)
    }
}

/// Fetches `case`'s file as often as it says.
fn script(case: &Case) -> Result<String> {
    let uri = uri(case.carrier, case.octets());
    let mut script = String::from("#!ipxe\ndhcp || dhcp || dhcp\n");
    for _ in 0..case.fetches() {
        writeln!(script, "imgfetch {uri} || goto over\nimgfree")?;
    }
    script.push_str(":over\necho the script is over\nsleep 600\n");
    Ok(script)
}

impl Runner for Ipxe {
    fn boot(&mut self, world: &World, case: &Case, seed: u64, deadline: Instant) -> Result<Boot> {
        let path = world.scratch().join("script.ipxe");
        fs::write(&path, script(case)?)?;
        let mut wire = world.plug(case.wire, seed, case.octets())?;
        let mut command = wire.qemu(Self::QEMU, "virtio-net-pci,romfile=");
        // TCG as for the others, and a text console where iPXE looks for one.
        command
            .args(CONSOLE)
            .args(["-accel", "tcg", "-machine", "graphics=off"])
            .args(["-m", &format!("{MEMORY_MIB}M")]);
        command.arg("-kernel").arg(&self.0.image);
        command.arg("-initrd").arg(&path);
        let memory = match case.carrier {
            Carrier::Https => Some(Memory::of(&mut command, MEMORY_MIB)?),
            _ => None,
        };
        wire.power_on();
        let mut console = Console::start(command)?;
        if let Some(memory) = memory {
            // It says so from where it has moved itself to.
            console.expect("iPXE initialising", deadline)?;
            memory.trust(world.ipxe_root())?;
        }
        // After its last line it may still owe an acknowledgment.
        let mut said = None;
        let over = |patience| {
            let open = console.read(patience);
            if said.is_none() && console.text().contains("script is over") {
                said = Some(Instant::now());
            }
            Ok(!open || said.is_some_and(|said| said.elapsed() > FAREWELL))
        };
        let fetched = wait_fetches(&wire, case.fetches(), deadline, over).map(drop);
        self.0.version = version(console.text(), "iPXE 1").or(self.0.version.take());
        drop(console);
        end(wire, case, fetched, deadline)
    }
}

/// What is left of a boot.
fn end(wire: Plugged, case: &Case, fetched: Result<()>, deadline: Instant) -> Result<Boot> {
    let seen = wire.unplug(false)?;
    let failure = shortfall(&seen, case.fetches(), Instant::now() < deadline);
    let failure = match (failure, fetched) {
        (Some(failure), Err(error)) => Some(format!("{failure} ({error:#})")),
        (failure, _) => failure,
    };
    Ok(Boot {
        seen,
        told: None,
        failure,
    })
}

/// The words from `start` to the next blank after it.
fn version(text: &str, start: &str) -> Option<String> {
    let at = text.find(start)?;
    let words = text[at..].split([' ', '\r', '\n', '\u{1b}']);
    let words: Vec<_> = words.take(2).collect();
    Some(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::super::cases::{Client, Wire};
    use super::*;

    #[test]
    fn versions_are_found_on_consoles() {
        let uboot = "\r\n\r\nU-Boot 2025.01-3+deb13u1 (Jun 24 2026 - 09:07:15 +0000)\r\n";
        assert_eq!(
            version(uboot, "U-Boot ").unwrap(),
            "U-Boot 2025.01-3+deb13u1"
        );
        let ipxe = "\u{1b}[0;1miPXE 1.21.1+git\r\n";
        assert_eq!(version(ipxe, "iPXE 1").unwrap(), "iPXE 1.21.1+git");
        assert_eq!(version("SeaBIOS", "iPXE 1"), None);
    }

    #[test]
    fn the_script_fetches_as_often_as_the_case_says() {
        let case = |carrier| Case {
            client: Client::Ipxe,
            carrier,
            wire: Wire::Clean,
        };
        let http = Carrier::Http {
            buffer_kib: 0,
            connections: 1,
        };
        let text = script(&case(http)).unwrap();
        assert!(text.starts_with("#!ipxe\n"));
        assert_eq!(
            text.matches("imgfetch http://10.0.2.2/large.bin ").count(),
            2
        );
        let text = script(&case(Carrier::Tftp { windowsize: 16 })).unwrap();
        assert_eq!(
            text.matches("imgfetch tftp://10.0.2.3/large.bin ").count(),
            1
        );
        let text = script(&case(Carrier::Https)).unwrap();
        assert_eq!(
            text.matches("imgfetch https://10.0.2.2/large.bin ").count(),
            2
        );
    }
}
