//! What a server says in words, kept short and harmless.

use core::fmt;

/// Greatest number of octets that are kept of a server's message.
pub const MESSAGE_MAX: usize = 64;

/// The text of a server's message: its printable ASCII, cut to [`MESSAGE_MAX`] octets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ServerMessage {
    octets: [u8; MESSAGE_MAX],
    len: u8,
}

impl ServerMessage {
    /// Keeps what is printable of `message`.
    #[inline(never)]
    pub fn new(message: &[u8]) -> Self {
        let mut kept = Self {
            octets: [0; MESSAGE_MAX],
            len: 0,
        };
        // A terminal must not obey what a stranger wrote.
        let printable = message
            .iter()
            .filter(|octet| (b' '..=b'~').contains(*octet));
        for (to, from) in kept.octets.iter_mut().zip(printable) {
            *to = *from;
            kept.len += 1;
        }
        kept
    }

    /// The text, which may be empty.
    pub fn as_str(&self) -> &str {
        let octets = self.octets.get(..usize::from(self.len));
        core::str::from_utf8(octets.unwrap_or_default()).unwrap_or_default()
    }
}

impl From<&str> for ServerMessage {
    fn from(message: &str) -> Self {
        Self::new(message.as_bytes())
    }
}

impl fmt::Display for ServerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ServerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_printable_start_is_kept() {
        assert_eq!(
            ServerMessage::new(b"no\x1b[2J \xff room").as_str(),
            "no[2J  room"
        );
        let long = ServerMessage::new(&[b'x'; 100]);
        assert_eq!(long.as_str(), "x".repeat(MESSAGE_MAX));
        assert_eq!(ServerMessage::from("").to_string(), "");
    }
}
