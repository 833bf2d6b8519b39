//! What a client sends: OPEN, GET and REPORT.

use super::field::{Kind, array, long, message, put, short, word};
use netboot_core::Digest;

/// Octets of an OPEN message. It is longer than every answer to it, so that nobody can use a server to send somebody else more than he
/// sends the server.
pub const OPEN: usize = Kind::Open.len();
/// Octets of the longest name, which is also the longest that DHCP's option 67 carries.
pub const NAME_MAX: usize = 255;
/// Octets of a buffer that holds every message of a client.
pub const REQUEST_MAX: usize = OPEN;

/// Offset of the name in an OPEN message.
const NAME: usize = 20;
/// OPEN: the client can take blocks from a group.
const WANTS_GROUP: u8 = 1;
/// OPEN: the name is a digest.
const BY_DIGEST: u8 = 2;

/// How a client names a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// By its path: 1 to [`NAME_MAX`] octets, as they stand in the URI behind the host.
    Path(&'a [u8]),
    /// By its verity digest.
    Digest(Digest),
}

/// OPEN: asks for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open<'a> {
    /// A random number, which the answer repeats.
    pub nonce: u64,
    /// Number of blocks that the client can hold.
    pub window: u16,
    /// Octets that the client can use up in a second; 0 if it does not know.
    pub rate: u32,
    /// Whether the client can take blocks from a group.
    pub multicast: bool,
    /// The file.
    pub name: Name<'a>,
}

/// GET: asks for blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Get {
    /// The number that the server gave in META.
    pub cookie: u64,
    /// The first four octets of the file's verity digest.
    pub id: u32,
    /// Number of a block, in the order of the packed file.
    pub first: u32,
    /// Bit *i* asks for block `first` + *i*.
    pub map: u64,
    /// Time that the server waits from one block to the next, in µs.
    pub gap: u16,
}

/// REPORT: tells how the transfer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The number that the server gave in META.
    pub cookie: u64,
    /// The first four octets of the file's verity digest.
    pub id: u32,
    /// Octets of the file that were used.
    pub octets: u64,
    /// Error number; 0 if all went well.
    pub error: u32,
    /// Duration in ms, from the first OPEN on.
    pub millis: u32,
    /// Number of blocks that were taken for lost.
    pub lost: u32,
    /// Number of blocks that were asked for again.
    pub repeated: u32,
    /// Number of blocks that were not what they had to be.
    pub wrong: u32,
    /// State of the device, in the sense of whoever reports.
    pub state: u32,
}

/// A message of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Asks for a file.
    Open(Open<'a>),
    /// Asks for blocks.
    Get(Get),
    /// Tells how it ended.
    Report(Report),
}

impl<'a> Request<'a> {
    /// Reads a message. `None` when it is none of a client.
    pub fn parse(octets: &'a [u8]) -> Option<Self> {
        Some(match Kind::of(octets)? {
            Kind::Open => Request::Open(open(octets)?),
            Kind::Get => Request::Get(Get {
                gap: short(octets, 2),
                cookie: long(octets, 4),
                id: word(octets, 12),
                map: long(octets, 16),
                first: word(octets, 24),
            }),
            Kind::Report => Request::Report(Report {
                cookie: long(octets, 4),
                id: word(octets, 12),
                octets: long(octets, 16),
                error: word(octets, 24),
                millis: word(octets, 28),
                lost: word(octets, 32),
                repeated: word(octets, 36),
                wrong: word(octets, 40),
                state: word(octets, 44),
            }),
            _ => return None,
        })
    }

    /// Writes the message to the start of `buf`, and returns its length. `None` when `buf` is too short for it, or the name is empty or
    /// too long.
    pub fn emit(&self, buf: &mut [u8]) -> Option<usize> {
        match self {
            Request::Open(open) => emit_open(open, buf),
            Request::Get(get) => message(
                Kind::Get,
                buf,
                &[
                    (2, &get.gap.to_be_bytes()),
                    (4, &get.cookie.to_be_bytes()),
                    (12, &get.id.to_be_bytes()),
                    (16, &get.map.to_be_bytes()),
                    (24, &get.first.to_be_bytes()),
                ],
            ),
            Request::Report(report) => message(
                Kind::Report,
                buf,
                &[
                    (4, &report.cookie.to_be_bytes()),
                    (12, &report.id.to_be_bytes()),
                    (16, &report.octets.to_be_bytes()),
                    (24, &report.error.to_be_bytes()),
                    (28, &report.millis.to_be_bytes()),
                    (32, &report.lost.to_be_bytes()),
                    (36, &report.repeated.to_be_bytes()),
                    (40, &report.wrong.to_be_bytes()),
                    (44, &report.state.to_be_bytes()),
                ],
            ),
        }
    }
}

fn open(octets: &[u8]) -> Option<Open<'_>> {
    let flags = *octets.get(1)?;
    let len = usize::from(short(octets, 16));
    let name = octets.get(NAME..NAME.checked_add(len)?)?;
    let name = match flags & BY_DIGEST {
        0 if (1..=NAME_MAX).contains(&len) => Name::Path(name),
        0 => return None,
        _ if len == 32 => Name::Digest(Digest(array(name, 0))),
        _ => return None,
    };
    Some(Open {
        window: short(octets, 2),
        nonce: long(octets, 4),
        rate: word(octets, 12),
        multicast: flags & WANTS_GROUP != 0,
        name,
    })
}

fn emit_open(open: &Open<'_>, buf: &mut [u8]) -> Option<usize> {
    let (mut flags, name) = match &open.name {
        Name::Path(path) => (0, *path),
        Name::Digest(digest) => (BY_DIGEST, &digest.0[..]),
    };
    let len = u8::try_from(name.len()).ok().filter(|len| *len > 0)?;
    if open.multicast {
        flags |= WANTS_GROUP;
    }
    let out = Kind::Open.begin(buf)?;
    put(out, 1, &[flags]);
    put(out, 2, &open.window.to_be_bytes());
    put(out, 4, &open.nonce.to_be_bytes());
    put(out, 12, &open.rate.to_be_bytes());
    put(out, 17, &[len]);
    put(out, NAME, name);
    Some(OPEN)
}
