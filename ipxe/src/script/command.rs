//! What a script asks its surroundings to do, as data, and what becomes of it.

use super::words::Arguments;
use super::{MenuView, SettingName, SettingType};
use core::net::IpAddr;
use netboot_core::{Blame, Coded, Digest, Duration};

/// A command that the engine hands out. Everything borrowed is a part of the script's command, after its expansion.
///
/// A number of milliseconds or seconds in the script is a [`Duration`] here. `None` for a time-out means that the command has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// `echo`: writes a text.
    Echo {
        /// The words, with one blank between two.
        text: &'a str,
        /// Whether the line ends behind it; `-n` says no.
        newline: bool,
    },
    /// `sleep`: waits.
    Sleep(Duration),
    /// `prompt`: waits for a key. The outcome is [`Outcome::Refused`] when the time is up or another key was pressed.
    Prompt {
        /// What is written before.
        text: &'a str,
        /// The only key that counts, as the number of a character; `None` for any key.
        key: Option<u32>,
        /// How long it waits.
        timeout: Option<Duration>,
    },
    /// `read`: lets a person edit the text of a setting. The outcome is [`Outcome::Text`].
    Read {
        /// The setting.
        setting: SettingName<'a>,
        /// Its text so far; empty when it has none.
        value: &'a str,
        /// How long it waits for the first key.
        timeout: Option<Duration>,
    },
    /// `show`: writes `setting:type = value`.
    Show {
        /// The setting.
        setting: SettingName<'a>,
        /// The type by which it is shown.
        setting_type: SettingType,
        /// Its text.
        value: &'a str,
    },
    /// `choose`: lets a person choose an item of a menu. The outcome is [`Outcome::Chosen`], or [`Outcome::Refused`] when the
    /// person leaves the menu.
    Choose {
        /// The menu.
        menu: MenuView<'a>,
        /// Place of the item that is chosen at first, and when the time is up.
        default: usize,
        /// How long it waits for the first key; `None` for ever.
        timeout: Option<Duration>,
    },
    /// `shell`: gives a person a prompt. The script goes on behind it.
    Shell,
    /// `help`: lists the commands. iPXE has it only in its shell.
    Help,
    /// `autoboot`: boots from what the network names, as a boot without a script does.
    AutoBoot,
    /// `time`, before its command: notes the time.
    TimeStart,
    /// `time`, after its command: writes how long it took.
    TimeStop,
    /// `ifopen`: opens interfaces; all of them when none is named.
    IfOpen(Arguments<'a>),
    /// `ifclose`: closes interfaces; all of them when none is named.
    IfClose(Arguments<'a>),
    /// `ifstat`: shows the state of interfaces; of all of them when none is named.
    IfStat(Arguments<'a>),
    /// `ifconf` and `dhcp`: configures interfaces; all of them when none is named.
    IfConf {
        /// Their names.
        interfaces: Arguments<'a>,
        /// The only configurator that is used; `None` for all.
        configurator: Option<Configurator>,
        /// How long it may take.
        timeout: Option<Duration>,
    },
    /// `route`: shows the routes.
    Route,
    /// `nstat`: shows the neighbours.
    NStat,
    /// `nslookup`: resolves a name. The outcome is [`Outcome::Address`].
    NsLookup {
        /// The setting that gets the address.
        setting: SettingName<'a>,
        /// The name.
        host: &'a str,
    },
    /// `ping`: sends echo requests.
    Ping {
        /// Name or address.
        host: &'a str,
        /// Octets of the payload.
        size: Option<u32>,
        /// Number of requests.
        count: Option<u32>,
        /// How long it waits for each answer.
        timeout: Option<Duration>,
        /// Whether nothing is written.
        quiet: bool,
    },
    /// `imgfetch`, `module` and `initrd`: fetches an image.
    ImgFetch(Image<'a>),
    /// `imgselect`, `kernel` and `imgload`: fetches an image if its source is a URI, and selects it.
    ImgSelect(Image<'a>),
    /// `imgexec` and `boot`: fetches an image if its source is a URI, and executes it. Without a source it is the selected one.
    ImgExec(Image<'a>),
    /// `chain`: as `imgexec`, and what is executed may be a script.
    Chain(Image<'a>),
    /// `imgargs`: keeps the arguments of an image.
    ImgArgs {
        /// Name of the image.
        image: &'a str,
        /// The arguments, with one blank between two.
        arguments: &'a str,
    },
    /// `imgstat`: shows the images.
    ImgStat,
    /// `imgfree`: forgets an image, or all of them.
    ImgFree {
        /// Name of the image.
        image: Option<&'a str>,
    },
    /// `imgtrust`: says whether images have to be verified before they are executed.
    ImgTrust {
        /// Whether others are allowed.
        allow: bool,
        /// Whether that can be changed again.
        permanent: bool,
    },
    /// `imgverify`: verifies an image.
    ImgVerify {
        /// Name of the image.
        image: &'a str,
        /// What it has to agree with.
        check: Check<'a>,
        /// Whether the image with the signature is kept.
        keep: bool,
        /// How long a fetch of the signature may go without progress.
        timeout: Option<Duration>,
    },
    /// `ztp`: shows and governs secure zero-touch provisioning, in a build with the feature `ztp`. iPXE has no such command.
    Ztp(Ztp),
    /// `sanboot`: boots from a disk in the network.
    SanBoot {
        /// URIs of the same disk; none for the disk that is there.
        sources: Arguments<'a>,
        /// Number of the drive.
        drive: Option<u32>,
        /// Whether the disk is described to what is booted.
        describe: bool,
        /// Whether the disk stays after a failure.
        keep: bool,
        /// Name of the file on the disk.
        filename: Option<&'a str>,
        /// Name of a file that has to be on the disk too.
        extra: Option<&'a str>,
    },
}

/// What configures an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Configurator {
    /// DHCP for IPv4.
    Dhcp,
    /// Router advertisements and DHCPv6.
    Ipv6,
}

/// What `ztp` does with secure zero-touch provisioning (RFC 8572).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ztp {
    /// `ztp status`: shows what is known of it.
    Status {
        /// Whether `--verbose` asks for all that is known.
        verbose: bool,
    },
    /// `ztp enable`: later boots ask bootstrap servers again.
    Enable,
    /// `ztp disable`: later boots do not ask bootstrap servers.
    Disable,
    /// `ztp run`: asks bootstrap servers from the top, and boots what they name.
    Run,
}

/// An image that a command names, and what is done with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Image<'a> {
    /// A URI, which may be relative to that of the script, or the name of an image. `None` for the selected image.
    pub source: Option<&'a str>,
    /// Name that the image gets; `None` for the last part of its URI.
    pub name: Option<&'a str>,
    /// How long the fetch may go without progress.
    pub timeout: Option<Duration>,
    /// Whether the image is forgotten after it was executed.
    pub autofree: bool,
    /// Whether the script ends, and this image is executed in its place.
    pub replace: bool,
    /// The image's arguments, with one blank between two.
    pub arguments: &'a str,
    /// `--verity`: the verity digest that it has to have, for the commands that fetch an image.
    #[cfg(feature = "verity")]
    pub verity: Option<Digest>,
}

/// What an image is verified against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check<'a> {
    /// A detached signature.
    Signature {
        /// URI or image name of the signature.
        source: &'a str,
        /// Common name that the signer has to have.
        signer: Option<&'a str>,
    },
    /// The SHA-256 of the image. iPXE does not have this.
    Sha256(Digest),
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It is done.
    Done,
    /// It failed; see [`Outcome::failed`].
    Failed {
        /// The error's number.
        code: u32,
        /// Whose fault it was.
        blame: Blame,
    },
    /// A person did not agree: no key, another key, or a menu that was left.
    Refused,
    /// What was typed, after [`Command::Read`].
    Text(&'a str),
    /// What the name stands for, after [`Command::NsLookup`].
    Address(IpAddr),
    /// Place of the chosen item, after [`Command::Choose`].
    Chosen(usize),
}

impl Outcome<'_> {
    /// The outcome of a command that failed with an error.
    pub fn failed(error: &dyn Coded) -> Self {
        Outcome::Failed {
            code: error.code(),
            blame: error.blame(),
        }
    }
}
