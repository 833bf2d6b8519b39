//! A session over a transport that does as a script says, under virtual time.

use super::*;
use caliptra_util_host_command_types::{
    CommandError, DebugGetLogRequest, GetDeviceIdRequest, GetDeviceIdResponse,
};
use caliptra_util_host_transport::TransportResult;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
struct Virtual(AtomicU64, Mutex<Vec<u32>>);

impl Clock for Virtual {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
    fn sleep_ms(&self, ms: u32) {
        self.0.fetch_add(u64::from(ms), Ordering::SeqCst);
        self.1.lock().unwrap().push(ms);
    }
}

#[derive(Default)]
struct Scripted {
    connects: VecDeque<TransportResult<()>>,
    answers: VecDeque<TransportResult<Vec<u8>>>,
    response: Vec<u8>,
    connected: bool,
    sent: Vec<u32>,
    timeouts: (u32, u32),
}

impl Transport for Scripted {
    fn connect(&mut self) -> TransportResult<()> {
        self.connects.pop_front().unwrap_or(Ok(()))?;
        self.connected = true;
        Ok(())
    }
    fn disconnect(&mut self) -> TransportResult<()> {
        self.connected = false;
        Ok(())
    }
    fn send(&mut self, command_id: u32, _data: &[u8]) -> TransportResult<()> {
        if !self.connected {
            return Err(TransportError::Disconnected);
        }
        self.sent.push(command_id);
        self.response = self.answers.pop_front().unwrap()?;
        Ok(())
    }
    fn receive(&mut self, buffer: &mut [u8]) -> TransportResult<usize> {
        buffer[..self.response.len()].copy_from_slice(&self.response);
        Ok(self.response.len())
    }
    fn is_connected(&self) -> bool {
        self.connected
    }
    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32) {
        self.timeouts = (connection_ms, command_ms);
    }
}

fn id() -> TransportResult<Vec<u8>> {
    Ok(vec![0, 0, 0, 0, 0xB4, 0x1A, 2, 0, 3, 0, 4, 0])
}

fn scripted(answers: impl IntoIterator<Item = TransportResult<Vec<u8>>>) -> Scripted {
    Scripted {
        answers: answers.into_iter().collect(),
        ..Scripted::default()
    }
}

fn damaged() -> TransportResult<Vec<u8>> {
    Err(TransportError::Command(CommandError::ChecksumMismatch {
        expected: 1,
        found: 2,
    }))
}

#[test]
fn the_seeds_two_ways_to_execute() {
    let clock = Virtual::default();
    let mut transport = scripted([id(), id()]);
    let mut session = CaliptraSession::new(7, &mut transport)
        .unwrap()
        .with_clock(&clock);
    let request = GetDeviceIdRequest {};
    let early: SessionResult<GetDeviceIdResponse> = session.execute_command(&request);
    assert_eq!(
        early,
        Err(SessionError::InvalidState {
            current: SessionState::Disconnected,
            expected: SessionState::Connected
        })
    );
    assert!(!session.is_ready());
    session.connect().unwrap();
    assert!(session.is_ready());
    assert!(session.connect().is_err());
    let one: GetDeviceIdResponse = session.execute_command(&request).unwrap();
    let two = session
        .execute_command_with_id(CaliptraCommandId::GetDeviceId, &request)
        .unwrap();
    assert_eq!(one, two);
    assert_eq!(one.vendor_id, 0x1AB4);
    session.set_authenticated().unwrap();
    let info = session.get_info();
    assert_eq!(
        (info.session_id, info.state),
        (7, SessionState::Authenticated)
    );
    let stats = info.stats;
    assert_eq!(
        (
            stats.commands_sent,
            stats.commands_succeeded,
            stats.commands_failed
        ),
        (2, 2, 1)
    );
    assert_eq!((stats.bytes_sent, stats.bytes_received), (0, 24));
    session.disconnect().unwrap();
    assert_eq!(session.state, SessionState::Disconnected);
    drop(session);
    assert_eq!(transport.timeouts, (5_000, 5_000));
}

#[test]
fn transient_errors_are_tried_again_with_growing_waits() {
    let clock = Virtual::default();
    let mut transport = scripted([
        Err(TransportError::Timeout),
        damaged(),
        Err(TransportError::Busy),
        id(),
    ]);
    let mut session = CaliptraSession::new(1, &mut transport)
        .unwrap()
        .with_clock(&clock);
    session.connect().unwrap();
    session.execute(&GetDeviceIdRequest {}).unwrap();
    assert_eq!(session.stats.commands_sent, 4);
    assert_eq!(session.stats.commands_succeeded, 1);
    assert_eq!(session.stats.commands_failed, 0);
    assert_eq!(session.stats.last_error_count, 0);
    assert_eq!(*clock.1.lock().unwrap(), [20, 40, 80]);
}

#[test]
fn a_command_that_must_not_be_repeated_is_not() {
    let mut transport = scripted([
        Err(TransportError::Timeout),
        Err(TransportError::Busy),
        Ok(vec![0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]),
    ]);
    let clock = Virtual::default();
    let mut session = CaliptraSession::new(1, &mut transport)
        .unwrap()
        .with_clock(&clock);
    session.connect().unwrap();
    let log = session.execute(&DebugGetLogRequest {});
    assert_eq!(
        log.unwrap_err(),
        SessionError::TransportError(TransportError::Timeout)
    );
    assert!(
        session.execute(&DebugGetLogRequest {}).is_ok(),
        "busy: it was not carried out"
    );
    let stats = session.stats;
    assert_eq!(
        (
            stats.commands_sent,
            stats.commands_succeeded,
            stats.commands_failed
        ),
        (3, 1, 1)
    );
}

#[test]
fn the_last_error_is_kept_whole() {
    let clock = Virtual::default();
    let mut transport = scripted((0..4).map(|_| damaged()));
    let mut session = CaliptraSession::new(1, &mut transport)
        .unwrap()
        .with_clock(&clock);
    session.connect().unwrap();
    let error = session.execute(&GetDeviceIdRequest {}).unwrap_err();
    let SessionError::MaxRetriesExceeded { attempts: 4, last } = error else {
        panic!("{error:?}");
    };
    assert_eq!(Err(last), damaged());
    assert!(error.to_string().contains("0x00000002"), "{error}");
    assert_eq!(session.state, SessionState::Connected);
}

#[test]
fn a_lost_connection_is_made_anew() {
    let clock = Virtual::default();
    let mut transport = scripted([
        Err(TransportError::IoError("cable")),
        id(),
        Err(TransportError::IoError("cable")),
        id(),
    ]);
    transport.connects = [
        Ok(()),
        Ok(()),
        Err(TransportError::ConnectionFailed(None)),
        Ok(()),
    ]
    .into();
    let mut session = CaliptraSession::new(1, &mut transport)
        .unwrap()
        .with_clock(&clock);
    session.connect().unwrap();
    session.set_authenticated().unwrap();
    session.execute(&GetDeviceIdRequest {}).unwrap();
    assert_eq!(session.stats.reconnect_count, 1);
    assert_eq!(
        session.state,
        SessionState::Connected,
        "a new connection is not yet authenticated"
    );
    // The first attempt at a new connection fails.
    session.execute(&GetDeviceIdRequest {}).unwrap();
    assert_eq!(session.stats.reconnect_count, 2);
    assert_eq!(session.stats.commands_succeeded, 2);
}

#[test]
fn without_reconnection_the_session_ends_in_the_state_error() {
    let config = SessionConfig {
        auto_reconnect: false,
        ..SessionConfig::default()
    };
    let clock = Virtual::default();
    let mut transport = scripted([Err(TransportError::IoError("cable"))]);
    let mut session = CaliptraSession::with_config(1, &mut transport, config)
        .unwrap()
        .with_clock(&clock);
    session.connect().unwrap();
    let error = session.execute(&GetDeviceIdRequest {}).unwrap_err();
    assert_eq!(
        error,
        SessionError::TransportError(TransportError::IoError("cable"))
    );
    assert_eq!(session.state, SessionState::Error);
    assert!(matches!(
        session.execute(&GetDeviceIdRequest {}),
        Err(SessionError::InvalidState { .. })
    ));
    session.connect().unwrap();
    assert!(session.is_ready());
}

#[test]
fn an_answer_that_cannot_be_read_is_a_failure() {
    let clock = Virtual::default();
    let mut transport = scripted([Ok(vec![0; 5])]);
    let mut session = CaliptraSession::new(1, &mut transport)
        .unwrap()
        .with_clock(&clock);
    session.connect().unwrap();
    assert!(matches!(
        session.execute(&GetDeviceIdRequest {}),
        Err(SessionError::SerializationError(
            CommandError::InvalidResponseLength { .. }
        ))
    ));
    assert_eq!(
        (
            session.stats.commands_succeeded,
            session.stats.commands_failed
        ),
        (0, 1)
    );
}

#[test]
fn keep_alive_asks_when_it_is_due_and_not_before() {
    let clock = Virtual::default();
    let mut transport = scripted([Ok(vec![0; 40])]);
    let mut session = CaliptraSession::new(1, &mut transport)
        .unwrap()
        .with_clock(&clock);
    assert_eq!(session.poll_keepalive(), Ok(false));
    session.connect().unwrap();
    clock.sleep_ms(29_999);
    assert_eq!(session.next_keepalive_ms(), Some(1));
    assert_eq!(session.poll_keepalive(), Ok(false));
    clock.sleep_ms(1);
    assert_eq!(session.poll_keepalive(), Ok(true));
    assert_eq!(session.poll_keepalive(), Ok(false));
    session.config.keepalive_interval_ms = 0;
    clock.sleep_ms(1_000_000);
    assert_eq!(
        (session.poll_keepalive(), session.next_keepalive_ms()),
        (Ok(false), None)
    );
}

#[test]
fn settings_that_leave_no_time_are_refused() {
    let config = SessionConfig {
        command_timeout_ms: 0,
        ..SessionConfig::default()
    };
    let mut transport = Scripted::default();
    assert!(matches!(
        CaliptraSession::with_config(1, &mut transport, config),
        Err(SessionError::ConfigurationError(_))
    ));
}

#[test]
fn handle_error_does_what_can_be_done() {
    let clock = Virtual::default();
    let mut transport = scripted([]);
    transport.connects = [Ok(()), Ok(()), Err(TransportError::ConnectionFailed(None))].into();
    let mut session = CaliptraSession::new(1, &mut transport)
        .unwrap()
        .with_clock(&clock);
    session.connect().unwrap();
    // An error that leaves the connection as it is needs nothing.
    assert_eq!(session.handle_error(TransportError::Timeout.into()), Ok(()));
    assert_eq!(
        session.handle_error(CommandError::SerializationError.into()),
        Ok(())
    );
    assert_eq!(session.stats.reconnect_count, 0);
    // A lost connection is made anew, or the new connection's error is told.
    let lost = SessionError::TransportError(TransportError::Disconnected);
    assert_eq!(session.handle_error(lost), Ok(()));
    assert_eq!(session.stats.reconnect_count, 1);
    let failed = SessionError::TransportError(TransportError::ConnectionFailed(None));
    assert_eq!(session.handle_error(lost), Err(failed));
    assert_eq!(session.state, SessionState::Error);
    // What a session cannot repair comes back.
    let other = SessionError::AuthenticationError("wrong key");
    assert_eq!(session.handle_error(other), Err(other));
}

#[test]
fn a_device_that_is_gone_is_tried_once_for_each_attempt() {
    let clock = Virtual::default();
    let mut transport = scripted([Err(TransportError::IoError("cable"))]);
    transport.connects = std::iter::once(Ok(()))
        .chain((0..10).map(|_| Err(TransportError::ConnectionFailed(None))))
        .collect();
    let mut session = CaliptraSession::new(1, &mut transport)
        .unwrap()
        .with_clock(&clock);
    session.connect().unwrap();
    assert_eq!(
        session.execute(&GetDeviceIdRequest {}).unwrap_err(),
        SessionError::MaxRetriesExceeded {
            attempts: 4,
            last: TransportError::ConnectionFailed(None)
        }
    );
    let stats = session.stats;
    assert_eq!((stats.commands_sent, stats.commands_failed), (1, 1));
    drop(session);
    // One after the failure, and one before each of the three further attempts.
    assert_eq!(transport.connects.len(), 10 - 4);
    assert_eq!(*clock.1.lock().unwrap(), [20, 40, 80]);
}
