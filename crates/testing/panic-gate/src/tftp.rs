//! `netboot-tftp`: a transfer with any server, and the packets of both sides.

use crate::{Input, call, fail, take};
use core::hint::black_box;
use core::net::IpAddr;
use netboot_tftp::client::TRANSMIT_MAX;
use netboot_tftp::packet::{Options, OptionsWriter, Packet, parse_decimal};
use netboot_tftp::rto::RttEstimator;
use netboot_tftp::{Client, Endpoint, ErrorCode, Request, Timing};

/// Calls all of the crate.
pub fn run(input: &mut Input) {
    wire(input);
    estimator(input);
    let server = endpoint(input);
    let seconds = input.octet();
    let request = Request {
        filename: input.text(),
        blksize: input.short(),
        windowsize: input.short(),
        timeout: input.maybe(seconds),
        tsize: input.flag(),
    };
    let timing = Timing {
        initial_rto: input.span(),
        min_rto: input.span(),
        max_rto: input.span(),
        max_retries: input.octet(),
        progress_timeout: input.span(),
    };
    take(Timing::default());
    let client = Client::new(server, &request, timing, input.now());
    let Some(mut client) = fail(client) else {
        return;
    };
    while input.flag() {
        transfer(input, call(&mut client));
    }
}

fn endpoint(input: &mut Input) -> Endpoint {
    let addr = black_box(IpAddr::V4(input.address()));
    match input.flag() {
        true => Endpoint::server(addr),
        false => Endpoint {
            addr,
            port: input.short(),
        },
    }
}

fn transfer(input: &mut Input, client: &mut Client) {
    let now = input.now();
    match input.word() {
        0 => client.start(now),
        1 => {
            let from = endpoint(input);
            take(fail(client.handle(now, from, input.octets())));
        }
        2 => client.data_consumed(now),
        3 => {
            let mut buffer = [0; TRANSMIT_MAX];
            take(client.poll_transmit(now, black_box(&mut buffer[..])));
        }
        4 => take(fail(client.handle_timeout(now))),
        5 => client.abort(ErrorCode(input.short()), input.text()),
        _ => {
            take((client.is_complete(), client.lingering(), client.offset()));
            take((client.poll_timeout(), client.stats()));
        }
    }
}

fn wire(input: &mut Input) {
    let mut buffer = [0; TRANSMIT_MAX];
    if let Ok(packet) = Packet::parse(input.octets()) {
        take(black_box(packet).emit(black_box(&mut buffer[..])));
    }
    Options::from_wire(input.octets()).for_each(take);
    let mut writer = OptionsWriter::<64>::default();
    take(call(&mut writer).put(input.text(), input.long()));
    writer.options().for_each(take);
    take(parse_decimal(input.octets()));
    take(ErrorCode(input.short()).as_str());
}

fn estimator(input: &mut Input) {
    let mut estimator = RttEstimator::new(input.span(), input.span(), input.span());
    call(&mut estimator).sample(input.span());
    call(&mut estimator).back_off();
    take((estimator.rto(), estimator.base_rto(), estimator.rtt()));
}
