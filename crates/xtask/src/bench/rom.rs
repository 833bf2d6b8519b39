//! The ROM as a client: its builds with buffers of other sizes, and what it says of a measured fetch.

use super::cases::{BLKSIZE, Carrier, Case, Client};
use super::run::{Boot, Runner, shortfall};
use super::told::Told;
use super::world::{World, file};
use crate::building;
use crate::size;
use anyhow::{Result, ensure};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use test_pki::Pki;
use testbed::console::Console;
use testbed::netns::{OTHER, SERVER};
use testbed::qemu::{QEMU, machine_arguments, strap_arguments};
use testbed::rom::{HttpsRom, Rom, RomOptions};
use testbed::{Plan, sizes};

/// RAM of a ROM that measures, in KiB: the largest buffers, of each connection, and what there is beside them.
const RAM_KIB: u32 = 768;
/// Flash of it.
const ROM_KIB: u32 = 512;
/// RAM of its machine: a ROM that measures keeps the file.
pub const MEMORY_MIB: u32 = 128;
/// Receive buffers of the network device that the ROM has by itself, and at most.
const RING: (u32, u32) = (16, 128);

/// What a build of the ROM is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Build {
    /// HTTP receive buffer in KiB.
    pub tcp_kib: u32,
    /// Receive buffers of the network device.
    pub rx_ring: u32,
    /// With memory for several HTTP connections.
    pub parallel: bool,
    /// With HTTPS.
    pub https: bool,
    /// With the UDP boot protocol.
    pub ubp: bool,
}

impl Build {
    /// The ROM that `carrier` is measured with: the receive ring holds TCP's window, or two of TFTP's, as U-Boot's does, so that
    /// the device never runs out of buffers at the end of one.
    pub fn of(carrier: Carrier) -> Self {
        let own = (sizes::TCP >> 10) as u32;
        let (tcp_kib, frames) = match carrier {
            Carrier::Tftp { windowsize } => (own, 2 * u32::from(windowsize)),
            Carrier::Http {
                buffer_kib,
                connections,
            } => {
                let window = (buffer_kib << 10) * u32::from(connections);
                (buffer_kib, window.div_ceil(BLKSIZE as u32))
            }
            Carrier::Https => (own, RING.0),
            // Two frames are for other traffic.
            Carrier::Ubp { window } => (own, u32::from(window) + 2),
        };
        let parallel = matches!(carrier, Carrier::Http { connections, .. } if connections > 1);
        Self {
            parallel,
            tcp_kib,
            rx_ring: frames.next_power_of_two().clamp(RING.0, RING.1),
            https: carrier == Carrier::Https,
            ubp: matches!(carrier, Carrier::Ubp { .. }),
        }
    }
}

/// A built ROM, and what it takes.
#[derive(Clone, Debug)]
pub struct Built {
    /// The files.
    pub rom: Rom,
    /// Octets of flash and of static RAM.
    pub footprint: (u64, u64),
}

/// The ROM.
#[derive(Clone)]
pub struct RomClient {
    trust: String,
    builds: BTreeMap<Build, Built>,
}

impl RomClient {
    /// A ROM that trusts `pki`.
    ///
    /// # Errors
    /// When there is no root.
    pub fn new(pki: &Pki) -> Result<Self> {
        Ok(Self {
            trust: pki.root_pem()?,
            builds: BTreeMap::new(),
        })
    }

    /// What was built so far.
    pub fn builds(&self) -> &BTreeMap<Build, Built> {
        &self.builds
    }

    /// The ROM for `carrier`; built when it is asked for first.
    ///
    /// # Errors
    /// When it does not build.
    pub fn build(&mut self, carrier: Carrier) -> Result<Built> {
        let build = Build::of(carrier);
        if let Some(built) = self.builds.get(&build) {
            return Ok(built.clone());
        }
        let trust = self.trust.clone();
        let options = RomOptions {
            rom_kib: ROM_KIB,
            ram_kib: RAM_KIB,
            bench: true,
            parallel: build.parallel,
            ubp: build.ubp,
            tcp_kib: Some(build.tcp_kib),
            rx_ring: Some(build.rx_ring),
            https: build.https.then_some(HttpsRom {
                trust,
                small_records: false,
            }),
            ..RomOptions::default()
        };
        let rom = building::rom(&options, &format!("the ROM for {}", carrier.name()))?;
        let footprint = size::footprint(&rom.elf)?;
        let built = Built { rom, footprint };
        self.builds.insert(build, built.clone());
        Ok(built)
    }
}

/// The ROM's settings for so many fetches of `uri`.
pub fn settings(carrier: Carrier, uri: &str, fetches: usize, hash: bool) -> Result<String> {
    let hash = u8::from(hash);
    let mut text = format!("probe off\nbench {uri}\nbench_repeat {fetches}\nbench_hash {hash}\n");
    match carrier {
        Carrier::Tftp { windowsize } => writeln!(text, "windowsize {windowsize}")?,
        Carrier::Http { connections, .. } if connections > 1 => {
            writeln!(text, "connections {connections}")?;
        }
        Carrier::Http { .. } | Carrier::Https | Carrier::Ubp { .. } => {}
    }
    Ok(text)
}

/// Where the servers have the file.
fn uri(carrier: Carrier, octets: u64) -> String {
    let (scheme, server) = match carrier {
        Carrier::Tftp { windowsize: 1 } => ("tftp", SERVER),
        Carrier::Tftp { .. } => ("tftp", OTHER),
        Carrier::Http { .. } => ("http", SERVER),
        Carrier::Https => ("https", SERVER),
        Carrier::Ubp { .. } => ("ubp", OTHER),
    };
    format!("{scheme}://{server}/{}", file(octets))
}

impl Runner for RomClient {
    fn boot(&mut self, world: &World, case: &Case, seed: u64, deadline: Instant) -> Result<Boot> {
        let built = self.build(case.carrier)?;
        let (fetches, octets) = (case.fetches(), case.octets());
        // Building may have taken longer than a boot may.
        let patience = deadline.saturating_duration_since(Instant::now());
        let deadline = Instant::now() + patience.max(Duration::from_secs(20));
        let hash = case.client == Client::RomHashing;
        let mut wire = world.plug(case.wire, seed, octets)?;
        let plan = Plan {
            images: Vec::new(),
            settings: settings(case.carrier, &uri(case.carrier, octets), fetches, hash)?,
            seed: u64::from(wire.boot),
            ..Plan::default()
        };
        let mut command = wire.qemu(QEMU, "virtio-net-device");
        command.args(["-global", "virtio-mmio.force-legacy=false"]);
        command.args(machine_arguments(&built.rom.image, MEMORY_MIB));
        command.args(strap_arguments(&plan, world.scratch())?);
        wire.power_on();
        let mut console = Console::start(command)?;
        const LOOK: Duration = Duration::from_millis(20);
        let mut over = false;
        while !over && Instant::now() < deadline {
            over = !console.read(LOOK);
        }
        let told = Told::read(console.text().lines());
        ensure!(
            !console.text().is_empty(),
            "not a word from the ROM: QEMU did not start, or the ROM did not"
        );
        let complaint = told.shortfall(fetches, octets, world.digest(octets));
        // With its status it powers off, and may owe an acknowledgment; its SHA-256 shows what it had.
        let seen = wire.unplug(complaint.is_none())?;
        let short = shortfall(&seen, fetches, over);
        let failure = match (short, complaint) {
            (Some(short), Some(complaint)) => Some(format!("{short} ({complaint})")),
            (short, complaint) => short.or(complaint),
        };
        Ok(Boot {
            seen,
            told: Some(told),
            failure,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_holds_two_windows() {
        let ring = |carrier| Build::of(carrier).rx_ring;
        let tftp = |windowsize| ring(Carrier::Tftp { windowsize });
        assert_eq!([1, 16, 32, 64].map(tftp), [16, 32, 64, 128]);
        let http = |buffer_kib| {
            ring(Carrier::Http {
                buffer_kib,
                connections: 1,
            })
        };
        assert_eq!([4, 16, 32, 64].map(http), [16, 16, 32, 64]);
        let parallel = Build::of(Carrier::Http {
            buffer_kib: 64,
            connections: 4,
        });
        assert_eq!((parallel.rx_ring, parallel.parallel), (128, true));
        assert!(Build::of(Carrier::Https).https);
    }

    #[test]
    fn settings_say_what_is_measured() {
        let carrier = Carrier::Tftp { windowsize: 8 };
        let text = settings(carrier, &uri(carrier, 1 << 20), 1, false).unwrap();
        assert!(text.contains("bench tftp://10.0.2.3/small.bin\n"));
        assert!(text.contains("windowsize 8\n") && text.contains("bench_hash 0\n"));
        let parallel = Carrier::Http {
            buffer_kib: 64,
            connections: 4,
        };
        let text = settings(parallel, "http://x/", 2, true).unwrap();
        assert!(text.contains("connections 4\n") && text.contains("bench_repeat 2\n"));
    }
}
