//! Reads the files of what makes a board provable: the roots of those who sign vouchers for it, and its IDevID, a chain of certificates with the private key
//! of the first one. A real board has the key where nobody can read it, and signs there; this one is emulated, and has it in its flash.

use netboot_x509::der::{INTEGER, OCTET_STRING, Reader, SEQUENCE};

/// Who the board is, as it is compiled into the ROM.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The board's own certificate and those above it, in DER.
    pub chain: Vec<Vec<u8>>,
    /// The scalar of the key on P-256.
    pub key: Option<[u8; 32]>,
}

/// Reads certificates in PEM.
///
/// # Errors
/// One sentence that says what is wrong with the file.
pub fn certificates(file: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let certificates = sections(file)?
        .into_iter()
        .filter(|one| one.tag() == "CERTIFICATE");
    let certificates: Vec<_> = certificates.map(pem::Pem::into_contents).collect();
    match certificates.is_empty() {
        true => Err("the file has no certificate in PEM (BEGIN CERTIFICATE)".into()),
        false => Ok(certificates),
    }
}

/// Reads a chain of certificates with the private key of the first one.
///
/// # Errors
/// As with [`certificates`].
pub fn identity(file: &[u8]) -> Result<Identity, String> {
    Ok(Identity {
        chain: certificates(file)?,
        key: Some(key(file)?),
    })
}

fn sections(file: &[u8]) -> Result<Vec<pem::Pem>, String> {
    pem::parse_many(file).map_err(|error| format!("the PEM is damaged: {error}"))
}

/// Reads the private key in a file, PKCS #8 (RFC 5958) or SEC 1 (RFC 5915).
fn key(file: &[u8]) -> Result<[u8; 32], String> {
    let sections = sections(file)?;
    let section = sections
        .iter()
        .find(|one| one.tag().ends_with("PRIVATE KEY"));
    let section = section.ok_or("the file has no private key in PEM (BEGIN PRIVATE KEY)")?;
    let scalar = match section.tag() {
        "EC PRIVATE KEY" => sec1(section.contents()),
        _ => pkcs8(section.contents()),
    };
    scalar.ok_or_else(|| "the private key is not one on P-256, or is encrypted".into())
}

fn pkcs8(der: &[u8]) -> Option<[u8; 32]> {
    let mut info = Reader::new(der).nested(SEQUENCE)?;
    info.expect(INTEGER)?;
    info.expect(SEQUENCE)?;
    sec1(info.expect(OCTET_STRING)?)
}

fn sec1(der: &[u8]) -> Option<[u8; 32]> {
    let mut key = Reader::new(der).nested(SEQUENCE)?;
    key.expect(INTEGER)?;
    key.expect(OCTET_STRING)?.try_into().ok()
}
