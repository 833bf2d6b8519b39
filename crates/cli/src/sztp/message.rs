//! CMS messages (RFC 5652), as RFC 8572 and RFC 8366 have them.

use super::certificate;
use super::signer::Signer;
use crate::clock;
use anyhow::{Context, Result, ensure};
use cms::cert::x509::attr::Attribute;
use cms::cert::x509::der::asn1::{ObjectIdentifier, OctetString, SetOfVec};
use cms::cert::x509::der::{Any, DerOrd, Encode, Error};
use cms::cert::x509::spki::AlgorithmIdentifierOwned;
use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use netboot_cms::{Content, MAX_CERTIFICATES, MAX_MESSAGE, Message, Policy, oid};
use netboot_x509::{DEFAULT_ALGORITHMS, MAX_DEPTH, TimePolicy, Trust, TrustPolicy};

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");

/// What a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A voucher in JSON (RFC 8366, section 5.4).
    Voucher,
    /// Conveyed information in JSON (RFC 8572, section 3.1).
    Conveyed,
}

impl Kind {
    fn identifier(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Kind::Voucher => "1.2.840.113549.1.9.16.1.40",
            Kind::Conveyed => "1.2.840.113549.1.9.16.1.43",
        })
    }

    fn octets(self) -> &'static [u8] {
        match self {
            Kind::Voucher => oid::VOUCHER_JSON,
            Kind::Conveyed => oid::CONVEYED_INFORMATION_JSON,
        }
    }
}

/// Content that nobody signs.
pub fn plain(kind: Kind, content: &[u8]) -> Result<Vec<u8>> {
    let octets = OctetString::new(content).context("the content")?;
    let info = ContentInfo {
        content_type: kind.identifier(),
        content: Any::encode_from(&octets).context("the content")?,
    };
    bounded(info.to_der().context("the message")?)
}

/// A message that carries certificates and has no signer (RFC 5652, section 5.2): an owner certificate, or a trust anchor.
pub fn certificates_only(certificates: &[Vec<u8>]) -> Result<Vec<u8>> {
    signed_data(SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::new(),
        encap_content_info: EncapsulatedContentInfo {
            econtent_type: DATA,
            econtent: None,
        },
        certificates: Some(set(certificates)?),
        crls: None,
        signer_infos: SignerInfos(SetOfVec::new()),
    })
}

/// Content with a signature. With `certificates` the signer's certificates are in the message, too.
///
/// The same content and signer give the same octets: ECDSA is that of RFC 6979, and there is no signing time.
pub fn signed(kind: Kind, content: &[u8], signer: &Signer, certificates: bool) -> Result<Vec<u8>> {
    let own = certificate::read(&signer.certificate)?.tbs_certificate;
    let digest = OctetString::new(signer.key.digest(content)).context("the digest")?;
    let attributes = [
        attribute(CONTENT_TYPE, Any::encode_from(&kind.identifier())),
        attribute(MESSAGE_DIGEST, Any::encode_from(&digest)),
    ];
    let attributes: Result<Vec<Attribute>> = attributes.into_iter().collect();
    let attributes = SetOfVec::try_from(attributes?).context("the signed attributes")?;
    // Section 5.4: what is signed has the tag of a SET, which the type has by itself.
    let signature = signer
        .key
        .sign(&attributes.to_der().context("the attributes")?);
    let info = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: own.issuer,
            serial_number: own.serial_number,
        }),
        digest_alg: algorithm(signer.key.digest_identifier()),
        signed_attrs: Some(attributes),
        signature_algorithm: algorithm(signer.key.signature_identifier()),
        signature: OctetString::new(signature).context("the signature")?,
        unsigned_attrs: None,
    };
    let inside: Vec<Vec<u8>> = match certificates {
        true => signer.all(),
        false => Vec::new(),
    };
    let octets = OctetString::new(content).context("the content")?;
    let message = signed_data(SignedData {
        version: CmsVersion::V3,
        digest_algorithms: one(algorithm(signer.key.digest_identifier()))?,
        encap_content_info: EncapsulatedContentInfo {
            econtent_type: kind.identifier(),
            econtent: Some(Any::encode_from(&octets).context("the content")?),
        },
        certificates: match certificates {
            true => Some(set(&inside)?),
            false => None,
        },
        crls: None,
        signer_infos: SignerInfos(one(info)?),
    })?;
    check(&message, kind, signer)?;
    Ok(message)
}

/// Reads the message as a device does, which finds the signer's certificate good enough or not. Who issued it is not looked at.
fn check(message: &[u8], kind: Kind, signer: &Signer) -> Result<()> {
    let policy = Policy {
        trust: Trust {
            policy: TrustPolicy::Learnt(&signer.certificate),
            time: TimePolicy::Trusted(clock::since_1970()?.as_secs()),
            algorithms: DEFAULT_ALGORITHMS,
            max_depth: MAX_DEPTH,
        },
        usage: None,
        content_types: &[kind.octets()],
    };
    let parsed = Message::parse(message).and_then(Message::signed);
    parsed
        .and_then(|parsed| parsed.verify(Content::Encapsulated, &[&signer.certificate], &policy))
        .map(|_| ())
        .with_context(|| format!("a device would refuse the signature of {}", signer.name()))
}

fn signed_data(data: SignedData) -> Result<Vec<u8>> {
    let info = ContentInfo {
        content_type: SIGNED_DATA,
        content: Any::encode_from(&data).context("the signed data")?,
    };
    bounded(info.to_der().context("the message")?)
}

/// A message that a device can read.
fn bounded(message: Vec<u8>) -> Result<Vec<u8>> {
    ensure!(
        message.len() <= MAX_MESSAGE,
        "the message would have {} octets, and a device reads {MAX_MESSAGE} at most",
        message.len()
    );
    Ok(message)
}

fn attribute(kind: ObjectIdentifier, value: Result<Any, Error>) -> Result<Attribute> {
    let value = value.context("a signed attribute")?;
    Ok(Attribute {
        oid: kind,
        values: one(value)?,
    })
}

/// An algorithm whose parameters are left out (RFC 5754, sections 2 and 3.2).
fn algorithm(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned {
        oid,
        parameters: None,
    }
}

fn one<T: DerOrd>(value: T) -> Result<SetOfVec<T>> {
    let mut set = SetOfVec::new();
    set.insert(value).context("a set of one")?;
    Ok(set)
}

/// Certificates, each one once.
fn set(certificates: &[Vec<u8>]) -> Result<CertificateSet> {
    let mut all = Vec::new();
    for (at, der) in certificates.iter().enumerate() {
        let before = certificates.get(..at).unwrap_or_default();
        if !before.contains(der) {
            all.push(CertificateChoices::Certificate(certificate::read(der)?));
        }
    }
    ensure!(
        all.len() <= MAX_CERTIFICATES,
        "the message would have {} certificates, and a device reads {MAX_CERTIFICATES} at most",
        all.len()
    );
    let set = SetOfVec::try_from(all).context("the certificates of the message")?;
    Ok(CertificateSet(set))
}
