//! `netboot-core`: URIs, digests, time.

use crate::{Input, fail, show, take};
use core::hint::black_box;
use netboot_core::uri::{self, Scheme, Uri};
use netboot_core::{Digest, Duration, Instant, Module, Platform};

/// A board of which nothing is known.
pub(crate) struct Board<'i>(pub(crate) &'i mut Input);

impl Platform for Board<'_> {
    type Rng = Input;

    fn now(&mut self) -> Instant {
        self.0.now()
    }

    fn idle(&mut self, until: Instant) {
        take(until);
    }

    fn rng(&mut self) -> &mut Input {
        self.0
    }
}

/// Calls all of the crate.
pub fn run(input: &mut Input) {
    uris(input);
    time(input);
    if let Some(digest) = Digest::from_hex(input.text()) {
        show(&digest);
    }
    take(black_box(Module::Dhcp).code(input.short()));
    let mut board = Board(input);
    let span = board.0.span();
    board.wait(span);
}

fn uris(input: &mut Input) {
    let scheme = black_box(Scheme::Tftp);
    take((scheme.as_str(), scheme.default_port()));
    take(uri::is_ipv4(input.text()));
    let port = input.short();
    let port = input.maybe(port);
    let made = Uri::from_parts(scheme, input.text(), port, input.text());
    let (Some(made), Some(read)) = (fail(made), fail(Uri::parse(input.text()))) else {
        return;
    };
    for uri in [&made, &read] {
        look(black_box(uri));
    }
    take(fail(made.with_credentials_of(&read)));
    take(made.same_origin(&read));
    take(fail(read.join(input.text())));
}

fn look(uri: &Uri) {
    take((uri.scheme(), uri.host(), uri.port(), uri.authority()));
    take((uri.path(), uri.query(), uri.target(), uri.as_str()));
    take(uri.has_credentials());
    let mut buffer = [0; 256];
    take(fail(uri.decode_path(black_box(&mut buffer[..]))));
    take(fail(uri.credentials(black_box(&mut buffer[..]))));
    show(uri);
}

fn time(input: &mut Input) {
    let (mut at, mut span) = (input.now(), input.span());
    at += span;
    span += input.span() - at.since(input.now());
    take((at + span, at - span, span + span));
    take((span * input.word(), span / input.word()));
    take((at.as_micros(), at.as_millis()));
    take((span.as_micros(), span.as_millis(), span.as_secs()));
    take((
        Instant::from_millis(input.long()),
        Duration::from_millis(input.long()),
    ));
    take(Duration::from_secs(input.long()));
    let theirs = black_box(::core::time::Duration::ZERO);
    take(Duration::from(theirs));
    show(&at);
    show(&span);
}
