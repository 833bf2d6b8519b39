//! What comes after the handshake: forged, damaged, out of place, or without end.

use crate::{BODY, End, amid, data, ends, good};
use End::{Broken, Good};
use hostile_tls::Step;
use hostile_tls::script::Epoch;
use netboot_tls::{Alert, TlsError};

fn breaks(steps: impl IntoIterator<Item = Step>, error: TlsError) {
    let steps: Vec<_> = steps.into_iter().collect();
    let what: String = format!("{steps:?}").chars().take(100).collect();
    ends(&what, &amid(steps), Broken(error));
}

#[test]
fn in_the_clear() {
    for step in [
        Step::Plain(21, vec![1, 0]),
        Step::Plain(21, vec![2, 40]),
        Step::Plain(22, vec![4, 0, 0, 0]),
        Step::Plain(20, vec![1]),
        Step::Plain(24, vec![1; 20]),
        Step::Raw(vec![23, 3, 3, 0, 0]),
        Step::Raw(vec![23, 3, 3, 0, 16]),
        Step::Raw(vec![23, 2, 3, 0, 40]),
        Step::Raw(vec![0x47; 50]),
    ] {
        breaks([step], TlsError::BadRecord);
    }
    // RFC 8446, section 5.2: 256 octets more than a plaintext has.
    let long = Step::Raw([&[23, 3, 3, 0x41, 0x01][..], &[0; 16_641]].concat());
    breaks([long], TlsError::RecordOverflow);
    // Of the right type, but nobody sealed it.
    breaks([Step::Plain(23, BODY.to_vec())], TlsError::BadSeal);
    breaks([Step::Plain(23, vec![0; 17])], TlsError::BadSeal);
    breaks([Step::Plain(23, vec![0; 16_640])], TlsError::BadSeal);
}

#[test]
fn sealed_and_wrong() {
    breaks([Step::BadTag(BODY.to_vec())], TlsError::BadSeal);
    breaks([Step::Replay], TlsError::BadSeal);
    breaks([Step::SkipSequence], TlsError::BadSeal);
    breaks([Step::Keys(Epoch::Handshake)], TlsError::BadSeal);
    let kind = Step::SealedAs {
        kind: 22,
        version: 0x0303,
        content: vec![4, 0, 0, 0],
    };
    breaks([kind], TlsError::BadRecord);
    for kind in [1, 20, 24, 99, 255] {
        breaks([Step::Sealed(kind, vec![1])], TlsError::UnexpectedMessage);
    }
    for octets in [vec![2], vec![], vec![2, 0, 0]] {
        breaks([Step::Sealed(21, octets)], TlsError::BadMessage);
    }
    breaks([Step::Sealed(22, vec![])], TlsError::UnexpectedMessage);
    // More plaintext than a record may have (RFC 8446, section 5.4).
    let overflow = TlsError::RecordOverflow;
    breaks([Step::Sealed(23, vec![7; 16_385])], overflow);
    breaks([Step::Sealed(23, vec![7; 17_000])], overflow);
    // Padding counts.
    let padded = |octets| Step::SealedInner([&[23][..], &vec![0; octets]].concat());
    breaks([padded(16_385)], overflow);
    breaks([Step::SealedInner(vec![0; 16_386])], overflow);
    ends("just not", &good().before(data, [padded(16_384)]), Good);
    assert_eq!(overflow.alert(), Some(Alert::RECORD_OVERFLOW));
}

#[test]
fn messages_after_the_handshake() {
    for kind in [0, 1, 2, 8, 11, 13, 15, 20, 254] {
        let step = Step::Handshake(kind, vec![0; 4]);
        breaks([step], TlsError::UnexpectedMessage);
    }
    breaks([Step::Handshake(24, vec![7])], TlsError::IllegalParameter);
    breaks([Step::Handshake(24, vec![])], TlsError::BadMessage);
    breaks([Step::Handshake(24, vec![0, 0])], TlsError::BadMessage);
    // A change of keys is the last message of its record (section 5.1).
    let together = [24, 0, 0, 1, 0, 4, 0, 0, 0].to_vec();
    breaks([Step::Sealed(22, together)], TlsError::UnexpectedMessage);
    breaks(
        [Step::HandshakeOctets(vec![4, 0xFF, 0xFF, 0xFF])],
        TlsError::MessageTooLarge,
    );
    // New keys that are announced and not used.
    breaks([Step::Handshake(24, vec![0])], TlsError::BadSeal);
}

#[test]
fn alerts() {
    for (level, alert) in [(2, 80), (1, 80), (2, 222), (1, 100), (2, 20)] {
        breaks([Step::Alert(level, alert)], TlsError::Alert(Alert(alert)));
    }
    // The end is the end, whatever its level says.
    for level in [1, 2] {
        let script = good().replace(data, [Step::Data(whole()), Step::Alert(level, 0)]);
        ends("close_notify", &script, Good);
    }
    // What comes behind it is nothing.
    let behind = [
        Step::Data(whole()),
        Step::Alert(1, 0),
        Step::Raw(vec![0x47; 50]),
    ];
    ends("behind close_notify", &good().replace(data, behind), Good);
}

fn whole() -> Vec<u8> {
    hostile_tls::http_response(BODY)
}

#[test]
fn cut_short() {
    breaks([Step::Cut], TlsError::Truncated);
    breaks([Step::Alert(1, 90), Step::Cut], TlsError::Truncated);
    // In a record's header, and in its middle.
    for octets in [
        vec![23],
        vec![23, 3, 3, 0, 40],
        vec![23, 3, 3, 0, 40, 1, 2, 3],
    ] {
        breaks([Step::Raw(octets), Step::Cut], TlsError::Truncated);
    }
    // All that was asked for, and no word of the end: whoever reads until the end has to know.
    let silent = |step: &Step| matches!(step, Step::Alert(..));
    let script = good().replace(silent, [Step::Cut]);
    let setup = crate::Setup::new();
    let got = crate::memory::run::<netboot_tls::Verified>(&setup, &script, 1_460);
    assert!(got.data.ends_with(BODY));
    assert_eq!(got.result, Err(TlsError::Truncated));
    let got = crate::socket::run::<netboot_tls::Verified>(&setup, &script);
    assert!(got.data.ends_with(BODY));
    assert_eq!(got.result, Err(TlsError::Truncated));
}

#[test]
fn floods() {
    for step in [
        Step::Sealed(23, vec![]),
        Step::KeyUpdate(0),
        Step::KeyUpdate(1),
        Step::NewSessionTicket(1),
        Step::Alert(1, 90),
    ] {
        let what = format!("{step:?}");
        let flood = Step::Repeat(200_000, Box::new(step));
        let script = good().before(data, [flood]);
        ends(&what, &script, Broken(TlsError::Flood));
    }
    // In whatever records: 32 messages are none yet. Octets of the application begin the count anew.
    for step in [Step::KeyUpdate(0), Step::NewSessionTicket(1)] {
        let row = |count| Step::Repeat(count, Box::new(step.clone()));
        let small = [Step::Fragment(3), row(32), Step::Fragment(0)];
        ends("32 of them", &good().before(data, small), Good);
        let many = good().before(data, [row(33)]);
        ends("33 of them", &many, Broken(TlsError::Flood));
        let twice = amid([row(32)]).before(data, [row(32)]);
        ends("twice 32", &twice, Good);
    }
    // Few messages, but long ones.
    let long = Step::Repeat(5, Box::new(ticket(15_000)));
    let script = good().before(data, [long]);
    ends("long tickets", &script, Broken(TlsError::Flood));
    // An octet in each record is legal.
    let small = [Step::Fragment(1), ticket(3_000), Step::Fragment(0)];
    ends(
        "a ticket in small pieces",
        &good().before(data, small),
        Good,
    );
}

/// A NewSessionTicket with so many octets of a ticket.
fn ticket(octets: u16) -> Step {
    let ticket = vec![7; usize::from(octets)];
    let body = [
        &[0; 8][..],
        &[1, 5],
        &octets.to_be_bytes(),
        &ticket,
        &[0, 0],
    ];
    Step::Handshake(4, body.concat())
}

/// RFC 8446, section 4.6.1.
#[test]
fn tickets_are_read() {
    let with = |behind: &[u8]| {
        let body = [&[0, 0, 28, 32, 1, 2, 3, 4, 1, 5][..], &[0, 2, 7, 7], behind];
        Step::Handshake(4, body.concat())
    };
    for (what, behind) in [
        ("plain", &[0, 0][..]),
        ("early data", &[0, 8, 0, 42, 0, 4, 0, 0, 64, 0]),
        ("unknown", &[0, 5, 0x5A, 0x5A, 0, 1, 9]),
    ] {
        ends(what, &good().before(data, [with(behind)]), Good);
    }
    let bad = TlsError::BadMessage;
    breaks([Step::Handshake(4, vec![0; 4])], bad);
    breaks([Step::Handshake(4, vec![])], bad);
    // An empty ticket, no extensions, octets behind them, early data of another size.
    breaks([Step::Handshake(4, vec![0; 13])], bad);
    breaks([with(&[])], bad);
    breaks([with(&[0, 0, 0])], bad);
    breaks([with(&[0, 3, 0, 42, 0])], bad);
    breaks([with(&[0, 4, 0, 42, 0, 0])], bad);
    breaks([with(&[0, 9, 0, 42, 0, 5, 0, 0, 64, 0, 0])], bad);
    for twice in [[0, 42, 0, 4, 0, 0, 64, 0], [0x5A, 0x5A, 0, 4, 1, 2, 3, 4]] {
        let list = [&[0, 16][..], &twice, &twice].concat();
        breaks([with(&list)], TlsError::IllegalParameter);
    }
}
