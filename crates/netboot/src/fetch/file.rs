//! The file that is open: where it is, how long it is, and what proves that it is the same.

#[cfg(feature = "robust")]
use super::pace::Pace;
use crate::board::Board;
use crate::error::NetError;
use crate::station::{Internal, Station};
use crate::transfer::carrier::{Opened, Pumped, Start, Validator};
use crate::transfer::table::Carriers;
#[cfg(feature = "ubp")]
use netboot_core::Digest;
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
    /// Set when the server was asked for the rest of the image alone.
    pub rest: bool,
    /// Set while what is delivered proves itself: the server need not show that the file is the same for the rest to be asked for.
    #[cfg(feature = "verity")]
    proved: bool,
    /// Verity digest of the file, where its carrier verifies it.
    #[cfg(feature = "ubp")]
    digest: Option<Digest>,
    /// Octets of the image that were delivered when its transfer broke. Another place with the same file is asked for the rest alone.
    #[cfg(feature = "robust")]
    pub left_at: u64,
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
            rest: false,
            #[cfg(feature = "verity")]
            proved: false,
            #[cfg(feature = "ubp")]
            digest: None,
            #[cfg(feature = "robust")]
            left_at: 0,
        }
    }

    /// Whether what is delivered proves itself.
    pub fn proved(&self) -> bool {
        #[cfg(feature = "verity")]
        return self.proved;
        #[cfg(not(feature = "verity"))]
        false
    }

    /// Says whether what is delivered proves itself. Without the feature `verity` nothing does.
    pub fn set_proved(&mut self, proved: bool) {
        #[cfg(feature = "verity")]
        {
            self.proved = proved;
        }
        #[cfg(not(feature = "verity"))]
        let _ = proved;
    }

    /// Opens another image. A connection of the last one may be reused.
    pub fn open(
        &mut self,
        station: &mut Station<'_, B>,
        uri: &Uri,
        part: Option<Part>,
    ) -> Internal {
        #[cfg(feature = "robust")]
        let mut position = self.position_of(uri, part);
        #[cfg(not(feature = "robust"))]
        let position = 0;
        self.uri = Some(uri.clone());
        #[cfg(any(feature = "fast-start", feature = "robust"))]
        {
            self.asked = Some(uri.clone());
        }
        self.part = part;
        self.size = None;
        self.set_proved(false);
        if position == 0 {
            self.total = None;
            self.validator = None;
        }
        self.carriers.next_image();
        let mut tries = 0;
        let mut addresses = 0;
        #[cfg(all(feature = "dns", feature = "ipv6"))]
        station.names.begin_round();
        loop {
            let Err(failed) = self.connect(station, position) else {
                #[cfg(feature = "robust")]
                if position > 0 && !self.is_proven() {
                    position = 0;
                    self.close(station);
                    continue;
                }
                return Ok(());
            };
            #[cfg(feature = "robust")]
            if position > 0 && station.error().is_some_and(NetError::is_of_range) {
                position = 0;
                continue;
            }
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
                if station.next_address(addresses) {
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

    /// Octets of the image that need not come again from this place: it has a file of the same name as the one whose transfer broke. 0 for a
    /// place of which nothing is known.
    #[cfg(feature = "robust")]
    fn position_of(&self, uri: &Uri, part: Option<Part>) -> u64 {
        let asked = self.asked.as_ref().map(Uri::target);
        let same = asked == Some(uri.target()) && self.part == part;
        match &self.validator {
            Some(_) if same => self.left_at,
            _ => 0,
        }
    }

    /// Whether the answer to a request for the rest of the file shows that it is the same file: it has the validator that was asked for, or it
    /// is the whole file, whose first octets are compared.
    #[cfg(feature = "robust")]
    fn is_proven(&mut self) -> bool {
        let told = self.carriers.validator();
        self.size.is_some() && told.is_some() && told == self.validator
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

    /// A number for the file as the server showed it, the same whenever path, part, validator and size are the same. 0 for a
    /// file without a validator, which cannot be recognised.
    #[inline(never)]
    pub fn source(&self) -> u32 {
        #[cfg(all(feature = "http", feature = "robust"))]
        let uri = &self.asked;
        #[cfg(all(feature = "http", not(feature = "robust")))]
        let uri = &self.uri;
        #[cfg(feature = "http")]
        if let (Some(uri), Some(validator)) = (uri, &self.validator) {
            // The host does not count: two servers with one file show the same path, size and validator. A server that makes a collision on purpose
            // could as well send a wrong rest of the right file.
            let part = self.part.unwrap_or(Part { offset: 0, len: 0 });
            let mut hash = mix(FNV, uri.target().as_bytes());
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
        let proved = self.proved();
        let Some(uri) = &mut self.uri else {
            return Err(station.fail(NetError::Internal));
        };
        let validator = self.validator.as_ref().filter(|_| position > 0);
        // A position without a validator cannot be trusted: read from the start and compare.
        let offset = if position == 0 || validator.is_some() || proved {
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
            #[cfg(feature = "ubp")]
            digest: self.digest.filter(|_| position > 0),
        };
        let opened = self.carriers.open(station, uri, start)?;
        self.at = opened.first;
        self.rest = offset > base;
        if let Err(error) = self.learn(opened) {
            self.close(station);
            return Err(station.fail(error));
        }
        if self.at != offset || position == 0 {
            // The whole file comes, whose first octets will be compared.
            self.total = opened.total;
            self.validator = self.carriers.validator();
            // What was delivered was of the file with the other validator.
            #[cfg(feature = "robust")]
            {
                self.left_at = 0;
            }
        }
        #[cfg(feature = "ubp")]
        {
            self.digest = self.carriers.digest();
        }
        self.fresh = true;
        Ok(())
    }

    /// The verity digest of the image, where the carrier verifies the file, and the image is all of it.
    #[cfg(feature = "ubp")]
    pub fn digest(&self) -> Option<Digest> {
        self.digest.filter(|_| self.part.is_none())
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
        #[cfg(feature = "robust")]
        let mut pace = Pace::new(station.options.slow, 0);
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
                Pumped::Nothing(until) => {
                    station.idle(now, until);
                    #[cfg(feature = "robust")]
                    pace.waited(station, now, size)?;
                }
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
