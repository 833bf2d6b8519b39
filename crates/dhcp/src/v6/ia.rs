//! Reads identity associations: the addresses that a server gives, and their lifetimes (RFC 8415 sections 21.4 and 21.6).

use super::error::status;
use super::options::{Options, code};
use core::net::Ipv6Addr;
use netboot_core::net::is_host_v6;
use netboot_core::{Duration, quotient};

/// The number of seconds that means *for ever* (RFC 8415 section 7.7).
const INFINITE: u32 = u32::MAX;
/// Least time from a Reply to the next Renew. A server that says less would be asked without a pause.
const MIN_T1: Duration = Duration::from_secs(1);

/// An identity association for non-temporary addresses, option 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityAssociation<'a> {
    /// Seconds from the message to the renewal. Zero leaves it to the client.
    t1: u32,
    /// Seconds from the message until any server is asked. Zero leaves it to the client.
    t2: u32,
    options: Options<'a>,
}

/// An address that can be used, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub address: Ipv6Addr,
    /// Preferred lifetime in seconds, at most [`valid`](Self::valid).
    pub preferred: u32,
    /// Valid lifetime in seconds. Zero takes the address away.
    pub valid: u32,
}

/// The times of a lease, each from its beginning. [`Duration::MAX`] means for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Time for which new connections may use the address.
    pub preferred: Duration,
    /// Time for which the address may be used at all.
    pub valid: Duration,
    /// Time to the renewal (T1).
    pub t1: Duration,
    /// Time until any server is asked (T2), from T1 to the valid lifetime.
    pub t2: Duration,
}

impl<'a> IdentityAssociation<'a> {
    /// Finds the association `iaid` of a message. One whose T1 is greater than its T2 counts as absent (RFC 8415 section 21.4).
    #[inline(never)]
    pub fn find(message: &Options<'a>, iaid: u32) -> Option<Self> {
        let mut all = message.iter().filter(|(found, _)| *found == code::IA_NA);
        all.find_map(|(_, data)| {
            let (found, data) = long(data)?;
            let (t1, data) = long(data)?;
            let (t2, data) = long(data)?;
            let good = found == iaid && (t2 == 0 || t1 <= t2);
            let options = Options::new(data);
            good.then_some(Self { t1, t2, options })
        })
    }

    /// Status and message of the association, as [`Options::status`] has them.
    pub fn status(&self) -> (u16, &'a [u8]) {
        self.options.status()
    }

    /// The addresses that are well formed: of a host and not of the link alone, without a status of failure, and with a preferred
    /// lifetime that is no longer than the valid one (RFC 8415 section 21.6).
    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        let all = self.options.iter();
        all.filter_map(|(found, data)| {
            let data = Some(data).filter(|_| found == code::IA_ADDRESS)?;
            address(data)
        })
    }

    /// The address that the client takes: `wanted` if it is there, else the first one. An address whose valid lifetime is zero counts only
    /// if it is `wanted`.
    #[inline(never)]
    pub fn choose(&self, wanted: Option<Ipv6Addr>) -> Option<Address> {
        let mut chosen = None;
        for found in self.addresses() {
            if Some(found.address) == wanted {
                return Some(found);
            }
            if chosen.is_none() && found.valid != 0 {
                chosen = Some(found);
            }
        }
        chosen
    }

    /// The times of a lease of `address`. T1 and T2 of zero are 0.5 and 0.8 of the preferred lifetime (RFC 8415 section 21.4), or of the
    /// valid one when the preferred one is zero.
    #[inline(never)]
    pub fn times(&self, address: &Address) -> Times {
        let valid = span(address.valid);
        let preferred = span(address.preferred);
        let base = match preferred {
            Duration::ZERO => valid,
            preferred => preferred,
        };
        let t1 = match self.t1 {
            0 => part(base, 5),
            t1 => span(t1),
        };
        let t2 = match self.t2 {
            // A T1 of the server's counts more than our T2.
            0 => part(base, 8).max(t1),
            t2 => span(t2),
        };
        let t2 = t2.max(MIN_T1).min(valid);
        Times {
            preferred,
            valid,
            t1: t1.max(MIN_T1).min(t2),
            t2,
        }
    }
}

/// So many tenths of a lifetime. All of it when it has no end.
#[inline(never)]
fn part(lifetime: Duration, tenths: u64) -> Duration {
    match lifetime {
        Duration::MAX => lifetime,
        // At most 2^32 s: the product fits.
        lifetime => {
            Duration::from_micros(quotient(lifetime.as_micros().saturating_mul(tenths), 10))
        }
    }
}

/// Reads one option 5.
#[inline(never)]
fn address(data: &[u8]) -> Option<Address> {
    let (octets, data) = data.split_first_chunk()?;
    let address = Ipv6Addr::from_octets(*octets);
    let (preferred, data) = long(data)?;
    let (valid, data) = long(data)?;
    let good = is_host_v6(address)
        && !address.is_unicast_link_local()
        && preferred <= valid
        && Options::new(data).status().0 == status::SUCCESS;
    good.then_some(Address {
        address,
        preferred,
        valid,
    })
}

/// Splits a number off `octets`.
#[inline(never)]
fn long(octets: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = octets.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}

/// The span of a number of seconds on the wire.
#[inline(never)]
pub(crate) fn span(secs: u32) -> Duration {
    match secs {
        INFINITE => Duration::MAX,
        secs => Duration::from_secs(secs.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOST: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);

    fn option(code: u16, data: &[u8]) -> Vec<u8> {
        let len = u16::try_from(data.len()).unwrap();
        [&code.to_be_bytes()[..], &len.to_be_bytes(), data].concat()
    }

    fn address_option(address: Ipv6Addr, preferred: u32, valid: u32, more: &[u8]) -> Vec<u8> {
        let octets = address.octets();
        let (preferred, valid) = (preferred.to_be_bytes(), valid.to_be_bytes());
        option(5, &[&octets[..], &preferred, &valid, more].concat())
    }

    fn association(iaid: u32, t1: u32, t2: u32, more: &[u8]) -> Vec<u8> {
        let (iaid, t1, t2) = (iaid.to_be_bytes(), t1.to_be_bytes(), t2.to_be_bytes());
        option(3, &[&iaid[..], &t1, &t2, more].concat())
    }

    #[test]
    fn the_association_of_the_client_is_found() {
        let first = association(1, 0, 0, &address_option(HOST, 1, 2, &[]));
        let second = association(2, 10, 20, &option(13, &[0, 2, b'n', b'o']));
        let wire = [option(3, &[0; 11]), first, second].concat();
        let find = |iaid| IdentityAssociation::find(&Options::new(&wire), iaid);
        let addresses: Vec<_> = find(1).unwrap().addresses().collect();
        let expected = Address {
            address: HOST,
            preferred: 1,
            valid: 2,
        };
        assert_eq!(addresses, [expected]);
        assert_eq!(find(1).unwrap().status(), (0, &[][..]));
        assert_eq!(find(2).unwrap().status(), (2, &b"no"[..]));
        assert_eq!(find(3), None);
    }

    #[test]
    fn an_association_that_contradicts_itself_is_absent() {
        let found = |t1, t2| {
            let wire = association(1, t1, t2, &[]);
            IdentityAssociation::find(&Options::new(&wire), 1).is_some()
        };
        assert!(found(20, 20) && found(20, 0) && found(0, 20) && found(0, 0));
        assert!(!found(21, 20));
    }

    #[test]
    fn addresses_that_cannot_be_used() {
        let failed = option(13, &[0, 4]);
        let fine = option(13, &[0, 0]);
        let local = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
        let used = |option: Vec<u8>| {
            let wire = association(1, 0, 0, &option);
            let found = IdentityAssociation::find(&Options::new(&wire), 1).unwrap();
            found.addresses().count() == 1
        };
        assert!(used(address_option(HOST, 2, 2, &fine)));
        assert!(!used(address_option(HOST, 2, 2, &failed)));
        assert!(!used(address_option(HOST, 3, 2, &[])));
        assert!(!used(address_option(local, 2, 2, &[])));
        assert!(!used(address_option(Ipv6Addr::LOCALHOST, 2, 2, &[])));
        assert!(!used(option(5, &[0; 23])));
    }

    #[test]
    fn the_wanted_address_comes_before_the_first_one() {
        let other = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);
        let gone = address_option(HOST, 0, 0, &[]);
        let wire = association(1, 0, 0, &[gone, address_option(other, 5, 9, &[])].concat());
        let found = IdentityAssociation::find(&Options::new(&wire), 1).unwrap();
        let choose = |wanted| found.choose(wanted).map(|found| found.address);
        assert_eq!(choose(None), Some(other));
        assert_eq!(choose(Some(HOST)), Some(HOST));
        assert_eq!(choose(Some(Ipv6Addr::LOCALHOST)), Some(other));
    }

    fn times(t1: u32, t2: u32, preferred: u32, valid: u32) -> Times {
        let options = Options::new(&[]);
        let address = Address {
            address: HOST,
            preferred,
            valid,
        };
        IdentityAssociation { t1, t2, options }.times(&address)
    }

    #[test]
    fn times_are_made_sane() {
        const FOR_EVER: u32 = u32::MAX;
        let cases = [
            ((0, 0, 1000, 2000), (500, 800)),
            ((300, 0, 1000, 2000), (300, 800)),
            ((0, 900, 1000, 2000), (500, 900)),
            ((0, 400, 1000, 2000), (400, 400)),
            ((900, 0, 1000, 2000), (900, 900)),
            ((100, 200, 1000, 2000), (100, 200)),
            // Not beyond the valid lifetime, and not for ever for an address that ends.
            ((5000, 6000, 1000, 2000), (2000, 2000)),
            ((FOR_EVER, FOR_EVER, 1000, 2000), (2000, 2000)),
            // A deprecated address is renewed by its valid lifetime.
            ((0, 0, 0, 1000), (500, 800)),
            ((0, 0, 1, 1), (1, 1)),
            ((0, 0, 1, 2), (1, 1)),
            ((100, 200, 0, FOR_EVER), (100, 200)),
        ];
        for ((t1, t2, preferred, valid), (want1, want2)) in cases {
            let times = times(t1, t2, preferred, valid);
            let secs = |secs| Duration::from_secs(secs);
            assert_eq!((times.t1, times.t2), (secs(want1), secs(want2)));
            assert_eq!(
                (times.preferred, times.valid),
                (span(preferred), span(valid))
            );
        }
        let never = times(0, 0, FOR_EVER, FOR_EVER);
        assert_eq!(
            (never.t1, never.t2, never.valid),
            (Duration::MAX, Duration::MAX, Duration::MAX)
        );
    }

    proptest! {
        #[test]
        fn times_are_ordered(t1: u32, t2: u32, preferred: u32, valid in 1u32..) {
            let times = times(t1, t2, preferred.min(valid), valid);
            prop_assert!(times.t1 <= times.t2 && times.t2 <= times.valid);
            prop_assert!(times.t1 >= Duration::from_secs(1));
        }
    }
}
