//! The images that a script has named, and which index each one is for.
//!
//! An image is a name and the places where it is. Nothing of it is held. Which index of the device it is for follows from its name, and otherwise
//! from the order in which the images were named; [`Images::bound`] has the rule.

use crate::sources::network::FileNames;
use heapless::{String, Vec};
#[cfg(feature = "san")]
use netboot_core::Console;
use netboot_core::Digest;
use netboot_core::uri::Uri;
use netboot_ipxe::NAME_LEN;
#[cfg(feature = "san")]
use netboot_ipxe::Part;

/// Images that a script can name at the same time.
pub(crate) const MAX_NAMED: usize = 8;
/// Indices that an image can be for.
const INDICES: usize = 8;
/// Octets of all places and arguments together.
const TEXTS: usize = 2048;
/// Octets before each text: the image's key, the kind, and the length.
const HEAD: usize = 3;

/// Names that say what an image is, beside the file names of the boot's configuration, in the order of the indices.
pub(crate) const KNOWN_NAMES: [&str; 3] = ["caliptra-fmc-rt", "soc-manifest", "mcu-rt"];

/// What stands before the index in a name.
const PREFIX: &str = "image-";

/// Why the images are not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImagesError {
    /// There is no room for another image, another place or other arguments.
    Full,
    /// No image has this name.
    NoSuchImage,
}

/// What a text of an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Place = 1,
    Arguments = 2,
}

/// One image.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// Tells its texts from those of others.
    key: u8,
    pub name: String<NAME_LEN>,
    /// The part of the file at its place that it is; `None` for all of it.
    #[cfg(feature = "san")]
    pub part: Option<Part>,
    /// The checksum that it has to have, as in a table of contents.
    #[cfg(feature = "san")]
    pub checksum: Option<u32>,
    /// The digest that `imgverify` wants it to have.
    pub sha256: Option<Digest>,
    /// The verity digest that `imgfetch --verity` wants it to have.
    #[cfg(feature = "verity")]
    pub verity: Option<Digest>,
    /// Whether it is forgotten after it was activated.
    pub autofree: bool,
    /// The index that it was activated for, since the device's last reset.
    pub activated: Option<u8>,
    /// Whether it was executed as a script. It is for no index then.
    is_script: bool,
}

impl Named {
    /// Whether the script has said which octets it has to have.
    pub fn is_verified(&self) -> bool {
        #[cfg(feature = "verity")]
        if self.verity.is_some() {
            return true;
        }
        self.sha256.is_some()
    }
}

#[cfg(feature = "verify")]
impl Named {
    /// The part of the file at its place that the image is; `None` for all of it.
    pub(crate) fn part(&self) -> Option<netboot_ipxe::Part> {
        #[cfg(feature = "san")]
        {
            self.part
        }
        #[cfg(not(feature = "san"))]
        {
            None
        }
    }
}

/// All images of a script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Images {
    list: Vec<Named, MAX_NAMED>,
    texts: Vec<u8, TEXTS>,
    /// Key of the selected image.
    selected: Option<u8>,
    /// Key of the image that a command has named for the device's present request.
    wanted: Option<u8>,
    /// A bit for each index that the device has activated an image for, since its last reset. An image that was forgotten after it was activated
    /// leaves its index taken.
    served: u8,
    /// Whether only verified images are delivered.
    pub only_verified: bool,
    /// Whether that can no longer be changed.
    pub latched: bool,
}

impl Images {
    /// The images in the order in which they were named.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Named> {
        self.list.iter()
    }

    fn position(&self, name: &str) -> Result<usize, ImagesError> {
        let found = self.list.iter().position(|image| image.name == name);
        found.ok_or(ImagesError::NoSuchImage)
    }

    /// The image of this name.
    pub(crate) fn get_mut(&mut self, name: &str) -> Result<&mut Named, ImagesError> {
        let at = self.position(name)?;
        self.list.get_mut(at).ok_or(ImagesError::NoSuchImage)
    }

    /// The selected image, if it is still there.
    pub(crate) fn selected(&self) -> Option<&Named> {
        self.list
            .iter()
            .find(|image| Some(image.key) == self.selected)
    }

    /// Selects an image.
    pub(crate) fn select(&mut self, name: &str) -> Result<(), ImagesError> {
        let key = self.get_mut(name)?.key;
        self.selected = Some(key);
        Ok(())
    }

    /// Names the image that the device's present request is answered with, where its name says nothing else. `None` leaves it to the rule.
    pub(crate) fn want(&mut self, name: Option<&str>) -> Result<(), ImagesError> {
        self.wanted = match name {
            Some(name) => Some(self.get_mut(name)?.key),
            None => None,
        };
        Ok(())
    }

    /// Adds a place of the image `name`, which is made if there is none of that name. A name whose image was activated, or executed as a script, stands for
    /// another image from now on.
    pub(crate) fn add(
        &mut self,
        name: &str,
        place: &Uri,
        arguments: &str,
        autofree: bool,
    ) -> Result<(), ImagesError> {
        if self
            .get_mut(name)
            .is_ok_and(|image| image.activated.is_some() || image.is_script)
        {
            self.free(name)?;
        }
        let before = (self.list.len(), self.texts.len());
        let key = match self.position(name) {
            Ok(at) => self.list.get(at).map_or(0, |image| image.key),
            Err(_) => {
                let mut keys = 0..=u8::MAX;
                let key = keys.find(|key| self.list.iter().all(|image| image.key != *key));
                let image = Named {
                    key: key.unwrap_or_default(),
                    name: String::try_from(name).map_err(|_| ImagesError::Full)?,
                    #[cfg(feature = "san")]
                    part: None,
                    #[cfg(feature = "san")]
                    checksum: None,
                    sha256: None,
                    #[cfg(feature = "verity")]
                    verity: None,
                    autofree: false,
                    activated: None,
                    is_script: false,
                };
                self.list.push(image).map_err(|_| ImagesError::Full)?;
                key.unwrap_or_default()
            }
        };
        let known = self.places(key).any(|known| known == place.as_str());
        let kept = match known {
            true => Ok(()),
            false => self.keep(key, Kind::Place, place.as_str()),
        };
        let kept = kept.and_then(|()| match arguments {
            "" => Ok(()),
            _ => self.set_arguments_of(key, arguments),
        });
        if kept.is_err() {
            self.list.truncate(before.0);
            self.texts.truncate(before.1);
        } else if let Some(image) = self.list.iter_mut().find(|image| image.key == key) {
            image.autofree |= autofree;
        }
        kept
    }

    /// Makes the image for `index` a part of the file at `place`, in place of what was named for it before.
    #[cfg(feature = "san")]
    pub(crate) fn set_part(
        &mut self,
        index: u8,
        place: &Uri,
        part: Part,
        checksum: Option<u32>,
    ) -> Result<(), ImagesError> {
        let mut name: String<NAME_LEN> = String::new();
        let out: &mut dyn Console = &mut name;
        out.text(PREFIX);
        out.decimal(index.into());
        let _ = self.free(&name);
        self.add(&name, place, "", false)?;
        let image = self.get_mut(&name)?;
        image.part = Some(part);
        image.checksum = checksum;
        Ok(())
    }

    /// Forgets an image.
    pub(crate) fn free(&mut self, name: &str) -> Result<(), ImagesError> {
        let key = self.get_mut(name)?.key;
        self.forget(key);
        Ok(())
    }

    #[inline(never)]
    fn forget(&mut self, key: u8) {
        self.list.retain(|image| image.key != key);
        self.drop_texts(key, None);
    }

    /// Forgets all images.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.texts.clear();
        self.selected = None;
        self.wanted = None;
    }

    /// The device was reset: no image is activated.
    pub(crate) fn device_was_reset(&mut self) {
        self.served = 0;
        for image in &mut self.list {
            image.activated = None;
        }
    }

    /// Notes that the device has activated the image for `index`.
    pub(crate) fn activated(&mut self, index: u8, names: FileNames<'_>) {
        let bound = self.bound(index, names).map(|image| image.key);
        self.wanted = None;
        let Some(image) = bound else {
            return;
        };
        self.served |= 1u8.checked_shl(index.into()).unwrap_or(0);
        let mut autofree = false;
        if let Some(image) = self.list.iter_mut().find(|found| found.key == image) {
            image.activated = Some(index);
            autofree = image.autofree;
        }
        if autofree {
            self.forget(image);
        }
    }

    /// Notes that the image was executed as a script.
    pub(crate) fn executed(&mut self, name: &str) {
        if let Ok(image) = self.get_mut(name) {
            image.is_script = true;
            let (key, autofree) = (image.key, image.autofree);
            if autofree {
                self.forget(key);
            }
        }
    }

    /// The arguments of an image; empty when it has none.
    pub(crate) fn arguments(&self, image: &Named) -> &str {
        self.texts_of(image.key, Kind::Arguments)
            .next()
            .unwrap_or_default()
    }

    /// Keeps the arguments of an image in place of others.
    pub(crate) fn set_arguments(&mut self, name: &str, arguments: &str) -> Result<(), ImagesError> {
        let key = self.get_mut(name)?.key;
        self.set_arguments_of(key, arguments)
    }

    fn set_arguments_of(&mut self, key: u8, arguments: &str) -> Result<(), ImagesError> {
        let old = self.texts_of(key, Kind::Arguments).next();
        let old = old.map_or(0, |old| HEAD + old.len());
        if arguments.len() > usize::from(u8::MAX)
            || self.texts.len() - old + HEAD + arguments.len() > TEXTS
        {
            return Err(ImagesError::Full);
        }
        self.drop_texts(key, Some(Kind::Arguments));
        self.keep(key, Kind::Arguments, arguments)
    }

    /// The image for `index`: the one that a command has named for the present request, unless its name says another index or the device has it already; then the one
    /// that is bound to it.
    ///
    /// An image is bound to the index that the device has activated it for. Otherwise it is bound by its name: a file name of the configuration, with or without its extension, a
    /// name of [`KNOWN_NAMES`], or `image-N`. The others take the indices that are left, in the order in which they were named. What was executed as a script is
    /// bound to none.
    pub(crate) fn bound(&self, index: u8, names: FileNames<'_>) -> Option<&Named> {
        let wanted = self
            .list
            .iter()
            .find(|image| Some(image.key) == self.wanted);
        let wanted = wanted.filter(|image| {
            image.activated.is_none()
                && index_by_name(&image.name, names).is_none_or(|named| named == index)
        });
        if wanted.is_some() {
            return wanted;
        }
        let images = || self.list.iter().filter(|image| !image.is_script);
        let fixed = |image: &Named| {
            image
                .activated
                .or_else(|| index_by_name(&image.name, names))
        };
        let bit = |index: u8| 1u8.checked_shl(index.into()).unwrap_or(0);
        let taken = images().filter_map(fixed);
        let taken = taken.fold(self.served, |taken, index| taken | bit(index));
        // An image with a name of its own comes before one that was fetched under another.
        let named = images().find(|image| fixed(image) == Some(index));
        if named.is_some() {
            return named;
        }
        let mut loose = images().filter(|image| fixed(image).is_none());
        let mut free = (0..INDICES as u8).filter(|index| taken & bit(*index) == 0);
        loop {
            let (free, image) = (free.next()?, loose.next()?);
            if free == index {
                return Some(image);
            }
        }
    }

    /// The index that an image is bound to at present.
    pub(crate) fn index_of(&self, image: &Named, names: FileNames<'_>) -> Option<u8> {
        let mut indices = 0..INDICES as u8;
        indices.find(|index| {
            let bound = self.bound(*index, names);
            bound.is_some_and(|bound| bound.key == image.key)
        })
    }

    /// Place number `item` of an image.
    pub(crate) fn place(&self, image: &Named, item: usize) -> Option<&str> {
        self.places(image.key).nth(item)
    }

    fn places(&self, key: u8) -> impl Iterator<Item = &str> {
        self.texts_of(key, Kind::Place)
    }

    fn keep(&mut self, key: u8, kind: Kind, text: &str) -> Result<(), ImagesError> {
        let len = u8::try_from(text.len()).map_err(|_| ImagesError::Full)?;
        if self.texts.len() + HEAD + text.len() > TEXTS {
            return Err(ImagesError::Full);
        }
        for part in [&[key, kind as u8, len], text.as_bytes()] {
            self.texts
                .extend_from_slice(part)
                .map_err(|_| ImagesError::Full)?;
        }
        Ok(())
    }

    fn texts_of(&self, key: u8, kind: Kind) -> impl Iterator<Item = &str> {
        let mut rest = self.texts.as_slice();
        core::iter::from_fn(move || {
            while let [of, is, len, after @ ..] = rest {
                let (text, later) = after.split_at_checked(usize::from(*len))?;
                rest = later;
                if *of == key && *is == kind as u8 {
                    return core::str::from_utf8(text).ok();
                }
            }
            None
        })
    }

    /// Removes the texts of an image: those of one kind, or all.
    fn drop_texts(&mut self, key: u8, kind: Option<Kind>) {
        let (mut from, mut to) = (0, 0);
        while let Some([of, is, len]) = self.texts.get(from..from + HEAD) {
            let goes = *of == key && kind.is_none_or(|kind| *is == kind as u8);
            let end = (from + HEAD + usize::from(*len)).min(self.texts.len());
            for at in from..end {
                let octet = self.texts.get(at).copied().filter(|_| !goes);
                if let (Some(octet), Some(place)) = (octet, self.texts.get_mut(to)) {
                    *place = octet;
                    to += 1;
                }
            }
            from = end;
        }
        self.texts.truncate(to);
    }
}

/// The index that a name says.
fn index_by_name(name: &str, names: FileNames<'_>) -> Option<u8> {
    let of_file = |file: &&str| {
        let dot = file.bytes().rposition(|octet| octet == b'.');
        name == *file || dot.is_some_and(|dot| file.get(..dot) == Some(name))
    };
    let number = names.0.iter().position(of_file);
    let number = number.or_else(|| KNOWN_NAMES.iter().position(|known| name == *known));
    if let Some(number) = number {
        return u8::try_from(number).ok();
    }
    let digits = name.strip_prefix(PREFIX)?;
    digits
        .parse()
        .ok()
        .filter(|number| usize::from(*number) < INDICES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        Uri::parse(text).unwrap()
    }

    /// Other arguments take the place of the ones before: only what is longer needs room.
    #[test]
    fn arguments_are_replaced_as_long_as_the_texts_have_room() {
        let mut images = Images::default();
        images.add("a", &uri("http://h/a"), "first", false).unwrap();
        // Texts of 255 octets, and one that leaves three octets free.
        for number in 0..7 {
            let place = format!("http://h/{number}{}", "x".repeat(255 - 10));
            images.add("b", &uri(&place), "", false).unwrap();
        }
        let left = TEXTS - images.texts.len() - HEAD - 3;
        let place = format!("http://h/{}", "y".repeat(left - 9));
        images.add("b", &uri(&place), "", false).unwrap();
        assert_eq!(images.texts.len(), TEXTS - 3);
        let arguments = |images: &Images| {
            let image = images.iter().next().unwrap();
            images.arguments(image).to_owned()
        };
        assert_eq!(images.set_arguments("a", "other"), Ok(()));
        assert_eq!(images.set_arguments("a", "eight oc"), Ok(()));
        assert_eq!(images.texts.len(), TEXTS);
        assert_eq!(
            images.set_arguments("a", "nine octe"),
            Err(ImagesError::Full)
        );
        assert_eq!(arguments(&images), "eight oc");
        assert_eq!(images.set_arguments("a", ""), Ok(()));
        assert_eq!(arguments(&images), "");
        assert_eq!(images.set_arguments("c", ""), Err(ImagesError::NoSuchImage));
    }

    #[test]
    fn a_name_says_its_index() {
        let names = FileNames::default();
        for (name, index) in [
            ("caliptra-fw.bin", Some(0)),
            ("caliptra-fw", Some(0)),
            ("soc-manifest", Some(1)),
            ("mcu-rt", Some(2)),
            ("mcu-runtime.bin", Some(2)),
            ("image-7", Some(7)),
            ("image-8", None),
            ("image-", None),
            ("image-x", None),
            ("caliptra", None),
            ("caliptra-fw.bi", None),
        ] {
            assert_eq!(index_by_name(name, names), index, "{name}");
        }
    }
}
