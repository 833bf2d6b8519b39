//! A session over a transport that is busy at first: the session waits and tries again.

use caliptra_util_host_command_types::DebugClearLogRequest;
use caliptra_util_host_session::{CaliptraSession, SessionError};
use caliptra_util_host_transport::{Transport, TransportError, TransportResult};

struct BusyAtFirst(u32);

impl Transport for BusyAtFirst {
    fn connect(&mut self) -> TransportResult<()> {
        Ok(())
    }

    fn disconnect(&mut self) -> TransportResult<()> {
        Ok(())
    }

    fn send(&mut self, _command_id: u32, _data: &[u8]) -> TransportResult<()> {
        self.0 += 1;
        if self.0 < 3 {
            Err(TransportError::Busy)
        } else {
            Ok(())
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> TransportResult<usize> {
        let to = buffer.get_mut(..4).ok_or(TransportError::NoResponse)?;
        to.fill(0);
        Ok(4)
    }

    fn is_connected(&self) -> bool {
        true
    }
}

fn main() -> Result<(), SessionError> {
    let mut transport = BusyAtFirst(0);
    let mut session = CaliptraSession::new(1, &mut transport)?;
    session.connect()?;
    session.execute(&DebugClearLogRequest {})?;
    println!("{:?}", session.stats);
    Ok(())
}
