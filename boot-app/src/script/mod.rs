//! Scripts: what a board gives for them, and what a script has made of the boot so far.
//!
//! | file | what |
//! |---|---|
//! | `board` | what a board gives: buffers, a terminal, facts about itself |
//! | `images` | the images that a script has named, and which index each one is for |
//! | `pieces` | looks at the octets of a file as they come |
//! | `reader` | takes a small file from a transfer, and tells a script from other boot files |
//! | `settings` | the settings that a script reads |
//!
//! The commands are carried out in `app/script`.

mod board;
mod images;
#[cfg(any(feature = "san", feature = "verify"))]
mod pieces;
mod reader;
mod settings;

pub(crate) use board::{BootScript, MAX_SCRIPTS, Next, Read};
pub use board::{DEFAULT_SCRIPT, Facts, MAX_DEPTH, ScriptSpace, Scripts};
#[cfg(feature = "san")]
pub(crate) use images::KNOWN_NAMES;
pub(crate) use images::{Images, ImagesError};
#[cfg(any(feature = "san", feature = "verify"))]
pub(crate) use pieces::{PieceSink, Pieces};
pub(crate) use reader::{BootFileReader, FileReader, SCRIPT, Stopped};
pub(crate) use settings::{BootSettings, DeviceFacts};
