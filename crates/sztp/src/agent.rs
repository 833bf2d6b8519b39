//! The bootstrapping of a device (RFC 8572, sections 5.3 to 5.6), step by step and without I/O.
//!
//! [`Agent::poll`] says what has to be done next: ask a server, report to it, carry out a step. The caller does it, and tells the agent what came of
//! it. An agent waits for nothing and knows no time: how long a request may take, and when the next round begins, is for the caller to say.

use crate::answer::Artifacts;
use crate::conveyed::{Conveyed, Onboarding};
#[cfg(feature = "csr")]
use crate::csr::{Csr, KeyAlgorithm, LocalKey, MAX_PROMPTS, Wanted};
use crate::error::SztpError;
use crate::ownership::{self, Credentials};
use crate::plan::{Demands, PLAN, Stage};
use crate::progress::Progress;
use crate::request::{self, About, Body};
use crate::servers::{Named, Servers};
use crate::step::{End, Step};
use crate::{MAX_ASKED, NONCE};
use netboot_core::Uri;

/// What an integrator may choose.
#[derive(Clone, Copy, Debug)]
pub struct Config<'c> {
    /// Who the device is, and who may say who owns it.
    pub credentials: Credentials<'c>,
    /// What a trusted server learns of the device. A boot image of this name and version runs already.
    pub about: About<'c>,
    /// Whether the caller can make a bootstrap server prove itself by roots that it had before ([`Proof::Preconfigured`]).
    pub has_anchors: bool,
}

/// What a server has to prove in its TLS handshake. In any case the device shows its own certificate, if it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof<'s> {
    /// Its certificate leads to a root that the caller had before.
    Preconfigured,
    /// Its certificate leads to this certificate in DER.
    Anchor(&'s [u8]),
    /// Nothing. What comes over the connection is not trusted for where it comes from, and nothing secret goes over it.
    Provisional,
}

impl Proof<'_> {
    /// One word for a log line.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Proof::Preconfigured => "root",
            Proof::Anchor(_) => "anchor",
            Proof::Provisional => "none",
        }
    }
}

/// A request to a server, by POST.
#[derive(Clone, Debug)]
pub struct Exchange<'s> {
    /// Where it goes.
    pub uri: Uri,
    /// What the server has to prove.
    pub proof: Proof<'s>,
    /// The content, of the type [`MEDIA_TYPE`](crate::MEDIA_TYPE).
    pub body: Body,
}

/// What the caller has to do next.
#[derive(Debug)]
pub enum Action<'s> {
    /// Ask for bootstrapping data, accepting only [`MEDIA_TYPE`](crate::MEDIA_TYPE), and tell the answer by [`Agent::answered`] or
    /// [`Agent::failed`].
    Ask(Exchange<'s>),
    /// Report, and tell the status of the answer by [`Agent::reported`] or [`Agent::failed`].
    Report(Progress, Exchange<'s>),
    /// Carry out a step of the onboarding, and tell the outcome by [`Agent::done`].
    Do(Step),
    /// The bootstrapping has ended well.
    Finished(End),
    /// All servers have failed, the last one for this reason. [`Agent::restart`] begins anew.
    Exhausted(SztpError),
}

/// What a server's answer leads to.
#[derive(Debug)]
#[non_exhaustive]
pub enum Verdict<'b> {
    /// This number of servers was added to those that the agent asks.
    Redirected(u8),
    /// The owner's demands, whose steps [`Agent::poll`] asks for now.
    Onboarding(Onboarding<'b>),
    /// The server asks for a certificate signing request. [`Agent::certify`] makes it.
    #[cfg(feature = "csr")]
    Certify(Wanted<'b>),
}

/// The certificate signing request that goes to the present server.
#[cfg(feature = "csr")]
#[derive(Debug, Default)]
struct Request {
    /// The kind of the device's own key; `None` for a device that asks for no certificate.
    algorithm: Option<KeyAlgorithm>,
    /// Empty as long as no server has asked for it.
    csr: Csr,
    /// Number of times that the present server has asked for one.
    prompts: u8,
}

/// Where the agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The agent takes the next server.
    Next,
    /// The agent asks the present server, over a connection on which it proves nothing when `provisional` is set.
    Ask { provisional: bool },
    /// The plan is carried out, and its entry with this index is next.
    Plan { at: usize },
    /// The agent reports the failure of this step.
    Failure(Step),
    /// The agent reports what is wrong with the answer of a trusted server.
    BadAnswer,
    /// All steps are done.
    Finished(End),
    /// No server is left in this round.
    Exhausted,
}

/// The agent. Its memory is bounded: the list of servers is in octets that the caller gives.
#[derive(Debug)]
pub struct Agent<'c, 'm> {
    config: Config<'c>,
    servers: Servers<'m>,
    state: State,
    /// What was sent with the last question, if a nonce was sent.
    nonce: Option<[u8; NONCE]>,
    /// Whether the present server has proved that it is trusted. Reports go to trusted servers only.
    trusted: bool,
    /// Whether the owner has signed what the present server sent last.
    signed: bool,
    /// What is asked of the present server beside the rest.
    #[cfg(feature = "csr")]
    request: Request,
    /// What the owner demands.
    demands: Demands,
    /// Number of servers that were asked in this round.
    asked: u8,
    /// Number of rounds that have ended without success.
    rounds: u32,
    /// Why the last server failed.
    error: SztpError,
}

impl<'c, 'm> Agent<'c, 'm> {
    /// Makes an agent that knows no server yet. `octets` holds names and anchors of servers; a kibioctet is enough where there are no redirects
    /// with anchors, and four hold some of these.
    pub fn new(config: Config<'c>, octets: &'m mut [u8]) -> Self {
        Self {
            config,
            servers: Servers::new(octets),
            state: State::Next,
            nonce: None,
            trusted: false,
            signed: false,
            #[cfg(feature = "csr")]
            request: Request::default(),
            demands: Demands::default(),
            asked: 0,
            rounds: 0,
            error: SztpError::NoServer,
        }
    }

    /// Adds a server, which the agent asks after those that were added before. What is behind host and port in `uri` does not count.
    ///
    /// # Errors
    /// [`SztpError::TooManyServers`]: there is no memory for it.
    pub fn add_server(&mut self, uri: &Uri, named: Named) -> Result<(), SztpError> {
        self.servers.add_source(uri, named)
    }

    /// Tells trusted servers that the device can ask for a certificate of its own, for a key of this kind (RFC 9646).
    #[cfg(feature = "csr")]
    pub fn offer_request(&mut self, algorithm: KeyAlgorithm) {
        self.request.algorithm = Some(algorithm);
    }

    /// Makes the request that [`Verdict::Certify`] asks for. The same server is asked again with it.
    ///
    /// # Errors
    /// Those of [`Wanted::request`]. The next server is asked then.
    #[cfg(feature = "csr")]
    pub fn certify(
        &mut self,
        wanted: &Wanted<'_>,
        key: &mut dyn LocalKey,
    ) -> Result<(), SztpError> {
        match wanted.request(self.config.credentials.idevid, key) {
            Ok(csr) => {
                self.request.csr = csr;
                Ok(())
            }
            Err(error) => {
                self.abandon(error);
                Err(error)
            }
        }
    }

    /// Begins a round: the first server is asked again.
    pub fn restart(&mut self) {
        self.servers.restart();
        self.asked = 0;
        self.state = State::Next;
    }

    /// Begins the bootstrapping from the top: rounds count from zero, and the servers that DHCP named are forgotten, so that they can be added anew.
    pub fn begin(&mut self) {
        self.servers.forget_dhcp();
        self.rounds = 0;
        self.error = SztpError::NoServer;
        self.signed = false;
        self.restart();
    }

    /// Number of rounds that have ended without success.
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Number of servers that were asked in this round.
    pub fn asked(&self) -> u8 {
        self.asked
    }

    /// Who named the present server, and how many redirects led to it.
    pub fn origin(&self) -> Option<(Named, u8)> {
        self.servers.origin()
    }

    /// Whether the present server has proved that it is trusted.
    pub fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// Whether the owner has signed what the present server sent.
    pub fn is_signed(&self) -> bool {
        self.signed
    }

    /// The present server: its host and port, with the path `/`. `None` before the first one, and behind the last one.
    pub fn server(&self) -> Option<Uri> {
        self.servers.uri("/").ok()
    }

    /// Why the last server failed.
    pub fn error(&self) -> SztpError {
        self.error
    }

    /// Says what has to be done next. Until the caller has told what came of it, the same is said again.
    ///
    /// `random` is for the nonce of a question; a caller without a generator whose numbers nobody can guess gives none, and sends no nonce.
    #[inline(never)]
    pub fn poll(&mut self, random: Option<[u8; NONCE]>) -> Action<'_> {
        loop {
            match self.state {
                State::Next => self.next_server(),
                State::Ask { .. } => match self.question(random) {
                    Ok((uri, body)) => return Action::Ask(self.exchange(uri, body)),
                    Err(error) => self.abandon(error),
                },
                State::Plan { at } => match PLAN.get(at).copied() {
                    Some((need, stage)) if self.applies(need.is_met(self.demands), stage) => {
                        match stage {
                            Stage::Do(step) => return Action::Do(step),
                            Stage::End(end) => self.state = State::Finished(end),
                            Stage::Report(progress) => return self.report(progress, ""),
                        }
                    }
                    Some(_) => self.advance(),
                    None => self.state = State::Finished(End::Complete),
                },
                State::Failure(step) => return self.report(step.failure(), step.as_str()),
                State::BadAnswer => return self.report(Progress::ParsingError, ""),
                State::Finished(end) => return Action::Finished(end),
                State::Exhausted => return Action::Exhausted(self.error),
            }
        }
    }

    /// Whether the agent does an entry of the plan whose need is `met`.
    fn applies(&self, met: bool, stage: Stage) -> bool {
        let told = match stage {
            Stage::Report(progress) => {
                self.trusted && (self.demands.verbose || progress.is_required())
            }
            _ => true,
        };
        met && told
    }

    fn advance(&mut self) {
        if let State::Plan { at } = &mut self.state {
            *at = at.saturating_add(1);
        }
    }

    fn next_server(&mut self) {
        self.trusted = false;
        self.signed = false;
        #[cfg(feature = "csr")]
        {
            self.request.csr.clear();
            self.request.prompts = 0;
        }
        self.demands = Demands::default();
        self.nonce = None;
        if !self.servers.advance() {
            self.rounds = self.rounds.saturating_add(1);
            self.state = State::Exhausted;
            return;
        }
        if self.asked >= MAX_ASKED {
            self.error = SztpError::TooManyAsked;
            self.rounds = self.rounds.saturating_add(1);
            self.state = State::Exhausted;
            return;
        }
        self.asked = self.asked.saturating_add(1);
        // Roots that were there before are good for servers that no redirect named: a redirect says itself who its servers are.
        let source = self.servers.origin().is_some_and(|(_, depth)| depth == 0);
        let provable = self.servers.anchor().is_some() || (source && self.config.has_anchors);
        self.state = State::Ask {
            provisional: !provable,
        };
    }

    fn question(&mut self, random: Option<[u8; NONCE]>) -> Result<(Uri, Body), SztpError> {
        self.nonce = random;
        let provisional = self.state == State::Ask { provisional: true };
        let about = (!provisional).then_some(&self.config.about);
        let nonce = self.nonce.as_ref().map(<[u8; NONCE]>::as_slice);
        let uri = self.servers.uri(request::ASK_PATH)?;
        #[cfg(feature = "csr")]
        if let (Some(about), Some(algorithm)) = (about, self.request.algorithm) {
            let csr = Some(self.request.csr.as_slice()).filter(|csr| !csr.is_empty());
            let body = request::ask_for_certificate(about, nonce, algorithm, csr)?;
            return Ok((uri, body));
        }
        Ok((uri, request::ask(about, nonce)?))
    }

    fn exchange(&self, uri: Uri, body: Body) -> Exchange<'_> {
        let proof = match (self.state, self.servers.anchor()) {
            (State::Ask { provisional: true }, _) => Proof::Provisional,
            (_, Some(anchor)) => Proof::Anchor(anchor),
            _ => Proof::Preconfigured,
        };
        Exchange { uri, proof, body }
    }

    /// A report to the present server, which is a trusted one.
    fn report(&self, progress: Progress, message: &str) -> Action<'_> {
        let body = request::report(progress, message);
        let uri = self.servers.uri(request::REPORT_PATH);
        match (uri, body) {
            (Ok(uri), Ok(body)) => Action::Report(progress, self.exchange(uri, body)),
            // The same server had a URI before, and reports are short.
            (Err(error), _) | (_, Err(error)) => Action::Exhausted(error),
        }
    }

    /// Goes on to the next server because of `error`.
    fn abandon(&mut self, error: SztpError) {
        self.error = error;
        self.state = State::Next;
    }

    /// The request could not be made, or no answer came. `unproven` says that the server's certificate was the reason: one that has not proved
    /// itself by roots that were there before is asked again without that (RFC 8572, section 5.3).
    pub fn failed(&mut self, unproven: bool) {
        match self.state {
            State::Ask { provisional: false } if unproven && self.servers.anchor().is_none() => {
                self.state = State::Ask { provisional: true };
            }
            State::Ask { .. } => self.abandon(SztpError::Unreachable),
            State::Plan { .. } | State::Failure(_) | State::BadAnswer => self.reported(0),
            State::Next | State::Finished(_) | State::Exhausted => {}
        }
    }

    /// The server answered the question. Its answer is decoded in `body`, where the owner's demands stay.
    ///
    /// # Errors
    /// The answer is of no use. The next server is asked then.
    #[inline(never)]
    pub fn answered<'b>(
        &mut self,
        status: u16,
        media_type: &str,
        body: &'b mut [u8],
    ) -> Result<Verdict<'b>, SztpError> {
        let State::Ask { provisional } = self.state else {
            return Err(SztpError::Answer);
        };
        self.trusted = !provisional;
        let verdict = self.judge(status, media_type, body);
        if let Err(error) = &verdict {
            self.abandon(*error);
            // A server that says no has not sent anything that could be parsed.
            let refused = matches!(error, SztpError::Status(_));
            if self.trusted && !refused {
                self.state = State::BadAnswer;
            }
        }
        verdict
    }

    fn judge<'b>(
        &mut self,
        status: u16,
        media_type: &str,
        body: &'b mut [u8],
    ) -> Result<Verdict<'b>, SztpError> {
        if status != 200 {
            #[cfg(feature = "csr")]
            if let Some(wanted) = self.wanted(status, body)? {
                return Ok(Verdict::Certify(wanted));
            }
            return Err(SztpError::Status(status));
        }
        if !is_yang_json(media_type) {
            return Err(SztpError::MediaType);
        }
        let artifacts = Artifacts::parse(body)?;
        let nonce = self.nonce.as_ref().map(<[u8; NONCE]>::as_slice);
        let judged = ownership::judge(&artifacts, &self.config.credentials, nonce)?;
        self.signed = judged.signed;
        let trust = judged.signed || self.trusted;
        match Conveyed::parse(judged.content)? {
            Conveyed::Redirect(redirect) => {
                let servers = self.servers.redirect(redirect, trust)?;
                self.state = State::Next;
                Ok(Verdict::Redirected(servers))
            }
            Conveyed::Onboarding(_) if !trust => Err(SztpError::Untrusted),
            Conveyed::Onboarding(onboarding) => {
                self.demands = Demands::of(&onboarding, &self.config.about, artifacts.verbose);
                self.state = State::Plan { at: 0 };
                Ok(Verdict::Onboarding(onboarding))
            }
        }
    }

    /// The certificate signing request that a server asks for by an error (RFC 9646, section 2.3). `None` for an error that asks for none, and for one that
    /// is not considered: of a server that is not trusted, or that has asked too often.
    #[cfg(feature = "csr")]
    fn wanted<'b>(
        &mut self,
        status: u16,
        body: &'b mut [u8],
    ) -> Result<Option<Wanted<'b>>, SztpError> {
        if status != 400 || !self.trusted || self.request.prompts >= MAX_PROMPTS {
            return Ok(None);
        }
        // What the server refuses is not the one that it wants.
        self.request.csr.clear();
        let Some(algorithm) = self.request.algorithm else {
            return Ok(None);
        };
        let wanted = Wanted::parse(body, algorithm)?;
        if wanted.is_some() {
            self.request.prompts = self.request.prompts.saturating_add(1);
        }
        Ok(wanted)
    }

    /// The server answered a report with this HTTP status. Another one than 204 ends the beginning and the end of the bootstrapping
    /// (RFC 8572, section 5.6); other reports are for information.
    pub fn reported(&mut self, status: u16) {
        match self.state {
            State::Plan { at } => {
                let stage = PLAN.get(at).map(|(_, stage)| *stage);
                let needed =
                    matches!(stage, Some(Stage::Report(progress)) if progress.needs_acceptance());
                match needed && status != 204 {
                    true => self.abandon(SztpError::ReportRefused(status)),
                    false => self.advance(),
                }
            }
            State::Failure(_) | State::BadAnswer => self.state = State::Next,
            _ => {}
        }
    }

    /// The step that [`poll`](Self::poll) asked for was carried out, or failed. After a failure the next server is asked.
    pub fn done(&mut self, success: bool) {
        let State::Plan { at } = self.state else {
            return;
        };
        let Some((_, Stage::Do(step))) = PLAN.get(at).copied() else {
            return;
        };
        if success {
            return self.advance();
        }
        self.error = SztpError::Step(step);
        self.state = match self.trusted {
            true => State::Failure(step),
            false => State::Next,
        };
    }
}

/// Whether a `Content-Type` is the one of RFC 8040, section 11.3.2, whatever its parameters are. The draft before it had a dot in place of the
/// hyphen, and some servers have it still.
fn is_yang_json(media_type: &str) -> bool {
    let essence = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    [request::MEDIA_TYPE, "application/yang.data+json"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
}
