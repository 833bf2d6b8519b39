//! The lease: an address, its time, and all that came with it.

use crate::boot;
use crate::error::DhcpError;
use crate::options::{Options, code};
use crate::packet::Packet;
use core::net::{IpAddr, Ipv4Addr};
use netboot_core::boot::BootOrigin;
use netboot_core::net::{ConfigOrigin, NetworkConfig, Prefix, Route, is_host};
use netboot_core::{Duration, Instant};

/// Length of the lease when the server names none: long enough for a boot, and short enough for the server to have the address back.
const DEFAULT_LEASE_SECS: u32 = 3600;
/// Least length of a lease. No server means a shorter one, which would be lost while it is renewed.
const MIN_LEASE_SECS: u32 = 60;
/// The lease time that means *for ever* (RFC 2131 section 3.3).
const INFINITE: u32 = u32::MAX;
/// Octets of option 121 that are read: 28 routes at least.
const ROUTES_MAX: usize = 255;
/// Least MTU of IPv4 (RFC 791).
const MIN_MTU: u16 = 68;

/// A lease and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The client's address, the one that `config` has too.
    pub address: Ipv4Addr,
    /// The address of the server that gave the lease (option 54).
    pub server_id: Ipv4Addr,
    /// Everything else that the server said of the network. Without option 1 the prefix is that of the address's class. The
    /// routers are those of option 121 if there is one (RFC 3442), else those of option 3.
    pub config: NetworkConfig,
    /// Length of the lease, from [`obtained`](Self::obtained). [`Duration::MAX`] means for ever.
    pub lease_time: Duration,
    /// Time from [`obtained`](Self::obtained) to the renewal (T1).
    pub t1: Duration,
    /// Time from [`obtained`](Self::obtained) until any server is asked (T2).
    pub t2: Duration,
    /// When the client sent the request that the server confirmed (RFC 2131 section 4.4.1).
    pub obtained: Instant,
}

impl Lease {
    /// Makes a lease that has nothing in it yet.
    fn empty() -> Self {
        Self {
            address: Ipv4Addr::UNSPECIFIED,
            server_id: Ipv4Addr::UNSPECIFIED,
            config: NetworkConfig::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
            lease_time: Duration::ZERO,
            t1: Duration::ZERO,
            t2: Duration::ZERO,
            obtained: Instant::ZERO,
        }
    }

    /// Reads a DHCPACK that answers a request sent at `obtained`. Without option 54 the server is
    /// `server`.
    ///
    /// # Errors
    /// Fails with [`DhcpError::WrongAddress`] when no host can have the address.
    pub fn parse(
        packet: &Packet<'_>,
        server: Ipv4Addr,
        obtained: Instant,
    ) -> Result<Self, DhcpError> {
        let mut lease = None;
        Self::read(&mut lease, packet, server, obtained)?;
        Ok(lease.unwrap_or_else(Self::empty))
    }

    /// Does as [`parse`](Self::parse), in place. Boot information in the lease remains when the message has
    /// none. After an error all of the lease remains.
    #[inline(never)]
    pub(crate) fn read(
        lease: &mut Option<Self>,
        packet: &Packet<'_>,
        server: Ipv4Addr,
        obtained: Instant,
    ) -> Result<(), DhcpError> {
        let address = packet.header.yiaddr;
        if !is_host(address) {
            return Err(DhcpError::WrongAddress { address });
        }
        let lease = lease.get_or_insert_with(Self::empty);
        let options = &packet.options;
        let config = &mut lease.config;
        lease.address = address;
        config.address = IpAddr::V4(address);
        config.prefix_len = options
            .long(code::SUBNET_MASK)
            .and_then(prefix_len)
            .unwrap_or(class_prefix_len(address));
        options.read_addresses(code::DNS, &mut config.dns);
        options.read_addresses(code::NTP, &mut config.ntp);
        if cfg!(feature = "syslog") {
            let mut servers = heapless::Vec::<IpAddr, 1>::new();
            options.read_addresses(code::LOG, &mut servers);
            config.log = servers.first().copied();
        }
        options.read_text(code::HOSTNAME, &mut config.hostname);
        options.read_text(code::DOMAIN, &mut config.domain);
        options.read_domain(&mut config.search);
        config.mtu = options.short(code::MTU).filter(|mtu| *mtu >= MIN_MTU);
        lease.server_id = options
            .address(code::SERVER_ID)
            .filter(|address| is_host(*address))
            .unwrap_or(server);
        config.origin = ConfigOrigin::Dhcp(IpAddr::V4(lease.server_id));
        (lease.lease_time, lease.t1, lease.t2) = times(
            options.long(code::LEASE_TIME),
            options.long(code::RENEWAL_TIME),
            options.long(code::REBINDING_TIME),
        );
        config.lease_time = Some(lease.lease_time).filter(|time| *time != Duration::MAX);
        lease.obtained = obtained;
        if !config.boot.is_known() || boot::is_known_in(packet) {
            boot::read(&mut config.boot, packet, lease.server_id, BootOrigin::Dhcp);
        }
        if !read_routes(config, options) {
            options.read_addresses(code::ROUTERS, &mut config.routers);
        }
        Ok(())
    }

    /// When the lease ends, unless it is renewed.
    pub fn expires_at(&self) -> Instant {
        self.obtained + self.lease_time
    }
}

/// Reads option 121 (RFC 3442). Returns `false` when it is absent or malformed, so that option 3 counts.
fn read_routes(config: &mut NetworkConfig, options: &Options<'_>) -> bool {
    config.routers.clear();
    config.routes.clear();
    config.routes_left_out = 0;
    let mut buf = [0; ROUTES_MAX];
    let Some((mut octets, whole)) = options.join(code::CLASSLESS_ROUTES, &mut buf) else {
        return false;
    };
    if octets.is_empty() {
        return false;
    }
    while let [prefix_len @ 0..=32, rest @ ..] = octets {
        let significant = usize::from(prefix_len.div_ceil(8));
        let Some((network, rest)) = rest.split_at_checked(significant) else {
            break;
        };
        let Some((router, rest)) = rest.split_first_chunk::<4>() else {
            break;
        };
        octets = rest;
        let router = Ipv4Addr::from_octets(*router);
        let mut destination = [0; 4];
        for (to, from) in destination.iter_mut().zip(network) {
            *to = *from;
        }
        let gateway = is_host(router).then_some(IpAddr::V4(router));
        if *prefix_len == 0 {
            if let Some(gateway) = gateway
                && config.routers.push(gateway).is_err()
            {
                config.routes_left_out = config.routes_left_out.saturating_add(1);
            }
        } else if gateway.is_some() || router.is_unspecified() {
            let mask = u32::MAX << (32u32.saturating_sub(u32::from(*prefix_len)) & 31);
            let network = u32::from_be_bytes(destination) & mask;
            let route = Route {
                destination: Prefix {
                    address: IpAddr::V4(Ipv4Addr::from_bits(network)),
                    len: *prefix_len,
                },
                gateway,
            };
            keep_route(config, route);
        }
    }
    // A list that our own buffer has cut short is not malformed.
    let cut = whole > ROUTES_MAX;
    if cut {
        config.routes_left_out = config.routes_left_out.saturating_add(1);
    }
    let good = octets.is_empty() || cut;
    if !good {
        config.routers.clear();
        config.routes.clear();
    }
    good
}

/// Adds a route. When there is no room, one that leads to a server of the boot takes the place of one that does not.
#[inline(never)]
fn keep_route(config: &mut NetworkConfig, route: Route) {
    let Err(route) = config.routes.push(route) else {
        return;
    };
    config.routes_left_out = config.routes_left_out.saturating_add(1);
    if !cfg!(feature = "robust") {
        return;
    }
    let NetworkConfig {
        routes, dns, boot, ..
    } = config;
    let needed = |route: &Route| {
        let servers = boot.next_server.iter().chain(&boot.tftp_servers);
        let mut servers = servers.chain(&boot.server).chain(&*dns);
        servers.any(|server| route.destination.contains(*server))
    };
    if needed(&route)
        && let Some(other) = routes.iter_mut().rev().find(|other| !needed(other))
    {
        *other = route;
    }
}

/// Corrects lease time, T1 and T2 so that T1 < T2 < lease time. By default T1 is 1/2 and T2 is 7/8 of the lease time (RFC 2131 section
/// 4.4.5).
fn times(lease: Option<u32>, t1: Option<u32>, t2: Option<u32>) -> (Duration, Duration, Duration) {
    let lease = lease.unwrap_or(DEFAULT_LEASE_SECS).max(MIN_LEASE_SECS);
    if lease == INFINITE {
        return (Duration::MAX, Duration::MAX, Duration::MAX);
    }
    let t2 = t2
        .filter(|t2| *t2 > 1 && *t2 < lease)
        .unwrap_or(lease - lease / 8);
    let t1 = t1
        .filter(|t1| *t1 != 0 && *t1 < t2)
        .unwrap_or(if lease / 2 < t2 { lease / 2 } else { t2 / 2 });
    let secs = |secs: u32| Duration::from_micros(u64::from(secs) * 1_000_000);
    (secs(lease), secs(t1), secs(t2))
}

/// Length of the prefix of a mask without holes, from 1. This is a loop, because the processor may have no instruction that counts zeros.
fn prefix_len(mask: u32) -> Option<u8> {
    let mut rest = mask;
    let mut len = 0;
    while rest & (1 << 31) != 0 {
        rest <<= 1;
        len += 1;
    }
    (len != 0 && rest == 0).then_some(len)
}

/// Length of the prefix by the address's class (RFC 791), for servers that send no mask.
fn class_prefix_len(address: Ipv4Addr) -> u8 {
    let [first, ..] = address.octets();
    match first {
        0..=127 => 8,
        128..=191 => 16,
        _ => 24,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn masks() {
        let cases = [
            (0xffff_ff00, Some(24)),
            (0xffff_ffff, Some(32)),
            (0xffff_fffe, Some(31)),
            (0x8000_0000, Some(1)),
            (0, None),
            (0xff00_ff00, None),
            (0x0000_00ff, None),
        ];
        for (mask, len) in cases {
            assert_eq!(prefix_len(mask), len, "{mask:08x}");
        }
    }

    #[test]
    fn times_are_made_sane() {
        let secs = Duration::from_secs;
        let cases = [
            ((Some(3600), None, None), (3600, 1800, 3150)),
            ((Some(3600), Some(600), Some(3000)), (3600, 600, 3000)),
            ((Some(3600), Some(3100), Some(3000)), (3600, 1800, 3000)),
            ((Some(3600), Some(600), Some(3600)), (3600, 600, 3150)),
            ((Some(3600), None, Some(900)), (3600, 450, 900)),
            ((Some(0), None, None), (60, 30, 53)),
            ((None, Some(0), Some(0)), (3600, 1800, 3150)),
            (
                (Some(3600), Some(INFINITE), Some(INFINITE)),
                (3600, 1800, 3150),
            ),
        ];
        for ((lease, t1, t2), (want, want1, want2)) in cases {
            assert_eq!(times(lease, t1, t2), (secs(want), secs(want1), secs(want2)));
        }
        let for_ever = (Duration::MAX, Duration::MAX, Duration::MAX);
        assert_eq!(times(Some(INFINITE), Some(5), Some(6)), for_ever);
    }

    proptest! {
        #[test]
        fn times_are_ordered(lease: Option<u32>, t1: Option<u32>, t2: Option<u32>) {
            let (lease, t1, t2) = times(lease, t1, t2);
            prop_assert!(t1 < t2 && t2 < lease || lease == Duration::MAX);
            prop_assert!(t1 > Duration::ZERO);
        }
    }
}
