//! The bodies of the server's handshake messages.

use crate::hello::ClientHello;
use crate::keys::Secret;
use crate::script::{
    CertificateEntries, HelloRetry, KeyShare, Nonce, Proof, ServerHello, SessionId,
};
use crate::wire::{ECDSA_P256, P256, Reader, extension, extensions, vector};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use test_pki::Identity;

/// The random of HelloRetryRequest: SHA-256 of "HelloRetryRequest" (section 4.1.3).
const RETRY: Secret = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// ServerHello; `suite` is the script's, `chance` the random.
pub fn server_hello(
    fields: &ServerHello,
    hello: &ClientHello,
    suite: u16,
    chance: Secret,
    share: &p256::PublicKey,
) -> Vec<u8> {
    let mut random = chance;
    match fields.random {
        Nonce::Random => {}
        Nonce::Downgrade12 => random[24..].copy_from_slice(b"DOWNGRD\x01"),
        Nonce::Downgrade11 => random[24..].copy_from_slice(b"DOWNGRD\x00"),
        Nonce::HelloRetry => random = RETRY,
    }
    let session_id = match &fields.session_id {
        SessionId::Echo => &hello.session_id,
        SessionId::Octets(octets) => octets,
    };
    let mut list = Vec::new();
    if let Some(version) = fields.selected_version {
        list.push((
            extension::SUPPORTED_VERSIONS,
            version.to_be_bytes().to_vec(),
        ));
    }
    let point = share.to_encoded_point(false).as_bytes().to_vec();
    let share = match &fields.share {
        KeyShare::Good => Some((P256, point)),
        KeyShare::None => None,
        KeyShare::Group(group) => Some((*group, point)),
        KeyShare::Octets(group, octets) => Some((*group, octets.clone())),
        KeyShare::Compressed => Some((P256, share.to_encoded_point(true).as_bytes().to_vec())),
        KeyShare::OffCurve => {
            let mut point = point;
            if let Some(last) = point.last_mut() {
                *last ^= 1;
            }
            Some((P256, point))
        }
    };
    if let Some((group, octets)) = share {
        let entry = [&group.to_be_bytes()[..], &vector(2, &octets)].concat();
        list.push((extension::KEY_SHARE, entry));
    }
    list.extend(fields.extensions.iter().cloned());
    [
        &fields.version.to_be_bytes()[..],
        &random,
        &vector(1, session_id),
        &fields.suite.unwrap_or(suite).to_be_bytes(),
        &[fields.compression],
        &extensions(&list),
        &fields.trailing,
    ]
    .concat()
}

/// HelloRetryRequest.
pub fn hello_retry(fields: &HelloRetry, hello: &ClientHello, suite: u16) -> Vec<u8> {
    let mut list = vec![(extension::SUPPORTED_VERSIONS, vec![3, 4])];
    if let Some(group) = fields.group {
        list.push((extension::KEY_SHARE, group.to_be_bytes().to_vec()));
    }
    if let Some(cookie) = &fields.cookie {
        list.push((extension::COOKIE, vector(2, cookie)));
    }
    [
        &[3, 3][..],
        &RETRY,
        &vector(1, &hello.session_id),
        &fields.suite.unwrap_or(suite).to_be_bytes(),
        &[0],
        &extensions(&list),
    ]
    .concat()
}

/// Certificate.
pub fn certificate(fields: &CertificateEntries, identity: &Identity) -> Vec<u8> {
    let chain = fields.chain.as_ref().unwrap_or(&identity.chain);
    let mut list = Vec::new();
    for (index, one) in chain.iter().enumerate() {
        list.extend(vector(3, one));
        let own = if index == 0 {
            fields.extensions.as_slice()
        } else {
            &[]
        };
        list.extend(extensions(own));
    }
    [vector(1, &fields.context), vector(3, &list)].concat()
}

/// CertificateVerify over `transcript`, or over `earlier`, the one before Certificate.
pub fn certificate_verify(
    proof: &Proof,
    key: &SigningKey,
    transcript: &Secret,
    earlier: &Secret,
) -> Vec<u8> {
    let context: &[u8] = match proof {
        Proof::ClientContext => b"TLS 1.3, client CertificateVerify\0",
        _ => b"TLS 1.3, server CertificateVerify\0",
    };
    let transcript = match proof {
        Proof::OtherTranscript => earlier,
        _ => transcript,
    };
    let content = [&[0x20; 64][..], context, transcript].concat();
    let mut signature = match proof {
        Proof::OtherKey => {
            let other = SigningKey::from_slice(&[7; 32]).expect("a scalar");
            sign(&other, &content)
        }
        Proof::Octets(octets) => octets.clone(),
        _ => sign(key, &content),
    };
    if *proof == Proof::Corrupt
        && let Some(last) = signature.last_mut()
    {
        *last ^= 1;
    }
    let scheme = match proof {
        Proof::Scheme(number) => *number,
        _ => ECDSA_P256,
    };
    [&scheme.to_be_bytes()[..], &vector(2, &signature)].concat()
}

fn sign(key: &SigningKey, content: &[u8]) -> Vec<u8> {
    let signature: DerSignature = key.sign(content);
    signature.as_bytes().to_vec()
}

/// NewSessionTicket.
pub fn new_session_ticket(lifetime: u32) -> Vec<u8> {
    [
        &lifetime.to_be_bytes()[..],
        &[1, 2, 3, 4],
        &vector(1, &[9; 8]),
        &vector(2, &[0x5A; 32]),
        &extensions(&[]),
    ]
    .concat()
}

/// A whole message at the start of `octets`: type and body, and the length of all of it.
pub fn first_message(octets: &[u8]) -> Option<(u8, &[u8], usize)> {
    let mut reader = Reader(octets);
    let kind = reader.number(1)? as u8;
    let body = reader.vector(3)?;
    Some((kind, body, 4 + body.len()))
}
