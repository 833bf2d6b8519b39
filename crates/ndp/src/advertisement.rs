//! Router Advertisement: what a router says of the link (RFC 4861, sections 4.2 and 4.6; RFC 4191; RFC 8106).

use crate::address::{ALL_ROUTERS, Mac};
use crate::wire::{Envelope, HEADER, HOP_LIMIT, ICMPV6, Options, SOURCE_MAC, Writer};
use core::fmt;
use core::net::Ipv6Addr;
use netboot_core::{Duration, Instant};

/// Type of the solicitation that asks routers for an advertisement.
pub const SOLICITATION: u8 = 133;
/// Type of an advertisement.
pub const ADVERTISEMENT: u8 = 134;

/// The bit of the flags for addresses by DHCPv6.
const MANAGED: u8 = 0x80;
/// The bit of the flags for everything else by DHCPv6.
const OTHER: u8 = 0x40;
/// The bit of a prefix for addresses that are on the link.
const ON_LINK: u8 = 0x80;
/// The bit of a prefix of which a host makes its own address.
const AUTONOMOUS: u8 = 0x40;

/// Why a message is no advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// The sender is not on this link: its address is no link-local one, or a router has passed the message on.
    Sender,
    /// The message is another one.
    Kind,
    /// The message, or one of its options, is shorter than it says.
    Truncated,
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ignored::Sender => "the sender is not on this link",
            Ignored::Kind => "the message is no router advertisement",
            Ignored::Truncated => "the message is shorter than it says",
        })
    }
}

impl core::error::Error for Ignored {}

/// How much a router, or a route, is to be preferred (RFC 4191, section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Preference {
    /// Others are better.
    Low,
    /// The usual one.
    Medium,
    /// It is better than others.
    High,
}

impl Preference {
    /// Reads the two bits; `None` for the reserved value.
    fn read(flags: u8) -> Option<Self> {
        match flags >> 3 & 3 {
            0 => Some(Preference::Medium),
            1 => Some(Preference::High),
            3 => Some(Preference::Low),
            _ => None,
        }
    }
}

/// A time from the moment of the message on, in seconds. All ones mean: without an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime(pub u32);

impl Lifetime {
    /// Tells when it ends.
    pub fn until(self, now: Instant) -> Instant {
        match self.0 {
            u32::MAX => Instant::FAR_FUTURE,
            secs => now + Duration::from_secs(secs.into()),
        }
    }

    /// Whether what has this lifetime is over already.
    pub fn is_over(self) -> bool {
        self.0 == 0
    }
}

/// An advertisement.
#[derive(Clone, Debug)]
pub struct Advertisement<'m> {
    /// The router.
    pub router: Ipv6Addr,
    /// Set when hosts get their addresses by DHCPv6.
    pub managed: bool,
    /// Set when hosts get by DHCPv6 what else they need.
    pub other: bool,
    /// How much this router is to be preferred.
    pub preference: Preference,
    /// How long it serves as a default router; zero when it is none.
    pub lifetime: Lifetime,
    options: Options<'m>,
}

/// An option of an advertisement that a host heeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact<'m> {
    /// A prefix of addresses on this link.
    Prefix(Prefix),
    /// Octets of the longest packet on this link, 1,280 or more (RFC 8200, section 5).
    Mtu(u16),
    /// The router knows the way to these addresses.
    Route {
        /// The first bits of the addresses; the others are not zero necessarily.
        network: [u8; 16],
        /// Number of bits that count: 0 to 128.
        len: u8,
        /// How much this way is to be preferred.
        preference: Preference,
        /// How long it is known.
        lifetime: Lifetime,
    },
    /// Addresses of DNS servers, of 16 octets each.
    Servers(Lifetime, &'m [[u8; 16]]),
    /// Domains in which short names are looked up, in the form of DNS messages.
    Domains(Lifetime, &'m [u8]),
}

/// A prefix of addresses on the link (RFC 4861, section 4.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The first bits of the addresses; the others are not zero necessarily.
    pub network: [u8; 16],
    /// Number of bits that count: 0 to 128.
    pub len: u8,
    /// Set when all these addresses are on the link.
    pub on_link: bool,
    /// Set when a host makes an address of its own out of it.
    pub autonomous: bool,
    /// How long such an address may be used.
    pub valid: Lifetime,
    /// How long new conversations may begin with it.
    pub preferred: Lifetime,
}

impl<'m> Advertisement<'m> {
    /// Reads a message of ICMPv6, whose checksum was found right (RFC 4861, section 6.1.2).
    ///
    /// # Errors
    /// When it is none that a host may heed.
    #[inline(never)]
    pub fn parse(envelope: &Envelope, message: &'m [u8]) -> Result<Self, Ignored> {
        let (head, options) = message
            .split_first_chunk::<16>()
            .ok_or(Ignored::Truncated)?;
        let [kind, code, _, _, _, flags, high, low, ..] = *head;
        if kind != ADVERTISEMENT || code != 0 {
            return Err(Ignored::Kind);
        }
        if envelope.hop_limit != HOP_LIMIT || !envelope.source.is_unicast_link_local() {
            return Err(Ignored::Sender);
        }
        let lifetime = u16::from_be_bytes([high, low]);
        Ok(Self {
            router: envelope.source,
            managed: flags & MANAGED != 0,
            other: flags & OTHER != 0,
            // The reserved value counts as the usual one (RFC 4191, section 2.2).
            preference: Preference::read(flags).unwrap_or(Preference::Medium),
            lifetime: Lifetime(lifetime.into()),
            options: Options::new(options).ok_or(Ignored::Truncated)?,
        })
    }

    /// Gives what the options say, in their order. An option that contradicts itself is left out.
    pub fn facts(&self) -> impl Iterator<Item = Fact<'m>> {
        self.options
            .clone()
            .filter_map(|(kind, value)| fact(kind, value))
    }
}

/// Reads one option.
#[inline(never)]
fn fact(kind: u8, value: &[u8]) -> Option<Fact<'_>> {
    match kind {
        3 => {
            let [len, flags] = *value.first_chunk()?;
            let prefix = Prefix {
                network: *value.get(14..)?.first_chunk()?,
                len,
                on_link: flags & ON_LINK != 0,
                autonomous: flags & AUTONOMOUS != 0,
                valid: lifetime(value, 2)?,
                preferred: lifetime(value, 6)?,
            };
            (len <= 128).then_some(Fact::Prefix(prefix))
        }
        5 => {
            let mtu = lifetime(value, 2)?.0;
            (mtu >= 1280).then_some(Fact::Mtu(u16::try_from(mtu).unwrap_or(u16::MAX)))
        }
        // RFC 4191, section 2.3: as many octets of the prefix as its length needs.
        24 => {
            let [len, flags] = *value.first_chunk()?;
            let octets = value.get(6..)?;
            let mut network = [0; 16];
            if len > 128 || octets.len() * 8 < usize::from(len) {
                return None;
            }
            for (to, from) in network.iter_mut().zip(octets) {
                *to = *from;
            }
            Some(Fact::Route {
                network,
                len,
                preference: Preference::read(flags)?,
                lifetime: lifetime(value, 2)?,
            })
        }
        // RFC 8106, sections 5.1 and 5.2.
        25 => Some(Fact::Servers(
            lifetime(value, 2)?,
            value.get(6..)?.as_chunks().0,
        )),
        31 => Some(Fact::Domains(lifetime(value, 2)?, value.get(6..)?)),
        _ => None,
    }
}

/// Reads 32 bits.
fn lifetime(value: &[u8], at: usize) -> Option<Lifetime> {
    let octets = value.get(at..)?.first_chunk()?;
    Some(Lifetime(u32::from_be_bytes(*octets)))
}

/// Writes the question for an advertisement, in the name of `source`: `::` for a host that has no address yet (RFC 4861, section 4.1). Gives the
/// packet's octets.
pub fn solicit(buffer: &mut [u8], mac: Mac, source: Ipv6Addr) -> usize {
    let envelope = Envelope {
        source,
        destination: ALL_ROUTERS,
        hop_limit: HOP_LIMIT,
    };
    let mut writer = Writer::new(buffer, &envelope, ICMPV6);
    writer.put(&[SOLICITATION, 0, 0, 0, 0, 0, 0, 0]);
    if !source.is_unspecified() {
        writer.put_mac(SOURCE_MAC, mac);
    }
    writer.finish(HEADER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Header, PACKET_MAX, checksum};
    use proptest::prelude::*;
    use zerocopy::FromBytes;

    fn envelope() -> Envelope {
        Envelope {
            source: "fe80::1".parse().unwrap(),
            destination: "ff02::1".parse().unwrap(),
            hop_limit: 255,
        }
    }

    fn advertisement(flags: u8, options: &[&[u8]]) -> Vec<u8> {
        let mut message = vec![134, 0, 0, 0, 64, flags, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0];
        options.iter().for_each(|option| message.extend(*option));
        message
    }

    fn facts(options: &[&[u8]]) -> Vec<Fact<'static>> {
        let message = advertisement(0, options).leak();
        Advertisement::parse(&envelope(), message)
            .unwrap()
            .facts()
            .collect()
    }

    #[test]
    fn the_head_of_an_advertisement() {
        for (flags, managed, other, preference) in [
            (0x00, false, false, Preference::Medium),
            (0x80, true, false, Preference::Medium),
            (0x48, false, true, Preference::High),
            (0x18, false, false, Preference::Low),
            (0x10, false, false, Preference::Medium),
        ] {
            let message = advertisement(flags, &[]);
            let read = Advertisement::parse(&envelope(), &message).unwrap();
            assert_eq!((read.managed, read.other), (managed, other));
            assert_eq!(read.preference, preference, "{flags:#x}");
            assert_eq!(read.lifetime, Lifetime(1800));
            assert_eq!(read.router, envelope().source);
        }
    }

    #[test]
    fn what_is_no_advertisement_says_why() {
        let good = advertisement(0, &[&[1, 1, 2, 0, 0, 0, 0, 1]]);
        let why =
            |envelope: Envelope, message: &[u8]| Advertisement::parse(&envelope, message).err();
        assert_eq!(why(envelope(), &good), None);
        let far = Envelope {
            hop_limit: 254,
            ..envelope()
        };
        assert_eq!(why(far, &good), Some(Ignored::Sender));
        let foreign = Envelope {
            source: "2001:db8::1".parse().unwrap(),
            ..envelope()
        };
        assert_eq!(why(foreign, &good), Some(Ignored::Sender));
        for at in [0, 1] {
            let mut other = good.clone();
            other[at] ^= 1;
            assert_eq!(why(envelope(), &other), Some(Ignored::Kind));
        }
        for len in 0..good.len() {
            let expected = (len != 16).then_some(Ignored::Truncated);
            assert_eq!(why(envelope(), &good[..len]), expected, "{len}");
        }
    }

    #[test]
    fn each_reason_has_a_text_of_its_own() {
        let texts = [Ignored::Sender, Ignored::Kind, Ignored::Truncated].map(|why| why.to_string());
        assert_eq!(
            texts,
            [
                "the sender is not on this link",
                "the message is no router advertisement",
                "the message is shorter than it says"
            ]
        );
    }

    #[test]
    fn each_option_octet_by_octet() {
        let network: Ipv6Addr = "2001:db8:1:2::".parse().unwrap();
        let mut prefix = vec![
            3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0,
        ];
        prefix.extend(network.octets());
        let expected = Prefix {
            network: network.octets(),
            len: 64,
            on_link: true,
            autonomous: true,
            valid: Lifetime(86_400),
            preferred: Lifetime(14_400),
        };
        assert_eq!(facts(&[&prefix]), [Fact::Prefix(expected)]);
        prefix[3] = 0x40;
        assert!(matches!(
            facts(&[&prefix])[..],
            [Fact::Prefix(Prefix {
                on_link: false,
                autonomous: true,
                ..
            })]
        ));
        prefix[2] = 129;
        assert_eq!(facts(&[&prefix]), []);

        assert_eq!(facts(&[&[5, 1, 0, 0, 0, 0, 0x05, 0x00]]), [Fact::Mtu(1280)]);
        assert_eq!(facts(&[&[5, 1, 0, 0, 0, 0, 0x04, 0xff]]), []);
        assert_eq!(facts(&[&[5, 1, 0, 0, 0, 1, 0, 0]]), [Fact::Mtu(u16::MAX)]);

        let route = [24, 2, 48, 0x08, 0, 0, 1, 0, 0xfd, 0, 0, 1, 0, 2, 0, 0];
        let expected = Fact::Route {
            network: [0xfd, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            len: 48,
            preference: Preference::High,
            lifetime: Lifetime(256),
        };
        assert_eq!(facts(&[&route]), [expected]);
        for (at, octet, why) in [(2, 65, "too few octets"), (3, 0x10, "reserved preference")] {
            let mut bad = route;
            bad[at] = octet;
            assert_eq!(facts(&[&bad]), [], "{why}");
        }

        // RFC 4191, section 2.3: the length has its octets exactly, up to a whole address, and is no longer than that.
        let mut exact = route;
        exact[2] = 64;
        assert!(matches!(
            facts(&[&exact])[..],
            [Fact::Route { len: 64, .. }]
        ));
        for (len, is_route) in [(128, true), (129, false), (255, false)] {
            let mut whole = [0xfd; 40];
            whole[..8].copy_from_slice(&[24, 5, len, 0, 0, 0, 1, 0]);
            let read = facts(&[&whole]);
            assert_eq!(matches!(read[..], [Fact::Route { .. }]), is_route, "{len}");
        }

        let mut servers = vec![25, 3, 0, 0, 0, 0, 2, 0x58];
        servers.extend(network.octets());
        let addresses = [network.octets()];
        assert_eq!(
            facts(&[&servers]),
            [Fact::Servers(Lifetime(600), &addresses)]
        );

        let domains = [
            31, 2, 0, 0, 0xff, 0xff, 0xff, 0xff, 3, b'l', b'a', b'b', 0, 0, 0, 0,
        ];
        assert_eq!(
            facts(&[&domains]),
            [Fact::Domains(Lifetime(u32::MAX), &domains[8..])]
        );

        let others: [&[u8]; 2] = [&[99, 1, 0, 0, 0, 0, 0, 0], &[1, 1, 2, 0, 0, 0, 0, 1]];
        assert_eq!(facts(&others), [], "others are skipped");
    }

    #[test]
    fn lifetimes() {
        let now = Instant::from_millis(500);
        assert_eq!(Lifetime(2).until(now), Instant::from_millis(2_500));
        assert_eq!(Lifetime(u32::MAX).until(now), Instant::FAR_FUTURE);
        assert!(Lifetime(0).is_over() && !Lifetime(1).is_over());
    }

    #[test]
    fn the_question_octet_by_octet() {
        for (source, octets) in [("::", 48), ("fe80::9", 56)] {
            let mut buffer = [0xaa; PACKET_MAX];
            let len = solicit(&mut buffer, [2, 0, 0, 0, 0, 9], source.parse().unwrap());
            assert_eq!(len, octets);
            let (header, message) = Header::ref_from_prefix(&buffer[..len]).unwrap();
            assert_eq!(Ipv6Addr::from(header.destination), ALL_ROUTERS);
            assert_eq!((header.next, header.hop_limit), (58, 255));
            assert_eq!(checksum(header, message), 0);
            assert_eq!(message[0], 133);
            if octets == 56 {
                assert_eq!(message[8..], [1, 1, 2, 0, 0, 0, 0, 9]);
            }
        }
    }

    proptest! {
        #[test]
        fn any_message(message in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(read) = Advertisement::parse(&envelope(), &message) {
                prop_assert!(read.facts().count() <= message.len() / 8);
            }
        }
    }
}
