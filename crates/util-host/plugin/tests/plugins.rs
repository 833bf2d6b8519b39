//! Plugins in Rust and in C, good and bad. They share the program's registry, so the tests run one after the other.

use caliptra_util_host_plugin::{
    CaliptraApiError, CommandDescriptor, PluginManager, ProtocolType, create_transport,
    get_command, handle_protocol_message, list_commands, list_transports, register_command,
    unregister_command,
};
use caliptra_util_host_session::CaliptraSession;
use caliptra_util_host_transport::{Transport, TransportConfig, TransportError, TransportResult};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A device with an identity and capabilities.
struct Device(Vec<u8>);

impl Transport for Device {
    fn connect(&mut self) -> TransportResult<()> {
        Ok(())
    }
    fn disconnect(&mut self) -> TransportResult<()> {
        Ok(())
    }
    fn send(&mut self, command_id: u32, _data: &[u8]) -> TransportResult<()> {
        self.0 = match command_id {
            2 => {
                let mut answer = vec![0; 40];
                answer[4 + 19] = 4;
                answer
            }
            3 => vec![0, 0, 0, 0, 0xB4, 0x1A, 0, 0, 0, 0, 0, 0],
            _ => return Err(TransportError::NotSupported("no such command")),
        };
        Ok(())
    }
    fn receive(&mut self, buffer: &mut [u8]) -> TransportResult<usize> {
        buffer[..self.0.len()].copy_from_slice(&self.0);
        Ok(self.0.len())
    }
    fn is_connected(&self) -> bool {
        true
    }
}

fn with_session<R>(test: impl FnOnce(&mut CaliptraSession<'_>) -> R) -> R {
    let mut device = Device(vec![]);
    let mut session = CaliptraSession::new(1, &mut device).unwrap();
    session.connect().unwrap();
    test(&mut session)
}

/// A plugin among this crate's examples, which cargo builds before its tests.
fn example(name: &str) -> PathBuf {
    let directory = std::env::current_exe().unwrap();
    let directory = directory.ancestors().nth(2).unwrap().join("examples");
    let path = directory.join(format!("lib{name}.so"));
    assert!(path.exists(), "{} is not built", path.display());
    path
}

fn c_plugin(directory: &Path, name: &str, flags: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = directory.join(format!("{name}.so"));
    let compiled = Command::new("gcc")
        .args([
            "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-std=c11", "-g",
        ])
        .arg(format!("-I{}", root.join("../cbinding/include").display()))
        .args(flags)
        .arg(root.join("tests/c/plugin.c"))
        .arg("-o")
        .arg(&path)
        .output()
        .expect("this test needs gcc");
    assert!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    path
}

#[test]
fn a_plugin_in_rust_brings_a_command_a_transport_and_a_protocol() {
    let _alone = alone();
    let mut manager = PluginManager::new();
    let handle = manager.load(&example("hello_plugin")).unwrap();
    assert_eq!(
        (handle.name.as_str(), handle.version.as_str()),
        ("hello", "1.0.0")
    );
    assert_eq!(manager.loaded_plugins()[0].name, "hello");
    let again = manager.load(&example("hello_plugin"));
    assert_eq!(
        again.unwrap_err(),
        CaliptraApiError::AlreadyRegistered("plugin")
    );

    let command = get_command("hello.vendor").unwrap();
    assert!(
        list_commands()
            .iter()
            .any(|known| known.name == "hello.panic")
    );
    with_session(|session| {
        assert_eq!(
            (command.execute)(session, b"behind"),
            Ok(b"\x1A\xB4behind".to_vec())
        );
        let long = vec![7; 100_000];
        assert_eq!((command.execute)(session, &long).unwrap().len(), 100_002);
        let panic = get_command("hello.panic").unwrap();
        assert!(matches!(
            (panic.execute)(session, b""),
            Err(CaliptraApiError::PluginError(_))
        ));
        assert!(
            (command.execute)(session, b"").is_ok(),
            "after a panic the plugin still works"
        );
    });

    assert_eq!(list_transports(), ["loopback"]);
    let mut transport = create_transport("loopback", &TransportConfig::default()).unwrap();
    assert!(matches!(
        create_transport("nothing", &TransportConfig::default()),
        Err(CaliptraApiError::TransportNotAvailable)
    ));
    transport.connect().unwrap();
    transport.send(1, b"abc").unwrap();
    let mut out = [0; 16];
    assert_eq!(
        transport.receive(&mut out[..3]),
        Err(TransportError::BufferTooSmall {
            needed: 7,
            available: 3
        })
    );
    assert_eq!(transport.receive(&mut out), Ok(7));
    assert_eq!(
        handle_protocol_message(ProtocolType::Custom, b"abc"),
        Ok(b"cba".to_vec())
    );

    // Unloading is refused while a handle or a transport lives.
    assert!(matches!(
        manager.unload("hello"),
        Err(CaliptraApiError::PluginError(_))
    ));
    drop(handle);
    assert!(matches!(
        manager.unload("hello"),
        Err(CaliptraApiError::PluginError(_))
    ));
    transport.send(1, b"still").unwrap();
    drop(transport);
    assert_eq!(manager.unload("hello"), Ok(()));
    assert_eq!(
        manager.unload("hello"),
        Err(CaliptraApiError::NotFound("plugin"))
    );
    assert!(manager.loaded_plugins().is_empty());
    assert!(
        get_command("hello.panic").is_none(),
        "what a plugin leaves is removed"
    );
    assert!(list_transports().is_empty());
    with_session(|session| {
        assert_eq!(
            (command.execute)(session, b""),
            Err(CaliptraApiError::NotFound("command"))
        );
    });
    // And again.
    let handle = manager.load(&example("hello_plugin")).unwrap();
    with_session(|session| {
        assert!((get_command("hello.vendor").unwrap().execute)(session, b"").is_ok())
    });
    drop(handle);
    drop(manager);
    assert!(get_command("hello.vendor").is_none());
}

#[test]
fn a_plugin_in_c_works_and_lies_in_vain() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let path = c_plugin(directory.path(), "good", &[]);
    let mut manager = PluginManager::new();
    let handle = manager.load(&path).unwrap();
    assert_eq!(
        (handle.name.as_str(), handle.version.as_str()),
        ("c-plugin", "3.1")
    );
    with_session(|session| {
        let bits = get_command("c-plugin.rom_bits").unwrap();
        assert_eq!((bits.execute)(session, b"xy"), Ok(vec![4, b'x', b'y']));
        let liar = get_command("c-plugin.liar").unwrap();
        assert!(matches!(
            (liar.execute)(session, b""),
            Err(CaliptraApiError::PluginError(_))
        ));
    });
    let foreign = unregister_command("c-plugin.rom_bits");
    assert_eq!(
        foreign,
        Err(CaliptraApiError::NotFound("command")),
        "what is a plugin's the program does not remove"
    );
    drop(handle);
    manager.unload("c-plugin").unwrap();
    assert!(get_command("c-plugin.liar").is_none());
}

#[test]
fn bad_plugins_are_refused_and_leave_nothing() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let mut manager = PluginManager::new();
    let flaws: [(&str, &[&str]); 5] = [
        ("other_abi", &["-DABI=2"]),
        ("longer", &["-DSIZE=4096"]),
        ("shorter", &["-DSIZE=8"]),
        ("small", &["-DSMALL"]),
        ("nameless", &["-DNAME=\"\""]),
    ];
    for (name, flags) in flaws {
        let path = c_plugin(directory.path(), name, flags);
        let refused = manager.load(&path);
        match name {
            // Without a name the plugin's commands are ".rom_bits"; that is a name, so only this one loads.
            "nameless" => assert!(refused.is_ok()),
            _ => assert!(
                matches!(refused, Err(CaliptraApiError::PluginError(_))),
                "{name}: {refused:?}"
            ),
        }
    }
    manager.unload("").unwrap();
    let refused = manager.load(&example("panicking_plugin"));
    assert_eq!(
        refused.unwrap_err(),
        CaliptraApiError::PluginError("it panicked while it registered")
    );
    assert!(list_commands().is_empty(), "{:?}", list_commands());
    std::fs::write(directory.path().join("text.so"), "no library").unwrap();
    assert!(manager.load(&directory.path().join("text.so")).is_err());
    assert_eq!(
        manager.load(Path::new("/nowhere")).unwrap_err(),
        CaliptraApiError::NotFound("file")
    );

    // A name that the program has taken.
    register_command(CommandDescriptor {
        name: "c-plugin.liar",
        command_id: 1,
        execute: |_, _| Ok(vec![]),
        description: "",
    })
    .unwrap();
    let good = c_plugin(directory.path(), "good", &[]);
    assert!(matches!(
        manager.load(&good),
        Err(CaliptraApiError::AlreadyRegistered(_))
    ));
    assert!(
        get_command("c-plugin.rom_bits").is_none(),
        "what it had registered is gone again"
    );
    unregister_command("c-plugin.liar").unwrap();
}

#[test]
fn discovery_finds_plugins_without_loading_them() {
    let directory = tempfile::tempdir().unwrap();
    let good = c_plugin(directory.path(), "good", &[]);
    let other = c_plugin(directory.path(), "other_abi", &["-DABI=2"]);
    std::fs::write(directory.path().join("text.so"), "no library").unwrap();
    std::fs::write(directory.path().join("readme.txt"), "text").unwrap();
    assert_eq!(
        PluginManager::discover(directory.path()),
        Ok(vec![good, other])
    );
    assert!(PluginManager::discover(Path::new("/nowhere")).is_err());
}

/// What a program registers itself, without any plugin.
#[test]
fn a_program_registers_and_unregisters() {
    use caliptra_util_host_plugin::{
        CaliptraResult, ProtocolHandler, TransportFactory, register_protocol_handler,
        register_transport, unregister_protocol_handler, unregister_transport,
    };

    struct Factory;

    impl TransportFactory for Factory {
        fn name(&self) -> &str {
            "own"
        }
        fn create(&self, _config: &TransportConfig) -> CaliptraResult<Box<dyn Transport>> {
            Ok(Box::new(Device(vec![])))
        }
        fn description(&self) -> &str {
            "a device in memory"
        }
    }

    struct Handler;

    impl ProtocolHandler for Handler {
        fn protocol_type(&self) -> ProtocolType {
            ProtocolType::Spdm
        }
        fn handle_message(&mut self, message: &[u8]) -> CaliptraResult<Vec<u8>> {
            Ok(message.to_vec())
        }
    }

    let _alone = alone();
    register_transport(Box::new(Factory)).unwrap();
    let again = register_transport(Box::new(Factory));
    assert_eq!(again, Err(CaliptraApiError::AlreadyRegistered("transport")));
    assert_eq!(list_transports(), ["own"]);
    let mut transport = create_transport("own", &TransportConfig::default()).unwrap();
    unregister_transport("own").unwrap();
    assert_eq!(
        unregister_transport("own"),
        Err(CaliptraApiError::NotFound("transport"))
    );
    transport.send(3, &[]).unwrap();
    register_protocol_handler(Box::new(Handler)).unwrap();
    assert!(register_protocol_handler(Box::new(Handler)).is_err());
    assert_eq!(
        handle_protocol_message(ProtocolType::Spdm, b"x"),
        Ok(b"x".to_vec())
    );
    unregister_protocol_handler(ProtocolType::Spdm).unwrap();
    assert!(handle_protocol_message(ProtocolType::Spdm, b"x").is_err());
    assert!(unregister_protocol_handler(ProtocolType::Spdm).is_err());
}
