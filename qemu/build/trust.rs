//! Reads the file of what the ROM trusts: certificates in PEM, and pins, one a line, as `sha256/` and the base64 of the SHA-256 of a
//! SubjectPublicKeyInfo (RFC 7469). curl's `sha256//` is read, too.
//!
//! A file with which no server could ever be trusted is refused here, when the ROM is built, and not at the first boot. So is a private
//! key, which has no business in a ROM. `src/lib.rs` has the tests, because cargo runs none in a build script.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use netboot_x509::{Curve, MAX_ROOTS, VerifyError, leaf_key};

/// Start of a pin.
const PIN: &str = "sha256/";

/// What is compiled into the ROM.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Trusted {
    /// Certificates in DER.
    pub roots: Vec<Vec<u8>>,
    /// SHA-256 of public keys.
    pub keys: Vec<[u8; 32]>,
}

/// Reads the file.
///
/// # Errors
/// One sentence that says what is wrong with it.
pub fn read(file: &[u8]) -> Result<Trusted, String> {
    if file.trim_ascii().is_empty() {
        return Err("the file is empty; it needs certificates in PEM, or pins (sha256/...)".into());
    }
    let text = str::from_utf8(file).map_err(|_| {
        "the file is no text; if it is a certificate in DER, convert it: openssl x509 -inform DER -in FILE -out FILE.pem"
            .to_string()
    })?;
    let mut trusted = Trusted::default();
    let sections = pem::parse_many(text).map_err(|error| format!("the PEM is damaged: {error}"))?;
    if sections.len() != text.matches("-----BEGIN ").count() {
        return Err("the PEM is damaged: a section has no end".into());
    }
    for (number, section) in (1..).zip(&sections) {
        match section.tag() {
            "CERTIFICATE" => trusted.roots.push(root(number, section.contents())?),
            tag if tag.ends_with("PRIVATE KEY") => {
                return Err("the file has a private key in it; only the certificate belongs into a ROM, so name that file".into());
            }
            tag => {
                return Err(format!(
                    "section {number} of the file is a {tag}; only certificates are trusted (BEGIN CERTIFICATE)"
                ));
            }
        }
    }
    for line in text.lines().map(str::trim) {
        if let Some(pin) = line.strip_prefix(PIN) {
            trusted.keys.push(key(pin.trim())?);
        }
    }
    if trusted == Trusted::default() {
        return Err("the file is no PEM and has no pin (sha256/...) in it".into());
    }
    if trusted.roots.len() > MAX_ROOTS {
        return Err(format!(
            "the file has {} certificates, and a ROM takes {MAX_ROOTS}; name the owner's own roots, not a bundle",
            trusted.roots.len()
        ));
    }
    Ok(trusted)
}

/// Checks that signatures of the certificate's key can be verified.
fn root(number: usize, der: &[u8]) -> Result<Vec<u8>, String> {
    let fault = match leaf_key(der).map(|key| key.curve()) {
        Ok(Curve::P256) => return Ok(der.to_vec()),
        Ok(Curve::P384) => "has a key on P-384",
        Err(VerifyError::RsaOnly) => "has an RSA key",
        Err(VerifyError::UnsupportedKey) => "has a key that is not on P-256",
        Err(_) => {
            return Err(format!(
                "section {number} is no X.509 certificate that can be read"
            ));
        }
    };
    Err(format!(
        "the certificate in section {number} {fault}, whose signatures this ROM does not verify; it needs one with an ECDSA key on P-256"
    ))
}

/// Reads a pin without its start.
fn key(pin: &str) -> Result<[u8; 32], String> {
    // 32 octets are 44 letters, so a letter more is curl's second slash.
    let letters = match pin.strip_prefix('/') {
        Some(rest) if pin.len() == 45 => rest,
        _ => pin,
    };
    let octets = BASE64_STANDARD.decode(letters).ok();
    let key = octets.and_then(|octets| octets.try_into().ok());
    key.ok_or_else(|| format!("{PIN}{pin} is no SHA-256 in base64"))
}
