//! `||`, `&&` and `;`, and what a failure does.

use super::world::{check, effects};

#[test]
fn the_next_command_depends_on_the_last_one_that_ran() {
    check(&[
        ("echo a ; echo b", "echo [a]; echo [b]; ok"),
        (
            "echo a && echo b || echo c && echo d",
            "echo [a]; echo [b]; echo [d]; ok",
        ),
        ("isset ${no} || echo b", "echo [b]; ok"),
        ("isset ${no} && echo b || echo c", "echo [c]; ok"),
        (
            "iseq a b || iseq c d && echo one || echo two",
            "echo [two]; ok",
        ),
        ("iseq a b ; echo after", "echo [after]; ok"),
        ("iseq a a || echo b ; echo c", "echo [c]; ok"),
        // What is skipped is not expanded and not looked at.
        ("iseq a a || nonsense ${hostile} ; echo on", "echo [on]; ok"),
        ("set x old || set x new\necho ${x}", "echo [old]; ok"),
    ]);
    // An operator is a word.
    assert_eq!(effects("echo a; echo b"), "echo [a; echo b]\nok");
}

#[test]
fn an_empty_command_succeeds() {
    check(&[
        ("|| echo a", "ok"),
        ("&& echo a", "echo [a]; ok"),
        ("; echo a", "echo [a]; ok"),
        ("iseq a b ||\necho on", "echo [on]; ok"),
        ("iseq a b || # comment\necho on", "echo [on]; ok"),
        ("unknown ||\necho on", "echo [on]; ok"),
    ]);
}

#[test]
fn a_failure_at_the_end_of_a_line_ends_the_script() {
    let no_host = "CommandFailed { code: 65541, blame: Configuration }";
    check(&[
        ("echo a\niseq a b\necho c", "echo [a]; line 3: False"),
        ("iseq a b ; iseq c c\necho on", "echo [on]; ok"),
        ("isset ${no} && echo a\necho b", "line 2: False"),
        ("nonsense", "line 2: UnknownCommand"),
        ("${empty} echo a", "line 2: UnknownCommand"),
        (
            "echo a \\\n b\n\nnonsense",
            "echo [a b]; line 5: UnknownCommand",
        ),
        (
            "ifopen bad\necho a",
            &format!("ifopen [bad]; line 2: {no_host}"),
        ),
        (
            "ifopen bad || echo caught",
            "ifopen [bad]; echo [caught]; ok",
        ),
    ]);
}

#[test]
fn operators_are_found_before_the_expansion() {
    check(&[
        ("set or ||\necho a", "echo [a]; ok"),
        (
            "set or:hex 7c:7c\necho a ${or:string} echo b",
            "echo [a || echo b]; ok",
        ),
        ("set hash:hex 23\necho ${hash:string} b", "echo [# b]; ok"),
    ]);
}

#[test]
fn a_script_ends_itself() {
    check(&[
        ("exit\necho a", "ok"),
        ("exit 0 || echo a\necho b", "ok"),
        ("exit 5 || echo a", "line 2: Exited { status: 5 }"),
        ("iseq a a && exit 0x10", "line 2: Exited { status: 16 }"),
        ("exit abc || echo no", "echo [no]; ok"),
        ("exit 1 2 || echo no", "echo [no]; ok"),
    ]);
}
