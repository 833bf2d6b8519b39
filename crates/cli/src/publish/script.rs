//! The script that fetches the images.

use super::images::Image;
use super::store;
use crate::output;
use crate::tree::Digests;
use anyhow::{Context, Result, ensure};
use netboot_ipxe::script::SCRIPT_LEN;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The first lines, by which a script of an earlier call is known.
const OURS: &str = "#!ipxe\n# Written by `netboot publish`, which overwrites it.\n";

/// Where the script goes. It may be new, or one that an earlier call has written; another file is left alone.
pub fn target(root: &Path, name: &str) -> Result<PathBuf> {
    let plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
    ensure!(
        plain,
        "--script {name}: a name for a file in {}",
        root.display()
    );
    let path = root.join(name);
    match path.try_exists() {
        Ok(false) => {}
        Ok(true) => {
            let there =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            ensure!(
                there.starts_with(OURS.as_bytes()),
                "{} is there and is none of ours: choose another name by --script",
                path.display()
            );
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot look at {}", path.display()));
        }
    }
    Ok(path)
}

/// Writes the script, unless the same one is there; what became of it, in a word.
pub fn write(path: &Path, published: &[(&Image, Digests)], packed: bool) -> Result<&'static str> {
    let text = text(published, packed);
    ensure!(
        text.len() <= SCRIPT_LEN,
        "the script would have {} octets, and boards read {SCRIPT_LEN} at most",
        text.len()
    );
    if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok("was there");
    }
    output::write(path, &[], text.as_bytes())?;
    Ok("written")
}

/// The text of the script, which names the packed files or the files as they are. Names such as `image-0` say the index on each board, whatever its list of file names is.
fn text(published: &[(&Image, Digests)], packed: bool) -> String {
    let mut text = String::from(OURS);
    for (image, digests) in published {
        let Some(index) = image.index else { continue };
        let Digests {
            size,
            sha256,
            verity,
            ..
        } = digests;
        let name = &image.name;
        // Writing into a string does not fail.
        let _ = match packed {
            true => write!(
                text,
                "# {name}, {size} octets, SHA-256\n# {sha256}\nimgfetch --name image-{index} --verity {verity} {}/{verity}\n",
                store::PACKED,
            ),
            false => write!(
                text,
                "# {name}, {size} octets, verity digest\n# {verity}\nimgfetch --name image-{index} {}/{sha256}\nimgverify --sha256 {sha256} image-{index}\n",
                store::WHOLE,
            ),
        };
    }
    text.push_str("boot\n");
    text
}
