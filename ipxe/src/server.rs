//! What a server offers.

use netboot_core::uri::Scheme;

/// What a server has said of itself and of a file, when it was asked for the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// The scheme by which it answered.
    pub scheme: Scheme,
    /// Size of the file in octets, if it told.
    pub size: Option<u64>,
    /// Whether it serves parts of a file, so that a transfer that broke can be taken up where it stopped (HTTP `Accept-Ranges`).
    pub ranges: bool,
    /// Whether the connection stays open for the next file (HTTP).
    pub keep_alive: bool,
    /// Octets of a block, as agreed with a TFTP server (RFC 2348).
    pub blksize: Option<u16>,
    /// Blocks of a window, as agreed with a TFTP server (RFC 7440).
    pub windowsize: Option<u16>,
}

impl ServerInfo {
    /// Makes the description of a server of which nothing is known but its scheme.
    pub const fn new(scheme: Scheme) -> Self {
        Self {
            scheme,
            size: None,
            ranges: false,
            keep_alive: false,
            blksize: None,
            windowsize: None,
        }
    }
}
