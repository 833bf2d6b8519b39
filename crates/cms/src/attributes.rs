//! Attributes of a signer, RFC 5652 sections 5.3 and 11.

use netboot_x509::der::{OCTET_STRING, OID, SEQUENCE, SET, Value};
use netboot_x509::unix_time;

use crate::error::{CmsError, Part};
use crate::syntax::Fields;
use crate::{MAX_ATTRIBUTES, MAX_SIGNED_ATTRIBUTES, oid};

/// Attributes that the signer has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SignedAttributes<'a> {
    /// Length and content, as they stand behind the tag: signed is this behind the tag of a `SET` (section 5.4).
    pub(crate) untagged: &'a [u8],
    /// Content of the `OBJECT IDENTIFIER`.
    pub(crate) content_type: &'a [u8],
    pub(crate) digest: &'a [u8],
    /// Unix time in seconds.
    pub(crate) signing_time: Option<u64>,
}

impl<'a> SignedAttributes<'a> {
    /// Reads the value `[0]` of a signer.
    pub(crate) fn read(attributes: Value<'a>) -> Result<Self, CmsError> {
        const PART: Part = Part::SignedAttributes;
        if attributes.content.len() > MAX_SIGNED_ATTRIBUTES {
            return Err(CmsError::AttributesTooLong);
        }
        let (mut content_type, mut digest, mut signing_time) = (None, None, None);
        let mut before: &[u8] = &[];
        for_each(attributes.content, PART, |whole, id, values| {
            // X.690 section 11.6: DER sorts what has no order, and a signer signs what is sorted.
            if whole < before {
                return Err(CmsError::UnsortedAttributes);
            }
            before = whole;
            match id {
                id if id == oid::CONTENT_TYPE => once(&mut content_type, one(values)?)?,
                id if id == oid::MESSAGE_DIGEST => once(&mut digest, one(values)?)?,
                id if id == oid::SIGNING_TIME => once(&mut signing_time, one(values)?)?,
                // Section 11.4: it is never signed.
                id if id == oid::COUNTERSIGNATURE => return Err(CmsError::Malformed(PART)),
                _ => {}
            }
            Ok(())
        })?;
        let content_type = content_type.ok_or(CmsError::NoContentType)?;
        let digest = digest.ok_or(CmsError::NoDigest)?;
        let signing_time = match signing_time {
            Some(time) => Some(unix_time(time).ok_or(CmsError::Malformed(PART))?),
            None => None,
        };
        if content_type.tag != OID || digest.tag != OCTET_STRING {
            return Err(CmsError::Malformed(PART));
        }
        // The tag has one octet.
        let (_, untagged) = attributes.whole.split_first().unwrap_or((&0, &[]));
        Ok(Self {
            untagged,
            content_type: content_type.content,
            digest: digest.content,
            signing_time,
        })
    }
}

/// Checks the syntax of attributes that nobody has signed: nothing in them counts. Those that have a meaning where they are
/// signed are not among them (sections 11.1 to 11.3).
pub(crate) fn check_unsigned(attributes: &[u8]) -> Result<(), CmsError> {
    const SIGNED_ONLY: [&[u8]; 3] = [oid::CONTENT_TYPE, oid::MESSAGE_DIGEST, oid::SIGNING_TIME];
    for_each(
        attributes,
        Part::UnsignedAttributes,
        |_, id, _| match SIGNED_ONLY.contains(&id) {
            true => Err(CmsError::StrayAttribute),
            false => Ok(()),
        },
    )
}

/// Calls `each` with an attribute's octets, its type and its values.
fn for_each<'a>(
    attributes: &'a [u8],
    part: Part,
    mut each: impl FnMut(&'a [u8], &'a [u8], Fields<'a>) -> Result<(), CmsError>,
) -> Result<(), CmsError> {
    let mut fields = Fields::new(attributes, part);
    // Both sets have at least one attribute.
    if fields.is_empty() {
        return Err(CmsError::Malformed(part));
    }
    for _ in 0..MAX_ATTRIBUTES {
        let attribute = fields.value()?;
        if attribute.tag != SEQUENCE {
            return Err(CmsError::Malformed(part));
        }
        let mut inside = Fields::new(attribute.content, part);
        let id = inside.identifier()?;
        let values = inside.nested(SET)?;
        inside.end()?;
        // Each takes octets, so they end.
        let mut rest = values;
        while !rest.is_empty() {
            rest.value()?;
        }
        each(attribute.whole, id, values)?;
        if fields.is_empty() {
            return Ok(());
        }
    }
    Err(CmsError::TooManyAttributes)
}

/// The only value of an attribute.
fn one<'a>(mut values: Fields<'a>) -> Result<Value<'a>, CmsError> {
    if values.is_empty() {
        return Err(CmsError::WrongValues);
    }
    let value = values.value()?;
    match values.is_empty() {
        true => Ok(value),
        false => Err(CmsError::WrongValues),
    }
}

fn once<'a>(place: &mut Option<Value<'a>>, value: Value<'a>) -> Result<(), CmsError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(CmsError::RepeatedAttribute),
    }
}
