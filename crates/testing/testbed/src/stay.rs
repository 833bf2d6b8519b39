//! A board that stays up after its boot, for the host library to ask.
//!
//! The ROM has the feature `stay` ([`RomOptions::stay`](crate::rom::RomOptions::stay)). Its mailbox is a UDP port in the network of
//! the boot, which a port of this machine leads to. MCTP goes over a second UART, whose other end is a UNIX socket.

use crate::plan::{CLIENT, Plan};
use crate::qemu::{Machine, QEMU, QemuOptions, QemuOutcome, Surroundings, bound_to_us};
use anyhow::{Context, Result, ensure};
use image_server::forward::Forward;
use netboot_lines::lines::{Said, Stay};
use std::ffi::OsString;
use std::io::Write as _;
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::path::{Path, PathBuf};

/// The port of the board's mailbox, and the public one of this machine.
pub const PORT: u16 = 62_222;
/// The key that ends the stay: *end of transmission*.
const END: u8 = 0x04;

/// Where a board that stays up answers.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The mailbox over UDP.
    pub mailbox: SocketAddr,
    /// The socket of the serial line with MCTP.
    pub mctp: PathBuf,
    /// The board's endpoint number in MCTP.
    pub endpoint: u8,
}

impl Endpoints {
    /// The mailbox as `caliptra-util --transport` wants it.
    pub fn mailbox_uri(&self) -> String {
        format!("udp://{}", self.mailbox)
    }

    /// MCTP as `caliptra-util --transport` wants it.
    pub fn mctp_uri(&self) -> String {
        let path = self.mctp.display();
        format!("mctp+unix:{path}?eid={}", self.endpoint)
    }
}

/// Boots `plan`, and has `visit` called while the board stays up; when it returns, the board is told to end. A boot that fails has no
/// visit. The mailbox is at `port` of this machine's loopback address; 0 is any free one.
///
/// # Errors
/// As with [`qemu::boot`](crate::qemu::boot), when the port is taken, and those of `visit`.
pub fn boot(
    plan: &Plan,
    options: &QemuOptions,
    port: u16,
    on_line: &mut dyn FnMut(&str),
    visit: &mut dyn FnMut(&Endpoints) -> Result<()>,
) -> Result<QemuOutcome> {
    let socket = UdpSocket::bind(("127.0.0.1", port));
    let socket = socket.with_context(|| format!("cannot have UDP port {port} for the mailbox"))?;
    let mailbox = socket.local_addr()?;
    let forward = Forward::new(socket, SocketAddrV4::new(CLIENT, PORT))?;
    let mut around = Surroundings::new(plan, options, Some(forward))?;
    let mctp = around.scratch.path().join("mctp.sock");
    around.arguments.extend(line_arguments(&mctp));
    let command = bound_to_us(QEMU);
    let (machine, mut keyboard) = Machine::start_with_keyboard(command, &around.arguments)?;
    let mut visited = Ok(());
    let mut line = |line: &str| {
        on_line(line);
        if let Ok(Some(Said::Stay(stay))) = Said::parse(line) {
            visited = endpoints(&stay, mailbox, &mctp).and_then(|at| visit(&at));
            // A machine that has gone says so by its end.
            let _ = keyboard.write_all(&[END]);
            let _ = keyboard.flush();
        }
    };
    let outcome = around.watch(machine, options, &mut line)?;
    visited?;
    Ok(outcome)
}

/// Where the board answers, by what it says of itself.
fn endpoints(stay: &Stay, mailbox: SocketAddr, mctp: &Path) -> Result<Endpoints> {
    let address = stay.address.as_deref();
    let address = address.context("the board has no IPv4 address, so nobody can reach it")?;
    ensure!(
        address == CLIENT.to_string() && stay.port == Some(PORT),
        "the board answers at {address} port {:?}, and the way leads to {CLIENT} port {PORT}",
        stay.port
    );
    let endpoint = stay
        .mctp
        .context("the board has not found its second UART")?;
    Ok(Endpoints {
        mailbox,
        mctp: mctp.to_path_buf(),
        endpoint,
    })
}

/// QEMU's arguments for the second UART, at the other end of which a socket listens at `path`.
fn line_arguments(path: &Path) -> [OsString; 4] {
    let chardev = crate::qemu::with_path("socket,id=mctp,server=on,wait=off,path=", path);
    let device = "pci-serial,chardev=mctp";
    ["-chardev".into(), chardev, "-device".into(), device.into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_that_cannot_be_reached_is_no_visit() {
        let mailbox = "127.0.0.1:1".parse().unwrap();
        let stay = |address: Option<&str>, port, mctp| Stay {
            address: address.map(Into::into),
            port,
            mctp,
        };
        let at = |stay| endpoints(&stay, mailbox, Path::new("/s"));
        let here = CLIENT.to_string();
        let found = at(stay(Some(&here), Some(PORT), Some(9))).unwrap();
        assert_eq!(found.mailbox_uri(), "udp://127.0.0.1:1");
        assert_eq!(found.mctp_uri(), "mctp+unix:/s?eid=9");
        for wrong in [
            stay(None, None, None),
            stay(Some("10.0.2.99"), Some(PORT), Some(9)),
            stay(Some(&here), Some(1), Some(9)),
            stay(Some(&here), Some(PORT), None),
        ] {
            assert!(at(wrong.clone()).is_err(), "{wrong:?}");
        }
    }
}
