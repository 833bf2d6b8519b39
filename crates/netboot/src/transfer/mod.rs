//! One open transfer, whatever its protocol: a stream of octets that is pumped.

#[cfg(feature = "http")]
mod http;
#[cfg(feature = "parallel")]
mod lanes;
#[cfg(feature = "http")]
mod stream;
#[cfg(feature = "parallel")]
mod stripes;
mod tftp;

use crate::NetError;
use crate::stack::{Internal, Stack};
#[cfg(feature = "http")]
use http::HttpTransfer;
use netboot_core::uri::{Scheme, Uri};
use netboot_core::{Device, Instant, Platform};
#[cfg(feature = "http")]
pub(crate) use netboot_http::Validator;
#[cfg(feature = "parallel")]
pub(crate) use stripes::LANES;
use tftp::TftpTransfer;

/// Gets the next octets, in order and in place; returns how many it took.
pub(crate) type Take<'t> = &'t mut dyn FnMut(&[u8]) -> usize;

/// What proves that a file is the same: no protocol of this build has such a thing.
#[cfg(not(feature = "http"))]
#[derive(Clone, Debug)]
pub(crate) enum Validator {}

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
#[cfg_attr(
    not(feature = "http"),
    expect(dead_code, reason = "TFTP begins at the start of a file")
)]
pub(crate) struct Start<'v> {
    /// Octets before the first one wanted.
    pub offset: u64,
    /// Octets up to the last one wanted, it included; `None` for all.
    pub end: Option<u64>,
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

/// Which transfer is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Active {
    None,
    Tftp,
    #[cfg(feature = "http")]
    Http,
}

/// The one transfer that may be open, and the HTTP connection that outlives its transfers.
///
/// Both protocols' state lies here side by side: nothing of it is ever moved.
pub(crate) struct Transfer {
    active: Active,
    /// RFC 1350.
    tftp: Option<TftpTransfer>,
    /// RFC 9112.
    #[cfg(feature = "http")]
    http: HttpTransfer,
}

impl Transfer {
    pub fn new() -> Self {
        Self {
            active: Active::None,
            tftp: None,
            #[cfg(feature = "http")]
            http: HttpTransfer::new(),
        }
    }

    /// Opens `uri`, following redirects (`uri` is then the final one).
    pub fn open<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        uri: &mut Uri,
        start: Start<'_>,
    ) -> Internal<Opened> {
        match uri.scheme() {
            Scheme::Tftp => {
                self.close(stack);
                let opened = TftpTransfer::open(&mut self.tftp, stack, uri)?;
                self.active = Active::Tftp;
                Ok(opened)
            }
            #[cfg(not(feature = "http"))]
            Scheme::Http | Scheme::Https => {
                let _ = start;
                Err(stack.fail(NetError::Unsupported))
            }
            #[cfg(feature = "http")]
            Scheme::Http | Scheme::Https => {
                if self.active == Active::Tftp {
                    self.close(stack);
                }
                self.active = Active::Http;
                self.http.open(stack, uri, start)
            }
        }
    }

    /// Hands at most `max` octets to `take`.
    pub fn pump<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Pumped> {
        let pumped = match (self.active, &mut self.tftp) {
            (Active::Tftp, Some(transfer)) => transfer.pump(stack, now, max, take),
            #[cfg(feature = "parallel")]
            (Active::Http, _) if self.http.is_parallel() => {
                self.http.pump_lanes(stack, now, max, take)
            }
            #[cfg(feature = "http")]
            (Active::Http, _) => self.http.pump(stack, now, max, take),
            _ => Err(stack.fail(NetError::StaleHandle)),
        };
        #[cfg(feature = "http")]
        if matches!(pumped, Ok(Pumped::Complete)) {
            // TCP's last acknowledgment: who knows when the network has its next turn.
            stack.flush();
        }
        pumped
    }

    /// Another image: what stood against several connections with the last one does not count.
    #[cfg(feature = "parallel")]
    pub fn next_image(&mut self) {
        self.http.lanes.alone = false;
    }

    /// Answers what still comes for a transfer that is complete: a TFTP server that missed the last
    /// ACK sends its last block again.
    pub fn linger<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>, now: Instant) {
        if let (Active::Tftp, Some(transfer)) = (self.active, &mut self.tftp) {
            transfer.linger(stack, now);
        }
    }

    /// What proves, at a later request, that the file is the same.
    pub fn validator(&self) -> Option<&Validator> {
        match self.active {
            #[cfg(feature = "http")]
            Active::Http => self.http.validator(),
            Active::None | Active::Tftp => None,
        }
    }

    /// Ends the transfer. A TFTP server is told; an HTTP connection is kept when its response was
    /// read to the end, and cut otherwise.
    pub fn close<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>) {
        match (self.active, &mut self.tftp) {
            (Active::Tftp, Some(transfer)) => transfer.close(stack),
            #[cfg(feature = "http")]
            (Active::Http, _) => self.http.close(stack),
            _ => {}
        }
        self.active = Active::None;
    }
}
