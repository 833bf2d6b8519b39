//! CAs that have changed their key: self-issued certificates do not count in path lengths, and their names are not constrained
//! (RFC 5280 sections 6.1.3 (b) and 6.1.4 (l)).

use crate::pki::{Ca, judge, judge_pinned, key_of};
use netboot_x509::{Role, VerifyError as E};
use rcgen::{
    BasicConstraints, CertificateParams, GeneralSubtree, IsCa, KeyUsagePurpose, NameConstraints,
    PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SanType, date_time_ymd,
};

fn length(most: u8) -> impl Fn(&mut CertificateParams) {
    move |ca| ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(most))
}

fn keep(_: &mut CertificateParams) {}

/// root -> ICA -> ICA, new key -> ICA' -> server, as x509-limbo has it: the path lengths of the second to fourth.
fn path(of: [u8; 3]) -> Option<E> {
    let root = Ca::root();
    let old = root.sub("ica", length(of[0]));
    let new = old.sub("ica", length(of[1]));
    let last = new.sub("last", length(of[2]));
    let leaf = last.leaf();
    let verdict = judge(&[&leaf.der, &last.der, &new.der, &old.der], &[&root.der]).err();
    // In any order.
    let other = judge(&[&leaf.der, &old.der, &new.der, &last.der], &[&root.der]).err();
    assert_eq!(verdict, other);
    verdict
}

#[test]
fn self_issued_cas_do_not_count_in_path_lengths() {
    assert_eq!(path([1, 1, 0]), None);
    assert_eq!(path([9, 1, 0]), None);
    // Others do, below both.
    assert_eq!(path([0, 1, 0]), Some(E::PathTooLong));
    assert_eq!(path([1, 0, 0]), Some(E::PathTooLong));
    // Of the root's own.
    let root = Ca::root_with(length(0));
    let new = root.sub("test root", length(0));
    let leaf = new.leaf();
    assert_eq!(judge(&[&leaf.der, &new.der], &[&root.der]).err(), None);
    let sub = new.sub("sub", keep);
    let leaf = sub.leaf();
    let chain = [&leaf.der[..], &sub.der, &new.der];
    assert_eq!(judge(&chain, &[&root.der]).err(), Some(E::PathTooLong));
}

#[test]
fn several_changes_in_a_row() {
    let root = Ca::root_with(length(1));
    let one = root.sub("test root", keep);
    let two = one.sub("test root", keep);
    let three = two.sub("test root", keep);
    let sub = three.sub("sub", length(0));
    let leaf = sub.leaf();
    for chain in [
        [&leaf.der[..], &sub.der, &three.der, &two.der, &one.der],
        [&leaf.der, &one.der, &two.der, &three.der, &sub.der],
    ] {
        assert_eq!(judge(&chain, &[&root.der]).err(), None);
    }
    // One between is missing.
    let chain = [&leaf.der[..], &sub.der, &three.der, &one.der];
    assert_eq!(judge(&chain, &[&root.der]).err(), Some(E::BadSignature));
    // From a CA whose key is pinned.
    let chain = [&leaf.der[..], &sub.der, &three.der, &two.der, &one.der];
    let pin = netboot_x509::leaf_key(&two.der).unwrap();
    assert_eq!(judge_pinned(&chain, &[*pin.spki_sha256()]).err(), None);
}

#[test]
fn names_of_self_issued_cas_are_not_constrained() {
    let root = Ca::root_with(|ca| {
        ca.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example.com".into())],
            excluded_subtrees: vec![],
        });
    });
    let stray = |ca: &mut CertificateParams| {
        ca.subject_alt_names = vec![SanType::DnsName("ca.example.org".try_into().unwrap())];
    };
    let new = root.sub("test root", stray);
    let leaf = new.leaf();
    assert_eq!(judge(&[&leaf.der, &new.der], &[&root.der]).err(), None);
    // Others' are, and so are those of the server.
    let sub = root.sub("sub", stray);
    let leaf = sub.leaf();
    let verdict = judge(&[&leaf.der, &sub.der], &[&root.der]).err();
    assert_eq!(verdict, Some(E::NameConstraint));
    let outside = new.leaf_with(|leaf| {
        let other = SanType::DnsName("boot.example.org".try_into().unwrap());
        leaf.subject_alt_names.push(other);
    });
    let verdict = judge(&[&outside.der, &new.der], &[&root.der]).err();
    assert_eq!(verdict, Some(E::NameConstraint));
}

/// A new key with constraints of its own: they hold.
#[test]
fn a_new_key_that_is_constrained() {
    let constrained = |name: &'static str| {
        let root = Ca::root();
        let new = root.sub("test root", |ca| {
            ca.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![GeneralSubtree::DnsName(name.into())],
                excluded_subtrees: vec![],
            });
        });
        let leaf = new.leaf();
        judge(&[&leaf.der, &new.der], &[&root.der]).err()
    };
    assert_eq!(constrained("example.com"), None);
    // The old key has not signed it, which rustls-webpki takes for the worse.
    assert_eq!(constrained("example.org"), Some(E::BadSignature));
}

#[test]
fn new_keys_that_are_none() {
    // What is no certificate of a new key is tried as another CA's; the worst of what is wrong then is that the old key has
    // not signed the server's certificate.
    let root = Ca::root();
    let below = |new: &Ca| {
        let leaf = new.leaf();
        judge(&[&leaf.der, &new.der], &[&root.der]).err()
    };
    assert_eq!(below(&root.sub("test root", keep)), None);
    let ended = root.sub("test root", |ca| ca.not_after = date_time_ymd(2024, 1, 1));
    assert_eq!(below(&ended), Some(E::Expired(Role::Issuer)));
    let early = root.sub("test root", |ca| ca.not_before = date_time_ymd(2025, 1, 2));
    assert_eq!(below(&early), Some(E::NotYetValid(Role::Issuer)));
    let plain = root.sub("test root", |ca| {
        ca.is_ca = IsCa::ExplicitNoCa;
        ca.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    });
    assert_eq!(below(&plain), Some(E::BadSignature));
    let client = root.sub("test root", |ca| {
        ca.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    });
    assert_eq!(below(&client), Some(E::BadSignature));
    // Of a stranger with the same name, and with a signature that is changed.
    let stranger = Ca::root().sub("test root", keep);
    assert_eq!(below(&stranger), Some(E::BadSignature));
    let mut forged = root.sub("test root", keep);
    *forged.der.last_mut().unwrap() ^= 1;
    assert_eq!(below(&forged), Some(E::BadSignature));
}

/// A new key is one of its CA, not of another one that has the same old key.
#[test]
fn a_new_key_is_the_key_of_one_name() {
    let root = Ca::root();
    let key = || key_of(&PKCS_ECDSA_P256_SHA256);
    let old = key();
    let copy = rcgen::KeyPair::try_from(old.serialize_der()).unwrap();
    let one = root.sub_of(old, "one", keep);
    let other = root.sub_of(copy, "other", keep);
    assert_eq!(one.key.der_bytes(), other.key.der_bytes());
    let new = one.sub("one", keep);
    // The new key signs under the other's name.
    let forger = Ca {
        params: other.params.clone(),
        key: rcgen::KeyPair::try_from(new.key.serialize_der()).unwrap(),
        der: other.der.clone(),
    };
    let forged = forger.leaf();
    let chain = [&forged.der[..], &other.der, &new.der, &one.der];
    assert_eq!(judge(&chain, &[&root.der]).err(), Some(E::BadSignature));
    let right = new.leaf();
    let chain = [&right.der[..], &other.der, &new.der, &one.der];
    assert_eq!(judge(&chain, &[&root.der]).err(), None);
}
