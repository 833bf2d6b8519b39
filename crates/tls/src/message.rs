//! The server's other handshake messages (RFC 8446, sections 4.3 and 4.4).

use crate::TlsError;
use crate::hello::{
    MAX_FRAGMENT_LENGTH, RECORD_SIZE_LIMIT, SERVER_NAME, SIGNATURE_ALGORITHMS, SUPPORTED_GROUPS,
    fragment_length, record_limit,
};
use crate::wire::Reader;
use core::mem::replace;
use heapless::Vec;

/// Handshake types.
pub(crate) const CLIENT_HELLO: u8 = 1;
pub(crate) const SERVER_HELLO: u8 = 2;
pub(crate) const NEW_SESSION_TICKET: u8 = 4;
pub(crate) const ENCRYPTED_EXTENSIONS: u8 = 8;
pub(crate) const CERTIFICATE: u8 = 11;
pub(crate) const CERTIFICATE_REQUEST: u8 = 13;
pub(crate) const CERTIFICATE_VERIFY: u8 = 15;
pub(crate) const FINISHED: u8 = 20;
pub(crate) const KEY_UPDATE: u8 = 24;

/// Certificates in a chain; more are refused.
pub(crate) const MAX_CHAIN: usize = 8;

/// The next message in `input`: type, whole message, body; `None` when its end has not come yet.
pub(crate) fn next(input: &[u8]) -> Option<(u8, &[u8], Reader<'_>)> {
    let mut reader = Reader(input);
    let kind = reader.u8().ok()?;
    let body = reader.vector(3).ok()?;
    let whole = input.len().saturating_sub(reader.0.len());
    Some((kind, input.get(..whole)?, body))
}

/// Octets of the first message in `input`, as far as its header tells.
pub(crate) fn announced(input: &[u8]) -> usize {
    let mut reader = Reader(input);
    let header = reader.u8().and_then(|_| reader.number(3));
    header.unwrap_or(0).saturating_add(4)
}

/// What the ClientHello has asked for that an answer in EncryptedExtensions may follow to.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    /// server_name
    pub name: bool,
    /// Records that fit this receive buffer, octets: record_size_limit and max_fragment_length.
    pub receive: usize,
}

/// Reads EncryptedExtensions; returns the server's record_size_limit, if it has one.
pub(crate) fn encrypted_extensions(
    mut body: Reader<'_>,
    asked: Asked,
) -> Result<Option<u16>, TlsError> {
    let mut extensions = body.vector(2)?;
    body.end()?;
    let limits = record_limit(asked.receive);
    let (mut limit, mut named, mut fragment, mut groups) = (None, false, false, false);
    // Ends: each round takes at least four octets.
    while !extensions.is_empty() {
        let kind = extensions.u16()?;
        let mut value = extensions.vector(2)?;
        let twice = match (kind, limits) {
            (SERVER_NAME, _) if asked.name => {
                value.end()?;
                replace(&mut named, true)
            }
            (RECORD_SIZE_LIMIT, Some(_)) => {
                let octets = value.u16()?;
                value.end()?;
                // RFC 8449, section 4: below 64 is an error.
                octets < 64 || limit.replace(octets).is_some()
            }
            (MAX_FRAGMENT_LENGTH, Some(asked)) => {
                let power = value.u8()?;
                value.end()?;
                // RFC 6066, section 4: as asked for, or not at all.
                fragment_length(asked) != Some(power) || replace(&mut fragment, true)
            }
            (SUPPORTED_GROUPS, _) => replace(&mut groups, true),
            _ => return Err(TlsError::UnexpectedExtension),
        };
        if twice {
            return Err(TlsError::IllegalParameter);
        }
    }
    // RFC 8449, section 5: one of them.
    if fragment && limit.is_some() {
        return Err(TlsError::IllegalParameter);
    }
    Ok(limit)
}

/// Reads a CertificateRequest; returns whether `scheme` is among those that the server can check.
pub(crate) fn certificate_request(mut body: Reader<'_>, scheme: u16) -> Result<bool, TlsError> {
    // Only those after the handshake have a context, and they are not allowed.
    if !body.vector(1)?.is_empty() {
        return Err(TlsError::IllegalParameter);
    }
    let mut extensions = body.vector(2)?;
    body.end()?;
    let mut algorithms = None;
    while !extensions.is_empty() {
        let kind = extensions.u16()?;
        let mut value = extensions.vector(2)?;
        if kind == SIGNATURE_ALGORITHMS && algorithms.replace(value.vector(2)?).is_some() {
            return Err(TlsError::IllegalParameter);
        }
    }
    // Has to be there (section 4.3.2).
    let mut algorithms = algorithms.ok_or(TlsError::BadMessage)?;
    let mut found = false;
    while !algorithms.is_empty() {
        found |= algorithms.u16()? == scheme;
    }
    Ok(found)
}

/// Reads a Certificate message: the chain in DER, the server's own first.
pub(crate) fn certificate(mut body: Reader<'_>) -> Result<Vec<&[u8], MAX_CHAIN>, TlsError> {
    if !body.vector(1)?.is_empty() {
        return Err(TlsError::IllegalParameter);
    }
    let mut list = body.vector(3)?;
    body.end()?;
    let mut chain = Vec::new();
    while !list.is_empty() {
        let der = list.vector(3)?;
        // Only in answer to what we ask for, and we ask for nothing (section 4.4.2).
        if !list.vector(2)?.is_empty() {
            return Err(TlsError::UnexpectedExtension);
        }
        chain.push(der.0).map_err(|_| TlsError::MessageTooLarge)?;
    }
    Ok(chain)
}
