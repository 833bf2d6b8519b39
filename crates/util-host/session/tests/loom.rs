//! Every order of two threads' steps over one session; run with `RUSTFLAGS="--cfg loom" cargo test -p caliptra-util-host-session
//! --test loom --release`.
#![cfg(loom)]

use caliptra_util_host_command_types::GetDeviceIdRequest;
use caliptra_util_host_session::{CaliptraSession, SessionConfig, SharedSession};
use caliptra_util_host_transport::{Transport, TransportError, TransportResult};

/// Gives each command a number of its own: an answer that is another's would show.
struct Counting(u16, Option<u16>);

impl Transport for Counting {
    fn connect(&mut self) -> TransportResult<()> {
        Ok(())
    }
    fn disconnect(&mut self) -> TransportResult<()> {
        Ok(())
    }
    fn send(&mut self, _command_id: u32, _data: &[u8]) -> TransportResult<()> {
        assert!(
            self.1.is_none(),
            "a command came between another and its answer"
        );
        self.0 += 1;
        self.1 = Some(self.0);
        Ok(())
    }
    fn receive(&mut self, buffer: &mut [u8]) -> TransportResult<usize> {
        let number = self.1.take().ok_or(TransportError::NoResponse)?;
        buffer[..12].fill(0);
        buffer[4..6].copy_from_slice(&number.to_le_bytes());
        Ok(12)
    }
    fn is_connected(&self) -> bool {
        true
    }
}

#[test]
fn commands_of_two_threads_do_not_mix() {
    loom::model(|| {
        let session =
            CaliptraSession::owning(1, Box::new(Counting(0, None)), SessionConfig::default())
                .unwrap();
        let shared = SharedSession::new(session);
        shared.connect().unwrap();
        let other = shared.clone();
        let ask = |shared: &SharedSession<'_>| {
            shared
                .execute(&GetDeviceIdRequest {}, |id| id.vendor_id)
                .unwrap()
        };
        let thread = loom::thread::spawn(move || [ask(&other), ask(&other)]);
        let mine = ask(&shared);
        let [first, second] = thread.join().unwrap();
        assert!(first < second && mine != first && mine != second);
        assert_eq!(shared.get_info().unwrap().stats.commands_succeeded, 3);
    });
}
