//! Which receive buffer is with whom. No register and no octet of a frame is touched here.

use netboot_core::FrameSlot;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Owner {
    /// Nobody: the next frame may go there.
    #[default]
    Free,
    /// The stack, until it asks for the next frame.
    Lent,
    /// The stack, until it gives the frame back.
    Held,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    owner: Owner,
    /// Octets of the frame.
    len: usize,
}

/// The owners of `N` receive buffers, `N` from 2 to 255.
///
/// One buffer always stays out of [`hold`](Self::hold): with all of them kept, the driver could receive nothing any more.
#[derive(Debug)]
pub struct Frames<const N: usize> {
    entries: [Entry; N],
}

impl<const N: usize> Frames<N> {
    /// All buffers are free.
    pub fn new() -> Self {
        const { assert!(N >= 2 && N <= 255, "one buffer to receive, one to keep") };
        Self {
            entries: [Entry::default(); N],
        }
    }

    /// Ends the loan of the last frame, if it was not kept.
    pub fn take_back(&mut self) {
        for entry in &mut self.entries {
            if entry.owner == Owner::Lent {
                entry.owner = Owner::Free;
            }
        }
    }

    /// Lends a free buffer for a frame of `len` octets, and gives its index. `None` when no buffer is free.
    pub fn lend(&mut self, len: usize) -> Option<usize> {
        let mut entries = self.entries.iter_mut().enumerate();
        let (index, entry) = entries.find(|(_, entry)| entry.owner == Owner::Free)?;
        *entry = Entry {
            owner: Owner::Lent,
            len,
        };
        Some(index)
    }

    /// Keeps the lent frame. `None` when no frame is lent, or when only one buffer would be left.
    pub fn hold(&mut self) -> Option<FrameSlot> {
        let held = |entry: &&Entry| entry.owner == Owner::Held;
        if self.entries.iter().filter(held).count() + 1 >= N {
            return None;
        }
        let mut entries = self.entries.iter_mut().enumerate();
        let (index, entry) = entries.find(|(_, entry)| entry.owner == Owner::Lent)?;
        entry.owner = Owner::Held;
        Some(FrameSlot(index as u8))
    }

    /// Index and length of a kept frame. `None` when the slot names none.
    pub fn held(&self, slot: &FrameSlot) -> Option<(usize, usize)> {
        let index = usize::from(slot.0);
        let entry = self.entries.get(index)?;
        (entry.owner == Owner::Held).then_some((index, entry.len))
    }

    /// Gives a kept frame's buffer back.
    pub fn release(&mut self, slot: FrameSlot) {
        if let Some(entry) = self.entries.get_mut(usize::from(slot.0))
            && entry.owner == Owner::Held
        {
            entry.owner = Owner::Free;
        }
    }
}

impl<const N: usize> Default for Frames<N> {
    fn default() -> Self {
        Self::new()
    }
}
