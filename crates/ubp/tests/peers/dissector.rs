//! What Wireshark's dissector in the book's examples makes of a conversation.

use crate::pattern;
use crate::server::Served;
use netboot_ubp::server::{Bucket, Reply, Server};
use netboot_ubp::wire::{Answer, DATA_MAX, Get, Name, Open, REQUEST_MAX, Report, Request};
use netboot_ubp::{Endpoint, Instant, PORT};
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

/// Whether the program is there. In continuous integration it has to be.
fn is_installed() -> bool {
    if Command::new("tshark").arg("--version").output().is_ok() {
        return true;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "run `apt-get install tshark`"
    );
    eprintln!("SKIPPED: tshark is missing: run `apt-get install tshark`");
    false
}

/// A capture of IP packets.
struct Pcap(Vec<u8>);

impl Pcap {
    fn new() -> Self {
        let mut file = Vec::new();
        // The magic of a file in little endian with microseconds; version 2.4; link type 101, raw IP.
        for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 101] {
            file.extend(u32::to_le_bytes(word));
        }
        Self(file)
    }

    /// Adds a datagram from or to the server's port.
    fn add(&mut self, from_server: bool, payload: &[u8]) {
        let udp = 8 + payload.len();
        let mut packet = vec![0x45, 0];
        packet.extend(((20 + udp) as u16).to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 17, 0, 0]);
        let (board, server) = (([10, 0, 0, 9], 40_000), ([10, 0, 0, 1], PORT));
        let (from, to) = match from_server {
            true => (server, board),
            false => (board, server),
        };
        packet.extend(from.0);
        packet.extend(to.0);
        for short in [from.1, to.1, udp as u16, 0] {
            packet.extend(short.to_be_bytes());
        }
        packet.extend(payload);
        let len = packet.len() as u32;
        for word in [0, 0, len, len] {
            self.0.extend(word.to_le_bytes());
        }
        self.0.extend(packet);
    }
}

/// A conversation with each message in it. META and DATA are what the server answers.
fn conversation() -> Pcap {
    let mut pcap = Pcap::new();
    let file = Served::new(pattern(70_000));
    let board = Endpoint {
        addr: IpAddr::from([10, 0, 0, 9]),
        port: 40_000,
    };
    let now = Instant::ZERO;
    let mut server = Server::new([1; 16], Some(Bucket::new(1, 1, now)));
    let (mut ask, mut buf) = ([0; REQUEST_MAX], [0; DATA_MAX]);
    let mut give = |request: Request<'_>, pcap: &mut Pcap| {
        let len = request.emit(&mut ask).unwrap();
        pcap.add(false, &ask[..len]);
        let mut answer = None;
        match server.handle(now, board, &ask[..len], &file, &mut buf) {
            Reply::Send(len) => {
                pcap.add(true, &buf[..len]);
                if let Some(Answer::Meta(meta)) = Answer::parse(&buf[..len]) {
                    answer = Some(meta.cookie);
                }
            }
            Reply::Burst(mut burst) => {
                while let Some(len) = burst.poll_transmit(now, &file, &mut buf) {
                    pcap.add(true, &buf[..len]);
                }
            }
            Reply::None | Reply::Report(_) => {}
        }
        answer
    };
    let open = |name| {
        Request::Open(Open {
            nonce: 0xabcd,
            window: 32,
            rate: 0,
            multicast: false,
            name,
        })
    };
    let id = file.object.id();
    give(open(Name::Path(b"/missing")), &mut pcap);
    give(open(Name::Digest(file.object.digest)), &mut pcap);
    let cookie = give(open(Name::Path(b"/fw.bin")), &mut pcap).expect("META");
    let get = |first, map| {
        Request::Get(Get {
            cookie,
            id,
            first,
            map,
            gap: 0,
        })
    };
    // The second one is beyond the budget.
    give(get(3, 0b1011), &mut pcap);
    give(get(70, 1), &mut pcap);
    let report = Report {
        cookie,
        id,
        octets: 70_000,
        error: 0x0010_0005,
        millis: 12,
        lost: 1,
        repeated: 2,
        wrong: 3,
        state: 4,
    };
    give(Request::Report(report), &mut pcap);
    let parity = Answer::Parity {
        id: 1,
        first: 16,
        count: 9,
        sum: &[7; 1024],
    };
    let mut out = [0; DATA_MAX];
    let len = parity.emit(&mut out).unwrap();
    pcap.add(true, &out[..len]);
    pcap.add(true, b"no message");
    pcap
}

#[test]
fn wireshark_reads_a_conversation() {
    if !is_installed() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let capture = directory.path().join("boot.pcap");
    std::fs::write(&capture, conversation().0).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/ubp.lua");
    let mut command = Command::new("tshark");
    command
        .arg("-X")
        .arg(format!("lua_script:{}", script.display()))
        .arg("-r")
        .arg(&capture)
        .args(["-T", "fields", "-E", "separator=;"]);
    for field in [
        "_ws.col.Protocol",
        "_ws.col.Info",
        "ubp.number",
        "ubp.asked",
        "ubp.size",
        "ubp.report.error",
    ] {
        command.args(["-e", field]);
    }
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && !errors.contains("Lua"),
        "{errors}"
    );
    let lines = String::from_utf8(output.stdout).unwrap();
    let digest = Served::new(pattern(70_000)).object.digest.to_string();
    let expected = [
        "UBP;OPEN /missing;;;;".to_string(),
        "UBP;ERROR no such file;;;;".into(),
        format!("UBP;OPEN {};;;;", digest.to_uppercase()),
        "UBP;META 70000 octets;;;70000;".into(),
        "UBP;OPEN /fw.bin;;;;".into(),
        "UBP;META 70000 octets;;;70000;".into(),
        "UBP;GET 3 from 3;3;3;;".into(),
        "UBP;DATA 3;3;;;".into(),
        "UBP;DATA 4;4;;;".into(),
        "UBP;DATA 6;6;;;".into(),
        "UBP;GET 1 from 70;70;1;;".into(),
        "UBP;BUSY for 3096000 ms;;;;".into(),
        "UBP;REPORT error 0x00100005;;;;0x00100005".into(),
        "UBP;PARITY 9 from 16;16;;;".into(),
    ];
    let found: Vec<_> = lines.lines().collect();
    assert_eq!(found[..expected.len()], expected);
    assert_eq!(found.len(), expected.len() + 1);
    assert!(!found[expected.len()].contains("UBP"));
}
