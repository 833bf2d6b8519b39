//! ClientHello and ServerHello (RFC 8446, section 4.1).

use crate::TlsError;
use crate::algorithms::Algorithms;
use crate::record::{HEADER, MAX_PLAIN};
use crate::suite::{Suite, TAG};
use crate::verify::{ServerName, schemes};
use crate::wire::{Reader, Writer};
use p256::PublicKey;
use p256::elliptic_curve::sec1::ToEncodedPoint;

/// Extension types.
pub(crate) const SERVER_NAME: u16 = 0;
pub(crate) const MAX_FRAGMENT_LENGTH: u16 = 1;
pub(crate) const SUPPORTED_GROUPS: u16 = 10;
pub(crate) const SIGNATURE_ALGORITHMS: u16 = 13;
pub(crate) const RECORD_SIZE_LIMIT: u16 = 28;
pub(crate) const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;
const COOKIE: u16 = 44;
const KEY_SHARE: u16 = 51;

const TLS12: u16 = 0x0303;
const TLS13: u16 = 0x0304;
const SECP256R1: u16 = 0x0017;

/// The random of a HelloRetryRequest: SHA-256 of its name (section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What a ClientHello says.
pub(crate) struct ClientHello<'a> {
    pub random: [u8; 32],
    pub key: &'a PublicKey,
    pub suites: &'a [Suite],
    pub server: &'a ServerName<'a>,
    /// Checks the server's proof: what can be checked is offered.
    pub algorithms: Algorithms<'a>,
    /// Octets of the receive buffer.
    pub receive: usize,
    /// The cookie of a HelloRetryRequest; empty without one.
    pub cookie: &'a [u8],
}

impl ClientHello<'_> {
    /// Writes the message's body.
    #[inline(never)]
    pub fn write(&self, to: &mut Writer<'_>) {
        to.u16(TLS12);
        to.octets(&self.random);
        // No legacy_session_id: the compatibility mode helps only through middleboxes.
        to.u8(0);
        let suites = to.open(2);
        for suite in self.suites {
            to.u16(suite.code_point());
        }
        to.close(suites);
        to.octets(&[1, 0]);
        let all = to.open(2);
        if let Some(name) = self.server.as_dns() {
            let extension = begin(to, SERVER_NAME);
            let list = to.open(2);
            to.u8(0);
            let host = to.open(2);
            to.octets(name.as_bytes());
            to.close(host);
            to.close(list);
            to.close(extension);
        }
        let extension = begin(to, SUPPORTED_VERSIONS);
        to.octets(&[2, 3, 4]);
        to.close(extension);
        let extension = begin(to, SUPPORTED_GROUPS);
        to.octets(&[0, 2]);
        to.u16(SECP256R1);
        to.close(extension);
        let extension = begin(to, SIGNATURE_ALGORITHMS);
        let list = to.open(2);
        for scheme in schemes(self.algorithms) {
            to.u16(scheme);
        }
        to.close(list);
        to.close(extension);
        let extension = begin(to, KEY_SHARE);
        let shares = to.open(2);
        to.u16(SECP256R1);
        let share = to.open(2);
        to.octets(self.key.to_encoded_point(false).as_bytes());
        to.close(share);
        to.close(shares);
        to.close(extension);
        self.write_limits(to);
        if !self.cookie.is_empty() {
            let extension = begin(to, COOKIE);
            let cookie = to.open(2);
            to.octets(self.cookie);
            to.close(cookie);
            to.close(extension);
        }
        to.close(all);
    }

    /// Asks for records that fit the receive buffer; servers that know neither extension send what they like. The limit is
    /// told also where any record fits, since a server may have one of its own only then (RFC 8449, section 4).
    fn write_limits(&self, to: &mut Writer<'_>) {
        let limit = record_limit(self.receive);
        let extension = begin(to, RECORD_SIZE_LIMIT);
        to.u16(limit);
        to.close(extension);
        if let Some(power) = fragment_length(limit) {
            let extension = begin(to, MAX_FRAGMENT_LENGTH);
            to.u8(power);
            to.close(extension);
        }
    }
}

/// The record_size_limit for a receive buffer of so many octets: what a sealed record leaves for contents, content
/// type and padding (RFC 8449, section 4), at most what TLS allows.
pub(crate) fn record_limit(receive: usize) -> u16 {
    receive.saturating_sub(HEADER + TAG).min(MAX_PLAIN + 1) as u16
}

/// The max_fragment_length below a record_size_limit (RFC 6066, section 4): 1 is 512 octets, 4 is 4096. `None` when any
/// record fits.
pub(crate) fn fragment_length(limit: u16) -> Option<u8> {
    let small = usize::from(limit) <= MAX_PLAIN;
    (1..=4).rev().find(|power| small && 256 << power < limit)
}

fn begin(to: &mut Writer<'_>, kind: u16) -> crate::wire::Open {
    to.u16(kind);
    to.open(2)
}

/// What the server answers to a hello.
pub(crate) enum Answer<'a> {
    /// ServerHello.
    Hello(ServerHello),
    /// HelloRetryRequest (section 4.1.4): the same again, with this cookie.
    Retry { suite: Suite, cookie: &'a [u8] },
}

/// What the server chose.
pub(crate) struct ServerHello {
    pub suite: Suite,
    pub key: PublicKey,
}

impl<'a> Answer<'a> {
    /// Reads the message's body. What was not offered is refused.
    #[inline(never)]
    pub fn read(mut body: Reader<'a>, offered: &[Suite]) -> Result<Self, TlsError> {
        let version = body.u16()?;
        let random = body.take(32)?;
        let session = body.vector(1)?;
        let suite = body.u16()?;
        let compression = body.u8()?;
        // Without extensions it is an old version's.
        let mut extensions = match body.is_empty() {
            true => Reader(&[]),
            false => body.vector(2)?,
        };
        body.end()?;
        let retry = random == RETRY;
        let mut selected = None;
        let mut share = None;
        let mut cookie = None;
        let mut unknown = false;
        // Ends: each round takes at least four octets.
        while !extensions.is_empty() {
            let kind = extensions.u16()?;
            let mut value = extensions.vector(2)?;
            let twice = match kind {
                SUPPORTED_VERSIONS => {
                    let version = value.u16()?;
                    value.end()?;
                    selected.replace(version).is_some()
                }
                KEY_SHARE => share.replace(value).is_some(),
                COOKIE if retry => {
                    let crumbs = value.vector(2)?;
                    value.end()?;
                    // One octet at least (section 4.2.2).
                    if crumbs.is_empty() {
                        return Err(TlsError::BadMessage);
                    }
                    cookie.replace(crumbs.0).is_some()
                }
                _ => {
                    unknown = true;
                    false
                }
            };
            if twice {
                return Err(TlsError::IllegalParameter);
            }
        }
        if selected.is_none() {
            return Err(TlsError::NoTls13);
        }
        if unknown {
            return Err(TlsError::UnexpectedExtension);
        }
        let suite = offered.iter().find(|offer| offer.code_point() == suite);
        let legacy = version == TLS12 && session.is_empty() && compression == 0;
        let (Some(suite), true) = (suite, legacy && selected == Some(TLS13)) else {
            return Err(TlsError::IllegalParameter);
        };
        match retry {
            true => Self::retry(*suite, share, cookie),
            false => {
                let share = share.ok_or(TlsError::MissingExtension)?;
                let key = server_share(share)?;
                Ok(Self::Hello(ServerHello { suite: *suite, key }))
            }
        }
    }

    /// A share of another group cannot be sent, and one of P-256 was; so a request that changes anything has a cookie and
    /// nothing else.
    fn retry(
        suite: Suite,
        share: Option<Reader<'a>>,
        cookie: Option<&'a [u8]>,
    ) -> Result<Self, TlsError> {
        if let Some(mut group) = share {
            let selected = group.u16()?;
            group.end()?;
            return Err(match selected {
                SECP256R1 => TlsError::IllegalParameter,
                _ => TlsError::HelloRetryRequest,
            });
        }
        let cookie = cookie.ok_or(TlsError::IllegalParameter)?;
        Ok(Self::Retry { suite, cookie })
    }
}

/// The server's share of the key exchange (section 4.2.8.2).
fn server_share(mut share: Reader<'_>) -> Result<PublicKey, TlsError> {
    let group = share.u16()?;
    let point = share.vector(2)?;
    share.end()?;
    // Uncompressed, and on the curve.
    let uncompressed = point.0.first() == Some(&4) && group == SECP256R1;
    PublicKey::from_sec1_bytes(point.0)
        .ok()
        .filter(|_| uncompressed)
        .ok_or(TlsError::IllegalParameter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::DEFAULT_SUITES;
    use crate::verify::DEFAULT_ALGORITHMS;
    use p256::SecretKey;

    /// RFC 8449, section 4: what a sealed record leaves, at most what TLS allows.
    #[test]
    fn limits_of_a_receive_buffer() {
        for (receive, limit) in [
            (0, 0),
            (21, 0),
            (22, 1),
            (4_400, 4_379),
            (16_405, 16_384),
            (16_406, 16_385),
            (16_407, 16_385),
            (usize::MAX, 16_385),
        ] {
            assert_eq!(record_limit(receive), limit, "{receive}");
        }
        // RFC 6066, section 4: the largest of four lengths that is below the limit.
        for (limit, power) in [
            (0, None),
            (512, None),
            (513, Some(1)),
            (1_024, Some(1)),
            (1_025, Some(2)),
            (2_048, Some(2)),
            (2_049, Some(3)),
            (4_096, Some(3)),
            (4_097, Some(4)),
            (16_384, Some(4)),
            (16_385, None),
        ] {
            assert_eq!(fragment_length(limit), power, "{limit}");
        }
    }

    fn key() -> PublicKey {
        SecretKey::from_slice(&[7; 32]).unwrap().public_key()
    }

    /// A hello with this cookie, for a receive buffer of so many octets.
    fn written(cookie: &[u8], receive: usize) -> Vec<u8> {
        let hello = ClientHello {
            random: [5; 32],
            key: &key(),
            suites: DEFAULT_SUITES,
            server: &ServerName::Dns("boot.example"),
            algorithms: DEFAULT_ALGORITHMS,
            receive,
            cookie,
        };
        let mut buffer = [0; 512];
        let mut writer = Writer::new(&mut buffer);
        hello.write(&mut writer);
        let len = writer.finish().unwrap();
        buffer[..len].to_vec()
    }

    #[test]
    fn a_cookie_is_sent_back_and_changes_nothing_else() {
        let (plain, with) = (written(&[], 16_645), written(b"abc", 16_645));
        let extension = [0, 44, 0, 5, 0, 3, b'a', b'b', b'c'];
        // The length of all extensions stands behind the suites.
        let at = 2 + 32 + 1 + 2 + 2 * DEFAULT_SUITES.len() + 2;
        let length = |hello: &[u8]| usize::from(u16::from_be_bytes([hello[at], hello[at + 1]]));
        assert_eq!(length(&plain), plain.len() - at - 2);
        assert_eq!(length(&with), length(&plain) + extension.len());
        assert_eq!(with[..at], plain[..at]);
        assert_eq!(with[at + 2..], [&plain[at + 2..], &extension].concat());
    }

    /// The limit is told in any case, and a fragment length for small records only.
    #[test]
    fn a_hello_tells_the_limits() {
        let (large, small) = (written(&[], 16_645), written(&[], 4_400));
        assert!(large.ends_with(&[0, 28, 0, 2, 0x40, 1]));
        let both = [0, 28, 0, 2, 0x11, 0x1B, 0, 1, 0, 1, 4];
        assert!(small.ends_with(&both));
        assert_eq!(small.len(), large.len() + 5);
    }

    /// The fields of a server's answer.
    struct Fields {
        version: u16,
        random: [u8; 32],
        session: Vec<u8>,
        suite: u16,
        compression: u8,
        extensions: Vec<(u16, Vec<u8>)>,
    }

    fn share(group: u16, point: &[u8]) -> (u16, Vec<u8>) {
        let length = point.len() as u16;
        let value = [&group.to_be_bytes()[..], &length.to_be_bytes(), point].concat();
        (KEY_SHARE, value)
    }

    /// A ServerHello with nothing wrong.
    fn good() -> Fields {
        Fields {
            version: TLS12,
            random: [9; 32],
            session: vec![],
            suite: DEFAULT_SUITES[0].code_point(),
            compression: 0,
            extensions: vec![
                (SUPPORTED_VERSIONS, vec![3, 4]),
                share(SECP256R1, key().to_encoded_point(false).as_bytes()),
            ],
        }
    }

    /// A HelloRetryRequest with nothing wrong.
    fn retry() -> Fields {
        Fields {
            random: RETRY,
            extensions: vec![(SUPPORTED_VERSIONS, vec![3, 4]), (COOKIE, vec![0, 2, 1, 2])],
            ..good()
        }
    }

    /// What is read: the suite, and the cookie of a HelloRetryRequest.
    fn read(fields: &Fields) -> Result<(Suite, Option<Vec<u8>>), TlsError> {
        let mut body = fields.version.to_be_bytes().to_vec();
        body.extend(fields.random);
        body.push(fields.session.len() as u8);
        body.extend(&fields.session);
        body.extend(fields.suite.to_be_bytes());
        body.push(fields.compression);
        let mut all = Vec::new();
        for (kind, value) in &fields.extensions {
            all.extend(kind.to_be_bytes());
            all.extend((value.len() as u16).to_be_bytes());
            all.extend(value);
        }
        body.extend((all.len() as u16).to_be_bytes());
        body.extend(all);
        Ok(match Answer::read(Reader(&body), DEFAULT_SUITES)? {
            Answer::Hello(hello) => {
                assert_eq!(hello.key, key());
                (hello.suite, None)
            }
            Answer::Retry { suite, cookie } => (suite, Some(cookie.to_vec())),
        })
    }

    fn error(base: fn() -> Fields, edit: impl FnOnce(&mut Fields)) -> Option<TlsError> {
        let mut fields = base();
        edit(&mut fields);
        read(&fields).err()
    }

    /// RFC 8446, section 4.1.3: one fault at a time.
    #[test]
    fn what_a_server_hello_may_say() {
        assert_eq!(read(&good()), Ok((DEFAULT_SUITES[0], None)));
        let illegal = Some(TlsError::IllegalParameter);
        assert_eq!(error(good, |hello| hello.version = TLS13), illegal);
        assert_eq!(error(good, |hello| hello.session = vec![1]), illegal);
        assert_eq!(error(good, |hello| hello.compression = 1), illegal);
        assert_eq!(error(good, |hello| hello.suite = 0x1304), illegal);
        let other = |hello: &mut Fields| hello.extensions[0].1 = vec![3, 3];
        assert_eq!(error(good, other), illegal);
        for at in 0..2 {
            let twice = |hello: &mut Fields| hello.extensions.push(hello.extensions[at].clone());
            assert_eq!(error(good, twice), illegal, "{at}");
        }
        let unversioned = |hello: &mut Fields| drop(hello.extensions.remove(0));
        assert_eq!(error(good, unversioned), Some(TlsError::NoTls13));
        let unshared = |hello: &mut Fields| drop(hello.extensions.remove(1));
        assert_eq!(error(good, unshared), Some(TlsError::MissingExtension));
        // A cookie is for a HelloRetryRequest only.
        for (kind, value) in [(COOKIE, vec![0, 2, 1, 2]), (SERVER_NAME, vec![])] {
            let unknown = |hello: &mut Fields| hello.extensions.push((kind, value));
            let unexpected = Some(TlsError::UnexpectedExtension);
            assert_eq!(error(good, unknown), unexpected, "{kind}");
        }
    }

    /// RFC 8446, section 4.2.8.2.
    #[test]
    fn shares_that_are_none() {
        let (long, short) = (key().to_encoded_point(false), key().to_encoded_point(true));
        let of = |group, point: &[u8]| {
            let share = share(group, point);
            error(good, |hello| hello.extensions[1] = share)
        };
        assert_eq!(of(SECP256R1, long.as_bytes()), None);
        let illegal = Some(TlsError::IllegalParameter);
        // x25519 with a point of P-256, a compressed point, and one that is not on the curve.
        assert_eq!(of(0x001D, long.as_bytes()), illegal);
        assert_eq!(of(SECP256R1, short.as_bytes()), illegal);
        assert_eq!(of(SECP256R1, &[4; 65]), illegal);
    }

    /// RFC 8446, section 4.1.4.
    #[test]
    fn what_a_hello_retry_request_may_say() {
        assert_eq!(read(&retry()), Ok((DEFAULT_SUITES[0], Some(vec![1, 2]))));
        let cookie =
            |value: &'static [u8]| error(retry, |again| again.extensions[1].1 = value.into());
        assert_eq!(cookie(&[0, 1, 7]), None);
        assert_eq!(cookie(&[0, 0]), Some(TlsError::BadMessage));
        assert_eq!(cookie(&[0, 1, 7, 7]), Some(TlsError::BadMessage));
        let none = |again: &mut Fields| drop(again.extensions.pop());
        assert_eq!(error(retry, none), Some(TlsError::IllegalParameter));
        let group = |group: u16| {
            error(retry, |again| {
                let value = group.to_be_bytes().to_vec();
                again.extensions.push((KEY_SHARE, value));
            })
        };
        // The share of P-256 was sent; one of another group cannot be.
        assert_eq!(group(SECP256R1), Some(TlsError::IllegalParameter));
        assert_eq!(group(0x001D), Some(TlsError::HelloRetryRequest));
    }
}
