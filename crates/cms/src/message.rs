//! `ContentInfo`, RFC 5652 section 3: what a message is.

use netboot_x509::der::{OCTET_STRING, SEQUENCE, constructed};

use crate::certificates::Certificates;
use crate::error::{CmsError, Part};
use crate::signed_data::{self, SignedData, Signers};
use crate::syntax::Fields;
use crate::{MAX_MESSAGE, oid};

/// A message whose syntax is right. Nothing in it is verified.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// Content that nobody has signed.
    Plain(Plain<'a>),
    /// `SignedData` without a signer: it carries certificates (RFC 5652 section 5.1, RFC 8572 section 3.2).
    Certificates(Certificates<'a>),
    /// `SignedData` with one signer.
    Signed(SignedData<'a>),
}

/// Content that nobody has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain<'a> {
    /// Content of the type's `OBJECT IDENTIFIER`.
    pub content_type: &'a [u8],
    /// The octets.
    pub content: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message in DER, at most [`MAX_MESSAGE`] octets.
    ///
    /// The algorithms of a signer may be unknown here: whoever wants only the certificates needs no signature.
    ///
    /// # Errors
    /// [`CmsError::Pem`], [`CmsError::Ber`], [`CmsError::TooLarge`], [`CmsError::Malformed`],
    /// [`CmsError::UnsupportedType`], [`CmsError::UnsupportedVersion`], [`CmsError::SeveralSigners`], the bounds
    /// (`TooMany…`, [`CmsError::AttributesTooLong`]), and what may be wrong with signed attributes.
    #[inline(never)]
    pub fn parse(der: &'a [u8]) -> Result<Self, CmsError> {
        const PART: Part = Part::Message;
        if der.starts_with(b"-----BEGIN ") {
            return Err(CmsError::Pem);
        }
        if der.len() > MAX_MESSAGE {
            return Err(CmsError::TooLarge);
        }
        let mut outer = Fields::new(der, PART);
        let mut info = outer.nested(SEQUENCE)?;
        outer.end()?;
        let content_type = info.identifier()?;
        let content = info.expect(constructed(0))?;
        info.end()?;
        if content_type == oid::SIGNED_DATA {
            return Ok(match signed_data::read(content)? {
                Signers::None(certificates) => Message::Certificates(certificates),
                Signers::One(signed) => Message::Signed(signed),
            });
        }
        let mut content = Fields::new(content, PART);
        let value = content.value()?;
        content.end()?;
        match value.tag {
            OCTET_STRING => Ok(Message::Plain(Plain {
                content_type,
                content: value.content,
            })),
            _ => Err(CmsError::UnsupportedType),
        }
    }

    /// The signed message that it has to be.
    ///
    /// # Errors
    /// [`CmsError::NotSigned`], [`CmsError::NoSigner`].
    pub fn signed(self) -> Result<SignedData<'a>, CmsError> {
        match self {
            Message::Signed(signed) => Ok(signed),
            Message::Certificates(_) => Err(CmsError::NoSigner),
            Message::Plain(_) => Err(CmsError::NotSigned),
        }
    }

    /// The certificates that it carries, whether it has a signer or not: some tools sign what only carries certificates.
    pub fn certificates(&self) -> Certificates<'a> {
        match self {
            Message::Signed(signed) => signed.certificates(),
            Message::Certificates(certificates) => *certificates,
            Message::Plain(_) => Certificates::default(),
        }
    }
}
