//! A server of I3C over TCP with the emulated recovery device behind it.

use crate::framing::{REQUEST_HEAD, Request, Response};
use netboot_core::Instant;
use ocp_recovery::command::{MAX_DATA, pec};
use ocp_recovery::fields::protocol_error;
use recovery_model::{CommandTarget, DeviceConfig, DeviceOutcome, RecoveryModel};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What the link does, in parts of a thousand. The default is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkFaults {
    /// Answers with an altered octet.
    pub damage_read: u32,
    /// Writes with an altered octet.
    pub damage_write: u32,
    /// Interrupts before an answer.
    pub interrupt: u32,
    /// The connection breaks after so many transfers; 0 for never.
    pub break_after: u32,
    /// The server stops answering after so many transfers; 0 for never.
    pub silent_after: u32,
    /// The target does not acknowledge.
    pub no_acknowledge: bool,
    /// The transaction's number of an answer is another.
    pub wrong_transaction: bool,
    /// The answer to a read has an octet less than it says.
    pub short_read: bool,
}

/// A server; it ends when it is dropped.
#[derive(Debug)]
pub struct I3cServer {
    address: SocketAddr,
    device: Arc<Mutex<RecoveryModel>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Target {
    device: Arc<Mutex<RecoveryModel>>,
    begun: std::time::Instant,
    own: u8,
    faults: LinkFaults,
    chance: u64,
    /// The command whose data the next read gets.
    selected: Option<u8>,
    /// The device's side of the bus.
    target: CommandTarget,
}

impl I3cServer {
    /// Starts a server at `address` with a device at the target address `own`.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn start(
        address: impl ToSocketAddrs,
        own: u8,
        config: DeviceConfig,
        faults: LinkFaults,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let device = Arc::new(Mutex::new(RecoveryModel::new(config, Instant::ZERO)));
        let stop = Arc::<AtomicBool>::default();
        let (shared, stopped) = (Arc::clone(&device), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("i3c-server".into())
            .spawn(move || {
                let mut target = Target {
                    device: shared,
                    begun: std::time::Instant::now(),
                    own,
                    faults,
                    chance: 1,
                    selected: None,
                    target: CommandTarget::default(),
                };
                while !stopped.load(Ordering::SeqCst) {
                    match listener.accept() {
                        Ok((stream, _)) => {
                            // A broken connection ends; the next may come.
                            let _ = target.serve(stream, &stopped);
                        }
                        Err(_) => std::thread::sleep(Duration::from_millis(2)),
                    }
                }
            })?;
        Ok(Self {
            address,
            device,
            stop,
            thread: Some(thread),
        })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How the boot ended for the device.
    pub fn outcome(&self) -> DeviceOutcome {
        self.device
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .outcome()
    }

    /// Waits until the server ends, which is never by itself.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for I3cServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Target {
    fn now(&self) -> Instant {
        Instant::from_micros(self.begun.elapsed().as_micros() as u64)
    }

    fn happens(&mut self, of_thousand: u32) -> bool {
        self.chance = self
            .chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % 1000 < u64::from(of_thousand)
    }

    fn serve(&mut self, mut stream: TcpStream, stop: &AtomicBool) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_millis(20)))?;
        let mut transfers = 0;
        loop {
            let mut head = [0; REQUEST_HEAD];
            fill(&mut stream, &mut head, stop)?;
            let request = Request::parse(&head).ok_or(ErrorKind::InvalidData)?;
            let mut data = vec![
                0;
                if request.read {
                    0
                } else {
                    usize::from(request.len)
                }
            ];
            fill(&mut stream, &mut data, stop)?;
            transfers += 1;
            if self.faults.break_after == transfers {
                return Ok(());
            }
            if self.faults.silent_after != 0 && transfers >= self.faults.silent_after {
                continue;
            }
            if self.happens(self.faults.interrupt) {
                let interrupt = Response {
                    interrupt: 0xAE,
                    address: self.own,
                    transaction: 0,
                    error: 0,
                    len: 2,
                };
                stream.write_all(&interrupt.emit())?;
                stream.write_all(&[1, 2])?;
            }
            let mut response = Response {
                interrupt: 0,
                address: self.own,
                transaction: request.transaction,
                error: 0,
                len: 0,
            };
            if self.faults.wrong_transaction {
                response.transaction ^= 8;
            }
            let mut answer = vec![];
            if request.address != self.own || self.faults.no_acknowledge {
                response.error = 5;
            } else if request.read {
                answer = self.read_phase(usize::from(request.len));
            } else {
                self.write_phase(&mut data);
            }
            response.len = answer.len() as u16;
            stream.write_all(&response.emit())?;
            stream.write_all(&answer)?;
        }
    }

    /// A write: a whole command, or the selection of one that is to be read.
    fn write_phase(&mut self, data: &mut [u8]) {
        if self.happens(self.faults.damage_write) && data.len() > 2 {
            let at = (self.chance >> 20) as usize % data.len();
            data[at] ^= 0x40;
        }
        let Some((&check, octets)) = data.split_last() else {
            return;
        };
        if pec(pec(0, &[self.own << 1]), octets) != check {
            self.target.fail(protocol_error::CRC);
            return;
        }
        match octets {
            [code] => self.selected = Some(*code),
            [code, low, high, payload @ ..] => {
                if usize::from(u16::from_le_bytes([*low, *high])) != payload.len() {
                    self.target.fail(protocol_error::LENGTH);
                } else {
                    self.execute(*code, payload);
                }
            }
            _ => self.target.fail(protocol_error::LENGTH),
        }
    }

    fn execute(&mut self, code: u8, payload: &[u8]) {
        let now = self.now();
        let mut device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        self.target.write(&mut device, now, code, payload);
    }

    /// A read of the selected command: length, data, packet error code.
    fn read_phase(&mut self, limit: usize) -> Vec<u8> {
        let Some(code) = self.selected.take() else {
            self.target.fail(protocol_error::UNSUPPORTED);
            return vec![];
        };
        let now = self.now();
        let mut data = [0; MAX_DATA];
        let mut device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        let read = self.target.read(&mut device, now, code, &mut data);
        drop(device);
        let Some(len) = read else {
            return vec![];
        };
        let mut frame = (len as u16).to_le_bytes().to_vec();
        frame.extend_from_slice(&data[..len]);
        let seed = pec(0, &[self.own << 1, code, self.own << 1 | 1]);
        frame.push(pec(seed, &frame));
        if self.happens(self.faults.damage_read) {
            let at = (self.chance >> 20) as usize % frame.len();
            frame[at] ^= 0x04;
        }
        if self.faults.short_read {
            frame.pop();
        }
        frame.truncate(limit);
        frame
    }
}

/// Fills a buffer, looking now and then whether the server has to end.
fn fill(stream: &mut TcpStream, out: &mut [u8], stop: &AtomicBool) -> io::Result<()> {
    let mut at = 0;
    while at < out.len() {
        if stop.load(Ordering::SeqCst) {
            return Err(ErrorKind::Interrupted.into());
        }
        match stream.read(&mut out[at..]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(len) => at += len,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
