//! What the device remembers beside keys: log and fuses.

/// Octets of log that the device keeps.
const LOG: usize = 8192;

/// The log: defmt frames, each of which ends with a zero.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    octets: [u8; LOG],
    len: usize,
}

impl Log {
    pub const fn new() -> Self {
        Self {
            octets: [0; LOG],
            len: 0,
        }
    }

    /// Adds whole frames. Gives whether there was room.
    pub fn push(&mut self, frames: &[u8]) -> bool {
        let Some(to) = self.octets.get_mut(self.len..self.len + frames.len()) else {
            return false;
        };
        to.copy_from_slice(frames);
        self.len += frames.len();
        true
    }

    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// The next part, of whole frames where `limit` allows.
    pub fn part(&self, limit: usize) -> &[u8] {
        let all = self.octets.get(..self.len).unwrap_or_default();
        if all.len() <= limit {
            return all;
        }
        let head = all.get(..limit).unwrap_or(all);
        match head.iter().rposition(|octet| *octet == 0) {
            Some(last) => head.get(..=last).unwrap_or(head),
            None => head,
        }
    }

    /// Drops the first `len` octets.
    pub fn drain(&mut self, len: usize) {
        let len = len.min(self.len);
        self.octets.copy_within(len..self.len, 0);
        self.len -= len;
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Words of fuses: 16 partitions of 8 words.
#[derive(Clone, Debug)]
pub(crate) struct Fuses {
    words: [u32; 128],
    locked: u16,
}

impl Fuses {
    pub const fn new() -> Self {
        Self {
            words: [0; 128],
            locked: 0,
        }
    }

    pub fn read(&self, partition: u32, entry: u32) -> Option<u32> {
        if partition >= 16 || entry >= 8 {
            return None;
        }
        self.words.get((partition * 8 + entry) as usize).copied()
    }

    /// Writes a word: a bit goes from 0 to 1 only. Gives whether it was written.
    pub fn write(&mut self, word: u32, data: u32, mask: u32) -> bool {
        let locked = self.locked & (1 << (word / 8).min(15)) != 0;
        let Some(to) = usize::try_from(word)
            .ok()
            .and_then(|at| self.words.get_mut(at))
        else {
            return false;
        };
        if locked && *to & mask != data & mask {
            return false;
        }
        if *to & mask & !data != 0 {
            return false;
        }
        *to |= data & mask;
        true
    }

    pub fn lock(&mut self, partition: u32) -> bool {
        if partition >= 16 {
            return false;
        }
        self.locked |= 1 << partition;
        true
    }
}
