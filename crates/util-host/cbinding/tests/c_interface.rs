//! The C interface, from C: built by gcc with the address and the undefined behaviour sanitizer, linked with both libraries.

use caliptra_util_host_transport::mctp::packet::{
    BASELINE_UNIT, Fragmenter, PacketHeader, Reassembler,
};
use caliptra_util_host_transport::mctp::serial::{Decoder, MAX_FRAME, MAX_PACKET, encode};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use util_device::server::{Link, MctpServer, UdpServer};
use util_device::{Device, DeviceConfig};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where cargo has put the libraries, beside this test.
fn libraries() -> PathBuf {
    let directory = std::env::current_exe()
        .unwrap()
        .parent()
        .unwrap()
        .to_path_buf();
    for name in ["libcaliptra_util_host.a", "libcaliptra_util_host.so"] {
        assert!(
            directory.join(name).exists(),
            "there is no {name} in {}",
            directory.display()
        );
    }
    directory
}

fn compile(source: &str, out: &Path, sanitize: bool, link: &[&str]) {
    let mut gcc = Command::new("gcc");
    gcc.args([
        "-std=c11",
        "-D_GNU_SOURCE",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-g",
    ]);
    if sanitize {
        gcc.args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
    }
    gcc.arg(format!("-I{}", root().join("include").display()))
        .arg(root().join(source))
        .arg("-o")
        .arg(out)
        .args(link);
    let done = gcc.output().expect("this test needs gcc");
    assert!(
        done.status.success(),
        "{source}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

fn run(program: &Path, arguments: &[&str]) -> String {
    let done = Command::new(program)
        .args(arguments)
        .env("LD_LIBRARY_PATH", libraries())
        .env("ASAN_OPTIONS", "detect_leaks=1")
        .output()
        .unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(
        done.status.success(),
        "{}: {}\n{text}",
        program.display(),
        done.status
    );
    text
}

fn servers() -> (UdpServer, MctpServer, String, String) {
    let device = || {
        let mut device = Device::new(DeviceConfig::default());
        device.write_log(b"log\0");
        device
    };
    let udp = UdpServer::start("127.0.0.1:0", device(), Link::default()).unwrap();
    let mctp = MctpServer::start("127.0.0.1:0", device(), 9).unwrap();
    let (a, b) = (
        format!("udp://{}", udp.address()),
        format!("mctp+tcp://{}", mctp.address()),
    );
    (udp, mctp, a, b)
}

fn static_flags() -> Vec<String> {
    let library = libraries().join("libcaliptra_util_host.a");
    vec![
        library.display().to_string(),
        "-lpthread".into(),
        "-ldl".into(),
        "-lm".into(),
    ]
}

#[test]
fn every_function_from_c_with_the_sanitizers() {
    let directory = tempfile::tempdir().unwrap();
    let (_udp, _mctp, udp, mctp) = servers();
    let program = directory.path().join("static");
    let flags = static_flags();
    compile(
        "tests/c/test.c",
        &program,
        true,
        &flags.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    assert!(run(&program, &[&udp, &mctp]).contains("all of the C interface works"));
    let (_udp, _mctp, udp, mctp) = servers();
    let program = directory.path().join("shared");
    let place = format!("-L{}", libraries().display());
    compile(
        "tests/c/test.c",
        &program,
        true,
        &[&place, "-lcaliptra_util_host", "-lpthread"],
    );
    assert!(run(&program, &[&udp, &mctp]).contains("all of the C interface works"));
}

#[test]
fn the_examples_work() {
    let directory = tempfile::tempdir().unwrap();
    let (_udp, _mctp, udp, mctp) = servers();
    let flags = static_flags();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let build = |name: &str| {
        let program = directory.path().join(name);
        compile(&format!("examples/c/{name}.c"), &program, true, &flags);
        program
    };
    let text = run(&build("info"), &[&udp]);
    assert!(
        text.contains("Vendor ID: 0x1ab4") && text.contains("network boot: yes"),
        "{text}"
    );
    // The MCTP server speaks the control protocol; SPDM and PLDM it does not, which the examples report.
    let (spdm, pldm) = (build("spdm_adapter"), build("pldm_adapter"));
    assert!(run(&spdm, &[&mctp]).contains("no SPDM responder answered"));
    assert!(run(&pldm, &[&mctp]).contains("no PLDM responder answered"));
    let responder = responder();
    assert!(run(&spdm, &[&responder]).contains("2 SPDM versions, the first 12"));
    assert!(run(&pldm, &[&responder]).contains("terminus 42"));
}

/// An MCTP endpoint that tells its SPDM versions and its PLDM terminus, for two connections. Gives its address.
fn responder() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("mctp+tcp://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().take(2) {
            respond(&mut stream.unwrap());
        }
    });
    address
}

/// Answers one connection until its other end closes it.
fn respond(stream: &mut TcpStream) {
    let (mut decoder, mut whole) = (Decoder::new(), Reassembler::<256>::new());
    let mut octet = [0];
    while matches!(stream.read(&mut octet), Ok(1)) {
        let Some(packet) = decoder.push(octet[0]) else {
            continue;
        };
        let (header, payload) = PacketHeader::parse(packet).unwrap();
        let Some(len) = whole.push(&header, payload) else {
            continue;
        };
        let answer: &[u8] = match &whole.message()[..len] {
            // DSP0274: VERSION with 1.2 and 1.1, behind GET_VERSION.
            [0x05, 0x10, 0x84, 0, 0] => &[0x05, 0x10, 0x04, 0, 0, 0, 2, 0, 0x12, 0, 0x11],
            // DSP0240: GetTID of instance 1.
            [0x01, 0x81, 0x00, 0x02] => &[0x01, 0x01, 0x00, 0x02, 0x00, 42],
            other => panic!("{other:02x?}"),
        };
        let back = PacketHeader {
            destination: header.source,
            source: header.destination,
            owner: false,
            ..header
        };
        let mut packets = Fragmenter::new(back, answer, BASELINE_UNIT);
        let (mut packet, mut frame) = ([0; MAX_PACKET], [0; MAX_FRAME]);
        while let Some(len) = packets.next_packet(&mut packet) {
            let len = encode(&packet[..len], &mut frame).unwrap();
            stream.write_all(&frame[..len]).unwrap();
        }
    }
}

/// The flags for a library that `pkg-config` knows. `None` when it does not, or is not there itself.
fn installed(library: &str) -> Option<Vec<String>> {
    let mut command = Command::new("pkg-config");
    let done = command.args(["--cflags", "--libs", library]).output();
    let done = done.ok().filter(|done| done.status.success())?;
    let flags = String::from_utf8(done.stdout).unwrap();
    Some(flags.split_whitespace().map(Into::into).collect())
}

/// The adapters compile against the libraries themselves, where these are installed; the test says loudly when they are not.
#[test]
fn the_adapters_fit_the_libraries_that_are_installed() {
    let directory = tempfile::tempdir().unwrap();
    let object = directory.path().join("adapter");
    match installed("libpldm") {
        Some(theirs) => {
            let mut flags = static_flags();
            flags.push("-DWITH_LIBPLDM".into());
            flags.extend(theirs);
            let flags: Vec<_> = flags.iter().map(String::as_str).collect();
            compile("examples/c/pldm_adapter.c", &object, false, &flags);
            assert!(run(&object, &[&responder()]).contains("terminus 42"));
            println!("pldm_adapter.c was compiled and run with the installed libpldm");
        }
        None => println!(
            "NOT RUN: pldm_adapter.c with libpldm, which is not installed: the mock of its header stood in for it"
        ),
    }
    // libspdm has no file for pkg-config: its headers are where its user puts them.
    match std::env::var("LIBSPDM_INCLUDE") {
        Ok(include) => {
            let include = format!("-I{include}");
            let flags = ["-c", "-DWITH_LIBSPDM", &include];
            compile("examples/c/spdm_adapter.c", &object, false, &flags);
            println!("spdm_adapter.c was compiled with libspdm's headers");
        }
        Err(_) => println!(
            "NOT RUN: spdm_adapter.c with libspdm, as LIBSPDM_INCLUDE does not name its headers: the mock stood in for them"
        ),
    }
}

/// What the program wrote is what is committed. `UPDATE_HEADER=1` writes it anew.
#[test]
fn the_committed_header_is_what_cbindgen_makes() {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).unwrap();
    let plugin = root().join("../plugin/src/abi.rs");
    let mut builder = cbindgen::Builder::new()
        .with_config(config)
        .with_src(plugin);
    for file in [
        "error",
        "handles",
        "device",
        "crypto",
        "cipher",
        "curves",
        "provision",
        "adapters",
    ] {
        builder = builder.with_src(root().join(format!("src/{file}.rs")));
    }
    let mut made = vec![];
    builder.generate().unwrap().write(&mut made);
    let made = String::from_utf8(made).unwrap();
    let path = root().join("include/caliptra_util_host.h");
    if std::env::var_os("UPDATE_HEADER").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(
        committed == made,
        "the header is out of date: run this test with UPDATE_HEADER=1"
    );
}

/// Every function of the library is in the header and is called by the C test.
#[test]
fn no_function_is_forgotten() {
    let test = std::fs::read_to_string(root().join("tests/c/test.c")).unwrap();
    let header = std::fs::read_to_string(root().join("include/caliptra_util_host.h")).unwrap();
    let mut count = 0;
    for file in [
        "error",
        "handles",
        "device",
        "crypto",
        "cipher",
        "curves",
        "provision",
        "adapters",
    ] {
        let source = std::fs::read_to_string(root().join(format!("src/{file}.rs"))).unwrap();
        for line in source
            .lines()
            .filter(|line| line.contains("extern \"C\" fn caliptra_"))
        {
            let name = line.split("fn ").nth(1).unwrap().split('(').next().unwrap();
            assert!(header.contains(name), "{name} is not in the header");
            assert!(test.contains(name), "{name} is not called by the C test");
            count += 1;
        }
    }
    assert!(count > 60, "{count}");
}

/// Every function of the Rust interface has one in C.
#[test]
fn every_command_of_rust_is_there_in_c() {
    let header = std::fs::read_to_string(root().join("include/caliptra_util_host.h")).unwrap();
    let others = [
        (
            "caliptra_cmd_get_idevid_cert",
            "caliptra_cmd_get_certificate",
        ),
        (
            "caliptra_cmd_get_ldevid_cert",
            "caliptra_cmd_get_certificate",
        ),
        (
            "caliptra_cmd_get_fmc_alias_cert",
            "caliptra_cmd_get_certificate",
        ),
        (
            "caliptra_cmd_get_rt_alias_cert",
            "caliptra_cmd_get_certificate",
        ),
        ("caliptra_cmd_debug_drain_log", "caliptra_cmd_debug_get_log"),
        (
            "caliptra_cmd_prod_debug_unlock_req",
            "caliptra_cmd_debug_unlock_request",
        ),
        (
            "caliptra_cmd_prod_debug_unlock_token",
            "caliptra_cmd_debug_unlock_token",
        ),
        (
            "caliptra_cmd_provision",
            "caliptra_cmd_provision_vendor_pk_hash",
        ),
    ];
    let mut count = 0;
    let mut sources: Vec<_> = std::fs::read_dir(root().join("../commands/src/api"))
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .collect();
    sources.push(root().join("../commands/src/api.rs"));
    for path in sources {
        let source = std::fs::read_to_string(path).unwrap();
        for line in source.lines().filter(|line| {
            line.starts_with("pub fn caliptra_cmd_")
                || line.trim_start().starts_with("caliptra_cmd_get_")
        }) {
            let name = line.trim_start().trim_start_matches("pub fn ");
            let name = name.split(['(', ',', '<']).next().unwrap();
            let name = others
                .iter()
                .find(|(rust, _)| *rust == name)
                .map_or(name, |(_, c)| c);
            assert!(header.contains(&format!("{name}(")), "{name} is not in C");
            count += 1;
        }
    }
    assert!(count > 45, "{count}");
}

/// What `install.sh` installs is found by pkg-config and builds the example.
#[test]
fn the_installed_library_is_found_by_pkg_config() {
    let directory = tempfile::tempdir().unwrap();
    let prefix = directory.path();
    let installed = Command::new("sh")
        .arg(root().join("install.sh"))
        .arg(prefix)
        .arg(libraries())
        .status()
        .unwrap();
    assert!(installed.success());
    let flags = Command::new("pkg-config")
        .args(["--cflags", "--libs", "caliptra-util-host"])
        .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"))
        .output();
    let Ok(flags) = flags else {
        println!("NOT RUN: there is no pkg-config on this machine");
        return;
    };
    assert!(
        flags.status.success(),
        "{}",
        String::from_utf8_lossy(&flags.stderr)
    );
    let flags = String::from_utf8(flags.stdout).unwrap();
    let program = prefix.join("info");
    let done = Command::new("gcc")
        .arg(root().join("examples/c/info.c"))
        .arg("-o")
        .arg(&program)
        .args(flags.split_whitespace())
        .arg(format!("-Wl,-rpath,{}", prefix.join("lib").display()))
        .status();
    assert!(done.unwrap().success());
    let (_udp, _mctp, udp, _) = servers();
    assert!(run(&program, &[&udp]).contains("Vendor ID"));
}

/// Python's ctypes with the shared library, against a server in Python.
#[test]
fn the_interface_from_python() {
    use std::io::{BufRead, BufReader};
    let peers = root().join("../../../tests/peers");
    let mut server = Command::new("python3")
        .arg(peers.join("mailbox_server.py"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("this test needs python3");
    let mut port = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut port)
        .unwrap();
    let done = Command::new("python3")
        .arg(peers.join("ctypes_client.py"))
        .arg(libraries().join("libcaliptra_util_host.so"))
        .arg(format!("udp://127.0.0.1:{}", port.trim()))
        .output()
        .unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(String::from_utf8_lossy(&done.stdout).contains("works from Python"));
}
