//! Paths and changes of keys, where only a test beside the code sees them: the room for certificates, the signatures that
//! are spent, the keys that are found.

use crate::budget::Signatures;
use crate::certificate::Certificate;
use crate::profile::{SERVER_AUTH, check_leaf, names_itself};
use crate::rollover::{self, NewKeys};
use crate::{
    DEFAULT_ALGORITHMS, MAX_CERTIFICATES, MAX_DEPTH, MAX_ROOTS, P256_SHA256, P256_SHA384,
    P384_SHA256, Role, TimePolicy, Trust, TrustPolicy, VerifyError, key, leaf_key, path,
};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use webpki::EndEntityCert;

/// 2025-01-01, when all certificates are valid.
const NOW: u64 = 1_735_689_600;

/// A certificate and its key.
struct Made {
    params: CertificateParams,
    key: KeyPair,
    der: Vec<u8>,
}

impl Made {
    /// A CA that has signed for itself.
    fn root(name: &str) -> Self {
        let (params, key) = (ca(name), new_key());
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { params, key, der }
    }

    /// A certificate that this CA has signed.
    fn signs(&self, params: CertificateParams) -> Self {
        let key = new_key();
        let issuer = Issuer::from_params(&self.params, &self.key);
        let der = params.signed_by(&key, &issuer).unwrap().der().to_vec();
        Self { params, key, der }
    }

    fn read(&self) -> Certificate<'_> {
        Certificate::parse(&self.der, Role::Issuer).unwrap()
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn named(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).into()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    params.use_authority_key_identifier_extension = true;
    params
}

fn ca(name: &str) -> CertificateParams {
    let mut params = named(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn server() -> CertificateParams {
    let mut params = named("boot server", &["boot.example.com"]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

/// The verdict on the path from `leaf`.
fn judge(leaf: &Made, presented: &[&[u8]], policy: TrustPolicy<'_>) -> Result<(), VerifyError> {
    let trust = Trust {
        policy,
        time: TimePolicy::Trusted(NOW),
        algorithms: DEFAULT_ALGORITHMS,
        max_depth: MAX_DEPTH,
    };
    let der = CertificateDer::from(&leaf.der[..]);
    let parsed = EndEntityCert::try_from(&der).unwrap();
    path::verify(
        &leaf.der,
        &parsed,
        presented,
        &trust,
        Some(&SERVER_AUTH),
        NOW,
    )
}

/// The chain of a server has room for one certificate of its own and seven of CAs, each of which may be an anchor beside
/// the roots.
#[test]
fn room_for_presented_cas() {
    let root = Made::root("root");
    let leaf = root.signs(server());
    let most = vec![&root.der[..]; MAX_CERTIFICATES - 1];
    let more = vec![&root.der[..]; MAX_CERTIFICATES];
    let roots = vec![&root.der[..]; MAX_ROOTS];
    let rooted = TrustPolicy::Pinned {
        roots: &roots,
        keys: &[],
    };
    assert_eq!(judge(&leaf, &most, rooted), Ok(()));
    let refused = judge(&leaf, &more, rooted);
    assert_eq!(refused, Err(VerifyError::TooManyCertificates));
    // Each of the presented CAs is pinned too.
    let pins = [*leaf_key(&root.der).unwrap().spki_sha256()];
    let both = TrustPolicy::Pinned {
        roots: &roots,
        keys: &pins,
    };
    assert_eq!(judge(&leaf, &most, both), Ok(()));
    let refused = judge(&leaf, &more, both);
    assert_eq!(refused, Err(VerifyError::TooMuchTrust));
}

/// Each of two CAs could have signed the certificates of the other, and no root has signed any of them: no signature is
/// verified, and the search ends.
#[test]
fn steps_are_bounded_where_no_signature_is_spent() {
    let root = Made::root("root");
    let (left, right) = (Made::root("left"), Made::root("right"));
    let lefts: Vec<_> = (0..3).map(|_| right.signs(ca("left"))).collect();
    let rights: Vec<_> = (0..3).map(|_| left.signs(ca("right"))).collect();
    let leaf = lefts[0].signs(server());
    let roots = [&root.der[..]];
    let rooted = TrustPolicy::Pinned {
        roots: &roots,
        keys: &[],
    };
    let all: Vec<&[u8]> = lefts
        .iter()
        .chain(&rights)
        .map(|one| &one.der[..])
        .collect();
    assert_eq!(judge(&leaf, &all, rooted), Err(VerifyError::BudgetExceeded));
    // One of each is too few for as many steps.
    let two = [&lefts[0].der[..], &rights[0].der];
    assert_eq!(judge(&leaf, &two, rooted), Err(VerifyError::UnknownIssuer));
}

fn find<'a>(
    presented: &[&'a [u8]],
    ends: &[&'a [u8]],
    algorithms: &[&dyn SignatureVerificationAlgorithm],
) -> NewKeys<'a> {
    rollover::find(presented, ends, algorithms, Some(&SERVER_AUTH), NOW)
}

#[test]
fn a_new_key_and_the_key_before_it() {
    let root = Made::root("root");
    let mut params = ca("root");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(3));
    let new = root.signs(params);
    let other = root.signs(ca("other"));
    let found = find(&[&other.der, &new.der], &[&root.der], DEFAULT_ALGORITHMS);
    let [one] = &found[..] else {
        panic!("{} new keys of one", found.len());
    };
    let key_in = |made: &Made| key::parts(made.read().spki).map(|(_, key)| key.to_vec());
    assert_eq!(one.subject, new.read().subject);
    assert_eq!(Some(one.old.to_vec()), key_in(&root));
    assert_eq!(Some(one.new.to_vec()), key_in(&new));
    assert_eq!(one.path_length, Some(3));
    assert!(rollover::is_one(&found, &new.der));
    assert!(!rollover::is_one(&found, &other.der));
    assert!(!rollover::is_one(&found, &root.der));
    assert!(!rollover::is_one(&[], &new.der));
}

/// The algorithm that verifies has both the kind of key and the kind of signature, wherever it stands among the others.
#[test]
fn a_new_key_is_verified_with_the_algorithm_of_its_signature() {
    let root = Made::root("root");
    let new = root.signs(ca("root"));
    let count = |algorithms: &[&dyn SignatureVerificationAlgorithm]| {
        find(&[&new.der], &[&root.der], algorithms).len()
    };
    assert_eq!(count(&[P256_SHA256]), 1);
    // One has the right key alone, one the right hash alone.
    assert_eq!(count(&[P256_SHA384, P384_SHA256]), 0);
    assert_eq!(count(&[P256_SHA384, P384_SHA256, P256_SHA256]), 1);
}

/// A CA that says itself that it has signed its certificate is no new key, and no signature is spent to see it.
#[test]
fn a_self_signed_ca_is_no_new_key() {
    let (root, namesake) = (Made::root("root"), Made::root("root"));
    let new = root.signs(ca("root"));
    assert!(names_itself(&root.read()));
    assert!(!names_itself(&new.read()));
    let spent = |presented: &[u8]| {
        let signatures = Signatures::default();
        let counted = signatures.count(&[P256_SHA256], &[]).unwrap();
        let found = find(&[presented], &[&root.der], &path::dynamic(&counted)).len();
        (found, signatures.used())
    };
    assert_eq!(spent(&new.der), (1, 1));
    assert_eq!(spent(&namesake.der), (0, 0));
}

/// RFC 5280 section 4.2.1.3: nine bits, in one octet or two.
#[test]
fn bits_of_the_key_usage() {
    let root = Made::root("root");
    let check = |bits: &[u8]| {
        let mut params = server();
        let value = [&[3, bits.len() as u8], bits].concat();
        let usage = CustomExtension::from_oid_content(&[2, 5, 29, 15], value);
        params.custom_extensions = vec![usage];
        let leaf = root.signs(params);
        check_leaf(&leaf.read(), false)
    };
    let malformed = Err(VerifyError::BadCertificate(Role::Leaf));
    let wrong = Err(VerifyError::WrongKeyUsage(Role::Leaf));
    for (bits, verdict) in [
        // digitalSignature, alone and with decipherOnly in a second octet.
        (&[7, 0x80][..], Ok(())),
        (&[7, 0x80, 0x80], Ok(())),
        // keyAgreement alone, and keyCertSign beside digitalSignature.
        (&[3, 0x08], wrong),
        (&[2, 0x84], wrong),
        // The bit of keyCertSign is an unused one of the only octet, and a used one of the first of two.
        (&[3, 0x84], Ok(())),
        (&[3, 0x84, 0x08], wrong),
        // No octet, three, and more unused bits than an octet has.
        (&[0], malformed),
        (&[7, 0x80, 0, 0x80], malformed),
        (&[8, 0x80], malformed),
        (&[], malformed),
    ] {
        assert_eq!(check(bits), verdict, "{bits:x?}");
    }
}
