//! Messages of OpenSSL that are refused, each by its name.

use crate::openssl;
use crate::people::{Asked, CONTENT, NOW, judge, other, pki, root, signer, signer_with};
use core::error::Error as _;
use netboot_cms::{CmsError, Content, ContentHasher, Message, Policy, oid};
use netboot_core::Coded;
use netboot_x509::{
    DEFAULT_ALGORITHMS, MAX_DEPTH, P256_SHA256, Role, TimePolicy, Trust, TrustPolicy, VerifyError,
};
use test_pki::{KeyKind, Pki, Usage, Validity};

#[test]
fn rsa() {
    let rsa = signer_with(KeyKind::Rsa2048);
    for arguments in [
        &["-md", "sha256"][..],
        &["-md", "sha256", "-keyopt", "rsa_padding_mode:pss"],
    ] {
        let message = openssl::attached(&rsa, arguments);
        assert_eq!(judge(&message), Err(CmsError::RsaSignature));
    }
}

#[test]
fn digests_that_are_not_supported() {
    for md in ["sha1", "sha224", "sha512"] {
        let message = openssl::attached(&signer(), &["-md", md]);
        let verdict = judge(&message);
        assert_eq!(verdict, Err(CmsError::UnsupportedSignature), "{md}");
    }
}

#[test]
fn two_signers() {
    let (one, two) = (signer(), other());
    let message = openssl::sign(&[&one, &two], CONTENT, &["-nodetach", "-md", "sha256"]);
    assert_eq!(judge(&message), Err(CmsError::SeveralSigners));
    assert!(openssl::verify(&message, None, &[root()], &[]).is_ok());
}

/// What OpenSSL streams is BER; the same message in DER is accepted.
#[test]
fn streams() {
    for arguments in [
        &["-stream", "-md", "sha256"][..],
        &["-stream", "-md", "sha256", "-nodetach"],
    ] {
        let message = openssl::sign(&[&signer()], CONTENT, arguments);
        assert_eq!(message[1], 0x80, "an indefinite length");
        assert_eq!(judge(&message), Err(CmsError::Ber));
        let told = judge(&openssl::to_der(&message)).unwrap();
        assert_eq!(told.content.as_deref(), Some(CONTENT));
    }
}

#[test]
fn text() {
    let message = openssl::attached(&signer(), &["-md", "sha256", "-outform", "PEM"]);
    assert_eq!(judge(&message), Err(CmsError::Pem));
}

#[test]
fn another_content_type() {
    let voucher = [
        "-md",
        "sha256",
        "-econtent_type",
        "1.2.840.113549.1.9.16.1.40",
    ];
    let message = openssl::attached(&signer(), &voucher);
    assert_eq!(judge(&message).unwrap().content_type, oid::VOUCHER_JSON);
    let asked = Asked {
        content_types: vec![oid::DATA],
        ..Asked::default()
    };
    let verdict = asked.attached(&message);
    assert_eq!(verdict, Err(CmsError::WrongContentType));
}

/// The board says which pairs of curve and hash it verifies.
#[test]
fn an_algorithm_that_the_board_does_not_have() {
    let message = openssl::sign(&[&signer()], CONTENT, &["-md", "sha384"]);
    let roots = [&root()[..]];
    let judge = |algorithms| {
        let policy = Policy {
            trust: Trust {
                policy: TrustPolicy::Pinned {
                    roots: &roots,
                    keys: &[],
                },
                time: TimePolicy::Trusted(NOW),
                algorithms,
                max_depth: MAX_DEPTH,
            },
            usage: Some(oid::CODE_SIGNING),
            content_types: &[oid::DATA],
        };
        let signed = Message::parse(&message)?.signed()?;
        signed.verify(Content::Octets(CONTENT), &[], &policy)?;
        Ok(())
    };
    assert_eq!(judge(DEFAULT_ALGORITHMS), Ok(()));
    let without = judge(&[P256_SHA256]);
    assert_eq!(without, Err(CmsError::UnsupportedSignature));
}

/// An error says what is wrong, and has the error of the certificates behind it.
#[test]
fn texts_and_causes() {
    let error = CmsError::Signer(VerifyError::Expired(Role::Leaf));
    assert_eq!(error.to_string(), "certificate of the signer has expired");
    let cause = error.source().unwrap();
    assert_eq!(
        cause.to_string(),
        VerifyError::Expired(Role::Leaf).to_string()
    );
    let error = CmsError::NotSigned;
    assert_eq!(error.to_string(), "the message is not signed");
    assert!(error.source().is_none());
}

#[test]
fn other_content() {
    let asked = Asked::default();
    let message = openssl::sign(&[&signer()], CONTENT, &["-md", "sha256"]);
    let verdict = asked.of(&message, Content::Octets(b"other"));
    assert_eq!(verdict, Err(CmsError::DigestMismatch));
    let mut hasher = ContentHasher::new();
    hasher.update(b"other");
    let verdict = asked.of(&message, Content::Hashed(&hasher.clone().finish()));
    assert_eq!(verdict, Err(CmsError::DigestMismatch));
    let plain = openssl::sign(&[&signer()], CONTENT, &["-md", "sha256", "-noattr"]);
    let verdict = asked.of(&plain, Content::Hashed(&hasher.finish()));
    assert_eq!(verdict, Err(CmsError::BadSignature));
    let verdict = asked.of(&message, Content::Digest(&[7; 32]));
    assert_eq!(verdict, Err(CmsError::DigestMismatch));
    for length in [0, 20, 31, 33, 48] {
        let verdict = asked.of(&message, Content::Digest(&vec![7; length]));
        assert_eq!(verdict, Err(CmsError::WrongDigestLength), "{length}");
    }
    let message = openssl::sign(&[&signer()], CONTENT, &["-md", "sha256", "-noattr"]);
    let verdict = asked.of(&message, Content::Octets(b"other"));
    assert_eq!(verdict, Err(CmsError::BadSignature));
}

/// The certificates of a signer, and what is wrong with them.
#[test]
fn signers_that_are_not_trusted() {
    let signer_of = |pki: Pki, usage| pki.signer("Signer", usage, Validity::default()).unwrap();
    let from_2020_to_2021 = Validity {
        from: (2020, 1, 1),
        to: (2021, 1, 1),
    };
    let in_2049 = Validity {
        from: (2049, 1, 1),
        ..Validity::default()
    };
    let of = |validity| {
        pki()
            .signer("Signer", Usage::CodeSigning, validity)
            .unwrap()
    };
    for (what, signer, error) in [
        (
            "another root",
            signer_of(Pki::with_intermediate(2), Usage::CodeSigning),
            // It has the same name.
            VerifyError::BadSignature,
        ),
        (
            "no usage",
            signer_of(pki(), Usage::None),
            VerifyError::WrongUsage(Role::Leaf),
        ),
        (
            "a server",
            signer_of(pki(), Usage::Server),
            VerifyError::WrongUsage(Role::Leaf),
        ),
        (
            "expired",
            of(from_2020_to_2021),
            VerifyError::Expired(Role::Leaf),
        ),
        (
            "not yet valid",
            of(in_2049),
            VerifyError::NotYetValid(Role::Leaf),
        ),
    ] {
        let message = crate::forge::Forge::honest(&signer, CONTENT).der();
        assert_eq!(judge(&message), Err(CmsError::Signer(error)), "{what}");
        assert_eq!(
            CmsError::Signer(error).code(),
            0x000E_0000 | error.code() & 0xFFFF
        );
    }
    // A usage that nobody asks for does no harm.
    let server = signer_of(pki(), Usage::Server);
    let message = crate::forge::Forge::honest(&server, CONTENT).der();
    let asked = Asked {
        usage: None,
        ..Asked::default()
    };
    assert!(asked.attached(&message).is_ok());
    // Who asks for one gets it from a pinned signer, too.
    let pinned = Asked {
        roots: vec![server.chain[0].to_vec()],
        ..Asked::default()
    };
    let wrong = Err(CmsError::Signer(VerifyError::WrongUsage(Role::Leaf)));
    assert_eq!(pinned.attached(&message), wrong);
    let nobody = Asked {
        roots: vec![],
        ..Asked::default()
    };
    let no_trust = Err(CmsError::Signer(VerifyError::NoTrust));
    assert_eq!(nobody.attached(&message), no_trust);
}

#[test]
fn a_missing_ca() {
    let signer = signer();
    let mut alone = crate::forge::Forge::honest(&signer, CONTENT);
    alone.certificates.truncate(1);
    let unknown = Err(CmsError::Signer(VerifyError::UnknownIssuer));
    assert_eq!(judge(&alone.der()), unknown);
    let asked = Asked {
        certificates: vec![signer.chain[1].to_vec()],
        ..Asked::default()
    };
    assert!(asked.attached(&alone.der()).is_ok());
}

/// OpenSSL's other kinds of messages.
#[test]
fn messages_of_other_kinds() {
    // id-envelopedData and id-encryptedData begin with a SEQUENCE.
    for last in [3, 6] {
        let mut kind = oid::DATA.to_vec();
        kind[8] = last;
        let message = crate::forge::info(&kind, &[0x30, 0]);
        let verdict = Message::parse(&message).err();
        assert_eq!(verdict, Some(CmsError::UnsupportedType));
    }
}
