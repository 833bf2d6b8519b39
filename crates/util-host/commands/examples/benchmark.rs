//! Commands in a second, and how long one takes: in memory and over UDP.
//!
//! `cargo run --release -p caliptra-util-host-commands --example benchmark`

use caliptra_util_host_commands::api::caliptra_cmd_get_firmware_version;
use caliptra_util_host_session::CaliptraSession;
use caliptra_util_host_transport::{Mailbox, MailboxDriver, MailboxError, UdpMailbox};
use std::time::{Duration, Instant};
use util_device::server::{Link, UdpServer};
use util_device::{Device, DeviceConfig};

struct Memory(Device, Box<[u8]>);

impl MailboxDriver for Memory {
    fn send_command(&mut self, code: u32, payload: &[u8]) -> Result<&[u8], MailboxError> {
        let len = self
            .0
            .mailbox(code, payload, &mut self.1)
            .map_err(|_| MailboxError::DeviceError(3))?;
        Ok(&self.1[..len])
    }
    fn is_ready(&self) -> bool {
        true
    }
    fn connect(&mut self) -> Result<(), MailboxError> {
        Ok(())
    }
    fn disconnect(&mut self) -> Result<(), MailboxError> {
        Ok(())
    }
}

fn measure(
    name: &str,
    driver: &mut dyn MailboxDriver,
    commands: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut transport = Mailbox::new(driver);
    let mut session = CaliptraSession::new(1, &mut transport)?;
    session.connect()?;
    let mut times = Vec::with_capacity(commands);
    let begun = Instant::now();
    for _ in 0..commands {
        let one = Instant::now();
        caliptra_cmd_get_firmware_version(&mut session, 1)?;
        times.push(one.elapsed());
    }
    let all = begun.elapsed();
    times.sort_unstable();
    let rate = commands as f64 / all.as_secs_f64();
    println!(
        "{name:10} {rate:9.0} commands/s  median {:?}  p99 {:?}",
        times[commands / 2],
        times[commands * 99 / 100]
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = vec![0; util_device::MAX_ANSWER].into_boxed_slice();
    let mut memory = Memory(Device::new(DeviceConfig::default()), answer);
    measure("in memory", &mut memory, 200_000)?;
    let server = UdpServer::start(
        "127.0.0.1:0",
        Device::new(DeviceConfig::default()),
        Link::default(),
    )?;
    let mut udp = UdpMailbox::new(server.address(), Duration::from_secs(2));
    measure("over UDP", &mut udp, 20_000)
}
