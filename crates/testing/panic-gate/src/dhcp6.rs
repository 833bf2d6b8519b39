//! `netboot-dhcp` with the feature `ipv6`: a DHCPv6 client with any servers, and the messages of both sides.

use crate::{Input, call, fail_unseen as fail, take};
use core::hint::black_box;
use netboot_dhcp::v6::client::TRANSMIT_MAX;
use netboot_dhcp::v6::ia::IdentityAssociation;
use netboot_dhcp::v6::options::{Options, items};
use netboot_dhcp::v6::packet::{Builder, MessageType, Packet};
use netboot_dhcp::v6::{Client, Config, Duid, Lease, Mode, RawOptions};
use netboot_dhcp::{Taken, VendorClass};

/// Calls all of the client.
pub fn run(input: &mut Input) {
    wire(input);
    raw(input);
    let (uuid, text) = (black_box([0; 16]), input.text());
    let arch: &[u16] = &[0];
    let config = Config {
        duid: black_box(Duid::Raw(input.octets())),
        uuid: input.maybe(uuid),
        iaid: input.word(),
        arch: black_box(arch),
        user_class: input.maybe(text),
        vendor_class: black_box(VendorClass::Raw(input.text())),
        enterprise: input.word(),
        rapid_commit: input.flag(),
        start_delay: input.span(),
        offer_window: window(input),
        probe: input.flag(),
        declines: input.octet(),
        attempts: input.octet(),
        request_attempts: input.octet(),
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
        0 => client.start(now, input, black_box(Mode::Stateful)),
        1 => {
            let (from, datagram) = (input.address_v6(), input.octets());
            take(fail(client.handle(now, input, from, datagram)));
        }
        2 => {
            let mut buffer = [0; TRANSMIT_MAX];
            take(client.poll_transmit(now, input, black_box(&mut buffer[..])));
        }
        3 => take(client.poll(now)),
        4 => {
            let conflict = input.flag().then_some([2; 6]);
            client.probe_result(now, input, conflict);
        }
        5 => client.handle_timeout(now, input),
        6 => client.release(now, input),
        7 => client.set_offer_window(window(input)),
        _ => {
            take((client.poll_timeout(), client.ignored()));
            take(client.has_declined_enough());
            take(client.lease());
            take(client.lease().map(Lease::expires_at));
            if let Some(lease) = client.lease() {
                lease.boot_params.iter().for_each(take);
            }
        }
    }
}

fn window(input: &mut Input) -> Option<netboot_core::Duration> {
    let window = input.span();
    input.maybe(window)
}

fn raw(input: &mut Input) {
    let mut buffer = [0; 256];
    let mut raw = RawOptions::new(black_box(&mut buffer[..]));
    while input.flag() {
        let taken = black_box(Taken::Lease);
        take(fail(call(&mut raw).keep(taken, input.octets())));
        take(raw.get(input.short()));
        raw.iter().for_each(take);
        take(raw.lost());
        call(&mut raw).clear();
    }
}

fn wire(input: &mut Input) {
    take(MessageType::from_wire(input.octet()).map(MessageType::to_wire));
    items(input.octets()).for_each(take);
    let Ok(packet) = Packet::parse(input.octets()) else {
        return;
    };
    let options = black_box(Options::new(input.octets()));
    options.iter().for_each(take);
    take((options.cut(), options.find(input.short())));
    take((options.long(input.short()), options.status()));
    if let Some(association) = IdentityAssociation::find(&packet.options, input.word()) {
        take(association.status());
        for address in association.addresses() {
            take(association.times(&address));
        }
        let wanted = input.address_v6();
        take(association.choose(input.maybe(wanted)));
    }
    let mut buffer = [0; TRANSMIT_MAX];
    let mut message = Builder::new(black_box(&mut buffer[..]), packet.message, packet.xid);
    while input.flag() {
        call(&mut message).option(input.short(), input.octets());
        call(&mut message).parts(input.short(), &[input.octets(), input.octets()]);
    }
    take(message.finish());
}
