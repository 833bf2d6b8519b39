//! `netboot-http`: requests, responses of any server, redirections.

use crate::{Input, call, fail, take};
use core::hint::black_box;
use netboot_core::Uri;
use netboot_http::{Expect, Head, Method, RangeFrom, Redirects, Request, Response, Validator};

/// Calls all of the crate.
pub fn run(input: &mut Input) {
    let expect = Expect {
        method: black_box(Method::Get),
        range_first: input.maybe(black_box(0)),
        keep_alive: input.flag(),
    };
    take(expect.method.as_str());
    let mut response = Response::<2048>::new(expect);
    let mut validator = None;
    let mut redirects = Redirects::new(input.octet());
    take(Redirects::default());
    redirects = redirects.allow_downgrade(input.flag());
    while input.flag() {
        let response = call(&mut response);
        match input.word() {
            0 => take(fail(response.handle(input.octets()))),
            1 => response.body_taken(input.word() as usize),
            2 => take(fail(response.end_of_stream())),
            3 => response.restart(expect),
            _ => {
                take((response.is_complete(), response.can_reuse()));
                take(response.body_offset());
                look(input, response.head(), validator.as_ref());
                validator = response.head().validator.clone();
            }
        }
        if let Some(uri) = fail(Uri::parse(input.text())) {
            request(input, &uri, validator.as_ref());
            let (status, location) = (input.short(), input.text());
            take(fail(call(&mut redirects).follow(&uri, status, location)));
            take(redirects.hops());
        }
    }
}

fn look(input: &mut Input, head: &Head, validator: Option<&Validator>) {
    take(head.outcome());
    take(fail(head.continues(input.maybe(black_box(0)), validator)));
    if let Some(validator) = &head.validator {
        take(validator.as_str());
    }
}

fn request(input: &mut Input, uri: &Uri, validator: Option<&Validator>) {
    let first = input.long();
    let last = input.maybe(first);
    let plain = Request::get(uri);
    let credentials = (input.text(), input.text());
    let request = Request {
        method: black_box(Method::Head),
        range: input.maybe(RangeFrom {
            first,
            last,
            if_range: validator,
        }),
        accept: input.text(),
        content: None,
        credentials: input.maybe(credentials),
        user_agent: input.text(),
        keep_alive: input.flag(),
        ..plain
    };
    let mut buffer = [0; 1024];
    for request in [plain, request] {
        take(request.expect());
        take(fail(black_box(request).encode(black_box(&mut buffer[..]))));
    }
}
