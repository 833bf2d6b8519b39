//! What an integrator may choose.

use netboot_core::Duration;
use netboot_dhcp as dhcp;
use netboot_tftp as tftp;

/// Whether a leased address is probed before it is used (RFC 2131, section 4.4.1; RFC 5227).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArpProbe {
    /// The server's word is enough; no time is lost.
    Off,
    /// `count` probes, `interval` apart; the address is used one interval after the last probe.
    On {
        /// Probes to be sent.
        count: u8,
        /// Between two probes.
        interval: Duration,
    },
}

/// What the station says of itself to the DHCP server.
#[derive(Clone, Copy, Debug)]
pub struct DhcpOptions {
    /// UUID of the system (option 97).
    pub uuid: Option<[u8; 16]>,
    /// Client architectures (option 93).
    pub arch: &'static [u16],
    /// Option 12.
    pub hostname: Option<&'static str>,
    /// Option 77.
    pub user_class: Option<&'static str>,
    /// Option 60.
    pub vendor_class: dhcp::VendorClass<'static>,
    /// How long further offers are collected after one without boot information. Zero for a caller that needs none, as it knows
    /// where its images are: the first offer of an address is then taken at once.
    pub offer_window: Duration,
    /// Probing of the address.
    pub probe: ArpProbe,
    /// The whole of `dhcp` ends after this time.
    pub timeout: Duration,
}

/// Times and sizes of the library. The defaults suit a data centre.
#[derive(Clone, Copy, Debug)]
pub struct NetworkOptions {
    /// DHCP.
    pub dhcp: DhcpOptions,
    /// TFTP blksize to ask for, octets (RFC 2348).
    pub tftp_blksize: u16,
    /// TFTP windowsize to ask for, blocks (RFC 7440); less if the buffer is smaller.
    pub tftp_windowsize: u16,
    /// TFTP timers.
    pub tftp_timing: tftp::Timing,
    /// One DNS name, for each server that there is. smoltcp goes on to the next after 10 s.
    pub dns_timeout: Duration,
    /// TCP connection set-up.
    pub connect_timeout: Duration,
    /// TLS handshake, our own computations included.
    pub tls_timeout: Duration,
    /// A server that sends nothing for this long is dead.
    pub stall_timeout: Duration,
    /// TCP keep-alive while the sink holds the transfer back.
    pub keep_alive: Duration,
    /// Times that one image's transfer is taken up again after it broke.
    pub resumes: u32,
    /// Wait before the first resumption; doubles with each further one.
    pub resume_wait: Duration,
    /// Whether `imgexec` computes the SHA-256 of what it delivers. Without it a broken transfer is taken up again only
    /// where the server proves by a validator that the file is the same.
    #[cfg(feature = "unhashed")]
    pub hash: bool,
    /// HTTP redirects followed for one image.
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

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            dhcp: DhcpOptions {
                uuid: None,
                // RISC-V 32-bit and RISC-V 32-bit HTTP boot (RFC 5970's registry).
                arch: &[0x0019, 0x001a],
                hostname: None,
                user_class: Some("caliptra-netboot"),
                vendor_class: dhcp::VendorClass::Pxe,
                offer_window: Duration::from_millis(300),
                probe: ArpProbe::On {
                    count: 2,
                    interval: Duration::from_millis(500),
                },
                timeout: Duration::from_secs(60),
            },
            tftp_blksize: 1468,
            tftp_windowsize: 16,
            tftp_timing: tftp::Timing::default(),
            dns_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            tls_timeout: Duration::from_secs(20),
            stall_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(5),
            resumes: 5,
            resume_wait: Duration::from_millis(200),
            #[cfg(feature = "unhashed")]
            hash: true,
            redirects: 5,
            #[cfg(feature = "parallel")]
            connections: 4,
            #[cfg(feature = "parallel")]
            connections_rtt: Duration::from_millis(1),
            user_agent: "caliptra-netboot",
        }
    }
}

#[cfg(feature = "staging")]
impl NetworkOptions {
    /// Whether deliveries are hashed.
    #[inline(always)]
    pub(crate) fn hashes(&self) -> bool {
        #[cfg(feature = "unhashed")]
        return self.hash;
        #[cfg(not(feature = "unhashed"))]
        true
    }
}
