//! What an integrator may choose.

use netboot_core::Duration;
use netboot_dhcp as dhcp;
use netboot_tftp as tftp;

/// Whether a leased address is probed before it is used (RFC 2131, section 4.4.1; RFC 5227).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArpProbe {
    /// The server's word is enough; no time is lost.
    Off,
    /// The address is used one interval after the last probe, if nobody else was seen to use it.
    On {
        /// Number of probes that are sent.
        count: u8,
        /// Time between two probes.
        interval: Duration,
    },
}

/// What the station says of itself to the DHCP server, and how patient it is.
#[derive(Clone, Copy, Debug)]
pub struct DhcpOptions {
    /// UUID of the system (option 97).
    pub uuid: Option<[u8; 16]>,
    /// Client architectures (option 93).
    pub arch: &'static [u16],
    /// Host name of the station (option 12).
    pub hostname: Option<&'static str>,
    /// User class (option 77), at most 32 octets.
    pub user_class: Option<&'static str>,
    /// Vendor class (option 60).
    pub vendor_class: dhcp::VendorClass<'static>,
    /// How long further offers are collected after one without boot information, when the caller of `dhcp` wants some.
    pub offer_window: Duration,
    /// Probing of the address. By default two probes go out 150 ms apart, and the address is used after another 150 ms: a host that
    /// has it answers within a few milliseconds. RFC 5227 takes seconds, for hosts that keep their address for days.
    pub probe: ArpProbe,
    /// Number of addresses that the station declines at the most because another host uses them, in all of its life.
    pub declines: u8,
    /// What the station does then.
    pub after_declines: dhcp::AfterDeclines,
    /// Time after which the whole of `dhcp` ends.
    pub timeout: Duration,
    /// The station waits before its first question to a DHCP server or a router: a random time, up to this one. It is for racks whose boards all
    /// start at once (RFC 2131, section 4.4.1, asks for up to 10 s). A build without the feature `robust` does not wait.
    pub spread: Duration,
}

/// How slow a server may be. A slower one is given up, and the image goes on from the next source. Only the time counts in which the station waits
/// for the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowLimit {
    /// Octets that have to come in each span; 0 for no limit.
    pub octets: u32,
    /// Length of a span.
    pub time: Duration,
}

impl Default for SlowLimit {
    /// 2,048 octets in 30 s. A server that is slower than that brings no image of more than 20 KiB within the five minutes that an attempt has, and
    /// a lossy link with a delay of half a second brings several times as much.
    fn default() -> Self {
        Self {
            octets: 2048,
            time: Duration::from_secs(30),
        }
    }
}

/// Sizes and times of TFTP.
#[derive(Clone, Copy, Debug)]
pub struct TftpOptions {
    /// The blksize to ask for, 8 to 65,464 octets (RFC 2348). A frame holds 1,468.
    pub blksize: u16,
    /// The windowsize to ask for, in blocks (RFC 7440). The device's ring bounds it.
    pub windowsize: u16,
    /// Timers of the client.
    pub timing: tftp::Timing,
}

/// Rate and times of the UDP boot protocol.
#[cfg(feature = "ubp")]
#[derive(Clone, Copy, Debug, Default)]
pub struct UbpOptions {
    /// Octets that the sink uses up in a second: the server spreads its blocks over the time that they take. With 0, the default, it sends each window at
    /// once.
    pub rate: u32,
    /// Timers of the client.
    pub timing: netboot_ubp::Timing,
}

/// Sizes and times of HTTP and HTTPS.
#[cfg(feature = "http")]
#[derive(Clone, Copy, Debug)]
pub struct HttpOptions {
    /// Time for the TCP connection.
    pub connect_timeout: Duration,
    /// Time for the TLS handshake, our own computations included.
    pub tls_timeout: Duration,
    /// Time that a server may take for the first octet of its answer: it may have to make or to fetch the file first.
    pub first_octet_timeout: Duration,
    /// Time after which a server that stops sending counts as dead.
    pub stall_timeout: Duration,
    /// TCP keep-alive while the sink holds the transfer back.
    pub keep_alive: Duration,
    /// Redirects followed for one image.
    pub redirects: u8,
    /// Connections that one HTTP transfer may use, 1 to 4; no more than there is memory for
    /// ([`Network::use_lanes`](crate::Network::use_lanes)). `https` has one, whatever this says.
    #[cfg(feature = "parallel")]
    pub connections: u8,
    /// Round-trip time of the first connection from which on the others are used: over a short way one is as fast as
    /// the station.
    #[cfg(feature = "parallel")]
    pub connections_rtt: Duration,
    /// The `User-Agent` field.
    pub user_agent: &'static str,
}

/// Which families of addresses the station speaks, and which one comes first.
#[cfg(feature = "ipv6")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Families {
    /// IPv4 alone.
    #[default]
    Ipv4,
    /// IPv6 alone.
    Ipv6,
    /// Both. Where both tell boot files, those of IPv6 come first. Once IPv4 has told some, IPv6 has this much time left.
    Ipv6First(Duration),
    /// Both. Where both tell boot files, those of IPv4 come first. Once IPv6 has told some, IPv4 has this much time left.
    Ipv4First(Duration),
}

#[cfg(feature = "ipv6")]
impl Families {
    /// Both, IPv6 first (RFC 6724, RFC 8305), with a second for IPv6: a router answers within half of that (RFC 4861, section 6.2.6), and
    /// two addresses are to be probed after that.
    pub const DUAL: Self = Families::Ipv6First(Duration::from_secs(1));

    /// Whether the station speaks IPv4.
    pub fn has_ipv4(self) -> bool {
        self != Families::Ipv6
    }

    /// Whether the station speaks IPv6.
    pub fn has_ipv6(self) -> bool {
        self != Families::Ipv4
    }

    /// Whether IPv6 comes first.
    pub fn prefers_ipv6(self) -> bool {
        matches!(self, Families::Ipv6 | Families::Ipv6First(_))
    }

    /// Whether the station speaks both.
    pub fn are_both(self) -> bool {
        self.has_ipv4() && self.has_ipv6()
    }

    /// Time that the first family has left once the other one has told everything.
    pub(crate) fn head_start(self) -> Duration {
        match self {
            Families::Ipv6First(span) | Families::Ipv4First(span) => span,
            Families::Ipv4 | Families::Ipv6 => Duration::ZERO,
        }
    }
}

/// Times and sizes of the library. The defaults suit a data centre.
#[derive(Clone, Copy, Debug)]
pub struct NetworkOptions {
    /// Number of the VLAN that the station is in, 1 to 4,094: its frames carry the tag (IEEE 802.1Q), and frames of other VLANs are
    /// ignored. `None` for frames without a tag, where a tag that tells a priority only is as good as none.
    pub vlan: Option<u16>,
    /// The families of addresses.
    #[cfg(feature = "ipv6")]
    pub families: Families,
    /// DHCP.
    pub dhcp: DhcpOptions,
    /// TFTP.
    pub tftp: TftpOptions,
    /// HTTP and HTTPS.
    #[cfg(feature = "http")]
    pub http: HttpOptions,
    /// The server that takes the log, UDP port 514. `None` for the one that the network tells (DHCP option 7), if it tells one.
    #[cfg(feature = "syslog")]
    pub syslog: Option<core::net::IpAddr>,
    /// Time for one DNS name, for each server that there is. smoltcp goes on to the next server after 10 s.
    pub dns_timeout: Duration,
    /// Number of times that one image's transfer is taken up again after it broke.
    pub resumes: u32,
    /// The least wait before the first resumption. The waits are random, and grow to 10 s ([`Backoff`](netboot_core::Backoff)).
    pub resume_wait: Duration,
    /// How slow a server may be. A build without the feature `robust` has no such limit.
    pub slow: SlowLimit,
}

impl Default for DhcpOptions {
    fn default() -> Self {
        Self {
            uuid: None,
            // RISC-V 32-bit and RISC-V 32-bit HTTP boot (RFC 5970's registry).
            arch: &[0x0019, 0x001a],
            hostname: None,
            user_class: Some("caliptra-netboot"),
            vendor_class: dhcp::VendorClass::Pxe,
            offer_window: Duration::from_millis(300),
            probe: ArpProbe::On {
                count: 2,
                interval: Duration::from_millis(150),
            },
            declines: 3,
            after_declines: dhcp::AfterDeclines::Use,
            timeout: Duration::from_secs(60),
            // A board that starts alone gains nothing by it.
            spread: Duration::ZERO,
        }
    }
}

impl Default for TftpOptions {
    fn default() -> Self {
        Self {
            blksize: 1468,
            windowsize: 16,
            timing: tftp::Timing::default(),
        }
    }
}

#[cfg(feature = "http")]
impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            tls_timeout: Duration::from_secs(20),
            first_octet_timeout: Duration::from_secs(60),
            stall_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(5),
            redirects: 5,
            #[cfg(feature = "parallel")]
            connections: 4,
            #[cfg(feature = "parallel")]
            connections_rtt: Duration::from_millis(1),
            user_agent: "caliptra-netboot",
        }
    }
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            vlan: None,
            #[cfg(feature = "ipv6")]
            families: Families::default(),
            dhcp: DhcpOptions::default(),
            tftp: TftpOptions::default(),
            #[cfg(feature = "http")]
            http: HttpOptions::default(),
            #[cfg(feature = "syslog")]
            syslog: None,
            dns_timeout: Duration::from_secs(10),
            resumes: 5,
            resume_wait: Duration::from_millis(200),
            slow: SlowLimit::default(),
        }
    }
}
