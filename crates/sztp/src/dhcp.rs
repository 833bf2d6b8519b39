//! Bootstrap servers that DHCP names: option 143 of DHCPv4, option 136 of DHCPv6 (RFC 8572, section 8).
//!
//! DHCP is never trusted: what it names is asked, and what comes from there has to prove itself.

use crate::error::SztpError;
use netboot_core::uri::{Scheme, Uri};

/// Number of the option in DHCPv4.
pub const OPTION_V4: u8 = 143;
/// Number of the option in DHCPv6.
pub const OPTION_V6: u16 = 136;

/// How an option was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As the standard says: a length of two octets before each URI.
    Standard,
    /// With a length of one octet before each URI, as Kea's `tuple` in DHCPv4. The standard does not allow that.
    ShortLengths,
    /// One URI without a length, as ISC dhcpd's `text`. The standard does not allow that.
    Text,
}

/// What became of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// How it was written. Another form than the standard's deserves a warning.
    pub form: Form,
    /// Number of servers that were taken.
    pub taken: u8,
    /// Number of entries that are no server. Entries behind a wrong length count as one.
    pub ignored: u8,
    /// Number of servers that were named with a path or a query behind them, which was cut off.
    pub shortened: u8,
}

/// Gives each server in the value of an option to `take`, as a URI without a path. Repeated options have to be joined before (RFC 3396).
///
/// # Errors
/// [`SztpError::NoServerInOption`] when it names none: then the whole option is left out (RFC 8572, section 8).
#[inline(never)]
pub fn servers(option: &[u8], take: &mut dyn FnMut(&Uri)) -> Result<Found, SztpError> {
    let form = match option.first() {
        // No URI has 512 octets or more here.
        Some(0 | 1) => Form::Standard,
        Some(b'h' | b'H') => Form::Text,
        _ => Form::ShortLengths,
    };
    let mut found = Found {
        form,
        taken: 0,
        ignored: 0,
        shortened: 0,
    };
    let mut rest = option;
    while !rest.is_empty() {
        let Some((entry, behind)) = entry(rest, form) else {
            found.ignored = found.ignored.saturating_add(1);
            break;
        };
        rest = behind;
        match server(entry) {
            Some((uri, whole)) => {
                take(&uri);
                found.taken = found.taken.saturating_add(1);
                found.shortened = found.shortened.saturating_add(u8::from(!whole));
            }
            None => found.ignored = found.ignored.saturating_add(1),
        }
    }
    match found.taken {
        0 => Err(SztpError::NoServerInOption),
        _ => Ok(found),
    }
}

/// The first entry, and what is behind it. `None`: it is longer than the option.
fn entry(option: &[u8], form: Form) -> Option<(&[u8], &[u8])> {
    match form {
        Form::Standard => {
            let (len, rest) = option.split_first_chunk()?;
            rest.split_at_checked(u16::from_be_bytes(*len).into())
        }
        Form::ShortLengths => {
            let (len, rest) = option.split_first()?;
            rest.split_at_checked(usize::from(*len))
        }
        Form::Text => Some((option, &[])),
    }
}

/// The server that an entry names, and whether nothing of the entry was cut off.
fn server(entry: &[u8]) -> Option<(Uri, bool)> {
    // Some senders end a text with NUL.
    let text = netboot_core::text::printable(entry)?;
    let uri = Uri::parse(text.trim_ascii()).ok()?;
    if uri.scheme() != Scheme::Https || uri.has_credentials() {
        return None;
    }
    let whole = matches!(uri.target(), "" | "/");
    match whole {
        true => Some((uri, true)),
        false => Some((uri.join("/").ok()?, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(option: &[u8]) -> Result<(Vec<String>, Found), SztpError> {
        let mut uris = Vec::new();
        let found = servers(option, &mut |uri| uris.push(uri.authority().to_owned()))?;
        Ok((uris, found))
    }

    fn standard(uris: &[&str]) -> Vec<u8> {
        let mut option = Vec::new();
        for uri in uris {
            option.extend((uri.len() as u16).to_be_bytes());
            option.extend(uri.as_bytes());
        }
        option
    }

    #[test]
    fn the_form_of_the_standard_is_read() {
        let option = standard(&["https://10.9.0.1:9090", "https://b2.example.com/"]);
        let (uris, found) = read(&option).unwrap();
        assert_eq!(uris, ["10.9.0.1:9090", "b2.example.com"]);
        assert_eq!(
            found,
            Found {
                form: Form::Standard,
                taken: 2,
                ignored: 0,
                shortened: 0
            }
        );
        // DHCPv6, from Kea 2.2.
        let (uris, _) =
            read(b"\x00\x16https://[fd09::1]:9090\x00\x16https://b2.example.com").unwrap();
        assert_eq!(uris, ["[fd09::1]:9090", "b2.example.com"]);
    }

    #[test]
    fn the_forms_of_kea_and_isc_are_read_and_told() {
        let (uris, found) = read(b"\x15https://10.9.0.1:9090\x16https://b2.example.com").unwrap();
        assert_eq!(uris, ["10.9.0.1:9090", "b2.example.com"]);
        assert_eq!((found.form, found.taken), (Form::ShortLengths, 2));
        let bare = b"https://redirecter:8080/restconf/operations/ietf-sztp-bootstrap-server:get-bootstrapping-data\0";
        let (uris, found) = read(bare).unwrap();
        assert_eq!(uris, ["redirecter:8080"]);
        assert_eq!((found.form, found.shortened), (Form::Text, 1));
    }

    #[test]
    fn entries_that_are_no_server_are_left_out() {
        let option = standard(&[
            "http://a",
            "https://u:p@b",
            "tftp://c",
            "",
            "https://",
            "d",
            "https://e/path?q",
            "\u{1}",
        ]);
        let (uris, found) = read(&option).unwrap();
        assert_eq!(uris, ["e"]);
        assert_eq!((found.taken, found.ignored, found.shortened), (1, 7, 1));
        let mut cut = standard(&["https://a"]);
        cut.extend([0, 200, b'h']);
        let (uris, found) = read(&cut).unwrap();
        assert_eq!((uris.len(), found.ignored), (1, 1));
    }

    #[test]
    fn an_option_without_a_server_is_refused() {
        for option in [
            &b""[..],
            b"\0",
            b"\0\0",
            b"\x00\x09http://ab",
            b"\x05https",
            b"http://a",
            b"h",
            b"\xff",
        ] {
            assert_eq!(read(option), Err(SztpError::NoServerInOption), "{option:?}");
        }
    }
}
