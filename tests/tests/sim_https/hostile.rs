//! Whole boots from a server that does what embedded-tls 0.19.0 falls for: each ends in the named error, and nothing is
//! activated. Wrong certificates are in [`refused`](super::refused).

use super::{boot, plan, refused};
use hostile_tls::{Script, Step, http_response};
use image_server::TlsFault;
use netboot_core::Coded;
use netboot_tls::TlsError;

fn good(plan: &testbed::Plan) -> Script {
    Script::good(&http_response(&plan.images[0].bytes))
}

fn certificate(step: &Step) -> bool {
    matches!(step, Step::Certificate(_))
}

fn verify(step: &Step) -> bool {
    matches!(step, Step::CertificateVerify(_))
}

fn data(step: &Step) -> bool {
    matches!(step, Step::Data(_))
}

#[test]
fn without_a_proof_no_request_is_made() {
    let plan = plan();
    let good = || good(&plan);
    for (what, script, error) in [
        (
            "neither certificate nor proof",
            good().without(|step| certificate(step) || verify(step)),
            TlsError::NoCertificate,
        ),
        (
            "a certificate without its proof",
            good().without(verify),
            TlsError::NoProof,
        ),
        (
            "the proof before the certificate",
            good().swap(certificate, verify),
            TlsError::UnexpectedMessage,
        ),
        (
            "a sealed record of zeros",
            good().before(certificate, [Step::SealedInner(vec![0; 20])]),
            TlsError::UnexpectedMessage,
        ),
        (
            "close_notify in the clear",
            good().before(certificate, [Step::Plain(21, vec![1, 0])]),
            TlsError::BadRecord,
        ),
    ] {
        let script = TlsFault::Script(Box::new(script));
        let ended = boot(&plan, |server| server.faults.tls.always(script));
        refused(what, &plan, &ended, error);
    }
}

#[test]
fn after_the_handshake_nothing_in_the_clear_is_believed() {
    let plan = plan();
    let finished = Step::Handshake(20, vec![0; 32]);
    for (what, step, error) in [
        (
            "a handshake message in the clear",
            Step::Plain(22, vec![4, 0, 0, 0]),
            TlsError::BadRecord,
        ),
        (
            "close_notify in the clear",
            Step::Plain(21, vec![1, 0]),
            TlsError::BadRecord,
        ),
        (
            "an empty inner plaintext",
            Step::SealedInner(vec![]),
            TlsError::BadRecord,
        ),
        ("a second Finished", finished, TlsError::UnexpectedMessage),
    ] {
        println!("{what}");
        let script = TlsFault::Script(Box::new(good(&plan).before(data, [step])));
        let ended = boot(&plan, |server| server.faults.tls.always(script));
        ended.assert_failed(&plan, error.code(), error.blame());
    }
}

/// The scripts are not refused for what they have in common: the one file that the server has is believed.
#[test]
fn the_same_server_without_its_malice_is_believed() {
    let plan = plan();
    let script = TlsFault::Script(Box::new(good(&plan)));
    let ended = boot(&plan, |server| server.faults.tls.always(script));
    let image = &ended.outcome.images[0];
    assert_eq!(image.sha256, Some(plan.images[0].sha256()));
    assert!(image.activated && image.verified, "{}", ended.console);
}
