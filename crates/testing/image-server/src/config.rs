//! What the server serves, and how.

pub use crate::answers::{Framing, Redirect};
use crate::content::Content;
use crate::faults::Faults;
use crate::nodes::NodeConfig;
use crate::tls::HttpsConfig;
use netboot_core::Duration;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Everything about the server. [`Default`] is 10.0.0.1/24, which leases 10.0.0.100 and has no files.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Ethernet address, of all identities.
    pub mac: [u8; 6],
    /// Address of the server.
    pub ip: Ipv4Addr,
    /// Length of the network's prefix, 0 to 32.
    pub prefix_len: u8,
    /// What the DHCP server answers.
    pub lease: LeaseConfig,
    /// A ProxyDHCP server beside the DHCP server.
    pub proxy: Option<ProxyConfig>,
    /// A second, rival DHCP server on the same network; it only answers DHCP.
    pub rival: Option<RivalConfig>,
    /// Files by name, without a leading `/`. TFTP, HTTP and HTTPS serve the same ones.
    pub files: BTreeMap<String, Content>,
    /// What goes wrong.
    pub faults: Faults,
    /// TFTP server.
    pub tftp: TftpConfig,
    /// HTTP server.
    pub http: HttpConfig,
    /// Whether there is a server of the UDP boot protocol.
    pub ubp: bool,
    /// HTTPS server beside it.
    pub https: Option<HttpsConfig>,
    /// Names that the DNS server knows, in lower case and without the final dot.
    pub dns: BTreeMap<String, Ipv4Addr>,
    /// Nodes of a bootstore on the same network. There is none at first.
    pub nodes: Vec<NodeConfig>,
    /// IPv6 on the same network: the server's address, and the router.
    pub ipv6: Option<Ipv6Config>,
    /// Seed of ports, sequence numbers and garbage.
    pub seed: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            mac: [0x02, 0x00, 0x00, 0x00, 0x00, 0x01],
            ip: Ipv4Addr::new(10, 0, 0, 1),
            prefix_len: 24,
            lease: LeaseConfig::default(),
            proxy: None,
            rival: None,
            files: BTreeMap::new(),
            faults: Faults::default(),
            tftp: TftpConfig::default(),
            http: HttpConfig::default(),
            ubp: true,
            https: None,
            dns: BTreeMap::new(),
            nodes: Vec::new(),
            ipv6: None,
            seed: 1,
        }
    }
}

/// IPv6 of the server. [`Default`] is fd00::1, with a router that tells fd00::/64.
#[derive(Clone, Debug)]
pub struct Ipv6Config {
    /// Address of the server; its first 64 bits are the network's prefix. It has a link-local one beside it.
    pub address: Ipv6Addr,
    /// Whether there is a router.
    pub router: bool,
    /// Solicitations that the router does not hear before it answers.
    pub deaf: u32,
    /// How long the router takes to answer.
    pub delay: Duration,
    /// How long the router serves as a default router, in seconds.
    pub router_lifetime: u16,
    /// Whether hosts may make addresses of the prefix.
    pub autonomous: bool,
    /// How long such an address is valid, in seconds. Half of that it is preferred.
    pub valid_lifetime: u32,
    /// Whether addresses come by DHCPv6.
    pub managed: bool,
    /// Whether other facts come by DHCPv6.
    pub other: bool,
    /// MTU that the router tells.
    pub mtu: Option<u16>,
    /// DNS servers that the router tells.
    pub dns_servers: Vec<Ipv6Addr>,
    /// Names that have addresses of IPv6.
    pub names: BTreeMap<String, Ipv6Addr>,
    /// A DHCPv6 server. Hosts ask it when the router says so.
    pub dhcp: Option<Dhcp6Config>,
}

/// What a DHCPv6 server answers. [`Default`] leases fd00::1000 and has nothing else.
#[derive(Clone, Debug)]
pub struct Dhcp6Config {
    /// Whether the server leases addresses; otherwise it only informs.
    pub stateful: bool,
    /// Address of the first client. Each has 16: the next one follows where one was declined.
    pub address: Ipv6Addr,
    /// How long a lease is valid, in seconds. Half of that it is preferred, and a quarter of it later the client renews it.
    pub valid_lifetime: u32,
    /// The server's DUID.
    pub duid: Vec<u8>,
    /// Option 7; left out when 0.
    pub preference: u8,
    /// Whether a lease may come in two messages.
    pub rapid_commit: bool,
    /// Option 23; left out when empty.
    pub dns: Vec<Ipv6Addr>,
    /// Option 24; left out when empty.
    pub domain: String,
    /// Option 59.
    pub boot_file: Option<String>,
    /// Further options.
    pub options: Vec<(u16, Vec<u8>)>,
    /// How long the server takes to answer.
    pub delay: Duration,
}

impl Default for Ipv6Config {
    fn default() -> Self {
        Self {
            address: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1),
            router: true,
            deaf: 0,
            delay: Duration::from_millis(20),
            router_lifetime: 1_800,
            autonomous: true,
            valid_lifetime: 7_200,
            managed: false,
            other: false,
            mtu: None,
            dns_servers: Vec::new(),
            names: BTreeMap::new(),
            dhcp: None,
        }
    }
}

/// What a DHCP server answers. An option goes out when the client asked for it (option 55) or asked
/// for nothing in particular.
#[derive(Clone, Debug)]
pub struct LeaseConfig {
    /// Whether the server answers at all.
    pub enabled: bool,
    /// Address of the first client; further clients get the next ones.
    pub address: Ipv4Addr,
    /// Option 3; left out when empty.
    pub routers: Vec<Ipv4Addr>,
    /// Option 6; left out when empty.
    pub dns: Vec<Ipv4Addr>,
    /// Option 51, in whole seconds.
    pub lease_time: Duration,
    /// Option 58 (T1), when it is to be sent.
    pub renewal_time: Option<Duration>,
    /// Option 59 (T2), when it is to be sent.
    pub rebinding_time: Option<Duration>,
    /// Boot file name or URI.
    pub boot_file: Option<String>,
    /// Name or address of the TFTP server.
    pub server_name: Option<String>,
    /// `siaddr`, the server of the next step; 0.0.0.0 when there is none.
    pub next_server: Option<Ipv4Addr>,
    /// Where boot file and server name go.
    pub placement: BootPlacement,
    /// Further options, or other values of the ones above, which are then left out. A value over 255
    /// octets is split (RFC 3396).
    pub options: Vec<(u8, Vec<u8>)>,
    /// Whether option 55 is honoured; `false` sends everything always.
    pub honour_parameter_list: bool,
    /// How long the server takes to make an offer, such as for a ping.
    pub offer_delay: Duration,
}

impl Default for LeaseConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            address: Ipv4Addr::new(10, 0, 0, 100),
            routers: Vec::new(),
            dns: Vec::new(),
            lease_time: Duration::from_secs(3_600),
            renewal_time: None,
            rebinding_time: None,
            boot_file: None,
            server_name: None,
            next_server: None,
            placement: BootPlacement::Auto,
            options: Vec::new(),
            honour_parameter_list: true,
            offer_delay: Duration::ZERO,
        }
    }
}

/// Where boot file and server name stand in a DHCP message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BootPlacement {
    /// In options 66 and 67 when the client asks for them, else in the fields: as dnsmasq does.
    #[default]
    Auto,
    /// In options 66 and 67, asked for or not.
    Options,
    /// In the BOOTP fields `sname` (up to 63 octets) and `file` (up to 127).
    Fields,
    /// In both.
    Both,
}

/// A ProxyDHCP server (PXE 2.1, section 2.2.3): it leases nothing and tells PXE and HTTP boot clients what
/// to boot. It answers on port 67 and, by unicast, on port 4011.
#[derive(Clone, Debug)]
pub struct ProxyConfig {
    /// Its own address; the server also answers TFTP and HTTP there.
    pub ip: Ipv4Addr,
    /// Boot file name or URI.
    pub boot_file: Option<String>,
    /// Name or address of the TFTP server.
    pub server_name: Option<String>,
    /// `siaddr`.
    pub next_server: Option<Ipv4Addr>,
    /// Where boot file and server name go.
    pub placement: BootPlacement,
    /// Further options.
    pub options: Vec<(u8, Vec<u8>)>,
    /// How long it takes to make an offer.
    pub offer_delay: Duration,
    /// Answers clients without a class identifier (option 60) too.
    pub any_client: bool,
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            ip: Ipv4Addr::new(10, 0, 0, 2),
            boot_file: None,
            server_name: None,
            next_server: None,
            placement: BootPlacement::Options,
            options: Vec::new(),
            offer_delay: Duration::ZERO,
            any_client: false,
        }
    }
}

/// A second DHCP server.
#[derive(Clone, Debug)]
pub struct RivalConfig {
    /// Its address.
    pub ip: Ipv4Addr,
    /// What it answers.
    pub lease: LeaseConfig,
}

/// How the TFTP server behaves.
#[derive(Clone, Debug)]
pub struct TftpConfig {
    /// Whether there is a TFTP server.
    pub enabled: bool,
    /// Whether options are understood at all (RFC 2347); a server of 1992 ignores them.
    pub options: bool,
    /// Whether `tsize` is answered (RFC 2349).
    pub tsize: bool,
    /// Whether `timeout` is answered (RFC 2349).
    pub timeout_option: bool,
    /// Largest `blksize` granted (RFC 2348); 0 leaves the option unanswered. Never more than 1,468, since the
    /// server does not fragment.
    pub max_blksize: u16,
    /// Largest `windowsize` granted (RFC 7440); 0 leaves the option unanswered.
    pub max_windowsize: u16,
    /// Waits this long for an acknowledgement unless a `timeout` was agreed.
    pub timeout: Duration,
    /// Gives up after this many repetitions without an answer.
    pub retries: u32,
    /// What follows block 65,535.
    pub rollover: Rollover,
    /// Most transfers at a time; a further one replaces the oldest.
    pub max_transfers: usize,
}

impl Default for TftpConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            options: true,
            tsize: true,
            timeout_option: true,
            max_blksize: 1_468,
            max_windowsize: 64,
            timeout: Duration::from_secs(1),
            retries: 5,
            rollover: Rollover::Zero,
            max_transfers: 64,
        }
    }
}

/// What follows TFTP block 65,535: no RFC says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rollover {
    /// Block 0, as most servers do.
    #[default]
    Zero,
    /// Block 1, as some do.
    One,
    /// Error 0: the server is not fit for such files.
    Refuse,
}

/// How the HTTP server behaves. All but port and backlog, and redirects, also holds for HTTPS.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Port.
    pub port: u16,
    /// Connections that may wait to be accepted; 0 turns the server off, so that connecting is refused.
    pub backlog: usize,
    /// Most connections at a time.
    pub max_connections: usize,
    /// Send buffer of a connection, in octets.
    pub send_buffer: usize,
    /// Range requests (RFC 9110, section 14).
    pub ranges: bool,
    /// Persistent connections; without, each response ends with the connection.
    pub keep_alive: bool,
    /// Requests that one connection may carry, if limited.
    pub max_requests: Option<u32>,
    /// An idle connection is closed after this time.
    pub idle_timeout: Duration,
    /// How the body is delimited.
    pub framing: Framing,
    /// Octets of one chunk.
    pub chunk: u64,
    /// Entity tags (RFC 9110, section 8.8.3).
    pub etag: EtagKind,
    /// `Last-Modified`, as it goes into the field.
    pub last_modified: Option<String>,
    /// Redirects by path, with the leading `/`.
    pub redirects: BTreeMap<String, Redirect>,
    /// User and password that every request must carry (RFC 7617).
    pub basic_auth: Option<(String, String)>,
    /// Further header lines of every response, without CRLF.
    pub headers: Vec<String>,
    /// Paths that take a POST, with the leading `/`, and what they answer.
    pub posts: BTreeMap<String, Post>,
    /// Set for a server that answers a POST as soon as it has its head, and reads the content afterwards, as nginx may. The connection stays open.
    pub answers_early: bool,
}

/// The answer to a POST, whose content of up to 64 KiB is read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Status of the answer.
    pub status: u16,
    /// Media type of the answer's content.
    pub media_type: String,
    /// The media type that a request has to name in `Accept`, as bootstrap servers want it (RFC 8572); it gets 406 otherwise.
    pub accept: Option<String>,
    /// Content of the answer; `None` sends back what came.
    pub content: Option<Vec<u8>>,
    /// What takes the place of this answer once it was given. `None`: it is given again and again.
    pub then: Option<Box<Post>>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            port: 80,
            backlog: 4,
            max_connections: 64,
            send_buffer: 256 * 1024,
            ranges: true,
            keep_alive: true,
            max_requests: None,
            idle_timeout: Duration::from_secs(60),
            framing: Framing::Length,
            chunk: 4_000,
            etag: EtagKind::Strong,
            last_modified: Some("Sat, 01 Aug 2026 12:00:00 GMT".into()),
            redirects: BTreeMap::new(),
            basic_auth: None,
            headers: Vec::new(),
            posts: BTreeMap::new(),
            answers_early: false,
        }
    }
}

/// Which entity tags are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EtagKind {
    /// `"..."`
    #[default]
    Strong,
    /// `W/"..."`, which `If-Range` never matches.
    Weak,
    /// None.
    None,
}
