//! Each reason for which a server is refused, one at a time: all else in the chain is right.

mod pki;

use netboot_x509::{
    DEFAULT_ALGORITHMS, ECDSA_SECP256R1_SHA256, ECDSA_SECP384R1_SHA384, MAX_CERTIFICATES,
    MAX_DEPTH, MAX_ROOTS, P256_SHA256, Role, ServerName, TimePolicy, Trust, TrustPolicy,
    VerifyError as E, leaf_key, verify_server,
};
use pki::{Ca, NAME, judge, judge_pinned, key_of, leaf_params};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, CustomExtension, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData, SigningKey,
    date_time_ymd,
};

/// A server's certificate that differs in one thing.
fn leaf_error(edit: impl FnOnce(&mut CertificateParams)) -> Option<E> {
    let root = Ca::root();
    let leaf = root.leaf_with(edit);
    judge(&[&leaf.der], &[&root.der]).err()
}

/// A CA between root and server that differs in one thing.
fn issuer_error(edit: impl FnOnce(&mut CertificateParams)) -> Option<E> {
    let root = Ca::root();
    let sub = root.sub("sub", edit);
    let leaf = sub.leaf();
    judge(&[&leaf.der, &sub.der], &[&root.der]).err()
}

/// A root that differs in one thing.
fn root_error(edit: impl FnOnce(&mut CertificateParams)) -> Option<E> {
    let root = Ca::root_with(edit);
    let leaf = root.leaf();
    judge(&[&leaf.der], &[&root.der]).err()
}

fn critical(params: &mut CertificateParams) {
    let mut extension =
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    extension.set_criticality(true);
    params.custom_extensions.push(extension);
}

#[test]
fn what_differs_in_nothing_is_accepted() {
    assert_eq!(leaf_error(|_| {}), None);
    assert_eq!(issuer_error(|_| {}), None);
}

#[test]
fn validity() {
    assert_eq!(
        leaf_error(|leaf| leaf.not_after = date_time_ymd(2024, 12, 31)),
        Some(E::Expired(Role::Leaf))
    );
    assert_eq!(
        leaf_error(|leaf| leaf.not_before = date_time_ymd(2025, 1, 2)),
        Some(E::NotYetValid(Role::Leaf))
    );
    assert_eq!(
        issuer_error(|ca| ca.not_after = date_time_ymd(2024, 12, 31)),
        Some(E::Expired(Role::Issuer))
    );
    assert_eq!(
        issuer_error(|ca| ca.not_before = date_time_ymd(2025, 1, 2)),
        Some(E::NotYetValid(Role::Issuer))
    );
    assert_eq!(
        root_error(|ca| ca.not_after = date_time_ymd(2024, 12, 31)),
        Some(E::Expired(Role::Root))
    );
    assert_eq!(
        root_error(|ca| ca.not_before = date_time_ymd(2025, 1, 2)),
        Some(E::NotYetValid(Role::Root))
    );
}

#[test]
fn unknown_critical_extensions() {
    assert_eq!(
        leaf_error(critical),
        Some(E::UnknownCriticalExtension(Role::Leaf))
    );
    assert_eq!(
        issuer_error(critical),
        Some(E::UnknownCriticalExtension(Role::Issuer))
    );
    assert_eq!(
        root_error(critical),
        Some(E::UnknownCriticalExtension(Role::Root))
    );
}

#[test]
fn usages_of_the_key() {
    assert_eq!(
        leaf_error(|leaf| leaf.key_usages = vec![KeyUsagePurpose::KeyAgreement]),
        Some(E::WrongKeyUsage(Role::Leaf))
    );
    assert_eq!(
        leaf_error(|leaf| leaf.key_usages.push(KeyUsagePurpose::KeyCertSign)),
        Some(E::WrongKeyUsage(Role::Leaf))
    );
    assert_eq!(leaf_error(|leaf| leaf.key_usages.clear()), None);
    assert_eq!(
        issuer_error(|ca| ca.key_usages = vec![KeyUsagePurpose::CrlSign]),
        Some(E::WrongKeyUsage(Role::Issuer))
    );
    assert_eq!(issuer_error(|ca| ca.key_usages.clear()), None);
    assert_eq!(
        root_error(|ca| ca.key_usages = vec![KeyUsagePurpose::DigitalSignature]),
        Some(E::WrongKeyUsage(Role::Root))
    );
}

#[test]
fn extended_usages() {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, ServerAuth};
    for (purposes, error) in [
        (vec![ServerAuth], None),
        (vec![ClientAuth, ServerAuth], None),
        (vec![ClientAuth], Some(E::WrongUsage(Role::Leaf))),
        (vec![], Some(E::WrongUsage(Role::Leaf))),
        (vec![Any], Some(E::WrongUsage(Role::Leaf))),
    ] {
        let found = leaf_error(|leaf| leaf.extended_key_usages = purposes.clone());
        assert_eq!(found, error, "{purposes:?}");
    }
    assert_eq!(
        issuer_error(|ca| ca.extended_key_usages = vec![ClientAuth]),
        Some(E::WrongUsage(Role::Issuer))
    );
    assert_eq!(
        issuer_error(|ca| ca.extended_key_usages = vec![ServerAuth]),
        None
    );
    assert_eq!(
        root_error(|ca| ca.extended_key_usages = vec![ServerAuth]),
        Some(E::WrongUsage(Role::Root))
    );
}

#[test]
fn no_ca() {
    // An ordinary server of the same CA signs for another.
    let plain = |ca: &mut CertificateParams| {
        ca.is_ca = IsCa::ExplicitNoCa;
        ca.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    };
    assert_eq!(issuer_error(plain), Some(E::NotACa(Role::Issuer)));
    assert_eq!(
        issuer_error(|ca| ca.is_ca = IsCa::NoCa),
        Some(E::NotACa(Role::Issuer))
    );
    assert_eq!(root_error(plain), Some(E::NotACa(Role::Root)));
}

#[test]
fn a_ca_is_no_server() {
    assert_eq!(
        leaf_error(|leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
        Some(E::CaAsLeaf)
    );
}

#[test]
fn path_lengths() {
    let with = |length| {
        move |ca: &mut CertificateParams| ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(length))
    };
    let through = |root: Ca, upper: u8| {
        let one = root.sub("one", with(upper));
        let two = one.sub("two", with(0));
        let leaf = two.leaf();
        judge(&[&leaf.der, &two.der, &one.der], &[&root.der]).err()
    };
    assert_eq!(through(Ca::root(), 1), None);
    assert_eq!(through(Ca::root(), 0), Some(E::PathTooLong));
    assert_eq!(through(Ca::root_with(with(2)), 1), None);
    assert_eq!(through(Ca::root_with(with(1)), 1), Some(E::PathTooLong));
    assert_eq!(root_error(with(0)), None);
}

#[test]
fn names_that_a_ca_may_not_certify() {
    let permitted = |subtree: GeneralSubtree| {
        issuer_error(|ca| {
            ca.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![subtree],
                excluded_subtrees: vec![],
            })
        })
    };
    let excluded = |subtree: GeneralSubtree| {
        issuer_error(|ca| {
            ca.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![],
                excluded_subtrees: vec![subtree],
            })
        })
    };
    let dns = |name: &str| GeneralSubtree::DnsName(name.into());
    assert_eq!(permitted(dns("example.com")), None);
    assert_eq!(permitted(dns("example.org")), Some(E::NameConstraint));
    assert_eq!(excluded(dns("example.org")), None);
    assert_eq!(excluded(dns("example.com")), Some(E::NameConstraint));
    let network = GeneralSubtree::IpAddress(CidrSubnet::V4([10, 0, 0, 0], [255, 0, 0, 0]));
    assert_eq!(permitted(network), None);
    // Malformed.
    assert_eq!(
        permitted(dns(".example.com")),
        Some(E::BadCertificate(Role::Issuer))
    );
    assert_eq!(
        root_error(|ca| ca.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![dns("example.org")],
            excluded_subtrees: vec![],
        })),
        Some(E::NameConstraint)
    );
}

#[test]
fn malformed_certificates() {
    let root = Ca::root();
    let sub = root.sub("sub", |_| {});
    let leaf = sub.leaf();
    let cut = |der: &[u8]| der[..der.len() - 1].to_vec();
    let chain = |leaf: &[u8], sub: &[u8], root: &[u8]| judge(&[leaf, sub], &[root]).err();
    assert_eq!(chain(&leaf.der, &sub.der, &root.der), None);
    assert_eq!(
        chain(&cut(&leaf.der), &sub.der, &root.der),
        Some(E::BadCertificate(Role::Leaf))
    );
    assert_eq!(
        chain(&leaf.der, &cut(&sub.der), &root.der),
        Some(E::BadCertificate(Role::Issuer))
    );
    assert_eq!(
        chain(&leaf.der, &sub.der, &cut(&root.der)),
        Some(E::BadCertificate(Role::Root))
    );
    assert_eq!(
        leaf_error(|leaf| leaf.serial_number = Some(0u64.into())),
        Some(E::BadCertificate(Role::Leaf))
    );
    assert_eq!(
        leaf_error(|leaf| leaf.serial_number = Some(vec![1; 21].into())),
        Some(E::BadCertificate(Role::Leaf))
    );
    // The same extension twice.
    let twice = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    assert_eq!(
        leaf_error(|leaf| leaf.custom_extensions = vec![twice.clone(), twice]),
        Some(E::BadCertificate(Role::Leaf))
    );
}

#[test]
fn key_identifiers() {
    let without =
        |params: &mut CertificateParams| params.use_authority_key_identifier_extension = false;
    assert_eq!(leaf_error(without), Some(E::NoKeyIdentifier(Role::Leaf)));
    assert_eq!(
        issuer_error(without),
        Some(E::NoKeyIdentifier(Role::Issuer))
    );
    assert_eq!(root_error(without), None);
}

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

#[test]
fn issuers_nobody_knows() {
    let (root, other) = (
        Ca::root(),
        Ca::root_with(|ca| *ca = pki::ca_params("another root")),
    );
    let leaf = root.leaf();
    assert_eq!(
        judge(&[&leaf.der], &[&other.der]).err(),
        Some(E::UnknownIssuer)
    );
    // Also when the server presents the root.
    assert_eq!(
        judge(&[&leaf.der, &root.der], &[&other.der]).err(),
        Some(E::UnknownIssuer)
    );
    // A CA is missing.
    let sub = root.sub("sub", |_| {});
    let below = sub.leaf();
    assert_eq!(
        judge(&[&below.der], &[&root.der]).err(),
        Some(E::UnknownIssuer)
    );
    // The same name, another key.
    let namesake = Ca::root();
    assert_eq!(
        judge(&[&leaf.der], &[&namesake.der]).err(),
        Some(E::BadSignature)
    );
}

#[test]
fn a_server_that_signs_for_itself() {
    let key = key_of(&PKCS_ECDSA_P256_SHA256);
    let der = leaf_params().self_signed(&key).unwrap().der().to_vec();
    let root = Ca::root();
    assert_eq!(judge(&[&der], &[&root.der]).err(), Some(E::UnknownIssuer));
    assert_eq!(
        judge(&[&der, &der], &[&root.der]).err(),
        Some(E::UnknownIssuer)
    );
}

#[test]
fn wrong_signatures() {
    let root = Ca::root();
    let mut leaf = root.leaf().der;
    *leaf.last_mut().unwrap() ^= 1;
    assert_eq!(judge(&[&leaf], &[&root.der]).err(), Some(E::BadSignature));
}

#[test]
fn signatures_that_are_not_supported() {
    let root = Ca::self_signed(key_of(&PKCS_ED25519), |_| {});
    let leaf = root.leaf();
    assert_eq!(
        judge(&[&leaf.der], &[&root.der]).err(),
        Some(E::UnsupportedSignature)
    );
    let root = Ca::self_signed(key_of(&PKCS_ECDSA_P384_SHA384), |_| {});
    let leaf = root.leaf();
    assert_eq!(judge(&[&leaf.der], &[&root.der]).err(), None);
    let without = Trust {
        policy: TrustPolicy::Learnt(&root.der),
        time: TimePolicy::None,
        algorithms: &[P256_SHA256],
        max_depth: MAX_DEPTH,
    };
    assert_eq!(
        verify_server(&[&leaf.der], &ServerName::Dns(NAME), &without).err(),
        Some(E::UnsupportedSignature)
    );
}

/// A key that nobody has.
struct Rsa(Vec<u8>);

impl PublicKeyData for Rsa {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

#[test]
fn keys_that_are_not_supported() {
    let root = Ca::root();
    let rsa = root.sign(&leaf_params(), &Rsa(vec![0x30, 0]));
    assert_eq!(judge(&[&rsa], &[&root.der]).err(), Some(E::RsaOnly));
    assert_eq!(leaf_key(&rsa).err(), Some(E::RsaOnly));
    let edwards = root.leaf_of(key_of(&PKCS_ED25519), |_| {});
    assert_eq!(
        judge(&[&edwards.der], &[&root.der]).err(),
        Some(E::UnsupportedKey)
    );
}

#[test]
fn trust_that_is_none_or_too_much() {
    let root = Ca::root();
    let leaf = root.leaf();
    assert_eq!(judge(&[&leaf.der], &[]).err(), Some(E::NoTrust));
    let many = vec![&root.der[..]; MAX_ROOTS + 1];
    assert_eq!(judge(&[&leaf.der], &many).err(), Some(E::TooMuchTrust));
    assert_eq!(judge(&[&leaf.der], &many[1..]).err(), None);
    assert_eq!(
        judge_pinned(&[&leaf.der, &root.der], &[[7; 32]]).err(),
        Some(E::NotPinned)
    );
}

#[test]
fn chains_that_are_none_or_too_long() {
    let root = Ca::root();
    let leaf = root.leaf();
    assert_eq!(judge(&[], &[&root.der]).err(), Some(E::NoCertificate));
    let mut chain = vec![&leaf.der[..]];
    chain.resize(MAX_CERTIFICATES, &root.der);
    assert_eq!(judge(&chain, &[&root.der]).err(), None);
    chain.push(&root.der);
    assert_eq!(
        judge(&chain, &[&root.der]).err(),
        Some(E::TooManyCertificates)
    );
}

#[test]
fn chains_that_take_too_much_work() {
    // Seven CAs of one name, each of which may have signed each other, and none that an anchor signed.
    let root = Ca::root();
    let stranger = Ca::root_with(|ca| *ca = pki::ca_params("loop"));
    let loops: Vec<_> = (1..MAX_CERTIFICATES)
        .map(|_| stranger.sub("loop", |_| {}))
        .collect();
    let leaf = loops[0].leaf();
    let mut chain = vec![&leaf.der[..]];
    chain.extend(loops.iter().map(|ca| &ca.der[..]));
    assert_eq!(judge(&chain, &[&root.der]).err(), Some(E::BudgetExceeded));
}

#[test]
fn hosts_that_are_none() {
    let root = Ca::root();
    let leaf = root.leaf();
    let trust = Trust {
        policy: TrustPolicy::Learnt(&root.der),
        time: TimePolicy::None,
        algorithms: DEFAULT_ALGORITHMS,
        max_depth: MAX_DEPTH,
    };
    let judge = |name| verify_server(&[&leaf.der], &name, &trust).err();
    assert_eq!(judge(ServerName::Dns(NAME)), None);
    assert_eq!(judge(ServerName::Dns("a b")), Some(E::BadName));
    assert_eq!(ServerName::from_host("a b"), Err(E::BadName));
}

#[test]
fn proofs_of_the_key() {
    for (algorithm, scheme, other) in [
        (
            &PKCS_ECDSA_P256_SHA256,
            ECDSA_SECP256R1_SHA256,
            ECDSA_SECP384R1_SHA384,
        ),
        (
            &PKCS_ECDSA_P384_SHA384,
            ECDSA_SECP384R1_SHA384,
            ECDSA_SECP256R1_SHA256,
        ),
    ] {
        let root = Ca::root();
        let leaf = root.leaf_of(key_of(algorithm), |_| {});
        let key = judge(&[&leaf.der], &[&root.der]).unwrap();
        assert_eq!(key.point(), leaf.key.der_bytes());
        assert_eq!(leaf_key(&leaf.der), Ok(key.clone()));
        let message = b"transcript";
        let mut signature = leaf.key.sign(message).unwrap();
        let verify = |scheme, message: &[u8], signature: &[u8]| {
            key.verify(scheme, message, signature, DEFAULT_ALGORITHMS)
        };
        assert_eq!(verify(scheme, message, &signature), Ok(()));
        assert_eq!(verify(other, message, &signature), Err(E::WrongScheme));
        // RSASSA-PSS
        assert_eq!(verify(0x0804, message, &signature), Err(E::WrongScheme));
        assert_eq!(verify(scheme, b"another", &signature), Err(E::WrongProof));
        assert_eq!(verify(scheme, message, &[]), Err(E::WrongProof));
        assert_eq!(
            key.verify(scheme, message, &signature, &[]),
            Err(E::WrongScheme)
        );
        *signature.last_mut().unwrap() ^= 1;
        assert_eq!(verify(scheme, message, &signature), Err(E::WrongProof));
    }
}
