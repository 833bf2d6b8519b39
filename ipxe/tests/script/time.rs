//! `time`.

use super::world::check;

#[test]
fn time_is_told_around_a_command() {
    check(&[
        ("time echo a b", "start; echo [a b]; stop; ok"),
        ("time time echo a", "start; echo [a]; stop; ok"),
        ("time set a 1 && echo ${a}", "start; stop; echo [1]; ok"),
        ("time iseq a b || echo no", "start; stop; echo [no]; ok"),
        (
            "time goto end\necho no\n:end echo end",
            "start; stop; echo [end]; ok",
        ),
        ("time exit 3", "start; stop; line 2: Exited { status: 3 }"),
        (
            "time ifopen bad || echo no",
            "start; ifopen [bad]; stop; echo [no]; ok",
        ),
        ("time || echo usage", "echo [usage]; ok"),
    ]);
}
