//! A session for threads, and its keep-alive.
#![cfg(not(loom))]

use caliptra_util_host_command_types::{GetDeviceCapabilitiesRequest, GetDeviceIdRequest};
use caliptra_util_host_session::{CaliptraSession, SessionConfig, SessionError, SharedSession};
use caliptra_util_host_transport::{Transport, TransportResult};
use std::time::{Duration, Instant};

struct Yes;

impl Transport for Yes {
    fn connect(&mut self) -> TransportResult<()> {
        Ok(())
    }
    fn disconnect(&mut self) -> TransportResult<()> {
        Ok(())
    }
    fn send(&mut self, command_id: u32, _data: &[u8]) -> TransportResult<()> {
        assert_ne!(command_id, 3, "this command makes the transport panic");
        Ok(())
    }
    fn receive(&mut self, buffer: &mut [u8]) -> TransportResult<usize> {
        buffer[..40].fill(0);
        Ok(40)
    }
    fn is_connected(&self) -> bool {
        true
    }
}

fn shared(keepalive_interval_ms: u32) -> SharedSession<'static> {
    let config = SessionConfig {
        keepalive_interval_ms,
        ..SessionConfig::default()
    };
    let shared = SharedSession::new(CaliptraSession::owning(1, Box::new(Yes), config).unwrap());
    shared.connect().unwrap();
    shared
}

#[test]
fn threads_share_a_session_and_its_statistics_are_true() {
    let session = shared(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    session
                        .execute(&GetDeviceCapabilitiesRequest {}, |caps| {
                            assert_eq!(caps.mcu_rom, 0)
                        })
                        .unwrap();
                }
            });
        }
    });
    let stats = session.get_info().unwrap().stats;
    assert_eq!(
        (
            stats.commands_sent,
            stats.commands_succeeded,
            stats.commands_failed
        ),
        (2000, 2000, 0)
    );
    session.disconnect().unwrap();
}

#[test]
fn the_keep_alive_thread_asks_and_ends() {
    let session = shared(20);
    let keeper = session.keep_alive().unwrap();
    let begun = Instant::now();
    while session.get_info().unwrap().stats.commands_sent < 3 {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "nothing was asked"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(keeper);
    let sent = session.get_info().unwrap().stats.commands_sent;
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(session.get_info().unwrap().stats.commands_sent, sent);
}

#[test]
fn a_panic_of_one_thread_is_told_to_the_others() {
    let session = shared(0);
    let other = session.clone();
    let panicked = std::thread::spawn(move || other.execute(&GetDeviceIdRequest {}, |_| ())).join();
    assert!(panicked.is_err());
    assert!(matches!(
        session.get_info(),
        Err(SessionError::OsalError(_))
    ));
}
