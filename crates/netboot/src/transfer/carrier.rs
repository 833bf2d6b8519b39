//! What carries a file: one trait for every protocol.

use crate::board::Board;
use crate::station::{Internal, Station};
#[cfg(feature = "ubp")]
use netboot_core::Digest;
use netboot_core::Instant;
use netboot_core::uri::Uri;
#[cfg(feature = "http")]
pub use netboot_http::Validator;
#[cfg(feature = "negotiate")]
use netboot_ipxe::ServerInfo;

/// Proof that a file is the same as before. No protocol of this build has such a thing.
#[cfg(not(feature = "http"))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validator {}

/// Takes the next octets of a file, in order and in place; returns how many it took.
pub type Take<'t> = &'t mut dyn FnMut(&[u8]) -> usize;

/// What a pump brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pumped {
    /// This many octets were taken; there may be more.
    Octets(usize),
    /// Nothing is there now. The caller looks again at this instant, or when a frame arrives.
    Nothing(Instant),
    /// The last octet of the file was taken.
    Complete,
}

/// Where in the file a transfer begins.
#[derive(Clone, Copy, Debug)]
pub struct Start<'v> {
    /// Octets before the first one that is wanted. A carrier that cannot skip them begins at the first octet of the file.
    pub offset: u64,
    /// Offset behind the last octet that is wanted; `None` for everything.
    pub end: Option<u64>,
    /// What the file has to be still, for an offset that takes up an earlier transfer.
    pub validator: Option<&'v Validator>,
    /// Octets that the whole file had, for such an offset.
    pub total: Option<u64>,
    /// Verity digest that the file has to have, for such an offset.
    #[cfg(feature = "ubp")]
    pub digest: Option<Digest>,
}

/// What the server said of the file.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    /// Size of the whole file in octets, if the server told.
    pub total: Option<u64>,
    /// Offset of the first octet that will come: 0 unless the server honoured the offset.
    pub first: u64,
}

/// A protocol that fetches files. One transfer is open at a time.
///
/// A carrier owns its sockets, buffers and options; what it needs of the network around it, the [`Station`] has. Every wait is in
/// [`Station::run`], which ends by the caller's deadline.
pub trait Carrier<B: Board> {
    /// Opens `uri`, following redirects; `uri` is then the final one. An earlier transfer is closed.
    ///
    /// # Errors
    /// When the server cannot be found or reached, or does not have the file.
    fn open(
        &mut self,
        station: &mut Station<'_, B>,
        uri: &mut Uri,
        start: Start<'_>,
    ) -> Internal<Opened>;

    /// Hands at most `max` octets to `take`. Never waits.
    ///
    /// # Errors
    /// When the transfer broke.
    fn pump(
        &mut self,
        station: &mut Station<'_, B>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Pumped>;

    /// Answers what still comes for a transfer that is complete.
    fn linger(&mut self, station: &mut Station<'_, B>, now: Instant) {
        let _ = (station, now);
    }

    /// What proves, at a later request, that the file is the same.
    fn validator(&self) -> Option<&Validator> {
        None
    }

    /// Verity digest of the open file, for a carrier that verifies each octet before it hands it on. `None` for all others.
    #[cfg(feature = "ubp")]
    fn digest(&self) -> Option<Digest> {
        None
    }

    /// Adds what the server of the open transfer offers.
    #[cfg(feature = "negotiate")]
    fn offer(&self, info: &mut ServerInfo) {
        let _ = info;
    }

    /// Ends the transfer. Connections that can be used again are kept.
    fn close(&mut self, station: &mut Station<'_, B>);
}
