//! The tool as a server, in a process of its own.

use crate::common::Folder;
use netboot_ubp::wire::{Answer, Get, Name, Open, REQUEST_MAX, Report, Request};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Time after which a test that waits fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server. It is killed with the test, however that ends.
pub struct Running {
    child: Child,
    /// What it prints, as long as somebody reads it.
    lines: Option<Lines<BufReader<ChildStdout>>>,
    pub address: SocketAddr,
    metrics: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Serves a folder at an address of this machine, at a free port.
    pub fn start(folder: &Folder, address: &str, options: &[&str]) -> Self {
        let bind = SocketAddr::new(address.parse().unwrap(), 0).to_string();
        let mut child = Command::new(env!("CARGO_BIN_EXE_netboot"))
            .args(["serve", ".", "--bind", &bind, "--metrics", "127.0.0.1:0"])
            .args(options)
            .current_dir(folder.path(""))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = || lines.next().expect("a line").unwrap();
        let address = next().strip_prefix("serving . at UDP ").unwrap().to_owned();
        let metrics = next();
        let metrics = metrics.strip_prefix("metrics at http://").unwrap();
        let metrics = metrics.strip_suffix("/metrics").unwrap().parse().unwrap();
        Self {
            child,
            lines: Some(lines),
            address: address.parse().unwrap(),
            metrics,
        }
    }

    /// The same server by another address of this machine.
    pub fn by(&self, address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), self.address.port())
    }

    /// The next line of a report.
    pub fn report(&mut self) -> String {
        let lines = self.lines.as_mut().expect("somebody reads");
        lines.next().expect("a report").unwrap()
    }

    /// Reads no more lines: the server gets an error when it prints.
    pub fn close_lines(&mut self) {
        self.lines = None;
    }

    /// What the HTTP server answers to this.
    pub fn http(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.metrics).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    /// A number of the metrics; 0 when it is not there.
    pub fn metric(&self, name: &str) -> u64 {
        let text = self.http("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("netboot_ubp_{name} ")));
        line.map_or(0, |value| value.parse().unwrap())
    }

    /// Waits until a number of the metrics has this value.
    pub fn wait_for(&self, name: &str, value: u64) {
        let began = Instant::now();
        while self.metric(name) != value {
            let found = self.metric(name);
            assert!(began.elapsed() < PATIENCE, "{name} is {found}, not {value}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it by a signal; the exit status, and what it has written to standard error.
    pub fn stop(mut self, signal: Signal) -> (Option<i32>, String) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
        let status = self.child.wait().unwrap();
        let mut errors = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut errors).unwrap();
        (status.code(), errors)
    }

    /// Ends it by a signal; the exit status, and the lines that nobody has read.
    pub fn stop_and_read(mut self, signal: Signal) -> (Option<i32>, Vec<String>) {
        let lines = self.lines.take().expect("somebody reads");
        let (status, _) = self.stop(signal);
        (status, lines.map(Result::unwrap).collect())
    }
}

/// A client that sends single messages.
pub struct Asking(pub UdpSocket);

impl Asking {
    pub fn of(server: SocketAddr) -> Self {
        let any = match server {
            SocketAddr::V4(_) => "127.0.0.1:0",
            SocketAddr::V6(_) => "[::1]:0",
        };
        let socket = UdpSocket::bind(any).unwrap();
        socket.connect(server).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    pub fn send(&self, request: &Request<'_>) {
        let mut buf = [0; REQUEST_MAX];
        let len = request.emit(&mut buf).unwrap();
        self.0.send(&buf[..len]).unwrap();
    }

    pub fn open(&self, name: Name<'_>) {
        self.send(&Request::Open(Open {
            nonce: 7,
            window: 64,
            rate: 0,
            multicast: false,
            name,
        }));
    }

    pub fn get(&self, cookie: u64, id: u32, map: u64, gap: u16) {
        let first = 0;
        self.send(&Request::Get(Get {
            cookie,
            id,
            first,
            map,
            gap,
        }));
    }

    pub fn report(&self, cookie: u64, id: u32, error: u32) {
        self.send(&Request::Report(Report {
            cookie,
            id,
            error,
            ..Report::default()
        }));
    }

    /// The next answer, which is given to `look`.
    pub fn answer<T>(&self, look: impl FnOnce(Answer<'_>) -> T) -> T {
        let mut buf = [0; 2048];
        let len = self.0.recv(&mut buf).expect("an answer");
        look(Answer::parse(&buf[..len]).expect("a message of a server"))
    }

    /// The code of the ERROR message that answers.
    pub fn error(&self, expected_token: u64) -> u16 {
        self.answer(|answer| match answer {
            Answer::Error { token, code } => {
                assert_eq!(token, expected_token);
                code.0
            }
            other => panic!("{other:?}"),
        })
    }

    /// Opens a file; its cookie and id.
    pub fn opened(&self, path: &str) -> (u64, u32) {
        self.open(Name::Path(path.as_bytes()));
        self.answer(|answer| match answer {
            Answer::Meta(meta) => {
                let digest = meta
                    .descriptor
                    .digest(&mut netboot_verity::Software::default());
                let [a, b, c, d, ..] = digest.0;
                (meta.cookie, u32::from_be_bytes([a, b, c, d]))
            }
            other => panic!("{other:?}"),
        })
    }

    /// Whether nothing comes for a tenth of a second.
    pub fn is_silent(&self) -> bool {
        let short = Some(Duration::from_millis(100));
        self.0.set_read_timeout(short).unwrap();
        let silent = self.0.recv(&mut [0; 2048]).is_err();
        self.0.set_read_timeout(Some(PATIENCE)).unwrap();
        silent
    }
}
