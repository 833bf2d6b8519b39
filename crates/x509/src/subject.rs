//! The names in a server's certificate: which it has, and which it may not have.
//!
//! Whether one of them is the server's is decided by rustls-webpki, which knows no common name. The common name is for
//! people; of one that may mislead them the certificate is refused.

use netboot_core::uri::{parse_v4, parse_v6};

use super::certificate::Certificate;
use super::constraints::{DNS_NAME, IP_ADDRESS};
use super::der::{OID, Reader, SEQUENCE, SET};
use super::profile::alternative_names;
use super::{Role, VerifyError};

/// id-at-commonName, 2.5.4.3
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

/// Second-level labels under which country registries sell names. The whole list of public suffixes has 10,000.
const REGISTRY_LABELS: [&[u8]; 8] = [b"ac", b"co", b"com", b"edu", b"gov", b"mil", b"net", b"org"];

/// Whether the subject alternative names are well-formed, none stands for a public suffix, and a common name that is an
/// address or an internationalized host is one of them.
pub(super) fn check(certificate: &Certificate<'_>) -> Result<(), VerifyError> {
    const MALFORMED: VerifyError = VerifyError::BadCertificate(Role::Leaf);
    if certificate
        .extension(super::certificate::SUBJECT_ALT_NAME)
        .is_none()
    {
        return Err(VerifyError::WrongName);
    }
    let names = alternative_names(certificate).ok_or(MALFORMED)?;
    let mut rest = names;
    // Each takes octets, so they end.
    while !rest.is_empty() {
        let name = rest.value().ok_or(MALFORMED)?;
        if name.tag == DNS_NAME && is_broad(name.content) {
            return Err(VerifyError::BroadWildcard);
        }
    }
    match common_names_are_among(certificate.subject, names) {
        Some(true) => Ok(()),
        Some(false) | None => Err(MALFORMED),
    }
}

/// `*`, `*.com`, `*.co.uk`
fn is_broad(name: &[u8]) -> bool {
    let Some(base) = name.strip_prefix(b"*") else {
        return false;
    };
    let mut labels = base.strip_prefix(b".").unwrap_or(base).rsplit(is_dot);
    let top = labels.next().unwrap_or_default();
    let Some(second) = labels.next() else {
        return true;
    };
    let is_registry = REGISTRY_LABELS
        .iter()
        .any(|label| label.eq_ignore_ascii_case(second));
    labels.next().is_none() && top.len() == 2 && is_registry
}

fn is_dot(octet: &u8) -> bool {
    *octet == b'.'
}

/// Baseline Requirements section 7.1.4.3: a host as a common name is a copy of an alternative name, character for
/// character. Plain host names need not be: many certificates have another one there, or a label.
fn common_names_are_among(subject: &[u8], names: Reader<'_>) -> Option<bool> {
    let mut sets = Reader::new(subject);
    // All take octets, so they end.
    while !sets.is_empty() {
        let mut attributes = sets.nested(SET)?;
        while !attributes.is_empty() {
            let mut attribute = attributes.nested(SEQUENCE)?;
            let kind = attribute.expect(OID)?;
            let value = attribute.value()?.content;
            if kind == COMMON_NAME && may_mislead(value) && !is_among(value, names)? {
                return Some(false);
            }
        }
    }
    Some(true)
}

/// Whether it is one word and an address in some notation, or a host name beyond ASCII, plain or encoded.
fn may_mislead(text: &[u8]) -> bool {
    let has = |sign| text.contains(&sign);
    let numeric = text.starts_with(b"0x")
        || has(b'.') && text.iter().all(|octet| b"0123456789.".contains(octet))
        || has(b':');
    let international = has(b'.')
        && (!text.is_ascii() || text.split(is_dot).any(|label| label.starts_with(b"xn--")));
    !has(b' ') && (numeric || international)
}

fn is_among(host: &[u8], mut names: Reader<'_>) -> Option<bool> {
    let text = core::str::from_utf8(host).ok();
    let v4 = text.and_then(parse_v4).map(|address| address.octets());
    // RFC 5952 section 4: neither capitals nor zeros in front.
    let canonical = !host.iter().any(u8::is_ascii_uppercase)
        && !host
            .split(|octet| *octet == b':')
            .any(|group| group.len() > 1 && group.first() == Some(&b'0'));
    let v6 = text
        .filter(|_| canonical)
        .and_then(parse_v6)
        .map(|address| address.octets());
    while !names.is_empty() {
        let name = names.value()?;
        let same = match name.tag {
            DNS_NAME => name.content == host,
            IP_ADDRESS => {
                v4.is_some_and(|octets| octets == name.content)
                    || v6.is_some_and(|octets| octets == name.content)
            }
            _ => false,
        };
        if same {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_of_registries() {
        for name in ["*", "*.", "*.com", "*.lan", "*.co.uk", "*.COM.br"] {
            assert!(is_broad(name.as_bytes()), "{name}");
        }
        for name in [
            "com",
            "*.example.com",
            "*.example.uk",
            "*.boot.co.uk",
            "*.co.example",
            "co.uk",
        ] {
            assert!(!is_broad(name.as_bytes()), "{name}");
        }
    }
}
