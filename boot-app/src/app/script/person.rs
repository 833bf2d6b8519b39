//! Commands that write to a person, or wait for one.

#[cfg(feature = "shell")]
use super::Ending;
use super::{Reply, Session};
#[cfg(feature = "shell")]
use crate::app::Failed;
use crate::app::{AppError, BootApp, Result};
use crate::observer::Observer;
#[cfg(feature = "shell")]
use heapless::String;
#[cfg(feature = "shell")]
use netboot_core::Coded;
#[cfg(feature = "menu")]
use netboot_core::Duration;
use netboot_core::uri::UriError;
use netboot_core::{Console, Instant, quotient};
#[cfg(feature = "shell")]
use netboot_ipxe::INTERRUPTED;
use netboot_ipxe::IpxeInterface;
#[cfg(feature = "menu")]
use netboot_ipxe::script::MenuView;
#[cfg(any(feature = "menu", feature = "shell"))]
use netboot_ipxe::script::VALUE_LEN;
use netboot_ipxe::script::{Command, command_names};
#[cfg(feature = "shell")]
use netboot_ipxe::terminal::History;
use netboot_ipxe::terminal::Terminal;
#[cfg(any(feature = "menu", feature = "shell"))]
use netboot_ipxe::terminal::{COLUMNS, Edited, Key, Keys, LineEditor};
#[cfg(feature = "menu")]
use netboot_ipxe::terminal::{EarlierLines, MenuEnd, MenuScreen, ROWS};
use ocp_recovery::RegisterBus;

/// What is written at the start of a line in the shell.
#[cfg(feature = "shell")]
const PROMPT: &str = "netboot> ";
/// What makes a line a script.
#[cfg(feature = "shell")]
const HEAD: &str = "#!ipxe\n";

/// A terminal that texts are written to.
pub(super) struct Screen<'t>(pub &'t mut dyn Terminal);

impl Console for Screen<'_> {
    fn text(&mut self, text: &str) {
        self.0.write(text);
    }
}

impl<N, B, O> BootApp<'_, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    pub(super) fn person_command(
        &mut self,
        command: Command<'_>,
        session: &mut Session<'_>,
    ) -> Result<Reply> {
        match command {
            Command::Echo { text, newline } => {
                self.write_told(text);
                if newline {
                    self.write("\n");
                }
            }
            Command::Sleep(span) => {
                self.net.set_deadline(self.deadline);
                self.sleep(span)?;
            }
            Command::Show {
                setting,
                setting_type,
                value,
            } => {
                for part in [setting.as_str(), ":", setting_type.as_str(), " = ", value] {
                    self.write_told(part);
                }
                self.write("\n");
            }
            Command::TimeStart => session.timed = self.net.now(),
            Command::TimeStop => {
                let tenths = self.net.now().since(session.timed).as_micros();
                let tenths = quotient(tenths, 100_000);
                if let Some(scripts) = &mut self.scripts {
                    let mut out = Screen(scripts.terminal);
                    let out: &mut dyn Console = &mut out;
                    out.text("time: ");
                    out.decimal(quotient(tenths, 10));
                    out.text(".");
                    out.decimal(tenths % 10);
                    out.text("s\n");
                }
            }
            Command::Prompt { text, key, timeout } => {
                self.write_told(text);
                let until = timeout.map(|timeout| self.net.now() + timeout);
                let typed = self.await_person(until, |terminal, _| terminal.key())?;
                if !text.is_empty() {
                    self.write("\n");
                }
                let agrees = typed.is_some_and(|typed| key.is_none_or(|key| key == typed.into()));
                if !agrees {
                    return Ok(Reply::Refused);
                }
            }
            #[cfg(feature = "menu")]
            Command::Choose {
                menu,
                default,
                timeout,
            } => return self.choose(menu, default, timeout),
            #[cfg(feature = "menu")]
            Command::Read {
                setting,
                value,
                timeout,
            } => return self.read(setting.as_str(), value, timeout),
            Command::Help => {
                for name in command_names() {
                    self.write(name);
                    self.write(" ");
                }
                self.write("\n");
            }
            _ => return Err(self.fail(AppError::NotSupported)),
        }
        Ok(Reply::Done)
    }

    /// Writes text with settings in it. Control characters of theirs are left out, so that no DHCP server begins a line of the console. The character
    /// ESC stays, because scripts make colours by it.
    #[inline(never)]
    fn write_told(&mut self, text: &str) {
        for part in text.split(|octet: char| octet.is_control() && octet != '\x1b' && octet != '\t')
        {
            self.write(part);
        }
    }

    /// Writes for the person.
    pub(super) fn write(&mut self, text: &str) {
        if let Some(scripts) = &mut self.scripts {
            scripts.terminal.write(text);
        }
    }

    /// Waits until `take` takes something from the terminal. `None` when it is `until`; without a time the boot's total deadline ends the wait.
    fn await_person<T>(
        &mut self,
        until: Option<Instant>,
        mut take: impl FnMut(&mut dyn Terminal, Instant) -> Option<T>,
    ) -> Result<Option<T>> {
        // Whoever waits for a key takes it: Ctrl-C is one then, and interrupts nothing.
        self.net.interruptible(false);
        self.net.set_deadline(self.deadline);
        let taken = loop {
            let now = self.net.now();
            let scripts = self.scripts.as_mut();
            let taken = scripts.and_then(|scripts| take(scripts.terminal, now));
            if taken.is_some() || until.is_some_and(|until| now >= until) {
                break Ok(taken);
            }
            if let Err(failed) = self.idle(now) {
                break Err(failed);
            }
        };
        let scripts = self.scripts.as_ref();
        let at_prompt = scripts.is_some_and(|scripts| scripts.at_prompt);
        self.net.interruptible(at_prompt);
        taken
    }

    /// Waits for a key.
    #[cfg(any(feature = "menu", feature = "shell"))]
    #[inline(never)]
    fn next_key(&mut self, keys: &mut Keys, until: Option<Instant>) -> Result<Option<Key>> {
        self.await_person(until, |terminal, now| keys.read(terminal, now))
    }

    /// `choose`: shows a menu until an item is chosen.
    #[cfg(feature = "menu")]
    #[inline(never)]
    fn choose(
        &mut self,
        menu: MenuView<'_>,
        default: usize,
        timeout: Option<Duration>,
    ) -> Result<Reply> {
        let mut screen = MenuScreen::new(ROWS, COLUMNS);
        let mut keys = Keys::new();
        let now = self.net.now();
        if let Some(scripts) = &mut self.scripts {
            screen.start(menu, default, timeout, now, scripts.terminal);
        }
        loop {
            let key = self.next_key(&mut keys, screen.deadline())?;
            let now = self.net.now();
            let Some(scripts) = &mut self.scripts else {
                return Ok(Reply::Refused);
            };
            let end = match key {
                Some(key) => screen.key(menu, key, scripts.terminal),
                None => screen.poll(menu, now, scripts.terminal),
            };
            match end {
                Some(MenuEnd::Chosen(place)) => return Ok(Reply::Chosen(place)),
                Some(MenuEnd::Left) => return Ok(Reply::Refused),
                None => {}
            }
        }
    }

    /// `read`: lets a person edit the text of a setting.
    #[cfg(feature = "menu")]
    #[inline(never)]
    fn read(&mut self, setting: &str, value: &str, timeout: Option<Duration>) -> Result<Reply> {
        let mut editor: LineEditor<VALUE_LEN> = LineEditor::new(COLUMNS);
        let mut keys = Keys::new();
        let mut until = timeout.map(|timeout| self.net.now() + timeout);
        self.write(setting);
        if let Some(scripts) = &mut self.scripts {
            editor.start(": ", value, scripts.terminal);
        }
        loop {
            let Some(key) = self.next_key(&mut keys, until)? else {
                self.write("\n");
                return Ok(Reply::Refused);
            };
            // The time is for the first key only.
            until = None;
            let Some(scripts) = &mut self.scripts else {
                return Ok(Reply::Refused);
            };
            match editor.key(key, EarlierLines::default(), scripts.terminal) {
                Some(Edited::Entered) => {
                    scripts.typed.clear();
                    // The editor has room for as much.
                    let _ = scripts.typed.push_str(editor.text());
                    return Ok(Reply::Typed);
                }
                Some(Edited::Aborted) => return Ok(Reply::Refused),
                None => {}
            }
        }
    }

    /// `shell`: gives a person a prompt. Each line is a script of its own.
    #[cfg(feature = "shell")]
    #[inline(never)]
    pub(super) fn shell(&mut self) -> Result<Reply> {
        let mut editor: LineEditor<VALUE_LEN> = LineEditor::new(COLUMNS);
        let mut history: History<512> = History::new();
        let mut keys = Keys::new();
        loop {
            if let Some(scripts) = &mut self.scripts {
                editor.start(PROMPT, "", scripts.terminal);
            }
            let edited = loop {
                let Some(key) = self.next_key(&mut keys, None)? else {
                    continue;
                };
                let Some(scripts) = &mut self.scripts else {
                    return Ok(Reply::Done);
                };
                if let Some(edited) = editor.key(key, history.lines(), scripts.terminal) {
                    break edited;
                }
            };
            // Somebody is there: the boot has its whole time from now on.
            let later = self.net.now() + self.config.policy.total_deadline;
            self.deadline = self.deadline.max(later);
            if edited == Edited::Aborted {
                continue;
            }
            history.push(editor.text());
            if is_exit(editor.text()) {
                return Ok(Reply::Done);
            }
            match self.run_line(editor.text()) {
                Ok(Ending::Booted) => return Ok(Reply::Booted),
                Ok(_) => {}
                Err(Failed) => self.show_error(),
            }
        }
    }

    /// Runs one line as a script.
    #[cfg(feature = "shell")]
    fn run_line(&mut self, line: &str) -> Result<Ending> {
        let mut text: String<{ VALUE_LEN + HEAD.len() + 1 }> = String::new();
        for part in [HEAD, line, "\n"] {
            // The longest line fits.
            let _ = text.push_str(part);
        }
        self.is_at_prompt(true);
        let ending = match self.run_script(text.as_bytes(), None) {
            Ok(Ending::Replaced) => self.chain(),
            other => other,
        };
        self.is_at_prompt(false);
        ending
    }

    /// A person at the prompt may end what the line does.
    #[cfg(feature = "shell")]
    fn is_at_prompt(&mut self, yes: bool) {
        if let Some(scripts) = &mut self.scripts {
            scripts.at_prompt = yes;
        }
        self.net.interruptible(yes);
    }

    /// Whether the last failure is that the person has ended the command.
    #[cfg(feature = "shell")]
    pub(in crate::app) fn is_interrupted(&self) -> bool {
        let error = self.report.error.as_ref();
        error.is_some_and(|error| error.code() == INTERRUPTED)
    }

    /// Writes why a line failed. The boot goes on, so the error is not the boot's.
    #[cfg(feature = "shell")]
    #[inline(never)]
    fn show_error(&mut self) {
        let Some(error) = self.report.error.take() else {
            return;
        };
        if let Some(scripts) = &mut self.scripts {
            let mut out = Screen(scripts.terminal);
            let out: &mut dyn Console = &mut out;
            out.text("error");
            crate::console::write_error(out, &error);
            out.text("\n");
        }
    }

    #[cfg(not(feature = "shell"))]
    pub(super) fn shell(&mut self) -> Result<Reply> {
        Err(self.fail(AppError::NotSupported))
    }
}

/// Whether a line is the command that leaves the shell.
#[cfg(feature = "shell")]
fn is_exit(line: &str) -> bool {
    line.split_ascii_whitespace().next() == Some("exit")
}
