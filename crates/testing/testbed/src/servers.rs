//! Real servers as processes: configuration, readiness, log, end.
//!
//! Each runs in the foreground in a [`Host`]'s namespace with a configuration, state and log of its
//! own; nothing of the machine's own servers is read or written.

use crate::netns::{Host, Port};
use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

/// How long a server may take to start, to write something down, or to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// A program that tests need, and how to get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// DHCP, ProxyDHCP, DNS and TFTP.
    Dnsmasq,
    /// HTTP.
    Nginx,
    /// TFTP by H. Peter Anvin.
    TftpdHpa,
    /// TFTP with the windowsize option. Debian does not install it beside tftpd-hpa, so it may also be
    /// unpacked.
    Atftpd,
    /// HTTPS by OpenSSL's `s_server`.
    OpenSsl,
    /// HTTPS by GnuTLS.
    GnutlsServ,
    /// Syslog.
    Rsyslogd,
    /// Counts lines of a log.
    Mtail,
    /// Router advertisements.
    Radvd,
    /// DHCPv6.
    Kea6,
    /// The DHCPv4 server of Kea.
    Kea4,
    /// A cache before a web server.
    Varnish,
    /// DHCP by ISC.
    Dhcpd,
    /// The emulator of a PC that iPXE runs in.
    QemuPc,
    /// iPXE's image for the boot protocol of Linux.
    Ipxe,
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Dnsmasq,
        Self::Nginx,
        Self::TftpdHpa,
        Self::Atftpd,
        Self::OpenSsl,
        Self::GnutlsServ,
        Self::Rsyslogd,
        Self::Mtail,
        Self::Radvd,
        Self::Kea6,
        Self::Kea4,
        Self::Varnish,
        Self::Dhcpd,
        Self::QemuPc,
        Self::Ipxe,
    ];

    fn executable(self) -> &'static str {
        match self {
            Program::Dnsmasq => "dnsmasq",
            Program::Nginx => "nginx",
            Program::TftpdHpa => "in.tftpd",
            Program::Atftpd => "atftpd",
            Program::OpenSsl => "openssl",
            Program::GnutlsServ => "gnutls-serv",
            Program::Rsyslogd => "rsyslogd",
            Program::Mtail => "mtail",
            Program::Radvd => "radvd",
            Program::Kea6 => "kea-dhcp6",
            Program::Kea4 => "kea-dhcp4",
            Program::Varnish => "varnishd",
            Program::Dhcpd => "dhcpd",
            Program::QemuPc => "qemu-system-x86_64",
            Program::Ipxe => "ipxe.lkrn",
        }
    }

    /// The command that installs it on Debian and Ubuntu.
    pub fn install(self) -> String {
        match self {
            Program::Dnsmasq => "apt-get install dnsmasq-base".into(),
            Program::Nginx => "apt-get install nginx".into(),
            Program::TftpdHpa => "apt-get install tftpd-hpa".into(),
            Program::OpenSsl => "apt-get install openssl".into(),
            Program::GnutlsServ => "apt-get install gnutls-bin".into(),
            Program::Rsyslogd => "apt-get install rsyslog".into(),
            Program::Mtail => "apt-get install mtail".into(),
            Program::Radvd => "apt-get install radvd".into(),
            Program::Kea6 => "apt-get install kea-dhcp6-server".into(),
            Program::Kea4 => "apt-get install kea-dhcp4-server".into(),
            Program::Varnish => "apt-get install varnish".into(),
            Program::Dhcpd => "apt-get install isc-dhcp-server".into(),
            Program::QemuPc => "apt-get install qemu-system-x86".into(),
            Program::Ipxe => "apt-get install ipxe".into(),
            Program::Atftpd => format!(
                "apt-get download atftpd && dpkg-deb --extract atftpd_*.deb {}",
                unpacked().display()
            ),
        }
    }

    /// Where it is.
    ///
    /// # Errors
    /// When it is missing; says how to install it.
    pub fn find(self) -> Result<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let system = ["/usr/sbin", "/sbin", "/usr/local/sbin"];
        // Images of other machines lie apart from programs.
        let images = ["/usr/lib/ipxe", "/boot"];
        std::env::split_paths(&path)
            .chain(system.into_iter().chain(images).map(PathBuf::from))
            .chain([unpacked().join("usr/sbin")])
            .map(|directory| directory.join(self.executable()))
            .find(|path| path.is_file())
            .with_context(|| {
                let (name, install) = (self.executable(), self.install());
                format!("{name} is missing: run `{install}`")
            })
    }
}

/// Where packages may be unpacked that cannot be installed.
fn unpacked() -> PathBuf {
    crate::rom::target_directory().join("real-servers")
}

/// A server process; ends with this value. Its log goes to stderr if the test fails.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
    syslog: Option<Syslog>,
}

impl Server {
    /// Starts `command` and waits until it has `ports`.
    pub(crate) fn start(
        name: &'static str,
        mut command: Command,
        host: &Host,
        log: PathBuf,
        syslog: Option<Syslog>,
        ports: &[Port],
    ) -> Result<Self> {
        let out = File::options().create(true).append(true).open(&log)?;
        let child = command
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let mut server = Self {
            name,
            child,
            log,
            syslog,
        };
        let deadline = Instant::now() + PATIENCE;
        for port in ports {
            while !host.namespace.has_port(*port)? {
                if let Some(status) = server.child.try_wait()? {
                    bail!("{name} ended with {status}:\n{}", server.log());
                }
                if Instant::now() >= deadline {
                    bail!("{name} does not open {port:?}:\n{}", server.log());
                }
                sleep(LOOK);
            }
        }
        Ok(server)
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        let octets = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// The lines of the log that have each of these words in them.
    pub fn lines(&self, words: &[&str]) -> Vec<String> {
        self.log()
            .lines()
            .filter(|line| words.iter().all(|word| line.contains(word)))
            .map(str::to_owned)
            .collect()
    }

    /// Waits until the log has `count` lines with each of these words, and gives the lines.
    ///
    /// # Errors
    /// When that takes too long.
    pub fn wait_lines(&self, words: &[&str], count: usize) -> Result<Vec<String>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let lines = self.lines(words);
            if lines.len() >= count {
                return Ok(lines);
            }
            if Instant::now() >= deadline {
                let (name, log) = (self.name, self.log());
                bail!("{name} never wrote {count} lines with {words:?}:\n{log}");
            }
            sleep(LOOK);
        }
    }

    fn signal(&self, signal: Signal) {
        // Gone already, if this fails.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Asks it to end, and sees to it.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        let deadline = Instant::now() + PATIENCE;
        while let Ok(None) = self.child.try_wait() {
            if Instant::now() >= deadline {
                eprintln!("{} does not end and is killed", self.name);
                for child in children(self.child.id()) {
                    let _ = kill_process(child, Signal::KILL);
                }
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            sleep(LOOK);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        drop(self.syslog.take());
        if std::thread::panicking() {
            eprintln!("--- log of {}\n{}---", self.name, self.log());
        }
    }
}

/// The children of a process.
fn children(process: u32) -> impl Iterator<Item = Pid> {
    let path = format!("/proc/{process}/task/{process}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    let pids: Vec<_> = text
        .split_ascii_whitespace()
        .filter_map(|word| Pid::from_raw(word.parse().ok()?))
        .collect();
    pids.into_iter()
}

/// Starts dnsmasq with `lines` of configuration.
///
/// # Errors
/// When it is missing, does not like its configuration, or does not open `ports`.
pub fn dnsmasq(host: &Host, lines: &str, ports: &[Port]) -> Result<Server> {
    let place = host.workspace("dnsmasq")?;
    let config = place.join("dnsmasq.conf");
    let text = format!(
        "user=root\ninterface={}\nexcept-interface=lo\nbind-interfaces\nno-resolv\nno-hosts\n\
         dhcp-leasefile={}\npid-file={}\ntftp-root={}\n{lines}\n",
        host.interface,
        place.join("leases").display(),
        place.join("pid").display(),
        host.files().display(),
    );
    fs::write(&config, text)?;
    let mut command = host.namespace.command(Program::Dnsmasq.find()?);
    command
        .args(["--no-daemon", "--no-ping", "--log-dhcp", "--log-facility=-"])
        .arg(format!("--conf-file={}", config.display()));
    Server::start("dnsmasq", command, host, place.join("log"), None, ports)
}

/// Starts tftpd-hpa on the host's files.
///
/// # Errors
/// When it is missing or does not open its port.
pub fn tftpd_hpa(host: &Host, arguments: &[&str]) -> Result<Server> {
    let program = Program::TftpdHpa.find()?;
    // Other packages have an in.tftpd, too.
    let version = Command::new(&program).arg("-V").output()?.stdout;
    let version = String::from_utf8_lossy(&version);
    ensure!(
        version.starts_with("tftp-hpa"),
        "{} is {version:?} rather than tftpd-hpa: run `{}`",
        program.display(),
        Program::TftpdHpa.install()
    );
    let place = host.workspace("tftpd-hpa")?;
    let log = place.join("log");
    let socket = place.join("syslog");
    let syslog = Syslog::new(&socket, &log)?;
    // It writes to /dev/log only. `ip netns exec` has given it a mount namespace of its own, so it can
    // have a /dev of its own.
    let script = "set -e; mount -t tmpfs tmpfs /dev; mknod -m 666 /dev/null c 1 3; \
                  ln -s \"$1\" /dev/log; shift; exec \"$@\"";
    let mut command = host.namespace.command("sh");
    command
        .args(["-c", script, "sh"])
        .arg(&socket)
        .arg(&program)
        .args(["--foreground", "-vv", "--user", "root", "--secure"])
        .arg("--address")
        .arg(format!("{}:69", host.address))
        .args(arguments)
        .arg(host.files());
    let ports = [Port::Udp(69)];
    Server::start("tftpd-hpa", command, host, log, Some(syslog), &ports)
}

/// Starts atftpd on the host's files.
///
/// # Errors
/// When it is missing or does not open its port.
pub fn atftpd(host: &Host, arguments: &[&str]) -> Result<Server> {
    let place = host.workspace("atftpd")?;
    let log = place.join("log");
    let mut command = host.namespace.command(Program::Atftpd.find()?);
    command
        .args(["--daemon", "--no-fork", "--logfile", "-"])
        .args(["--verbose=7", "--trace"])
        .args(["--user", "root.root", "--bind-address"])
        .arg(host.address.to_string())
        .args(arguments)
        .arg(host.files());
    Server::start("atftpd", command, host, log, None, &[Port::Udp(69)])
}

/// A request as nginx has it in its access log.
#[derive(Clone, Debug, Deserialize)]
pub struct Request {
    /// Number of the connection.
    pub connection: String,
    /// Which request of the connection it is, from 1.
    pub connection_requests: String,
    /// The request line's method.
    pub method: String,
    /// The request line's target.
    pub uri: String,
    /// Field `Host`.
    pub host: String,
    /// Field `Range`.
    pub range: String,
    /// Field `If-Range`.
    pub if_range: String,
    /// Field `Accept-Encoding`.
    pub accept_encoding: String,
    /// Whom it was authenticated as.
    pub user: String,
    /// Status of the answer.
    pub status: String,
    /// Octets of the answer's body, as they were sent.
    pub body_octets: String,
    /// Field `Content-Range` of the answer.
    pub content_range: String,
    /// Field `Content-Encoding` of the answer.
    pub content_encoding: String,
    /// Field `Transfer-Encoding` of the answer.
    pub transfer_encoding: String,
    /// Field `Location` of the answer.
    pub location: String,
    /// Version of TLS, such as `TLSv1.3`; empty without.
    pub tls: String,
    /// Cipher suite, as OpenSSL calls it; empty without TLS.
    pub cipher: String,
    /// `SUCCESS` for a client that has proven its certificate, `NONE` for one without; empty without TLS.
    pub client_verify: String,
}

/// What nginx calls the fields of [`Request`].
const LOG_FORMAT: &str = r#"'{"connection":"$connection",'
    '"connection_requests":"$connection_requests","method":"$request_method","uri":"$request_uri","host":"$http_host",'
    '"range":"$http_range","if_range":"$http_if_range","accept_encoding":"$http_accept_encoding",'
    '"user":"$remote_user","status":"$status","body_octets":"$body_bytes_sent",'
    '"content_range":"$sent_http_content_range","content_encoding":"$sent_http_content_encoding",'
    '"transfer_encoding":"$sent_http_transfer_encoding","location":"$sent_http_location",'
    '"tls":"$ssl_protocol","cipher":"$ssl_cipher","client_verify":"$ssl_client_verify"}'"#;

/// nginx: a master and one worker.
pub struct Nginx {
    server: Server,
    place: PathBuf,
    port: u16,
}

impl Nginx {
    /// Starts nginx on the host's files; `lines` go into the one `server` block.
    ///
    /// # Errors
    /// When it is missing, does not like its configuration, or does not open port 80.
    pub fn start(host: &Host, lines: &str) -> Result<Self> {
        Self::start_at(host, 80, "", lines)
    }

    /// The same at another port; `option` is one of `listen`.
    ///
    /// # Errors
    /// As with [`start`](Self::start).
    pub fn start_at(host: &Host, port: u16, option: &str, lines: &str) -> Result<Self> {
        Self::start_with(host, port, option, "", lines)
    }

    /// The same with further lines, `http`, outside of the `server` block.
    ///
    /// # Errors
    /// As with [`start`](Self::start).
    pub fn start_with(
        host: &Host,
        port: u16,
        option: &str,
        http: &str,
        lines: &str,
    ) -> Result<Self> {
        let place = host.workspace("nginx")?;
        let config = format!(
            "daemon off;\nuser root;\nworker_processes 1;\npid pid;\n\
             events {{ worker_connections 64; }}\n\
             http {{\n  default_type application/octet-stream;\n\
             log_format lines escape=json {LOG_FORMAT};\n  access_log access lines;\n\
             client_body_temp_path body;\n  proxy_temp_path proxy;\n  fastcgi_temp_path fastcgi;\n\
             uwsgi_temp_path uwsgi;\n  scgi_temp_path scgi;\n  {http}\n\
             server {{\n    listen {}:{port} {option};\n    root {};\n{lines}\n  }}\n}}\n",
            host.address,
            host.files().display(),
        );
        fs::write(place.join("nginx.conf"), config)?;
        let server = Self::run(host, &place, port)?;
        Ok(Self {
            server,
            place,
            port,
        })
    }

    fn run(host: &Host, place: &Path, port: u16) -> Result<Server> {
        let mut command = host.namespace.command(Program::Nginx.find()?);
        command.arg("-p").arg(place);
        command.args(["-c", "nginx.conf", "-e", "/dev/stderr"]);
        let log = place.join("log");
        Server::start("nginx", command, host, log, None, &[Port::Tcp(port)])
    }

    /// Its master process.
    pub fn id(&self) -> u32 {
        self.server.id()
    }

    /// Kills the worker at once; connections break. The master starts another.
    ///
    /// # Errors
    /// When there is none.
    pub fn kill_worker(&self) -> Result<()> {
        let mut workers = children(self.server.child.id());
        let worker = workers.next().context("nginx has no worker")?;
        kill_process(worker, Signal::KILL).context("cannot kill nginx's worker")
    }

    /// Ends it; connections break.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Starts it again with the same configuration and logs.
    ///
    /// # Errors
    /// As with [`start`](Self::start).
    pub fn restart(&mut self, host: &Host) -> Result<()> {
        self.server.stop();
        self.server = Self::run(host, &self.place, self.port)?;
        Ok(())
    }

    /// The requests answered so far.
    ///
    /// # Errors
    /// When the access log has a line that cannot be read.
    pub fn requests(&self) -> Result<Vec<Request>> {
        let text = fs::read_to_string(self.place.join("access")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).with_context(|| format!("access log: {line}")))
            .collect()
    }

    /// Waits until its error log has `count` lines with each of these words, and gives the lines. Of handshakes
    /// it writes only when `lines` had `error_log /dev/stderr info;`.
    ///
    /// # Errors
    /// When that takes too long.
    pub fn wait_lines(&self, words: &[&str], count: usize) -> Result<Vec<String>> {
        self.server.wait_lines(words, count)
    }

    /// Waits until it has answered `count` requests, and gives them.
    ///
    /// # Errors
    /// When that takes too long.
    pub fn wait_requests(&self, count: usize) -> Result<Vec<Request>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let requests = self.requests()?;
            if requests.len() >= count {
                return Ok(requests);
            }
            let log = self.server.log();
            ensure!(
                Instant::now() < deadline,
                "nginx answered {requests:#?} rather than {count} requests\n{log}"
            );
            sleep(LOOK);
        }
    }
}

/// A socket that takes what a server says to syslog, and a thread that writes it down.
#[derive(Debug)]
pub(crate) struct Syslog {
    over: Arc<AtomicBool>,
    writer: Option<JoinHandle<()>>,
}

impl Syslog {
    fn new(socket: &Path, log: &Path) -> Result<Self> {
        let socket = UnixDatagram::bind(socket).context("cannot make a socket for syslog")?;
        socket.set_read_timeout(Some(Duration::from_millis(20)))?;
        let mut log = File::options().create(true).append(true).open(log)?;
        let over = Arc::new(AtomicBool::new(false));
        let writer = std::thread::spawn({
            let over = over.clone();
            move || {
                let mut message = [0; 4096];
                loop {
                    // `over` is read first: what came before it was set is still written.
                    let last = over.load(Ordering::Acquire);
                    if let Ok(len) = socket.recv(&mut message) {
                        let _ = log.write_all(&message[..len]);
                        let _ = log.write_all(b"\n");
                    } else if last {
                        return;
                    }
                }
            }
        });
        Ok(Self {
            over,
            writer: Some(writer),
        })
    }
}

impl Drop for Syslog {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}
