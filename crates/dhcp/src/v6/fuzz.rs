//! The fuzz body: a sequence of operations on a [`Client`], read from bytes.
//!
//! Each step is one octet that selects an operation, and the octets that this operation takes. Messages are raw octets, or
//! answers with the client's identifier and transaction id and options of the input's choice, so that deep
//! states are reached without luck. What must hold after each step:
//!
//! - a call of `poll_transmit` until `None` ends after one message, which parses and is one of a client;
//! - no more messages are sent than operations were done: nothing multiplies;
//! - a lease has an address of a host, times in order, and is there from `Bound` until `Lost`;
//! - unless the client rests or holds a lease for ever, a timer runs;
//! - a message that is refused leaves the lease as it is, and raw options are those of the message.

use super::client::{Client, Event, TRANSMIT_MAX};
use super::config::{Config, Mode};
use super::options::code;
use super::packet::{Builder, MessageType, Packet};
use super::raw::RawOptions;
use crate::config::AfterDeclines;
use core::net::Ipv6Addr;
use netboot_core::fuzz::{Input, Random};
use netboot_core::net::is_host_v6;
use netboot_core::{Duration, Instant};

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const IAID: [u8; 4] = [0, 0, 0, 1];
const SERVER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

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
        rapid_commit: flags & 4 == 4,
        after_declines: match flags & 0x10 {
            0 => AfterDeclines::Use,
            _ => AfterDeclines::Fail,
        },
        start_delay: Duration::from_millis(u64::from(flags >> 5)),
        offer_window: (flags & 8 == 8).then(|| Duration::from_millis(u64::from(input.octet()))),
        ..Config::new(MAC)
    };
    let mut harness = Harness {
        client: Client::new(&config).expect("the configuration is within its bounds"),
        rng: Random(u64::from(flags)),
        now: Instant::ZERO,
        xid: 0,
        duid: heapless::Vec::new(),
        bound: false,
        resting: true,
        leaving: false,
        operations: 1,
        messages: 0,
    };
    let mut wire = [0; 1024];
    while !input.is_empty() {
        harness.operations += 1;
        match input.octet() & 7 {
            0 => harness.now += Duration::from_millis(u64::from(input.octet()) * 16),
            1 => harness.timer(),
            2 => {
                let conflict = (input.flag()).then_some([2; 6]);
                let Harness {
                    client, rng, now, ..
                } = &mut harness;
                client.probe_result(*now, rng, conflict);
            }
            3 => match input.octet() {
                0 => harness.release(),
                kind @ 1..=2 => harness.start(kind),
                kind if harness.resting => harness.start(kind),
                _ => {}
            },
            4 => {
                let len = usize::from(input.octet());
                harness.handle(input.take(len));
            }
            _ => {
                let len = harness.answer(&mut input, &mut wire);
                harness.handle(wire.get(..len).unwrap_or(&[]));
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
        assert!(harness.client.poll_timeout().is_some(), "it has a deadline");
        harness.timer();
        harness.check();
    }
}

struct Harness {
    client: Client,
    rng: Random,
    now: Instant,
    /// Transaction id of the last message sent.
    xid: u32,
    /// The client's identifier in it.
    duid: heapless::Vec<u8, 32>,
    bound: bool,
    resting: bool,
    /// Set when the client rests for its caller, and its server may still be told that it has left.
    leaving: bool,
    operations: u32,
    messages: u32,
}

impl Harness {
    fn start(&mut self, kind: u8) {
        let mode = match kind & 1 {
            0 => Mode::Stateless,
            _ => Mode::Stateful,
        };
        self.client.start(self.now, &mut self.rng, mode);
        self.bound = false;
        self.resting = false;
        self.leaving = false;
    }

    fn release(&mut self) {
        self.client.release(self.now, &mut self.rng);
        self.bound = false;
        self.resting = true;
        self.leaving = true;
    }

    fn timer(&mut self) {
        if let Some(timer) = self.client.poll_timeout() {
            self.now = self.now.max(timer);
        }
        self.client.handle_timeout(self.now, &mut self.rng);
    }

    fn handle(&mut self, wire: &[u8]) {
        let before = self.client.lease().cloned();
        match self.client.handle(self.now, &mut self.rng, SERVER, wire) {
            Err(_) => assert_eq!(before.as_ref(), self.client.lease()),
            Ok(taken) => {
                let mut buffer = [0; 512];
                let mut raw = RawOptions::new(&mut buffer);
                raw.keep(taken, wire).expect("the client could read it");
                let options = Packet::parse(wire).expect("so can others").options;
                for (code, data) in raw.iter() {
                    assert!(options.iter().any(|option| option == (code, data)));
                }
            }
        }
    }

    /// An answer that may be good.
    fn answer(&self, input: &mut Input<'_>, wire: &mut [u8]) -> usize {
        let kind = input.octet();
        let message = match kind & 1 {
            0 => MessageType::Advertise,
            _ => MessageType::Reply,
        };
        let mut out = Builder::new(wire, message, self.xid);
        out.option(code::CLIENT_ID, &self.duid);
        let server_id = match kind & 2 {
            0 => &[9, 9][..],
            _ => &[8],
        };
        out.option(code::SERVER_ID, server_id);
        if kind & 4 == 0 {
            let mut address = [0; 16];
            address[0] = 0xfd;
            address[15] = kind >> 3 & 3;
            let lifetimes = [0, 0, 0, input.octet(), 0, 0, 0, input.octet()];
            let times = [0, 0, 0, input.octet(), 0, 0, 0, input.octet()];
            let status = match input.octet() {
                0..200 => &[][..],
                octet => &[0, 13, 0, 2, 0, octet & 7],
            };
            let head = [0, code::IA_ADDRESS as u8, 0, 24];
            out.parts(
                code::IA_NA,
                &[&IAID, &times, &head, &address, &lifetimes, status],
            );
        }
        if kind & 0x20 != 0 {
            out.option(code::RAPID_COMMIT, &[]);
        }
        if kind & 0x40 != 0 {
            out.option(code::PREFERENCE, &[input.octet()]);
        }
        if kind & 0x80 != 0 {
            let code = [13, 17, 23, 24, 32, 56, 59, 60, 82, 83, 136];
            let code = code[usize::from(input.octet()) % code.len()];
            let len = usize::from(input.octet() & 63);
            out.option(code, input.take(len));
        }
        out.finish().unwrap_or(0)
    }

    fn check(&mut self) {
        let mut buf = [0; TRANSMIT_MAX];
        let mut budget = 2;
        while let Some(out) = self.client.poll_transmit(self.now, &mut self.rng, &mut buf) {
            budget -= 1;
            assert!(budget > 0, "messages without an end");
            self.messages += 1;
            assert!(self.messages <= self.operations);
            let packet = Packet::parse(buf.get(..out.len).unwrap_or(&[]));
            let packet = packet.expect("the client sends DHCPv6");
            assert!(!matches!(
                packet.message,
                MessageType::Advertise | MessageType::Reply
            ));
            assert_eq!(packet.options.cut(), None);
            self.xid = packet.xid;
            let duid = packet.options.find(code::CLIENT_ID).unwrap_or(&[]);
            self.duid = heapless::Vec::from_slice(duid).expect("a short identifier");
        }
        while let Some(event) = self.client.poll(self.now) {
            match event {
                Event::Bound => self.bound = true,
                Event::Renewed => assert!(self.bound),
                Event::Lost(_) => self.bound = false,
                Event::ProbeAddress(address) => assert!(is_host_v6(address)),
                Event::Failed(_) => {
                    self.bound = false;
                    self.resting = true;
                    // The server of a declined address may still be told.
                    self.leaving = true;
                }
            }
        }
        let lease = self.client.lease();
        assert_eq!(lease.is_some(), self.bound);
        if let Some(lease) = lease {
            let address = lease.address.unwrap_or(Ipv6Addr::UNSPECIFIED);
            assert_eq!(lease.config.address, address);
            assert!(lease.address.is_none_or(is_host_v6));
            assert!(lease.preferred_lifetime <= lease.valid_lifetime);
            assert!(lease.t1 <= lease.t2 && lease.t2 <= lease.valid_lifetime);
            assert!(lease.t1 == Duration::MAX || self.client.poll_timeout().is_some());
        } else if !self.resting {
            assert!(self.client.poll_timeout().is_some());
        } else if !self.leaving {
            assert_eq!(self.client.poll_timeout(), None);
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
            input.splice(0..0, [seed as u8 & 0xf7, 3, 1]);
            run(&input);
        }
    }

    /// Start, the timer of the delay, Advertise of fd00::1 with preference 255, Reply, no conflict, renewal, Reply, expiry.
    fn whole(flags: u8) -> Vec<u8> {
        let advertise = [5, 0x48, 60, 90, 10, 20, 0, 255];
        let reply = [5, 0x09, 60, 90, 10, 20, 0];
        let start = [flags, 3, 1, 1];
        let end = [2, 0, 1];
        let rest = [1, 1, 1, 1, 1, 1, 1, 1, 3, 0];
        [&start[..], &advertise, &reply, &end, &reply, &rest].concat()
    }

    #[test]
    fn hand_made_inputs() {
        for flags in [0, 1, 2, 3, 4, 0x10, 0xf5] {
            let whole = whole(flags);
            for len in 0..=whole.len() {
                run(&whole[..len]);
            }
        }
    }

    #[test]
    fn the_hand_made_input_reaches_a_lease() {
        // As above: proves that the answers of the harness are good ones.
        let mut harness = Harness {
            client: Client::new(&Config {
                probe: false,
                start_delay: Duration::ZERO,
                ..Config::new(MAC)
            })
            .unwrap(),
            rng: Random(1),
            now: Instant::ZERO,
            xid: 0,
            duid: heapless::Vec::new(),
            bound: false,
            resting: true,
            leaving: false,
            operations: 10,
            messages: 0,
        };
        harness.start(1);
        harness.check();
        let mut wire = [0; 1024];
        for answer in [
            &[0x48, 60, 90, 10, 20, 0, 255][..],
            &[0x09, 60, 90, 10, 20, 0],
        ] {
            let len = harness.answer(&mut Input(answer), &mut wire);
            harness.handle(&wire[..len]);
            harness.check();
        }
        assert!(harness.bound);
    }
}
