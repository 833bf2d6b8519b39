//! The certificates of a message, RFC 5652 section 10.2.3.

use netboot_x509::der::{Reader, SEQUENCE};

use crate::MAX_CERTIFICATES;
use crate::error::{CmsError, Part};
use crate::syntax::Fields;

/// Certificates that a message carries. Nobody has judged them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Certificates<'a> {
    /// Values of DER.
    octets: &'a [u8],
}

impl<'a> Certificates<'a> {
    /// Checks that these are values of DER, and at most [`MAX_CERTIFICATES`] of them.
    pub(crate) fn read(octets: &'a [u8]) -> Result<Self, CmsError> {
        let mut fields = Fields::new(octets, Part::Certificates);
        for _ in 0..MAX_CERTIFICATES {
            if fields.is_empty() {
                return Ok(Self { octets });
            }
            fields.value()?;
        }
        match fields.is_empty() {
            true => Ok(Self { octets }),
            false => Err(CmsError::TooManyCertificates),
        }
    }

    /// Each certificate in DER, in the order of the message. Attribute certificates and the like are left out.
    pub fn iter(&self) -> Iter<'a> {
        Iter(Reader::new(self.octets))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl<'a> IntoIterator for Certificates<'a> {
    type Item = &'a [u8];
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The certificates of a message, one after the other.
#[derive(Clone, Debug)]
pub struct Iter<'a>(Reader<'a>);

impl<'a> Iterator for Iter<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        // Each value takes octets, so they end.
        loop {
            let value = self.0.value()?;
            if value.tag == SEQUENCE {
                return Some(value.whole);
            }
        }
    }
}
