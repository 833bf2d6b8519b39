//! Messages of OpenSSL that are accepted.

use crate::forge;
use crate::openssl;
use crate::people::{Asked, CONTENT, NOW, judge, pki, root, signer, signer_with};
use netboot_cms::{CmsError, Content, ContentHasher, Hash, Message, oid};
use netboot_x509::TimePolicy;
use std::time::SystemTime;
use test_pki::{KeyKind, Usage, Validity};

/// Both curves with both hashes, both ways to name the signer, with and without attributes, content in and apart.
#[test]
fn each_form_of_openssl() {
    let asked = Asked::default();
    for kind in [KeyKind::P256, KeyKind::P384] {
        let signer = signer_with(kind);
        for (md, hash) in [("sha256", Hash::Sha256), ("sha384", Hash::Sha384)] {
            let digest = forge::digest(&format!("-{md}"), CONTENT);
            for arguments in [
                &["-md", md][..],
                &["-md", md, "-keyid"],
                &["-md", md, "-nosmimecap"],
                &["-md", md, "-noattr"],
                &["-md", md, "-noattr", "-keyid"],
            ] {
                let what = format!("{kind:?} {arguments:?}");
                let attributes = !arguments.contains(&"-noattr");
                let message = openssl::attached(&signer, arguments);
                let told = judge(&message).unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(told.content.as_deref(), Some(CONTENT), "{what}");
                assert_eq!(told.content_type, oid::DATA, "{what}");
                assert_eq!(told.signer, signer.chain[0].to_vec(), "{what}");
                assert_eq!(told.signing_time.is_some(), attributes, "{what}");
                let apart = asked.of(&message, Content::Octets(CONTENT));
                assert_eq!(apart, Err(CmsError::Attached), "{what}");

                let message = openssl::sign(&[&signer], CONTENT, arguments);
                let parsed = Message::parse(&message).unwrap().signed().unwrap();
                assert!(parsed.is_detached(), "{what}");
                assert_eq!(parsed.has_signed_attributes(), attributes, "{what}");
                let claimed = attributes.then_some(&digest[..]);
                assert_eq!(parsed.claimed_digest(), claimed, "{what}");
                assert_eq!(parsed.hash(), Ok(hash), "{what}");
                assert_eq!(parsed.content_type(), oid::DATA, "{what}");
                let told = asked.of(&message, Content::Octets(CONTENT)).unwrap();
                assert_eq!(told.content, None, "{what}");
                let told = asked.of(&message, Content::Digest(&digest));
                match attributes {
                    true => assert!(told.is_ok(), "{what}: {told:?}"),
                    false => assert_eq!(told, Err(CmsError::NeedsContent), "{what}"),
                }
                let mut hasher = ContentHasher::new();
                CONTENT.chunks(3).for_each(|piece| hasher.update(piece));
                let hashed = hasher.finish();
                let told = asked.of(&message, Content::Hashed(&hashed));
                match hash {
                    Hash::Sha256 => assert!(told.is_ok(), "{what}: {told:?}"),
                    Hash::Sha384 => {
                        assert_eq!(told, Err(CmsError::UnsupportedDigest), "{what}");
                    }
                }
                let without = asked.attached(&message);
                assert_eq!(without, Err(CmsError::Detached), "{what}");
            }
        }
    }
}

/// The signer's time is the time of this test.
#[test]
fn the_signing_time_is_told() {
    let message = openssl::attached(&signer(), &["-md", "sha256"]);
    let told = judge(&message).unwrap().signing_time.unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap().as_secs();
    assert!((now - 600..=now + 1).contains(&told), "{told} at {now}");
}

/// RFC 8572: the signer's certificates come in a message of their own, and the pinned certificate is a root, an intermediate CA or
/// the signer's own.
#[test]
fn conveyed_information_with_an_owner_certificate() {
    let pki = pki();
    let owner = pki.signer("Owner", Usage::None, Validity::default());
    let owner = owner.unwrap();
    let [own, ca] = &owner.chain[..] else {
        panic!("{} certificates", owner.chain.len());
    };
    let content_type = "1.2.840.113549.1.9.16.1.43";
    let arguments = ["-nocerts", "-md", "sha256", "-econtent_type", content_type];
    let message = openssl::attached(&owner, &arguments);
    let carrier = openssl::degenerate(&[own, ca]);
    let carried = Message::parse(&carrier).unwrap();
    assert!(matches!(carried, Message::Certificates(_)));
    assert_eq!(carried.signed().err(), Some(CmsError::NoSigner));
    let mut certificates: Vec<Vec<u8>> = carried.certificates().iter().map(Into::into).collect();
    // A SET has no order.
    certificates.sort_by_key(|one| one != &own.to_vec());
    assert_eq!(certificates, [own.to_vec(), ca.to_vec()]);

    let asked = Asked {
        usage: None,
        certificates,
        ..Asked::default()
    };
    let told = asked.attached(&message).unwrap();
    assert_eq!(told.content_type, oid::CONVEYED_INFORMATION_JSON);
    for pinned in [root(), ca.to_vec(), own.to_vec()] {
        let asked = Asked {
            roots: vec![pinned],
            ..asked.clone()
        };
        assert!(asked.attached(&message).is_ok());
        // OpenSSL finds the signer's certificate among those that are given, and builds no path over them.
        if asked.roots != [root()] {
            let opinion = openssl::verify(&message, None, &asked.roots, &asked.certificates);
            assert_eq!(opinion.as_deref(), Ok(CONTENT));
        }
    }
    // The certificates that come twice count once.
    let twice = Asked {
        certificates: [&asked.certificates[..]; 5].concat(),
        ..asked.clone()
    };
    assert!(twice.attached(&message).is_ok());
    let none = Asked {
        certificates: vec![],
        ..asked
    };
    let missing = none.attached(&message);
    assert_eq!(missing, Err(CmsError::NoSignerCertificate));
}

/// RFC 8572 section 3.1: content that nobody has signed.
#[test]
fn plain_octets() {
    let octets = forge::der(0x04, b"{}");
    let message = forge::info(oid::CONVEYED_INFORMATION_JSON, &octets);
    let parsed = Message::parse(&message).unwrap();
    let Message::Plain(plain) = parsed else {
        panic!("{parsed:?}");
    };
    assert_eq!(plain.content_type, oid::CONVEYED_INFORMATION_JSON);
    assert_eq!(plain.content, b"{}");
    assert!(parsed.certificates().is_empty());
    assert_eq!(judge(&message), Err(CmsError::NotSigned));
}

/// A tool that signs what only carries certificates: they are handed out, even where the signature cannot be verified.
#[test]
fn certificates_of_a_signed_message() {
    let signer = signer_with(KeyKind::Rsa2048);
    let message = openssl::sign(&[&signer], b"", &["-nodetach", "-md", "sha256"]);
    let parsed = Message::parse(&message).unwrap();
    assert_eq!(parsed.certificates().iter().count(), 2);
    assert_eq!(parsed.signed().unwrap().certificates().iter().count(), 2);
}

/// Without a clock; with the time at which the ROM was built; with a clock.
#[test]
fn expiry_with_and_without_a_clock() {
    let validity = Validity {
        from: (2020, 1, 1),
        to: (2020, 12, 31),
    };
    let old = pki().signer("Old", Usage::CodeSigning, validity).unwrap();
    let message = forge::Forge::honest(&old, CONTENT).der();
    let expired = Err(CmsError::Signer(netboot_x509::VerifyError::Expired(
        netboot_x509::Role::Leaf,
    )));
    for (time, accepted) in [
        (TimePolicy::None, true),
        // 2020-06-01 and 2025-01-01.
        (TimePolicy::Floor(1_590_969_600), true),
        (TimePolicy::Floor(NOW), false),
        (TimePolicy::Trusted(1_590_969_600), true),
        (TimePolicy::Trusted(NOW), false),
    ] {
        let asked = Asked {
            time,
            ..Asked::default()
        };
        let verdict = asked.attached(&message);
        match accepted {
            true => assert!(verdict.is_ok(), "{time:?}: {verdict:?}"),
            false => assert_eq!(verdict, expired, "{time:?}"),
        }
    }
}

/// A forger who changes nothing is honest: the forger of the other tests makes what OpenSSL accepts.
#[test]
fn an_honest_forger() {
    let signer = signer();
    let honest = forge::Forge::honest(&signer, CONTENT);
    let mut plain = honest.clone();
    plain.attributes = None;
    let mut unsigned = honest.clone();
    unsigned.unsigned = Some(vec![forge::attribute(forge::UNKNOWN, &[vec![4, 1, 7]])]);
    let mut timed = honest.clone();
    let time = forge::der(0x17, b"240301000000Z");
    let attribute = forge::attribute(forge::SIGNING_TIME, &[time]);
    timed.attributes.as_mut().unwrap().push(attribute);
    timed.attributes.as_mut().unwrap().sort();
    let mut null = honest.clone();
    null.digest = forge::der(0x30, &[forge::object(forge::SHA256), vec![5, 0]].concat());
    for message in [honest, plain, unsigned, timed, null] {
        let message = message.der();
        assert_eq!(judge(&message).unwrap().content.as_deref(), Some(CONTENT));
        let opinion = openssl::verify(&message, None, &[root()], &[]);
        assert_eq!(opinion.as_deref(), Ok(CONTENT));
    }
}
