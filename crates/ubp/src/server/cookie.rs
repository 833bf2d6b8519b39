//! Cookies: how a server knows that a client has the address that it has, without remembering it (as RFC 9018 has it for DNS).

use crate::endpoint::Endpoint;
use core::hash::Hasher as _;
use core::net::IpAddr;
use siphasher::sip::SipHasher24;

/// The keys of cookies.
#[derive(Clone)]
pub struct Keys {
    current: [u8; 16],
    last: Option<[u8; 16]>,
}

impl Keys {
    /// Begins with a random key.
    pub fn new(key: [u8; 16]) -> Self {
        Self {
            current: key,
            last: None,
        }
    }

    /// Takes a new key. The cookies of the last one stay good.
    pub fn renew(&mut self, key: [u8; 16]) {
        self.last = Some(core::mem::replace(&mut self.current, key));
    }

    /// The cookie for a client and a file.
    pub fn cookie(&self, client: Endpoint, id: u32) -> u64 {
        cookie(&self.current, client, id)
    }

    /// Whether the cookie was made for this client and file, with one of the two keys.
    pub fn is_good(&self, client: Endpoint, id: u32, cookie_of_get: u64) -> bool {
        let keys = [Some(self.current), self.last];
        let mut good = false;
        for key in keys.into_iter().flatten() {
            good |= cookie(&key, client, id) == cookie_of_get;
        }
        good
    }
}

impl core::fmt::Debug for Keys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Keys")
    }
}

/// SipHash-2-4 of the address as one of IPv6, the port and the id, all in network order.
fn cookie(key: &[u8; 16], client: Endpoint, id: u32) -> u64 {
    let addr = match client.addr {
        IpAddr::V4(addr) => addr.to_ipv6_mapped(),
        IpAddr::V6(addr) => addr,
    };
    let mut hasher = SipHasher24::new_with_key(key);
    hasher.write(&addr.octets());
    hasher.write(&client.port.to_be_bytes());
    hasher.write(&id.to_be_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 64-bit vectors of SipHash's authors, for the key 00 to 0f: that of no octets, and that of 00 to 0e.
    #[test]
    fn the_hash_is_siphash_2_4() {
        let key: [u8; 16] = std::array::from_fn(|at| at as u8);
        let of = |len: u8| {
            let mut hasher = SipHasher24::new_with_key(&key);
            hasher.write(&(0..len).collect::<Vec<_>>());
            hasher.finish()
        };
        assert_eq!(of(0), 0x726f_db47_dd0e_0e31);
        assert_eq!(of(15), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn a_cookie_is_good_for_one_address_port_and_file_alone() {
        let client = |addr: [u8; 4], port| Endpoint {
            addr: IpAddr::from(addr),
            port,
        };
        let keys = Keys::new([1; 16]);
        let mine = client([10, 0, 0, 1], 5000);
        let cookie = keys.cookie(mine, 7);
        assert!(keys.is_good(mine, 7, cookie));
        assert!(!keys.is_good(mine, 8, cookie));
        assert!(!keys.is_good(mine, 7, cookie ^ 1));
        assert!(!keys.is_good(client([10, 0, 0, 1], 5001), 7, cookie));
        assert!(!keys.is_good(client([10, 0, 0, 2], 5000), 7, cookie));
        assert_eq!(format!("{keys:?}"), "Keys");
    }

    #[test]
    fn the_last_key_is_good_and_the_one_before_is_not() {
        let mine = Endpoint::server(IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 1]));
        let mut keys = Keys::new([1; 16]);
        let first = keys.cookie(mine, 7);
        keys.renew([2; 16]);
        assert!(keys.is_good(mine, 7, first));
        assert_ne!(keys.cookie(mine, 7), first);
        keys.renew([3; 16]);
        assert!(!keys.is_good(mine, 7, first));
    }
}
