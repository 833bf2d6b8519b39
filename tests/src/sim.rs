//! One boot in the simulated world.

use crate::expect::Boot;
use crate::hostile::{Attack, HostileDevice};
use image_server::{ServerConfig, SharedWorld, World};
use netboot_core::{Device, Duration, Instant, Platform};
use ocp_recovery::CommandAgent;
use ocp_recovery::commands::{Framing, I2cBus};
use recovery_model::i2c::{Attempt, Fault, Frames, ModelI2c};
use recovery_model::{DeviceConfig, RecoveryModel};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use testbed::Plan;
use testbed::host::{self, SharedModel};
use testbed::sim::{SimDevice, SimPlatform};

/// Waits after which a boot counts as one that never ends.
const MOST_WAITS: u64 = 30_000_000;
/// Virtual time after which a boot counts as one that never ends: the default total deadline, and more.
const LONGEST: Duration = Duration::from_secs(2_000);

/// What happens to each command on an I2C bus.
type WireFaults = Box<dyn FnMut(Attempt) -> Option<Fault>>;
/// The device's address on it.
const I2C_ADDRESS: u8 = 0x3A;

/// What is to happen at a given time.
type Act = Box<dyn FnOnce(&mut World)>;

/// A boot that is being prepared.
pub struct Sim<'p> {
    plan: &'p Plan,
    /// The server's configuration; [`Plan::server`] at first.
    pub server: ServerConfig,
    /// The device; [`host::device_config`] at first.
    pub device: DeviceConfig,
    acts: Vec<(Instant, Act)>,
    attack: Option<Attack>,
    middle: Option<netsim::Middle>,
    /// Time that the world moves on with each access to a register.
    access: Duration,
    oversleep: Option<Duration>,
    wire: Option<(Framing, WireFaults)>,
    watchdog: Option<Duration>,
    interrupt: Option<Instant>,
}

impl<'p> Sim<'p> {
    /// The boot of `plan`.
    ///
    /// # Panics
    /// When the plan's device text cannot be read.
    pub fn new(plan: &'p Plan) -> Self {
        Self {
            plan,
            server: plan.server(),
            device: host::device_config(plan).expect("a readable device text"),
            acts: Vec::new(),
            attack: None,
            middle: None,
            access: Duration::ZERO,
            oversleep: None,
            wire: None,
            watchdog: None,
            interrupt: None,
        }
    }

    /// Changes the server.
    #[must_use]
    pub fn server(mut self, change: impl FnOnce(&mut ServerConfig)) -> Self {
        change(&mut self.server);
        self
    }

    /// Changes the device.
    #[must_use]
    pub fn device(mut self, change: impl FnOnce(&mut DeviceConfig)) -> Self {
        change(&mut self.device);
        self
    }

    /// Lets `act` happen to the world at `at`.
    #[must_use]
    pub fn at(mut self, at: Instant, act: impl FnOnce(&mut World) + 'static) -> Self {
        self.acts.push((at, Box::new(act)));
        self
    }

    /// Lets somebody rewrite what the station receives.
    #[must_use]
    pub fn attacked(mut self, attack: Attack) -> Self {
        self.attack = Some(attack);
        self
    }

    /// Puts something between the station and the server.
    #[must_use]
    pub fn middle(mut self, middle: netsim::Middle) -> Self {
        self.middle = Some(middle);
        self
    }

    /// Makes each access to a register of the device take `access`.
    #[must_use]
    pub fn access(mut self, access: Duration) -> Self {
        self.access = access;
        self
    }

    /// Makes the platform wake up to `oversleep` late, in place of [`SimPlatform`]'s own lateness. With zero it is on the dot.
    #[must_use]
    pub fn oversleeps(mut self, oversleep: Duration) -> Self {
        self.oversleep = Some(oversleep);
        self
    }

    /// Reaches the device over I2C at 100 kHz instead of over its registers. `faults` says what happens to each command.
    #[must_use]
    pub fn over_i2c(
        mut self,
        framing: Framing,
        faults: impl FnMut(Attempt) -> Option<Fault> + 'static,
    ) -> Self {
        self.wire = Some((framing, Box::new(faults)));
        self
    }

    /// Gives the board a watchdog with this period. It is fed where the library says that it is alive, and each wait returns after half of the period.
    #[must_use]
    pub fn watchdog(mut self, period: Duration) -> Self {
        self.watchdog = Some(period);
        self
    }

    /// Lets the person at the console press Ctrl-C at `at`.
    #[must_use]
    pub fn interrupted(mut self, at: Instant) -> Self {
        self.interrupt = Some(at);
        self
    }

    /// Boots.
    ///
    /// # Panics
    /// When the plan's settings cannot be read, when the boot seems never to end, and when the watchdog bites.
    pub fn run(mut self) -> Boot {
        let world = World::shared(self.server, self.plan.link);
        if let Some(middle) = self.middle {
            world.borrow_mut().link.set_middle(middle);
        }
        if let Some(path) = std::env::var_os("NETBOOT_PCAP") {
            let file = std::fs::File::create(path).expect("a file for the capture");
            world.borrow_mut().link.capture(Box::new(file));
        }
        let device = SimDevice::new(world.clone());
        self.acts.sort_by_key(|(at, _)| *at);
        let waits = Rc::new(Cell::new(0));
        let mut inner = SimPlatform::new(world.clone(), self.plan.seed ^ 0x005e_ed0f_0c11_e475);
        if let Some(oversleep) = self.oversleep {
            inner = inner.with_oversleep(oversleep);
        }
        let platform = Guarded {
            inner,
            world: world.clone(),
            acts: self.acts.into(),
            entropy: self.plan.https.as_ref().is_some_and(|https| https.entropy),
            waits: waits.clone(),
            watchdog: self.watchdog.map(|period| (period, Instant::ZERO)),
            interrupt: self.interrupt,
        };
        let mut console = String::new();
        let model = RecoveryModel::new(self.device, Instant::ZERO);
        let model = Rc::new(RefCell::new(model));
        let (plan, out) = (self.plan, &mut console);
        let reach = Reach {
            world: world.clone(),
            access: self.access,
            wire: self.wire,
        };
        let shared = model.clone();
        let outcome = match self.attack {
            None => reach.boot(plan, device, platform, shared, out),
            Some(attack) => reach.boot(
                plan,
                HostileDevice::new(device, attack),
                platform,
                shared,
                out,
            ),
        };
        let outcome = outcome.expect("readable settings");
        let mut world = world.borrow_mut();
        // The last acknowledgement arrives after the boot: the server's record ends with it.
        let later = world.now + Duration::from_secs(1);
        world.run(later);
        Boot {
            outcome,
            console,
            served: world.server.served().to_vec(),
            posted: world.server.posted().to_vec(),
            tls: world.server.tls_connections().to_vec(),
            link: world.link.stats(),
            faults: world.server.faults_mut().clone(),
            waits: waits.get(),
            phase: model.borrow().progress().phase,
        }
    }
}

/// How the station reaches the device that boots.
struct Reach {
    world: SharedWorld,
    /// Time that the world moves on with each access to a register.
    access: Duration,
    /// The I2C bus; the registers are memory-mapped without one.
    wire: Option<(Framing, WireFaults)>,
}

impl Reach {
    /// Boots over the network card `card`.
    fn boot<D: Device + 'static, P: Platform + 'static>(
        self,
        plan: &Plan,
        card: D,
        platform: P,
        model: SharedModel,
        out: &mut String,
    ) -> anyhow::Result<host::Outcome> {
        let Self {
            world,
            access,
            wire,
        } = self;
        let pass = move |span| {
            let mut world = world.borrow_mut();
            if span != Duration::ZERO {
                let later = world.now + span;
                world.run(later);
            }
            world.now
        };
        let Some((framing, faults)) = wire else {
            return host::boot(plan, card, platform, model, move || pass(access), out);
        };
        let frames = match framing {
            Framing::Smbus => Frames::Smbus,
            Framing::I3c => Frames::I3c,
        };
        let i2c = ModelI2c::new(&model, pass, I2C_ADDRESS, frames, faults);
        let agent = |config, now| {
            let bus = I2cBus::new(i2c, I2C_ADDRESS, framing);
            CommandAgent::over_commands(bus, config, now)
        };
        host::boot_with(plan, card, platform, model.clone(), agent, out)
    }
}

/// A platform that notices when a boot does not end, and at whose clock things happen.
struct Guarded {
    inner: SimPlatform,
    world: SharedWorld,
    acts: std::collections::VecDeque<(Instant, Act)>,
    entropy: bool,
    waits: Rc<Cell<u64>>,
    /// The watchdog's period, and when it was fed last.
    watchdog: Option<(Duration, Instant)>,
    /// When the person at the console presses Ctrl-C.
    interrupt: Option<Instant>,
}

impl Guarded {
    /// Ends the test if nobody has fed the watchdog for its period.
    fn bite(&self, now: Instant) {
        if let Some((period, fed)) = self.watchdog {
            let since = now.since(fed);
            assert!(since <= period, "{now}: the watchdog bites after {since}");
        }
    }
}

impl Platform for Guarded {
    type Rng = <SimPlatform as Platform>::Rng;

    fn now(&mut self) -> Instant {
        self.inner.now()
    }

    fn idle(&mut self, until: Instant) {
        let waits = self.waits.get() + 1;
        self.waits.set(waits);
        let now = self.inner.now();
        assert!(waits < MOST_WAITS, "{waits} waits by {now}: a busy loop");
        assert!(
            now < Instant::ZERO + LONGEST,
            "{now}: the boot does not end"
        );
        self.bite(now);
        let next = self.acts.front().map_or(Instant::FAR_FUTURE, |(at, _)| *at);
        let patience = match self.watchdog {
            Some((period, _)) => now + period / 2,
            None => Instant::FAR_FUTURE,
        };
        let key = self.interrupt.unwrap_or(Instant::FAR_FUTURE);
        self.inner.idle(until.min(next).min(patience).min(key));
        let now = self.inner.now();
        while self.acts.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, act)) = self.acts.pop_front() {
                act(&mut self.world.borrow_mut());
            }
        }
    }

    fn alive(&mut self) {
        let now = self.inner.now();
        self.bite(now);
        if let Some((_, fed)) = &mut self.watchdog {
            *fed = now;
        }
    }

    fn interrupted(&mut self) -> bool {
        let now = self.inner.now();
        let pressed = self.interrupt.take_if(|at| now >= *at);
        pressed.is_some()
    }

    fn rng(&mut self) -> &mut Self::Rng {
        self.inner.rng()
    }

    fn secret_rng(&mut self) -> Option<&mut dyn rand_core::CryptoRngCore> {
        self.inner.secret_rng().filter(|_| self.entropy)
    }
}
