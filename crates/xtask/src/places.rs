//! Holds the places of what is built against the source: only [`rom::target_directory`] knows where they are.
//!
//! A path that begins with the workspace's own target folder is wrong as soon as somebody sets `CARGO_TARGET_DIR`, and a cargo that is not
//! started by [`rom::cargo`] builds into another directory when that variable is relative.

use crate::inventory::sources;
use testbed::rom;

/// Spellings that only the files in [`ALLOWED`] may have. They are written so that this file does not have them.
const SPELLINGS: [&str; 5] = [
    concat!("target", "/"),
    concat!("\"target", "\")"),
    concat!("Command::new(\"car", "go\")"),
    concat!("env!(\"CAR", "GO\")"),
    concat!("CARGO_TARGET", "_DIR"),
];

/// Files that may have a spelling, how often, and why.
const ALLOWED: [(&str, &str, usize, &str); 5] = [
    (
        "crates/testing/testbed/src/rom.rs",
        SPELLINGS[1],
        2,
        "the default, and its test",
    ),
    (
        "crates/testing/testbed/src/rom.rs",
        SPELLINGS[4],
        3,
        "the variable is read and handed on here",
    ),
    (
        "crates/xtask/src/example_rom.rs",
        SPELLINGS[1],
        1,
        "the copy of the example has no such folder",
    ),
    (
        "crates/xtask/src/example_rom.rs",
        SPELLINGS[4],
        1,
        "the example has a directory of its own within that of the workspace",
    ),
    (
        "crates/xtask/src/mutants.rs",
        SPELLINGS[4],
        1,
        "each copy of the tree has a directory of its own",
    ),
];

/// How often `spelling` is in `text`, without line comments. Two strokes after a colon are part of a URI.
fn occurrences(text: &str, spelling: &str) -> usize {
    let code = text.lines().map(|line| {
        let comment = line
            .match_indices("//")
            .find(|(at, _)| !line[..*at].ends_with(':'));
        comment.map_or(line, |(at, _)| &line[..at])
    });
    code.map(|line| line.matches(spelling).count()).sum()
}

/// What is wrong with a file, for each spelling that it has more or less often than it may.
fn complaints(path: &str, text: &str) -> Vec<String> {
    let spellings = SPELLINGS.iter();
    let wrong = spellings.filter_map(|spelling| {
        let row = ALLOWED
            .iter()
            .find(|(file, known, ..)| *file == path && known == spelling);
        let allowed = row.map_or(0, |(_, _, count, _)| *count);
        let found = occurrences(text, spelling);
        (found != allowed).then(|| format!("{path}: {spelling} {found} times, not {allowed}"))
    });
    wrong.collect()
}

#[test]
fn nobody_else_knows_where_things_are_built() {
    let root = rom::workspace();
    let folders = ["crates", "tests"].map(|name| root.join(name));
    let files: Vec<_> = folders
        .iter()
        .flat_map(|folder| sources(&root, folder))
        .collect();
    for (file, ..) in ALLOWED {
        assert!(files.iter().any(|(path, _)| path == file), "{file}");
    }
    let wrong: Vec<_> = files
        .iter()
        .flat_map(|(path, text)| complaints(path, text))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn paths_and_commands_are_found_and_comments_are_not() {
    let [path, folder, command, cargo, variable] = SPELLINGS;
    for (line, found) in [
        (format!("File::open(\"{path}boot/report.json\")"), true),
        (format!("format!(\"http://{path}x\")"), true),
        (format!("root.join({folder}.join(name)"), true),
        (format!("{command}.arg(\"build\")"), true),
        (format!("Command::new({cargo})"), true),
        (format!("env::var(\"{variable}\")"), true),
        (format!("/// Lies in {path}boot."), false),
        (format!("let a = 1; // {variable}"), false),
        ("message[\"target\"][\"name\"]".into(), false),
    ] {
        let complaints = complaints("crates/x/src/lib.rs", &line);
        assert_eq!(
            complaints.len(),
            usize::from(found),
            "{line}: {complaints:?}"
        );
    }
    // A row for what is there no longer is wrong, too.
    assert_eq!(complaints(ALLOWED[2].0, "").len(), 2);
}
