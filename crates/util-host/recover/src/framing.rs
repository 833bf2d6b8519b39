//! I3C over TCP, as the public emulator has it.
//!
//! The client writes the target's address, a command descriptor of 8 octets (MIPI I3C TCRI, *regular transfer*), and for a
//! write the data. The server answers with an octet that tells an in-band interrupt, the address, a response descriptor of 4
//! octets, and for a read the data.

/// Octets of a client's head.
pub const REQUEST_HEAD: usize = 9;
/// Octets of a server's head.
pub const RESPONSE_HEAD: usize = 6;
/// Most octets of data in one transfer: the length field has 16 bits.
pub const MAX_DATA: usize = 0xFFFF;

/// A transfer that the client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Address of the target, 7 bits.
    pub address: u8,
    /// Number of the transaction, 4 bits.
    pub transaction: u8,
    /// Whether data is read.
    pub read: bool,
    /// Octets of data: those that follow in a write, the most that are wanted in a read.
    pub len: u16,
}

impl Request {
    /// The head's octets.
    pub fn emit(&self) -> [u8; REQUEST_HEAD] {
        // Response on completion (bit 30) and terminate on completion (bit 31) are always wanted.
        let mut low = u32::from(self.transaction & 0xF) << 3 | 1 << 30 | 1 << 31;
        if self.read {
            low |= 1 << 29;
        }
        let high = u32::from(self.len) << 16;
        let mut head = [self.address; REQUEST_HEAD];
        for (to, from) in head
            .iter_mut()
            .skip(1)
            .zip(low.to_le_bytes().into_iter().chain(high.to_le_bytes()))
        {
            *to = from;
        }
        head
    }

    /// Reads a head. `None`: it is not a regular transfer.
    pub fn parse(head: &[u8; REQUEST_HEAD]) -> Option<Self> {
        let [address, a, b, c, d, e, f, g, h] = *head;
        let low = u32::from_le_bytes([a, b, c, d]);
        let high = u32::from_le_bytes([e, f, g, h]);
        (low & 7 == 0).then_some(Self {
            address,
            transaction: (low >> 3 & 0xF) as u8,
            read: low >> 29 & 1 == 1,
            len: (high >> 16) as u16,
        })
    }
}

/// The end of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// In-band interrupt: 0 for the answer to a transfer, else the interrupt's mandatory octet.
    pub interrupt: u8,
    /// Address from which it comes.
    pub address: u8,
    /// Number of the transaction.
    pub transaction: u8,
    /// TCRI error status: 0 is success, 5 *address not acknowledged*.
    pub error: u8,
    /// Octets of data that follow.
    pub len: u16,
}

impl Response {
    /// The head's octets.
    pub fn emit(&self) -> [u8; RESPONSE_HEAD] {
        let descriptor = u32::from(self.len)
            | u32::from(self.transaction & 0xF) << 24
            | u32::from(self.error & 0xF) << 28;
        let [a, b, c, d] = descriptor.to_le_bytes();
        [self.interrupt, self.address, a, b, c, d]
    }

    /// Reads a head.
    pub fn parse(head: &[u8; RESPONSE_HEAD]) -> Self {
        let [interrupt, address, a, b, c, d] = *head;
        let descriptor = u32::from_le_bytes([a, b, c, d]);
        Self {
            interrupt,
            address,
            transaction: (descriptor >> 24 & 0xF) as u8,
            error: (descriptor >> 28) as u8,
            len: descriptor as u16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn octets_of_the_heads() {
        let request = Request {
            address: 0x3B,
            transaction: 2,
            read: true,
            len: 0x0112,
        };
        assert_eq!(request.emit(), [0x3B, 0x10, 0, 0, 0xE0, 0, 0, 0x12, 0x01]);
        let response = Response {
            interrupt: 0,
            address: 0x3B,
            transaction: 2,
            error: 5,
            len: 3,
        };
        assert_eq!(response.emit(), [0, 0x3B, 3, 0, 0, 0x52]);
    }

    proptest! {
        #[test]
        fn heads_go_there_and_back(head: [u8; 9], tail: [u8; 6]) {
            if let Some(request) = Request::parse(&head) {
                prop_assert_eq!(Request::parse(&request.emit()), Some(request));
            }
            let response = Response::parse(&tail);
            prop_assert_eq!(Response::parse(&response.emit()), response);
        }
    }
}
