//! The fuzz body: a sequence of operations on a [`Client`], read from bytes.
//!
//! Each step is one octet that selects an operation, and the octets that this operation takes.
//! Messages are raw octets, or replies with the client's MAC address and transaction id and options of
//! the input's choice, so that deep states are reached without luck. What must hold after each step:
//!
//! - a call of `poll_transmit` until `None` ends after few messages, each of which parses;
//! - no more messages are sent than operations were done: nothing multiplies;
//! - a lease has an address of a host, times in order, and is there from `Bound` until `Lost`;
//! - unless the client rests or holds a lease for ever, a timer runs.

use crate::client::{Client, Event, TRANSMIT_MAX};
use crate::config::{ClientId, Config, VendorClass};
use crate::options::code;
use crate::packet::{Builder, Header, MessageType, Packet};
use core::net::Ipv4Addr;
use netboot_core::fuzz::{Input, Random};
use netboot_core::net::is_host;
use netboot_core::{Duration, Instant};

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// Runs one input.
///
/// # Panics
/// When an invariant does not hold.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let flags = input.octet();
    let config = Config {
        probe: flags & 1 == 1,
        uuid: (flags & 2 == 2).then_some([7; 16]),
        client_id: ClientId::Uuid,
        vendor_class: if flags & 4 == 4 {
            VendorClass::HttpClient
        } else {
            VendorClass::Pxe
        },
        offer_window: Duration::from_millis(u64::from(input.octet())),
        ..Config::new(MAC)
    };
    let mut harness = Harness {
        client: Client::new(&config).expect("the configuration is within its bounds"),
        rng: Random(u64::from(flags)),
        now: Instant::ZERO,
        xid: 0,
        bound: false,
        resting: true,
        operations: 1,
        messages: 0,
    };
    let mut wire = [0; 1024];
    while !input.is_empty() {
        harness.operations += 1;
        match input.octet() & 7 {
            0 => harness.now += Duration::from_millis(u64::from(input.octet()) * 16),
            1 => {
                if let Some(timer) = harness.client.poll_timeout() {
                    harness.now = harness.now.max(timer);
                }
                let Harness {
                    client, rng, now, ..
                } = &mut harness;
                client.handle_timeout(*now, rng);
            }
            2 => {
                let conflict = (input.flag()).then_some([2; 6]);
                harness.client.probe_result(harness.now, conflict);
            }
            3 => match input.octet() {
                0 => {
                    harness.client.release(harness.now);
                    harness.bound = false;
                    harness.resting = true;
                }
                1 => harness.start(),
                _ if harness.resting => harness.start(),
                _ => {}
            },
            4 => {
                let len = usize::from(input.octet());
                let octets = input.take(len);
                harness.handle(octets);
            }
            _ => {
                let len = harness.reply(&mut input, &mut wire);
                let wire = wire.get(..len).unwrap_or(&[]);
                harness.handle(wire);
            }
        }
        harness.check();
    }
    // Left alone, an acquisition comes to an end.
    let mut rounds = 0;
    while !harness.resting && !harness.bound {
        rounds += 1;
        assert!(rounds < 300, "timers without an end");
        harness.operations += 1;
        let timer = harness.client.poll_timeout().expect("it has a deadline");
        harness.now = harness.now.max(timer);
        let Harness {
            client, rng, now, ..
        } = &mut harness;
        client.handle_timeout(*now, rng);
        harness.check();
    }
}

struct Harness {
    client: Client,
    rng: Random,
    now: Instant,
    /// Of the last message sent.
    xid: u32,
    bound: bool,
    resting: bool,
    operations: u32,
    messages: u32,
}

impl Harness {
    fn start(&mut self) {
        self.client.start(self.now, &mut self.rng);
        self.bound = false;
        self.resting = false;
    }

    fn handle(&mut self, wire: &[u8]) {
        let from = Ipv4Addr::new(10, 0, 0, 1);
        let before = self.client.lease().is_some();
        let result = self.client.handle(self.now, &mut self.rng, from, wire);
        if result.is_err() {
            assert_eq!(before, self.client.lease().is_some());
        }
    }

    /// A reply that may be good.
    fn reply(&self, input: &mut Input<'_>, wire: &mut [u8]) -> usize {
        let kind = input.octet();
        let message = match kind & 3 {
            0 | 1 => MessageType::Offer,
            2 => MessageType::Ack,
            _ => MessageType::Nak,
        };
        let address = match kind >> 2 & 3 {
            0 => Ipv4Addr::UNSPECIFIED,
            last => Ipv4Addr::new(10, 0, 0, last),
        };
        let header = Header {
            reply: true,
            xid: self.xid,
            secs: 0,
            broadcast: false,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: address,
            siaddr: Ipv4Addr::new(10, 0, 0, 1),
            giaddr: Ipv4Addr::UNSPECIFIED,
            chaddr: MAC,
        };
        let file = input.take(usize::from(kind >> 4 & 3));
        let mut out = Builder::new(wire, &header, message, file, file);
        if kind & 0x40 == 0 {
            out.address(code::SERVER_ID, Ipv4Addr::new(10, 0, 0, 1));
        }
        if kind & 0x80 == 0 {
            out.option(code::CLASS_ID, b"PXEClient");
        }
        for _ in 0..input.octet() & 3 {
            let code = input.octet();
            let len = usize::from(input.octet() & 31);
            out.option(code, input.take(len));
        }
        out.finish().unwrap_or(0)
    }

    fn check(&mut self) {
        let mut buf = [0; TRANSMIT_MAX];
        while let Some(out) = self.client.poll_transmit(self.now, &mut self.rng, &mut buf) {
            self.messages += 1;
            // At most one message and one farewell for each operation.
            assert!(self.messages <= 2 * self.operations);
            let packet = Packet::parse(buf.get(..out.len).unwrap_or(&[]));
            let packet = packet.expect("the client sends DHCP");
            assert!(!packet.header.reply && packet.header.chaddr == MAC);
            self.xid = packet.header.xid;
        }
        while let Some(event) = self.client.poll(self.now) {
            match event {
                Event::Bound => self.bound = true,
                Event::Renewed | Event::BootInfo => assert!(self.bound),
                Event::Lost(_) => self.bound = false,
                Event::ProbeAddress(address) => assert!(is_host(address)),
                Event::Failed(_) => {
                    self.bound = false;
                    self.resting = true;
                }
            }
        }
        let lease = self.client.lease();
        assert_eq!(lease.is_some(), self.bound);
        if let Some(lease) = lease {
            assert!(
                is_host(lease.address)
                    && lease.config.address == lease.address
                    && (1..=32).contains(&lease.config.prefix_len)
            );
            let for_ever = lease.lease_time == Duration::MAX;
            assert!(for_ever || lease.t1 < lease.t2 && lease.t2 < lease.lease_time);
            assert!(for_ever || self.client.poll_timeout().is_some());
        } else {
            assert_eq!(self.client.poll_timeout().is_none(), self.resting);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudo_random_inputs() {
        for seed in 0..2_000 {
            let mut random = Random(seed);
            let len = random.number() % 600;
            let mut input: Vec<_> = (0..len).map(|_| random.octet()).collect();
            // Begin with a start, as nothing happens before.
            input.splice(0..0, [seed as u8, 200, 3, 1]);
            run(&input);
        }
    }

    #[test]
    fn hand_made_inputs() {
        run(&[]);
        for probe in [0, 1] {
            // Start, OFFER of 10.0.0.1 with a file, ACK, no conflict, renewal, ACK, expiry.
            let whole = [
                probe, 0, 3, 1, 5, 0x24, b'a', b'b', 0, 5, 0x26, b'a', b'b', 0, 2, 0, 1, 5, 0x26,
                b'a', b'b', 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 0,
            ];
            for len in 0..=whole.len() {
                run(&whole[..len]);
            }
        }
    }

    #[test]
    fn the_hand_made_input_reaches_a_lease() {
        // As above: proves that the replies of the harness are good ones.
        let mut harness = Harness {
            client: Client::new(&Config {
                probe: false,
                ..Config::new(MAC)
            })
            .unwrap(),
            rng: Random(1),
            now: Instant::ZERO,
            xid: 0,
            bound: false,
            resting: true,
            operations: 10,
            messages: 0,
        };
        harness.start();
        harness.check();
        let mut wire = [0; 1024];
        for kind in [0x24, 0x26] {
            let len = harness.reply(&mut Input(&[kind, b'a', b'b', 0]), &mut wire);
            harness.handle(&wire[..len]);
            harness.check();
        }
        assert!(harness.bound);
    }
}
