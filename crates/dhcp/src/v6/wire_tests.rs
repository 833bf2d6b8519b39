//! Whole messages in the forms and orders in which known servers send them, written by hand.
//!
//! Kea sorts options by number. dnsmasq puts the status and the preference behind the association, writes a status of
//! success, and tells that it has no address in the message alone. The server of ISC writes the identity
//! association before the identifiers. All are taken alike.

use super::client::{Client, Event, TRANSMIT_MAX};
use super::config::{Config, Mode};
use super::error::{Dhcp6Error, status};
use super::model::{PROMPT, ip};
use super::packet::MessageType;
use super::raw::RawOptions;
use crate::raw::Taken;
use core::net::{IpAddr, Ipv6Addr};
use netboot_core::{Duration, Instant};
use rand_core::{RngCore, impls};

/// The transaction id of all messages here.
const XID: [u8; 3] = [0x12, 0x34, 0x56];
const SERVER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// Gives [`XID`] each time.
struct Fixed;

impl RngCore for Fixed {
    fn next_u32(&mut self) -> u32 {
        0x1234_5600
    }

    fn next_u64(&mut self) -> u64 {
        self.next_u32().into()
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        impls::fill_bytes_via_next(self, dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

/// The octets of a message written in hexadecimal, in text (`"..."`) and with blanks between.
fn wire(written: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for (at, part) in written.split('"').enumerate() {
        if at % 2 == 1 {
            octets.extend(part.bytes());
            continue;
        }
        let digits: String = part.split_whitespace().collect();
        assert!(digits.len().is_multiple_of(2), "{part}");
        for at in (0..digits.len()).step_by(2) {
            octets.push(u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
        }
    }
    octets
}

struct Wire {
    client: Client,
    now: Instant,
}

impl Wire {
    fn new(config: &Config<'_>, mode: Mode) -> Self {
        let mut client = Client::new(config).unwrap();
        client.start(Instant::ZERO, &mut Fixed, mode);
        let now = Instant::ZERO;
        Self { client, now }
    }

    fn sent(&mut self) -> Option<MessageType> {
        let mut buf = [0; TRANSMIT_MAX];
        self.client.poll_transmit(self.now, &mut Fixed, &mut buf)?;
        assert_eq!(buf[1..4], XID);
        MessageType::from_wire(buf[0])
    }

    fn handle(&mut self, written: &str) -> Result<Taken, Dhcp6Error> {
        self.client
            .handle(self.now, &mut Fixed, SERVER, &wire(written))
    }

    fn timer(&mut self) {
        self.now = self.client.poll_timeout().unwrap();
        self.client.handle_timeout(self.now, &mut Fixed);
    }
}

#[test]
fn kea() {
    let body = r#"
        0001 000a 0003 0001 525400123456
        0002 000e 0001 0001 2c5e8a10 0242ac110002
        0003 0028 00123456 000003e8 000007d0
          0005 0018 fd000007000000000000000000000064 00000bb8 00000fa0
        0017 0020 fd000007000000000000000000000001 fd000007000000000000000000000002
        0018 000d 03"lab"07"example"00
        0038 0014 0001 0010 fd000007000000000000000000000003
        003b 001f "http://[fd00:7::1]/fw/image.bin"
        003c 0011 0006"root=x" 0007"console"
        0052 0004 00000078
    "#;
    let mut all = Wire::new(&PROMPT, Mode::Stateful);
    assert_eq!(all.sent(), Some(MessageType::Solicit));
    assert_eq!(all.handle(&format!("02 123456 {body}")), Ok(Taken::Offer));
    all.timer();
    assert_eq!(all.sent(), Some(MessageType::Request));
    assert_eq!(all.handle(&format!("07 123456 {body}")), Ok(Taken::Lease));
    assert_eq!(all.client.poll(all.now), Some(Event::Bound));
    let lease = all.client.lease().unwrap();
    assert_eq!(lease.address, Some(ip(100)));
    assert_eq!(
        (lease.t1, lease.t2),
        (Duration::from_secs(1000), Duration::from_secs(2000))
    );
    assert_eq!(lease.preferred_lifetime, Duration::from_secs(3000));
    assert_eq!(lease.valid_lifetime, Duration::from_secs(4000));
    assert_eq!(lease.config.dns, [IpAddr::V6(ip(1)), IpAddr::V6(ip(2))]);
    assert_eq!(lease.config.ntp, [IpAddr::V6(ip(3))]);
    assert_eq!(lease.config.search, "lab.example");
    assert_eq!(lease.config.boot.file, "http://[fd00:7::1]/fw/image.bin");
    assert_eq!(
        lease.boot_params.iter().collect::<Vec<_>>(),
        ["root=x", "console"]
    );
    assert!(!lease.config.boot.oversize && !lease.config.boot.damaged);
}

#[test]
fn kea_without_addresses() {
    let mut all = Wire::new(&PROMPT, Mode::Stateful);
    all.sent();
    let found = all.handle(
        r#"02 123456
        0001 000a 0003 0001 525400123456
        0002 000e 0001 0001 2c5e8a10 0242ac110002
        0003 0037 00123456 00000000 00000000
          000d 0027 0002 "Sorry, no address could be allocated."
        0017 0010 fd000007000000000000000000000001
    "#,
    );
    let message = "Sorry, no address could be allocated.".into();
    let status = status::NO_ADDRS_AVAIL;
    assert_eq!(found, Err(Dhcp6Error::Refused { status, message }));
}

#[test]
fn dnsmasq() {
    let body = r#"
        0001 000a 0003 0001 525400123456
        0002 000e 0001 0001 2b1f0c33 525400abcdef
        0003 0028 00123456 00000708 00000c4e
          0005 0018 fd000007000000000000000000000064 00000e10 00000e10
        000d 0009 0000 "success"
        0007 0001 00
        003b 0015 "tftp://[fd00:7::1]/fw"
        0018 000d 03"lab"07"example"00
        0017 0010 fd000007000000000000000000000001
    "#;
    let mut all = Wire::new(&PROMPT, Mode::Stateful);
    all.sent();
    assert_eq!(all.handle(&format!("02 123456 {body}")), Ok(Taken::Offer));
    all.timer();
    assert_eq!(all.sent(), Some(MessageType::Request));
    assert_eq!(all.handle(&format!("07 123456 {body}")), Ok(Taken::Lease));
    let lease = all.client.lease().unwrap();
    assert_eq!(lease.address, Some(ip(100)));
    assert_eq!(
        (lease.t1, lease.t2),
        (Duration::from_secs(1800), Duration::from_secs(3150))
    );
    assert_eq!(lease.config.boot.file, "tftp://[fd00:7::1]/fw");
    assert_eq!(
        (lease.config.search.as_str(), lease.config.dns.len()),
        ("lab.example", 1)
    );
}

/// With `dhcp-authoritative` the preference is 255, and the client need not wait.
#[test]
fn dnsmasq_that_is_alone() {
    let mut all = Wire::new(&PROMPT, Mode::Stateful);
    all.sent();
    let found = all.handle(
        r#"02 123456
        0001 000a 0003 0001 525400123456
        0002 000e 0001 0001 2b1f0c33 525400abcdef
        0003 0028 00123456 00000708 00000c4e
          0005 0018 fd000007000000000000000000000064 00000e10 00000e10
        000d 0009 0000 "success"
        0007 0001 ff
    "#,
    );
    assert_eq!(found, Ok(Taken::Offer));
    assert_eq!(all.sent(), Some(MessageType::Request));
}

#[test]
fn dnsmasq_without_addresses() {
    let mut all = Wire::new(&PROMPT, Mode::Stateful);
    all.sent();
    let found = all.handle(
        r#"02 123456
        0001 000a 0003 0001 525400123456
        0002 000e 0001 0001 2b1f0c33 525400abcdef
        000d 0018 0002 "no addresses available"
    "#,
    );
    let message = "no addresses available".into();
    let status = status::NO_ADDRS_AVAIL;
    assert_eq!(found, Err(Dhcp6Error::Refused { status, message }));
}

#[test]
fn dnsmasq_without_state() {
    let mut all = Wire::new(&PROMPT, Mode::Stateless);
    assert_eq!(all.sent(), Some(MessageType::InformationRequest));
    let found = all.handle(
        r#"07 123456
        0001 000a 0003 0001 525400123456
        0002 000e 0001 0001 2b1f0c33 525400abcdef
        003b 0015 "tftp://[fd00:7::1]/fw"
        0020 0004 00000e10
        0017 0010 fd000007000000000000000000000001
    "#,
    );
    assert_eq!(found, Ok(Taken::Lease));
    let lease = all.client.lease().unwrap();
    assert_eq!((lease.address, lease.t1), (None, Duration::from_secs(3600)));
    assert_eq!(lease.config.boot.file, "tftp://[fd00:7::1]/fw");
}

/// Rapid commit, a status of success at each level, options of two vendors, and bootstrap servers, in an order of its own.
#[test]
fn isc_in_two_messages() {
    let written = r#"07 123456
        0003 003e 00123456 00000000 00000000
          0005 0026 fd000007000000000000000000000064 00000e10 00001c20
            000d 000a 0000 "all fine"
          000d 0004 0000 "ok"
        0088 001a 0018 "https://[fd00:7::9]:8443"
        0001 000a 0003 0001 525400123456
        0002 000a 0003 0001 525400abcdef
        0011 000b 00000137 0001 0003 "abc"
        0011 0009 00000009 0002 0001 "x"
        000e 0000
        0007 0001 05
    "#;
    let config = Config {
        rapid_commit: true,
        ..PROMPT
    };
    let mut all = Wire::new(&config, Mode::Stateful);
    all.sent();
    assert_eq!(all.handle(written), Ok(Taken::Lease));
    let lease = all.client.lease().unwrap();
    assert_eq!(lease.address, Some(ip(100)));
    assert_eq!(
        (lease.t1, lease.t2),
        (Duration::from_secs(1800), Duration::from_secs(2880))
    );
    assert!(lease.config.boot.has_bootstrap_servers && lease.config.boot.is_known());
    let mut buffer = [0; 512];
    let mut raw = RawOptions::new(&mut buffer);
    raw.keep(Taken::Lease, &wire(written)).unwrap();
    let servers = [b"\0\x18", &b"https://[fd00:7::9]:8443"[..]].concat();
    assert_eq!(raw.get(136), Some(&servers[..]));
    let vendors: Vec<_> = raw.iter().filter(|(code, _)| *code == 17).collect();
    assert_eq!(vendors.len(), 2);
    assert_eq!(vendors[1].1, b"\0\0\0\x09\0\x02\0\x01x");
}
