//! The client, message by message.

use super::bench::{Bench, COOKIE, MS, NONCE};
use super::*;
use crate::wire::{self, Answer, DATA_HEAD, ErrorCode, Get, Meta, Name, Open, Report};
use crate::world::{OneFile, SERVER, pattern, request};
use netboot_core::Digest;
use netboot_verity::{Software, VerityError};
use std::net::IpAddr;

#[test]
fn the_request_is_checked() {
    let file = OneFile::new(pattern(10));
    let good = request(&file, 8);
    let make = |request: Request<'_>| {
        let hasher = Software::default();
        let now = Instant::ZERO;
        Client::<_, 2>::new(hasher, SERVER, &request, Timing::default(), 1, now).map(|_| ())
    };
    assert_eq!(make(good), Ok(()));
    for window in [0, 65, 255] {
        assert_eq!(make(Request { window, ..good }), Err(UbpError::Parameter));
    }
    assert_eq!(make(Request { window: 64, ..good }), Ok(()));
    let long = "x".repeat(256);
    let path = long.as_str();
    assert_eq!(make(Request { path, ..good }), Err(UbpError::Name));
    let path = &long[1..];
    assert_eq!(make(Request { path, ..good }), Ok(()));
    let path = "";
    assert_eq!(make(Request { path, ..good }), Ok(()));
    let digest = None;
    assert_eq!(
        make(Request {
            path,
            digest,
            ..good
        }),
        Err(UbpError::Name)
    );
}

#[test]
fn one_client_makes_one_transfer_after_the_other() {
    let (first, second) = (OneFile::new(pattern(3000)), OneFile::new(pattern(10)));
    let now = Instant::from_millis(1);
    let mut client = Client::<_, 2>::idle(Software::default());
    assert_eq!((client.poll_timeout(), client.give_up()), (None, None));
    assert_eq!(
        client.handle(now, SERVER, b"", 0),
        Err(UbpError::Closed),
        "there is no transfer yet"
    );
    let mut buf = [0; wire::DATA_MAX];
    for file in [&first, &second, &first] {
        let asked = request(file, 8);
        let bad = Request { window: 0, ..asked };
        let timing = Timing::default();
        assert_eq!(
            client.restart(SERVER, &bad, timing, 1, now),
            Err(UbpError::Parameter)
        );
        assert!(!client.is_transmit_due());
        assert_eq!(client.restart(SERVER, &asked, timing, NONCE, now), Ok(()));
        assert_eq!(client.stats(), Stats::default());
        let (len, _) = client.poll_transmit(now, &mut buf).expect("an OPEN");
        assert!(matches!(
            wire::Request::parse(&buf[..len]),
            Some(wire::Request::Open(_))
        ));
        let meta = Answer::Meta(Meta {
            nonce: NONCE,
            cookie: COOKIE,
            descriptor: file.object.descriptor,
            group: None,
        });
        let len = meta.emit(&mut buf).unwrap();
        let opened = client.handle(now, SERVER, &buf[..len], 0);
        assert_eq!(
            opened,
            Ok(Event::Opened {
                size: file.data.len() as u64,
                digest: file.object.digest,
                group: None
            })
        );
        client.start(now);
        // It ends with a block in its hands.
        let number = u32::from(file.blocks.len() > 1);
        for number in 0..=number {
            let id = (file.object.id() >> 16) as u16;
            let block = file.blocks[number as usize].as_slice();
            client.poll_transmit(now, &mut buf);
            let len = Answer::Data { id, number, block }.emit(&mut buf).unwrap();
            client.handle(now, SERVER, &buf[..len], 3).unwrap();
        }
        assert_eq!((client.give_up(), client.give_up()), (Some(3), None));
    }
}

#[test]
fn the_open_says_what_the_client_can_do() {
    let file = OneFile::new(pattern(10));
    let asked = Request {
        rate: 4_000_000,
        multicast: true,
        ..request(&file, 8)
    };
    for (path, name) in [
        ("/fw.bin", Name::Path(b"/fw.bin")),
        ("", Name::Digest(file.object.digest)),
    ] {
        let mut bench = Bench::with(file.clone(), &Request { path, ..asked });
        let sent = bench.sent().unwrap();
        let open = Open {
            nonce: NONCE,
            window: 8,
            rate: 4_000_000,
            multicast: true,
            name,
        };
        assert_eq!(wire::Request::parse(&sent), Some(wire::Request::Open(open)));
        bench.silent();
    }
}

#[test]
fn the_gap_is_the_time_of_a_block() {
    assert_eq!((gap(0), gap(12_500_000), gap(1_000)), (0, 81, u16::MAX));
    let file = OneFile::new(pattern(10));
    let rate = 1_024_000;
    let asked = Request {
        rate,
        ..request(&file, 8)
    };
    let mut bench = Bench::with(file, &asked);
    bench.open();
    bench.give(bench.meta()).unwrap();
    bench.client.start(bench.now);
    let sent = bench.sent().unwrap();
    let get = Get {
        cookie: COOKIE,
        id: bench.file.object.id(),
        first: 0,
        map: 1,
        gap: 1000,
    };
    assert_eq!(wire::Request::parse(&sent), Some(wire::Request::Get(get)));
}

#[test]
fn nothing_is_asked_for_before_the_start() {
    let mut bench = Bench::new();
    bench.open();
    let opened = Event::Opened {
        size: 60_000,
        digest: bench.file.object.digest,
        group: None,
    };
    assert_eq!(bench.give(bench.meta()), Ok(opened));
    assert_eq!(bench.timer(), None);
    bench.silent();
    // Further answers change nothing.
    assert_eq!(bench.give(bench.meta()), Ok(Event::None));
    assert_eq!(bench.block(0, 0), Ok(Event::None));
    bench.client.start(bench.now);
    assert_eq!(bench.get(), (0, 0xff));
    bench.client.start(bench.now);
    bench.silent();
}

#[test]
fn an_answer_without_the_nonce_is_no_answer() {
    let mut bench = Bench::new();
    bench.open();
    let Answer::Meta(meta) = bench.meta() else {
        panic!();
    };
    let forged = [
        Answer::Meta(Meta {
            nonce: NONCE ^ 1,
            ..meta
        }),
        Answer::Busy {
            token: NONCE ^ 1,
            retry: 9,
        },
        Answer::Error {
            token: 0,
            code: ErrorCode::REFUSED,
        },
    ];
    for answer in forged {
        assert_eq!(bench.give(answer), Ok(Event::None));
    }
    let other = Endpoint {
        addr: IpAddr::from([10, 0, 0, 77]),
        port: 1,
    };
    let code = ErrorCode::REFUSED;
    let refusal = Answer::Error { token: NONCE, code };
    assert_eq!(bench.give_from(other, refusal, 0), Ok(Event::None));
    assert_eq!(bench.client.stats().ignored, 4);
    // Whoever knows the nonce has got the OPEN, at whatever address.
    assert!(matches!(
        bench.give_from(other, bench.meta(), 0),
        Ok(Event::Opened { .. })
    ));
    assert_eq!(bench.client.server(), other);
}

#[test]
fn a_file_that_is_not_the_right_one_is_refused() {
    let file = OneFile::new(pattern(60_000));
    let asked = Request {
        digest: Some(Digest([1; 32])),
        ..request(&file, 8)
    };
    let mut bench = Bench::with(file.clone(), &asked);
    let error = UbpError::Verity(VerityError::WrongHead);
    assert_eq!(bench.give(bench.meta()), Err(error));
    assert_eq!(bench.give(bench.meta()), Err(UbpError::Closed));
    // The next server has the right one.
    let other = OneFile::new(pattern(50_000));
    bench = Bench::with(other.clone(), &request(&file, 8));
    assert_eq!(bench.give(bench.meta()), Err(error));
    bench
        .client
        .try_server(bench.now, SERVER, "/fw.bin", NONCE)
        .unwrap();
    bench.file = file;
    assert!(matches!(bench.give(bench.meta()), Ok(Event::Opened { .. })));
    // Without a digest whatever the server says is believed.
    let digest = None;
    bench = Bench::with(other.clone(), &Request { digest, ..asked });
    let digest = other.object.digest;
    assert!(
        matches!(bench.give(bench.meta()), Ok(Event::Opened { digest: told, .. }) if told == digest)
    );
}

#[test]
fn a_file_that_is_too_large_for_the_verifier_is_refused() {
    for size in [(1 << 20) + 1, u64::MAX] {
        let mut file = OneFile::new(pattern(10));
        file.object.descriptor.size = size;
        let asked = Request {
            digest: None,
            ..request(&file, 8)
        };
        let mut bench = Bench::with(file, &asked);
        let error = UbpError::Verity(VerityError::TooLarge { size });
        assert_eq!(bench.give(bench.meta()), Err(error));
    }
}

#[test]
fn blocks_are_handed_out_in_order() {
    let mut bench = Bench::receiving();
    // Numbers: 0 the top node, 1 the first node, 2 to 33 data.
    assert_eq!(bench.block(3, 0), Ok(Event::Kept));
    assert_eq!(bench.poll(), Output::None, "its hash is not known yet");
    assert_eq!(bench.block(0, 0), Ok(Event::None), "a node is used at once");
    assert_eq!(bench.block(1, 0), Ok(Event::None));
    assert_eq!(bench.block(2, 0), Ok(Event::Kept));
    let data = |slot: u8| Output::Data {
        slot,
        offset: (u64::from(slot) - 2) * 1024,
        len: 1024,
        last: false,
    };
    assert_eq!(bench.poll(), data(2));
    assert_eq!(bench.poll(), data(2), "until it is consumed");
    bench.client.consumed(bench.now);
    assert_eq!(bench.poll(), data(3));
    assert_eq!(bench.block(2, 0), Ok(Event::None));
    bench.client.consumed(bench.now);
    assert_eq!(bench.poll(), Output::None);
    bench.client.consumed(bench.now);
    assert_eq!(bench.client.offset(), 2048);
    // Half of the window was used.
    assert_eq!(bench.get(), (8, 0xf));
}

#[test]
fn a_wrong_block_stays_missing() {
    let mut bench = Bench::receiving();
    bench.block(0, 0).unwrap();
    assert_eq!(bench.block(1, 1), Ok(Event::None));
    assert_eq!(bench.block(1, 0), Ok(Event::None));
    assert_eq!(bench.block(2, 9), Ok(Event::None));
    assert_eq!(bench.client.stats().wrong, 2);
    assert_eq!(bench.block(2, 0), Ok(Event::Kept));
    assert_eq!(bench.consume(), [2]);
    // A block of a wrong length is wrong before its hash is known, too.
    let id = (bench.file.object.id() >> 16) as u16;
    let short = Answer::Data {
        id,
        number: 7,
        block: b"x",
    };
    assert_eq!(bench.give(short), Ok(Event::None));
    assert_eq!(bench.client.stats().wrong, 3);
}

#[test]
fn a_wrong_block_that_came_early_is_given_back_and_asked_for_again() {
    let mut bench = Bench::receiving();
    assert_eq!(bench.block(1, 1), Ok(Event::Kept));
    assert_eq!(bench.block(2, 0), Ok(Event::Kept));
    bench.block(0, 0).unwrap();
    assert_eq!(bench.poll(), Output::Release { slot: 1 });
    assert_eq!(bench.poll(), Output::None);
    assert_eq!(
        bench.get(),
        (1, 0b1000_0001),
        "at once, and the free part of the window"
    );
    assert_eq!(bench.block(1, 0), Ok(Event::None));
    assert_eq!(bench.consume(), [2]);
    // A node that came early is given back when it was used.
    let mut bench = Bench::receiving();
    assert_eq!(bench.block(1, 0), Ok(Event::Kept));
    bench.block(0, 0).unwrap();
    assert_eq!(bench.poll(), Output::Release { slot: 1 });
    assert_eq!(bench.poll(), Output::None);
}

#[test]
fn more_wrong_blocks_in_a_row_than_the_window_end_it() {
    let mut bench = Bench::receiving();
    bench.block(0, 0).unwrap();
    for _ in 0..8 {
        assert_eq!(bench.block(1, 1), Ok(Event::None));
    }
    // A right one in between.
    assert_eq!(bench.block(1, 0), Ok(Event::None));
    for _ in 0..8 {
        assert_eq!(bench.block(2, 1), Ok(Event::None));
    }
    let error = UbpError::WrongBlocks { number: 2 };
    assert_eq!(bench.block(2, 1), Err(error));
    assert_eq!(bench.block(2, 0), Err(UbpError::Closed));
    assert_eq!(
        bench.client.poll(bench.now, &bench.ring),
        Err(UbpError::Closed)
    );
    assert_eq!(bench.timer(), None);
    bench.silent();
}

#[test]
fn blocks_of_other_files_and_servers_are_ignored() {
    let mut bench = Bench::receiving();
    let id = (bench.file.object.id() >> 16) as u16;
    let block = bench.file.blocks[0].clone();
    let data = |id| Answer::Data {
        id,
        number: 0,
        block: &block,
    };
    assert_eq!(bench.give(data(id ^ 1)), Ok(Event::None));
    let other = Endpoint {
        addr: IpAddr::from([10, 0, 0, 2]),
        ..SERVER
    };
    assert_eq!(bench.give_from(other, data(id), 0), Ok(Event::None));
    let parity = Answer::Parity {
        id,
        first: 0,
        count: 2,
        sum: &[0; 1024],
    };
    assert_eq!(bench.give(parity), Ok(Event::None));
    assert_eq!(
        bench.client.handle(bench.now, SERVER, b"noise", 0),
        Ok(Event::None)
    );
    assert_eq!(bench.block(8, 0), Ok(Event::None), "outside of the window");
    let stats = bench.client.stats();
    assert_eq!((stats.ignored, stats.wrong), (5, 0));
    // Another port of the server's is as good.
    let port = Endpoint { port: 9, ..SERVER };
    bench.give_from(port, data(id), 0).unwrap();
    assert_eq!(bench.client.stats().ignored, 5);
}

#[test]
fn it_goes_on_with_another_server_where_it_was() {
    let mut bench = Bench::receiving();
    for number in [0, 1, 2, 4] {
        bench.block(number, 0).unwrap();
    }
    assert_eq!(bench.consume(), [2]);
    let code = ErrorCode::FAILED;
    let gone = Answer::Error {
        token: COOKIE,
        code,
    };
    assert_eq!(bench.give(gone), Err(UbpError::Server { code }));
    let next = Endpoint {
        addr: IpAddr::from([10, 0, 0, 2]),
        port: 7,
    };
    bench
        .client
        .try_server(bench.now, next, "/other", NONCE)
        .unwrap();
    bench.open();
    bench.silent();
    bench.give_from(next, bench.meta(), 200).unwrap();
    // Block 4 lies in its slot. No second start.
    assert_eq!(bench.get(), (3, 0b1111_1101));
    let Answer::Meta(meta) = bench.meta() else {
        panic!();
    };
    let mut descriptor = meta.descriptor;
    descriptor.size -= 1;
    let other = Answer::Meta(Meta { descriptor, ..meta });
    assert_eq!(bench.give_from(next, other, 200), Err(UbpError::Changed));
    // Names are checked here, too; the digest is known now.
    let long = "x".repeat(256);
    let refused = bench.client.try_server(bench.now, next, &long, 1);
    assert_eq!(refused, Err(UbpError::Name));
    assert_eq!(bench.client.try_server(bench.now, next, "", 1), Ok(()));
}

#[test]
fn slots_come_back_when_it_is_given_up() {
    let mut bench = Bench::receiving();
    for number in [0, 1, 2, 3, 7] {
        bench.block(number, 0).unwrap();
    }
    let slots: Vec<u8> = std::iter::from_fn(|| bench.client.give_up()).collect();
    assert_eq!(slots, [2, 3, 7]);
    assert_eq!(
        bench.client.try_server(bench.now, SERVER, "/fw.bin", 1),
        Ok(())
    );
    bench.silent();
    assert_eq!(bench.block(0, 0), Err(UbpError::Closed));
}

#[test]
fn a_report_is_sent_once_to_a_server_that_has_answered() {
    let mut bench = Bench::new();
    bench.open();
    bench.client.report(bench.now, 5, 6);
    bench.silent();
    let mut bench = Bench::receiving();
    bench.block(0, 0).unwrap();
    bench.block(1, 1).unwrap();
    bench.now += MS(96);
    bench.client.report(bench.now, 5, 6);
    let report = Report {
        cookie: COOKIE,
        id: bench.file.object.id(),
        octets: 0,
        error: 5,
        millis: 100,
        lost: 0,
        repeated: 0,
        wrong: 1,
        state: 6,
    };
    let sent = bench.sent().unwrap();
    assert_eq!(
        wire::Request::parse(&sent),
        Some(wire::Request::Report(report))
    );
    bench.silent();
}

#[test]
fn a_message_without_room_counts_as_sent() {
    let mut bench = Bench::new();
    assert_eq!(bench.client.poll_transmit(bench.now, &mut [0; 100]), None);
    bench.silent();
    assert_eq!(bench.timer(), Some(MS(250)));
}

#[test]
fn data_begins_behind_the_head() {
    let mut bench = Bench::receiving();
    for number in 0..3 {
        bench.block(number, 0).unwrap();
    }
    let Output::Data { slot, len, .. } = bench.poll() else {
        panic!();
    };
    let octets = &bench.ring.datagram(slot)[DATA_HEAD..][..usize::from(len)];
    assert_eq!(octets, &bench.file.data[..1024]);
}

/// The README tells it.
#[test]
fn the_memory_of_a_client() {
    use core::mem::size_of;
    let nodes = 2 * 1024;
    let multicast = size_of::<group::Riding>();
    let own = size_of::<Client<(), 2>>() - nodes - multicast;
    assert!((1100..1200).contains(&own), "{own} octets");
    assert!((2048..2150).contains(&multicast), "{multicast} octets");
}
