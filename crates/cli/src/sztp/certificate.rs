//! Certificates that messages carry.

use anyhow::{Context, Result, ensure};
use cms::cert::x509::der::{Decode, Encode};
use cms::cert::x509::{Certificate, Version};
use netboot_x509::Identity;

/// Reads a certificate, which devices have to be able to read, and a message has to carry octet for octet: its signature is over them.
pub fn read(der: &[u8]) -> Result<Certificate> {
    let certificate = Certificate::from_der(der).context("a certificate is malformed")?;
    let again = certificate.to_der().context("a certificate")?;
    ensure!(
        again == der,
        "the certificate of {} is not in DER: there is another encoding of the same",
        certificate.tbs_certificate.subject
    );
    ensure!(
        certificate.tbs_certificate.version == Version::V3 && Identity::of(der).is_some(),
        "a device cannot read the certificate of {}: it has to be X.509 version 3 (`openssl x509 -req` makes one with -extfile)",
        certificate.tbs_certificate.subject
    );
    Ok(certificate)
}

/// The subject of a certificate.
pub fn subject(certificate: &[u8]) -> String {
    match x509_parser::parse_x509_certificate(certificate) {
        Ok((_, one)) => one.subject().to_string(),
        Err(_) => String::from("a certificate that cannot be read"),
    }
}
