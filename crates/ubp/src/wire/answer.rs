//! What a server sends: META, BUSY and ERROR; DATA and PARITY.

use super::field::{DATA_HEAD, Kind, PARITY_MOST, array, long, message, put, short, word};
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
    pub fn parse(octets: &'a [u8]) -> Option<Self> {
        let id = short(octets, 2);
        let token = long(octets, 4);
        let rest = octets.get(DATA_HEAD..).unwrap_or_default();
        Some(match Kind::of(octets)? {
            Kind::Meta => Answer::Meta(meta(octets)),
            Kind::Busy => Answer::Busy {
                token,
                retry: word(octets, 12),
            },
            Kind::Error => Answer::Error {
                token,
                code: ErrorCode(id),
            },
            Kind::Data => Answer::Data {
                id,
                number: word(octets, 4),
                block: rest,
            },
            Kind::Parity => Answer::Parity {
                id,
                first: word(octets, 4),
                count: Some(*octets.get(1)?).filter(|count| (2..=PARITY_MOST).contains(count))?,
                sum: rest.try_into().ok()?,
            },
            _ => return None,
        })
    }

    /// Writes the message to the start of `buf`, and returns its length. `None` when `buf` is too short for it, when the block is empty
    /// or too long, or when the number of blocks is out of its range.
    pub fn emit(&self, buf: &mut [u8]) -> Option<usize> {
        match self {
            Answer::Meta(meta) => emit_meta(meta, buf),
            Answer::Busy { token, retry } => message(
                Kind::Busy,
                buf,
                &[(4, &token.to_be_bytes()), (12, &retry.to_be_bytes())],
            ),
            Answer::Error { token, code } => message(
                Kind::Error,
                buf,
                &[(2, &code.0.to_be_bytes()), (4, &token.to_be_bytes())],
            ),
            Answer::Data { id, number, block } => {
                if block.is_empty() || block.len() > BLOCK {
                    return None;
                }
                let len = DATA_HEAD.checked_add(block.len())?;
                let out = buf.get_mut(..len)?;
                put(out, 0, &[Kind::Data.octet(), 0]);
                put(out, 2, &id.to_be_bytes());
                put(out, 4, &number.to_be_bytes());
                put(out, DATA_HEAD, block);
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
                let parts: [(usize, &[u8]); 4] = [
                    (1, &[*count]),
                    (2, &id.to_be_bytes()),
                    (4, &first.to_be_bytes()),
                    (DATA_HEAD, *sum),
                ];
                message(Kind::Parity, buf, &parts)
            }
        }
    }
}

fn meta(octets: &[u8]) -> Meta {
    let flags = octets.get(1).copied().unwrap_or(0);
    let addr = match flags & IS_V6 {
        0 => IpAddr::from(array::<4>(octets, 64)),
        _ => IpAddr::from(array::<16>(octets, 64)),
    };
    let group = Group {
        addr,
        port: short(octets, 2),
        rate: word(octets, 12),
    };
    Meta {
        nonce: long(octets, 4),
        cookie: long(octets, 16),
        descriptor: Descriptor {
            size: long(octets, 24),
            root: Digest(array(octets, 32)),
        },
        group: (flags & HAS_GROUP != 0).then_some(group),
    }
}

fn emit_meta(meta: &Meta, buf: &mut [u8]) -> Option<usize> {
    let out = Kind::Meta.begin(buf)?;
    put(out, 4, &meta.nonce.to_be_bytes());
    put(out, 16, &meta.cookie.to_be_bytes());
    put(out, 24, &meta.descriptor.size.to_be_bytes());
    put(out, 32, &meta.descriptor.root.0);
    if let Some(group) = &meta.group {
        put(out, 1, &[HAS_GROUP]);
        put(out, 2, &group.port.to_be_bytes());
        put(out, 12, &group.rate.to_be_bytes());
        match group.addr {
            IpAddr::V4(addr) => put(out, 64, &addr.octets()),
            IpAddr::V6(addr) => {
                put(out, 1, &[HAS_GROUP | IS_V6]);
                put(out, 64, &addr.octets());
            }
        }
    }
    Some(Kind::Meta.len())
}
