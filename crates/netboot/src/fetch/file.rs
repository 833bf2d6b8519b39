//! The file that is open: where it is, how long it is, and what proves that it is the same.

use crate::board::Board;
use crate::error::NetError;
use crate::station::{Internal, Station};
use crate::transfer::carrier::{Opened, Pumped, Start, Validator};
use crate::transfer::table::Carriers;
#[cfg(feature = "fast-start")]
use netboot_core::Instant;
use netboot_core::uri::{Host, Uri};
use netboot_core::{Blame, Coded, Duration};
use netboot_ipxe::Part;

/// Longest wait that a server may ask for. A larger request is an error: the caller decides what to do.
const LONGEST_ASKED: Duration = Duration::from_secs(120);

/// One image of a server, and the carriers that can fetch it.
pub(crate) struct Fetch<'a, B: Board> {
    pub carriers: Carriers<'a, B>,
    /// Where the file is, after redirects; `None` before the first one.
    pub uri: Option<Uri>,
    /// Where it was asked for: its URI before redirects.
    #[cfg(any(feature = "fast-start", feature = "robust"))]
    asked: Option<Uri>,
    /// Set for a transfer that was opened before anybody asked for it: how long it counts.
    #[cfg(feature = "fast-start")]
    ahead: Option<Instant>,
    pub part: Option<Part>,
    /// Octets of the image, once known.
    pub size: Option<u64>,
    /// Octets of the whole file, if the server told.
    total: Option<u64>,
    /// What proves that the file is the same.
    pub validator: Option<Validator>,
    /// Offset in the file of the next octet that the transfer brings.
    pub at: u64,
    /// Set when the transfer is open and no octet was taken.
    pub fresh: bool,
}

impl<'a, B: Board> Fetch<'a, B> {
    pub fn new(carriers: Carriers<'a, B>) -> Self {
        Self {
            carriers,
            uri: None,
            #[cfg(any(feature = "fast-start", feature = "robust"))]
            asked: None,
            #[cfg(feature = "fast-start")]
            ahead: None,
            part: None,
            size: None,
            total: None,
            validator: None,
            at: 0,
            fresh: false,
        }
    }

    /// Opens another image. A connection of the last one may be reused.
    pub fn open(
        &mut self,
        station: &mut Station<'_, B>,
        uri: &Uri,
        part: Option<Part>,
    ) -> Internal {
        self.uri = Some(uri.clone());
        #[cfg(any(feature = "fast-start", feature = "robust"))]
        {
            self.asked = Some(uri.clone());
        }
        self.part = part;
        self.size = None;
        self.total = None;
        self.validator = None;
        self.carriers.next_image();
        let mut tries = 0;
        let mut addresses = 0;
        loop {
            let Err(failed) = self.connect(station, 0) else {
                return Ok(());
            };
            if station
                .error()
                .is_some_and(|error| error.blame() == Blame::Network)
            {
                station.suspect_path();
            }
            if station.shorten_packets() {
                continue;
            }
            // A host that is down, or refuses: the name may have another one.
            let named = matches!(uri.host(), Host::Name(_));
            let unreachable = station.error().is_some_and(NetError::is_of_address);
            if named && unreachable {
                addresses += 1;
                if addresses < station.next_address() {
                    continue;
                }
            }
            // A server that says when to come back gets what it asks for (RFC 9110, section 10.2.3).
            match station.error().and_then(NetError::retry_after) {
                Some(wait) if tries < station.options.resumes && has_time(station, wait) => {
                    station.wait(wait)?;
                }
                _ => return Err(failed),
            }
            tries += 1;
        }
    }

    /// Ends the open transfer. Only [`open`](Self::open) makes another.
    pub fn close(&mut self, station: &mut Station<'_, B>) {
        self.carriers.close(station);
        self.fresh = false;
    }

    /// Notes that nobody has asked for the open transfer yet. It counts until then.
    #[cfg(feature = "fast-start")]
    pub fn is_early(&mut self, until: Instant) {
        self.ahead = Some(until);
    }

    /// Whether the open transfer is this one, opened early, and counts still. It is asked for with this, and so no longer early.
    #[cfg(feature = "fast-start")]
    pub fn is_ahead(&mut self, uri: &Uri, part: Option<Part>, now: Instant) -> bool {
        let counts = self.ahead.take().is_some_and(|until| now < until);
        let asked = self.asked.as_ref().map(Uri::as_str);
        counts && self.fresh && self.part == part && asked == Some(uri.as_str())
    }

    /// Octets of the file before the image.
    pub fn base(&self) -> u64 {
        self.part.map_or(0, |part| part.offset)
    }

    /// A number for the file as the server showed it, the same whenever address, part, validator and size are the same. 0 for a
    /// file without a validator, which cannot be recognised.
    #[inline(never)]
    pub fn source(&self) -> u32 {
        #[cfg(feature = "http")]
        if let (Some(uri), Some(validator)) = (&self.uri, &self.validator) {
            // Whoever finds a collision is a server that could as well send a wrong rest of the file.
            let part = self.part.unwrap_or(Part { offset: 0, len: 0 });
            let mut hash = mix(FNV, uri.as_str().as_bytes());
            hash = mix(hash, validator.as_str().as_bytes());
            for number in [part.offset, part.len, self.total.unwrap_or(0)] {
                hash = mix(hash, &number.to_le_bytes());
            }
            return hash.max(1);
        }
        0
    }

    /// Opens the transfer for the octets from `position` of the image on. Where a redirect has led to a place that does not serve
    /// any more, as places with a signature in them do after a while, the first one is asked again.
    #[cfg(feature = "robust")]
    #[inline(never)]
    pub fn connect(&mut self, station: &mut Station<'_, B>, position: u64) -> Internal {
        let failed = match self.connect_once(station, position) {
            Err(failed) if position > 0 => failed,
            result => return result,
        };
        let gone = station.error().is_some_and(NetError::is_of_place);
        let elsewhere = match (&self.asked, &self.uri) {
            (Some(asked), Some(uri)) => asked.as_str() != uri.as_str(),
            _ => false,
        };
        if !gone || !elsewhere {
            return Err(failed);
        }
        self.uri.clone_from(&self.asked);
        self.connect_once(station, position)
    }

    /// Opens the transfer for the octets from `position` of the image on.
    #[cfg(not(feature = "robust"))]
    pub fn connect(&mut self, station: &mut Station<'_, B>, position: u64) -> Internal {
        self.connect_once(station, position)
    }

    #[inline(never)]
    fn connect_once(&mut self, station: &mut Station<'_, B>, position: u64) -> Internal {
        self.fresh = false;
        let base = self.base();
        let Some(uri) = &mut self.uri else {
            return Err(station.fail(NetError::Internal));
        };
        let validator = self.validator.as_ref().filter(|_| position > 0);
        // A position without a validator cannot be trusted: read from the start and compare.
        let offset = if position == 0 || validator.is_some() {
            base.saturating_add(position)
        } else {
            0
        };
        let start = Start {
            offset,
            // A response that ends with the part leaves a connection that can be used again.
            end: self
                .part
                .filter(|part| part.len > 0)
                .map(|part| part.offset.saturating_add(part.len)),
            validator,
            total: self.total.filter(|_| position > 0),
        };
        let opened = self.carriers.open(station, uri, start)?;
        self.at = opened.first;
        if let Err(error) = self.learn(opened) {
            self.close(station);
            return Err(station.fail(error));
        }
        if position == 0 {
            self.total = opened.total;
            self.validator = self.carriers.validator();
        }
        self.fresh = true;
        Ok(())
    }

    /// Checks what the server says of the size against the part, and against what it said before.
    fn learn(&mut self, opened: Opened) -> Result<(), NetError> {
        let size = match (self.part, opened.total) {
            (Some(part), Some(total)) if part.offset.saturating_add(part.len) > total => {
                return Err(NetError::PartBeyondEnd);
            }
            (Some(part), _) => Some(part.len),
            (None, total) => total,
        };
        match (self.size, size) {
            (Some(was), Some(is)) if was != is => Err(NetError::SizeChanged { was, is }),
            (None, Some(_)) => {
                self.size = size;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Finds out the image's size; when the server did not tell it, by reading the file once.
    #[inline(never)]
    pub fn measure(&mut self, station: &mut Station<'_, B>) -> Internal<u64> {
        if let Some(size) = self.size {
            return Ok(size);
        }
        let mut size = 0u64;
        loop {
            let now = station.service();
            if now >= station.deadline {
                return Err(station.fail(NetError::Deadline));
            }
            let mut count = |chunk: &[u8]| {
                size = size.saturating_add(chunk.len() as u64);
                chunk.len()
            };
            match self.carriers.pump(station, now, usize::MAX, &mut count)? {
                Pumped::Octets(_) => {}
                Pumped::Nothing(until) => station.idle(now, until),
                Pumped::Complete => break,
            }
        }
        self.close(station);
        self.size = Some(size);
        self.connect(station, 0)?;
        Ok(size)
    }
}

/// Start of FNV-1a with 32 bits.
#[cfg(feature = "http")]
const FNV: u32 = 0x811c_9dc5;

/// Goes on with FNV-1a over `octets`.
#[cfg(feature = "http")]
#[inline(never)]
fn mix(hash: u32, octets: &[u8]) -> u32 {
    octets.iter().fold(hash, |hash, octet| {
        (hash ^ u32::from(*octet)).wrapping_mul(0x0100_0193)
    })
}

/// Whether `wait` is short enough to be waited for, and the caller's deadline allows it. If not, the error at hand says more than
/// a deadline would.
pub(super) fn has_time<B: Board>(station: &mut Station<'_, B>, wait: Duration) -> bool {
    wait <= LONGEST_ASKED && station.now() + wait < station.deadline
}
