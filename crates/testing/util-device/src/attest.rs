//! Evidence and attested signing requests: COSE_Sign1 (RFC 9052) with ES384.

use crate::crypto::ec;
use crate::crypto::sha::Sha;
use crate::input::Output;
use crate::refusal::Refusal;

/// The protected header: a map with the algorithm ES384 (-35).
const PROTECTED: [u8; 5] = [0x44, 0xA1, 0x01, 0x38, 0x22];

/// The head of a CBOR byte string of up to 65,535 octets.
fn bytes_head(len: usize) -> [u8; 3] {
    let [high, low] = (len as u16).to_be_bytes();
    [0x59, high, low]
}

/// Claims: the nonce (10), the unique identifier (256), and the version that runs (`"mcu_version"`).
pub(crate) fn claims(
    nonce: &[u8; 32],
    unique_id: &[u8; 32],
    version: &[u8],
    out: &mut Output<'_>,
) -> Result<(), Refusal> {
    out.put(&[0xA3, 0x0A, 0x58, 0x20])?;
    out.put(nonce)?;
    out.put(&[0x19, 0x01, 0x00, 0x58, 0x21, 0x01])?;
    out.put(unique_id)?;
    out.put(&[0x6B])?;
    out.put(b"mcu_version")?;
    out.put(&[0x78, version.len() as u8])?;
    out.put(version)
}

/// Signs `payload` with the key of `seed` and writes the COSE_Sign1.
pub(crate) fn sign1(seed: &[u8; 48], payload: &[u8], out: &mut Output<'_>) -> Result<(), Refusal> {
    // Sig_structure: ["Signature1", protected, external_aad, payload].
    let mut sha = Sha::new(1)?;
    sha.update(&[0x84, 0x6A]);
    sha.update(b"Signature1");
    sha.update(&PROTECTED);
    sha.update(&[0x40]);
    sha.update(&bytes_head(payload.len()));
    sha.update(payload);
    let (digest, len) = sha.finish();
    let signature = ec::sign(seed, digest.get(..len).unwrap_or_default())?;
    out.put(&[0xD2, 0x84])?;
    out.put(&PROTECTED)?;
    out.put(&[0xA0])?;
    out.put(&bytes_head(payload.len()))?;
    out.put(payload)?;
    out.put(&[0x58, 0x60])?;
    out.put(&signature)
}
