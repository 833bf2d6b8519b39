//! What a client sends: OPEN, GET and REPORT.

use super::field::{Kind, Reader};
use netboot_core::Digest;

/// Octets of an OPEN message. It is longer than every answer to it, so that nobody can use a server to send somebody else more than he
/// sends the server.
pub const OPEN: usize = Kind::Open.len();
/// Octets of the longest name, which is also the longest that DHCP's option 67 carries.
pub const NAME_MAX: usize = 255;
/// Octets of a buffer that holds every message of a client.
pub const REQUEST_MAX: usize = OPEN;

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
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let kind = Kind::of(message)?;
        let mut reader = Reader(message);
        let [_, flags] = reader.array();
        let short = reader.short();
        let token = reader.long();
        let word = reader.word();
        Some(match kind {
            Kind::Open => Request::Open(Open {
                window: short,
                nonce: token,
                rate: word,
                multicast: flags & WANTS_GROUP != 0,
                name: name(flags, reader)?,
            }),
            Kind::Get => Request::Get(Get {
                gap: short,
                cookie: token,
                id: word,
                map: reader.long(),
                first: reader.word(),
            }),
            Kind::Report => Request::Report(Report {
                cookie: token,
                id: word,
                octets: reader.long(),
                error: reader.word(),
                millis: reader.word(),
                lost: reader.word(),
                repeated: reader.word(),
                wrong: reader.word(),
                state: reader.word(),
            }),
            _ => return None,
        })
    }

    /// Writes the message to the start of `buf`, and returns its length. `None` when `buf` is too short for it, or the name is empty or
    /// too long.
    pub fn emit(&self, buf: &mut [u8]) -> Option<usize> {
        match self {
            Request::Open(open) => open.emit(buf),
            Request::Get(get) => get.emit(buf),
            Request::Report(report) => report.emit(buf),
        }
    }
}

/// The name in an OPEN, behind its other fields.
fn name(flags: u8, mut reader: Reader<'_>) -> Option<Name<'_>> {
    let len = usize::from(reader.short());
    reader.short();
    let name = reader.rest().get(..len)?;
    match flags & BY_DIGEST {
        0 => (1..=NAME_MAX).contains(&len).then_some(Name::Path(name)),
        _ => (len == 32).then(|| Name::Digest(Digest(reader.array()))),
    }
}

impl Open<'_> {
    /// Does what [`Request::emit`] says.
    pub(crate) fn emit(&self, buf: &mut [u8]) -> Option<usize> {
        let (mut flags, name) = match &self.name {
            Name::Path(path) => (0, *path),
            Name::Digest(digest) => (BY_DIGEST, &digest.0[..]),
        };
        let len = u8::try_from(name.len()).ok().filter(|len| *len > 0)?;
        if self.multicast {
            flags |= WANTS_GROUP;
        }
        let mut out = Kind::Open.begin(buf, flags)?;
        out.short(self.window);
        out.long(self.nonce);
        out.word(self.rate);
        out.word(u32::from(len) << 16);
        out.octets(name);
        Some(OPEN)
    }
}

impl Get {
    /// Does what [`Request::emit`] says.
    pub(crate) fn emit(&self, buf: &mut [u8]) -> Option<usize> {
        let mut out = Kind::Get.begin(buf, 0)?;
        out.short(self.gap);
        out.long(self.cookie);
        out.word(self.id);
        out.long(self.map);
        out.word(self.first);
        Some(Kind::Get.len())
    }
}

impl Report {
    /// Does what [`Request::emit`] says.
    pub(crate) fn emit(&self, buf: &mut [u8]) -> Option<usize> {
        let mut out = Kind::Report.begin(buf, 0)?;
        out.short(0);
        out.long(self.cookie);
        out.word(self.id);
        out.long(self.octets);
        let counts = [self.error, self.millis, self.lost, self.repeated];
        for count in counts.into_iter().chain([self.wrong, self.state]) {
            out.word(count);
        }
        Some(Kind::Report.len())
    }
}
