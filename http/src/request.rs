//! Writes a request, RFC 9112 section 3.
//!
//! Every value is checked as it is written. None can end its line, so no value from a script, an
//! option or a redirection can smuggle in a field or a second request.

use netboot_core::{Uri, base64};

use crate::error::HttpError;
use crate::expect::Expect;
use crate::method::Method;
use crate::validator::Validator;

/// Asks for the content from an offset on (RFC 9110 section 14.2).
#[derive(Clone, Copy, Debug)]
pub struct RangeFrom<'a> {
    /// Offset of the first octet that is wanted.
    pub first: u64,
    /// Offset of the last octet that is wanted. `None` for all that follow.
    pub last: Option<u64>,
    /// The part is wanted only if the content is still this one. Otherwise the server sends all of it (RFC 9110 section 13.1.5).
    pub if_range: Option<&'a Validator>,
}

/// Describes the content of a request. The content itself follows the encoded head.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// Media type (RFC 9110 section 8.3).
    pub media_type: &'a str,
    /// Length of the content in octets.
    pub len: u64,
}

/// The head of one request.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// The server as `host[:port]`, in the form of [`Uri::authority`].
    pub authority: &'a str,
    /// Path and query in origin form, in the form of [`Uri::target`].
    pub target: &'a str,
    /// The part that is wanted; `None` for all. Only for GET.
    pub range: Option<RangeFrom<'a>>,
    /// Media types that the answer may have (RFC 9110 section 12.5.1). Any is accepted when this is empty.
    pub accept: &'a str,
    /// The content that follows the head. Only for POST.
    pub content: Option<Content<'a>>,
    /// User name and password for Basic authentication (RFC 7617), in the clear.
    pub credentials: Option<(&'a str, &'a str)>,
    /// Product token for `User-Agent`. The field is left out when this is empty.
    pub user_agent: &'a str,
    /// Whether the connection shall stay open for the next request.
    pub keep_alive: bool,
}

impl<'a> Request<'a> {
    /// Makes a plain GET for `uri` that closes the connection afterwards. Credentials within `uri` are not
    /// used. Decode them with [`Uri::credentials`] into a buffer, and set
    /// [`credentials`](Self::credentials).
    pub fn get(uri: &'a Uri) -> Self {
        Self {
            method: Method::Get,
            authority: uri.authority(),
            target: uri.target(),
            range: None,
            accept: "",
            content: None,
            credentials: None,
            user_agent: "",
            keep_alive: false,
        }
    }

    /// Tells what a [`Response`](crate::Response) has to know of this request.
    pub fn expect(&self) -> Expect {
        Expect {
            method: self.method,
            range_first: self.range.map(|range| range.first),
            keep_alive: self.keep_alive,
        }
    }

    /// Writes the request into `buf` and returns its length in octets.
    ///
    /// `Accept-Encoding: identity` is always sent, since what arrives is hashed as it arrives.
    ///
    /// # Errors
    /// Fails with [`HttpError::RequestField`] when a value has a control character, a space, an octet outside
    /// ASCII, or an octet that its field does not allow, and with [`HttpError::RequestTooLong`] when `buf` is too short.
    pub fn encode(&self, buf: &mut [u8]) -> Result<usize, HttpError> {
        let mut out = Writer::new(buf);
        out.text(self.method.as_str());
        out.text(" ");
        if !self.target.starts_with('/') {
            out.unfit = Some("target");
        }
        out.value("target", self.target);
        out.text(" HTTP/1.1\r\nHost: ");
        if self.authority.is_empty() || self.authority.bytes().any(|octet| b"/?#@".contains(&octet))
        {
            out.unfit = Some("host");
        }
        out.value("host", self.authority);
        if !self.user_agent.is_empty() {
            out.text("\r\nUser-Agent: ");
            out.value("user agent", self.user_agent);
        }
        out.text("\r\nAccept: ");
        out.value(
            "accept",
            if self.accept.is_empty() {
                "*/*"
            } else {
                self.accept
            },
        );
        out.text("\r\nAccept-Encoding: identity");
        if let Some(content) = &self.content {
            if self.method != Method::Post {
                out.unfit = Some("content");
            }
            out.text("\r\nContent-Type: ");
            out.value("content type", content.media_type);
            out.text("\r\nContent-Length: ");
            out.number(content.len);
        }
        if let Some(range) = &self.range {
            if self.method != Method::Get {
                out.unfit = Some("range");
            }
            out.text("\r\nRange: bytes=");
            out.number(range.first);
            out.text("-");
            if let Some(last) = range.last {
                out.number(last);
            }
            if let Some(validator) = range.if_range {
                out.text("\r\nIf-Range: ");
                // The validator was checked when it was received. A date has spaces in it.
                out.text(validator.as_str());
            }
        }
        if let Some((user, password)) = self.credentials {
            let both = user.bytes().chain([b':']).chain(password.bytes());
            let colon = user.bytes().any(|octet| octet == b':');
            if colon || both.clone().any(|octet| octet.is_ascii_control()) {
                out.unfit = Some("credentials");
            }
            out.text("\r\nAuthorization: Basic ");
            base64::encode(both, |digit| out.octet(digit));
        }
        out.text(if self.keep_alive {
            "\r\nConnection: keep-alive\r\n\r\n"
        } else {
            "\r\nConnection: close\r\n\r\n"
        });
        match out.unfit {
            Some(field) => Err(HttpError::RequestField { field }),
            None if out.overflow => Err(HttpError::RequestTooLong),
            None => Ok(out.len),
        }
    }
}

struct Writer<'b> {
    buf: &'b mut [u8],
    len: usize,
    /// Set when something did not fit and was left out.
    overflow: bool,
    /// The field whose value cannot be sent.
    unfit: Option<&'static str>,
}

impl<'b> Writer<'b> {
    fn new(buf: &'b mut [u8]) -> Self {
        Self {
            buf,
            len: 0,
            overflow: false,
            unfit: None,
        }
    }

    fn octet(&mut self, octet: u8) {
        match self.buf.get_mut(self.len) {
            Some(place) => {
                *place = octet;
                self.len += 1;
            }
            None => self.overflow = true,
        }
    }

    #[inline(never)]
    fn text(&mut self, text: &str) {
        text.bytes().for_each(|octet| self.octet(octet));
    }

    #[inline(never)]
    fn value(&mut self, field: &'static str, value: &str) {
        if !value.bytes().all(|octet| octet.is_ascii_graphic()) {
            self.unfit = Some(field);
        }
        self.text(value);
    }

    fn number(&mut self, mut number: u64) {
        // 2^64 has 20 digits.
        let mut digits = [0; 20];
        let mut count = 0;
        for digit in &mut digits {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
            count += 1;
            if number == 0 {
                break;
            }
        }
        let digits = digits.iter().take(count).rev();
        digits.for_each(|digit| self.octet(*digit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request() -> Request<'static> {
        Request {
            method: Method::Get,
            authority: "boot.example:8080",
            target: "/fw.bin?v=1",
            range: None,
            accept: "",
            content: None,
            credentials: None,
            user_agent: "netboot/1",
            keep_alive: true,
        }
    }

    fn encoded(request: &Request) -> Result<String, HttpError> {
        let mut buf = [0; 600];
        let length = request.encode(&mut buf)?;
        Ok(core::str::from_utf8(&buf[..length]).unwrap().to_string())
    }

    #[test]
    fn post_announces_its_content() {
        let post = Request {
            method: Method::Post,
            accept: "application/yang-data+json",
            content: Some(Content {
                media_type: "application/yang-data+json",
                len: 1234,
            }),
            ..request()
        };
        let text = encoded(&post).unwrap();
        assert!(text.starts_with("POST /fw.bin?v=1 HTTP/1.1\r\n"), "{text}");
        for line in [
            "\r\nAccept: application/yang-data+json\r\n",
            "\r\nContent-Type: application/yang-data+json\r\n",
            "\r\nContent-Length: 1234\r\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
        let get = Request {
            method: Method::Get,
            ..post
        };
        assert_eq!(
            encoded(&get),
            Err(HttpError::RequestField { field: "content" })
        );
        let smuggled = Request {
            accept: "a\r\nb",
            ..post
        };
        assert_eq!(
            encoded(&smuggled),
            Err(HttpError::RequestField { field: "accept" })
        );
    }

    #[test]
    fn plain_get() {
        assert_eq!(
            encoded(&request()).unwrap(),
            "GET /fw.bin?v=1 HTTP/1.1\r\nHost: boot.example:8080\r\nUser-Agent: netboot/1\r\n\
             Accept: */*\r\nAccept-Encoding: identity\r\nConnection: keep-alive\r\n\r\n"
        );
        let uri = Uri::parse("http://u:p@h").unwrap();
        assert_eq!(
            encoded(&Request::get(&uri)).unwrap(),
            "GET / HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nAccept-Encoding: identity\r\n\
             Connection: close\r\n\r\n"
        );
    }

    #[test]
    fn range_and_credentials() {
        let tag = Validator::from_etag(b"\"v1\"").unwrap();
        let mut request = request();
        request.range = Some(RangeFrom {
            first: u64::MAX,
            last: None,
            if_range: Some(&tag),
        });
        // The example of RFC 7617 section 2.
        request.credentials = Some(("Aladdin", "open sesame"));
        let text = encoded(&request).unwrap();
        assert!(text.contains("\r\nRange: bytes=18446744073709551615-\r\nIf-Range: \"v1\"\r\n"));
        assert!(text.contains("\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
        for (first, digits) in [(0, "0-"), (9, "9-"), (10, "10-"), (4096, "4096-")] {
            request.range = Some(RangeFrom {
                first,
                last: None,
                if_range: None,
            });
            assert!(
                encoded(&request)
                    .unwrap()
                    .contains(&format!("bytes={digits}\r\n"))
            );
        }
        request.range = Some(RangeFrom {
            first: 512,
            last: Some(1_023),
            if_range: None,
        });
        let text = encoded(&request).unwrap();
        assert!(text.contains("\r\nRange: bytes=512-1023\r\n"), "{text}");
        request.method = Method::Head;
        assert_eq!(
            encoded(&request),
            Err(HttpError::RequestField { field: "range" })
        );
        request.range = None;
        assert!(encoded(&request).unwrap().starts_with("HEAD "));
    }

    #[test]
    fn smuggling_is_refused() {
        for bad in [
            "/a\r\nX: y",
            "/a b",
            "/\0",
            "/é",
            "/\x7f",
            "a",
            "",
            "*",
            "http://h/",
        ] {
            let request = Request {
                target: bad,
                ..request()
            };
            assert_eq!(
                encoded(&request),
                Err(HttpError::RequestField { field: "target" })
            );
        }
        for bad in ["", "h\r\nX: y", "h x", "u@h", "h/x", "h?", "h#", "h\n"] {
            let request = Request {
                authority: bad,
                ..request()
            };
            assert_eq!(
                encoded(&request),
                Err(HttpError::RequestField { field: "host" })
            );
        }
        for bad in ["a\r\nX: y", "a b", "a\tb"] {
            let request = Request {
                user_agent: bad,
                ..request()
            };
            assert_eq!(
                encoded(&request),
                Err(HttpError::RequestField {
                    field: "user agent"
                })
            );
        }
        for bad in [("a:b", "c"), ("a\n", "c"), ("a", "c\0")] {
            let request = Request {
                credentials: Some(bad),
                ..request()
            };
            assert_eq!(
                encoded(&request),
                Err(HttpError::RequestField {
                    field: "credentials"
                })
            );
        }
    }

    #[test]
    fn every_short_buffer_is_refused() {
        let whole = encoded(&request()).unwrap();
        for size in 0..whole.len() {
            let mut buf = vec![0; size];
            assert_eq!(request().encode(&mut buf), Err(HttpError::RequestTooLong));
        }
        let mut buf = vec![0; whole.len()];
        assert_eq!(request().encode(&mut buf), Ok(whole.len()));
    }

    proptest! {
        /// Whatever the values are, what is encoded is one request with our lines and no others.
        #[test]
        fn one_request_comes_out(
            target in "/?[ -~\r\n\0é]{0,8}", authority in "[ -~\r\n]{0,8}",
            user in "\\PC{0,5}", password in any::<String>(), user_agent in "[!-~\r\n]{0,5}",
        ) {
            let request = Request {
                method: Method::Get, authority: &authority, target: &target, range: None,
                accept: "", content: None,
                credentials: Some((&user, &password)), user_agent: &user_agent, keep_alive: false,
            };
            let mut buf = [0; 4096];
            if let Ok(length) = request.encode(&mut buf) {
                let mut fields = [httparse::EMPTY_HEADER; 8];
                let mut parsed = httparse::Request::new(&mut fields);
                prop_assert_eq!(parsed.parse(&buf[..length]), Ok(httparse::Status::Complete(length)));
                prop_assert_eq!(parsed.path, Some(target.as_str()));
                prop_assert_eq!(parsed.headers.len(), 5 + usize::from(!user_agent.is_empty()));
            }
        }
    }
}
