//! Surroundings that do each command at once, and write down what it was.

use netboot_core::uri::UriError;
use netboot_ipxe::script::{
    Arguments, Check, Command, Image, Layered, Menus, Outcome, Script, Setting, SettingError,
    SettingName, SettingType, Settings, Step, Variables,
};

/// What DHCP and the board tell.
#[derive(Clone, Debug, Default)]
pub struct BuiltIn;

impl Settings for BuiltIn {
    fn get(&self, name: SettingName<'_>) -> Option<Setting> {
        let (of_type, octets): (_, &[u8]) = match (name.scope(), name.name()) {
            ("" | "net0", "ip") => (SettingType::Ipv4, &[10, 0, 2, 15]),
            ("" | "net0", "mac") => (SettingType::Hex, &[2, 0, 0, 0, 0, 1]),
            ("", "uuid") => (
                SettingType::Uuid,
                b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
            ),
            ("", "filename") => (SettingType::String, b"http://10.0.2.2/boot me.ipxe"),
            ("", "hostile") => (SettingType::String, b"${hostile}"),
            ("", "growing") => (SettingType::String, b"${growing}${growing}"),
            ("", "binary") => (SettingType::String, b"a\xff"),
            _ => match name.option() {
                Some((175, Some(3))) => (SettingType::Hex, &[1, 2]),
                _ => return None,
            },
        };
        Setting::new(of_type, octets)
    }

    fn set(&mut self, _: SettingName<'_>, _: &Setting) -> Result<(), SettingError> {
        Err(SettingError::ReadOnly)
    }

    fn clear(&mut self, _: SettingName<'_>) -> Result<(), SettingError> {
        Err(SettingError::ReadOnly)
    }

    fn default_type(&self, name: SettingName<'_>) -> SettingType {
        match name.name() {
            "ip" | "netmask" | "gateway" | "dns" => SettingType::Ipv4,
            _ => SettingType::String,
        }
    }
}

/// The settings of the suite.
pub type World = Layered<Variables<512>, BuiltIn>;

/// An empty store over what is built in.
pub fn world() -> World {
    Layered {
        upper: Variables::new(),
        lower: BuiltIn,
    }
}

/// Runs a script without its header and returns its effects, one a line. The last one is how it ended.
pub fn effects(script: &str) -> String {
    run(format!("#!ipxe\n{script}").as_bytes(), &mut world())
}

/// Runs a whole script.
pub fn run(script: &[u8], settings: &mut dyn Settings) -> String {
    let mut lines = Vec::new();
    let mut menus = Menus::new();
    let end = Script::new(script).and_then(|mut script| {
        loop {
            let outcome = match script.poll(settings, &mut menus) {
                Step::End(result) => break result,
                Step::Run(command) => {
                    lines.push(text(&command));
                    outcome(&command)
                }
            };
            script.answer(outcome, settings, &mut menus);
        }
    });
    lines.push(match end {
        Ok(()) => "ok".into(),
        Err(error) => format!("line {}: {:?}", error.line, error.fault),
    });
    lines.join("\n")
}

/// What becomes of a command: each succeeds that does not have `bad` in it.
fn outcome(command: &Command<'_>) -> Outcome<'static> {
    let bad = !matches!(command, Command::Echo { .. }) && text(command).contains("bad");
    match command {
        Command::Prompt { .. } | Command::Choose { .. } if bad => Outcome::Refused,
        _ if bad => Outcome::failed(&UriError::NoHost),
        Command::Read { .. } => Outcome::Text("typed in"),
        Command::NsLookup { host, .. } if host.ends_with("6") => {
            Outcome::Address("fd00::1".parse().unwrap())
        }
        Command::NsLookup { .. } => Outcome::Address("192.0.2.1".parse().unwrap()),
        Command::Choose { default, .. } => Outcome::Chosen(*default),
        _ => Outcome::Done,
    }
}

fn option<T: std::fmt::Display>(name: &str, value: Option<T>) -> String {
    value.map_or(String::new(), |value| format!(" {name}={value}"))
}

fn flag(name: &str, given: bool) -> String {
    option("", given.then_some(name)).replace('=', "")
}

fn millis(timeout: &Option<netboot_core::Duration>) -> String {
    option("ms", timeout.map(|timeout| timeout.as_millis()))
}

fn names(names: &Arguments<'_>) -> String {
    names.iter().map(|name| format!(" [{name}]")).collect()
}

fn image(command: &str, image: &Image<'_>) -> String {
    format!(
        "{command}{}{}{}{}{}{}",
        option("source", image.source),
        option("name", image.name),
        millis(&image.timeout),
        flag("autofree", image.autofree),
        flag("replace", image.replace),
        option(
            "arguments",
            (!image.arguments.is_empty()).then_some(image.arguments)
        ),
    )
}

/// A command as text.
pub fn text(command: &Command<'_>) -> String {
    match command {
        Command::Echo {
            text,
            newline: true,
        } => format!("echo [{text}]"),
        Command::Echo { text, .. } => format!("echo-n [{text}]"),
        Command::Sleep(time) => format!("sleep s={}", time.as_secs()),
        Command::Prompt { text, key, timeout } => {
            format!("prompt [{text}]{}{}", option("key", *key), millis(timeout))
        }
        Command::Read {
            setting,
            value,
            timeout,
        } => {
            format!("read {} [{value}]{}", setting.as_str(), millis(timeout))
        }
        Command::Show {
            setting,
            setting_type,
            value,
        } => {
            format!(
                "show {}:{} = {value}",
                setting.as_str(),
                setting_type.as_str()
            )
        }
        Command::Choose {
            menu,
            default,
            timeout,
        } => {
            let items: String = menu
                .items()
                .map(|item| format!(" ({}|{}{})", item.label, item.text, option("key", item.key)))
                .collect();
            format!(
                "choose [{}]{items} default={default}{}",
                menu.title(),
                millis(timeout)
            )
        }
        Command::Shell => "shell".into(),
        Command::Help => "help".into(),
        Command::AutoBoot => "autoboot".into(),
        Command::TimeStart => "start".into(),
        Command::TimeStop => "stop".into(),
        Command::IfOpen(list) => format!("ifopen{}", names(list)),
        Command::IfClose(list) => format!("ifclose{}", names(list)),
        Command::IfStat(list) => format!("ifstat{}", names(list)),
        Command::IfConf {
            interfaces,
            configurator,
            timeout,
        } => format!(
            "ifconf{}{}{}",
            names(interfaces),
            option("by", configurator.map(|by| format!("{by:?}"))),
            millis(timeout)
        ),
        Command::Route => "route".into(),
        Command::NStat => "nstat".into(),
        Command::NsLookup { setting, host } => format!("nslookup {} {host}", setting.as_str()),
        Command::Ping {
            host,
            size,
            count,
            timeout,
            quiet,
        } => format!(
            "ping {host}{}{}{}{}",
            option("size", *size),
            option("count", *count),
            millis(timeout),
            flag("quiet", *quiet)
        ),
        Command::ImgFetch(what) => image("fetch", what),
        Command::ImgSelect(what) => image("select", what),
        Command::ImgExec(what) => image("exec", what),
        Command::Chain(what) => image("chain", what),
        Command::ImgArgs { image, arguments } => format!("imgargs {image} [{arguments}]"),
        Command::ImgStat => "imgstat".into(),
        Command::ImgFree { image } => format!("imgfree{}", option("image", *image)),
        Command::ImgTrust { allow, permanent } => {
            format!(
                "imgtrust{}{}",
                flag("allow", *allow),
                flag("permanent", *permanent)
            )
        }
        Command::ImgVerify {
            image,
            check,
            keep,
            timeout,
        } => {
            let check = match check {
                Check::Signature { source, signer } => {
                    format!(" signature={source}{}", option("signer", *signer))
                }
                Check::Sha256(digest) => format!(" sha256={:02x}..", digest.0[0]),
            };
            format!(
                "imgverify {image}{check}{}{}",
                flag("keep", *keep),
                millis(timeout)
            )
        }
        Command::SanBoot {
            sources,
            drive,
            describe,
            keep,
            filename,
            extra,
        } => format!(
            "sanboot{}{}{}{}{}{}",
            names(sources),
            option("drive", *drive),
            flag("describe", *describe),
            flag("keep", *keep),
            option("filename", *filename),
            option("extra", *extra)
        ),
        Command::Ztp(command) => format!("ztp {command:?}"),
    }
}

/// Compares the effects of scripts with those that are expected. A semicolon and a blank in `effects` stand between two of them.
pub fn check(rows: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (script, expected) in rows {
        let expected = expected.replace("; ", "\n");
        let found = effects(script);
        if found != expected {
            wrong.push(format!(
                "{script:?}\n  expected {expected:?}\n  found    {found:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
