//! What can go wrong between a URI and its octets.

use core::fmt;
use core::net::IpAddr;
use netboot_core::uri::UriError;
use netboot_core::{Blame, Coded, Console, Duration, Module};
use netboot_dhcp::DhcpError;
#[cfg(feature = "ipv6")]
use netboot_dhcp::v6::Dhcp6Error;
#[cfg(feature = "http")]
use netboot_http::HttpError;
use netboot_tftp::TftpError;
#[cfg(feature = "https")]
use netboot_tls::TlsError;
#[cfg(feature = "ubp")]
use netboot_ubp::UbpError;

/// An error of the Network Boot Library. Errors of a protocol keep their own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetError {
    /// A URI cannot be used.
    Uri(UriError),
    /// The DHCP client failed.
    Dhcp(DhcpError),
    /// The DHCPv6 client failed.
    #[cfg(feature = "ipv6")]
    Dhcp6(Dhcp6Error),
    /// The TFTP client failed.
    Tftp(TftpError),
    /// The client of the UDP boot protocol failed.
    #[cfg(feature = "ubp")]
    Ubp(UbpError),
    /// The HTTP client failed.
    #[cfg(feature = "http")]
    Http(HttpError),
    /// The TLS client failed.
    #[cfg(feature = "https")]
    Tls(TlsError),
    /// The interface has no address: neither `dhcp` nor `ifconfig` succeeded.
    NotConfigured,
    /// No DHCP server gave an answer that could be used.
    DhcpTimeout,
    /// No station can have this address or prefix.
    BadAddress,
    /// The gateway is not on the link, or the table is full.
    BadRoute,
    /// No route leads to this address, and there is no router.
    NoRoute {
        /// The address.
        address: IpAddr,
    },
    /// The URI has a host name, but there is no DNS server to ask.
    NoDnsServer,
    /// The DNS servers say that the name has no address.
    NameNotFound,
    /// No DNS server answered.
    DnsTimeout,
    /// The address is one of IPv6, and the station or the build speaks IPv4 only; or the other way round.
    AddressFamily,
    /// No carrier of this build fetches from such a scheme.
    Unsupported,
    /// The server did not answer the connection request.
    ConnectTimeout,
    /// The server refused the connection.
    ConnectionRefused,
    /// The server reset the connection.
    ConnectionReset,
    /// The server sent nothing for the stall time.
    Stalled,
    /// The server sends, but less than [`NetworkOptions::slow`](crate::NetworkOptions::slow) asks for.
    #[cfg(feature = "robust")]
    TooSlow {
        /// Octets that came in the span.
        octets: u32,
    },
    /// A person ended the command ([`Platform::interrupted`](netboot_core::Platform::interrupted)).
    #[cfg(feature = "script")]
    Interrupted,
    /// Nobody answered the echo request.
    #[cfg(feature = "ping")]
    NoEcho,
    /// The server took the request, and no octet of an answer came. It is slow, or its packets are longer than the path takes.
    NoResponse,
    /// The server stopped sending, and fragments of IP packets came, which this station does not put together.
    Fragmented {
        /// Number of fragments since the address was set.
        count: u16,
    },
    /// No router told a prefix of which the station could make an address of IPv6, and no DHCPv6 server leased one.
    #[cfg(feature = "ipv6")]
    NoRouter,
    /// The caller's deadline came first.
    Deadline,
    /// The handle belongs to a transfer that was closed.
    StaleHandle,
    /// The server's answer is longer than the caller's buffer.
    #[cfg(feature = "exchange")]
    AnswerTooLong,
    /// The library contradicts itself. No input leads here; report it as a fault of this library.
    Internal,
    /// The file ends before the part that was asked for.
    PartBeyondEnd,
    /// The file is another than the one that was begun: it has another size.
    SizeChanged {
        /// Size of the file that was begun, in octets.
        was: u64,
        /// Size of the file now, in octets.
        is: u64,
    },
    /// The file is another than the one that was begun: the octets already delivered are not its first octets.
    ContentChanged,
    /// A block of a packed file is not what it has to be. None of its octets was delivered.
    #[cfg(feature = "verity")]
    WrongBlock {
        /// Offset in the packed file of the block's first octet.
        offset: u64,
    },
    /// The connection ended or the body was over before the size was reached.
    Truncated {
        /// Octets received.
        got: u64,
        /// Octets of the image.
        size: u64,
    },
    /// A part of the file was asked for on a further connection, and something else came.
    #[cfg(feature = "parallel")]
    PartRefused,
}

impl NetError {
    /// Whether trying to take up the same transfer again makes sense.
    pub(crate) fn resumable(&self) -> bool {
        match self {
            NetError::ConnectTimeout
            | NetError::ConnectionRefused
            | NetError::ConnectionReset
            | NetError::Stalled
            | NetError::NoResponse
            | NetError::Fragmented { .. }
            | NetError::Truncated { .. } => true,
            #[cfg(feature = "verity")]
            NetError::WrongBlock { .. } => true,
            NetError::Tftp(error) => error.blame() == Blame::Network,
            #[cfg(feature = "ubp")]
            NetError::Ubp(error) => error.blame() == Blame::Network,
            // A single request for the rest shows what the server means by it.
            #[cfg(feature = "parallel")]
            NetError::PartRefused => true,
            #[cfg(feature = "http")]
            NetError::Http(error) => error.is_transient(),
            // Damaged or cut on the way; the next connection proves itself anew.
            #[cfg(feature = "https")]
            NetError::Tls(error) => {
                error.blame() == Blame::Network
                    || matches!(error, TlsError::BadSeal | TlsError::KeysWornOut)
            }
            _ => false,
        }
    }

    /// Whether this is how a connection looks that the server closed while it was idle.
    #[cfg(feature = "http")]
    pub(crate) fn is_stale(&self) -> bool {
        match self {
            NetError::ConnectionReset | NetError::Http(HttpError::Closed) => true,
            #[cfg(feature = "https")]
            NetError::Tls(TlsError::Truncated) => true,
            _ => false,
        }
    }
}

impl NetError {
    /// Whether nobody can be spoken to at the address, so that another one of the same name may do.
    pub(crate) fn is_of_address(&self) -> bool {
        #[cfg(feature = "ubp")]
        if let NetError::Ubp(error) = self {
            return *error == UbpError::NoAnswer;
        }
        matches!(
            self,
            NetError::ConnectTimeout
                | NetError::ConnectionRefused
                | NetError::BadAddress
                | NetError::NoRoute { .. }
                | NetError::Tftp(TftpError::NoAnswer | TftpError::OtherAddress { .. })
        )
    }

    /// Whether the place does not serve the file any more, or cannot be reached, so that whoever has redirected to it may know another.
    #[cfg(feature = "robust")]
    pub(crate) fn is_of_place(&self) -> bool {
        match self {
            #[cfg(feature = "http")]
            NetError::Http(HttpError::Status { status, .. }) => {
                matches!(status, 401 | 403 | 404 | 410)
            }
            NetError::NameNotFound | NetError::DnsTimeout | NetError::ConnectionReset => true,
            error => error.is_of_address(),
        }
    }

    /// Whether a server refuses to send a part of its file that it may send as a whole.
    #[cfg(feature = "robust")]
    pub(crate) fn is_of_range(&self) -> bool {
        match self {
            #[cfg(feature = "http")]
            NetError::Http(error) => !self.is_of_place() && !error.is_transient(),
            NetError::SizeChanged { .. } => true,
            _ => false,
        }
    }

    /// Whether this is how it looks when packets of the server are longer than the path takes.
    pub(crate) fn may_be_too_long(&self) -> bool {
        matches!(
            self,
            NetError::Tftp(TftpError::Stalled { offset: 0 })
                | NetError::NoResponse
                | NetError::Fragmented { .. }
        )
    }

    /// How long the server asks to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            #[cfg(feature = "http")]
            NetError::Http(error @ HttpError::Status { retry_after, .. })
                if error.is_transient() =>
            {
                retry_after.map(|secs| Duration::from_secs(u64::from(secs)))
            }
            _ => None,
        }
    }
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            NetError::Uri(error) => return error.fmt(f),
            NetError::Dhcp(error) => return error.fmt(f),
            #[cfg(feature = "ipv6")]
            NetError::Dhcp6(error) => return error.fmt(f),
            NetError::Tftp(error) => return error.fmt(f),
            #[cfg(feature = "ubp")]
            NetError::Ubp(error) => return error.fmt(f),
            #[cfg(feature = "http")]
            NetError::Http(error) => return error.fmt(f),
            #[cfg(feature = "https")]
            NetError::Tls(error) => return error.fmt(f),
            NetError::SizeChanged { was, is } => {
                return write!(
                    f,
                    "the file is another than the one that was begun: {was} octets, now {is}"
                );
            }
            #[cfg(feature = "verity")]
            NetError::WrongBlock { offset } => {
                return write!(f, "the block at octet {offset} of the packed file is wrong");
            }
            NetError::Truncated { got, size } => {
                return write!(f, "transfer ended after {got} of {size} octets");
            }
            NetError::NoRoute { address } => {
                return write!(
                    f,
                    "no route to {address}: it is not on the own network, and there is no router"
                );
            }
            #[cfg(feature = "script")]
            NetError::Interrupted => "a person ended the command",
            #[cfg(feature = "ping")]
            NetError::NoEcho => "nobody answered the echo request",
            #[cfg(feature = "robust")]
            NetError::TooSlow { octets } => {
                return write!(
                    f,
                    "the server is too slow: {octets} octets in the time of the limit"
                );
            }
            NetError::Fragmented { count } => {
                return write!(
                    f,
                    "{count} IP fragments came, and nobody puts them together: the path's MTU is smaller than the server thinks"
                );
            }
            NetError::NoResponse => {
                "no octet of an answer: the server is slow, or the path's MTU is smaller than the server thinks"
            }
            #[cfg(feature = "ipv6")]
            NetError::NoRouter => {
                "IPv6: no router told a prefix, and no DHCPv6 server leased an address"
            }
            NetError::NotConfigured => "no address: run dhcp or ifconfig first",
            NetError::DhcpTimeout => "no DHCP server offered a usable lease in time",
            NetError::BadAddress => "address or prefix that no station can have",
            NetError::BadRoute => "gateway not on the link, or route table full",
            NetError::NoDnsServer => "host name in the URI, but no DNS server known",
            NetError::NameNotFound => {
                "DNS: the name has no address of a family that this station speaks"
            }
            NetError::DnsTimeout => "DNS: no server answered",
            NetError::AddressFamily => {
                "the URI's address is of a family that this station, or this build, does not speak"
            }
            NetError::Unsupported => "scheme not in this build",
            NetError::ConnectTimeout => "TCP: no answer to the connection request",
            NetError::ConnectionRefused => "TCP: connection refused",
            NetError::ConnectionReset => "TCP: connection reset by the server",
            NetError::Stalled => "the server stopped sending",
            NetError::Deadline => "deadline reached",
            NetError::StaleHandle => "image handle of a closed transfer",
            #[cfg(feature = "exchange")]
            NetError::AnswerTooLong => "HTTP answer longer than the buffer for it",
            NetError::Internal => "the network boot library contradicts itself: please report it",
            NetError::PartBeyondEnd => "the file ends before the part that was asked for",
            NetError::ContentChanged => {
                "the file is another than the one that was begun: its first octets differ"
            }
            #[cfg(feature = "parallel")]
            NetError::PartRefused => "HTTP server did not send the part that was asked for",
        };
        f.write_str(text)
    }
}

impl core::error::Error for NetError {}

impl Coded for NetError {
    fn facts(&self, out: &mut dyn Console) {
        match self {
            NetError::Dhcp(error) => error.facts(out),
            #[cfg(feature = "ipv6")]
            NetError::Dhcp6(error) => error.facts(out),
            #[cfg(feature = "robust")]
            NetError::Tftp(error) => error.facts(out),
            #[cfg(feature = "ubp")]
            NetError::Ubp(error) => error.facts(out),
            #[cfg(feature = "http")]
            NetError::Http(error) => error.facts(out),
            NetError::NoRoute { address } => {
                out.key("address");
                out.ip(*address);
            }
            #[cfg(feature = "robust")]
            NetError::TooSlow { octets } => out.number("octets", u64::from(*octets)),
            #[cfg(feature = "verity")]
            NetError::WrongBlock { offset } => out.number("offset", *offset),
            _ => {}
        }
    }

    fn code(&self) -> u32 {
        Module::Network.code(match self {
            NetError::Uri(error) => return error.code(),
            NetError::Dhcp(error) => return error.code(),
            #[cfg(feature = "ipv6")]
            NetError::Dhcp6(error) => return error.code(),
            NetError::Tftp(error) => return error.code(),
            #[cfg(feature = "ubp")]
            NetError::Ubp(error) => return error.code(),
            #[cfg(feature = "http")]
            NetError::Http(error) => return error.code(),
            #[cfg(feature = "https")]
            NetError::Tls(error) => return error.code(),
            NetError::NotConfigured => 1,
            NetError::DhcpTimeout => 2,
            NetError::BadAddress => 3,
            NetError::BadRoute => 4,
            NetError::NoDnsServer => 5,
            NetError::NameNotFound => 6,
            NetError::DnsTimeout => 7,
            NetError::AddressFamily => 8,
            NetError::Unsupported => 9,
            NetError::ConnectTimeout => 10,
            NetError::ConnectionRefused => 11,
            NetError::ConnectionReset => 12,
            NetError::Stalled => 13,
            NetError::Deadline => 14,
            NetError::StaleHandle => 15,
            NetError::Internal => 22,
            #[cfg(feature = "exchange")]
            NetError::AnswerTooLong => 23,
            NetError::NoRoute { .. } => 24,
            NetError::NoResponse => 25,
            NetError::Fragmented { .. } => 26,
            #[cfg(feature = "ipv6")]
            NetError::NoRouter => 27,
            #[cfg(feature = "robust")]
            NetError::TooSlow { .. } => 28,
            #[cfg(feature = "script")]
            NetError::Interrupted => 29,
            #[cfg(feature = "ping")]
            NetError::NoEcho => 30,
            NetError::PartBeyondEnd => 17,
            NetError::SizeChanged { .. } => 18,
            NetError::ContentChanged => 19,
            #[cfg(feature = "verity")]
            NetError::WrongBlock { .. } => 31,
            NetError::Truncated { .. } => 20,
            #[cfg(feature = "parallel")]
            NetError::PartRefused => 21,
        })
    }

    fn blame(&self) -> Blame {
        match self {
            NetError::Uri(error) => error.blame(),
            NetError::Dhcp(error) => error.blame(),
            #[cfg(feature = "ipv6")]
            NetError::Dhcp6(error) => error.blame(),
            NetError::Tftp(error) => error.blame(),
            #[cfg(feature = "ubp")]
            NetError::Ubp(error) => error.blame(),
            #[cfg(feature = "http")]
            NetError::Http(error) => error.blame(),
            #[cfg(feature = "https")]
            NetError::Tls(error) => error.blame(),
            NetError::NotConfigured | NetError::StaleHandle | NetError::Internal => Blame::Caller,
            NetError::BadAddress
            | NetError::BadRoute
            | NetError::NoRoute { .. }
            | NetError::NoDnsServer
            | NetError::NameNotFound
            | NetError::AddressFamily
            | NetError::Unsupported
            | NetError::PartBeyondEnd => Blame::Configuration,
            NetError::ConnectionRefused | NetError::ConnectionReset => Blame::Server,
            #[cfg(feature = "exchange")]
            NetError::AnswerTooLong => Blame::Server,
            #[cfg(feature = "parallel")]
            NetError::PartRefused => Blame::Server,
            NetError::SizeChanged { .. }
            | NetError::ContentChanged
            | NetError::Truncated { .. } => Blame::Server,
            #[cfg(feature = "verity")]
            NetError::WrongBlock { .. } => Blame::Server,
            #[cfg(feature = "ipv6")]
            NetError::NoRouter => Blame::Network,
            #[cfg(feature = "robust")]
            NetError::TooSlow { .. } => Blame::Network,
            #[cfg(feature = "script")]
            NetError::Interrupted => Blame::Caller,
            #[cfg(feature = "ping")]
            NetError::NoEcho => Blame::Network,
            NetError::DhcpTimeout
            | NetError::DnsTimeout
            | NetError::ConnectTimeout
            | NetError::Deadline
            | NetError::NoResponse
            | NetError::Fragmented { .. }
            | NetError::Stalled => Blame::Network,
        }
    }
}

impl From<UriError> for NetError {
    fn from(error: UriError) -> Self {
        NetError::Uri(error)
    }
}

impl From<DhcpError> for NetError {
    fn from(error: DhcpError) -> Self {
        NetError::Dhcp(error)
    }
}

impl From<TftpError> for NetError {
    fn from(error: TftpError) -> Self {
        NetError::Tftp(error)
    }
}

#[cfg(feature = "ubp")]
impl From<UbpError> for NetError {
    fn from(error: UbpError) -> Self {
        NetError::Ubp(error)
    }
}

#[cfg(feature = "http")]
impl From<HttpError> for NetError {
    fn from(error: HttpError) -> Self {
        NetError::Http(error)
    }
}

#[cfg(feature = "https")]
impl From<TlsError> for NetError {
    fn from(error: TlsError) -> Self {
        NetError::Tls(error)
    }
}
