//! Fuzz bodies: every parser of this crate on unknown octets.

use crate::vdm::{VdmAnswer, VdmHeader};
use crate::wire::Writer;
use crate::*;

/// Octets of a message that the bodies copy; what is behind them is not looked at.
const MESSAGE: usize = 512;

/// Reads `data` as a vendor defined message: as a header, and as the answer to every command. Findings are a panic, a header that is
/// written otherwise than it was read, and an answer whose length depends on the room for it.
pub fn vdm(data: &[u8]) {
    let data = data.get(..MESSAGE).unwrap_or(data);
    if let Ok((header, rest)) = VdmHeader::parse(data) {
        let mut again = [0; vdm::HEADER_SIZE];
        assert_eq!(header.emit(&mut Writer::new(&mut again)), Ok(()));
        assert!(data.starts_with(&again) && data.ends_with(rest));
        assert_eq!(data.len(), again.len() + rest.len());
    }
    for id in CaliptraCommandId::ALL {
        // An answer grows by at most eight octets on its way to the mailbox's form.
        let mut out = [0; MESSAGE + 8];
        match vdm::decode(*id, data, &mut out) {
            Ok(VdmAnswer::Payload(len)) => {
                let mut room = [0; MESSAGE + 8];
                let exact = room.get_mut(..len).unwrap_or_default();
                assert_eq!(vdm::decode(*id, data, exact), Ok(VdmAnswer::Payload(len)));
                assert_eq!(out.get(..len), room.get(..len));
                let less = room.get_mut(..len.saturating_sub(1)).unwrap_or_default();
                let small = vdm::decode(*id, data, less);
                assert!(matches!(small, Err(CommandError::BufferTooSmall { .. })));
            }
            Ok(VdmAnswer::Refused(code)) => assert_ne!(code, CompletionCode::SUCCESS),
            Err(error) => assert!(!matches!(error, CommandError::BufferTooSmall { .. })),
        }
        if let Ok(len) = vdm::encode(*id, data, &mut out) {
            let request = out.get(..len).unwrap_or_default();
            let (header, payload) = VdmHeader::parse(request).unwrap_or((NO_HEADER, &[]));
            assert!(header.request && payload == data);
        }
    }
}

/// What no request has.
const NO_HEADER: VdmHeader = VdmHeader {
    request: false,
    command: 0,
};

/// Reads `data` as a message of the mailbox whose command is in the first four octets. Findings are a panic, a checksum that is right
/// after an octet was changed, and a request that does not carry its payload.
pub fn mailbox(data: &[u8]) {
    let data = data.get(..MESSAGE).unwrap_or(data);
    let _ = mailbox::decode(data);
    let Some((head, message)) = data.split_first_chunk() else {
        return;
    };
    let code = u32::from_le_bytes(*head);
    let _ = mailbox::open(code, message);
    let mut copy = [0; MESSAGE];
    let Some(copy) = copy.get_mut(..message.len()) else {
        return;
    };
    copy.copy_from_slice(message);
    mailbox::seal(code, copy);
    if let Some(payload) = message.get(mailbox::HEADER_SIZE..) {
        assert_eq!(mailbox::open(code, copy), Ok(payload));
        let place = usize::from(head[0]) % copy.len();
        if let Some(octet) = copy.get_mut(place) {
            *octet = octet.wrapping_add(head[1] | 1);
        }
        let damaged = mailbox::open(code, copy);
        assert!(matches!(
            damaged,
            Err(CommandError::ChecksumMismatch { .. })
        ));
    }
    for id in CaliptraCommandId::ALL {
        let mut out = [0; MESSAGE + 8];
        if let Ok(request) = mailbox::encode(*id, message, &mut out) {
            let sent = out.get(..request.len).unwrap_or_default();
            let opened = mailbox::open(request.code, sent);
            assert!(opened.is_ok_and(|payload| payload.ends_with(message)));
        }
    }
}

/// Reads `data` as the payload of an answer to every command. Only a panic is a finding.
pub fn answers(data: &[u8]) {
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

    fn run(data: &[u8]) {
        super::answers(data);
        super::mailbox(data);
        super::vdm(data);
    }

    proptest! {
        #[test]
        fn no_octets_make_a_parser_panic(data in prop::collection::vec(any::<u8>(), 0..400)) {
            run(&data);
        }

        /// Length fields near the ends of their range, behind an approved status.
        #[test]
        fn no_length_makes_a_parser_panic(words in prop::collection::vec(
            prop_oneof![Just(0u32), Just(1), Just(4), Just(u32::MAX), Just(u32::MAX - 3), 0u32..600], 0..80),
            iana in any::<bool>(), command in 0u8..6)
        {
            let mut data = if iana { vec![0, 0, 0xA6, 0x7F, 0, command] } else { vec![] };
            data.extend([0; 4]);
            data.extend(words.into_iter().flat_map(u32::to_le_bytes));
            run(&data);
        }
    }
}
