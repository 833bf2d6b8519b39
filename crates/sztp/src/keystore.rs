//! The certificate that the owner has issued, in the configuration that it conveys.
//!
//! RFC 9646, section 2.2, leaves open how the certificate is conveyed, and shows it in the `ietf-keystore` module (RFC 9642). That is what is read.

use crate::csr::{LocalKey, member};
use crate::error::SztpError;
use crate::json::Value;
use heapless::Vec;
use netboot_cms::Message;
use netboot_x509::Identity;

/// Octets of the longest message with certificates that is taken.
pub const MAX_LOCAL_CERTIFICATE: usize = 3072;

/// A certificate of the device's own: a message that carries it with its chain (`end-entity-cert-cms`, RFC 9640), or the certificate alone, in DER.
pub type LocalCertificate = Vec<u8, MAX_LOCAL_CERTIFICATE>;

/// Finds the certificate for `key` in a configuration. `Ok(None)`: the configuration is of another kind.
///
/// # Errors
/// [`SztpError::NoLocalCertificate`]: it is of this kind, and has none for this key. [`SztpError::CsrKey`]: the key cannot be read.
#[inline(never)]
pub fn local_certificate(
    configuration: &[u8],
    key: &mut dyn LocalKey,
) -> Result<Option<LocalCertificate>, SztpError> {
    let document = Value::parse(configuration).ok();
    let Some(keystore) = document.and_then(|document| member(document, "keystore")) else {
        return Ok(None);
    };
    let spki = crate::csr::spki(key).ok_or(SztpError::CsrKey)?;
    match find(keystore, &spki) {
        Some(found) => Ok(Some(found)),
        None => Err(SztpError::NoLocalCertificate),
    }
}

fn find(keystore: Value<'_>, spki: &[u8]) -> Option<LocalCertificate> {
    let keys = member(member(keystore, "asymmetric-keys")?, "asymmetric-key")?;
    let certificates = keys.elements()?.filter_map(|key| {
        let certificates = member(key, "certificates")?;
        member(certificates, "certificate")?.elements()
    });
    let mut octets: LocalCertificate = Vec::new();
    for certificate in certificates.flatten() {
        let Some(text) = member(certificate, "cert-data").and_then(Value::text) else {
            continue;
        };
        // What is too long is not the one: a later one may be.
        octets.resize(MAX_LOCAL_CERTIFICATE, 0).ok()?;
        let len = text.base64(&mut octets).unwrap_or(0);
        octets.truncate(len);
        if is_for(&octets, spki) {
            return Some(octets);
        }
    }
    None
}

/// Whether the first certificate is for this key.
fn is_for(octets: &[u8], spki: &[u8]) -> bool {
    let certificate = match Message::parse(octets) {
        Ok(message) => message.certificates().iter().next(),
        Err(_) => Some(octets),
    };
    certificate
        .and_then(Identity::of)
        .is_some_and(|identity| identity.spki == spki)
}
