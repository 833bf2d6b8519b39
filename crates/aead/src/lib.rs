#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

use chacha20poly1305::{AeadInPlace, ChaCha20Poly1305, KeyInit};

/// Octets of a key.
pub const KEY: usize = 32;
/// Octets of a nonce.
pub const NONCE: usize = 12;
/// Octets of a tag.
pub const TAG: usize = 16;

/// Encrypts `data` in place and gives the tag over it and `aad`; `None` when `data` is longer than the cipher goes, some 256 GiB.
#[inline(never)]
pub fn seal(
    key: &[u8; KEY],
    nonce: &[u8; NONCE],
    aad: &[u8],
    data: &mut [u8],
) -> Option<[u8; TAG]> {
    ChaCha20Poly1305::new(key.into())
        .encrypt_in_place_detached(nonce.into(), aad, data)
        .map(<[u8; TAG]>::from)
        .ok()
}

/// Decrypts `data` in place if `tag` is the one over it and `aad`; whether it is. Fastest where `data` begins with a
/// whole word of memory.
#[inline(never)]
pub fn open(
    key: &[u8; KEY],
    nonce: &[u8; NONCE],
    aad: &[u8],
    data: &mut [u8],
    tag: &[u8; TAG],
) -> bool {
    ChaCha20Poly1305::new(key.into())
        .decrypt_in_place_detached(nonce.into(), aad, data, tag.into())
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .bytes()
            .filter_map(|c| char::from(c).to_digit(16).map(|d| d as u8))
            .collect();
        digits.chunks(2).map(|d| d[0] << 4 | d[1]).collect()
    }

    const PLAIN: &[u8] =
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the \
        future, sunscreen would be it.";
    const AAD: [u8; 12] = [
        0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7,
    ];
    const NONCE_OF_IT: [u8; NONCE] = [7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];

    fn key() -> [u8; KEY] {
        core::array::from_fn(|at| 0x80 + at as u8)
    }

    /// RFC 8439, section 2.8.2.
    #[test]
    fn the_published_example() {
        let sealed = hex(
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
             3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
             92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
             3ff4def08e4b7a9de576d26586cec64b6116",
        );
        let tag = hex("1ae10b594f09e26a7e902ecbd0600691");
        let mut data = PLAIN.to_vec();
        assert_eq!(
            seal(&key(), &NONCE_OF_IT, &AAD, &mut data).unwrap()[..],
            tag
        );
        assert_eq!(data, sealed);
        let tag = tag.try_into().unwrap();
        assert!(open(&key(), &NONCE_OF_IT, &AAD, &mut data, &tag));
        assert_eq!(data, PLAIN);
    }

    #[test]
    fn whatever_was_changed_is_noticed_and_left_alone() {
        let mut sealed = PLAIN.to_vec();
        let tag = seal(&key(), &NONCE_OF_IT, &AAD, &mut sealed).unwrap();
        let refused = |data: &[u8], aad: &[u8], tag: &[u8; TAG]| {
            let mut opened = data.to_vec();
            assert!(!open(&key(), &NONCE_OF_IT, aad, &mut opened, tag));
            assert_eq!(opened, data);
        };
        for at in 0..sealed.len() {
            let mut data = sealed.clone();
            data[at] ^= 1;
            refused(&data, &AAD, &tag);
        }
        for at in 0..TAG {
            let mut tag = tag;
            tag[at] ^= 0x80;
            refused(&sealed, &AAD, &tag);
        }
        refused(&sealed, &AAD[1..], &tag);
        refused(&sealed[1..], &AAD, &tag);
    }

    #[test]
    fn any_length_at_any_place_comes_back() {
        for len in [0, 1, 15, 16, 17, 63, 64, 65, 128, 1000] {
            for at in 0..4 {
                let mut place: Vec<u8> = (0..len + at).map(|octet| octet as u8).collect();
                let before = place.clone();
                let data = &mut place[at..];
                let tag = seal(&key(), &NONCE_OF_IT, b"", data).unwrap();
                assert!(open(&key(), &NONCE_OF_IT, b"", data, &tag));
                assert_eq!(place, before);
            }
        }
    }
}
