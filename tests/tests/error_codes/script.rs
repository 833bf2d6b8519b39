//! The errors of scripts.

use super::Row;
use super::lists::list;
use netboot_core::Blame;
use netboot_ipxe::script::{Fault, ScriptError};

pub fn rows() -> Vec<Row> {
    use Fault as E;
    let at_line = |fault| ScriptError { line: 7, fault };
    let mut rows = Vec::new();
    list!(rows, Fault, "Fault", at_line,
        E::NotScript => E::NotScript, "NotScript",
            "Begin the script with a line `#!ipxe`, without anything before it.";
        E::TooLong { .. } => E::TooLong { limit: 4096 }, "TooLong",
            "Shorten the script, or split it and go on with `chain`.";
        E::NotText { .. } => E::NotText { offset: 130 }, "NotText",
            "Save the script as UTF-8 text. An escape sequence of a terminal belongs into a setting: `set esc:hex 1b`.";
        E::CommandTooLong => E::CommandTooLong, "CommandTooLong",
            "Shorten the command, or the settings that it expands: both together have 1,024 octets.";
        E::TooManyWords => E::TooManyWords, "TooManyWords",
            "Write the command with at most 48 words.";
        E::TooManyExpansions => E::TooManyExpansions, "TooManyExpansions",
            "See whether a setting has its own name in `${}` as its value; `show` the settings of the line.";
        E::UnknownCommand => E::UnknownCommand, "UnknownCommand",
            "Correct the command's name, or leave out the command of iPXE that is not known here.";
        E::Usage => E::Usage, "Usage",
            "Compare the command's options and operands with the table of commands in the book.";
        E::NoSuchLabel => E::NoSuchLabel, "NoSuchLabel",
            "Write a line that begins with a colon and the label that `goto` names.";
        E::False => E::False, "False",
            "Write the operator for failures and another command behind the condition if the script has to go on.";
        E::BadValue => E::BadValue, "BadValue",
            "Correct the value, or the type behind the colon of the setting's name.";
        E::ValueTooLong => E::ValueTooLong, "ValueTooLong",
            "Shorten the value to 255 octets, which is what a setting can have.";
        E::UnknownType => E::UnknownType, "UnknownType",
            "Use one of the setting types in the book's table, or leave out the colon.";
        E::NotSet => E::NotSet, "NotSet",
            "See whether the DHCP server sends the option; test with `isset` before `show`.";
        E::SettingsFull => E::SettingsFull, "SettingsFull",
            "Clear settings that are no longer used, or build the ROM with a larger store.";
        E::ReadOnly => E::ReadOnly, "ReadOnly",
            "Use another name for the setting: the board tells this one.";
        E::ValueNotText => E::ValueNotText, "ValueNotText",
            "Expand the setting by a type such as `:hex` or `:uristring`.";
        E::MenuFull => E::MenuFull, "MenuFull",
            "Use fewer menus (4), items (64) or texts (2,048 octets); delete a menu by `menu --delete`.";
        E::NoSuchMenu => E::NoSuchMenu, "NoSuchMenu",
            "Write `menu` before its items. `choose` removes a menu unless it has `--keep`.";
        E::EmptyMenu => E::EmptyMenu, "EmptyMenu",
            "Give at least one item a label.";
        E::NotConfirmed => E::NotConfirmed, "NotConfirmed",
            "Nobody agreed at the console. Write the operator for failures behind the command, and what happens then.";
        E::Budget => E::Budget, "Budget",
            "The script runs in a circle: give it a counter, or a `sleep` and fewer attempts.";
        E::Exited { .. } => E::Exited { status: 3 }, "Exited",
            "Look for this `exit` in the script: its author decided that the boot has failed.";
        E::CommandFailed { .. } => E::CommandFailed { code: 0x0002_0004, blame: Blame::Server }, "CommandFailed",
            "Look for the number that the sentence ends with in these tables.";
        E::WrongOutcome => E::WrongOutcome, "WrongOutcome",
            "A defect of whoever carries out the commands: report it.";
    );
    rows
}
