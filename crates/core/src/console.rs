//! Where a boot tells what it does: a console that takes text, and what a line of it is made of.
//!
//! Beside `core::fmt`, because that costs a ROM some 3 KiB of flash: `write!` brings padding, alignment and signs,
//! and the vtable of a `dyn fmt::Write` links them even if nobody uses it.

use crate::Uri;
use crate::divide::quotient;
use core::net::IpAddr;
use core::{fmt, str};

/// Takes text. What can be written to by `core::fmt` is one; its errors are dropped, since a console that
/// cannot be written to must not stop a boot.
pub trait Console {
    /// Writes `text`.
    fn text(&mut self, text: &str);
}

impl<W: fmt::Write + ?Sized> Console for W {
    #[inline(never)]
    fn text(&mut self, text: &str) {
        let _ = self.write_str(text);
    }
}

/// Octets of the longest number: 2^64 - 1 in decimal.
const LONGEST: usize = 20;

impl dyn Console + '_ {
    /// Writes `value` in decimal.
    #[inline(never)]
    pub fn decimal(&mut self, value: u64) {
        self.digits(value, 10, 1);
    }

    /// Writes `value` as eight hexadecimal digits: `0x00020004`.
    #[inline(never)]
    pub fn hex(&mut self, value: u32) {
        self.text("0x");
        self.digits(u64::from(value), 16, 8);
    }

    /// Writes `octets`, two hexadecimal digits each.
    #[inline(never)]
    pub fn octets(&mut self, octets: &[u8]) {
        for octet in octets {
            self.digits(u64::from(*octet), 16, 2);
        }
    }

    /// Writes an IPv4 address: `10.0.2.15`.
    #[inline(never)]
    pub fn ipv4(&mut self, address: [u8; 4]) {
        for (place, octet) in address.into_iter().enumerate() {
            if place > 0 {
                self.text(".");
            }
            self.decimal(u64::from(octet));
        }
    }

    /// Writes an Ethernet address: `02:00:00:00:00:01`.
    #[inline(never)]
    pub fn mac(&mut self, address: [u8; 6]) {
        for (place, octet) in address.iter().enumerate() {
            if place > 0 {
                self.text(":");
            }
            self.octets(core::slice::from_ref(octet));
        }
    }

    /// Writes an IP address, that of IPv6 as RFC 5952 has it: `fd00::1`. A build without the feature `ipv6-literals` knows no address of IPv6
    /// and writes `::`.
    #[inline(never)]
    pub fn ip(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(v4) => self.ipv4(v4.octets()),
            #[cfg(not(feature = "ipv6-literals"))]
            IpAddr::V6(_) => self.text("::"),
            #[cfg(feature = "ipv6-literals")]
            IpAddr::V6(v6) => {
                let groups = v6.segments();
                // The first of the longest runs of zeros, of two or more, is left out.
                let (mut start, mut len, mut run) = (groups.len(), 1, 0);
                for (place, group) in (1..).zip(groups) {
                    run = match group {
                        0 => run + 1,
                        _ => 0,
                    };
                    if run > len {
                        (start, len) = (place - run, run);
                    }
                }
                let mut place = 0usize;
                while let Some(group) = groups.get(place) {
                    if place > 0 || place == start {
                        self.text(":");
                    }
                    if place == start {
                        place = place.saturating_add(len);
                        if place == groups.len() {
                            self.text(":");
                        }
                    } else {
                        self.digits(u64::from(*group), 16, 1);
                        place = place.saturating_add(1);
                    }
                }
            }
        }
    }

    /// Writes an address with the length of its prefix: `10.0.2.15/24`.
    #[inline(never)]
    pub fn with_prefix(&mut self, address: IpAddr, prefix_len: u8) {
        self.ip(address);
        self.text("/");
        self.decimal(prefix_len.into());
    }

    /// Writes a URI, user information as `***`.
    pub fn uri(&mut self, uri: &Uri) {
        for part in uri.redacted() {
            self.text(part);
        }
    }

    /// Writes ` key=`.
    #[inline(never)]
    pub fn key(&mut self, key: &str) {
        self.text(" ");
        self.text(key);
        self.text("=");
    }

    /// Writes ` key=word`.
    #[inline(never)]
    pub fn word(&mut self, key: &str, word: &str) {
        self.key(key);
        self.text(word);
    }

    /// Writes ` key=value`, in decimal.
    #[inline(never)]
    pub fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        self.decimal(value);
    }

    /// Writes ` key=true` or ` key=false`.
    #[inline(never)]
    pub fn flag(&mut self, key: &str, value: bool) {
        self.word(key, if value { "true" } else { "false" });
    }

    /// Writes `value` to `base`, which is at most 16, with at least `width` digits.
    #[inline(never)]
    pub fn digits(&mut self, mut value: u64, base: u8, width: usize) {
        let mut digits = [0; LONGEST];
        let mut written = 0;
        for place in digits.iter_mut().rev() {
            // Nearly all numbers have 32 bits.
            let rest = match u32::try_from(value) {
                Ok(value) => u64::from(value / u32::from(base)),
                Err(_) => quotient(value, u64::from(base)),
            };
            let digit = value.wrapping_sub(rest.wrapping_mul(u64::from(base))) as u8;
            *place = if digit < 10 { b'0' } else { b'a' - 10 } + digit;
            value = rest;
            written += 1;
            if value == 0 && written >= width {
                break;
            }
        }
        let (_, digits) = digits
            .split_at_checked(LONGEST - written)
            .unwrap_or_default();
        self.text(str::from_utf8(digits).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut dyn Console)) -> String {
        let mut text = String::new();
        write(&mut text);
        text
    }

    #[test]
    fn numbers_are_those_of_the_standard_formatter() {
        for value in [0, 1, 9, 10, 255, 4_294_967_296, u64::MAX - 1, u64::MAX] {
            assert_eq!(written(|out| out.decimal(value)), value.to_string());
        }
        for value in [0, 0xa, 0x0002_0004, u32::MAX] {
            assert_eq!(written(|out| out.hex(value)), format!("{value:#010x}"));
        }
        assert_eq!(
            written(|out| out.octets(&[0, 0x0a, 0xf0, 0xff])),
            "000af0ff"
        );
    }

    /// The standard formatter writes RFC 5952, but for addresses with an IPv4 address in them.
    #[cfg(feature = "ipv6-literals")]
    #[test]
    fn addresses_of_ipv6_are_those_of_the_standard_formatter() {
        for zeros in 0..=u8::MAX {
            for value in [1, 0x20, 0x300, 0xfd00] {
                let groups = [0, 1, 2, 3, 4, 5, 6, 7].map(|place| match zeros >> place & 1 {
                    0 => value + place,
                    _ => 0,
                });
                let address = core::net::Ipv6Addr::from(groups);
                if address.to_ipv4().is_some()
                    && !address.is_unspecified()
                    && !address.is_loopback()
                {
                    continue;
                }
                assert_eq!(written(|out| out.ip(address.into())), address.to_string());
            }
        }
        let loopback = core::net::Ipv6Addr::LOCALHOST;
        assert_eq!(written(|out| out.ip(loopback.into())), "::1");
    }

    #[test]
    fn addresses_and_pairs() {
        assert_eq!(written(|out| out.ipv4([10, 0, 2, 255])), "10.0.2.255");
        assert_eq!(
            written(|out| out.mac([2, 0, 0xa, 0xff, 0, 1])),
            "02:00:0a:ff:00:01"
        );
        assert_eq!(
            written(|out| {
                out.text("@toc");
                out.number("t", 17);
                out.word("outcome", "refused");
                out.flag("expected", true);
                out.flag("verified", false);
            }),
            "@toc t=17 outcome=refused expected=true verified=false"
        );
    }

    #[test]
    fn credentials_are_not_shown() {
        let uri = Uri::parse("http://me:secret@10.0.2.2/fw").unwrap();
        assert_eq!(written(|out| out.uri(&uri)), "http://***@10.0.2.2/fw");
        assert_eq!(written(|out| out.uri(&uri)), uri.to_string());
    }
}
