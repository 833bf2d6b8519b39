//! The body of the fuzz target: any script, with any surroundings.

use super::{
    Command, Menus, Outcome, Script, Setting, SettingName, SettingType, Settings, Step, Variables,
};
use core::net::IpAddr;
use netboot_core::Blame;
use netboot_core::fuzz::Input;

/// Work of one script: enough for each path, and few enough for a fuzzer.
const WORK: u32 = 20_000;

/// What the surroundings make of a command.
fn outcome<'a>(input: &mut Input<'a>, command: &Command<'_>) -> Outcome<'a> {
    let choice = input.octet();
    match (choice % 8, command) {
        (0, _) => Outcome::Failed {
            code: u32::from(choice),
            blame: Blame::Server,
        },
        (1, _) => Outcome::Refused,
        // An outcome that belongs to the command or not.
        (2, _) => Outcome::Done,
        (3, _) => Outcome::Chosen(usize::from(input.octet())),
        (_, Command::Choose { default, .. }) => Outcome::Chosen(*default),
        (_, Command::NsLookup { .. }) => Outcome::Address(match choice & 16 {
            0 => IpAddr::from([10, 0, 0, choice]),
            _ => IpAddr::from([u16::from(choice), 0, 0, 1, 2, 3, 4, 5]),
        }),
        (_, Command::Read { .. }) => {
            let octets = input.take(usize::from(choice));
            Outcome::Text(core::str::from_utf8(octets).unwrap_or("text"))
        }
        _ => Outcome::Done,
    }
}

/// Runs the rest of the input as a script. The input's start says what becomes of its commands, and what a setting has that is not
/// the script's own.
///
/// # Panics
/// When a script does not end, does work for nothing, or is not the same when it is looked at twice.
pub fn run(input: &[u8]) {
    let mut input = Input(input);
    let surroundings = usize::from(input.octet());
    let mut surroundings = Input(input.take(surroundings));
    let mut settings = Variables::<512>::new();
    let len = usize::from(surroundings.octet());
    if let Some(value) = Setting::new(SettingType::String, surroundings.take(len)) {
        let _ = settings.set(SettingName::new("net0/x"), &value);
    }
    let mut menus = Menus::new();
    let Ok(mut script) = Script::with_work(input.0, WORK) else {
        return;
    };
    let mut steps = 0;
    loop {
        let work = script.work_left();
        let answer = match script.poll(&mut settings, &mut menus) {
            Step::End(result) => {
                if let Err(error) = result {
                    let lines = 1 + input.0.iter().filter(|octet| **octet == b'\n').count();
                    assert!(error.line >= 1 && usize::from(error.line) <= lines);
                }
                break;
            }
            Step::Run(command) => outcome(&mut surroundings, &command),
        };
        assert!(script.work_left() <= work);
        let work = script.work_left();
        let (mut same, mut others) = (script.clone(), menus.clone());
        assert_eq!(
            script.poll(&mut settings, &mut menus),
            same.poll(&mut settings, &mut others)
        );
        assert_eq!(script.work_left(), work, "looking again is no work");
        script.answer(answer, &mut settings, &mut menus);
        steps += 1;
        assert!(steps <= 3 * WORK, "it ends");
    }
    let (end, mut others) = (script.clone(), menus.clone());
    script.answer(Outcome::Done, &mut settings, &mut menus);
    let mut end = end;
    assert_eq!(
        script.poll(&mut settings, &mut menus),
        end.poll(&mut settings, &mut others)
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_octets(surroundings in prop::collection::vec(any::<u8>(), 0..40), script: Vec<u8>) {
            let mut input = vec![surroundings.len() as u8];
            input.extend(surroundings);
            input.extend(b"#!ipxe\n");
            input.extend(script);
            run(&input);
        }
    }
}
