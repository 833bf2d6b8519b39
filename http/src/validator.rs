//! The proof that two responses carry the same octets (RFC 9110 section 8.8).

use heapless::String;

use crate::date;

/// Octets of the longest validator that is kept. A transfer with a longer one cannot be resumed by range.
pub const MAX_VALIDATOR: usize = 96;

/// Proof that two responses carry the same octets: a strong entity tag, or a modification date
/// that is strong by RFC 9110 section 8.8.2.2, because the response's own `Date` is later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    text: String<MAX_VALIDATOR>,
}

impl Validator {
    /// The validator in the form that goes into `If-Range`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Reads a strong entity tag (RFC 9110 section 8.8.3). A weak one says only *similar*, and is none.
    pub(crate) fn from_etag(value: &[u8]) -> Option<Self> {
        let [b'"', inner @ .., b'"'] = value else {
            return None;
        };
        let valid = inner
            .iter()
            .all(|octet| octet.is_ascii_graphic() && *octet != b'"');
        if valid {
            Self::from_octets(value)
        } else {
            None
        }
    }

    pub(crate) fn from_dates(modified: &[u8], sent: &[u8]) -> Option<Self> {
        if date::order_key(modified)? >= date::order_key(sent)? {
            return None;
        }
        Self::from_octets(modified)
    }

    fn from_octets(value: &[u8]) -> Option<Self> {
        let mut text = String::new();
        text.push_str(core::str::from_utf8(value).ok()?).ok()?;
        Some(Self { text })
    }
}
