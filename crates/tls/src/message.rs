//! The server's other handshake messages (RFC 8446, sections 4.3 and 4.4).

use crate::TlsError;
use crate::hello::{
    EARLY_DATA, MAX_FRAGMENT_LENGTH, RECORD_SIZE_LIMIT, SERVER_NAME, SIGNATURE_ALGORITHMS,
    SUPPORTED_GROUPS, fragment_length, record_limit,
};
use crate::record::MAX_PLAIN;
use crate::verify::VerifyError;
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

/// Extensions in a message where unknown ones are allowed; more are refused. Servers send two or three.
const MAX_EXTENSIONS: usize = 32;
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
    /// Records that fit this receive buffer, octets: record_size_limit, and for a small one max_fragment_length.
    pub receive: usize,
}

/// Reads EncryptedExtensions; returns how many octets of contents the server takes in a record, if it says so.
pub(crate) fn encrypted_extensions(
    mut body: Reader<'_>,
    asked: Asked,
) -> Result<Option<usize>, TlsError> {
    let mut extensions = body.vector(2)?;
    body.end()?;
    let asked_fragment = fragment_length(record_limit(asked.receive));
    let (mut limit, mut named, mut fragment, mut groups) = (None, false, None, false);
    // Ends: each round takes at least four octets.
    while !extensions.is_empty() {
        let kind = extensions.u16()?;
        let mut value = extensions.vector(2)?;
        let twice = match (kind, asked_fragment) {
            (SERVER_NAME, _) if asked.name => {
                value.end()?;
                replace(&mut named, true)
            }
            (RECORD_SIZE_LIMIT, _) => {
                let octets = value.u16()?;
                value.end()?;
                // RFC 8449, section 4: below 64 is an error.
                octets < 64 || limit.replace(usize::from(octets)).is_some()
            }
            (MAX_FRAGMENT_LENGTH, Some(asked)) => {
                let power = value.u8()?;
                value.end()?;
                // RFC 6066, section 4: as asked for, or not at all.
                asked != power || fragment.replace(256 << power).is_some()
            }
            (SUPPORTED_GROUPS, _) => replace(&mut groups, true),
            _ => return Err(TlsError::UnexpectedExtension),
        };
        if twice {
            return Err(TlsError::IllegalParameter);
        }
    }
    // RFC 8449, section 5: one of them.
    if fragment.is_some() && limit.is_some() {
        return Err(TlsError::IllegalParameter);
    }
    // The record_size_limit counts the content type; none is above what TLS allows (RFC 8449, section 4).
    Ok(fragment.or(limit.map(|limit| limit.saturating_sub(1).min(MAX_PLAIN))))
}

/// Reads a CertificateRequest; returns whether `scheme` is among those that the server can check.
pub(crate) fn certificate_request(mut body: Reader<'_>, scheme: u16) -> Result<bool, TlsError> {
    // Only those after the handshake have a context, and they are not allowed.
    if !body.vector(1)?.is_empty() {
        return Err(TlsError::IllegalParameter);
    }
    let mut extensions = extensions(&mut body)?;
    body.end()?;
    let mut algorithms = None;
    // Ends: each round takes at least four octets.
    while !extensions.is_empty() {
        let kind = extensions.u16()?;
        let mut value = extensions.vector(2)?;
        if kind == SIGNATURE_ALGORITHMS {
            algorithms = Some(value.vector(2)?);
            value.end()?;
        }
    }
    // Has to be there (section 4.3.2), with one scheme at least (section 4.2.3).
    let mut algorithms = algorithms.ok_or(TlsError::MissingExtension)?;
    if algorithms.is_empty() {
        return Err(TlsError::BadMessage);
    }
    let mut found = false;
    // Ends: each round takes two octets.
    while !algorithms.is_empty() {
        found |= algorithms.u16()? == scheme;
    }
    Ok(found)
}

/// Reads a NewSessionTicket (section 4.6.1), of which nothing is kept.
pub(crate) fn new_session_ticket(mut body: Reader<'_>) -> Result<(), TlsError> {
    // ticket_lifetime, ticket_age_add, ticket_nonce.
    body.take(8)?;
    body.vector(1)?;
    let ticket = body.vector(2)?;
    let mut extensions = extensions(&mut body)?;
    body.end()?;
    if ticket.is_empty() {
        return Err(TlsError::BadMessage);
    }
    // Ends: each round takes at least four octets.
    while !extensions.is_empty() {
        let kind = extensions.u16()?;
        let mut value = extensions.vector(2)?;
        if kind == EARLY_DATA {
            // max_early_data_size (section 4.2.10).
            value.take(4)?;
            value.end()?;
        }
    }
    Ok(())
}

/// Takes a list of extensions, some of which may be unknown: each type is there once (section 4.2).
fn extensions<'a>(body: &mut Reader<'a>) -> Result<Reader<'a>, TlsError> {
    let list = body.vector(2)?;
    let mut rest = list;
    let mut seen = Vec::<u16, MAX_EXTENSIONS>::new();
    // Ends: each round takes at least four octets.
    while !rest.is_empty() {
        let kind = rest.u16()?;
        rest.vector(2)?;
        if seen.contains(&kind) {
            return Err(TlsError::IllegalParameter);
        }
        seen.push(kind).map_err(|_| TlsError::BadMessage)?;
    }
    Ok(list)
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
        chain
            .push(der.0)
            .map_err(|_| VerifyError::TooManyCertificates)?;
    }
    Ok(chain)
}
