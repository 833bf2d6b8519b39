//! Gives a device the images that it asks for, by `ocp-recovery`'s agent over commands.

use crate::bus::BusError;
use netboot_core::{Duration, Instant};
use ocp_recovery::command::Command;
use ocp_recovery::commands::{CommandBus, MAX_DATA};
use ocp_recovery::{
    AgentConfig, AgentEvent, BusFault, CommandAgent, ImageSink, RecoveryError, StatusSnapshot,
};
use std::fmt;

/// What the recovery does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The device asks for an image.
    Requested {
        /// Its index.
        index: u8,
        /// Octets of the image that will be sent.
        octets: usize,
    },
    /// A part was sent.
    Sent {
        /// The image's index.
        index: u8,
        /// Octets that were sent.
        sent: usize,
        /// Octets of the image.
        octets: usize,
    },
    /// The image was sent whole, and the device was told to activate it.
    Activated {
        /// The image's index.
        index: u8,
    },
    /// The device runs what it was given.
    Complete,
}

/// A recovery's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoverError {
    /// The bus failed.
    Bus {
        /// What the agent says.
        fault: BusFault,
        /// What the bus itself said last, if it said anything.
        error: Option<BusError>,
    },
    /// The device failed or refused, or a deadline passed.
    Device {
        /// What the agent says.
        error: RecoveryError,
        /// What the device showed last.
        status: StatusSnapshot,
    },
    /// The device asks for an image that was not given.
    NoImage {
        /// Its index.
        index: u8,
    },
}

impl fmt::Display for RecoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus {
                fault: BusFault::Transfer { .. } | BusFault::NoAcknowledge { address: true, .. },
                error: Some(error),
            } => error.fmt(f),
            Self::Bus { fault, .. } => fault.fmt(f),
            Self::Device { error, status } => {
                error.fmt(f)?;
                let Some(last) = status.protocol_error else {
                    return Ok(());
                };
                write!(f, "; the device's last {last}")
            }
            Self::NoImage { index } => {
                write!(
                    f,
                    "the device asks for image {index}, and there is no image {index}: give it with --from"
                )
            }
        }
    }
}

impl std::error::Error for RecoverError {}

/// Settings of a recovery.
#[derive(Clone, Copy, Debug)]
pub struct RecoverOptions {
    /// How long the device may take to ask for an image.
    pub request_timeout: std::time::Duration,
    /// How long the device may take to verify an image.
    pub verify_timeout: std::time::Duration,
    /// How long nothing may change after the last image before the recovery counts as done.
    pub settle: std::time::Duration,
    /// Between two looks at the device.
    pub poll: std::time::Duration,
    /// How long the bus may fail without a break.
    pub bus_timeout: std::time::Duration,
}

impl Default for RecoverOptions {
    fn default() -> Self {
        let second = std::time::Duration::from_secs(1);
        Self {
            request_timeout: 30 * second,
            verify_timeout: 30 * second,
            settle: 3 * second,
            poll: std::time::Duration::from_millis(5),
            bus_timeout: 2 * second,
        }
    }
}

fn span(duration: std::time::Duration) -> Duration {
    Duration::from_micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

/// Gives the device the images that it asks for, by their indices, until it runs them. Returns the number of commands that
/// had to be repeated.
///
/// # Errors
/// When the bus or the device fails, or the device asks for an image that is not there.
pub fn recover(
    bus: &mut dyn CommandBus<Error = BusError>,
    images: &[Vec<u8>],
    options: &RecoverOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<u32, RecoverError> {
    let begun = std::time::Instant::now();
    let now =
        || Instant::from_micros(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
    let config = AgentConfig {
        last_index: u8::try_from(images.len().saturating_sub(1))
            .unwrap_or(u8::MAX)
            .min(15),
        settle: span(options.settle),
        request_timeout: span(options.request_timeout),
        verify_timeout: span(options.verify_timeout),
        bus_timeout: span(options.bus_timeout),
        ..AgentConfig::default()
    };
    // A host finds its device running: one that does not acknowledge its address is not there, and is not waited for.
    if let Err(error) = bus.read(Command::ProtCap, &mut [0; MAX_DATA])
        && let fault @ BusFault::NoAcknowledge { address: true, .. } =
            bus.fault(Command::ProtCap, error)
    {
        let error = Some(error);
        return Err(RecoverError::Bus { fault, error });
    }
    let made = CommandAgent::over_commands(bus, config, now());
    let mut agent = made.map_err(|error| RecoverError::Device {
        error,
        status: StatusSnapshot::default(),
    })?;
    loop {
        let event = agent.poll(now());
        match checked(&mut agent, event)? {
            AgentEvent::Complete => {
                progress(Progress::Complete);
                return Ok(agent.bus_mut().repeats());
            }
            AgentEvent::ImageRequested { index } => {
                let image = images
                    .get(usize::from(index))
                    .ok_or(RecoverError::NoImage { index })?;
                let octets = image.len();
                progress(Progress::Requested { index, octets });
                deliver(&mut agent, image, index, options, progress, &now)?;
                progress(Progress::Activated { index });
            }
            AgentEvent::Waiting | AgentEvent::Verifying { .. } => std::thread::sleep(options.poll),
        }
    }
}

type Agent<'a> = CommandAgent<&'a mut dyn CommandBus<Error = BusError>>;

/// The agent's result, with what the bus or the device said.
fn checked<T>(agent: &mut Agent<'_>, result: Result<T, RecoveryError>) -> Result<T, RecoverError> {
    let status = agent.status();
    result.map_err(|error| match error {
        RecoveryError::Bus(fault) => RecoverError::Bus {
            fault,
            error: agent.bus_mut().last_error(),
        },
        error => RecoverError::Device { error, status },
    })
}

fn deliver(
    agent: &mut Agent<'_>,
    image: &[u8],
    index: u8,
    options: &RecoverOptions,
    progress: &mut dyn FnMut(Progress),
    now: &dyn Fn() -> Instant,
) -> Result<(), RecoverError> {
    let begun = agent.begin(now(), image.len() as u64);
    checked(agent, begun)?;
    let mut rest = image;
    while !rest.is_empty() {
        let window = agent.window(now());
        let window = checked(agent, window)?;
        if window == 0 {
            std::thread::sleep(options.poll.min(std::time::Duration::from_millis(1)));
            continue;
        }
        let (part, tail) = rest.split_at(window.min(rest.len()));
        let written = agent.write(now(), part);
        checked(agent, written)?;
        rest = tail;
        progress(Progress::Sent {
            index,
            sent: image.len() - rest.len(),
            octets: image.len(),
        });
    }
    let ended = agent.end(now());
    checked(agent, ended)?;
    loop {
        let ready = agent.poll_ready(now());
        if checked(agent, ready)? {
            break;
        }
        std::thread::sleep(options.poll);
    }
    let activated = agent.activate(now());
    checked(agent, activated)
}
