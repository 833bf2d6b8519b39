//! The image into its delivery, with resumption.

use super::file::{Fetch, has_time};
#[cfg(feature = "robust")]
use super::pace::Pace;
use crate::board::Board;
use crate::error::NetError;
use crate::station::{Failed, Station};
use crate::transfer::carrier::Pumped;
use log::warn;
use netboot_core::hasher::Sha256;
use netboot_core::{Backoff, Blame, Coded, Duration, Instant, Platform};
use netboot_ipxe::{Deliver, SinkFailed};
use rand_core::RngCore;

/// Octets of progress after which a broken transfer counts as a new trouble.
const PROGRESS: u64 = 16 * 1024;
/// How long a full sink is left alone while nothing arrives.
const SINK_POLL: Duration = Duration::from_micros(50);
/// How long an idle network may keep the sink's own troubles from being noticed.
const SINK_LOOK: Duration = Duration::from_millis(100);
/// Number of chunks handed to the sink, while there are more at hand, before the network gets its turn. A full TCP window opens in
/// several steps, so that there is more than one acknowledgment to tell of it: were the only one lost, the server would wait for
/// its persist timer.
const TURNS: u8 = 8;
/// Octets of the largest chunk.
const CHUNK: usize = 4096;
/// Longest wait between two resumptions.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Whether a broken transfer is taken up again here. Without, the caller hears of it, and may call again.
const RESUMES: bool = cfg!(feature = "robust");

/// Whether the delivery proves each octet itself, so that any source may bring the rest.
fn proves(delivery: &dyn Deliver) -> bool {
    #[cfg(feature = "verity")]
    return delivery.proves_itself();
    #[cfg(not(feature = "verity"))]
    {
        let _ = delivery;
        false
    }
}

/// Which side ended a delivery; the error lies with the station or with the delivery.
pub(crate) enum Stop {
    /// The transfer failed.
    Net(Failed),
    /// The source has another file than the one that was begun.
    Refused(Failed),
    /// The sink failed.
    Sink,
}

impl From<Failed> for Stop {
    fn from(failed: Failed) -> Self {
        Stop::Net(failed)
    }
}

impl From<SinkFailed> for Stop {
    fn from(_: SinkFailed) -> Self {
        Stop::Sink
    }
}

/// Delivers the open image, from where the delivery stands. On failure the transfer is closed and the delivery stays where it is.
pub(crate) fn deliver<B: Board>(
    fetch: &mut Fetch<'_, B>,
    station: &mut Station<'_, B>,
    size: u64,
    delivery: &mut dyn Deliver,
) -> Result<(), Stop> {
    let result = run(fetch, station, size, delivery);
    // A completed transfer stays: its last acknowledgement may have to be sent again.
    if result.is_err() {
        fetch.close(station);
    }
    #[cfg(feature = "robust")]
    {
        fetch.left_at = match (&result, fetch.source()) {
            (Err(_), source) if source != 0 && source == delivery.source() => delivery.position(),
            _ => 0,
        };
    }
    result
}

#[inline(never)]
fn run<B: Board>(
    fetch: &mut Fetch<'_, B>,
    station: &mut Station<'_, B>,
    size: u64,
    delivery: &mut dyn Deliver,
) -> Result<(), Stop> {
    if !fetch.fresh {
        return Err(station.fail(NetError::StaleHandle).into());
    }
    take_up(fetch, station, size, delivery)?;
    let mut failures = 0u32;
    let mut backoff = Backoff::new(station.options.resume_wait, LONGEST_WAIT);
    let mut failed_at = delivery.position();
    // Set once the next octet of the transfer is the next one of the delivery.
    let mut joined = false;
    // Why the transfer could not even be opened again.
    let mut not_opened = None;
    loop {
        let result = match not_opened.take() {
            Some(failed) => Err(Stop::Net(failed)),
            None => stream(fetch, station, size, delivery, &mut joined),
        };
        let failed = match result {
            Ok(()) => break,
            Err(Stop::Net(failed)) => failed,
            Err(stop) => return Err(stop),
        };
        if !RESUMES || !station.error().is_some_and(NetError::resumable) {
            return Err(failed.into());
        }
        fetch.close(station);
        let position = delivery.position();
        if joined && position == size {
            // Only the server's farewell is missing.
            break;
        }
        fetch.set_proved(proves(delivery));
        let provable = fetch.validator.is_some() || fetch.proved() || delivery.digest().is_some();
        if position > 0 && !provable {
            // Nothing would show that it is still the same file.
            return Err(failed.into());
        }
        if position.saturating_sub(failed_at) >= PROGRESS {
            failures = 0;
            backoff.reset();
        }
        failed_at = position;
        let damaged = is_wrong_block(station);
        // A block that comes wrong twice is wrong on the server, too.
        let most = match damaged {
            true => 1,
            false => station.options.resumes,
        };
        if failures >= most {
            return Err(failed.into());
        }
        let wait = match damaged {
            true => Duration::ZERO,
            false => resume_wait(station, position, size, &mut backoff),
        };
        if !has_time(station, wait) {
            return Err(failed.into());
        }
        station.wait(wait)?;
        failures += 1;
        delivery.resumed();
        not_opened = fetch.connect(station, position).err();
    }
    #[cfg(feature = "verity")]
    drain(station, delivery)?;
    let now = station.now();
    Ok(delivery.end(now)?)
}

/// Whether the transfer broke because a block was not what it has to be.
fn is_wrong_block<B: Board>(station: &Station<'_, B>) -> bool {
    #[cfg(feature = "verity")]
    return matches!(station.error(), Some(NetError::WrongBlock { .. }));
    #[cfg(not(feature = "verity"))]
    {
        let _ = station;
        false
    }
}

/// Waits until the sink has taken what the delivery holds.
#[cfg(feature = "verity")]
fn drain<B: Board>(station: &mut Station<'_, B>, delivery: &mut dyn Deliver) -> Result<(), Stop> {
    loop {
        let now = station.service();
        if delivery.flush(now)? {
            return Ok(());
        }
        if now >= station.deadline {
            return Err(station.fail(NetError::Deadline).into());
        }
        station.idle(now, now + SINK_POLL);
    }
}

/// Brings the open file and the delivery together: begins the image, or finds the way to the octet that comes next.
#[inline(never)]
fn take_up<B: Board>(
    fetch: &mut Fetch<'_, B>,
    station: &mut Station<'_, B>,
    size: u64,
    delivery: &mut dyn Deliver,
) -> Result<(), Stop> {
    let now = station.now();
    let source = fetch.source();
    let same = source != 0 && source == delivery.source();
    let goes_on = same || proves(delivery) && delivery.size() == Some(size);
    if delivery.size().is_some() && !goes_on {
        // While the sink has used nothing, another file may take the place of the first.
        delivery.withdraw(now);
    }
    // A delivery that proves what it takes says itself whether the file is the same in another form.
    if let Some(was) = delivery.size()
        && was != size
        && !(cfg!(feature = "ubp") && proves(delivery))
    {
        return Err(Stop::Refused(
            station.fail(NetError::SizeChanged { was, is: size }),
        ));
    }
    begin(fetch, now, size, delivery)?;
    fetch.set_proved(proves(delivery));
    let position = delivery.position();
    // Where the server has just shown the validator that the octets delivered so far had, they need not come again. Of any other file they all
    // have to come, to be compared.
    let start = if same || fetch.proved() { position } else { 0 };
    let behind = fetch.at > fetch.base().saturating_add(start);
    if behind || (start > 0 && !fetch.rest) {
        fetch.close(station);
        fetch.connect(station, start)?;
    }
    Ok(())
}

/// Begins the image, or goes on with it.
fn begin<B: Board>(
    fetch: &Fetch<'_, B>,
    now: Instant,
    size: u64,
    delivery: &mut dyn Deliver,
) -> Result<(), SinkFailed> {
    #[cfg(feature = "ubp")]
    if let Some(digest) = fetch.digest() {
        return delivery.begin_verified(now, size, &digest);
    }
    let _ = fetch;
    delivery.begin(now, size)
}

/// Pumps until the image is complete or something breaks.
#[inline(never)]
fn stream<B: Board>(
    fetch: &mut Fetch<'_, B>,
    station: &mut Station<'_, B>,
    size: u64,
    delivery: &mut dyn Deliver,
    joined: &mut bool,
) -> Result<(), Stop> {
    if !fetch.fresh {
        return Err(station.fail(NetError::Internal).into());
    }
    fetch.fresh = false;
    let base = fetch.base();
    // Hash of the octets that come again, and are not delivered twice.
    let mut prefix: Option<Sha256> = None;
    *joined = false;
    #[cfg(feature = "robust")]
    let mut pace = Pace::new(station.options.slow, fetch.at);
    // Chunks that went since the network had its turn.
    let mut turns = 0u8;
    loop {
        let serviced = turns == 0;
        let now = match serviced {
            true => station.service(),
            false => station.now(),
        };
        if now >= station.deadline {
            return Err(station.fail(NetError::Deadline).into());
        }
        let position = delivery.position();
        let skip = base.saturating_add(position).saturating_sub(fetch.at);
        #[cfg(feature = "verity")]
        if *joined && base.saturating_add(position) < fetch.at {
            let offset = position;
            return Err(station.fail(NetError::WrongBlock { offset }).into());
        }
        if !*joined && skip == 0 {
            if let Some(prefix) = &prefix
                && position > 0
                && delivery.digest() != Some(prefix.digest())
            {
                return Err(Stop::Refused(station.fail(NetError::ContentChanged)));
            }
            delivery.set_source(fetch.source());
            *joined = true;
        }
        let missing = size.saturating_sub(position);
        if missing == 0 && skip == 0 && fetch.part.is_some() {
            fetch.close(station);
            return Ok(());
        }
        let window = delivery.window(now)?;
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
                station.idle(now, now + SINK_POLL);
            }
            continue;
        }
        let mut failure = None;
        let (at, proved) = (fetch.at, fetch.proved());
        let mut take = |chunk: &[u8]| {
            if skip > 0 {
                // What lies before the image is nobody's.
                let before = usize::try_from(base.saturating_sub(at)).unwrap_or(usize::MAX);
                if let Some(part) = chunk.get(before..)
                    && !proved
                {
                    prefix.get_or_insert_with(Sha256::new).update(part);
                }
                return chunk.len();
            }
            if missing == 0 {
                failure = Some(None);
                return 0;
            }
            if let Err(failed) = delivery.write(now, chunk) {
                failure = Some(Some(failed));
            }
            // Also after an error of the sink: a body that ends here leaves a connection that can be used again.
            chunk.len()
        };
        let pumped = fetch.carriers.pump(station, now, max, &mut take);
        match failure {
            Some(Some(failed)) => return Err(failed.into()),
            Some(None) => {
                let (was, is) = (size, size.saturating_add(1));
                return Err(station.fail(NetError::SizeChanged { was, is }).into());
            }
            None => {}
        }
        match pumped? {
            Pumped::Octets(taken) => {
                fetch.at = fetch.at.saturating_add(taken as u64);
                // A sink that takes its time shares it with the network. Another one gets all that is at hand first: the
                // acknowledgment then tells of a window that is open, and smoltcp tells of a larger one when it has doubled.
                if station.round_is_due(now) {
                    turns = 0;
                }
            }
            Pumped::Nothing(until) => {
                turns = 0;
                if serviced {
                    station.idle(now, until.min(now + SINK_LOOK));
                    #[cfg(feature = "robust")]
                    pace.waited(station, now, fetch.at)?;
                }
            }
            Pumped::Complete if missing == 0 && skip == 0 => return Ok(()),
            Pumped::Complete => {
                let got = position;
                return Err(station.fail(NetError::Truncated { got, size }).into());
            }
        }
    }
}

/// How long to wait before a transfer is taken up again; a router that may be dead is passed over.
#[inline(never)]
fn resume_wait<B: Board>(
    station: &mut Station<'_, B>,
    position: u64,
    size: u64,
    backoff: &mut Backoff,
) -> Duration {
    let wait = backoff.next(station.platform().rng().next_u32());
    let mut asked = Duration::ZERO;
    let mut dead = false;
    if let Some(error) = station.error() {
        warn!("transfer broke after {position} of {size} octets: {error}; taking it up again");
        asked = error.retry_after().unwrap_or_default();
        dead = error.blame() == Blame::Network;
    }
    if dead {
        station.suspect_path();
    }
    station.shorten_packets();
    if dead {
        station.next_address(0);
    }
    wait.max(asked)
}
