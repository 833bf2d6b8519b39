//! The HTTP server, seen through TCP.

mod common;

use common::{Client, End, get, pattern, with_file};
use image_server::{Content, EtagKind, Framing, HttpFault, Protocol, Redirect, Rule, ServerConfig};
use netboot_core::{Duration, Instant};
use netsim::LinkConfig;
use smoltcp::socket::tcp;

const SIZE: u64 = 100_000;

fn with_fault(fault: HttpFault) -> Client {
    let mut config = with_file(SIZE);
    config.faults.http.once(fault);
    Client::perfect(config)
}

fn file() -> Vec<u8> {
    pattern(SIZE).to_vec()
}

#[test]
fn whole_file_with_its_fields() {
    let mut client = Client::perfect(with_file(SIZE));
    let answer = client.get("fw.bin");
    assert_eq!((answer.status(), answer.end), (200, End::Whole));
    assert!(answer.body() == file());
    assert_eq!(answer.field("content-length"), Some("100000"));
    assert_eq!(answer.field("accept-ranges"), Some("bytes"));
    assert!(answer.field("etag").unwrap().starts_with('"'));
    assert!(answer.field("last-modified").unwrap().ends_with("GMT"));
    let served = client.last_served();
    assert_eq!(
        (served.protocol, served.status, served.octets),
        (Protocol::Http, 200, SIZE)
    );
    assert!(served.complete && served.name == "fw.bin");

    let head = client.http("HEAD /fw.bin HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert_eq!(
        (head.status(), head.end, head.body().len()),
        (200, End::Closed, 0)
    );
    assert_eq!(head.field("content-length"), Some("100000"));
}

#[test]
fn ranges_and_conditions() {
    let mut client = Client::perfect(with_file(SIZE));
    let etag = client.get("fw.bin").field("etag").unwrap().to_string();
    for (range, offset, length) in [
        ("bytes=0-0", 0, 1),
        ("bytes=99000-", 99_000, 1_000),
        ("bytes=-10", 99_990, 10),
        ("bytes=50-149", 50, 100),
    ] {
        let part = client.http(&get(
            "fw.bin",
            &format!("Range: {range}\r\nIf-Range: {etag}\r\n"),
        ));
        assert_eq!(part.status(), 206, "{range}");
        assert!(part.body() == &file()[offset..offset + length]);
        let expected = format!("bytes {offset}-{}/{SIZE}", offset + length - 1);
        assert_eq!(part.field("content-range"), Some(expected.as_str()));
        assert_eq!(client.last_served().offset, offset as u64);
    }
    let date = "Sat, 01 Aug 2026 12:00:00 GMT";
    let dated = client.http(&get(
        "fw.bin",
        &format!("Range: bytes=5-\r\nIf-Range: {date}\r\n"),
    ));
    assert_eq!(dated.status(), 206);
    let other = client.http(&get("fw.bin", "Range: bytes=5-\r\nIf-Range: \"other\"\r\n"));
    assert_eq!((other.status(), other.body().len()), (200, SIZE as usize));
    let beyond = client.http(&get("fw.bin", "Range: bytes=100000-\r\n"));
    assert_eq!(
        (beyond.status(), beyond.field("content-range")),
        (416, Some("bytes */100000"))
    );
}

#[test]
fn tags_and_ranges_as_configured() {
    let mut config = with_file(SIZE);
    config.http.etag = EtagKind::Weak;
    config.http.last_modified = None;
    let mut client = Client::perfect(config);
    let etag = client.get("fw.bin").field("etag").unwrap().to_string();
    assert!(etag.starts_with("W/\""));
    let weak = client.http(&get(
        "fw.bin",
        &format!("Range: bytes=5-\r\nIf-Range: {etag}\r\n"),
    ));
    assert_eq!(weak.status(), 200);
    client.world().server.config_mut().http.etag = EtagKind::None;
    client.world().server.config_mut().http.ranges = false;
    let plain = client.http(&get("fw.bin", "Range: bytes=5-\r\n"));
    assert_eq!((plain.status(), plain.field("etag")), (200, None));
    assert_eq!(plain.field("accept-ranges"), Some("none"));
}

#[test]
fn many_requests_on_one_connection_and_in_one_segment() {
    let mut config = with_file(500);
    config.http.max_requests = Some(12);
    let mut client = Client::perfect(config);
    let socket = client.connect(80, 8_192);
    for _ in 0..10 {
        client.write(socket, get("fw.bin", "").as_bytes());
        let answer = client.read(socket, Duration::from_secs(5));
        assert!(answer.end == End::Whole && answer.body() == pattern(500).to_vec());
    }
    let two = get("fw.bin", "").repeat(2);
    client.write(socket, two.as_bytes());
    let mut octets = client.read(socket, Duration::from_secs(5)).octets;
    let rest = client.read(socket, Duration::from_secs(5));
    octets.extend_from_slice(&rest.octets);
    let text = String::from_utf8_lossy(&octets);
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2);
    assert_eq!(text.matches("Connection: close").count(), 1);
    assert_eq!(client.served().len(), 12);
    assert!(client.served().iter().all(|served| served.complete));
}

#[test]
fn bodies_chunked_and_delimited_by_the_end() {
    let mut config = with_file(SIZE);
    config.http.framing = Framing::Chunked;
    let mut client = Client::perfect(config);
    let chunked = client.get("fw.bin");
    assert_eq!(chunked.field("content-length"), None);
    assert!(chunked.dechunked() == file());
    // HTTP/1.0 knows no chunks.
    let old = client.http("GET /fw.bin HTTP/1.0\r\n\r\n");
    assert!(old.end == End::Closed && old.body() == file());
    assert!(old.head().starts_with("HTTP/1.0 200"));
    client.world().server.config_mut().http.framing = Framing::Close;
    let closed = client.get("fw.bin");
    assert!(closed.end == End::Closed && closed.body() == file());
    assert_eq!(closed.field("connection"), Some("close"));
}

#[test]
fn refusals() {
    let mut config = with_file(SIZE);
    config.http.basic_auth = Some(("board".into(), "s3cret".into()));
    let redirect = Redirect {
        status: 307,
        location: "http://10.0.0.1/fw.bin".into(),
    };
    config.http.redirects.insert("/old.bin".into(), redirect);
    let mut client = Client::perfect(config);
    let denied = client.get("fw.bin");
    assert_eq!(denied.status(), 401);
    assert!(
        denied
            .field("www-authenticate")
            .unwrap()
            .starts_with("Basic realm=")
    );
    let wrong = client.http(&get("fw.bin", "Authorization: Basic Ym9hcmQ6d3Jvbmc=\r\n"));
    assert_eq!(wrong.status(), 401);
    let right = "Authorization: Basic Ym9hcmQ6czNjcmV0\r\n";
    assert_eq!(client.http(&get("fw.bin", right)).status(), 200);
    assert_eq!(client.http(&get("none.bin", right)).status(), 404);
    let moved = client.http(&get("old.bin?x", right));
    assert_eq!(
        (moved.status(), moved.field("location")),
        (307, Some("http://10.0.0.1/fw.bin"))
    );
    assert_eq!(
        client.http("POST / HTTP/1.1\r\nHost: h\r\n\r\n").status(),
        405
    );
    assert_eq!(client.http("GET / HTTP/1.1\r\n\r\n").status(), 400);
    let noise = client.http("\u{16}\u{3}\u{1}");
    assert_eq!((noise.status(), noise.end), (400, End::Whole));
    let endless = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(7_000));
    let socket = client.connect(80, 8_192);
    client.write(socket, endless.as_bytes());
    for _ in 0..3 {
        client.pass(Duration::from_millis(10));
        client.write(socket, "x".repeat(7_000).as_bytes());
    }
    assert_eq!(client.read(socket, Duration::from_secs(5)).status(), 431);
}

#[test]
fn throughput_is_window_per_round_trip() {
    for (window, millis) in [(16_384, 10), (65_535, 10), (65_535, 2)] {
        let link = LinkConfig::with_delay(Duration::from_micros(millis * 500));
        let mut client = Client::new(with_file(2_000_000), link);
        let answer = client.http_with_window(&get("fw.bin", ""), window);
        assert!(answer.end == End::Whole);
        let took = client.last_served().at.as_micros() as f64;
        let best = 2_000_000.0 / window as f64 * (millis * 1_000) as f64;
        assert!(
            took < best * 1.3 + 30_000.0,
            "{window} {millis}: {took} µs, at best {best}"
        );
        assert!(
            took > best * 0.7,
            "{window} {millis}: {took} µs, at best {best}"
        );
    }
}

#[test]
fn lossy_links_only_take_longer() {
    for seed in 0..4 {
        let mut config = with_file(300_000);
        config.seed = seed;
        let link = LinkConfig {
            delay: Duration::from_millis(2),
            jitter: Duration::from_millis(1),
            loss: 0.02,
            duplicate: 0.02,
            reorder: 0.02,
            corrupt: 0.01,
            ..LinkConfig::default()
        };
        let mut client = Client::new(config, link);
        let answer = client.get("fw.bin");
        assert_eq!(answer.end, End::Whole, "{seed} {answer:?}");
        assert!(answer.body() == pattern(300_000).to_vec());
    }
}

#[test]
fn connections_are_many_and_bounded_and_never_used_up() {
    let mut config = with_file(100);
    config.http.max_connections = 10;
    let mut client = Client::perfect(config);
    // The server closes first, so its sockets go through TIME-WAIT.
    for _ in 0..30 {
        let answer = client.http(&get("fw.bin", "Connection: close\r\n"));
        assert_eq!(answer.end, End::Whole);
    }
    let mut sockets = Vec::new();
    for _ in 0..14 {
        sockets.push(client.connect(80, 2_048));
        client.pass(Duration::from_millis(1));
    }
    let established = |client: &Client| {
        let state = |socket| client.sockets.get::<tcp::Socket>(socket).state();
        let open = sockets
            .iter()
            .filter(|socket| state(**socket) == tcp::State::Established);
        open.count()
    };
    assert_eq!(established(&client), 10);
    // Idle ones are closed in time, and there is room again.
    client.pass(Duration::from_secs(61));
    assert_eq!(established(&client), 0);
    for socket in sockets {
        client.sockets.get_mut::<tcp::Socket>(socket).abort();
    }
    client.pass(Duration::from_secs(1));
    assert_eq!(client.get("fw.bin").status(), 200);
}

#[test]
fn disabled_server_refuses() {
    let mut config = with_file(100);
    config.http.backlog = 0;
    let mut client = Client::perfect(config);
    let socket = client.connect(80, 2_048);
    client.pass(Duration::from_millis(10));
    assert_eq!(
        client.sockets.get::<tcp::Socket>(socket).state(),
        tcp::State::Closed
    );
}

#[test]
fn client_that_vanishes_is_recorded() {
    let mut client = Client::perfect(with_file(10_000_000));
    let socket = client.connect(80, 10_000);
    client.write(socket, get("fw.bin", "").as_bytes());
    client.pass(Duration::from_millis(10));
    client.sockets.get_mut::<tcp::Socket>(socket).abort();
    client.pass(Duration::from_millis(10));
    let served = client.last_served();
    assert!(!served.complete && served.octets < 10_000_000);
}

#[test]
fn faults_that_cut_the_body() {
    let mut client = with_fault(HttpFault::ResetAfter(30_000));
    let answer = client.get("fw.bin");
    assert_eq!((answer.end, answer.body().len()), (End::Reset, 30_000));
    let served = client.last_served();
    assert_eq!((served.octets, served.complete), (30_000, false));
    assert_eq!(client.get("fw.bin").end, End::Whole);

    let answer = with_fault(HttpFault::CloseAfter(30_000)).get("fw.bin");
    assert_eq!((answer.end, answer.body().len()), (End::Closed, 30_000));
    let answer = with_fault(HttpFault::StallAfter(30_000)).get("fw.bin");
    assert_eq!((answer.end, answer.body().len()), (End::Quiet, 30_000));
    let answer = with_fault(HttpFault::ResetAfter(0)).get("fw.bin");
    assert_eq!((answer.end, answer.body().len()), (End::Reset, 0));
}

#[test]
fn faults_of_time() {
    let mut client = with_fault(HttpFault::Drip(20_000));
    let answer = client.get("fw.bin");
    assert!(answer.end == End::Whole && answer.body() == file());
    let took = client.last_served().at;
    assert!((4_900..5_300).contains(&took.as_millis()), "{took}");

    let mut client = with_fault(HttpFault::Delay(Duration::from_secs(7)));
    assert_eq!(client.get("fw.bin").end, End::Whole);
    assert!(client.last_served().at >= Instant::from_millis(7_000));

    let mut client = with_fault(HttpFault::NeverAnswer);
    let answer = client.get("fw.bin");
    assert_eq!((answer.end, answer.octets.len()), (End::Quiet, 0));
    assert_eq!(
        (client.last_served().status, client.last_served().complete),
        (0, false)
    );
    assert_eq!(client.get("fw.bin").end, End::Whole);
}

#[test]
fn faults_of_lengths_and_ranges() {
    let longer = with_fault(HttpFault::ContentLength(500)).get("fw.bin");
    assert_eq!(
        (longer.end, longer.field("content-length")),
        (End::Closed, Some("100500"))
    );
    assert_eq!(longer.body().len(), SIZE as usize);
    let mut client = with_fault(HttpFault::ContentLength(-500));
    let socket = client.connect(80, 65_535);
    client.write(socket, get("fw.bin", "").as_bytes());
    let shorter = client.read(socket, Duration::from_secs(1));
    assert_eq!(shorter.field("content-length"), Some("99500"));
    client.pass(Duration::from_secs(1));
    let rest = client.read(socket, Duration::from_secs(1)).octets.len();
    assert_eq!(shorter.body().len() + rest, SIZE as usize);

    let wrong = HttpFault::ContentRange("bytes 6-99999/100000".into());
    let wrong = with_fault(wrong).http(&get("fw.bin", "Range: bytes=5-\r\n"));
    assert_eq!(
        (wrong.status(), wrong.field("content-range")),
        (206, Some("bytes 6-99999/100000"))
    );
    let ignored = with_fault(HttpFault::IgnoreRange).http(&get("fw.bin", "Range: bytes=5-\r\n"));
    assert_eq!(
        (ignored.status(), ignored.body().len()),
        (200, SIZE as usize)
    );
}

#[test]
fn faults_of_the_content() {
    let corrupt = with_fault(HttpFault::Corrupt(77_777)).get("fw.bin");
    let mut expected = file();
    expected[77_777] ^= 0xFF;
    assert!(corrupt.body() == expected);

    let other = Content::from("another file");
    let mut client = Client::perfect(with_file(SIZE));
    let before = client.get("fw.bin");
    let rule = Rule::new(HttpFault::Replace(other))
        .named("fw.bin")
        .times(2);
    client.world().server.faults_mut().http.add(rule);
    let after = client.get("fw.bin");
    assert_eq!(after.body(), b"another file");
    assert_ne!(before.field("etag"), after.field("etag"));
    let etag = before.field("etag").unwrap();
    let resumed = client.http(&get(
        "fw.bin",
        &format!("Range: bytes=5-\r\nIf-Range: {etag}\r\n"),
    ));
    assert_eq!(
        (resumed.status(), resumed.body()),
        (200, &b"another file"[..])
    );
}

#[test]
fn faults_with_redirects_and_statuses() {
    let looped = with_fault(HttpFault::RedirectLoop).get("fw.bin?a=1");
    assert_eq!(
        (looped.status(), looped.field("location")),
        (302, Some("/fw.bin?a=1"))
    );
    let moved = with_fault(HttpFault::Redirect(301, "/x".into())).get("fw.bin");
    assert_eq!((moved.status(), moved.field("location")), (301, Some("/x")));
    let busy = with_fault(HttpFault::Status(503, Some(4))).get("fw.bin");
    assert_eq!((busy.status(), busy.field("retry-after")), (503, Some("4")));
    let empty = with_fault(HttpFault::Status(204, None)).get("fw.bin");
    assert_eq!(
        (
            empty.status(),
            empty.field("content-length"),
            empty.body().len()
        ),
        (204, None, 0)
    );
}

#[test]
fn faults_of_the_head() {
    let noise = with_fault(HttpFault::GarbageHead).get("fw.bin");
    assert!(noise.octets[0] == 0 && noise.octets.len() == 300 + SIZE as usize);
    let huge = with_fault(HttpFault::HugeHead(50_000)).get("fw.bin");
    assert!(huge.head().len() > 50_000 && huge.end == End::Whole);
    let interim = with_fault(HttpFault::Interim(3)).get("fw.bin");
    let text = String::from_utf8_lossy(&interim.octets).into_owned();
    assert_eq!(interim.status(), 100);
    assert!(text.contains("HTTP/1.1 103 ") && text.contains("HTTP/1.1 200 OK"));
    let odd = HttpFault::Header("Content-Encoding: gzip".into());
    assert_eq!(
        with_fault(odd).get("fw.bin").field("content-encoding"),
        Some("gzip")
    );
}

#[test]
fn faults_of_the_framing() {
    let chunked = with_fault(HttpFault::Framing(Framing::Chunked)).get("fw.bin");
    assert!(chunked.dechunked() == file());
    let broken = with_fault(HttpFault::BadChunk).get("fw.bin");
    assert!(String::from_utf8_lossy(broken.body()).contains("\r\nno number\r\n"));
    let old = with_fault(HttpFault::Http10).get("fw.bin");
    assert!(old.head().starts_with("HTTP/1.0 ") && old.body() == file());
    let mut client = with_fault(HttpFault::SilentClose);
    let socket = client.connect(80, 65_535);
    client.write(socket, get("fw.bin", "").as_bytes());
    let closed = client.read(socket, Duration::from_secs(1));
    assert_eq!((closed.end, closed.field("connection")), (End::Whole, None));
    client.pass(Duration::from_secs(1));
    assert!(!client.sockets.get::<tcp::Socket>(socket).may_recv());
    let mut client = with_fault(HttpFault::Trailing(b"junk".to_vec()));
    let socket = client.connect(80, 65_535);
    client.write(socket, get("fw.bin", "").as_bytes());
    let mut octets = client.read(socket, Duration::from_secs(1)).octets;
    client.pass(Duration::from_secs(1));
    octets.extend(client.read(socket, Duration::from_secs(1)).octets);
    assert!(octets.ends_with(b"junk"));
}

#[test]
fn fault_burst_comes_first() {
    let mut client = with_fault(HttpFault::Burst(300, 1_000));
    assert_eq!(client.get("fw.bin").end, End::Whole);
    let stats = client.world().link.stats().from_server;
    assert!(stats.sent_octets > 300_000 + SIZE);
}

#[test]
fn big_file_takes_little_time() {
    let started = std::time::Instant::now();
    let config = ServerConfig {
        files: [("big.bin".to_string(), pattern(16 << 20))].into(),
        ..ServerConfig::default()
    };
    let link = LinkConfig::with_delay(Duration::from_micros(200));
    let mut client = Client::new(config, link);
    let answer = client.get("big.bin");
    assert!(answer.end == End::Whole && answer.body().len() == 16 << 20);
    let took = started.elapsed();
    assert!(took.as_secs() < 60, "{took:?}");
    println!(
        "16 MiB in {took:?} of real and {} s of virtual time",
        client.now()
    );
}
