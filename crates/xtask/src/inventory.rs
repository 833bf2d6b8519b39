//! Holds the inventory of unsafe code in SECURITY.md against the source.
//!
//! Each Rust file that has the keyword outside of comments stands in the table with the number of its occurrences and a reason. A new
//! occurrence, a new file or a file that no longer has any makes the test fail until somebody has written down why.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use testbed::rom;

/// The keyword, written so that this file does not have it.
const KEYWORD: &str = concat!("un", "safe");

/// Folders that hold no source of ours.
const ELSEWHERE: [&str; 4] = ["target", ".git", "corpus", "artifacts"];

/// Occurrences of the keyword in `text`, without those in line comments.
fn occurrences(text: &str) -> usize {
    let code = text.lines().map(|line| {
        let end = line.find("//").unwrap_or(line.len());
        &line[..end]
    });
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.flat_map(|line| line.split(|letter| !is_word(letter)))
        .filter(|word| *word == KEYWORD)
        .count()
}

/// Files below `root` with the keyword.
fn found(root: &Path) -> BTreeMap<String, usize> {
    let counted = sources(root, root).into_iter();
    let counted = counted.map(|(path, text)| (path, occurrences(&text)));
    counted.filter(|(_, count)| *count > 0).collect()
}

/// The Rust files below `directory`: their paths from `root`, and what is in them.
pub fn sources(root: &Path, directory: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && !ELSEWHERE.iter().any(|folder| name == *folder) {
            all.extend(sources(root, &path));
        } else if kind.is_file() && path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            all.push((path.strip_prefix(root).unwrap().display().to_string(), text));
        }
    }
    all
}

/// Rows of the table in SECURITY.md: a file, a number, a reason.
fn listed(text: &str) -> BTreeMap<String, usize> {
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let file = cells.next()?.strip_suffix('`')?;
        let count = cells.next()?.parse().ok()?;
        let reason = cells.next()?;
        assert!(reason.len() > 20, "{file} has no reason");
        Some((file.to_string(), count))
    });
    rows.collect()
}

#[test]
fn the_inventory_is_complete() {
    let root = rom::workspace();
    let security = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let found_in = found(&root);
    assert!(
        found_in.len() > 10,
        "the search finds nothing: {found_in:?}"
    );
    let listed = listed(&security);
    for (file, count) in &found_in {
        assert_eq!(
            listed.get(file),
            Some(count),
            "{file} has the keyword {count} times: write that, and why, into the table of SECURITY.md"
        );
    }
    for file in listed.keys() {
        assert!(
            found_in.contains_key(file),
            "{file} needs its row in SECURITY.md no longer"
        );
    }
}

#[test]
fn comments_and_other_words_do_not_count() {
    let text =
        format!("// {KEYWORD}\n#![forbid({KEYWORD}_code)]\n{KEYWORD} {{ x }} // {KEYWORD}\n");
    assert_eq!(occurrences(&text), 1);
    let row = format!("| `a/b.rs` | 3 | a reason that is long enough |\n{KEYWORD}\n| file | x |\n");
    assert_eq!(listed(&row), BTreeMap::from([("a/b.rs".to_string(), 3)]));
}
