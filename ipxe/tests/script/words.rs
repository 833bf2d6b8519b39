//! How a line falls into words: blanks, comments, continued lines, and quotes, which are nothing special.

use super::world::{check, run, world};

#[test]
fn lines_and_words() {
    check(&[
        ("", "ok"),
        ("\n\n  \n\t\n", "ok"),
        ("echo", "echo []; ok"),
        ("echo a   b\tc", "echo [a b c]; ok"),
        ("   echo lead", "echo [lead]; ok"),
        ("echo crlf\r\necho two\r\n", "echo [crlf]; echo [two]; ok"),
        ("echo no end of line", "echo [no end of line]; ok"),
    ]);
}

#[test]
fn quotes_and_backslashes_are_characters() {
    check(&[
        ("echo \"two   words\" 'x'", "echo [\"two words\" 'x']; ok"),
        ("echo back\\slash a\\ b", "echo [back\\slash a\\ b]; ok"),
        ("set m It's fine\necho ${m}", "echo [It's fine]; ok"),
        ("echo tail \\ ", "echo [tail \\]; ok"),
    ]);
}

#[test]
fn a_backslash_at_the_end_continues_the_line() {
    check(&[
        (
            "echo con\\\ntinued and \\\n   more",
            "echo [continued and more]; ok",
        ),
        ("echo crlf\\\r\nnext", "echo [crlfnext]; ok"),
        // Two of them do not make one.
        ("echo back\\\\\necho tail", "echo [back\\echo tail]; ok"),
        ("echo a # b \\\necho c\necho d", "echo [a]; echo [d]; ok"),
        ("echo last\\", "echo [last\\]; ok"),
        (
            ":la\\\nbel\ngoto nowhere || goto end\n:en\\\nd\necho here",
            "echo [here]; ok",
        ),
    ]);
}

#[test]
fn comments_begin_where_a_word_does() {
    check(&[
        ("# all of it", "ok"),
        ("   # indented ; echo no", "ok"),
        ("echo x#y #z ; echo hidden", "echo [x#y]; ok"),
        ("set hash #\necho [${hash}]", "echo [[]]; ok"),
    ]);
}

#[test]
fn a_script_begins_with_its_name() {
    for (script, end) in [
        (&b"#!ipxe\necho a"[..], "echo [a]\nok"),
        (b"#!ipxe\r\necho a", "echo [a]\nok"),
        (b"#!ipxe echo b\necho a", "echo [a]\nok"),
        (b"#!ipxe", "ok"),
        (b"#!ipxes\necho a", "line 1: NotScript"),
        (b"#!gpxe\necho a", "line 1: NotScript"),
        (b"echo a", "line 1: NotScript"),
        (b" #!ipxe\n", "line 1: NotScript"),
        (b"", "line 1: NotScript"),
    ] {
        assert_eq!(run(script, &mut world()), end, "{script:?}");
    }
}
