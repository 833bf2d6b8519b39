//! `netboot ztp` at boards that are threads of this test, behind a terminal device, a UNIX socket and TCP. Their prompt is the line editor of real boards.
#![cfg(unix)]

mod common;

use common::Folder;
use netboot_core::Instant;
use netboot_ipxe::terminal::{COLUMNS, EarlierLines, Edited, Keys, LineEditor, Terminal};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread;

const PROMPT: &str = "netboot> ";
const CTRL_C: u8 = 3;

/// The board's end of its UART.
struct Uart<S> {
    stream: S,
    keys: VecDeque<u8>,
}

impl<S: Read + Write> Terminal for Uart<S> {
    fn write(&mut self, text: &str) {
        // The other end may have gone.
        let _ = self
            .stream
            .write_all(text.replace('\n', "\r\n").replace("\r\r", "\r").as_bytes());
    }

    fn key(&mut self) -> Option<u8> {
        self.keys.pop_front()
    }
}

impl<S: Read + Write> Uart<S> {
    /// Waits for keys; whether some have come.
    fn wait(&mut self) -> bool {
        let mut octets = [0; 16];
        let len = self.stream.read(&mut octets).unwrap_or_default();
        self.keys.extend(&octets[..len]);
        len > 0
    }
}

/// A board.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Board {
    /// At its prompt.
    Idle,
    /// Something that was begun at the prompt runs, until Ctrl-C ends it.
    Busy,
    /// A build without provisioning.
    Plain,
    /// Something runs that nobody can end.
    Deaf,
}

/// Serves one operator after the other over the same line.
fn serve<S: Read + Write>(stream: S, board: Board) {
    let mut uart = Uart {
        stream,
        keys: VecDeque::new(),
    };
    let mut enabled = true;
    if board == Board::Busy || board == Board::Deaf {
        loop {
            if !uart.wait() {
                return;
            }
            uart.write("@delivered t=7 index=0 octets=1 size=2\n");
            let interrupt = uart.keys.iter().position(|key| *key == CTRL_C);
            if let Some(at) = interrupt.filter(|_| board == Board::Busy) {
                uart.keys.drain(..=at);
                uart.write("error code=0x0005001d blame=caller\n");
                break;
            }
        }
    }
    let mut keys = Keys::new();
    loop {
        let mut editor: LineEditor<255> = LineEditor::new(COLUMNS);
        editor.start(PROMPT, "", &mut uart);
        let edited = loop {
            match keys.read(&mut uart, Instant::ZERO) {
                Some(key) => {
                    if let Some(edited) = editor.key(key, EarlierLines::default(), &mut uart) {
                        break edited;
                    }
                }
                None if !uart.wait() => return,
                None => {}
            }
        };
        if edited == Edited::Entered && !editor.text().is_empty() {
            let answer = answer(editor.text(), board, &mut enabled);
            uart.write(&answer);
        }
    }
}

/// What the board answers to a line.
fn answer(line: &str, board: Board, enabled: &mut bool) -> String {
    if board == Board::Plain {
        return "error code=0x000a0007 blame=configuration\n".into();
    }
    match line {
        "ztp status" | "ztp status --verbose" => {
            let more = match line.ends_with("--verbose") {
                true => {
                    "ztp times started_ms=812 ended_ms=9120\nztp place uri=https://h/\x1b[31mfw\n"
                }
                false => "",
            };
            format!(
                "ztp enabled={enabled} required=false stage=failed asked=4 rounds=4 rounds_left=0 dhcp_servers=1\n\
                 @configured t=5 address=10.0.2.15/24\n\
                 ztp server uri=https://h/ named=dhcp redirects=0 proven=false signed=false\n\
                 INFO  somebody says netboot> \n\
                 ztp error code=0x000f0030 blame=server\n{more}"
            )
        }
        "ztp disable" | "ztp enable" => {
            *enabled = line == "ztp enable";
            let until = match enabled {
                true => "",
                false => " until the next reset",
            };
            format!("{line}d{until}\n")
        }
        "ztp run" if !*enabled => "error code=0x0007001e blame=configuration\n".into(),
        "ztp run" => {
            "@bootstrap t=1 uri=https://h/ proof=none\x1b]0;evil\x07\n@finished t=9 status=0x00000000\n@report later\n".into()
        }
        _ => "error code=0x000a0007 blame=configuration\n".into(),
    }
}

/// A board behind a terminal device, whose path is returned. The slave stays open, so that the device is there between two calls.
fn terminal(board: Board) -> (PathBuf, File) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let path = PathBuf::from(std::ffi::OsString::from_vec(name.into_bytes()));
    let slave = File::options().read(true).write(true).open(&path).unwrap();
    thread::spawn(move || serve(File::from(master), board));
    (path, slave)
}

/// Calls the tool at a console.
fn ztp(console: &str, arguments: &[&str]) -> (i32, String) {
    let line = [&["ztp"], arguments, &["--console", console]].concat();
    Folder::new().netboot(&line)
}

#[track_caller]
fn says(console: &str, arguments: &[&str], code: i32, parts: &[&str]) -> String {
    let (found, text) = ztp(console, arguments);
    assert_eq!(found, code, "{text}");
    for part in parts {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains('\x1b') && !text.contains('\x07'), "{text:?}");
    text
}

#[test]
fn a_board_behind_a_terminal_device() {
    let (path, _slave) = terminal(Board::Idle);
    let console = path.to_str().unwrap();
    let text = says(console, &["status"], 0, &["Provisioning has failed"]);
    for part in [
        "  enabled: ",
        "4 questions asked, 4 rounds over all servers failed, none is left",
        "  server: https://h/, which DHCP named",
        "  trust: none: the server has proved nothing",
        "another serial",
        "(number 0x000f0030, blame: server)",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    says(
        console,
        &["status", "--verbose", "--baud", "115200"],
        0,
        &["began at 0.812 s", "boot image at https://h/fw"],
    );
    let raw = says(console, &["status", "--raw"], 0, &[]);
    assert_eq!(raw.lines().count(), 3, "{raw}");
    assert!(raw.starts_with("ztp enabled=true "), "{raw}");
    says(
        console,
        &["disable"],
        0,
        &["is disabled until the board's next reset"],
    );
    says(
        console,
        &["status"],
        0,
        &["  disabled: boots ask no bootstrap servers"],
    );
    says(
        console,
        &["run"],
        1,
        &["The board refuses: provisioning is disabled", "0x0007001e"],
    );
    says(
        console,
        &["enable"],
        0,
        &["Provisioning is enabled: boots ask"],
    );
    let text = says(
        console,
        &["run"],
        0,
        &[
            "@bootstrap t=1 uri=https://h/ proof=none\n",
            "The board has booted.",
        ],
    );
    assert!(!text.contains("@report"), "{text}");
}

#[test]
fn a_board_behind_a_socket_ends_what_runs_only_when_told() {
    let folder = Folder::new();
    let path = folder.path("uart.sock");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap(), Board::Busy);
        }
    });
    let console = path.to_str().unwrap();
    says(
        console,
        &["status", "--timeout", "1"],
        1,
        &[
            "is not at its prompt",
            "@delivered t=7",
            "which `netboot ztp disable` ends",
        ],
    );
    says(
        console,
        &["disable"],
        0,
        &[
            "What ran at the prompt has ended: a person ended the command",
            "is disabled",
        ],
    );
}

#[test]
fn boards_behind_a_console_server() {
    for (board, arguments, code, part) in [
        (Board::Idle, &["status"][..], 0, "Provisioning has failed"),
        (
            Board::Plain,
            &["status"],
            1,
            "Its build has no command `ztp`",
        ),
        (
            Board::Plain,
            &["status", "--raw"],
            1,
            "error code=0x000a0007",
        ),
        (Board::Plain, &["enable"], 1, "number 0x000a0007"),
        (
            Board::Deaf,
            &["enable", "--timeout", "1"],
            1,
            "setting `shell on`",
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let console = listener.local_addr().unwrap().to_string();
        thread::spawn(move || serve(listener.accept().unwrap().0, board));
        says(&console, arguments, code, &[part]);
    }
}

#[test]
fn a_console_that_closes_and_wrong_calls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let console = listener.local_addr().unwrap().to_string();
    let closing = thread::spawn(move || drop(listener.accept()));
    let (code, text) = ztp(&console, &["status"]);
    // Whether it is noticed by the write or by the read depends on the moment.
    assert!(code == 1 && text.starts_with("netboot: "), "{text}");
    closing.join().unwrap();
    let (code, text) = ztp("/nowhere/tty", &["status"]);
    assert!(
        code == 1 && text.contains("cannot open the console /nowhere/tty"),
        "{text}"
    );
    for wrong in [
        &["ztp", "status"][..],
        &["ztp", "status", "--console", "host:ssh"],
        &["ztp", "status", "--console", "/dev/tty", "--timeout", "0"],
        &["ztp", "run", "--console", "/dev/tty", "--baud", "1"],
        &["ztp", "dance", "--console", "/dev/tty"],
    ] {
        let (code, text) = Folder::new().netboot(wrong);
        assert_eq!(code, 2, "{wrong:?}: {text}");
    }
}
