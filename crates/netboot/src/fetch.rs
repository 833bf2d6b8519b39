//! One image: which octets of which file, and how to go on when the transfer breaks.
//!
//! A transfer that is taken up again must bring the rest of the *same* file. With HTTP, a range
//! request under `If-Range` makes the server prove it (RFC 9110, section 13.1.5). Without a validator,
//! and with TFTP, the file is read from its start; the octets already delivered are hashed again and
//! not delivered twice, and the two hashes must agree.

#[cfg(feature = "staging")]
pub(crate) mod staged;

use crate::NetError;
use crate::stack::{Failed, Internal, Stack, Step};
use crate::transfer::{Opened, Pumped, Start, Transfer, Validator};
use log::warn;
use netboot_core::uri::Uri;
use netboot_core::{Blame, Coded, Device, Digest, Duration, ImageSink, Instant, Platform};
use netboot_ipxe::{Delivery, ExecError, Part};
use sha2::{Digest as _, Sha256};

/// Progress after which a broken transfer counts as a new trouble, octets.
const PROGRESS: u64 = 16 * 1024;
/// How long a full sink is left alone, while nothing arrives.
const SINK_POLL: Duration = Duration::from_micros(50);
/// How long an idle network may keep the sink's own troubles from being noticed.
const SINK_LOOK: Duration = Duration::from_millis(100);
/// Chunks handed to the sink, while there are more at hand, before the network gets its turn. A full TCP window opens in
/// several steps, so that there is more than one acknowledgment to tell of it: were the only one lost, the server would wait for
/// its persist timer.
const TURNS: u8 = 8;
/// Most octets of a chunk.
const CHUNK: usize = 4096;
/// Longest wait between two resumptions.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Longest wait that a server may ask for. Who asks for more is out of order: the caller decides.
const LONGEST_ASKED: Duration = Duration::from_secs(120);

/// Whether a broken transfer is taken up again here. Without, the caller hears of it, and may begin anew.
const RESUMES: bool = cfg!(feature = "resume");

/// A sink without its error type, so that the drain loop is compiled once.
trait Out {
    fn begin(&mut self, now: Instant, size: u64) -> Result<(), Full>;
    fn window(&mut self, now: Instant) -> Result<usize, Full>;
    fn write(&mut self, now: Instant, data: &[u8]) -> Result<(), Full>;
    fn end(&mut self, now: Instant) -> Result<(), Full>;
}

/// The sink failed; its error is kept with it.
struct Full;

struct Erased<'s, S: ImageSink> {
    sink: &'s mut S,
    error: Option<S::Error>,
}

impl<S: ImageSink> Erased<'_, S> {
    /// The result of a delivery, with the error that lies with the stack or the sink.
    fn finish<D: Device, P: Platform>(
        self,
        stack: &mut Stack<'_, D, P>,
        result: Result<Delivery, Stop>,
    ) -> Result<Delivery, ExecError<NetError, S::Error>> {
        match (result, self.error) {
            (Ok(delivery), _) => Ok(delivery),
            (Err(Stop::Net(failed)), _) => Err(ExecError::Transfer(stack.take_error(failed))),
            (Err(Stop::Sink), Some(error)) => Err(ExecError::Sink(error)),
            // `Full` is only made together with an error.
            (Err(Stop::Sink), None) => Err(ExecError::Transfer(NetError::StaleHandle)),
        }
    }

    fn keep<T>(&mut self, result: Result<T, S::Error>) -> Result<T, Full> {
        result.map_err(|error| {
            self.error = Some(error);
            Full
        })
    }
}

impl<S: ImageSink> Out for Erased<'_, S> {
    fn begin(&mut self, now: Instant, size: u64) -> Result<(), Full> {
        let result = self.sink.begin(now, size);
        self.keep(result)
    }

    fn window(&mut self, now: Instant) -> Result<usize, Full> {
        let result = self.sink.window(now);
        self.keep(result)
    }

    fn write(&mut self, now: Instant, data: &[u8]) -> Result<(), Full> {
        let result = self.sink.write(now, data);
        self.keep(result)
    }

    fn end(&mut self, now: Instant) -> Result<(), Full> {
        let result = self.sink.end(now);
        self.keep(result)
    }
}

/// Which side ended a delivery; the error lies with the stack or with the sink.
enum Stop {
    Net(Failed),
    Sink,
}

impl From<Failed> for Stop {
    fn from(failed: Failed) -> Self {
        Stop::Net(failed)
    }
}

impl From<Full> for Stop {
    fn from(_: Full) -> Self {
        Stop::Sink
    }
}

/// One image of a server.
pub(crate) struct Fetch {
    /// Where it is, after redirects; `None` before the first one.
    pub uri: Option<Uri>,
    /// What was opened ahead of need, before redirects.
    #[cfg(feature = "ahead")]
    pub asked: Option<Uri>,
    part: Option<Part>,
    pub transfer: Transfer,
    /// Octets of the image, once known.
    pub size: Option<u64>,
    /// Octets of the whole file, if the server told.
    total: Option<u64>,
    validator: Option<Validator>,
    /// Offset in the file of the next octet that the transfer brings.
    at: u64,
    /// The transfer is open, and no octet was taken.
    fresh: bool,
}

impl Fetch {
    pub fn new() -> Self {
        Self {
            uri: None,
            #[cfg(feature = "ahead")]
            asked: None,
            part: None,
            transfer: Transfer::new(),
            size: None,
            total: None,
            validator: None,
            at: 0,
            fresh: false,
        }
    }

    /// Opens another image. A connection of the last one may be reused.
    pub fn open<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        uri: &Uri,
        part: Option<Part>,
    ) -> Internal {
        self.uri = Some(uri.clone());
        self.part = part;
        self.size = None;
        self.total = None;
        self.validator = None;
        #[cfg(feature = "parallel")]
        self.transfer.next_image();
        let mut tries = 0;
        loop {
            let Err(failed) = self.connect(stack, 0) else {
                return Ok(());
            };
            if stack.error().is_some_and(|e| e.blame() == Blame::Network) {
                stack.suspect_path();
            }
            // A server that says when to come back gets what it asks for (RFC 9110, section 10.2.3).
            match stack.error().and_then(NetError::retry_after) {
                Some(wait) if tries < stack.options.resumes && has_time(stack, wait) => {
                    wait_for(stack, wait)?;
                }
                _ => return Err(failed),
            }
            tries += 1;
        }
    }

    /// Whether this is what was opened, wherever redirects led from there.
    #[cfg(feature = "ahead")]
    pub fn is(&self, uri: &Uri, part: Option<Part>) -> bool {
        let asked = self.asked.as_ref();
        self.part == part && asked.is_some_and(|asked| asked.as_str() == uri.as_str())
    }

    /// Octets of the file before the image.
    fn base(&self) -> u64 {
        self.part.map_or(0, |part| part.offset)
    }

    /// Opens the transfer for the octets from `position` of the image on.
    #[inline(never)]
    fn connect<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        position: u64,
    ) -> Internal {
        self.fresh = false;
        let Some(uri) = &mut self.uri else {
            return Err(stack.fail(NetError::StaleHandle));
        };
        let base = self.part.map_or(0, |part| part.offset);
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
        let opened = self.transfer.open(stack, uri, start)?;
        self.at = opened.first;
        if let Err(error) = self.learn(opened) {
            self.transfer.close(stack);
            return Err(stack.fail(error));
        }
        if position == 0 {
            self.total = opened.total;
            self.validator = self.transfer.validator().cloned();
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

    /// The image's size; when the server did not tell it, by reading the file once.
    #[inline(never)]
    pub fn measure<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
    ) -> Internal<u64> {
        if let Some(size) = self.size {
            return Ok(size);
        }
        let mut size = 0u64;
        loop {
            let now = stack.service();
            if now >= stack.deadline {
                return Err(stack.fail(NetError::Deadline));
            }
            let mut count = |chunk: &[u8]| {
                size = size.saturating_add(chunk.len() as u64);
                chunk.len()
            };
            match self.transfer.pump(stack, now, usize::MAX, &mut count)? {
                Pumped::Octets(_) => {}
                Pumped::Nothing(until) => stack.idle(now, until),
                Pumped::Complete => break,
            }
        }
        self.transfer.close(stack);
        self.size = Some(size);
        self.connect(stack, 0)?;
        Ok(size)
    }

    /// Delivers the image into `sink`.
    pub fn drain<D: Device, P: Platform, S: ImageSink>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        size: u64,
        sink: &mut S,
    ) -> Result<Delivery, ExecError<NetError, S::Error>> {
        let mut out = Erased { sink, error: None };
        let result = self.drain_into(stack, size, &mut out);
        // A completed transfer stays: its last acknowledgement may have to be sent again.
        if result.is_err() {
            self.transfer.close(stack);
        }
        out.finish(stack, result)
    }

    #[inline(never)]
    fn drain_into<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        size: u64,
        out: &mut dyn Out,
    ) -> Result<Delivery, Stop> {
        let begin = stack.platform.now();
        out.begin(begin, size)?;
        let mut progress = Progress {
            position: 0,
            size,
            hash: Sha256::new(),
            #[cfg(feature = "unhashed")]
            hashing: stack.options.hash,
            prefix: None,
        };
        let mut resumes = 0u32;
        let mut failures = 0u32;
        let mut failed_at = 0u64;
        // Why the transfer could not even be opened again.
        let mut not_opened = None;
        loop {
            let result = match not_opened.take() {
                Some(failed) => Err(Stop::Net(failed)),
                None => self.stream(stack, &mut progress, out),
            };
            let failed = match result {
                Ok(()) => break,
                Err(Stop::Net(failed)) => failed,
                Err(Stop::Sink) => return Err(Stop::Sink),
            };
            if !RESUMES || !stack.error().is_some_and(NetError::resumable) {
                return Err(failed.into());
            }
            self.transfer.close(stack);
            if progress.is_whole() {
                // Only the server's farewell is missing.
                break;
            }
            if !progress.hashes() && progress.position > 0 && self.validator.is_none() {
                // Nothing would show that it is still the same file.
                return Err(failed.into());
            }
            if progress.position.saturating_sub(failed_at) >= PROGRESS {
                failures = 0;
            }
            failed_at = progress.position;
            if failures >= stack.options.resumes {
                return Err(failed.into());
            }
            let wait = resume_wait(stack, progress.position, size, failures);
            if !has_time(stack, wait) {
                return Err(failed.into());
            }
            wait_for(stack, wait)?;
            failures += 1;
            resumes += 1;
            progress.prefix = None;
            not_opened = self.connect(stack, progress.position).err();
        }
        let now = stack.platform.now();
        out.end(now)?;
        let hashing = progress.hashes();
        Ok(Delivery {
            octets: progress.position,
            sha256: hashing.then(|| Digest(progress.hash.finalize().into())),
            resumes,
            duration: now.since(begin),
        })
    }

    /// Pumps until the image is complete or something breaks.
    #[inline(never)]
    fn stream<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        progress: &mut Progress,
        out: &mut dyn Out,
    ) -> Result<(), Stop> {
        if !self.fresh {
            return Err(stack.fail(NetError::StaleHandle).into());
        }
        self.fresh = false;
        let base = self.base();
        // Chunks that went since the network had its turn.
        let mut turns = 0u8;
        loop {
            let serviced = turns == 0;
            let now = match serviced {
                true => stack.service(),
                false => stack.platform.now(),
            };
            if now >= stack.deadline {
                return Err(stack.fail(NetError::Deadline).into());
            }
            let wanted = base.saturating_add(progress.position);
            let skip = wanted.saturating_sub(self.at);
            if RESUMES
                && skip == 0
                && let Err(error) = progress.check_prefix()
            {
                return Err(stack.fail(error).into());
            }
            let missing = progress.size.saturating_sub(progress.position);
            if missing == 0 && self.part.is_some() {
                self.transfer.close(stack);
                return Ok(());
            }
            let window = out.window(now)?;
            let max = match (skip, missing) {
                // The file has to end here: any further octet shows that it does not.
                (0, 0) => 1,
                (0, missing) => usize::try_from(missing).unwrap_or(usize::MAX).min(window),
                (skip, _) => usize::try_from(skip).unwrap_or(usize::MAX),
            };
            let max = max.min(CHUNK);
            turns = turns.wrapping_add(1) % TURNS;
            if max == 0 {
                turns = 0;
                if serviced {
                    stack.idle(now, now + SINK_POLL);
                }
                continue;
            }
            let mut failure = None;
            let mut take = |chunk: &[u8]| {
                if skip > 0 {
                    progress.skipped(self.at, base, chunk);
                    return chunk.len();
                }
                if missing == 0 {
                    failure = Some(None);
                    return 0;
                }
                if let Err(full) = out.write(now, chunk) {
                    failure = Some(Some(full));
                    // Done with: a body that ends here leaves a connection that can be used again.
                    return chunk.len();
                }
                if progress.hashes() {
                    progress.hash.update(chunk);
                }
                progress.position = progress.position.saturating_add(chunk.len() as u64);
                chunk.len()
            };
            let pumped = self.transfer.pump(stack, now, max, &mut take);
            match failure {
                Some(Some(full)) => return Err(full.into()),
                Some(None) => {
                    let (was, is) = (progress.size, progress.size.saturating_add(1));
                    return Err(stack.fail(NetError::SizeChanged { was, is }).into());
                }
                None => {}
            }
            match pumped? {
                Pumped::Octets(taken) => {
                    self.at = self.at.saturating_add(taken as u64);
                    // A sink that takes its time shares it with the network. Another one gets all that is at hand first: the
                    // acknowledgment then tells of a window that is open, and smoltcp tells of a larger one when it has doubled.
                    if now >= stack.round_at {
                        turns = 0;
                    }
                }
                Pumped::Nothing(until) => {
                    turns = 0;
                    if serviced {
                        stack.idle(now, until.min(now + SINK_LOOK));
                    }
                }
                Pumped::Complete if missing == 0 && skip == 0 => return Ok(()),
                Pumped::Complete => {
                    let (got, size) = (progress.position, progress.size);
                    return Err(stack.fail(NetError::Truncated { got, size }).into());
                }
            }
        }
    }
}

/// How far one image is.
struct Progress {
    /// Octets delivered.
    position: u64,
    size: u64,
    /// Of the octets delivered.
    hash: Sha256,
    /// Whether they are hashed at all.
    #[cfg(feature = "unhashed")]
    hashing: bool,
    /// Of the octets read again, while they are.
    prefix: Option<Sha256>,
}

impl Progress {
    #[inline(always)]
    fn hashes(&self) -> bool {
        #[cfg(feature = "unhashed")]
        return self.hashing;
        #[cfg(not(feature = "unhashed"))]
        true
    }

    /// Every octet was delivered, none is being read again.
    fn is_whole(&self) -> bool {
        self.position == self.size && self.prefix.is_none()
    }

    /// Octets of the file from `at` on that were delivered already, or lie before the image.
    fn skipped(&mut self, at: u64, base: u64, chunk: &[u8]) {
        if !RESUMES {
            return;
        }
        let before = usize::try_from(base.saturating_sub(at)).unwrap_or(usize::MAX);
        if let Some(part) = chunk.get(before..) {
            self.prefix.get_or_insert_with(Sha256::new).update(part);
        }
    }

    /// At the end of the octets read again: they must be those delivered.
    fn check_prefix(&mut self) -> Result<(), NetError> {
        let Some(prefix) = self.prefix.take() else {
            return Ok(());
        };
        if self.position > 0
            && (!self.hashes() || prefix.finalize() != self.hash.clone().finalize())
        {
            return Err(NetError::ContentChanged);
        }
        Ok(())
    }
}

/// How long to wait before a transfer is taken up again; a router that may be dead is passed over.
#[inline(never)]
fn resume_wait<D: Device, P: Platform>(
    stack: &mut Stack<'_, D, P>,
    position: u64,
    size: u64,
    failures: u32,
) -> Duration {
    let wait = stack.options.resume_wait * (1u32 << failures.min(10));
    let mut asked = Duration::ZERO;
    let mut dead = false;
    if let Some(error) = stack.error() {
        warn!("transfer broke after {position} of {size} octets: {error}; taking it up again");
        asked = error.retry_after().unwrap_or_default();
        dead = error.blame() == Blame::Network;
    }
    if dead {
        stack.suspect_path();
    }
    wait.min(LONGEST_WAIT).max(asked)
}

/// Whether `wait` is short enough to be waited for, and the caller's deadline allows it. If not, the
/// error at hand says more than a deadline would.
fn has_time<D: Device, P: Platform>(stack: &mut Stack<'_, D, P>, wait: Duration) -> bool {
    wait <= LONGEST_ASKED && stack.platform.now() + wait < stack.deadline
}

/// Lets `wait` pass with the network served.
pub(crate) fn wait_for<D: Device, P: Platform>(
    stack: &mut Stack<'_, D, P>,
    wait: Duration,
) -> Internal {
    let until = stack.platform.now() + wait;
    stack.run(Instant::FAR_FUTURE, NetError::Deadline, |_, now| {
        Ok(if now >= until {
            Step::Done(())
        } else {
            Step::Again(until)
        })
    })
}
