//! `netboot-app`: the table of contents alone, and whole boots with any network and any device.

use crate::{Input, call, drive, fail, recovery, show, take};
use core::fmt;
use core::hint::black_box;
use netboot_app::console::write_report;
use netboot_app::toc::{TocReader, checksum};
use netboot_app::{
    AppConfig, BootApp, DefaultSource, Event, Expected, FileNames, OnFailure, Policy,
};
use netboot_core::uri::{Uri, UriError};
use netboot_core::{Blame, Coded, Digest, Duration, ImageSink, Instant};
use netboot_ipxe::{
    Delivery, ExecError, ImageHandle, IpxeInterface, LoadedImage, NetworkConfig, Part, Protocol,
    Route,
};
use ocp_recovery::RecoveryAgent;

/// Calls all of the crate.
pub fn run(input: &mut Input) {
    table(input);
    boot(input);
}

fn table(input: &mut Input) {
    take(checksum(input.octets()));
    let mut reader = TocReader::new();
    while input.flag() {
        take(fail(call(&mut reader).push(input.octets())));
        drive(input, call(&mut reader));
    }
    let toc = reader.into_toc();
    take(toc.find(input.word()));
    take(&toc);
}

fn boot(input: &mut Input) {
    let agent = RecoveryAgent::new(Input::default(), recovery::config(input), input.now());
    let Some(agent) = fail(agent) else {
        return;
    };
    let expected: &[(u8, Expected)] = &[];
    let defaults: &[DefaultSource<'_>] = &[];
    let names: &[&str] = &[];
    let config = AppConfig {
        policy: Policy {
            on_failure: black_box(OnFailure::Retry(0)),
            retry_wait: input.span(),
            attempt_deadline: input.span(),
            total_deadline: input.span(),
        },
        names: FileNames(black_box(names)),
        defaults: black_box(defaults),
        expected: black_box(expected),
        poll: input.span(),
    };
    take(AppConfig::default());
    let mut app = BootApp::new(Network, agent, watch, config);
    let report = call(&mut app).run();
    take(report.status());
    write_report(&mut Lines, black_box(report));
    report
        .images
        .iter()
        .for_each(|image| take(image.throughput()));
    take(app.report().status());
    call(app.network()).exit();
    take(app.into_parts());
}

/// Uses an event, its error included.
fn watch(now: Instant, event: &Event<'_>) {
    take((now, event));
    if let Event::AttemptFailed { error, .. } = event {
        show(error);
        take((error.code(), error.blame()));
    }
}

/// Lines of text that go nowhere.
struct Lines;

impl fmt::Write for Lines {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        take(text);
        Ok(())
    }
}

/// A network of which nothing is known.
struct Network;

/// What went wrong in it.
#[derive(Clone, Copy, Debug)]
struct Broken(u32);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(black_box(""))
    }
}

impl Coded for Broken {
    fn code(&self) -> u32 {
        black_box(self.0)
    }

    fn blame(&self) -> Blame {
        black_box(Blame::Peer)
    }
}

impl From<UriError> for Broken {
    fn from(error: UriError) -> Self {
        show(&error);
        Self(error.code())
    }
}

/// Works, or does not.
fn perhaps<T>(value: T) -> Result<T, Broken> {
    match black_box(0) {
        0 => Ok(black_box(value)),
        code => Err(Broken(code)),
    }
}

impl IpxeInterface for Network {
    type Error = Broken;

    fn now(&mut self) -> Instant {
        Input::default().now()
    }

    fn set_deadline(&mut self, deadline: Instant) {
        take(deadline);
    }

    fn dhcp(&mut self) -> Result<NetworkConfig, Broken> {
        perhaps(NetworkConfig::new(Input::default().address(), black_box(0)))
    }

    fn ifconfig(&mut self, config: &NetworkConfig) -> Result<(), Broken> {
        take(config);
        perhaps(())
    }

    fn route(&mut self, route: Route) -> Result<(), Broken> {
        take(route);
        perhaps(())
    }

    fn imgfetch(
        &mut self,
        uri: &Uri,
        name: Option<&str>,
        part: Option<Part>,
    ) -> Result<ImageHandle, Broken> {
        take((name, part));
        let handle = ImageHandle {
            name: Default::default(),
            uri: uri.clone(),
            size: black_box(None),
            protocol: black_box(Protocol::Tftp),
            id: black_box(0),
        };
        perhaps(handle)
    }

    fn imgload<'s>(
        &mut self,
        handle: ImageHandle,
        staging: Option<&'s mut [u8]>,
    ) -> Result<LoadedImage<'s>, Broken> {
        let image = LoadedImage {
            handle,
            size: black_box(0),
            staged: staging.map(|staging| &*staging),
        };
        perhaps(image)
    }

    fn imgexec<S: ImageSink>(
        &mut self,
        image: LoadedImage<'_>,
        sink: &mut S,
    ) -> Result<Delivery, ExecError<Broken, S::Error>> {
        take(image);
        let mut input = Input::default();
        while input.flag() {
            drive(&mut input, sink);
        }
        if input.flag() {
            let written = sink.write(input.now(), input.octets());
            written.map_err(ExecError::Sink)?;
        }
        let delivery = Delivery {
            octets: black_box(0),
            sha256: black_box(Some(Digest([0; 32]))),
            resumes: black_box(0),
            duration: input.span(),
        };
        perhaps(delivery).map_err(ExecError::Transfer)
    }

    fn echo(&mut self, message: &str) {
        take(message);
    }

    fn sleep(&mut self, span: Duration) -> Result<(), Broken> {
        take(span);
        perhaps(())
    }

    fn exit(&mut self) {}
}
