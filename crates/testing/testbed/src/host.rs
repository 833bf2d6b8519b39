//! The boot application and the library on this machine's processor, with an emulated device.

use crate::plan::{EndSignal, Plan, Protocol};
use crate::settings_help::{Which, refused};
use crate::sztp::Sztp;
use anyhow::{Result, anyhow};
use netboot::{Buffers, Lanes, NetError, Network, Slots, Ubp, UbpOptions};
use netboot_app::console::{LineObserver, write_report};
use netboot_app::{
    AppConfig, BootApp, BootReport, DeviceControl, FixedSource, ScriptSpace, Scripts, Terminal,
};
use netboot_core::{Device, Instant, NetworkConfig, Platform};
use netboot_ipxe::{Hasher, IpxeInterface, Software, Unpacker};
use netboot_x509::{DEFAULT_ALGORITHMS, MAX_DEPTH, TimePolicy, Trust, TrustPolicy};
use ocp_recovery::{AgentConfig, RecoveryAgent, RecoveryError, RegisterBus};
use recovery_model::{DeviceConfig, DeviceOutcome, ImageRecord, RecoveryModel, Stall, Tally};
use rom_parts::bootstore_settings::SettingsLedger;
use rom_parts::sizes::{LANES, TCP};
use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;

/// The emulated device, shared by its bus and by whoever looks at it.
pub type SharedModel = Rc<RefCell<RecoveryModel>>;

/// A bus to a shared model; `now` is the clock of the bus.
pub struct HostBus<C> {
    model: SharedModel,
    now: C,
}

impl<C: FnMut() -> Instant> HostBus<C> {
    /// A bus to `model`.
    pub fn new(model: SharedModel, now: C) -> Self {
        Self { model, now }
    }
}

impl<C: FnMut() -> Instant> RegisterBus for HostBus<C> {
    fn read32(&mut self, offset: u32) -> u32 {
        let now = (self.now)();
        self.model.borrow_mut().read(now, offset)
    }

    fn write32(&mut self, offset: u32, value: u32) {
        let now = (self.now)();
        self.model.borrow_mut().write(now, offset, value);
    }
}

/// The platform around the emulated device.
struct ModelControl {
    model: SharedModel,
    can_reset: bool,
    end: EndSignal,
}

impl<B> DeviceControl<B> for ModelControl {
    fn reset(&mut self, _: &mut B) -> bool {
        if self.can_reset {
            self.model.borrow_mut().reset();
        }
        self.can_reset
    }

    fn is_complete(&mut self, _: &mut B) -> bool {
        match self.end {
            EndSignal::None => false,
            EndSignal::True => self.model.borrow().outcome() == DeviceOutcome::Booted,
            EndSignal::Stale => true,
        }
    }
}

/// What became of a boot, from both sides.
#[derive(Debug)]
pub struct Outcome {
    /// The boot application's report.
    pub report: BootReport<NetError>,
    /// The interface's configuration at the end of the boot.
    pub config: Option<NetworkConfig>,
    /// The device's own view.
    pub device: DeviceOutcome,
    /// What the device got, by index.
    pub images: Vec<ImageRecord>,
    /// An access that would have hung the bus: never to be seen.
    pub stall: Option<Stall>,
    /// The device's counts, which no reset clears.
    pub tally: Tally,
    /// What scripts have written for a person.
    pub screen: String,
}

/// A terminal at which everything was typed before the boot.
struct Typed {
    keys: std::vec::IntoIter<u8>,
    screen: String,
}

impl Terminal for Typed {
    fn write(&mut self, text: &str) {
        self.screen.push_str(text);
    }

    fn key(&mut self) -> Option<u8> {
        self.keys.next()
    }
}

/// The emulated device of a plan.
///
/// # Errors
/// When the plan's device text cannot be read.
pub fn model(plan: &Plan, now: Instant) -> Result<SharedModel> {
    let config = device_config(plan)?;
    Ok(Rc::new(RefCell::new(RecoveryModel::new(config, now))))
}

/// What the emulated device of a plan is, for those who want it changed beyond what its text can say.
///
/// # Errors
/// When the plan's device text cannot be read.
pub fn device_config(plan: &Plan) -> Result<DeviceConfig> {
    let text = plan.device_text();
    rom_parts::device_settings::parse(&text).map_err(|bad| refused(Which::Device, &text, bad))
}

/// Boots `plan` over `device`; console lines go to `out`.
///
/// # Errors
/// When the plan's settings cannot be read, or the set-up fails. A boot that fails is an [`Outcome`].
pub fn boot<D: Device + 'static, P: Platform + 'static>(
    plan: &Plan,
    device: D,
    platform: P,
    model: SharedModel,
    clock: impl FnMut() -> Instant,
    out: &mut dyn Write,
) -> Result<Outcome> {
    let bus = HostBus::new(model.clone(), clock);
    let agent = |config, now| RecoveryAgent::new(bus, config, now);
    boot_with(plan, device, platform, model, agent, out)
}

/// As [`boot`], with the recovery agent that `agent` makes.
///
/// # Errors
/// As for [`boot`].
pub fn boot_with<D: Device + 'static, P: Platform + 'static, B: RegisterBus>(
    plan: &Plan,
    device: D,
    mut platform: P,
    model: SharedModel,
    agent: impl FnOnce(AgentConfig, Instant) -> Result<RecoveryAgent<B>, RecoveryError>,
    out: &mut dyn Write,
) -> Result<Outcome> {
    let mut settings = rom_parts::settings::Settings::default();
    let text = plan.settings_text();
    let read = settings.parse(&text);
    read.map_err(|bad| refused(Which::Boot, &text, bad))?;
    let defaults: Vec<_> = settings
        .defaults
        .iter()
        .map(|(index, uri)| FixedSource { index: *index, uri })
        .collect();
    let mut config = AppConfig {
        policy: settings.policy,
        expected: &settings.expected,
        defaults: &defaults,
        ..AppConfig::default()
    };
    settings.sources.apply(&mut config);
    config.poll = plan.poll.unwrap_or(config.poll);
    let now = platform.now();
    let agent = agent(settings.agent, now).map_err(|error| anyhow!("{error}"))?;
    // The sockets borrow the buffers for as long as these live, as they do in a ROM's statics: some
    // 20 KiB for each boot stay allocated.
    let buffers = Box::leak(Box::new(Buffers::<TCP>::new()));
    let slots = Box::leak(Box::new(Slots::new()));
    let mut net = Network::new(device, platform, buffers, slots, settings.network);
    if plan.parallel {
        net.use_lanes(Box::leak(Box::new(Lanes::<TCP, LANES>::new())));
    }
    if let Some(https) = &plan.https {
        net.use_tls(https.client());
    }
    if plan.protocol == Protocol::Ubp || text.contains("ubp:") {
        let hasher = Box::leak(Box::new(Software::new()));
        net.use_ubp(Box::leak(Box::new(Ubp::new(hasher, UbpOptions::default()))));
    }
    let mut control = ModelControl {
        model: model.clone(),
        can_reset: plan.can_reset,
        end: plan.end,
    };
    let mut terminal = Typed {
        keys: plan.keys.clone().into_bytes().into_iter(),
        screen: String::new(),
    };
    let mut ledger = SettingsLedger(&settings.sources.bootstore);
    let mut shared = plan.ledger.clone();
    let mut space = Box::new(ScriptSpace::<4096, 3>::new());
    let roots: Vec<&[u8]> = plan.signers.iter().map(Vec::as_slice).collect();
    let mut sztp_space = plan.sztp.as_ref().map(Sztp::space);
    let mut voucher_roots = Vec::new();
    let mut provisioning = match (&plan.sztp, &mut sztp_space) {
        (Some(sztp), Some(space)) => Some(sztp.provisioning(space, &mut voucher_roots)),
        _ => None,
    };
    let mut accelerator = plan.accelerator.clone();
    let mut hasher = Software::new();
    let mut unpacker = Unpacker::new(&mut hasher as &mut dyn Hasher);
    let mut app = BootApp::new(net, agent, LineObserver(&mut *out), config);
    if plan.script.is_some() || plan.built_in.is_some() {
        let facts = settings.sources.facts();
        let mut scripts = Scripts::new(&mut *space, &mut terminal, facts);
        if plan.signers.is_some() {
            scripts = scripts.with_signers(Trust {
                policy: TrustPolicy::Pinned {
                    roots: &roots,
                    keys: &[],
                },
                time: TimePolicy::None,
                algorithms: DEFAULT_ALGORITHMS,
                max_depth: MAX_DEPTH,
            });
        }
        app.use_scripts(match plan.built_in {
            Some(text) => scripts.with_script(text),
            None => scripts,
        });
    }
    app.use_unpacker(&mut unpacker);
    if let Some(accelerator) = &mut accelerator {
        app.use_hasher(accelerator);
    }
    if let Some(provisioning) = &mut provisioning {
        app.use_provisioning(provisioning);
    }
    match &mut shared {
        Some(shared) => app.use_ledger(shared),
        None => app.use_ledger(&mut ledger),
    }
    if plan.can_reset || plan.end != EndSignal::None {
        app.use_control(&mut control);
    }
    let report = app.run().clone();
    let config = app.network().config().cloned();
    drop(app);
    write_report(&mut &mut *out, &report);
    let model = model.borrow();
    Ok(Outcome {
        report,
        config,
        device: model.outcome(),
        images: model.images().to_vec(),
        stall: model.stall(),
        tally: model.tally(),
        screen: terminal.screen,
    })
}
