//! Round trips, lengths, and the vectors of the specification.

use super::*;
use core::net::IpAddr;
use netboot_core::Digest;
use netboot_verity::{BLOCK, Descriptor};
use proptest::prelude::*;

/// Octets from hexadecimal digits. `*n` after a pair repeats it n times.
fn hex(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        let (word, count) = word.split_once('*').unwrap_or((word, "1"));
        let octets: Vec<u8> = word
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        out.extend(octets.repeat(count.parse().unwrap()));
    }
    out
}

fn written(emit: impl Fn(&mut [u8]) -> Option<usize>) -> Vec<u8> {
    // What lay in the buffer before does not show.
    let mut buf = [0xaa; DATA_MAX];
    let len = emit(&mut buf).expect("the buffer has room");
    for short in 0..len {
        assert_eq!(emit(&mut buf[..short]), None);
    }
    emit(&mut buf[..len]).expect("the buffer is as long as the message");
    buf[..len].to_vec()
}

const ROOT: [u8; 32] = [0x5e; 32];

fn meta(group: Option<Group>) -> Meta {
    Meta {
        nonce: 0x0102_0304_0506_0708,
        cookie: 0x1112_1314_1516_1718,
        descriptor: Descriptor {
            size: 1_048_577,
            root: Digest(ROOT),
        },
        group,
    }
}

/// The vectors of `docs/src/ubp.md`, a line for each.
#[test]
fn vectors_of_requests() {
    let open = |name| {
        Request::Open(Open {
            nonce: 0x0102_0304_0506_0708,
            window: 32,
            rate: 12_500_000,
            multicast: false,
            name,
        })
    };
    for (request, text) in [
        (
            open(Name::Path(b"/fw.bin")),
            "11 00 0020 0102030405060708 00bebc20 0007 0000 2f66772e62696e 00*261",
        ),
        (
            open(Name::Digest(Digest(ROOT))),
            "11 02 0020 0102030405060708 00bebc20 0020 0000 5e*32 00*236",
        ),
        (
            Request::Get(Get {
                cookie: 0x1112_1314_1516_1718,
                id: 0xb64a_2eb3,
                first: 33,
                map: 0xb,
                gap: 80,
            }),
            "15 00 0050 1112131415161718 b64a2eb3 000000000000000b 00000021 00000000",
        ),
        (
            Request::Report(Report {
                cookie: 0x1112_1314_1516_1718,
                id: 0xb64a_2eb3,
                octets: 1_048_577,
                error: 0,
                millis: 97,
                lost: 3,
                repeated: 4,
                wrong: 1,
                state: 9,
            }),
            "18 00 0000 1112131415161718 b64a2eb3 0000000000100001 00000000 00000061 00000003 00000004 00000001 00000009",
        ),
    ] {
        let octets = hex(text);
        assert_eq!(written(|buf| request.emit(buf)), octets, "{request:?}");
        assert_eq!(Request::parse(&octets), Some(request));
        assert_eq!(Answer::parse(&octets), None);
        every_other_length_is_refused(&octets);
    }
}

#[test]
fn vectors_of_answers() {
    let v4 = Group {
        addr: IpAddr::from([239, 192, 0, 1]),
        port: 6911,
        rate: 5_000_000,
    };
    let v6 = Group {
        addr: IpAddr::from([0xff15, 0, 0, 0, 0, 0, 0, 1]),
        ..v4
    };
    let token = 0x0102_0304_0506_0708;
    let sum = [0x33; BLOCK];
    for (answer, text) in [
        (
            Answer::Meta(meta(None)),
            "12 00 0000 0102030405060708 00000000 1112131415161718 0000000000100001 5e*32 00*16",
        ),
        (
            Answer::Meta(meta(Some(v4))),
            "12 01 1aff 0102030405060708 004c4b40 1112131415161718 0000000000100001 5e*32 efc00001 00*12",
        ),
        (
            Answer::Meta(meta(Some(v6))),
            "12 03 1aff 0102030405060708 004c4b40 1112131415161718 0000000000100001 5e*32 ff15 00*13 01",
        ),
        (
            Answer::Busy { token, retry: 250 },
            "13 00 0000 0102030405060708 000000fa",
        ),
        (
            Answer::Error {
                token,
                code: ErrorCode::NOT_FOUND,
            },
            "14 00 0001 0102030405060708 00000000",
        ),
        (
            Answer::Data {
                id: 0xb64a,
                number: 34,
                block: b"hello",
            },
            "16 00 b64a 00000022 68656c6c6f",
        ),
        (
            Answer::Parity {
                id: 0xb64a,
                first: 32,
                count: 16,
                sum: &sum,
            },
            "17 10 b64a 00000020 33*1024",
        ),
    ] {
        let octets = hex(text);
        assert_eq!(written(|buf| answer.emit(buf)), octets, "{answer:?}");
        assert_eq!(Answer::parse(&octets), Some(answer));
        assert_eq!(Request::parse(&octets), None);
        if !matches!(answer, Answer::Data { .. }) {
            every_other_length_is_refused(&octets);
        }
    }
}

fn every_other_length_is_refused(octets: &[u8]) {
    let longer = [octets, &[0; 9]].concat();
    for len in (0..longer.len()).filter(|len| *len != octets.len()) {
        assert_eq!(Request::parse(&longer[..len]), None, "{len}");
        assert_eq!(Answer::parse(&longer[..len]), None, "{len}");
    }
}

#[test]
fn blocks_have_one_octet_at_the_least_and_1024_at_the_most() {
    let mut octets = hex("16 00 b64a 00000022 77*1024");
    assert!(Answer::parse(&octets).is_some());
    assert!(Answer::parse(&octets[..9]).is_some());
    assert_eq!(Answer::parse(&octets[..8]), None);
    octets.push(0);
    assert_eq!(Answer::parse(&octets), None);
    let mut buf = [0; 2000];
    for block in [&[][..], &[0; 1025]] {
        let (id, number) = (1, 2);
        assert_eq!(Answer::Data { id, number, block }.emit(&mut buf), None);
    }
}

#[test]
fn sums_are_of_two_to_sixteen_blocks() {
    for count in 0..=u8::MAX {
        let right = (2..=16).contains(&count);
        let mut octets = hex("17 02 b64a 00000020 33*1024");
        octets[1] = count;
        assert_eq!(Answer::parse(&octets).is_some(), right, "{count}");
        let sum = &[0; BLOCK];
        let (id, first) = (1, 2);
        let parity = Answer::Parity {
            id,
            first,
            count,
            sum,
        };
        assert_eq!(parity.emit(&mut [0; 1100]).is_some(), right, "{count}");
    }
}

#[test]
fn names_have_a_length_that_their_kind_may_have() {
    let octets = |flags: u8, len: u16| {
        let mut octets = hex("11 00 0020 0102030405060708 00bebc20 0000 0000 61*268");
        octets[1] = flags;
        octets[16..18].copy_from_slice(&len.to_be_bytes());
        octets
    };
    let ok = |flags, len| Request::parse(&octets(flags, len)).is_some();
    assert!(!ok(0, 0) && ok(0, 1) && ok(1, 255) && !ok(0, 256) && !ok(0, 269));
    assert!(!ok(2, 31) && ok(2, 32) && !ok(3, 33) && !ok(2, u16::MAX));
    for name in [&[][..], &[b'a'; 256]] {
        let open = Request::Open(Open {
            nonce: 0,
            window: 1,
            rate: 0,
            multicast: false,
            name: Name::Path(name),
        });
        assert_eq!(open.emit(&mut [0; OPEN]), None);
    }
}

#[test]
fn other_versions_and_kinds_are_refused() {
    let block = hex("16 00 b64a 00000022 77*100");
    for first in 0..=u8::MAX {
        let mut octets = block.clone();
        octets[0] = first;
        assert_eq!(Answer::parse(&octets).is_some(), first == 0x16, "{first}");
        assert_eq!(Request::parse(&octets), None, "{first}");
    }
}

#[test]
fn error_codes_have_words() {
    let words: std::collections::BTreeSet<_> =
        (0..=5).map(|code| ErrorCode(code).as_str()).collect();
    assert_eq!(words.len(), 5);
    assert_eq!(ErrorCode(0).as_str(), ErrorCode(5).as_str());
}

fn names() -> impl Strategy<Value = Result<Vec<u8>, [u8; 32]>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 1..=255).prop_map(Ok),
        any::<[u8; 32]>().prop_map(Err),
    ]
}

fn groups() -> impl Strategy<Value = Option<Group>> {
    let addr = prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from),
    ];
    prop::option::of(
        (addr, any::<u16>(), any::<u32>()).prop_map(|(addr, port, rate)| Group {
            addr,
            port,
            rate,
        }),
    )
}

proptest! {
    #[test]
    fn requests_come_back(
        name in names(), longs: [u64; 2], words: [u32; 7], shorts: [u16; 2], multicast: bool, kind in 0..3,
    ) {
        let name = match &name {
            Ok(path) => Name::Path(path),
            Err(digest) => Name::Digest(Digest(*digest)),
        };
        let [nonce, map] = longs;
        let [id, first, error, millis, lost, repeated, wrong] = words;
        let [window, gap] = shorts;
        let request = match kind {
            0 => Request::Open(Open { nonce, window, rate: first, multicast, name }),
            1 => Request::Get(Get { cookie: nonce, id, first, map, gap }),
            _ => Request::Report(Report {
                cookie: nonce, id, octets: map, error, millis, lost, repeated, wrong, state: first,
            }),
        };
        let octets = written(|buf| request.emit(buf));
        prop_assert_eq!(Request::parse(&octets), Some(request));
    }

    #[test]
    fn answers_come_back(
        group in groups(), longs: [u64; 3], root: [u8; 32], number: u32, id: u16, count in 2u8..=16,
        block in prop::collection::vec(any::<u8>(), 1..=BLOCK), kind in 0..5,
    ) {
        let [nonce, cookie, size] = longs;
        let mut sum = [0; BLOCK];
        sum[..block.len()].copy_from_slice(&block);
        let descriptor = Descriptor { size, root: Digest(root) };
        let answer = match kind {
            0 => Answer::Meta(Meta { nonce, cookie, descriptor, group }),
            1 => Answer::Busy { token: nonce, retry: number },
            2 => Answer::Error { token: nonce, code: ErrorCode(id) },
            3 => Answer::Data { id, number, block: &block },
            _ => Answer::Parity { id, first: number, count, sum: &sum },
        };
        let octets = written(|buf| answer.emit(buf));
        prop_assert_eq!(Answer::parse(&octets), Some(answer));
    }

    #[test]
    fn what_is_read_is_written_again(mut octets in prop::collection::vec(any::<u8>(), 0..1040), kind in 0u8..10) {
        if let Some(first) = octets.first_mut() {
            *first = 0x10 | kind;
        }
        for len in [octets.len(), 16, 32, 48, 80, 288, 1032] {
            let message = &octets[..len.min(octets.len())];
            if let Some(request) = Request::parse(message) {
                let octets = written(|buf| request.emit(buf));
                prop_assert_eq!(octets.len(), message.len());
                prop_assert_eq!(Request::parse(&octets), Some(request));
            }
            if let Some(answer) = Answer::parse(message) {
                let octets = written(|buf| answer.emit(buf));
                prop_assert_eq!(octets.len(), message.len());
                prop_assert_eq!(Answer::parse(&octets), Some(answer));
            }
        }
    }
}
