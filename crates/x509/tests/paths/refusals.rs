//! Each reason for which a server is refused, one at a time: all else in the chain is right.

use crate::pki::{
    Ca, NAME, issuer_error, judge, judge_pinned, key_of, leaf_error, leaf_params, root_error,
};
use netboot_x509::{
    DEFAULT_ALGORITHMS, ECDSA_SECP256R1_SHA256, ECDSA_SECP384R1_SHA384, MAX_CERTIFICATES,
    MAX_DEPTH, MAX_ROOTS, P256_SHA256, Role, ServerName, TimePolicy, Trust, TrustPolicy,
    VerifyError as E, leaf_key, verify_server,
};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, CustomExtension, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData, SigningKey,
    date_time_ymd,
};

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

#[test]
fn issuers_nobody_knows() {
    let (root, other) = (
        Ca::root(),
        Ca::root_with(|ca| *ca = crate::pki::ca_params("another root")),
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
    let stranger = Ca::root_with(|ca| *ca = crate::pki::ca_params("loop"));
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
