//! The line editor, judged by what a terminal emulator shows.

use super::super::{History, screen::Screen};
use super::*;
use proptest::prelude::*;

/// An editor at a terminal with so many columns.
struct Desk<const N: usize> {
    editor: LineEditor<N>,
    history: History<64>,
    screen: Screen,
    prompt: &'static str,
    columns: u16,
}

impl<const N: usize> Desk<N> {
    fn new(columns: u16, prompt: &'static str, text: &str) -> Self {
        let mut desk = Self {
            editor: LineEditor::new(columns),
            history: History::new(),
            screen: Screen::new(4, columns),
            prompt,
            columns,
        };
        desk.screen.write("before\r\n");
        desk.editor.start(prompt, text, &mut desk.screen);
        desk
    }

    fn key(&mut self, key: Key) -> Option<Edited> {
        let lines = self.history.lines();
        self.editor.key(key, lines, &mut self.screen)
    }

    fn keys(&mut self, keys: &[Key]) -> &mut Self {
        for key in keys {
            assert_eq!(self.key(*key), None);
            self.check();
        }
        self
    }

    fn type_text(&mut self, text: &str) -> &mut Self {
        let keys: std::vec::Vec<Key> = text.chars().map(Key::Char).collect();
        self.keys(&keys)
    }

    /// The screen has the prompt, a part of the text that is as long as it can be, and the cursor on the right character of it.
    fn check(&self) {
        assert_eq!(self.screen.row(0), "before");
        assert_eq!(self.screen.row(2), "", "the line has one row");
        let (row, column) = self.screen.cursor();
        assert!(row == 1 && column < self.columns, "{column}");
        let mut text: std::vec::Vec<char> = self.editor.text().chars().map(draw::shown).collect();
        if self.editor.state.secret {
            text.fill('*');
        }
        let prompt = self
            .prompt
            .chars()
            .count()
            .min(usize::from(self.columns) - 9);
        let room = usize::from(self.columns) - prompt - 1;
        let column = usize::from(column) - prompt;
        let first = self.editor.cursor() - column;
        let shown = text.iter().skip(first).take(room);
        let written = self.prompt.chars().map(draw::shown).take(prompt);
        let expected: std::string::String = written.chain(shown.copied()).collect();
        assert_eq!(self.screen.row(1), expected.trim_end());
        assert!(
            first == 0 || column > 0,
            "something is seen before the cursor"
        );
        assert!(self.editor.cursor() <= text.len());
        if text.len() <= room && self.editor.cursor() == 0 {
            assert_eq!(first, 0);
        }
    }

    fn is(&self, text: &str, cursor: usize) {
        assert_eq!((self.editor.text(), self.editor.cursor()), (text, cursor));
    }
}

#[test]
fn a_line_is_typed_and_ended() {
    let mut desk = Desk::<64>::new(80, "iPXE> ", "");
    assert_eq!(desk.screen.row(1), "iPXE>");
    desk.type_text("chain http://10.0.2.2/é");
    assert_eq!(desk.screen.row(1), "iPXE> chain http://10.0.2.2/é");
    assert_eq!(desk.screen.cursor(), (1, 29));
    desk.keys(&[Key::Left, Key::Left]);
    assert_eq!(desk.key(Key::Enter), Some(Edited::Entered));
    assert_eq!(desk.screen.cursor(), (2, 0));
    desk.is("chain http://10.0.2.2/é", 21);
    // The next line begins anew.
    desk.editor.start("iPXE> ", "", &mut desk.screen);
    assert_eq!(desk.screen.row(2), "iPXE>");
    desk.is("", 0);
    assert_eq!(desk.key(Key::Ctrl('c')), Some(Edited::Aborted));
}

#[test]
fn the_keys_of_the_table() {
    let mut desk = Desk::<64>::new(80, "> ", "one two  ");
    desk.is("one two  ", 9);
    for (keys, text, cursor) in [
        (&[Key::Left, Key::Ctrl('b')][..], "one two  ", 7),
        (
            &[Key::Right, Key::Ctrl('f'), Key::Ctrl('f')],
            "one two  ",
            9,
        ),
        (&[Key::Ctrl('w')], "one ", 4),
        (&[Key::Char('é'), Key::Char('x'), Key::Left], "one éx", 5),
        (&[Key::Backspace], "one x", 4),
        (&[Key::Home, Key::Delete], "ne x", 0),
        (&[Key::Ctrl('d'), Key::Backspace, Key::Left], "e x", 0),
        (
            &[Key::End, Key::Delete, Key::Ctrl('d'), Key::Right],
            "e x",
            3,
        ),
        (&[Key::Ctrl('a'), Key::Right, Key::Ctrl('k')], "e", 1),
        (
            &[Key::Char('f'), Key::Char('g'), Key::Left, Key::Ctrl('u')],
            "g",
            0,
        ),
        (&[Key::Ctrl('e'), Key::Char('h')], "gh", 2),
        (&[Key::Left, Key::Ctrl('w')], "h", 0),
        (
            &[Key::Escape, Key::PageUp, Key::Ctrl('z'), Key::Ctrl('w')],
            "h",
            0,
        ),
    ] {
        desk.keys(keys).is(text, cursor);
    }
}

#[test]
fn a_long_line_scrolls_within_its_row() {
    let mut desk = Desk::<200>::new(20, "> ", "");
    // 17 columns for the text, and one for the cursor.
    desk.type_text("abcdefghijklmnopq");
    assert_eq!(desk.screen.row(1), "> abcdefghijklmnopq");
    assert_eq!(desk.screen.cursor(), (1, 19));
    desk.type_text("r");
    assert_eq!(desk.screen.row(1), "> klmnopqr");
    assert_eq!(desk.screen.cursor(), (1, 10));
    desk.keys(&[Key::Backspace; 7]);
    assert_eq!(desk.screen.row(1), "> k");
    desk.keys(&[Key::Backspace]);
    assert_eq!(desk.screen.row(1), "> cdefghij");
    desk.keys(&[Key::Home]);
    assert_eq!(desk.screen.row(1), "> abcdefghij");
    assert_eq!(desk.screen.cursor(), (1, 2));
    // A text that is there from the start is shown at its end.
    let desk = Desk::<200>::new(20, "> ", "0123456789abcdefghijklmnop");
    desk.check();
    assert_eq!(desk.screen.row(1), "> ijklmnop");
}

#[test]
fn what_does_not_fit_is_left_out() {
    let mut desk = Desk::<4>::new(80, "> ", "abcé");
    desk.is("abc", 3);
    desk.type_text("é").is("abc", 3);
    desk.type_text("dx").is("abcd", 4);
    // A prompt leaves eight columns to the line, and a narrow terminal is no excuse.
    let mut desk = Desk::<40>::new(16, "a prompt that is too long", "");
    desk.type_text("0123456789");
    assert_eq!(desk.screen.row(1), "a promp56789");
    assert_eq!(LineEditor::<4>::new(0).state.columns, 16);
}

#[test]
fn hostile_text_is_not_drawn() {
    let desk = Desk::<40>::new(80, "\x1b[2J> ", "a\x1b[2J\u{9b}1m\r\n界");
    desk.check();
    assert_eq!(desk.screen.row(1), "?[2J> a?[2J?1m???");
    assert_eq!(desk.editor.text(), "a\x1b[2J\u{9b}1m\r\n界");
}

#[test]
fn a_secret_is_asterisks() {
    let mut desk = Desk::<40>::new(80, "Password: ", "");
    desk.editor = desk.editor.clone().secret();
    desk.history.push("earlier");
    desk.type_text("pässx").keys(&[Key::Backspace, Key::Up]);
    assert_eq!(desk.screen.row(1), "Password: ****");
    desk.is("päss", 4);
}

#[test]
fn earlier_lines_come_back() {
    let mut desk = Desk::<20>::new(80, "> ", "");
    for line in ["first", "second", "a line that is longer than the editor"] {
        desk.history.push(line);
    }
    desk.type_text("draft").keys(&[Key::Left]);
    for (key, text) in [
        (Key::Down, "draft"),
        (Key::Up, "a line that is longe"),
        (Key::Up, "second"),
        (Key::Ctrl('p'), "first"),
        (Key::Up, "first"),
        (Key::Char('!'), "first!"),
        (Key::Down, "second"),
        (Key::Ctrl('n'), "a line that is longe"),
        (Key::Down, "draft"),
        (Key::Down, "draft"),
    ] {
        desk.keys(&[key]);
        assert_eq!(desk.editor.text(), text);
    }
    desk.is("draft", 5);
    // A new line begins at its own draft.
    desk.keys(&[Key::Up]);
    desk.screen.write("\r");
    desk.editor.start("> ", "", &mut desk.screen);
    desk.keys(&[Key::Down]).is("", 0);
    desk.keys(&[Key::Up]).is("a line that is longe", 20);
}

#[test]
fn a_disturbed_line_is_drawn_again() {
    let mut desk = Desk::<64>::new(20, "> ", "");
    desk.type_text("0123456789abcdefghijkl")
        .keys(&[Key::Left; 3]);
    desk.screen.write("\r\nsomething happened\r\n");
    desk.editor.redraw("> ", &mut desk.screen);
    assert_eq!(desk.screen.row(3), "> bcdefghijkl");
    assert_eq!(desk.screen.cursor(), (3, 10));
}

/// Any key, with those that edit more often than others.
fn any_key() -> impl Strategy<Value = Key> {
    let special = prop::sample::select(vec![
        Key::Backspace,
        Key::Delete,
        Key::Left,
        Key::Left,
        Key::Right,
        Key::Up,
        Key::Down,
        Key::Home,
        Key::End,
        Key::PageUp,
        Key::Escape,
        Key::Ctrl('k'),
        Key::Ctrl('u'),
        Key::Ctrl('w'),
        Key::Ctrl('d'),
        Key::Ctrl('z'),
    ]);
    let usual = prop::sample::select(vec!['a', 'b', ' ', 'é', '界', '\u{301}', '🦀']);
    prop_oneof![
        6 => usual.prop_map(Key::Char),
        3 => special,
        1 => any::<char>().prop_filter("no control character", |c| !c.is_control()).prop_map(Key::Char),
    ]
}

/// What a line is without a terminal: its characters, and the cursor.
fn model(keys: &[Key], limit: usize, start: &str) -> (std::string::String, usize) {
    let mut text: std::vec::Vec<char> = start.chars().collect();
    let mut cursor = text.len();
    for key in keys {
        match key {
            Key::Char(character) => {
                let len: usize = text.iter().map(|character| character.len_utf8()).sum();
                if len + character.len_utf8() <= limit {
                    text.insert(cursor, *character);
                    cursor += 1;
                }
            }
            Key::Left => cursor = cursor.saturating_sub(1),
            Key::Right => cursor = (cursor + 1).min(text.len()),
            Key::Home => cursor = 0,
            Key::End => cursor = text.len(),
            Key::Backspace if cursor > 0 => {
                cursor -= 1;
                text.remove(cursor);
            }
            Key::Delete | Key::Ctrl('d') if cursor < text.len() => {
                text.remove(cursor);
            }
            Key::Ctrl('k') => text.truncate(cursor),
            Key::Ctrl('u') => {
                text.drain(..cursor);
                cursor = 0;
            }
            Key::Ctrl('w') => {
                let mut start = cursor;
                while start > 0 && text[start - 1] == ' ' {
                    start -= 1;
                }
                while start > 0 && text[start - 1] != ' ' {
                    start -= 1;
                }
                text.drain(start..cursor);
                cursor = start;
            }
            _ => {}
        }
    }
    (text.into_iter().collect(), cursor)
}

proptest! {
    #[test]
    fn the_screen_shows_the_line(
        columns in 16u16..40,
        start in "[a-cé ]{0,30}",
        keys in prop::collection::vec(any_key(), 0..120),
    ) {
        let mut desk = Desk::<48>::new(columns, "> ", &start);
        for key in &keys {
            prop_assert_eq!(desk.key(*key), None);
            desk.check();
        }
        let (text, cursor) = model(&keys, 48, &start);
        desk.is(&text, cursor);
    }

    #[test]
    fn earlier_lines_keep_the_screen_right(
        lines in prop::collection::vec("[a-c]{0,40}", 0..5),
        keys in prop::collection::vec(any_key(), 0..120),
    ) {
        let mut desk = Desk::<32>::new(24, "shell> ", "");
        for line in &lines {
            desk.history.push(line);
        }
        for key in &keys {
            prop_assert_eq!(desk.key(*key), None);
            desk.check();
        }
    }
}
