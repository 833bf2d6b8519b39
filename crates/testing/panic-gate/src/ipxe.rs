//! `netboot-ipxe`: the script engine with any script, any settings and any outcomes. The commands of the library and the delivery are
//! called in [`app`](crate::app). What a person sees at a terminal is called in [`terminal`], the search
//! for a partition in [`san`], and packed files in [`unpack`].

use crate::{Input, call, fail, san, take, terminal, unpack};
use core::hint::black_box;
use netboot_core::Blame;
use netboot_ipxe::script::{
    Arguments, Command, Layered, Menus, Outcome, Script, ScriptBuffer, Setting, SettingError,
    SettingName, SettingType, Settings, Step, Variables,
};

/// Settings of which nothing is known.
struct Any;

impl Settings for Any {
    fn get(&self, name: SettingName<'_>) -> Option<Setting> {
        take((name.as_str(), name.scope(), name.name(), name.option()));
        let mut input = Input::default();
        let setting_type = SettingType::parse(input.text())?;
        Setting::new(setting_type, input.octets())
    }

    fn set(&mut self, name: SettingName<'_>, value: &Setting) -> Result<(), SettingError> {
        take((name, value.octets(), value.setting_type().as_str()));
        black_box(Err(SettingError::ReadOnly))
    }

    fn clear(&mut self, name: SettingName<'_>) -> Result<(), SettingError> {
        take(name);
        black_box(Err(SettingError::Full))
    }

    fn default_type(&self, name: SettingName<'_>) -> SettingType {
        take(name.name());
        black_box(SettingType::Ipv4)
    }
}

/// Calls all of the engine.
pub fn run(input: &mut Input) {
    let mut buffer = ScriptBuffer::<4096>::new();
    while input.flag() {
        fail(call(&mut buffer).push(input.octets()));
    }
    let mut settings = Layered {
        upper: Variables::<1024>::new(),
        lower: Any,
    };
    take(call(&mut settings.upper).room());
    let mut menus = Menus::new();
    if let Some(mut script) = fail(Script::new(black_box(buffer.octets()))) {
        while input.flag() {
            let script = call(&mut script);
            match script.poll(&mut settings, &mut menus) {
                Step::Run(command) => look(input, &command),
                Step::End(result) => take(fail(result)),
            }
            let outcome = outcome(input);
            script.answer(outcome, &mut settings, &mut menus);
            take((script.line(), script.work_left()));
        }
    }
    if let Some(mut script) = fail(Script::with_work(input.octets(), input.word())) {
        if let Step::End(Err(error)) = script.poll(&mut Any, &mut menus) {
            take(error.fault.is_final());
        }
        script.answer(
            Outcome::failed(&netboot_core::uri::UriError::NoHost),
            &mut Any,
            &mut menus,
        );
    }
    call(&mut buffer).clear();
    terminal::run(input);
    san::run(input);
    unpack::run(input);
}

/// Looks at all of a command.
fn look(input: &mut Input, command: &Command<'_>) {
    match black_box(command) {
        Command::IfOpen(names) | Command::IfStat(names) => arguments(input, *names),
        Command::Choose { menu, .. } => {
            take(menu.title());
            menu.items().for_each(take);
            take(menu.label(input.word() as usize));
        }
        other => take(other),
    }
}

fn arguments(input: &mut Input, arguments: Arguments<'_>) {
    let place = input.word() as usize;
    take((arguments.get(place), arguments.rest(place)));
    take((arguments.len(), arguments.is_empty()));
    arguments.iter().for_each(take);
}

/// Any outcome.
fn outcome(input: &mut Input) -> Outcome<'static> {
    match input.word() {
        0 => Outcome::Done,
        1 => Outcome::Failed {
            code: input.word(),
            blame: black_box(Blame::Server),
        },
        2 => Outcome::Refused,
        3 => Outcome::Text(input.text()),
        4 => Outcome::Address(input.address().into()),
        5 => Outcome::Address(input.address_v6().into()),
        _ => Outcome::Chosen(input.word() as usize),
    }
}
