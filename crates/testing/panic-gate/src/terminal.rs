//! `netboot-ipxe`: keys, the line editor and menus, with any octets on any terminal.

use crate::{Input, call, fail, take};
use core::hint::black_box;
use netboot_ipxe::script::{Command, Menus, Script, Step, Variables};
use netboot_ipxe::terminal::{EarlierLines, History, Key, Keys, LineEditor, MenuScreen, Terminal};

/// A terminal of which nothing is known.
struct Any;

impl Terminal for Any {
    fn write(&mut self, text: &str) {
        take(text);
    }

    fn key(&mut self) -> Option<u8> {
        black_box(None)
    }
}

/// Calls all of it.
pub fn run(input: &mut Input) {
    let terminal: &mut dyn Terminal = &mut Any;
    let mut keys = Keys::with_escape_time(input.span());
    while input.flag() {
        let keys = call(&mut keys);
        let now = input.now();
        take(match input.word() {
            0 => keys.push(input.octet(), now),
            1 => keys.poll(now),
            _ => keys.read(terminal, now),
        });
        take(keys.deadline());
    }
    let mut history = History::<256>::new();
    let mut editor = LineEditor::<256>::new(input.short());
    if input.flag() {
        editor = LineEditor::new(input.short()).secret();
    }
    while input.flag() {
        call(&mut history).push(input.text());
        let editor = call(&mut editor);
        match input.word() {
            0 => editor.start(input.text(), input.text(), terminal),
            1 => editor.redraw(input.text(), terminal),
            2 => take(editor.key(any_key(), EarlierLines::default(), terminal)),
            _ => take(editor.key(any_key(), call(&mut history).lines(), terminal)),
        }
        take((editor.text(), editor.cursor()));
        take(call(&mut history).lines().get(input.word() as usize));
    }
    call(&mut history).clear();
    menu(input, terminal);
}

fn any_key() -> Key {
    black_box(Key::Char('a'))
}

fn menu(input: &mut Input, terminal: &mut dyn Terminal) {
    let Some(mut script) = fail(Script::new(input.octets())) else {
        return;
    };
    let mut settings = Variables::<256>::new();
    let mut menus = Menus::new();
    let step = script.poll(&mut settings, &mut menus);
    let Step::Run(Command::Choose { menu, default, .. }) = step else {
        return;
    };
    let mut screen = MenuScreen::new(input.short(), input.short());
    while input.flag() {
        let screen = call(&mut screen);
        let now = input.now();
        match input.word() {
            0 => {
                let span = input.span();
                let timeout = input.maybe(span);
                screen.start(menu, black_box(default), timeout, now, terminal);
            }
            1 => take(screen.key(menu, any_key(), terminal)),
            2 => screen.redraw(menu, terminal),
            _ => take(screen.poll(menu, now, terminal)),
        }
        take(screen.deadline());
    }
}
