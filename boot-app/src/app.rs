//! The state machine of a boot.

#[cfg(feature = "ahead")]
mod ahead;
#[cfg(feature = "toc")]
mod locate;

use crate::check::{Expected, Watched};
use crate::error::AppError;
use crate::observer::{Event, Observer};
use crate::policy::Policy;
use crate::report::{BootReport, ImageReport, Outcome};
use crate::sources::{Candidate, DefaultSource, FileNames, MAX_TRIED, Sources, boot_uri};
use netboot_core::uri::UriError;
use netboot_core::{AbortReason, Duration, ImageSink, Instant};
use netboot_ipxe::{ExecError, IpxeInterface};
use ocp_recovery::{AgentEvent, RecoveryAgent, RecoveryError, RegisterBus};

/// What an integrator may choose.
#[derive(Clone, Copy, Debug)]
pub struct AppConfig<'c> {
    /// How often and how long to try.
    pub policy: Policy,
    /// File names for each recovery image index.
    pub names: FileNames<'c>,
    /// Places that are compiled in, tried last.
    pub defaults: &'c [DefaultSource<'c>],
    /// What images have to be, by recovery image index, as far as it is known.
    pub expected: &'c [(u8, Expected)],
    /// How often the device is looked at while there is nothing to do but wait for it.
    pub poll: Duration,
}

impl Default for AppConfig<'_> {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            names: FileNames::default(),
            defaults: &[],
            expected: &[],
            poll: Duration::from_micros(500),
        }
    }
}

/// Where the boot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No address yet.
    Configure,
    /// The boot file is to be looked into.
    Locate,
    /// The device is to say what it wants, or that it is done.
    Await,
    /// The device wants this image.
    Deliver { index: u8 },
    /// The device booted.
    Done,
}

/// What is done again when it fails.
#[derive(Clone, Copy)]
enum Work {
    Configure,
    #[cfg(feature = "toc")]
    ReadToc,
    /// Delivers this image.
    Image(u8),
}

/// An operation failed; [`BootReport::error`] says why. The error itself is too large to be copied
/// from each function to its caller.
struct Failed;

type Result<T = ()> = core::result::Result<T, Failed>;

/// A boot: a network, a device, somebody who watches.
pub struct BootApp<'c, N: IpxeInterface, B: RegisterBus, O: Observer> {
    net: N,
    agent: RecoveryAgent<B>,
    observer: O,
    config: AppConfig<'c>,
    state: State,
    sources: Sources,
    /// In so many looks at a waiting device, the image that it is likely to ask for is to be opened; never with 0.
    #[cfg(feature = "ahead")]
    looks: u8,
    deadline: Instant,
    /// Its `error` is the last failure for as long as the boot goes on.
    report: BootReport<N::Error>,
}

impl<'c, N, B, O> BootApp<'c, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    /// A boot that has not begun.
    #[inline(never)]
    pub fn new(mut net: N, agent: RecoveryAgent<B>, observer: O, config: AppConfig<'c>) -> Self {
        let now = net.now();
        Self {
            net,
            agent,
            observer,
            config,
            state: State::Configure,
            sources: Sources::default(),
            #[cfg(feature = "ahead")]
            looks: 0,
            deadline: now + config.policy.total_deadline,
            report: BootReport::new(now),
        }
    }

    /// Boots the device, or finds out why that cannot be. Ends by the policy's total deadline.
    #[inline(never)]
    pub fn run(&mut self) -> &BootReport<N::Error> {
        while self.state != State::Done {
            if self.step().is_err() {
                let now = self.net.now();
                self.agent.abort(now, AbortReason::Cancelled);
                break;
            }
        }
        if self.state == State::Done {
            self.report.error = None;
        }
        let now = self.net.now();
        self.report.ended = now;
        let status = self.report.status();
        self.observer.event(now, &Event::Finished { status });
        &self.report
    }

    /// What happened so far.
    pub fn report(&self) -> &BootReport<N::Error> {
        &self.report
    }

    /// The network, for what comes after the boot.
    pub fn network(&mut self) -> &mut N {
        &mut self.net
    }

    /// The parts, for what comes after the boot.
    pub fn into_parts(self) -> (N, RecoveryAgent<B>, O) {
        (self.net, self.agent, self.observer)
    }

    #[inline(never)]
    fn tell(&mut self, event: &Event<'_>) {
        let now = self.net.now();
        self.observer.event(now, event);
    }

    /// Says that an attempt at an image (or, without an index, before the first) has failed.
    fn tell_failure(&mut self, index: Option<u8>) {
        let now = self.net.now();
        if let Some(error) = &self.report.error {
            self.observer
                .event(now, &Event::AttemptFailed { index, error });
        }
    }

    /// Notes why something failed.
    fn fail(&mut self, error: AppError<N::Error>) -> Failed {
        self.report.error = Some(error);
        Failed
    }

    #[inline(never)]
    fn fail_net(&mut self, error: N::Error) -> Failed {
        self.fail(AppError::Network(error))
    }

    #[inline(never)]
    fn fail_recovery(&mut self, error: RecoveryError) -> Failed {
        self.fail(AppError::Recovery(error))
    }

    /// Whether the time for the whole boot is over.
    fn is_late(&mut self) -> bool {
        self.net.now() >= self.deadline
    }

    /// Whether another try may do better than the last failure.
    fn retryable(&self) -> bool {
        self.report.error.as_ref().is_some_and(AppError::retryable)
    }

    fn step(&mut self) -> Result {
        self.state = match self.state {
            State::Configure => {
                self.retry(Work::Configure, u32::MAX)?;
                State::Locate
            }
            State::Locate => {
                #[cfg(feature = "toc")]
                self.locate()?;
                State::Await
            }
            State::Await => match self.await_device()? {
                Some(index) => State::Deliver { index },
                None => State::Done,
            },
            State::Deliver { index } => {
                self.deliver(index)?;
                State::Await
            }
            State::Done => State::Done,
        };
        Ok(())
    }

    #[cfg(not(feature = "ahead"))]
    fn open_ahead(&mut self) {}

    /// Does `work`, again by policy as long as that makes sense, but no more than `most` times.
    #[inline(never)]
    fn retry(&mut self, work: Work, most: u32) -> Result {
        let mut rounds = 0u32;
        loop {
            let (index, result) = match work {
                Work::Configure => (None, self.configure()),
                #[cfg(feature = "toc")]
                Work::ReadToc => (None, self.read_toc()),
                Work::Image(index) => (Some(index), self.try_sources(index)),
            };
            if result.is_ok() {
                return result;
            }
            // The network knows the deadline of the boot only as its own.
            if self.is_late() && matches!(self.report.error, Some(AppError::Network(_))) {
                self.fail(AppError::TotalDeadline);
            }
            self.tell_failure(index);
            if !self.retryable() {
                return result;
            }
            rounds = rounds.saturating_add(1);
            let again = self.config.policy.again(rounds);
            let Some(wait) = again.filter(|_| rounds <= most) else {
                return result;
            };
            if self.net.now() + wait >= self.deadline {
                return result;
            }
            self.net.set_deadline(self.deadline);
            self.sleep(wait)?;
        }
    }

    /// Sets the deadline of one attempt.
    #[inline(never)]
    fn start_attempt(&mut self) -> Result {
        let now = self.net.now();
        if now >= self.deadline {
            return Err(self.fail(AppError::TotalDeadline));
        }
        let attempt = now + self.config.policy.attempt_deadline;
        self.net.set_deadline(attempt.min(self.deadline));
        Ok(())
    }

    #[inline(never)]
    fn configure(&mut self) -> Result {
        self.start_attempt()?;
        let config = match self.net.dhcp() {
            Ok(config) => self.report.config.insert(config),
            Err(error) => return Err(self.fail_net(error)),
        };
        let now = self.net.now();
        self.observer.event(now, &Event::Configured(config));
        self.report.configured = Some(now);
        self.sources.boot = match boot_uri(config) {
            Ok(boot) => boot,
            Err(error) => {
                let failed = self.fail_net(error.into());
                if self.config.defaults.is_empty() {
                    return Err(failed);
                }
                // The compiled-in places may still be good.
                self.tell_failure(None);
                None
            }
        };
        Ok(())
    }

    /// Waits for the device to ask for an image, or to be done (`None`). Until then the last image is
    /// in doubt.
    fn await_device(&mut self) -> Result<Option<u8>> {
        #[cfg(feature = "ahead")]
        {
            self.looks = ahead::LOOKS;
        }
        let result = self.poll_device();
        if let (Err(Failed), Some(AppError::Recovery(error)), Some(image)) =
            (&result, &self.report.error, self.report.images.last_mut())
            && matches!(error, RecoveryError::DeviceRefused { .. })
            && image.outcome == Outcome::Activated
        {
            image.outcome = Outcome::Refused;
            image.error = Some(AppError::Recovery(*error));
        }
        result
    }

    #[inline(never)]
    fn poll_device(&mut self) -> Result<Option<u8>> {
        self.net.set_deadline(self.deadline);
        loop {
            let now = self.net.now();
            match self.agent.poll(now) {
                Ok(AgentEvent::ImageRequested { index }) => return Ok(Some(index)),
                Ok(AgentEvent::Complete) => return Ok(None),
                Ok(AgentEvent::Waiting | AgentEvent::Verifying { .. }) => {}
                Err(error) => return Err(self.fail_recovery(error)),
            }
            self.open_ahead();
            self.idle(now)?;
        }
    }

    /// Lets a little time pass for the device; the network is served.
    #[inline(never)]
    fn idle(&mut self, now: Instant) -> Result {
        if now >= self.deadline {
            return Err(self.fail(AppError::TotalDeadline));
        }
        let slept = self.sleep(self.config.poll);
        if slept.is_err() && self.is_late() {
            self.fail(AppError::TotalDeadline);
        }
        slept
    }

    #[inline(never)]
    fn sleep(&mut self, span: Duration) -> Result {
        match self.net.sleep(span) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.fail_net(error)),
        }
    }

    /// Delivers and activates image `index`, from whichever source has it.
    #[inline(never)]
    fn deliver(&mut self, index: u8) -> Result {
        let requested = self.net.now();
        self.observer.event(requested, &Event::Requested { index });
        if self.report.images.push(ImageReport::new(index)).is_err() {
            return Err(self.fail(AppError::TooManyImages));
        }
        let result = self.retry(Work::Image(index), u32::MAX);
        let now = self.net.now();
        if let Some(image) = self.report.images.last_mut() {
            image.duration = now.since(requested);
            if result.is_err() {
                image.error = self.report.error;
            }
        }
        result
    }

    /// One round over all sources; the error of the last one is the round's. A pointer that cannot be
    /// a URI is left out; it is the error if nothing else is left.
    #[inline(never)]
    fn try_sources(&mut self, index: u8) -> Result {
        self.report.error = Some(AppError::NoSource { index });
        let mut tried = 0;
        for place in 0..=self.config.defaults.len() {
            let candidate = match self.sources.candidate(index, place, &self.config) {
                Ok(Some(candidate)) => candidate,
                Ok(None) => continue,
                Err(error) if tried == 0 => {
                    self.fail_net(error.into());
                    continue;
                }
                Err(_) => continue,
            };
            if tried > 0 {
                self.tell_failure(Some(index));
            }
            if self.image().is_some_and(|image| image.uri.is_some()) {
                self.device_still_wants(index)?;
                if let Some(image) = self.image() {
                    image.retries += 1;
                }
            }
            let result = self.attempt(index, &candidate);
            if result.is_ok() || !self.retryable() {
                return result;
            }
            tried += 1;
            if tried == MAX_TRIED {
                break;
            }
        }
        #[cfg(feature = "toc")]
        self.locate_again();
        Err(Failed)
    }

    fn image(&mut self) -> Option<&mut ImageReport<N::Error>> {
        self.report.images.last_mut()
    }

    /// After an abort: waits until the device asks for the same image again.
    fn device_still_wants(&mut self, index: u8) -> Result {
        if self.poll_device()? == Some(index) {
            return Ok(());
        }
        Err(self.fail_recovery(RecoveryError::RequestWithdrawn { index }))
    }

    /// One source: fetch, deliver, check, activate.
    #[inline(never)]
    fn attempt(&mut self, index: u8, candidate: &Candidate) -> Result {
        self.start_attempt()?;
        let uri = &candidate.uri;
        self.tell(&Event::Fetching { index, uri });
        if let Some(image) = self.image() {
            image.uri = Some(uri.clone());
            image.protocol = Some(uri.scheme().into());
            image.octets = 0;
            image.sha256 = None;
        }
        let result = self.transfer(index, candidate);
        if result.is_err() {
            let reason = match self.report.error {
                Some(AppError::SizeMismatch { .. }) => AbortReason::SizeMismatch,
                Some(AppError::DigestMismatch { .. } | AppError::ChecksumMismatch { .. }) => {
                    AbortReason::DigestMismatch
                }
                _ => AbortReason::TransferFailed,
            };
            let now = self.net.now();
            self.agent.abort(now, reason);
        }
        result
    }

    #[inline(never)]
    fn transfer(&mut self, index: u8, candidate: &Candidate) -> Result {
        let expected = &candidate.expected;
        let handle = match self.net.imgfetch(&candidate.uri, None, candidate.part) {
            Ok(handle) => handle,
            Err(error) => return Err(self.fail_net(error)),
        };
        let protocol = handle.protocol;
        // Redirects may have led elsewhere.
        if let Some(image) = self.image() {
            image.uri = Some(handle.uri.clone());
            image.protocol = Some(protocol);
        }
        if let Some(size) = handle.size {
            self.check_size(expected, size)?;
        }
        let image = match self.net.imgload(handle, None) {
            Ok(image) => image,
            Err(error) => return Err(self.fail_net(error)),
        };
        let size = image.size;
        self.check_size(expected, size)?;
        self.tell(&Event::Opened {
            index,
            size,
            protocol,
        });
        let with_sum = expected.checksum.is_some();
        let mut sink = Watched::new(&mut self.agent, &mut self.observer, index, with_sum);
        let result = self.net.imgexec(image, &mut sink);
        let (octets, sum) = (sink.octets(), sink.sum());
        if let Some(image) = self.image() {
            image.octets = octets;
        }
        let delivery = match result {
            Ok(delivery) => delivery,
            Err(ExecError::Transfer(error)) => return Err(self.fail_net(error)),
            Err(ExecError::Sink(error)) => return Err(self.fail_recovery(error)),
        };
        if let Some(image) = self.image() {
            image.sha256 = delivery.sha256;
            image.transfer = delivery.duration;
            image.resumes = image.resumes.saturating_add(delivery.resumes);
        }
        // Activation waits for this.
        self.check_size(expected, delivery.octets)?;
        if let Some(error) = expected.content_error(&delivery, sum) {
            return Err(self.fail(error));
        }
        self.tell(&Event::Verified {
            index,
            sha256: delivery.sha256.as_ref(),
            expected: expected.sha256.is_some(),
        });
        self.activate(index)
    }

    #[inline(never)]
    fn check_size(&mut self, expected: &Expected, found: u64) -> Result {
        match expected.size_error(found) {
            Some(error) => Err(self.fail(error)),
            None => Ok(()),
        }
    }

    /// Everything is right: waits until the device has drained the image, and says so.
    #[inline(never)]
    fn activate(&mut self, index: u8) -> Result {
        loop {
            let now = self.net.now();
            let activated = match self.agent.poll_ready(now) {
                Ok(true) => self.agent.activate(now),
                Ok(false) => {
                    self.idle(now)?;
                    continue;
                }
                Err(error) => Err(error),
            };
            if let Err(error) = activated {
                return Err(self.fail_recovery(error));
            }
            break;
        }
        self.tell(&Event::Activated { index });
        if let Some(image) = self.image() {
            image.outcome = Outcome::Activated;
        }
        Ok(())
    }
}
