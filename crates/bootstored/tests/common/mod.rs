//! Racks of real daemons: processes with files, on loopback or each in a network namespace.
#![allow(dead_code, reason = "each test uses a part of it")]

pub mod netns;
pub mod pki;

use bootstored::control::{Answer, Request, Status, Usage, ask};
use std::fs;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub const DAEMON: &str = env!("CARGO_BIN_EXE_bootstored");
pub const COMMAND: &str = env!("CARGO_BIN_EXE_bootstore");

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// One board: its files stay when its daemon ends.
pub struct Board {
    pub identifier: String,
    pub address: SocketAddrV6,
    pub dir: PathBuf,
    pub child: Option<Child>,
    /// Network namespace, if it has one of its own.
    pub namespace: Option<String>,
}

pub struct Rack {
    pub boards: Vec<Board>,
    pub dir: TempDir,
}

/// Free TCP ports on loopback, ascending.
pub fn free_ports(count: usize) -> Vec<u16> {
    let sockets: Vec<_> = (0..count)
        .map(|_| std::net::TcpListener::bind("[::1]:0").unwrap())
        .collect();
    let mut ports: Vec<_> = sockets
        .iter()
        .map(|socket| socket.local_addr().unwrap().port())
        .collect();
    ports.sort_unstable();
    ports
}

/// Waits until `condition` holds.
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Rack {
    /// Boards at these addresses. `tls` gives the lines of `[tls]` for a board, scheme 0 without.
    pub fn new(
        addresses: &[SocketAddrV6],
        namespaces: Option<&[String]>,
        tls: impl Fn(&str, &Path) -> Option<String>,
    ) -> Self {
        let dir = TempDir::with_prefix("bootstore-").unwrap();
        let boards = addresses
            .iter()
            .enumerate()
            .map(|(number, address)| {
                let identifier = format!("sled-{number}");
                let home = dir.path().join(&identifier);
                fs::create_dir(&home).unwrap();
                let peers: Vec<_> = addresses
                    .iter()
                    .filter(|peer| *peer != address)
                    .map(|peer| format!("\"{peer}\""))
                    .collect();
                let tls = tls(&identifier, &home);
                let config = format!(
                    "identifier = \"{identifier}\"\nmodel = \"mcu\"\nlisten = \"{address}\"\n\
                     peers = [{}]\nstate_dir = \"{}\"\ncontrol = \"{}\"\nboards = \"{address}\"\nscheme = {}\n{}",
                    peers.join(", "),
                    home.join("state").display(),
                    home.join("control.sock").display(),
                    u8::from(tls.is_some()),
                    tls.unwrap_or_default(),
                );
                fs::write(home.join("bootstore.toml"), config).unwrap();
                Board {
                    identifier,
                    address: *address,
                    dir: home,
                    child: None,
                    namespace: namespaces.map(|names| names[number].clone()),
                }
            })
            .collect();
        Self { boards, dir }
    }

    /// Boards on loopback, scheme 0.
    pub fn loopback(count: usize) -> Self {
        let addresses: Vec<_> = free_ports(count)
            .into_iter()
            .map(|port| SocketAddrV6::new(Ipv6Addr::LOCALHOST, port, 0, 0))
            .collect();
        Self::new(&addresses, None, |_, _| None)
    }

    pub fn start_all(&mut self) {
        for board in &mut self.boards {
            board.start();
        }
    }

    /// Names of the first `count` boards, as the command takes them.
    pub fn names(&self, count: usize) -> String {
        let names: Vec<_> = self.boards[..count].iter().map(Board::name).collect();
        names.join(",")
    }

    pub fn wait_connected(&self) {
        for board in &self.boards {
            let others = self.boards.iter().filter(|b| b.child.is_some()).count() - 1;
            if board.child.is_some() {
                wait_for(
                    &format!("{} to have {others} peers", board.identifier),
                    || board.status().peers.len() == others,
                );
            }
        }
    }

    /// Check values of the boards' unlocking, which must succeed on every running one.
    pub fn unlock_all(&self) -> String {
        let mut checks: Vec<_> = self
            .boards
            .iter()
            .filter(|board| board.child.is_some())
            .map(|board| board.unlock().unwrap())
            .collect();
        checks.dedup();
        assert_eq!(checks.len(), 1, "{checks:?}");
        checks.remove(0)
    }
}

impl Board {
    pub fn name(&self) -> String {
        format!("pc:mcu:{}", self.identifier)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    fn command(&self, program: &str) -> Command {
        match &self.namespace {
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace, program]);
                command
            }
            None => Command::new(program),
        }
    }

    pub fn spawn(&self) -> Child {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.join("log"))
            .unwrap();
        self.command(DAEMON)
            .arg(self.dir.join("bootstore.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// Starts the daemon and waits until it answers.
    pub fn start(&mut self) {
        assert!(self.child.is_none());
        let mut child = self.spawn();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = ask(&self.control(), &Request::Status, PATIENCE);
            if matches!(&answer, Ok(Answer::Status(status)) if status.pid == child.id()) {
                break;
            }
            if let Some(status) = child.try_wait().unwrap() {
                panic!("{} ends: {status}\n{}", self.identifier, self.log());
            }
            assert!(Instant::now() < deadline, "{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.child = Some(child);
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Asks the daemon to end, as systemd does.
    pub fn terminate(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        child.wait().unwrap()
    }

    pub fn control(&self) -> PathBuf {
        self.dir.join("control.sock")
    }

    pub fn ask(&self, request: &Request) -> Answer {
        ask(&self.control(), request, PATIENCE).unwrap_or_else(|error| {
            panic!("{}: {error:#}\n{}", self.identifier, self.log());
        })
    }

    pub fn status(&self) -> Status {
        match self.ask(&Request::Status) {
            Answer::Status(status) => status,
            other => panic!("{other:?}"),
        }
    }

    pub fn unlock(&self) -> Result<String, String> {
        match self.ask(&Request::Unlock {
            usage: Usage::Check,
        }) {
            Answer::Unlocked { check, .. } => Ok(check),
            Answer::Error { message, .. } => Err(message),
            other => panic!("{other:?}"),
        }
    }

    /// Runs the command `bootstore` on this board.
    pub fn run(&self, arguments: &[&str]) -> Output {
        Command::new(COMMAND)
            .arg("--control")
            .arg(self.control())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs the command `bootstore`, which must succeed, and returns what it prints.
    pub fn run_ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}\n{}",
            String::from_utf8_lossy(&output.stderr),
            self.log()
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Resident memory of the daemon in KiB.
    pub fn memory(&self) -> u64 {
        let pid = self.status().pid;
        let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_ascii_whitespace()
            .nth(1)
            .unwrap()
            .parse()
            .unwrap()
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.kill();
    }
}
