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
        Step::Raw([&[23, 3, 3, 0x41, 0x01][..], &[0; 16_641]].concat()),
    ] {
        breaks([step], TlsError::BadRecord);
    }
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
    breaks([Step::Sealed(23, vec![7; 16_385])], TlsError::BadRecord);
    breaks([Step::Sealed(23, vec![7; 17_000])], TlsError::BadRecord);
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
    // One octet of a ticket in each record.
    let ticket = Step::Handshake(4, vec![0; 3_000]);
    let script = good().before(data, [Step::Fragment(1), ticket]);
    ends("a ticket in small pieces", &script, Broken(TlsError::Flood));
}
