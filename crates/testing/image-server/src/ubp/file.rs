//! A file as a server of the UDP boot protocol has it.

use netboot_ubp::server::{Object, Store};
use netboot_ubp::wire::{ErrorCode, Group, Name};
use netboot_verity::{BLOCK, HEAD, Tree};

/// A file and its tree. As a [`Store`] it has the one file, whatever the client calls it.
pub struct UbpFile {
    /// What clients are told of the file.
    pub object: Object,
    packed: Vec<u8>,
}

impl UbpFile {
    /// A file with these octets, which are sent to a group if there is one.
    ///
    /// # Panics
    /// When it has more than 1 GiB.
    pub fn new(data: &[u8], group: Option<Group>) -> Self {
        let tree = Tree::of(data);
        Self {
            object: Object {
                descriptor: tree.descriptor(),
                digest: tree.digest(),
                group,
            },
            packed: tree.pack(data).expect("a file of 1 GiB or less"),
        }
    }

    /// The blocks in the order of the packed file, nodes included.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let blocks = self.packed.get(HEAD..).unwrap_or_default();
        blocks.chunks(BLOCK)
    }
}

impl Store for UbpFile {
    fn find(&self, _: &Name<'_>) -> Result<Object, ErrorCode> {
        Ok(self.object)
    }

    fn has(&self, id: u32) -> bool {
        id == self.object.id()
    }

    fn block(&self, _: u32, number: u32, out: &mut [u8; BLOCK]) -> Option<usize> {
        let block = self.blocks().nth(usize::try_from(number).ok()?)?;
        out.get_mut(..block.len())?.copy_from_slice(block);
        Some(block.len())
    }
}
