//! What the client did.

use crate::hello::ClientHello;

/// What the client did on one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Its ClientHello messages: two after a HelloRetryRequest.
    pub hellos: Vec<ClientHello>,
    /// Alerts that it sent: level, description, and whether they were sealed.
    pub alerts: Vec<(u8, u8, bool)>,
    /// Its Finished came, and was right.
    pub finished: Option<bool>,
    /// Types of handshake messages that came sealed.
    pub handshake: Vec<u8>,
    /// Body of its Certificate message.
    pub certificate: Option<Vec<u8>>,
    /// Most octets of contents in one of its sealed records.
    pub largest: usize,
    /// Application data.
    pub data: Vec<u8>,
    /// Why the server could not read what came.
    pub error: Option<&'static str>,
    /// Steps of the script that were done.
    pub steps: usize,
    /// Everything that the script says was done.
    pub complete: bool,
}

impl Report {
    /// Requests that came whole.
    pub fn requests(&self) -> usize {
        self.data
            .windows(4)
            .filter(|four| four == b"\r\n\r\n")
            .count()
    }
}
