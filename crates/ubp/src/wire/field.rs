//! What all messages share: the first octet, the lengths, and fields at fixed places.

use netboot_verity::BLOCK;

/// Octets of a DATA or PARITY message before the block.
pub const DATA_HEAD: usize = 8;
/// Octets of the longest DATA or PARITY message: no other message of a server is longer.
pub const DATA_MAX: usize = DATA_HEAD + BLOCK;
/// Greatest number of blocks that one PARITY message is the sum of.
pub const PARITY_MOST: u8 = 16;

/// Version of the protocol, in the upper half of the first octet.
const VERSION: u8 = 1;

/// What a message is, in the lower half of the first octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Open = 1,
    Meta = 2,
    Busy = 3,
    Error = 4,
    Get = 5,
    Data = 6,
    Parity = 7,
    Report = 8,
}

impl Kind {
    /// The first octet of such a message.
    pub(super) const fn octet(self) -> u8 {
        VERSION << 4 | self as u8
    }

    /// The kind of a message, if the message has a length that this kind may have. All lengths are checked here.
    pub(super) fn of(message: &[u8]) -> Option<Self> {
        let kind = match (*message.first()?).checked_sub(VERSION << 4)? {
            1 => Kind::Open,
            2 => Kind::Meta,
            3 => Kind::Busy,
            4 => Kind::Error,
            5 => Kind::Get,
            6 => Kind::Data,
            7 => Kind::Parity,
            8 => Kind::Report,
            _ => return None,
        };
        let len = message.len();
        let fits = match kind {
            Kind::Data => len > DATA_HEAD && len <= DATA_MAX,
            _ => len == kind.len(),
        };
        fits.then_some(kind)
    }

    /// Octets of such a message; of DATA, the most.
    pub(super) const fn len(self) -> usize {
        match self {
            Kind::Open => 288,
            Kind::Meta => 80,
            Kind::Busy | Kind::Error => 16,
            Kind::Get => 32,
            Kind::Data | Kind::Parity => DATA_MAX,
            Kind::Report => 48,
        }
    }

    /// The start of `buf`, with room for a message of this kind; zeros but for the first octet.
    pub(super) fn begin(self, buf: &mut [u8]) -> Option<&mut [u8]> {
        let out = buf.get_mut(..self.len())?;
        out.fill(0);
        *out.first_mut()? = self.octet();
        Some(out)
    }
}

/// The `N` octets at `at`; zeros where the message has none, which [`Kind::of`] rules out.
pub(super) fn array<const N: usize>(message: &[u8], at: usize) -> [u8; N] {
    let octets = message.get(at..).and_then(<[u8]>::first_chunk);
    octets.copied().unwrap_or([0; N])
}

/// The number of 16 bits at `at`.
pub(super) fn short(message: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(array(message, at))
}

/// The number of 32 bits at `at`.
pub(super) fn word(message: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(array(message, at))
}

/// The number of 64 bits at `at`.
pub(super) fn long(message: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(array(message, at))
}

/// Writes `octets` at `at`.
#[inline(never)]
pub(super) fn put(out: &mut [u8], at: usize, octets: &[u8]) {
    for (to, from) in out.iter_mut().skip(at).zip(octets) {
        *to = *from;
    }
}

/// Makes `<_>::of`-checked messages short to write: a fixed-size message from its parts.
pub(super) fn message(kind: Kind, buf: &mut [u8], parts: &[(usize, &[u8])]) -> Option<usize> {
    let out = kind.begin(buf)?;
    for (at, octets) in parts {
        put(out, *at, octets);
    }
    Some(kind.len())
}
