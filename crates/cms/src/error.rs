//! Why a message is not accepted, and whose fault it is.

use core::fmt;

use netboot_core::{Blame, Coded, Module};
use netboot_x509::{Role, VerifyError};

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The `ContentInfo` around all of it (RFC 5652 section 3).
    Message,
    /// `SignedData`, its algorithms, content and revocation lists (section 5.1).
    SignedData,
    /// The set of certificates (section 10.2.3).
    Certificates,
    /// `SignerInfo` (section 5.3).
    SignerInfo,
    /// The attributes that are signed (section 11).
    SignedAttributes,
    /// The attributes that are not signed.
    UnsignedAttributes,
}

/// Why a message is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CmsError {
    /// The message is text (PEM).
    Pem,
    /// A value has an indefinite length, or a string comes in pieces: that is BER, not DER (X.690 section 10).
    Ber,
    /// The message has more than [`MAX_MESSAGE`](crate::MAX_MESSAGE) octets, or says so of a value in it.
    TooLarge,
    /// A part of the message is no DER, or not what RFC 5652 says.
    Malformed(Part),
    /// The message is neither signed data nor octets: encrypted data, for instance.
    UnsupportedType,
    /// Content without a signature, where a signed message is needed.
    NotSigned,
    /// Signed data without a signer, where a signed message is needed.
    NoSigner,
    /// More signers than one.
    SeveralSigners,
    /// More certificates than [`MAX_CERTIFICATES`](crate::MAX_CERTIFICATES).
    TooManyCertificates,
    /// More digest algorithms than [`MAX_DIGEST_ALGORITHMS`](crate::MAX_DIGEST_ALGORITHMS).
    TooManyAlgorithms,
    /// More revocation lists than [`MAX_CRLS`](crate::MAX_CRLS).
    TooManyCrls,
    /// More attributes than [`MAX_ATTRIBUTES`](crate::MAX_ATTRIBUTES).
    TooManyAttributes,
    /// More octets of signed attributes than [`MAX_SIGNED_ATTRIBUTES`](crate::MAX_SIGNED_ATTRIBUTES).
    AttributesTooLong,
    /// A version number that RFC 5652 does not have, or that does not go with how the signer is named.
    UnsupportedVersion,
    /// The digest is neither SHA-256 nor SHA-384 (with the feature `p384`).
    UnsupportedDigest,
    /// The signature is by RSA.
    RsaSignature,
    /// No algorithm verifies signatures of this kind, with this key.
    UnsupportedSignature,
    /// Digest and signature are by different hashes.
    AlgorithmMismatch,
    /// The signer's digest algorithm is none of those that the message lists (RFC 5652 section 5.1).
    UnlistedDigest,
    /// Content other than id-data without signed attributes (RFC 5652 section 5.3).
    NoAttributes,
    /// The signed attributes have no content type.
    NoContentType,
    /// The signed attributes have no digest of the content.
    NoDigest,
    /// The signed attributes have one twice that is there once.
    RepeatedAttribute,
    /// A signed attribute that has one value has none, or more.
    WrongValues,
    /// The signed attributes are not in the order of DER (X.690 section 11.6).
    UnsortedAttributes,
    /// The content type, the digest or the signing time is among the attributes that are not signed.
    StrayAttribute,
    /// The content is of a type that is not accepted here.
    WrongContentType,
    /// The content type that was signed is not the message's.
    ContentTypeMismatch,
    /// The digest that was signed is that of other content.
    DigestMismatch,
    /// The signature is wrong.
    BadSignature,
    /// The content is not in the message, and nobody gave it.
    Detached,
    /// The content is in the message, where content apart from it was to be verified.
    Attached,
    /// The signature is over the content itself (no signed attributes), and only its digest is known.
    NeedsContent,
    /// Content that could be signed attributes has a signature without them: it may be that of another message.
    AmbiguousContent,
    /// The digest has not the length of the message's hash.
    WrongDigestLength,
    /// No certificate is the one that the message names as its signer's.
    NoSignerCertificate,
    /// The signer's certificates are not trusted.
    Signer(VerifyError),
}

impl fmt::Display for CmsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CmsError as E;
        f.write_str(match self {
            E::Signer(error) => return signer(error, f),
            E::Pem => "the signed message is text (PEM), not DER",
            E::Ber => "the signed message is BER, with indefinite lengths or strings in pieces",
            E::TooLarge => "the signed message has more than 65,539 octets",
            E::Malformed(Part::Message) => "the signed message is no CMS message in DER",
            E::Malformed(Part::SignedData) => "the signed data of a message is malformed",
            E::Malformed(Part::Certificates) => "the certificates of a signed message are no DER",
            E::Malformed(Part::SignerInfo) => "the signer of a signed message is malformed",
            E::Malformed(Part::SignedAttributes) => "the signed attributes are malformed",
            E::Malformed(Part::UnsignedAttributes) => {
                "the attributes of a signed message that are not signed are malformed"
            }
            E::UnsupportedType => "the message is neither signed data nor octets",
            E::NotSigned => "the message is not signed",
            E::NoSigner => "the message carries certificates, but has no signer",
            E::SeveralSigners => "the message has more signers than one",
            E::TooManyCertificates => "the message has more certificates than supported",
            E::TooManyAlgorithms => "the message has more digest algorithms than supported",
            E::TooManyCrls => "the message has more revocation lists than supported",
            E::TooManyAttributes => "the signer has more attributes than supported",
            E::AttributesTooLong => "the signed attributes are longer than supported",
            E::UnsupportedVersion => "the signed message has a version that is not supported",
            E::UnsupportedDigest => "the signer uses a digest that is not supported",
            E::RsaSignature => "the message is signed by RSA",
            E::UnsupportedSignature => {
                "the message is signed by an algorithm that is not supported for the signer's key"
            }
            E::AlgorithmMismatch => "digest and signature of the message are by different hashes",
            E::UnlistedDigest => "the signer's digest is none of those that the message lists",
            E::NoAttributes => "the message needs signed attributes for its content type",
            E::NoContentType => "the signed attributes have no content type",
            E::NoDigest => "the signed attributes have no message digest",
            E::RepeatedAttribute => "a signed attribute is there twice",
            E::WrongValues => "a signed attribute has no value, or more than one",
            E::UnsortedAttributes => "the signed attributes are not in the order of DER",
            E::StrayAttribute => "an attribute that has to be signed is among those that are not",
            E::WrongContentType => "the content of the message is of a type that is not accepted",
            E::ContentTypeMismatch => "the content type that was signed is not the message's",
            E::DigestMismatch => "the message was signed for other content",
            E::BadSignature => "the signature of the message is wrong",
            E::Detached => "the content is not in the signed message",
            E::Attached => "the content is in the signed message, where it must be apart",
            E::NeedsContent => "the signature is over the content itself, not over a digest",
            E::AmbiguousContent => "the signature may be that of another message's attributes",
            E::WrongDigestLength => "the digest has not the length of the message's hash",
            E::NoSignerCertificate => "the certificate of the signer is missing",
        })
    }
}

/// The sentence for the certificates of a signer: those of [`VerifyError`] are about servers.
fn signer(error: &VerifyError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use VerifyError as E;
    if let Some(role) = error.role() {
        f.write_str(match role {
            Role::Leaf => "certificate of the signer ",
            Role::Issuer => "certificate of a CA with the signed message ",
            Role::Root => "root certificate for signed messages ",
        })?;
    }
    f.write_str(match error {
        E::BadCertificate(_) => "is malformed or against RFC 5280",
        E::NoKeyIdentifier(_) => "has no key identifier",
        E::UnknownCriticalExtension(_) => "has a critical extension that is not understood",
        E::Expired(_) => "has expired",
        E::NotYetValid(_) => "is not valid yet",
        E::WrongUsage(_) => "does not name this use in its extended key usage",
        E::WrongKeyUsage(_) => "does not allow this use of its key (key usage)",
        E::NotACa(_) => "signed another, but is no CA's",
        E::WrongCriticality(_) => {
            "has an extension that is critical and must not be, or is not and has to be"
        }
        E::NoTrust => "neither roots nor keys are pinned, so no signer can be trusted",
        E::TooMuchTrust => "more roots or algorithms for signed messages than supported",
        E::TooManyCertificates => "the signer has more certificates than supported",
        E::CaAsLeaf => "a CA's certificate is used as the signer's",
        E::PathTooLong => "the signer's path is longer than a CA in it, or this build, allows",
        E::NameConstraint => "a CA above the signer may not certify its names",
        E::UnknownIssuer => "no path leads from the signer's certificate to a pinned root",
        E::NotPinned => "no certificate of the signer's has a pinned key",
        E::BadSignature => "the signature of a certificate of the signer's path is wrong",
        E::UnsupportedSignature => {
            "a certificate of the signer's path is signed by an algorithm that is not supported"
        }
        E::RsaOnly => "the signer's key is an RSA key",
        E::UnsupportedKey => "the signer's key is of a kind that is not supported",
        E::BudgetExceeded => "the signer's certificates take more work than a boot may spend",
        E::BadName
        | E::WrongName
        | E::BroadWildcard
        | E::BadHostName
        | E::StrayCommonName
        | E::NoCertificate
        | E::WrongProof
        | E::WrongScheme => "the signer's certificates were judged as a server's",
    })
}

impl core::error::Error for CmsError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            CmsError::Signer(error) => Some(error),
            _ => None,
        }
    }
}

impl Coded for CmsError {
    /// Those of certificates are 0x40 to 0x9F, each the lower half of [`VerifyError`]'s.
    fn code(&self) -> u32 {
        use CmsError as E;
        Module::Cms.code(match self {
            E::Pem => 0x01,
            E::Ber => 0x02,
            E::TooLarge => 0x03,
            E::UnsupportedType => 0x04,
            E::NotSigned => 0x05,
            E::NoSigner => 0x06,
            E::SeveralSigners => 0x07,
            E::TooManyCertificates => 0x08,
            E::TooManyAlgorithms => 0x09,
            E::TooManyCrls => 0x0A,
            E::TooManyAttributes => 0x0B,
            E::AttributesTooLong => 0x0C,
            E::UnsupportedVersion => 0x0D,
            E::Malformed(Part::Message) => 0x10,
            E::Malformed(Part::SignedData) => 0x11,
            E::Malformed(Part::Certificates) => 0x12,
            E::Malformed(Part::SignerInfo) => 0x13,
            E::Malformed(Part::SignedAttributes) => 0x14,
            E::Malformed(Part::UnsignedAttributes) => 0x15,
            E::UnsupportedDigest => 0x18,
            E::RsaSignature => 0x19,
            E::UnsupportedSignature => 0x1A,
            E::AlgorithmMismatch => 0x1B,
            E::UnlistedDigest => 0x1C,
            E::NoAttributes => 0x20,
            E::NoContentType => 0x21,
            E::NoDigest => 0x22,
            E::RepeatedAttribute => 0x23,
            E::WrongValues => 0x24,
            E::UnsortedAttributes => 0x25,
            E::StrayAttribute => 0x26,
            E::WrongContentType => 0x28,
            E::ContentTypeMismatch => 0x29,
            E::DigestMismatch => 0x2A,
            E::BadSignature => 0x2B,
            E::Detached => 0x2C,
            E::Attached => 0x2D,
            E::NeedsContent => 0x2E,
            E::AmbiguousContent => 0x2F,
            E::WrongDigestLength => 0x30,
            E::NoSignerCertificate => 0x31,
            E::Signer(error) => (error.code() & 0xFFFF) as u16,
        })
    }

    fn blame(&self) -> Blame {
        use CmsError as E;
        match self {
            E::WrongDigestLength => Blame::Caller,
            E::Signer(error) => error.blame(),
            // What an attacker would show.
            E::SeveralSigners
            | E::AlgorithmMismatch
            | E::UnlistedDigest
            | E::RepeatedAttribute
            | E::WrongValues
            | E::UnsortedAttributes
            | E::StrayAttribute
            | E::NoContentType
            | E::NoDigest
            | E::ContentTypeMismatch
            | E::DigestMismatch
            | E::BadSignature
            | E::AmbiguousContent
            | E::Malformed(_) => Blame::Peer,
            // Somebody made or published the wrong message.
            E::Pem
            | E::Ber
            | E::TooLarge
            | E::UnsupportedType
            | E::NotSigned
            | E::NoSigner
            | E::TooManyCertificates
            | E::TooManyAlgorithms
            | E::TooManyCrls
            | E::TooManyAttributes
            | E::AttributesTooLong
            | E::UnsupportedVersion
            | E::UnsupportedDigest
            | E::RsaSignature
            | E::UnsupportedSignature
            | E::NoAttributes
            | E::WrongContentType
            | E::Detached
            | E::Attached
            | E::NeedsContent
            | E::NoSignerCertificate => Blame::Server,
        }
    }
}
