//! A file whose octets are looked at as they come, and kept nowhere.

use netboot_core::{Digest, Instant};
use netboot_ipxe::{Deliver, SinkFailed};

/// Looks at octets.
pub(crate) trait Pieces {
    /// Takes the next octets of the file.
    fn push(&mut self, octets: &[u8]);

    /// SHA-256 of all octets so far, if they are hashed. With it a transfer that broke is taken up again.
    fn digest(&self) -> Option<Digest> {
        None
    }
}

/// Gives the octets of a file to whoever looks at them.
pub(crate) struct PieceSink<P> {
    pub pieces: P,
    position: u64,
}

impl<P> PieceSink<P> {
    pub(crate) fn new(pieces: P) -> Self {
        Self {
            pieces,
            position: 0,
        }
    }
}

impl<P: Pieces> Deliver for PieceSink<P> {
    fn position(&self) -> u64 {
        self.position
    }

    fn size(&self) -> Option<u64> {
        None
    }

    fn begin(&mut self, _: Instant, _: u64) -> Result<(), SinkFailed> {
        Ok(())
    }

    /// What was pushed was taken.
    fn withdraw(&mut self, _: Instant) -> bool {
        false
    }

    fn window(&mut self, _: Instant) -> Result<usize, SinkFailed> {
        Ok(usize::MAX)
    }

    fn write(&mut self, _: Instant, data: &[u8]) -> Result<(), SinkFailed> {
        self.position = self.position.saturating_add(data.len() as u64);
        self.pieces.push(data);
        Ok(())
    }

    fn end(&mut self, _: Instant) -> Result<(), SinkFailed> {
        Ok(())
    }

    fn digest(&self) -> Option<Digest> {
        self.pieces.digest()
    }
}
