//! The synchronous path of a command allocates nothing: counted by the allocator.

use caliptra_util_host_commands::api::*;
use caliptra_util_host_commands::types::HashAlgorithm;
use caliptra_util_host_session::CaliptraSession;
use caliptra_util_host_transport::{Mailbox, MailboxDriver, MailboxError, UdpMailbox};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;
use util_device::server::{Link, UdpServer};
use util_device::{Device, DeviceConfig};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: it hands every call to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Memory(Device, Box<[u8; util_device::MAX_ANSWER]>);

impl MailboxDriver for Memory {
    fn send_command(&mut self, code: u32, payload: &[u8]) -> Result<&[u8], MailboxError> {
        let len = self
            .0
            .mailbox(code, payload, &mut self.1[..])
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

fn commands(driver: &mut dyn MailboxDriver) -> u64 {
    let mut transport = Mailbox::new(driver);
    let mut session = CaliptraSession::new(1, &mut transport).unwrap();
    session.connect().unwrap();
    let mut out = [0; 64];
    let mut run = || {
        caliptra_cmd_get_firmware_version(&mut session, 1).unwrap();
        caliptra_cmd_get_device_capabilities(&mut session).unwrap();
        caliptra_cmd_hash_one_shot(&mut session, HashAlgorithm::Sha384, &[7; 5000], &mut out)
            .unwrap();
        caliptra_cmd_debug_get_log(&mut session, &mut out).unwrap();
    };
    run();
    let before = ALLOCATIONS.with(Cell::get);
    (0..100).for_each(|_| run());
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn no_command_allocates() {
    let mut memory = Memory(
        Device::new(DeviceConfig::default()),
        Box::new([0; util_device::MAX_ANSWER]),
    );
    assert_eq!(commands(&mut memory), 0);
    let server = UdpServer::start(
        "127.0.0.1:0",
        Device::new(DeviceConfig::default()),
        Link::default(),
    )
    .unwrap();
    let mut udp = UdpMailbox::new(server.address(), Duration::from_secs(2));
    assert_eq!(commands(&mut udp), 0);
}
