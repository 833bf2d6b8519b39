//! `netboot-dhcp`: a client with any servers, and the messages of both sides.

use crate::{Input, call, fail_unseen as fail, take};
use core::hint::black_box;
use netboot_core::BootOrigin;
use netboot_dhcp::client::TRANSMIT_MAX;
use netboot_dhcp::options::{Options, user_classes};
use netboot_dhcp::packet::{Builder, MessageType, Packet};
use netboot_dhcp::{Client, ClientId, Config, Lease, RawOptions, Scope, Taken, VendorClass, boot};

/// Calls all of the crate.
pub fn run(input: &mut Input) {
    wire(input);
    let identifier = ClientId::Raw(input.octets());
    let vendor = VendorClass::Raw(input.text());
    let (uuid, text) = (black_box([0; 16]), input.text());
    let arch: &[u16] = &[0];
    let config = Config {
        client_id: black_box(identifier),
        uuid: input.maybe(uuid),
        arch: black_box(arch),
        hostname: input.maybe(text),
        user_class: input.maybe(text),
        vendor_class: black_box(vendor),
        offer_window: input.span(),
        probe: input.flag(),
        attempts: input.octet(),
        deadline: input.span(),
        ..Config::new(black_box([0; 6]))
    };
    let Some(mut client) = fail(Client::new(&config)) else {
        return;
    };
    while input.flag() {
        acquire(input, call(&mut client));
    }
}

fn acquire(input: &mut Input, client: &mut Client) {
    let now = input.now();
    match input.word() {
        0 => client.start(now, input),
        1 => {
            let (from, datagram) = (input.address(), input.octets());
            take(fail(client.handle(now, input, from, datagram)));
        }
        2 => {
            let mut buffer = [0; TRANSMIT_MAX];
            take(client.poll_transmit(now, input, black_box(&mut buffer[..])));
        }
        3 => take(client.poll(now)),
        4 => client.probe_result(now, input.flag().then_some([2; 6])),
        5 => client.handle_timeout(now, input),
        6 => client.release(now),
        7 => client.set_offer_window(input.span()),
        _ => {
            take((client.poll_timeout(), client.boot_pending()));
            take(client.ignored());
            take(client.lease());
            take(client.lease().map(Lease::expires_at));
        }
    }
}

fn raw(input: &mut Input) {
    let mut buffer = [0; 256];
    let mut raw = RawOptions::new(black_box(&mut buffer[..]));
    while input.flag() {
        let taken = black_box(Taken::Lease);
        take(fail(call(&mut raw).keep(taken, input.octets())));
        let scope = black_box(Scope::Dhcp);
        take(raw.get(scope, input.octet()));
        raw.iter(scope).for_each(take);
        take(raw.lost());
        call(&mut raw).clear();
    }
}

fn wire(input: &mut Input) {
    take(MessageType::from_wire(input.octet()).map(MessageType::to_wire));
    user_classes(input.octets()).for_each(take);
    let options = Options::parse(input.octets(), input.octets(), input.octets());
    read(input, black_box(&options));
    let Ok(packet) = Packet::parse(input.octets()) else {
        return;
    };
    take(boot::parse(
        &packet,
        input.address(),
        black_box(BootOrigin::Dhcp),
    ));
    raw(input);
    take(fail(Lease::parse(&packet, input.address(), input.now())));
    let mut buffer = [0; TRANSMIT_MAX];
    let (sname, file) = (input.octets(), input.octets());
    let buffer = black_box(&mut buffer[..]);
    let mut message = Builder::new(buffer, &packet.header, packet.message, sname, file);
    while input.flag() {
        call(&mut message).option(input.octet(), input.octets());
        call(&mut message).address(input.octet(), input.address());
    }
    take(message.finish());
}

fn read(input: &mut Input, options: &Options<'_>) {
    let mut buffer = [0; 255];
    options.iter().for_each(take);
    take((options.uses_file(), options.uses_sname()));
    take(options.join(input.octet(), black_box(&mut buffer[..])));
    take((options.octet(input.octet()), options.short(input.octet())));
    take((options.long(input.octet()), options.address(input.octet())));
}
