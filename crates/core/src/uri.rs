//! The address of an image: absolute URIs of the schemes we speak.
//!
//! RFC 3986 for syntax and for references relative to a base (section 5.2), RFC 9110 section 4.2 for
//! `http` and `https`, RFC 3617 for `tftp`. The text is kept whole in a buffer of its own, checked
//! once; every component is a slice of it. Scheme and host are lower case and an empty path is `/`
//! (RFC 3986, sections 6.2.2.1 and 6.2.3), so equal addresses mostly compare equal.
//!
//! `Display` and `Debug` show no user information, because they end in logs; [`Uri::as_str`] does.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use heapless::String;

mod address;
mod error;
mod target;
#[cfg(test)]
mod tests;
mod text;

pub use address::{parse_ip, parse_v4, parse_v6};
pub use error::UriError;
pub use target::{LONG_TARGETS, MAX_TARGET, Target};
pub use text::hex_digit;
use text::{
    before, check, check_host, cut, decode, illegal, is_path_octet, is_sub_delim, parse_port,
    split_port, split_scheme, strip_mode, text_of,
};

/// Octets in the longest URI: what DHCP options can carry.
pub const MAX_URI: usize = 255;

/// What the name of every private scheme begins with.
const PRIVATE: &str = "x-";

/// The schemes with a name of their own.
#[cfg(not(feature = "ubp"))]
const KNOWN: [Scheme; 3] = [Scheme::Tftp, Scheme::Http, Scheme::Https];
#[cfg(feature = "ubp")]
const KNOWN: [Scheme; 4] = [Scheme::Tftp, Scheme::Http, Scheme::Https, Scheme::Ubp];

/// The protocol that fetches from a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// RFC 3617
    Tftp,
    /// RFC 9110 section 4.2.1
    Http,
    /// RFC 9110 section 4.2.2
    Https,
    /// The UDP boot protocol of this library (`docs/src/ubp.md`).
    #[cfg(feature = "ubp")]
    Ubp,
    /// A scheme of the integrator's own, whose name begins with `x-`. The name is in [`Uri::scheme_name`].
    Private,
}

impl Scheme {
    /// The scheme's name in lower case; for a private scheme only the `x-` that all of them begin with.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Tftp => "tftp",
            Scheme::Http => "http",
            Scheme::Https => "https",
            #[cfg(feature = "ubp")]
            Scheme::Ubp => "ubp",
            Scheme::Private => PRIVATE,
        }
    }

    /// The port of a URI that names none. A private scheme has no port of its own: 0.
    pub const fn default_port(self) -> u16 {
        match self {
            Scheme::Tftp => 69,
            Scheme::Http => 80,
            Scheme::Https => 443,
            #[cfg(feature = "ubp")]
            Scheme::Ubp => 6910,
            Scheme::Private => 0,
        }
    }

    /// Reads the name of a scheme, in upper or lower case. `None` for one that is not ours.
    pub fn parse(name: &str) -> Option<Self> {
        let known = KNOWN
            .into_iter()
            .find(|scheme| scheme.as_str().eq_ignore_ascii_case(name));
        let private = || {
            let start = name.get(..PRIVATE.len())?;
            (start.eq_ignore_ascii_case(PRIVATE) && name.len() > start.len())
                .then_some(Scheme::Private)
        };
        known.or_else(private)
    }
}

/// Whether `text` is an IPv4 address: four decimal octets without leading zeros.
pub fn is_ipv4(text: &str) -> bool {
    address::parse_v4(text).is_some()
}

/// Where a URI's server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// A host name to resolve, in lower case.
    Name(&'a str),
    /// An IPv4 literal.
    V4(Ipv4Addr),
    /// An IPv6 literal.
    V6(Ipv6Addr),
}

/// An absolute URI with a supported scheme and a host.
#[derive(Clone, PartialEq, Eq)]
pub struct Uri {
    text: String<MAX_URI>,
    scheme: Scheme,
    port: u16,
    /// Offsets into `text`. User information, if any, ends one before the host.
    host: u8,
    host_end: u8,
    path: u8,
    /// Of the `?`, or the length of the text.
    path_end: u8,
}

impl Uri {
    /// Parses an absolute URI; a fragment is dropped.
    ///
    /// Host names are checked as RFC 1123 has them, an underscore tolerated. A host whose last label
    /// is a number must be a whole dotted quad, so that no two resolvers can read it differently.
    ///
    /// # Errors
    /// Any deviation from RFC 3986, a scheme that is not ours, or more than [`MAX_URI`] octets.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        let text = before(text, b"#").0;
        illegal_octet(text)?;
        let (name, rest) = split_scheme(text).ok_or(UriError::NotAbsolute)?;
        let scheme = Scheme::parse(name).ok_or(UriError::UnsupportedScheme)?;
        let rest = rest.strip_prefix("//").ok_or(UriError::NoHost)?;
        let (authority, rest) = before(rest, b"/?");
        let (path, query) = before(rest, b"?");
        let (user_info, host) = match authority.bytes().rposition(|octet| octet == b'@') {
            Some(at) => (cut(authority, at).0, cut(authority, at + 1).1),
            None => ("", authority),
        };
        let (host, port_text) = split_port(host)?;

        let at = text.len() - rest.len() - authority.len();
        check(user_info, at, |octet| is_sub_delim(octet) || octet == b':')?;
        check_host(host)?;
        let at = text.len() - rest.len();
        check(path, at, is_path_octet)?;
        check(query, at + path.len(), |octet| {
            is_path_octet(octet) || octet == b'?'
        })?;
        let port = match port_text {
            "" => scheme.default_port(),
            text => parse_port(text)?,
        };

        let mut out = Builder::<MAX_URI>::new();
        for octet in name.bytes() {
            out.push_octet(octet.to_ascii_lowercase());
        }
        out.push("://");
        if !user_info.is_empty() {
            out.push(user_info);
            out.push("@");
        }
        let host_at = out.offset();
        for octet in host.bytes() {
            out.push_octet(octet.to_ascii_lowercase());
        }
        let host_end = out.offset();
        if !port_text.is_empty() {
            out.push(":");
            out.push(port_text);
        }
        let path_at = out.offset();
        out.push(if path.is_empty() { "/" } else { path });
        let path_end = out.offset();
        out.push(query);
        if out.overflow {
            return Err(UriError::TooLong);
        }
        Ok(Self {
            text: out.text,
            scheme,
            port,
            host: host_at,
            host_end,
            path: path_at,
            path_end,
        })
    }

    /// Builds the URI of a file name on a server, as DHCP gives them apart.
    ///
    /// `host` is a name or an address, an IPv6 address with or without brackets. `path` is taken
    /// literally: every octet that has a meaning in a URI is percent-encoded. A leading `/` of a TFTP
    /// file name belongs to the name, so that [`decode_path`](Self::decode_path) returns `path`.
    ///
    /// # Errors
    /// A host that [`parse`](Self::parse) would refuse, port 0, control characters, or an excess of
    /// length.
    pub fn from_parts(
        scheme: Scheme,
        host: &str,
        port: Option<u16>,
        path: &str,
    ) -> Result<Self, UriError> {
        let mut out = Builder::<MAX_URI>::new();
        out.push(scheme.as_str());
        out.push("://");
        let brackets = !host.starts_with('[') && host.bytes().any(|octet| octet == b':');
        let host_at = out.text.len();
        if brackets {
            out.push("[");
        }
        out.push(host);
        if brackets {
            out.push("]");
        }
        // Before it is read as part of a URI, where `evil/` or `user@` would change its meaning.
        check_host(cut(out.text()?, host_at).1)?;
        if let Some(port) = port {
            out.push(":");
            out.push_number(port);
        }
        out.push("/");
        let path = match scheme {
            Scheme::Tftp => path,
            _ => path.strip_prefix('/').unwrap_or(path),
        };
        for (at, octet) in path.bytes().enumerate() {
            if octet.is_ascii_control() {
                return Err(illegal(at));
            }
            // An encoded `;` cannot be taken for the `;mode=` of RFC 3617.
            if is_path_octet(octet) && octet != b';' {
                out.push_octet(octet);
            } else {
                out.push("%");
                out.push_octet(hex_digit(octet >> 4));
                out.push_octet(hex_digit(octet & 0xF));
            }
        }
        Self::parse(out.text()?)
    }

    /// The protocol.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The scheme's name in lower case, also that of a private scheme.
    pub fn scheme_name(&self) -> &str {
        before(&self.text, b":").0
    }

    /// The server.
    pub fn host(&self) -> Host<'_> {
        let text = self.slice(self.host, self.host_end);
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').unwrap_or(inner);
            if let Some(address) = address::parse_v6(inner) {
                return Host::V6(address);
            }
        } else if let Some(address) = address::parse_v4(text) {
            return Host::V4(address);
        }
        Host::Name(text)
    }

    /// The port, the scheme's own when the URI names none. It is 0 only for a private scheme.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host[:port]` without user information: what goes into a `Host` field (RFC 9110 section 7.2).
    pub fn authority(&self) -> &str {
        self.slice(self.host, self.path)
    }

    /// The path, percent-encoded, with its leading `/`.
    pub fn path(&self) -> &str {
        self.slice(self.path, self.path_end)
    }

    /// The last segment of the path, percent-encoded: the name of the file. It is empty for a directory.
    pub fn last_segment(&self) -> &str {
        let path = self.path();
        let slash = path.bytes().rposition(|octet| octet == b'/');
        path.get(slash.map_or(0, |at| at.saturating_add(1))..)
            .unwrap_or(path)
    }

    /// The query, percent-encoded, without its `?`.
    pub fn query(&self) -> Option<&str> {
        cut(&self.text, usize::from(self.path_end))
            .1
            .strip_prefix('?')
    }

    /// Path and query in origin form (RFC 9112 section 3.2.1); at least `/`.
    pub fn target(&self) -> &str {
        cut(&self.text, usize::from(self.path)).1
    }

    /// The whole text, user information included. For logs use `Display`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the URI carries user information.
    pub fn has_credentials(&self) -> bool {
        !self.user_info().is_empty()
    }

    /// Whether scheme, host and port are equal (RFC 6454 section 5): a secret meant for one may go to
    /// the other.
    pub fn same_origin(&self, other: &Uri) -> bool {
        self.scheme_name() == other.scheme_name()
            && self.port == other.port
            && self.host() == other.host()
    }

    /// This URI with the user information of `other`, or with none when `other` has none.
    ///
    /// # Errors
    /// [`UriError::TooLong`].
    pub fn with_credentials_of(&self, other: &Uri) -> Result<Self, UriError> {
        let mut out = Builder::<MAX_URI>::new();
        out.push(self.scheme_name());
        out.push("://");
        if other.has_credentials() {
            out.push(other.user_info());
            out.push("@");
        }
        out.push(cut(&self.text, usize::from(self.host)).1);
        Self::parse(out.text()?)
    }

    /// The path, percent-decoded into `buf`, without its first `/`: for `tftp` the name of the file.
    ///
    /// For `tftp` a trailing `;mode=octet` is removed (RFC 3617 section 3).
    ///
    /// # Errors
    /// A `buf` too small (the path's length is always enough), a decoded control character, octets
    /// that are not UTF-8; for `tftp` also a query or another mode than `octet`.
    pub fn decode_path<'b>(&self, buf: &'b mut [u8]) -> Result<&'b str, UriError> {
        let path = self.path();
        let mut path = path.strip_prefix('/').unwrap_or(path);
        if self.scheme == Scheme::Tftp {
            if self.query().is_some() {
                return Err(UriError::TftpQuery);
            }
            path = strip_mode(path)?;
        }
        let length = decode(path, buf)?;
        text_of(buf.get(..length).unwrap_or_default())
    }

    /// User name and password, percent-decoded into `buf`. `None` without user information; the
    /// password is empty when there is only a name.
    ///
    /// # Errors
    /// As [`decode_path`](Self::decode_path).
    pub fn credentials<'b>(
        &self,
        buf: &'b mut [u8],
    ) -> Result<Option<(&'b str, &'b str)>, UriError> {
        if !self.has_credentials() {
            return Ok(None);
        }
        let (user, password) = before(self.user_info(), b":");
        let password = password.strip_prefix(':').unwrap_or(password);
        let length = decode(user, buf)?;
        let (user, rest) = buf
            .split_at_mut_checked(length)
            .ok_or(UriError::BufferTooSmall)?;
        let length = decode(password, rest)?;
        let password = rest.get(..length).unwrap_or_default();
        Ok(Some((text_of(user)?, text_of(password)?)))
    }

    /// Resolves `reference` against this URI (RFC 3986 section 5.2, strict), dot segments removed.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); a reference with a scheme that is not ours is an error.
    pub fn join(&self, reference: &str) -> Result<Self, UriError> {
        let reference = before(reference, b"#").0;
        illegal_octet(reference)?;
        let has_scheme = split_scheme(reference).is_some();
        if has_scheme || reference.starts_with("//") {
            let mut absolute = Builder::<MAX_URI>::new();
            if !has_scheme {
                absolute.push(self.scheme_name());
                absolute.push(":");
            }
            absolute.push(reference);
            return Self::parse(absolute.text()?)?.without_dot_segments();
        }
        let mut out = self.builder_up_to_path();
        out.push_relative(self.target(), reference)?;
        Self::parse(out.text()?)
    }

    fn without_dot_segments(&self) -> Result<Self, UriError> {
        let mut out = self.builder_up_to_path();
        let path = self.path();
        out.push_segments("", path.strip_prefix('/').unwrap_or(path));
        out.push(cut(&self.text, usize::from(self.path_end)).1);
        Self::parse(out.text()?)
    }

    fn builder_up_to_path(&self) -> Builder {
        let mut out = Builder::<MAX_URI>::new();
        out.push(cut(&self.text, usize::from(self.path)).0);
        out
    }

    /// What may be shown of the URI, to be written one after the other: user information is `***`.
    pub fn redacted(&self) -> [&str; 4] {
        [
            self.scheme_name(),
            "://",
            if self.has_credentials() { "***@" } else { "" },
            cut(&self.text, usize::from(self.host)).1,
        ]
    }

    fn user_info(&self) -> &str {
        let start = self.scheme_name().len() + 3;
        let end = usize::from(self.host).saturating_sub(1);
        self.text.get(start..end).unwrap_or("")
    }

    fn slice(&self, from: u8, to: u8) -> &str {
        let range = usize::from(from)..usize::from(to);
        self.text.get(range).unwrap_or("")
    }
}

impl fmt::Display for Uri {
    /// The URI with user information shown as `***`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.redacted()
            .iter()
            .try_for_each(|part| f.write_str(part))
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A path without its first `/` and its last segment: `b/c/` of `/b/c/d`.
fn directory(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or(path);
    let end = path.bytes().rposition(|octet| octet == b'/');
    cut(path, end.map_or(0, |at| at + 1)).0
}

/// Refuses what is neither a URI nor a reference, whatever its parts are.
fn illegal_octet(text: &str) -> Result<(), UriError> {
    match text.bytes().position(|octet| !octet.is_ascii_graphic()) {
        Some(at) => Err(illegal(at)),
        None => Ok(()),
    }
}

/// A text that grows up to `N` octets, all of them ASCII.
#[derive(Clone, Default)]
struct Builder<const N: usize = MAX_URI> {
    text: String<N>,
    /// Something did not fit, and was left out.
    overflow: bool,
}

impl<const N: usize> Builder<N> {
    const fn new() -> Self {
        Self {
            text: String::new(),
            overflow: false,
        }
    }

    fn push(&mut self, text: &str) {
        self.overflow |= self.text.push_str(text).is_err();
    }

    fn push_octet(&mut self, octet: u8) {
        self.overflow |= self.text.push(char::from(octet & 0x7F)).is_err();
    }

    fn push_number(&mut self, number: u16) {
        let mut scale = 10_000;
        while scale > 0 {
            if number >= scale || scale == 1 {
                self.push_octet(b'0' + (number / scale % 10) as u8);
            }
            scale /= 10;
        }
    }

    /// Appends what a reference without scheme and host comes to, for a base with this path and query (RFC 3986 section 5.2.2).
    ///
    /// # Errors
    /// Fails with [`UriError::NotAbsolute`] when the first segment has a colon in it, and so is neither a scheme nor a relative path
    /// (section 4.2).
    fn push_relative(&mut self, base: &str, reference: &str) -> Result<(), UriError> {
        let (own, own_query) = before(base, b"?");
        let (path, query) = before(reference, b"?");
        if path.is_empty() {
            self.push(own);
            self.push(if query.is_empty() { own_query } else { query });
            return Ok(());
        }
        if before(path, b"/").0.bytes().any(|octet| octet == b':') {
            return Err(UriError::NotAbsolute);
        }
        match path.strip_prefix('/') {
            Some(path) => self.push_segments("", path),
            None => self.push_segments(directory(own), path),
        }
        self.push(query);
        Ok(())
    }

    /// Appends a path, segment by segment, with dot segments removed (RFC 3986 section 5.2.4):
    /// `directory` is empty or ends in `/`, `path` has no leading `/`.
    ///
    /// What `..` takes back is taken back at once, so only the result has to fit.
    fn push_segments(&mut self, directory: &str, path: &str) {
        let floor = self.text.len();
        let mut rest = directory;
        loop {
            let (segment, tail) = before(rest, b"/");
            if tail.is_empty() {
                break;
            }
            self.push_segment(floor, segment, false);
            rest = cut(tail, 1).1;
        }
        rest = path;
        loop {
            let (segment, tail) = before(rest, b"/");
            self.push_segment(floor, segment, tail.is_empty());
            if tail.is_empty() {
                break;
            }
            rest = cut(tail, 1).1;
        }
    }

    #[inline(never)]
    fn push_segment(&mut self, floor: usize, segment: &str, last: bool) {
        match segment {
            "." => {}
            ".." => self.pop_segment(floor),
            _ => {
                self.push("/");
                return self.push(segment);
            }
        }
        if last {
            self.push("/");
        }
    }

    fn pop_segment(&mut self, floor: usize) {
        while self.text.len() > floor {
            if self.text.pop() == Some('/') {
                break;
            }
        }
    }

    fn offset(&self) -> u8 {
        // The buffer has no more than 255 octets.
        self.text.len() as u8
    }

    /// The whole text, if all of it fits.
    fn text(&self) -> Result<&str, UriError> {
        if self.overflow {
            return Err(UriError::TooLong);
        }
        Ok(&self.text)
    }
}
