//! Digests and packed files of files of any size, which are read once, block by block, in constant memory.

use anyhow::{Context, Result, ensure};
use netboot_verity::{
    BLOCK, Descriptor, Digest, FANOUT, Head, Layout, Place, Software, block_digest,
};
use sha2::Digest as _;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// What a file is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digests {
    /// Octets of the file.
    pub size: u64,
    /// The SHA-256 of its octets.
    pub sha256: Digest,
    /// What `fsverity digest --block-size=1024` prints.
    pub verity: Digest,
    /// The shape of the tree over it.
    pub layout: Layout,
}

/// Where the octets of a file go while it is read.
#[derive(Default)]
pub struct Outputs<'o> {
    /// Gets the file as it is.
    pub copy: Option<&'o mut File>,
    /// Gets the packed file.
    pub packed: Option<&'o mut File>,
}

/// Reads a file.
///
/// # Errors
/// When it cannot be read, changes its size while it is read, has more than 1 GiB, or an output cannot be written.
pub fn read(path: &Path, mut outputs: Outputs<'_>) -> Result<Digests> {
    let failed = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(failed)?;
    let metadata = file.metadata().with_context(failed)?;
    ensure!(metadata.is_file(), "{} is no file", path.display());
    let size = metadata.len();
    let layout = Layout::new(size).with_context(|| path.display().to_string())?;
    let mut reader = BufReader::with_capacity(64 * BLOCK, file);
    let mut tree = Growing::new(layout);
    let mut sha256 = sha2::Sha256::new();
    let mut block = [0; BLOCK];
    let mut len = 0;
    loop {
        let filled = fill(&mut reader, &mut block).with_context(failed)?;
        let octets = block.get(..filled).unwrap_or_default();
        if octets.is_empty() {
            break;
        }
        len += octets.len() as u64;
        ensure!(
            len <= size,
            "{} became longer while it was read",
            path.display()
        );
        sha256.update(octets);
        if let Some(copy) = &mut outputs.copy {
            copy.write_all(octets).context("cannot write the copy")?;
        }
        tree.data(octets, outputs.packed.as_deref_mut())?;
    }
    ensure!(
        len == size,
        "{} became shorter while it was read",
        path.display()
    );
    Ok(Digests {
        size,
        sha256: Digest(sha256.finalize().into()),
        verity: tree.finish(outputs.packed)?,
        layout,
    })
}

/// The SHA-256 of a file of any size, which is not read into memory, and its octets.
///
/// # Errors
/// When it cannot be read.
pub fn sha256(path: &Path) -> Result<(Digest, u64)> {
    let failed = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(failed)?;
    let mut hash = sha2::Sha256::new();
    let len = std::io::copy(&mut file, &mut hash).with_context(failed)?;
    Ok((Digest(hash.finalize().into()), len))
}

/// Reads until the block is full or the file ends; the number of octets.
fn fill(reader: &mut dyn Read, block: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(octets) => filled += octets,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A node that gets its hashes.
struct Node {
    octets: Vec<u8>,
    /// Its number in its level.
    index: u32,
}

/// A tree that grows from its leaves. It holds the last node of each level, and the data blocks below the lowest one.
struct Growing {
    hasher: Software,
    layout: Layout,
    /// From level 1 on.
    nodes: Vec<Node>,
    /// The data below the present node of level 1. In the packed file it stands behind that node.
    run: Vec<u8>,
    root: Digest,
}

impl Growing {
    fn new(layout: Layout) -> Self {
        let node = |_| Node {
            octets: Vec::with_capacity(BLOCK),
            index: 0,
        };
        Self {
            hasher: Software::default(),
            layout,
            nodes: (0..layout.levels()).map(node).collect(),
            run: Vec::with_capacity(FANOUT as usize * BLOCK),
            root: Digest([0; 32]),
        }
    }

    /// Takes the next data block.
    fn data(&mut self, block: &[u8], packed: Option<&mut File>) -> Result<()> {
        self.run.extend_from_slice(block);
        let hash = block_digest(&mut self.hasher, block);
        self.add(0, hash, packed)
    }

    /// Adds the hash of a block of this level to the node above it. Above the uppermost level is the root.
    fn add(&mut self, level: usize, hash: Digest, packed: Option<&mut File>) -> Result<()> {
        let Some(above) = self.nodes.get_mut(level) else {
            self.root = hash;
            return Ok(());
        };
        above.octets.extend_from_slice(&hash.0);
        match above.octets.len() < BLOCK {
            true => Ok(()),
            false => self.close(level + 1, packed),
        }
    }

    /// Ends the present node of this level, which is 1 or more, and begins the next one.
    fn close(&mut self, level: usize, mut packed: Option<&mut File>) -> Result<()> {
        let node = self.nodes.get_mut(level - 1).context("a level")?;
        let mut octets = std::mem::take(&mut node.octets);
        octets.resize(BLOCK, 0);
        let index = node.index;
        node.index += 1;
        if let Some(file) = &mut packed {
            let place = Place { level, index };
            let offset = Layout::packed_offset(self.layout.number(place));
            file.seek(SeekFrom::Start(offset)).context(WRITE)?;
            file.write_all(&octets).context(WRITE)?;
            if level == 1 {
                file.write_all(&self.run).context(WRITE)?;
            }
        }
        if level == 1 {
            self.run.clear();
        }
        let hash = block_digest(&mut self.hasher, &octets);
        octets.clear();
        if let Some(node) = self.nodes.get_mut(level - 1) {
            node.octets = octets;
        }
        self.add(level, hash, packed)
    }

    /// Ends the file: the digest.
    fn finish(mut self, mut packed: Option<&mut File>) -> Result<Digest> {
        for level in 1..=self.nodes.len() {
            let begun = self.nodes.get(level - 1);
            if begun.is_some_and(|node| !node.octets.is_empty()) {
                self.close(level, packed.as_deref_mut())?;
            }
        }
        let descriptor = Descriptor {
            size: self.layout.size(),
            root: self.root,
        };
        if let Some(file) = packed {
            file.seek(SeekFrom::Start(0)).context(WRITE)?;
            file.write_all(&Head { descriptor }.octets())
                .context(WRITE)?;
            // Without a node above it, the only block has not been written.
            file.write_all(&self.run).context(WRITE)?;
        }
        Ok(descriptor.digest(&mut self.hasher))
    }
}

const WRITE: &str = "cannot write the packed file";
