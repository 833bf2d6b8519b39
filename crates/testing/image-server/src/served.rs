//! The record of what was served.

use netboot_core::Instant;
use std::fmt;

/// Which server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// DHCP and ProxyDHCP.
    Dhcp,
    /// A node of the bootstore.
    Bootstore,
    /// DNS.
    Dns,
    /// TFTP.
    Tftp,
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// The UDP boot protocol.
    Ubp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Dhcp => "DHCP",
            Protocol::Bootstore => "bootstore",
            Protocol::Dns => "DNS",
            Protocol::Tftp => "TFTP",
            Protocol::Http => "HTTP",
            Protocol::Https => "HTTPS",
            Protocol::Ubp => "UBP",
        })
    }
}

/// One request and what became of it. Each request gives one record, when it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Which server.
    pub protocol: Protocol,
    /// The file, without a leading `/`; the name that DNS was asked for; or for DHCP the message that came
    /// (`discover`, `request`, `inform`, `decline`, `release`), with `proxy:` or `rival:` before it when it was
    /// that server's turn; `query` for a node of the bootstore.
    pub name: String,
    /// First octet of the file that was sent; 0 but for HTTP ranges.
    pub offset: u64,
    /// Octets of the file, or of the text of an HTTP error, that were sent; for TFTP those acknowledged; 0 for
    /// DHCP and DNS.
    pub octets: u64,
    /// HTTP status, TFTP error code (0 = none), DNS response code, DHCP type of the answer; 0 when nothing
    /// was answered.
    pub status: u16,
    /// Whether the answer went out whole and, for TFTP and HTTP, was acknowledged by the client.
    pub complete: bool,
    /// When it was over.
    pub at: Instant,
}

impl Served {
    /// A record that is filled in at the end.
    pub(crate) fn begun(now: Instant, protocol: Protocol, name: &str, status: u16) -> Self {
        Self {
            protocol,
            name: name.to_string(),
            offset: 0,
            octets: 0,
            status,
            complete: false,
            at: now,
        }
    }
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            protocol,
            name,
            offset,
            octets,
            status,
            complete,
            at,
        } = self;
        let outcome = if *complete { "complete" } else { "INCOMPLETE" };
        write!(
            f,
            "{at} {protocol} {name} status {status} octets {offset}+{octets} {outcome}"
        )
    }
}
