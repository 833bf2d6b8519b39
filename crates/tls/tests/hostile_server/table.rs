//! What other clients have been seen to do wrong, each row refused or an error.

use crate::{End, Setup, amid, certificate, data, differs, ends, extensions, good, pki, verify};
use End::{Broken, Good, Refused};
use hostile_tls::Step;
use netboot_tls::TlsError;
use netboot_tls::verify::{Role, ServerName, VerifyError};
use test_pki::Flaw;

const NAME: &str = crate::NAME;

#[test]
fn neither_certificate_nor_proof() {
    let script = good().without(|step| certificate(step) || verify(step));
    ends("no proof", &script, Refused(TlsError::NoCertificate));
}

#[test]
fn signed_by_an_ordinary_server() {
    for flaw in [Flaw::LeafIssuer, Flaw::IssuerWithoutConstraints] {
        let setup = Setup::showing(pki().flawed(&[NAME], flaw).unwrap());
        let error = VerifyError::NotACa(Role::Issuer).into();
        differs("CA:FALSE", &setup, &good(), Refused(error), Good);
    }
}

#[test]
fn the_proof_before_the_certificate() {
    let script = good().swap(certificate, verify);
    ends("swapped", &script, Refused(TlsError::UnexpectedMessage));
}

#[test]
fn a_sealed_record_without_contents() {
    // Too short for a content type.
    let empty = Step::SealedInner(vec![]);
    let error = TlsError::BadRecord;
    ends("empty", &amid([empty.clone()]), Broken(error));
    ends("empty", &good().before(extensions, [empty]), Refused(error));
    // Padding and no content type.
    let zeros = Step::SealedInner(vec![0; 20]);
    let error = TlsError::UnexpectedMessage;
    ends("zeros", &amid([zeros.clone()]), Broken(error));
    ends(
        "zeros",
        &good().before(certificate, [zeros]),
        Refused(error),
    );
}

#[test]
fn a_handshake_message_in_the_clear_after_the_handshake() {
    for octets in [
        vec![4, 0, 0, 0],
        vec![0, 0, 0, 0],
        vec![20, 0, 0, 1, 0],
        vec![24, 0, 0, 1, 0],
    ] {
        let script = amid([Step::Plain(22, octets)]);
        ends("in the clear", &script, Broken(TlsError::BadRecord));
    }
}

#[test]
fn a_close_notify_in_the_clear() {
    let error = Broken(TlsError::BadRecord);
    let close = Step::Plain(21, vec![1, 0]);
    ends("in the body", &amid([close.clone(), Step::Cut]), error);
    ends("before it", &good().before(data, [close.clone()]), error);
    let script = good().before(certificate, [close]);
    ends("in the handshake", &script, Refused(TlsError::BadRecord));
}

#[test]
fn another_name() {
    let refused = Refused(VerifyError::WrongName.into());
    for flaw in [Flaw::WrongName, Flaw::CommonNameOnly] {
        let setup = Setup::showing(pki().flawed(&[NAME], flaw).unwrap());
        differs("another name", &setup, &good(), refused, Good);
    }
    // Right for the name, and asked for by an address.
    let setup = Setup {
        server: ServerName::Ip([192, 0, 2, 1].into()),
        ..Setup::new()
    };
    differs("no address", &setup, &good(), refused, Good);
}

#[test]
fn usage_path_length_and_name_constraints() {
    for (flaw, error) in [
        (Flaw::ClientUsage, VerifyError::WrongUsage(Role::Leaf)),
        (Flaw::PathLenExceeded, VerifyError::PathTooLong),
        (Flaw::NameConstraintsViolated, VerifyError::NameConstraint),
    ] {
        let setup = Setup::showing(pki().flawed(&[NAME], flaw).unwrap());
        let refused = Refused(error.into());
        differs(&format!("{flaw:?}"), &setup, &good(), refused, Good);
    }
}

#[test]
fn an_address_and_many_names_are_verified() {
    let names = [
        "a.example",
        "b.example",
        "c.example",
        "d.example",
        "192.0.2.1",
        NAME,
    ];
    let identity = pki().server(&names).unwrap();
    for server in [ServerName::Ip([192, 0, 2, 1].into()), crate::SERVER] {
        let setup = Setup {
            server,
            ..Setup::showing(identity.clone())
        };
        differs("many names", &setup, &good(), Good, Good);
    }
}
