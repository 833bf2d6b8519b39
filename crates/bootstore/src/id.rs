//! Names: of boards, of racks and of requests.

use core::fmt;
use heapless::String;

/// Greatest number of octets of a board's identifier, such as a serial number (X.520 allows 64 for one).
pub const IDENTIFIER_MAX: usize = 64;
/// Greatest number of octets of a board's model name.
pub const MODEL_MAX: usize = 32;

/// Family of boards, the tag `type` of an identity on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BaseboardKind {
    /// A server sled of the system that scheme V0 comes from; `gimlet` on the wire.
    Gimlet,
    /// Any other board; `pc` on the wire.
    Pc,
}

/// Identity of a board: what it is called in the rack.
///
/// Boards are ordered by kind, then identifier, then model. This order decides which shares an initial
/// member gets, so that every node derives the same assignment from the same membership.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Baseboard {
    /// Family of the board.
    pub kind: BaseboardKind,
    /// Serial number or another text that is unique in the rack, at most [`IDENTIFIER_MAX`] octets.
    pub identifier: String<IDENTIFIER_MAX, u8>,
    /// Model name, at most [`MODEL_MAX`] octets.
    pub model: String<MODEL_MAX, u8>,
}

impl Baseboard {
    /// A board of kind [`Pc`](BaseboardKind::Pc).
    ///
    /// Returns `None` when `identifier` is empty or longer than [`IDENTIFIER_MAX`] octets, or `model` is
    /// longer than [`MODEL_MAX`] octets.
    pub fn pc(identifier: &str, model: &str) -> Option<Self> {
        Self::new(BaseboardKind::Pc, identifier, model)
    }

    /// A board of any kind; fails like [`pc`](Self::pc).
    pub fn new(kind: BaseboardKind, identifier: &str, model: &str) -> Option<Self> {
        if identifier.is_empty() {
            return None;
        }
        Some(Self {
            kind,
            identifier: String::try_from(identifier).ok()?,
            model: String::try_from(model).ok()?,
        })
    }
}

impl fmt::Display for Baseboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            BaseboardKind::Gimlet => "gimlet",
            BaseboardKind::Pc => "pc",
        };
        write!(f, "{kind}:{}:{}", self.model, self.identifier)
    }
}

impl fmt::Debug for Baseboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! sixteen_octets {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for (index, octet) in self.0.iter().enumerate() {
                    if matches!(index, 4 | 6 | 8 | 10) {
                        f.write_str("-")?;
                    }
                    write!(f, "{octet:02x}")?;
                }
                Ok(())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

sixteen_octets! {
    /// Identifies one initialisation of a rack. Shares of different racks never mix.
    RackUuid
}

sixteen_octets! {
    /// Identifies a request, so that its answer finds it.
    RequestId
}

/// Source of request ids: random octets that were drawn once when the node started, then a counter.
///
/// Ids are unique across restarts because of the random part, and the state machine needs no random
/// source after its start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RequestIds {
    nonce: [u8; 8],
    next: u64,
}

impl RequestIds {
    pub(crate) const fn new(nonce: [u8; 8]) -> Self {
        Self { nonce, next: 0 }
    }

    /// The next id.
    pub(crate) fn next(&mut self) -> RequestId {
        let mut id = [0; 16];
        let (head, tail) = id.split_at_mut(8);
        head.copy_from_slice(&self.nonce);
        tail.copy_from_slice(&self.next.to_be_bytes());
        self.next = self.next.wrapping_add(1);
        RequestId(id)
    }

    /// Whether this source has given out `id`, so that a late answer to it is no offence.
    pub(crate) fn issued(&self, id: RequestId) -> bool {
        let (head, tail) = id.0.split_at(8);
        let mut counter = [0; 8];
        counter.copy_from_slice(tail);
        head == self.nonce && u64::from_be_bytes(counter) < self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boards_sort_by_kind_identifier_model() {
        let a = Baseboard::new(BaseboardKind::Gimlet, "z", "9").unwrap();
        let b = Baseboard::pc("a", "9").unwrap();
        let c = Baseboard::pc("b", "0").unwrap();
        assert!(a < b && b < c);
        assert_eq!(c.to_string(), "pc:0:b");
    }

    #[test]
    fn names_have_bounds() {
        assert!(Baseboard::pc("", "x").is_none());
        assert!(Baseboard::pc(&"s".repeat(64), &"m".repeat(32)).is_some());
        assert!(Baseboard::pc(&"s".repeat(65), "m").is_none());
        assert!(Baseboard::pc("s", &"m".repeat(33)).is_none());
    }

    #[test]
    fn request_ids_are_known_again() {
        let mut ids = RequestIds::new([7; 8]);
        let first = ids.next();
        assert!(ids.issued(first));
        let second = RequestId({
            let mut id = first.0;
            id[15] = 1;
            id
        });
        assert!(!ids.issued(second));
        assert_eq!(ids.next(), second);
        assert!(!RequestIds::new([8; 8]).issued(first));
        assert_eq!(first.to_string(), "07070707-0707-0707-0000-000000000000");
    }
}
