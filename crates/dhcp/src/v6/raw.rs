//! The options of the servers' messages in the form in which they came, readable by number.
//!
//! Later stages of a boot ask for options that this crate does not interpret, zero-touch provisioning (option 136) and vendors
//! (option 17) among them. The caller gives a buffer, and has each message kept that [`Client::handle`](crate::v6::Client::handle) says is of use.

use super::error::{Dhcp6Error, MessageError};
use super::options::Options;
use super::packet::{Builder, Packet};
use crate::raw::{Taken, close_gap};

/// Octets before the data of an option: its code and the length of its data.
const HEADER: usize = 4;

/// The options that were kept, in a buffer of the caller's, as they stand in a message.
#[derive(Debug)]
pub struct RawOptions<'b> {
    buffer: &'b mut [u8],
    end: usize,
    /// Number of options that did not fit.
    lost: u16,
}

impl<'b> RawOptions<'b> {
    /// Makes an empty store. A buffer of 1,024 octets holds what usual servers say; an empty one keeps nothing.
    pub fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            end: 0,
            lost: 0,
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.end = 0;
        self.lost = 0;
    }

    /// Keeps the options of `datagram`, a whole message that the client has taken as `taken`. An offer makes everything void that was
    /// kept before. A lease replaces the options that it has, and leaves the others.
    ///
    /// # Errors
    /// [`Dhcp6Error`] when the datagram is no DHCPv6 message. Options that do not fit are left out whole and [counted](Self::lost).
    pub fn keep(&mut self, taken: Taken, datagram: &[u8]) -> Result<(), Dhcp6Error> {
        if taken == Taken::Nothing {
            return Ok(());
        }
        let packet = Packet::parse(datagram).map_err(MessageError::from);
        let options = packet.map_err(Dhcp6Error::Message)?.options;
        if taken == Taken::Offer {
            self.end = 0;
        }
        for (code, _) in options.iter() {
            while self.remove(code) {}
        }
        for (code, data) in options.iter() {
            if self.push(code, data).is_none() {
                self.lost = self.lost.saturating_add(1);
            }
        }
        Ok(())
    }

    /// The data of the first option `code`. `None` when the server sent none, or none that fitted.
    pub fn get(&self, code: u16) -> Option<&[u8]> {
        self.options().find(code)
    }

    /// All options: code and data. The same code may come more than once, such as option 17 for each vendor.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &[u8])> {
        self.options().iter()
    }

    /// Number of options that were left out because the buffer was full.
    pub fn lost(&self) -> u16 {
        self.lost
    }

    fn options(&self) -> Options<'_> {
        Options::new(self.buffer.get(..self.end).unwrap_or_default())
    }

    fn push(&mut self, code: u16, data: &[u8]) -> Option<()> {
        let mut out = Builder::options(self.buffer.get_mut(self.end..)?);
        out.option(code, data);
        self.end = self.end.checked_add(out.finish()?)?;
        Some(())
    }

    /// Takes the first option `code` out, and closes the gap. Tells whether there was one.
    fn remove(&mut self, code: u16) -> bool {
        let mut at = 0usize;
        let mut gap = 0;
        for (found, data) in self.iter() {
            let len = data.len().saturating_add(HEADER);
            if found == code {
                gap = len;
                break;
            }
            at = at.saturating_add(len);
        }
        self.end = close_gap(self.buffer, at, gap, self.end);
        gap != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v6::packet::MessageType;
    use proptest::prelude::*;

    fn message(options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut buf = vec![0; 4096];
        let mut out = Builder::new(&mut buf, MessageType::Reply, 1);
        for (code, data) in options {
            out.option(*code, data);
        }
        let len = out.finish().unwrap();
        buf.truncate(len);
        buf
    }

    fn kept(raw: &RawOptions<'_>) -> Vec<(u16, Vec<u8>)> {
        raw.iter()
            .map(|(code, data)| (code, data.to_vec()))
            .collect()
    }

    #[test]
    fn options_are_read_by_number() {
        let mut buffer = [0; 128];
        let mut raw = RawOptions::new(&mut buffer);
        let offer = message(&[(17, b"one"), (300, b"x"), (17, b"two")]);
        raw.keep(Taken::Offer, &offer).unwrap();
        assert_eq!(raw.get(17), Some(&b"one"[..]));
        // The reply has the last word on what it says, in all instances, and leaves the rest as it was offered.
        raw.keep(Taken::Lease, &message(&[(136, b"s"), (17, b"three")]))
            .unwrap();
        let all = [
            (300, b"x".to_vec()),
            (136, b"s".to_vec()),
            (17, b"three".to_vec()),
        ];
        assert_eq!(kept(&raw), all);
        raw.keep(Taken::Nothing, b"").unwrap();
        assert_eq!((kept(&raw).len(), raw.lost()), (3, 0));
        raw.keep(Taken::Offer, &message(&[(24, b"y")])).unwrap();
        assert_eq!(kept(&raw), [(24, b"y".to_vec())]);
        raw.clear();
        assert_eq!(raw.get(24), None);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let mut buffer = [0; 128];
        let mut raw = RawOptions::new(&mut buffer);
        let malformed = raw.keep(Taken::Lease, &[7, 0, 0]);
        assert_eq!(malformed, Err(Dhcp6Error::Message(MessageError::Malformed)));
        assert_eq!(
            raw.keep(Taken::Lease, &[99, 0, 0, 0]),
            Err(Dhcp6Error::Message(MessageError::NotDhcp))
        );
    }

    #[test]
    fn what_does_not_fit_is_left_out_whole_and_counted() {
        let mut buffer = [0; 12];
        let mut raw = RawOptions::new(&mut buffer);
        raw.keep(
            Taken::Lease,
            &message(&[(17, b"nine octs"), (24, b"four"), (23, b"")]),
        )
        .unwrap();
        assert_eq!(kept(&raw), [(24, b"four".to_vec()), (23, vec![])]);
        assert_eq!(raw.lost(), 1);
        // What fills the buffer to its end fits.
        raw.keep(Taken::Offer, &message(&[(17, b"eight oc")]))
            .unwrap();
        assert_eq!((kept(&raw).len(), raw.lost()), (1, 1));
        raw.clear();
        assert_eq!(raw.lost(), 0);
        let mut none = RawOptions::new(&mut []);
        none.keep(Taken::Lease, &message(&[(17, b"")])).unwrap();
        assert_eq!(none.lost(), 1);
    }

    proptest! {
        #[test]
        fn whatever_is_kept_is_what_came(
            messages in proptest::collection::vec(
                (0..3u8, proptest::collection::vec((0..6u16, proptest::collection::vec(any::<u8>(), 0..20)), 0..6)),
                0..6,
            ),
            room in 0..200usize,
        ) {
            let mut buffer = vec![0; room];
            let mut raw = RawOptions::new(&mut buffer);
            let mut expected: Vec<(u16, Vec<u8>)> = Vec::new();
            for (kind, options) in &messages {
                let taken = [Taken::Nothing, Taken::Offer, Taken::Lease][usize::from(*kind)];
                let listed: Vec<_> = options.iter().map(|(code, data)| (*code, &data[..])).collect();
                raw.keep(taken, &message(&listed)).unwrap();
                match taken {
                    Taken::Nothing => continue,
                    Taken::Offer => expected.clear(),
                    _ => {}
                }
                expected.retain(|(code, _)| !options.iter().any(|(new, _)| new == code));
                for (code, data) in options {
                    let used: usize = expected.iter().map(|(_, data)| data.len() + 4).sum();
                    if used + data.len() + 4 <= room {
                        expected.push((*code, data.clone()));
                    }
                }
                prop_assert_eq!(kept(&raw), expected.clone());
            }
        }
    }
}
