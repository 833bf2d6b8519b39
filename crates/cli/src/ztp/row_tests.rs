//! The row, judged by recorded consoles and by a terminal emulator.

use super::*;
use core::num::NonZeroU16;
use netboot_ipxe::terminal::{COLUMNS, EarlierLines, Key, LineEditor, Terminal};
use proptest::prelude::*;

const PROMPT: &str = "netboot> ";

/// Gives the octets to a new row. Returns it and the lines that ended.
fn read(octets: &[u8]) -> (Row, Vec<String>) {
    let mut row = Row::new();
    let lines = octets.iter().filter_map(|octet| row.push(*octet));
    let lines = lines.collect();
    (row, lines)
}

/// The octets that the board draws.
struct Drawn(Vec<u8>);

impl Terminal for Drawn {
    fn write(&mut self, text: &str) {
        self.0.extend(text.bytes());
    }

    fn key(&mut self) -> Option<u8> {
        None
    }
}

/// The console of a board's editor after these keys.
fn edited(keys: &[Key]) -> Vec<u8> {
    let mut drawn = Drawn(b"before\r\n".to_vec());
    let mut editor: LineEditor<255> = LineEditor::new(COLUMNS);
    editor.start(PROMPT, "", &mut drawn);
    for key in keys {
        editor.key(*key, EarlierLines::default(), &mut drawn);
    }
    drawn.0
}

#[test]
fn the_prompt_is_what_the_editor_draws() {
    let (row, lines) = read(&edited(&[]));
    assert!(row.is_prompt(PROMPT));
    assert_eq!(lines, ["before"]);
    let keys: Vec<Key> = "ztp status".chars().map(Key::Char).collect();
    let (row, _) = read(&edited(&keys));
    assert!(row.is("netboot> ztp status") && !row.is_prompt(PROMPT));
    let keys = [&keys[..], &[Key::Ctrl('u')]].concat();
    assert!(read(&edited(&keys)).0.is_prompt(PROMPT));
    let keys = [&keys[..], &[Key::Ctrl('c')]].concat();
    assert_eq!(read(&edited(&keys)).1, ["before", PROMPT]);
}

#[test]
fn a_prompt_inside_of_text_is_none() {
    for console in [
        "say netboot> ",
        "netboot> ",
        "\rnetboot> \x1b[Kx",
        "netboot> \r\n",
        "\rnetboot> \x1b[K\r",
        "\rnetboot>\x1b[K",
        "@script t=1 uri=netboot> \x1b[K",
    ] {
        let (row, _) = read(console.as_bytes());
        assert!(!row.is_prompt(PROMPT), "{console:?}");
    }
}

#[test]
fn torn_sequences_end_at_the_next_control_character() {
    for torn in [
        "\x1b",
        "\x1b[",
        "\x1b[3",
        "\x1b[1;2",
        "\x1b]0;title",
        "\x1bP",
        "half \u{fc}",
    ] {
        let octets = torn.as_bytes();
        let cut = &octets[..octets.len() - usize::from(torn.contains("half"))];
        let console = [cut, b"\r\n\rnetboot> \x1b[K"].concat();
        let (row, _) = read(&console);
        assert!(row.is_prompt(PROMPT), "{torn:?}: {}", row.shown());
    }
    let endless = [
        b"\x1b[".to_vec(),
        b";".repeat(1000),
        b"\r\rnetboot> \x1b[K".to_vec(),
    ];
    assert!(read(&endless.concat()).0.is_prompt(PROMPT));
    let (row, _) = read(&[b"\x1b]".to_vec(), b"x".repeat(1000)].concat());
    assert!(row.shown().ends_with("xxx"), "the string has no end");
}

#[test]
fn nothing_reaches_the_operators_terminal_but_letters() {
    let console =
        "a\x1b[31mred\x1b[0m\x07\u{9b}2J\u{202e}b\u{301}\u{200b}c\u{e9}\x1b]0;title\x07!\n";
    let (_, lines) = read(console.as_bytes());
    assert_eq!(lines, ["ared?2J?b??c\u{e9}!"]);
    let (_, lines) = read(b"\xff\xfe\xc0\x80\xe2\x82\xed\xa0\x80x\xf4\xbf\xbf\xbf\n");
    assert!(lines[0].chars().all(|one| one == '?' || one == 'x'));
}

#[test]
fn an_endless_row_stays_small() {
    let mut row = Row::new();
    for _ in 0..100_000 {
        assert_eq!(row.push(b'x'), None);
        for octet in b"\x1b[65535C\x1b[99999999999C" {
            row.push(*octet);
        }
    }
    assert_eq!(row.shown().len(), 1, "the cursor stays behind the end");
    let (_, lines) = read(&[b"y".repeat(100_000), b"\n".to_vec()].concat());
    assert_eq!(lines[0].len(), MOST);
}

#[test]
fn a_bare_line_feed_begins_a_row() {
    let (row, lines) = read(b"@finished t=1 status=0x00000000\n\rnetboot> \x1b[K");
    assert_eq!(lines, ["@finished t=1 status=0x00000000"]);
    assert!(row.is_prompt(PROMPT));
}

/// Keys that draw.
fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        8 => proptest::char::range(' ', '~').prop_map(Key::Char),
        1 => Just(Key::Char('\u{e4}')),
        1 => Just(Key::Left),
        1 => Just(Key::Right),
        1 => Just(Key::Home),
        1 => Just(Key::End),
        1 => Just(Key::Backspace),
        1 => Just(Key::Ctrl('u')),
        1 => Just(Key::Ctrl('w')),
    ]
}

proptest! {
    /// What the board's editor draws is read as a terminal emulator shows it, wherever the octets are cut.
    #[test]
    fn it_is_what_a_terminal_shows(keys in proptest::collection::vec(key(), 0..120)) {
        let console = edited(&keys);
        let (row, _) = read(&console);
        let size = |number| NonZeroU16::new(number).unwrap();
        let mut screen = vt100::Parser::new(size(4), size(COLUMNS), 0);
        screen.process(&console);
        let (line, column) = screen.screen().cursor_position();
        let rows: Vec<String> = screen.screen().rows(0, COLUMNS).collect();
        let shown = row.shown();
        prop_assert_eq!(shown.trim_end(), rows[usize::from(line)].trim_end());
        prop_assert_eq!(row.cursor, usize::from(column));
    }

    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let (row, lines) = read(&octets);
        for line in lines.iter().chain([&row.shown()]) {
            prop_assert!(!line.chars().any(char::is_control));
        }
    }

    #[test]
    fn no_escapes_panic(console in "([\x1b\u{9b}]?[\\[\\]PO]?[0-9;?]{0,6}[A-Za-z\r\n\x08]){0,200}") {
        let (row, _) = read(console.as_bytes());
        prop_assert!(row.characters.len() <= MOST);
    }
}
