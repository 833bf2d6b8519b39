//! Conversations with boards that are not there, that never stop, and that answer as they should.

use super::*;
use std::collections::VecDeque;
use std::io;
use std::thread::sleep;

/// A short while, which is longer than a console has to be quiet.
const SHORT: Duration = Duration::from_millis(600);

/// What a board says to each octet.
type Reply = Box<dyn FnMut(u8) -> Vec<u8> + Send + Sync>;

/// A console whose other end is a function.
struct Fake {
    reply: Reply,
    said: VecDeque<u8>,
    /// Said again and again.
    endless: &'static [u8],
    /// Octets that a read gives at most.
    piece: usize,
}

impl ByteStream for Fake {
    fn write_all(&mut self, octets: &[u8]) -> io::Result<()> {
        for octet in octets {
            self.said.extend((self.reply)(*octet));
        }
        Ok(())
    }

    fn read(&mut self, octets: &mut [u8], timeout: Duration) -> io::Result<usize> {
        if self.said.is_empty() {
            self.said.extend(self.endless);
        }
        if self.said.is_empty() {
            sleep(timeout);
            return Err(ErrorKind::TimedOut.into());
        }
        let len = octets.len().min(self.said.len()).min(self.piece);
        for (place, octet) in octets.iter_mut().zip(self.said.drain(..len)) {
            *place = octet;
        }
        Ok(len)
    }
}

fn at(reply: impl FnMut(u8) -> Vec<u8> + Send + Sync + 'static, piece: usize) -> Session {
    Session::new(Box::new(Fake {
        reply: Box::new(reply),
        said: VecDeque::new(),
        endless: b"",
        piece,
    }))
}

fn endless(endless: &'static [u8]) -> Session {
    Session::new(Box::new(Fake {
        reply: Box::new(|_| Vec::new()),
        said: VecDeque::new(),
        endless,
        piece: usize::MAX,
    }))
}

/// A board that shows what is typed and answers each line with `answer`.
fn shell(answer: &'static str) -> impl FnMut(u8) -> Vec<u8> + Send + Sync + 'static {
    let mut typed = 0;
    move |octet| match octet {
        CTRL_U => {
            let count = std::mem::take(&mut typed);
            match count {
                0 => Vec::new(),
                _ => format!("\x1b[{count}D\x1b[K").into_bytes(),
            }
        }
        ENTER | CTRL_C => {
            let said = match typed {
                0 => "",
                _ => answer,
            };
            typed = 0;
            format!("\r\n{said}\r{PROMPT}\x1b[K").into_bytes()
        }
        _ => {
            typed += 1;
            [&[octet][..], b"\x1b[K"].concat()
        }
    }
}

fn lines(session: &mut Session, line: &str) -> Result<Vec<String>> {
    session.prompt(SHORT, false, &mut |_| {})?;
    session.enter(line, SHORT)?;
    let mut lines = Vec::new();
    let end = session.answer(SHORT, true, &mut |line| {
        lines.push(line.to_owned());
        Ok(false)
    })?;
    assert_eq!(end, End::Prompt);
    Ok(lines)
}

fn fails(session: &mut Session) -> String {
    let begun = Instant::now();
    let error = session.prompt(SHORT, false, &mut |_| {}).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10));
    error.to_string()
}

#[test]
fn an_answer_is_read_octet_by_octet_or_at_once() {
    for piece in [1, 3, usize::MAX] {
        let answer = "ztp a=1\r\n@toc t=1 images=3\nsay netboot> \r\nztp netboot> \x1b[0m\r\n";
        let mut session = at(shell(answer), piece);
        assert_eq!(
            lines(&mut session, "ztp status").unwrap(),
            [
                "ztp a=1",
                "@toc t=1 images=3",
                "say netboot> ",
                "ztp netboot> "
            ]
        );
        assert_eq!(lines(&mut session, "x").unwrap().len(), 4);
    }
}

#[test]
fn what_is_missing_is_said() {
    let error = fails(&mut at(|_| Vec::new(), 1));
    assert!(error.contains("and nothing else"), "{error}");
    let busy = |octet: u8| match octet {
        ENTER => b"@delivered t=1\x1b]0;evil\x07 index=0\n".to_vec(),
        _ => Vec::new(),
    };
    let error = fails(&mut at(busy, 7));
    assert!(
        error.contains("something runs there") && error.contains("\"@delivered t=1 index=0\""),
        "{error}"
    );
    // A text that looks like the prompt, at the end of what comes.
    let error = fails(&mut at(|_| b"\r\nnetboot> ".to_vec(), 7));
    assert!(error.contains("is not at its prompt"), "{error}");
}

#[test]
fn an_endless_console_ends_in_an_error() {
    let all = [
        &b"x"[..],
        b"\x1b[",
        b"\xff\n",
        b"\r\nnetboot> \x1b[K\r\n",
        b"\rnetboot> \x1b[K",
    ];
    std::thread::scope(|scope| {
        for noise in all {
            scope.spawn(move || {
                let error = fails(&mut endless(noise));
                assert!(error.contains("is not at its prompt"), "{error}");
            });
            scope.spawn(move || {
                let begun = Instant::now();
                let mut session = endless(noise);
                let error = session.answer(SHORT, false, &mut |_| Ok(false));
                let error = error.unwrap_err().to_string();
                assert!(error.contains("has not ended the command"), "{error}");
                assert!(!endless(noise).typed("x").unwrap());
                assert!(begun.elapsed() < Duration::from_secs(10));
            });
        }
    });
}

#[test]
fn an_answer_that_does_not_end_is_given_up() {
    let mut board = shell("");
    let flood = move |octet| match board(octet) {
        said if octet == b's' => [said, b"\r\nztp a=1".repeat(100_000)].concat(),
        said => said,
    };
    let mut session = at(flood, usize::MAX);
    session.prompt(SHORT, false, &mut |_| {}).unwrap();
    session.send(b"s").unwrap();
    let error = session.answer(Duration::from_secs(60), true, &mut |_| Ok(false));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("does not end"), "{error}");
    // One that says nothing more.
    let mut session = at(|_| Vec::new(), 1);
    let error = session.answer(SHORT, true, &mut |_| Ok(false)).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("has not ended the command"), "{error}");
}

#[test]
fn a_line_that_is_disturbed_is_typed_again() {
    let mut board = shell("right\r\n");
    let mut count = 0;
    let disturbed = move |octet| {
        count += usize::from(octet == b'c');
        match (octet, count) {
            // A line of the console, once.
            (b'c', 1) => [board(octet), b"@toc t=1 images=3\n".to_vec()].concat(),
            _ => board(octet),
        }
    };
    let mut session = at(disturbed, usize::MAX);
    assert_eq!(lines(&mut session, "abcd").unwrap(), ["right"]);
    let mut board = shell("");
    // A board that loses each c.
    let deaf = move |octet| match octet {
        b'c' => Vec::new(),
        _ => board(octet),
    };
    let error = lines(&mut at(deaf, 1), "abcd").unwrap_err().to_string();
    assert!(error.contains("does not show \"abcd\""), "{error}");
}

#[test]
fn the_torn_answer_to_the_first_line_is_no_end() {
    let mut board = shell("right\r\n");
    let mut count = 0;
    let torn = move |octet| {
        count += usize::from(octet == ENTER);
        match (octet, count) {
            (ENTER, 1) => [b"\r\n\rnetb\x1b[".to_vec(), b"x".to_vec()].concat(),
            _ => board(octet),
        }
    };
    assert_eq!(lines(&mut at(torn, 1), "abc").unwrap(), ["right"]);
}

#[test]
fn only_those_who_say_so_end_what_runs() {
    for interrupt in [false, true] {
        let (sender, keys) = std::sync::mpsc::channel();
        let sender = std::sync::Mutex::new(sender);
        let mut board = shell("");
        let watched = move |octet| {
            sender.lock().unwrap().send(octet).unwrap();
            board(octet)
        };
        let mut session = at(watched, 1);
        session.prompt(SHORT, interrupt, &mut |_| {}).unwrap();
        drop(session);
        let keys: Vec<u8> = keys.iter().collect();
        let expected: &[u8] = match interrupt {
            true => &[CTRL_C, CTRL_U, ENTER],
            false => &[CTRL_U, ENTER],
        };
        assert_eq!(keys, expected);
    }
}

#[test]
fn the_callers_line_ends_the_wait() {
    let mut session = at(shell("a\r\nb\r\nc\r\n"), usize::MAX);
    session.prompt(SHORT, false, &mut |_| {}).unwrap();
    session.enter("run", SHORT).unwrap();
    let mut seen = Vec::new();
    let end = session.answer(SHORT, false, &mut |line| {
        seen.push(line.to_owned());
        Ok(line == "b")
    });
    assert_eq!(end.unwrap(), End::Seen);
    assert_eq!(seen, ["a", "b"]);
}
