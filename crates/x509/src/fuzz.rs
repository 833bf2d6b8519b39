//! Arbitrary octets as a server's certificates and as roots.

use core::net::{IpAddr, Ipv4Addr};
use core::sync::atomic::{AtomicU8, Ordering};

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

use super::budget::MAX_SIGNATURES;
use super::{
    DEFAULT_ALGORITHMS, ECDSA_SECP256R1_SHA256, ECDSA_SECP384R1_SHA384, MAX_DEPTH, P256_SHA256,
    ServerName, TimePolicy, Trust, TrustPolicy, VerifyError, leaf_key, verify_server,
};

/// Judges the certificates that `data` describes, and asserts what must hold whatever they are.
///
/// Octet 0 chooses the policy, octets 1 to 4 are the time. Then come certificates, each after two octets of its
/// length: the last is the root, or the last two are the roots, the others are presented.
///
/// # Panics
/// When an invariant is broken.
pub fn fuzz_verify(data: &[u8]) {
    let Some((&[choice, a, b, c, d], mut rest)) = data.split_first_chunk() else {
        return;
    };
    let mut certificates = [&[][..]; 10];
    let mut count = 0;
    for certificate in &mut certificates {
        let Some((length, tail)) = rest.split_first_chunk() else {
            break;
        };
        let length = usize::from(u16::from_be_bytes(*length)).min(tail.len());
        (*certificate, rest) = tail.split_at(length);
        count += 1;
    }
    let all = certificates.get(..count).unwrap_or_default();
    let Some((root, mut chain)) = all.split_last() else {
        return;
    };
    let mut roots = [*root; 2];
    if choice & 0x20 != 0
        && let Some((second, rest)) = chain.split_last()
    {
        (roots, chain) = ([second, *root], rest);
    }
    let time = u64::from(u32::from_be_bytes([a, b, c, d]));
    let used = AtomicU8::new(0);
    let counting: [Counting<'_>; 1] = [Counting(P256_SHA256, &used)];
    let counting = counting
        .each_ref()
        .map(|one| one as &dyn SignatureVerificationAlgorithm);
    let key = chain
        .first()
        .and_then(|leaf| leaf_key(leaf).ok())
        .map_or([0; 32], |key| *key.spki_sha256());
    let keys = [key];
    let policy = match choice & 3 {
        0 => TrustPolicy::Learnt(root),
        1 => TrustPolicy::Pinned {
            roots: &[],
            keys: &keys,
        },
        2 => TrustPolicy::Pinned {
            roots: &roots,
            keys: &[],
        },
        _ => TrustPolicy::Pinned {
            roots: &[],
            keys: &[],
        },
    };
    let trust = Trust {
        policy,
        time: match choice >> 2 & 3 {
            0 => TimePolicy::None,
            1 => TimePolicy::Floor(time),
            _ => TimePolicy::Trusted(time),
        },
        algorithms: &counting,
        max_depth: MAX_DEPTH,
    };
    let name = match choice & 0x10 {
        0 => ServerName::Dns("boot.example.com"),
        _ => ServerName::Ip(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
    };
    let verdict = verify_server(chain, &name, &trust);
    assert!(
        used.load(Ordering::Relaxed) <= MAX_SIGNATURES,
        "{verdict:?}"
    );
    match verdict {
        Ok(key) => {
            assert!(choice & 3 != 3, "accepted without trust");
            assert!(
                matches!(chain, [leaf, ..] if leaf_key(leaf).as_ref() == Ok(&key)),
                "another key than the leaf's"
            );
            for scheme in [ECDSA_SECP256R1_SHA256, ECDSA_SECP384R1_SHA384, 0x0804] {
                assert!(
                    key.verify(scheme, data, root, DEFAULT_ALGORITHMS).is_err(),
                    "a certificate is no signature"
                );
            }
        }
        Err(error) => assert!(
            (choice & 3 == 3) == (error == VerifyError::NoTrust),
            "{error}"
        ),
    }
}

/// An algorithm, and how often it was used.
#[derive(Debug)]
struct Counting<'a>(&'a dyn SignatureVerificationAlgorithm, &'a AtomicU8);

impl SignatureVerificationAlgorithm for Counting<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let used = self.1.load(Ordering::Relaxed).saturating_add(1);
        self.1.store(used, Ordering::Relaxed);
        self.0.verify_signature(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.0.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.0.signature_alg_id()
    }
}
