//! `netboot publish`: images into the folder of a web server, and the script that fetches them.
//!
//! | file | what |
//! |---|---|
//! | `images` | which files of a folder are images, and for which index |
//! | `store` | files by their digests, which are never changed and never removed |
//! | `script` | the script that fetches the images |

mod images;
mod script;
mod store;

pub use store::PACKED;

use anyhow::{Result, ensure};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// The options of `publish`.
#[derive(Args)]
pub struct PublishArgs {
    /// The folder with the images. Folders in it, hidden files and scripts are left out
    folder: PathBuf,
    /// The folder of the web server
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// A file of the folder, and the index of the recovery image that it is, where its name does not say so
    #[arg(long, value_name = "INDEX=FILE")]
    image: Vec<images::Named>,
    /// The name of the script
    #[arg(long, value_name = "NAME", default_value = "boot.ipxe")]
    script: String,
    /// Have the script name the packed files, for boards with verified streaming. Others refuse such a script
    #[arg(long)]
    packed: bool,
}

/// Publishes.
///
/// # Errors
/// When no file is an image, two are for one index, or a file cannot be read or written. Objects that were written before stay; the script is
/// written last, so that it names only what is there.
pub fn run(arguments: &PublishArgs, out: &mut dyn Write) -> Result<()> {
    let root = &arguments.to;
    // Nobody publishes beside the folder that was meant.
    ensure!(root.is_dir(), "{} is no folder", root.display());
    let images = images::find(&arguments.folder, &arguments.image)?;
    let target = script::target(root, &arguments.script)?;
    let store = store::Store::open(root)?;
    let mut published = Vec::new();
    for image in &images {
        let (digests, state) = store.add(&image.path)?;
        let index = match image.index {
            Some(index) => format!("image {index}"),
            None => String::from("not in the script: its name says no index (--image INDEX=FILE)"),
        };
        writeln!(out, "{}, {} octets, {index}", image.name, digests.size)?;
        writeln!(out, "  SHA-256       {} {}", digests.sha256, state.whole)?;
        writeln!(out, "  verity digest {} {}", digests.verity, state.packed)?;
        published.push((image, digests));
    }
    let state = script::write(&target, &published, arguments.packed)?;
    writeln!(out, "{}: {state}", target.display())?;
    Ok(())
}
