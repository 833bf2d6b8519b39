//! `cargo xtask test --only panic-gate`: crates that contain no panic.
//!
//! Package `panic-gate` has a program for each of them, which links it alone and calls all of it. Here the
//! programs' symbols are read. One more program does panic: if nothing is found in it, the gate is blind.

use crate::format::{table, thousands};
use crate::setup::{self, cargo};
use crate::symbols::{Program, crate_of};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use testbed::rom::{self, TARGET};

/// The crates of the gate: its program for `x` is `gate-x`.
const CRATES: [&str; 16] = [
    "netboot-core",
    "netboot-tftp",
    "netboot-http",
    "netboot-dhcp",
    "netboot-dns",
    "netboot-ndp",
    "ocp-recovery",
    "netboot-nwp-ethernet",
    "netboot-app",
    "netboot-boot-source",
    "netboot-sha256",
    "netboot-verity",
    "netboot-ubp",
    "netboot-cms",
    "netboot-sztp",
    "netboot-ipxe",
];

/// The program that panics: by an index, by a range and by a missing value.
const SELF_CHECK: &str = "self-check";

/// What has to be found in it.
const KNOWN: [&str; 3] = [
    "core::panicking::panic_bounds_check",
    "core::slice::index::slice_index_fail",
    "core::option::unwrap_failed",
];

/// Builds the programs and reads their symbols.
pub fn run() -> Result<()> {
    setup::rust_target()?;
    let mut command = cargo();
    command
        .args(["build", "--profile", "rom", "--package", "panic-gate"])
        .args(["--bins", "--target", TARGET])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(rom::workspace())
        .stderr(std::process::Stdio::inherit());
    let output = command.output().context("cannot start cargo")?;
    ensure!(
        output.status.success(),
        "the programs of the panic gate do not build (messages above)"
    );
    let found = panics_of(&output.stdout, SELF_CHECK)?.1;
    for name in KNOWN {
        ensure!(
            found.iter().any(|panic| panic == name),
            "the gate is blind: gate-{SELF_CHECK} panics, and {name} is not among its symbols {found:?}"
        );
    }
    let mut summary = table(["crate", "octets of it", "panics"], &[1]);
    let mut failures = Vec::new();
    for name in CRATES {
        let (octets, panics) = panics_of(&output.stdout, name)?;
        ensure!(
            octets > 0,
            "gate-{name} contains nothing of {name}: it proves nothing"
        );
        let result = match panics.is_empty() {
            true => "none".into(),
            false => panics.join("\n"),
        };
        summary.add_row([name.into(), thousands(octets.into()), result]);
        failures.extend(panics.iter().map(|panic| format!("{name}: {panic}")));
    }
    println!("{summary}");
    ensure!(
        failures.is_empty(),
        "panics are linked:\n{}\nFor who calls them: llvm-objdump -dC {}/{TARGET}/rom/gate-<crate>",
        failures.join("\n"),
        rom::target_directory().display()
    );
    Ok(())
}

/// Octets of a crate in its program, and the program's panics.
fn panics_of(messages: &[u8], name: &str) -> Result<(u32, Vec<String>)> {
    let path = executable(messages, &format!("gate-{name}"))
        .with_context(|| format!("cargo named no program gate-{name}"))?;
    let elf = fs::read(&path).with_context(|| format!("cannot read {path}"))?;
    let program = Program::read(&elf).with_context(|| format!("in {path}"))?;
    let own = name.replace('-', "_");
    let crates = program.by_crate(&(0..u32::MAX));
    let octets = crates.iter().find(|(name, _)| *name == own);
    let mut panics: Vec<_> = program
        .symbols
        .into_iter()
        .map(|symbol| symbol.name)
        .filter(|name| is_panic(name))
        .collect();
    panics.sort();
    panics.dedup();
    Ok((octets.map_or(0, |(_, octets)| *octets), panics))
}

/// The executable of a program in cargo's messages.
fn executable(messages: &[u8], program: &str) -> Option<String> {
    let messages = String::from_utf8_lossy(messages);
    messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let path = message["executable"].as_str()?;
        let ours = Path::new(path).file_name()? == program;
        ours.then(|| path.into())
    })
}

/// Whether a demangled symbol is code of a panic.
///
/// The language's libraries have it in `core::panicking` and in cold functions named after what failed. The
/// panic handler is there whenever any of it is, also when all else was inlined.
fn is_panic(name: &str) -> bool {
    const HANDLER: [&str; 3] = ["rust_begin_unwind", "rust_panic", "panic_gate_reached"];
    const OF_LANGUAGE: [&str; 4] = [
        "begin_unwind",
        "capacity_overflow",
        "handle_alloc_error",
        "handle_error",
    ];
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    if words.clone().any(|word| HANDLER.contains(&word)) {
        return true;
    }
    ["core", "alloc", "std"].contains(&crate_of(name).as_str())
        && words.any(|word| {
            OF_LANGUAGE.contains(&word)
                || word.contains("_fail")
                || word.starts_with("panic") && word != "panic_gate"
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_known_by_their_names() {
        for name in [
            "core::panicking::panic",
            "core::panicking::panic_fmt",
            "core::panicking::panic_bounds_check",
            "core::panicking::panic_const::panic_const_div_by_zero",
            "core::panicking::assert_failed<u32,u32>",
            "core::option::unwrap_failed",
            "core::option::expect_failed",
            "core::result::unwrap_failed",
            "core::slice::index::slice_index_fail",
            "core::slice::copy_from_slice_impl::len_mismatch_fail",
            "core::str::slice_error_fail_rt",
            "core::cell::panic_already_borrowed",
            "alloc::raw_vec::capacity_overflow",
            "rust_begin_unwind",
            "__rustc::rust_begin_unwind",
            "panic_gate_reached",
        ] {
            assert!(is_panic(name), "{name}");
        }
    }

    #[test]
    fn other_names_are_no_panics() {
        for name in [
            "",
            "memcpy",
            "_start",
            "panic_gate::tftp::run",
            "core::ptr::drop_in_place<panic_gate::app::Network>",
            "<panic_gate::app::Broken as core::fmt::Display>::fmt",
            "netboot_app::app::BootApp<N,B,O>::tell_failure",
            "netboot_http::response::Response<_>::read_failed",
            "<&T as core::fmt::Display>::fmt",
            "core::fmt::Formatter::pad_integral",
            "core::str::converts::from_utf8",
            ".Lswitch.table._ZN10panic_gate5input4fail17hfab16c59f1700585E",
        ] {
            assert!(!is_panic(name), "{name}");
        }
    }

    #[test]
    fn a_program_is_found_in_cargos_messages() {
        let messages = br#"{"reason":"compiler-artifact","executable":null}
{"reason":"compiler-artifact","executable":"/t/rom/gate-netboot-app"}
{"reason":"build-finished","success":true}"#;
        let path = executable(messages, "gate-netboot-app");
        assert_eq!(path.as_deref(), Some("/t/rom/gate-netboot-app"));
        assert_eq!(executable(messages, "gate-netboot"), None);
    }

    /// Each crate of the gate has a program and each program is looked at.
    #[test]
    fn every_program_is_read() {
        let manifest = rom::workspace().join("crates/testing/panic-gate/Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap();
        let lines = manifest.lines();
        let mut programs: Vec<_> = lines
            .filter_map(|line| line.strip_prefix("name = \"gate-")?.strip_suffix('"'))
            .collect();
        let mut read = [&CRATES[..], &[SELF_CHECK]].concat();
        programs.sort_unstable();
        read.sort_unstable();
        assert_eq!(programs, read);
    }
}
