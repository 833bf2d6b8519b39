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

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// A vector with a length of `octets` octets in front.
    fn vector(octets: usize, content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u32).to_be_bytes();
        [&length[4 - octets..], content].concat()
    }

    /// A list of extensions.
    fn list(extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let all = extensions
            .iter()
            .flat_map(|(kind, value)| [&kind.to_be_bytes()[..], &vector(2, value)].concat());
        vector(2, &all.collect::<Vec<_>>())
    }

    const ILLEGAL: TlsError = TlsError::IllegalParameter;
    const BAD: TlsError = TlsError::BadMessage;

    #[test]
    fn messages_come_whole() {
        let two = [&[20, 0, 0, 2, 7, 8][..], &[4, 0, 1]].concat();
        let (kind, whole, body) = next(&two).unwrap();
        assert_eq!((kind, whole, body.0), (20, &two[..6], &[7, 8][..]));
        for cut in 0..6 {
            assert!(next(&two[..cut]).is_none(), "{cut}");
        }
        assert_eq!(announced(&two), 6);
        assert_eq!(announced(&[11, 1, 2, 3]), 0x01_0203 + 4);
        // The header itself is not whole.
        assert_eq!(announced(&two[..3]), 4);
        assert_eq!(announced(&[]), 4);
    }

    /// EncryptedExtensions with a receive buffer for large records, or for small ones.
    fn read(
        extensions: &[(u16, &[u8])],
        name: bool,
        small: bool,
    ) -> Result<Option<usize>, TlsError> {
        let receive = if small { 4_400 } else { 16_645 };
        encrypted_extensions(Reader(&list(extensions)), Asked { name, receive })
    }

    #[test]
    fn what_encrypted_extensions_may_say() {
        assert_eq!(read(&[], true, true), Ok(None));
        let unexpected = Err(TlsError::UnexpectedExtension);
        assert_eq!(read(&[(SERVER_NAME, &[])], true, true), Ok(None));
        assert_eq!(read(&[(SERVER_NAME, &[])], false, true), unexpected);
        assert_eq!(read(&[(SERVER_NAME, &[0])], true, true), Err(BAD));
        assert_eq!(
            read(&[(SUPPORTED_GROUPS, &[0, 2, 0, 23])], true, true),
            Ok(None)
        );
        assert_eq!(read(&[(EARLY_DATA, &[])], true, true), unexpected);
        for one in [
            (SERVER_NAME, &[][..]),
            (SUPPORTED_GROUPS, &[0, 2, 0, 23]),
            (RECORD_SIZE_LIMIT, &[1, 0]),
            (MAX_FRAGMENT_LENGTH, &[4]),
        ] {
            assert!(read(&[one], true, true).is_ok(), "{one:?}");
            assert_eq!(read(&[one, one], true, true), Err(ILLEGAL), "{one:?}");
        }
    }

    /// RFC 8449, sections 4 and 5; RFC 6066, section 4.
    #[test]
    fn what_the_server_takes_in_a_record() {
        let limit = |octets: u16| read(&[(RECORD_SIZE_LIMIT, &octets.to_be_bytes())], true, true);
        for (told, contents) in [
            (64, 63),
            (65, 64),
            (4_096, 4_095),
            (16_384, 16_383),
            (16_385, 16_384),
            (16_386, 16_384),
            (u16::MAX, 16_384),
        ] {
            assert_eq!(limit(told), Ok(Some(contents)), "{told}");
        }
        for told in [0, 1, 63] {
            assert_eq!(limit(told), Err(ILLEGAL), "{told}");
        }
        assert_eq!(read(&[(RECORD_SIZE_LIMIT, &[0])], true, true), Err(BAD));
        // The fragment length that was asked for is 4, which is 4096 octets; with large records none was asked for.
        assert_eq!(
            read(&[(MAX_FRAGMENT_LENGTH, &[4])], true, true),
            Ok(Some(4_096))
        );
        for power in [0, 1, 3, 5] {
            let found = read(&[(MAX_FRAGMENT_LENGTH, &[power])], true, true);
            assert_eq!(found, Err(ILLEGAL), "{power}");
        }
        let unexpected = Err(TlsError::UnexpectedExtension);
        assert_eq!(
            read(&[(MAX_FRAGMENT_LENGTH, &[4])], true, false),
            unexpected
        );
        let both: [(u16, &[u8]); 2] = [(RECORD_SIZE_LIMIT, &[1, 0]), (MAX_FRAGMENT_LENGTH, &[4])];
        assert_eq!(read(&both, true, true), Err(ILLEGAL));
    }

    /// RFC 8446, section 4.3.2.
    #[test]
    fn what_a_certificate_request_may_say() {
        let read = |context: &[u8], extensions: &[(u16, &[u8])]| {
            let body = [vector(1, context), list(extensions)].concat();
            certificate_request(Reader(&body), 0x0403)
        };
        let of = |schemes: &[u8]| read(&[], &[(SIGNATURE_ALGORITHMS, &vector(2, schemes))]);
        assert_eq!(of(&[4, 3]), Ok(true));
        assert_eq!(of(&[8, 4, 4, 3]), Ok(true));
        assert_eq!(of(&[4, 3, 8, 4]), Ok(true));
        assert_eq!(of(&[8, 4]), Ok(false));
        assert_eq!(of(&[]), Err(BAD));
        assert_eq!(of(&[4]), Err(BAD));
        let schemes = vector(2, &[4, 3]);
        assert_eq!(
            read(&[1], &[(SIGNATURE_ALGORITHMS, &schemes)]),
            Err(ILLEGAL)
        );
        assert_eq!(read(&[], &[]), Err(TlsError::MissingExtension));
        // Others are allowed, each once.
        assert_eq!(
            read(&[], &[(47, &[0]), (SIGNATURE_ALGORITHMS, &schemes)]),
            Ok(true)
        );
        assert_eq!(
            read(&[], &[(SIGNATURE_ALGORITHMS, &schemes), (47, &[0])]),
            Ok(true)
        );
        assert_eq!(
            read(
                &[],
                &[(47, &[0]), (47, &[0]), (SIGNATURE_ALGORITHMS, &schemes)]
            ),
            Err(ILLEGAL)
        );
        let longer = [&schemes[..], &[0]].concat();
        assert_eq!(read(&[], &[(SIGNATURE_ALGORITHMS, &longer)]), Err(BAD));
    }

    /// RFC 8446, section 4.6.1.
    #[test]
    fn what_a_ticket_may_say() {
        let read = |ticket: &[u8], extensions: &[(u16, &[u8])]| {
            let body = [&[0; 8][..], &vector(1, &[1]), &vector(2, ticket)].concat();
            new_session_ticket(Reader(&[body, list(extensions)].concat()))
        };
        assert_eq!(read(&[1], &[]), Ok(()));
        assert_eq!(read(&[], &[]), Err(BAD));
        assert_eq!(read(&[1], &[(EARLY_DATA, &[0, 0, 0, 1])]), Ok(()));
        assert_eq!(read(&[1], &[(EARLY_DATA, &[0, 0, 1])]), Err(BAD));
        assert_eq!(read(&[1], &[(EARLY_DATA, &[0, 0, 0, 0, 1])]), Err(BAD));
        // One that is not known may have any length.
        assert_eq!(read(&[1], &[(99, &[1, 2, 3])]), Ok(()));
        assert_eq!(read(&[1], &[(99, &[]), (99, &[])]), Err(ILLEGAL));
    }

    /// RFC 8446, section 4.4.2.
    #[test]
    fn what_a_certificate_message_may_say() {
        let entry = |der: &[u8]| [vector(3, der), vector(2, &[])].concat();
        let read = |context: &[u8], entries: &[Vec<u8>]| {
            let body = [vector(1, context), vector(3, &entries.concat())].concat();
            let chain = certificate(Reader(&body))?;
            Ok(chain.iter().map(|der| der.to_vec()).collect::<Vec<_>>())
        };
        let (one, two) = (entry(b"one"), entry(b"two"));
        let both = vec![b"one".to_vec(), b"two".to_vec()];
        assert_eq!(read(&[], &[one.clone(), two]), Ok(both));
        assert_eq!(read(&[], &[]), Ok(vec![]));
        assert_eq!(read(&[1], std::slice::from_ref(&one)), Err(ILLEGAL));
        // We ask for no extension of a certificate.
        let status = [vector(3, b"one"), list(&[(5, &[])])].concat();
        assert_eq!(read(&[], &[status]), Err(TlsError::UnexpectedExtension));
        let most = vec![one.clone(); MAX_CHAIN];
        assert_eq!(read(&[], &most).map(|chain| chain.len()), Ok(MAX_CHAIN));
        let more = vec![one; MAX_CHAIN + 1];
        let refused = TlsError::Certificate(VerifyError::TooManyCertificates);
        assert_eq!(read(&[], &more), Err(refused));
    }
}
