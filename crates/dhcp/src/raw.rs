//! The options of the servers' messages in the form in which they came, readable by number.
//!
//! Later stages of a boot, zero-touch provisioning and scripts among them, ask for options that this crate does not interpret.
//! The caller gives a buffer, has each message kept that [`Client::handle`](crate::Client::handle) says is of use, and reads by
//! number. What the DHCP server said and what a ProxyDHCP server said are kept apart.

use crate::error::DhcpError;
use crate::options::Options;
use crate::packet::Packet;

/// As what the client took a message, so that a caller can keep its options ([`RawOptions::keep`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The message said nothing that lasts.
    Nothing,
    /// The message is the best offer so far. What was kept of an earlier offer is void.
    Offer,
    /// The message confirms the lease, and completes what the offer said.
    Lease,
    /// The message has boot information of a ProxyDHCP or PXE server.
    Proxy,
}

/// Which server's options are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The server that gave the address.
    Dhcp,
    /// A ProxyDHCP or PXE server beside it.
    Proxy,
}

/// Octets before the data of a kept option: its number and the length of its data.
const HEADER: usize = 3;
/// The greatest option number; 0 is padding and 255 is the end.
const LAST: u8 = 254;

/// The options that were kept, in a buffer of the caller's.
///
/// Options of the DHCP server grow from the front of the buffer, those of the proxy from its end, each as `{number, length,
/// data}` with a length of two octets. The instances of an option are joined (RFC 3396).
#[derive(Debug)]
pub struct RawOptions<'b> {
    buffer: &'b mut [u8],
    /// End of the DHCP server's options.
    dhcp_end: usize,
    /// Start of the proxy's options.
    proxy: usize,
    /// Number of options that did not fit.
    lost: u16,
}

impl<'b> RawOptions<'b> {
    /// Makes an empty store. A buffer of 1,024 octets holds what usual servers say; an empty one keeps nothing.
    pub fn new(buffer: &'b mut [u8]) -> Self {
        let proxy = buffer.len();
        Self {
            buffer,
            dhcp_end: 0,
            proxy,
            lost: 0,
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.dhcp_end = 0;
        self.proxy = self.buffer.len();
        self.lost = 0;
    }

    /// Keeps the options of `datagram`, a whole DHCP message that the client has taken as `taken`.
    ///
    /// # Errors
    /// [`DhcpError`] when the datagram is no DHCP message. Options that do not fit are left out whole and
    /// [counted](Self::lost).
    pub fn keep(&mut self, taken: Taken, datagram: &[u8]) -> Result<(), DhcpError> {
        if taken == Taken::Nothing {
            return Ok(());
        }
        let options = Packet::parse(datagram)?.options;
        match taken {
            Taken::Proxy => self.proxy = self.buffer.len(),
            Taken::Offer => self.dhcp_end = 0,
            Taken::Lease | Taken::Nothing => {}
        }
        for code in 1..=LAST {
            if let Some((_, len)) = options.join(code, &mut []) {
                let kept = match taken {
                    Taken::Proxy => self.keep_proxy(&options, code, len),
                    _ => self.keep_dhcp(&options, code, len),
                };
                if kept.is_none() {
                    self.lost = self.lost.saturating_add(1);
                }
            }
        }
        Ok(())
    }

    /// The data of option `code`, all its instances joined. `None` when the server sent none, or none that fitted.
    pub fn get(&self, scope: Scope, code: u8) -> Option<&[u8]> {
        self.iter(scope)
            .find_map(|(found, data)| (found == code).then_some(data))
    }

    /// All options of one server: number and data.
    pub fn iter(&self, scope: Scope) -> impl Iterator<Item = (u8, &[u8])> {
        let kept = match scope {
            Scope::Dhcp => self.buffer.get(..self.dhcp_end),
            Scope::Proxy => self.buffer.get(self.proxy..),
        };
        Kept(kept.unwrap_or_default())
    }

    /// Number of options that were left out because the buffer was full.
    pub fn lost(&self) -> u16 {
        self.lost
    }

    fn keep_dhcp(&mut self, options: &Options<'_>, code: u8, len: usize) -> Option<()> {
        self.remove(code);
        let end = self.dhcp_end.checked_add(HEADER)?.checked_add(len)?;
        let place = self.buffer.get_mut(self.dhcp_end..end.min(self.proxy))?;
        write(place, options, code, len)?;
        self.dhcp_end = end;
        Some(())
    }

    fn keep_proxy(&mut self, options: &Options<'_>, code: u8, len: usize) -> Option<()> {
        let start = self.proxy.checked_sub(HEADER.checked_add(len)?)?;
        if start < self.dhcp_end {
            return None;
        }
        write(self.buffer.get_mut(start..self.proxy)?, options, code, len)?;
        self.proxy = start;
        Some(())
    }

    /// Takes an option of the DHCP server out, and closes the gap.
    fn remove(&mut self, code: u8) {
        let mut at = 0usize;
        let mut gap = 0;
        for (found, data) in self.iter(Scope::Dhcp) {
            let len = data.len().saturating_add(HEADER);
            if found == code {
                gap = len;
                break;
            }
            at = at.saturating_add(len);
        }
        self.dhcp_end = close_gap(self.buffer, at, gap, self.dhcp_end);
    }
}

/// Takes the `gap` octets at `at` out of the first `end` octets of `buffer`, and returns their new end.
#[cfg_attr(feature = "ipv6", inline(never))]
pub(crate) fn close_gap(buffer: &mut [u8], at: usize, gap: usize, end: usize) -> usize {
    let end = end.saturating_sub(gap);
    if gap == 0 {
        return end;
    }
    for to in at..end {
        let Some(octet) = buffer.get(to.saturating_add(gap)).copied() else {
            break;
        };
        if let Some(place) = buffer.get_mut(to) {
            *place = octet;
        }
    }
    end
}

/// Writes one option into `place`, which is as long as it has to be; `None` when it is not.
fn write(place: &mut [u8], options: &Options<'_>, code: u8, len: usize) -> Option<()> {
    let (header, data) = place.split_first_chunk_mut::<HEADER>()?;
    if data.len() != len {
        return None;
    }
    let [high, low] = u16::try_from(len).ok()?.to_be_bytes();
    *header = [code, high, low];
    options.join(code, data)?;
    Some(())
}

/// Walks over kept options.
struct Kept<'b>(&'b [u8]);

impl<'b> Iterator for Kept<'b> {
    type Item = (u8, &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let ([code, high, low], rest) = self.0.split_first_chunk::<HEADER>()?;
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        let (data, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((*code, data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::REPLY;
    use crate::packet::MessageType;
    use proptest::prelude::*;

    fn message(options: &[(u8, &[u8])]) -> Vec<u8> {
        crate::model::message(&REPLY, MessageType::Ack, options)
    }

    #[test]
    fn options_are_read_by_number_and_by_server() {
        let mut buffer = [0; 256];
        let mut raw = RawOptions::new(&mut buffer);
        raw.keep(Taken::Offer, &message(&[(43, &[6, 1, 8]), (15, b"lan")]))
            .unwrap();
        raw.keep(Taken::Proxy, &message(&[(43, &[1])])).unwrap();
        let bootstrap = [0, 3, b'x', b':', b'y'];
        // The confirmation has the last word on what it says, and leaves the rest as it was offered.
        raw.keep(Taken::Lease, &message(&[(143, &bootstrap), (15, b"corp")]))
            .unwrap();
        assert_eq!(raw.get(Scope::Dhcp, 43), Some(&[6, 1, 8][..]));
        assert_eq!(raw.get(Scope::Dhcp, 143), Some(&bootstrap[..]));
        assert_eq!(raw.get(Scope::Dhcp, 15), Some(&b"corp"[..]));
        assert_eq!(raw.get(Scope::Proxy, 43), Some(&[1][..]));
        assert_eq!(raw.get(Scope::Proxy, 143), None);
        // A better offer of another server makes the first one void.
        raw.keep(Taken::Offer, &message(&[(12, b"node")])).unwrap();
        assert_eq!(raw.get(Scope::Dhcp, 143), None);
        assert_eq!(raw.get(Scope::Dhcp, 12), Some(&b"node"[..]));
        assert_eq!((raw.get(Scope::Proxy, 43), raw.lost()), (Some(&[1][..]), 0));
        raw.clear();
        assert_eq!(
            raw.iter(Scope::Dhcp).chain(raw.iter(Scope::Proxy)).count(),
            0
        );
    }

    #[test]
    fn an_option_longer_than_255_octets_is_joined_and_kept_whole() {
        let long = [7; 300];
        let mut wire = message(&[(43, &long[..255])]);
        // A second instance before the end.
        let end = wire.iter().rposition(|octet| *octet == 255).unwrap();
        wire.truncate(end);
        wire.extend([43, 45]);
        wire.extend(&long[255..]);
        wire.push(255);
        let mut buffer = [0; 512];
        let mut raw = RawOptions::new(&mut buffer);
        raw.keep(Taken::Lease, &wire).unwrap();
        assert_eq!(raw.get(Scope::Dhcp, 43), Some(&long[..]));
    }

    #[test]
    fn what_does_not_fit_is_left_out_whole_and_counted() {
        let mut buffer = [0; 12];
        let mut raw = RawOptions::new(&mut buffer);
        raw.keep(
            Taken::Lease,
            &message(&[(12, b"four"), (15, b"much longer")]),
        )
        .unwrap();
        assert_eq!(raw.get(Scope::Dhcp, 12), Some(&b"four"[..]));
        assert_eq!(raw.get(Scope::Dhcp, 15), None);
        // Option 53, the message type, fits behind option 12.
        assert_eq!(raw.lost(), 1);
    }

    proptest! {
        #[test]
        fn whatever_is_kept_is_what_came(
            messages in proptest::collection::vec(
                (0..4u8, proptest::collection::vec((1..60u8, proptest::collection::vec(any::<u8>(), 0..40)), 0..8)),
                0..6,
            ),
            room in 0..300usize,
        ) {
            let mut buffer = vec![0; room];
            let mut raw = RawOptions::new(&mut buffer);
            let mut sent = Vec::new();
            for (kind, options) in &messages {
                let taken = [Taken::Nothing, Taken::Offer, Taken::Lease, Taken::Proxy][usize::from(*kind)];
                let listed: Vec<_> = options.iter().map(|(code, data)| (*code, &data[..])).collect();
                let wire = message(&listed);
                let packet = Packet::parse(&wire).unwrap();
                for code in 1..=LAST {
                    let mut joined = vec![0; 400];
                    if let Some((data, _)) = packet.options.join(code, &mut joined) {
                        sent.push((code, data.to_vec()));
                    }
                }
                raw.keep(taken, &wire).unwrap();
                for (code, data) in raw.iter(Scope::Dhcp).chain(raw.iter(Scope::Proxy)) {
                    prop_assert!(sent.contains(&(code, data.to_vec())));
                }
                for scope in [Scope::Dhcp, Scope::Proxy] {
                    let mut codes: Vec<_> = raw.iter(scope).map(|(code, _)| code).collect();
                    let all = codes.len();
                    codes.sort_unstable();
                    codes.dedup();
                    prop_assert_eq!(codes.len(), all, "an option is kept once");
                }
            }
        }
    }
}
