//! Key schedule (RFC 8446, section 7.1) and record protection (section 5.2), with SHA-256.

use crate::wire::{CHACHA20_POLY1305, vector};
use aes_gcm::aead::{AeadInPlace, KeyInit};
use aes_gcm::{Aes128Gcm, Tag};
use chacha20poly1305::ChaCha20Poly1305;
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

/// A secret, or a hash.
pub type Secret = [u8; 32];

/// HKDF-Expand-Label (section 7.1).
fn expand<const N: usize>(secret: &Secret, label: &str, context: &[u8]) -> [u8; N] {
    let label = [b"tls13 ", label.as_bytes()].concat();
    let info = [
        &(N as u16).to_be_bytes()[..],
        &vector(1, &label),
        &vector(1, context),
    ]
    .concat();
    let mut out = [0; N];
    Hkdf::<Sha256>::from_prk(secret)
        .expect("a secret has the length of a hash")
        .expand(&info, &mut out)
        .expect("keys are short");
    out
}

fn extract(salt: &Secret, input: &[u8]) -> Secret {
    Hkdf::<Sha256>::extract(Some(salt), input).0.into()
}

/// SHA-256.
pub fn hash(octets: &[u8]) -> Secret {
    Sha256::digest(octets).into()
}

/// Secrets of one kind: the client's and the server's.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// What the client protects with.
    pub client: Secret,
    /// What the server protects with.
    pub server: Secret,
}

/// The handshake secret, from which everything comes.
#[derive(Clone, Copy, Debug)]
pub struct Schedule(Secret);

impl Schedule {
    /// From the shared secret of ECDHE, without a pre-shared key.
    pub fn new(shared: &[u8]) -> Self {
        let early = extract(&[0; 32], &[0; 32]);
        Self(extract(&expand(&early, "derived", &hash(b"")), shared))
    }

    /// Handshake traffic secrets; `transcript` is hashed up to ServerHello.
    pub fn handshake(&self, transcript: &Secret) -> Pair {
        Pair {
            client: expand(&self.0, "c hs traffic", transcript),
            server: expand(&self.0, "s hs traffic", transcript),
        }
    }

    /// Application traffic secrets; `transcript` is hashed up to the server's Finished.
    pub fn application(&self, transcript: &Secret) -> Pair {
        let master = extract(&expand(&self.0, "derived", &hash(b"")), &[0; 32]);
        Pair {
            client: expand(&master, "c ap traffic", transcript),
            server: expand(&master, "s ap traffic", transcript),
        }
    }
}

/// verify_data of Finished (section 4.4.4).
pub fn finished(secret: &Secret, transcript: &Secret) -> Secret {
    let key: Secret = expand(secret, "finished", b"");
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).expect("any length is a key");
    mac.update(transcript);
    mac.finalize().into_bytes().into()
}

enum Cipher {
    Aes(Box<Aes128Gcm>),
    ChaCha(Box<ChaCha20Poly1305>),
}

/// Protects records in one direction.
pub struct Protection {
    secret: Secret,
    suite: u16,
    cipher: Cipher,
    iv: [u8; 12],
    /// Number of the next record.
    pub sequence: u64,
}

impl Protection {
    /// For a traffic secret. What is no suite of ours is treated as AES-128-GCM.
    pub fn new(suite: u16, secret: Secret) -> Self {
        let cipher = if suite == CHACHA20_POLY1305 {
            let key: [u8; 32] = expand(&secret, "key", b"");
            Cipher::ChaCha(Box::new(ChaCha20Poly1305::new(&key.into())))
        } else {
            let key: [u8; 16] = expand(&secret, "key", b"");
            Cipher::Aes(Box::new(Aes128Gcm::new(&key.into())))
        };
        Self {
            secret,
            suite,
            cipher,
            iv: expand(&secret, "iv", b""),
            sequence: 0,
        }
    }

    /// The next generation (section 7.2).
    pub fn update(&mut self) {
        *self = Self::new(self.suite, expand(&self.secret, "traffic upd", b""));
    }

    fn nonce(&mut self) -> [u8; 12] {
        let mut nonce = self.iv;
        for (octet, number) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *octet ^= number;
        }
        self.sequence += 1;
        nonce
    }

    /// `inner` sealed, tag at its end; `head` is the record's.
    pub fn seal(&mut self, head: &[u8], inner: &[u8]) -> Vec<u8> {
        let nonce = self.nonce().into();
        let mut octets = inner.to_vec();
        let tag = match &self.cipher {
            Cipher::Aes(cipher) => cipher.encrypt_in_place_detached(&nonce, head, &mut octets),
            Cipher::ChaCha(cipher) => cipher.encrypt_in_place_detached(&nonce, head, &mut octets),
        };
        octets.extend_from_slice(&tag.expect("a record is short"));
        octets
    }

    /// What is sealed in `octets`, if it is genuine.
    pub fn open(&mut self, head: &[u8], octets: &[u8]) -> Option<Vec<u8>> {
        let (inner, tag) = octets.split_at_checked(octets.len().checked_sub(16)?)?;
        let nonce = self.nonce().into();
        let mut inner = inner.to_vec();
        let tag = Tag::from_slice(tag);
        match &self.cipher {
            Cipher::Aes(cipher) => cipher.decrypt_in_place_detached(&nonce, head, &mut inner, tag),
            Cipher::ChaCha(cipher) => {
                cipher.decrypt_in_place_detached(&nonce, head, &mut inner, tag)
            }
        }
        .ok()?;
        Some(inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(text: &str) -> Vec<u8> {
        let digits: Vec<_> = text.chars().filter(|one| !one.is_whitespace()).collect();
        let pairs = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
        pairs
            .map(|pair| u8::from_str_radix(&pair, 16).unwrap())
            .collect()
    }

    #[test]
    fn the_trace_of_rfc_8448_section_3() {
        let shared = octets("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d");
        let schedule = Schedule::new(&shared);
        assert_eq!(
            schedule.0.to_vec(),
            octets("1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac")
        );
        let transcript = octets("860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8");
        let pair = schedule.handshake(&transcript.try_into().unwrap());
        assert_eq!(
            pair.server.to_vec(),
            octets("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
        );
        let key: [u8; 16] = expand(&pair.server, "key", b"");
        assert_eq!(key.to_vec(), octets("3fce516009c21727d0f2e4e86ee403bc"));
    }
}
