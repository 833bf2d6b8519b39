//! Files that are there whole or not at all.

use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// Writes a file. It has another name until it is whole, so that nobody finds half of it, and an error leaves the file that was there before.
///
/// `inputs` are the files of which it is made: none of them is overwritten.
///
/// # Errors
/// When the file cannot be written, or is one of `inputs`.
pub fn write(path: &Path, inputs: &[&Path], content: &[u8]) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    stream(path, inputs, |file| {
        file.write_all(content).with_context(failed)
    })
}

/// The same with a file that `fill` writes piece by piece. An error of `fill` leaves nothing.
///
/// # Errors
/// As with [`write`], and those of `fill`.
pub fn stream<T>(
    path: &Path,
    inputs: &[&Path],
    fill: impl FnOnce(&mut File) -> Result<T>,
) -> Result<T> {
    let failed = || format!("cannot write {}", path.display());
    if let Ok(old) = fs::metadata(path) {
        ensure!(
            old.is_file(),
            "cannot write {}: it is there and is no file",
            path.display()
        );
        let same = |input: &&Path| match (fs::canonicalize(input), fs::canonicalize(path)) {
            (Ok(input), Ok(output)) => input == output,
            _ => false,
        };
        ensure!(
            !inputs.iter().any(same),
            "cannot write {}: it is one of the files to be read",
            path.display()
        );
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".netboot-");
    // A web server has to be able to read it. The system's umask takes away what it has to.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).with_context(failed)?;
    let made = fill(file.as_file_mut())?;
    file.as_file().sync_all().with_context(failed)?;
    file.persist(path)
        .map_err(|error| error.error)
        .with_context(failed)?;
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|one| one.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn a_file_that_fails_leaves_what_was_there() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("file");
        write(&path, &[], b"old").unwrap();
        let failed: Result<()> = stream(&path, &[], |file| {
            file.write_all(b"half")?;
            anyhow::bail!("the source has gone")
        });
        let text = format!("{:#}", failed.unwrap_err());
        assert_eq!(text, "the source has gone");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["file"]);
        write(&path, &[], b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn inputs_and_folders_are_not_overwritten() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, b"secret").unwrap();
        let other = folder.path().join(".").join("key");
        let error = write(&path, &[&other], b"new").unwrap_err().to_string();
        assert!(error.contains("one of the files to be read"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"secret");
        let error = write(folder.path(), &[], b"new").unwrap_err().to_string();
        assert!(error.contains("is no file"), "{error}");
        let nowhere = folder.path().join("nowhere/file");
        assert!(write(&nowhere, &[], b"new").is_err());
        assert_eq!(names(folder.path()), ["key"]);
    }

    #[cfg(unix)]
    #[test]
    fn other_users_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("file");
        write(&path, &[], b"").unwrap();
        fs::write(folder.path().join("plain"), b"").unwrap();
        let mode = |name| {
            let metadata = fs::metadata(folder.path().join(name)).unwrap();
            metadata.permissions().mode()
        };
        assert_eq!(mode("file"), mode("plain"));
    }
}
