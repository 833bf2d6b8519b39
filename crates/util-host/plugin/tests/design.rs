//! Everything that the library's first design names is there under that name, and works; the page of the host library lists the names.

use caliptra_util_host_commands::api::{
    caliptra_cmd_get_device_capabilities, caliptra_cmd_get_device_id, caliptra_cmd_get_device_info,
    caliptra_cmd_get_firmware_version,
};
use caliptra_util_host_commands::types::{
    CaliptraCommandId, CommandError, CommandRequest, CommandResponse, CommonResponse,
    GetDeviceCapabilitiesResponse, GetDeviceIdRequest, GetDeviceIdResponse, GetDeviceInfoResponse,
    GetFirmwareVersionRequest, GetFirmwareVersionResponse,
};
use caliptra_util_host_commands::{CaliptraApiError, CaliptraResult};
use caliptra_util_host_osal::OsalError;
use caliptra_util_host_plugin::{
    CommandDescriptor, PluginDescriptor, PluginHandle, PluginInfo, PluginManager, ProtocolHandler,
    ProtocolType, TransportFactory, create_transport, get_command, list_commands, list_transports,
    register_command, register_protocol_handler, register_transport, unregister_command,
    unregister_protocol_handler, unregister_transport,
};
use caliptra_util_host_session::{
    CaliptraSession, SessionConfig, SessionError, SessionInfo, SessionResult, SessionState,
    SessionStatistics,
};
use caliptra_util_host_transport::{
    Mailbox, MailboxDriver, MailboxError, Transport, TransportConfig, TransportError,
    TransportResult,
};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// The design's example of a driver, with a device that has an identity.
#[derive(Default)]
struct MyMailboxDriver {
    connected: bool,
    answer: Vec<u8>,
}

/// The octets of a message from its parts, behind the checksum: 0 minus the sum of all octets.
fn message(parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let sum: u32 = body.iter().map(|octet| u32::from(*octet)).sum();
    [&0u32.wrapping_sub(sum).to_le_bytes()[..], &body].concat()
}

impl MailboxDriver for MyMailboxDriver {
    fn send_command(&mut self, external_cmd: u32, _payload: &[u8]) -> Result<&[u8], MailboxError> {
        let status = [0; 4];
        self.answer = match &external_cmd.to_be_bytes() {
            b"MDID" => message(&[&status, &[0xB4, 0x1A, 2, 0, 0xB4, 0x1A, 1, 0]]),
            b"MFWV" => message(&[&status, &[5, 0, 0, 0], b"2.1.3"]),
            _ => return Err(MailboxError::DeviceError(3)),
        };
        Ok(&self.answer)
    }
    fn is_ready(&self) -> bool {
        self.connected
    }
    fn connect(&mut self) -> Result<(), MailboxError> {
        self.connected = true;
        Ok(())
    }
    fn disconnect(&mut self) -> Result<(), MailboxError> {
        self.connected = false;
        Ok(())
    }
}

/// The design's program, and the session's methods beside it.
#[test]
fn the_designs_program_runs() {
    let mut driver = MyMailboxDriver::default();
    let mut transport = Mailbox::new(&mut driver);
    let config = SessionConfig {
        connection_timeout_ms: 100,
        command_timeout_ms: 100,
        max_retries: 1,
        keepalive_interval_ms: 0,
        auto_reconnect: false,
    };
    let mut session: CaliptraSession<'_> =
        CaliptraSession::with_config(7, &mut transport, config).unwrap();
    assert_eq!((session.session_id, session.config), (7, config));
    assert_eq!(session.state, SessionState::Disconnected);
    assert!(!session.is_ready());
    let connected: SessionResult<()> = session.connect();
    connected.unwrap();
    assert!(session.is_ready());
    let id: GetDeviceIdResponse = caliptra_cmd_get_device_id(&mut session).unwrap();
    assert_eq!((id.vendor_id, id.device_id), (0x1AB4, 2));
    assert_eq!((id.subsystem_vendor_id, id.subsystem_id), (0x1AB4, 1));
    let same: GetDeviceIdResponse = session.execute_command(&GetDeviceIdRequest {}).unwrap();
    assert_eq!(same, id);
    let version: GetFirmwareVersionResponse = session
        .execute_command_with_id(
            CaliptraCommandId::GetFirmwareVersion,
            &GetFirmwareVersionRequest { index: 1 },
        )
        .unwrap();
    let common: CommonResponse = version.common;
    assert_eq!((version.version, common.fips_status), ([2, 1, 3, 0], 0));
    assert!(caliptra_cmd_get_device_capabilities(&mut session).is_err());
    let info: SessionInfo = session.get_info();
    assert_eq!((info.session_id, info.state), (7, SessionState::Connected));
    let SessionStatistics {
        commands_sent,
        commands_succeeded,
        commands_failed,
        bytes_sent,
        bytes_received,
        reconnect_count,
        last_error_count,
    } = session.stats;
    assert_eq!(
        (commands_sent, commands_succeeded, commands_failed),
        (4, 3, 1)
    );
    assert_eq!((bytes_sent, bytes_received), (4, 12 + 12 + 13));
    assert_eq!((reconnect_count, last_error_count), (0, 1));
    let lost = SessionError::TransportError(TransportError::Disconnected);
    assert!(session.handle_error(lost).is_err(), "nothing may reconnect");
    session.disconnect().unwrap();

    let mut other = MyMailboxDriver::default();
    let mut transport = Mailbox::new(&mut other);
    let session = CaliptraSession::new(1, &mut transport).unwrap();
    assert_eq!(session.config, SessionConfig::default());
}

/// The design's signatures.
#[test]
fn the_functions_have_the_designs_types() {
    type Session<'t> = CaliptraSession<'t>;
    let _: fn(&mut Session<'_>) -> CaliptraResult<GetDeviceIdResponse> = caliptra_cmd_get_device_id;
    let _: fn(&mut Session<'_>, u32) -> CaliptraResult<GetDeviceInfoResponse> =
        caliptra_cmd_get_device_info;
    let _: fn(&mut Session<'_>) -> CaliptraResult<GetDeviceCapabilitiesResponse> =
        caliptra_cmd_get_device_capabilities;
    let _: fn(&mut Session<'_>, u32) -> CaliptraResult<GetFirmwareVersionResponse> =
        caliptra_cmd_get_firmware_version;
    let _: fn(CommandDescriptor) -> CaliptraResult<()> = register_command;
    let _: fn(&str) -> CaliptraResult<()> = unregister_command;
    let _: fn(Box<dyn TransportFactory>) -> CaliptraResult<()> = register_transport;
    let _: fn(&str) -> CaliptraResult<()> = unregister_transport;
    let _: fn(Box<dyn ProtocolHandler>) -> CaliptraResult<()> = register_protocol_handler;
    let _: fn(ProtocolType) -> CaliptraResult<()> = unregister_protocol_handler;
    let _: fn() -> Vec<&'static CommandDescriptor> = list_commands;
    let _: fn() -> Vec<&'static str> = list_transports;
    let _: fn(&str) -> Option<&'static CommandDescriptor> = get_command;
    let _: fn(&str, &TransportConfig) -> CaliptraResult<Box<dyn Transport>> = create_transport;
    let _: fn() -> PluginManager = PluginManager::new;
    let _: fn(&mut PluginManager, &Path) -> CaliptraResult<PluginHandle> = PluginManager::load;
    let _: fn(&mut PluginManager, &str) -> CaliptraResult<()> = PluginManager::unload;
    let _: fn(&PluginManager) -> &[PluginInfo] = PluginManager::loaded_plugins;
    let _: fn(&PluginHandle) -> (&String, &String) = |handle| (&handle.name, &handle.version);
    let _: fn(&PluginInfo) -> (&String, &String, &PathBuf) =
        |info| (&info.name, &info.version, &info.path);
    let _: fn(&mut dyn Transport, u32, &[u8]) -> TransportResult<()> =
        |transport, id, data| transport.send(id, data);
    let _: fn(&mut dyn Transport, &mut [u8]) -> TransportResult<usize> =
        |transport, buffer| transport.receive(buffer);
    let descriptor = PluginDescriptor {
        name: "n",
        version: "1",
        register: || Ok(()),
        unregister: Some(|| Ok(())),
    };
    assert_eq!((descriptor.name, descriptor.version), ("n", "1"));
    assert_eq!((descriptor.register)(), Ok(()));
    let command = CommandDescriptor {
        name: "n",
        command_id: 1,
        execute: |_, _| Ok(vec![]),
        description: "d",
    };
    assert_eq!((command.command_id, command.description), (1, "d"));
    let config = TransportConfig {
        max_message_size: 64,
        timeout_ms: 1,
    };
    assert_eq!(
        create_transport("none", &config).err(),
        Some(CaliptraApiError::TransportNotAvailable)
    );
    let mut manager = PluginManager::new();
    assert!(manager.load(Path::new("/nowhere/plugin.so")).is_err());
    assert!(manager.unload("nobody").is_err());
    assert!(manager.loaded_plugins().is_empty());
}

#[test]
fn commands_and_states_have_the_designs_numbers() {
    use CaliptraCommandId as Id;
    let numbers = [
        (Id::GetFirmwareVersion, 0x0001),
        (Id::GetDeviceCapabilities, 0x0002),
        (Id::GetDeviceId, 0x0003),
        (Id::GetDeviceInfo, 0x0004),
        (Id::GetIdevidCert, 0x1001),
        (Id::GetLdevidCert, 0x1002),
        (Id::GetFmcAliasCert, 0x1003),
        (Id::GetRtAliasCert, 0x1004),
        (Id::GetCertChain, 0x1010),
        (Id::StoreCertificate, 0x1011),
        (Id::HashInit, 0x2001),
        (Id::HashUpdate, 0x2002),
        (Id::HashFinalize, 0x2003),
        (Id::HashOneShot, 0x2004),
        (Id::AesInit, 0x3001),
        (Id::AesUpdate, 0x3002),
        (Id::AesFinalize, 0x3003),
        (Id::EcdsaSign, 0x4001),
        (Id::EcdsaVerify, 0x4002),
        (Id::EcdhDerive, 0x4003),
        (Id::DebugEcho, 0x7001),
        (Id::DebugGetStatus, 0x7002),
        (Id::DebugGetLog, 0x7005),
        (Id::FuseRead, 0x8001),
        (Id::FuseWrite, 0x8002),
        (Id::FuseLock, 0x8003),
    ];
    for (id, number) in numbers {
        assert_eq!(id as u32, number, "{}", id.name());
    }
    assert_eq!(GetDeviceIdRequest::COMMAND_ID, Id::GetDeviceId);
    fn answers<R: CommandRequest<Response = A>, A: CommandResponse>() {}
    answers::<GetDeviceIdRequest, GetDeviceIdResponse>();
    let states = [
        SessionState::Disconnected,
        SessionState::Connecting,
        SessionState::Connected,
        SessionState::Authenticated,
        SessionState::Error,
    ];
    assert!(states.iter().map(|state| *state as u32).eq(0..5));
}

/// Each error says something of its own.
fn differ(errors: &[&dyn Display]) {
    let texts: BTreeSet<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), errors.len(), "{texts:#?}");
    assert!(!texts.contains(""));
}

#[test]
fn every_error_of_the_design_can_be_told_from_the_others() {
    use CaliptraApiError as A;
    use CommandError as C;
    use MailboxError as M;
    use SessionError as S;
    use TransportError as T;
    differ(&[
        &T::ConnectionFailed(None),
        &T::SendFailed(None),
        &T::ReceiveFailed(None),
        &T::Timeout,
        &T::NotSupported("a"),
        &T::InvalidMessage,
        &T::Disconnected,
        &T::ConfigurationError("a"),
        &T::IoError("a"),
        &T::BufferError("b"),
    ]);
    differ(&[
        &M::NotReady,
        &M::Timeout,
        &M::InvalidCommand,
        &M::CommunicationError,
        &M::BufferOverflow,
        &M::DeviceError(1),
    ]);
    differ(&[
        &C::InvalidCommand { id: 1 },
        &C::InvalidRequest("a"),
        &C::InvalidResponse("a"),
        &C::InvalidResponseLength {
            expected: 1,
            found: 2,
        },
        &C::ResponseTooLong { limit: 1, found: 2 },
        &C::SerializationError,
        &C::DeserializationError,
        &C::ChecksumMismatch {
            expected: 1,
            found: 2,
        },
        &C::Unsupported,
        &C::BufferTooSmall {
            needed: 2,
            available: 1,
        },
        &C::Custom("own"),
    ]);
    let (current, expected) = (SessionState::Disconnected, SessionState::Connected);
    differ(&[
        &S::SessionNotFound(1),
        &S::InvalidState { current, expected },
        &S::TransportError(T::Timeout),
        &S::OsalError(OsalError::OutOfMemory),
        &S::ConfigurationError("a"),
        &S::AuthenticationError("a"),
        &S::ResourceError("a"),
        &S::SerializationError(C::SerializationError),
        &S::MaxRetriesExceeded {
            attempts: 3,
            last: T::Timeout,
        },
        &S::InternalError("a"),
        &S::Custom("own"),
    ]);
    differ(&[
        &A::Osal(OsalError::OutOfMemory),
        &A::InvalidParameter("a"),
        &A::SessionNotInitialized,
        &A::TransportNotAvailable,
        &A::CommandFailed("a"),
        &A::SessionError(S::SessionNotFound(1)),
    ]);
}

/// The words of a text.
fn words(text: &str) -> BTreeSet<&str> {
    let letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(|other| !letter(other)).collect()
}

/// Reads what a file of the host library's folder has.
fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Each name that the page lists is used by a test: in Rust here or beside this file, in C by the C test.
#[test]
fn every_name_of_the_page_is_used_by_a_test() {
    let page = file("../../docs/src/host-library.md");
    let (_, part) = page.split_once("## The names of the first design").unwrap();
    let rows = part.lines().filter(|line| line.starts_with("| `caliptra-"));
    let rust = [
        file("plugin/tests/design.rs"),
        file("plugin/tests/plugins.rs"),
    ];
    let rust = rust.concat() + &file("plugin/examples/hello_plugin.rs");
    let c = file("cbinding/tests/c/test.c") + &file("plugin/tests/c/plugin.c");
    let header = file("cbinding/include/caliptra_util_host.h");
    let mut count = 0;
    for row in rows {
        let mut cells = row.split('|').map(str::trim).skip(1);
        let (of, names) = (cells.next().unwrap(), cells.next().unwrap());
        for name in words(names).into_iter().filter(|name| !name.is_empty()) {
            let used = match of.contains("cbinding") {
                true => words(&c).contains(name) && words(&header).contains(name),
                false => words(&rust).contains(name),
            };
            assert!(used, "{name} of {of} is used by no test");
            count += 1;
        }
    }
    assert!(count > 200, "{count} names");
}
