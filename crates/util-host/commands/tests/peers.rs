//! Peers that others wrote: a mailbox server in Python, and `mctp-estack` in both roles.

use caliptra_util_host_commands::CaliptraApiError;
use caliptra_util_host_commands::api::*;
use caliptra_util_host_commands::types::HashAlgorithm;
use caliptra_util_host_session::CaliptraSession;
use caliptra_util_host_transport::mctp::stream::{SerialMctp, StreamAddress};
use caliptra_util_host_transport::{Mailbox, MctpVdm, UdpMailbox};
use mctp::{Eid, MCTP_TYPE_VENDOR_IANA, MsgIC, Tag};
use mctp_estack::fragment::{Fragmenter, SendOutput};
use mctp_estack::serial::MctpSerialHandler;
use sha2::{Digest, Sha384};
use std::future::Future;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use util_device::server::MctpServer;
use util_device::{Device, DeviceConfig};

/// Ends the server with the test.
struct Server(Child, u16);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn python_server() -> Server {
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/peers/mailbox_server.py");
    let mut child = Command::new("python3")
        .arg(script)
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs python3");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    Server(child, line.trim().parse().unwrap())
}

#[test]
fn a_server_that_was_written_from_the_contract_alone() {
    let server = python_server();
    let mut driver = UdpMailbox::new(([127, 0, 0, 1], server.1).into(), Duration::from_secs(5));
    let mut transport = Mailbox::new(&mut driver);
    let mut session = CaliptraSession::new(1, &mut transport).unwrap();
    session.connect().unwrap();
    let version = caliptra_cmd_get_firmware_version(&mut session, 1).unwrap();
    assert_eq!(
        (version.version, version.commit()),
        ([1, 2, 3, 0], "abcdef")
    );
    assert!(caliptra_cmd_get_firmware_version(&mut session, 2).is_err());
    let caps = caliptra_cmd_get_device_capabilities(&mut session).unwrap();
    assert_eq!((caps.caliptra_rt, caps.mcu_rom, caps.mcu_rt), (1, 4, 0x40));
    assert_eq!(
        caliptra_cmd_get_device_id(&mut session).unwrap().device_id,
        0x5678
    );
    let data: Vec<u8> = (0..10_000u32).map(|at| at as u8).collect();
    let mut out = [0; 64];
    let len =
        caliptra_cmd_hash_one_shot(&mut session, HashAlgorithm::Sha384, &data, &mut out).unwrap();
    assert_eq!(out[..len], Sha384::digest(&data)[..]);
    let mut log = vec![];
    caliptra_cmd_debug_drain_log(&mut session, |part| log.extend_from_slice(part)).unwrap();
    assert_eq!(log, b"first frame\0second frame\0");
    caliptra_cmd_debug_clear_log(&mut session).unwrap();
    assert!(matches!(
        caliptra_cmd_key_status(&mut session),
        Err(CaliptraApiError::SessionError(_))
    ));
}

/// Runs a future that never waits.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a future over memory does not wait"),
    }
}

/// Memory as the serial line that `mctp-estack` wants.
struct Line<'a>(&'a [u8], Vec<u8>);

impl embedded_io_async::ErrorType for Line<'_> {
    type Error = core::convert::Infallible;
}

impl embedded_io_async::Read for Line<'_> {
    async fn read(&mut self, out: &mut [u8]) -> Result<usize, Self::Error> {
        let len = out.len().min(self.0.len());
        out[..len].copy_from_slice(&self.0[..len]);
        self.0 = &self.0[len..];
        Ok(len)
    }
}

impl embedded_io_async::Write for Line<'_> {
    async fn write(&mut self, octets: &[u8]) -> Result<usize, Self::Error> {
        self.1.extend_from_slice(octets);
        Ok(octets.len())
    }
    async fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// The frames of a message.
fn frames(mut fragmenter: Fragmenter, message: &[u8]) -> Vec<u8> {
    let mut line = Line(&[], vec![]);
    let mut handler = MctpSerialHandler::new();
    loop {
        let mut packet = [0; 255];
        match fragmenter.fragment(message, &mut packet) {
            SendOutput::Packet(packet) => now(handler.send_async(packet, &mut line)).unwrap(),
            SendOutput::Complete { .. } => return line.1,
            SendOutput::Error { err, .. } => panic!("{err:?}"),
        }
    }
}

/// A device whose MCTP is `mctp-estack`.
fn estack_device(mut stream: TcpStream, mut device: Device) {
    let mut stack = mctp_estack::Stack::new(Eid(9), 64, 0);
    let mut handler = MctpSerialHandler::new();
    let mut octets = [0; 300];
    while let Ok(len @ 1..) = stream.read(&mut octets) {
        let mut line = Line(&octets[..len], vec![]);
        while let Ok(packet) = now(handler.recv_async(&mut line)) {
            let packet = packet.to_vec();
            let Ok(Some((message, handle))) = stack.receive(&packet) else {
                continue;
            };
            assert_eq!(message.typ, MCTP_TYPE_VENDOR_IANA);
            let (source, tag, request) = (message.source, message.tag, message.payload.to_vec());
            stack.finished_receive(handle);
            let mut answer = vec![0; 4096];
            let reply = device.vdm(&request, &mut answer).unwrap();
            let tag = Some(Tag::Unowned(tag.tag()));
            let fragmenter = stack.start_send(
                source,
                MCTP_TYPE_VENDOR_IANA,
                tag,
                true,
                MsgIC(false),
                None,
                None,
            );
            stream
                .write_all(&frames(fragmenter.unwrap(), &answer[..reply.len]))
                .unwrap();
        }
    }
}

#[test]
fn the_host_library_against_a_device_over_estack() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut device = Device::new(DeviceConfig::default());
    let log: Vec<u8> = (0..900u32)
        .map(|at| (at % 251) as u8 + 1)
        .chain([0])
        .collect();
    assert!(device.write_log(&log));
    let serving = std::thread::spawn(move || estack_device(listener.accept().unwrap().0, device));
    let mut driver = SerialMctp::new(StreamAddress::Tcp(address), 8, 9);
    let mut transport = MctpVdm::new(&mut driver);
    let mut session = CaliptraSession::new(1, &mut transport).unwrap();
    session.connect().unwrap();
    for _ in 0..20 {
        assert_eq!(
            caliptra_cmd_get_firmware_version(&mut session, 0)
                .unwrap()
                .version,
            [2, 1, 0, 0]
        );
    }
    assert!(
        caliptra_cmd_get_device_capabilities(&mut session)
            .unwrap()
            .network_boot()
    );
    let mut out = [0; 1024];
    assert_eq!(
        caliptra_cmd_debug_get_log(&mut session, &mut out),
        Ok((901, false))
    );
    assert_eq!(out[..901], log[..]);
    caliptra_cmd_debug_clear_log(&mut session).unwrap();
    session.disconnect().unwrap();
    drop(session);
    serving.join().unwrap();
}

#[test]
fn estack_as_requester_against_the_emulated_device() {
    let mut device = Device::new(DeviceConfig::default());
    let log: Vec<u8> = (0..500u32)
        .map(|at| (at % 251) as u8 + 1)
        .chain([0])
        .collect();
    assert!(device.write_log(&log));
    let server = MctpServer::start("127.0.0.1:0", device, 9).unwrap();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut stack = mctp_estack::Stack::new(Eid(8), 64, 0);
    let mut handler = MctpSerialHandler::new();
    let mut ask = |command: u8, payload: &[u8]| -> Vec<u8> {
        let request = [&[0x00, 0x00, 0xA6, 0x7F, 0x80, command], payload].concat();
        let fragmenter = stack.start_send(
            Eid(9),
            MCTP_TYPE_VENDOR_IANA,
            None,
            true,
            MsgIC(false),
            None,
            None,
        );
        stream
            .write_all(&frames(fragmenter.unwrap(), &request))
            .unwrap();
        let mut octets = [0; 300];
        loop {
            let len = stream.read(&mut octets).unwrap();
            let mut line = Line(&octets[..len], vec![]);
            while let Ok(packet) = now(handler.recv_async(&mut line)) {
                let packet = packet.to_vec();
                if let Some((message, handle)) = stack.receive(&packet).unwrap() {
                    let answer = message.payload.to_vec();
                    stack.finished_receive(handle);
                    return answer;
                }
            }
        }
    };
    let version = ask(1, &[1, 0, 0, 0]);
    assert_eq!(version[..10], [0, 0, 0xA6, 0x7F, 0, 1, 0, 0, 0, 0]);
    assert!(version[10..].starts_with(b"2.1.3 0123456789abcdef"));
    assert_eq!(ask(2, &[])[10 + 16..10 + 20], [0, 0, 0, 4]);
    assert_eq!(ask(3, &[])[18..], log[..]);
    assert_eq!(ask(99, &[])[6..], [7, 0, 0, 0], "unsupported");
}
