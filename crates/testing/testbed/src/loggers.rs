//! Servers that take logs, as processes: rsyslog, and mtail behind it.

use crate::netns::{Host, Port};
use crate::servers::{Program, Server};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a line may take to be written down.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running rsyslog on UDP port 514. It writes what it has understood of each line as JSON, and the lines themselves into another
/// file.
pub struct Rsyslog {
    _server: Server,
    parsed: PathBuf,
    /// The file with the lines, in the format of RFC 5424.
    pub lines: PathBuf,
}

impl Rsyslog {
    /// Starts it.
    ///
    /// # Errors
    /// When it is missing or does not open its port.
    pub fn start(host: &Host) -> Result<Self> {
        let place = host.workspace("rsyslog")?;
        let (parsed, lines) = (place.join("parsed"), place.join("lines"));
        let config = place.join("rsyslog.conf");
        let properties = [
            "pri",
            "protocol-version",
            "hostname",
            "app-name",
            "procid",
            "msgid",
            "structured-data",
            "msg",
            "fromhost-ip",
        ];
        let fields: Vec<_> = properties
            .iter()
            .map(|name| format!("property(name=\"{name}\" outname=\"{name}\" format=\"jsonf\")"))
            .collect();
        let fields = fields.join(" constant(value=\",\") ");
        fs::write(
            &config,
            format!(
                "global(workDirectory=\"{place}\" net.enableDNS=\"off\")\n\
                 module(load=\"imudp\")\n\
                 template(name=\"parsed\" type=\"list\") {{ constant(value=\"{{\") {fields} constant(value=\"}}\\n\") }}\n\
                 ruleset(name=\"all\") {{\n\
                   action(type=\"omfile\" file=\"{parsed}\" template=\"parsed\")\n\
                   action(type=\"omfile\" file=\"{lines}\" template=\"RSYSLOG_SyslogProtocol23Format\")\n\
                 }}\n\
                 input(type=\"imudp\" address=\"*\" port=\"514\" ruleset=\"all\")\n",
                place = place.display(),
                parsed = parsed.display(),
                lines = lines.display(),
            ),
        )?;
        let mut command = host.namespace.command(Program::Rsyslogd.find()?);
        command
            .arg("-n")
            .arg("-f")
            .arg(&config)
            .arg("-i")
            .arg(place.join("pid"));
        let ports = [Port::Udp(514)];
        let server = Server::start("rsyslogd", command, host, place.join("log"), None, &ports)?;
        Ok(Self {
            _server: server,
            parsed,
            lines,
        })
    }

    /// Waits for `count` lines at least, and gives what rsyslog has understood of each.
    ///
    /// # Errors
    /// When fewer come.
    pub fn wait(&self, count: usize) -> Result<Vec<Value>> {
        let until = Instant::now() + PATIENCE;
        loop {
            let text = fs::read_to_string(&self.parsed).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            if lines.len() >= count {
                let read = |line: &&str| serde_json::from_str(line).context(line.to_string());
                return lines.iter().map(read).collect();
            }
            ensure!(Instant::now() < until, "{} of {count} lines", lines.len());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Gives what `program` of mtail has counted in the file `lines`, in the format of Prometheus.
///
/// # Errors
/// When mtail is missing, or does not like the program.
pub fn mtail(program: &Path, lines: &Path) -> Result<String> {
    let output = Command::new(Program::Mtail.find()?)
        .arg("--progs")
        .arg(program)
        .arg("--logs")
        .arg(lines)
        .args(["--one_shot", "--one_shot_format=prometheus"])
        .output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "mtail: {error}");
    Ok(String::from_utf8(output.stdout)?)
}
