//! Which files of a folder are images, and for which recovery image index.

use crate::pack::packable;
use anyhow::{Context, Result, bail, ensure};
use netboot_app::FileNames;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Number of indices that a device can ask for.
const INDICES: u8 = 8;
/// Names of the images in the standard of the recovery interface, by index, as scripts know them.
const KNOWN_NAMES: [&str; 3] = ["caliptra-fmc-rt", "soc-manifest", "mcu-rt"];

/// An index and the name of a file, as `--image` has them.
#[derive(Clone, Debug)]
pub struct Named {
    index: u8,
    name: String,
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').filter(|(_, name)| !name.is_empty());
        let (index, name) = parts.ok_or("an index and a file, such as 3=soc.bin")?;
        match index.parse() {
            Ok(index) if index < INDICES => Ok(Self {
                index,
                name: name.into(),
            }),
            _ => Err(format!("the index is a number from 0 to {}", INDICES - 1)),
        }
    }
}

/// A file that is published.
#[derive(Debug)]
pub struct Image {
    /// Its name in the folder.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// The index that it is for, if that is known.
    pub index: Option<u8>,
}

/// The images of a folder: those with an index first, in their order, and then the others by their names.
pub fn find(folder: &Path, named: &[Named]) -> Result<Vec<Image>> {
    let failed = || format!("cannot read {}", folder.display());
    let mut images = Vec::new();
    for entry in fs::read_dir(folder).with_context(failed)? {
        let path = entry.with_context(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.with_context(|| format!("the name of {} is no text", path.display()))?;
        ensure!(
            !name.contains(char::is_control),
            "the name {name:?} has control characters"
        );
        if name.starts_with('.') || !path.is_file() || is_script(&path)? {
            continue;
        }
        let said = named.iter().find(|one| one.name == name);
        images.push(Image {
            index: said.map(|one| one.index).or_else(|| index_of(name)),
            name: name.to_owned(),
            path,
        });
    }
    for one in named {
        ensure!(
            images.iter().any(|image| image.name == one.name),
            "{} has no image {}",
            folder.display(),
            one.name
        );
    }
    images.sort_by(|a, b| {
        let key = |image: &Image| (image.index.unwrap_or(u8::MAX), image.name.clone());
        key(a).cmp(&key(b))
    });
    for pair in images.windows(2) {
        if let [first, second] = pair
            && let Some(index) = first.index
            && second.index == Some(index)
        {
            bail!("{} and {} are both image {index}", first.name, second.name);
        }
    }
    ensure!(
        images.iter().any(|image| image.index.is_some()),
        "{} has no image whose index is known: call it {}, {}.bin, image-0.bin, or say --image INDEX=FILE",
        folder.display(),
        FileNames::default().0.join(", "),
        KNOWN_NAMES.join(".bin, ")
    );
    for image in &images {
        packable(&image.path)?;
    }
    Ok(images)
}

/// Whether the file begins as a script does. An operator may have one beside the images, and the script of an earlier call may be there.
fn is_script(path: &Path) -> Result<bool> {
    let failed = || format!("cannot read {}", path.display());
    let mut first = Vec::new();
    let file = File::open(path).with_context(failed)?;
    file.take(6).read_to_end(&mut first).with_context(failed)?;
    Ok(first == b"#!ipxe")
}

/// The index that the name of a file says, with or without an extension: a name of the board's list, one of the standard, or `image-N`.
fn index_of(name: &str) -> Option<u8> {
    let stem = |name: &str| match name.rsplit_once('.') {
        Some((stem, _)) => stem.to_owned(),
        None => name.to_owned(),
    };
    let own = stem(name);
    let listed = FileNames::default().0.iter();
    let index = listed
        .map(|file| stem(file))
        .position(|listed| listed == own);
    let index = index.or_else(|| KNOWN_NAMES.iter().position(|known| *known == own));
    match index {
        Some(index) => u8::try_from(index).ok(),
        None => own
            .strip_prefix("image-")?
            .parse()
            .ok()
            .filter(|index| *index < INDICES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_indices() {
        for (name, index) in [
            ("caliptra-fw.bin", Some(0)),
            ("caliptra-fw", Some(0)),
            ("caliptra-fmc-rt.bin", Some(0)),
            ("soc-manifest.signed", Some(1)),
            ("mcu-runtime.bin", Some(2)),
            ("mcu-rt", Some(2)),
            ("image-7.bin", Some(7)),
            ("image-8.bin", None),
            ("image-.bin", None),
            ("caliptra-fw.old.bin", None),
            ("readme", None),
        ] {
            assert_eq!(index_of(name), index, "{name}");
        }
    }

    #[test]
    fn an_index_and_a_file() {
        let named: Named = "3=soc=a.bin".parse().unwrap();
        assert_eq!((named.index, &*named.name), (3, "soc=a.bin"));
        for text in ["3", "3=", "8=a", "-1=a", "x=a", "=a"] {
            assert!(text.parse::<Named>().is_err(), "{text}");
        }
    }
}
