//! Runs scripts: gets their texts, and carries out their commands.
//!
//! | file | commands |
//! |---|---|
//! | `images` | those that name images, deliver them, and chain scripts |
//! | `network` | those of the interface |
//! | `person` | those that write to a person, or wait for one |
//! | `ping` | `ping` |
//! | `san` | `sanboot` |
//! | `verify` | `imgverify` with a signature |
//! | `ztp` | `ztp`, and the scripts that a bootstrap server conveys |

mod images;
mod network;
mod person;
#[cfg(feature = "ping")]
mod ping;
#[cfg(feature = "san")]
mod san;
#[cfg(feature = "verify")]
mod verify;
#[cfg(feature = "sztp")]
mod ztp;

use super::{AppError, BootApp, Failed, Result, State, Work, say};
use crate::observer::{Event, Observer};
use crate::script::{
    BootScript, BootSettings, DEFAULT_SCRIPT, DeviceFacts, FileReader, MAX_SCRIPTS, Next, Read,
    SCRIPT, Scripts, Stopped,
};
use crate::sources::Origin;
use core::net::IpAddr;
use netboot_core::uri::{Uri, UriError};
use netboot_core::{Coded, Digest, Instant};
use netboot_ipxe::script::{Command, Fault, Menus, Outcome, Script, ScriptError, Step};
use netboot_ipxe::{Deliver, ExecError, InterfaceInfo, IpxeInterface, Part, sha256};
use ocp_recovery::{AgentState, RegisterBus};

/// How a script ended that did not fail.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// The device has booted, so nothing is left to do.
    Booted,
    /// The script came to its end.
    Over,
    /// The script wants another one in its place: the one at [`Scripts::next`](crate::script::Scripts).
    Replaced,
}

/// What became of a command.
enum Reply {
    Done,
    /// A person did not agree.
    Refused,
    /// A person has typed the text of the setting, which lies in `Scripts::typed`.
    #[cfg(feature = "menu")]
    Typed,
    Address(IpAddr),
    #[cfg(feature = "menu")]
    Chosen(usize),
    /// The device has booted.
    Booted,
    /// Another script, or an image, is executed from the place [`Scripts::next`](crate::script::Scripts).
    Chain {
        replace: bool,
    },
    /// What the network names is booted.
    AutoBoot,
    /// A person gets a prompt.
    Shell,
}

/// What one script has beside its engine.
struct Session<'t> {
    /// Where the script comes from; `None` for the board's own one.
    base: Option<&'t Uri>,
    /// When the command of `time` began.
    timed: Instant,
}

impl<'c, N, B, O> BootApp<'c, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    /// Lets scripts run: the boot begins with that of `scripts`, and a boot file may be one. The policy has to list
    /// [`Origin::Script`](crate::Origin::Script), as it does by default.
    pub fn use_scripts(&mut self, scripts: Scripts<'c>) {
        self.scripts = Some(scripts);
        self.state = State::Script;
    }

    /// Runs the board's script. It has to boot the device.
    #[inline(never)]
    pub(super) fn run_scripts(&mut self) -> Result {
        let Some(scripts) = &mut self.scripts else {
            return Err(self.fail(AppError::ScriptEnded));
        };
        scripts.left = MAX_SCRIPTS;
        let text = scripts.built_in.as_bytes();
        self.sources.images.clear();
        let ending = match self.run_script(text, None)? {
            Ending::Replaced => self.chain()?,
            other => other,
        };
        self.must_boot(ending)
    }

    /// A script that no other one has chained has to boot the device.
    fn must_boot(&mut self, ending: Ending) -> Result {
        match ending {
            Ending::Booted => Ok(()),
            Ending::Over | Ending::Replaced => Err(self.fail(AppError::ScriptEnded)),
        }
    }

    /// Whether a boot file may be a script.
    pub(super) fn may_run_boot_file(&self) -> bool {
        let may = self.config.sources.order.contains(&Origin::Script);
        #[cfg(feature = "sztp")]
        let may = may || self.sources.provisioned.is_some();
        may && self.scripts.is_some() && !self.sources.delivers
    }

    /// SHA-256 of the boot file, if it is a script that waits to run.
    #[cfg(feature = "sztp")]
    pub(super) fn boot_script_digest(&self) -> Option<Digest> {
        let BootScript { buffer, script } = self.scripts.as_ref()?.boot_file.as_ref()?;
        netboot_ipxe::sha256(buffer.get(..script.len)?)
    }

    /// Forgets a boot file that is a script.
    #[cfg(feature = "sztp")]
    pub(super) fn forget_boot_script(&mut self) {
        let scripts = self.scripts.as_mut();
        let script = scripts.and_then(|scripts| scripts.boot_file.take());
        self.sources.is_script = false;
        if let Some(BootScript { buffer, .. }) = script {
            self.give_back(buffer);
        }
    }

    /// A buffer for the text of a script.
    pub(super) fn take_buffer(&mut self) -> Result<&'c mut [u8]> {
        let buffer = self.scripts.as_mut().and_then(|scripts| scripts.free.pop());
        match buffer {
            Some(buffer) => Ok(buffer),
            None => Err(self.fail(AppError::ScriptNesting)),
        }
    }

    pub(super) fn give_back(&mut self, buffer: &'c mut [u8]) {
        if let Some(scripts) = &mut self.scripts {
            // It was taken from there.
            let _ = scripts.free.push(buffer);
        }
    }

    /// `chain`: runs the script that lies at [`Scripts::next`], and those that replace it. What is no script is delivered as an image.
    #[inline(never)]
    fn chain(&mut self) -> Result<Ending> {
        let buffer = self.take_buffer()?;
        let result = self.chain_into(buffer);
        self.give_back(buffer);
        result
    }

    /// Does the same with this buffer.
    #[inline(never)]
    fn chain_into(&mut self, buffer: &mut [u8]) -> Result<Ending> {
        loop {
            let scripts = self.scripts.as_mut();
            let Some(next) = scripts.and_then(|scripts| scripts.next.take()) else {
                return Ok(Ending::Over);
            };
            let Some(script) = self.read_next(&next, buffer)? else {
                return self.execute_next(next);
            };
            match self.run_buffer(buffer, &script)? {
                Ending::Replaced => {}
                other => return Ok(other),
            }
        }
    }

    /// Reads what was chained into a buffer. `None` when it is no script.
    #[inline(never)]
    fn read_next(&mut self, next: &Next, buffer: &mut [u8]) -> Result<Option<Read>> {
        let name = match next {
            Next::Place(uri) => return self.read_script(uri, None, buffer),
            Next::Image(name) => name,
        };
        let known = self.sources.images.get_mut(name).ok();
        let expected = known.as_ref().and_then(|image| image.sha256);
        // Nothing here compares another digest than SHA-256. An image with another one is delivered, which verifies it.
        if expected.is_none() && known.is_some_and(|image| image.is_verified()) {
            return Ok(None);
        }
        let mut script = None;
        self.at_places(name, &mut |app, uri| {
            script = app.read_script(uri, expected, buffer)?;
            Ok(())
        })?;
        if script.is_some() {
            self.sources.images.executed(name);
        }
        Ok(script)
    }

    /// Runs the script in a buffer.
    fn run_buffer(&mut self, buffer: &[u8], script: &Read) -> Result<Ending> {
        let Read { len, uri, verified } = script;
        // One that nobody has verified could take back what was asked of all images.
        if self.sources.images.only_verified && !verified {
            return Err(self.fail(AppError::NotVerified));
        }
        let left = self.scripts.as_mut().and_then(|scripts| {
            scripts.left = scripts.left.checked_sub(1)?;
            Some(())
        });
        if left.is_none() {
            return Err(self.fail(AppError::ScriptNesting));
        }
        let text = buffer.get(..*len).unwrap_or_default();
        let octets = text.len() as u64;
        let event = Event::Script { uri, octets };
        say(&mut self.net, &mut self.observer, &event);
        self.run_script(text, Some(uri))
    }

    /// The image that the device waits for: one that it holds a part of, or the next one that it asks for. `None` when it has booted; the boot is over then.
    fn next_request(&mut self) -> Result<Option<u8>> {
        match self.unfinished() {
            Some(index) if self.delivery.has_begun() => return Ok(Some(index)),
            _ => {}
        }
        let request = self.await_device()?;
        if request.is_none() {
            self.state = State::Done;
        }
        Ok(request)
    }

    /// Runs the boot file, if it was found to be a script.
    #[inline(never)]
    pub(super) fn run_boot_file(&mut self) -> Result {
        let scripts = self.scripts.as_mut();
        let Some(BootScript { buffer, mut script }) =
            scripts.and_then(|scripts| scripts.boot_file.take())
        else {
            return Ok(());
        };
        // It runs again where the policy says so, and cannot take back what is permanent.
        script.verified |= self.sources.images.latched;
        let ending = self.run_whole(buffer, &script);
        self.give_back(buffer);
        self.must_boot(ending?)
    }

    /// Runs the script in a buffer, and those that replace it. They begin without images. What comes after them need not be what they asked of
    /// images, unless they asked for good.
    fn run_whole(&mut self, buffer: &mut [u8], script: &Read) -> Result<Ending> {
        self.sources.images.clear();
        let only_verified = self.sources.images.only_verified;
        let ending = match self.run_buffer(buffer, script) {
            Ok(Ending::Replaced) => self.chain_into(buffer),
            other => other,
        };
        if !self.sources.images.latched {
            self.sources.images.only_verified = only_verified;
        }
        ending
    }

    /// Fetches a script into a buffer, which has to have this digest if there is one. `None` when the file is no script.
    #[inline(never)]
    fn read_script(
        &mut self,
        uri: &Uri,
        expected: Option<Digest>,
        buffer: &mut [u8],
    ) -> Result<Option<Read>> {
        self.start_attempt()?;
        let limit = buffer.len();
        let mut reader = FileReader::new(&mut *buffer, SCRIPT);
        let uri = self.read_into(uri, None, &mut reader)?;
        let len = match reader.finish() {
            Ok(len) => len,
            Err(Stopped::Other) => return Ok(None),
            Err(Stopped::TooLong) => return Err(self.script_too_long(limit)),
        };
        if let Some(expected) = expected {
            let found = sha256(buffer.get(..len).unwrap_or_default());
            if found != Some(expected) {
                let found = found.unwrap_or(Digest([0; 32]));
                return Err(self.fail(AppError::DigestMismatch { found }));
            }
        }
        Ok(Some(Read {
            len,
            uri,
            verified: expected.is_some(),
        }))
    }

    /// Fetches a small file, or a part of a file. Gives where it really was. A reader that has seen enough is no failure.
    #[inline(never)]
    fn read_into(
        &mut self,
        uri: &Uri,
        part: Option<Part>,
        reader: &mut dyn Deliver,
    ) -> Result<Uri> {
        let handle = match self.net.imgfetch(uri, None, part) {
            Ok(handle) => handle,
            Err(error) => return Err(self.fail_net(error)),
        };
        let image = match self.net.imgload(&handle) {
            Ok(image) => image,
            Err(error) => return Err(self.fail_net(error)),
        };
        match self.net.imgexec(image, reader) {
            Ok(()) | Err(ExecError::Sink) => Ok(handle.uri),
            Err(ExecError::Transfer(error) | ExecError::Refused(error)) => {
                Err(self.fail_net(error))
            }
        }
    }

    /// Runs one script.
    ///
    /// # Errors
    /// The failure of the command that ended it, or what is wrong with the script.
    fn run_script(&mut self, text: &[u8], base: Option<&Uri>) -> Result<Ending> {
        let mut script = match Script::new(text) {
            Ok(script) => script,
            Err(error) => return Err(self.script_failed(error, base.is_none())),
        };
        let mut session = Session {
            base,
            timed: Instant::ZERO,
        };
        loop {
            let reply = match self.advance(&mut script, &mut session)? {
                Some(reply) => reply,
                None => return Ok(Ending::Over),
            };
            let reply = match reply {
                Ok(Reply::Chain { replace: true }) => return Ok(Ending::Replaced),
                Ok(Reply::Chain { .. }) => match self.chain() {
                    Ok(Ending::Booted) => Ok(Reply::Booted),
                    Ok(_) => Ok(Reply::Done),
                    Err(failed) => Err(failed),
                },
                Ok(Reply::AutoBoot) => self.autoboot(),
                Ok(Reply::Shell) => self.shell(),
                other => other,
            };
            if matches!(reply, Ok(Reply::Booted)) {
                return Ok(Ending::Booted);
            }
            self.answer(&mut script, &reply)?;
        }
    }

    /// Goes on to the script's next command, and carries it out. `None` when the script is over.
    ///
    /// # Errors
    /// As for [`run_script`](Self::run_script). A command that failed is an answer for the script.
    // What it needs on the stack is free again while another script runs.
    #[inline(never)]
    fn advance(
        &mut self,
        script: &mut Script<'_>,
        session: &mut Session<'_>,
    ) -> Result<Option<Result<Reply>>> {
        if self.is_late() {
            return Err(self.fail(AppError::TotalDeadline));
        }
        let (interface, device) = (self.net.interface(), self.device_facts()?);
        let Some(menus) = self.take_menus() else {
            return Err(self.fail(AppError::ScriptNesting));
        };
        let step = match &mut self.scripts {
            Some(scripts) => {
                let mut settings = settings(scripts, &self.net, interface, device);
                script.poll(&mut settings, menus)
            }
            None => Step::End(Ok(())),
        };
        let reply = match step {
            Step::Run(command) => Ok(Some(self.carry_out(command, session))),
            Step::End(Ok(())) => Ok(None),
            Step::End(Err(error)) => Err(self.script_failed(error, session.base.is_none())),
        };
        self.give_menus(menus);
        reply
    }

    /// The error of a script that is longer than `limit` octets.
    pub(super) fn script_too_long(&mut self, limit: usize) -> Failed {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let fault = Fault::TooLong { limit };
        self.fail(AppError::Script(ScriptError { line: 1, fault }))
    }

    /// Tells the script what became of its command.
    #[inline(never)]
    fn answer(&mut self, script: &mut Script<'_>, reply: &Result<Reply>) -> Result {
        let Some(menus) = self.take_menus() else {
            return Err(self.fail(AppError::ScriptNesting));
        };
        if let Some(scripts) = &mut self.scripts {
            #[cfg(feature = "menu")]
            let typed = core::mem::take(&mut scripts.typed);
            let outcome = match reply {
                Ok(Reply::Refused) => Outcome::Refused,
                #[cfg(feature = "menu")]
                Ok(Reply::Typed) => Outcome::Text(&typed),
                Ok(Reply::Address(address)) => Outcome::Address(*address),
                #[cfg(feature = "menu")]
                Ok(Reply::Chosen(place)) => Outcome::Chosen(*place),
                Ok(_) => Outcome::Done,
                Err(Failed) => match &self.report.error {
                    Some(error) => Outcome::failed(error),
                    None => Outcome::Refused,
                },
            };
            // An answer is stored, and nothing is read for it.
            let mut settings = settings(scripts, &self.net, None, DeviceFacts::default());
            script.answer(outcome, &mut settings, menus);
        }
        self.give_menus(menus);
        Ok(())
    }

    /// Does a command, or says what is to be done once nobody looks at the script any longer.
    #[inline(never)]
    fn carry_out(&mut self, command: Command<'_>, session: &mut Session<'_>) -> Result<Reply> {
        match command {
            Command::ImgFetch(_)
            | Command::ImgSelect(_)
            | Command::ImgExec(_)
            | Command::Chain(_)
            | Command::ImgArgs { .. }
            | Command::ImgStat
            | Command::ImgFree { .. }
            | Command::ImgTrust { .. }
            | Command::ImgVerify { .. }
            | Command::SanBoot { .. } => self.image_command(command, session),
            Command::IfOpen(_)
            | Command::IfClose(_)
            | Command::IfStat(_)
            | Command::IfConf { .. }
            | Command::Route
            | Command::NStat
            | Command::NsLookup { .. }
            | Command::Ping { .. } => self.network_command(command),
            Command::AutoBoot => Ok(Reply::AutoBoot),
            #[cfg(feature = "sztp")]
            Command::Ztp(command) => self.ztp(command),
            Command::Shell => Ok(Reply::Shell),
            command => self.person_command(command, session),
        }
    }

    /// `autoboot`: boots from what the network names, as a boot without scripts does. A boot file that is a script runs.
    #[inline(never)]
    fn autoboot(&mut self) -> Result<Reply> {
        if self.net.config().is_none() {
            self.retry(Work::Configure)?;
        }
        #[cfg(feature = "sztp")]
        if self.is_provisioned() {
            return self.autoboot_provisioned();
        }
        self.find_images()?;
        self.deliver_all()?;
        Ok(Reply::Booted)
    }

    /// The same for a board that asks bootstrap servers: each server whose image fails is followed by the next one.
    #[cfg(feature = "sztp")]
    #[inline(never)]
    fn autoboot_provisioned(&mut self) -> Result<Reply> {
        loop {
            self.state = self.provision()?;
            if self.state == State::Done {
                return Ok(Reply::Booted);
            }
            let found = match self.sources.provisioned.is_some() {
                true => self.locate_provisioned(),
                false => self.find_images(),
            };
            let delivered = match found {
                Ok(()) => self.deliver_all(),
                failed => failed,
            };
            match delivered {
                Ok(()) => {
                    self.image_installed();
                    return Ok(Reply::Booted);
                }
                Err(failed) if !self.image_failed() => return Err(failed),
                Err(_) => {}
            }
        }
    }

    /// Looks into what the network names.
    fn find_images(&mut self) -> Result {
        #[cfg(feature = "negotiate")]
        self.negotiate();
        self.locate()
    }

    /// Delivers what the device asks for, until it runs.
    fn deliver_all(&mut self) -> Result {
        while self.state != State::Done {
            if let Some(index) = self.next_request()? {
                self.deliver(index)?;
            }
        }
        Ok(())
    }

    /// What the device says. A device that failed ends the script.
    #[inline(never)]
    fn device_facts(&mut self) -> Result<DeviceFacts> {
        let now = self.net.now();
        if let Err(error) = self.agent().poll(now) {
            return Err(self.fail_recovery(error));
        }
        let agent = self.agent();
        let status = agent.status();
        Ok(DeviceFacts {
            image_index: match agent.state() {
                AgentState::Requested { index } | AgentState::Receiving { index, .. } => {
                    Some(index)
                }
                _ => None,
            },
            device_status: status.device_status,
            reason: status.reason,
        })
    }

    fn take_menus(&mut self) -> Option<&'c mut Menus> {
        self.scripts.as_mut()?.menus.take()
    }

    fn give_menus(&mut self, menus: &'c mut Menus) {
        if let Some(scripts) = &mut self.scripts {
            scripts.menus = Some(menus);
        }
    }

    /// Notes why a script failed. Where one of its commands did, it is that command's error.
    #[inline(never)]
    fn script_failed(&mut self, error: ScriptError, outermost: bool) -> Failed {
        let known = self.report.error.as_ref().map(Coded::code);
        let by_command = match error.fault {
            Fault::CommandFailed { code, .. } => known == Some(code),
            _ => false,
        };
        let scripts = self.scripts.as_ref();
        let is_default = scripts.is_some_and(|scripts| scripts.built_in == DEFAULT_SCRIPT);
        // The default script has nothing in it that could be mended.
        if !(by_command && outermost && is_default) {
            self.tell(&Event::ScriptFailed { error: &error });
        }
        if by_command {
            return Failed;
        }
        self.fail(AppError::Script(error))
    }
}

/// All settings at this moment.
fn settings<'s, N>(
    scripts: &'s mut Scripts<'_>,
    net: &'s N,
    interface: Option<InterfaceInfo>,
    device: DeviceFacts,
) -> BootSettings<'s, N> {
    BootSettings {
        variables: scripts.variables,
        facts: &scripts.facts,
        net,
        interface,
        device,
    }
}
