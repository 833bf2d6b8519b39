//! Scripts that mean harm: each ends with a named error, in bounded work.

use super::world::{effects, run, world};
use netboot_core::Coded;
use netboot_ipxe::script::{
    Command, Fault, Menus, Outcome, Script, ScriptBuffer, Step, Variables, WORK,
};

/// Less work than by default, so that the tests are short.
const LESS: u32 = 1 << 19;

/// Runs a script and returns how it ended, the commands it handed out, and the work that it did.
fn end(script: &[u8]) -> (Option<Fault>, u32, u32) {
    let mut settings = world();
    let mut menus = Menus::new();
    let mut script = match Script::with_work(script, LESS) {
        Ok(script) => script,
        Err(error) => return (Some(error.fault), 0, 0),
    };
    let mut commands = 0;
    loop {
        match script.poll(&mut settings, &mut menus) {
            Step::End(result) => {
                let fault = result.err().map(|error| error.fault);
                return (fault, commands, LESS - script.work_left());
            }
            Step::Run(_) => commands += 1,
        }
        script.answer(Outcome::Done, &mut settings, &mut menus);
    }
}

#[test]
fn endless_loops_end() {
    for text in [
        "#!ipxe\n:a\ngoto a\n",
        "#!ipxe\n:a goto a",
        "#!ipxe\n:a\necho x\ngoto a\n",
        "#!ipxe\n:a\nsleep 0 ; goto a\n",
        "#!ipxe\n:a\ninc i ; goto a\n",
        "#!ipxe\n:a\ngoto b\n:b\ngoto a\n",
        "#!ipxe\n:a\ngoto nowhere || goto a\n",
        "#!ipxe\n:a\nmenu\nitem a A\ngoto a\n",
        "#!ipxe\n:a\ntime echo a ; goto a\n",
        "#!ipxe\n:a\nset x ${x}x ; goto a\n",
    ] {
        let (fault, commands, work) = end(text.as_bytes());
        assert_eq!(fault, Some(Fault::Budget), "{text:?}");
        assert!(commands < LESS / 10 && work <= LESS, "{text:?}: {commands}");
    }
}

#[test]
fn expansions_that_do_not_end() {
    assert_eq!(
        effects("echo ${hostile} || echo no"),
        "line 2: TooManyExpansions"
    );
    assert_eq!(effects("echo ${growing}"), "line 2: CommandTooLong");
    let deep = format!("echo {}{}", "${".repeat(200), "}".repeat(200));
    assert_eq!(effects(&deep), "line 2: TooManyExpansions");
    let fits = format!("echo [{}{}]", "${".repeat(128), "}".repeat(128));
    assert_eq!(effects(&fits), "echo [[]]\nok");
    let wide = format!("set a {}\necho {}", "x".repeat(255), "${a}".repeat(5));
    assert_eq!(effects(&wide), "line 3: CommandTooLong");
}

#[test]
fn ten_thousand_labels() {
    let mut text = String::from("#!ipxe\n:start\n");
    for number in 0..10_000 {
        text.push_str(&format!(":label{number}\n"));
    }
    text.push_str("goto start\n");
    let (fault, _, work) = end(text.as_bytes());
    assert_eq!(fault, Some(Fault::Budget));
    assert!(work <= LESS);
    let once = text.replace("goto start", "goto label9999\n");
    assert_eq!(end(once.as_bytes()).0, Some(Fault::Budget));
    let once = text.replace("goto start", "echo end");
    assert_eq!(run(once.as_bytes(), &mut world()), "echo [end]\nok");
}

#[test]
fn huge_lines() {
    let words = |count: usize| format!("echo{}", " a".repeat(count));
    assert_eq!(effects(&words(48)), "line 2: TooManyWords");
    assert!(effects(&words(47)).ends_with("ok"));
    let long = |len: usize| format!("echo {}", "x".repeat(len));
    assert_eq!(effects(&long(1020)), "line 2: CommandTooLong");
    assert!(effects(&long(1019)).ends_with("ok"));
    assert_eq!(effects(&long(1 << 20)), "line 2: CommandTooLong");
    assert_eq!(effects(&format!("#{}", "x".repeat(1 << 20))), "ok");
    assert_eq!(effects(&"\\\n".repeat(1 << 20)), "ok");
    assert_eq!(effects(&"\n".repeat(WORK as usize)), "line 65535: Budget");
}

#[test]
fn binary_junk() {
    for (text, offset) in [
        (&b"#!ipxe\n\0"[..], 7),
        (b"#!ipxe\necho \xff", 12),
        (b"#!ipxe\necho \xc3", 12),
        (b"#!ipxe\necho \x1b[2J", 12),
        (b"#!ipxe\necho \x7f", 12),
        (b"#!ipxe\n\x0b", 7),
    ] {
        let fault = Fault::NotText { offset };
        assert_eq!(end(text).0, Some(fault), "{text:?}");
    }
    assert_eq!(end(b"\x7fELF\x02\x01").0, Some(Fault::NotScript));
    assert_eq!(effects("echo \u{e9}\u{4e2d}"), "echo [\u{e9}\u{4e2d}]\nok");
}

#[test]
fn a_script_has_to_fit_its_buffer() {
    let mut buffer = ScriptBuffer::<16>::new();
    buffer.push(b"#!ipxe\n").unwrap();
    buffer.push(b"echo abcd").unwrap();
    let error = buffer.push(b"e").unwrap_err();
    assert_eq!(error.fault, Fault::TooLong { limit: 16 });
    assert_eq!(error.code(), 0x000A_0002);
    assert_eq!(run(buffer.octets(), &mut world()), "echo [abcd]\nok");
    buffer.clear();
    assert_eq!(buffer.octets(), b"");
}

#[test]
fn the_wrong_outcome_ends_the_script() {
    for (text, outcome) in [
        ("echo a || echo b", Outcome::Text("x")),
        ("echo a || echo b", Outcome::Chosen(0)),
        ("read a || echo b", Outcome::Done),
        ("nslookup a h || echo b", Outcome::Done),
        ("menu\nitem a\nchoose x || echo b", Outcome::Done),
        (
            "set a 1\nshow a || echo b",
            Outcome::Address([0u8; 4].into()),
        ),
    ] {
        let text = format!("#!ipxe\n{text}\n");
        let mut settings = Variables::<64>::new();
        let mut menus = Menus::new();
        let mut script = Script::new(text.as_bytes()).unwrap();
        assert!(
            matches!(script.poll(&mut settings, &mut menus), Step::Run(_)),
            "{text}"
        );
        script.answer(outcome, &mut settings, &mut menus);
        let Step::End(Err(error)) = script.poll(&mut settings, &mut menus) else {
            panic!("{text}");
        };
        assert_eq!(error.fault, Fault::WrongOutcome, "{text}");
    }
    let mut settings = Variables::<64>::new();
    let mut menus = Menus::new();
    let mut early = Script::new(b"#!ipxe\necho a\n").unwrap();
    early.answer(Outcome::Done, &mut settings, &mut menus);
    assert!(
        matches!(early.poll(&mut settings, &mut menus), Step::End(Err(error)) if error.fault == Fault::WrongOutcome)
    );
}

#[test]
fn looking_twice_is_the_same() {
    let mut settings = Variables::<64>::new();
    let mut menus = Menus::new();
    let mut script = Script::new(b"#!ipxe\nset a 1\nshow a\n").unwrap();
    let Step::Run(Command::Show { value, .. }) = script.poll(&mut settings, &mut menus) else {
        panic!("it shows");
    };
    assert_eq!(value, "1");
    let work = script.work_left();
    assert!(matches!(
        script.poll(&mut settings, &mut menus),
        Step::Run(Command::Show { value: "1", .. })
    ));
    assert_eq!((script.work_left(), script.line()), (work, 3));
}
