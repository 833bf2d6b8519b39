//! Why a script, or a command of it, failed.

use core::fmt;
use netboot_core::{Blame, Coded, Module};

/// Why a script ended, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// Number of the line, from 1. A line that continues on others has the number of its first.
    pub line: u16,
    /// What happened there.
    pub fault: Fault,
}

/// What is wrong with a script, or with a command of it.
///
/// A script can go on after most of them by `||`. [`Fault::is_final`] says which ones it cannot catch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The text does not begin with `#!ipxe`.
    NotScript,
    /// The text has more octets than the buffer for it.
    TooLong {
        /// Octets of the buffer.
        limit: u32,
    },
    /// The text is not UTF-8, or it has a control character that is no tab and no end of line.
    NotText {
        /// Octets before it.
        offset: u32,
    },
    /// A command has more octets after its expansion than there is room for.
    CommandTooLong,
    /// A command has more words than there is room for.
    TooManyWords,
    /// A word expands without an end, or takes too many expansions.
    TooManyExpansions,
    /// No command has this name.
    UnknownCommand,
    /// The options or the operands are not those of the command.
    Usage,
    /// No line of the script has the label.
    NoSuchLabel,
    /// `isset` or `iseq` answered no.
    False,
    /// The value cannot be read as one of the setting's type.
    BadValue,
    /// The value is longer than a setting can be.
    ValueTooLong,
    /// No setting type has this name.
    UnknownType,
    /// The setting has no value, so there is nothing to show.
    NotSet,
    /// There is no room for another setting.
    SettingsFull,
    /// The setting can only be read.
    ReadOnly,
    /// The setting's value is not UTF-8, so it cannot become a part of a command.
    ValueNotText,
    /// There is no room for another menu or item.
    MenuFull,
    /// No menu has this name.
    NoSuchMenu,
    /// The menu has no item that can be chosen.
    EmptyMenu,
    /// The person at the console did not agree in time.
    NotConfirmed,
    /// The script did more work than it may.
    Budget,
    /// The script ended itself by `exit` with a status other than zero.
    Exited {
        /// The status.
        status: u32,
    },
    /// A command that was handed out failed.
    CommandFailed {
        /// Error number of the failure.
        code: u32,
        /// Whose fault it was.
        blame: Blame,
    },
    /// The outcome was not one of the command's.
    WrongOutcome,
}

impl Fault {
    /// Whether the script ends whatever `||` says.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Fault::NotScript
                | Fault::TooLong { .. }
                | Fault::NotText { .. }
                | Fault::CommandTooLong
                | Fault::TooManyWords
                | Fault::TooManyExpansions
                | Fault::ValueNotText
                | Fault::Budget
                | Fault::Exited { .. }
                | Fault::WrongOutcome
        )
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "script line {}: {}", self.line, self.fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::NotScript => "the text does not begin with #!ipxe",
            Fault::TooLong { limit } => {
                return write!(f, "the script has more than {limit} octets");
            }
            Fault::NotText { offset } => {
                return write!(f, "no text at offset {offset}");
            }
            Fault::CommandTooLong => "the command is too long after its expansion",
            Fault::TooManyWords => "the command has too many words",
            Fault::TooManyExpansions => "a word takes too many expansions",
            Fault::UnknownCommand => "the command is not known",
            Fault::Usage => "the command has wrong options or operands",
            Fault::NoSuchLabel => "the label does not exist",
            Fault::False => "the condition is false",
            Fault::BadValue => "the value does not fit the setting's type",
            Fault::ValueTooLong => "the value is too long for a setting",
            Fault::UnknownType => "the setting type is not known",
            Fault::NotSet => "the setting has no value",
            Fault::SettingsFull => "no room for another setting",
            Fault::ReadOnly => "the setting cannot be changed",
            Fault::ValueNotText => "the setting's value is not text",
            Fault::MenuFull => "no room for another menu or item",
            Fault::NoSuchMenu => "the menu does not exist",
            Fault::EmptyMenu => "the menu has no item to choose",
            Fault::NotConfirmed => "nobody pressed the key in time",
            Fault::Budget => "the script does not come to an end",
            Fault::Exited { status } => {
                return write!(f, "the script ended itself with status {status}");
            }
            Fault::CommandFailed { code, .. } => {
                return write!(f, "the command failed with {code:#010x}");
            }
            Fault::WrongOutcome => "the outcome does not belong to the command",
        })
    }
}

impl core::error::Error for Fault {}

impl core::error::Error for ScriptError {}

impl Coded for ScriptError {
    fn code(&self) -> u32 {
        Module::Ipxe.code(match self.fault {
            Fault::NotScript => 1,
            Fault::TooLong { .. } => 2,
            Fault::NotText { .. } => 3,
            Fault::CommandTooLong => 4,
            Fault::TooManyWords => 5,
            Fault::TooManyExpansions => 6,
            Fault::UnknownCommand => 7,
            Fault::Usage => 8,
            Fault::NoSuchLabel => 9,
            Fault::False => 10,
            Fault::BadValue => 11,
            Fault::ValueTooLong => 12,
            Fault::UnknownType => 13,
            Fault::NotSet => 14,
            Fault::SettingsFull => 15,
            Fault::ReadOnly => 16,
            Fault::ValueNotText => 17,
            Fault::MenuFull => 18,
            Fault::NoSuchMenu => 19,
            Fault::EmptyMenu => 20,
            Fault::NotConfirmed => 21,
            Fault::Budget => 22,
            Fault::Exited { .. } => 23,
            Fault::CommandFailed { .. } => 24,
            Fault::WrongOutcome => 25,
        })
    }

    fn blame(&self) -> Blame {
        match self.fault {
            Fault::CommandFailed { blame, .. } => blame,
            Fault::WrongOutcome => Blame::Caller,
            _ => Blame::Configuration,
        }
    }
}
