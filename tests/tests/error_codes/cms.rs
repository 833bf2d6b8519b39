//! The errors of signed messages: the message's, and those of its signer's certificates.

use super::Row;
use super::lists::list;
use netboot_cms::{CmsError, Part};
use netboot_x509::{Role, VerifyError};

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    messages(&mut rows);
    certificates(&mut rows);
    of_roles(&mut rows);
    rows
}

fn messages(rows: &mut Vec<Row>) {
    use CmsError as E;
    list!(rows, CmsError, "CmsError", std::convert::identity,
        // Numbers of its own: below.
        E::Signer(_) => E::Signer(VerifyError::BadName), "Signer", "";
        E::Pem => E::Pem, "Pem",
            "Publish the message in DER: `openssl cms -cmsout -inform PEM -in FILE -outform DER -out FILE.der`.";
        E::Ber => E::Ber, "Ber",
            "Sign without `-stream`, or make it DER: `openssl cms -cmsout -inform DER -in FILE -outform DER -out FILE.der`; the signature stays right.";
        E::TooLarge => E::TooLarge, "TooLarge",
            "Sign large content apart from the message (`openssl cms -sign` without `-nodetach`), and leave out certificates that nobody needs.";
        E::UnsupportedType => E::UnsupportedType, "UnsupportedType",
            "Sign the content and do not encrypt it: `openssl cms -sign`.";
        E::NotSigned => E::NotSigned, "NotSigned",
            "Sign the content: `openssl cms -sign -binary -nodetach`.";
        E::NoSigner => E::NoSigner, "NoSigner",
            "This file only carries certificates: publish the signed message in its place.";
        E::SeveralSigners => E::SeveralSigners, "SeveralSigners",
            "Let one key sign, and publish one message for each further one.";
        E::TooManyCertificates => E::TooManyCertificates, "TooManyCertificates",
            "Leave out certificates that are not on the path from the signer to the pinned root.";
        E::TooManyAlgorithms => E::TooManyAlgorithms, "TooManyAlgorithms",
            "Let the tool that signs list only the digest algorithm of the signer.";
        E::TooManyCrls => E::TooManyCrls, "TooManyCrls",
            "Leave the revocation lists out: a ROM does not read them.";
        E::TooManyAttributes => E::TooManyAttributes, "TooManyAttributes",
            "Sign with fewer attributes; content type, digest and signing time are enough.";
        E::AttributesTooLong => E::AttributesTooLong, "AttributesTooLong",
            "Sign with fewer attributes; with OpenSSL, `-nosmimecap` leaves one out.";
        E::UnsupportedVersion => E::UnsupportedVersion, "UnsupportedVersion",
            "Sign with a tool that follows RFC 5652, such as `openssl cms`.";
        E::Malformed(Part::Message) => E::Malformed(Part::Message), "Malformed(Message)",
            "See what the file is: `openssl asn1parse -inform DER -in FILE`. It may be cut, or the answer of a server that has no such file.";
        E::Malformed(Part::SignedData) => E::Malformed(Part::SignedData), "Malformed(SignedData)",
            "Sign with a tool that follows RFC 5652 (section 5.1), such as `openssl cms`.";
        E::Malformed(Part::Certificates) => E::Malformed(Part::Certificates), "Malformed(Certificates)",
            "Sign anew with certificates that `openssl x509 -text` can read.";
        E::Malformed(Part::SignerInfo) => E::Malformed(Part::SignerInfo), "Malformed(SignerInfo)",
            "Sign with a tool that follows RFC 5652 (section 5.3), such as `openssl cms`.";
        E::Malformed(Part::SignedAttributes) => E::Malformed(Part::SignedAttributes), "Malformed(SignedAttributes)",
            "Sign with a tool that follows RFC 5652 (section 11), such as `openssl cms`.";
        E::Malformed(Part::UnsignedAttributes) => E::Malformed(Part::UnsignedAttributes), "Malformed(UnsignedAttributes)",
            "Leave the unsigned attributes out, or see which tool has added them.";
        E::UnsupportedDigest => E::UnsupportedDigest, "UnsupportedDigest",
            "Sign with SHA-256 (`openssl cms -sign -md sha256`), or build the ROM with `p384` for SHA-384.";
        E::RsaSignature => E::RsaSignature, "RsaSignature",
            "Sign with a key on P-256 (ECDSA); a ROM does not verify RSA.";
        E::UnsupportedSignature => E::UnsupportedSignature, "UnsupportedSignature",
            "Sign by ECDSA with a key on P-256 and SHA-256, or build the ROM with `p384`.";
        E::AlgorithmMismatch => E::AlgorithmMismatch, "AlgorithmMismatch",
            "Sign with one hash for digest and signature: `openssl cms -sign -md sha256`. If the tool did, somebody has changed the message.";
        E::UnlistedDigest => E::UnlistedDigest, "UnlistedDigest",
            "Sign with a tool that lists the signer's digest algorithm, such as `openssl cms`. If it did, somebody has changed the message.";
        E::NoAttributes => E::NoAttributes, "NoAttributes",
            "Sign with attributes: leave `-noattr` out.";
        E::NoContentType => E::NoContentType, "NoContentType",
            "Sign with a tool that signs the content type, such as `openssl cms`.";
        E::NoDigest => E::NoDigest, "NoDigest",
            "Sign with a tool that signs the digest of the content, such as `openssl cms`.";
        E::RepeatedAttribute => E::RepeatedAttribute, "RepeatedAttribute",
            "Sign with a tool that signs each attribute once, such as `openssl cms`.";
        E::WrongValues => E::WrongValues, "WrongValues",
            "Sign with a tool that gives each attribute one value, such as `openssl cms`.";
        E::UnsortedAttributes => E::UnsortedAttributes, "UnsortedAttributes",
            "Sign with a tool that writes attributes in DER, such as `openssl cms`.";
        E::StrayAttribute => E::StrayAttribute, "StrayAttribute",
            "Somebody has added attributes to the message after it was signed: publish the message as it was signed.";
        E::WrongContentType => E::WrongContentType, "WrongContentType",
            "Sign with the content type that belongs here: `-econtent_type` of `openssl cms -sign`; leave it out for an image.";
        E::ContentTypeMismatch => E::ContentTypeMismatch, "ContentTypeMismatch",
            "Somebody has changed the message after it was signed: publish it as it was signed.";
        E::DigestMismatch => E::DigestMismatch, "DigestMismatch",
            "Content and signature are of different releases, or the content was converted (sign with `-binary`): publish both from one build. If they are, somebody has changed the content.";
        E::BadSignature => E::BadSignature, "BadSignature",
            "Somebody has changed the message, or signed it with another key than that of the certificate: sign it anew.";
        E::Detached => E::Detached, "Detached",
            "Sign with the content in the message: `openssl cms -sign -nodetach`.";
        E::Attached => E::Attached, "Attached",
            "Sign with the content apart from the message: `openssl cms -sign` without `-nodetach`.";
        E::NeedsContent => E::NeedsContent, "NeedsContent",
            "Sign with attributes (leave `-noattr` out): content that streams is verified by its digest.";
        E::AmbiguousContent => E::AmbiguousContent, "AmbiguousContent",
            "Sign with attributes (leave `-noattr` out). If nobody signed such content, somebody has made it out of another message.";
        E::WrongDigestLength => E::WrongDigestLength, "WrongDigestLength",
            "A defect of the caller: compute the digest with the hash that `SignedData::hash` tells.";
        E::NoSignerCertificate => E::NoSignerCertificate, "NoSignerCertificate",
            "Sign with the certificate in the message: leave `-nocerts` out, and sign with the certificate that belongs to the key.";
    );
    rows.retain(|row| !row.advice.is_empty());
}

/// Advice without words stands for what only certificates of servers have.
fn certificates(rows: &mut Vec<Row>) {
    use VerifyError as E;
    const LEAF: Role = Role::Leaf;
    list!(rows, VerifyError, "CmsError::Signer", CmsError::Signer,
        E::BadName => E::BadName, "BadName", "";
        E::WrongName => E::WrongName, "WrongName", "";
        E::BroadWildcard => E::BroadWildcard, "BroadWildcard", "";
        E::BadHostName => E::BadHostName, "BadHostName", "";
        E::StrayCommonName => E::StrayCommonName, "StrayCommonName", "";
        E::NoCertificate => E::NoCertificate, "NoCertificate", "";
        E::WrongProof => E::WrongProof, "WrongProof", "";
        E::WrongScheme => E::WrongScheme, "WrongScheme", "";
        E::NoTrust => E::NoTrust, "NoTrust",
            "Build the ROM with a root for signers, or pin one before signatures are asked for.";
        E::TooMuchTrust => E::TooMuchTrust, "TooMuchTrust",
            "Pin at most eight roots, and use at most eight signature algorithms.";
        E::TooManyCertificates => E::TooManyCertificates, "TooManyCertificates",
            "Leave out certificates that are not on the path from the signer to the pinned root, or that come twice.";
        E::BadCertificate(_) => E::BadCertificate(LEAF), "BadCertificate(Leaf)",
            "Issue the signer's certificate anew by RFC 5280: version 3, a positive serial number, an issuer.";
        E::NoKeyIdentifier(_) => E::NoKeyIdentifier(LEAF), "NoKeyIdentifier(Leaf)",
            "Issue the signer's certificate anew with an authorityKeyIdentifier (`authorityKeyIdentifier=keyid` for OpenSSL).";
        E::UnknownCriticalExtension(_) => E::UnknownCriticalExtension(LEAF), "UnknownCriticalExtension(Leaf)",
            "Issue the signer's certificate anew without that extension, or not as critical.";
        E::Expired(_) => E::Expired(LEAF), "Expired(Leaf)",
            "Sign anew with a certificate that is valid.";
        E::NotYetValid(_) => E::NotYetValid(LEAF), "NotYetValid(Leaf)",
            "Sign with a certificate that is valid already, and see that the board's time is right.";
        E::WrongUsage(_) => E::WrongUsage(LEAF), "WrongUsage(Leaf)",
            "Issue the signer's certificate anew with the extended key usage for this: `extendedKeyUsage=codeSigning` for images.";
        E::WrongKeyUsage(_) => E::WrongKeyUsage(LEAF), "WrongKeyUsage(Leaf)",
            "Issue the signer's certificate anew with `keyUsage=digitalSignature` alone.";
        E::NotACa(_) => E::NotACa(Role::Issuer), "NotACa(Issuer)",
            "The signer's certificate was issued by somebody who is no CA: issue it by the CA.";
        E::WrongCriticality(_) => E::WrongCriticality(Role::Issuer), "WrongCriticality(Issuer)",
            "Issue the CA's certificate anew: basicConstraints and nameConstraints critical, extendedKeyUsage not.";
        E::CaAsLeaf => E::CaAsLeaf, "CaAsLeaf",
            "Sign with a certificate of its own for the signer (`basicConstraints=CA:FALSE`), which the CA has issued.";
        E::PathTooLong => E::PathTooLong, "PathTooLong",
            "Let a CA higher up issue the signer's certificate, or raise the pathLenConstraint.";
        E::NameConstraint => E::NameConstraint, "NameConstraint",
            "Issue the signer's certificate with names within the constraints of the CAs above it.";
        E::UnknownIssuer => E::UnknownIssuer, "UnknownIssuer",
            "Sign with the certificates of the CAs in the message (`-certfile`), and see that the pinned root is the signer's.";
        E::NotPinned => E::NotPinned, "NotPinned",
            "Sign with a certificate whose key is pinned, or with the pinned CA's certificate in the message (`-certfile`).";
        E::BadSignature => E::BadSignature, "BadSignature",
            "A CA of the same name has another key, or a certificate was forged: see that the pinned root is the one that issued it.";
        E::UnsupportedSignature => E::UnsupportedSignature, "UnsupportedSignature",
            "Let CAs with ECDSA keys on P-256 issue the signer's certificate, with SHA-256; or build the ROM with `p384`.";
        E::RsaOnly => E::RsaOnly, "RsaOnly",
            "Sign with a certificate for a key on P-256; a ROM does not verify RSA.";
        E::UnsupportedKey => E::UnsupportedKey, "UnsupportedKey",
            "Sign with a certificate for a key on P-256, or on P-384 with a ROM that has it.";
        E::BudgetExceeded => E::BudgetExceeded, "BudgetExceeded",
            "Sign with the certificates of one path alone: others look like an attack on the board's time.";
    );
    rows.retain(|row| !row.advice.is_empty());
}

/// What is wrong with a certificate has a number for each place in the path.
fn of_roles(rows: &mut Vec<Row>) {
    use VerifyError as E;
    const CA: Role = Role::Issuer;
    const ROOT: Role = Role::Root;
    for (error, name, advice) in [
        (
            E::BadCertificate(CA),
            "BadCertificate(Issuer)",
            "Issue the CA's certificate anew by RFC 5280.",
        ),
        (
            E::BadCertificate(ROOT),
            "BadCertificate(Root)",
            "Pin a root that follows RFC 5280: version 3, basicConstraints, no policy constraints.",
        ),
        (
            E::NoKeyIdentifier(CA),
            "NoKeyIdentifier(Issuer)",
            "Issue the CA's certificate anew with both key identifiers (`subjectKeyIdentifier=hash`, `authorityKeyIdentifier=keyid`).",
        ),
        (
            E::NoKeyIdentifier(ROOT),
            "NoKeyIdentifier(Root)",
            "Pin a root with a subjectKeyIdentifier.",
        ),
        (
            E::UnknownCriticalExtension(CA),
            "UnknownCriticalExtension(Issuer)",
            "Issue the CA's certificate anew without that extension, or not as critical.",
        ),
        (
            E::UnknownCriticalExtension(ROOT),
            "UnknownCriticalExtension(Root)",
            "Pin a root without that extension.",
        ),
        (
            E::Expired(CA),
            "Expired(Issuer)",
            "Renew the CA's certificate, and sign anew with it in the message.",
        ),
        (
            E::Expired(ROOT),
            "Expired(Root)",
            "Pin the certificate that follows the root, and sign anew below it.",
        ),
        (
            E::NotYetValid(CA),
            "NotYetValid(Issuer)",
            "Sign with the certificate of a CA that is valid already.",
        ),
        (
            E::NotYetValid(ROOT),
            "NotYetValid(Root)",
            "Pin a root that is valid already, and see that the board's time is right.",
        ),
        (
            E::WrongUsage(CA),
            "WrongUsage(Issuer)",
            "Issue the CA's certificate anew without an extended key usage, or with that of the signer in it.",
        ),
        (
            E::WrongUsage(ROOT),
            "WrongUsage(Root)",
            "Pin a root without an extended key usage.",
        ),
        (
            E::WrongKeyUsage(CA),
            "WrongKeyUsage(Issuer)",
            "Issue the CA's certificate anew with `keyUsage=keyCertSign`.",
        ),
        (
            E::WrongKeyUsage(ROOT),
            "WrongKeyUsage(Root)",
            "Pin a root with `keyUsage=keyCertSign`.",
        ),
        (
            E::NotACa(ROOT),
            "NotACa(Root)",
            "Pin the certificate of a CA, or the signer's own.",
        ),
        (
            E::WrongCriticality(ROOT),
            "WrongCriticality(Root)",
            "Pin a root whose basicConstraints are critical.",
        ),
    ] {
        let name = format!("CmsError::Signer::{name}");
        rows.push(Row::of(&name, &CmsError::Signer(error), advice));
    }
}
