//! The state machine of a boot.

#[cfg(feature = "fast-start")]
mod ahead;
#[cfg(feature = "bootstore")]
mod bootstore;
mod image;
#[cfg(feature = "toc")]
mod locate;
#[cfg(feature = "negotiate")]
mod negotiate;
#[cfg(feature = "sztp")]
mod provision;
#[cfg(feature = "script")]
mod script;

use crate::check::Watch;
use crate::config::AppConfig;
use crate::error::AppError;
use crate::hooks::DeviceControl;
use crate::observer::{Event, Observer};
use crate::packed::Packed;
use crate::report::{BootReport, Outcome};
#[cfg(feature = "negotiate")]
use crate::sources::network::is_bare;
use crate::sources::{Origin, PlaceError, Sources, boot_uri, know_all, know_some};
use netboot_core::uri::UriError;
use netboot_core::{AbortReason, Duration, ImageSink, Instant};
use netboot_ipxe::{Delivery, DhcpGoal, IpxeInterface};
use ocp_recovery::{AgentEvent, RecoveryAgent, RecoveryError, RegisterBus};

/// Whether this build takes an address or a control from its board.
const BOARD: bool = cfg!(feature = "board");

/// What computes the hash of an image.
#[cfg(feature = "accelerator")]
type ImageHash<'c> = netboot_ipxe::Chosen<'c>;
#[cfg(not(feature = "accelerator"))]
type ImageHash<'c> = netboot_ipxe::InSoftware;

/// Where the boot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The board's script has to run.
    #[cfg(feature = "script")]
    Script,
    /// The station has no address yet.
    Configure,
    /// Bootstrap servers have to say what the board runs.
    #[cfg(feature = "sztp")]
    Provision,
    /// The boot file has to be looked into.
    Locate,
    /// The device has to say what it wants, or that it is done.
    Await,
    /// The device wants this image.
    Deliver { index: u8 },
    /// The device booted.
    Done,
}

/// Tells the observer of an event, and the server that takes the log.
#[inline(never)]
fn say<N: IpxeInterface>(net: &mut N, observer: &mut impl Observer, event: &Event<'_>) {
    let now = net.now();
    observer.event(now, event);
    #[cfg(feature = "syslog")]
    crate::syslog::tell(net, now, event);
}

/// What is done again when it fails.
#[derive(Clone, Copy)]
enum Work {
    /// Gets an address.
    Configure,
    /// Reads the table of contents.
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
    /// The image on its way into the recovery agent. It outlives its sources.
    delivery: Delivery<RecoveryAgent<B>, ImageHash<'c>>,
    /// What is known of the image's file, which may be packed.
    packed: Packed<'c>,
    observer: O,
    config: AppConfig<'c>,
    control: Option<&'c mut dyn DeviceControl<B>>,
    /// The board's own ledger with its network configuration.
    #[cfg(feature = "bootstore")]
    ledger: Option<&'c mut ::bootstore::stored::BoardLedger<'c>>,
    /// What scripts need. Without it the boot has none.
    #[cfg(feature = "script")]
    scripts: Option<crate::script::Scripts<'c>>,
    /// What provisioning needs. Without it there is none.
    #[cfg(feature = "sztp")]
    provisioning: Option<&'c mut crate::provisioning::Provisioning<'c>>,
    state: State,
    sources: Sources,
    watch: Watch,
    /// Set when the device holds part of an image that no source can finish.
    stuck: bool,
    /// Number of polls of a waiting device before the likely next image is opened early. Zero means never.
    #[cfg(feature = "fast-start")]
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
    /// Makes a boot that has not begun.
    #[inline(never)]
    pub fn new(mut net: N, agent: RecoveryAgent<B>, observer: O, config: AppConfig<'c>) -> Self {
        let now = net.now();
        Self {
            net,
            delivery: Delivery::hashed_by(agent, ImageHash::default()),
            packed: Packed::default(),
            observer,
            config,
            control: None,
            #[cfg(feature = "bootstore")]
            ledger: None,
            #[cfg(feature = "script")]
            scripts: None,
            #[cfg(feature = "sztp")]
            provisioning: None,
            state: State::Configure,
            sources: Sources::default(),
            watch: Watch::default(),
            stuck: false,
            #[cfg(feature = "fast-start")]
            looks: 0,
            deadline: now + config.policy.total_deadline,
            report: BootReport::new(now),
        }
    }

    /// Takes packed files, whose blocks are verified before they go into the device ([`Expected::verity`](crate::Expected::verity)). Without the memory files are delivered as they
    /// are, and an image whose verity digest is known is refused. A board with an accelerator for SHA-256 gives it as the hasher, others [`Software`](netboot_ipxe::Software).
    #[cfg(feature = "verity")]
    pub fn use_unpacker(
        &mut self,
        unpacker: &'c mut netboot_ipxe::Unpacker<&'c mut dyn netboot_ipxe::Hasher>,
    ) {
        self.packed = Packed::with(unpacker);
    }

    /// Has the board's accelerator compute the hash of each image as it is delivered, before the boot begins. What is hashed beside it is hashed in software: octets that come again from
    /// another source, and a packed file whose SHA-256 is known. An accelerator for the blocks of packed files is given with their memory
    /// ([`Unpacker`](https://docs.rs/netboot-ipxe), feature `verity`); it must not be the same one, because both work at the same time.
    #[cfg(feature = "accelerator")]
    pub fn use_hasher(&mut self, hasher: &'c mut dyn netboot_ipxe::Hasher) {
        let hash = netboot_ipxe::Accelerated::new(hasher);
        self.delivery.set_hash(netboot_ipxe::Chosen::Board(hash));
    }

    /// Gives the boot a way to the platform around the device. A build without the feature `board` makes no use of it.
    pub fn use_control(&mut self, control: &'c mut dyn DeviceControl<B>) {
        self.control = Some(control);
    }

    /// Boots the device, or finds out why that cannot be. Ends by the policy's total deadline.
    #[inline(never)]
    pub fn run(&mut self) -> &BootReport<N::Error> {
        while self.state != State::Done {
            if self.step().is_ok() {
                continue;
            }
            #[cfg(feature = "sztp")]
            if self.image_failed() {
                self.state = State::Provision;
                continue;
            }
            if self.begin_anew().is_err() {
                self.give_up();
                break;
            }
        }
        if self.state == State::Done {
            self.report.error = None;
        }
        self.report.protocol_error = self.agent().status().protocol_error;
        let now = self.net.now();
        self.report.ended = now;
        let status = self.report.status();
        self.observer.event(now, &Event::Finished { status });
        #[cfg(feature = "syslog")]
        crate::syslog::finished(&mut self.net, &self.report);
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
        (self.net, self.delivery.into_sink(), self.observer)
    }

    /// The recovery agent.
    fn agent(&mut self) -> &mut RecoveryAgent<B> {
        self.delivery.sink()
    }

    /// Ends the boot: the device is left as it is, and the report says whether it has to be reset.
    #[inline(never)]
    fn give_up(&mut self) {
        let now = self.net.now();
        let index = self.report.images.last().map_or(0, |image| image.index);
        self.report.reset_required = self.holds_part();
        if self.report.reset_required {
            self.tell(&Event::ResetRequired { index });
        }
        self.agent().abort(now, AbortReason::Cancelled);
    }

    /// Whether the device has used part of an image that was not activated.
    fn holds_part(&mut self) -> bool {
        let now = self.net.now();
        self.delivery.has_begun() && !self.delivery.sink().withdraw(now)
    }

    /// After a failure: has the platform reset the device and begins anew, if that may help and the policy allows it.
    #[inline(never)]
    fn begin_anew(&mut self) -> Result {
        let begun = !self.report.images.is_empty();
        let allowed = self.report.device_resets < self.config.policy.device_resets;
        if !BOARD || !begun || !allowed || self.is_late() {
            return Err(Failed);
        }
        let Some(control) = &mut self.control else {
            return Err(Failed);
        };
        if !control.reset(self.delivery.sink().bus_mut()) {
            return Err(Failed);
        }
        let now = self.net.now();
        if let Err(error) = self.agent().device_was_reset(now) {
            return Err(self.fail_recovery(error));
        }
        self.reset_delivery();
        self.stuck = false;
        #[cfg(feature = "script")]
        self.sources.images.device_was_reset();
        self.report.device_resets = self.report.device_resets.saturating_add(1);
        self.report.images.clear();
        self.tell(&Event::DeviceReset);
        self.state = State::Await;
        #[cfg(feature = "sztp")]
        if self.is_provisioned() {
            self.state = State::Provision;
        }
        #[cfg(feature = "script")]
        if self.scripts.is_some() {
            self.state = State::Script;
        }
        Ok(())
    }

    /// Makes the delivery ready for another image.
    fn reset_delivery(&mut self) {
        self.delivery.reset();
        self.packed.reset();
    }

    fn tell(&mut self, event: &Event<'_>) {
        say(&mut self.net, &mut self.observer, event);
    }

    /// Says that an attempt at an image (or, without an index, before the first) has failed.
    fn tell_failure(&mut self, index: Option<u8>) {
        if let Some(error) = &self.report.error {
            let event = Event::AttemptFailed { index, error };
            say(&mut self.net, &mut self.observer, &event);
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
        #[cfg(feature = "shell")]
        if self.is_interrupted() {
            return false;
        }
        !self.stuck && self.report.error.as_ref().is_some_and(AppError::retryable)
    }

    fn step(&mut self) -> Result {
        self.state = match self.state {
            #[cfg(feature = "script")]
            State::Script => {
                self.run_scripts()?;
                State::Done
            }
            State::Configure => {
                self.retry(Work::Configure)?;
                #[cfg(feature = "sztp")]
                if self.is_provisioned() {
                    self.state = State::Provision;
                    return Ok(());
                }
                State::Locate
            }
            #[cfg(feature = "sztp")]
            State::Provision => self.provision()?,
            #[cfg(feature = "sztp")]
            State::Locate if self.sources.provisioned.is_some() => {
                self.locate_provisioned()?;
                State::Await
            }
            State::Locate => {
                #[cfg(feature = "negotiate")]
                self.negotiate();
                #[cfg(feature = "toc")]
                self.locate()?;
                State::Await
            }
            State::Await => match self.await_device()? {
                Some(index) => State::Deliver { index },
                None => {
                    #[cfg(feature = "sztp")]
                    self.image_installed();
                    State::Done
                }
            },
            State::Deliver { index } => {
                self.deliver(index)?;
                State::Await
            }
            State::Done => State::Done,
        };
        Ok(())
    }

    #[cfg(not(feature = "fast-start"))]
    fn open_ahead(&mut self) {}

    /// Does `work`, again by policy as long as that makes sense.
    #[inline(never)]
    fn retry(&mut self, work: Work) -> Result {
        let mut rounds = 0u32;
        let mut waits = self.config.policy.waits();
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
            #[cfg(feature = "toc")]
            let most = self.most_retries(work);
            #[cfg(not(feature = "toc"))]
            let most = u32::MAX;
            if rounds > most || !self.config.policy.again(rounds) {
                return result;
            }
            #[cfg(feature = "bootstore")]
            if index.is_some() && self.bootstore_again() {
                #[cfg(feature = "toc")]
                self.locate_anew();
            }
            let wait = waits.next(self.net.random());
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

    #[cfg(not(feature = "bootstore"))]
    #[inline(always)]
    fn configure(&mut self) -> Result {
        self.configure_by_dhcp()
    }

    #[inline(never)]
    fn configure_by_dhcp(&mut self) -> Result {
        self.start_attempt()?;
        let last_index = self.agent().last_index();
        let goal = match know_all(&self.config, last_index) {
            true => DhcpGoal::Address,
            false => DhcpGoal::BootFiles,
        };
        let address = self.config.address.filter(|_| BOARD);
        let configured = match address {
            Some(config) => self.net.ifconfig(config),
            None => self.net.dhcp(goal).map(|_| ()),
        };
        if let Err(error) = configured {
            return Err(self.fail_net(error));
        }
        self.is_configured()
    }

    /// Takes note of what the network names, once the interface has an address.
    #[inline(always)]
    fn is_configured(&mut self) -> Result {
        let now = self.net.now();
        #[cfg(feature = "syslog")]
        crate::syslog::configured(&mut self.net, now);
        #[cfg(feature = "bootstore")]
        {
            self.sources.early.leads = false;
        }
        let Some(config) = self.net.config() else {
            return Ok(());
        };
        self.observer.event(now, &Event::Configured(config));
        self.report.configured = Some(now);
        #[cfg(feature = "negotiate")]
        let open = !self.config.sources.protocols.is_empty() && is_bare(config);
        #[cfg(not(feature = "negotiate"))]
        let open = false;
        let refused = match boot_uri(config, 0) {
            Ok(Some(boot)) if !open && !self.config.sources.allows(&boot) => AppError::NotHttps {
                origin: Origin::Dhcp,
            },
            Ok(boot) => {
                self.sources.boot = boot;
                #[cfg(feature = "negotiate")]
                {
                    self.sources.negotiated = false;
                }
                return Ok(());
            }
            Err(PlaceError::Uri(error)) => AppError::Network(error.into()),
            Err(PlaceError::TooLong) => AppError::PointerTooLong,
            Err(PlaceError::NoText) => AppError::PointerDamaged,
            Err(PlaceError::NoServer) => AppError::NoServer,
            Err(PlaceError::NoService) => AppError::NoService,
        };
        self.sources.boot = None;
        let failed = self.fail(refused);
        #[cfg(feature = "sztp")]
        if self.is_provisioned() {
            return Ok(());
        }
        if !know_some(&self.config) {
            return Err(failed);
        }
        // The other places may still be good.
        self.tell_failure(None);
        Ok(())
    }

    /// Waits for the device to ask for an image, or to be done (`None`). Until then the last image is
    /// in doubt.
    fn await_device(&mut self) -> Result<Option<u8>> {
        #[cfg(feature = "fast-start")]
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
            self.sources.penalties.give();
        }
        result
    }

    #[inline(never)]
    fn poll_device(&mut self) -> Result<Option<u8>> {
        self.net.set_deadline(self.deadline);
        loop {
            let now = self.net.now();
            match self.agent().poll(now) {
                Ok(AgentEvent::ImageRequested { index }) => return Ok(Some(index)),
                Ok(AgentEvent::Complete) => return Ok(None),
                Ok(AgentEvent::Waiting) => {}
                Ok(AgentEvent::Verifying { index }) => {
                    let agent = self.delivery.sink();
                    // Before the last image is activated, the platform can only know of an earlier boot.
                    if BOARD
                        && index >= agent.last_index()
                        && let Some(control) = &mut self.control
                        && control.is_complete(agent.bus_mut())
                    {
                        agent.platform_complete();
                    }
                }
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
}
