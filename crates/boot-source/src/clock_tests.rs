//! Each deadline of the two ends: a microsecond before it, at it, and after it.

use crate::clock::Clock;
use crate::config::{RequesterConfig, ResponderConfig, SharedConfig};
use crate::error::{BootSourceError, WaitFor};
use crate::feeder::Feeder;
use crate::id::FirmwareId;
use crate::message::{BootFlags, Message, ack};
use crate::provider::ImageMetadata;
use crate::requester::{Event, Requester};
use crate::responder::{Request, Responder};
use crate::status::Status;
use netboot_core::fuzz::Random;
use netboot_core::{Duration, ImageSink, Instant, Platform};

const T0: Instant = Instant::from_millis(1_000);
const US: Duration = Duration::from_micros(1);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn config() -> RequesterConfig<'static> {
    RequesterConfig {
        shared: SharedConfig::new(8),
        retry: ms(20),
        answer_timeout: ms(300),
        ready_timeout: ms(700),
        linger: Duration::ZERO,
    }
}

/// What the end sends at `now`, by type.
fn sent(requester: &mut Requester<'_>, now: Instant) -> Vec<u8> {
    let mut out = [0; 64];
    let mut kinds = vec![];
    while let Some(len) = requester.poll_transmit(now, &mut out) {
        kinds.push(Message::parse(&out[..len]).unwrap().kind());
    }
    kinds
}

fn tell(
    requester: &mut Requester<'_>,
    now: Instant,
    message: Message<'_>,
) -> Result<Event<'static>, BootSourceError> {
    let buffer = Box::leak(Box::new([0; 64]));
    let len = message.emit(buffer).unwrap();
    requester.handle(now, &buffer[..len])
}

fn ready() -> Requester<'static> {
    let mut requester = Requester::new(config());
    requester.initiate(T0, BootFlags::default());
    assert_eq!(sent(&mut requester, T0), [1]);
    let status = Status::SUCCESS;
    let event = tell(&mut requester, T0, Message::Initiated { status });
    assert_eq!(event, Ok(Event::Ready));
    requester
}

/// A feeder is due when the exchange is that it makes, and a feeder that rests is never due.
#[test]
fn a_feeder_is_due_with_its_exchange() {
    let mut buffer = [0; 64];
    let mut feeder = Feeder::new(config(), &mut buffer).unwrap();
    assert_eq!(feeder.poll_timeout(), None);
    feeder.initiate(T0, BootFlags::default());
    let mut requester = Requester::new(config());
    requester.initiate(T0, BootFlags::default());
    assert_eq!(feeder.poll_timeout(), requester.poll_timeout());
    assert!(feeder.poll_timeout().is_some_and(|at| at >= T0));
}

/// A platform whose clock stands where it is set, and which sleeps exactly.
struct Set(Instant);

impl Platform for Set {
    type Rng = Random;

    fn now(&mut self) -> Instant {
        self.0
    }

    fn idle(&mut self, until: Instant) {
        self.0 = until;
    }

    fn rng(&mut self) -> &mut Random {
        unreachable!("a clock has no use for random numbers")
    }
}

#[test]
fn each_platform_is_a_clock() {
    let mut platform = Set(T0);
    let clock: &mut dyn Clock = &mut platform;
    assert_eq!(clock.now(), T0);
    clock.idle(T0 + US);
    assert_eq!(clock.now(), T0 + US);
}

/// The exchange that `begin` begins at `T0` is repeated every 20 ms and ends after `timeout` with `error`.
fn waits(
    requester: &Requester<'static>,
    begin: impl Fn(&mut Requester<'static>),
    kind: u8,
    timeout: Duration,
    wait: WaitFor,
) {
    let mut requester = requester.clone();
    begin(&mut requester);
    assert_eq!(requester.poll_timeout(), Some(T0));
    assert_eq!(sent(&mut requester, T0), [kind]);
    assert_eq!(requester.poll_timeout(), Some(T0 + ms(20)));
    assert_eq!(sent(&mut requester, T0 + ms(20) - US), []);
    assert_eq!(sent(&mut requester, T0 + ms(20)), [kind]);
    assert_eq!(sent(&mut requester, T0 + ms(40) + US), [kind]);
    let deadline = T0 + timeout;
    assert_eq!(requester.poll(deadline - US), Ok(()));
    for late in [Duration::ZERO, US, ms(10_000)] {
        let mut requester = requester.clone();
        assert_eq!(
            requester.poll(deadline + late),
            Err(BootSourceError::Timeout(wait))
        );
        assert_eq!(requester.poll(deadline + late), Ok(()));
        assert_eq!(requester.poll_timeout(), None);
        assert!(!requester.is_idle());
    }
}

#[test]
fn each_request_is_repeated_and_given_up_in_time() {
    let fresh = Requester::new(config());
    let flags = BootFlags::default();
    waits(
        &fresh,
        |end| end.initiate(T0, flags),
        1,
        ms(700),
        WaitFor::Start,
    );
    let ready = ready();
    let id = FirmwareId(1);
    waits(
        &ready,
        |end| end.metadata(T0, id).unwrap(),
        2,
        ms(300),
        WaitFor::Metadata,
    );
    waits(
        &ready,
        |end| end.download(T0, id, 20).unwrap(),
        3,
        ms(300),
        WaitFor::Chunk,
    );
    let status = Status::SUCCESS;
    waits(
        &ready,
        |end| end.finalize(T0, status, 0),
        5,
        ms(300),
        WaitFor::Finalized,
    );
}

#[test]
fn a_source_at_work_has_the_time_that_it_takes_to_get_ready() {
    let mut requester = Requester::new(config());
    requester.initiate(T0, BootFlags::default());
    sent(&mut requester, T0);
    let status = Status::IN_PROGRESS;
    let event = tell(&mut requester, T0 + ms(5), Message::Initiated { status });
    assert_eq!(event, Ok(Event::None));
    assert_eq!(sent(&mut requester, T0 + ms(20)), [1]);
    assert_eq!(requester.poll(T0 + ms(700) - US), Ok(()));
    let late = BootSourceError::Timeout(WaitFor::Ready);
    assert_eq!(requester.poll(T0 + ms(700)), Err(late));
}

#[test]
fn each_chunk_begins_the_wait_anew_and_a_held_one_has_none() {
    let mut requester = ready();
    requester.download(T0, FirmwareId(1), 20).unwrap();
    sent(&mut requester, T0);
    let now = T0 + ms(299);
    let chunk = |sequence, offset| Message::Chunk {
        status: Status::SUCCESS,
        sequence,
        offset,
        data: &[7; 8],
    };
    let event = tell(&mut requester, now, chunk(0, 0)).map(|event| event != Event::None);
    assert_eq!(event, Ok(true));
    // The consumer may take any time.
    requester.hold(now);
    assert_eq!(sent(&mut requester, now), [4]);
    // A caller may say so at each look. The source is told once in 20 ms.
    for micros in 0..100 {
        let now = now + Duration::from_micros(micros);
        requester.hold(now);
        assert_eq!(sent(&mut requester, now), []);
    }
    requester.hold(now + ms(20) - US);
    assert_eq!(sent(&mut requester, now + ms(20) - US), []);
    requester.hold(now + ms(20));
    assert_eq!(sent(&mut requester, now + ms(20)), [4]);
    requester.hold(now + ms(40) - US);
    assert_eq!(sent(&mut requester, now + ms(40) - US), []);
    assert_eq!(requester.poll(now + ms(100_000)), Ok(()));
    assert_eq!(requester.poll_timeout(), None);
    let now = now + ms(100_000);
    assert!(!requester.accept(now));
    assert_eq!(sent(&mut requester, now), [4]);
    assert_eq!(sent(&mut requester, now + ms(20) - US), []);
    assert_eq!(sent(&mut requester, now + ms(20)), [4]);
    assert_eq!(requester.poll(now + ms(300) - US), Ok(()));
    let late = BootSourceError::Timeout(WaitFor::Chunk);
    assert_eq!(requester.clone().poll(now + ms(300)), Err(late));
    // The source is told of the next chunk at once.
    let event = tell(&mut requester, now + ms(20), chunk(1, 8));
    assert_eq!(event, Ok(Event::Chunk { data: &[7; 8] }));
    requester.hold(now + ms(20));
    assert_eq!(sent(&mut requester, now + ms(20)), [4]);
}

#[test]
fn what_is_old_is_listened_for() {
    let mut requester = Requester::new(RequesterConfig {
        linger: ms(50),
        ..config()
    });
    requester.initiate(T0, BootFlags::default());
    sent(&mut requester, T0);
    let status = Status::SUCCESS;
    let answer = Message::Initiated { status };
    tell(&mut requester, T0, answer).unwrap();
    requester.metadata(T0 + ms(10), FirmwareId(0)).unwrap();
    assert_eq!(requester.poll_timeout(), Some(T0 + ms(50)));
    assert_eq!(sent(&mut requester, T0 + ms(50) - US), []);
    // The answer to an earlier request, which would be taken for this one's.
    let old = Message::Metadata {
        status,
        size: 9,
        checksum: [0; 32],
        version: 0,
        flags: 0,
    };
    let event = tell(&mut requester, T0 + ms(50) - US, old);
    assert_eq!(event, Ok(Event::None));
    assert_eq!(sent(&mut requester, T0 + ms(100) - US - US), []);
    assert_eq!(sent(&mut requester, T0 + ms(100) - US), [2]);
    let metadata = ImageMetadata {
        size: 9,
        checksum: None,
        version: 0,
        flags: 0,
    };
    let event = tell(&mut requester, T0 + ms(101), old);
    assert_eq!(event, Ok(Event::Metadata(metadata)));
}

#[test]
fn a_chunk_is_repeated_until_it_is_acknowledged_or_given_up() {
    let mut buffer = [0; 8];
    let settings = ResponderConfig {
        shared: SharedConfig::new(8),
        retry: ms(20),
        ack_timeout: ms(300),
    };
    let mut responder = Responder::new(settings, &mut buffer).unwrap();
    let mut out = [0; 64];
    let ask = |responder: &mut Responder<'_, &mut [u8; 8]>, message: Message<'_>, now| {
        let mut octets = [0; 64];
        let len = message.emit(&mut octets).unwrap();
        responder.handle(now, &octets[..len]).unwrap()
    };
    // Without a request for metadata the download is an old one.
    assert_eq!(ask(&mut responder, Message::Download { id: 1 }, T0), None);
    ask(&mut responder, Message::MetadataRequest { id: 1 }, T0);
    responder.answer_metadata(Err(Status::NOT_FOUND));
    assert!(responder.poll_transmit(T0, &mut out).is_some());
    let id = FirmwareId(1);
    let wanted = Some(Request::Download { id });
    assert_eq!(ask(&mut responder, Message::Download { id: 1 }, T0), wanted);
    responder.begin(T0, 20).unwrap();
    assert_eq!(responder.poll_timeout(), None);
    responder.write(T0, &[1; 8]).unwrap();
    assert_eq!(responder.poll_timeout(), Some(T0));
    assert_eq!(responder.poll_transmit(T0, &mut out), Some(20));
    assert_eq!(responder.poll_transmit(T0 + ms(20) - US, &mut out), None);
    assert_eq!(responder.poll_transmit(T0 + ms(20), &mut out), Some(20));
    assert_eq!(responder.window(T0 + ms(300) - US), Ok(0));
    let late = BootSourceError::Timeout(WaitFor::Acknowledgement);
    assert_eq!(responder.window(T0 + ms(300)), Err(late));

    // An acknowledgement without *ready* begins the wait anew, and slows the repetitions.
    let now = T0 + ms(299);
    let acknowledge = |flags| Message::Ack {
        id: 1,
        sequence: 0,
        flags,
    };
    ask(&mut responder, acknowledge(0), now);
    assert_eq!(responder.poll_transmit(now + ms(100) - US, &mut out), None);
    assert_eq!(responder.poll_transmit(now + ms(100), &mut out), Some(20));
    assert_eq!(responder.window(now + ms(300) - US), Ok(0));
    assert_eq!(responder.window(now + ms(300)), Err(late));
    ask(&mut responder, acknowledge(ack::READY), now + ms(299));
    assert_eq!(responder.window(now + ms(9_999)), Ok(8));
    assert_eq!(responder.poll_timeout(), None);
}

#[test]
fn a_chunk_counts_only_with_the_number_the_offset_and_the_size_that_are_due() {
    let chunk = |sequence, offset, data| Message::Chunk {
        status: Status::SUCCESS,
        sequence,
        offset,
        data,
    };
    let whole: &[u8] = &[7; 8];
    let begun = || {
        let mut requester = ready();
        requester.download(T0, FirmwareId(1), 20).unwrap();
        sent(&mut requester, T0);
        requester
    };
    for (sequence, offset) in [(1, 0), (0xFFFF, 0), (0, 8), (0, 1), (1, 8)] {
        let mut requester = begun();
        let event = tell(&mut requester, T0, chunk(sequence, offset, whole));
        assert_eq!(event, Ok(Event::None), "{sequence} {offset}");
        assert_eq!(requester.position(), 0);
        let event = tell(&mut requester, T0, chunk(0, 0, whole));
        assert_eq!(event, Ok(Event::Chunk { data: whole }));
    }
    for data in [&[7; 7][..], &[7; 9], &[]] {
        let mut requester = begun();
        let refused = tell(&mut requester, T0, chunk(0, 0, data));
        let named = BootSourceError::ChunkSize {
            found: data.len() as u32,
            expected: 8,
        };
        assert_eq!(refused, Err(named));
        // The source is told, and has to be asked to get ready again.
        assert_eq!(sent(&mut requester, T0), [4]);
        assert_eq!(
            requester.metadata(T0, FirmwareId(1)),
            Err(BootSourceError::Busy)
        );
    }
    // What comes twice is acknowledged twice, and counts once.
    let mut requester = begun();
    tell(&mut requester, T0, chunk(0, 0, whole)).unwrap();
    assert!(!requester.accept(T0));
    assert_eq!(sent(&mut requester, T0), [4]);
    assert_eq!(
        tell(&mut requester, T0, chunk(0, 0, whole)),
        Ok(Event::None)
    );
    assert_eq!(sent(&mut requester, T0), [4]);
    assert_eq!(requester.position(), 8);
}

/// The end of an image whose size is a multiple of the chunk's may come as a chunk without data. Nothing else behind the last octet is
/// acknowledged.
#[test]
fn an_empty_chunk_behind_the_last_octet_is_acknowledged() {
    let chunk = |sequence, offset, data| Message::Chunk {
        status: Status::SUCCESS,
        sequence,
        offset,
        data,
    };
    let whole: &[u8] = &[7; 8];
    for (sequence, offset, data, kinds) in [
        (2, 16, &[][..], &[4][..]),
        (2, 16, &[7], &[]),
        (2, 8, &[], &[]),
        (3, 16, &[], &[]),
        // The last one again: its acknowledgement got lost.
        (1, 8, whole, &[4]),
    ] {
        let mut requester = ready();
        requester.download(T0, FirmwareId(1), 16).unwrap();
        sent(&mut requester, T0);
        for (sequence, offset) in [(0, 0), (1, 8)] {
            tell(&mut requester, T0, chunk(sequence, offset, whole)).unwrap();
            assert_eq!(requester.accept(T0), sequence == 1);
            assert_eq!(sent(&mut requester, T0), [4]);
        }
        let event = tell(&mut requester, T0, chunk(sequence, offset, data));
        assert_eq!(event, Ok(Event::None));
        assert_eq!(
            sent(&mut requester, T0),
            kinds,
            "{sequence} {offset} {data:?}"
        );
    }
}
