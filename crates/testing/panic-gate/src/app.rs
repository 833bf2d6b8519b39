//! `netboot-app`: the table of contents alone, and whole boots with any network and any device.

use crate::{Input, call, fail, recovery, show, take};
use bootstore::ledger::{Ledger, Slot};
use bootstore::stored::{MediumFailed, store};
use core::fmt;
use core::hint::black_box;
use core::net::SocketAddr;
use netboot_app::console::write_report;
use netboot_app::toc::{TocReader, checksum};
use netboot_app::{
    AppConfig, BootApp, BootstoreConfig, DeviceControl, Event, Expected, Facts, FileNames,
    FixedSource, OnFailure, Policy, ScriptSpace, Scripts, SourcePolicy, Terminal,
};
use netboot_core::uri::{Uri, UriError};
use netboot_core::{Blame, Coded, Duration, Instant};
use netboot_ipxe::{
    Conversation, Deliver, DhcpGoal, ExecError, ImageHandle, InterfaceInfo, IpxeInterface,
    LoadedImage, NetworkConfig, Part, Route,
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
        deliver(input, call(&mut reader));
        take(reader.stop());
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
    let defaults: &[FixedSource<'_>] = &[];
    let names: &[&str] = &[];
    let nodes: &[SocketAddr] = &[];
    let config = AppConfig {
        policy: Policy {
            on_failure: black_box(OnFailure::Retry(0)),
            retry_wait: input.span(),
            attempt_deadline: input.span(),
            total_deadline: input.span(),
            device_resets: input.octet(),
        },
        sources: SourcePolicy {
            require_https: input.flag(),
            attempts: input.octet(),
            ..SourcePolicy::default()
        },
        address: black_box(None),
        fixed: black_box(defaults),
        names: FileNames(black_box(names)),
        defaults: black_box(defaults),
        expected: black_box(expected),
        bootstore: BootstoreConfig {
            ask: input.flag(),
            nodes: black_box(nodes),
            patience: input.span(),
        },
        poll: input.span(),
    };
    take(AppConfig::default());
    let mut control = Control;
    let network = Network(NetworkConfig::new(Input::default().address().into(), 24));
    let mut space = ScriptSpace::<4096, 3>::new();
    let mut terminal = Person;
    let mut app = BootApp::new(network, agent, watch, config);
    app.use_control(&mut control);
    let facts = Facts {
        serial: Input::default().text(),
        ..Facts::default()
    };
    let scripts = Scripts::new(&mut space, &mut terminal, facts);
    let text = Input::default().text();
    call(&mut app).use_scripts(black_box(scripts).with_script(text));
    let mut ledger = Slots;
    call(&mut app).use_ledger(&mut ledger);
    take(fail(store(Slots, input.octets())));
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

/// A ledger that holds anything.
struct Slots;

impl Ledger for Slots {
    type Error = MediumFailed;

    fn read(&mut self, slot: Slot, buffer: &mut [u8]) -> Result<usize, MediumFailed> {
        take(slot);
        let mut input = Input::default();
        for (to, octet) in buffer.iter_mut().zip(input.octets()) {
            *to = *octet;
        }
        match input.flag() {
            true => Ok(black_box(0)),
            false => Err(MediumFailed),
        }
    }

    fn write(&mut self, slot: Slot, octets: &[u8]) -> Result<(), MediumFailed> {
        take((slot, octets));
        match Input::default().flag() {
            true => Ok(()),
            false => Err(MediumFailed),
        }
    }
}

/// A terminal that sends anything.
struct Person;

impl Terminal for Person {
    fn write(&mut self, text: &str) {
        take(text);
    }

    fn key(&mut self) -> Option<u8> {
        perhaps(b'x').ok()
    }
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

/// Calls one method of a delivery; whether that worked.
pub(crate) fn deliver(input: &mut Input, delivery: &mut dyn Deliver) -> bool {
    let now = input.now();
    let done = match input.word() {
        0 => delivery.begin(now, u64::from(input.word())),
        1 => delivery.window(now).map(take),
        2 => delivery.write(now, input.octets()),
        3 => delivery.end(now),
        4 => {
            take(delivery.withdraw(now));
            Ok(())
        }
        _ => {
            take((delivery.position(), delivery.size(), delivery.digest()));
            delivery.set_source(delivery.source().wrapping_add(1));
            delivery.resumed();
            Ok(())
        }
    };
    done.is_ok()
}

/// A platform of which nothing is known.
struct Control;

impl DeviceControl<Input> for Control {
    fn reset(&mut self, bus: &mut Input) -> bool {
        bus.flag()
    }

    fn is_complete(&mut self, bus: &mut Input) -> bool {
        bus.flag()
    }
}

/// A network of which nothing is known.
pub(crate) struct Network(pub(crate) NetworkConfig);

/// What went wrong in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Broken(u32);

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

    fn random(&mut self) -> u32 {
        black_box(0)
    }

    fn set_deadline(&mut self, deadline: Instant) {
        take(deadline);
    }

    fn dhcp(&mut self, goal: DhcpGoal) -> Result<&NetworkConfig, Broken> {
        take(goal);
        perhaps(&self.0)
    }

    fn ifconfig(&mut self, config: &NetworkConfig) -> Result<(), Broken> {
        take(config);
        perhaps(())
    }

    fn config(&self) -> Option<&NetworkConfig> {
        black_box(Some(&self.0))
    }

    fn route(&mut self, route: &Route) -> Result<(), Broken> {
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
            id: black_box(0),
        };
        perhaps(handle)
    }

    fn imgload<'h>(&mut self, handle: &'h ImageHandle) -> Result<LoadedImage<'h>, Broken> {
        let image = LoadedImage {
            handle,
            size: black_box(0),
        };
        perhaps(image)
    }

    fn imgexec(
        &mut self,
        image: LoadedImage<'_>,
        delivery: &mut dyn Deliver,
    ) -> Result<(), ExecError<Broken>> {
        take(image);
        let mut input = Input::default();
        while input.flag() {
            if !deliver(&mut input, delivery) {
                return Err(ExecError::Sink);
            }
        }
        if input.flag() {
            return Err(ExecError::Refused(Broken(1)));
        }
        perhaps(()).map_err(ExecError::Transfer)
    }

    fn interface(&mut self) -> Option<InterfaceInfo> {
        black_box(Some(InterfaceInfo {
            mac: [0; 6],
            mtu: 0,
            link: None,
        }))
    }

    fn use_vlan(&mut self, vlan: Option<u16>) -> bool {
        take(vlan);
        Input::default().flag()
    }

    fn converse(&mut self, with: &mut dyn Conversation) -> Option<Result<(), Broken>> {
        let mut input = Input::default();
        while input.flag() {
            take(with.poll_transmit(input.now()));
            with.handle(input.now(), (input.address().into(), 0), input.octets());
            take(with.poll_timeout(input.now()));
        }
        black_box(Some(perhaps(())))
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
