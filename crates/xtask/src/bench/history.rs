//! The history in the tree: one figure a line, with its day and its commit.

use anyhow::{Context, Result};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use testbed::rom;

/// Where it is.
pub const FILE: &str = "docs/src/bench-history.csv";
const HEADER: &str = "date,commit,case,unit,figure";

/// A figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// `2026-11-22`
    pub date: String,
    /// Short hash; with a `+` when the tree had changes of its own.
    pub commit: String,
    /// What was measured.
    pub case: String,
    /// Of the figure.
    pub unit: String,
    /// What came out.
    pub figure: f64,
}

/// Reads the text; lines that make no sense are left out.
pub fn parse(text: &str) -> Vec<Entry> {
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let mut words = line.split(',').map(str::to_owned);
            let entry = Entry {
                date: words.next()?,
                commit: words.next()?,
                case: words.next()?,
                unit: words.next()?,
                figure: words.next()?.parse().ok()?,
            };
            words.next().is_none().then_some(entry)
        })
        .collect()
}

/// Reads the history; an empty one when there is none.
pub fn read() -> Vec<Entry> {
    let text = fs::read_to_string(rom::workspace().join(FILE));
    parse(&text.unwrap_or_default())
}

/// A line.
fn line(date: &str, commit: &str, case: &str, unit: &str, figure: f64) -> String {
    // Digits beyond the sixth are noise.
    let digits = (5 - figure.abs().max(1e-9).log10().floor() as i32).clamp(0, 6) as usize;
    let case = case.replace(',', "");
    format!("{date},{commit},{case},{unit},{figure:.digits$}\n")
}

/// Appends figures (case, unit, figure) of today and this commit; says which these are.
///
/// # Errors
/// When the file cannot be written, or day or commit are not to be had.
pub fn append(figures: &[(String, &str, f64)]) -> Result<String> {
    let date = said("date", &["+%F"])?;
    let commit = said("git", &["rev-parse", "--short", "HEAD"])?;
    let changed = !said("git", &["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    let commit = if changed { commit + "+" } else { commit };
    let path = rom::workspace().join(FILE);
    append_to(&path, &date, &commit, figures)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(format!("Measured on {date}, commit {commit}."))
}

fn append_to(
    path: &Path,
    date: &str,
    commit: &str,
    figures: &[(String, &str, f64)],
) -> std::io::Result<()> {
    let mut text = String::new();
    if !path.exists() {
        text = format!("{HEADER}\n");
    }
    for (case, unit, figure) in figures {
        text.push_str(&line(date, commit, case, unit, *figure));
    }
    let mut file = File::options().create(true).append(true).open(path)?;
    file.write_all(text.as_bytes())
}

fn said(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(rom::workspace())
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    anyhow::ensure!(output.status.success(), "{program} failed");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_is_read_back() {
        let path = std::env::temp_dir().join(format!("netboot-history-{}", std::process::id()));
        let first = [(
            "ROM / TFTP, windowsize 1 / 0 ms".to_owned(),
            "octets/s",
            12_345_678.9,
        )];
        let second = [("SHA-256".to_owned(), "instructions/octet", 38.125)];
        append_to(&path, "2026-11-22", "abc", &first).unwrap();
        append_to(&path, "2026-11-23", "def+", &second).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(text.starts_with("date,commit,case,unit,figure\n2026-11-22,abc,"));
        let entries = parse(&text);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].case, "ROM / TFTP windowsize 1 / 0 ms");
        assert_eq!(entries[0].figure, 12_345_679.0);
        assert_eq!(
            (entries[1].commit.as_str(), entries[1].figure),
            ("def+", 38.125)
        );
    }

    #[test]
    fn lines_that_make_no_sense_are_left_out() {
        assert!(parse("head\nx\na,b,c,d,e\na,b,c,d,1,2\n").is_empty());
        assert!(parse("").is_empty());
    }
}
