//! The two DHCP servers of ISC, as processes: what dnsmasq does not do, such as leases of single addresses.

use crate::netns::{Host, Port};
use crate::servers::{Program, Server};
use anyhow::{Context, Result};
use std::fs::{self, File};

/// Starts ISC dhcpd for the network 10.0.2.0/24 of `host`. `lines` go into the block of the subnet.
///
/// # Errors
/// When it is missing, does not like its configuration, or does not open its port.
pub fn dhcpd(host: &Host, lines: &str) -> Result<Server> {
    let place = host.workspace("dhcpd")?;
    let (config, leases) = (place.join("dhcpd.conf"), place.join("leases"));
    let text = format!(
        "authoritative;\n\
         option rfc3442 code 121 = array of integer 8;\n\
         subnet 10.0.2.0 netmask 255.255.255.0 {{\n{lines}\n}}\n"
    );
    fs::write(&config, text)?;
    // It does not make the file itself.
    File::create(&leases)?;
    let mut command = host.namespace.command(Program::Dhcpd.find()?);
    command
        .args(["-4", "-f", "-d", "--no-pid", "-cf"])
        .arg(&config)
        .arg("-lf")
        .arg(&leases)
        .arg(host.interface);
    Server::start(
        "dhcpd",
        command,
        host,
        place.join("log"),
        None,
        &[Port::Udp(67)],
    )
}

/// Starts Kea's DHCPv4 server for the network 10.0.2.0/24 of `host`. `json` has members for the subnet and above it: `option-def` and `option-data`.
///
/// # Errors
/// When it is missing, does not like its configuration, or does not open its port.
pub fn kea4(host: &Host, json: &str) -> Result<Server> {
    let place = host.workspace("kea4")?;
    let config = place.join("kea-dhcp4.conf");
    let own: serde_json::Value = serde_json::from_str(json).context("the options for Kea")?;
    let text = serde_json::json!({ "Dhcp4": {
        "interfaces-config": { "interfaces": [host.interface] },
        "lease-database": { "type": "memfile", "persist": false },
        "option-def": own["option-def"],
        "option-data": own["option-data"],
        "subnet4": [{
            "subnet": "10.0.2.0/24",
            "pools": [{ "pool": "10.0.2.100 - 10.0.2.150" }],
        }],
        "loggers": [{
            "name": "kea-dhcp4",
            "severity": "DEBUG",
            "debuglevel": 55,
            "output_options": [{ "output": "stdout" }],
        }],
    } });
    fs::write(&config, serde_json::to_string_pretty(&text)?)?;
    let mut command = host.namespace.command(Program::Kea4.find()?);
    command
        .env("KEA_PIDFILE_DIR", &place)
        .env("KEA_LOCKFILE_DIR", &place)
        .arg("-c")
        .arg(&config);
    let ports = [Port::Udp(67)];
    Server::start("kea-dhcp4", command, host, place.join("log"), None, &ports)
}
