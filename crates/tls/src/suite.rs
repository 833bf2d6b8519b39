//! Cipher suites: the AEAD and the hash of each.

use crate::TlsError;
use crate::hash::HashKind;
use zeroize::Zeroizing;

/// Octets of an authentication tag.
pub(crate) const TAG: usize = 16;
/// Octets of the longest key.
pub(crate) const MAX_KEY: usize = 32;

/// A cipher suite of TLS 1.3 (RFC 8446, appendix B.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Suite {
    /// TLS_AES_128_GCM_SHA256
    #[cfg(feature = "aes-gcm")]
    Aes128Gcm = 0x1301,
    /// TLS_AES_256_GCM_SHA384
    #[cfg(feature = "aes-256-gcm")]
    Aes256Gcm = 0x1302,
    /// TLS_CHACHA20_POLY1305_SHA256
    #[cfg(feature = "chacha20poly1305")]
    ChaCha20Poly1305 = 0x1303,
}

/// What is offered when the caller has no wish: the one that is faster in software first.
pub const DEFAULT_SUITES: &[Suite] = &[
    #[cfg(feature = "chacha20poly1305")]
    Suite::ChaCha20Poly1305,
    #[cfg(feature = "aes-gcm")]
    Suite::Aes128Gcm,
    #[cfg(feature = "aes-256-gcm")]
    Suite::Aes256Gcm,
];

/// Key, nonce and what is authenticated beside the data.
pub(crate) struct Seal<'a> {
    pub key: &'a Zeroizing<[u8; MAX_KEY]>,
    pub nonce: &'a [u8; 12],
    pub header: &'a [u8; 5],
}

impl Suite {
    /// The code point on the wire.
    pub const fn code_point(self) -> u16 {
        self as u16
    }

    /// Octets of a key.
    pub(crate) const fn key_len(self) -> usize {
        match self {
            #[cfg(feature = "aes-gcm")]
            Suite::Aes128Gcm => 16,
            #[cfg(feature = "aes-256-gcm")]
            Suite::Aes256Gcm => 32,
            #[cfg(feature = "chacha20poly1305")]
            Suite::ChaCha20Poly1305 => 32,
        }
    }

    /// The hash of the key schedule.
    pub(crate) const fn hash(self) -> HashKind {
        match self {
            #[cfg(feature = "aes-gcm")]
            Suite::Aes128Gcm => HashKind::Sha256,
            #[cfg(feature = "aes-256-gcm")]
            Suite::Aes256Gcm => HashKind::Sha384,
            #[cfg(feature = "chacha20poly1305")]
            Suite::ChaCha20Poly1305 => HashKind::Sha256,
        }
    }

    /// Records that one key may protect (RFC 8446, section 5.5): 2^24.5 with AES-GCM.
    pub(crate) const fn most_records(self) -> u64 {
        match self {
            #[cfg(feature = "aes-gcm")]
            Suite::Aes128Gcm => 23_726_566,
            #[cfg(feature = "aes-256-gcm")]
            Suite::Aes256Gcm => 23_726_566,
            #[cfg(feature = "chacha20poly1305")]
            Suite::ChaCha20Poly1305 => u64::MAX,
        }
    }

    /// Records after which new keys are asked for, long before the last that is allowed.
    pub(crate) const fn wear(self) -> u64 {
        self.most_records() / 2
    }

    /// Encrypts `data` in place; the tag goes into `tag`.
    #[inline(never)]
    pub(crate) fn seal(
        self,
        with: &Seal<'_>,
        data: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), TlsError> {
        let sealed = match self {
            #[cfg(feature = "aes-gcm")]
            Suite::Aes128Gcm => {
                use aes_gcm::{AeadInPlace, Aes128Gcm, KeyInit};
                let key = with.key.first_chunk::<16>().ok_or(TlsError::BadSeal)?;
                Aes128Gcm::new(key.into())
                    .encrypt_in_place_detached(with.nonce.into(), with.header, data)
                    .map(<[u8; TAG]>::from)
                    .ok()
            }
            #[cfg(feature = "aes-256-gcm")]
            Suite::Aes256Gcm => {
                use aes_gcm::{AeadInPlace, Aes256Gcm, KeyInit};
                Aes256Gcm::new((&**with.key).into())
                    .encrypt_in_place_detached(with.nonce.into(), with.header, data)
                    .map(<[u8; TAG]>::from)
                    .ok()
            }
            #[cfg(feature = "chacha20poly1305")]
            Suite::ChaCha20Poly1305 => netboot_aead::seal(with.key, with.nonce, with.header, data),
        };
        let sealed = sealed.ok_or(TlsError::SendBuffer)?;
        tag.get_mut(..TAG)
            .ok_or(TlsError::SendBuffer)?
            .copy_from_slice(&sealed);
        Ok(())
    }

    /// Decrypts `data` in place if `tag` fits it.
    #[inline(never)]
    pub(crate) fn open(
        self,
        with: &Seal<'_>,
        data: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), TlsError> {
        let opened = match self {
            #[cfg(feature = "aes-gcm")]
            Suite::Aes128Gcm => {
                use aes_gcm::{AeadInPlace, Aes128Gcm, KeyInit};
                let key = with.key.first_chunk::<16>().ok_or(TlsError::BadSeal)?;
                Aes128Gcm::new(key.into())
                    .decrypt_in_place_detached(with.nonce.into(), with.header, data, tag.into())
                    .is_ok()
            }
            #[cfg(feature = "aes-256-gcm")]
            Suite::Aes256Gcm => {
                use aes_gcm::{AeadInPlace, Aes256Gcm, KeyInit};
                Aes256Gcm::new((&**with.key).into())
                    .decrypt_in_place_detached(with.nonce.into(), with.header, data, tag.into())
                    .is_ok()
            }
            #[cfg(feature = "chacha20poly1305")]
            Suite::ChaCha20Poly1305 => {
                netboot_aead::open(with.key, with.nonce, with.header, data, tag)
            }
        };
        if opened {
            Ok(())
        } else {
            Err(TlsError::BadSeal)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8446, appendix B.4 and section 5.5: code point, octets of a key and of a hash value, records under one key.
    #[test]
    fn what_each_suite_is() {
        const ALL: &[(Suite, u16, usize, usize, u64)] = &[
            #[cfg(feature = "aes-gcm")]
            (Suite::Aes128Gcm, 0x1301, 16, 32, 23_726_566),
            #[cfg(feature = "aes-256-gcm")]
            (Suite::Aes256Gcm, 0x1302, 32, 48, 23_726_566),
            #[cfg(feature = "chacha20poly1305")]
            (Suite::ChaCha20Poly1305, 0x1303, 32, 32, u64::MAX),
        ];
        assert_eq!(ALL.len(), DEFAULT_SUITES.len());
        for (suite, number, key, hash, records) in ALL {
            assert_eq!(suite.code_point(), *number);
            assert_eq!((suite.key_len(), suite.hash().len()), (*key, *hash));
            assert_eq!(suite.most_records(), *records);
            assert_eq!(suite.wear(), records / 2);
        }
    }

    /// What one seals it opens, and nothing that differs in one bit.
    #[test]
    fn what_is_sealed_is_opened() {
        for suite in DEFAULT_SUITES {
            let key = Zeroizing::new([7; MAX_KEY]);
            let with = |header| Seal {
                key: &key,
                nonce: &[9; 12],
                header,
            };
            let header = &[23, 3, 3, 0, 20];
            let (mut data, mut tag) = (*b"data", [0; TAG]);
            suite.seal(&with(header), &mut data, &mut tag).unwrap();
            assert_ne!(&data, b"data");
            let open = |header, mut data: [u8; 4], tag: [u8; TAG]| {
                suite.open(&with(header), &mut data, &tag).map(|()| data)
            };
            assert_eq!(open(header, data, tag), Ok(*b"data"));
            let (mut other, mut wrong) = (data, tag);
            other[3] ^= 1;
            wrong[15] ^= 1;
            assert_eq!(open(header, other, tag), Err(TlsError::BadSeal));
            assert_eq!(open(header, data, wrong), Err(TlsError::BadSeal));
            assert_eq!(open(&[23, 3, 3, 0, 21], data, tag), Err(TlsError::BadSeal));
            // No room for the tag.
            let sealed = suite.seal(&with(header), &mut data, &mut [0; TAG - 1]);
            assert_eq!(sealed, Err(TlsError::SendBuffer));
        }
    }
}
