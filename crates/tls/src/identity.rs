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
