//! What the caller says of a transfer.

use netboot_core::{Digest, Duration};

/// Says what to ask the server for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Path of the file, at most [`NAME_MAX`](crate::wire::NAME_MAX) octets. With an empty path the file is named by its digest.
    pub path: &'a str,
    /// Verity digest of the file. With `None` the client believes what the server says the digest is: the octets are then as
    /// trustworthy as those of TFTP.
    pub digest: Option<Digest>,
    /// Offset in the file of the first octet that is wanted. The data begins with the block that has it, and with the last block of a shorter file.
    pub offset: u64,
    /// Number of blocks that the caller can hold, 1 to [`WINDOW_MAX`](super::WINDOW_MAX): its receive ring without the frames that other traffic needs.
    pub window: u8,
    /// Octets that the caller can use up in a second. The server spreads its blocks over the time that this takes. With 0 it sends them one
    /// after the other.
    pub rate: u32,
    /// Whether the server shall tell the file's group.
    pub multicast: bool,
}

/// Timers of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Time-out before the first round trip was measured.
    pub initial_timeout: Duration,
    /// Least time-out.
    pub min_timeout: Duration,
    /// Greatest time-out, however often it was doubled.
    pub max_timeout: Duration,
    /// Time without anything right from the server after which the client gives up.
    pub progress_timeout: Duration,
    /// Time for which a server may say that it is busy before the client gives up.
    pub busy_timeout: Duration,
}

impl Default for Timing {
    /// The time-out is 250 ms at first, and later 2 ms at least and 2 s at most. The client gives up after 10 s of silence, or after 60 s
    /// of a server that is busy.
    fn default() -> Self {
        Self {
            initial_timeout: Duration::from_millis(250),
            min_timeout: Duration::from_millis(2),
            max_timeout: Duration::from_secs(2),
            progress_timeout: Duration::from_secs(10),
            busy_timeout: Duration::from_secs(60),
        }
    }
}
