//! Files by their digests: `objects/sha256/DIGEST` is a file as it is, `objects/verity/DIGEST` the packed file of the file with this verity digest.
//!
//! What has such a name never changes, so that caches may keep it for ever, and that a boot which has begun ends with the same octets. Nothing is removed.
//! An object has the time of its image: web servers make their `ETag` of it, and two of them with the same images then count as mirrors.

use crate::output;
use crate::tree::{self, Digests, Outputs};
use anyhow::{Context, Result, ensure};
use netboot_verity::{Digest, HEAD};
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of files as they are, below that of the web server.
pub const WHOLE: &str = "objects/sha256";
/// The folder of packed files.
pub const PACKED: &str = "objects/verity";

/// The objects of a web server.
pub struct Store {
    root: PathBuf,
}

/// What became of the two objects of a file, in a word.
pub struct State {
    /// Of the file as it is.
    pub whole: &'static str,
    /// Of the packed file.
    pub packed: &'static str,
}

impl Store {
    /// Makes the folders that are missing below that of the web server.
    pub fn open(root: &Path) -> Result<Self> {
        for folder in [WHOLE, PACKED] {
            let folder = root.join(folder);
            fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        Ok(Self { root: root.into() })
    }

    /// Adds a file. What is there and right is not touched; what is there and wrong is replaced.
    pub fn add(&self, image: &Path) -> Result<(Digests, State)> {
        let modified = fs::metadata(image).and_then(|metadata| metadata.modified());
        let modified = modified.with_context(|| format!("cannot look at {}", image.display()))?;
        let digests = tree::read(image, Outputs::default())?;
        let whole = self.root.join(WHOLE).join(digests.sha256.to_string());
        let packed = self.root.join(PACKED).join(digests.verity.to_string());
        let before = (
            look(&whole, |path| {
                Ok(tree::read(path, Outputs::default())? == digests)
            })?,
            look(&packed, |path| {
                is_packed_of(path, &digests.verity, &digests)
            })?,
        );
        if before.0 != Found::Right {
            output::stream(&whole, &[image], |file| {
                let outputs = Outputs {
                    copy: Some(file),
                    packed: None,
                };
                same(image, &digests, tree::read(image, outputs)?)?;
                file.set_modified(modified).context("cannot set the time")
            })?;
        }
        if before.1 != Found::Right {
            output::stream(&packed, &[image], |file| {
                let outputs = Outputs {
                    packed: Some(file),
                    copy: None,
                };
                same(image, &digests, tree::read(image, outputs)?)?;
                file.set_modified(modified).context("cannot set the time")
            })?;
        }
        let state = State {
            whole: before.0.as_str(),
            packed: before.1.as_str(),
        };
        Ok((digests, state))
    }
}

/// What was found under the name of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Right,
    Wrong,
}

impl Found {
    const fn as_str(self) -> &'static str {
        match self {
            Found::Nothing => "written",
            Found::Right => "was there",
            Found::Wrong => "was there and damaged, written anew",
        }
    }
}

/// Looks at an object. One that cannot be judged is taken for a wrong one, and written anew.
fn look(path: &Path, is_right: impl FnOnce(&Path) -> Result<bool>) -> Result<Found> {
    match path.try_exists() {
        Ok(false) => Ok(Found::Nothing),
        Ok(true) => match is_right(path) {
            Ok(true) => Ok(Found::Right),
            _ => Ok(Found::Wrong),
        },
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", path.display())),
    }
}

/// Whether the packed file is that of the file with these digests.
fn is_packed_of(path: &Path, verity: &Digest, digests: &Digests) -> Result<bool> {
    let octets = digests.layout.packed() + HEAD as u64;
    let len = fs::metadata(path).context("the packed file")?.len();
    Ok(len == octets && crate::packed::verify(path, Some(verity))?.is_right())
}

/// Refuses a file that is not the one that was read before.
fn same(image: &Path, first: &Digests, second: Digests) -> Result<()> {
    ensure!(
        *first == second,
        "{} changed while it was published",
        image.display()
    );
    Ok(())
}
