//! The artifacts of secure zero-touch provisioning (RFC 8572, section 3; RFC 8366), made by OpenSSL as an owner and a manufacturer make them.

use crate::identity::{Identity, pem_of};
use crate::{Pki, Usage, Validity};
use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use std::fs;
use std::process::Command;
use tempfile::TempDir;

/// id-ct-animaJSONVoucher, for `-econtent_type`.
pub const VOUCHER_JSON: &str = "1.2.840.113549.1.9.16.1.40";
/// id-ct-sztpConveyedInfoXML, for `-econtent_type`.
pub const CONVEYED_XML: &str = "1.2.840.113549.1.9.16.1.42";
/// id-ct-sztpConveyedInfoJSON, for `-econtent_type`.
pub const CONVEYED_JSON: &str = "1.2.840.113549.1.9.16.1.43";
/// id-data, which RFC 8572 allows for all artifacts.
pub const DATA: &str = "1.2.840.113549.1.7.1";

/// Somebody who signs, with this common name, below a root of its own; and that root, in DER. It is the same at each call.
///
/// # Errors
/// Those of the key and certificate library.
pub fn signer(seed: u64, name: &str) -> Result<(Identity, Vec<u8>)> {
    let pki = Pki::with_intermediate(seed);
    let signer = pki.signer(name, Usage::None, Validity::default())?;
    Ok((signer, pki.root()?.to_vec()))
}

/// A voucher, signed by the manufacturer's authority. Its certificates are in the message.
///
/// # Errors
/// As with [`sign`](crate::sign).
pub fn voucher(signer: &Identity, json: &str) -> Result<Vec<u8>> {
    let arguments = ["-nodetach", "-econtent_type", VOUCHER_JSON];
    crate::sign(&[signer], json.as_bytes(), &arguments)
}

/// Conveyed information, signed by the owner. The owner's certificates are not in the message.
///
/// # Errors
/// As with [`sign`](crate::sign).
pub fn conveyed(owner: &Identity, json: &str) -> Result<Vec<u8>> {
    let arguments = ["-nodetach", "-nocerts", "-econtent_type", CONVEYED_JSON];
    crate::sign(&[owner], json.as_bytes(), &arguments)
}

/// A message that carries certificates and has no signer: an owner certificate, or a trust anchor.
///
/// # Errors
/// When OpenSSL is not installed.
pub fn certificates_only(certificates: &[&[u8]]) -> Result<Vec<u8>> {
    let folder = TempDir::new()?;
    let all: String = certificates
        .iter()
        .map(|der| pem_of(&CertificateDer::from(*der)))
        .collect();
    fs::write(folder.path().join("all.pem"), all)?;
    openssl(
        &folder,
        "crl2pkcs7 -nocrl -certfile all.pem -outform DER -out message",
    )?;
    Ok(fs::read(folder.path().join("message"))?)
}

/// The certificate, in DER, that an authority issues for a request in PKCS #10. OpenSSL verifies the request's signature before.
///
/// # Errors
/// When OpenSSL is not installed, or refuses the request.
pub fn certificate_for(authority: &Identity, request: &[u8]) -> Result<Vec<u8>> {
    let folder = TempDir::new()?;
    let path = |name: &str| folder.path().join(name);
    fs::write(path("request"), request)?;
    fs::write(path("authority.pem"), authority.chain_pem())?;
    fs::write(path("authority.key"), authority.key_pem())?;
    // An LDevID is a certificate of version 3 (IEEE 802.1AR, section 8), which OpenSSL makes of one with extensions.
    fs::write(
        path("extensions"),
        "keyUsage = critical, digitalSignature\n",
    )?;
    let arguments = [
        "x509 -req -inform DER -in request -CA authority.pem -CAkey authority.key",
        "-set_serial 7 -days 99 -extfile extensions -outform DER -out certificate",
    ];
    openssl(&folder, &arguments.join(" "))?;
    Ok(fs::read(path("certificate"))?)
}

/// Runs OpenSSL with these arguments, of which none has a blank in it.
fn openssl(folder: &TempDir, arguments: &str) -> Result<()> {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder.path())
        .output()
        .context("cannot run openssl")?;
    ensure!(
        output.status.success(),
        "openssl: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Content that nobody has signed, as a message of the type `oid`, one of those in this module.
///
/// # Errors
/// When `oid` is no object identifier, or the content has more than 65,000 octets.
pub fn unsigned(oid: &str, content: &[u8]) -> Result<Vec<u8>> {
    let arcs: Result<Vec<u32>, _> = oid.split('.').map(str::parse).collect();
    let arcs = arcs.context("an arc of the object identifier")?;
    let [first, second, rest @ ..] = arcs.as_slice() else {
        anyhow::bail!("an object identifier has two arcs at least");
    };
    let mut identifier = vec![u8::try_from(first * 40 + second)?];
    for arc in rest {
        let digits: Vec<u8> = (0..5)
            .rev()
            .map(|at| (arc >> (7 * at) & 0x7F) as u8)
            .collect();
        let skipped = digits
            .iter()
            .take_while(|digit| **digit == 0)
            .count()
            .min(4);
        let digits = &digits[skipped..];
        identifier.extend(digits[..digits.len() - 1].iter().map(|digit| digit | 0x80));
        identifier.extend(digits.last());
    }
    let octets = value(0x04, content)?;
    let info = [value(0x06, &identifier)?, value(0xA0, &octets)?].concat();
    value(0x30, &info)
}

/// A value of DER.
fn value(tag: u8, content: &[u8]) -> Result<Vec<u8>> {
    let len = u16::try_from(content.len()).context("too long a value")?;
    let [high, low] = len.to_be_bytes();
    let head = match len {
        0..=0x7F => vec![tag, low],
        0x80..=0xFF => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    Ok([&head, content].concat())
}

/// Octets as base64.
pub fn base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// The answer of a bootstrap server: conveyed information, and perhaps owner certificate and voucher.
pub fn answer(conveyed: &[u8], ownership: Option<(&[u8], &[u8])>) -> String {
    let mut members = format!(r#""conveyed-information":"{}""#, base64(conveyed));
    if let Some((certificate, voucher)) = ownership {
        members += &format!(r#","owner-certificate":"{}""#, base64(certificate));
        members += &format!(r#","ownership-voucher":"{}""#, base64(voucher));
    }
    format!(r#"{{"ietf-sztp-bootstrap-server:output":{{{members}}}}}"#)
}

/// The fields of a voucher, each as JSON, with its name.
#[derive(Clone, Debug)]
pub struct VoucherFields(pub Vec<(&'static str, String)>);

impl VoucherFields {
    /// A voucher that binds the device with this serial number to the owner below `pinned`, a certificate in DER.
    pub fn new(serial_number: &str, pinned: &[u8]) -> Self {
        Self(vec![
            ("created-on", r#""2024-06-01T00:00:00Z""#.into()),
            ("expires-on", r#""2026-06-01T00:00:00Z""#.into()),
            ("assertion", r#""verified""#.into()),
            ("serial-number", format!("\"{serial_number}\"")),
            ("pinned-domain-cert", format!("\"{}\"", base64(pinned))),
        ])
    }

    /// The same with this field, whose value is JSON, in place of one with its name or behind the others.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.retain(|(other, _)| *other != name);
        self.0.push((name, value.into()));
        self
    }

    /// The same without this field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(other, _)| *other != name);
        self
    }

    /// The content of the voucher.
    pub fn json(&self) -> String {
        let members: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!(r#"{{"ietf-voucher:voucher":{{{}}}}}"#, members.join(","))
    }
}
