//! Fuzz body: a server of I3C over TCP that answers whatever the input says.

use crate::bus::I3cTcp;
use crate::framing::{Request, Response};
use ocp_recovery::command::Command;
use ocp_recovery::commands::{CommandBus as _, MAX_DATA};
use std::io::Write as _;
use std::net::{Shutdown, TcpListener};
use std::time::Duration;

/// Commands whose answers are read.
const READ: [Command; 4] = [
    Command::ProtCap,
    Command::DeviceStatus,
    Command::IndirectFifoStatus,
    Command::Vendor,
];

/// Reads `data` as the heads of transfers, and as all that a server says before it closes the connection. Findings are a panic, a head
/// that is written otherwise than it was read, and an answer longer than its room.
///
/// # Panics
/// When this machine has no loopback interface.
pub fn run(data: &[u8]) {
    if let Some(request) = data.first_chunk().and_then(Request::parse) {
        assert_eq!(Request::parse(&request.emit()), Some(request));
    }
    if let Some(head) = data.first_chunk() {
        let response = Response::parse(head);
        assert_eq!(Response::parse(&response.emit()), response);
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback interface");
    let address = listener.local_addr().expect("a bound socket");
    let bus = I3cTcp::connect(address, 0x3B, Duration::from_secs(5));
    let mut bus = bus.expect("a server that listens");
    let (mut server, _) = listener.accept().expect("a client that has connected");
    // All of it fits into the socket's buffer, so nobody waits for a reader.
    let said = data.get(..16 * 1024).unwrap_or(data);
    server.write_all(said).expect("room in the socket");
    let _ = server.shutdown(Shutdown::Write);
    let mut out = [0; MAX_DATA];
    for command in READ {
        if let Ok(len) = bus.read(command, &mut out) {
            assert!(len <= out.len());
        }
        // What the client writes lies unread in the server's socket.
        let _ = bus.write(command, &[0; 4]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocp_recovery::command::pec;
    use proptest::prelude::*;

    /// What a server says that answers a read of `data` at the first try.
    fn answer(data: &[u8]) -> Vec<u8> {
        let head = |transaction, len: usize| {
            let response = Response {
                interrupt: 0,
                address: 0x3B,
                transaction,
                error: 0,
                len: len as u16,
            };
            response.emit()
        };
        let mut body = (data.len() as u16).to_le_bytes().to_vec();
        body.extend(data);
        let start = pec(0, &[0x76, Command::ProtCap.code(), 0x77]);
        body.push(pec(start, &body));
        [&head(1, 0)[..], &head(2, body.len()), &body].concat()
    }

    #[test]
    fn the_body_reaches_a_right_answer() {
        let said = answer(&[7; 15]);
        run(&said);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut bus = I3cTcp::connect(address, 0x3B, Duration::from_secs(5)).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(&said).unwrap();
        let mut out = [0; MAX_DATA];
        assert_eq!(bus.read(Command::ProtCap, &mut out), Ok(15));
        assert_eq!(out[..15], [7; 15]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_server_is_a_finding(
            data in prop::collection::vec(any::<u8>(), 0..20),
            at in any::<prop::sample::Index>(),
            noise in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            run(&noise);
            let mut said = answer(&data);
            let at = at.index(said.len());
            said[at] ^= 1;
            said.extend(noise);
            run(&said);
        }
    }
}
