//! Certificates like IDevIDs: an authority, and boards whose identifier is the `serialNumber` of the subject.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose,
};
use std::fs;
use std::path::Path;

/// `serialNumber` (X.520).
const SERIAL_NUMBER: [u64; 4] = [2, 5, 4, 5];

pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Writes the files of a board, and returns the lines of `[tls]`.
    pub fn board(&self, identifier: &str, dir: &Path, anchors: &Self, allow: &[&str]) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CustomDnType(SERIAL_NUMBER.to_vec()), identifier);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        fs::write(dir.join("cert.pem"), certificate.pem()).unwrap();
        fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
        fs::write(dir.join("anchors.pem"), anchors.0.pem()).unwrap();
        let path = |name: &str| dir.join(name).display().to_string();
        let allow: Vec<_> = allow.iter().map(|id| format!("\"pc:mcu:{id}\"")).collect();
        format!(
            "[tls]\ncertificate = \"{}\"\nkey = \"{}\"\nanchors = \"{}\"\nallow = [{}]\n",
            path("cert.pem"),
            path("key.pem"),
            path("anchors.pem"),
            allow.join(", ")
        )
    }
}
