//! How long the network source takes, next to what the requester allows it, and how often it tries.

mod common;

use common::Shelf;
use netboot_boot_source::{
    BootFlags, FirmwareId, ImageSource, NetworkError, NetworkSource, Place, RequesterConfig, Status,
};
use netboot_core::{Blame, Coded, Duration, Instant, NetworkConfig, Route, Uri};
use netboot_ipxe::{
    Deliver, Delivery, DhcpGoal, ExecError, ImageHandle, IpxeInterface, LoadedImage, Part,
};

/// A network in which nothing ever comes: each command takes until its deadline.
#[derive(Default)]
struct Silent {
    now: u64,
    deadline: u64,
    commands: u32,
}

#[derive(Debug)]
struct Late;

impl std::fmt::Display for Late {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("late")
    }
}

impl Coded for Late {
    fn code(&self) -> u32 {
        1
    }

    fn blame(&self) -> Blame {
        Blame::Network
    }
}

impl Silent {
    fn late<T>(&mut self) -> Result<T, Late> {
        self.commands += 1;
        self.now = self.now.max(self.deadline);
        Err(Late)
    }
}

impl IpxeInterface for Silent {
    type Error = Late;

    fn now(&mut self) -> Instant {
        Instant::from_micros(self.now)
    }

    fn random(&mut self) -> u32 {
        0
    }

    fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = deadline.as_micros();
    }

    fn dhcp(&mut self, _goal: DhcpGoal) -> Result<&NetworkConfig, Late> {
        self.late()
    }

    fn ifconfig(&mut self, _config: &NetworkConfig) -> Result<(), Late> {
        self.late()
    }

    fn config(&self) -> Option<&NetworkConfig> {
        None
    }

    fn route(&mut self, _route: &Route) -> Result<(), Late> {
        self.late()
    }

    fn imgfetch(
        &mut self,
        _uri: &Uri,
        _name: Option<&str>,
        _part: Option<Part>,
    ) -> Result<ImageHandle, Late> {
        self.late()
    }

    fn imgload<'h>(&mut self, _handle: &'h ImageHandle) -> Result<LoadedImage<'h>, Late> {
        self.late()
    }

    fn imgexec(
        &mut self,
        _image: LoadedImage<'_>,
        _delivery: &mut dyn Deliver,
    ) -> Result<(), ExecError<Late>> {
        self.late().map_err(ExecError::Transfer)
    }

    fn echo(&mut self, _message: &str) {}

    fn sleep(&mut self, _span: Duration) -> Result<(), Late> {
        self.late()
    }

    fn exit(&mut self) {}
}

fn place(_: FirmwareId, _: Option<&NetworkConfig>) -> Option<Place> {
    Some(Place {
        uri: Uri::parse("http://192.0.2.1/image").unwrap(),
        part: None,
        sha256: None,
        version: 0,
    })
}

/// An image that does not come is asked for as often as there are attempts, and then the network's error is told.
#[test]
fn an_image_that_does_not_come_is_given_up_after_the_attempts() {
    for (attempts, commands) in [(0, 1), (1, 1), (3, 3)] {
        let mut source = NetworkSource::new(Silent::default(), place);
        source.attempts = attempts;
        let mut delivery = Delivery::new(Shelf::default());
        let failed = source.download(FirmwareId(1), &mut delivery);
        assert!(
            matches!(failed, Err(NetworkError::Network(Late))),
            "{failed:?}"
        );
        assert_eq!(source.network().commands, commands, "{attempts} attempts");
        // Each attempt has the deadline for itself.
        let taken = source.now().since(Instant::ZERO);
        assert_eq!(taken, source.deadline * commands);
    }
}

/// The source lets the network work for as long as it has nothing to do, and twice as long at the most.
#[test]
fn time_passes_while_the_source_is_idle() {
    let mut source = NetworkSource::new(Silent::default(), place);
    let span = Duration::from_millis(10);
    source.idle(span);
    let taken = source.now().since(Instant::ZERO);
    assert!(span <= taken && taken <= span * 2, "{taken:?}");
    assert_eq!(source.network().commands, 1);
}

/// With the defaults the MCU ROM is told what failed, and does not give up first: it begins to wait before the source begins to
/// work, and its message may have to be repeated.
#[test]
fn the_source_gives_up_before_the_requester_does() {
    let requester = RequesterConfig::default();
    let mut source = NetworkSource::new(Silent::default(), place);
    let margin = requester.retry * 5;

    let start = source.initiate_boot(BootFlags::default());
    let Err(error @ NetworkError::Network(Late)) = start else {
        panic!("{start:?}");
    };
    assert_eq!(status_of(&source, &error), Status::TRANSFER_TIMEOUT);
    let taken = source.now().since(Instant::ZERO);
    assert!(taken + margin < requester.ready_timeout, "{taken:?}");

    let begun = source.now();
    source.image_metadata(FirmwareId(1)).unwrap_err();
    let taken = source.now().since(begun);
    assert!(taken + margin < requester.answer_timeout, "{taken:?}");
    // Both used their whole deadline.
    assert_eq!(source.network().commands, 2);
    assert!(taken > Duration::from_secs(20));
}

fn status_of<S: ImageSource>(_source: &S, error: &S::Error) -> Status {
    S::status_of(error)
}
