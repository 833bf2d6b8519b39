//! Who signs, and who is trusted.

use netboot_cms::{CmsError, Content, Message, Policy, Verified, oid};
use netboot_x509::{DEFAULT_ALGORITHMS, MAX_DEPTH, TimePolicy, Trust, TrustPolicy};
use test_pki::{Identity, KeyKind, Pki, Usage, Validity};

/// 2025-01-01, when all certificates are valid that are not made otherwise.
pub const NOW: u64 = 1_735_689_600;
/// What is signed, if nothing else is.
pub const CONTENT: &[u8] = b"an image for a device, or a voucher for it\n";

/// Root, one CA, signers.
pub fn pki() -> Pki {
    Pki::with_intermediate(1)
}

/// Someone who signs code with a key of this kind.
pub fn signer_with(kind: KeyKind) -> Identity {
    let signer = pki()
        .with_keys(kind)
        .signer("Signer", Usage::CodeSigning, Validity::default());
    signer.unwrap()
}

/// Someone who signs code with a key on P-256.
pub fn signer() -> Identity {
    signer_with(KeyKind::P256)
}

/// Someone else below the same root.
pub fn other() -> Identity {
    let other = pki().signer("Other", Usage::CodeSigning, Validity::default());
    other.unwrap()
}

/// The root in DER.
pub fn root() -> Vec<u8> {
    pki().root().unwrap().to_vec()
}

/// What is asked of a message.
#[derive(Clone)]
pub struct Asked {
    pub roots: Vec<Vec<u8>>,
    pub time: TimePolicy,
    pub usage: Option<&'static [u8]>,
    pub content_types: Vec<&'static [u8]>,
    pub certificates: Vec<Vec<u8>>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            roots: vec![root()],
            time: TimePolicy::Trusted(NOW),
            usage: Some(oid::CODE_SIGNING),
            content_types: vec![oid::DATA, oid::VOUCHER_JSON, oid::CONVEYED_INFORMATION_JSON],
            certificates: vec![],
        }
    }
}

/// What is told of a message that was accepted.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub content_type: Vec<u8>,
    pub content: Option<Vec<u8>>,
    pub signer: Vec<u8>,
    pub signing_time: Option<u64>,
}

impl Asked {
    pub fn of(&self, der: &[u8], content: Content<'_>) -> Result<Told, CmsError> {
        let roots: Vec<&[u8]> = self.roots.iter().map(Vec::as_slice).collect();
        let certificates: Vec<&[u8]> = self.certificates.iter().map(Vec::as_slice).collect();
        let policy = Policy {
            trust: Trust {
                policy: TrustPolicy::Pinned {
                    roots: &roots,
                    keys: &[],
                },
                time: self.time,
                algorithms: DEFAULT_ALGORITHMS,
                max_depth: MAX_DEPTH,
            },
            usage: self.usage,
            content_types: &self.content_types,
        };
        let signed = Message::parse(der)?.signed()?;
        let Verified {
            content_type,
            content,
            signer,
            signing_time,
        } = signed.verify(content, &certificates, &policy)?;
        Ok(Told {
            content_type: content_type.into(),
            content: content.map(Into::into),
            signer: signer.into(),
            signing_time,
        })
    }

    pub fn attached(&self, der: &[u8]) -> Result<Told, CmsError> {
        self.of(der, Content::Encapsulated)
    }
}

/// Asks what is usually asked of a message with its content.
pub fn judge(der: &[u8]) -> Result<Told, CmsError> {
    Asked::default().attached(der)
}
