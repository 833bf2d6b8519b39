//! Two ROMs in the simulated world: a network coprocessor fetches the images and serves them through a mailbox, and an MCU ROM feeds
//! them to its Caliptra device. Neither knows more of the other than the messages.

use image_server::{HttpFault, Rule, World};
use netboot::{Buffers, Network, NetworkOptions, Slots};
use netboot_boot_source::{
    BootFlags, BootSourceError, Feeder, FirmwareId, Mailbox, NetworkSource, Place, Progress,
    RequesterConfig, ResponderConfig, Served, Server, SharedConfig, Status,
};
use netboot_core::{Coded, Digest, Duration, ImageSink, Instant, NetworkConfig, Platform, Uri};
use netboot_ipxe::Delivery;
use netsim::LinkConfig;
use ocp_recovery::{AgentConfig, AgentEvent, RecoveryAgent};
use recovery_model::{DeviceOutcome, RecoveryModel};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use testbed::host::{HostBus, SharedModel, device_config};
use testbed::plan::{FILE_NAMES, SERVER, firmware};
use testbed::sim::{SimDevice, SimPlatform};
use testbed::{Plan, Protocol};

const CHUNK: usize = 2_048;
const MESSAGE: usize = netboot_boot_source::message_len(CHUNK);
const SIZES: [usize; 3] = [20_480, 3_000, 2_001];

/// Two queues, one for each direction. Every `lose`th message is lost; 0 loses none.
#[derive(Default)]
struct Queues {
    queues: [VecDeque<Vec<u8>>; 2],
    lose: u32,
    count: u32,
}

#[derive(Clone)]
struct End(Rc<RefCell<Queues>>, usize);

impl Mailbox for End {
    fn send(&mut self, message: &[u8]) -> bool {
        let mut queues = self.0.borrow_mut();
        queues.count += 1;
        if queues.lose == 0 || !queues.count.is_multiple_of(queues.lose) {
            queues.queues[self.1].push_back(message.to_vec());
        }
        true
    }

    fn receive(&mut self, into: &mut [u8]) -> Option<usize> {
        let message = self.0.borrow_mut().queues[1 - self.1].pop_front()?;
        into.get_mut(..message.len())?.copy_from_slice(&message);
        Some(message.len())
    }

    fn capacity(&self) -> usize {
        MESSAGE
    }
}

/// What the MCU ROM does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Start,
    Ready,
    Ask,
    Fetch,
    Activate,
    End,
    Done,
}

type Clock = Box<dyn FnMut() -> Instant>;

/// The MCU ROM: it polls its device and its feeder, and never blocks.
struct Mcu {
    feeder: Feeder<'static, 'static>,
    mailbox: End,
    delivery: Delivery<RecoveryAgent<HostBus<Clock>>>,
    next: Next,
    error: Option<u32>,
}

impl Mcu {
    fn step(&mut self, now: Instant) {
        if self.error.is_some() {
            return;
        }
        if let Err(code) = self.go_on(now) {
            self.error = Some(code);
            self.feeder.finalize(now, Status::UNSPECIFIED, 0);
            // Nobody waits for the answer.
            let _ = self.feeder.poll(now, &mut self.mailbox, &mut self.delivery);
        }
    }

    fn poll(&mut self, now: Instant) -> Result<Progress, u32> {
        let polled = self.feeder.poll(now, &mut self.mailbox, &mut self.delivery);
        polled.map_err(|error| match (error, self.delivery.take_error()) {
            (BootSourceError::Sink, Some(error)) => error.code(),
            (error, _) => error.code(),
        })
    }

    fn go_on(&mut self, now: Instant) -> Result<(), u32> {
        match self.next {
            Next::Start => {
                self.feeder.initiate(now, BootFlags::default());
                self.next = Next::Ready;
            }
            Next::Ready => {
                if self.poll(now)? == Progress::Ready {
                    self.next = Next::Ask;
                }
            }
            Next::Ask => match self
                .delivery
                .sink()
                .poll(now)
                .map_err(|error| error.code())?
            {
                AgentEvent::ImageRequested { index } => {
                    self.delivery.reset();
                    let id = FirmwareId(u32::from(index));
                    self.feeder.fetch(now, id).map_err(|error| error.code())?;
                    self.next = Next::Fetch;
                }
                AgentEvent::Complete => {
                    self.feeder.finalize(now, Status::SUCCESS, 0);
                    self.next = Next::End;
                }
                AgentEvent::Waiting | AgentEvent::Verifying { .. } => _ = self.poll(now)?,
            },
            Next::Fetch => {
                if let Progress::Complete(_) = self.poll(now)? {
                    self.next = Next::Activate;
                }
            }
            Next::Activate => {
                self.poll(now)?;
                let agent = self.delivery.sink();
                if agent.poll_ready(now).map_err(|error| error.code())? {
                    agent.activate(now).map_err(|error| error.code())?;
                    self.next = Next::Ask;
                }
            }
            Next::End => {
                if let Progress::Finalized(_) = self.poll(now)? {
                    self.next = Next::Done;
                }
            }
            Next::Done => {}
        }
        Ok(())
    }
}

/// The coprocessor's platform. While it idles, the MCU ROM runs.
struct TwoRoms {
    inner: SimPlatform,
    mcu: Rc<RefCell<Mcu>>,
}

impl Platform for TwoRoms {
    type Rng = <SimPlatform as Platform>::Rng;

    fn now(&mut self) -> Instant {
        self.inner.now()
    }

    fn idle(&mut self, until: Instant) {
        let soon = self.inner.now() + Duration::from_micros(200);
        self.inner.idle(until.min(soon));
        let now = self.inner.now();
        self.mcu.borrow_mut().step(now);
    }

    fn rng(&mut self) -> &mut Self::Rng {
        self.inner.rng()
    }
}

/// What became of both.
struct Boot {
    error: Option<u32>,
    device: DeviceOutcome,
    images: Vec<Digest>,
    activations: u32,
    finalized: Option<Status>,
    sent: Vec<FirmwareId>,
}

type Placed<'p> = Box<dyn FnMut(FirmwareId, Option<&NetworkConfig>) -> Option<Place> + 'p>;

/// Where the plan's images are, with their digests.
fn places(plan: &Plan) -> Placed<'_> {
    let digests: Vec<_> = plan.images.iter().map(|image| image.sha256()).collect();
    let scheme = plan.protocol.scheme();
    Box::new(move |id, config| {
        assert!(config.is_some(), "asked before there is an address");
        let index = usize::try_from(id.0).ok()?;
        let name = FILE_NAMES.get(index)?;
        Some(Place {
            uri: Uri::parse(&format!("{scheme}://{SERVER}/{name}")).ok()?,
            part: None,
            sha256: digests.get(index).copied(),
            version: 1,
        })
    })
}

fn boot(
    plan: &Plan,
    lose: u32,
    change: impl FnOnce(&mut image_server::ServerConfig),
    places: Placed<'_>,
) -> Boot {
    let mut server = plan.server();
    change(&mut server);
    let world = World::shared(server, LinkConfig::PERFECT);
    let device = device_config(plan).unwrap();
    let model: SharedModel = Rc::new(RefCell::new(RecoveryModel::new(device, Instant::ZERO)));
    let queues = Rc::new(RefCell::new(Queues {
        lose,
        ..Queues::default()
    }));
    let time = world.clone();
    let clock: Clock = Box::new(move || time.borrow().now);
    let agent = RecoveryAgent::new(
        HostBus::new(model.clone(), clock),
        AgentConfig::default(),
        Instant::ZERO,
    )
    .unwrap();
    let requester = RequesterConfig {
        shared: SharedConfig::new(CHUNK as u32),
        ..RequesterConfig::default()
    };
    let mcu = Rc::new(RefCell::new(Mcu {
        feeder: Feeder::new(requester, Box::leak(Box::new([0; MESSAGE]))).unwrap(),
        mailbox: End(queues.clone(), 0),
        delivery: Delivery::new(agent),
        next: Next::Start,
        error: None,
    }));
    let platform = TwoRoms {
        inner: SimPlatform::new(world.clone(), 7),
        mcu: mcu.clone(),
    };
    let mut options = NetworkOptions::default();
    options.dhcp.probe = netboot::ArpProbe::Off;
    let buffers = Box::leak(Box::new(Buffers::<16_384>::new()));
    let slots = Box::leak(Box::new(Slots::new()));
    let net = Network::new(
        SimDevice::new(world.clone()),
        platform,
        buffers,
        slots,
        options,
    );
    let mut source = NetworkSource::new(net, places);
    source.deadline = Duration::from_secs(20);
    let responder = ResponderConfig {
        shared: SharedConfig::new(CHUNK as u32),
        ..ResponderConfig::default()
    };
    let (mut chunk, mut message) = ([0; CHUNK], [0; MESSAGE]);
    let mailbox = End(queues, 1);
    let mut server = Server::new(responder, mailbox, &mut chunk, &mut message).unwrap();
    let mut finalized = None;
    let mut sent = vec![];
    let ended = Cell::new(0);
    while ended.get() < 1_000 {
        match server.step(&mut source) {
            Served::Finalized(status) => finalized = Some(status),
            Served::Sent(id) => sent.push(id),
            _ => {}
        }
        idle(&mut source);
        let mcu = mcu.borrow();
        if mcu.next == Next::Done || mcu.error.is_some() {
            ended.set(ended.get() + 1);
        }
        assert!(world.borrow().now < Instant::from_millis(600_000), "no end");
    }
    let model = model.borrow();
    assert_eq!(model.stall(), None);
    let images = model.images().iter().filter_map(|image| image.sha256);
    Boot {
        error: mcu.borrow().error,
        device: model.outcome(),
        images: images.collect(),
        activations: model.tally().activations,
        finalized,
        sent,
    }
}

fn idle<S: netboot_boot_source::ImageSource>(source: &mut S) {
    source.idle(Duration::from_millis(1));
}

fn plan(protocol: Protocol) -> Plan {
    Plan {
        protocol,
        images: firmware(&SIZES),
        ..Plan::default()
    }
}

fn assert_booted(plan: &Plan, boot: &Boot) {
    assert_eq!(boot.error, None);
    assert_eq!(boot.device, DeviceOutcome::Booted);
    assert_eq!(boot.activations, 3);
    let expected: Vec<_> = plan
        .images
        .iter()
        .map(|image| image.padded_sha256())
        .collect();
    assert_eq!(boot.images, expected);
    assert_eq!(boot.finalized, Some(Status::SUCCESS));
}

#[test]
fn three_images_go_through_two_roms() {
    for protocol in [Protocol::Tftp, Protocol::Http] {
        let plan = plan(protocol);
        let boot = boot(&plan, 0, |_| (), places(&plan));
        assert_booted(&plan, &boot);
        assert_eq!(boot.sent, [0, 1, 2].map(FirmwareId));
    }
}

#[test]
fn a_mailbox_that_loses_messages_costs_time_only() {
    let plan = plan(Protocol::Http);
    for lose in [5, 11] {
        let boot = boot(&plan, lose, |_| (), places(&plan));
        assert_booted(&plan, &boot);
    }
}

#[test]
fn a_server_that_breaks_off_is_asked_for_the_rest() {
    let plan = plan(Protocol::Http);
    let breaks = |server: &mut image_server::ServerConfig| {
        let rule = Rule::new(HttpFault::CloseAfter(9_000)).times(1);
        server.faults.http.add(rule);
    };
    let boot = boot(&plan, 0, breaks, places(&plan));
    assert_booted(&plan, &boot);
}

#[test]
fn an_image_that_is_not_there_is_named_to_the_mcu() {
    let plan = plan(Protocol::Http);
    let mut all = places(&plan);
    let without = Box::new(move |id: FirmwareId, config: Option<&NetworkConfig>| {
        all(id, config).filter(|_| id.0 != 1)
    });
    let boot = boot(&plan, 0, |_| (), without);
    let missing = BootSourceError::Source(Status::NOT_FOUND);
    assert_eq!(boot.error, Some(missing.code()));
    assert_eq!(boot.activations, 1);
    assert_eq!(boot.finalized, Some(Status::UNSPECIFIED));
}

#[test]
fn an_image_with_another_digest_is_never_activated() {
    let plan = plan(Protocol::Tftp);
    let mut all = places(&plan);
    let wrong = Box::new(move |id: FirmwareId, config: Option<&NetworkConfig>| {
        let mut place = all(id, config)?;
        if id.0 == 2 {
            place.sha256 = Some(Digest([0x11; 32]));
        }
        Some(place)
    });
    let boot = boot(&plan, 0, |_| (), wrong);
    assert_eq!(boot.error, Some(BootSourceError::ChecksumMismatch.code()));
    assert_eq!(boot.activations, 2);
}
