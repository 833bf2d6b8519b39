//! The seeds of the fuzz targets, given to the fuzz bodies: what a fuzzer once found stays found.

use std::fs;
use std::path::Path;

/// Gives each seed of a target to its body.
fn each(target: &str, body: impl Fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    let seeds = seeds.join(target);
    let files = fs::read_dir(&seeds).unwrap_or_else(|error| panic!("{}: {error}", seeds.display()));
    let mut count = 0;
    for file in files {
        let path = file.unwrap().path();
        println!("{}", path.display());
        body(&fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count > 8, "{count} seeds of {target}");
}

#[test]
fn seeds_of_dhcp() {
    each("dhcp", netboot_dhcp::fuzz::run);
    each("dhcp6", netboot_dhcp::v6::fuzz::run);
}

#[test]
fn seeds_of_neighbour_discovery() {
    each("ndp", netboot_ndp::fuzz::host);
}

#[test]
fn seeds_of_http() {
    each("http", netboot_http::fuzz::run);
}

#[test]
fn seeds_of_tftp() {
    each("tftp", netboot_tftp::fuzz::run);
}

#[test]
fn seeds_of_tls() {
    each("tls_handshake", netboot_tls::fuzz::handshake);
}

#[test]
fn seeds_of_certificates() {
    each("x509", netboot_tls::verify::fuzz::fuzz_verify);
}

#[test]
fn seeds_of_signed_messages() {
    each("cms", netboot_cms::fuzz::run);
}

#[test]
fn seeds_of_the_bootstore() {
    each("bootstore_octets", bootstore::fuzz::octets);
    each("bootstore_machine", bootstore::fuzz::machine);
}

#[test]
fn seeds_of_provisioning() {
    each("sztp", netboot_sztp::fuzz::run);
}

#[test]
fn seeds_of_recovery() {
    each("recovery_agent", ocp_recovery::fuzz::run);
    each("recovery_commands", ocp_recovery::commands::fuzz::run);
    each("recovery_model", recovery_model::fuzz::run);
}

#[test]
fn seeds_of_the_boot_source() {
    each("boot_source", netboot_boot_source::fuzz::run);
}

#[test]
fn seeds_of_verified_streaming() {
    each("verity", |data| {
        netboot_verity::fuzz::blocks(data);
        netboot_verity::fuzz::stream(data);
    });
}

#[test]
fn seeds_of_the_udp_boot_protocol() {
    each("ubp", |data| {
        netboot_ubp::fuzz::client(data);
        netboot_ubp::fuzz::server(data);
    });
}

#[test]
fn seeds_of_dns() {
    each("dns", netboot_dns::fuzz::resolver);
}

#[test]
fn seeds_of_scripts() {
    each("script", netboot_ipxe::script::fuzz::run);
}

#[test]
fn seeds_of_disks() {
    each("san", netboot_ipxe::san::fuzz::run);
}

#[test]
fn seeds_of_the_terminal() {
    each("terminal", netboot_ipxe::terminal::fuzz::run);
}

#[test]
fn seeds_of_the_host_library() {
    use caliptra_util_host_command_types::fuzz as octets;
    use caliptra_util_host_transport::fuzz as ways;
    each("util_answers", octets::answers);
    each("util_vdm", octets::vdm);
    each("util_mailbox", |data| {
        octets::mailbox(data);
        ways::registers(data);
    });
    each("util_serial", ways::serial);
    each("util_i3c", caliptra_util_host_recover::fuzz::run);
}

#[test]
fn seeds_of_the_console() {
    each("console", |data| {
        netboot_lines::Transcript::read(&String::from_utf8_lossy(data)).cause();
    });
}
