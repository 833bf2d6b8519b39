//! What a network of IPv6 has beside image servers, as processes: radvd, and the DHCPv6 server of Kea.

use crate::netns::{Host, Port};
use crate::plan::SERVER6;
use crate::servers::{Program, Server};
use anyhow::{Result, ensure};
use std::fs;
use std::time::{Duration, Instant};

/// How long an interface may take for its addresses.
const PATIENCE: Duration = Duration::from_secs(5);

/// Gives the machine an address of IPv6 and waits until it can be used, and its link-local one too.
///
/// # Errors
/// When the kernel has no IPv6.
pub fn add_address(host: &Host) -> Result<()> {
    let interface = host.interface;
    // Some systems switch IPv6 off by default.
    let mut command = host.namespace.command("sh");
    let switch = "echo 0 > /proc/sys/net/ipv6/conf/$1/disable_ipv6";
    let status = command.args(["-c", switch, "sh", interface]).status()?;
    ensure!(status.success(), "IPv6 cannot be switched on");
    host.namespace
        .ip_lines(&format!("addr add {SERVER6}/64 dev {interface} nodad\n"))?;
    let until = Instant::now() + PATIENCE;
    loop {
        let mut command = host.namespace.command("ip");
        let output = command
            .args(["-6", "addr", "show", "dev", interface])
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        if text.contains("scope link") && !text.contains("tentative") {
            return Ok(());
        }
        ensure!(Instant::now() < until, "no address of IPv6: {text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Starts radvd, which advertises the network of [`SERVER6`]; `lines` go into the block of the interface, and `prefix` into that of the prefix.
///
/// # Errors
/// When it is missing or does not like its configuration.
pub fn radvd(host: &Host, lines: &str, prefix: &str) -> Result<Server> {
    let place = host.workspace("radvd")?;
    let config = place.join("radvd.conf");
    fs::write(
        &config,
        format!(
            "interface {} {{\n  AdvSendAdvert on;\n  MinRtrAdvInterval 3;\n  MaxRtrAdvInterval 4;\n  {lines}\n  \
             prefix fd00:0:0:2::/64 {{ {prefix} }};\n}};\n",
            host.interface
        ),
    )?;
    let mut command = host.namespace.command(Program::Radvd.find()?);
    command
        .args(["--nodaemon", "--logmethod", "stderr", "--debug", "1"])
        .arg("--config")
        .arg(&config)
        .arg("--pidfile")
        .arg(place.join("pid"));
    // It has no port: its messages are those of ICMPv6.
    Server::start("radvd", command, host, place.join("log"), None, &[])
}

/// Starts Kea's DHCPv6 server for the network of [`SERVER6`], with these options by name.
///
/// # Errors
/// When it is missing, does not like its configuration, or does not open its port.
pub fn kea6(host: &Host, options: &[(&str, &str)]) -> Result<Server> {
    let place = host.workspace("kea")?;
    let config = place.join("kea-dhcp6.conf");
    let options: Vec<_> = options
        .iter()
        .map(|(name, data)| serde_json::json!({ "name": name, "data": data }))
        .collect();
    let text = serde_json::json!({ "Dhcp6": {
        "interfaces-config": { "interfaces": [host.interface] },
        "server-id": { "type": "LL", "persist": false },
        "lease-database": { "type": "memfile", "persist": false },
        "subnet6": [{
            "subnet": "fd00:0:0:2::/64",
            "interface": host.interface,
            "pools": [{ "pool": "fd00:0:0:2::1000 - fd00:0:0:2::10ff" }],
            "option-data": options,
        }],
        "loggers": [{
            "name": "kea-dhcp6",
            "severity": "DEBUG",
            "debuglevel": 55,
            "output_options": [{ "output": "stdout" }],
        }],
    } });
    fs::write(&config, serde_json::to_string_pretty(&text)?)?;
    let mut command = host.namespace.command(Program::Kea6.find()?);
    command
        .env("KEA_PIDFILE_DIR", &place)
        .env("KEA_LOCKFILE_DIR", &place)
        .arg("-c")
        .arg(&config);
    let ports = [Port::Udp(547)];
    Server::start("kea-dhcp6", command, host, place.join("log"), None, &ports)
}
