//! CertificateVerify and Finished: what proves that the server has its key, and that nobody changed a word.

use crate::{End, Setup, certificate, differs, ends, extensions, finished, good, pki, verify};
use End::{Good, Refused};
use hostile_tls::script::{Epoch, Proof, Seal};
use hostile_tls::{Script, Step};
use netboot_tls::verify::VerifyError;
use netboot_tls::{Alert, TlsError};

fn proving(proof: Proof) -> Script {
    good().replace(verify, [Step::CertificateVerify(proof)])
}

#[test]
fn a_proof_that_is_none() {
    for proof in [
        Proof::OtherKey,
        Proof::OtherTranscript,
        Proof::ClientContext,
        Proof::Corrupt,
        Proof::Octets(vec![]),
        Proof::Octets(vec![0x30; 70]),
        Proof::Octets(vec![0x30, 6, 2, 1, 0, 2, 1, 0]),
    ] {
        let what = format!("{proof:?}");
        ends(
            &what,
            &proving(proof),
            Refused(VerifyError::WrongProof.into()),
        );
    }
    // RSA-PSS, PKCS #1, ECDSA with SHA-1, P-384, Ed25519, nothing at all.
    for scheme in [0x0804, 0x0401, 0x0203, 0x0503, 0x0807, 0] {
        let error = Refused(VerifyError::WrongScheme.into());
        ends(
            &format!("{scheme:#06x}"),
            &proving(Proof::Scheme(scheme)),
            error,
        );
    }
    for body in [vec![], vec![4], vec![4, 3, 0, 9, 1], vec![4, 3, 0, 0, 0]] {
        let script = good().replace(verify, [Step::Handshake(15, body)]);
        ends("not to be read", &script, Refused(TlsError::BadMessage));
    }
}

#[test]
fn no_proof() {
    let script = good().without(verify);
    ends("none", &script, Refused(TlsError::NoProof));
    let script = good().without(certificate);
    ends(
        "no certificate",
        &script,
        Refused(TlsError::UnexpectedMessage),
    );
    let script = good().swap(verify, finished);
    ends("Finished first", &script, Refused(TlsError::NoProof));
    let script = good().after(verify, [Step::CertificateVerify(Proof::Good)]);
    ends("twice", &script, Refused(TlsError::UnexpectedMessage));
}

#[test]
fn a_finished_that_does_not_fit() {
    for seal in [Seal::Corrupt, Seal::Short, Seal::ClientKey] {
        let script = good().replace(finished, [Step::Finished(seal)]);
        ends(
            &format!("{seal:?}"),
            &script,
            Refused(TlsError::WrongFinished),
        );
    }
    // A ticket in its place, and application data under keys that are not agreed yet.
    let ticket = good().before(finished, [Step::NewSessionTicket(7_200)]);
    ends("a ticket", &ticket, Refused(TlsError::UnexpectedMessage));
    for place in [extensions, certificate, verify, finished] {
        let script = good().before(place, [Step::Data(b"early".to_vec())]);
        ends("data", &script, Refused(TlsError::UnexpectedMessage));
    }
}

/// Who proves nothing and goes straight on to the data.
#[test]
fn nothing_but_data() {
    let waits = |step: &Step| matches!(step, Step::AwaitFinished | Step::AwaitRequest);
    let script = good().without(|step| finished(step) || waits(step));
    ends("no Finished", &script, Refused(TlsError::UnexpectedMessage));
    let script = good().without(|step| {
        extensions(step) || certificate(step) || verify(step) || finished(step) || waits(step)
    });
    ends("nothing", &script, Refused(TlsError::UnexpectedMessage));
    // The whole of it in the clear.
    let script = good().after(crate::hello, [Step::Keys(Epoch::Plain)]);
    ends("no keys", &script, Refused(TlsError::BadRecord));
}

/// A server that asks for our certificate, rightly and wrongly.
#[test]
fn asked_for_a_certificate() {
    let schemes = (13, vec![0, 2, 4, 3]);
    let request = |context: &[u8], extensions: Vec<(u16, Vec<u8>)>| Step::CertificateRequest {
        context: context.to_vec(),
        extensions,
    };
    let asking = |step: Step| good().before(certificate, [step]);
    ends(
        "none to show",
        &asking(request(b"", vec![schemes.clone()])),
        Good,
    );
    let own = Setup {
        client: Some(pki().client("board 7").unwrap()),
        ..Setup::new()
    };
    let script = asking(request(b"", vec![schemes.clone()]));
    differs("one to show", &own, &script, Good, Good);
    let other = asking(request(b"", vec![(13, vec![0, 2, 8, 4])]));
    differs("one of no use", &own, &other, Good, Good);
    let unknown = asking(request(b"", vec![schemes.clone(), (0x5A5A, vec![1])]));
    ends("an unknown extension", &unknown, Good);

    let context = asking(request(b"x", vec![schemes.clone()]));
    ends("a context", &context, Refused(TlsError::IllegalParameter));
    let bare = asking(request(b"", vec![]));
    ends("no schemes", &bare, Refused(TlsError::MissingExtension));
    let alert = TlsError::MissingExtension.alert();
    assert_eq!(alert, Some(Alert::MISSING_EXTENSION));
    for (what, list) in [
        ("an empty list", vec![0, 0]),
        ("half a scheme", vec![0, 3, 4, 3, 8]),
        ("a scheme behind the list", vec![0, 2, 4, 3, 8, 4]),
        ("no list", vec![]),
    ] {
        let script = asking(request(b"", vec![(13, list)]));
        ends(what, &script, Refused(TlsError::BadMessage));
    }
    let again = vec![schemes.clone(), (0x5A5A, vec![1]), (0x5A5A, vec![])];
    let script = asking(request(b"", again));
    ends(
        "unknown twice",
        &script,
        Refused(TlsError::IllegalParameter),
    );
    let many = |count: u16| {
        (100..100 + count)
            .map(|kind| (kind, vec![]))
            .chain([schemes.clone()])
    };
    let script = asking(request(b"", many(31).collect()));
    ends("31 unknown ones", &script, Good);
    let script = asking(request(b"", many(32).collect()));
    ends("32 unknown ones", &script, Refused(TlsError::BadMessage));
    let behind = Step::Handshake(13, vec![0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3, 0]);
    ends("behind it", &asking(behind), Refused(TlsError::BadMessage));
    let twice = asking(request(b"", vec![schemes.clone(), schemes.clone()]));
    ends("schemes twice", &twice, Refused(TlsError::IllegalParameter));
    let late = good().after(certificate, [request(b"", vec![schemes.clone()])]);
    ends("late", &late, Refused(TlsError::UnexpectedMessage));
    let two = [
        request(b"", vec![schemes.clone()]),
        request(b"", vec![schemes]),
    ];
    let script = good().before(certificate, two);
    ends("two", &script, Refused(TlsError::UnexpectedMessage));
}
