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

    /// Begins a message of this kind at the start of `buf`, with its second octet; all else is zero until it is written.
    #[inline(never)]
    pub(super) fn begin(self, buf: &mut [u8], second: u8) -> Option<Writer<'_>> {
        let out = buf.get_mut(..self.len())?;
        out.fill(0);
        let mut writer = Writer(out);
        writer.octets(&[self.octet(), second]);
        Some(writer)
    }
}

/// Reads the fields of a message one after the other. What the message does not have reads as zeros; [`Kind::of`] rules that out.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `N` octets.
    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk() {
            Some((octets, rest)) => {
                self.0 = rest;
                *octets
            }
            None => [0; N],
        }
    }

    /// The next number of 16 bits.
    #[inline(never)]
    pub(super) fn short(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    /// The next number of 32 bits.
    #[inline(never)]
    pub(super) fn word(&mut self) -> u32 {
        u32::from_be_bytes(self.array())
    }

    /// The next number of 64 bits.
    pub(super) fn long(&mut self) -> u64 {
        u64::from(self.word()) << 32 | u64::from(self.word())
    }

    /// What is left.
    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Writes the fields of a message one after the other.
pub(super) struct Writer<'a>(pub(super) &'a mut [u8]);

impl Writer<'_> {
    /// Writes octets. What has no room is left out; [`Kind::begin`] rules that out.
    #[inline(never)]
    pub(super) fn octets(&mut self, octets: &[u8]) {
        let out = core::mem::take(&mut self.0);
        if let Some((head, tail)) = out.split_at_mut_checked(octets.len()) {
            for (to, from) in head.iter_mut().zip(octets) {
                *to = *from;
            }
            self.0 = tail;
        }
    }

    /// Writes a number of 16 bits.
    pub(super) fn short(&mut self, number: u16) {
        self.octets(&number.to_be_bytes());
    }

    /// Writes a number of 32 bits.
    #[inline(never)]
    pub(super) fn word(&mut self, number: u32) {
        self.octets(&number.to_be_bytes());
    }

    /// Writes a number of 64 bits.
    pub(super) fn long(&mut self, number: u64) {
        self.word((number >> 32) as u32);
        self.word(number as u32);
    }
}
