//! A world of one model, one clock and one agent.
#![allow(dead_code, missing_docs)]

pub mod wire;

use netboot_core::fuzz::Random;
use netboot_core::{Duration, ImageSink, Instant};
use ocp_recovery::{AgentConfig, AgentEvent, RecoveryAgent, RecoveryError, RegisterBus};
use recovery_model::{
    CoreVersion, DeviceConfig, ExpectedImage, ModelBus, Personality, RecoveryModel,
};
use std::cell::{Cell, RefCell};

pub const CORES: [CoreVersion; 2] = [CoreVersion::V1p4, CoreVersion::V1p5];
pub const PERSONALITIES: [Personality; 3] = [
    Personality::Documented,
    Personality::Rom2_1_0,
    Personality::Rom2_1_2,
];

/// Octets that differ from image to image and have no short period.
pub fn image(seed: u32, size: usize) -> Vec<u8> {
    let mut random = Random(seed.into());
    (0..size).map(|_| random.octet()).collect()
}

pub struct World {
    pub model: RefCell<RecoveryModel>,
    pub clock: Cell<Instant>,
    /// The time that an access of the agent takes.
    pub access: Duration,
    /// The time between two polls. Without it the world moves to the device's next action.
    pub poll: Option<Duration>,
    /// Lines of the trace: DEVICE_STATUS_0, RECOVERY_STATUS, RECOVERY_CTRL at each change.
    pub trace: RefCell<Vec<[u32; 3]>>,
}

impl World {
    pub fn new(config: DeviceConfig) -> Self {
        Self {
            model: RefCell::new(RecoveryModel::new(config, Instant::ZERO)),
            clock: Cell::new(Instant::ZERO),
            access: Duration::ZERO,
            poll: None,
            trace: RefCell::default(),
        }
    }

    /// A healthy device that expects these images.
    pub fn expecting(core: CoreVersion, personality: Personality, images: &[Vec<u8>]) -> Self {
        Self::new(expecting(core, personality, images))
    }

    pub fn bus(&self) -> ModelBus<'_> {
        ModelBus::new(&self.model, &self.clock).with_access_time(self.access)
    }

    /// Lets `span` pass.
    pub fn pass(&self, span: Duration) {
        self.clock.set(self.now() + span);
        self.model.borrow_mut().tick(self.now());
    }

    /// Resets the device and its I3C core, as a platform does.
    pub fn reset_device(&self, agent: &mut RecoveryAgent<impl RegisterBus>) {
        self.model.borrow_mut().tick(self.now());
        self.model.borrow_mut().reset();
        agent.device_was_reset(self.now()).unwrap();
    }

    pub fn now(&self) -> Instant {
        self.clock.get()
    }

    pub fn agent(&self, config: AgentConfig) -> RecoveryAgent<ModelBus<'_>> {
        RecoveryAgent::new(self.bus(), config, self.now()).unwrap()
    }

    /// Waits for the next poll; without a poll interval, for the device's next action, or 5 ms when it waits. No agent is on
    /// the dot: the wait takes a little longer, but less than a step of the device, so that a trace misses no line.
    pub fn idle(&self) {
        if let Some(poll) = self.poll {
            return self.pass(poll);
        }
        let next = self.model.borrow().next_event();
        let now = self.now();
        let late = 1 + (now.as_micros().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % 9;
        let next = next.unwrap_or(now + Duration::from_millis(5)).max(now);
        self.clock.set(next + Duration::from_micros(late));
        self.model.borrow_mut().tick(self.now());
        self.record();
    }

    /// Notes the three registers when they changed.
    pub fn record(&self) {
        let mut bus = ModelBus::new(&self.model, &self.clock);
        let line = [0x130, 0x140, 0x13C].map(|offset| bus.read32(offset));
        let mut trace = self.trace.borrow_mut();
        if trace.last() != Some(&line) {
            trace.push(line);
        }
    }

    /// Polls until the device asks for an image or the boot is over.
    pub fn next_event(
        &self,
        agent: &mut RecoveryAgent<impl RegisterBus>,
    ) -> Result<AgentEvent, RecoveryError> {
        loop {
            match agent.poll(self.now())? {
                AgentEvent::Waiting | AgentEvent::Verifying { .. } => self.idle(),
                event => {
                    self.record();
                    return Ok(event);
                }
            }
        }
    }

    /// Writes an image in chunks of the sizes that `chunk` gives, as far as the window lets it.
    pub fn write(
        &self,
        agent: &mut RecoveryAgent<impl RegisterBus>,
        image: &[u8],
        mut chunk: impl FnMut() -> usize,
    ) -> Result<(), RecoveryError> {
        let mut rest = image;
        while !rest.is_empty() {
            let window = agent.window(self.now())?;
            if window == 0 {
                self.idle();
                continue;
            }
            let (head, tail) = rest.split_at(chunk().min(window).min(rest.len()));
            agent.write(self.now(), head)?;
            rest = tail;
        }
        Ok(())
    }

    /// Delivers one image up to the point where the device waits for its activation.
    pub fn deliver(
        &self,
        agent: &mut RecoveryAgent<impl RegisterBus>,
        image: &[u8],
        chunk: impl FnMut() -> usize,
    ) -> Result<(), RecoveryError> {
        agent.begin(self.now(), image.len() as u64)?;
        self.write(agent, image, chunk)?;
        agent.end(self.now())?;
        while !agent.poll_ready(self.now())? {
            self.idle();
        }
        self.record();
        Ok(())
    }

    /// A whole boot; gives the indices that the device asked for.
    pub fn boot(
        &self,
        agent: &mut RecoveryAgent<impl RegisterBus>,
        images: &[Vec<u8>],
    ) -> Result<Vec<u8>, RecoveryError> {
        let mut asked = vec![];
        loop {
            match self.next_event(agent)? {
                AgentEvent::ImageRequested { index } => {
                    asked.push(index);
                    self.deliver(agent, &images[usize::from(index)], || 1428)?;
                    agent.activate(self.now())?;
                    self.record();
                }
                event => {
                    assert_eq!(event, AgentEvent::Complete);
                    return Ok(asked);
                }
            }
        }
    }

    pub fn assert_no_violation(&self) {
        let model = self.model.borrow();
        assert_eq!(model.stall(), None);
        assert!(model.images().iter().all(|image| image.dropped_words == 0));
    }
}

pub fn expecting(core: CoreVersion, personality: Personality, images: &[Vec<u8>]) -> DeviceConfig {
    let expected: Vec<_> = images
        .iter()
        .map(|image| ExpectedImage::of(image))
        .collect();
    DeviceConfig::new(core, personality, &expected)
}
