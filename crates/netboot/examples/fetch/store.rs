//! Where the examples put an image: a sink in memory. In a ROM this is `ocp_recovery::RecoveryAgent`.

use netboot_core::{AbortReason, Blame, Coded, ImageSink, Instant};
use std::fmt;

/// Keeps an image in memory; it takes 1,024 octets at a time.
#[derive(Default)]
pub struct Store(pub Vec<u8>);

/// The store never fails.
#[derive(Debug)]
pub enum Never {}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl Coded for Never {
    fn code(&self) -> u32 {
        match *self {}
    }

    fn blame(&self) -> Blame {
        match *self {}
    }
}

impl ImageSink for Store {
    type Error = Never;

    fn begin(&mut self, _: Instant, _size: u64) -> Result<(), Never> {
        Ok(())
    }

    fn window(&mut self, _: Instant) -> Result<usize, Never> {
        Ok(1_024)
    }

    fn write(&mut self, _: Instant, data: &[u8]) -> Result<(), Never> {
        self.0.extend(data);
        Ok(())
    }

    fn end(&mut self, _: Instant) -> Result<(), Never> {
        Ok(())
    }

    fn poll_ready(&mut self, _: Instant) -> Result<bool, Never> {
        Ok(true)
    }

    fn activate(&mut self, _: Instant) -> Result<(), Never> {
        Ok(())
    }

    fn withdraw(&mut self, _: Instant) -> bool {
        self.0.clear();
        true
    }

    fn abort(&mut self, _: Instant, _: AbortReason) {}
}
