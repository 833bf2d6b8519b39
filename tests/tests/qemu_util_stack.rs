//! The stack that each command of the host library takes on riscv32imc, measured under QEMU and held against the book's table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use testbed::qemu::{self, QEMU, bound_to_us};
use testbed::rom::{self, TARGET};

const PACKAGE: &str = "util-host-stack";

/// The words of a text that begin with `caliptra_cmd_`.
fn commands(text: &str) -> BTreeSet<String> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with("caliptra_cmd_"))
        .map(Into::into)
        .collect()
}

/// Every function of the library's interface.
fn interface() -> BTreeSet<String> {
    let directory = rom::workspace().join("crates/util-host/commands/src");
    let files = fs::read_dir(directory.join("api")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let all: Vec<String> = files
        .chain([directory.join("api.rs")])
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    commands(&all.concat())
}

/// What the page says: pairs of a name without its prefix, and octets.
fn table() -> BTreeMap<String, usize> {
    let page = fs::read_to_string(rom::workspace().join("docs/src/host-library.md")).unwrap();
    let (_, part) = page.split_once("### Stack").unwrap();
    let rows = part.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    let mut table = BTreeMap::new();
    for row in rows {
        let cell = row.split('|').nth(2).unwrap();
        // Between two backquotes is a name, and behind them its figure.
        let parts: Vec<_> = cell.split('`').skip(1).collect();
        for pair in parts.chunks(2) {
            let digits = pair[1].chars().filter(char::is_ascii_digit);
            let octets = digits.collect::<String>().parse().unwrap();
            let before = table.insert(format!("caliptra_cmd_{}", pair[0]), octets);
            assert_eq!(before, None, "{} twice", pair[0]);
        }
    }
    table
}

/// Runs the program.
fn measured() -> BTreeMap<String, usize> {
    let mut cargo = rom::cargo();
    cargo.args(["build", "--quiet", "--profile", "rom", "--target", TARGET]);
    cargo.args(["-p", PACKAGE]);
    let status = cargo.current_dir(rom::workspace()).status().unwrap();
    assert!(status.success(), "{PACKAGE} does not build");
    let program = rom::target_directory()
        .join(TARGET)
        .join("rom")
        .join(PACKAGE);
    // A program that hangs is killed by `timeout`.
    let done = Command::new("timeout")
        .args(["300", bound_to_us(QEMU).get_program().to_str().unwrap()])
        .args(bound_to_us(QEMU).get_args())
        .args(["-M", "virt", "-m", "32M", "-bios", "none"])
        .args(["-display", "none", "-monitor", "none", "-serial", "stdio"])
        .arg("-kernel")
        .arg(program)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{}\n{text}", done.status);
    text.lines()
        .map(|line| {
            let mut words = line.trim().split(' ');
            assert_eq!(words.next(), Some("stack"), "{text}");
            let name = words.next().unwrap().to_owned();
            (name, words.next().unwrap().parse().unwrap())
        })
        .collect()
}

#[test]
fn the_page_has_the_stack_of_every_command() {
    if !qemu::asked_for("the_page_has_the_stack_of_every_command") {
        return;
    }
    let measured = measured();
    let names: BTreeSet<_> = measured.keys().cloned().collect();
    assert_eq!(names, interface(), "what is measured, and what there is");
    let table = table();
    for (name, octets) in &measured {
        println!("{name} {octets}");
        let told = table.get(name);
        // A frame may come to be a little smaller; a larger one belongs into the table.
        let right = told.is_some_and(|told| octets <= told && *told < octets + octets / 4 + 32);
        assert!(
            right,
            "{name} takes {octets} octets, and the page says {told:?}"
        );
    }
    assert_eq!(
        table.len(),
        measured.len(),
        "the page has a command that is not measured"
    );
}
