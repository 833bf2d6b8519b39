//! The server's answers, message by message.

use super::*;
use crate::wire::OPEN;
use crate::world::{BOARD, OneFile, pattern};
use netboot_core::Duration;
use std::net::IpAddr;

const NOW: Instant = Instant::from_millis(1);

fn emit(request: &Request<'_>) -> Vec<u8> {
    let mut buf = [0; OPEN];
    let len = request.emit(&mut buf).unwrap();
    buf[..len].to_vec()
}

fn open(name: Name<'_>, multicast: bool) -> Vec<u8> {
    emit(&Request::Open(Open {
        nonce: 5,
        window: 8,
        rate: 0,
        multicast,
        name,
    }))
}

fn get(cookie: u64, id: u32, first: u32, map: u64) -> Vec<u8> {
    emit(&Request::Get(Get {
        cookie,
        id,
        first,
        map,
        gap: 100,
    }))
}

struct Bench {
    server: Server,
    file: OneFile,
    buf: [u8; DATA_MAX],
}

impl Bench {
    fn new() -> Self {
        Self {
            server: Server::new([3; 16], None),
            file: OneFile::new(pattern(5000)),
            buf: [0; DATA_MAX],
        }
    }

    fn ask(&mut self, from: Endpoint, message: &[u8]) -> Reply {
        self.server
            .handle(NOW, from, message, &self.file, &mut self.buf)
    }

    fn answer(&mut self, from: Endpoint, message: &[u8]) -> Option<Answer<'_>> {
        match self.ask(from, message) {
            Reply::Send(len) => Answer::parse(&self.buf[..len]),
            _ => None,
        }
    }

    fn cookie(&mut self, from: Endpoint) -> u64 {
        match self.answer(from, &open(Name::Path(b"/fw.bin"), false)) {
            Some(Answer::Meta(meta)) => meta.cookie,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_file_is_found_by_path_and_by_digest() {
    let mut bench = Bench::new();
    let object = bench.file.object;
    for name in [Name::Path(b"/fw.bin"), Name::Digest(object.digest)] {
        match bench.answer(BOARD, &open(name, true)) {
            Some(Answer::Meta(meta)) => {
                assert_eq!(
                    (meta.nonce, meta.descriptor, meta.group),
                    (5, object.descriptor, None)
                );
            }
            other => panic!("{other:?}"),
        }
    }
    let code = ErrorCode::NOT_FOUND;
    let refused = Some(Answer::Error { token: 5, code });
    assert_eq!(
        bench.answer(BOARD, &open(Name::Path(b"/x"), false)),
        refused
    );
}

#[test]
fn the_group_is_told_to_whoever_wants_it() {
    let mut bench = Bench::new();
    let group = Group {
        addr: IpAddr::from([239, 192, 0, 1]),
        port: 7000,
        rate: 1,
    };
    bench.file.object.group = Some(group);
    for wants in [false, true] {
        match bench.answer(BOARD, &open(Name::Path(b"/fw.bin"), wants)) {
            Some(Answer::Meta(meta)) => assert_eq!(meta.group, wants.then_some(group)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn blocks_go_to_the_address_of_the_cookie_alone() {
    let mut bench = Bench::new();
    let id = bench.file.object.id();
    let cookie = bench.cookie(BOARD);
    let right = get(cookie, id, 1, 0b10_0101);
    let other = Endpoint {
        port: BOARD.port + 1,
        ..BOARD
    };
    assert_eq!(bench.ask(other, &right), Reply::None);
    assert_eq!(bench.ask(BOARD, &get(cookie ^ 1, id, 1, 1)), Reply::None);
    assert_eq!(bench.ask(BOARD, &get(cookie, id ^ 1, 1, 1)), Reply::None);
    let Reply::Burst(mut burst) = bench.ask(BOARD, &right) else {
        panic!("no burst");
    };
    assert_eq!(burst.to(), BOARD);
    let mut buf = [0; DATA_MAX];
    let mut now = NOW;
    // Block 6 is one that the file does not have: five of data and a node.
    for number in [1u32, 3] {
        assert_eq!(burst.poll_timeout(), Some(now));
        let len = burst.poll_transmit(now, &bench.file, &mut buf).unwrap();
        let block = &bench.file.blocks[number as usize][..];
        let id = (id >> 16) as u16;
        let data = Answer::Data { id, number, block };
        assert_eq!(Answer::parse(&buf[..len]), Some(data));
        assert_eq!(
            burst.poll_transmit(now, &bench.file, &mut buf),
            None,
            "the gap"
        );
        now += Duration::from_micros(100);
    }
    assert_eq!(burst.poll_transmit(now, &bench.file, &mut buf), None);
    assert_eq!(burst.poll_timeout(), None);
}

#[test]
fn a_block_beyond_all_numbers_is_left_out() {
    let mut bench = Bench::new();
    let cookie = bench.cookie(BOARD);
    let message = get(cookie, bench.file.object.id(), u32::MAX, u64::MAX);
    let Reply::Burst(mut burst) = bench.ask(BOARD, &message) else {
        panic!("no burst");
    };
    let mut buf = [0; DATA_MAX];
    assert_eq!(burst.poll_transmit(NOW, &bench.file, &mut buf), None);
    assert_eq!(burst.poll_timeout(), None);
}

#[test]
fn a_file_that_is_gone_is_told() {
    let mut bench = Bench::new();
    let id = bench.file.object.id();
    let cookie = bench.cookie(BOARD);
    bench.file = OneFile::new(pattern(6000));
    let code = ErrorCode::GONE;
    let gone = Some(Answer::Error {
        token: cookie,
        code,
    });
    assert_eq!(bench.answer(BOARD, &get(cookie, id, 0, 1)), gone);
}

#[test]
fn a_report_needs_a_cookie() {
    let mut bench = Bench::new();
    let report = Report {
        cookie: bench.cookie(BOARD),
        id: bench.file.object.id(),
        octets: 5000,
        ..Report::default()
    };
    let right = emit(&Request::Report(report));
    assert_eq!(bench.ask(BOARD, &right), Reply::Report(report));
    let cookie = report.cookie ^ 1;
    let wrong = emit(&Request::Report(Report { cookie, ..report }));
    assert_eq!(bench.ask(BOARD, &wrong), Reply::None);
}

#[test]
fn beyond_the_budget_it_is_busy() {
    let mut bench = Bench::new();
    bench.server = Server::new([3; 16], Some(Bucket::new(100_000, 1000, NOW)));
    let id = bench.file.object.id();
    let cookie = bench.cookie(BOARD);
    let message = get(cookie, id, 0, u64::MAX);
    assert!(matches!(bench.ask(BOARD, &message), Reply::Burst(_)));
    // 64 blocks less the thousand that were there.
    let retry = (64 * 1032 - 1000 + 1) * 1000 / 100_000;
    let busy = |token| Some(Answer::Busy { token, retry });
    assert_eq!(bench.answer(BOARD, &message), busy(cookie));
    let again = open(Name::Path(b"/fw.bin"), false);
    assert_eq!(bench.answer(BOARD, &again), busy(5));
    bench.server.renew([4; 16]);
    assert_eq!(bench.answer(BOARD, &message), busy(cookie));
}

#[test]
fn answers_of_a_server_and_noise_get_no_answer() {
    let mut bench = Bench::new();
    let mut buf = [0; DATA_MAX];
    let len = Answer::Busy { token: 1, retry: 1 }.emit(&mut buf).unwrap();
    for message in [&buf[..len], &[], &[0x11; 100], &[0x15; 32]] {
        assert_eq!(bench.ask(BOARD, message), Reply::None);
    }
}
