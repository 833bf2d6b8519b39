//! The names in a server's certificate: which it has, and which it may not have.
//!
//! Whether one of them is the server's is decided by rustls-webpki, which knows no common name. The common name is for
//! people; of one that may mislead them the certificate is refused.

use netboot_core::uri::{parse_v4, parse_v6};

use super::certificate::{Certificate, SUBJECT_ALT_NAME};
use super::constraints::{DNS_NAME, IP_ADDRESS};
use super::der::{self, OID, Reader, SEQUENCE, SET, Value, constructed, context};
use super::{Role, VerifyError};

/// id-at-commonName, 2.5.4.3
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

/// Octets of a DNS name and of a label in it, RFC 1034 section 3.1.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// Comparisons of one name with another. All of them take less time than one signature.
pub(super) const MAX_COMPARISONS: usize = 16_384;

/// Tags of the other kinds of `GeneralName`, section 4.2.1.6.
const OTHER_NAMES: [u8; 7] = [
    constructed(0),
    context(1),
    constructed(3),
    constructed(4),
    constructed(5),
    context(6),
    context(8),
];

/// Second-level labels under which country registries sell names. The whole list of public suffixes has 10,000.
const REGISTRY_LABELS: [&[u8]; 8] = [b"ac", b"co", b"com", b"edu", b"gov", b"mil", b"net", b"org"];

const MALFORMED: VerifyError = VerifyError::BadCertificate(Role::Leaf);

/// Whether the subject alternative names are well-formed, none stands for a public suffix, and a common name that is an
/// address or a host is one of them.
pub(super) fn check(certificate: &Certificate<'_>) -> Result<(), VerifyError> {
    let extension = certificate.extension(SUBJECT_ALT_NAME);
    let extension = extension.ok_or(VerifyError::WrongName)?;
    // Section 4.2.1.6: critical where the subject is empty; Baseline Requirements section 7.1.2.7.12: only there.
    if extension.critical != certificate.subject.is_empty() {
        return Err(VerifyError::WrongCriticality(Role::Leaf));
    }
    let names = Reader::new(der::only(extension.value, SEQUENCE).ok_or(MALFORMED)?);
    let mut count = 0_usize;
    let mut rest = names;
    // Each takes octets, so they end.
    while !rest.is_empty() {
        check_name(rest.value().ok_or(MALFORMED)?)?;
        count = count.saturating_add(1);
    }
    if count == 0 {
        return Err(MALFORMED);
    }
    check_common_names(certificate.subject, names, count)
}

/// Number of the subject alternative names, as far as they can be read.
pub(super) fn count(certificate: &Certificate<'_>) -> usize {
    certificate
        .extension(SUBJECT_ALT_NAME)
        .and_then(|extension| der::only(extension.value, SEQUENCE))
        .map_or(0, |names| Reader::new(names).count())
}

/// The syntax of one name, section 4.2.1.6.
fn check_name(name: Value<'_>) -> Result<(), VerifyError> {
    match name.tag {
        DNS_NAME if is_broad(name.content) => Err(VerifyError::BroadWildcard),
        DNS_NAME if !is_host(name.content) => Err(VerifyError::BadHostName),
        DNS_NAME => Ok(()),
        IP_ADDRESS if matches!(name.content.len(), 4 | 16) => Ok(()),
        tag if OTHER_NAMES.contains(&tag) => Ok(()),
        _ => Err(MALFORMED),
    }
}

/// The preferred name syntax (RFC 1034 section 3.5, RFC 1123 section 2.1), or a wildcard in place of its first label
/// (RFC 9525 section 6.3): letters, digits and hyphens, above all no underscore.
fn is_host(name: &[u8]) -> bool {
    let labels = match name {
        [b'*', b'.', labels @ ..] => labels,
        _ => name,
    };
    name.len() <= MAX_NAME
        && labels.split(is_dot).all(|label| {
            let edges = [label.first(), label.last()];
            let right = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'-';
            label.len() <= MAX_LABEL
                && label.iter().all(right)
                && edges
                    .iter()
                    .all(|edge| edge.is_some_and(|octet| *octet != b'-'))
        })
}

/// `*`, `*.com`, `*.co.uk`
fn is_broad(name: &[u8]) -> bool {
    let ([b'*', b'.', base @ ..] | [b'*', base @ ..]) = name else {
        return false;
    };
    let mut labels = base.rsplit(is_dot);
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
/// character. What misleads nobody is let be: a word or a sentence that is no host ("boot server"), and the domain that the
/// names are in (`example.com` beside `*.example.com`, or beside addresses alone).
fn check_common_names(subject: &[u8], names: Reader<'_>, count: usize) -> Result<(), VerifyError> {
    let mut budget = MAX_COMPARISONS;
    let mut sets = Reader::new(subject);
    // All take octets, so they end.
    while !sets.is_empty() {
        let mut attributes = sets.nested(SET).ok_or(MALFORMED)?;
        while !attributes.is_empty() {
            let attribute = attributes.nested(SEQUENCE);
            let (kind, value) = attribute.and_then(attribute_of).ok_or(MALFORMED)?;
            if kind == COMMON_NAME && may_mislead(value) {
                let left = budget.checked_sub(count);
                budget = left.ok_or(VerifyError::BudgetExceeded)?;
                if !is_among(value, names).ok_or(MALFORMED)? {
                    return Err(VerifyError::StrayCommonName);
                }
            }
        }
    }
    Ok(())
}

/// The common name of a `Name`'s content (RFC 5280, section 4.1.2.4). `None` when it is malformed, or does not have exactly one.
pub(super) fn common_name(subject: &[u8]) -> Option<&[u8]> {
    let mut found = None;
    let mut sets = Reader::new(subject);
    while !sets.is_empty() {
        let mut attributes = sets.nested(SET)?;
        while !attributes.is_empty() {
            let (kind, value) = attributes.nested(SEQUENCE).and_then(attribute_of)?;
            if kind == COMMON_NAME && found.replace(value).is_some() {
                return None;
            }
        }
    }
    found
}

/// Type and value.
fn attribute_of(mut attribute: Reader<'_>) -> Option<(&[u8], &[u8])> {
    let kind = attribute.expect(OID)?;
    Some((kind, attribute.value()?.content))
}

/// Whether it looks like a host with a domain, in ASCII or not, or like an address in some notation.
fn may_mislead(text: &[u8]) -> bool {
    let of_host =
        |octet: &u8| octet.is_ascii_alphanumeric() || !octet.is_ascii() || b"-_.*:".contains(octet);
    let has = |sign| text.contains(&sign);
    text.iter().all(of_host) && (has(b'.') || has(b':') || text.starts_with(b"0x"))
}

/// Whether `host` is one of the names, or the domain of one.
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
    let international = host.split(is_dot).any(|label| label.starts_with(b"xn--"));
    let is_domain = is_host(host) && !international && !is_numeric(host);
    let mut hosts = false;
    while !names.is_empty() {
        let name = names.value()?;
        let same = match name.tag {
            DNS_NAME => {
                hosts = true;
                name.content == host || is_domain && is_below(name.content, host)
            }
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
    Some(is_domain && !hosts)
}

/// `boot.example.com` is below `example.com`.
fn is_below(name: &[u8], domain: &[u8]) -> bool {
    let above = name.strip_suffix(domain);
    above.is_some_and(|above| above.ends_with(b"."))
}

/// An address in some notation, right or wrong.
fn is_numeric(text: &[u8]) -> bool {
    text.starts_with(b"0x") || text.iter().all(|octet| b"0123456789.".contains(octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_letters_digits_and_hyphens() {
        let long = [b'a'; MAX_LABEL];
        for name in [
            &b"boot.example.com"[..],
            b"bootserver",
            b"*.example.com",
            b"xn--bcher-kva.example",
            b"4.pool.example",
            b"a-b.example",
            &long,
        ] {
            assert!(is_host(name), "{}", name.escape_ascii());
        }
        let longer = [b'a'; MAX_LABEL + 1];
        let longest = [&long[..]; 4].join(&b'.');
        for name in [
            &b""[..],
            b" ",
            b".",
            b"boot_server.example.com",
            b"_boot.example.com",
            b"boot.example.com.",
            b".example.com",
            b"a..b",
            b"-a.example",
            b"a-.example",
            b"b*.example.com",
            b"a.*.example.com",
            b"b\xc3\xb6\xc3\xb6t.example",
            b"a b.example",
            b"a.example\0.b",
            &longer,
            &longest,
        ] {
            assert!(!is_host(name), "{}", name.escape_ascii());
        }
    }

    /// RFC 5952 section 4: a group of one zero is written, a zero in front of another digit is not.
    #[test]
    fn an_address_of_version_6_has_one_notation() {
        let address = [0x20, 1, 0xD, 0xB8, 0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5];
        let names = [&[IP_ADDRESS, 16][..], &address].concat();
        let among = |host: &[u8]| is_among(host, Reader::new(&names));
        assert_eq!(among(b"2001:db8:0:1:2:3:4:5"), Some(true));
        for other in [
            &b"2001:db8:00:1:2:3:4:5"[..],
            b"2001:db8:0:01:2:3:4:5",
            b"2001:0db8:0:1:2:3:4:5",
            b"2001:DB8:0:1:2:3:4:5",
            b"2001:db8:0:1:2:3:4:6",
        ] {
            assert_eq!(among(other), Some(false), "{}", other.escape_ascii());
        }
    }

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
