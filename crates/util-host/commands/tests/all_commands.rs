//! Every function against the device, over the registers of a mailbox; what the device computes is checked by other code.

mod common;

use caliptra_util_host_commands::CaliptraApiError;
use caliptra_util_host_commands::api::*;
use caliptra_util_host_commands::types::{
    AesMode, DeviceKey, HashAlgorithm, KeyUsage, ProdDebugUnlockTokenRequest, Provision,
    SignatureAlgorithm, evidence_format,
};
use common::{with, with_device};
use hmac::{Hmac, Mac};
use p384::ecdsa::signature::{Signer, Verifier};
use p384::ecdsa::{Signature, SigningKey, VerifyingKey};
use p384::elliptic_curve::sec1::ToEncodedPoint;
use sha2::{Digest, Sha384, Sha512};
use util_device::{Device, DeviceConfig, Text};

#[test]
fn what_the_device_is() {
    with(|session| {
        let core = caliptra_cmd_get_firmware_version(session, 0).unwrap();
        assert_eq!((core.version, core.commit()), ([2, 1, 0, 0], ""));
        let runtime = caliptra_cmd_get_firmware_version(session, 1).unwrap();
        assert_eq!(
            (runtime.version, runtime.commit()),
            ([2, 1, 3, 0], "0123456789abcdef")
        );
        assert!(caliptra_cmd_get_firmware_version(session, 2).is_err());
        assert!(
            caliptra_cmd_get_device_capabilities(session)
                .unwrap()
                .network_boot()
        );
        let id = caliptra_cmd_get_device_id(session).unwrap();
        assert_eq!((id.vendor_id, id.subsystem_id), (0x1AB4, 1));
        let info = caliptra_cmd_get_device_info(session, 0).unwrap();
        assert_eq!(info.info(), [0x5A; 32]);
    });
    let newer = DeviceConfig {
        pci: None,
        ..DeviceConfig::default()
    };
    with_device(Device::new(newer), |session| {
        assert_eq!(
            caliptra_cmd_get_device_id(session),
            Err(CaliptraApiError::NotSupported)
        );
        assert_eq!(
            caliptra_cmd_get_device_info(session, 0),
            Err(CaliptraApiError::NotSupported)
        );
    });
}

#[test]
fn the_version_of_an_image_without_one_is_its_digest() {
    let mut device = Device::new(DeviceConfig::default());
    device.booted(1, Text::version_of(b"abc"));
    with_device(device, |session| {
        let version = caliptra_cmd_get_firmware_version(session, 1).unwrap();
        // SHA-256 of "abc" begins with these digits.
        assert_eq!(version.version, [0; 4]);
        assert_eq!(version.commit(), "ba7816bf8f01cfea4141");
    });
}

#[test]
fn hashes_in_one_and_in_many_pieces() {
    let data: Vec<u8> = (0..20_000u32).map(|n| (n * 7 % 251) as u8).collect();
    with(|session| {
        for len in [
            0, 1, 111, 112, 127, 128, 129, 4095, 4096, 4097, 8192, 20_000,
        ] {
            let data = &data[..len];
            let mut out = [0; 64];
            let size =
                caliptra_cmd_hash_one_shot(session, HashAlgorithm::Sha384, data, &mut out).unwrap();
            assert_eq!(out[..size], Sha384::digest(data)[..], "{len}");
            let (first, rest) = data.split_at(len / 3);
            let mut context =
                caliptra_cmd_hash_init(session, HashAlgorithm::Sha512, first).unwrap();
            let (second, last) = rest.split_at(rest.len() / 2);
            caliptra_cmd_hash_update(session, &mut context, second).unwrap();
            let size = caliptra_cmd_hash_finalize(session, context, last, &mut out).unwrap();
            assert_eq!(out[..size], Sha512::digest(data)[..], "{len}");
        }
        let sent = session.stats.commands_sent;
        let small = caliptra_cmd_hash_one_shot(session, HashAlgorithm::Sha512, &data, &mut [0; 63]);
        let error = CaliptraApiError::BufferTooSmall {
            needed: 64,
            available: 63,
        };
        assert_eq!(small, Err(error));
        assert_eq!(session.stats.commands_sent, sent);
    });
}

#[test]
fn a_context_belongs_to_its_session() {
    let context =
        with(|session| caliptra_cmd_hash_init(session, HashAlgorithm::Sha384, b"one").unwrap());
    with(|session| {
        session.session_id = 2;
        let result = caliptra_cmd_hash_finalize(session, context, b"", &mut [0; 64]);
        assert_eq!(result, Err(CaliptraApiError::WrongContext));
    });
}

#[test]
fn keys_codes_and_random_numbers() {
    with(|session| {
        let key = [7; 48];
        assert!(matches!(
            caliptra_cmd_import(session, KeyUsage::Hmac, &key[..47]),
            Err(CaliptraApiError::InvalidParameter(_))
        ));
        let cmk = caliptra_cmd_import(session, KeyUsage::Hmac, &key).unwrap();
        let mut out = [0; 64];
        let len =
            caliptra_cmd_hmac(session, &cmk, HashAlgorithm::Sha384, b"message", &mut out).unwrap();
        let mut right = <Hmac<Sha384>>::new_from_slice(&key).unwrap();
        right.update(b"message");
        assert_eq!(out[..len], right.finalize().into_bytes()[..]);
        let mut changed = cmk;
        changed[40] ^= 1;
        assert!(
            caliptra_cmd_hmac(session, &changed, HashAlgorithm::Sha384, b"", &mut out).is_err()
        );
        let derived = caliptra_cmd_hmac_kdf_counter(
            session,
            &cmk,
            HashAlgorithm::Sha512,
            KeyUsage::Aes,
            32,
            b"label",
        );
        assert!(
            caliptra_cmd_aes_encrypt_init(session, &derived.unwrap(), AesMode::Ctr, b"x", &mut out)
                .is_ok()
        );
        assert!(
            caliptra_cmd_aes_encrypt_init(session, &cmk, AesMode::Ctr, b"x", &mut out).is_err(),
            "another usage"
        );
        let used = caliptra_cmd_key_status(session).unwrap();
        assert_eq!(
            (used.used_usage_storage, used.total_usage_storage),
            (2, 256)
        );
        caliptra_cmd_delete(session, &cmk).unwrap();
        assert_eq!(
            caliptra_cmd_key_status(session).unwrap().used_usage_storage,
            1
        );
        let (mut one, mut two) = ([0; 5000], [0; 5000]);
        caliptra_cmd_random_generate(session, &mut one).unwrap();
        caliptra_cmd_random_stir(session, b"entropy").unwrap();
        caliptra_cmd_random_generate(session, &mut two).unwrap();
        assert!(one != two && one[4990..] != [0; 10]);
    });
}

#[test]
fn ciphers_there_and_back() {
    with(|session| {
        let cmk = caliptra_cmd_import(session, KeyUsage::Aes, &[3; 32]).unwrap();
        for mode in [AesMode::Cbc, AesMode::Ctr] {
            let plain: Vec<u8> = (0..96).collect();
            let (mut cipher, mut back) = ([0; 96], [0; 96]);
            let (a, b) = plain.split_at(32);
            let started = caliptra_cmd_aes_encrypt_init(session, &cmk, mode, a, &mut cipher[..32]);
            let (mut context, iv, len) = started.unwrap();
            assert_eq!(len, 32);
            let mut at = 32;
            for part in b.chunks(48) {
                at +=
                    caliptra_cmd_aes_encrypt_update(session, &mut context, part, &mut cipher[at..])
                        .unwrap();
            }
            assert_ne!(cipher[..], plain[..]);
            let (mut context, len) =
                caliptra_cmd_aes_decrypt_init(session, &cmk, mode, &iv, &cipher[..64], &mut back)
                    .unwrap();
            let end = caliptra_cmd_aes_decrypt_update(
                session,
                &mut context,
                &cipher[64..],
                &mut back[len..],
            )
            .unwrap();
            assert_eq!((len, end), (64, 32));
            assert_eq!(back[..], plain[..]);
        }
        let odd =
            caliptra_cmd_aes_encrypt_init(session, &cmk, AesMode::Cbc, &[0; 15], &mut [0; 16]);
        assert!(matches!(odd, Err(CaliptraApiError::InvalidParameter(_))));
    });
}

#[test]
fn gcm_is_that_of_another_implementation() {
    use aes_gcm::aead::AeadInPlace;
    use aes_gcm::{Aes256Gcm, KeyInit};
    with(|session| {
        let cmk = caliptra_cmd_import(session, KeyUsage::Aes, &[9; 32]).unwrap();
        let plain: Vec<u8> = (0..100).collect();
        let (mut context, iv) = caliptra_cmd_aes_gcm_encrypt_init(session, &cmk, b"aad").unwrap();
        let mut cipher = [0; 256];
        let mut at =
            caliptra_cmd_aes_gcm_encrypt_update(session, &mut context, &plain[..50], &mut cipher)
                .unwrap();
        let (len, tag) =
            caliptra_cmd_aes_gcm_encrypt_final(session, context, &plain[50..], &mut cipher[at..])
                .unwrap();
        at += len;
        let mut right = plain.clone();
        let other = Aes256Gcm::new(&[9; 32].into());
        let other_tag = other
            .encrypt_in_place_detached(&iv.into(), b"aad", &mut right)
            .unwrap();
        assert_eq!((&cipher[..at], &tag[..]), (&right[..], &other_tag[..]));
        for wrong in [false, true] {
            let mut tag = tag;
            tag[3] ^= u8::from(wrong);
            let mut context =
                caliptra_cmd_aes_gcm_decrypt_init(session, &cmk, &iv, b"aad").unwrap();
            let mut back = [0; 256];
            let len = caliptra_cmd_aes_gcm_decrypt_update(
                session,
                &mut context,
                &cipher[..33],
                &mut back,
            )
            .unwrap();
            let end = caliptra_cmd_aes_gcm_decrypt_final(
                session,
                context,
                &tag,
                &cipher[33..at],
                &mut back[len..],
            );
            match wrong {
                true => assert!(matches!(end, Err(CaliptraApiError::CommandFailed(_)))),
                false => assert_eq!(back[..len + end.unwrap()], plain[..]),
            }
        }
    });
}

#[test]
fn signatures_and_exchanges_are_those_of_another_implementation() {
    with(|session| {
        let mut seed = [0x11; 48];
        seed[0] = 1;
        let cmk = caliptra_cmd_import(session, KeyUsage::Ecdsa, &seed).unwrap();
        let key = SigningKey::from_slice(&seed).unwrap();
        let public = caliptra_cmd_ecdsa_public_key(session, &cmk).unwrap();
        let point = key.verifying_key().to_encoded_point(false);
        assert_eq!(
            [&public.x[..], &public.y[..]].concat(),
            point.as_bytes()[1..]
        );
        let signature = caliptra_cmd_ecdsa_sign(session, &cmk, b"message").unwrap();
        let wire = [&signature.r[..], &signature.s[..]].concat();
        key.verifying_key()
            .verify(b"message", &Signature::from_slice(&wire).unwrap())
            .unwrap();
        caliptra_cmd_ecdsa_verify(session, &cmk, &signature, b"message").unwrap();
        assert!(caliptra_cmd_ecdsa_verify(session, &cmk, &signature, b"massage").is_err());
        let other: Signature = key.sign(b"message");
        let (r, s) = (other.r().to_bytes().into(), other.s().to_bytes().into());
        let mut other = EcdsaSignature { r, s };
        let digest: [u8; 48] = Sha384::digest(b"message").into();
        caliptra_cmd_ecdsa_verify_digest(session, &public.x, &public.y, &other, &digest).unwrap();
        other.s[47] ^= 1;
        assert!(
            caliptra_cmd_ecdsa_verify_digest(session, &public.x, &public.y, &other, &digest)
                .is_err()
        );

        let (context, point) = caliptra_cmd_ecdh_generate(session).unwrap();
        let encoded = p384::EncodedPoint::from_affine_coordinates(
            point[..48].into(),
            point[48..].into(),
            false,
        );
        let device = p384::PublicKey::try_from(encoded).unwrap();
        let mine = p384::SecretKey::from_slice(&seed).unwrap();
        let secret = p384::ecdh::diffie_hellman(mine.to_nonzero_scalar(), device.as_affine());
        let my_point: [u8; 96] = mine.public_key().to_encoded_point(false).as_bytes()[1..]
            .try_into()
            .unwrap();
        let shared = caliptra_cmd_ecdh_finish(session, context, KeyUsage::Hmac, &my_point).unwrap();
        let mut out = [0; 64];
        let len =
            caliptra_cmd_hmac(session, &shared, HashAlgorithm::Sha384, b"m", &mut out).unwrap();
        let mut right = <Hmac<Sha384>>::new_from_slice(secret.raw_secret_bytes()).unwrap();
        right.update(b"m");
        assert_eq!(out[..len], right.finalize().into_bytes()[..]);
    });
}

/// Reads a byte string of CBOR with a length of 16 bits.
fn bstr(octets: &[u8], at: usize) -> &[u8] {
    assert_eq!(octets[at], 0x59);
    let len = usize::from(octets[at + 1]) << 8 | usize::from(octets[at + 2]);
    &octets[at + 3..at + 3 + len]
}

fn verify_cose(evidence: &[u8], public: &[u8; 96], nonce: &[u8; 32]) {
    assert_eq!(
        evidence[..8],
        [0xD2, 0x84, 0x44, 0xA1, 0x01, 0x38, 0x22, 0xA0]
    );
    let payload = bstr(evidence, 8);
    assert!(
        payload.windows(32).any(|window| window == nonce),
        "the nonce is not in the evidence"
    );
    let signature = &evidence[11 + payload.len() + 2..];
    let mut signed = vec![0x84, 0x6A];
    signed.extend(b"Signature1\x44\xA1\x01\x38\x22\x40");
    signed.extend(&evidence[8..11 + payload.len()]);
    let point = p384::EncodedPoint::from_affine_coordinates(
        public[..48].into(),
        public[48..].into(),
        false,
    );
    let key = VerifyingKey::from_encoded_point(&point).unwrap();
    key.verify(&signed, &Signature::from_slice(signature).unwrap())
        .unwrap();
}

#[test]
fn evidence_and_signing_requests_verify() {
    let device = Device::new(DeviceConfig::default());
    let public = device.attestation_public_key();
    with_device(device, |session| {
        let formats = caliptra_cmd_get_attestation_formats(session).unwrap();
        assert_eq!(formats, 1 << evidence_format::OCP_EAT);
        let (nonce, mut out) = ([0x42; 32], [0; 1024]);
        let ecc = SignatureAlgorithm::EccP384;
        let len = caliptra_cmd_get_attestation(session, 1, ecc, 0, &nonce, &mut out).unwrap();
        verify_cose(&out[..len], &public, &nonce);
        let len =
            caliptra_cmd_export_attested_csr(session, DeviceKey::LdevId, ecc, &nonce, &mut out)
                .unwrap();
        verify_cose(&out[..len], &public, &nonce);
        assert_eq!(
            caliptra_cmd_get_attestation(session, 1, ecc, 0, &nonce, &mut out[..20]).map_err(
                |error| match error {
                    CaliptraApiError::BufferTooSmall { needed, .. } => needed > 100,
                    _ => false,
                }
            ),
            Err(true)
        );
        for (format, algorithm, entity) in [
            (2, ecc, 0),
            (1, SignatureAlgorithm::MlDsa87, 0),
            (1, ecc, 1),
            (9, ecc, 0),
        ] {
            let refused =
                caliptra_cmd_get_attestation(session, format, algorithm, entity, &nonce, &mut out);
            assert!(matches!(refused, Err(CaliptraApiError::SessionError(_))));
        }
        assert!(caliptra_cmd_get_attestation(session, 0, ecc, 0, &nonce, &mut out).is_err());
    });
}

#[test]
fn the_log_is_drained_and_cleared() {
    let mut device = Device::new(DeviceConfig {
        log_part: 16,
        ..DeviceConfig::default()
    });
    device.write_log(b"first frame\0second\0third frame is longer than a part\0");
    with_device(device, |session| {
        let mut parts = vec![];
        let octets =
            caliptra_cmd_debug_drain_log(session, |part| parts.push(part.to_vec())).unwrap();
        assert_eq!(octets, 53);
        assert_eq!(parts[0], b"first frame\0");
        assert_eq!(
            parts.concat(),
            b"first frame\0second\0third frame is longer than a part\0"
        );
        assert_eq!(
            caliptra_cmd_debug_get_log(session, &mut [0; 8]),
            Ok((0, false))
        );
        caliptra_cmd_debug_clear_log(session).unwrap();
    });
}

#[test]
fn fuses_and_provisioning() {
    with(|session| {
        caliptra_cmd_fuse_write(session, 8 * 3 + 2, 0b1010, 0xF).unwrap();
        let mut out = [0; 4];
        assert_eq!(caliptra_cmd_fuse_read(session, 3, 2, &mut out), Ok(32));
        assert_eq!(out, [0b1010, 0, 0, 0]);
        assert!(caliptra_cmd_fuse_read(session, 3, 2, &mut out[..3]).is_err());
        assert!(
            caliptra_cmd_fuse_write(session, 8 * 3 + 2, 0, 0xF).is_err(),
            "a fuse does not go back"
        );
        caliptra_cmd_fuse_lock(session, 3).unwrap();
        assert!(caliptra_cmd_fuse_write(session, 8 * 3 + 2, 0xF, 0xF).is_err());
        let challenge = caliptra_cmd_get_auth_challenge(session).unwrap();
        assert_ne!(challenge, [0; 48]);
        let hash = [1; 48];
        let vendor = Provision::VendorPkHash {
            slot: 1,
            hash: &hash,
        };
        caliptra_cmd_provision(session, vendor, &[]).unwrap();
        caliptra_cmd_provision(session, Provision::MinSvn { target: 0, svn: 5 }, &[7; 200])
            .unwrap();
        let svn = caliptra_cmd_provision(
            session,
            Provision::MinSvn {
                target: 0,
                svn: 129,
            },
            &[],
        );
        assert!(matches!(svn, Err(CaliptraApiError::InvalidParameter(_))));
        assert!(
            caliptra_cmd_provision(session, Provision::OwnerPkHash { hash: &hash }, &[]).is_err()
        );
    });
}

#[test]
fn debug_unlock_wants_its_own_challenge() {
    with(|session| {
        assert!(caliptra_cmd_prod_debug_unlock_req(session, 9).is_err());
        let challenge = caliptra_cmd_prod_debug_unlock_req(session, 2).unwrap();
        let (mldsa, signature) = ([0; 2592], [0; 4628]);
        let mut token = ProdDebugUnlockTokenRequest {
            unique_device_identifier: &challenge.unique_device_identifier,
            unlock_level: 2,
            challenge: &[0; 48],
            ecc_public_key: &[0; 96],
            mldsa_public_key: &mldsa,
            ecc_signature: &[0; 96],
            mldsa_signature: &signature,
        };
        assert!(caliptra_cmd_prod_debug_unlock_token(session, &token).is_err());
        let challenge = caliptra_cmd_prod_debug_unlock_req(session, 2).unwrap();
        token.challenge = &challenge.challenge;
        caliptra_cmd_prod_debug_unlock_token(session, &token).unwrap();
    });
}
