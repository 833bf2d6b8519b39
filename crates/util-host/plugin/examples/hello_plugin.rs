//! A plugin with a command, a transport and a protocol handler.

use caliptra_util_host_commands::api::caliptra_cmd_get_device_id;
use caliptra_util_host_plugin::{
    CaliptraResult, CommandDescriptor, PluginDescriptor, ProtocolHandler, ProtocolType,
    TransportFactory, export_plugin, register_command, register_protocol_handler,
    register_transport, unregister_command, unregister_protocol_handler, unregister_transport,
};
use caliptra_util_host_session::CaliptraSession;
use caliptra_util_host_transport::{Transport, TransportConfig, TransportError, TransportResult};

export_plugin!(PluginDescriptor {
    name: "hello",
    version: "1.0.0",
    register,
    unregister: Some(unregister),
});

fn register() -> CaliptraResult<()> {
    register_command(CommandDescriptor {
        name: "hello.vendor",
        command_id: 0xF000_0001,
        execute: vendor,
        description: "asks the device for its vendor and puts the payload behind it",
    })?;
    register_command(CommandDescriptor {
        name: "hello.panic",
        command_id: 0xF000_0002,
        execute: |_, _| panic!("on purpose"),
        description: "panics",
    })?;
    register_transport(Box::new(LoopbackFactory))?;
    register_protocol_handler(Box::new(Reverse))
}

fn unregister() -> CaliptraResult<()> {
    unregister_command("hello.vendor")?;
    unregister_transport("loopback")?;
    // `hello.panic` is left for the library to remove.
    unregister_protocol_handler(ProtocolType::Custom)
}

fn vendor(session: &mut CaliptraSession<'_>, payload: &[u8]) -> CaliptraResult<Vec<u8>> {
    let id = caliptra_cmd_get_device_id(session)?;
    Ok([&id.vendor_id.to_be_bytes(), payload].concat())
}

/// A transport whose device gives back what it gets, behind an approved status and a length.
struct Loopback(Option<Vec<u8>>);

impl Transport for Loopback {
    fn connect(&mut self) -> TransportResult<()> {
        Ok(())
    }
    fn disconnect(&mut self) -> TransportResult<()> {
        Ok(())
    }
    fn send(&mut self, _command_id: u32, data: &[u8]) -> TransportResult<()> {
        self.0 = Some([&[0; 4], data].concat());
        Ok(())
    }
    fn receive(&mut self, buffer: &mut [u8]) -> TransportResult<usize> {
        let answer = self.0.as_ref().ok_or(TransportError::NoResponse)?;
        let (needed, available) = (answer.len(), buffer.len());
        let to = buffer
            .get_mut(..needed)
            .ok_or(TransportError::BufferTooSmall { needed, available })?;
        to.copy_from_slice(answer);
        Ok(needed)
    }
    fn is_connected(&self) -> bool {
        true
    }
}

struct LoopbackFactory;

impl TransportFactory for LoopbackFactory {
    fn name(&self) -> &str {
        "loopback"
    }
    fn create(&self, _config: &TransportConfig) -> CaliptraResult<Box<dyn Transport>> {
        Ok(Box::new(Loopback(None)))
    }
    fn description(&self) -> &str {
        "gives back what it gets"
    }
}

struct Reverse;

impl ProtocolHandler for Reverse {
    fn protocol_type(&self) -> ProtocolType {
        ProtocolType::Custom
    }
    fn handle_message(&mut self, message: &[u8]) -> CaliptraResult<Vec<u8>> {
        Ok(message.iter().rev().copied().collect())
    }
}
