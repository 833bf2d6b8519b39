//! Messages as OpenSSL does not make them, with right signatures.

use netboot_cms::oid;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::DecodePrivateKey as _;
use std::process::Command;
use test_pki::Identity;

pub const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
pub const DIGEST: &str = "1.2.840.113549.1.9.4";
pub const SIGNING_TIME: &str = "1.2.840.113549.1.9.5";
pub const COUNTERSIGNATURE: &str = "1.2.840.113549.1.9.6";
/// An arc for documentation.
pub const UNKNOWN: &str = "1.3.6.1.4.1.32473.1";
pub const SHA256: &str = "2.16.840.1.101.3.4.2.1";
pub const SHA384: &str = "2.16.840.1.101.3.4.2.2";
pub const SHA1: &str = "1.3.14.3.2.26";
pub const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";
pub const ECDSA_SHA384: &str = "1.2.840.10045.4.3.3";
pub const RSA_SHA256: &str = "1.2.840.113549.1.1.11";

/// A value of DER.
pub fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut value = match length {
        0..=0x7F => vec![tag, length as u8],
        0x80..=0xFF => vec![tag, 0x81, length as u8],
        0x100..=0xFFFF => vec![tag, 0x82, (length >> 8) as u8, length as u8],
        _ => vec![
            tag,
            0x83,
            (length >> 16) as u8,
            (length >> 8) as u8,
            length as u8,
        ],
    };
    value.extend(content);
    value
}

/// `OBJECT IDENTIFIER`, from numbers and dots.
pub fn object(text: &str) -> Vec<u8> {
    let numbers: Vec<u64> = text.split('.').map(|one| one.parse().unwrap()).collect();
    let mut content = vec![];
    for number in [&[numbers[0] * 40 + numbers[1]], &numbers[2..]].concat() {
        let groups = (0..9).rev().filter(|at| *at == 0 || number >> (7 * at) > 0);
        content.extend(groups.map(|at| {
            let more = if at == 0 { 0 } else { 0x80 };
            (number >> (7 * at)) as u8 & 0x7F | more
        }));
    }
    der(0x06, &content)
}

/// `AlgorithmIdentifier` without parameters.
pub fn algorithm(text: &str) -> Vec<u8> {
    der(0x30, &object(text))
}

/// `Attribute`
pub fn attribute(kind: &str, values: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &[object(kind), der(0x31, &values.concat())].concat())
}

/// SHA-256 by OpenSSL.
pub fn sha256(octets: &[u8]) -> Vec<u8> {
    digest("-sha256", octets)
}

/// A digest by OpenSSL.
pub fn digest(name: &str, octets: &[u8]) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), octets).unwrap();
    let output = Command::new("openssl")
        .args(["dgst", name, "-binary"])
        .arg(file.path())
        .output()
        .unwrap();
    output.stdout
}

/// A message, part by part. What is made of it is signed, whatever it says.
#[derive(Clone)]
pub struct Forge {
    pub version: u8,
    pub listed: Vec<Vec<u8>>,
    /// `OBJECT IDENTIFIER`
    pub content_type: Vec<u8>,
    pub content: Option<Vec<u8>>,
    pub certificates: Vec<Vec<u8>>,
    pub crls: Vec<Vec<u8>>,
    pub signer_version: u8,
    /// `SignerIdentifier`
    pub signer: Vec<u8>,
    pub digest: Vec<u8>,
    pub attributes: Option<Vec<Vec<u8>>>,
    pub signature: Vec<u8>,
    pub unsigned: Option<Vec<Vec<u8>>>,
    /// How often the signer stands there.
    pub signers: usize,
    /// Octets behind the signers, in their set.
    pub stray: Vec<u8>,
    pub key: SigningKey,
}

/// Issuer and serial number of a certificate, as a `SignerIdentifier`.
pub fn issuer_and_serial(certificate: &[u8]) -> Vec<u8> {
    let identity = netboot_x509::Identity::of(certificate).unwrap();
    let both = [der(0x30, identity.issuer), der(0x02, identity.serial)].concat();
    der(0x30, &both)
}

impl Forge {
    /// A message that is all right.
    pub fn honest(signer: &Identity, content: &[u8]) -> Self {
        let attributes = vec![
            attribute(CONTENT_TYPE, &[der(0x06, oid::DATA)]),
            attribute(DIGEST, &[der(0x04, &sha256(content))]),
        ];
        Self {
            version: 1,
            listed: vec![algorithm(SHA256)],
            content_type: der(0x06, oid::DATA),
            content: Some(content.into()),
            certificates: signer.chain.iter().map(|one| one.to_vec()).collect(),
            crls: vec![],
            signer_version: 1,
            signer: issuer_and_serial(&signer.chain[0]),
            digest: algorithm(SHA256),
            attributes: Some(attributes),
            signature: algorithm(ECDSA_SHA256),
            unsigned: None,
            signers: 1,
            stray: vec![],
            key: SigningKey::from_pkcs8_der(signer.key.secret_der()).unwrap(),
        }
    }

    /// What a key signs here.
    pub fn signed(&self) -> Vec<u8> {
        match &self.attributes {
            Some(attributes) => der(0x31, &attributes.concat()),
            None => self.content.clone().unwrap_or_default(),
        }
    }

    /// The content of `SignerInfo`.
    pub fn signer_info(&self) -> Vec<u8> {
        let signature: DerSignature = self.key.sign(&self.signed());
        let mut info = vec![
            der(0x02, &[self.signer_version]),
            self.signer.clone(),
            self.digest.clone(),
        ];
        info.extend(self.attributes.iter().map(|all| der(0xA0, &all.concat())));
        info.extend([self.signature.clone(), der(0x04, signature.as_bytes())]);
        info.extend(self.unsigned.iter().map(|all| der(0xA1, &all.concat())));
        info.concat()
    }

    /// The message.
    pub fn der(&self) -> Vec<u8> {
        let content = self.content.iter();
        let content = content.flat_map(|octets| der(0xA0, &der(0x04, octets)));
        let content: Vec<u8> = self.content_type.iter().copied().chain(content).collect();
        let mut data = vec![
            der(0x02, &[self.version]),
            der(0x31, &self.listed.concat()),
            der(0x30, &content),
        ];
        for (tag, set) in [(0xA0, &self.certificates), (0xA1, &self.crls)] {
            if !set.is_empty() {
                data.push(der(tag, &set.concat()));
            }
        }
        let signer = der(0x30, &self.signer_info());
        let signers = [signer.repeat(self.signers), self.stray.clone()].concat();
        data.push(der(0x31, &signers));
        info(oid::SIGNED_DATA, &der(0x30, &data.concat()))
    }
}

/// `ContentInfo`
pub fn info(content_type: &[u8], content: &[u8]) -> Vec<u8> {
    let both = [der(0x06, content_type), der(0xA0, content)].concat();
    der(0x30, &both)
}
