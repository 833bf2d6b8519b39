//! The numbers of the ROM itself. It is built for its own target only, so they are read from its source.

use super::Row;
use netboot_core::{Blame, Module};

const SOURCE: &str = include_str!("../../../qemu/src/fault.rs");

/// Text, culprit and advice for each constant.
fn known(name: &str) -> Option<(&'static str, Blame, &'static str)> {
    Some(match name {
        "PANIC" => (
            "panic in the ROM",
            Blame::Caller,
            "A defect of the ROM: keep the `@panic` line and the ROM's ELF file, whose symbols make a backtrace of it.",
        ),
        "TRAP" => (
            "trap that nobody expected",
            Blame::Caller,
            "A defect of the ROM or of the board's memory map: look up the `@trap` line's `pc` in the ROM's symbols.",
        ),
        "STALL" => (
            "access to the recovery registers that would hang the bus",
            Blame::Caller,
            "A defect of the recovery driver, caught by the emulation: on hardware the core would stand still here.",
        ),
        "NO_DEVICE" => (
            "no network device",
            Blame::Caller,
            "Give the machine a virtio network device on its MMIO bus, and check the base addresses in the board file.",
        ),
        "SETTINGS" => (
            "setting from outside that cannot be used",
            Blame::Configuration,
            "Mend the line that the console names in the settings given to the ROM.",
        ),
        "STACK" => (
            "stack exhausted",
            Blame::Caller,
            "The stack met the static data: give the ROM more RAM (`--ram`) or smaller buffers; the rest of the report cannot be believed.",
        ),
        "STORE" => (
            "measured image larger than the RAM for it",
            Blame::Configuration,
            "Only in a ROM that measures (`bench`): fetch a file of 96 MiB at most.",
        ),
        _ => return None,
    })
}

pub fn rows() -> Vec<Row> {
    let rows: Vec<_> = SOURCE
        .lines()
        .filter(|line| line.contains("Module::Rom.code("))
        .map(|line| {
            let parsed = line
                .strip_prefix("pub const ")
                .and_then(|rest| rest.split_once(": u32 = Module::Rom.code("))
                .and_then(|(name, rest)| {
                    Some((name, rest.strip_suffix(");")?.parse::<u16>().ok()?))
                });
            let (name, number) = parsed.unwrap_or_else(|| panic!("not understood: {line}"));
            let (text, blame, advice) = known(name)
                .unwrap_or_else(|| panic!("{name} of qemu/src/fault.rs is not in the table"));
            Row {
                facts: String::new(),
                code: Module::Rom.code(number),
                name: format!("rom::{name}"),
                text: text.into(),
                blame,
                advice,
            }
        })
        .collect();
    assert!(!rows.is_empty(), "no number in qemu/src/fault.rs");
    rows
}
