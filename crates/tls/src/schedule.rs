//! The key schedule (RFC 8446, section 7): from the shared secret to the keys of each direction.

use crate::TlsError;
use crate::hash::{Hash, HashKind, MAX_HASH, Secret};
use crate::suite::{MAX_KEY, Seal, Suite, TAG};
use zeroize::Zeroizing;

/// HKDF-Expand-Label (section 7.1), at most as long as a hash value.
#[inline(never)]
fn expand_label(hash: HashKind, secret: &Secret, label: &[u8], context: &[u8], output: &mut [u8]) {
    let info: [&[u8]; 6] = [
        &(output.len() as u16).to_be_bytes(),
        &[label.len().saturating_add(6) as u8],
        b"tls13 ",
        label,
        &[context.len() as u8],
        context,
    ];
    hash.expand(secret, &info, output);
}

/// A secret of zeros.
fn blank() -> Secret {
    Zeroizing::new([0; MAX_HASH])
}

fn derive(hash: HashKind, secret: &Secret, label: &[u8], context: &[u8]) -> Secret {
    let mut derived = blank();
    let output = derived.get_mut(..hash.len()).unwrap_or_default();
    expand_label(hash, secret, label, context, output);
    derived
}

/// The keys of one direction (section 7.3) and how many records they have seen.
pub(crate) struct TrafficKeys {
    suite: Suite,
    secret: Secret,
    key: Zeroizing<[u8; MAX_KEY]>,
    iv: Zeroizing<[u8; 12]>,
    sequence: u64,
    /// Records after which the keys are to be renewed.
    wear: u64,
}

impl TrafficKeys {
    #[inline(never)]
    fn new(suite: Suite, secret: Secret) -> Self {
        let mut keys = Self {
            suite,
            secret,
            key: Zeroizing::default(),
            iv: Zeroizing::default(),
            sequence: 0,
            wear: suite.wear(),
        };
        keys.derive();
        keys
    }

    fn derive(&mut self) {
        let hash = self.suite.hash();
        let key = self.key.get_mut(..self.suite.key_len());
        expand_label(hash, &self.secret, b"key", b"", key.unwrap_or_default());
        expand_label(hash, &self.secret, b"iv", b"", &mut *self.iv);
        self.sequence = 0;
    }

    /// The next generation of keys, after a KeyUpdate (section 7.2).
    pub fn update(&mut self) {
        self.secret = derive(self.suite.hash(), &self.secret, b"traffic upd", b"");
        self.derive();
    }

    /// Whether the keys are to be renewed before more is protected by them (section 5.5).
    pub fn is_worn(&self) -> bool {
        self.sequence >= self.wear
    }

    /// As if the keys had to be renewed after so few records; returns after how many they have to.
    #[cfg(test)]
    pub fn wear_after(&mut self, records: u64) -> u64 {
        core::mem::replace(&mut self.wear, records)
    }

    /// The nonce of the next record (section 5.3).
    fn nonce(&mut self) -> Result<[u8; 12], TlsError> {
        if self.sequence >= self.suite.most_records() {
            return Err(TlsError::KeysWornOut);
        }
        let mut nonce = *self.iv;
        let number = self.sequence.to_be_bytes();
        for (octet, number) in nonce.iter_mut().skip(4).zip(number) {
            *octet ^= number;
        }
        // A nonce must never come twice.
        self.sequence = self.sequence.checked_add(1).ok_or(TlsError::KeysWornOut)?;
        Ok(nonce)
    }

    /// Encrypts a record's contents in place.
    pub fn seal(
        &mut self,
        header: &[u8; 5],
        data: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), TlsError> {
        let nonce = self.nonce()?;
        let with = Seal {
            key: &self.key,
            nonce: &nonce,
            header,
        };
        self.suite.seal(&with, data, tag)
    }

    /// Decrypts a record's contents in place.
    pub fn open(
        &mut self,
        header: &[u8; 5],
        data: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), TlsError> {
        let nonce = self.nonce()?;
        let with = Seal {
            key: &self.key,
            nonce: &nonce,
            header,
        };
        self.suite.open(&with, data, tag)
    }

    /// The key by which the owner of these keys ends its handshake (section 4.4.4).
    fn finished_key(&self) -> Secret {
        derive(self.suite.hash(), &self.secret, b"finished", b"")
    }

    /// The verify_data of our Finished.
    #[inline(never)]
    pub fn verify_data(&self, transcript: &Hash) -> Hash {
        let hash = self.suite.hash();
        hash.mac(&self.finished_key(), hash.cut(transcript))
    }

    /// Whether the peer's Finished is right; takes the same time whatever differs.
    #[inline(never)]
    pub fn check(&self, transcript: &Hash, verify_data: &[u8]) -> Result<(), TlsError> {
        let hash = self.suite.hash();
        match hash.check_mac(&self.finished_key(), hash.cut(transcript), verify_data) {
            true => Ok(()),
            false => Err(TlsError::WrongFinished),
        }
    }
}

/// Keys of both directions.
pub(crate) struct KeyPair {
    pub read: TrafficKeys,
    pub write: TrafficKeys,
}

/// Handshake keys, and the secret that the application's come from.
#[inline(never)]
pub(crate) fn handshake_keys(suite: Suite, shared: &[u8], transcript: &Hash) -> (KeyPair, Secret) {
    let hash = suite.hash();
    let nothing = hash.of_nothing();
    let nothing = hash.cut(&nothing);
    let zero = blank();
    let early = hash.extract(&zero, hash.cut(&zero));
    let handshake = hash.extract(&derive(hash, &early, b"derived", nothing), shared);
    let keys = pair(
        suite,
        &handshake,
        b"c hs traffic",
        b"s hs traffic",
        transcript,
    );
    let main = hash.extract(
        &derive(hash, &handshake, b"derived", nothing),
        hash.cut(&zero),
    );
    (keys, main)
}

/// Application keys.
#[inline(never)]
pub(crate) fn application_keys(suite: Suite, main: &Secret, transcript: &Hash) -> KeyPair {
    pair(suite, main, b"c ap traffic", b"s ap traffic", transcript)
}

fn pair(suite: Suite, secret: &Secret, client: &[u8], server: &[u8], transcript: &Hash) -> KeyPair {
    let hash = suite.hash();
    let of = |label| TrafficKeys::new(suite, derive(hash, secret, label, hash.cut(transcript)));
    KeyPair {
        read: of(server),
        write: of(client),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::DEFAULT_SUITES;

    /// A hash value in the room of the longest.
    fn value(text: &str) -> Hash {
        let octets = hex(text);
        let mut hash = [0; MAX_HASH];
        hash[..octets.len()].copy_from_slice(&octets);
        hash
    }

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .bytes()
            .filter_map(|c| char::from(c).to_digit(16).map(|d| d as u8))
            .collect();
        digits.chunks(2).map(|d| d[0] << 4 | d[1]).collect()
    }

    /// The values of RFC 8448, section 3.
    #[test]
    #[cfg(feature = "aes-gcm")]
    fn the_published_trace() {
        let shared = hex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d");
        let hello = value("860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8");
        let (keys, main) = handshake_keys(Suite::Aes128Gcm, &shared, &hello);
        assert_eq!(keys.read.key[..16], hex("3fce516009c21727d0f2e4e86ee403bc"));
        assert_eq!(keys.read.iv[..], hex("5d313eb2671276ee13000b30"));
        assert_eq!(
            keys.write.key[..16],
            hex("dbfaa693d1762c5b666af5d950258d01")
        );
        assert_eq!(keys.write.iv[..], hex("5bd3c71b836e0b76bb73265f"));
        assert_eq!(
            main[..32],
            hex("18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919")
        );
        let finished = value("9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13");
        let keys = application_keys(Suite::Aes128Gcm, &main, &finished);
        assert_eq!(keys.read.key[..16], hex("9f02283b6c9c07efc26bb9f2ac92e356"));
        assert_eq!(keys.read.iv[..], hex("cf782b88dd83549aadf1e984"));
        assert_eq!(
            keys.write.key[..16],
            hex("17422dda596ed5d9acd890e3c63f5051")
        );
        assert_eq!(keys.write.iv[..], hex("5b78923dee08579033e523d9"));
    }

    fn keys(suite: Suite) -> TrafficKeys {
        TrafficKeys::new(suite, Secret::new([7; MAX_HASH]))
    }

    /// RFC 8446, section 5.3: the number of the record, with the nonce's last octets.
    #[test]
    fn each_record_has_its_nonce() {
        let mut keys = keys(DEFAULT_SUITES[0]);
        *keys.iv = [0xFF; 12];
        let mut nonces = Vec::new();
        for number in [0_u64, 1, 2, 0x0102_0304] {
            keys.sequence = number;
            nonces.push(keys.nonce().unwrap());
            assert_eq!(keys.sequence, number + 1);
        }
        let ones = |last: [u8; 4]| [[0xFF; 8].as_slice(), &last].concat();
        assert_eq!(nonces[0], [0xFF; 12]);
        assert_eq!(nonces[1][..], ones([0xFF, 0xFF, 0xFF, 0xFE]));
        assert_eq!(nonces[2][..], ones([0xFF, 0xFF, 0xFF, 0xFD]));
        assert_eq!(nonces[3][..], ones([0xFE, 0xFD, 0xFC, 0xFB]));
    }

    /// RFC 8446, section 5.5: the last record that a key may protect, and the one after it.
    #[test]
    fn keys_wear_out() {
        for suite in DEFAULT_SUITES {
            let mut keys = keys(*suite);
            assert!(!keys.is_worn());
            keys.sequence = suite.wear() - 1;
            assert!(!keys.is_worn());
            keys.sequence = suite.wear();
            assert!(keys.is_worn());
            keys.sequence = suite.most_records() - 1;
            assert!(keys.nonce().is_ok());
            assert_eq!(keys.nonce(), Err(TlsError::KeysWornOut));
            // The next generation begins anew, with other keys.
            let before = (keys.key.clone(), keys.iv.clone());
            keys.update();
            assert_eq!(keys.sequence, 0);
            assert!(before.0 != keys.key && before.1 != keys.iv);
        }
    }

    /// RFC 8446, section 4.4.4.
    #[test]
    fn a_finished_is_of_one_transcript_and_one_key() {
        for suite in DEFAULT_SUITES {
            let (one, other) = (keys(*suite), keys(*suite));
            let transcript = [1; MAX_HASH];
            let verify_data = one.verify_data(&transcript);
            let right = suite.hash().cut(&verify_data);
            assert_eq!(other.check(&transcript, right), Ok(()));
            let wrong = Err(TlsError::WrongFinished);
            assert_eq!(other.check(&[2; MAX_HASH], right), wrong);
            assert_eq!(other.check(&transcript, &right[1..]), wrong);
            assert_eq!(other.check(&transcript, &[]), wrong);
            let stranger = TrafficKeys::new(*suite, Secret::new([8; MAX_HASH]));
            assert_eq!(stranger.check(&transcript, right), wrong);
        }
    }
}
