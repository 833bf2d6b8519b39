//! Scripts: what a board would do, if each command succeeds.

use anyhow::Result;
use core::net::{IpAddr, Ipv4Addr};
use netboot_ipxe::script::{
    Check, Command, Fault, Image, Menus, Outcome, SCRIPT_LEN, Script, Step, Variables,
};
use std::io::Write;

/// Commands that are shown at most.
const MOST: usize = 64;

/// Runs a script for show; whether a board would run it.
pub fn show(text: &[u8], out: &mut dyn Write) -> Result<bool> {
    writeln!(out, "  script")?;
    let len = text.len();
    let mut right = true;
    if len > SCRIPT_LEN {
        writeln!(
            out,
            "  wrong: it has {len} octets, and boards read {SCRIPT_LEN} at most unless they were built for more"
        )?;
        right = false;
    }
    let mut settings = Variables::<1024>::new();
    let mut menus = Menus::new();
    let mut script = match Script::new(text) {
        Ok(script) => script,
        Err(error) => {
            writeln!(out, "  wrong: {error}")?;
            return Ok(false);
        }
    };
    writeln!(
        out,
        "  if each command succeeds, and no setting has a value but those of the script:"
    )?;
    for _ in 0..MOST {
        let outcome = match script.poll(&mut settings, &mut menus) {
            Step::Run(command) => {
                if let Some(words) = words(&command) {
                    writeln!(out, "    {words}")?;
                }
                success(&command)
            }
            Step::End(Ok(())) => {
                writeln!(out, "    the script ends")?;
                return Ok(right);
            }
            Step::End(Err(error)) if is_of_the_text(error.fault) => {
                writeln!(out, "  wrong: {error}")?;
                return Ok(false);
            }
            // On a board the settings may have other values.
            Step::End(Err(error)) => {
                writeln!(out, "    the script ends here, by {error}")?;
                return Ok(right);
            }
        };
        script.answer(outcome, &mut settings, &mut menus);
    }
    writeln!(out, "    and so on: {MOST} commands are looked at")?;
    Ok(right)
}

/// The outcome with which a command succeeds.
fn success(command: &Command<'_>) -> Outcome<'static> {
    /// An address of those that are kept for examples (RFC 5737).
    const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    match command {
        Command::NsLookup { .. } => Outcome::Address(ADDRESS),
        Command::Read { .. } => Outcome::Text(""),
        Command::Choose { default, .. } => Outcome::Chosen(*default),
        _ => Outcome::Done,
    }
}

/// Whether a fault is one of the text on each board.
fn is_of_the_text(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::NotScript
            | Fault::NotText { .. }
            | Fault::CommandTooLong
            | Fault::TooManyWords
            | Fault::UnknownCommand
            | Fault::Usage
            | Fault::NoSuchLabel
            | Fault::UnknownType
            | Fault::MenuFull
            | Fault::NoSuchMenu
            | Fault::EmptyMenu
    )
}

/// What a command asks for, if it asks for something of the network or of the device.
fn words(command: &Command<'_>) -> Option<String> {
    let image = |verb: &str, image: &Image<'_>| {
        let source = image.source.unwrap_or("what is selected");
        match image.name {
            Some(name) => format!("{verb} {source} as {name}"),
            None => format!("{verb} {source}"),
        }
    };
    Some(match command {
        Command::ImgFetch(one) => image("fetches", one),
        Command::ImgSelect(one) => image("fetches and selects", one),
        Command::ImgExec(Image { source: None, .. }) => {
            String::from("answers the device's requests")
        }
        Command::ImgExec(one) => image("answers the device's request with", one),
        Command::Chain(one) => image("runs the script", one),
        Command::ImgVerify { image, check, .. } => match check {
            Check::Sha256(digest) => format!("wants {image} to have the SHA-256 {digest}"),
            Check::Signature { source, .. } => {
                format!("wants {image} to be signed, by the signature at {source}")
            }
        },
        Command::ImgTrust { allow: false, .. } => {
            String::from("wants verified images from here on")
        }
        Command::SanBoot { sources, .. } => {
            let places: Vec<&str> = sources.iter().collect();
            format!("boots from the disk {}", places.join(" "))
        }
        Command::AutoBoot => String::from("boots from what the network names"),
        Command::IfConf { .. } => String::from("gets an address"),
        Command::Shell => String::from("gives a person a prompt"),
        _ => return None,
    })
}
