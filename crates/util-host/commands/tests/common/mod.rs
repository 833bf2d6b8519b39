//! The device behind the registers of its mailbox.
#![allow(dead_code, reason = "not every test needs all of it")]

use caliptra_util_host_osal::StdClock;
use caliptra_util_host_session::{CaliptraSession, SessionConfig};
use caliptra_util_host_transport::mailbox::registers::{MailboxRegisters, RegisterMailbox};
use caliptra_util_host_transport::{Mailbox, MailboxDriver};
use util_device::{Device, DeviceConfig, Fault, MailboxModel};

/// The model's registers behind the library's trait.
struct Registers(Box<MailboxModel>);

impl MailboxRegisters for Registers {
    fn lock(&mut self) -> u32 {
        self.0.lock()
    }
    fn set_command(&mut self, command: u32) {
        self.0.set_command(command);
    }
    fn length(&mut self) -> u32 {
        self.0.length()
    }
    fn set_length(&mut self, octets: u32) {
        self.0.set_length(octets);
    }
    fn data(&mut self, index: usize) -> u32 {
        self.0.data(index)
    }
    fn set_data(&mut self, index: usize, word: u32) {
        self.0.set_data(index, word);
    }
    fn execute(&mut self, start: bool) {
        self.0.execute(start);
    }
    fn status(&mut self) -> u32 {
        self.0.status()
    }
    fn size(&self) -> usize {
        util_device::MAX_ANSWER
    }
}

pub fn with_device<R>(device: Device, test: impl FnOnce(&mut CaliptraSession<'_>) -> R) -> R {
    let mut buffer = vec![0; util_device::MAX_ANSWER];
    let registers = Registers(Box::new(MailboxModel::new(device)));
    let mut driver = RegisterMailbox::new(registers, StdClock, &mut buffer);
    driver.set_timeouts(0, 1_000);
    let mut transport = Mailbox::new(&mut driver);
    let config = SessionConfig {
        command_timeout_ms: 200,
        ..SessionConfig::default()
    };
    let mut session = CaliptraSession::with_config(1, &mut transport, config).unwrap();
    session.connect().unwrap();
    let result = test(&mut session);
    session.disconnect().unwrap();
    result
}

pub fn with<R>(test: impl FnOnce(&mut CaliptraSession<'_>) -> R) -> R {
    with_device(Device::new(DeviceConfig::default()), test)
}

pub fn failing<R>(faults: &[Fault], test: impl FnOnce(&mut CaliptraSession<'_>) -> R) -> R {
    let mut device = Device::new(DeviceConfig::default());
    faults
        .iter()
        .for_each(|fault| assert!(device.fail_next(*fault)));
    with_device(device, test)
}
