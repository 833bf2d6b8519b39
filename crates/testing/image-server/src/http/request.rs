//! HTTP requests: RFC 9112 section 3, ranges by RFC 9110 section 14, `Basic` by RFC 7617.

/// Octets of the longest content of a request that is read.
pub const LONGEST_CONTENT: usize = 64 * 1024;
/// Longest head that is read.
pub const LONGEST_HEAD: usize = 16 * 1024;
const MOST_FIELDS: usize = 64;

/// A request for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Path as it was sent, with the leading `/` and the query.
    pub target: String,
    /// Path decoded, without leading slashes and query: the file's name.
    pub name: String,
    /// `Host` was there, as HTTP/1.1 demands.
    pub has_host: bool,
    /// The client can go on with this connection.
    pub keep_alive: bool,
    /// HTTP/1.1, not 1.0.
    pub is_1_1: bool,
    /// `Range`, if it is one range of octets.
    pub range: Option<ByteRange>,
    /// `If-Range`.
    pub if_range: Option<String>,
    /// `Accept`.
    pub accept: Option<String>,
    /// `Authorization`.
    pub authorization: Option<String>,
    /// The request has content.
    pub has_content: bool,
    /// Octets of the content by `Content-Length`.
    pub content_length: usize,
    /// The content, for a request whose content is read.
    pub content: Vec<u8>,
}

/// A range as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// From this octet to the end.
    From(u64),
    /// From the first octet to the last one, both included.
    FromTo(u64, u64),
    /// The last octets.
    Last(u64),
}

impl ByteRange {
    /// Reads a `Range` field; `None` when it is to be ignored: another unit, several ranges, nonsense.
    pub fn parse(field: &str) -> Option<Self> {
        let (first, last) = field.trim().strip_prefix("bytes=")?.split_once('-')?;
        let number = |text: &str| text.trim().parse::<u64>().ok();
        if first.trim().is_empty() {
            return Some(ByteRange::Last(number(last)?));
        }
        let first = number(first)?;
        if last.trim().is_empty() {
            return Some(ByteRange::From(first));
        }
        let last = number(last)?;
        (first <= last).then_some(ByteRange::FromTo(first, last))
    }

    /// Offset and length within a file of `size` octets; `None` when the range has nothing of it.
    pub fn within(self, size: u64) -> Option<(u64, u64)> {
        let (first, last) = match self {
            ByteRange::From(first) => (first, size.checked_sub(1)?),
            ByteRange::FromTo(first, last) => (first, last.min(size.checked_sub(1)?)),
            ByteRange::Last(0) => return None,
            ByteRange::Last(length) => (size.saturating_sub(length), size.checked_sub(1)?),
        };
        (first < size).then(|| (first, last - first + 1))
    }
}

/// What the octets received so far are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The beginning of a head.
    Partial,
    /// A head and its length.
    Head(Box<Request>, usize),
    /// No HTTP request, or a head that is too long: this status.
    Broken(u16),
}

/// Reads a request head.
pub fn parse(octets: &[u8]) -> Parsed {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut head = httparse::Request::new(&mut fields);
    let length = match head.parse(octets) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if octets.len() < LONGEST_HEAD => return Parsed::Partial,
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return Parsed::Broken(431);
        }
        Err(_) => return Parsed::Broken(400),
    };
    let (Some(method), Some(path), Some(version)) = (head.method, head.path, head.version) else {
        return Parsed::Broken(400);
    };
    let target = origin_form(path).to_string();
    let name = target.split(['?', '#']).next().unwrap_or_default();
    let mut request = Request {
        method: method.into(),
        name: decode(name).trim_start_matches('/').to_string(),
        target,
        has_host: false,
        keep_alive: version == 1,
        is_1_1: version == 1,
        range: None,
        if_range: None,
        accept: None,
        authorization: None,
        has_content: false,
        content_length: 0,
        content: Vec::new(),
    };
    for field in head.headers.iter() {
        let value = String::from_utf8_lossy(field.value).into_owned();
        match field.name.to_ascii_lowercase().as_str() {
            "host" => request.has_host = true,
            "connection" => {
                for option in value.to_ascii_lowercase().split(',') {
                    match option.trim() {
                        "close" => request.keep_alive = false,
                        "keep-alive" => request.keep_alive = true,
                        _ => {}
                    }
                }
            }
            "range" => request.range = ByteRange::parse(&value),
            "if-range" => request.if_range = Some(value),
            "accept" => request.accept = Some(value),
            "authorization" => request.authorization = Some(value),
            "content-length" => {
                request.has_content |= value.trim() != "0";
                request.content_length = value.trim().parse().unwrap_or(usize::MAX);
            }
            "transfer-encoding" => request.has_content = true,
            _ => {}
        }
    }
    Parsed::Head(Box::new(request), length)
}

/// The path of an absolute-form target (RFC 9112 section 3.2.2); others as they are.
fn origin_form(target: &str) -> &str {
    let Some((_, rest)) = target.split_once("://") else {
        return target;
    };
    rest.find('/').map_or("/", |slash| &rest[slash..])
}

/// Percent-decoding; what is no escape stays.
fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        if octet == b'%'
            && let Some((digits, after)) = rest.split_at_checked(2)
            && let Ok(digits) = std::str::from_utf8(digits)
            && let Ok(value) = u8::from_str_radix(digits, 16)
        {
            out.push(value);
            rest = after;
        } else {
            out.push(octet);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Base64 (RFC 4648 section 4).
pub fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in octets.chunks(3) {
        let octet = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit) & 63) as usize;
            out.push(if digit <= group.len() {
                DIGITS[index] as char
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(text: &str) -> Request {
        match parse(text.as_bytes()) {
            Parsed::Head(request, length) if length == text.len() => *request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn requests() {
        let request = head(
            "GET /a%20b/fw.bin?x=1 HTTP/1.1\r\nHost: h\r\nRANGE: bytes=5-\r\nIf-Range: \"t\"\r\n\r\n",
        );
        assert_eq!(
            (request.method.as_str(), request.name.as_str()),
            ("GET", "a b/fw.bin")
        );
        assert_eq!(request.target, "/a%20b/fw.bin?x=1");
        assert_eq!(request.range, Some(ByteRange::From(5)));
        assert_eq!(request.if_range.as_deref(), Some("\"t\""));
        assert!(request.has_host && request.keep_alive);
        assert!(!head("GET / HTTP/1.0\r\n\r\n").keep_alive);
        assert!(!head("GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\n").keep_alive);
        assert_eq!(head("GET http://h:80/f HTTP/1.1\r\n\r\n").name, "f");
        assert_eq!(parse(b"GET / HTTP/1.1\r\nHo"), Parsed::Partial);
        assert_eq!(parse(b"\x16\x03\x01\0\xA5"), Parsed::Broken(400));
        assert_eq!(parse(&[b'x'; LONGEST_HEAD]), Parsed::Broken(431));
    }

    #[test]
    fn ranges() {
        let within = |field: &str, size| ByteRange::parse(field).unwrap().within(size);
        assert_eq!(within("bytes=0-0", 10), Some((0, 1)));
        assert_eq!(within("bytes=3-", 10), Some((3, 7)));
        assert_eq!(within("bytes=3-99", 10), Some((3, 7)));
        assert_eq!(within("bytes=-4", 10), Some((6, 4)));
        assert_eq!(within("bytes=-40", 10), Some((0, 10)));
        assert_eq!(within("bytes=10-", 10), None);
        assert_eq!(within("bytes=-0", 10), None);
        assert_eq!(within("bytes=0-", 0), None);
        for ignored in [
            "bytes=5-3",
            "bytes=0-1,3-4",
            "lines=1-2",
            "bytes=-",
            "bytes=x-",
        ] {
            assert_eq!(ByteRange::parse(ignored), None, "{ignored}");
        }
    }

    #[test]
    fn base64_of_rfc_4648() {
        for (text, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..200), path in ".{0,40}") {
            let _ = parse(&octets);
            let _ = parse(format!("GET {path} HTTP/1.1\r\nRange: {path}\r\n\r\n").as_bytes());
            let _ = decode(&path);
        }
    }
}
