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

use crate::digest::nibble;
use heapless::String;

mod address;
mod error;
#[cfg(test)]
mod tests;

pub use error::UriError;

/// Octets in the longest URI: what DHCP options can carry.
pub const MAX_URI: usize = 255;

/// Octets in the longest host name (RFC 1123 section 2.1, RFC 1035 section 2.3.4).
const MAX_NAME: usize = 253;

/// The protocol that fetches from a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// RFC 3617
    Tftp,
    /// RFC 9110 section 4.2.1
    Http,
    /// RFC 9110 section 4.2.2
    Https,
}

impl Scheme {
    /// The scheme's name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Tftp => "tftp",
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port of a URI that names none.
    pub const fn default_port(self) -> u16 {
        match self {
            Scheme::Tftp => 69,
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Scheme::Tftp, Scheme::Http, Scheme::Https]
            .into_iter()
            .find(|scheme| scheme.as_str().eq_ignore_ascii_case(name))
    }
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
        if let Some(at) = text.bytes().position(|octet| !octet.is_ascii_graphic()) {
            return Err(illegal(at));
        }
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

        let mut out = Builder(String::new());
        out.push(scheme.as_str())?;
        out.push("://")?;
        if !user_info.is_empty() {
            out.push(user_info)?;
            out.push("@")?;
        }
        let host_at = out.offset();
        for octet in host.bytes() {
            out.push_octet(octet.to_ascii_lowercase())?;
        }
        let host_end = out.offset();
        if !port_text.is_empty() {
            out.push(":")?;
            out.push(port_text)?;
        }
        let path_at = out.offset();
        out.push(if path.is_empty() { "/" } else { path })?;
        let path_end = out.offset();
        out.push(query)?;
        Ok(Self {
            text: out.0,
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
        let mut out = Builder(String::new());
        out.push(scheme.as_str())?;
        out.push("://")?;
        let brackets = !host.starts_with('[') && host.bytes().any(|octet| octet == b':');
        let host_at = out.0.len();
        if brackets {
            out.push("[")?;
        }
        out.push(host)?;
        if brackets {
            out.push("]")?;
        }
        // Before it is read as part of a URI, where `evil/` or `user@` would change its meaning.
        check_host(cut(&out.0, host_at).1)?;
        if let Some(port) = port {
            out.push(":")?;
            out.push_number(port)?;
        }
        out.push("/")?;
        let path = match scheme {
            Scheme::Tftp => path,
            Scheme::Http | Scheme::Https => path.strip_prefix('/').unwrap_or(path),
        };
        for (at, octet) in path.bytes().enumerate() {
            if octet.is_ascii_control() {
                return Err(illegal(at));
            }
            // An encoded `;` cannot be taken for the `;mode=` of RFC 3617.
            if is_path_octet(octet) && octet != b';' {
                out.push_octet(octet)?;
            } else {
                out.push("%")?;
                out.push_octet(hex_digit(octet >> 4))?;
                out.push_octet(hex_digit(octet & 0xF))?;
            }
        }
        Self::parse(&out.0)
    }

    /// The protocol.
    pub fn scheme(&self) -> Scheme {
        self.scheme
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

    /// The port, the scheme's own when the URI names none. Never 0.
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
        self.scheme == other.scheme && self.port == other.port && self.host() == other.host()
    }

    /// This URI with the user information of `other`, or with none when `other` has none.
    ///
    /// # Errors
    /// [`UriError::TooLong`].
    pub fn with_credentials_of(&self, other: &Uri) -> Result<Self, UriError> {
        let mut out = Builder(String::new());
        out.push(self.scheme.as_str())?;
        out.push("://")?;
        if other.has_credentials() {
            out.push(other.user_info())?;
            out.push("@")?;
        }
        out.push(cut(&self.text, usize::from(self.host)).1)?;
        Self::parse(&out.0)
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
        if let Some(at) = reference
            .bytes()
            .position(|octet| !octet.is_ascii_graphic())
        {
            return Err(illegal(at));
        }
        if split_scheme(reference).is_some() {
            return Self::parse(reference)?.without_dot_segments();
        }
        if reference.starts_with("//") {
            let mut absolute = Builder(String::new());
            absolute.push(self.scheme.as_str())?;
            absolute.push(":")?;
            absolute.push(reference)?;
            return Self::parse(&absolute.0)?.without_dot_segments();
        }
        let (path, query) = before(reference, b"?");
        let mut out = self.builder_up_to_path()?;
        if path.is_empty() {
            out.push(self.path())?;
            let own = cut(&self.text, usize::from(self.path_end)).1;
            out.push(if query.is_empty() { own } else { query })?;
        } else {
            let (first, _) = before(path, b"/");
            if first.bytes().any(|octet| octet == b':') {
                // Neither a scheme nor a relative path (RFC 3986 section 4.2).
                return Err(UriError::NotAbsolute);
            }
            match path.strip_prefix('/') {
                Some(path) => out.push_segments("", path)?,
                None => out.push_segments(self.directory(), path)?,
            }
            out.push(query)?;
        }
        Self::parse(&out.0)
    }

    fn without_dot_segments(&self) -> Result<Self, UriError> {
        let mut out = self.builder_up_to_path()?;
        let path = self.path();
        out.push_segments("", path.strip_prefix('/').unwrap_or(path))?;
        out.push(cut(&self.text, usize::from(self.path_end)).1)?;
        Self::parse(&out.0)
    }

    fn builder_up_to_path(&self) -> Result<Builder, UriError> {
        let mut out = Builder(String::new());
        out.push(cut(&self.text, usize::from(self.path)).0)?;
        Ok(out)
    }

    /// The path without first `/` and last segment: `b/c/` of `/b/c/d`.
    fn directory(&self) -> &str {
        let path = self.path();
        let path = path.strip_prefix('/').unwrap_or(path);
        let end = path.bytes().rposition(|octet| octet == b'/');
        cut(path, end.map_or(0, |at| at + 1)).0
    }

    fn user_info(&self) -> &str {
        let start = self.scheme.as_str().len() + 3;
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
        f.write_str(self.scheme.as_str())?;
        f.write_str("://")?;
        if self.has_credentials() {
            f.write_str("***@")?;
        }
        f.write_str(cut(&self.text, usize::from(self.host)).1)
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that grows up to [`MAX_URI`] octets, all of them ASCII.
struct Builder(String<MAX_URI>);

impl Builder {
    fn push(&mut self, text: &str) -> Result<(), UriError> {
        self.0.push_str(text).map_err(|_| UriError::TooLong)
    }

    fn push_octet(&mut self, octet: u8) -> Result<(), UriError> {
        self.0
            .push(char::from(octet & 0x7F))
            .map_err(|_| UriError::TooLong)
    }

    fn push_number(&mut self, number: u16) -> Result<(), UriError> {
        let mut started = false;
        for unit in [10_000, 1_000, 100, 10, 1] {
            let digit = (number / unit % 10) as u8;
            started |= digit != 0 || unit == 1;
            if started {
                self.push_octet(b'0' + digit)?;
            }
        }
        Ok(())
    }

    /// Appends a path, segment by segment, with dot segments removed (RFC 3986 section 5.2.4):
    /// `directory` is empty or ends in `/`, `path` has no leading `/`.
    ///
    /// What `..` takes back is taken back at once, so only the result has to fit.
    fn push_segments(&mut self, directory: &str, path: &str) -> Result<(), UriError> {
        let floor = self.0.len();
        let mut rest = directory;
        loop {
            let (segment, tail) = before(rest, b"/");
            if tail.is_empty() {
                break;
            }
            self.push_segment(floor, segment, false)?;
            rest = cut(tail, 1).1;
        }
        rest = path;
        loop {
            let (segment, tail) = before(rest, b"/");
            self.push_segment(floor, segment, tail.is_empty())?;
            if tail.is_empty() {
                return Ok(());
            }
            rest = cut(tail, 1).1;
        }
    }

    fn push_segment(&mut self, floor: usize, segment: &str, last: bool) -> Result<(), UriError> {
        match segment {
            "." => {}
            ".." => self.pop_segment(floor),
            _ => {
                self.push("/")?;
                return self.push(segment);
            }
        }
        if last {
            self.push("/")?;
        }
        Ok(())
    }

    fn pop_segment(&mut self, floor: usize) {
        while self.0.len() > floor {
            if self.0.pop() == Some('/') {
                break;
            }
        }
    }

    fn offset(&self) -> u8 {
        // The buffer has no more than 255 octets.
        self.0.len() as u8
    }
}

fn illegal(at: usize) -> UriError {
    UriError::IllegalCharacter {
        at: u16::try_from(at).unwrap_or(u16::MAX),
    }
}

/// `text` up to the first octet out of `marks`, and the rest with it.
fn before<'a>(text: &'a str, marks: &[u8]) -> (&'a str, &'a str) {
    match text.bytes().position(|octet| marks.contains(&octet)) {
        Some(at) => cut(text, at),
        None => (text, ""),
    }
}

fn cut(text: &str, at: usize) -> (&str, &str) {
    text.split_at_checked(at).unwrap_or((text, ""))
}

/// `scheme ":"` as RFC 3986 section 3.1 has it, and what follows the colon.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = before(text, b":/?");
    let rest = rest.strip_prefix(':')?;
    let mut octets = name.bytes();
    let valid = octets.next()?.is_ascii_alphabetic()
        && octets.all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet));
    valid.then_some((name, rest))
}

/// `host [":" port]`; the port is empty when absent.
fn split_port(text: &str) -> Result<(&str, &str), UriError> {
    let end = match text.bytes().position(|octet| octet == b']') {
        Some(at) if text.starts_with('[') => at + 1,
        _ => before(text, b":").0.len(),
    };
    let (host, port) = cut(text, end);
    match port.strip_prefix(':') {
        // An IPv6 address without its brackets.
        Some(port) if port.bytes().any(|octet| octet == b':') => Err(UriError::BadAddress),
        Some(port) => Ok((host, port)),
        None if port.is_empty() => Ok((host, "")),
        None => Err(UriError::BadHost),
    }
}

fn parse_port(text: &str) -> Result<u16, UriError> {
    let mut port: u16 = 0;
    for octet in text.bytes() {
        let digit = octet.wrapping_sub(b'0');
        if digit > 9 {
            return Err(UriError::BadPort);
        }
        port = port
            .checked_mul(10)
            .and_then(|port| port.checked_add(u16::from(digit)))
            .ok_or(UriError::BadPort)?;
    }
    if port == 0 {
        return Err(UriError::BadPort);
    }
    Ok(port)
}

/// RFC 1123 section 2.1 names, dotted quads, bracketed IPv6 addresses without zone.
fn check_host(host: &str) -> Result<(), UriError> {
    if host.is_empty() {
        return Err(UriError::NoHost);
    }
    if let Some(rest) = host.strip_prefix('[') {
        let inner = rest.strip_suffix(']').ok_or(UriError::BadAddress)?;
        return address::parse_v6(inner)
            .map(|_| ())
            .ok_or(UriError::BadAddress);
    }
    // One trailing dot says that the name is fully qualified.
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.len() > MAX_NAME {
        return Err(UriError::BadHost);
    }
    let mut rest = name;
    loop {
        let (label, tail) = before(rest, b".");
        let octets = label.as_bytes();
        let valid = (1..=63).contains(&octets.len())
            && octets.first() != Some(&b'-')
            && octets.last() != Some(&b'-')
            && octets
                .iter()
                .all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(octet));
        if !valid {
            return Err(UriError::BadHost);
        }
        if tail.is_empty() {
            if octets.iter().all(u8::is_ascii_digit) && address::parse_v4(host).is_none() {
                return Err(UriError::BadAddress);
            }
            return Ok(());
        }
        rest = cut(tail, 1).1;
    }
}

/// `unreserved`, percent-encoded octets and what `extra` allows.
fn check(component: &str, offset: usize, extra: fn(u8) -> bool) -> Result<(), UriError> {
    let mut octets = component.bytes().enumerate();
    while let Some((at, octet)) = octets.next() {
        if octet == b'%' {
            let mut digit = || octets.next().and_then(|(_, octet)| nibble(octet));
            if digit().is_none() || digit().is_none() {
                return Err(UriError::BadEncoding);
            }
        } else if !is_unreserved(octet) && !extra(octet) {
            return Err(illegal(offset + at));
        }
    }
    Ok(())
}

/// RFC 3986 section 2.3.
fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-._~".contains(&octet)
}

/// RFC 3986 section 2.2.
fn is_sub_delim(octet: u8) -> bool {
    b"!$&'()*+,;=".contains(&octet)
}

/// `pchar` and `/` (RFC 3986 section 3.3), percent-encoding aside.
fn is_path_octet(octet: u8) -> bool {
    is_unreserved(octet) || is_sub_delim(octet) || b":@/".contains(&octet)
}

fn hex_digit(value: u8) -> u8 {
    match value & 0xF {
        value @ 0..=9 => b'0' + value,
        value => b'A' + (value - 10),
    }
}

/// Percent-decodes `text` into `buf` and returns the number of octets.
fn decode(text: &str, buf: &mut [u8]) -> Result<usize, UriError> {
    let mut octets = text.bytes();
    let mut length = 0;
    while let Some(octet) = octets.next() {
        let octet = if octet == b'%' {
            let mut digit = || octets.next().and_then(nibble).ok_or(UriError::BadEncoding);
            (digit()? << 4) | digit()?
        } else {
            octet
        };
        if octet.is_ascii_control() {
            return Err(UriError::DecodedControl);
        }
        *buf.get_mut(length).ok_or(UriError::BufferTooSmall)? = octet;
        length += 1;
    }
    Ok(length)
}

fn text_of(octets: &[u8]) -> Result<&str, UriError> {
    core::str::from_utf8(octets).map_err(|_| UriError::NotText)
}

/// Removes `;mode=octet` (RFC 3617 section 3).
fn strip_mode(path: &str) -> Result<&str, UriError> {
    let Some(at) = path.bytes().rposition(|octet| octet == b';') else {
        return Ok(path);
    };
    let (file, parameter) = cut(path, at);
    let (name, mode) = before(parameter, b"=");
    if !name.eq_ignore_ascii_case(";mode") {
        return Ok(path);
    }
    if !mode.eq_ignore_ascii_case("=octet") {
        return Err(UriError::TransferMode);
    }
    Ok(file)
}
