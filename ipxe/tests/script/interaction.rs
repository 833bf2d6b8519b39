//! `echo`, `sleep`, `prompt`, `read` and `shell`.

use super::world::check;

#[test]
fn echo_and_sleep() {
    check(&[
        ("echo -n a  b", "echo-n [a b]; ok"),
        ("echo --n x", "echo-n [x]; ok"),
        ("echo -nn x", "echo-n [x]; ok"),
        ("echo -- -n", "echo [-n]; ok"),
        ("echo a -n", "echo [a -n]; ok"),
        ("echo - -n", "echo [- -n]; ok"),
        ("echo -x foo || echo usage", "echo [usage]; ok"),
        ("echo --n=1 x || echo usage", "echo [usage]; ok"),
        ("echo -n IP: ${} && echo on", "echo-n [IP: ]; echo [on]; ok"),
        ("sleep 5\nsleep 0x1", "sleep s=5; sleep s=1; ok"),
        (
            "sleep x || sleep || sleep 1 2 || sleep -1 || echo usage",
            "echo [usage]; ok",
        ),
        ("shell\necho back", "shell; echo [back]; ok"),
        ("shell x", "line 2: Usage"),
        ("help && autoboot", "help; autoboot; ok"),
        ("help x || autoboot x", "line 2: Usage"),
    ]);
}

#[test]
fn prompt() {
    check(&[
        ("prompt", "prompt []; ok"),
        ("prompt Press  any key", "prompt [Press any key]; ok"),
        (
            "prompt --key x --timeout 2000 Press x",
            "prompt [Press x] key=120 ms=2000; ok",
        ),
        ("prompt -k 0x41 -t50", "prompt [] key=65 ms=50; ok"),
        (
            "prompt --timeout=50 bad || echo refused",
            "prompt [bad] ms=50; echo [refused]; ok",
        ),
        ("prompt bad", "prompt [bad]; line 2: NotConfirmed"),
        ("prompt --timeout", "line 2: Usage"),
        ("prompt --key ab", "line 2: Usage"),
        ("prompt --timeout soon", "line 2: Usage"),
    ]);
}

#[test]
fn read() {
    check(&[
        (
            "read name\necho [${name}]",
            "read name []; echo [[typed in]]; ok",
        ),
        (
            "set name old one\nread --timeout 500 name",
            "read name [old one] ms=500; ok",
        ),
        (
            "read ip:string\nshow ip",
            "read ip [\n\0\u{2}\u{f}]; show ip:string = typed in; ok",
        ),
        (
            "read x:int32 || echo no number",
            "read x []; echo [no number]; ok",
        ),
        ("read bad || echo left", "read bad []; echo [left]; ok"),
        ("read", "line 2: Usage"),
        ("read x:foo", "line 2: UnknownType"),
    ]);
}

#[cfg(feature = "ztp")]
#[test]
fn provisioning() {
    check(&[
        ("ztp status", "ztp Status { verbose: false }; ok"),
        ("ztp status --verbose", "ztp Status { verbose: true }; ok"),
        ("ztp -v status", "ztp Status { verbose: true }; ok"),
        ("ztp enable", "ztp Enable; ok"),
        ("ztp disable", "ztp Disable; ok"),
        ("ztp run", "ztp Run; ok"),
        ("ztp", "line 2: Usage"),
        ("ztp stop", "line 2: Usage"),
        ("ztp run now", "line 2: Usage"),
        ("ztp run --verbose", "line 2: Usage"),
        ("ztp status --verbose x", "line 2: Usage"),
    ]);
}
