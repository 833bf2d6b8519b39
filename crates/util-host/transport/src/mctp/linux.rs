//! MCTP through the Linux kernel, `AF_MCTP`.
//!
//! The kernel does packets and tags. Each request has a socket of its own, so a late answer finds no socket: the kernel
//! ties an answer to the socket whose request had the tag.

use crate::mctp::{DEFAULT_CAPACITY, MctpVdmDriver, MctpVdmError};
use caliptra_util_host_command_types::vdm::MESSAGE_TYPE;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// `AF_MCTP` of `<linux/socket.h>`.
const AF_MCTP: libc::c_int = 45;
/// `MCTP_TAG_OWNER` of `<linux/mctp.h>`.
const TAG_OWNER: u8 = 0x08;

/// `struct sockaddr_mctp` of `<linux/mctp.h>`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Address {
    family: u16,
    pad: u16,
    network: u32,
    endpoint: u8,
    message_type: u8,
    tag: u8,
    pad_end: u8,
}

/// A driver that uses the kernel's MCTP.
#[derive(Debug)]
pub struct LinuxMctp {
    network: u32,
    peer: u8,
    timeout: Duration,
    connected: bool,
    answer: Box<[u8]>,
}

impl LinuxMctp {
    /// A driver for the endpoint `peer` on `network`; network 1 is the kernel's default.
    pub fn new(network: u32, peer: u8) -> Self {
        Self {
            network,
            peer,
            timeout: Duration::from_secs(5),
            connected: false,
            answer: vec![0; DEFAULT_CAPACITY].into_boxed_slice(),
        }
    }

    /// Whether this kernel has MCTP.
    pub fn is_available() -> bool {
        socket().is_ok()
    }
}

fn socket() -> io::Result<OwnedFd> {
    // SAFETY: `socket` takes numbers only.
    let descriptor = unsafe { libc::socket(AF_MCTP, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just gave this descriptor to us, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn send(socket: &OwnedFd, message: &[u8], to: &Address) -> io::Result<()> {
    let to: *const Address = to;
    // SAFETY: the pointers and lengths are those of a slice and of an address that outlive the call.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            message.as_ptr().cast(),
            message.len(),
            0,
            to.cast(),
            size_of::<Address>() as libc::socklen_t,
        )
    };
    match sent {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Receives a message and gives its whole length, which may be more than fits.
fn receive(socket: &OwnedFd, buffer: &mut [u8]) -> io::Result<(usize, Address)> {
    let mut from = Address::default();
    let mut len = size_of::<Address>() as libc::socklen_t;
    let to: *mut Address = &mut from;
    // SAFETY: the pointers and lengths are those of a slice and of an address that outlive the call.
    let received = unsafe {
        libc::recvfrom(
            socket.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            libc::MSG_TRUNC | libc::MSG_DONTWAIT,
            to.cast(),
            &mut len,
        )
    };
    match usize::try_from(received) {
        Ok(received) => Ok((received, from)),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

fn wait(socket: &OwnedFd, timeout: Duration) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let limit = Timespec::try_from(timeout).map_err(|_| ErrorKind::InvalidInput)?;
    Ok(poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&limit))? != 0)
}

impl MctpVdmDriver for LinuxMctp {
    fn send_request(&mut self, vdm: &[u8]) -> Result<&[u8], MctpVdmError> {
        if !self.connected {
            return Err(MctpVdmError::NotReady);
        }
        let failed = |_| MctpVdmError::CommunicationError;
        let socket = socket().map_err(failed)?;
        let to = Address {
            family: AF_MCTP as u16,
            network: self.network,
            endpoint: self.peer,
            message_type: MESSAGE_TYPE,
            tag: TAG_OWNER,
            ..Address::default()
        };
        send(&socket, vdm, &to).map_err(failed)?;
        let begun = Instant::now();
        loop {
            let left = self.timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(MctpVdmError::Timeout);
            }
            if !wait(&socket, left).map_err(failed)? {
                continue;
            }
            let (len, from) = match receive(&socket, &mut self.answer) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(_) => return Err(MctpVdmError::CommunicationError),
            };
            if from.endpoint != self.peer || from.message_type != MESSAGE_TYPE {
                continue;
            }
            return self.answer.get(..len).ok_or(MctpVdmError::BufferOverflow);
        }
    }

    fn is_ready(&self) -> bool {
        self.connected
    }

    fn connect(&mut self) -> Result<(), MctpVdmError> {
        socket().map_err(|_| MctpVdmError::CommunicationError)?;
        self.connected = true;
        Ok(())
    }

    fn disconnect(&mut self) -> Result<(), MctpVdmError> {
        self.connected = false;
        Ok(())
    }

    fn set_timeouts(&mut self, _connection_ms: u32, command_ms: u32) {
        self.timeout = Duration::from_millis(u64::from(command_ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With or without MCTP in the kernel, the driver says so and fails in order.
    #[test]
    fn a_kernel_without_mctp_is_told() {
        let mut driver = LinuxMctp::new(1, 9);
        assert_eq!(driver.send_request(&[0; 6]), Err(MctpVdmError::NotReady));
        if LinuxMctp::is_available() {
            driver.connect().unwrap();
            driver.set_timeouts(10, 10);
            assert!(
                driver.send_request(&[0; 6]).is_err(),
                "nobody has an endpoint 9 here"
            );
        } else {
            println!("NOT RUN: requests over AF_MCTP, as this kernel has no MCTP (CONFIG_MCTP)");
            assert_eq!(driver.connect(), Err(MctpVdmError::CommunicationError));
        }
    }
}
