//! Messages in records: in pieces, together, across a change of keys; and what must not come between.

use crate::{End, certificate, data, ends, extensions, finished, good, hello, verify};
use End::{Broken, Good, Refused};
use hostile_tls::script::Seal;
use hostile_tls::{ServerHello, Step};
use netboot_tls::TlsError;

#[test]
fn good_connections_of_every_shape() {
    for suite in [0x1301, 0x1303] {
        ends("plain", &good().suite(suite), Good);
    }
    let ccs = Step::Plain(20, vec![1]);
    ends(
        "change_cipher_spec",
        &good().after(hello, [ccs.clone(), ccs]),
        Good,
    );
    for size in [50, 100, 1_000] {
        let pieces = good().before(hello, [Step::Fragment(size)]);
        ends(&format!("{size} octets a record"), &pieces, Good);
    }
    for size in [1, 7, 100] {
        let script = good().before(extensions, [Step::Padding(size)]);
        ends(&format!("{size} octets of padding"), &script, Good);
    }
    // legacy_record_version is to be ignored (RFC 8446, section 5.1), and so is a ticket.
    let version = Step::SealedAs {
        kind: 23,
        version: 0x0301,
        content: [&[4, 0, 0, 14][..], &[0; 8], &[0, 0, 1, 9, 0, 0]].concat(),
    };
    ends("another version", &good().before(data, [version]), Good);
    ends(
        "together",
        &good().before(extensions, [Step::Coalesce]),
        Good,
    );
    let tickets = Step::Repeat(4, Box::new(Step::NewSessionTicket(7_200)));
    ends("tickets", &good().before(data, [tickets]), Good);
    let updates = Step::Repeat(3, Box::new(Step::KeyUpdate(0)));
    ends("new keys", &good().before(data, [updates]), Good);
    ends(
        "new keys of ours",
        &good().before(data, [Step::KeyUpdate(1)]),
        Good,
    );
    let empty = Step::Repeat(5, Box::new(Step::Sealed(23, vec![])));
    ends("empty records", &good().before(data, [empty]), Good);
    // user_canceled says that close_notify follows, and no more.
    ends(
        "user_canceled",
        &good().before(data, [Step::Alert(1, 90)]),
        Good,
    );
}

/// More records than there are octets in any other form, and legal.
#[test]
fn a_handshake_in_the_smallest_records() {
    for size in [1, 7] {
        for place in [hello, extensions] {
            let small = [Step::Fragment(size)];
            let large = [Step::Fragment(0)];
            let script = good().before(place, small).before(data, large);
            ends(&format!("{size} octets a record"), &script, Good);
        }
    }
}

#[test]
fn a_message_across_a_change_of_keys() {
    let script = good().before(hello, [Step::HoldBack(10)]);
    ends("ServerHello", &script, Refused(TlsError::BadRecord));
    let script = good()
        .before(finished, [Step::HoldBack(10)])
        .after(finished, [Step::NewSessionTicket(1)]);
    ends("Finished", &script, Refused(TlsError::BadSeal));
    for behind in [vec![8], vec![8, 0, 0, 2, 0, 0], vec![0]] {
        let fields = ServerHello {
            behind,
            ..ServerHello::default()
        };
        let script = good().replace(hello, [Step::ServerHello(fields)]);
        ends(
            "behind ServerHello",
            &script,
            Refused(TlsError::UnexpectedMessage),
        );
    }
    for kind in [4, 20] {
        let early = Step::HandshakeOctets(vec![kind, 0, 0, 0]);
        let script = good()
            .before(certificate, [Step::Coalesce])
            .before(verify, [early]);
        let error = Refused(TlsError::UnexpectedMessage);
        ends("together, before the proof", &script, error);
    }
}

#[test]
fn twice_or_late() {
    let unexpected = TlsError::UnexpectedMessage;
    let script = good().after(certificate, [certificate_again()]);
    ends("Certificate twice", &script, Refused(unexpected));
    let script = good().after(certificate, [Step::EncryptedExtensions(vec![])]);
    ends("EncryptedExtensions late", &script, Refused(unexpected));
    for kind in [0, 2, 5, 13, 21, 23, 24, 254] {
        for place in [extensions, certificate, verify, finished] {
            let script = good().before(place, [Step::Handshake(kind, vec![])]);
            // An empty CertificateRequest stands where one may stand.
            let place_of_request = script
                .steps
                .iter()
                .position(|step| matches!(step, Step::Handshake(..)));
            let error = match (kind, place_of_request) {
                (13, Some(3)) => TlsError::BadMessage,
                _ => unexpected,
            };
            ends(&format!("message {kind}"), &script, Refused(error));
        }
    }
    let script = good().after(finished, [Step::Finished(Seal::Good)]);
    ends("Finished twice", &script, Broken(unexpected));
}

fn certificate_again() -> Step {
    Step::Certificate(Default::default())
}

#[test]
fn between_the_parts_of_a_message() {
    // Nothing but the rest of it may come (RFC 8446, section 5.1).
    let part = Step::HandshakeOctets(vec![11, 0, 0, 40, 0]);
    for (step, error) in [
        (Step::Data(b"data".to_vec()), TlsError::UnexpectedMessage),
        (Step::Sealed(23, vec![]), TlsError::UnexpectedMessage),
        (Step::Alert(1, 90), TlsError::UnexpectedMessage),
        (Step::Plain(20, vec![1]), TlsError::BadRecord),
    ] {
        let script = good().before(certificate, [part.clone(), step]);
        ends("between", &script, Refused(error));
    }
    let part = Step::HandshakeOctets(vec![4, 0, 0, 40, 0]);
    let script = good().before(data, [part]);
    ends(
        "after the handshake",
        &script,
        Broken(TlsError::UnexpectedMessage),
    );
}

#[test]
fn change_cipher_spec_means_nothing_but_has_its_place() {
    let bad = Refused(TlsError::BadRecord);
    for octets in [vec![], vec![0], vec![2], vec![1, 1]] {
        let script = good().after(hello, [Step::Plain(20, octets)]);
        ends("contents", &script, bad);
    }
    // Dropped at any time between the ClientHello and the server's Finished (RFC 8446, section 5).
    for place in [hello, extensions, certificate, verify, finished] {
        let script = good().before(place, [Step::Plain(20, vec![1])]);
        ends("a place", &script, Good);
    }
    for octets in [vec![0], vec![1, 1]] {
        let script = good().before(hello, [Step::Plain(20, octets)]);
        ends("contents before ServerHello", &script, bad);
    }
    let script = good().before(data, [Step::Plain(20, vec![1])]);
    ends("after Finished", &script, Broken(TlsError::BadRecord));
    let sealed = Step::Sealed(20, vec![1]);
    let script = good().after(hello, [sealed]);
    ends("sealed", &script, Refused(TlsError::UnexpectedMessage));
    for place in [hello, extensions] {
        let flood = Step::Repeat(100, Box::new(Step::Plain(20, vec![1])));
        let script = good().before(place, [flood]);
        ends("a hundred", &script, Refused(TlsError::Flood));
    }
}
