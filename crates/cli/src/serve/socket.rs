//! The server's socket.

use anyhow::{Result, anyhow};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

/// Octets of the socket's buffers that the system is asked for. It may give less.
const BUFFER: usize = 1 << 20;

/// Opens the socket, which never waits. `[::]` is for IPv4, too; on a system without IPv6 it is for IPv4 alone.
///
/// # Errors
/// When another program has the port, or the address is none of this machine.
pub fn open(at: SocketAddr) -> Result<UdpSocket> {
    let is_any = at.is_ipv6() && at.ip().is_unspecified();
    let opened = match try_open(at) {
        Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) if is_any => {
            try_open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, at.port())))
        }
        opened => opened,
    };
    opened.map_err(|error| {
        let reason = match error {
            Errno::ADDRINUSE => "another program has the port: ",
            _ => "",
        };
        anyhow!("cannot serve at {at}: {reason}{error}")
    })
}

fn try_open(at: SocketAddr) -> Result<UdpSocket, Errno> {
    let family = match at {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::DGRAM, flags, None)?;
    if at.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, !at.ip().is_unspecified())?;
    }
    // A smaller buffer loses messages of many clients at once, which they send again.
    let _ = sockopt::set_socket_recv_buffer_size(&socket, BUFFER);
    let _ = sockopt::set_socket_send_buffer_size(&socket, BUFFER);
    bind(&socket, &at)?;
    Ok(UdpSocket::from(socket))
}
