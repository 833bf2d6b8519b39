//! Runs cargo for the ROM and tells how far it is, by the messages that cargo writes when a package is built (`--message-format=json`).

use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

/// How far a build is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// Name of the package that was built, or found to be built.
    pub name: String,
    /// Number of packages that are built.
    pub done: usize,
    /// Number of packages that the ROM is made of. Packages of the core library come on top.
    pub total: usize,
}

/// Runs `command`, which builds about `total` packages, to its end. Gives whether it succeeded, and what it wrote to standard output and
/// to standard error.
pub(crate) fn run(
    command: &mut Command,
    total: usize,
    watch: &mut dyn FnMut(&Compiled),
) -> Result<(bool, String, String)> {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.context("cannot start cargo")?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // Read beside standard output, because cargo waits for whoever reads neither.
    let errors = std::thread::spawn(move || {
        let mut text = Vec::new();
        // What was read counts, whatever ended it.
        let _ = stderr.map(|mut from| from.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut messages = String::new();
    let mut built = BTreeSet::new();
    for line in stdout
        .into_iter()
        .flat_map(|from| BufReader::new(from).lines())
    {
        let line = line.context("cannot read what cargo says")?;
        if let Some((id, name)) = artifact(&line)
            && built.insert(id)
        {
            let done = built.len();
            watch(&Compiled {
                name,
                done,
                total: total.max(done),
            });
        }
        messages += &line;
        messages.push('\n');
    }
    let status = child.wait().context("cannot wait for cargo")?;
    let errors = errors.join().unwrap_or_default();
    Ok((status.success(), messages, errors))
}

/// The package that a message of cargo says was built: its id and its name.
fn artifact(line: &str) -> Option<(String, String)> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" {
        return None;
    }
    let id = message["package_id"].as_str()?;
    Some((id.into(), message["target"]["name"].as_str()?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_package_is_told_once_and_all_that_was_said_is_kept() {
        let built = |id: &str, name: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"{id}","target":{{"name":"{name}"}}}}"#
            )
        };
        let lines = [
            built("a 1", "build-script-build"),
            built("a 1", "a"),
            r#"{"reason":"build-script-executed","package_id":"a 1"}"#.into(),
            built("b 1", "b"),
            "no JSON".into(),
        ];
        let script = format!("cat <<'X'\n{}\nX\necho wrong >&2; exit 3", lines.join("\n"));
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        let mut seen = Vec::new();
        let (success, messages, errors) =
            run(&mut command, 20, &mut |one| seen.push(one.clone())).unwrap();
        assert!(!success);
        assert_eq!(messages.lines().count(), 5);
        assert_eq!(errors, "wrong\n");
        let names: Vec<_> = seen
            .iter()
            .map(|one| (one.name.as_str(), one.done))
            .collect();
        assert_eq!(names, [("build-script-build", 1), ("b", 2)]);
        assert!(seen.iter().all(|one| one.total == 20), "{seen:?}");
    }
}
