//! What the authority issues, judged by rustls-webpki.

use rustls_pki_types::{ServerName, UnixTime};
use std::time::Duration;
use test_pki::{Flaw, Identity, KeyKind, Pki};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

/// 2026-08-01.
const NOW: u64 = 1_785_542_400;
const NAME: &str = "images.example";

/// Path and name by the rules, `seconds` after 1970.
fn verify(pki: &Pki, identity: &Identity, name: &str, client: bool) -> Result<(), Error> {
    let root = pki.root().unwrap();
    let anchor = anchor_from_trusted_cert(&root).unwrap();
    let (leaf, rest) = identity.chain.split_first().unwrap();
    let leaf = EndEntityCert::try_from(leaf)?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let usage = if client {
        KeyUsage::client_auth()
    } else {
        KeyUsage::server_auth()
    };
    let anchors = [anchor];
    leaf.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        &anchors,
        rest,
        time,
        usage,
        None,
        None,
    )?;
    if client {
        return Ok(());
    }
    leaf.verify_is_valid_for_subject_name(&ServerName::try_from(name).unwrap())
}

#[test]
fn good_chains_are_good() {
    for intermediates in 0..4 {
        for keys in [
            KeyKind::P256,
            KeyKind::P384,
            KeyKind::Rsa2048,
            KeyKind::Ed25519,
        ] {
            let pki = Pki {
                intermediates,
                ..Pki::new(3).with_keys(keys)
            };
            let names = ["a.example", NAME, "b.example", "10.0.0.1", "c.example"];
            let server = pki.server(&names).unwrap();
            for name in names {
                assert_eq!(verify(&pki, &server, name, false), Ok(()), "{keys:?}");
            }
            assert_eq!(server.chain.len(), 1 + usize::from(intermediates));
            let client = pki.client("board 7").unwrap();
            assert_eq!(verify(&pki, &client, "", true), Ok(()));
            assert!(verify(&pki, &client, NAME, false).is_err());
        }
    }
}

#[test]
fn every_flaw_is_found() {
    for pki in [Pki::new(1), Pki::with_intermediate(1)] {
        for flaw in Flaw::ALL {
            let identity = pki.flawed(&[NAME, "10.0.0.1"], flaw).unwrap();
            let error = verify(&pki, &identity, NAME, false).expect_err(&format!("{flaw:?}"));
            let expected = match flaw {
                Flaw::Expired | Flaw::ExpiredIssuer => matches!(error, Error::CertExpired { .. }),
                Flaw::NotYetValid => matches!(error, Error::CertNotValidYet { .. }),
                Flaw::WrongName | Flaw::CommonNameOnly => {
                    matches!(error, Error::CertNotValidForName(_))
                }
                Flaw::LeafIssuer | Flaw::IssuerWithoutConstraints => {
                    error == Error::EndEntityUsedAsCa
                }
                Flaw::ClientUsage => matches!(error, Error::RequiredEkuNotFoundContext(_)),
                Flaw::PathLenExceeded => error == Error::PathLenConstraintViolated,
                Flaw::NameConstraintsViolated => error == Error::NameConstraintViolation,
                Flaw::OtherCa | Flaw::SelfSigned | Flaw::MissingIntermediate => {
                    error == Error::UnknownIssuer
                }
                Flaw::ForgedSignature | Flaw::CorruptSignature => {
                    error == Error::InvalidSignatureForPublicKey
                }
                Flaw::UnknownCriticalExtension => error == Error::UnsupportedCriticalExtension,
                Flaw::Truncated => matches!(error, Error::BadDer | Error::TrailingData(_)),
            };
            assert!(expected, "{flaw:?}: {error:?}");
        }
    }
}

#[test]
fn the_seed_decides_every_octet() {
    for flaw in Flaw::ALL {
        let make = |seed| Pki::with_intermediate(seed).flawed(&[NAME], flaw).unwrap();
        assert_eq!(make(5).chain, make(5).chain);
        assert_eq!(make(5).key, make(5).key);
        assert_ne!(make(5).chain, make(6).chain);
    }
    let root = |seed| Pki::new(seed).root_spki_sha256().unwrap();
    assert_eq!(root(5), root(5));
    assert_ne!(root(5), root(6));
}

#[test]
fn pem_is_the_same_in_other_words() {
    let server = Pki::with_intermediate(2).server(&[NAME]).unwrap();
    let blocks = pem::parse_many(server.chain_pem()).unwrap();
    let octets: Vec<_> = server.chain.iter().map(|one| one.to_vec()).collect();
    assert_eq!(
        blocks
            .into_iter()
            .map(pem::Pem::into_contents)
            .collect::<Vec<_>>(),
        octets
    );
    let key = pem::parse(server.key_pem()).unwrap();
    assert_eq!(key.tag(), "PRIVATE KEY");
    assert_eq!(key.contents(), server.key.secret_der());
}
