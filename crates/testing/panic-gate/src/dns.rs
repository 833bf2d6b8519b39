//! `netboot-dns`: a resolver with any servers and any answers.

use crate::{Input, call, take};
use core::hint::black_box;
use core::net::IpAddr;
use netboot_dns::name::skip;
use netboot_dns::{Answer, Name, RecordType, Resolver, TRANSMIT_MAX, Timing};

/// Calls all of the crate.
pub fn run(input: &mut Input) {
    wire(input);
    let mut resolver = Resolver::new();
    while input.flag() {
        ask(input, call(&mut resolver));
    }
}

fn wire(input: &mut Input) {
    let (message, at) = (input.octets(), input.word() as usize);
    let mut name = Name::new();
    take(name.set(input.text()));
    take(name.read(message, at));
    take(name.is_at(message, at));
    take(skip(message, at));
    let kind = black_box(RecordType::Aaaa);
    if let Some(answer) = Answer::parse(message, &name, kind) {
        take(answer.follow(call(&mut name), kind));
    }
}

fn ask(input: &mut Input, resolver: &mut Resolver) {
    let now = input.now();
    let search = [input.text(), input.text()];
    match input.word() {
        0 => {
            let servers = [IpAddr::V4(input.address()), IpAddr::V4(input.address())];
            let kind = black_box(RecordType::A);
            let timing = Timing {
                patience: input.span(),
            };
            let name = input.text();
            resolver.start(now, input, name, &search, kind, &servers, timing);
        }
        1 => {
            let from = (IpAddr::V4(input.address()), input.word() as u16);
            let (port, message) = (input.word() as u16, input.octets());
            take(resolver.handle(now, input, from, port, message));
        }
        2 => {
            let mut buffer = [0; TRANSMIT_MAX];
            take(resolver.poll_transmit(now, black_box(&mut buffer[..])));
        }
        3 => resolver.handle_timeout(now, input, &search),
        _ => {
            take((resolver.poll_timeout(), resolver.poll()));
            resolver.addresses().iter().for_each(take);
        }
    }
}
