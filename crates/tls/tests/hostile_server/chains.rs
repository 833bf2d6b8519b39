//! Certificate messages, and every flaw of a chain.

use crate::{End, Setup, certificate, differs, ends, good, pki};
use End::{Good, Refused};
use hostile_tls::script::CertificateEntries;
use hostile_tls::{Script, Step};
use netboot_tls::verify::{Role, VerifyError};
use netboot_tls::{Alert, TlsError};
use test_pki::Flaw;

/// What verification says of a flaw, and whether it is one without verification, too.
fn verdict(flaw: Flaw) -> (VerifyError, bool) {
    use VerifyError as E;
    match flaw {
        Flaw::Expired => (E::Expired(Role::Leaf), false),
        Flaw::NotYetValid => (E::NotYetValid(Role::Leaf), false),
        Flaw::ExpiredIssuer => (E::Expired(Role::Issuer), false),
        Flaw::WrongName | Flaw::CommonNameOnly => (E::WrongName, false),
        Flaw::LeafIssuer | Flaw::IssuerWithoutConstraints => (E::NotACa(Role::Issuer), false),
        Flaw::ClientUsage => (E::WrongUsage(Role::Leaf), false),
        Flaw::PathLenExceeded => (E::PathTooLong, false),
        Flaw::NameConstraintsViolated => (E::NameConstraint, false),
        Flaw::OtherCa | Flaw::SelfSigned | Flaw::MissingIntermediate => (E::UnknownIssuer, false),
        Flaw::ForgedSignature | Flaw::CorruptSignature => (E::BadSignature, false),
        Flaw::UnknownCriticalExtension => (E::UnknownCriticalExtension(Role::Leaf), true),
        Flaw::Truncated => (E::BadCertificate(Role::Leaf), true),
    }
}

#[test]
fn every_flaw() {
    for flaw in Flaw::ALL {
        let (error, always) = verdict(flaw);
        let refused = Refused(error.into());
        let setup = Setup::showing(pki().flawed(&[crate::NAME], flaw).unwrap());
        let provisional = if always { refused } else { Good };
        differs(&format!("{flaw:?}"), &setup, &good(), refused, provisional);
    }
}

fn with(entries: CertificateEntries) -> Script {
    good().replace(certificate, [Step::Certificate(entries)])
}

#[test]
fn certificate_messages_that_are_wrong() {
    let entries = CertificateEntries::default;
    let none = CertificateEntries {
        chain: Some(vec![]),
        ..entries()
    };
    ends(
        "no certificate",
        &with(none),
        Refused(VerifyError::NoCertificate.into()),
    );
    // RFC 8446, section 4.4.2.4.
    let alert = TlsError::from(VerifyError::NoCertificate).alert();
    assert_eq!(alert, Some(Alert::DECODE_ERROR));
    let context = CertificateEntries {
        context: vec![1],
        ..entries()
    };
    ends(
        "a context",
        &with(context),
        Refused(TlsError::IllegalParameter),
    );
    // OCSP was not asked for (RFC 8446, section 4.4.2.1).
    let ocsp = CertificateEntries {
        extensions: vec![(5, vec![1, 0, 0, 0])],
        ..entries()
    };
    ends("OCSP", &with(ocsp), Refused(TlsError::UnexpectedExtension));
    let empty = CertificateEntries {
        chain: Some(vec![vec![].into()]),
        ..entries()
    };
    let error = VerifyError::BadCertificate(Role::Leaf).into();
    ends("an empty one", &with(empty), Refused(error));
    let one = pki().server(&[crate::NAME]).unwrap().chain[0].clone();
    let many = CertificateEntries {
        chain: Some(vec![one; 9]),
        ..entries()
    };
    ends(
        "nine of them",
        &with(many),
        Refused(VerifyError::TooManyCertificates.into()),
    );
    for body in [vec![], vec![0], vec![0, 0, 0, 5, 1], vec![0, 0, 0, 0, 0]] {
        let script = good().replace(certificate, [Step::Handshake(11, body)]);
        ends("not to be read", &script, Refused(TlsError::BadMessage));
    }
}

/// A chain that no receive buffer holds is refused at its header.
#[test]
fn a_chain_that_is_too_long() {
    let entries = CertificateEntries {
        chain: Some(vec![vec![0x30; 20_000].into()]),
        ..CertificateEntries::default()
    };
    ends(
        "20,000 octets",
        &with(entries),
        Refused(TlsError::MessageTooLarge),
    );
    let announced = Step::HandshakeOctets(vec![11, 0xFF, 0xFF, 0xFF]);
    let script = good().replace(certificate, [announced]);
    ends("16 MB", &script, Refused(TlsError::MessageTooLarge));
}
