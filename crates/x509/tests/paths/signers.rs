//! Certificates of those who sign data.

use crate::pki::{Ca, NOW};
use netboot_x509::{
    DEFAULT_ALGORITHMS, Hash, Identity, MAX_DEPTH, P256_SHA256, Role, TimePolicy, Trust,
    TrustPolicy, VerifyError, verify_signer,
};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SigningKey as _};
use sha2::{Digest as _, Sha256, Sha384};

/// id-kp-codeSigning, 1.3.6.1.5.5.7.3.3
const CODE_SIGNING: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03];

/// The certificate of someone who signs code: it has no name of a host.
fn code_signer(params: &mut CertificateParams) {
    params.subject_alt_names.clear();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
}

fn judge(
    chain: &[&[u8]],
    usage: Option<&'static [u8]>,
    roots: &[&[u8]],
    keys: &[[u8; 32]],
) -> Result<(), VerifyError> {
    let trust = Trust {
        policy: TrustPolicy::Pinned { roots, keys },
        time: TimePolicy::Trusted(NOW),
        algorithms: DEFAULT_ALGORITHMS,
        max_depth: MAX_DEPTH,
    };
    verify_signer(chain, usage, &trust).map(|_| ())
}

/// A signer's certificate below a CA that differs in one thing each.
fn verdict(
    usage: Option<&'static [u8]>,
    ca: impl FnOnce(&mut CertificateParams),
    leaf: impl FnOnce(&mut CertificateParams),
) -> Result<(), VerifyError> {
    let root = Ca::root();
    let sub = root.sub("sub", ca);
    let leaf = sub.leaf_with(|params| {
        code_signer(params);
        leaf(params);
    });
    judge(&[&leaf.der, &sub.der], usage, &[&root.der], &[])
}

#[test]
fn the_usage_that_is_asked_for() {
    let code = Some(CODE_SIGNING);
    assert_eq!(verdict(code, |_| {}, |_| {}), Ok(()));
    for usages in [
        vec![],
        vec![ExtendedKeyUsagePurpose::ServerAuth],
        vec![ExtendedKeyUsagePurpose::Any],
    ] {
        let set = |leaf: &mut CertificateParams| leaf.extended_key_usages = usages.clone();
        let wrong = Err(VerifyError::WrongUsage(Role::Leaf));
        assert_eq!(verdict(code, |_| {}, set), wrong, "{usages:?}");
        assert_eq!(verdict(None, |_| {}, set), Ok(()), "{usages:?}");
        // A CA without the extension may issue for any use.
        let expected = match usages.is_empty() {
            true => Ok(()),
            false => Err(VerifyError::WrongUsage(Role::Issuer)),
        };
        assert_eq!(verdict(code, set, |_| {}), expected, "{usages:?}");
        assert_eq!(verdict(None, set, |_| {}), Ok(()), "{usages:?}");
    }
    let both = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::CodeSigning,
        ];
    };
    assert_eq!(verdict(code, both, both), Ok(()));
}

#[test]
fn what_a_signer_may_not_be() {
    let usages = |usages: &[KeyUsagePurpose]| {
        let usages = usages.to_vec();
        move |leaf: &mut CertificateParams| leaf.key_usages = usages
    };
    let wrong = Err(VerifyError::WrongKeyUsage(Role::Leaf));
    let agreement = usages(&[KeyUsagePurpose::KeyAgreement]);
    assert_eq!(verdict(None, |_| {}, agreement), wrong);
    let of_a_ca = usages(&[
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
    ]);
    assert_eq!(verdict(None, |_| {}, of_a_ca), wrong);
    assert_eq!(verdict(None, |_| {}, usages(&[])), Ok(()));
    let ca = |leaf: &mut CertificateParams| {
        leaf.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    };
    let refused = verdict(None, |_| {}, ca);
    assert_eq!(refused, Err(VerifyError::CaAsLeaf));
    let no_key = |leaf: &mut CertificateParams| {
        leaf.use_authority_key_identifier_extension = false;
    };
    let refused = verdict(None, |_| {}, no_key);
    assert_eq!(refused, Err(VerifyError::NoKeyIdentifier(Role::Leaf)));
}

/// A signer who is pinned needs no issuer, but the usage that is asked for.
#[test]
fn pinned_signers() {
    let code = Some(CODE_SIGNING);
    let alone = Ca::self_signed(
        crate::pki::key_of(&rcgen::PKCS_ECDSA_P256_SHA256),
        |params| {
            code_signer(params);
            params.is_ca = IsCa::NoCa;
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        },
    );
    let other = Ca::root();
    let leaf = netboot_x509::leaf_key(&alone.der).unwrap();
    let keys = [*leaf.spki_sha256()];
    let chain: [&[u8]; 1] = [&alone.der];
    assert_eq!(judge(&chain, code, &[&alone.der], &[]), Ok(()));
    assert_eq!(judge(&chain, code, &[], &keys), Ok(()));
    let refused = judge(&chain, code, &[&other.der], &[]);
    assert!(refused.is_err());
    let server = Some(&[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01][..]);
    let wrong = Err(VerifyError::WrongUsage(Role::Leaf));
    assert_eq!(judge(&chain, server, &[&alone.der], &[]), wrong);
    assert_eq!(judge(&chain, code, &[], &[]), Err(VerifyError::NoTrust));
}

#[test]
fn a_signature_over_data() {
    let root = Ca::root();
    let leaf = root.leaf();
    let key = netboot_x509::leaf_key(&leaf.der).unwrap();
    let signature = leaf.key.sign(b"data").unwrap();
    let verify =
        |hash,
         data: &[u8],
         algorithms: &[&'static dyn rustls_pki_types::SignatureVerificationAlgorithm]| {
            let digest = match hash {
                Hash::Sha256 => Sha256::digest(data).to_vec(),
                Hash::Sha384 => Sha384::digest(data).to_vec(),
            };
            let verdict = key.verify_data(hash, data, &signature, algorithms);
            // The digest alone is as good as the data.
            let by_digest = key.verify_digest(hash, &digest, &signature, algorithms);
            assert_eq!(by_digest, verdict);
            verdict
        };
    let sha256 = Hash::Sha256;
    assert_eq!(verify(sha256, b"data", DEFAULT_ALGORITHMS), Ok(()));
    let wrong = Err(VerifyError::WrongProof);
    assert_eq!(verify(sha256, b"other", DEFAULT_ALGORITHMS), wrong);
    assert_eq!(verify(Hash::Sha384, b"data", DEFAULT_ALGORITHMS), wrong);
    let none = Err(VerifyError::WrongScheme);
    assert_eq!(verify(Hash::Sha384, b"data", &[P256_SHA256]), none);
    assert_eq!(verify(sha256, b"data", &[]), none);
}

#[test]
fn how_certificates_are_named() {
    let root = Ca::root();
    let leaf = root.leaf_with(|params| {
        params.serial_number = Some(rcgen::SerialNumber::from_slice(&[0x12, 0x34]));
        params.is_ca = IsCa::ExplicitNoCa;
    });
    let named = Identity::of(&leaf.der).unwrap();
    assert_eq!(named.serial, [0x12, 0x34]);
    assert_eq!(named.issuer, Identity::of(&root.der).unwrap().issuer);
    assert_eq!(named.key_identifier.map(<[u8]>::len), Some(20));
    let without = root.leaf_with(|params| params.is_ca = IsCa::NoCa);
    assert_eq!(Identity::of(&without.der).unwrap().key_identifier, None);
    assert_eq!(Identity::of(&leaf.der[1..]), None);
}
