//! The script engine: runs `#!ipxe` scripts, and hands out what they ask for as data.
//!
//! [`Script`] is sans-IO. [`Script::poll`] goes on until the script needs something of its surroundings, which is a [`Command`], or until
//! it ends. [`Script::answer`] takes what became of the command. The engine itself does what needs no surroundings: settings, conditions,
//! jumps, and the items of menus. Settings come from whoever implements [`Settings`].
//!
//! The memory is constant. A script that does not end by itself ends with [`Fault::Budget`]. Behaviour follows iPXE's command
//! reference (<https://ipxe.org/cmd>) and its guide to scripts (<https://ipxe.org/scripting>); `docs/src/script.md` lists the differences.

mod action;
mod buffer;
mod command;
mod cursor;
mod engine;
mod error;
mod format;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod menu;
mod options;
mod read_value;
mod setting;
mod setting_type;
mod variables;
mod words;

pub use action::command_names;
pub use buffer::{SCRIPT_LEN, ScriptBuffer};
pub use command::{Check, Command, Configurator, Image, Outcome, Ztp};
pub use engine::{Script, Step, WORK};
pub use error::{Fault, ScriptError};
pub use menu::{MAX_ITEMS, MAX_MENUS, MENU_TEXT, MenuItem, MenuView, Menus};
pub use setting::{Layered, Setting, SettingError, SettingName, Settings, VALUE_LEN};
pub use setting_type::SettingType;
pub use variables::Variables;
pub use words::{Arguments, COMMAND_LEN, MAX_EXPANSIONS, MAX_WORDS};
