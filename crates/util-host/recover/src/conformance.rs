//! What a device behind I3C over TCP has to do, whether it recovers or not. Run it against an emulator or a bridge of yours.
//!
//! The checks leave the device as it was: they read, write wrong frames, and write no image.

use crate::bus::{BusError, I3cTcp};
use crate::framing::{RESPONSE_HEAD, Request, Response};
use ocp_recovery::command::{Command, pec};
use ocp_recovery::commands::CommandBus;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A check's outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked.
    pub check: &'static str,
    /// What was wrong, if something was.
    pub problem: Option<String>,
}

/// One check.
type Check = fn(SocketAddr, u8, Duration) -> Result<(), String>;

/// Runs all checks against the server at `server`, target `address`.
pub fn run(server: SocketAddr, address: u8, timeout: Duration) -> Vec<Finding> {
    let checks: [(&'static str, Check); 8] = [
        (
            "PROT_CAP begins with \"OCP RECV\" and has 15 octets",
            prot_cap,
        ),
        ("every command that can be read has its length", lengths),
        (
            "a wrong packet error code is protocol error 4, and reading the status clears it",
            damaged_write,
        ),
        ("a wrong length is protocol error 3", wrong_length),
        (
            "a write to a command that is read only is protocol error 1",
            read_only,
        ),
        ("an unknown command is protocol error 1", unknown_command),
        ("another address is not acknowledged", other_address),
        ("a frame in pieces is as a frame at once", pieces),
    ];
    checks
        .into_iter()
        .map(|(check, run)| Finding {
            check,
            problem: run(server, address, timeout).err(),
        })
        .collect()
}

fn text(error: BusError) -> String {
    error.to_string()
}

fn expect(right: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if right { Ok(()) } else { Err(problem()) }
}

fn prot_cap(server: SocketAddr, address: u8, timeout: Duration) -> Result<(), String> {
    let mut bus = I3cTcp::connect(server, address, timeout).map_err(text)?;
    let mut out = [0; 255];
    let len = bus.read(Command::ProtCap, &mut out).map_err(text)?;
    expect(len == 15 && out.starts_with(b"OCP RECV"), || {
        format!("it is {:02x?}", out.get(..len))
    })
}

fn lengths(server: SocketAddr, address: u8, timeout: Duration) -> Result<(), String> {
    let mut bus = I3cTcp::connect(server, address, timeout).map_err(text)?;
    for command in [
        Command::ProtCap,
        Command::DeviceId,
        Command::DeviceStatus,
        Command::RecoveryStatus,
        Command::HwStatus,
        Command::IndirectFifoStatus,
    ] {
        bus.read(command, &mut [0; 255]).map_err(text)?;
    }
    Ok(())
}

/// Responses and their data.
type Answers = Vec<(Response, Vec<u8>)>;

/// Raw transfers; the responses and their data.
fn raw(
    server: SocketAddr,
    timeout: Duration,
    transfers: &[(u8, bool, &[u8])],
) -> Result<Answers, String> {
    let io = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect_timeout(&server, timeout).map_err(io)?;
    stream.set_read_timeout(Some(timeout)).map_err(io)?;
    let mut all = vec![];
    for (at, (address, read, data)) in transfers.iter().enumerate() {
        let request = Request {
            address: *address,
            transaction: at as u8 & 0xF,
            read: *read,
            len: if *read { 4096 } else { data.len() as u16 },
        };
        let mut message = request.emit().to_vec();
        message.extend_from_slice(data);
        stream.write_all(&message).map_err(io)?;
        // Interrupts may come between.
        for _ in 0..64 {
            let mut head = [0; RESPONSE_HEAD];
            stream.read_exact(&mut head).map_err(io)?;
            let response = Response::parse(&head);
            let mut body = vec![0; usize::from(response.len)];
            stream.read_exact(&mut body).map_err(io)?;
            if response.interrupt == 0 {
                all.push((response, body));
                break;
            }
        }
    }
    Ok(all)
}

fn frame(address: u8, octets: &[u8]) -> Vec<u8> {
    let mut frame = octets.to_vec();
    frame.push(pec(pec(0, &[address << 1]), octets));
    frame
}

/// Writes a frame and gives the protocol errors that two reads of the status then show.
fn errors_after(
    server: SocketAddr,
    address: u8,
    timeout: Duration,
    write: &[u8],
) -> Result<(u8, u8), String> {
    let mut bus = I3cTcp::connect(server, address, timeout).map_err(text)?;
    let mut out = [0; 255];
    // What an earlier host left.
    bus.read(Command::DeviceStatus, &mut out).map_err(text)?;
    drop(bus);
    raw(server, timeout, &[(address, false, write)])?;
    let mut bus = I3cTcp::connect(server, address, timeout).map_err(text)?;
    let mut next = || {
        bus.read(Command::DeviceStatus, &mut out)
            .map(|_| out[1])
            .map_err(text)
    };
    Ok((next()?, next()?))
}

fn damaged_write(server: SocketAddr, address: u8, timeout: Duration) -> Result<(), String> {
    let mut damaged = frame(address, &[Command::RecoveryCtrl.code(), 3, 0, 0, 0, 0]);
    if let Some(last) = damaged.last_mut() {
        *last ^= 0x55;
    }
    let found = errors_after(server, address, timeout, &damaged)?;
    expect(found == (4, 0), || format!("the two reads show {found:?}"))
}

fn wrong_length(server: SocketAddr, address: u8, timeout: Duration) -> Result<(), String> {
    let wrong = frame(address, &[Command::RecoveryCtrl.code(), 9, 0, 0, 0, 0]);
    let found = errors_after(server, address, timeout, &wrong)?;
    expect(found.0 == 3, || format!("it is {}", found.0))
}

fn read_only(server: SocketAddr, address: u8, timeout: Duration) -> Result<(), String> {
    let write = frame(address, &[Command::RecoveryStatus.code(), 2, 0, 0, 0]);
    let found = errors_after(server, address, timeout, &write)?;
    expect(found.0 == 1, || format!("it is {}", found.0))
}

fn unknown_command(server: SocketAddr, address: u8, timeout: Duration) -> Result<(), String> {
    let write = frame(address, &[99, 0, 0]);
    let found = errors_after(server, address, timeout, &write)?;
    expect(found.0 == 1, || format!("it is {}", found.0))
}

fn other_address(server: SocketAddr, address: u8, timeout: Duration) -> Result<(), String> {
    let other = address ^ 1;
    let ask = frame(other, &[Command::ProtCap.code()]);
    let answers = raw(server, timeout, &[(other, false, &ask)])?;
    let errors: Vec<_> = answers.iter().map(|(response, _)| response.error).collect();
    expect(errors == [5], || {
        format!("the transfer ends with {errors:?}")
    })
}

fn pieces(server: SocketAddr, address: u8, timeout: Duration) -> Result<(), String> {
    let io = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect_timeout(&server, timeout).map_err(io)?;
    stream.set_nodelay(true).map_err(io)?;
    stream.set_read_timeout(Some(timeout)).map_err(io)?;
    let data = frame(address, &[Command::ProtCap.code()]);
    let request = Request {
        address,
        transaction: 1,
        read: false,
        len: data.len() as u16,
    };
    let mut message = request.emit().to_vec();
    message.extend(data);
    for octet in message {
        stream.write_all(&[octet]).map_err(io)?;
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut head = [0; RESPONSE_HEAD];
    stream.read_exact(&mut head).map_err(io)?;
    let response = Response::parse(&head);
    expect(response.error == 0, || {
        format!("it ends with {}", response.error)
    })
}
