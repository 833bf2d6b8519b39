//! The fuzz body: a sequence of operations on a [`Client`], read from bytes.
//!
//! Each step is one octet that selects an operation, and the octets that this operation takes.
//! Datagrams are raw octets, or packets whose fields the input chooses, so that deep states are
//! reached without luck. What must hold after each step:
//!
//! - payloads arrive in order and are never longer than agreed;
//! - a call of `poll_transmit` until `None` ends after few packets, each of which parses;
//! - no more packets are sent than operations were done: nothing multiplies;
//! - unless the caller holds a payload or the pause, or the transfer has ended, a timer runs.

use crate::client::{Client, Endpoint, Event, Request, TRANSMIT_MAX, Timing};
use crate::packet::{ErrorCode, OptionsWriter, Packet};
use core::net::{IpAddr, Ipv4Addr};
use netboot_core::fuzz::Input;
use netboot_core::{Duration, Instant};

const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Runs one input.
///
/// # Panics
/// When an invariant does not hold.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let request = Request {
        filename: "image",
        blksize: [512, 8, 9, 1468]
            .get(usize::from(input.octet() & 3))
            .copied()
            .unwrap_or(512),
        windowsize: u16::from(input.octet() & 15).max(1),
        timeout: Some(input.octet()).filter(|timeout| *timeout != 0),
        tsize: input.flag(),
    };
    let mut now = Instant::ZERO;
    let mut client = Client::new(Endpoint::server(SERVER), &request, Timing::default(), now)
        .expect("the request is within its bounds");
    let mut state = State {
        blksize: 512,
        received: 0,
        paused: false,
        holding: false,
        ended: false,
        operations: 1,
        packets: 0,
    };
    state.check(&mut client, now);
    let mut wire = [0; 2048];
    while !input.is_empty() {
        state.operations += 1;
        match input.octet() & 7 {
            0 => now += Duration::from_millis(u64::from(input.octet())),
            1 => {
                if let Some(timer) = client.poll_timeout() {
                    now = now.max(timer);
                }
                state.ended |= client.handle_timeout(now).is_err();
            }
            2 => {
                client.start(now);
                state.paused = false;
            }
            3 => {
                client.data_consumed(now);
                state.holding = false;
                // A payload that is still held when the transfer ends is never consumed.
                assert!(state.ended || client.offset() == state.received);
            }
            4 => {
                let len = usize::from(input.octet() & 63);
                let from = endpoint(&mut input);
                let octets = input.take(len);
                state.handle(&mut client, now, from, octets);
            }
            5 => {
                let from = endpoint(&mut input);
                let block = u16::from_be_bytes([input.octet() & 0x81, input.octet()]);
                let len = match input.octet() {
                    len @ 0..=127 => {
                        usize::from(state.blksize).saturating_sub(usize::from(len / 64))
                    }
                    len => usize::from(len),
                };
                let payload = [0x5a; 1600];
                let packet = Packet::Data {
                    block,
                    payload: payload.get(..len).unwrap_or(&payload),
                };
                let len = packet.emit(&mut wire).unwrap_or(0);
                state.handle(&mut client, now, from, wire.get(..len).unwrap_or(&[]));
            }
            6 => {
                let from = endpoint(&mut input);
                let mut options = OptionsWriter::<64>::default();
                let which = input.octet();
                for (bit, name) in ["blksize", "windowsize", "timeout", "tsize", "x"]
                    .into_iter()
                    .enumerate()
                {
                    if which >> bit & 1 == 1 {
                        let _ = options.put(name, u64::from(input.octet()));
                    }
                }
                let len = Packet::Oack(options.options()).emit(&mut wire).unwrap_or(0);
                state.handle(&mut client, now, from, wire.get(..len).unwrap_or(&[]));
            }
            _ => {
                if input.octet() == 0 {
                    client.abort(ErrorCode::UNDEFINED, "fuzz");
                    state.ended |= !client.is_complete();
                } else {
                    let from = endpoint(&mut input);
                    let packet = Packet::Error {
                        code: ErrorCode(u16::from(input.octet())),
                        message: input.take(3),
                    };
                    let len = packet.emit(&mut wire).unwrap_or(0);
                    state.handle(&mut client, now, from, wire.get(..len).unwrap_or(&[]));
                }
            }
        }
        state.check(&mut client, now);
    }
    // Left alone, the transfer comes to an end.
    client.start(now);
    client.data_consumed(now);
    let mut rounds = 0;
    while let Some(timer) = client.poll_timeout() {
        rounds += 1;
        assert!(rounds < 100, "timers without an end");
        now = now.max(timer);
        let _ = client.handle_timeout(now);
    }
}

struct State {
    blksize: u16,
    received: u64,
    /// The transfer was opened and not started.
    paused: bool,
    /// A payload was given and not consumed.
    holding: bool,
    ended: bool,
    operations: u32,
    packets: u32,
}

impl State {
    fn handle(&mut self, client: &mut Client, now: Instant, from: Endpoint, wire: &[u8]) {
        match client.handle(now, from, wire) {
            Ok(Event::None) => {}
            Ok(Event::Opened { options, .. }) => {
                assert_eq!(self.received, 0);
                self.paused = true;
                self.blksize = options.blksize;
            }
            Ok(Event::Data {
                payload,
                offset,
                last,
            }) => {
                assert_eq!(offset, self.received);
                assert!(payload.len() <= usize::from(self.blksize));
                assert_eq!(last, payload.len() < usize::from(self.blksize));
                assert_eq!(from.addr, SERVER);
                self.received += payload.len() as u64;
                self.holding = true;
            }
            Err(_) => self.ended = true,
        }
    }

    fn check(&mut self, client: &mut Client, now: Instant) {
        let mut buf = [0; TRANSMIT_MAX];
        while let Some((len, to)) = client.poll_transmit(now, &mut buf) {
            self.packets += 1;
            // At most one ACK or RRQ and one ERROR for each operation.
            assert!(self.packets <= 2 * self.operations);
            assert_eq!(to.addr, SERVER);
            let packet = Packet::parse(buf.get(..len).unwrap_or(&[]));
            assert!(
                matches!(
                    packet,
                    Ok(Packet::Request { .. } | Packet::Ack { .. } | Packet::Error { .. })
                ),
                "{packet:?}"
            );
        }
        if self.ended {
            assert!(client.poll_timeout().is_none() && !client.is_complete());
        } else if !client.is_complete() {
            let idle = client.poll_timeout().is_none();
            assert_eq!(idle, self.paused || self.holding);
        }
        assert!(client.offset() <= self.received);
    }
}

/// Who sends: mostly the server by its transfer id, sometimes another port or address.
fn endpoint(input: &mut Input<'_>) -> Endpoint {
    match input.octet() {
        0 => Endpoint {
            addr: IpAddr::V4(Ipv4Addr::BROADCAST),
            port: 4000,
        },
        port @ 1..=8 => Endpoint {
            addr: SERVER,
            port: u16::from(port),
        },
        _ => Endpoint {
            addr: SERVER,
            port: 4000,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netboot_core::fuzz::Random;

    #[test]
    fn pseudo_random_inputs() {
        for seed in 0..2_000 {
            let mut random = Random(seed);
            let len = random.number() % 600;
            let input: Vec<_> = (0..len).map(|_| random.octet()).collect();
            run(&input);
        }
    }

    #[test]
    fn hand_made_inputs() {
        run(&[]);
        // OACK blksize 8, start, blocks 1 and 2, the second short.
        let whole: &[u8] = &[
            1, 1, 0, 1, 6, 9, 0b1001, 8, 13, 2, 5, 9, 0, 1, 0, 3, 5, 9, 0, 2, 133, 3,
        ];
        run(whole);
        for len in 0..whole.len() {
            run(&whole[..len]);
        }
        // A transfer that ends while a payload is held.
        run(&[
            1, 1, 0, 1, 6, 9, 0b1001, 8, 13, 2, 5, 9, 0, 1, 0, 7, 0, 3, 3, 1,
        ]);
        // An ERROR that closes the client while a payload is held, which is then consumed in vain.
        run(&[
            0, 0, 0, 0, 0, 5, 9, 0, 1, 0xff, 2, 5, 9, 0, 1, 0xff, 7, 1, 9, 0, 0x78, 0x78, 0x78, 3,
        ]);
        // Refused options, then DATA 1 without them.
        run(&[
            3, 8, 1, 1, 7, 1, 9, 8, 0, 0, 0, 5, 9, 0, 1, 64, 2, 5, 9, 0, 1, 64, 3,
        ]);
    }
}
