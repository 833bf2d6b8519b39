//! Settings: named values of bounded size, and the trait of whoever keeps them.

use super::SettingType;
use core::fmt;
use heapless::Vec;

/// Octets of the longest value of a setting: those of the longest DHCP option.
pub const VALUE_LEN: usize = 255;

/// The name of a setting, taken apart: `scope/name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingName<'a> {
    whole: &'a str,
    scope: &'a str,
    name: &'a str,
}

impl<'a> SettingName<'a> {
    /// Takes a name without a type apart at its last slash.
    pub fn new(whole: &'a str) -> Self {
        let slash = whole.bytes().rposition(|octet| octet == b'/');
        let parts = slash.and_then(|at| {
            let (scope, rest) = whole.split_at_checked(at)?;
            Some((scope, rest.strip_prefix('/')?))
        });
        let (scope, name) = parts.unwrap_or(("", whole));
        Self { whole, scope, name }
    }

    /// Takes `scope/name:type` apart, where the scope and the type may be absent. The type is `Err` with a name that is none.
    pub(super) fn with_type(text: &'a str) -> (Self, Result<Option<SettingType>, ()>) {
        match text.split_once(':') {
            None => (Self::new(text), Ok(None)),
            Some((name, of_type)) => (
                Self::new(name),
                SettingType::parse(of_type).map(Some).ok_or(()),
            ),
        }
    }

    /// The name with its scope: `net0/ip`.
    pub const fn as_str(self) -> &'a str {
        self.whole
    }

    /// The scope: `net0` of `net0/ip`. Empty when there is none.
    pub const fn scope(self) -> &'a str {
        self.scope
    }

    /// The name without its scope: `ip` of `net0/ip`.
    pub const fn name(self) -> &'a str {
        self.name
    }

    /// The DHCP option that the name is the number of: `(66, None)` of `66`, and `(175, Some(3))` of `175.3`, which is a suboption.
    /// `None` for any other name.
    pub fn option(self) -> Option<(u16, Option<u8>)> {
        match self.name.split_once('.') {
            None => Some((decimal(self.name)?, None)),
            Some((option, inner)) => {
                Some((decimal(option)?, Some(decimal(inner)?.try_into().ok()?)))
            }
        }
    }
}

/// Reads a decimal number without a sign.
fn decimal(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// The value of a setting: octets, and the type by which they are shown when a script names none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub(super) setting_type: SettingType,
    pub(super) octets: Vec<u8, VALUE_LEN>,
}

impl Setting {
    /// Makes a value of at most [`VALUE_LEN`] octets. `None` when they are more, or none at all: an empty setting does not exist.
    pub fn new(setting_type: SettingType, octets: &[u8]) -> Option<Self> {
        let octets = Vec::from_slice(octets).ok()?;
        (!octets.is_empty()).then_some(Self {
            setting_type,
            octets,
        })
    }

    /// The type by which it is shown when a script names none.
    pub const fn setting_type(&self) -> SettingType {
        self.setting_type
    }

    /// The octets, at least one.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }
}

/// Why a setting was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingError {
    /// There is no room.
    Full,
    /// The setting can only be read.
    ReadOnly,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SettingError::Full => "there is no room for another setting",
            SettingError::ReadOnly => "the setting can only be read",
        })
    }
}

impl core::error::Error for SettingError {}

/// Who keeps the settings of a script.
///
/// [`Variables`](super::Variables) keeps those that scripts make up. What DHCP or the board tells comes from whoever implements this
/// trait: [`Layered`] puts variables over it.
pub trait Settings {
    /// The value of a setting. `None` when it has none.
    fn get(&self, name: SettingName<'_>) -> Option<Setting>;

    /// Sets a value, or changes it.
    ///
    /// # Errors
    /// [`SettingError::Full`] and [`SettingError::ReadOnly`]; then nothing has changed.
    fn set(&mut self, name: SettingName<'_>, value: &Setting) -> Result<(), SettingError>;

    /// Removes a value. Without one it does nothing.
    ///
    /// # Errors
    /// [`SettingError::ReadOnly`].
    fn clear(&mut self, name: SettingName<'_>) -> Result<(), SettingError>;

    /// The type of a setting whose name has none in the script: [`SettingType::Ipv4`] for `ip`, for example.
    fn default_type(&self, _name: SettingName<'_>) -> SettingType {
        SettingType::String
    }
}

/// Settings over others. The upper ones hide the lower ones and take all changes; the lower ones tell the types.
#[derive(Clone, Debug)]
pub struct Layered<U, L> {
    /// What takes all changes, [`Variables`](super::Variables) for example.
    pub upper: U,
    /// What is only read.
    pub lower: L,
}

impl<U: Settings, L: Settings> Settings for Layered<U, L> {
    fn get(&self, name: SettingName<'_>) -> Option<Setting> {
        self.upper.get(name).or_else(|| self.lower.get(name))
    }

    fn set(&mut self, name: SettingName<'_>, value: &Setting) -> Result<(), SettingError> {
        self.upper.set(name, value)
    }

    fn clear(&mut self, name: SettingName<'_>) -> Result<(), SettingError> {
        self.upper.clear(name)
    }

    fn default_type(&self, name: SettingName<'_>) -> SettingType {
        self.lower.default_type(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        for (text, scope, name, of_type) in [
            ("ip", "", "ip", Ok(None)),
            ("net0/ip", "net0", "ip", Ok(None)),
            (
                "net0.dhcp/175.3:hex",
                "net0.dhcp",
                "175.3",
                Ok(Some(SettingType::Hex)),
            ),
            ("a/b/c", "a/b", "c", Ok(None)),
            ("", "", "", Ok(None)),
            ("k:", "", "k", Err(())),
            ("k:a:b", "", "k", Err(())),
        ] {
            let (found, found_type) = SettingName::with_type(text);
            assert_eq!((found.scope(), found.name()), (scope, name), "{text}");
            assert_eq!(found_type, of_type, "{text}");
        }
    }

    #[test]
    fn options_have_numbers() {
        for (text, option) in [
            ("66", Some((66, None))),
            ("net0/175.3", Some((175, Some(3)))),
            ("65535", Some((65535, None))),
            ("65536", None),
            ("175.256", None),
            ("+1", None),
            ("1.", None),
            ("", None),
            ("1.2.3", None),
            ("filename", None),
        ] {
            assert_eq!(SettingName::new(text).option(), option, "{text}");
        }
    }
}
