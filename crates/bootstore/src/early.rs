//! The early network configuration: what a board needs to reach its boot server without DHCP.
//!
//! It is the usual content of the replicated [`NetworkConfig`](crate::NetworkConfig). The form is CBOR
//! (RFC 8949) with integer keys in ascending order; this is its schema in CDDL (RFC 8610):
//!
//! ```text
//! early-net-config = {
//!     0: 1,                        ; version of the schema
//!     1: 1..18446744073709551615,  ; generation, the same as that of the replicated configuration
//!   ? 2: 1..4094,                  ; VLAN id (IEEE 802.1Q); untagged when absent
//!   ? 3: v4,                       ; IPv4, absent when not used
//!   ? 4: v6,                       ; IPv6, absent when not used
//!   ? 5: [1*4 tstr],               ; URIs of boot servers, in the order in which they are tried
//!   ? 6: [1*4 bstr .size 32],      ; trust anchors: SHA-256 of the SubjectPublicKeyInfo
//!   ? 7: bool,                     ; whether a board may use secure zero-touch provisioning; false when absent
//! }
//! v4 = {
//!     0: 1..32,                    ; length of the prefix
//!   ? 1: ipv4,                     ; router
//!   ? 2: [1*3 ipv4],               ; DNS servers
//!     3: [1*32 [mac, ipv4]],       ; which board has which address
//! }
//! v6 = {
//!     0: ipv6,                     ; prefix; its last 64 bits are 0
//!   ? 1: ipv6,                     ; router; from router advertisements when absent
//!   ? 2: [1*3 ipv6],               ; DNS servers
//! }
//! ipv4 = bstr .size 4    ipv6 = bstr .size 16    mac = bstr .size 6
//! ```
//!
//! An IPv6 address is the prefix of 64 bits with the modified EUI-64 of the board's MAC address (RFC 4291,
//! appendix A), so that one configuration serves all boards.

use crate::network_config::BLOB_MAX;
use crate::wire::WireError;
use crate::wire::cbor::{Reader, Writer};
use core::net::{Ipv4Addr, Ipv6Addr};
use heapless::{String, Vec};

/// Greatest number of boot servers and of trust anchors.
pub const SERVERS_MAX: usize = 4;
/// Greatest number of octets of a boot server's URI.
pub const URI_MAX: usize = 255;
/// Greatest number of DNS servers of each address family.
pub const DNS_MAX: usize = 3;
/// Greatest number of boards with an IPv4 address.
pub const HOSTS_MAX: usize = 32;

const SCHEMA: u64 = 1;

/// A MAC address.
pub type Mac = [u8; 6];

/// What a board needs to reach its boot server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EarlyNetConfig {
    /// Generation of the replicated configuration that carries this one; at least 1.
    pub generation: u64,
    /// VLAN id from 1 to 4094. When absent, the board stays in its own VLAN: untagged, unless its own options say otherwise.
    pub vlan: Option<u16>,
    /// IPv4 addresses.
    pub v4: Option<V4>,
    /// IPv6 addresses.
    pub v6: Option<V6>,
    /// URIs of boot servers, in the order in which they are tried.
    pub servers: Vec<String<URI_MAX, u8>, SERVERS_MAX, u8>,
    /// SHA-256 digests of the SubjectPublicKeyInfo of trust anchors.
    ///
    /// Whoever can write the configuration can write these, so they can narrow a board's own trust but must
    /// not widen it.
    pub anchors: Vec<[u8; 32], SERVERS_MAX, u8>,
    /// Whether a board may use secure zero-touch provisioning (RFC 8572).
    pub sztp: bool,
}

/// IPv4 addresses of the rack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct V4 {
    /// Length of the prefix, from 1 to 32.
    pub prefix_len: u8,
    /// The router.
    pub router: Option<Ipv4Addr>,
    /// DNS servers.
    pub dns: Vec<Ipv4Addr, DNS_MAX, u8>,
    /// Which board has which address. No board and no address comes twice.
    pub hosts: Vec<(Mac, Ipv4Addr), HOSTS_MAX, u8>,
}

/// IPv6 addresses of the rack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct V6 {
    /// Prefix of 64 bits; the other bits are 0.
    pub prefix: Ipv6Addr,
    /// The router; from router advertisements when absent.
    pub router: Option<Ipv6Addr>,
    /// DNS servers.
    pub dns: Vec<Ipv6Addr, DNS_MAX, u8>,
}

impl V4 {
    /// Makes a value that has nothing yet, and is not valid.
    const fn new() -> Self {
        Self {
            prefix_len: 0,
            router: None,
            dns: Vec::new(),
            hosts: Vec::new(),
        }
    }

    /// The address of the board with this MAC address.
    pub fn address(&self, mac: Mac) -> Option<Ipv4Addr> {
        self.hosts
            .iter()
            .find(|(host, _)| *host == mac)
            .map(|(_, address)| *address)
    }

    fn is_valid(&self) -> bool {
        let unicast = |ip: &Ipv4Addr| {
            !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast() && !ip.is_loopback()
        };
        let unique = self.hosts.iter().enumerate().all(|(index, host)| {
            self.hosts
                .iter()
                .take(index)
                .all(|other| other.0 != host.0 && other.1 != host.1)
        });
        (1..=32).contains(&self.prefix_len)
            && unique
            && !self.hosts.is_empty()
            && self.hosts.iter().all(|(_, ip)| unicast(ip))
            && self.router.iter().all(unicast)
            && self.dns.iter().all(unicast)
    }
}

impl V6 {
    /// Makes a value that has nothing yet, and is not valid.
    const fn new() -> Self {
        Self {
            prefix: Ipv6Addr::UNSPECIFIED,
            router: None,
            dns: Vec::new(),
        }
    }

    /// The address of the board with this MAC address.
    pub fn address(&self, mac: Mac) -> Ipv6Addr {
        let [a, b, c, d, e, f] = mac;
        let interface = u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
        Ipv6Addr::from(u128::from(self.prefix) | u128::from(interface))
    }

    fn is_valid(&self) -> bool {
        let unicast = |ip: &Ipv6Addr| !ip.is_unspecified() && !ip.is_multicast();
        let low = u128::from(self.prefix) as u64;
        low == 0
            && unicast(&self.prefix)
            && self.router.iter().all(unicast)
            && self.dns.iter().all(unicast)
    }
}

impl EarlyNetConfig {
    /// Writes the configuration and returns the number of octets.
    ///
    /// # Errors
    /// [`WireError::Bounds`] when a value is outside its range or the whole is longer than
    /// [`BLOB_MAX`], and [`WireError::Buffer`].
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, WireError> {
        if !self.is_valid() {
            return Err(WireError::Bounds { at: 0 });
        }
        let mut w = Writer::new(buffer);
        let entries = [
            self.vlan.is_some(),
            self.v4.is_some(),
            self.v6.is_some(),
            !self.servers.is_empty(),
            !self.anchors.is_empty(),
            self.sztp,
        ];
        let count = entries.iter().filter(|present| **present).count();
        w.map(count.saturating_add(2))?;
        w.uint(0)?.uint(SCHEMA)?.uint(1)?.uint(self.generation)?;
        if let Some(vlan) = self.vlan {
            w.uint(2)?.uint(vlan.into())?;
        }
        if let Some(v4) = &self.v4 {
            w.uint(3)?;
            write_v4(&mut w, v4)?;
        }
        if let Some(v6) = &self.v6 {
            w.uint(4)?;
            write_v6(&mut w, v6)?;
        }
        if !self.servers.is_empty() {
            w.uint(5)?.array(self.servers.len())?;
            for uri in &self.servers {
                w.str(uri)?;
            }
        }
        if !self.anchors.is_empty() {
            w.uint(6)?.array(self.anchors.len())?;
            for anchor in &self.anchors {
                w.bytes(anchor)?;
            }
        }
        if self.sztp {
            w.uint(7)?.bool(true)?;
        }
        if w.len() > BLOB_MAX {
            return Err(WireError::Bounds { at: w.len() });
        }
        Ok(w.len())
    }

    /// Reads a configuration.
    ///
    /// # Errors
    /// [`WireError`]
    pub fn decode(octets: &[u8]) -> Result<Self, WireError> {
        let mut config = Self::default();
        config.read(octets)?;
        Ok(config)
    }

    /// Reads a configuration into this one, which saves a small device some copies. After an error this configuration is empty.
    ///
    /// # Errors
    /// [`WireError`]
    #[inline(never)]
    pub fn read(&mut self, octets: &[u8]) -> Result<(), WireError> {
        self.clear();
        let result = self.fill(octets);
        if result.is_err() {
            self.clear();
        }
        result
    }

    /// Makes an empty configuration of this one: generation 0, without addresses and servers.
    pub fn clear(&mut self) {
        self.generation = 0;
        self.vlan = None;
        self.v4 = None;
        self.v6 = None;
        self.servers.clear();
        self.anchors.clear();
        self.sztp = false;
    }

    fn fill(&mut self, octets: &[u8]) -> Result<(), WireError> {
        let mut r = Reader::new(octets);
        let mut version = None;
        entries(&mut r, |r, key| {
            match key {
                0 => version = Some(r.u64()?),
                1 => self.generation = r.u64()?,
                2 => self.vlan = Some(r.u16()?),
                3 => read_v4(r, self.v4.insert(V4::new()))?,
                4 => read_v6(r, self.v6.insert(V6::new()))?,
                5 => list(r, &mut self.servers, |r, uri| {
                    uri.push_str(r.str()?).map_err(|_| r.out_of_bounds())
                })?,
                6 => list(r, &mut self.anchors, |r, anchor| {
                    *anchor = r.bytes_exact()?;
                    Ok(())
                })?,
                7 => self.sztp = r.bool()?,
                _ => return Err(r.wrong_fields()),
            }
            Ok(())
        })?;
        if version != Some(SCHEMA) {
            return Err(r.unknown_variant());
        }
        if !self.is_valid() {
            return Err(r.out_of_bounds());
        }
        r.end()
    }

    fn is_valid(&self) -> bool {
        let text = |uri: &String<URI_MAX, u8>| {
            !uri.is_empty() && uri.bytes().all(|octet| octet.is_ascii_graphic())
        };
        self.generation > 0
            && self.vlan.is_none_or(|vlan| (1..=4094).contains(&vlan))
            && self.v4.as_ref().is_none_or(V4::is_valid)
            && self.v6.as_ref().is_none_or(V6::is_valid)
            && self.servers.iter().all(text)
    }
}

/// Reads a map with integer keys in ascending order.
fn entries(
    r: &mut Reader<'_>,
    mut entry: impl FnMut(&mut Reader<'_>, u64) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let mut last = None;
    for _ in 0..r.map()? {
        let key = r.u64()?;
        if last.is_some_and(|last| key <= last) {
            return Err(r.wrong_fields());
        }
        last = Some(key);
        entry(r, key)?;
    }
    Ok(())
}

/// Reads a list of 1 to `N` items into `items`, which is empty.
fn list<T: Default, const N: usize>(
    r: &mut Reader<'_>,
    items: &mut Vec<T, N, u8>,
    mut item: impl FnMut(&mut Reader<'_>, &mut T) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let len = r.array()?;
    if len == 0 || len > N as u64 {
        return Err(r.out_of_bounds());
    }
    for _ in 0..len {
        items.push(T::default()).map_err(|_| r.out_of_bounds())?;
        if let Some(place) = items.last_mut() {
            item(r, place)?;
        }
    }
    Ok(())
}

fn ipv4(r: &mut Reader<'_>) -> Result<Ipv4Addr, WireError> {
    Ok(Ipv4Addr::from(r.bytes_exact::<4>()?))
}

fn ipv6(r: &mut Reader<'_>) -> Result<Ipv6Addr, WireError> {
    Ok(Ipv6Addr::from(r.bytes_exact::<16>()?))
}

/// An address as an item of a list, which has room for it before it is read.
trait Address: Sized {
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError>;
}

impl Address for Ipv4Addr {
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        ipv4(r)
    }
}

impl Address for Ipv6Addr {
    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        ipv6(r)
    }
}

/// Reads a list of DNS servers into `servers`, which is empty.
fn read_dns<A: Address>(
    r: &mut Reader<'_>,
    servers: &mut Vec<A, DNS_MAX, u8>,
) -> Result<(), WireError> {
    let len = r.array()?;
    if len == 0 {
        return Err(r.out_of_bounds());
    }
    for _ in 0..len.min(DNS_MAX as u64 + 1) {
        let address = A::read(r)?;
        servers.push(address).map_err(|_| r.out_of_bounds())?;
    }
    Ok(())
}

fn write_v4(w: &mut Writer<'_>, v4: &V4) -> Result<(), WireError> {
    let optional = usize::from(v4.router.is_some()) + usize::from(!v4.dns.is_empty());
    w.map(optional + 2)?.uint(0)?.uint(v4.prefix_len.into())?;
    if let Some(router) = v4.router {
        w.uint(1)?.bytes(&router.octets())?;
    }
    if !v4.dns.is_empty() {
        w.uint(2)?.array(v4.dns.len())?;
        for server in &v4.dns {
            w.bytes(&server.octets())?;
        }
    }
    w.uint(3)?.array(v4.hosts.len())?;
    for (mac, address) in &v4.hosts {
        w.array(2)?.bytes(mac)?.bytes(&address.octets())?;
    }
    Ok(())
}

fn read_v4(r: &mut Reader<'_>, v4: &mut V4) -> Result<(), WireError> {
    entries(r, |r, key| {
        match key {
            0 => v4.prefix_len = r.u8()?,
            1 => v4.router = Some(ipv4(r)?),
            2 => read_dns(r, &mut v4.dns)?,
            3 => {
                let len = r.array()?;
                for _ in 0..len.min(HOSTS_MAX as u64 + 1) {
                    r.array_of(2)?;
                    let host = (r.bytes_exact()?, ipv4(r)?);
                    v4.hosts.push(host).map_err(|_| r.out_of_bounds())?;
                }
            }
            _ => return Err(r.wrong_fields()),
        }
        Ok(())
    })
}

fn write_v6(w: &mut Writer<'_>, v6: &V6) -> Result<(), WireError> {
    let optional = usize::from(v6.router.is_some()) + usize::from(!v6.dns.is_empty());
    w.map(optional + 1)?.uint(0)?.bytes(&v6.prefix.octets())?;
    if let Some(router) = v6.router {
        w.uint(1)?.bytes(&router.octets())?;
    }
    if !v6.dns.is_empty() {
        w.uint(2)?.array(v6.dns.len())?;
        for server in &v6.dns {
            w.bytes(&server.octets())?;
        }
    }
    Ok(())
}

fn read_v6(r: &mut Reader<'_>, v6: &mut V6) -> Result<(), WireError> {
    entries(r, |r, key| {
        match key {
            0 => v6.prefix = ipv6(r)?,
            1 => v6.router = Some(ipv6(r)?),
            2 => read_dns(r, &mut v6.dns)?,
            _ => return Err(r.wrong_fields()),
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> EarlyNetConfig {
        let hosts = (0..HOSTS_MAX as u8)
            .map(|n| ([2, 0, 0, 0, 0, n], Ipv4Addr::new(10, 0, 2, 10 + n)))
            .collect();
        EarlyNetConfig {
            generation: 7,
            vlan: Some(100),
            v4: Some(V4 {
                prefix_len: 24,
                router: Some(Ipv4Addr::new(10, 0, 2, 1)),
                dns: Vec::from_slice(&[Ipv4Addr::new(10, 0, 2, 3)]).unwrap(),
                hosts,
            }),
            v6: Some(V6 {
                prefix: "fd00:1::".parse().unwrap(),
                router: None,
                dns: Vec::from_slice(&["fd00:1::53".parse().unwrap()]).unwrap(),
            }),
            servers: Vec::from_slice(&[
                String::try_from("https://images.example/fw/").unwrap(),
                String::try_from("tftp://10.0.2.2/fw/").unwrap(),
            ])
            .unwrap(),
            anchors: Vec::from_slice(&[[9; 32]]).unwrap(),
            sztp: true,
        }
    }

    #[test]
    fn a_full_configuration_comes_back() {
        let mut buffer = [0; BLOB_MAX];
        let config = full();
        let len = config.encode(&mut buffer).unwrap();
        assert_eq!(EarlyNetConfig::decode(&buffer[..len]), Ok(config));
        for cut in 0..len {
            assert!(EarlyNetConfig::decode(&buffer[..cut]).is_err());
        }
        buffer[len] = 0;
        assert_eq!(
            EarlyNetConfig::decode(&buffer[..=len]),
            Err(WireError::Trailing { octets: 1 })
        );
    }

    #[test]
    fn the_smallest_configuration_is_five_octets() {
        let config = EarlyNetConfig {
            generation: 1,
            ..EarlyNetConfig::default()
        };
        let mut buffer = [0; 16];
        let len = config.encode(&mut buffer).unwrap();
        assert_eq!(buffer[..len], [0xa2, 0, 1, 1, 1]);
        assert_eq!(EarlyNetConfig::decode(&buffer[..len]), Ok(config));
        // Keys out of order, twice, unknown, another version, no generation.
        for wrong in [
            &[0xa2, 1, 1, 0, 1][..],
            &[0xa3, 0, 1, 1, 1, 1, 2],
            &[0xa3, 0, 1, 1, 1, 9, 0],
            &[0xa2, 0, 2, 1, 1],
            &[0xa1, 0, 1],
        ] {
            assert!(EarlyNetConfig::decode(wrong).is_err(), "{wrong:x?}");
        }
    }

    #[test]
    fn values_outside_their_range_are_refused() {
        type Spoil = fn(&mut EarlyNetConfig);
        let spoilers: [Spoil; 9] = [
            |c| c.generation = 0,
            |c| c.vlan = Some(4095),
            |c| c.vlan = Some(0),
            |c| c.v4.as_mut().unwrap().prefix_len = 33,
            |c| c.v4.as_mut().unwrap().hosts[1].0 = [2, 0, 0, 0, 0, 0],
            |c| c.v4.as_mut().unwrap().hosts[1].1 = Ipv4Addr::new(10, 0, 2, 10),
            |c| c.v4.as_mut().unwrap().router = Some(Ipv4Addr::UNSPECIFIED),
            |c| c.v6.as_mut().unwrap().prefix = "fd00:1::1".parse().unwrap(),
            |c| c.servers[0] = String::try_from("a b").unwrap(),
        ];
        for spoil in spoilers {
            let mut config = full();
            spoil(&mut config);
            assert!(config.encode(&mut [0; BLOB_MAX]).is_err());
        }
    }

    #[test]
    fn boards_find_their_addresses() {
        let config = full();
        let v4 = config.v4.unwrap();
        assert_eq!(
            v4.address([2, 0, 0, 0, 0, 5]),
            Some(Ipv4Addr::new(10, 0, 2, 15))
        );
        assert_eq!(v4.address([2, 0, 0, 0, 1, 5]), None);
        // RFC 4291, appendix A: the universal bit is inverted, ff:fe goes into the middle.
        let v6 = config.v6.unwrap();
        assert_eq!(
            v6.address([0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde]),
            "fd00:1::3656:78ff:fe9a:bcde".parse::<Ipv6Addr>().unwrap()
        );
    }
}
