//! Storage in files: a slot is a file, replaced by an atomic rename, and on the disk before a write returns.

use anyhow::{Context, Result, bail};
use bootstore::ledger::{Ledger, Slot};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The directory of a node, locked so that no second daemon uses it.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes the directory if it is not there (only its owner may enter it), and locks it.
    ///
    /// # Errors
    /// Another daemon uses the directory, or it cannot be made.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.exists() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .with_context(|| format!("cannot make {}", path.display()))?;
        }
        let lock = path.join("lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock)
            .with_context(|| format!("cannot open {}", lock.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another bootstored uses {}", path.display())
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", lock.display()));
            }
        }
        Ok(Self {
            path: path.to_path_buf(),
            _lock: file,
        })
    }

    /// The ledger with this name in the directory.
    pub fn ledger(&self, name: &'static str) -> FileLedger {
        FileLedger {
            dir: self.path.clone(),
            name,
        }
    }
}

/// Two files `name.a` and `name.b`.
#[derive(Clone, Debug)]
pub struct FileLedger {
    dir: PathBuf,
    name: &'static str,
}

impl FileLedger {
    fn path(&self, slot: Slot) -> PathBuf {
        let end = match slot {
            Slot::A => "a",
            Slot::B => "b",
        };
        self.dir.join(format!("{}.{end}", self.name))
    }

    /// Removes both files.
    ///
    /// # Errors
    /// One cannot be removed.
    pub fn erase(&self) -> io::Result<()> {
        for slot in [Slot::A, Slot::B] {
            match fs::remove_file(self.path(slot)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        File::open(&self.dir)?.sync_all()
    }
}

impl Ledger for FileLedger {
    type Error = io::Error;

    fn read(&mut self, slot: Slot, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = match File::open(self.path(slot)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            file => file?,
        };
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read(rest)? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }

    fn write(&mut self, slot: Slot, octets: &[u8]) -> io::Result<()> {
        let path = self.path(slot);
        let fresh = self.dir.join(format!("{}.new", self.name));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(octets)?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        File::open(&self.dir)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bootstore::ledger::Journal;

    #[test]
    fn a_second_owner_is_refused_and_values_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        let first = Directory::open(&path).unwrap();
        let error = Directory::open(&path).unwrap_err().to_string();
        assert!(error.contains("another bootstored"), "{error}");
        let put = |value: u8| {
            let mut buffer = [0; 128];
            let (mut journal, _) = Journal::open(first.ledger("x"), *b"TEST", &mut buffer).unwrap();
            let write = |b: &mut [u8]| {
                b[0] = value;
                Ok(1)
            };
            journal.store(&mut [0; 128], write).unwrap();
        };
        put(1);
        put(2);
        let mut buffer = [0; 128];
        let (journal, value) = Journal::open(first.ledger("x"), *b"TEST", &mut buffer).unwrap();
        assert_eq!((journal.generation(), value), (2, Some(&[2u8][..])));
        first.ledger("x").erase().unwrap();
        let (_, value) = Journal::open(first.ledger("x"), *b"TEST", &mut buffer).unwrap();
        assert_eq!(value, None);
        drop(first);
        Directory::open(&path).unwrap();
    }
}
