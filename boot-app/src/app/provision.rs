//! Secure zero-touch provisioning: bootstrap servers say what the board has to run (RFC 8572).

use super::{AppError, BootApp, Failed, Result, State, say};
use crate::measure::Measure;
use crate::observer::{Event, Observer};
use crate::provisioning::{Provisioning, Stage, Status};
use crate::sources::Origin;
use crate::sources::provisioned::Provisioned;
use crate::toc::TocError;
use netboot_core::uri::UriError;
use netboot_core::{Coded, Digest, Module};
use netboot_ipxe::{ExecError, IpxeInterface, OptionScope, Post, Posted, Protection};
use netboot_sztp::{
    Action, End, Exchange, MEDIA_TYPE, NONCE, Named, Onboarding, Proof, Step, SztpError, Text,
    Verdict, dhcp,
};
use ocp_recovery::RegisterBus;

/// Octets of the answer to a report. A server that refuses it may say why in as many.
const REPORT_ANSWER: usize = 1024;

impl<'c, N, B, O> BootApp<'c, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    /// Has bootstrap servers asked for what the board has to run, where [`SourcePolicy::order`](crate::SourcePolicy::order) has [`Origin::Sztp`].
    pub fn use_provisioning(&mut self, provisioning: &'c mut Provisioning<'c>) {
        self.provisioning = Some(provisioning);
    }

    /// What is known of the provisioning; `None` in a boot without it.
    pub fn provisioning(&self) -> Option<Status> {
        self.provisioning
            .as_ref()
            .map(|provisioning| provisioning.status())
    }

    /// Whether this boot asks bootstrap servers.
    pub(super) fn is_provisioned(&self) -> bool {
        let provisioning = self.provisioning.as_ref();
        provisioning
            .is_some_and(|provisioning| provisioning.is_enabled() || self.must_be_provisioned())
            && self.may_be_provisioned()
    }

    /// Whether the policy has bootstrap servers asked.
    pub(super) fn may_be_provisioned(&self) -> bool {
        self.config.sources.order.contains(&Origin::Sztp)
    }

    /// Whether nothing but a bootstrap server may say what the board runs.
    pub(super) fn must_be_provisioned(&self) -> bool {
        let mut order = self.config.sources.order.iter();
        order.all(|origin| *origin == Origin::Sztp)
    }

    /// Asks bootstrap servers until one says what the board has to run; says how the boot goes on.
    #[inline(never)]
    pub(super) fn provision(&mut self) -> Result<State> {
        let Some(provisioning) = self.provisioning.take() else {
            return Ok(State::Locate);
        };
        let answers = core::mem::take(&mut provisioning.answers);
        let result = self.ask_servers(provisioning, answers);
        provisioning.answers = answers;
        if result.is_err() {
            provisioning.status.stage = Stage::Failed;
            provisioning.status.ended = Some(self.net.now());
        }
        self.provisioning = Some(provisioning);
        match result {
            Ok(state) => Ok(state),
            Err(Failed) if self.must_be_provisioned() || self.is_late() => Err(Failed),
            Err(Failed) => {
                // Other sources may say it: the board's policy allows them.
                self.tell_failure(None);
                Ok(State::Locate)
            }
        }
    }

    #[inline(never)]
    fn ask_servers(
        &mut self,
        provisioning: &mut Provisioning<'c>,
        answers: &mut [u8],
    ) -> Result<State> {
        let now = self.net.now();
        provisioning.status.started.get_or_insert(now);
        provisioning.status.ended = None;
        self.discover(provisioning);
        provisioning.status.stage = Stage::Asking;
        let mut waits = self.config.policy.waits();
        loop {
            // A script of the owner's has booted the device, and a step behind it failed.
            if self.state == State::Done {
                return Ok(State::Done);
            }
            if self.is_late() {
                return Err(self.fail(AppError::TotalDeadline));
            }
            let mut nonce = [0; NONCE];
            let nonce = self.net.secret(&mut nonce).then_some(nonce);
            let exchange = match provisioning.agent.poll(nonce) {
                Action::Ask(exchange) => exchange,
                Action::Exhausted(error) => {
                    self.round_failed(provisioning, error)?;
                    let wait = waits.next(self.net.random());
                    if self.net.now() + wait >= self.deadline {
                        return Err(Failed);
                    }
                    self.net.set_deadline(self.deadline);
                    self.sleep(wait)?;
                    provisioning.agent.restart();
                    continue;
                }
                // A server whose answer was wrong is told so.
                _ => {
                    if let Some(state) = self.onboard(provisioning, None) {
                        return Ok(state);
                    }
                    continue;
                }
            };
            provisioning.status.asked = provisioning.status.asked.saturating_add(1);
            self.start_attempt()?;
            let event = Event::Bootstrap {
                uri: &exchange.uri,
                proof: exchange.proof,
            };
            say(&mut self.net, &mut self.observer, &event);
            let posted = match post(&mut self.net, &exchange, answers) {
                Some(posted) => posted,
                None => return Err(self.fail(AppError::Provisioning(SztpError::Unreachable))),
            };
            let Provisioning {
                agent,
                status,
                #[cfg(feature = "ldevid")]
                local,
                ..
            } = &mut *provisioning;
            let answered = match posted {
                Err(error) => {
                    let unproven = error.code() >> 16 == Module::Tls as u32;
                    agent.failed(unproven);
                    self.fail_net(error);
                    self.tell_failure(None);
                    continue;
                }
                Ok(Posted {
                    status,
                    media_type,
                    len,
                    ..
                }) => {
                    let answer = answers.get_mut(..len).unwrap_or_default();
                    agent.answered(status, &media_type, answer)
                }
            };
            status.trusted_server = Some(agent.is_trusted());
            status.signed = agent.is_signed();
            let refused = match answered {
                Err(error) => Some(error),
                Ok(Verdict::Redirected(servers)) => {
                    self.tell(&Event::Redirected { servers });
                    None
                }
                Ok(Verdict::Onboarding(demands)) => {
                    self.tell(&Event::Onboarding {
                        trusted: agent.is_trusted(),
                    });
                    if let Some(state) = self.onboard(provisioning, Some(&demands)) {
                        return Ok(state);
                    }
                    None
                }
                #[cfg(feature = "ldevid")]
                Ok(Verdict::Certify(wanted)) => {
                    let local = local.as_mut();
                    let made = local.map(|local| agent.certify(&wanted, local.key));
                    made.and_then(core::result::Result::err)
                }
                // A server asks for no certificate signing request that was not offered, so this does not come.
                Ok(_) => None,
            };
            if let Some(error) = refused {
                provisioning.status.error = Some(error);
                self.fail(error.into());
                self.tell_failure(None);
            }
        }
    }

    /// Adds the bootstrap servers that DHCP names, once.
    fn discover(&mut self, provisioning: &mut Provisioning<'c>) {
        if provisioning.is_discovered {
            return;
        }
        provisioning.is_discovered = true;
        let options = [
            (OptionScope::Dhcp, u16::from(dhcp::OPTION_V4)),
            (OptionScope::Dhcp6, dhcp::OPTION_V6),
        ];
        for (scope, code) in options {
            let Some(option) = self.net.dhcp_option(scope, code) else {
                continue;
            };
            let agent = &mut provisioning.agent;
            let found = dhcp::servers(option, &mut |uri| {
                // As many as there is room for.
                let _ = agent.add_server(uri, Named::Dhcp);
            });
            match found {
                Ok(found) => {
                    let named = &mut provisioning.status.named_by_dhcp;
                    *named = named.saturating_add(found.taken);
                    self.tell(&Event::BootstrapServers { found });
                }
                Err(error) => {
                    self.fail(error.into());
                    self.tell_failure(None);
                }
            }
        }
    }

    /// Notes that all servers have failed. `Err` when they are not asked again.
    fn round_failed(&mut self, provisioning: &mut Provisioning<'c>, error: SztpError) -> Result {
        provisioning.status.rounds = provisioning.agent.rounds();
        let failed = match error {
            // The error of the network, or of the step, says more.
            SztpError::Unreachable | SztpError::Step(_) => Failed,
            _ => self.fail(error.into()),
        };
        let again = self.config.policy.again(provisioning.agent.rounds());
        match again && error != SztpError::NoServer {
            true => Ok(()),
            false => Err(failed),
        }
    }

    /// Reports, and carries out steps, as long as the agent asks for these. `None` when it wants something else; otherwise this says how the
    /// boot goes on.
    #[inline(never)]
    fn onboard(
        &mut self,
        provisioning: &mut Provisioning<'c>,
        demands: Option<&Onboarding<'_>>,
    ) -> Option<State> {
        loop {
            if self.start_attempt().is_err() {
                return None;
            }
            match provisioning.agent.poll(None) {
                Action::Report(_, exchange) => {
                    let mut answer = [0; REPORT_ANSWER];
                    match post(&mut self.net, &exchange, &mut answer) {
                        Some(Ok(posted)) => provisioning.agent.reported(posted.status),
                        _ => provisioning.agent.failed(false),
                    }
                }
                Action::Do(Step::BootImage) => {
                    let image = demands.and_then(|demands| demands.boot_image);
                    let before = self.sources.boot.as_ref();
                    match image.map(|image| Provisioned::of(&image, before)) {
                        Some(Ok(image)) => {
                            // The image carries out the rest. What the next boot needs of the network is kept for it.
                            let text = demands.and_then(|demands| demands.configuration);
                            let kept = text.map(|text| self.keep(provisioning, text));
                            if matches!(kept, Some(Err(Failed))) {
                                self.tell_failure(None);
                            }
                            self.net.accept_any_server(image.sha256.is_some());
                            self.sources.provisioned = Some(image);
                            provisioning.status.stage = Stage::Installing;
                            return Some(State::Locate);
                        }
                        Some(Err(error)) => {
                            self.fail_net(error.into());
                            self.tell_failure(None);
                            provisioning.agent.done(false);
                        }
                        None => provisioning.agent.done(false),
                    }
                }
                Action::Do(step) => {
                    let done = self.do_step(provisioning, step, demands);
                    if done.is_err() {
                        provisioning.status.error = Some(SztpError::Step(step));
                        self.tell_failure(None);
                    }
                    provisioning.agent.done(done.is_ok());
                }
                Action::Finished(end) => {
                    provisioning.status.stage = Stage::Done(end);
                    provisioning.status.ended = Some(self.net.now());
                    self.tell(&Event::Provisioned { end });
                    return Some(match end {
                        End::Rebooting => State::Done,
                        // A script of the owner's has booted the device.
                        End::Complete if self.state == State::Done => State::Done,
                        // The image that the owner wants runs already, or there is none: other sources say what the board runs.
                        End::Complete => State::Locate,
                    });
                }
                Action::Ask(_) | Action::Exhausted(_) => return None,
            }
        }
    }

    /// Carries out a step of the onboarding that is no image.
    #[inline(never)]
    fn do_step(
        &mut self,
        provisioning: &mut Provisioning<'c>,
        step: Step,
        demands: Option<&Onboarding<'_>>,
    ) -> Result {
        let failed = SztpError::Step(step);
        let script = demands.and_then(|demands| match step {
            Step::PreScript => demands.pre_configuration_script,
            Step::PostScript => demands.post_configuration_script,
            Step::BootImage | Step::Configuration => None,
        });
        let configuration = demands.and_then(|demands| demands.configuration.zip(demands.handling));
        let done = match (
            provisioning.onboarding.as_deref_mut(),
            script,
            configuration,
        ) {
            (Some(onboarding), Some(script), _) => {
                onboarding.script(script, step == Step::PostScript)
            }
            #[cfg(feature = "script")]
            (None, Some(script), _) => {
                let server = provisioning.agent.server();
                return self.run_conveyed(script, server, failed);
            }
            #[cfg(not(feature = "script"))]
            (None, Some(_), _) => false,
            (Some(onboarding), None, Some((text, handling))) => {
                onboarding.configure(text, handling)
            }
            (None, None, Some((text, _))) => self.keep(provisioning, text)?,
            (_, None, None) => false,
        };
        match done {
            true => Ok(()),
            false => Err(self.fail(failed.into())),
        }
    }

    /// Looks into the file that a bootstrap server has named, at the first of its places that has it. A script runs; a table of contents is read, and the whole file
    /// with it where its digest is known.
    #[inline(never)]
    pub(super) fn locate_provisioned(&mut self) -> Result {
        let mut nth = 0;
        loop {
            let provisioned = self.sources.provisioned.as_ref();
            let place = provisioned.and_then(|image| image.places.get(nth)).cloned();
            let Some(place) = place else {
                return Err(Failed);
            };
            if nth > 0 {
                self.tell_failure(None);
            }
            nth = nth.saturating_add(1);
            if !self.config.sources.allows(&place) {
                self.fail(AppError::NotHttps {
                    origin: Origin::Sztp,
                });
                continue;
            }
            self.sources.boot = Some(place);
            self.sources.toc = None;
            self.sources.unread = false;
            if self.look_into_place().is_ok() {
                // The images come from where the file is right; the other places are there for when it fails.
                if let Some(provisioned) = &mut self.sources.provisioned {
                    provisioned.prefer(nth.saturating_sub(1));
                }
                return Ok(());
            }
            if self.is_late() || self.stuck {
                return Err(Failed);
            }
        }
    }

    fn look_into_place(&mut self) -> Result {
        self.read_boot_file()?;
        let wanted = self.sources.provisioned.as_ref();
        let wanted = wanted.and_then(|image| image.sha256);
        #[cfg(feature = "script")]
        if let Some(found) = self.boot_script_digest() {
            if wanted.is_some_and(|wanted| wanted != found) {
                self.forget_boot_script();
                return Err(self.fail(AppError::DigestMismatch { found }));
            }
            return self.run_boot_file();
        }
        match wanted {
            Some(wanted) if self.sources.toc.is_some() => self.measure(wanted),
            _ => Ok(()),
        }
    }

    /// Reads the whole file, which has a table of contents, and keeps the digests of its images when it is the one that is wanted. The table counts as it was read this
    /// time.
    #[inline(never)]
    fn measure(&mut self, wanted: Digest) -> Result {
        self.start_attempt()?;
        let Some(place) = &self.sources.boot else {
            return Ok(());
        };
        let handle = match self.net.imgfetch(place, None, None) {
            Ok(handle) => handle,
            Err(error) => return Err(self.fail_net(error)),
        };
        let image = match self.net.imgload(&handle) {
            Ok(image) => image,
            Err(error) => return Err(self.fail_net(error)),
        };
        let mut measure = Measure::new();
        match self.net.imgexec(image, &mut measure) {
            Ok(()) => {}
            Err(ExecError::Transfer(error) | ExecError::Refused(error)) => {
                return Err(self.fail_net(error));
            }
            Err(ExecError::Sink) => return Err(self.fail(AppError::Toc(TocError::Truncated))),
        }
        let measured = measure.finish();
        if measured.whole != wanted {
            let found = measured.whole;
            return Err(self.fail(AppError::DigestMismatch { found }));
        }
        self.sources.toc = measured.toc;
        if let Some(provisioned) = &mut self.sources.provisioned {
            provisioned.parts = measured.parts;
        }
        Ok(())
    }

    /// Keeps what the board itself needs of the owner's configuration: a certificate, or a network configuration in the board's ledger. Returns whether it is stored now. A
    /// configuration of another kind is for the image.
    fn keep(
        &mut self,
        provisioning: &mut Provisioning<'c>,
        configuration: Text<'_>,
    ) -> Result<bool> {
        #[cfg(feature = "ldevid")]
        match provisioning.keep_certificate(configuration) {
            Ok(None) => {}
            Ok(Some(kept)) => return Ok(kept),
            Err(error) => return Err(self.fail(error.into())),
        }
        let _ = (provisioning, configuration);
        #[cfg(feature = "bootstore")]
        return Ok(self.store_configuration(configuration));
        #[cfg(not(feature = "bootstore"))]
        Ok(false)
    }

    /// The device runs the image that a bootstrap server has named: the server is told so.
    #[inline(never)]
    pub(super) fn image_installed(&mut self) {
        self.image_ended(true);
    }

    /// Whether another bootstrap server is asked, now that the image of the last one cannot be installed. The server is told so.
    #[inline(never)]
    pub(super) fn image_failed(&mut self) -> bool {
        self.sources.provisioned.is_some() && {
            self.tell_failure(None);
            self.image_ended(false);
            !self.stuck && !self.is_late() && self.retryable()
        }
    }

    fn image_ended(&mut self, installed: bool) {
        let Some(provisioned) = self.sources.provisioned.take() else {
            return;
        };
        self.net.accept_any_server(false);
        self.sources.toc = None;
        #[cfg(feature = "script")]
        {
            self.sources.is_script = false;
        }
        self.sources.boot = provisioned.before;
        let last = self.report.error.take();
        if let Some(provisioning) = self.provisioning.take() {
            provisioning.agent.done(installed);
            self.onboard(provisioning, None);
            self.provisioning = Some(provisioning);
        }
        self.report.error = last;
    }
}

/// Sends a request of the agent's. `None` for a network that cannot.
fn post<N: IpxeInterface>(
    net: &mut N,
    exchange: &Exchange<'_>,
    answer: &mut [u8],
) -> Option<core::result::Result<Posted, N::Error>> {
    let request = Post {
        uri: &exchange.uri,
        protection: match exchange.proof {
            Proof::Preconfigured => Protection::Verified,
            Proof::Anchor(anchor) => Protection::Anchored(anchor),
            Proof::Provisional => Protection::Provisional,
        },
        accept: MEDIA_TYPE,
        media_type: MEDIA_TYPE,
        body: exchange.body.as_bytes(),
    };
    net.post(&request, answer)
}
