//! Menus, judged by what a terminal emulator shows.

use super::super::screen::Screen;
use super::*;
use crate::script::{Command, Menus, Script, Step, Variables};
use proptest::prelude::*;
use std::string::String;

/// Lets a person look at the menu of a script, which ends with `choose`.
fn with_menu<T>(lines: &str, look: impl FnOnce(MenuView<'_>, usize, Option<Duration>) -> T) -> T {
    let script = std::format!("#!ipxe\n{lines}");
    let mut script = Script::new(script.as_bytes()).unwrap();
    let mut menus = Menus::new();
    match script.poll(&mut Variables::<256>::new(), &mut menus) {
        Step::Run(Command::Choose {
            menu,
            default,
            timeout,
        }) => look(menu, default, timeout),
        other => panic!("{other:?}"),
    }
}

const MENU: &str = "menu Boot menu\nitem --key s --gap Systems\nitem fw Firmware\nitem --key r rescue Rescue system\nitem --gap\n\
                    item --gap Tools\nitem --key 0x14 shell Shell\nitem --gap The end\n";

/// A started menu on a screen of 24 rows and 80 columns.
fn started(menu: MenuView<'_>, default: usize, timeout: Option<Duration>) -> (MenuScreen, Screen) {
    let mut screen = Screen::new(24, 80);
    screen.write("what was before");
    let mut shown = MenuScreen::new(24, 80);
    shown.start(menu, default, timeout, Instant::ZERO, &mut screen);
    (shown, screen)
}

/// The row whose text is inverse.
fn bar(screen: &Screen) -> Option<u16> {
    let mut rows = (0..24).filter(|row| screen.is_inverse(*row, 1));
    let bar = rows.next();
    assert_eq!(rows.next(), None, "one bar");
    bar
}

#[test]
fn a_menu_is_drawn() {
    with_menu(&std::format!("{MENU}choose x"), |menu, default, timeout| {
        let (shown, screen) = started(menu, default, timeout);
        let rows: std::vec::Vec<String> = (0..24).map(|row| screen.row(row)).collect();
        let mut expected = std::vec![String::new(); 24];
        expected[1] = std::format!("{:35}Boot menu", "");
        for (row, text) in [
            (3, "  Systems"),
            (4, "  Firmware"),
            (5, "  Rescue system"),
            (7, "  Tools"),
            (8, "  Shell"),
            (9, "  The end"),
        ] {
            expected[row] = text.into();
        }
        assert_eq!(rows, expected);
        assert_eq!(bar(&screen), Some(4));
        assert!(screen.is_inverse(4, 78) && !screen.is_inverse(4, 79));
        assert!(!screen.is_inverse(4, 0));
        assert_eq!(screen.cursor(), (4, 1));
        assert_eq!(shown.deadline(), None);
    });
}

#[test]
fn a_disturbed_menu_is_drawn_again() {
    let script = std::format!("{MENU}choose --timeout 5000 x");
    with_menu(&script, |menu, default, timeout| {
        let (shown, mut screen) = started(menu, default, timeout);
        let before = screen.0.screen().contents_formatted();
        screen.write("\r\nsomething happened\r\n");
        assert_ne!(screen.0.screen().contents_formatted(), before);
        shown.redraw(menu, &mut screen);
        assert_eq!(screen.0.screen().contents_formatted(), before);
    });
}

#[test]
fn keys_go_over_gaps() {
    with_menu(&std::format!("{MENU}choose x"), |menu, default, timeout| {
        let (mut shown, mut screen) = started(menu, default, timeout);
        for (key, row) in [
            (Key::Up, 4),
            (Key::Down, 5),
            (Key::Down, 8),
            (Key::Down, 8),
            (Key::Up, 5),
            (Key::End, 8),
            (Key::PageUp, 4),
            (Key::PageDown, 8),
            (Key::Home, 4),
            (Key::Char('x'), 4),
            (Key::Left, 4),
            (Key::Ctrl('r'), 4),
        ] {
            assert_eq!(shown.key(menu, key, &mut screen), None);
            assert_eq!(bar(&screen), Some(row), "{key:?}");
            assert_eq!(screen.cursor(), (row, 1));
        }
        let _ = shown.key(menu, Key::Down, &mut screen);
        let end = shown.key(menu, Key::Enter, &mut screen);
        assert_eq!(end, Some(MenuEnd::Chosen(2)));
        assert_eq!(menu.label(2), Some("rescue"));
        assert_eq!(screen.0.screen().contents(), "");
        assert_eq!(screen.cursor(), (0, 0));
    });
}

#[test]
fn a_key_of_an_item_chooses_it_and_escape_leaves() {
    for (key, end) in [
        (Key::Char('r'), Some(MenuEnd::Chosen(2))),
        (Key::Ctrl('t'), Some(MenuEnd::Chosen(5))),
        (Key::Char('R'), None),
        // The key of a gap is none.
        (Key::Char('s'), None),
        (Key::Escape, Some(MenuEnd::Left)),
        (Key::Ctrl('c'), Some(MenuEnd::Left)),
        (Key::Enter, Some(MenuEnd::Chosen(1))),
    ] {
        with_menu(&std::format!("{MENU}choose x"), |menu, default, timeout| {
            let (mut shown, mut screen) = started(menu, default, timeout);
            assert_eq!(shown.key(menu, key, &mut screen), end, "{key:?}");
            assert_eq!(screen.row(1).is_empty(), end.is_some());
        });
    }
}

#[test]
fn a_countdown_chooses_the_default() {
    let script = std::format!("{MENU}choose --default rescue --timeout 2500 x");
    with_menu(&script, |menu, default, timeout| {
        let at = Instant::from_micros;
        let (mut shown, mut screen) = started(menu, default, timeout);
        let ends_with = |screen: &Screen, end: &str| {
            let row = screen.row(5);
            assert!(
                row.starts_with("  Rescue system   ") && row.ends_with(end),
                "{row:?}"
            );
            assert_eq!(row.len(), if end == "system" { 15 } else { 78 });
        };
        ends_with(&screen, " (3)");
        for (micros, end, next) in [
            (0, " (3)", 500_000),
            (499_999, " (3)", 500_000),
            (500_000, " (2)", 1_500_000),
            (1_499_999, " (2)", 1_500_000),
            (1_500_000, " (1)", 2_500_000),
            (2_499_999, " (1)", 2_500_000),
        ] {
            assert_eq!(shown.poll(menu, at(micros), &mut screen), None);
            ends_with(&screen, end);
            assert_eq!(shown.deadline(), Some(at(next)), "{micros}");
        }
        let end = shown.poll(menu, at(2_500_000), &mut screen);
        assert_eq!(end, Some(MenuEnd::Chosen(2)));
        assert_eq!(shown.poll(menu, at(2_500_000), &mut screen), None);
    });
}

#[test]
fn any_key_stops_the_countdown() {
    for key in [Key::Char('x'), Key::Down, Key::Left] {
        let script = std::format!("{MENU}choose --timeout 5000 x");
        with_menu(&script, |menu, default, timeout| {
            let (mut shown, mut screen) = started(menu, default, timeout);
            assert!(screen.row(4).ends_with(" (5)"));
            assert_eq!(shown.key(menu, key, &mut screen), None);
            assert_eq!(screen.row(4), "  Firmware");
            assert_eq!(shown.deadline(), None);
            assert_eq!(shown.poll(menu, Instant::FAR_FUTURE, &mut screen), None);
            assert_eq!(bar(&screen), Some(if key == Key::Down { 5 } else { 4 }));
        });
    }
    // As in iPXE, a time of zero is none.
    with_menu(
        "menu\nitem a A\nchoose --timeout 0 x",
        |menu, default, timeout| {
            assert_eq!(timeout, Some(Duration::ZERO));
            let (mut shown, mut screen) = started(menu, default, timeout);
            assert_eq!(shown.deadline(), None);
            assert_eq!(shown.poll(menu, Instant::FAR_FUTURE, &mut screen), None);
            assert_eq!(screen.row(3), "  A");
        },
    );
}

/// A menu of 60 items behind a gap, with a gap at the end.
fn long_menu() -> String {
    let items: String = (1..=60)
        .map(|n| std::format!("item i{n} Item {n}\n"))
        .collect();
    std::format!("menu Long\nitem --gap First\n{items}item --gap Last\n")
}

#[test]
fn a_long_menu_scrolls() {
    let script = std::format!("{}choose --default i30 x", long_menu());
    with_menu(&script, |menu, default, timeout| {
        assert_eq!(default, 30);
        let (mut shown, mut screen) = started(menu, default, timeout);
        // 19 rows for items.
        let part = |screen: &Screen| {
            let rows = [2, 3, 21, 22].map(|row| screen.row(row).trim_start().to_string());
            (rows, bar(screen))
        };
        let expected = |rows: [&str; 4], bar| (rows.map(String::from), Some(bar));
        assert_eq!(
            part(&screen),
            expected(["...", "Item 12", "Item 30", "..."], 21)
        );
        for (key, rows, bar) in [
            (Key::Up, ["...", "Item 12", "Item 30", "..."], 20),
            (Key::Down, ["...", "Item 12", "Item 30", "..."], 21),
            (Key::Down, ["...", "Item 13", "Item 31", "..."], 21),
            (Key::PageUp, ["...", "Item 12", "Item 30", "..."], 3),
            (Key::PageUp, ["", "First", "Item 18", "..."], 4),
            (Key::PageDown, ["...", "Item 2", "Item 20", "..."], 21),
            (Key::End, ["...", "Item 43", "Last", ""], 20),
            (Key::PageUp, ["...", "Item 41", "Item 59", "..."], 3),
            (Key::Home, ["", "First", "Item 18", "..."], 4),
        ] {
            assert_eq!(shown.key(menu, key, &mut screen), None);
            assert_eq!(part(&screen), expected(rows, bar), "{key:?}");
            assert_eq!(screen.row(1).trim_start(), "Long");
            assert_eq!(screen.row(23), "");
        }
    });
}

/// A gap at either end is shown with the item beside it.
#[test]
fn gaps_at_the_ends_are_shown() {
    let items: String = (1..=18)
        .map(|n| std::format!("item i{n} Item {n}\n"))
        .collect();
    let script = std::format!("menu\nitem --gap First\n{items}item --gap Last\nchoose x");
    with_menu(&script, |menu, default, timeout| {
        let (mut shown, mut screen) = started(menu, default, timeout);
        for (key, first, last) in [
            (Key::Left, "First", "Item 18"),
            (Key::End, "Item 1", "Last"),
            (Key::Up, "Item 1", "Last"),
            (Key::Home, "First", "Item 18"),
        ] {
            assert_eq!(shown.key(menu, key, &mut screen), None);
            let rows = [3, 21].map(|row| screen.row(row).trim_start().to_string());
            assert_eq!(rows, [first, last], "{key:?}");
        }
    });
}

/// A column at each side stays free, and one before the text.
#[test]
fn long_texts_fill_their_row_and_no_more() {
    let long = "x".repeat(200);
    let lines = std::format!("menu\nitem a {long}\nitem b {long}\nchoose c");
    with_menu(&lines, |menu, default, timeout| {
        let (_, screen) = started(menu, default, timeout);
        for row in [3, 4] {
            let text = screen.row(row);
            let blanks = text.len() - text.trim_start().len();
            assert_eq!((blanks, text.trim().len()), (2, 77), "row {row}");
        }
        let inverse = |column: &u16| screen.is_inverse(3, *column);
        let bar: std::vec::Vec<u16> = (0..80).filter(inverse).collect();
        assert_eq!(
            (bar.first(), bar.last(), bar.len()),
            (Some(&1), Some(&78), 78)
        );
    });
}

#[test]
fn wide_and_hostile_texts_are_cut() {
    let mut script = Script::new(
        b"#!ipxe\nset esc:hex 1b\nmenu ${esc:string}[2J0123456789 0123456789\nitem a ${esc:string}[31mRed text that is too long\nchoose --timeout 99000 x",
    )
    .unwrap();
    let mut settings = Variables::<256>::new();
    let mut menus = Menus::new();
    let step = script.poll(&mut settings, &mut menus);
    let Step::Run(Command::Choose { menu, timeout, .. }) = step else {
        panic!("a menu");
    };
    let mut screen = Screen::new(8, 20);
    let mut shown = MenuScreen::new(8, 20);
    shown.start(menu, 0, timeout, Instant::ZERO, &mut screen);
    assert_eq!(screen.row(1), "?[2J0123456789 01234");
    assert_eq!(screen.row(3), "  ?[31mRed te (99)");
    assert_eq!(screen.row(4), "");
    let _ = shown.key(menu, Key::Left, &mut screen);
    assert_eq!(screen.row(3), "  ?[31mRed text tha");
}

proptest! {
    /// Any keys, on terminals of any size: the bar is on the selected item, and the rows are those of the menu.
    #[test]
    fn the_screen_shows_the_menu(
        rows in 6u16..30,
        columns in 16u16..50,
        gaps in prop::collection::vec(any::<bool>(), 1..40),
        keys in prop::collection::vec(
            prop::sample::select(vec![
                Key::Up, Key::Down, Key::Up, Key::Down, Key::PageUp, Key::PageDown, Key::Home, Key::End, Key::Char('x'), Key::Delete,
            ]),
            0..40,
        ),
    ) {
        let mut script = String::from("menu T\nitem last L\n");
        for (n, gap) in gaps.iter().enumerate() {
            script += &match gap {
                true => std::format!("item --gap Gap {n}\n"),
                false => std::format!("item i{n} Item {n}\n"),
            };
        }
        with_menu(&(script + "choose --timeout 1000 x"), |menu, default, timeout| {
            let mut screen = Screen::new(rows, columns);
            let mut shown = MenuScreen::new(rows, columns);
            shown.start(menu, default, timeout, Instant::ZERO, &mut screen);
            let items: std::vec::Vec<&str> = menu.items().map(|item| item.text).collect();
            for key in &keys {
                prop_assert_eq!(shown.key(menu, *key, &mut screen), None);
                prop_assert!(menu.label(shown.selected).is_some());
                let height = usize::from(rows) - 5;
                for row in 0..height {
                    let on_screen = screen.row(3 + row as u16);
                    let place = shown.top + row;
                    prop_assert_eq!(on_screen.trim_start(), items.get(place).copied().unwrap_or(""));
                    prop_assert_eq!(screen.is_inverse(3 + row as u16, 1), place == shown.selected);
                }
                let selected = 3 + (shown.selected - shown.top) as u16;
                prop_assert_eq!(screen.cursor(), (selected, 1));
                prop_assert_eq!(screen.row(2) == "  ...", shown.top > 0);
                prop_assert_eq!(screen.row(rows - 2) == "  ...", items.len() > shown.top + height);
            }
            Ok(())
        })?;
    }
}
