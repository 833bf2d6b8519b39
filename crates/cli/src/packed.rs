//! Whether a packed file is right, block by block, in constant memory.

use anyhow::{Context, Result};
use netboot_verity::{
    BLOCK, Digest, HEAD, Head, Layout, MAX_LEVELS, Reader, Software, VerityError,
};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// What became of the verification of a packed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The verity digest of the file that is packed, by its head.
    pub digest: Digest,
    /// The shape of the tree, by the head.
    pub layout: Layout,
    /// What is wrong.
    pub flaw: Option<Flaw>,
}

/// What is wrong with a packed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A block, or what follows the last one. The offset is that of the block, in octets from the start of the packed file.
    Wrong {
        /// What the verifier says.
        error: VerityError,
        /// Where.
        offset: u64,
    },
    /// The packed file ends early, at this offset.
    Short {
        /// Octets that it has.
        len: u64,
    },
}

impl Judged {
    /// Whether all blocks are right, and nothing follows.
    pub fn is_right(&self) -> bool {
        self.flaw.is_none()
    }
}

/// Verifies a packed file against a digest, or against its own head where none is given.
///
/// # Errors
/// When the file cannot be read, or its head is none of a packed file of at most 1 GiB.
pub fn verify(path: &Path, digest: Option<&Digest>) -> Result<Judged> {
    let failed = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(failed)?;
    let mut head = [0; HEAD];
    file.read_exact(&mut head).with_context(failed)?;
    let descriptor = Head::read(&head)?.descriptor;
    let own = descriptor.digest(&mut Software::default());
    let layout = Layout::new(descriptor.size)?;
    file.seek(SeekFrom::Start(0)).with_context(failed)?;

    let mut reader =
        Reader::<Software, MAX_LEVELS>::new(Software::default(), *digest.unwrap_or(&own));
    let mut piece = vec![0; 64 * BLOCK];
    let mut len = 0;
    let mut flaw = None;
    'file: while flaw.is_none() {
        let octets = file.read(&mut piece).with_context(failed)?;
        if octets == 0 {
            break;
        }
        len += octets as u64;
        let mut rest = piece.get(..octets).unwrap_or_default();
        while !rest.is_empty() {
            match reader.push(rest) {
                Ok(taken) => rest = rest.get(taken..).unwrap_or_default(),
                Err(error) => {
                    reader.retry();
                    let offset = reader.offset();
                    flaw = Some(Flaw::Wrong { error, offset });
                    break 'file;
                }
            }
        }
    }
    if flaw.is_none() && !reader.is_complete() {
        flaw = Some(Flaw::Short { len });
    }
    Ok(Judged {
        digest: own,
        layout,
        flaw,
    })
}
