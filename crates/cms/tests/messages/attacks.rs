//! What a forger tries who has a signature of the signer, or a certificate of the same CA. Each has its error.

use crate::forge::{self, Forge, algorithm, attribute, der, sha256};
use crate::openssl;
use crate::people::{Asked, CONTENT, judge, other, root, signer};
use netboot_cms::{CmsError, Content, ContentHasher, Part, oid};

/// One change of an honest message, and the error that it has.
type Attack = (&'static str, fn(&mut Forge), CmsError);

fn content_type() -> Vec<u8> {
    attribute(forge::CONTENT_TYPE, &[der(0x06, oid::DATA)])
}

fn digest() -> Vec<u8> {
    attribute(forge::DIGEST, &[der(0x04, &sha256(CONTENT))])
}

fn voucher(forge: &mut Forge) {
    forge.version = 3;
    forge.content_type = der(0x06, oid::VOUCHER_JSON);
}

#[test]
fn each_attack_has_its_error() {
    let malformed = CmsError::Malformed(Part::SignedAttributes);
    let attacks: &[Attack] = &[
        ("two signers", |f| f.signers = 2, CmsError::SeveralSigners),
        ("a hundred", |f| f.signers = 100, CmsError::SeveralSigners),
        (
            "other content with its digest among the unsigned attributes",
            |f| {
                f.content = Some(b"other".to_vec());
                let digest = attribute(forge::DIGEST, &[der(0x04, &sha256(b"other"))]);
                f.unsigned = Some(vec![digest]);
            },
            CmsError::StrayAttribute,
        ),
        (
            "attributes that only look signed",
            |f| {
                f.unsigned = f.attributes.take();
                voucher(f);
            },
            CmsError::StrayAttribute,
        ),
        (
            "no attributes where the content is a voucher",
            |f| {
                f.attributes = None;
                voucher(f);
            },
            CmsError::NoAttributes,
        ),
        (
            "another digest than the signature's",
            |f| {
                f.digest = algorithm(forge::SHA384);
                f.listed.push(algorithm(forge::SHA384));
            },
            CmsError::AlgorithmMismatch,
        ),
        (
            "another signature than the digest's",
            |f| f.signature = algorithm(forge::ECDSA_SHA384),
            CmsError::AlgorithmMismatch,
        ),
        (
            "both others",
            |f| {
                f.digest = algorithm(forge::SHA384);
                f.signature = algorithm(forge::ECDSA_SHA384);
                f.listed = vec![algorithm(forge::SHA384)];
            },
            CmsError::DigestMismatch,
        ),
        (
            "a weak digest",
            |f| {
                f.digest = algorithm(forge::SHA1);
                f.listed.push(algorithm(forge::SHA1));
            },
            CmsError::UnsupportedDigest,
        ),
        (
            "a digest that is not listed",
            |f| f.listed.clear(),
            CmsError::UnlistedDigest,
        ),
        (
            "a digest with parameters",
            |f| f.digest = der(0x30, &[forge::object(forge::SHA256), vec![4, 0]].concat()),
            CmsError::UnsupportedDigest,
        ),
        (
            "a signature with parameters",
            |f| {
                f.signature = der(
                    0x30,
                    &[forge::object(forge::ECDSA_SHA256), vec![5, 0]].concat(),
                )
            },
            CmsError::UnsupportedSignature,
        ),
        (
            "ECDSA that calls itself RSA",
            |f| f.signature = algorithm(forge::RSA_SHA256),
            CmsError::RsaSignature,
        ),
        (
            "a content type that was not signed",
            voucher,
            CmsError::ContentTypeMismatch,
        ),
        (
            "a content type that nobody accepts",
            |f| f.content_type = algorithm(forge::SHA256)[2..].to_vec(),
            CmsError::WrongContentType,
        ),
        (
            "the digest of other content",
            |f| f.content = Some(b"other".to_vec()),
            CmsError::DigestMismatch,
        ),
        (
            "a digest that is a prefix",
            |f| {
                let short = der(0x04, &sha256(CONTENT)[..31]);
                f.attributes = Some(vec![content_type(), attribute(forge::DIGEST, &[short])]);
            },
            CmsError::DigestMismatch,
        ),
        (
            "no digest",
            |f| f.attributes = Some(vec![content_type()]),
            CmsError::NoDigest,
        ),
        (
            "no content type",
            |f| f.attributes = Some(vec![digest()]),
            CmsError::NoContentType,
        ),
        ("no attribute", |f| f.attributes = Some(vec![]), malformed),
        (
            "two digests",
            |f| {
                let other = attribute(forge::DIGEST, &[der(0x04, &sha256(b"other"))]);
                let mut all = vec![content_type(), digest(), other];
                all.sort();
                f.attributes = Some(all);
            },
            CmsError::RepeatedAttribute,
        ),
        (
            "two values of a digest",
            |f| {
                let two = [der(0x04, &sha256(CONTENT)), der(0x04, &sha256(b"other"))];
                f.attributes = Some(vec![content_type(), attribute(forge::DIGEST, &two)]);
            },
            CmsError::WrongValues,
        ),
        (
            "no value of a digest",
            |f| {
                let mut all = vec![content_type(), attribute(forge::DIGEST, &[])];
                all.sort();
                f.attributes = Some(all);
            },
            CmsError::WrongValues,
        ),
        (
            "two values of a signing time",
            |f| {
                let time = der(0x17, b"240301000000Z");
                let two = attribute(forge::SIGNING_TIME, &[time.clone(), time]);
                f.attributes = Some(vec![content_type(), two, digest()]);
            },
            CmsError::WrongValues,
        ),
        (
            "a signing time that is none",
            |f| {
                let time = attribute(forge::SIGNING_TIME, &[der(0x17, b"241301000000Z")]);
                let mut all = vec![content_type(), time, digest()];
                all.sort();
                f.attributes = Some(all);
            },
            malformed,
        ),
        (
            "a countersignature that is signed",
            |f| {
                let counter = attribute(forge::COUNTERSIGNATURE, &[vec![5, 0]]);
                let mut all = vec![content_type(), counter, digest()];
                all.sort();
                f.attributes = Some(all);
            },
            malformed,
        ),
        (
            "a digest that is no octets",
            |f| {
                let number = attribute(forge::DIGEST, &[der(0x02, &sha256(CONTENT))]);
                f.attributes = Some(vec![content_type(), number]);
            },
            malformed,
        ),
        (
            "a content type that is no identifier",
            |f| {
                let octets = attribute(forge::CONTENT_TYPE, &[der(0x04, oid::DATA)]);
                f.attributes = Some(vec![octets, digest()]);
            },
            malformed,
        ),
        (
            "attributes in another order",
            |f| f.attributes.as_mut().unwrap().reverse(),
            CmsError::UnsortedAttributes,
        ),
        (
            "an identifier that has no end",
            |f| f.unsigned = Some(vec![der(0x30, &[0x06, 1, 0x81, 0x31, 0])]),
            CmsError::Malformed(Part::UnsignedAttributes),
        ),
        (
            "an identifier with a number that is not in its shortest form",
            |f| f.unsigned = Some(vec![der(0x30, &[0x06, 3, 0x2A, 0x80, 1, 0x31, 0])]),
            CmsError::Malformed(Part::UnsignedAttributes),
        ),
        (
            "an identifier of no octets",
            |f| f.unsigned = Some(vec![der(0x30, &[0x06, 0, 0x31, 0])]),
            CmsError::Malformed(Part::UnsignedAttributes),
        ),
        (
            "an unsigned attribute with a value that is cut",
            |f| f.unsigned = Some(vec![attribute(forge::UNKNOWN, &[vec![4, 3, 7]])]),
            CmsError::Malformed(Part::UnsignedAttributes),
        ),
        (
            "an unsigned attribute that is none",
            |f| f.unsigned = Some(vec![vec![5, 0]]),
            CmsError::Malformed(Part::UnsignedAttributes),
        ),
        (
            "the certificate of somebody else",
            |f| f.signer = forge::issuer_and_serial(&other().chain[0]),
            CmsError::NoSignerCertificate,
        ),
        (
            "somebody else, with a certificate that is as good",
            |f| {
                f.signer = forge::issuer_and_serial(&other().chain[0]);
                f.certificates.push(other().chain[0].to_vec());
            },
            CmsError::BadSignature,
        ),
        (
            "a key identifier that no certificate has",
            |f| {
                f.signer = der(0x80, &[7; 20]);
                (f.version, f.signer_version) = (3, 3);
            },
            CmsError::NoSignerCertificate,
        ),
        (
            "a key identifier of no octets",
            |f| {
                f.signer = der(0x80, &[]);
                (f.version, f.signer_version) = (3, 3);
            },
            CmsError::NoSignerCertificate,
        ),
        (
            "no certificate",
            |f| f.certificates.clear(),
            CmsError::NoSignerCertificate,
        ),
        (
            "a version of a message that is none",
            |f| f.version = 2,
            CmsError::UnsupportedVersion,
        ),
        (
            "a version that goes with a key identifier",
            |f| f.signer_version = 3,
            CmsError::UnsupportedVersion,
        ),
        (
            "a signature by another key",
            |f| f.key = Forge::honest(&other(), CONTENT).key,
            CmsError::BadSignature,
        ),
    ];
    let signer = signer();
    for (what, change, error) in attacks {
        let mut forge = Forge::honest(&signer, CONTENT);
        change(&mut forge);
        assert_eq!(judge(&forge.der()), Err(*error), "{what}");
    }
}

/// The signature over signed attributes is also one over content that is these attributes. OpenSSL accepts it.
#[test]
fn signed_attributes_as_content() {
    let honest = Forge::honest(&signer(), CONTENT);
    let mut confused = honest.clone();
    confused.content = Some(honest.signed());
    confused.attributes = None;
    let message = confused.der();
    assert!(openssl::verify(&message, None, &[root()], &[]).is_ok());
    assert_eq!(judge(&message), Err(CmsError::AmbiguousContent));
    confused.content = None;
    let apart = honest.signed();
    let verdict = Asked::default().of(&confused.der(), Content::Octets(&apart));
    assert_eq!(verdict, Err(CmsError::AmbiguousContent));
    let mut hasher = ContentHasher::new();
    apart.chunks(5).for_each(|piece| hasher.update(piece));
    let verdict = Asked::default().of(&confused.der(), Content::Hashed(&hasher.finish()));
    assert_eq!(verdict, Err(CmsError::AmbiguousContent));
}

/// Lengths that lie, and lengths that are too long, at each place of a message that has one.
#[test]
fn lengths_that_lie() {
    let message = Forge::honest(&signer(), CONTENT).der();
    for at in 1..message.len() {
        for length in [
            &[0x80][..],
            &[0x83, 0, 1, 0],
            &[0x84, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0xFF],
        ] {
            let mut changed = message.clone();
            changed.splice(at..at + 1, length.iter().copied());
            let same = changed == message;
            assert_eq!(judge(&changed).is_ok(), same, "{length:x?} at {at}");
        }
    }
    let begins = |octets: &[u8]| judge(octets).unwrap_err();
    assert_eq!(
        begins(&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]),
        CmsError::TooLarge
    );
    assert_eq!(begins(&[0x30, 0x80, 0, 0]), CmsError::Ber);
    let malformed = CmsError::Malformed(Part::Message);
    for octets in [
        &[][..],
        &[0x30],
        &[0x30, 5, 6],
        &[0x30, 0xFF, 6],
        &[0x31, 0],
    ] {
        assert_eq!(begins(octets), malformed, "{octets:x?}");
    }
}

/// A string in pieces, which BER allows.
#[test]
fn content_in_pieces() {
    let pieces = der(0x24, &[der(0x04, b"an "), der(0x04, b"image")].concat());
    let data = [
        der(0x02, &[1]),
        der(0x31, &[]),
        der(0x30, &[der(0x06, oid::DATA), der(0xA0, &pieces)].concat()),
        der(0x31, &[]),
    ];
    let message = forge::info(oid::SIGNED_DATA, &der(0x30, &data.concat()));
    assert_eq!(judge(&message), Err(CmsError::Ber));
}
