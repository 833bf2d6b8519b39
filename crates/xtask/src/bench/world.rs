//! The wire and the servers that all clients share: dnsmasq, the image server's TFTP, nginx and `netboot serve` in network namespaces, behind a link
//! that delays and loses.

use super::cases::{LARGE, SMALL, TINY, Wire};
use super::meter::{Fetch, Meter};
use anyhow::{Context, Result, bail};
use image_server::content::Content;
use image_server::udp::UdpTftp;
use netboot_core::{Duration, Instant};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};
use tempfile::TempDir;
use test_pki::{Flaw, KeyKind, Pki};
use testbed::Image;
use testbed::bridge::Bridge;
use testbed::netboot;
use testbed::netns::{self, Host, Lan, OTHER, Port};
use testbed::qemu::bound_to_us;
use testbed::servers::{self, Nginx, Program, Server};

/// Seed of the files' octets.
const SEED: u64 = 1;

/// Everything but the client.
pub struct World {
    /// Closed last: it is the client's end of the namespace.
    tap: OwnedFd,
    scratch: TempDir,
    _servers: (Server, UdpTftp, Nginx, Server),
    _hosts: (Host, Lan),
    /// SHA-256 of the files, by their size.
    digests: Vec<(u64, String)>,
    /// What iPXE is to trust, DER.
    ipxe_root: Vec<u8>,
    /// Wires plugged in so far.
    boots: Cell<u16>,
    /// Congestion control of the servers' TCP, as Linux calls it.
    pub congestion: String,
}

/// Sets the congestion control of this network namespace, and says which one it is.
fn choose(congestion: Option<&str>) -> Result<String> {
    const FILE: &str = "/proc/sys/net/ipv4/tcp_congestion_control";
    if let Some(name) = congestion {
        fs::write(FILE, name).with_context(|| format!("no congestion control {name}"))?;
    }
    let name = fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
    Ok(name.trim().into())
}

/// Why there is no world here, with what to do; `None` when there is one.
pub fn obstacle() -> Option<String> {
    let missing = [Program::Dnsmasq, Program::Nginx];
    let missing = missing.iter().find_map(|program| program.find().err());
    netns::obstacle().or_else(|| missing.map(|error| format!("{error:#}")))
}

/// Name of the file of so many octets.
pub fn file(octets: u64) -> &'static str {
    match octets {
        LARGE => "large.bin",
        SMALL => "small.bin",
        _ => "tiny.bin",
    }
}

/// What a boot showed on the wire.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The fetches that came to an end.
    pub fetches: Vec<Fetch>,
    /// From power-on (QEMU was started) to the DHCPACK.
    pub leased: Option<Duration>,
    /// From power-on to the first octet of the file.
    pub first: Option<Duration>,
    /// Octets of the fetch that did not end.
    pub unfinished: Option<u64>,
    /// Frames that the client sent, and got.
    pub frames: (u64, u64),
}

impl World {
    /// Makes it; its HTTPS server has a certificate by `pki`. `congestion` is what servers' TCP is to keep to, the machine's
    /// own choice without it.
    ///
    /// # Errors
    /// See [`obstacle`]; and when the kernel does not have this congestion control.
    pub fn new(pki: &Pki, congestion: Option<&str>) -> Result<Self> {
        let lan = Lan::new()?;
        let congestion = lan.server.namespace.enter(|| choose(congestion))??;
        let other = lan.join(OTHER)?;
        let mut digests = Vec::new();
        let mut files = BTreeMap::new();
        for octets in [LARGE, SMALL, TINY] {
            let image = Image::pseudo_random(file(octets), octets as usize, SEED);
            lan.server.put(file(octets), &image.bytes)?;
            other.put(file(octets), &image.bytes)?;
            digests.push((octets, image.sha256().to_string()));
            files.insert(file(octets).into(), Content::Bytes(image.bytes));
        }
        let lines = "port=0\ndhcp-range=10.0.2.10,10.0.2.250,2m\ndhcp-no-override\nenable-tftp";
        let ports = [Port::Udp(67), Port::Udp(69)];
        let dnsmasq = servers::dnsmasq(&lan.server, lines, &ports)?;
        let bound = other.namespace.enter(|| UdpSocket::bind((OTHER, 69)))?;
        let windows = UdpTftp::start(bound.context("no port 69")?, files)?;
        let ubp = netboot::serve(&other, &["--quiet"])?;
        let (lines, ipxe_root) = nginx_lines(&lan.server, pki)?;
        let nginx = Nginx::start(&lan.server, &lines)?;
        Ok(Self {
            tap: lan.open_tap()?,
            scratch: TempDir::with_prefix("netboot-bench-").context("no temporary directory")?,
            _servers: (dnsmasq, windows, nginx, ubp),
            _hosts: (other, lan),
            digests,
            ipxe_root,
            boots: Cell::new(0),
            congestion,
        })
    }

    /// SHA-256 of the file of so many octets, in hexadecimal.
    pub fn digest(&self, octets: u64) -> &str {
        let of = self.digests.iter().find(|(size, _)| *size == octets);
        of.map_or("", |(_, digest)| digest)
    }

    /// The root that iPXE is to trust, DER.
    pub fn ipxe_root(&self) -> &[u8] {
        &self.ipxe_root
    }

    /// A directory for a client's files.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Plugs the wire in; the client's QEMU is to be started right after.
    ///
    /// # Errors
    /// When the bridge cannot be made.
    pub fn plug(&self, wire: Wire, seed: u64, octets: u64) -> Result<Plugged> {
        let socket = self.scratch.path().join("net.sock");
        let meter = Arc::new(Mutex::new(Meter::new(octets)));
        let tap = self.tap.try_clone().context("the TAP cannot be shared")?;
        let bridge = Bridge::start(tap, &socket, seed, wire.link(), meter.clone())?;
        self.boots.update(|boots| boots.wrapping_add(1));
        Ok(Plugged {
            boot: self.boots.get(),
            powered: bridge.now(),
            bridge,
            meter,
            socket,
        })
    }
}

/// HTTP that keeps connections, and HTTPS with two certificates for the server's address: TLS 1.3 and ECDSA for the ROM, TLS 1.2 and
/// RSA for iPXE, which knows nothing newer. The second is its own root, and is given as DER.
fn nginx_lines(host: &Host, pki: &Pki) -> Result<(String, Vec<u8>)> {
    let address = host.address.to_string();
    let names = [address.as_str()];
    let ecdsa = pki.server(&names)?;
    let rsa = pki
        .with_keys(KeyKind::Rsa2048)
        .flawed(&names, Flaw::SelfSigned)?;
    let root = rsa.chain.first().context("no certificate")?.to_vec();
    let place = host.workspace("tls")?;
    let mut lines = format!(
        "    keepalive_timeout 60;\n    listen {address}:443 ssl;\n    ssl_protocols TLSv1.2 TLSv1.3;\n"
    );
    for (name, identity) in [("ecdsa", ecdsa), ("rsa", rsa)] {
        let chain = place.join(format!("{name}-chain.pem"));
        let key = place.join(format!("{name}-key.pem"));
        fs::write(&chain, identity.chain_pem())?;
        fs::write(&key, identity.key_pem())?;
        writeln!(
            lines,
            "    ssl_certificate {};\n    ssl_certificate_key {};",
            chain.display(),
            key.display()
        )?;
    }
    Ok((lines, root))
}

/// The wire of one boot.
pub struct Plugged {
    bridge: Bridge,
    meter: Arc<Mutex<Meter>>,
    socket: PathBuf,
    powered: Instant,
    /// Which boot of this world it is, from 1.
    pub boot: u16,
}

impl Plugged {
    /// QEMU of this name with the wire as its network, ended with this process; `device` is what its network device is
    /// called.
    pub fn qemu(&self, program: &str, device: &str) -> Command {
        let mut command = bound_to_us(program);
        let mut netdev = OsString::from("stream,id=net0,server=off,addr.type=unix,addr.path=");
        netdev.push(&self.socket);
        command.arg("-netdev").arg(netdev);
        // A board of its own for each boot, so that no server takes it for one that it knows: a connection of
        // before, from the same address and port, would cost a second.
        let [high, low] = self.boot.to_be_bytes();
        let mac = format!("02:00:00:01:{high:02x}:{low:02x}");
        command.args(["-device", &format!("{device},netdev=net0,mac={mac}")]);
        command
    }

    /// Power is on from now.
    pub fn power_on(&mut self) {
        self.powered = self.bridge.now();
    }

    /// Fetches that are over.
    pub fn fetched(&self) -> usize {
        self.meter().fetches().len()
    }

    /// Unplugs it. `whole`: the client is known to have every octet of its last fetch.
    ///
    /// # Errors
    /// Those of the bridge.
    pub fn unplug(self, whole: bool) -> Result<Seen> {
        let power = self.powered;
        self.bridge.stop()?;
        let Ok(mut meter) = self.meter.lock() else {
            bail!("the meter panicked");
        };
        meter.finish_encrypted();
        if whole {
            meter.finish_received();
        }
        let since = |at: Instant| at.since(power);
        Ok(Seen {
            fetches: meter.fetches().to_vec(),
            leased: meter.leased().map(since),
            first: meter.fetches().first().map(|fetch| since(fetch.first)),
            unfinished: meter.unfinished(),
            frames: meter.frames(),
        })
    }

    fn meter(&self) -> MutexGuard<'_, Meter> {
        // A meter that panicked has its figures nevertheless, and `unplug` complains.
        self.meter.lock().unwrap_or_else(|error| error.into_inner())
    }
}
