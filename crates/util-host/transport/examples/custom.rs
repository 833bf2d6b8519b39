//! A transport of one's own: a device that answers every command with its number.

use caliptra_util_host_transport::{Transport, TransportError, TransportResult};

struct Mirror(Option<u32>);

impl Transport for Mirror {
    fn connect(&mut self) -> TransportResult<()> {
        Ok(())
    }

    fn disconnect(&mut self) -> TransportResult<()> {
        Ok(())
    }

    fn send(&mut self, command_id: u32, _data: &[u8]) -> TransportResult<()> {
        self.0 = Some(command_id);
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> TransportResult<usize> {
        let number = self.0.ok_or(TransportError::NoResponse)?;
        let (needed, available) = (8, buffer.len());
        let to = buffer
            .get_mut(..8)
            .ok_or(TransportError::BufferTooSmall { needed, available })?;
        to.copy_from_slice(&u64::from(number).rotate_left(32).to_le_bytes());
        self.0 = None;
        Ok(8)
    }

    fn is_connected(&self) -> bool {
        true
    }
}

fn main() -> TransportResult<()> {
    let mut mirror = Mirror(None);
    mirror.send(0x7002, &[])?;
    let mut answer = [0; 16];
    let len = mirror.receive(&mut answer)?;
    println!("{:02x?}", &answer[..len]);
    Ok(())
}
