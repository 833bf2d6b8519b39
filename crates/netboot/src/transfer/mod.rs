//! One open transfer, whatever its protocol: a stream of octets that is pumped.

mod http;
mod tftp;

use crate::NetError;
use crate::stack::Stack;
use http::HttpTransfer;
use netboot_core::uri::{Scheme, Uri};
use netboot_core::{Device, Instant, Platform};
use netboot_http::Validator;
use tftp::TftpTransfer;

/// Gets the next octets, in order and in place; returns how many it took.
pub(crate) type Take<'t> = &'t mut dyn FnMut(&[u8]) -> usize;

/// What a pump brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pumped {
    /// This many octets were taken; there may be more.
    Octets(usize),
    /// Nothing is there now; look again at this instant, or when a frame arrives.
    Nothing(Instant),
    /// The last octet of the file was taken.
    Complete,
}

/// Where in the file to begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start<'v> {
    /// Octets before the first one wanted.
    pub offset: u64,
    /// What the file has to be still, for an offset that takes up an earlier transfer.
    pub validator: Option<&'v Validator>,
    /// Octets that the whole file had, for such an offset.
    pub total: Option<u64>,
}

/// What the server said of the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    /// Size of the whole file in octets, if told.
    pub total: Option<u64>,
    /// Offset of the first octet that will come: 0 unless the server honoured the offset.
    pub first: u64,
}

/// One open transfer.
// One exists at a time, inside a static: a box for the larger variant is not to be had.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Transfer {
    /// None.
    Closed,
    /// RFC 1350.
    Tftp(TftpTransfer),
    /// RFC 9112.
    Http(HttpTransfer),
}

impl Transfer {
    /// Opens `uri`, following redirects (`uri` is then the final one).
    pub fn open<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        uri: &mut Uri,
        start: Start<'_>,
    ) -> Result<Opened, NetError> {
        match uri.scheme() {
            Scheme::Tftp => {
                self.close(stack);
                let (transfer, opened) = TftpTransfer::open(stack, uri)?;
                *self = Transfer::Tftp(transfer);
                Ok(opened)
            }
            Scheme::Http => {
                if !matches!(self, Transfer::Http(_)) {
                    self.close(stack);
                    *self = Transfer::Http(HttpTransfer::new());
                }
                let Transfer::Http(transfer) = self else {
                    return Err(NetError::Unsupported);
                };
                transfer.open(stack, uri, start)
            }
            Scheme::Https => Err(NetError::Unsupported),
        }
    }

    /// Hands at most `max` octets to `take`.
    pub fn pump<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Result<Pumped, NetError> {
        match self {
            Transfer::Closed => Err(NetError::StaleHandle),
            Transfer::Tftp(transfer) => transfer.pump(stack, now, max, take),
            Transfer::Http(transfer) => transfer.pump(stack, now, max, take),
        }
    }

    /// Answers what still comes for a transfer that is complete: a TFTP server that missed the last
    /// ACK sends its last block again.
    pub fn linger<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>, now: Instant) {
        if let Transfer::Tftp(transfer) = self {
            transfer.linger(stack, now);
        }
    }

    /// What proves, at a later request, that the file is the same.
    pub fn validator(&self) -> Option<&Validator> {
        match self {
            Transfer::Http(transfer) => transfer.validator(),
            Transfer::Closed | Transfer::Tftp(_) => None,
        }
    }

    /// Ends the transfer. A TFTP server is told; an HTTP connection is kept when its response was
    /// read to the end, and cut otherwise.
    pub fn close<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>) {
        match self {
            Transfer::Closed => {}
            Transfer::Tftp(transfer) => {
                transfer.close(stack);
                *self = Transfer::Closed;
            }
            Transfer::Http(transfer) => transfer.close(stack),
        }
    }
}
