//! What a server sends: META, BUSY and ERROR; DATA and PARITY.

use super::field::{DATA_HEAD, Kind, PARITY_MOST, Reader, Writer};
use core::net::IpAddr;
use netboot_core::Digest;
use netboot_verity::{BLOCK, Descriptor};

/// META: the file has a group.
const HAS_GROUP: u8 = 1;
/// META: the group's address is one of IPv6.
const IS_V6: u8 = 2;

/// Why a server does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub u16);

impl ErrorCode {
    /// The server has no file of this name.
    pub const NOT_FOUND: Self = Self(1);
    /// The client may not have the file.
    pub const REFUSED: Self = Self(2);
    /// The server cannot read the file.
    pub const FAILED: Self = Self(3);
    /// The server does not have the file of the GET any longer.
    pub const GONE: Self = Self(4);

    /// What the code means.
    pub const fn as_str(self) -> &'static str {
        match self.0 {
            1 => "file not found",
            2 => "access denied",
            3 => "the file cannot be read",
            4 => "the file is not served any longer",
            _ => "unknown error code",
        }
    }
}

/// Where a server sends a file's blocks to whoever listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// The multicast address.
    pub addr: IpAddr,
    /// UDP port.
    pub port: u16,
    /// Octets of blocks in a second.
    pub rate: u32,
}

/// META: the file that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The nonce of the OPEN message.
    pub nonce: u64,
    /// What the client has to put into each GET.
    pub cookie: u64,
    /// Size of the file, and the hash of its top node.
    pub descriptor: Descriptor,
    /// The file's group. A server tells it only to a client that wants it.
    pub group: Option<Group>,
}

/// A message of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The file that was asked for.
    Meta(Meta),
    /// The server has no time.
    Busy {
        /// The nonce of an OPEN, or the cookie of a GET.
        token: u64,
        /// Time in ms after which the client may ask again.
        retry: u32,
    },
    /// The server does not serve.
    Error {
        /// The nonce of an OPEN, or the cookie of a GET.
        token: u64,
        /// Why.
        code: ErrorCode,
    },
    /// A block.
    Data {
        /// The first two octets of the file's verity digest.
        id: u16,
        /// Number of the block, in the order of the packed file.
        number: u32,
        /// The block: 1,024 octets, and fewer at the end of the file.
        block: &'a [u8],
    },
    /// The sum of some blocks.
    Parity {
        /// The first two octets of the file's verity digest.
        id: u16,
        /// Number of the first of the blocks.
        first: u32,
        /// How many blocks follow each other: 2 to [`PARITY_MOST`].
        count: u8,
        /// Their exclusive or. A shorter block counts as padded with zeros.
        sum: &'a [u8; BLOCK],
    },
}

impl<'a> Answer<'a> {
    /// Reads a message. `None` when it is none of a server.
    #[inline(never)]
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let kind = Kind::of(message)?;
        let mut reader = Reader(message);
        let [_, second] = reader.array();
        let short = reader.short();
        // The end of the head of DATA and PARITY.
        let mut block = reader;
        let number = block.word();
        let token = reader.long();
        Some(match kind {
            Kind::Meta => Answer::Meta(meta(reader, second, short, token)),
            Kind::Busy => Answer::Busy {
                token,
                retry: reader.word(),
            },
            Kind::Error => Answer::Error {
                token,
                code: ErrorCode(short),
            },
            Kind::Data => Answer::Data {
                id: short,
                number,
                block: block.rest(),
            },
            Kind::Parity => Answer::Parity {
                id: short,
                first: number,
                count: Some(second).filter(|count| (2..=PARITY_MOST).contains(count))?,
                sum: block.rest().try_into().ok()?,
            },
            _ => return None,
        })
    }

    /// Writes the message to the start of `buf`, and returns its length. `None` when `buf` is too short for it, when the block is empty
    /// or too long, or when the number of blocks is out of its range.
    pub fn emit(&self, buf: &mut [u8]) -> Option<usize> {
        match self {
            Answer::Meta(meta) => emit_meta(meta, buf),
            Answer::Busy { token, retry } => {
                let mut out = Kind::Busy.begin(buf, 0)?;
                out.short(0);
                out.long(*token);
                out.word(*retry);
                Some(Kind::Busy.len())
            }
            Answer::Error { token, code } => {
                let mut out = Kind::Error.begin(buf, 0)?;
                out.short(code.0);
                out.long(*token);
                Some(Kind::Error.len())
            }
            Answer::Data { id, number, block } => {
                if block.is_empty() || block.len() > BLOCK {
                    return None;
                }
                let len = DATA_HEAD.checked_add(block.len())?;
                let mut out = Writer(buf.get_mut(..len)?);
                out.octets(&[Kind::Data.octet(), 0]);
                out.short(*id);
                out.word(*number);
                out.octets(block);
                Some(len)
            }
            Answer::Parity {
                id,
                first,
                count,
                sum,
            } => {
                if !(2..=PARITY_MOST).contains(count) {
                    return None;
                }
                let mut out = Kind::Parity.begin(buf, *count)?;
                out.short(*id);
                out.word(*first);
                out.octets(*sum);
                Some(Kind::Parity.len())
            }
        }
    }
}

/// The rest of META, from the group's rate on.
fn meta(mut reader: Reader<'_>, flags: u8, port: u16, nonce: u64) -> Meta {
    let rate = reader.word();
    let cookie = reader.long();
    let descriptor = Descriptor {
        size: reader.long(),
        root: Digest(reader.array()),
    };
    let addr = match flags & IS_V6 {
        0 => IpAddr::from(reader.array::<4>()),
        _ => IpAddr::from(reader.array::<16>()),
    };
    let group = Group { addr, port, rate };
    Meta {
        nonce,
        cookie,
        descriptor,
        group: (flags & HAS_GROUP != 0).then_some(group),
    }
}

fn emit_meta(meta: &Meta, buf: &mut [u8]) -> Option<usize> {
    let (mut flags, mut port, mut rate, mut addr) = (0, 0, 0, [0; 16]);
    if let Some(group) = &meta.group {
        (flags, port, rate) = (HAS_GROUP, group.port, group.rate);
        match group.addr {
            IpAddr::V4(v4) => Writer(&mut addr).octets(&v4.octets()),
            IpAddr::V6(v6) => {
                flags |= IS_V6;
                addr = v6.octets();
            }
        }
    }
    let mut out = Kind::Meta.begin(buf, flags)?;
    out.short(port);
    out.long(meta.nonce);
    out.word(rate);
    out.long(meta.cookie);
    out.long(meta.descriptor.size);
    out.octets(&meta.descriptor.root.0);
    out.octets(&addr);
    Some(Kind::Meta.len())
}

impl core::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for ErrorCode {}
