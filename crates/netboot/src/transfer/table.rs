//! The one place that maps a scheme to its carrier.

use super::carrier::{Carrier, Opened, Pumped, Start, Take, Validator};
#[cfg(feature = "http")]
use super::http::Http;
use super::tftp::Tftp;
#[cfg(feature = "ubp")]
use super::ubp::Ubp;
use crate::board::Board;
use crate::error::NetError;
use crate::station::{Internal, Station};
#[cfg(feature = "ubp")]
use netboot_core::Digest;
use netboot_core::Instant;
use netboot_core::uri::{Scheme, Uri};
#[cfg(feature = "negotiate")]
use netboot_ipxe::ServerInfo;

/// Every carrier of this build. One transfer is open at a time; connections outlive their transfers.
pub(crate) struct Carriers<'a, B: Board> {
    tftp: Tftp,
    #[cfg(feature = "http")]
    pub http: Http<'a>,
    /// The UDP boot protocol, once the integrator has given it memory.
    #[cfg(feature = "ubp")]
    pub ubp: Option<&'a mut Ubp<'a>>,
    /// The integrator's own carrier, for every private scheme.
    pub private: Option<&'a mut dyn Carrier<B>>,
    /// Scheme of the transfer that is open.
    active: Option<Scheme>,
}

impl<'a, B: Board> Carriers<'a, B> {
    pub fn new(tftp: Tftp, #[cfg(feature = "http")] http: Http<'a>) -> Self {
        Self {
            tftp,
            #[cfg(feature = "http")]
            http,
            #[cfg(feature = "ubp")]
            ubp: None,
            private: None,
            active: None,
        }
    }

    /// The carrier of a scheme, if this build has one.
    #[inline(never)]
    fn of(&mut self, scheme: Scheme) -> Option<&mut dyn Carrier<B>> {
        match scheme {
            Scheme::Tftp => Some(&mut self.tftp),
            #[cfg(feature = "http")]
            Scheme::Http | Scheme::Https => Some(&mut self.http),
            #[cfg(not(feature = "http"))]
            Scheme::Http | Scheme::Https => None,
            #[cfg(feature = "ubp")]
            Scheme::Ubp => match &mut self.ubp {
                Some(carrier) => Some(&mut **carrier),
                None => None,
            },
            Scheme::Private => match &mut self.private {
                Some(carrier) => Some(&mut **carrier),
                None => None,
            },
        }
    }

    /// The carrier of the transfer that is open.
    fn active(&mut self) -> Option<&mut dyn Carrier<B>> {
        let scheme = self.active?;
        self.of(scheme)
    }

    /// Opens `uri` with the carrier of its scheme.
    pub fn open(
        &mut self,
        station: &mut Station<'_, B>,
        uri: &mut Uri,
        start: Start<'_>,
    ) -> Internal<Opened> {
        let scheme = uri.scheme();
        if self.active.is_some_and(|active| active != scheme) {
            self.close(station);
        }
        let Some(carrier) = self.of(scheme) else {
            return Err(station.fail(NetError::Unsupported));
        };
        let opened = carrier.open(station, uri, start);
        self.active = Some(scheme);
        opened
    }

    /// Hands at most `max` octets of the open transfer to `take`.
    pub fn pump(
        &mut self,
        station: &mut Station<'_, B>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Pumped> {
        let Some(carrier) = self.active() else {
            return Err(station.fail(NetError::Internal));
        };
        let pumped = carrier.pump(station, now, max, take);
        if matches!(pumped, Ok(Pumped::Complete)) {
            // The last acknowledgment goes at once: who knows when the network has its next turn.
            station.flush();
        }
        pumped
    }

    /// Answers what still comes for a transfer that is complete.
    pub fn linger(&mut self, station: &mut Station<'_, B>, now: Instant) {
        if let Some(carrier) = self.active() {
            carrier.linger(station, now);
        }
    }

    /// What proves, at a later request, that the file is the same.
    pub fn validator(&mut self) -> Option<Validator> {
        self.active()?.validator().cloned()
    }

    /// The verity digest of the open file, where its carrier verifies it.
    #[cfg(feature = "ubp")]
    pub fn digest(&mut self) -> Option<Digest> {
        self.active()?.digest()
    }

    /// What the server of the open transfer offers; `size` is that of the file.
    #[cfg(feature = "negotiate")]
    pub fn offer(&mut self, size: Option<u64>) -> ServerInfo {
        let mut info = ServerInfo {
            size,
            ..ServerInfo::new(self.active.unwrap_or(Scheme::Private))
        };
        if let Some(carrier) = self.active() {
            carrier.offer(&mut info);
        }
        info
    }

    /// Prepares for another image.
    pub fn next_image(&mut self) {
        #[cfg(feature = "parallel")]
        self.http.next_image();
    }

    /// Ends the open transfer.
    pub fn close(&mut self, station: &mut Station<'_, B>) {
        if let Some(carrier) = self.active() {
            carrier.close(station);
        }
        self.active = None;
    }

    /// Cuts every connection.
    pub fn disconnect(&mut self, station: &mut Station<'_, B>) {
        #[cfg(feature = "http")]
        self.http.disconnect(station);
        #[cfg(not(feature = "http"))]
        let _ = station;
    }
}
