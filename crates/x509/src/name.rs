//! Whom the client means to talk to.

use core::net::IpAddr;

use netboot_core::uri::{parse_v4, parse_v6};
use rustls_pki_types::DnsName;

use super::VerifyError;

/// The server that a certificate has to name, RFC 9525 section 6.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerName<'a> {
    /// A host name in ASCII, without a dot at its end. It has to be a `dNSName` of the certificate.
    Dns(&'a str),
    /// An address. It has to be an `iPAddress` of the certificate.
    Ip(IpAddr),
}

impl<'a> ServerName<'a> {
    /// The host of a URI: an IP literal, with or without brackets, or a host name. A dot at the end is dropped.
    ///
    /// # Errors
    /// [`VerifyError::BadName`] for what is neither.
    pub fn from_host(host: &'a str) -> Result<Self, VerifyError> {
        if let Some(inner) = host.strip_prefix('[') {
            let address = inner.strip_suffix(']').and_then(parse_v6);
            return address
                .map(|address| ServerName::Ip(address.into()))
                .ok_or(VerifyError::BadName);
        }
        if let Some(address) = parse_v4(host) {
            return Ok(ServerName::Ip(address.into()));
        }
        if let Some(address) = parse_v6(host) {
            return Ok(ServerName::Ip(address.into()));
        }
        let name = host.strip_suffix('.').unwrap_or(host);
        match DnsName::try_from(name) {
            Ok(_) => Ok(ServerName::Dns(name)),
            Err(_) => Err(VerifyError::BadName),
        }
    }

    /// The name for the extension `server_name`, which has no addresses (RFC 6066 section 3).
    pub fn as_dns(&self) -> Option<&'a str> {
        match self {
            ServerName::Dns(name) => Some(name),
            ServerName::Ip(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn hosts_of_uris() {
        let v4 = ServerName::Ip(Ipv4Addr::new(192, 0, 2, 7).into());
        let v6 = ServerName::Ip(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into());
        for (host, name) in [
            ("boot.example.com", ServerName::Dns("boot.example.com")),
            ("boot.example.com.", ServerName::Dns("boot.example.com")),
            ("bootserver", ServerName::Dns("bootserver")),
            ("192.0.2.7", v4),
            ("2001:db8::1", v6),
            ("[2001:db8::1]", v6),
        ] {
            assert_eq!(ServerName::from_host(host), Ok(name), "{host}");
        }
        assert_eq!(v4.as_dns(), None);
        assert_eq!(ServerName::Dns("a.b").as_dns(), Some("a.b"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for host in [
            "",
            ".",
            "[192.0.2.7]",
            "[2001:db8::1",
            "2001:db8::1]",
            "192.0.2.256",
            "192.0.2.7.",
            "a..b",
            "a b",
            "*.example.com",
            "b\u{fc}cher.example",
            "-a.example",
        ] {
            assert_eq!(
                ServerName::from_host(host),
                Err(VerifyError::BadName),
                "{host}"
            );
        }
    }
}
