use super::answers::body;
use super::*;
use std::net::{Ipv4Addr, SocketAddrV4};

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);

fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

/// Gives `meter` a datagram.
fn udp(meter: &mut Meter, micros: u64, sent: bool, ports: (u16, u16), payload: &[u8]) {
    let (client, server) = (
        SocketAddrV4::new(CLIENT, ports.0),
        SocketAddrV4::new(SERVER, ports.1),
    );
    let (from, to) = if sent {
        (client, server)
    } else {
        (server, client)
    };
    let frame = Datagram {
        from_mac: [2; 6],
        to_mac: [4; 6],
        from,
        to,
        payload,
    };
    meter.frame(at(micros), sent, &frame.frame());
}

/// A message of the UDP boot protocol: its type, and numbers of four octets by their place.
fn ubp(kind: u8, len: usize, numbers: &[(usize, u32)]) -> Vec<u8> {
    let mut message = vec![0; len];
    message[0] = kind;
    for (at, number) in numbers {
        message[*at..at + 4].copy_from_slice(&number.to_be_bytes());
    }
    message
}

#[test]
fn a_fetch_by_ubp_lasts_from_open_to_the_good_report() {
    let mut meter = Meter::new(2_000);
    let ports = (50_001, 6_910);
    udp(&mut meter, 100, true, ports, &ubp(0x11, 288, &[]));
    udp(&mut meter, 110, true, ports, &ubp(0x11, 288, &[]));
    udp(&mut meter, 300, false, ports, &ubp(0x12, 80, &[]));
    udp(&mut meter, 310, true, ports, &ubp(0x15, 32, &[(24, 0)]));
    udp(&mut meter, 510, false, ports, &ubp(0x16, 1032, &[(4, 0)]));
    udp(&mut meter, 520, false, ports, &ubp(0x16, 1032, &[(4, 1)]));
    // A transfer that failed is taken up again.
    udp(&mut meter, 600, true, ports, &ubp(0x18, 48, &[(24, 7)]));
    assert!(meter.fetches().is_empty());
    udp(&mut meter, 700, true, ports, &ubp(0x18, 48, &[(24, 0)]));
    let fetch = Fetch {
        began: at(100),
        requested: at(100),
        first: at(510),
        ended: at(700),
        octets: 2_000,
        trip: Some(Duration::from_micros(200)),
    };
    assert_eq!(meter.fetches(), [fetch]);
}

fn tcp(
    meter: &mut Meter,
    micros: u64,
    sent: bool,
    port: u16,
    sequence: u32,
    ack: u32,
    payload: &[u8],
) {
    let (client, server) = (
        SocketAddrV4::new(CLIENT, 50_000),
        SocketAddrV4::new(SERVER, port),
    );
    let (from, to) = if sent {
        (client, server)
    } else {
        (server, client)
    };
    let segment = Segment {
        from,
        to,
        sequence,
        ack: Some(ack),
        window: 65_535,
        scale: None,
        payload,
    };
    meter.segment(at(micros), sent, &segment);
}

fn data(block: u16, octets: usize) -> Vec<u8> {
    let mut payload = vec![0, 3];
    payload.extend(block.to_be_bytes());
    payload.resize(4 + octets, 0x5A);
    payload
}

#[test]
fn a_tftp_fetch_ends_with_the_ack_of_its_short_block() {
    let mut meter = Meter::new(2_500);
    udp(
        &mut meter,
        10,
        true,
        (4000, 69),
        b"\0\x01f\0octet\0blksize\x001000\0",
    );
    udp(
        &mut meter,
        20,
        false,
        (4000, 5000),
        b"\0\x06tsize\x002500\0blksize\x001000\0",
    );
    udp(&mut meter, 30, true, (4000, 5000), b"\0\x04\0\0");
    for (number, octets) in [(1, 1000), (3, 500), (2, 1000)] {
        udp(
            &mut meter,
            40 + u64::from(number),
            false,
            (4000, 5000),
            &data(number, octets),
        );
    }
    // Block 3 came before block 2, so it has to come again.
    udp(&mut meter, 50, true, (4000, 5000), b"\0\x04\0\x02");
    assert_eq!(meter.unfinished(), Some(2_000));
    udp(&mut meter, 60, true, (4000, 5000), b"\0\x04\0\x03");
    assert!(
        meter.fetches().is_empty(),
        "an ACK of what was never received"
    );
    udp(&mut meter, 70, false, (4000, 5000), &data(3, 500));
    udp(&mut meter, 80, true, (4000, 5000), b"\0\x04\0\x03");
    let fetch = Fetch {
        began: at(10),
        requested: at(10),
        first: at(41),
        ended: at(80),
        octets: 2_500,
        trip: Some(Duration::from_micros(11)),
    };
    assert_eq!(meter.fetches(), [fetch]);
    assert_eq!(meter.unfinished(), None);
    assert_eq!(fetch.rate().unwrap().round(), 35_714_286.0);
    // The last ACK, repeated, is no other fetch.
    udp(&mut meter, 90, true, (4000, 5000), b"\0\x04\0\x03");
    assert_eq!(meter.fetches().len(), 1);
}

#[test]
fn a_repeated_read_request_is_the_same_fetch() {
    let mut meter = Meter::new(3);
    udp(&mut meter, 10, true, (4000, 69), b"\0\x01f\0octet\0");
    udp(&mut meter, 20, true, (4001, 69), b"\0\x01f\0octet\0");
    udp(&mut meter, 30, false, (4000, 5000), &data(1, 3));
    udp(&mut meter, 40, false, (4001, 5001), &data(1, 3));
    udp(&mut meter, 50, true, (4001, 5001), b"\0\x04\0\x01");
    assert_eq!(meter.fetches()[0].began, at(10));
    assert_eq!(meter.fetches()[0].first, at(40));
}

#[test]
fn an_http_fetch_ends_where_its_length_says() {
    let mut meter = Meter::new(10);
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n";
    // Sequence numbers wrap within the head.
    let start = u32::MAX - 3;
    tcp(&mut meter, 5, true, 80, 99, start, b"");
    tcp(
        &mut meter,
        10,
        true,
        80,
        100,
        start,
        b"GET /f HTTP/1.1\r\n\r\n",
    );
    tcp(
        &mut meter,
        15,
        true,
        80,
        100,
        start,
        b"GET /f HTTP/1.1\r\n\r\n",
    );
    tcp(&mut meter, 20, false, 80, start, 119, &head[..20]);
    tcp(
        &mut meter,
        21,
        false,
        80,
        start.wrapping_add(20),
        119,
        &head[20..],
    );
    let body_at = start.wrapping_add(head.len() as u32);
    tcp(&mut meter, 30, false, 80, body_at, 119, b"01234");
    tcp(&mut meter, 31, true, 80, 119, body_at.wrapping_add(5), b"");
    assert_eq!(meter.unfinished(), Some(5));
    tcp(
        &mut meter,
        40,
        false,
        80,
        body_at.wrapping_add(5),
        119,
        b"56789",
    );
    tcp(&mut meter, 41, true, 80, 119, body_at.wrapping_add(10), b"");
    let fetch = Fetch {
        began: at(10),
        requested: at(10),
        first: at(30),
        ended: at(41),
        octets: 10,
        trip: Some(Duration::from_micros(20)),
    };
    assert_eq!(meter.fetches(), [fetch]);
    // A second request on the connection is a fetch of its own.
    tcp(
        &mut meter,
        50,
        true,
        80,
        119,
        body_at.wrapping_add(10),
        b"GET /f HTTP/1.1\r\n\r\n",
    );
    assert_eq!(meter.unfinished(), Some(0));
}

#[test]
fn a_request_that_acknowledges_the_last_answer_ends_it() {
    let mut meter = Meter::new(4);
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n0123";
    let end = 1 + answer.len() as u32;
    tcp(&mut meter, 10, true, 80, 1, 1, b"GET /f HTTP/1.1\r\n\r\n");
    tcp(&mut meter, 20, false, 80, 1, 20, answer);
    tcp(
        &mut meter,
        30,
        true,
        80,
        20,
        end,
        b"GET /f HTTP/1.1\r\n\r\n",
    );
    assert_eq!(meter.fetches()[0].ended, at(30));
    tcp(&mut meter, 40, false, 80, end, 39, answer);
    tcp(
        &mut meter,
        50,
        true,
        80,
        39,
        end + answer.len() as u32 + 1,
        b"",
    );
    assert_eq!(meter.fetches()[1].began, at(30));
    assert_eq!(meter.fetches()[1].ended, at(50));
}

#[test]
fn a_client_that_does_not_stay_has_what_arrived() {
    let mut meter = Meter::new(4);
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n0123";
    meter.finish_received();
    assert!(meter.fetches().is_empty());
    tcp(&mut meter, 10, true, 80, 1, 1, b"GET /f HTTP/1.1\r\n\r\n");
    meter.finish_received();
    assert!(meter.fetches().is_empty());
    tcp(&mut meter, 20, false, 80, 1, 20, answer);
    meter.finish_received();
    assert_eq!(meter.fetches()[0].ended, at(20));
}

#[test]
fn a_fetch_that_is_resumed_ends_when_all_is_covered() {
    let mut meter = Meter::new(10);
    tcp(&mut meter, 10, true, 80, 1, 1, b"GET /f HTTP/1.1\r\n\r\n");
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123";
    tcp(&mut meter, 20, false, 80, 1, 20, head);
    tcp(&mut meter, 30, true, 80, 20, 1 + head.len() as u32, b"");
    assert_eq!(meter.unfinished(), Some(4));
    let again = 1 + head.len() as u32;
    tcp(
        &mut meter,
        40,
        true,
        80,
        20,
        again,
        b"GET /f HTTP/1.1\r\n\r\n",
    );
    let rest =
        b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 3-9/10\r\nContent-Length: 7\r\n\r\n3456789";
    tcp(&mut meter, 50, false, 80, again, 40, rest);
    tcp(&mut meter, 60, true, 80, 40, again + rest.len() as u32, b"");
    assert_eq!(meter.fetches().len(), 1);
    assert_eq!(meter.fetches()[0].ended, at(60));
}

/// A TLS record with so many octets of contents.
fn record(kind: u8, octets: usize) -> Vec<u8> {
    let [.., high, low] = octets.to_be_bytes();
    let mut record = vec![kind, 3, 3, high, low];
    record.resize(5 + octets, 0x5A);
    record
}

#[test]
fn encrypted_fetches_end_with_their_last_new_acknowledgment() {
    let mut meter = Meter::new(100);
    let hello = record(22, 200);
    let flight = [record(20, 1), record(23, 53), record(23, 90)].concat();
    tcp(&mut meter, 10, true, 443, 1, 1, &hello);
    tcp(&mut meter, 20, false, 443, 1, 206, &record(22, 900));
    tcp(&mut meter, 25, true, 443, 206, 906, b"");
    assert_eq!(meter.unfinished(), Some(0));
    // The header of the request's record is cut in two, and the second part is repeated.
    let second = 206 + 66;
    tcp(&mut meter, 30, true, 443, 206, 906, &flight[..66]);
    tcp(&mut meter, 31, true, 443, second, 906, &flight[66..]);
    tcp(&mut meter, 32, true, 443, second, 906, &flight[66..]);
    tcp(&mut meter, 40, false, 443, 906, 206, &record(23, 160));
    let end = 906 + 165;
    tcp(&mut meter, 41, true, 443, 365, end - 80, b"");
    assert_eq!(meter.unfinished(), Some(85));
    tcp(&mut meter, 42, true, 443, 365, end, b"");
    tcp(&mut meter, 43, true, 443, 365, end, b"");
    // A second request on the connection is a fetch of its own.
    tcp(&mut meter, 50, true, 443, 365, end, &record(23, 90));
    let fetch = Fetch {
        began: at(10),
        requested: at(31),
        first: at(40),
        ended: at(42),
        octets: 100,
        trip: None,
    };
    assert_eq!(meter.fetches(), [fetch]);
    assert_eq!(fetch.handshake(), Some(Duration::from_micros(21)));
    tcp(&mut meter, 60, false, 443, end, 460, &record(23, 160));
    tcp(&mut meter, 61, true, 443, 460, end + 165, b"");
    tcp(&mut meter, 70, true, 443, 460, end + 165, &record(21, 19));
    meter.finish_encrypted();
    let warm = meter.fetches()[1];
    assert_eq!(warm.handshake(), None);
    assert_eq!(
        (warm.began, warm.first, warm.ended),
        (at(50), at(60), at(61))
    );
    meter.finish_encrypted();
    assert_eq!(meter.fetches().len(), 2);
}

#[test]
fn a_handshake_is_no_fetch() {
    let mut meter = Meter::new(100);
    tcp(&mut meter, 10, true, 443, 1, 1, &record(22, 200));
    tcp(&mut meter, 20, false, 443, 1, 206, &record(22, 900));
    tcp(&mut meter, 30, true, 443, 206, 906, &record(23, 53));
    meter.finish_encrypted();
    meter.finish_received();
    assert!(meter.fetches().is_empty());
}

#[test]
fn the_lease_is_there_with_the_ack() {
    let message = |kind: u8| {
        let mut message = vec![0; 240];
        message.extend([0, 54, 4, 10, 0, 2, 2, 53, 1, kind, 255]);
        message
    };
    let mut meter = Meter::new(1);
    udp(&mut meter, 10, false, (68, 67), &message(2));
    assert_eq!(meter.leased(), None);
    udp(&mut meter, 20, false, (68, 67), &message(5));
    udp(&mut meter, 30, false, (68, 67), &message(5));
    assert_eq!(meter.leased(), Some(at(20)));
    assert_eq!(meter.frames(), (0, 3));
    assert!(!is_dhcp_ack(&[0; 250]) && !is_dhcp_ack(b"short"));
}

#[test]
fn parts_that_overlap_count_once() {
    assert_eq!(covered(&[(5, 10), (0, 6), (6, 7), (12, 14)]), 12);
    assert_eq!(covered(&[]), 0);
}

#[test]
fn answers_without_a_known_body_have_none() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 5"[..],
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 206 x\r\nContent-Length: 5\r\n\r\n",
        b"",
    ] {
        assert_eq!(body(answer), None, "{}", answer.escape_ascii());
    }
}
