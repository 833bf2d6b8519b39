//! What a server does with a client's message. It keeps nothing of any client, so it may be one of several, or be started anew.
//!
//! - *Amplification*: the answer to OPEN is shorter than OPEN. Blocks are sent only to an address that has answered: its GET has the cookie
//!   that was sent there. A GET with another cookie gets no answer.
//! - *Budget*: beyond it the server says BUSY, and when to come again.

mod bucket;
mod burst;
mod carousel;
mod cookie;
#[cfg(test)]
mod tests;

pub use bucket::Bucket;
pub use burst::Burst;
pub use carousel::Carousel;

use crate::endpoint::Endpoint;
use crate::wire::{
    self, Answer, DATA_MAX, ErrorCode, Get, Group, Meta, Name, Open, Report, Request,
};
use cookie::Keys;
use netboot_core::{Digest, Instant};
use netboot_verity::{BLOCK, Descriptor};

/// A file that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its size and root.
    pub descriptor: Descriptor,
    /// Its verity digest, which is that of the descriptor.
    pub digest: Digest,
    /// Where its blocks are sent to whoever listens, if they are.
    pub group: Option<Group>,
}

impl Object {
    /// What a GET calls the file: the first four octets of its digest.
    pub fn id(&self) -> u32 {
        wire::file_id(&self.digest)
    }
}

/// The files of a server.
pub trait Store {
    /// The file of this name.
    ///
    /// # Errors
    /// What the client is told when there is none, or when it may not have it.
    fn find(&self, name: &Name<'_>) -> Result<Object, ErrorCode>;

    /// Whether there is a file with this id.
    fn has(&self, id: u32) -> bool;

    /// Writes block `number`, in the order of the packed file, to the start of `out`, and returns its length. `None` when there is no such
    /// block, or when it cannot be read.
    fn block(&self, id: u32, number: u32, out: &mut [u8; BLOCK]) -> Option<usize>;
}

/// What to do after a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    None,
    /// Send so many octets of the buffer to whoever sent the message.
    Send(usize),
    /// Send these blocks.
    Burst(Burst),
    /// A client tells how its transfer ended.
    Report(Report),
}

/// A server without a socket.
#[derive(Clone, Debug)]
pub struct Server {
    keys: Keys,
    budget: Option<Bucket>,
}

impl Server {
    /// Makes a server. `key` is random. Without a budget the server never says BUSY.
    pub fn new(key: [u8; 16], budget: Option<Bucket>) -> Self {
        Self {
            keys: Keys::new(key),
            budget,
        }
    }

    /// Takes a new random key. Cookies of the last key stay good until the next call, so that an hour between two calls is a life of one to
    /// two hours.
    pub fn renew(&mut self, key: [u8; 16]) {
        self.keys.renew(key);
    }

    /// Takes a message from `from`. An answer is written to `buf`, which needs [`DATA_MAX`] octets.
    pub fn handle(
        &mut self,
        now: Instant,
        from: Endpoint,
        message: &[u8],
        store: &dyn Store,
        buf: &mut [u8],
    ) -> Reply {
        match Request::parse(message) {
            Some(Request::Open(open)) => self.open(now, from, &open, store, buf),
            Some(Request::Get(get)) if self.keys.is_good(from, get.id, get.cookie) => {
                self.get(now, from, &get, store, buf)
            }
            Some(Request::Report(report)) if self.keys.is_good(from, report.id, report.cookie) => {
                Reply::Report(report)
            }
            _ => Reply::None,
        }
    }

    fn open(
        &mut self,
        now: Instant,
        from: Endpoint,
        open: &Open<'_>,
        store: &dyn Store,
        buf: &mut [u8],
    ) -> Reply {
        let token = open.nonce;
        if let Some(retry) = self.budget.as_mut().and_then(|budget| budget.wait(now)) {
            return send(&Answer::Busy { token, retry }, buf);
        }
        match store.find(&open.name) {
            Ok(object) => {
                let meta = Meta {
                    nonce: open.nonce,
                    cookie: self.keys.cookie(from, object.id()),
                    descriptor: object.descriptor,
                    group: object.group.filter(|_| open.multicast),
                };
                send(&Answer::Meta(meta), buf)
            }
            Err(code) => send(&Answer::Error { token, code }, buf),
        }
    }

    fn get(
        &mut self,
        now: Instant,
        from: Endpoint,
        get: &Get,
        store: &dyn Store,
        buf: &mut [u8],
    ) -> Reply {
        let token = get.cookie;
        if !store.has(get.id) {
            let code = ErrorCode::GONE;
            return send(&Answer::Error { token, code }, buf);
        }
        if let Some(budget) = &mut self.budget {
            if let Some(retry) = budget.wait(now) {
                return send(&Answer::Busy { token, retry }, buf);
            }
            budget.take(get.map.count_ones().saturating_mul(DATA_MAX as u32));
        }
        Reply::Burst(Burst::new(now, from, get))
    }
}

fn send(answer: &Answer<'_>, buf: &mut [u8]) -> Reply {
    answer.emit(buf).map_or(Reply::None, Reply::Send)
}
