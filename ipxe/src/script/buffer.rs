//! The text of a script while it is fetched, in a buffer of fixed size.

use super::{Fault, ScriptError};
use heapless::Vec;

/// Octets of the longest script, unless the buffer is made for another number.
pub const SCRIPT_LEN: usize = 4096;

/// Takes a script as it comes from the network, in pieces of any size.
#[derive(Clone, Debug, Default)]
pub struct ScriptBuffer<const N: usize = SCRIPT_LEN> {
    octets: Vec<u8, N>,
}

impl<const N: usize> ScriptBuffer<N> {
    /// Makes an empty buffer.
    pub const fn new() -> Self {
        Self { octets: Vec::new() }
    }

    /// Appends a piece.
    ///
    /// # Errors
    /// [`Fault::TooLong`] when the script has more than `N` octets; then the piece is not taken.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), ScriptError> {
        let pushed = self.octets.extend_from_slice(piece);
        pushed.map_err(|_| ScriptError {
            line: 1,
            fault: Fault::TooLong { limit: N as u32 },
        })
    }

    /// The octets so far.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Forgets them, for another script.
    pub fn clear(&mut self) {
        self.octets.clear();
    }
}
