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

/// Times and sizes of the library. The defaults suit a data centre.
#[derive(Clone, Copy, Debug)]
pub struct NetworkOptions {
    /// Number of the VLAN that the station is in, 1 to 4,094: its frames carry the tag (IEEE 802.1Q), and frames of other VLANs are
    /// ignored. `None` for frames without a tag, where a tag that tells a priority only is as good as none.
    pub vlan: Option<u16>,
    /// DHCP.
    pub dhcp: DhcpOptions,
    /// TFTP.
    pub tftp: TftpOptions,
    /// HTTP and HTTPS.
    #[cfg(feature = "http")]
    pub http: HttpOptions,
    /// Time for one DNS name, for each server that there is. smoltcp goes on to the next server after 10 s.
    pub dns_timeout: Duration,
    /// Number of times that one image's transfer is taken up again after it broke.
    pub resumes: u32,
    /// Wait before the first resumption; it doubles with each further one.
    pub resume_wait: Duration,
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
            dhcp: DhcpOptions::default(),
            tftp: TftpOptions::default(),
            #[cfg(feature = "http")]
            http: HttpOptions::default(),
            dns_timeout: Duration::from_secs(10),
            resumes: 5,
            resume_wait: Duration::from_millis(200),
        }
    }
}
