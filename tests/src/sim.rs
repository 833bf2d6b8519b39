//! One boot in the simulated world.

use crate::expect::Boot;
use crate::hostile::{Attack, HostileDevice};
use image_server::{ServerConfig, SharedWorld, World};
use netboot_core::{Duration, Instant, Platform};
use recovery_model::{DeviceConfig, RecoveryModel};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use testbed::Plan;
use testbed::host;
use testbed::sim::{SimDevice, SimPlatform};

/// Waits after which a boot counts as one that never ends.
const MOST_WAITS: u64 = 30_000_000;
/// Virtual time after which a boot counts as one that never ends: the default total deadline, and more.
const LONGEST: Duration = Duration::from_secs(2_000);

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

    /// Boots.
    ///
    /// # Panics
    /// When the plan's settings cannot be read, and when the boot seems never to end.
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
        };
        let mut console = String::new();
        let model = RecoveryModel::new(self.device, Instant::ZERO);
        let model = Rc::new(RefCell::new(model));
        let (plan, out) = (self.plan, &mut console);
        let clock = {
            let (world, access) = (world.clone(), self.access);
            move || {
                let mut world = world.borrow_mut();
                if access != Duration::ZERO {
                    let later = world.now + access;
                    world.run(later);
                }
                world.now
            }
        };
        let outcome = match self.attack {
            None => host::boot(plan, device, platform, model.clone(), clock, out),
            Some(attack) => {
                let device = HostileDevice::new(device, attack);
                host::boot(plan, device, platform, model.clone(), clock, out)
            }
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
            tls: world.server.tls_connections().to_vec(),
            link: world.link.stats(),
            faults: world.server.faults_mut().clone(),
            waits: waits.get(),
            phase: model.borrow().progress().phase,
        }
    }
}

/// A platform that notices when a boot does not end, and at whose clock things happen.
struct Guarded {
    inner: SimPlatform,
    world: SharedWorld,
    acts: std::collections::VecDeque<(Instant, Act)>,
    entropy: bool,
    waits: Rc<Cell<u64>>,
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
        let next = self.acts.front().map_or(Instant::FAR_FUTURE, |(at, _)| *at);
        self.inner.idle(until.min(next));
        let now = self.inner.now();
        while self.acts.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, act)) = self.acts.pop_front() {
                act(&mut self.world.borrow_mut());
            }
        }
    }

    fn rng(&mut self) -> &mut Self::Rng {
        self.inner.rng()
    }

    fn secret_rng(&mut self) -> Option<&mut dyn rand_core::CryptoRngCore> {
        self.inner.secret_rng().filter(|_| self.entropy)
    }
}
