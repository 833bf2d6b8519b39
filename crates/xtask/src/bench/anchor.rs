//! What iPXE trusts, exchanged in the memory of its machine.
//!
//! iPXE keeps the SHA-256 of each root that it trusts in its program (`TRUST=` when it is built); Debian's build has
//! that of iPXE's own root, whose key nobody here has. Once iPXE runs, the one is overwritten by that of our root: the
//! guest's memory is a file for that. The image on disk stays as it is, and so does all code that runs.

use anyhow::{Context, Result, bail};
use sha2::{Digest as _, Sha256};
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// SHA-256 of iPXE's own root, as iPXE's `src/crypto/rootcert.c` has it.
const IPXE: [u8; 32] = [
    0x9f, 0xaf, 0x71, 0x7b, 0x7f, 0x8c, 0xa2, 0xf9, 0x3c, 0x25, 0x6c, 0x79, 0xf8, 0xac, 0x55, 0x91,
    0x89, 0x5d, 0x66, 0xd1, 0xff, 0x3b, 0xee, 0x63, 0x97, 0xa7, 0x0d, 0x29, 0xc6, 0x5e, 0xed, 0x1a,
];
/// Compilers align an array that long by so much at least.
const ALIGNMENT: usize = 16;
/// Octets looked at in one go.
const PIECE: usize = 1 << 20;

/// The memory of a machine, as a file.
pub struct Memory {
    _place: TempDir,
    path: PathBuf,
}

impl Memory {
    /// Gives `command`, QEMU of a PC with the memory of `mib` MiB, its memory as a file.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn of(command: &mut Command, mib: u32) -> Result<Self> {
        // In memory, where it can be.
        let place = TempDir::with_prefix_in("netboot-bench-", "/dev/shm");
        let place = place
            .or_else(|_| TempDir::with_prefix("netboot-bench-"))
            .context("no temporary directory")?;
        let path = place.path().join("memory");
        let backend = format!(
            "memory-backend-file,id=memory,size={mib}M,share=on,mem-path={}",
            path.display()
        );
        command.args(["-object", &backend]);
        command.args(["-machine", "memory-backend=memory"]);
        Ok(Self {
            _place: place,
            path,
        })
    }

    /// Has the iPXE in it trust `root`, DER. To be called when it is where it stays, and before it uses TLS.
    ///
    /// # Errors
    /// When it trusts neither iPXE's own root nor this one.
    pub fn trust(&self, root: &[u8]) -> Result<()> {
        exchange(&self.path, &IPXE, &Sha256::digest(root).into())
    }
}

/// Overwrites each `old` in the file by `new`; one `new` that is there already will do.
fn exchange(path: &Path, old: &[u8; 32], new: &[u8; 32]) -> Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.context("the machine has no memory")?;
    let mut piece = vec![0; PIECE];
    let mut found = false;
    let mut place = 0;
    loop {
        let octets = read(&file, &mut piece, place)?;
        if octets == 0 {
            break;
        }
        // An array that lies across two pieces would be missed; it would lie across two pages, too.
        for (at, start) in piece[..octets].chunks_exact(ALIGNMENT).enumerate() {
            if start != &old[..ALIGNMENT] && start != &new[..ALIGNMENT] {
                continue;
            }
            let at = at * ALIGNMENT;
            let whole = piece.get(at..at + old.len()).unwrap_or_default();
            if whole == old {
                let place = place + at as u64;
                file.write_all_at(new, place).context("guest memory")?;
            }
            found |= whole == old || whole == new;
        }
        place += octets as u64;
    }
    if !found {
        bail!("it trusts neither iPXE's own root nor ours");
    }
    Ok(())
}

/// Reads until `piece` is full or the file ends.
fn read(file: &File, piece: &mut [u8], place: u64) -> Result<usize> {
    let mut have = 0;
    while have < piece.len() {
        match file.read_at(&mut piece[have..], place + have as u64) {
            Ok(0) => break,
            Ok(octets) => have += octets,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error).context("guest memory"),
        }
    }
    Ok(have)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_trusted_is_exchanged_wherever_it_lies() {
        let place = TempDir::new().unwrap();
        let path = place.path().join("memory");
        let ours: [u8; 32] = Sha256::digest(b"a root").into();
        let mut memory = vec![0xA5; PIECE + 4096];
        for at in [64, PIECE, PIECE + 4096 - 32] {
            memory[at..at + 32].copy_from_slice(&IPXE);
        }
        // The start of it alone is not it.
        memory[1024..1040].copy_from_slice(&IPXE[..16]);
        fs::write(&path, &memory).unwrap();
        exchange(&path, &IPXE, &ours).unwrap();
        for at in [64, PIECE, PIECE + 4096 - 32] {
            memory[at..at + 32].copy_from_slice(&ours);
        }
        assert!(fs::read(&path).unwrap() == memory);
        // One that was built with our trust has nothing to exchange.
        exchange(&path, &IPXE, &ours).unwrap();
        assert!(fs::read(&path).unwrap() == memory);
    }

    #[test]
    fn who_trusts_somebody_else_is_not_touched() {
        let place = TempDir::new().unwrap();
        let path = place.path().join("memory");
        let memory = vec![0xA5; 4096 + 7];
        fs::write(&path, &memory).unwrap();
        let error = exchange(&path, &IPXE, &[1; 32]).unwrap_err();
        assert!(error.to_string().contains("neither"), "{error}");
        assert!(fs::read(&path).unwrap() == memory);
        assert!(exchange(&place.path().join("none"), &IPXE, &[1; 32]).is_err());
    }
}
