//! The sizes of one commit after the other: `docs/src/size-history.csv`.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The file, below the workspace's root.
const FILE: &str = "docs/src/size-history.csv";

/// Appends a line with the figures of what is checked out, unless they are those of the last line: a commit that
/// changes no size needs none. Returns whether there was one to append.
///
/// `figures` are a column's name and its octets; `None` for what was not measured.
///
/// # Errors
/// When git or the file cannot be read, or the file cannot be written.
pub fn append(workspace: &Path, figures: &[(String, Option<u64>)]) -> Result<bool> {
    let path = workspace.join(FILE);
    let old = match fs::read_to_string(&path) {
        Ok(old) => old,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {FILE}")),
    };
    let date = git(workspace, &["show", "-s", "--format=%cs", "HEAD"])?;
    let commit = git(workspace, &["rev-parse", "--short=10", "HEAD"])?;
    let changed = !git(
        workspace,
        &["status", "--porcelain", "--untracked-files=no"],
    )?
    .is_empty();
    let commit = commit + if changed { "+" } else { "" };
    let Some(new) = with_line(&old, &date, &commit, figures) else {
        return Ok(false);
    };
    fs::write(&path, new).with_context(|| format!("cannot write {FILE}"))?;
    Ok(true)
}

/// The table with one line more; `None` when it would repeat the last one's figures. Other columns than before begin
/// with a heading of their own.
fn with_line(
    old: &str,
    date: &str,
    commit: &str,
    figures: &[(String, Option<u64>)],
) -> Option<String> {
    let names = figures.iter().map(|(name, _)| name.replace(',', ""));
    let heading = ["date".into(), "commit".into()].into_iter().chain(names);
    let heading = heading.collect::<Vec<_>>().join(",");
    let values = figures.iter().map(|(_, octets)| match octets {
        Some(octets) => octets.to_string(),
        None => String::new(),
    });
    let values = values.collect::<Vec<_>>().join(",");
    let same_columns = old.lines().rfind(|line| line.starts_with("date,")) == Some(&heading);
    let last = old
        .lines()
        .last()
        .and_then(|line| line.splitn(3, ',').nth(2));
    if same_columns && last == Some(&values) {
        return None;
    }
    let mut new = old.to_string();
    if !same_columns {
        new += &format!("{heading}\n");
    }
    new += &format!("{date},{commit},{values}\n");
    Some(new)
}

fn git(workspace: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .current_dir(workspace)
        .args(arguments)
        .output()
        .context("cannot start git")?;
    ensure!(
        output.status.success(),
        "git {} failed",
        arguments.join(" ")
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(flash: u64) -> [(String, Option<u64>); 2] {
        [("flash, tiny".into(), Some(flash)), ("stack".into(), None)]
    }

    #[test]
    fn a_line_is_added_where_a_figure_changed() {
        let one = with_line("", "2026-01-02", "abc", &figures(10)).unwrap();
        assert_eq!(one, "date,commit,flash tiny,stack\n2026-01-02,abc,10,\n");
        assert_eq!(with_line(&one, "2026-01-03", "def", &figures(10)), None);
        let two = with_line(&one, "2026-01-03", "def", &figures(9)).unwrap();
        assert_eq!(two, one.clone() + "2026-01-03,def,9,\n");
        let other = [("flash".into(), Some(9))];
        let three = with_line(&one, "2026-01-04", "fed", &other).unwrap();
        assert_eq!(three, one + "date,commit,flash\n2026-01-04,fed,9\n");
    }
}
