//! `netboot-ubp`: a transfer with any server, and the messages of both sides.

use crate::verity::Any;
use crate::{Input, call, fail, show, take};
use core::hint::black_box;
use core::net::IpAddr;
use netboot_core::Digest;
use netboot_ubp::wire::{self, Answer, ErrorCode, Group, REQUEST_MAX};
use netboot_ubp::{Client, Endpoint, Frames, Request, Timing};

/// A ring with anything in it.
struct Ring;

impl Frames for Ring {
    fn datagram(&self, slot: u8) -> &[u8] {
        take(slot);
        black_box(&[])
    }
}

/// Calls all of the crate.
pub fn run(input: &mut Input) {
    wire(input);
    let digest = Digest(black_box([0; 32]));
    let request = Request {
        path: input.text(),
        digest: input.maybe(digest),
        offset: input.long(),
        window: input.octet(),
        rate: input.word(),
        multicast: input.flag(),
    };
    let timing = Timing {
        initial_timeout: input.span(),
        min_timeout: input.span(),
        max_timeout: input.span(),
        progress_timeout: input.span(),
        busy_timeout: input.span(),
    };
    take(Timing::default());
    let server = endpoint(input);
    take(fail(Client::<_, 2>::new(
        Any,
        server,
        &request,
        timing,
        input.long(),
        input.now(),
    )));
    let mut client = Client::<_, 3>::idle(Any);
    while input.flag() {
        let client = call(&mut client);
        if input.flag() {
            let (nonce, now) = (input.long(), input.now());
            fail(client.restart(server, &request, timing, nonce, now));
        }
        take(client.first());
        transfer(input, client);
    }
}

fn endpoint(input: &mut Input) -> Endpoint {
    let addr = match input.flag() {
        true => IpAddr::V4(input.address()),
        false => IpAddr::V6(input.address_v6()),
    };
    match input.flag() {
        true => Endpoint::server(addr),
        false => Endpoint {
            addr,
            port: input.short(),
        },
    }
}

fn transfer(input: &mut Input, client: &mut Client<Any, 3>) {
    let now = input.now();
    match input.word() {
        0 => client.start(now),
        1 => {
            let from = endpoint(input);
            take(fail(client.handle(
                now,
                from,
                input.octets(),
                input.octet(),
            )));
        }
        2 => client.consumed(now),
        3 => {
            let mut buffer = [0; REQUEST_MAX];
            take(client.poll_transmit(now, black_box(&mut buffer[..])));
        }
        4 => take(fail(client.handle_timeout(now))),
        5 => take(fail(client.poll(now, &Ring))),
        6 => {
            let server = endpoint(input);
            take(fail(client.try_server(
                now,
                server,
                input.text(),
                input.long(),
            )));
        }
        7 => take(client.give_up()),
        9 => {
            let group = Group {
                addr: endpoint(input).addr,
                port: input.short(),
                rate: input.word(),
            };
            client.join(now, &group);
        }
        10 => {
            let event = client.handle_group(now, input.octets(), input.octet());
            take(fail(event));
            take(client.recovered());
        }
        8 => client.report(now, input.word(), input.word()),
        _ => {
            take((client.is_complete(), client.is_transmit_due()));
            take((client.offset(), client.stats(), client.window()));
            take((
                client.poll_timeout(),
                client.rtt(),
                client.server(),
                client.next_number(),
            ));
        }
    }
}

fn wire(input: &mut Input) {
    let mut buffer = [0; wire::DATA_MAX];
    if let Some(request) = wire::Request::parse(input.octets()) {
        take(black_box(request).emit(black_box(&mut buffer[..])));
    }
    if let Some(answer) = Answer::parse(input.octets()) {
        take(black_box(answer).emit(black_box(&mut buffer[..])));
    }
    show(&ErrorCode(input.short()));
}
