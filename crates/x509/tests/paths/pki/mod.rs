//! A small CA.

use netboot_x509::{
    DEFAULT_ALGORITHMS, LeafKey, MAX_DEPTH, ServerName, TimePolicy, Trust, TrustPolicy,
    VerifyError, verify_server,
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm, date_time_ymd,
};

/// 2025-01-01, when all certificates are valid that are not made otherwise.
pub const NOW: u64 = 1_735_689_600;
/// What all certificates of servers name.
pub const NAME: &str = "boot.example.com";

/// A CA with its certificate.
pub struct Ca {
    pub params: CertificateParams,
    pub key: KeyPair,
    pub der: Vec<u8>,
}

/// A server's certificate and key.
pub struct Leaf {
    pub key: KeyPair,
    pub der: Vec<u8>,
}

/// Parameters of a CA, valid from 2020 to 2049.
pub fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

/// Parameters of a server for [`NAME`], valid from 2022 to 2039.
pub fn leaf_params() -> CertificateParams {
    let mut params = CertificateParams::new(vec![NAME.into()]).expect("a name");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "boot server");
    params.not_before = date_time_ymd(2022, 1, 1);
    params.not_after = date_time_ymd(2039, 12, 31);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

/// A new key.
pub fn key_of(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(algorithm).expect("a key")
}

fn p256() -> KeyPair {
    key_of(&PKCS_ECDSA_P256_SHA256)
}

impl Ca {
    pub fn root() -> Self {
        Self::root_with(|_| {})
    }

    pub fn root_with(edit: impl FnOnce(&mut CertificateParams)) -> Self {
        Self::self_signed(p256(), edit)
    }

    pub fn self_signed(key: KeyPair, edit: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = ca_params("test root");
        edit(&mut params);
        let der = params.self_signed(&key).expect("a root").der().to_vec();
        Self { params, key, der }
    }

    /// A CA below.
    pub fn sub(&self, name: &str, edit: impl FnOnce(&mut CertificateParams)) -> Self {
        self.sub_of(p256(), name, edit)
    }

    pub fn sub_of(
        &self,
        key: KeyPair,
        name: &str,
        edit: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = ca_params(name);
        edit(&mut params);
        let der = self.sign(&params, &key);
        Self { params, key, der }
    }

    pub fn leaf(&self) -> Leaf {
        self.leaf_with(|_| {})
    }

    pub fn leaf_with(&self, edit: impl FnOnce(&mut CertificateParams)) -> Leaf {
        self.leaf_of(p256(), edit)
    }

    pub fn leaf_of(&self, key: KeyPair, edit: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let mut params = leaf_params();
        edit(&mut params);
        let der = self.sign(&params, &key);
        Leaf { key, der }
    }

    /// A certificate in DER.
    pub fn sign(&self, params: &CertificateParams, key: &impl PublicKeyData) -> Vec<u8> {
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(key, &issuer).expect("a certificate");
        certificate.der().to_vec()
    }
}

/// Judges for [`NAME`] at [`NOW`], with roots.
pub fn judge(chain: &[&[u8]], roots: &[&[u8]]) -> Result<LeafKey, VerifyError> {
    judge_as(NAME, chain, roots, TimePolicy::Trusted(NOW))
}

/// Judges with roots.
pub fn judge_as(
    host: &str,
    chain: &[&[u8]],
    roots: &[&[u8]],
    time: TimePolicy,
) -> Result<LeafKey, VerifyError> {
    let trust = Trust {
        policy: TrustPolicy::Pinned { roots, keys: &[] },
        time,
        algorithms: DEFAULT_ALGORITHMS,
        max_depth: MAX_DEPTH,
    };
    verify_server(chain, &ServerName::from_host(host)?, &trust)
}

/// Judges with pinned keys.
pub fn judge_pinned(chain: &[&[u8]], keys: &[[u8; 32]]) -> Result<LeafKey, VerifyError> {
    let trust = Trust {
        policy: TrustPolicy::Pinned { roots: &[], keys },
        time: TimePolicy::Trusted(NOW),
        algorithms: DEFAULT_ALGORITHMS,
        max_depth: MAX_DEPTH,
    };
    verify_server(chain, &ServerName::from_host(NAME)?, &trust)
}

/// A server's certificate that differs in one thing.
pub fn leaf_error(edit: impl FnOnce(&mut CertificateParams)) -> Option<VerifyError> {
    let root = Ca::root();
    let leaf = root.leaf_with(edit);
    judge(&[&leaf.der], &[&root.der]).err()
}

/// A CA between root and server that differs in one thing.
pub fn issuer_error(edit: impl FnOnce(&mut CertificateParams)) -> Option<VerifyError> {
    let root = Ca::root();
    let sub = root.sub("sub", edit);
    let leaf = sub.leaf();
    judge(&[&leaf.der, &sub.der], &[&root.der]).err()
}

/// A root that differs in one thing.
pub fn root_error(edit: impl FnOnce(&mut CertificateParams)) -> Option<VerifyError> {
    let root = Ca::root_with(edit);
    let leaf = root.leaf();
    judge(&[&leaf.der], &[&root.der]).err()
}
