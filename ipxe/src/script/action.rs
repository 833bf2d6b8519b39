//! From words to a command: names, options and operands.

use super::Fault;
#[cfg(feature = "ztp")]
use super::command::Ztp;
use super::command::{Check, Command, Configurator, Image};
#[cfg(test)]
use super::options::MAX_OPTIONS;
use super::options::{Given, Spec, unsigned};
use super::words::Words;
use netboot_core::{Digest, Duration};

/// What a command asks for.
pub(super) enum Action<'a> {
    /// Something that is handed out as it is.
    HandOut(Command<'a>),
    /// Nothing at all: a command without words.
    Nothing,
    /// `set` and `clear`: the name with its type, and the text. An empty text removes the setting.
    Set(&'a str, &'a str),
    /// `inc`: the name with its type, and the increment.
    Increment(&'a str, i64),
    /// `isset` and `iseq`: the answer.
    Condition(bool),
    /// `goto`: the label.
    Goto(&'a str),
    /// `exit`: the status.
    Exit(u32),
    /// `menu`: makes an empty menu.
    Menu { name: &'a str, title: &'a str },
    /// `menu --delete`.
    DeleteMenu(&'a str),
    /// `item`.
    Item {
        menu: &'a str,
        label: &'a str,
        text: &'a str,
        key: Option<u32>,
        default: bool,
    },
    /// `choose`.
    Choose(Choose<'a>),
    /// `read`: the name with its type.
    Read(&'a str, Option<Duration>),
    /// `show`: the name with its type.
    Show(&'a str),
    /// `nslookup`: the name of the setting with its type, and the host.
    NsLookup(&'a str, &'a str),
}

/// `choose`.
#[derive(Clone, Copy)]
pub(super) struct Choose<'a> {
    /// Name of the menu.
    pub menu: &'a str,
    /// Label of the item that is chosen at first.
    pub default: Option<&'a str>,
    pub timeout: Option<Duration>,
    /// Whether the menu stays.
    pub keep: bool,
    /// The setting that gets the label, with its type.
    pub setting: &'a str,
}

/// Any number of operands.
const ANY: u8 = u8::MAX;

const NAME: Spec = Spec::value("name", b'n');
const TIMEOUT: Spec = Spec::value("timeout", b't');
const AUTOFREE: Spec = Spec::flag("autofree", b'a');
const REPLACE: Spec = Spec::flag("replace", b'r');
const KEEP: Spec = Spec::flag("keep", b'k');
const KEY: Spec = Spec::value("key", b'k');
const MENU: Spec = Spec::value("menu", b'm');
#[cfg(feature = "ztp")]
const VERBOSE: Spec = Spec::flag("verbose", b'v');

/// What a command is, whichever name it has.
#[derive(Clone, Copy)]
enum Kind {
    AutoBoot,
    Chain,
    Choose,
    Clear,
    Echo,
    Exit,
    Goto,
    Help,
    IfClose,
    IfConf,
    IfOpen,
    IfStat,
    ImgArgs,
    ImgExec,
    ImgFetch,
    ImgFree,
    ImgSelect,
    ImgStat,
    ImgTrust,
    ImgVerify,
    Inc,
    Iseq,
    Isset,
    Item,
    Menu,
    NStat,
    NsLookup,
    Ping,
    Prompt,
    Read,
    Route,
    SanBoot,
    Set,
    Shell,
    Show,
    Sleep,
    Time,
    #[cfg(feature = "ztp")]
    Ztp,
}

/// A command: its name, its options, and the least and the greatest number of operands.
struct Row(&'static str, Kind, &'static [Spec], u8, u8);

#[cfg(not(feature = "verity"))]
const IMAGE: &[Spec] = &[NAME, TIMEOUT, AUTOFREE];
#[cfg(feature = "verity")]
const IMAGE: &[Spec] = &[NAME, TIMEOUT, AUTOFREE, Spec::value("verity", 0)];
const EXECUTE: &[Spec] = &[NAME, TIMEOUT, AUTOFREE, REPLACE];
const CONFIGURE: &[Spec] = &[Spec::value("configurator", b'c'), TIMEOUT];

/// All commands, in the order of their names.
static COMMANDS: [Row; 43 + cfg!(feature = "ztp") as usize] = [
    Row("autoboot", Kind::AutoBoot, &[], 0, 0),
    Row("boot", Kind::ImgExec, EXECUTE, 0, ANY),
    Row("chain", Kind::Chain, EXECUTE, 0, ANY),
    Row(
        "choose",
        Kind::Choose,
        &[MENU, Spec::value("default", b'd'), TIMEOUT, KEEP],
        1,
        1,
    ),
    Row("clear", Kind::Clear, &[], 1, 1),
    Row("dhcp", Kind::IfConf, CONFIGURE, 0, ANY),
    Row("echo", Kind::Echo, &[Spec::flag("n", b'n')], 0, ANY),
    Row("exit", Kind::Exit, &[], 0, 1),
    Row("goto", Kind::Goto, &[], 1, 1),
    Row("help", Kind::Help, &[], 0, 0),
    Row("ifclose", Kind::IfClose, &[], 0, ANY),
    Row("ifconf", Kind::IfConf, CONFIGURE, 0, ANY),
    Row("ifopen", Kind::IfOpen, &[], 0, ANY),
    Row("ifstat", Kind::IfStat, &[], 0, ANY),
    Row("imgargs", Kind::ImgArgs, &[], 1, ANY),
    Row("imgexec", Kind::ImgExec, EXECUTE, 0, ANY),
    Row("imgfetch", Kind::ImgFetch, IMAGE, 1, ANY),
    Row("imgfree", Kind::ImgFree, &[], 0, 1),
    Row("imgload", Kind::ImgSelect, IMAGE, 1, ANY),
    Row("imgselect", Kind::ImgSelect, IMAGE, 1, ANY),
    Row("imgstat", Kind::ImgStat, &[], 0, 0),
    Row(
        "imgtrust",
        Kind::ImgTrust,
        &[Spec::flag("allow", b'a'), Spec::flag("permanent", b'p')],
        0,
        0,
    ),
    Row(
        "imgverify",
        Kind::ImgVerify,
        &[
            Spec::value("signer", b's'),
            KEEP,
            TIMEOUT,
            Spec::value("sha256", 0),
        ],
        1,
        2,
    ),
    Row("inc", Kind::Inc, &[], 1, 2),
    Row("initrd", Kind::ImgFetch, IMAGE, 1, ANY),
    Row("iseq", Kind::Iseq, &[], 2, 2),
    Row("isset", Kind::Isset, &[], 1, 1),
    Row(
        "item",
        Kind::Item,
        &[
            MENU,
            KEY,
            Spec::flag("default", b'd'),
            Spec::flag("gap", b'g'),
        ],
        0,
        ANY,
    ),
    Row("kernel", Kind::ImgSelect, IMAGE, 1, ANY),
    Row(
        "menu",
        Kind::Menu,
        &[NAME, Spec::flag("delete", b'd')],
        0,
        ANY,
    ),
    Row("module", Kind::ImgFetch, IMAGE, 1, ANY),
    Row("nslookup", Kind::NsLookup, &[], 2, 2),
    Row("nstat", Kind::NStat, &[], 0, 0),
    Row(
        "ping",
        Kind::Ping,
        &[
            Spec::value("size", b's'),
            Spec::value("count", b'c'),
            TIMEOUT,
            Spec::flag("quiet", b'q'),
        ],
        1,
        1,
    ),
    Row("prompt", Kind::Prompt, &[KEY, TIMEOUT], 0, ANY),
    Row("read", Kind::Read, &[TIMEOUT], 1, 1),
    Row("route", Kind::Route, &[], 0, 0),
    Row(
        "sanboot",
        Kind::SanBoot,
        &[
            Spec::value("drive", b'd'),
            Spec::flag("no-describe", b'n'),
            KEEP,
            Spec::value("filename", b'f'),
            Spec::value("extra", b'e'),
        ],
        0,
        ANY,
    ),
    Row("set", Kind::Set, &[], 1, ANY),
    Row("shell", Kind::Shell, &[], 0, 0),
    Row("show", Kind::Show, &[], 1, 1),
    Row("sleep", Kind::Sleep, &[], 1, 1),
    Row("time", Kind::Time, &[], 0, ANY),
    #[cfg(feature = "ztp")]
    Row("ztp", Kind::Ztp, &[VERBOSE], 1, 2),
];

/// The names of all commands, in the order of the alphabet.
pub fn command_names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|row| row.0)
}

/// Reads the command whose name is the word `at`.
///
/// # Errors
/// [`Fault::UnknownCommand`], [`Fault::Usage`].
#[inline(never)]
pub(super) fn action<'a>(words: &'a Words, at: usize) -> Result<Action<'a>, Fault> {
    let Some(name) = words.get(at) else {
        return Ok(Action::Nothing);
    };
    let mut rows = COMMANDS.iter();
    let Some(Row(_, kind, specs, least, most)) = rows.find(|row| row.0 == name) else {
        return Err(Fault::UnknownCommand);
    };
    let given = Given::read(words, at + 1, specs)?;
    let operands = given.operands.len();
    if operands < usize::from(*least) || *most != ANY && operands > usize::from(*most) {
        return Err(Fault::Usage);
    }
    let first = given.operands.get(0);
    let needed = first.ok_or(Fault::Usage);
    let second = given.operands.get(1);
    let command = match kind {
        Kind::Set => return Ok(Action::Set(needed?, given.operands.rest(1))),
        Kind::Clear => return Ok(Action::Set(needed?, "")),
        Kind::Inc => return increment(&given),
        Kind::Isset => return Ok(Action::Condition(!needed?.is_empty())),
        Kind::Iseq => return Ok(Action::Condition(first == second)),
        Kind::Goto => return Ok(Action::Goto(needed?)),
        Kind::Exit => {
            let status = first.map(unsigned).transpose()?;
            return Ok(Action::Exit(status.unwrap_or(0)));
        }
        Kind::Menu => return menu(&given),
        Kind::Item => return item(&given),
        Kind::Choose => {
            return Ok(Action::Choose(Choose {
                menu: given.text(0).unwrap_or_default(),
                default: given.text(1),
                timeout: given.timeout(2)?,
                keep: given.flag(3),
                setting: needed?,
            }));
        }
        Kind::Read => return Ok(Action::Read(needed?, given.timeout(0)?)),
        Kind::Show => return Ok(Action::Show(needed?)),
        Kind::NsLookup => return Ok(Action::NsLookup(needed?, second.ok_or(Fault::Usage)?)),
        Kind::Echo => Command::Echo {
            text: given.operands.rest(0),
            newline: !given.flag(0),
        },
        Kind::Sleep => Command::Sleep(Duration::from_secs(unsigned(needed?)?.into())),
        Kind::Prompt => Command::Prompt {
            text: given.operands.rest(0),
            key: given.key(0)?,
            timeout: given.timeout(1)?,
        },
        Kind::Shell => Command::Shell,
        Kind::Help => Command::Help,
        // The engine takes it away before.
        Kind::Time => return Err(Fault::UnknownCommand),
        Kind::AutoBoot => Command::AutoBoot,
        Kind::IfOpen => Command::IfOpen(given.operands),
        Kind::IfClose => Command::IfClose(given.operands),
        Kind::IfStat => Command::IfStat(given.operands),
        Kind::IfConf => if_conf(&given)?,
        Kind::Route => Command::Route,
        Kind::NStat => Command::NStat,
        Kind::Ping => Command::Ping {
            host: needed?,
            size: given.number(0)?,
            count: given.number(1)?,
            timeout: given.timeout(2)?,
            quiet: given.flag(3),
        },
        Kind::ImgFetch => Command::ImgFetch(fetched(&given)?),
        Kind::ImgSelect => Command::ImgSelect(fetched(&given)?),
        Kind::ImgExec => Command::ImgExec(image(&given)?),
        Kind::Chain => Command::Chain(image(&given)?),
        Kind::ImgArgs => Command::ImgArgs {
            image: needed?,
            arguments: given.operands.rest(1),
        },
        Kind::ImgStat => Command::ImgStat,
        Kind::ImgFree => Command::ImgFree { image: first },
        Kind::ImgTrust => Command::ImgTrust {
            allow: given.flag(0),
            permanent: given.flag(1),
        },
        Kind::ImgVerify => verify(&given)?,
        #[cfg(feature = "ztp")]
        Kind::Ztp => Command::Ztp(ztp(needed?, second, given.flag(0))?),
        Kind::SanBoot => Command::SanBoot {
            sources: given.operands,
            drive: given.number(0)?,
            describe: !given.flag(1),
            keep: given.flag(2),
            filename: given.text(3),
            extra: given.text(4),
        },
    };
    Ok(Action::HandOut(command))
}

fn increment<'a>(given: &Given<'a>) -> Result<Action<'a>, Fault> {
    let by = match given.operands.get(1) {
        None => 1,
        Some(text) => super::read_value::integer(text).ok_or(Fault::Usage)?,
    };
    Ok(Action::Increment(given.first()?, by))
}

fn menu<'a>(given: &Given<'a>) -> Result<Action<'a>, Fault> {
    let name = given.text(0).unwrap_or_default();
    Ok(match given.flag(1) {
        true => Action::DeleteMenu(name),
        false => Action::Menu {
            name,
            title: given.operands.rest(0),
        },
    })
}

fn item<'a>(given: &Given<'a>) -> Result<Action<'a>, Fault> {
    // A gap has no label, so all operands are its text.
    let (label, text) = match given.flag(3) {
        true => ("", given.operands.rest(0)),
        false => (
            given.operands.get(0).unwrap_or_default(),
            given.operands.rest(1),
        ),
    };
    Ok(Action::Item {
        menu: given.text(0).unwrap_or_default(),
        label,
        text,
        key: given.key(1)?,
        default: given.flag(2),
    })
}

fn if_conf<'a>(given: &Given<'a>) -> Result<Command<'a>, Fault> {
    let configurator = match given.text(0) {
        None => None,
        Some("dhcp") => Some(Configurator::Dhcp),
        Some("ipv6") => Some(Configurator::Ipv6),
        Some(_) => return Err(Fault::Usage),
    };
    Ok(Command::IfConf {
        interfaces: given.operands,
        configurator,
        timeout: given.timeout(1)?,
    })
}

#[cfg(not(feature = "verity"))]
use image as fetched;

/// An image of a command that may say which octets it has to have.
#[cfg(feature = "verity")]
fn fetched<'a>(given: &Given<'a>) -> Result<Image<'a>, Fault> {
    let verity = given
        .text(3)
        .map(|hex| Digest::from_hex(hex).ok_or(Fault::Usage));
    Ok(Image {
        replace: false,
        verity: verity.transpose()?,
        ..image(given)?
    })
}

fn image<'a>(given: &Given<'a>) -> Result<Image<'a>, Fault> {
    Ok(Image {
        source: given.operands.get(0),
        name: given.text(0),
        timeout: given.timeout(1)?,
        autofree: given.flag(2),
        replace: given.flag(3),
        arguments: given.operands.rest(1),
        #[cfg(feature = "verity")]
        verity: None,
    })
}

/// `ztp WHAT`. People write the option behind the word.
#[cfg(feature = "ztp")]
fn ztp(what: &str, behind: Option<&str>, verbose: bool) -> Result<Ztp, Fault> {
    let verbose = match behind {
        None => verbose,
        Some("--verbose" | "-v") => true,
        Some(_) => return Err(Fault::Usage),
    };
    Ok(match (what, verbose) {
        ("status", verbose) => Ztp::Status { verbose },
        ("enable", false) => Ztp::Enable,
        ("disable", false) => Ztp::Disable,
        ("run", false) => Ztp::Run,
        _ => return Err(Fault::Usage),
    })
}

fn verify<'a>(given: &Given<'a>) -> Result<Command<'a>, Fault> {
    let signer = given.text(0);
    let check = match (given.text(3), signer, given.operands.get(1)) {
        (Some(digest), None, None) => Check::Sha256(Digest::from_hex(digest).ok_or(Fault::Usage)?),
        (None, signer, Some(source)) => Check::Signature { source, signer },
        _ => return Err(Fault::Usage),
    };
    Ok(Command::ImgVerify {
        image: given.first()?,
        check,
        keep: given.flag(1),
        timeout: given.timeout(2)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_in_the_order_of_the_alphabet_and_take_few_options() {
        assert!(command_names().is_sorted());
        assert!(COMMANDS.iter().all(|row| row.2.len() <= MAX_OPTIONS));
    }
}
