//! The last events of the boots since power-on, in memory that a reset leaves alone.
//!
//! A console may not be connected when a boot fails, and a watchdog leaves no time for a report. The [`Trace`] keeps what happened last, and counts the attempts
//! since the last boot that ended well. A board puts it in RAM that is not initialised at the start (a `NOLOAD` section), calls [`Trace::begin`] once in each boot, and
//! watches the boot through a [`TracingObserver`]. After a failure, or in the next boot, [`write_trace`] writes it to the console.

use crate::observer::{Event, Observer};
use netboot_core::{Console, Instant};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Number of events that are kept.
pub const EVENTS: usize = 64;

/// What a valid trace begins with; the octets of `BOOT` in little endian.
const MAGIC: u32 = 0x544f_4f42;
/// An event that is about no image.
const NO_IMAGE: u8 = 0xff;

/// One event, as it lies in memory: ms since the start of the clock; the number that belongs to the event; and the kind, the image and the attempt,
/// in 8, 8 and 16 bits from the lowest on. The attempt stops at 65,535.
type Record = [u32; 3];

fn record(millis: u32, value: u32, kind: TraceKind, index: Option<u8>, attempts: u32) -> Record {
    let index = u32::from(index.unwrap_or(NO_IMAGE));
    let attempt = attempts.min(u32::from(u16::MAX));
    [millis, value, kind as u32 | index << 8 | attempt << 16]
}

/// Reads an event; `None` if it is damaged.
fn read([millis, value, rest]: Record) -> Option<TraceEvent> {
    let [kind, index, attempt @ ..] = rest.to_le_bytes();
    Some(TraceEvent {
        attempt: u16::from_le_bytes(attempt),
        millis,
        kind: TraceKind::read(kind)?,
        index: Some(index).filter(|index| *index != NO_IMAGE),
        value,
    })
}

/// The kind of an event. The numbers are stable: a debugger may read the memory of another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceKind {
    /// A boot began. The value is the number of the attempt.
    Begun = 1,
    /// The interface has an address. The value is 0.
    Configured = 2,
    /// The boot file is being looked into. The value is 0.
    BootFile = 3,
    /// The table of contents was read. The value is the number of images in it.
    Toc = 4,
    /// The device asks for an image. The value is 0.
    Requested = 5,
    /// A transfer is being opened. The value is the source: 0 static, 1 toc, 2 dhcp, 3 default, 4 script, 5 bootstore, 6 sztp.
    Fetching = 6,
    /// The server has the file. The value is its size in octets.
    Opened = 7,
    /// Octets were delivered. The value is their number so far. Of several such events in a row, the last one is kept.
    Delivered = 8,
    /// The image is what it has to be. The value is 1 if its digest was known in advance, else 0.
    Verified = 9,
    /// The device was told to activate the image. The value is 0.
    Activated = 10,
    /// An attempt failed. The value is the error number.
    AttemptFailed = 11,
    /// The device has to be reset. The value is 0.
    ResetRequired = 12,
    /// The platform has reset the device. The value is 0.
    DeviceReset = 13,
    /// The boot is over. The value is 0, or the error number.
    Finished = 14,
    /// A server has said which protocol it speaks. The value is the size of the file in octets, 0 if it did not tell.
    Server = 15,
    /// A script was read, and runs. The value is the number of its octets.
    Script = 16,
    /// A script failed. The value is the error number.
    ScriptFailed = 17,
    /// The bootstore has a network configuration, and the boot uses it. The value is its generation.
    Bootstore = 18,
    /// DHCP names bootstrap servers. The value is their number.
    BootstrapServers = 19,
    /// A bootstrap server is being asked. The value is 0 for one that has to prove nothing, 1 for one that has to prove itself.
    Bootstrap = 20,
    /// A bootstrap server has named others. The value is their number.
    Redirected = 21,
    /// A bootstrap server has said what the board has to run. The value is 1 if the server is trusted itself, 0 if only what it sent is.
    Onboarding = 22,
    /// All that the owner demands was done. The value is 0 for an image that starts next, else 1.
    Provisioned = 23,
}

/// Every kind, by its number less one, with its word on the console.
const KINDS: [(TraceKind, &str); 23] = [
    (TraceKind::Begun, "begun"),
    (TraceKind::Configured, "configured"),
    (TraceKind::BootFile, "boot-file"),
    (TraceKind::Toc, "toc"),
    (TraceKind::Requested, "requested"),
    (TraceKind::Fetching, "fetching"),
    (TraceKind::Opened, "opened"),
    (TraceKind::Delivered, "delivered"),
    (TraceKind::Verified, "verified"),
    (TraceKind::Activated, "activated"),
    (TraceKind::AttemptFailed, "attempt-failed"),
    (TraceKind::ResetRequired, "reset-required"),
    (TraceKind::DeviceReset, "device-reset"),
    (TraceKind::Finished, "finished"),
    (TraceKind::Server, "server"),
    (TraceKind::Script, "script"),
    (TraceKind::ScriptFailed, "script-failed"),
    (TraceKind::Bootstore, "bootstore"),
    (TraceKind::BootstrapServers, "bootstrap-servers"),
    (TraceKind::Bootstrap, "bootstrap"),
    (TraceKind::Redirected, "redirected"),
    (TraceKind::Onboarding, "onboarding"),
    (TraceKind::Provisioned, "provisioned"),
];

impl TraceKind {
    /// The word of the same event on the console.
    pub fn as_str(self) -> &'static str {
        self.entry().map_or("", |(_, word)| word)
    }

    fn entry(self) -> Option<&'static (TraceKind, &'static str)> {
        KINDS.get(usize::from(self as u8).wrapping_sub(1))
    }

    fn read(number: u8) -> Option<Self> {
        let entry = KINDS.get(usize::from(number).wrapping_sub(1));
        entry.map(|(kind, _)| *kind)
    }
}

/// One event of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceEvent {
    /// Number of the attempt in which it happened, from 1.
    pub attempt: u16,
    /// When it happened, in ms since the start of that boot's clock.
    pub millis: u32,
    /// What happened.
    pub kind: TraceKind,
    /// The recovery image index; `None` for an event that is about no image.
    pub index: Option<u8>,
    /// The number that belongs to the event.
    pub value: u32,
}

/// How a boot begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Number of this attempt: 1 after power-on, and after a boot that ended well.
    pub attempt: u32,
    /// Whether the boot before was cut off: by a watchdog, a panic, or somebody's reset. The trace has its last events.
    pub cut_off: bool,
}

/// The last [`EVENTS`] events, and the number of attempts since the last boot that ended well. 784 octets.
///
/// Any content of the memory is a valid value: at power-on it is noise, which [`begin`](Self::begin) recognises and clears.
#[derive(Clone, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Trace {
    magic: u32,
    attempts: u32,
    /// Number of events since the memory was cleared.
    count: u32,
    /// The other words of the head, mixed. Noise at power-on does not have it.
    check: u32,
    records: [Record; EVENTS],
}

impl Default for Trace {
    fn default() -> Self {
        Self::new()
    }
}

impl Trace {
    /// Makes an empty trace.
    pub const fn new() -> Self {
        Self {
            magic: 0,
            attempts: 0,
            count: 0,
            check: 0,
            records: [[0; 3]; EVENTS],
        }
    }

    /// Begins a boot. The events and the attempts before it are kept, unless the memory holds something else than a trace.
    #[inline(never)]
    pub fn begin(&mut self, now: Instant) -> Begun {
        if self.magic != MAGIC || self.check != self.mixed() {
            *self = Self::new();
            self.magic = MAGIC;
        }
        let last = self.records.get(place(self.count.wrapping_sub(1)));
        let last = last.and_then(|last| read(*last));
        let cut_off = last.is_some_and(|last| last.kind != TraceKind::Finished);
        self.attempts = self.attempts.saturating_add(1);
        self.push(now, TraceKind::Begun, None, self.attempts);
        Begun {
            attempt: self.attempts,
            cut_off,
        }
    }

    /// Number of attempts since the last boot that ended well, the present one included.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The events that are kept, the oldest first. Damaged ones are left out.
    pub fn events(&self) -> impl Iterator<Item = TraceEvent> + '_ {
        let kept = self.count.min(EVENTS as u32);
        let first = self.count.wrapping_sub(kept);
        (0..kept).filter_map(move |nth| read(*self.records.get(place(first.wrapping_add(nth)))?))
    }

    /// Adds an event of a boot.
    fn event(&mut self, now: Instant, event: &Event<'_>) {
        let (kind, value) = match event {
            Event::Configured(_) => (TraceKind::Configured, 0),
            #[cfg(feature = "bootstore")]
            Event::Bootstore { generation, .. } => (TraceKind::Bootstore, narrow(*generation)),
            #[cfg(feature = "negotiate")]
            Event::Server { server, .. } => (TraceKind::Server, narrow(server.size.unwrap_or(0))),
            Event::BootFile { .. } => (TraceKind::BootFile, 0),
            #[cfg(feature = "script")]
            Event::Script { octets, .. } => (TraceKind::Script, narrow(*octets)),
            #[cfg(feature = "script")]
            Event::ScriptFailed { error } => {
                (TraceKind::ScriptFailed, netboot_core::Coded::code(*error))
            }
            #[cfg(feature = "sztp")]
            Event::BootstrapServers { found } => {
                (TraceKind::BootstrapServers, u32::from(found.taken))
            }
            #[cfg(feature = "sztp")]
            Event::Bootstrap { proof, .. } => {
                let proves = *proof != netboot_sztp::Proof::Provisional;
                (TraceKind::Bootstrap, u32::from(proves))
            }
            #[cfg(feature = "sztp")]
            Event::Redirected { servers } => (TraceKind::Redirected, u32::from(*servers)),
            #[cfg(feature = "sztp")]
            Event::Onboarding { trusted } => (TraceKind::Onboarding, u32::from(*trusted)),
            #[cfg(feature = "sztp")]
            Event::Provisioned { end } => {
                let complete = *end == netboot_sztp::End::Complete;
                (TraceKind::Provisioned, u32::from(complete))
            }
            Event::Toc { images } => (TraceKind::Toc, u32::from(*images)),
            Event::Requested { .. } => (TraceKind::Requested, 0),
            Event::Fetching { origin, .. } => (TraceKind::Fetching, *origin as u32),
            Event::Opened { size, .. } => (TraceKind::Opened, narrow(*size)),
            Event::Delivered { octets, .. } => (TraceKind::Delivered, narrow(*octets)),
            Event::Verified { expected, .. } => (TraceKind::Verified, u32::from(*expected)),
            Event::Activated { .. } => (TraceKind::Activated, 0),
            Event::AttemptFailed { error, .. } => (TraceKind::AttemptFailed, error.code()),
            Event::ResetRequired { .. } => (TraceKind::ResetRequired, 0),
            Event::DeviceReset => (TraceKind::DeviceReset, 0),
            Event::Finished { status } => (TraceKind::Finished, *status),
        };
        self.push(now, kind, event.index(), value);
        if matches!(event, Event::Finished { status: 0 }) {
            self.attempts = 0;
            self.check = self.mixed();
        }
    }

    #[inline(never)]
    fn push(&mut self, now: Instant, kind: TraceKind, index: Option<u8>, value: u32) {
        let record = record(narrow(now.as_millis()), value, kind, index, self.attempts);
        let last = self.records.get_mut(place(self.count.wrapping_sub(1)));
        match last {
            Some(last) if kind == TraceKind::Delivered && last[2] == record[2] => *last = record,
            _ => {
                if let Some(next) = self.records.get_mut(place(self.count)) {
                    *next = record;
                }
                self.count = self.count.wrapping_add(1);
            }
        }
        self.check = self.mixed();
    }

    fn mixed(&self) -> u32 {
        let mixed = self.attempts.rotate_left(11) ^ self.count.rotate_left(21);
        !(mixed ^ MAGIC)
    }
}

/// The place of an event in the ring.
fn place(count: u32) -> usize {
    count as usize % EVENTS
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// An observer that keeps each event in a trace and passes it on to another observer.
#[derive(Debug)]
pub struct TracingObserver<'t, O> {
    /// The trace.
    pub trace: &'t mut Trace,
    /// The other observer; `()` for none.
    pub observer: O,
}

impl<O: Observer> Observer for TracingObserver<'_, O> {
    fn event(&mut self, now: Instant, event: &Event<'_>) {
        self.trace.event(now, event);
        self.observer.event(now, event);
    }
}

/// Writes the trace, an event a line, the oldest first:
///
/// ```text
/// @trace attempt=1 ms=2043 event=attempt-failed index=0 value=0x00020004
/// ```
#[inline(never)]
pub fn write_trace(out: &mut dyn Console, trace: &Trace) {
    for event in trace.events() {
        out.text("@trace");
        out.number("attempt", u64::from(event.attempt));
        out.number("ms", u64::from(event.millis));
        out.word("event", event.kind.as_str());
        if let Some(index) = event.index {
            out.number("index", u64::from(index));
        }
        out.key("value");
        out.hex(event.value);
        out.text("\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AppError;
    use proptest::prelude::*;
    use std::string::String;

    const FIRST: Begun = Begun {
        attempt: 1,
        cut_off: false,
    };

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn fill(trace: &mut Trace, from: u64, count: u64) {
        for millis in from..from + count {
            trace.event(at(millis), &Event::Requested { index: 1 });
        }
    }

    #[test]
    fn the_last_events_are_kept_in_their_order() {
        let mut trace = Trace::new();
        assert_eq!(trace.begin(at(1)), FIRST);
        fill(&mut trace, 2, 100);
        let millis: Vec<_> = trace.events().map(|event| event.millis).collect();
        assert_eq!(millis, (38..102).collect::<Vec<_>>());
    }

    #[test]
    fn attempts_are_counted_over_resets_until_a_boot_ends_well() {
        let mut memory = Trace::new();
        assert_eq!(memory.begin(at(0)), FIRST);
        memory.event(at(5), &Event::Finished { status: 9 });
        // A reset leaves the memory as it is.
        let octets = memory.as_bytes().to_vec();
        let mut memory = Trace::read_from_bytes(&octets).unwrap();
        assert_eq!(
            memory.begin(at(0)),
            Begun {
                attempt: 2,
                cut_off: false
            }
        );
        memory.event(at(7), &Event::Finished { status: 0 });
        assert_eq!(memory.begin(at(0)), FIRST);
        let kinds: Vec<_> = memory
            .events()
            .map(|event| (event.attempt, event.kind))
            .collect();
        let expected = [
            (1, TraceKind::Begun),
            (1, TraceKind::Finished),
            (2, TraceKind::Begun),
            (2, TraceKind::Finished),
            (1, TraceKind::Begun),
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn a_boot_that_was_cut_off_is_noticed_in_the_next_one() {
        let mut trace = Trace::new();
        trace.begin(at(0));
        fill(&mut trace, 1, 1);
        let second = Begun {
            attempt: 2,
            cut_off: true,
        };
        assert_eq!(trace.begin(at(0)), second);
    }

    #[test]
    fn progress_takes_one_record() {
        let mut trace = Trace::new();
        trace.begin(at(0));
        for octets in 1..=1000 {
            let event = Event::Delivered {
                index: 2,
                octets,
                size: 1000,
            };
            trace.event(at(octets), &event);
        }
        let events: Vec<_> = trace.events().collect();
        assert_eq!(events.len(), 2);
        assert_eq!(events[1].value, 1000);
        assert_eq!(events[1].index, Some(2));
    }

    #[test]
    fn the_console_has_a_line_for_each_event() {
        let mut trace = Trace::new();
        trace.begin(at(3));
        let error: AppError<netboot_core::uri::UriError> = AppError::NoSource { index: 2 };
        let event = Event::AttemptFailed {
            index: Some(2),
            error: &error,
        };
        trace.event(at(2043), &event);
        let mut out = String::new();
        write_trace(&mut out, &trace);
        let code = netboot_core::Coded::code(&error);
        assert_eq!(
            out,
            format!(
                "@trace attempt=1 ms=3 event=begun value=0x00000001\n\
                 @trace attempt=1 ms=2043 event=attempt-failed index=2 value={code:#010x}\n"
            )
        );
    }

    #[test]
    fn each_kind_has_its_number_and_its_word() {
        for (kind, word) in KINDS {
            assert_eq!(TraceKind::read(kind as u8), Some(kind));
            assert_eq!(kind.as_str(), word);
        }
        assert_eq!(TraceKind::read(0), None);
        assert_eq!(TraceKind::read(24), None);
    }

    proptest! {
        /// What is in the memory at power-on is no trace, and cannot make one.
        #[test]
        fn noise_is_cleared(noise in prop::collection::vec(any::<u8>(), size_of::<Trace>())) {
            let mut trace = Trace::read_from_bytes(&noise).unwrap();
            prop_assert_eq!(trace.begin(at(0)), FIRST);
            prop_assert_eq!(trace.events().count(), 1);
        }

        /// Records that were damaged while the head was not are left out or shown, without a panic.
        #[test]
        fn damaged_records_do_no_harm(noise in prop::collection::vec(any::<u8>(), EVENTS * 12), count: u32, attempts: u32) {
            let mut trace = Trace::new();
            trace.magic = MAGIC;
            trace.count = count;
            trace.attempts = attempts;
            trace.records.as_mut_bytes().copy_from_slice(&noise);
            trace.check = trace.mixed();
            prop_assert_eq!(trace.begin(at(0)).attempt, attempts.saturating_add(1));
            fill(&mut trace, 0, 70);
            prop_assert!(trace.events().count() <= EVENTS);
            let mut out = String::new();
            write_trace(&mut out, &trace);
        }
    }
}
