//! The settings that scripts make up, in a buffer of fixed size.

use super::{Setting, SettingError, SettingName, SettingType, Settings};
use heapless::Vec;

/// Keeps settings in `N` octets. A setting takes three octets, its name with the scope, and its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables<const N: usize = 1024> {
    /// Records without gaps: octets of the name, octets of the value, the type, the name, the value.
    records: Vec<u8, N>,
}

/// Octets of a record before its name.
const HEAD: usize = 3;

/// One record.
struct Record<'a> {
    name: &'a [u8],
    value: &'a [u8],
    setting_type: u8,
}

/// Takes the first record off.
fn split(records: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let ([name, value, setting_type], rest) = records.split_first_chunk::<HEAD>()?;
    let (name, rest) = rest.split_at_checked(usize::from(*name))?;
    let (value, rest) = rest.split_at_checked(usize::from(*value))?;
    let record = Record {
        name,
        value,
        setting_type: *setting_type,
    };
    Some((record, rest))
}

impl<const N: usize> Variables<N> {
    /// Makes a store without settings.
    pub const fn new() -> Self {
        Self {
            records: Vec::new(),
        }
    }

    /// Octets that are not used.
    pub fn room(&self) -> usize {
        N.saturating_sub(self.records.len())
    }

    /// The record of a name, and where it begins and ends.
    fn find(&self, name: &str) -> Option<(Record<'_>, usize, usize)> {
        let mut rest = self.records.as_slice();
        while let Some((record, after)) = split(rest) {
            if record.name == name.as_bytes() {
                let start = self.records.len().checked_sub(rest.len())?;
                let end = self.records.len().checked_sub(after.len())?;
                return Some((record, start, end));
            }
            rest = after;
        }
        None
    }

    /// Removes the record of a name, if there is one.
    fn remove(&mut self, name: &str) {
        if let Some((_, start, end)) = self.find(name) {
            close_gap(&mut self.records, start, end);
        }
    }
}

/// Removes the octets from `start` up to `end`.
pub(super) fn close_gap(octets: &mut heapless::VecView<u8>, start: usize, end: usize) {
    let mut to = start;
    let mut from = end.max(start);
    while let Some(octet) = octets.get(from).copied() {
        if let Some(place) = octets.get_mut(to) {
            *place = octet;
        }
        to += 1;
        from += 1;
    }
    octets.truncate(to);
}

impl<const N: usize> Settings for Variables<N> {
    fn get(&self, name: SettingName<'_>) -> Option<Setting> {
        let (record, _, _) = self.find(name.as_str())?;
        Setting::new(SettingType::from_index(record.setting_type)?, record.value)
    }

    fn set(&mut self, name: SettingName<'_>, value: &Setting) -> Result<(), SettingError> {
        let octets = value.octets();
        let name = name.as_str();
        let (Ok(of_name), Ok(of_value)) = (u8::try_from(name.len()), u8::try_from(octets.len()))
        else {
            return Err(SettingError::Full);
        };
        let old = self.find(name).map_or(0, |(_, start, end)| end - start);
        if HEAD + name.len() + octets.len() > self.room() + old {
            return Err(SettingError::Full);
        }
        self.remove(name);
        let head = [of_name, of_value, value.setting_type() as u8];
        for part in [&head, name.as_bytes(), octets] {
            // There is room: see above.
            self.records.extend_from_slice(part).unwrap_or_default();
        }
        Ok(())
    }

    fn clear(&mut self, name: SettingName<'_>) -> Result<(), SettingError> {
        self.remove(name.as_str());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn text(value: &str) -> Setting {
        Setting::new(SettingType::String, value.as_bytes()).unwrap()
    }

    #[test]
    fn what_does_not_fit_leaves_all_as_it_was() {
        let mut store = Variables::<16>::new();
        let name = SettingName::new("name");
        store.set(name, &text("123456789")).unwrap();
        assert_eq!(store.room(), 0);
        let before = store.clone();
        assert_eq!(
            store.set(name, &text("1234567890")),
            Err(SettingError::Full)
        );
        assert_eq!(
            store.set(SettingName::new(""), &text("1")),
            Err(SettingError::Full)
        );
        assert_eq!(store, before);
        store.set(name, &text("987654321")).unwrap();
        assert_eq!(store.get(name), Some(text("987654321")));
        let long = "n".repeat(256);
        assert_eq!(
            Variables::<1024>::new().set(SettingName::new(&long), &text("1")),
            Err(SettingError::Full)
        );
    }

    proptest! {
        /// The store is a map that is sometimes full.
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0usize..6, prop::option::of("[a-z]{1,40}")), 0..60)) {
            let names = ["a", "b", "net0/a", "long-name", "", "a:b"];
            let mut store = Variables::<128>::new();
            let mut model: BTreeMap<&str, String> = BTreeMap::new();
            for (name, value) in steps {
                let name = names[name];
                match value {
                    Some(value) => {
                        if store.set(SettingName::new(name), &text(&value)).is_ok() {
                            model.insert(name, value);
                        }
                    }
                    None => {
                        store.clear(SettingName::new(name)).unwrap();
                        model.remove(name);
                    }
                }
                for name in names {
                    let expected = model.get(name).map(|value| text(value));
                    prop_assert_eq!(store.get(SettingName::new(name)), expected);
                }
                let used: usize = model.iter().map(|(name, value)| HEAD + name.len() + value.len()).sum();
                prop_assert_eq!(store.room(), 128 - used);
            }
        }
    }
}
