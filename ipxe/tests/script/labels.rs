//! Labels and `goto`.

use super::world::check;

#[test]
fn goto_finds_the_first_label() {
    check(&[
        ("goto end\necho no\n:end\necho end", "echo [end]; ok"),
        (
            "goto sub\n:dup\necho first\nexit\n:dup\necho second\n:sub\ngoto dup",
            "echo [first]; ok",
        ),
        ("goto x\n  \t:x\necho indented", "echo [indented]; ok"),
        ("goto x\n:xy\necho no\n:x\necho right", "echo [right]; ok"),
        ("goto a:b\n:a:b\necho odd", "echo [odd]; ok"),
        ("set to end\ngoto ${to}\necho no\n:end", "ok"),
        (
            "goto end\r\necho no\r\n:end\r\necho yes\r\n",
            "echo [yes]; ok",
        ),
        ("goto end && echo no || echo no\n:end", "ok"),
        ("goto end\n# :end\necho no\n:end", "ok"),
    ]);
}

#[test]
fn a_command_may_follow_its_label() {
    check(&[
        (
            ":a echo same line\n  :b echo indented",
            "echo [same line]; echo [indented]; ok",
        ),
        (
            "set i:int32 0\n:loop iseq ${i} 3 && goto done ||\necho ${i}\ninc i && goto loop\n:done echo end",
            "echo [0]; echo [1]; echo [2]; echo [end]; ok",
        ),
        (":\techo empty label", "echo [empty label]; ok"),
        ("goto x && echo no\n:x iseq a b || echo on", "echo [on]; ok"),
    ]);
}

#[test]
fn a_label_that_does_not_exist() {
    check(&[
        ("goto nowhere || echo caught", "echo [caught]; ok"),
        ("echo a\ngoto nowhere", "echo [a]; line 3: NoSuchLabel"),
        ("goto :x || goto x\n:x echo found", "echo [found]; ok"),
        ("goto || echo usage", "echo [usage]; ok"),
        ("goto a b || echo usage\n:a", "echo [usage]; ok"),
    ]);
}
