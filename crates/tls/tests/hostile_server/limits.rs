//! The server's limits on what the client sends: handshake messages and requests in as many records as it takes.

use crate::{
    End, Setup, certificate, data, differs, ends, extensions, finished, good, memory, pki, verify,
};
use hostile_tls::{Script, Step};
use netboot_tls::channel::{LARGE_RECORDS, SMALL_RECORDS};
use netboot_tls::{TlsError, Verified};
use test_pki::Identity;

/// Some 700 octets, as with a long cookie.
const LONG_REQUEST: &[u8] = {
    const LONG: [u8; 700] = {
        let mut octets = [b'x'; 700];
        let head = b"GET /fw.bin HTTP/1.1\r\nCookie: a=";
        let (mut at, end) = (0, b"\r\n\r\n");
        while at < head.len() {
            octets[at] = head[at];
            at += 1;
        }
        at = 0;
        while at < end.len() {
            octets[696 + at] = end[at];
            at += 1;
        }
        octets
    };
    &LONG
};

/// A client with a chain of so many certificates.
fn client(count: usize) -> Identity {
    let mut own = pki().client("board 7").unwrap();
    let issuer = own.chain[1].clone();
    own.chain.resize(count, issuer);
    own
}

/// A server that asks for a certificate and grants these extensions.
fn asking(extension: (u16, Vec<u8>)) -> Script {
    let request = Step::CertificateRequest {
        context: vec![],
        extensions: vec![(13, vec![0, 2, 4, 3])],
    };
    good()
        .replace(extensions, [Step::EncryptedExtensions(vec![extension])])
        .before(certificate, [request])
}

/// The largest contents of a record of the client.
fn largest(setup: &Setup, script: &Script) -> usize {
    let got = memory::run::<Verified>(setup, script, 1_460);
    assert_eq!(got.result, Ok(()), "{got:?}");
    let chain = &setup.client.as_ref().expect("a client").chain;
    let shown = got.report.certificate.as_ref().expect("a certificate");
    for one in chain {
        assert!(shown.windows(one.len()).any(|part| part == &one[..]));
    }
    assert_eq!(got.report.data, setup.request);
    got.report.largest
}

#[test]
fn a_record_size_limit_is_kept() {
    let setup = Setup {
        client: Some(client(4)),
        request: LONG_REQUEST,
        send: 4_000,
        ..Setup::new()
    };
    let sent: usize = setup
        .client
        .iter()
        .flat_map(|own| &own.chain)
        .map(|one| one.len())
        .sum();
    assert!(sent > 1_600, "{sent}");
    for limit in [64_u16, 65, 100, 512, 1_000] {
        let script = asking((28, limit.to_be_bytes().to_vec()));
        differs(&format!("{limit}"), &setup, &script, End::Good, End::Good);
        // It counts the content type.
        assert_eq!(largest(&setup, &script), usize::from(limit) - 1);
    }
}

#[test]
fn no_limit_allows_more_than_tls_does() {
    let setup = Setup {
        client: Some(client(45)),
        send: 40_000,
        ..Setup::new()
    };
    for limit in [0x4001_u16, 0x4002, 0xFFFF] {
        let script = asking((28, limit.to_be_bytes().to_vec()));
        assert_eq!(largest(&setup, &script), 1 << 14, "{limit}");
    }
    // One octet less than the most.
    let script = asking((28, vec![0x40, 0]));
    assert_eq!(largest(&setup, &script), (1 << 14) - 1);
    // Nor does none.
    let script = asking((10, vec![0, 2, 0, 0x17]));
    assert_eq!(largest(&setup, &script), 1 << 14);
}

#[test]
fn a_max_fragment_length_is_kept() {
    let setup = Setup {
        client: Some(client(12)),
        send: 20_000,
        receive: SMALL_RECORDS,
        ..Setup::new()
    };
    let script = asking((1, vec![4]));
    assert_eq!(largest(&setup, &script), 4_096);
    differs("4096", &setup, &script, End::Good, End::Good);
}

#[test]
fn the_limit_of_the_receive_buffer_is_always_told() {
    let offered = |receive| {
        let setup = Setup {
            receive,
            ..Setup::new()
        };
        let got = memory::run::<Verified>(&setup, &good(), 1_460);
        let hello = got.report.hellos[0].clone();
        let find = |number| {
            let mut all = hello.extensions.iter();
            all.find(|(kind, _)| *kind == number)
                .map(|(_, value)| value.clone())
        };
        (find(28), find(1))
    };
    assert_eq!(offered(LARGE_RECORDS), (Some(vec![0x40, 1]), None));
    let small = (SMALL_RECORDS - 21) as u16;
    let small = Some(small.to_be_bytes().to_vec());
    assert_eq!(offered(SMALL_RECORDS), (small, Some(vec![4])));
}

#[test]
fn a_send_buffer_without_room_for_all_records_is_named() {
    let setup = Setup {
        client: Some(client(4)),
        send: 2_300,
        ..Setup::new()
    };
    let large = asking((28, vec![0x40, 0]));
    differs("one record", &setup, &large, End::Good, End::Good);
    let small = asking((28, vec![0, 64]));
    let error = End::Refused(TlsError::SendBuffer);
    differs("many", &setup, &small, error, error);
    ends("without a chain", &small, End::Good);
}

/// Certificates are most often what is too long, but any message may be: the sentence says so of each, and accuses none.
#[test]
fn a_long_message_of_any_kind_is_told_as_a_message() {
    const LENGTH: [u8; 3] = [0, 0x4e, 0x20];
    let announced = |kind: u8| {
        let [high, middle, low] = LENGTH;
        [Step::HandshakeOctets(vec![kind, high, middle, low])]
    };
    let refused = End::Refused(TlsError::MessageTooLarge);
    let broken = End::Broken(TlsError::MessageTooLarge);
    for (what, script, end) in [
        (
            "EncryptedExtensions",
            good().replace(extensions, announced(8)),
            refused,
        ),
        (
            "CertificateRequest",
            good().before(certificate, announced(13)),
            refused,
        ),
        (
            "Certificate",
            good().replace(certificate, announced(11)),
            refused,
        ),
        (
            "CertificateVerify",
            good().replace(verify, announced(15)),
            refused,
        ),
        ("Finished", good().replace(finished, announced(20)), refused),
        (
            "NewSessionTicket",
            good().before(data, announced(4)),
            broken,
        ),
    ] {
        ends(what, &script, end);
    }
    let told = TlsError::MessageTooLarge.to_string();
    assert!(
        told.starts_with("a handshake message of the server, most often its certificates,"),
        "{told}"
    );
}
