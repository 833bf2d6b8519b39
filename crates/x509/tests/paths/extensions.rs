//! Extensions that RFC 5280 does not allow: key identifiers, criticality, alternative names, syntax. All else in the chain is
//! right.

use crate::pki::{Ca, issuer_error, judge, leaf_error, root_error};
use netboot_x509::{Role, VerifyError as E};
use rcgen::{CertificateParams, CustomExtension, IsCa};

/// An extension id-ce-`number` of octets of our own.
fn own(number: u64, critical: bool, value: &[u8]) -> CustomExtension {
    extension(&[2, 5, 29, number], critical, value)
}

fn extension(id: &[u64], critical: bool, value: &[u8]) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(id, value.to_vec());
    extension.set_criticality(critical);
    extension
}

/// An authority key identifier of octets of our own.
fn authority_key(value: &'static [u8]) -> impl Fn(&mut CertificateParams) {
    move |params| {
        params.use_authority_key_identifier_extension = false;
        params.custom_extensions = vec![own(35, false, value)];
    }
}

/// RFC 5280 section 4.2.1.1: keyIdentifier has to be there, issuer and serial number come together or not at all.
#[test]
fn authority_key_identifiers_that_are_none() {
    const ISSUER_AND_SERIAL: &[u8] = &[
        0x30, 22, 0xA1, 17, 0xA4, 15, 0x30, 13, 0x31, 11, 0x30, 9, 6, 3, 0x55, 4, 3, 0x0C, 2, b'c',
        b'a', 0x82, 1, 7,
    ];
    type Case = (&'static str, &'static [u8], fn(Role) -> E);
    let all: [Case; 7] = [
        ("empty", &[0x30, 0], E::NoKeyIdentifier),
        ("without a key", ISSUER_AND_SERIAL, E::NoKeyIdentifier),
        ("serial alone", &[0x30, 3, 0x82, 1, 7], E::BadCertificate),
        (
            "key and serial",
            &[0x30, 6, 0x80, 1, 7, 0x82, 1, 7],
            E::BadCertificate,
        ),
        (
            "more",
            &[0x30, 6, 0x80, 1, 7, 0x83, 1, 7],
            E::BadCertificate,
        ),
        ("no sequence", &[4, 1, 7], E::BadCertificate),
        ("no DER", b"malformed", E::BadCertificate),
    ];
    for (what, value, error) in all {
        let found = leaf_error(authority_key(value));
        assert_eq!(found, Some(error(Role::Leaf)), "{what}");
        let found = issuer_error(authority_key(value));
        assert_eq!(found, Some(error(Role::Issuer)), "{what}");
        let found = root_error(authority_key(value));
        assert_eq!(found, Some(error(Role::Root)), "{what}");
    }
    let right = || authority_key(&[0x30, 3, 0x80, 1, 7]);
    assert_eq!(leaf_error(right()), None);
    assert_eq!(issuer_error(right()), None);
    // A root's own is its subject key identifier.
    assert_eq!(root_error(right()), Some(E::BadCertificate(Role::Root)));
}

/// A CA between the server and the root that is self-issued, but not the end of the path, has to have one.
#[test]
fn a_self_issued_ca_between_has_an_authority_key_identifier() {
    let root = Ca::root();
    let roll = |edit: fn(&mut CertificateParams)| {
        let sub = root.sub("test root", edit);
        let leaf = sub.leaf();
        judge(&[&leaf.der, &sub.der], &[&root.der]).err()
    };
    assert_eq!(roll(|_| {}), None);
    assert_eq!(
        roll(|ca| ca.use_authority_key_identifier_extension = false),
        Some(E::NoKeyIdentifier(Role::Issuer))
    );
}

/// RFC 5280 section 4.2.1.2: each CA has a subject key identifier, roots too.
#[test]
fn subject_key_identifiers() {
    // rcgen writes none for what it does not know as a CA.
    let with = |identifier: Option<&'static [u8]>| {
        move |ca: &mut CertificateParams| {
            ca.is_ca = IsCa::NoCa;
            ca.use_authority_key_identifier_extension = true;
            let mut extensions = vec![own(19, true, &[0x30, 3, 1, 1, 0xFF])];
            extensions.extend(identifier.map(|value| own(14, false, value)));
            ca.custom_extensions = extensions;
        }
    };
    let bare = |identifier| {
        move |ca: &mut CertificateParams| {
            with(identifier)(ca);
            ca.use_authority_key_identifier_extension = false;
        }
    };
    assert_eq!(root_error(bare(Some(&[4, 1, 7]))), None);
    assert_eq!(issuer_error(with(Some(&[4, 1, 7]))), None);
    assert_eq!(root_error(bare(None)), Some(E::NoKeyIdentifier(Role::Root)));
    assert_eq!(
        issuer_error(with(None)),
        Some(E::NoKeyIdentifier(Role::Issuer))
    );
    for value in [&[4, 0][..], &[0x30, 0], &[4, 1, 7, 0]] {
        let found = issuer_error(with(Some(value)));
        assert_eq!(found, Some(E::BadCertificate(Role::Issuer)), "{value:?}");
        let found = root_error(bare(Some(value)));
        assert_eq!(found, Some(E::BadCertificate(Role::Root)), "{value:?}");
    }
}

#[test]
fn extensions_that_are_critical_or_not_and_should_not() {
    // nameConstraints: permitted example.com.
    let constraints = b"\x30\x11\xA0\x0F\x30\x0D\x82\x0Bexample.com";
    let constrained = |critical| {
        move |ca: &mut CertificateParams| {
            ca.custom_extensions = vec![own(30, critical, constraints)];
        }
    };
    assert_eq!(issuer_error(constrained(true)), None);
    assert_eq!(root_error(constrained(true)), None);
    assert_eq!(
        issuer_error(constrained(false)),
        Some(E::WrongCriticality(Role::Issuer))
    );
    assert_eq!(
        root_error(constrained(false)),
        Some(E::WrongCriticality(Role::Root))
    );
    // extKeyUsage: serverAuth.
    let server = [0x30, 10, 6, 8, 0x2B, 6, 1, 5, 5, 7, 3, 1];
    let usage = |critical| {
        move |params: &mut CertificateParams| {
            params.extended_key_usages.clear();
            params.custom_extensions = vec![own(37, critical, &server)];
        }
    };
    assert_eq!(leaf_error(usage(false)), None);
    assert_eq!(issuer_error(usage(false)), None);
    assert_eq!(
        leaf_error(usage(true)),
        Some(E::WrongCriticality(Role::Leaf))
    );
    assert_eq!(
        issuer_error(usage(true)),
        Some(E::WrongCriticality(Role::Issuer))
    );
    // basicConstraints: CA.
    let plain = |ca: &mut CertificateParams| {
        ca.is_ca = IsCa::NoCa;
        ca.custom_extensions = vec![
            own(19, false, &[0x30, 3, 1, 1, 0xFF]),
            own(14, false, &[4, 1, 7]),
        ];
    };
    assert_eq!(issuer_error(plain), Some(E::WrongCriticality(Role::Issuer)));
    // subjectAltName beside a subject.
    let names = b"\x30\x12\x82\x10boot.example.com";
    let critical = |leaf: &mut CertificateParams| {
        leaf.subject_alt_names.clear();
        leaf.custom_extensions = vec![own(17, true, names)];
    };
    assert_eq!(leaf_error(critical), Some(E::WrongCriticality(Role::Leaf)));
}

/// RFC 5280 section 4.2.1.6.
#[test]
fn alternative_names_that_are_none() {
    let beside = |other: &'static [u8]| {
        move |leaf: &mut CertificateParams| {
            let name = b"\x82\x10boot.example.com";
            let length = (name.len() + other.len()) as u8;
            let names = [&[0x30, length][..], name, other].concat();
            leaf.subject_alt_names.clear();
            leaf.custom_extensions = vec![own(17, false, &names)];
        }
    };
    for (names, error) in [
        (&b""[..], None),
        (b"\x82\x05a-b.c", None),
        (b"\x81\x05a@b.c", None),
        (b"\x86\x05x:y.z", None),
        (b"\x87\x04\xC0\x00\x02\x01", None),
        (b"\x82\x05a_b.c", Some(E::BadHostName)),
        (b"\x82\x04_b.c", Some(E::BadHostName)),
        (b"\x82\x04a.b.", Some(E::BadHostName)),
        (b"\x82\x01 ", Some(E::BadHostName)),
        (b"\x82\x00", Some(E::BadHostName)),
        (b"\x82\x05\xC3\xB6.bc", Some(E::BadHostName)),
        (b"\x87\x03\xC0\x00\x02", Some(E::BadCertificate(Role::Leaf))),
        (b"\x89\x01a", Some(E::BadCertificate(Role::Leaf))),
        (b"\x30\x00", Some(E::BadCertificate(Role::Leaf))),
    ] {
        assert_eq!(leaf_error(beside(names)), error, "{}", names.escape_ascii());
    }
}

/// RFC 5280 section 4.2.2.1, and what holds for every extension of RFC 5280: one value of DER.
#[test]
fn extensions_that_are_malformed() {
    const ACCESS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 1];
    // caIssuers at http://a/
    const GOOD: &[u8] =
        b"\x30\x17\x30\x15\x06\x08\x2B\x06\x01\x05\x05\x07\x30\x02\x86\x09http://a/";
    let with = |id: &'static [u64], value: &'static [u8]| {
        move |params: &mut CertificateParams| {
            params.custom_extensions = vec![extension(id, false, value)];
        }
    };
    assert_eq!(leaf_error(with(&ACCESS, GOOD)), None);
    assert_eq!(issuer_error(with(&ACCESS, GOOD)), None);
    for (id, value) in [
        (&ACCESS[..], &b"malformed"[..]),
        (&ACCESS, b""),
        (&ACCESS, b"\x30\x00"),
        (&ACCESS, b"\x04\x00"),
        (&ACCESS, b"\x30\x02\x30\x00"),
        // A method without a place, a place that is no GeneralName, a second place.
        (&ACCESS, b"\x30\x05\x30\x03\x06\x01\x2B"),
        (&ACCESS, b"\x30\x08\x30\x06\x06\x01\x2B\x0C\x01a"),
        (&ACCESS, b"\x30\x0B\x30\x09\x06\x01\x2B\x86\x01a\x86\x01a"),
        // CRL distribution points, certificate policies.
        (&[2, 5, 29, 31], b"malformed"),
        (&[2, 5, 29, 32], b"\x30\x00\x30\x00"),
    ] {
        let found = leaf_error(with(id, value));
        let expected = Some(E::BadCertificate(Role::Leaf));
        assert_eq!(found, expected, "{id:?} {}", value.escape_ascii());
        let found = issuer_error(with(id, value));
        let expected = Some(E::BadCertificate(Role::Issuer));
        assert_eq!(found, expected, "{id:?} {}", value.escape_ascii());
    }
    // What is no extension of RFC 5280 may be anything.
    assert_eq!(leaf_error(with(&[1, 3, 6, 1, 4, 1, 99999, 1], b"m")), None);
}
