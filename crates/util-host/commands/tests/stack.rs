//! A command's own stack is small: no buffer of a message's size is on it.

use caliptra_util_host_commands::api::*;
use caliptra_util_host_commands::types::{HashAlgorithm, KeyUsage, SignatureAlgorithm};
use caliptra_util_host_session::{CaliptraSession, SessionConfig};
use caliptra_util_host_transport::{Transport, TransportResult};

/// Gives every command the same long answer of zeros.
struct Zeros;

impl Transport for Zeros {
    fn connect(&mut self) -> TransportResult<()> {
        Ok(())
    }
    fn disconnect(&mut self) -> TransportResult<()> {
        Ok(())
    }
    fn send(&mut self, _command_id: u32, _data: &[u8]) -> TransportResult<()> {
        Ok(())
    }
    fn receive(&mut self, buffer: &mut [u8]) -> TransportResult<usize> {
        buffer[..204].fill(0);
        Ok(204)
    }
    fn is_connected(&self) -> bool {
        true
    }
}

/// An overflow of the stack ends the test's process.
#[test]
fn commands_run_on_a_stack_of_24_kib() {
    let session = CaliptraSession::owning(1, Box::new(Zeros), SessionConfig::default()).unwrap();
    let mut session = Box::new(session);
    session.connect().unwrap();
    let (data, out) = (vec![7; 4096], vec![0; 8192]);
    let run = move || {
        let (session, mut out) = (&mut session, out);
        let mut answered = 0;
        answered +=
            u32::from(caliptra_cmd_hash_init(session, HashAlgorithm::Sha384, &data).is_ok());
        answered += u32::from(caliptra_cmd_get_firmware_version(session, 0).is_ok());
        answered += u32::from(caliptra_cmd_get_device_capabilities(session).is_ok());
        answered += u32::from(caliptra_cmd_import(session, KeyUsage::Aes, &[0; 32]).is_ok());
        let evidence = caliptra_cmd_get_attestation(
            session,
            1,
            SignatureAlgorithm::EccP384,
            0,
            &[0; 32],
            &mut out,
        );
        answered += u32::from(evidence.is_ok());
        answered += u32::from(caliptra_cmd_debug_get_log(session, &mut out).is_ok());
        answered += u32::from(caliptra_cmd_prod_debug_unlock_req(session, 1).is_ok());
        answered
    };
    let thread = std::thread::Builder::new()
        .stack_size(24 * 1024)
        .spawn(run)
        .unwrap();
    assert_eq!(
        thread.join().unwrap(),
        1,
        "the zeros are an answer to the hash alone"
    );
}
