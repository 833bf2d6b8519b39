//! A boot of the real ROM under QEMU, with the image server at the other end of its network device.
//!
//! No root is needed: QEMU's `stream` netdev connects to a UNIX socket in a temporary directory, and a
//! thread of this process answers there. QEMU never outlives [`boot`]: a guard kills it, and the kernel
//! does when this process dies.

use crate::plan::Plan;
use crate::wire::Server;
use anyhow::{Context, Result, anyhow, bail, ensure};
use image_server::Served;
use image_server::forward::Forward;
use image_server::tls::TlsConnection;
use netboot_lines::Transcript;
use netsim::LinkStats;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// The emulator.
pub const QEMU: &str = "qemu-system-riscv32";
/// The first QEMU with a `stream` netdev.
pub const OLDEST: (u32, u32) = (7, 2);
/// Port of QEMU's debugger stub (`-s`).
pub const GDB_PORT: u16 = 1234;
/// Ethernet address of the emulated board.
pub const MAC: &str = "02:00:00:00:00:15";
/// Where the ROM looks for what the host says before power-on: seed, settings, device.
const STRAPS: u32 = 0x8011_0000;
/// Octets of one text, with its final NUL.
const STRAP_TEXT: usize = 0x1000 - 1;
/// QEMU is given so long to end after its console has ended.
const LAST_BREATH: Duration = Duration::from_secs(10);

/// How to run.
#[derive(Clone, Debug)]
pub struct QemuOptions {
    /// Flash image: [`crate::rom::Rom::image`].
    pub rom: PathBuf,
    /// Where to write a capture of all frames.
    pub pcap: Option<PathBuf>,
    /// Counts instructions: one takes 2^N ns of the machine's time.
    pub icount: Option<u8>,
    /// Waits for a debugger at [`GDB_PORT`] before the first instruction, and for ever.
    pub gdb: bool,
    /// The boot is given up after this time.
    pub timeout: Duration,
    /// RAM of the machine in MiB; a ROM that measures wants 128.
    pub memory_mib: u32,
}

impl QemuOptions {
    /// With this flash image, for at most five minutes.
    pub fn new(rom: impl Into<PathBuf>) -> Self {
        Self {
            rom: rom.into(),
            pcap: None,
            icount: None,
            gdb: false,
            timeout: Duration::from_secs(300),
            memory_mib: 8,
        }
    }
}

/// What became of it.
#[derive(Debug)]
pub struct QemuOutcome {
    /// The console.
    pub lines: Vec<String>,
    /// The same, read.
    pub parsed: Transcript,
    /// What the ROM gave to the test device; 0 is a good boot.
    pub exit_code: Option<i32>,
    /// What the image server served.
    pub served: Vec<Served>,
    /// The TLS connections that it had.
    pub tls: Vec<TlsConnection>,
    /// What the link did.
    pub link: LinkStats,
    /// Frames that QEMU did not take from the server.
    pub dropped: u64,
    /// By the clock on the wall, QEMU's own start included.
    pub elapsed: Duration,
}

/// The version of the QEMU that would run.
///
/// # Errors
/// When there is none, or it is too old for a `stream` netdev.
pub fn version() -> Result<String> {
    let output = Command::new(QEMU).arg("--version").output();
    let output = output.with_context(|| format!("{QEMU} is not installed"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default().to_string();
    let found = number(&line).with_context(|| format!("{QEMU} --version says {line:?}"))?;
    ensure!(
        found >= OLDEST,
        "{QEMU} is {}.{}; {}.{} or newer is needed, for `-netdev stream`",
        found.0,
        found.1,
        OLDEST.0,
        OLDEST.1
    );
    Ok(line)
}

/// Major and minor number in `QEMU emulator version 7.2.22 (Debian ...)`.
fn number(line: &str) -> Option<(u32, u32)> {
    let version = line.split(" version ").nth(1)?;
    let mut parts = version.split(['.', ' ']);
    let major = parts.next()?.parse().ok()?;
    Some((major, parts.next()?.parse().ok()?))
}

/// The network arguments: a socket that somebody listens at, and a virtio-net device behind it.
pub fn network_arguments(socket: &Path) -> Vec<OsString> {
    device_arguments(with_path(
        "stream,id=net0,server=off,addr.type=unix,addr.path=",
        socket,
    ))
}

/// The network arguments for a TAP that is set up already, in the namespace that QEMU runs in.
pub(crate) fn tap_arguments(tap: &str, pcap: Option<&Path>) -> Vec<OsString> {
    let netdev = format!("tap,id=net0,ifname={tap},script=no,downscript=no");
    let mut arguments = device_arguments(netdev.into());
    if let Some(pcap) = pcap {
        let dump = with_path("filter-dump,id=dump,netdev=net0,file=", pcap);
        arguments.extend(["-object".into(), dump]);
    }
    arguments
}

/// A virtio-net device behind `netdev`, which is called `net0`.
fn device_arguments(netdev: OsString) -> Vec<OsString> {
    let device = format!("virtio-net-device,netdev=net0,mac={MAC}");
    vec![
        "-global".into(),
        "virtio-mmio.force-legacy=false".into(),
        "-netdev".into(),
        netdev,
        "-device".into(),
        device.into(),
    ]
}

/// The machine with this flash image and so much RAM; console on standard output.
pub fn machine_arguments(rom: &Path, memory_mib: u32) -> Vec<OsString> {
    let flash = with_path("if=pflash,unit=0,format=raw,readonly=on,file=", rom);
    let mut arguments: Vec<OsString> = ["-M", "virt", "-bios", "none"]
        .into_iter()
        .chain(["-display", "none", "-monitor", "none", "-serial", "stdio"])
        .map(Into::into)
        .collect();
    arguments.extend(["-m".into(), format!("{memory_mib}M").into()]);
    arguments.extend(["-drive".into(), flash]);
    arguments
}

/// The arguments that put a file into the machine's RAM before power-on: the ROM's straps
/// (`qemu/src/straps.rs`).
pub fn loader_arguments(address: u32, file: &Path) -> [OsString; 2] {
    let prefix = format!("loader,addr={address:#x},force-raw=on,file=");
    ["-device".into(), with_path(&prefix, file)]
}

/// `prefix` and a path, in which QEMU wants each comma twice.
pub(crate) fn with_path(prefix: &str, path: &Path) -> OsString {
    let mut text = OsString::from(prefix);
    match path.to_str() {
        Some(path) => text.push(path.replace(',', ",,")),
        None => text.push(path),
    }
    text
}

/// The variable that asks for tests under QEMU.
pub const ASK: &str = "NETBOOT_QEMU";

/// Whether `test` runs; if not, the function says so.
///
/// # Panics
/// When tests under QEMU are asked for and it cannot be had: with the reason and the remedy.
pub fn asked_for(test: &str) -> bool {
    if std::env::var_os(ASK).is_none() {
        eprintln!("SKIPPED: {test}: set {ASK}=1 to boot the ROM under QEMU");
        return false;
    }
    assert_present();
    true
}

/// # Panics
/// When QEMU cannot be had: with the reason and the remedy.
pub fn assert_present() {
    if let Err(error) = version() {
        panic!("{error:#}: run `apt-get install qemu-system-misc`");
    }
}

/// What a boot has beside QEMU.
pub(crate) struct Surroundings {
    server: Server,
    started: Instant,
    /// QEMU's arguments: the machine, its network and its straps.
    pub(crate) arguments: Vec<OsString>,
    /// The socket and the files of the straps.
    pub(crate) scratch: tempfile::TempDir,
}

impl Surroundings {
    pub(crate) fn new(
        plan: &Plan,
        options: &QemuOptions,
        forward: Option<Forward>,
    ) -> Result<Self> {
        let started = Instant::now();
        let scratch = tempfile::Builder::new()
            .prefix("netboot-")
            .tempdir()
            .context("cannot make a temporary directory")?;
        let socket = scratch.path().join("net.sock");
        let server = Server::start(plan, &socket, options.pcap.as_deref(), forward)?;
        let mut arguments = machine_arguments(&options.rom, options.memory_mib);
        arguments.extend(network_arguments(&socket));
        arguments.extend(strap_arguments(plan, scratch.path())?);
        if let Some(shift) = options.icount {
            arguments.extend(["-icount".into(), format!("shift={shift}").into()]);
        }
        if options.gdb {
            arguments.extend(["-s".into(), "-S".into()]);
        }
        Ok(Self {
            server,
            started,
            arguments,
            scratch,
        })
    }

    /// Reads the console of `machine` until it ends.
    pub(crate) fn watch(
        self,
        machine: Machine,
        options: &QemuOptions,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<QemuOutcome> {
        let timeout = (!options.gdb).then_some(options.timeout);
        let (lines, parsed, status) = machine.run(timeout, on_line)?;
        let report = self.server.stop()?;
        Ok(QemuOutcome {
            lines,
            parsed,
            exit_code: status.code(),
            served: report.server.served().to_vec(),
            tls: report.server.tls_connections().to_vec(),
            link: report.link.stats(),
            dropped: report.dropped,
            elapsed: self.started.elapsed(),
        })
    }
}

/// Boots `plan` with the console at this process's own terminal, for a person. Gives QEMU's exit code.
///
/// # Errors
/// When QEMU cannot be run.
pub fn boot_at_terminal(plan: &Plan, options: &QemuOptions) -> Result<Option<i32>> {
    let mut around = Surroundings::new(plan, options, None)?;
    // Ctrl-C is a key for the ROM, too.
    let mut arguments = around.arguments.iter_mut();
    if let Some(stdio) = arguments.find(|argument| *argument == "stdio") {
        *stdio = "chardev:person".into();
    }
    let person = ["-chardev", "stdio,id=person,signal=off"].map(Into::into);
    around.arguments.extend(person);
    let status = bound_to_us(QEMU).args(&around.arguments).status();
    let status = status.with_context(|| format!("cannot start {QEMU}"))?;
    around.server.stop()?;
    Ok(status.code())
}

/// Boots `plan`. `on_line` gets each line of the console as it comes.
///
/// # Errors
/// When QEMU cannot be run, or goes on for longer than the timeout, or ends without a word. A boot that
/// fails is an outcome.
pub fn boot(
    plan: &Plan,
    options: &QemuOptions,
    on_line: &mut dyn FnMut(&str),
) -> Result<QemuOutcome> {
    let around = Surroundings::new(plan, options, None)?;
    let machine = Machine::start(bound_to_us(QEMU), &around.arguments, &plan.keys)?;
    around.watch(machine, options, on_line)
}

/// Writes what the ROM finds in RAM at power-on (a seed, its settings, those of the emulated device) to
/// files in `directory`, and gives the arguments that load them.
///
/// # Errors
/// When a text is too long, or the directory cannot be written to.
pub fn strap_arguments(plan: &Plan, directory: &Path) -> Result<Vec<OsString>> {
    let mut arguments = Vec::new();
    for (name, address, octets) in straps(plan)? {
        let file = directory.join(name);
        fs::write(&file, octets).with_context(|| format!("cannot write {}", file.display()))?;
        arguments.extend(loader_arguments(address, &file));
    }
    Ok(arguments)
}

/// File name, address and content of each strap.
fn straps(plan: &Plan) -> Result<Vec<(&'static str, u32, Vec<u8>)>> {
    let mut seed = vec![0; 32];
    if plan.https.as_ref().is_none_or(|https| https.entropy) {
        ChaCha8Rng::seed_from_u64(plan.seed).fill_bytes(&mut seed);
    }
    let mut straps = vec![("seed", STRAPS, seed)];
    for (name, address, text) in [
        ("boot.txt", STRAPS + 0x1000, plan.settings_text()),
        ("device.txt", STRAPS + 0x2000, plan.device_text()),
    ] {
        // The ROM looks for the NUL that ends it.
        ensure!(
            text.len() < STRAP_TEXT && !text.contains('\0'),
            "{name}: {} octets of settings, {} fit",
            text.len(),
            STRAP_TEXT - 1
        );
        // The loader takes no empty file, and an empty line says nothing.
        straps.push((name, address, format!("{text}\n").into_bytes()));
    }
    Ok(straps)
}

/// A running QEMU; killed when dropped.
pub(crate) struct Machine {
    child: Child,
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Machine {
    /// Starts `command`, which runs QEMU, with these arguments. `keys` is what a person has typed before that.
    pub(crate) fn start(command: Command, arguments: &[OsString], keys: &str) -> Result<Self> {
        if keys.is_empty() {
            return Self::spawn(command, arguments, Stdio::null());
        }
        let (machine, mut stdin) = Self::start_with_keyboard(command, arguments)?;
        let keys = keys.to_owned();
        // A machine that ends early reads no more; its end tells why.
        thread::spawn(move || stdin.write_all(keys.as_bytes()));
        Ok(machine)
    }

    /// Like [`start`](Self::start), with the keyboard of the console in the caller's hands.
    pub(crate) fn start_with_keyboard(
        command: Command,
        arguments: &[OsString],
    ) -> Result<(Self, ChildStdin)> {
        let mut machine = Self::spawn(command, arguments, Stdio::piped())?;
        let stdin = machine.child.stdin.take().context("no standard input")?;
        Ok((machine, stdin))
    }

    fn spawn(mut command: Command, arguments: &[OsString], stdin: Stdio) -> Result<Self> {
        let child = command
            .args(arguments)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {QEMU}"))?;
        Ok(Self { child })
    }

    /// What stops the machine while [`run`](Self::run) reads its console.
    pub(crate) fn stopper(&self) -> impl Fn() + use<> {
        let id = i32::try_from(self.child.id()).ok();
        move || {
            let process = id.and_then(rustix::process::Pid::from_raw);
            // Fails only when it has ended already.
            process.map(|id| rustix::process::kill_process(id, rustix::process::Signal::KILL));
        }
    }

    /// Reads the console until QEMU ends. The time that `on_line` takes is not counted to `timeout`.
    pub(crate) fn run(
        mut self,
        timeout: Option<Duration>,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<(Vec<String>, Transcript, ExitStatus)> {
        let mut deadline = timeout.map(|timeout| Instant::now() + timeout);
        let stdout = self.child.stdout.take().context("no standard output")?;
        let mut stderr = self.child.stderr.take().context("no standard error")?;
        let complaints = thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).trim().to_string()
        });
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(length) if length > 0) {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end_matches(['\r', '\n']).to_string();
                if sender.send(text).is_err() {
                    return;
                }
                line.clear();
            }
        });
        let mut lines = Vec::new();
        let mut parsed = Transcript::default();
        loop {
            let next = match deadline {
                Some(at) => receiver.recv_timeout(at.saturating_duration_since(Instant::now())),
                None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match next {
                Ok(line) => {
                    parsed.line(&line);
                    let begun = Instant::now();
                    on_line(&line);
                    deadline = deadline.map(|at| at + begun.elapsed());
                    lines.push(line);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => bail!(
                    "the boot was not over after {:?}, so QEMU was stopped; its last lines:\n{}",
                    timeout.unwrap_or_default(),
                    tail(&lines)
                ),
            }
        }
        let status = self.end()?;
        let complaints = complaints
            .join()
            .map_err(|_| anyhow!("a reader panicked"))?;
        if lines.is_empty() {
            bail!("{QEMU} ended without a word from the ROM ({status}): {complaints}");
        }
        Ok((lines, parsed, status))
    }

    /// Waits for the end of a QEMU that has closed its console.
    fn end(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + LAST_BREATH;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(
                Instant::now() < deadline,
                "{QEMU} closed its console and does not end"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A command that the kernel kills when this process dies, where `setpriv` (util-linux) can ask for that.
pub fn bound_to_us(program: &str) -> Command {
    const SETPRIV: &str = "/usr/bin/setpriv";
    if !Path::new(SETPRIV).exists() {
        return Command::new(program);
    }
    let mut command = Command::new(SETPRIV);
    command.args(["--pdeathsig", "KILL", "--", program]);
    command
}

/// The last lines of a console.
fn tail(lines: &[String]) -> String {
    const LAST: usize = 12;
    lines[lines.len().saturating_sub(LAST)..].join("\n")
}

/// Writes a console to a file.
///
/// # Errors
/// Those of the file system.
pub fn write_log(path: &Path, lines: &[String]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        lines.iter().try_for_each(|line| writeln!(file, "{line}"))?;
        file.flush()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::https::Https;
    use test_pki::Pki;

    #[test]
    fn versions_are_read() {
        let debian = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)";
        assert_eq!(number(debian), Some((7, 2)));
        assert_eq!(number("QEMU emulator version 10.0.1"), Some((10, 0)));
        assert_eq!(number("something else"), None);
    }

    #[test]
    fn commas_in_paths_are_doubled() {
        let [_, value] = loader_arguments(STRAPS, Path::new("/a,b/seed"));
        assert_eq!(value, "loader,addr=0x80110000,force-raw=on,file=/a,,b/seed");
    }

    #[test]
    fn straps_have_a_seed_and_two_texts_that_fit() {
        let plan = Plan::default();
        let straps_of_plan = straps(&plan).unwrap();
        let sizes = straps_of_plan.iter().map(|(_, _, octets)| octets.len());
        assert!(sizes.eq([32, 1, plan.device_text().len() + 1]));
        let other = Plan { seed: 2, ..plan };
        assert_ne!(straps(&other).unwrap()[0], straps_of_plan[0]);
        let poor = Plan {
            https: Some(Https {
                entropy: false,
                ..Https::new(Pki::new(1))
            }),
            ..other.clone()
        };
        assert_eq!(straps(&poor).unwrap()[0].2, [0; 32]);
        let long = Plan {
            settings: "#".repeat(STRAP_TEXT),
            ..other
        };
        let error = straps(&long).unwrap_err().to_string();
        assert!(error.contains("boot.txt"), "{error}");
    }

    /// Commands that stand for a QEMU which misbehaves.
    fn machine(script: &str) -> Machine {
        let child = bound_to_us("/bin/sh")
            .args(["-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Machine { child }
    }

    #[test]
    fn a_machine_that_hangs_is_stopped_and_its_last_lines_are_shown() {
        let machine = machine("echo hello; exec sleep 100");
        let id = machine.child.id();
        let started = Instant::now();
        let error = machine.run(Some(Duration::from_millis(300)), &mut |_| {});
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("hello") && error.contains("300ms"),
            "{error}"
        );
        assert!(started.elapsed() < Duration::from_secs(20));
        assert!(!Path::new(&format!("/proc/{id}")).exists());
    }

    #[test]
    fn the_complaint_of_a_machine_that_does_not_start_is_shown() {
        let machine = machine("echo no such machine >&2; exit 1");
        let error = machine.run(None, &mut |_| {}).unwrap_err().to_string();
        assert!(error.contains("no such machine"), "{error}");
    }

    #[test]
    fn lines_and_exit_code_come_through() {
        let machine = machine(r"printf '@toc t=1 images=3\r\nlog\n'; exit 5");
        let mut seen = Vec::new();
        let mut on_line = |line: &str| seen.push(line.to_string());
        let (lines, parsed, status) = machine.run(None, &mut on_line).unwrap();
        assert_eq!(lines, ["@toc t=1 images=3", "log"]);
        assert_eq!(seen, lines);
        assert_eq!(parsed.toc_images, Some(3));
        assert_eq!(status.code(), Some(5));
    }
}
