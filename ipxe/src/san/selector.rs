//! Which partition is wanted.

use super::{GptError, Guid};
use core::fmt;

/// UTF-16 units of the longest label.
pub const LABEL_UNITS: usize = 36;

/// What tells the wanted partition from the others of its disk. Exactly one partition may fit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Selector(pub(super) Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The label, with zeros behind it.
    Label([u16; LABEL_UNITS]),
    Unique(Guid),
    Type(Guid),
}

impl Selector {
    /// The partition with this label, compared exactly: with its upper and lower case.
    ///
    /// # Errors
    /// [`GptError::BadLabel`] for an empty label, one of more than 36 UTF-16 units, and one with a NUL in it.
    pub fn label(label: &str) -> Result<Self, GptError> {
        let mut units = [0; LABEL_UNITS];
        let mut places = units.iter_mut();
        for unit in label.encode_utf16() {
            let place = places.next().filter(|_| unit != 0);
            *place.ok_or(GptError::BadLabel)? = unit;
        }
        match label {
            "" => Err(GptError::BadLabel),
            _ => Ok(Self(Kind::Label(units))),
        }
    }

    /// The partition with this unique GUID, such as `6f2c35a1-8d0f-4a9e-93c1-0f5a2d7be410`.
    ///
    /// # Errors
    /// [`GptError::BadGuid`] for another text, and for the GUID of zeros.
    pub fn unique(guid: &str) -> Result<Self, GptError> {
        parse(guid).map(|guid| Self(Kind::Unique(guid)))
    }

    /// The partition of this type, such as `c12a7328-f81f-11d2-ba4b-00a0c93ec93b`.
    ///
    /// # Errors
    /// [`GptError::BadGuid`] for another text, and for the GUID of zeros.
    pub fn partition_type(guid: &str) -> Result<Self, GptError> {
        parse(guid).map(|guid| Self(Kind::Type(guid)))
    }
}

fn parse(guid: &str) -> Result<Guid, GptError> {
    let guid = Guid::parse(guid).filter(|guid| *guid != Guid::ZERO);
    guid.ok_or(GptError::BadGuid)
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_up_to_36_units() {
        for label in ["a", "firmware é", &"x".repeat(36), &"🦀".repeat(18)] {
            let Kind::Label(units) = Selector::label(label).unwrap().0 else {
                panic!("a label");
            };
            let end = units.iter().position(|unit| *unit == 0).unwrap_or(36);
            assert_eq!(String::from_utf16(&units[..end]).unwrap(), label);
        }
        for label in ["", &"x".repeat(37), &("x".repeat(35) + "🦀"), "a\0", "\0"] {
            assert_eq!(Selector::label(label), Err(GptError::BadLabel), "{label:?}");
        }
    }

    #[test]
    fn a_guid_is_not_zero() {
        for make in [Selector::unique, Selector::partition_type] {
            assert!(make("c12a7328-f81f-11d2-ba4b-00a0c93ec93b").is_ok());
            for guid in ["", "c12a7328", "00000000-0000-0000-0000-000000000000"] {
                assert_eq!(make(guid), Err(GptError::BadGuid));
            }
        }
    }
}
