//! HTTP connections that the server has closed by the time that the station uses them again, and connections that end in a reset.

use super::{boot, plan};
use e2e::Boot;
use e2e::segment::{ACK, FIN, PSH, RST, SYN, Segment};
use e2e::wire::from_server;
use image_server::{Framing, Protocol as Wire};
use netboot_core::Duration;
use netsim::{Middle, Side};
use std::collections::{BTreeMap, BTreeSet};
use testbed::Protocol;

/// What a proxy says to a connection on which no request came in time.
const LATE: &[u8] = b"HTTP/1.1 408 Request Time-out\r\nContent-length: 110\r\nCache-Control: no-cache\r\nConnection: close\r\n\
Content-Type: text/html\r\n\r\n<html><body><h1>408 Request Time-out</h1>\nYour browser didn't send a complete request in time.\n</body></html>\n\n";

/// What the server has sent when the second request of a connection is on its way. The request itself never arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Crossing {
    /// A reset.
    Reset,
    /// Nothing, and nothing comes any more.
    Silence,
    /// The end of the connection. The request is answered by a reset, as by any closed socket.
    End,
    /// Status 408 and the end of the connection, then a reset.
    Late,
    /// Status 408 and the end of the connection. The request and all that follows are lost.
    LateAlone,
}

/// The second request on each connection meets `crossing`.
fn crossed(crossing: Crossing) -> Middle {
    let mut requests = BTreeMap::new();
    let mut dead = BTreeSet::new();
    Box::new(move |_, from, frame, out| {
        let Some(segment) = Segment::of(&frame) else {
            out.push((from, frame));
            return;
        };
        let port = match from {
            Side::Client => segment.from,
            Side::Server => segment.to,
        };
        if segment.flags & SYN != 0 && from == Side::Client {
            dead.remove(&port);
            requests.remove(&port);
        }
        let resets = matches!(crossing, Crossing::Reset | Crossing::End | Crossing::Late);
        let mut answer = |flags, data: &[u8]| {
            let answer = Segment::crossing(&frame, flags, data).expect("a segment");
            out.push((Side::Server, answer));
        };
        if dead.contains(&port) {
            if from == Side::Client && resets && segment.flags & RST == 0 {
                answer(RST, b"");
            }
            return;
        }
        if from == Side::Client && segment.data.starts_with(b"GET ") {
            let count = requests.entry(port).or_insert(0);
            *count += 1;
            if *count == 2 {
                dead.insert(port);
                match crossing {
                    Crossing::Reset => answer(RST, b""),
                    Crossing::Silence => {}
                    Crossing::End => answer(FIN | ACK, b""),
                    Crossing::Late | Crossing::LateAlone => answer(PSH | FIN | ACK, LATE),
                }
                if matches!(crossing, Crossing::End | Crossing::Late) {
                    // The closed socket answers the request.
                    let came = Segment::of(&frame).expect("a segment");
                    let mut reset = Segment::crossing(&frame, RST, b"").expect("a segment");
                    let after = came.ack.wrapping_add(match crossing {
                        Crossing::Late => LATE.len() as u32 + 1,
                        _ => 1,
                    });
                    reset[38..42].copy_from_slice(&after.to_be_bytes());
                    e2e::wire::mend(&mut reset);
                    out.push((Side::Server, reset));
                }
                return;
            }
        }
        out.push((from, frame));
    })
}

/// The number of requests that the server answered for each image. None was read twice.
fn assert_served_once(boot: &Boot) {
    for file in testbed::plan::FILE_NAMES {
        assert_eq!(boot.served(Wire::Http, file).len(), 1, "{file}");
    }
}

/// A connection that was kept for the next request may be dead by then, and that is nobody's fault: the request goes out once more on a new
/// connection, at once. No attempt fails, whether the next image is opened early or when the device asks for it.
#[test]
fn a_kept_connection_that_the_server_has_closed() {
    for crossing in [
        Crossing::Reset,
        Crossing::End,
        Crossing::Late,
        Crossing::LateAlone,
        Crossing::Silence,
    ] {
        for early in [false, true] {
            let mut plan = plan(Protocol::Http);
            if !early {
                plan.device = "verify_ms 0\n".into();
            }
            let boot = boot(&plan, |_| (), crossed(crossing));
            boot.assert_booted(&plan);
            assert_eq!(
                boot.attempts_failed(),
                [0; 0],
                "{crossing:?}\n{}",
                boot.console
            );
            assert_served_once(&boot);
            let longest = match crossing {
                // A server has 60 s for its first octet.
                Crossing::Silence => 75_000,
                _ => 3_100,
            };
            assert!(
                boot.took() < Duration::from_millis(longest),
                "{crossing:?}: {}",
                boot.took()
            );
        }
    }
}

/// The server says 408 and closes the connection right behind its first answer, before the station asks again. What a closed socket does with later
/// requests says `deaf`: it resets the connection, or nothing at all.
fn late_behind_the_first_answer(deaf: bool) -> Middle {
    // Octets of the answer that are still to come, and whether the connection is closed.
    let mut left: Option<usize> = None;
    let mut closed = None;
    Box::new(move |_, from, frame, out| {
        let Some(segment) = Segment::of(&frame) else {
            out.push((from, frame));
            return;
        };
        let client = match from {
            Side::Client => segment.from,
            Side::Server => segment.to,
        };
        if closed == Some(client) {
            let empty = segment.data.is_empty();
            match from {
                // The server hears that its first answer came.
                Side::Client if empty && segment.flags & FIN == 0 => out.push((from, frame)),
                Side::Client if !empty && !deaf => {
                    let reset = Segment::crossing(&frame, RST, b"").expect("a segment");
                    out.push((Side::Server, reset));
                }
                _ => {}
            }
            return;
        }
        out.push((from, frame.clone()));
        if from == Side::Client || closed.is_some() || segment.data.is_empty() {
            return;
        }
        let head = segment.data.windows(4).position(|four| four == b"\r\n\r\n");
        let before = left.unwrap_or_else(|| {
            let size = testbed::plan::firmware(&super::SIZES)[0].bytes.len();
            head.expect("a whole head") + 4 + size
        });
        let rest = before.checked_sub(segment.data.len());
        left = rest;
        if rest == Some(0) {
            closed = Some(client);
            let late = Segment {
                seq: segment.end(),
                flags: PSH | FIN | ACK,
                data: LATE.to_vec(),
                ..segment
            };
            out.push((Side::Server, late.framed(&frame)));
        }
    })
}

/// A proxy gives an idle connection up with a 408 that nobody has asked for. It is no answer to the next request, which goes out on a new connection.
#[test]
fn an_idle_connection_that_ends_with_408() {
    for deaf in [false, true] {
        let plan = plan(Protocol::Http);
        let boot = boot(&plan, |_| (), late_behind_the_first_answer(deaf));
        boot.assert_booted(&plan);
        assert_eq!(boot.attempts_failed(), [0; 0], "{}", boot.console);
        assert_served_once(&boot);
        assert!(
            boot.took() < Duration::from_millis(3_100),
            "{}",
            boot.took()
        );
    }
}

/// A server that closes with unread data, or with SO_LINGER 0, resets the connection right behind the last octet. The image is whole.
#[test]
fn a_reset_right_behind_the_last_octet() {
    for framing in [Framing::Length, Framing::Chunked] {
        for slow in [false, true] {
            let mut plan = plan(Protocol::Http);
            if slow {
                plan.device = "rate 20000\n".into();
            }
            let middle = from_server(|_, frame| match Segment::of(&frame) {
                Some(segment) if segment.flags & FIN != 0 => {
                    let reset = Segment {
                        seq: segment.end(),
                        flags: RST | ACK,
                        data: Vec::new(),
                        ..segment.clone()
                    };
                    let data = Segment {
                        flags: segment.flags & !FIN,
                        ..segment
                    };
                    vec![data.framed(&frame), reset.framed(&frame)]
                }
                _ => vec![frame],
            });
            let boot = boot(
                &plan,
                |server| {
                    server.http.keep_alive = false;
                    server.http.framing = framing;
                },
                middle,
            );
            boot.assert_booted(&plan);
            assert_eq!(
                boot.attempts_failed(),
                [0; 0],
                "{framing:?}\n{}",
                boot.console
            );
            assert_eq!(boot.resumes(0), 0, "{framing:?}");
        }
    }
}
