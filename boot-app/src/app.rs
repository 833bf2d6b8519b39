//! The state machine of a boot.

use crate::check::{Expected, Watched};
use crate::error::AppError;
use crate::observer::{Event, Observer};
use crate::policy::Policy;
use crate::report::{BootReport, ImageReport, Outcome};
use crate::sources::{Candidate, DefaultSource, FileNames, Sources, boot_uri, is_directory};
use crate::toc::{Stop, TocError, TocReader};
use netboot_core::uri::{Uri, UriError};
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

/// Times that a boot file is looked for again before the compiled-in places are tried.
const LOCATE_RETRIES: u32 = 3;

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

/// A boot: a network, a device, somebody who watches.
pub struct BootApp<'c, N: IpxeInterface, B: RegisterBus, O: Observer> {
    net: N,
    agent: RecoveryAgent<B>,
    observer: O,
    config: AppConfig<'c>,
    state: State,
    sources: Sources,
    deadline: Instant,
    report: BootReport<N::Error>,
}

type Result<N, T = ()> = core::result::Result<T, AppError<N>>;

impl<'c, N, B, O> BootApp<'c, N, B, O>
where
    N: IpxeInterface,
    N::Error: Clone + From<UriError>,
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
            deadline: now + config.policy.total_deadline,
            report: BootReport::new(now),
        }
    }

    /// Boots the device, or finds out why that cannot be. Ends by the policy's total deadline.
    #[inline(never)]
    pub fn run(&mut self) -> &BootReport<N::Error> {
        while self.state != State::Done {
            if let Err(error) = self.step() {
                let now = self.net.now();
                self.agent.abort(now, AbortReason::Cancelled);
                self.report.error = Some(error);
                break;
            }
        }
        let now = self.net.now();
        self.report.ended = now;
        let status = self.report.status();
        self.tell(now, &Event::Finished { status });
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

    fn tell(&mut self, now: Instant, event: &Event<'_>) {
        self.observer.event(now, event);
    }

    fn step(&mut self) -> Result<N::Error> {
        self.state = match self.state {
            State::Configure => {
                self.retry(None, u32::MAX, Self::configure)?;
                State::Locate
            }
            State::Locate => {
                self.locate()?;
                State::Await
            }
            State::Await => match self.await_device()? {
                AgentEvent::ImageRequested { index } => State::Deliver { index },
                _ => State::Done,
            },
            State::Deliver { index } => {
                self.deliver(index)?;
                State::Await
            }
            State::Done => State::Done,
        };
        Ok(())
    }

    /// Does `work` again by policy, as long as that makes sense, but no more than `most` times.
    #[inline(never)]
    fn retry(
        &mut self,
        index: Option<u8>,
        most: u32,
        mut work: impl FnMut(&mut Self) -> Result<N::Error>,
    ) -> Result<N::Error> {
        let mut rounds = 0u32;
        loop {
            let error = match work(self) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let now = self.net.now();
            let error = match error {
                // The network knows the deadline of the boot only as its own.
                AppError::Network(_) if now >= self.deadline => AppError::TotalDeadline,
                error => error,
            };
            self.tell_failure(index, &error);
            if !error.retryable() {
                return Err(error);
            }
            rounds = rounds.saturating_add(1);
            let again = self.config.policy.again(rounds);
            let Some(wait) = again.filter(|_| rounds <= most) else {
                return Err(error);
            };
            if now + wait >= self.deadline {
                return Err(error);
            }
            self.net.set_deadline(self.deadline);
            self.net.sleep(wait).map_err(AppError::Network)?;
        }
    }

    fn tell_failure(&mut self, index: Option<u8>, error: &AppError<N::Error>) {
        let now = self.net.now();
        self.tell(now, &Event::AttemptFailed { index, error });
    }

    /// Sets the deadline of one attempt.
    fn start_attempt(&mut self) -> Result<N::Error> {
        let now = self.net.now();
        if now >= self.deadline {
            return Err(AppError::TotalDeadline);
        }
        let attempt = now + self.config.policy.attempt_deadline;
        self.net.set_deadline(attempt.min(self.deadline));
        Ok(())
    }

    #[inline(never)]
    fn configure(&mut self) -> Result<N::Error> {
        self.start_attempt()?;
        let config = self.net.dhcp().map_err(AppError::Network)?;
        let now = self.net.now();
        self.tell(now, &Event::Configured(&config));
        self.report.configured = Some(now);
        let boot = boot_uri(&config);
        self.report.config = Some(config);
        self.sources.boot = match boot.map_err(|error| AppError::Network(N::Error::from(error))) {
            Ok(boot) => boot,
            // The compiled-in places may still be good.
            Err(error) if !self.config.defaults.is_empty() => {
                self.tell_failure(None, &error);
                None
            }
            Err(error) => return Err(error),
        };
        Ok(())
    }

    /// Looks whether the boot file is a table of contents.
    fn locate(&mut self) -> Result<N::Error> {
        let Some(boot) = self.sources.boot.clone().filter(|uri| !is_directory(uri)) else {
            return Ok(());
        };
        let has_defaults = !self.config.defaults.is_empty();
        let most = if has_defaults {
            LOCATE_RETRIES
        } else {
            u32::MAX
        };
        let result = self.retry(None, most, |app| app.read_toc(&boot));
        match result {
            // The compiled-in places may still be good.
            Err(error) if error.retryable() && has_defaults => {
                self.sources.unread = self.sources.boot.take();
                Ok(())
            }
            other => other,
        }
    }

    /// Looks once more into a boot file that could not be read before.
    fn locate_again(&mut self) {
        let Some(boot) = self.sources.unread.take() else {
            return;
        };
        match self.read_toc(&boot) {
            Ok(()) => self.sources.boot = Some(boot),
            Err(error) => {
                self.tell_failure(None, &error);
                self.sources.unread = Some(boot);
            }
        }
    }

    #[inline(never)]
    fn read_toc(&mut self, boot: &Uri) -> Result<N::Error> {
        self.start_attempt()?;
        let handle = self
            .net
            .imgfetch(boot, None, None)
            .map_err(AppError::Network)?;
        let image = self.net.imgload(handle, None).map_err(AppError::Network)?;
        let mut reader = TocReader::new();
        match self.net.imgexec(image, &mut reader) {
            Err(ExecError::Sink(Stop::Done)) => {
                let toc = reader.into_toc();
                let images = toc.image_count;
                self.sources.toc = Some(toc);
                let now = self.net.now();
                self.tell(now, &Event::Toc { images });
                Ok(())
            }
            // Some other boot file: the images lie beside it.
            Err(ExecError::Sink(Stop::Bad(TocError::NotToc))) => Ok(()),
            Err(ExecError::Sink(Stop::Bad(error))) => Err(AppError::Toc(error)),
            Err(ExecError::Transfer(error)) => Err(AppError::Network(error)),
            // `TocReader::end` fails, so a delivery cannot succeed.
            Ok(_) => Err(AppError::Toc(TocError::Truncated)),
        }
    }

    /// Waits for the device to ask, or to be done. Until then the last image is in doubt.
    fn await_device(&mut self) -> Result<N::Error, AgentEvent> {
        let result = self.poll_device();
        if let (Err(AppError::Recovery(error)), Some(image)) =
            (&result, self.report.images.last_mut())
            && matches!(error, RecoveryError::DeviceRefused { .. })
            && image.outcome == Outcome::Activated
        {
            image.outcome = Outcome::Refused;
            image.error = Some(AppError::Recovery(*error));
        }
        result
    }

    #[inline(never)]
    fn poll_device(&mut self) -> Result<N::Error, AgentEvent> {
        self.net.set_deadline(self.deadline);
        loop {
            let now = self.net.now();
            match self.agent.poll(now).map_err(AppError::Recovery)? {
                event @ (AgentEvent::ImageRequested { .. } | AgentEvent::Complete) => {
                    return Ok(event);
                }
                AgentEvent::Waiting | AgentEvent::Verifying { .. } => {}
            }
            self.idle(now)?;
        }
    }

    /// Lets a little time pass for the device; the network is served.
    fn idle(&mut self, now: Instant) -> Result<N::Error> {
        if now >= self.deadline {
            return Err(AppError::TotalDeadline);
        }
        let slept = self.net.sleep(self.config.poll);
        if slept.is_err() && self.net.now() >= self.deadline {
            return Err(AppError::TotalDeadline);
        }
        slept.map_err(AppError::Network)
    }

    /// Delivers and activates image `index`, from whichever source has it.
    #[inline(never)]
    fn deliver(&mut self, index: u8) -> Result<N::Error> {
        let requested = self.net.now();
        self.tell(requested, &Event::Requested { index });
        self.report
            .images
            .push(ImageReport::new(index))
            .map_err(|_| AppError::TooManyImages)?;
        let result = self.retry(Some(index), u32::MAX, |app| app.try_sources(index));
        let now = self.net.now();
        if let Some(image) = self.report.images.last_mut() {
            image.duration = now.since(requested);
            if let Err(error) = &result {
                image.error = Some(error.clone());
            }
        }
        result
    }

    /// One round over all sources; the error of the last one is the round's.
    #[inline(never)]
    fn try_sources(&mut self, index: u8) -> Result<N::Error> {
        let AppConfig {
            names,
            defaults,
            expected,
            ..
        } = self.config;
        let candidates = self
            .sources
            .candidates(index, names, defaults, expected)
            .map_err(|error| AppError::Network(N::Error::from(error)))?;
        let mut last = AppError::NoSource { index };
        let count = candidates.len();
        for (place, candidate) in candidates.iter().enumerate() {
            if self.image().is_some_and(|image| image.uri.is_some()) {
                self.device_still_wants(index)?;
                if let Some(image) = self.image() {
                    image.retries += 1;
                }
            }
            let error = match self.attempt(index, candidate) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if !error.retryable() {
                return Err(error);
            }
            if place + 1 < count {
                self.tell_failure(Some(index), &error);
            }
            last = error;
        }
        self.locate_again();
        Err(last)
    }

    fn image(&mut self) -> Option<&mut ImageReport<N::Error>> {
        self.report.images.last_mut()
    }

    /// After an abort: waits until the device asks for the same image again.
    fn device_still_wants(&mut self, index: u8) -> Result<N::Error> {
        match self.poll_device()? {
            AgentEvent::ImageRequested { index: wanted } if wanted == index => Ok(()),
            _ => Err(AppError::Recovery(RecoveryError::RequestWithdrawn {
                index,
            })),
        }
    }

    /// One source: fetch, deliver, check, activate.
    #[inline(never)]
    fn attempt(&mut self, index: u8, candidate: &Candidate) -> Result<N::Error> {
        self.start_attempt()?;
        let now = self.net.now();
        self.tell(
            now,
            &Event::Fetching {
                index,
                uri: &candidate.uri,
            },
        );
        if let Some(image) = self.image() {
            image.uri = Some(candidate.uri.clone());
            image.protocol = Some(candidate.uri.scheme().into());
            image.octets = 0;
            image.sha256 = None;
        }
        let result = self.transfer(index, candidate);
        if let Err(error) = &result {
            let reason = match error {
                AppError::SizeMismatch { .. } => AbortReason::SizeMismatch,
                AppError::DigestMismatch { .. } | AppError::ChecksumMismatch { .. } => {
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
    fn transfer(&mut self, index: u8, candidate: &Candidate) -> Result<N::Error> {
        let expected = &candidate.expected;
        let handle = self
            .net
            .imgfetch(&candidate.uri, None, candidate.part)
            .map_err(AppError::Network)?;
        let protocol = handle.protocol;
        // Redirects may have led elsewhere.
        if let Some(image) = self.image() {
            image.uri = Some(handle.uri.clone());
            image.protocol = Some(protocol);
        }
        if let Some(size) = handle.size {
            expected.check_size(size)?;
        }
        let image = self.net.imgload(handle, None).map_err(AppError::Network)?;
        let size = image.size;
        expected.check_size(size)?;
        let now = self.net.now();
        self.tell(
            now,
            &Event::Opened {
                index,
                size,
                protocol,
            },
        );
        let with_sum = expected.checksum.is_some();
        let mut sink = Watched::new(&mut self.agent, &mut self.observer, index, with_sum);
        let result = self.net.imgexec(image, &mut sink);
        let (octets, sum) = (sink.octets(), sink.sum());
        if let Some(image) = self.image() {
            image.octets = octets;
        }
        let delivery = result.map_err(|error| match error {
            ExecError::Transfer(error) => AppError::Network(error),
            ExecError::Sink(error) => AppError::Recovery(error),
        })?;
        if let Some(image) = self.image() {
            image.sha256 = Some(delivery.sha256);
            image.transfer = delivery.duration;
            image.resumes = image.resumes.saturating_add(delivery.resumes);
        }
        expected.check(&delivery, sum)?;
        let now = self.net.now();
        self.tell(
            now,
            &Event::Verified {
                index,
                sha256: &delivery.sha256,
                expected: expected.sha256.is_some(),
            },
        );
        self.activate(index)
    }

    /// Everything is right: waits until the device has drained the image, and says so.
    #[inline(never)]
    fn activate(&mut self, index: u8) -> Result<N::Error> {
        loop {
            let now = self.net.now();
            if self.agent.poll_ready(now).map_err(AppError::Recovery)? {
                break;
            }
            self.idle(now)?;
        }
        let now = self.net.now();
        self.agent.activate(now).map_err(AppError::Recovery)?;
        self.tell(now, &Event::Activated { index });
        if let Some(image) = self.image() {
            image.outcome = Outcome::Activated;
        }
        Ok(())
    }
}
