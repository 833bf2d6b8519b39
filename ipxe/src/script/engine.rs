//! The engine: lines, operators, labels, and what it does by itself.

use super::action::{Action, action};
use super::cursor::{Cursor, Work};
use super::format::number;
use super::menu::Menus;
use super::read_value::{number_setting, read_value};
use super::words::Words;
use super::{
    Command, Fault, Outcome, ScriptError, Setting, SettingError, SettingName, SettingType, Settings,
};
use core::net::IpAddr;
use netboot_core::text::after;

/// Work that a script may do, unless [`Script::with_work`] says otherwise: octets that are looked at. It is enough to read a script of 4,096 octets
/// a thousand times.
pub const WORK: u32 = 4 << 20;

/// What a script needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// It waits for this command: do it and call [`Script::answer`].
    Run(Command<'a>),
    /// It is over. An error is that of the command that ended it.
    End(Result<(), ScriptError>),
}

/// What stands between a command and the next one of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    /// `||`: the next one runs after a failure.
    Or,
    /// `&&`: the next one runs after a success.
    And,
    /// `;`: the next one runs.
    Always,
    /// The line ends.
    End,
}

/// How a command ended.
#[derive(Clone, Copy, Debug)]
enum Flow {
    /// With a success or a failure.
    Status(Result<(), Fault>),
    /// The script goes on elsewhere.
    Jump(usize),
    /// The script ends.
    Exit(u32),
}

/// Where the engine is.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Between two commands.
    Between,
    /// `time` was read, and its start is handed out.
    TimeStart,
    /// A command was read.
    Read,
    /// A command is handed out.
    HandedOut,
    /// The command of `time` ended in some way, and that is handed out.
    TimeStop(Flow),
    /// The script is over.
    Ended(Result<(), ScriptError>),
}

/// A script that runs.
///
/// ```
/// use netboot_ipxe::script::{Command, Menus, Outcome, Script, Step, Variables};
///
/// # fn main() -> Result<(), netboot_ipxe::script::ScriptError> {
/// let mut settings = Variables::<256>::new();
/// let mut menus = Menus::new();
/// let mut script = Script::new(b"#!ipxe\nset who world\nroute || echo hello, ${who}\n")?;
/// assert_eq!(script.poll(&mut settings, &mut menus), Step::Run(Command::Route));
/// script.answer(Outcome::Refused, &mut settings, &mut menus);
/// let hello = Command::Echo { text: "hello, world", newline: true };
/// assert_eq!(script.poll(&mut settings, &mut menus), Step::Run(hello));
/// script.answer(Outcome::Done, &mut settings, &mut menus);
/// assert_eq!(script.poll(&mut settings, &mut menus), Step::End(Ok(())));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Script<'t> {
    cursor: Cursor<'t>,
    work: Work,
    state: State,
    /// Where the command begins.
    start: usize,
    /// Whether the cursor is behind the first command of a line, or behind its label.
    in_line: bool,
    /// Whether the next command runs; otherwise it is skipped.
    run: bool,
    /// How the last command that ran in the line ended.
    status: Result<(), Fault>,
    /// What follows the command.
    operator: Operator,
    words: Words,
    /// Words before the command's name: each one is `time`.
    times: usize,
    /// The type by which `show` shows.
    shown: SettingType,
}

impl<'t> Script<'t> {
    /// Begins a script.
    ///
    /// # Errors
    /// [`Fault::NotScript`] without the header `#!ipxe`, [`Fault::NotText`] for what is no UTF-8 or has control characters.
    pub fn new(text: &'t [u8]) -> Result<Self, ScriptError> {
        Self::with_work(text, WORK)
    }

    /// Begins a script that may look at so many octets: its own, as often as they are read, and those of its expansions.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_work(text: &'t [u8], work: u32) -> Result<Self, ScriptError> {
        let cursor = Cursor::new(text);
        let not_text = |at: usize| ScriptError {
            line: cursor.line(at),
            fault: Fault::NotText {
                offset: u32::try_from(at).unwrap_or(u32::MAX),
            },
        };
        let control = |octet: u8| octet < b' ' && !matches!(octet, b'\t' | b'\r' | b'\n');
        match after(text, b"#!ipxe") {
            Some([] | [b' ' | b'\t' | b'\r' | b'\n', ..]) => {}
            _ => {
                return Err(ScriptError {
                    line: 1,
                    fault: Fault::NotScript,
                });
            }
        }
        core::str::from_utf8(text).map_err(|error| not_text(error.valid_up_to()))?;
        if let Some(at) = text.iter().position(|o| control(*o) || *o == 0x7f) {
            return Err(not_text(at));
        }
        Ok(Self {
            cursor,
            work: Work(work),
            state: State::Between,
            start: 0,
            in_line: false,
            run: true,
            status: Ok(()),
            operator: Operator::End,
            words: Words::default(),
            times: 0,
            shown: SettingType::String,
        })
    }

    /// Octets that the script may still look at.
    pub const fn work_left(&self) -> u32 {
        self.work.0
    }

    /// Number of the line of the command, from 1.
    pub fn line(&self) -> u16 {
        self.cursor.line(self.start)
    }

    /// Runs the script until it needs something, or is over. Without an answer in between it returns the same again. `menus` keeps the menus, which
    /// a script that this one chains finds there too.
    pub fn poll<'s>(&'s mut self, settings: &mut dyn Settings, menus: &'s mut Menus) -> Step<'s> {
        loop {
            match self.state {
                State::Between => {
                    if let Err(fault) = self.read_command(settings) {
                        self.end(Err(fault));
                    }
                }
                State::Read => match self.execute(settings, menus) {
                    Ok(None) => self.state = State::HandedOut,
                    Ok(Some(flow)) => self.complete(flow),
                    Err(fault) => self.complete(Flow::Status(Err(fault))),
                },
                _ => break,
            }
        }
        match self.state {
            State::TimeStart => Step::Run(Command::TimeStart),
            State::TimeStop(_) => Step::Run(Command::TimeStop),
            State::Ended(result) => Step::End(result),
            _ => match self.handed_out(menus) {
                Ok(command) => Step::Run(command),
                // It was read before, so it can be read again.
                Err(fault) => Step::End(Err(ScriptError {
                    line: self.line(),
                    fault,
                })),
            },
        }
    }

    /// Takes what became of the command that [`poll`](Self::poll) returned.
    ///
    /// The script ends with [`Fault::WrongOutcome`] when no command waits, or the outcome is not one of the command's. After the end it does nothing.
    pub fn answer(&mut self, outcome: Outcome<'_>, settings: &mut dyn Settings, menus: &mut Menus) {
        match self.state {
            State::Ended(_) => {}
            State::TimeStart => self.state = State::Read,
            State::TimeStop(flow) => self.go_on(flow),
            State::HandedOut => {
                let status = match outcome {
                    Outcome::Failed { code, blame } => Err(Fault::CommandFailed { code, blame }),
                    Outcome::Refused => Err(Fault::NotConfirmed),
                    outcome => self.take(outcome, settings, menus),
                };
                if let Ok(Action::Choose(choose)) = action(&self.words, self.times)
                    && !choose.keep
                {
                    menus.delete(choose.menu);
                }
                self.complete(Flow::Status(status));
            }
            State::Between | State::Read => self.end(Err(Fault::WrongOutcome)),
        }
    }

    /// Ends the script.
    fn end(&mut self, result: Result<(), Fault>) {
        let line = self.line();
        self.state = State::Ended(result.map_err(|fault| ScriptError { line, fault }));
    }

    /// Reads the next command of the line, or of the next line.
    fn read_command(&mut self, settings: &dyn Settings) -> Result<(), Fault> {
        self.words.clear();
        self.times = 0;
        self.start = self.cursor.at;
        if self.cursor.is_end() && !self.in_line {
            self.end(Ok(()));
            return Ok(());
        }
        if !self.in_line && self.cursor.skip_blanks(&mut self.work)? == Some(b':') {
            while self.cursor.in_word(&mut self.work)?.is_some() {}
        }
        self.operator = loop {
            let Some(first) = self.cursor.skip_blanks(&mut self.work)? else {
                break Operator::End;
            };
            if first == b'#' {
                break Operator::End;
            }
            self.words.begin()?;
            while let Some(octet) = self.cursor.in_word(&mut self.work)? {
                self.words.push(octet)?;
            }
            let operator = match self.words.begun() {
                b"||" => Some(Operator::Or),
                b"&&" => Some(Operator::And),
                b";" => Some(Operator::Always),
                _ => None,
            };
            if operator.is_some() || !self.run {
                self.words.drop_begun();
            } else {
                self.words.finish(settings, &mut self.work)?;
            }
            if let Some(operator) = operator {
                break operator;
            }
        };
        if self.operator == Operator::End {
            self.cursor.skip_line(&mut self.work)?;
        }
        if !self.run {
            self.next();
            return Ok(());
        }
        while self.words.get(self.times) == Some("time") {
            self.times += 1;
        }
        self.state = match self.times {
            0 => State::Read,
            times if times == self.words.len() => {
                self.times = 0;
                self.go_on(Flow::Status(Err(Fault::Usage)));
                return Ok(());
            }
            _ => State::TimeStart,
        };
        Ok(())
    }

    /// Notes how the command ended, and tells it to `time`.
    fn complete(&mut self, flow: Flow) {
        match self.times {
            0 => self.go_on(flow),
            _ => self.state = State::TimeStop(flow),
        }
    }

    /// Goes on behind the command.
    fn go_on(&mut self, flow: Flow) {
        self.state = State::Between;
        match flow {
            Flow::Status(Err(fault)) if fault.is_final() => self.end(Err(fault)),
            Flow::Status(status) => {
                self.status = status;
                self.next();
            }
            Flow::Jump(place) => {
                self.cursor.at = place;
                self.in_line = true;
                self.run = true;
                self.status = Ok(());
            }
            Flow::Exit(0) => self.end(Ok(())),
            Flow::Exit(status) => self.end(Err(Fault::Exited { status })),
        }
    }

    /// Decides by the operator whether the next command runs. At the end of a line a failure ends the script.
    fn next(&mut self) {
        self.in_line = self.operator != Operator::End;
        self.run = match self.operator {
            Operator::Or => self.status.is_err(),
            Operator::And => self.status.is_ok(),
            Operator::Always => true,
            Operator::End => {
                if let Err(fault) = self.status {
                    self.end(Err(fault));
                }
                self.status = Ok(());
                true
            }
        };
    }

    /// Does a command, or prepares to hand it out: then there is no flow.
    fn execute(
        &mut self,
        settings: &mut dyn Settings,
        menus: &mut Menus,
    ) -> Result<Option<Flow>, Fault> {
        let done = Flow::Status(Ok(()));
        let flow = match action(&self.words, self.times)? {
            Action::HandOut(_) => return Ok(None),
            Action::Nothing => done,
            Action::Set(name, text) => {
                set(settings, name, text)?;
                done
            }
            Action::Increment(name, by) => {
                increment(settings, name, by)?;
                done
            }
            Action::Condition(true) => done,
            Action::Condition(false) => return Err(Fault::False),
            Action::Goto(label) => {
                let label = label.as_bytes();
                Flow::Jump(self.cursor.find_label(label, &mut self.work)?)
            }
            Action::Exit(status) => Flow::Exit(status),
            Action::Menu { name, title } => {
                self.work.spend(super::MENU_TEXT)?;
                menus.make(name, title)?;
                done
            }
            Action::DeleteMenu(name) => {
                self.work.spend(super::MENU_TEXT)?;
                menus.delete(name);
                done
            }
            Action::Item {
                menu,
                label,
                text,
                key,
                default,
            } => {
                menus.add(menu, label, text, key, default)?;
                done
            }
            Action::Choose(choose) => {
                self.work.spend(super::MENU_TEXT)?;
                let view = menus.view(choose.menu)?;
                if let Err(fault) = view.default(choose.default) {
                    if !choose.keep {
                        menus.delete(choose.menu);
                    }
                    return Err(fault);
                }
                return Ok(None);
            }
            Action::Read(name, _) => {
                let (name, of_name) = name_and_type(name)?;
                if let Some(value) = settings.get(name) {
                    self.words.append(&value, of_name)?;
                }
                return Ok(None);
            }
            Action::Show(name) => {
                let (name, of_name) = name_and_type(name)?;
                let value = settings.get(name).ok_or(Fault::NotSet)?;
                self.shown = of_name.unwrap_or(value.setting_type());
                self.words.append(&value, of_name)?;
                return Ok(None);
            }
            Action::NsLookup(name, _) => {
                name_and_type(name)?;
                return Ok(None);
            }
        };
        Ok(Some(flow))
    }
    /// The command that was prepared.
    fn handed_out<'s>(&'s self, menus: &'s Menus) -> Result<Command<'s>, Fault> {
        Ok(match action(&self.words, self.times)? {
            Action::HandOut(command) => command,
            Action::Choose(choose) => {
                let menu = menus.view(choose.menu)?;
                Command::Choose {
                    menu,
                    default: menu.default(choose.default)?,
                    timeout: choose.timeout,
                }
            }
            Action::Read(name, timeout) => Command::Read {
                setting: name_and_type(name)?.0,
                value: self.words.appended(),
                timeout,
            },
            Action::Show(name) => Command::Show {
                setting: name_and_type(name)?.0,
                setting_type: self.shown,
                value: self.words.appended(),
            },
            Action::NsLookup(name, host) => Command::NsLookup {
                setting: name_and_type(name)?.0,
                host,
            },
            _ => return Err(Fault::WrongOutcome),
        })
    }

    /// Takes an outcome that is no failure.
    fn take(
        &self,
        outcome: Outcome<'_>,
        settings: &mut dyn Settings,
        menus: &Menus,
    ) -> Result<(), Fault> {
        match (action(&self.words, self.times)?, outcome) {
            (Action::Choose(choose), Outcome::Chosen(place)) => {
                let menu = menus.view(choose.menu)?;
                let label = menu.label(place).ok_or(Fault::WrongOutcome)?;
                set(settings, choose.setting, label)
            }
            (Action::Read(name, _), Outcome::Text(text)) => set(settings, name, text),
            (Action::NsLookup(name, _), Outcome::Address(address)) => {
                let (name, _) = name_and_type(name)?;
                let value = match address {
                    IpAddr::V4(v4) => Setting::new(SettingType::Ipv4, &v4.octets()),
                    IpAddr::V6(v6) => Setting::new(SettingType::Ipv6, &v6.octets()),
                };
                store(settings, name, value.as_ref())
            }
            (Action::HandOut(_) | Action::Show(_), Outcome::Done) => Ok(()),
            _ => Err(Fault::WrongOutcome),
        }
    }
}

/// The name of a setting, and its type if the script says one.
fn name_and_type(text: &str) -> Result<(SettingName<'_>, Option<SettingType>), Fault> {
    let (name, of_name) = SettingName::with_type(text);
    match (name.name(), of_name) {
        ("", _) => Err(Fault::Usage),
        (_, Err(())) => Err(Fault::UnknownType),
        (_, Ok(of_name)) => Ok((name, of_name)),
    }
}

/// Sets a setting, or removes it when there is no value.
fn store(
    settings: &mut dyn Settings,
    name: SettingName<'_>,
    value: Option<&Setting>,
) -> Result<(), Fault> {
    let stored = match value {
        Some(value) => settings.set(name, value),
        None => settings.clear(name),
    };
    stored.map_err(|error| match error {
        SettingError::Full => Fault::SettingsFull,
        SettingError::ReadOnly => Fault::ReadOnly,
    })
}

/// Sets `name:type` to what a text means. An empty one removes the setting.
fn set(settings: &mut dyn Settings, name: &str, text: &str) -> Result<(), Fault> {
    let (name, of_name) = name_and_type(name)?;
    let of_name = of_name.unwrap_or_else(|| settings.default_type(name));
    store(settings, name, read_value(of_name, text)?.as_ref())
}

/// Adds to a number. A setting without a value counts as 0, and becomes one of 32 bits when no type is known.
fn increment(settings: &mut dyn Settings, name: &str, by: i64) -> Result<(), Fault> {
    let (name, of_name) = name_and_type(name)?;
    let old = settings.get(name);
    let of_value = old.as_ref().map(Setting::setting_type);
    let by_default = Some(settings.default_type(name)).filter(|known| known.width().is_some());
    let setting_type = of_name.or(of_value).or(by_default);
    let setting_type = setting_type.unwrap_or(SettingType::Int32);
    if setting_type.width().is_none() {
        return Err(Fault::BadValue);
    }
    let old = match &old {
        None => 0,
        Some(old) => number(old.octets(), setting_type.is_signed()).ok_or(Fault::BadValue)?,
    };
    let value = number_setting(setting_type, old.wrapping_add(by));
    store(settings, name, Some(&value))
}
