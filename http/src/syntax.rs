//! Reads the lines of a response head, RFC 9112 sections 4 and 5.
//!
//! The parser goes line by line and has no table of fields, so that their number costs no memory. The size of the head
//! bounds the work. A single LF ends a line as CR LF does (section 2.2). The parser refuses a CR anywhere else, a folded
//! field (section 5.2) and white space before the colon (section 5.1).

use crate::error::Fault;
use netboot_core::text::after;

/// Name and value of a field.
pub(crate) type Field<'a> = (&'a [u8], &'a [u8]);

/// The lines of a head up to its empty one.
pub(crate) struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    /// Takes the lines of `raw`, which ends with an empty one.
    pub(crate) fn new(raw: &'a [u8]) -> Self {
        Self(raw)
    }

    /// Reads the status line: minor version and status code.
    ///
    /// # Errors
    /// Fails with [`Fault::NotHttp`] for anything but HTTP/1.0 and 1.1, and with [`Fault::BadHead`] for a malformed line.
    pub(crate) fn status(&mut self) -> Result<(u8, u16), Fault> {
        let line = self.line()?;
        let rest = after(line, b"HTTP/1.").ok_or(Fault::NotHttp)?;
        let (minor, rest) = match rest {
            [b'0', b' ', rest @ ..] => (0, rest),
            [b'1', b' ', rest @ ..] => (1, rest),
            _ => return Err(Fault::NotHttp),
        };
        let &[hundreds, tens, units, ref reason @ ..] = rest else {
            return Err(Fault::BadHead);
        };
        // The reason phrase may be missing, and the space before it too.
        if !reason.is_empty() && reason.first() != Some(&b' ') {
            return Err(Fault::BadHead);
        }
        let mut status = 0;
        for digit in [hundreds, tens, units] {
            if !digit.is_ascii_digit() {
                return Err(Fault::BadHead);
            }
            status = status * 10 + u16::from(digit & 0xF);
        }
        Ok((minor, status))
    }

    /// Reads the next field: its name, and its value without white space around it. `None` at the end.
    ///
    /// # Errors
    /// Fails with [`Fault::BadHead`] for a malformed line.
    pub(crate) fn field(&mut self) -> Result<Option<Field<'a>>, Fault> {
        let line = self.line()?;
        if line.is_empty() {
            return Ok(None);
        }
        let colon = line.iter().position(|octet| *octet == b':');
        let (name, value) = colon
            .and_then(|at| line.split_at_checked(at))
            .ok_or(Fault::BadHead)?;
        if !is_name(name) {
            return Err(Fault::BadHead);
        }
        let [_colon, value @ ..] = value else {
            return Err(Fault::BadHead);
        };
        Ok(Some((name, value.trim_ascii())))
    }

    /// Whether everything was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the next line without its end.
    fn line(&mut self) -> Result<&'a [u8], Fault> {
        let end = self.0.iter().position(|octet| *octet == b'\n');
        let (line, rest) = end
            .and_then(|at| self.0.split_at_checked(at))
            .ok_or(Fault::BadHead)?;
        let [_newline, rest @ ..] = rest else {
            return Err(Fault::BadHead);
        };
        self.0 = rest;
        let line = without_cr(line);
        if !line.iter().all(|octet| is_text(*octet)) {
            return Err(Fault::BadHead);
        }
        Ok(line)
    }
}

/// The text without the carriage return at its end.
pub(crate) fn without_cr(text: &[u8]) -> &[u8] {
    match text {
        [text @ .., b'\r'] => text,
        _ => text,
    }
}

/// Whether an octet may be in a field value, a reason phrase or a chunk extension (RFC 9110 section 5.5): all but
/// control characters.
pub(crate) fn is_text(octet: u8) -> bool {
    octet == b'\t' || !octet.is_ascii_control()
}

/// Whether the octets are a field name (RFC 9110 section 5.1).
pub(crate) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|octet| is_token(*octet))
}

/// Whether an octet is a `tchar` (RFC 9110 section 5.6.2).
fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Fields<'a> = Vec<Field<'a>>;

    fn ours(raw: &[u8]) -> Result<(u8, u16, Fields<'_>), Fault> {
        let mut lines = Lines::new(raw);
        let (minor, status) = lines.status()?;
        let mut fields = Vec::new();
        while let Some(field) = lines.field()? {
            fields.push(field);
        }
        if lines.is_empty() {
            Ok((minor, status, fields))
        } else {
            Err(Fault::BadHead)
        }
    }

    /// What an independent, well-worn parser makes of it.
    fn theirs(raw: &[u8]) -> Option<(u8, u16, Fields<'_>)> {
        let mut table = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut table);
        match response.parse(raw) {
            Ok(httparse::Status::Complete(length)) if length == raw.len() => {}
            _ => return None,
        }
        let fields = response.headers.iter();
        let fields = fields.map(|field| (field.name.as_bytes(), field.value));
        Some((response.version?, response.code?, fields.collect()))
    }

    #[test]
    fn reads_lines() {
        let raw = b"HTTP/1.0 404 No \xe9\r\nA:b\nC-d: \t e f\t\r\nG:\r\n\r\n";
        let fields: Fields = vec![(b"A", b"b"), (b"C-d", b"e f"), (b"G", b"")];
        assert_eq!(ours(raw), Ok((0, 404, fields)));
        assert_eq!(ours(b"HTTP/1.1 200\n\n"), Ok((1, 200, vec![])));
    }

    fn head() -> impl Strategy<Value = Vec<u8>> {
        let line = "[A-Za-z!~ ]{0,4}[:]?[ \t]{0,2}[a-zA-Z,;=\" ]{0,5}[ \t]{0,2}";
        let head = (
            "(HTTP/1\\.[0-2]|HTTP/1|HTTP) ?[0-9]{0,4}( [a-z ]{0,4})?",
            prop::collection::vec((line, "\r?\n"), 0..6),
            "\r?\n",
            any::<(prop::sample::Index, u8, bool)>(),
        );
        head.prop_map(|(start, lines, end, (at, octet, damage))| {
            let mut text = start.into_bytes();
            text.extend_from_slice(b"\r\n");
            for (line, end) in lines {
                text.extend_from_slice(line.as_bytes());
                text.extend_from_slice(end.as_bytes());
            }
            text.extend_from_slice(end.as_bytes());
            if damage {
                let at = at.index(text.len());
                text[at] = octet;
            }
            text
        })
    }

    fn mostly_good_head() -> impl Strategy<Value = Vec<u8>> {
        let field = ("[A-Za-z-]{1,4}", "[ -~\t\u{e9}]{0,8}", "\r?\n");
        let fields = prop::collection::vec(field, 0..6);
        (fields, any::<(prop::sample::Index, u8, bool)>()).prop_map(
            |(fields, (at, octet, damage))| {
                let mut text = b"HTTP/1.1 206 OK\r\n".to_vec();
                for (name, value, end) in fields {
                    text.extend_from_slice(format!("{name}:{value}{end}").as_bytes());
                }
                text.extend_from_slice(b"\r\n");
                if damage {
                    let at = at.index(text.len());
                    text[at] = octet;
                }
                text
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn agrees_with_httparse(raw in prop_oneof![head(), mostly_good_head()]) {
            // It skips empty lines in front; the decoder never lets one through.
            if !raw.starts_with(b"\r") && !raw.starts_with(b"\n") {
                prop_assert_eq!(ours(&raw).ok(), theirs(&raw), "{}", raw.escape_ascii());
            }
        }
    }
}
