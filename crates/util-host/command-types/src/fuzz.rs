//! Fuzz body: every parser of this crate on unknown octets.

use crate::*;

/// Reads `data` as an answer to every command and as a frame of every kind. Only a panic is a finding.
pub fn run(data: &[u8]) {
    let _ = mailbox::decode(data);
    let _ = vdm::VdmHeader::parse(data);
    let mut out = [0; 256];
    for id in CaliptraCommandId::ALL {
        let _ = vdm::decode(*id, data, &mut out);
        let _ = mailbox::encode(*id, data, &mut out);
    }
    let (cmk, context) = ([0; CMK_SIZE], [0; SHA_CONTEXT_SIZE]);
    let (aes, gcm, ecdh) = (
        [0; AES_CONTEXT_SIZE],
        [0; AES_GCM_CONTEXT_SIZE],
        [0; ECDH_CONTEXT_SIZE],
    );
    macro_rules! read {
        ($($request:expr;)*) => {$( let _ = $request.decode(data); )*};
    }
    let (index, slot, algorithm, nonce) = (0, 0, 1, [0; 32]);
    let (half, point, tag) = ([0; 48], [0; 96], [0; 16]);
    read! {
        GetFirmwareVersionRequest { index };
        GetDeviceCapabilitiesRequest {};
        GetDeviceIdRequest {};
        GetDeviceInfoRequest { index };
        KeyStatusRequest {};
        ExportAttestedCsrRequest { device_key_id: 1, algorithm, nonce };
        ExportIdevidCsrRequest { algorithm };
        GetIdevidCertRequest {};
        GetCertChainRequest { slot };
        StoreCertificateRequest { slot, certificate: data };
        GetAttestationRequest { evidence_format: 0, algorithm, pki_entity_slot: 0, nonce };
        HashInitRequest { algorithm: HashAlgorithm::Sha384, data };
        HashUpdateRequest { context: &context, data };
        HashFinalizeRequest { context: &context, data };
        HmacRequest { cmk: &cmk, algorithm: HashAlgorithm::Sha512, data };
        HmacKdfCounterRequest { cmk: &cmk, algorithm: HashAlgorithm::Sha512, usage: KeyUsage::Aes, key_size: 32, label: data };
        ImportRequest { usage: KeyUsage::Aes, key: data };
        DeleteRequest { cmk };
        RandomGenerateRequest { size: 1 };
        RandomStirRequest { data };
        AesEncryptInitRequest { cmk: &cmk, mode: AesMode::Cbc, plaintext: data };
        AesDecryptInitRequest { cmk: &cmk, mode: AesMode::Ctr, iv: &tag, ciphertext: data };
        AesEncryptUpdateRequest { context: &aes, plaintext: data };
        AesDecryptUpdateRequest { context: &aes, ciphertext: data };
        AesGcmEncryptInitRequest { cmk: &cmk, aad: data };
        AesGcmDecryptInitRequest { cmk: &cmk, iv: &[0; 12], aad: data };
        AesGcmEncryptUpdateRequest { context: &gcm, data };
        AesGcmDecryptUpdateRequest { context: &gcm, data };
        AesGcmEncryptFinalRequest { context: &gcm, data };
        AesGcmDecryptFinalRequest { context: &gcm, tag: &tag, data };
        EcdsaPublicKeyRequest { cmk };
        EcdsaSignRequest { cmk: &cmk, message: data };
        EcdsaVerifyRequest { cmk: &cmk, r: &half, s: &half, message: data };
        EcdsaVerifyDigestRequest { x: half, y: half, r: half, s: half, digest: half };
        EcdhGenerateRequest {};
        EcdhFinishRequest { context: &ecdh, usage: KeyUsage::Hmac, exchange_data: &point };
        DebugEchoRequest { data };
        DebugGetStatusRequest {};
        DebugGetLogRequest {};
        DebugClearLogRequest {};
        ProdDebugUnlockReqRequest { length: 2, unlock_level: 1, reserved: [0; 3] };
        FuseReadRequest { partition: 0, entry: 0 };
        FuseWriteRequest { word_addr: 0, data: 0, mask: 0 };
        FuseLockRequest { partition: 0 };
        GetAuthCmdChallengeRequest { flags: 0, reserved: 0 };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_octets_make_a_parser_panic(data in prop::collection::vec(any::<u8>(), 0..400)) {
            super::run(&data);
        }

        /// Length fields near the ends of their range, behind an approved status.
        #[test]
        fn no_length_makes_a_parser_panic(words in prop::collection::vec(
            prop_oneof![Just(0u32), Just(1), Just(4), Just(u32::MAX), Just(u32::MAX - 3), 0u32..600], 0..80),
            iana in any::<bool>())
        {
            let mut data = if iana { vec![0, 0, 0xA6, 0x7F, 0, 3] } else { vec![] };
            data.extend([0; 4]);
            data.extend(words.into_iter().flat_map(u32::to_le_bytes));
            super::run(&data);
        }
    }
}
