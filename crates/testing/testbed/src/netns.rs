//! Networks of one's own: network namespaces with a bridge, a TAP for a client and machines for servers.
//!
//! Nothing here touches the network of the machine it runs on. Everything is taken down when it is
//! dropped; what a killed process left behind, the next one removes.
//!
//! ```text
//!   namespace A                                    namespace B
//!   tap0 -- br0 10.0.2.2/24 -- veth1 ------------- eth0 10.0.2.3/24
//!   (client)    (servers)                              (other servers)
//! ```

use crate::tap;
use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::{self, File};
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once};
use tempfile::TempDir;

/// Name of the TAP in a [`Lan`]'s namespace.
pub const TAP: &str = "tap0";
/// Address of the machine that every [`Lan`] has.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// Address for a machine that joins.
pub const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 3);
/// Bits of the network's prefix.
const PREFIX: u8 = 24;
/// First part of the names of namespaces; then come process and number.
const NAME: &str = "netboot";
/// Where `ip netns` keeps namespaces.
const NAMESPACES: &str = "/run/netns";

/// Why networks of one's own cannot be had here, with what to do; `None` when they can.
pub fn obstacle() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("network namespaces need root: run as root".into());
    }
    if !Path::new("/dev/net/tun").exists() {
        return Some(
            "no /dev/net/tun: run `modprobe tun`, or give the container the device".into(),
        );
    }
    for (program, package) in [("ip", "iproute2"), ("setpriv", "util-linux")] {
        if let Err(error) = Command::new(program).arg("--version").output() {
            return Some(format!(
                "cannot run {program}: {error}: run `apt-get install {package}`"
            ));
        }
    }
    None
}

/// Runs `ip` with these arguments.
fn ip(arguments: &[&str]) -> Result<String> {
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .context("cannot run `ip`: install iproute2")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`ip {}` failed: {}",
        arguments.join(" "),
        said.trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A network namespace; it and its interfaces end with this value.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// An empty namespace, without IPv6.
    ///
    /// # Errors
    /// When it cannot be made, see [`obstacle`].
    pub fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        static SWEEP: Once = Once::new();
        /// The first `ip netns add` sets `/run/netns` up and does not do so atomically.
        static ADD: Mutex<()> = Mutex::new(());
        SWEEP.call_once(remove_orphans);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{NAME}-{}-{number}", std::process::id());
        {
            let _alone = ADD.lock();
            ip(&["netns", "add", &name]).context("cannot make a network namespace")?;
        }
        let namespace = Self { name };
        namespace.enter(|| {
            for place in ["all", "default"] {
                // Absent where the kernel has no IPv6; then there is nothing to turn off.
                let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{place}/disable_ipv6"), "1");
            }
        })?;
        Ok(namespace)
    }

    /// Its name, as `ip netns` has it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that runs `program` in it. The process is asked to end when the thread ends
    /// that starts it, so that it outlives no test.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]);
        command.args(["setpriv", "--pdeathsig", "TERM", "--"]);
        command.arg(program).stdin(Stdio::null());
        command
    }

    /// Runs `work` on a thread in it. File descriptors that it opens keep belonging to the namespace.
    ///
    /// # Errors
    /// When the namespace cannot be entered, or `work` panics.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let file = File::open(Path::new(NAMESPACES).join(&self.name))
            .with_context(|| format!("no namespace {}", self.name))?;
        std::thread::scope(|scope| {
            scope
                .spawn(|| -> Result<T> {
                    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
                        .context("cannot enter the network namespace")?;
                    Ok(work())
                })
                .join()
                .map_err(|_| anyhow!("the thread in {} panicked", self.name))?
        })
    }

    /// Runs commands of `ip`, one a line.
    ///
    /// # Errors
    /// What `ip` says of the first line that fails.
    pub fn ip_lines(&self, lines: &str) -> Result<()> {
        let mut child = Command::new("ip")
            .args(["-netns", &self.name, "-batch", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run `ip`: install iproute2")?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(lines.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`ip` in {}: {said}", self.name);
        Ok(())
    }

    /// Whether some process has this UDP port, or listens on this TCP port.
    ///
    /// # Errors
    /// When the namespace cannot be looked into.
    pub fn has_port(&self, port: Port) -> Result<bool> {
        let (table, number) = match port {
            Port::Udp(number) => ("udp", number),
            Port::Tcp(number) => ("tcp", number),
        };
        /// State of a TCP socket that listens (Linux, `TCP_LISTEN`).
        const LISTEN: &str = "0A";
        let read = |table: String| fs::read_to_string(format!("/proc/thread-self/net/{table}"));
        let text = self
            .enter(|| {
                read(table.into()).map(|text| text + &read(format!("{table}6")).unwrap_or_default())
            })?
            .context("cannot read the socket table")?;
        let end = format!(":{number:04X}");
        Ok(text.lines().any(|line| {
            let mut words = line.split_ascii_whitespace().skip(1);
            let (local, _, state) = (words.next(), words.next(), words.next());
            local.is_some_and(|local| local.ends_with(&end))
                && (matches!(port, Port::Udp(_)) || state == Some(LISTEN))
        }))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Err(error) = ip(&["netns", "delete", &self.name]) {
            eprintln!("{error:#}");
        }
    }
}

/// Removes the namespaces of processes that are no more.
fn remove_orphans() {
    for entry in fs::read_dir(NAMESPACES).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if let Some(process) = owner(name)
            && !Path::new(&format!("/proc/{process}")).exists()
        {
            let _ = ip(&["netns", "delete", name]);
        }
    }
}

/// The process that made the namespace of this name, if it was one of ours.
fn owner(name: &str) -> Option<u32> {
    let (process, number) = name
        .strip_prefix(NAME)?
        .strip_prefix('-')?
        .split_once('-')?;
    number.parse::<u32>().ok()?;
    process.parse().ok()
}

/// A port that a server is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// UDP
    Udp(u16),
    /// TCP
    Tcp(u16),
}

/// A machine on a [`Lan`]: a namespace with one address, and a directory.
#[derive(Debug)]
pub struct Host {
    /// Where its processes run.
    pub namespace: Namespace,
    /// Its interface.
    pub interface: &'static str,
    /// Its address.
    pub address: Ipv4Addr,
    dir: TempDir,
    servers: AtomicU32,
}

impl Host {
    fn new(interface: &'static str, address: Ipv4Addr) -> Result<Self> {
        let dir = TempDir::with_prefix("netboot-").context("cannot make a temporary directory")?;
        let host = Self {
            namespace: Namespace::new()?,
            interface,
            address,
            dir,
            servers: AtomicU32::new(0),
        };
        fs::create_dir(host.files())?;
        // Servers drop their rights and read files as somebody else.
        for path in [host.dir.path(), &host.files()] {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        }
        Ok(host)
    }

    /// The directory that its servers serve.
    pub fn files(&self) -> PathBuf {
        self.dir.path().join("files")
    }

    /// Puts a file there, at a path relative to [`files`](Self::files).
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, path: &str, octets: &[u8]) -> Result<()> {
        let path = self.files().join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, octets).with_context(|| format!("cannot write {}", path.display()))
    }

    /// A fresh directory for one server's configuration, state and log.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn workspace(&self, server: &str) -> Result<PathBuf> {
        let number = self.servers.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.path().join(format!("{server}-{number}"));
        fs::create_dir(&path)?;
        Ok(path)
    }
}

/// An Ethernet with a TAP for the client: whoever opens it, from whichever process.
#[derive(Debug)]
pub struct Lan {
    /// The machine at [`SERVER`], in whose namespace the TAP is.
    pub server: Host,
    joined: AtomicU32,
}

impl Lan {
    /// An Ethernet with one machine.
    ///
    /// # Errors
    /// When it cannot be made, see [`obstacle`].
    pub fn new() -> Result<Self> {
        let server = Host::new("br0", SERVER)?;
        // With a port that is always up, the bridge is up from the start. Else it would come up with the
        // client, a second late, as the kernel looks after such changes once a second. The other end of
        // that port must not answer ARP for the bridge's address.
        server.namespace.ip_lines(&format!(
            "link set lo up
             link add br0 type bridge forward_delay 0 mcast_snooping 0
             link add up0 type veth peer name up1
             link set up0 master br0
             link set up0 up
             link set up1 arp off up
             addr add {SERVER}/{PREFIX} brd + dev br0
             tuntap add dev {TAP} mode tap
             link set {TAP} master br0
             link set br0 up
             link set {TAP} up
            "
        ))?;
        Ok(Self {
            server,
            joined: AtomicU32::new(0),
        })
    }

    /// Adds a machine with this address.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn join(&self, address: Ipv4Addr) -> Result<Host> {
        let host = Host::new("eth0", address)?;
        let number = self.joined.fetch_add(1, Ordering::Relaxed);
        let port = format!("veth{number}");
        self.server.namespace.ip_lines(&format!(
            "link add {port} type veth peer name eth0 netns {}
             link set {port} master br0
             link set {port} up
            ",
            host.namespace.name()
        ))?;
        host.namespace.ip_lines(&format!(
            "link set lo up
             addr add {address}/{PREFIX} brd + dev eth0
             link set eth0 up
            "
        ))?;
        Ok(host)
    }

    /// Opens the client's end of the TAP, for a client in this process. A client that is a process of
    /// its own opens [`TAP`] by itself and is started by [`Namespace::command`].
    ///
    /// # Errors
    /// When somebody else has it.
    pub fn open_tap(&self) -> Result<OwnedFd> {
        match self.server.namespace.enter(|| tap::open(TAP))? {
            Ok(fd) => Ok(fd),
            Err(error) => bail!("cannot open {TAP}: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_namespaces_have_an_owner() {
        assert_eq!(owner("netboot-123-4"), Some(123));
        for name in [
            "netboot",
            "netboot-1",
            "netboot-x-1",
            "netboot-1-x",
            "other-1-2",
            "netboot-1-2-3",
        ] {
            assert_eq!(owner(name), None, "{name}");
        }
    }
}
