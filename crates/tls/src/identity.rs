//! Who we are, for a server that asks (mutual TLS, RFC 8446, section 4.4.2).

use crate::TlsError;
use crate::wire::Writer;
use signature::SignerMut;

/// A certificate and the key that goes with it.
pub struct Identity<'a> {
    /// DER, our own certificate first, then those of its issuers.
    pub chain: &'a [&'a [u8]],
    /// The key.
    pub signer: Signer<'a>,
}

/// A key that signs; it may lie in hardware and never be seen.
pub enum Signer<'a> {
    /// ECDSA with P-256 and SHA-256.
    P256(&'a mut dyn SignerMut<p256::ecdsa::DerSignature>),
    /// ECDSA with P-384 and SHA-384.
    #[cfg(feature = "p384")]
    P384(&'a mut dyn SignerMut<p384::ecdsa::DerSignature>),
}

impl Identity<'_> {
    /// Lends the identity for a while.
    pub fn reborrow(&mut self) -> Identity<'_> {
        Identity {
            chain: self.chain,
            signer: match &mut self.signer {
                Signer::P256(key) => Signer::P256(&mut **key),
                #[cfg(feature = "p384")]
                Signer::P384(key) => Signer::P384(&mut **key),
            },
        }
    }
}

impl Signer<'_> {
    /// SignatureScheme (section 4.2.3).
    pub(crate) fn scheme(&self) -> u16 {
        match self {
            Signer::P256(_) => 0x0403,
            #[cfg(feature = "p384")]
            Signer::P384(_) => 0x0503,
        }
    }

    /// Signs `message` and appends the signature as a vector.
    #[inline(never)]
    pub(crate) fn sign(&mut self, message: &[u8], to: &mut Writer<'_>) -> Result<(), TlsError> {
        let len = to.open(2);
        match self {
            Signer::P256(key) => {
                let signature = key.try_sign(message).map_err(|_| TlsError::Signer)?;
                to.octets(signature.as_bytes());
            }
            #[cfg(feature = "p384")]
            Signer::P384(key) => {
                let signature = key.try_sign(message).map_err(|_| TlsError::Signer)?;
                to.octets(signature.as_bytes());
            }
        }
        to.close(len);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Reader;
    use signature::Verifier as _;

    /// Signs a message; the signature, out of its vector.
    fn signed(signer: &mut Signer<'_>, scheme: u16) -> Vec<u8> {
        assert_eq!(signer.scheme(), scheme);
        let mut buffer = [0; 128];
        let mut writer = Writer::new(&mut buffer);
        signer.sign(b"message", &mut writer).unwrap();
        let len = writer.finish().unwrap();
        let mut reader = Reader(&buffer[..len]);
        let signature = reader.vector(2).unwrap();
        assert!(reader.is_empty());
        signature.0.to_vec()
    }

    /// RFC 8446, section 4.2.3: the numbers are those of the curves, and the signatures are verified by their keys.
    #[test]
    fn a_key_signs_with_its_scheme() {
        let mut key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        let public = *key.verifying_key();
        let octets = signed(&mut Signer::P256(&mut key), 0x0403);
        let signature = p256::ecdsa::DerSignature::from_bytes(&octets).unwrap();
        assert!(public.verify(b"message", &signature).is_ok());
        assert!(public.verify(b"another", &signature).is_err());
    }

    #[test]
    #[cfg(feature = "p384")]
    fn a_longer_key_signs_with_its_scheme() {
        let mut key = p384::ecdsa::SigningKey::from_slice(&[7; 48]).unwrap();
        let public = *key.verifying_key();
        let octets = signed(&mut Signer::P384(&mut key), 0x0503);
        let signature = p384::ecdsa::DerSignature::from_bytes(&octets).unwrap();
        assert!(public.verify(b"message", &signature).is_ok());
        assert!(public.verify(b"another", &signature).is_err());
    }

    /// A key that does not sign.
    struct Broken;

    impl SignerMut<p256::ecdsa::DerSignature> for Broken {
        fn try_sign(&mut self, _: &[u8]) -> signature::Result<p256::ecdsa::DerSignature> {
            Err(signature::Error::new())
        }
    }

    #[test]
    fn a_key_that_does_not_sign_is_named() {
        let mut buffer = [0; 128];
        let mut writer = Writer::new(&mut buffer);
        let refused = Signer::P256(&mut Broken).sign(b"message", &mut writer);
        assert_eq!(refused, Err(TlsError::Signer));
    }
}
