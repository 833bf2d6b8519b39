//! The DHCP server of ISC, as a process: what dnsmasq does not do, such as leases of single addresses.

use crate::netns::{Host, Port};
use crate::servers::{Program, Server};
use anyhow::Result;
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
