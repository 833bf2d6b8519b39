//! What was seen is told.

use super::{boot, plan};
use e2e::logged::logged;
use e2e::wire::{UDP_PAYLOAD, from_server, is_udp_to, mend, tftp_opcode};
use netboot_core::{Blame, Duration};
use netsim::Middle;
use testbed::Protocol;
use testbed::plan::SERVER;

/// Everything that the server sends by TFTP comes from another address than the one that was asked.
fn from_other_address() -> Middle {
    from_server(|_, mut frame| {
        let udp = frame.get(12..14) == Some(&[8, 0]) && frame[23] == 17;
        if udp && !is_udp_to(&frame, 68) {
            frame[29] = 3;
            mend(&mut frame);
        }
        vec![frame]
    })
}

#[test]
fn a_tftp_server_that_answers_from_another_address() {
    let plan = plan(Protocol::Tftp);
    let boot = boot(&plan, |_| (), from_other_address());
    boot.assert_failed(&plan, 0x0002_0008, Blame::Server);
    let told = boot.error().unwrap().to_string();
    assert!(told.contains("10.0.2.3"), "{told}");
    // The console has it too, of each attempt and without the sentence.
    let line = "@attempt-failed ";
    let attempt = boot.console.lines().find(|told| told.starts_with(line));
    assert!(
        attempt.is_some_and(|told| told.contains(" address=10.0.2.3")),
        "{attempt:?}"
    );
}

/// Neither somebody else's packets nor damaged ones stop the transfer, and the log tells of both.
#[test]
fn tftp_packets_that_were_ignored_are_in_the_log() {
    let plan = plan(Protocol::Tftp);
    let middle = from_server(|_, frame| {
        let mut out = vec![frame.clone()];
        if tftp_opcode(&frame).is_some() {
            let mut other = frame.clone();
            other[29] = 3;
            mend(&mut other);
            let mut damaged = frame;
            damaged[UDP_PAYLOAD] = 9;
            mend(&mut damaged);
            out.splice(..0, [other, damaged]);
        }
        out
    });
    let (boot, log) = logged(|| boot(&plan, |_| (), middle));
    boot.assert_booted(&plan);
    for line in [
        "DEBUG tftp: packet from 10.0.2.3 ignored: it was not asked",
        "DEBUG tftp: packet from 10.0.2.2 ignored: it is damaged",
    ] {
        assert!(log.iter().any(|told| told == line), "{line}: {log:#?}");
    }
}

/// The first answer of the DHCP server is damaged, and the first one of the DNS server is for another query. The log tells of each.
#[test]
fn answers_of_dhcp_and_dns_that_were_ignored_are_in_the_log() {
    use image_server::{DhcpDamage, DhcpFault, DnsFault};
    let plan = plan(Protocol::Tftp);
    let (boot, log) = logged(|| {
        let change = |server: &mut image_server::ServerConfig| {
            let faults = &mut server.faults;
            faults.dhcp.once(DhcpFault::Malformed(DhcpDamage::Short));
            faults.dns.once(DnsFault::WrongId);
            server.dns.insert("images.example".into(), SERVER);
            server.lease.dns = vec![SERVER];
            server.lease.boot_file = Some("tftp://images.example/".into());
        };
        boot(&plan, change, super::wire())
    });
    boot.assert_booted(&plan);
    for line in [
        "DEBUG dhcp: message from 10.0.2.2 ignored: ignored a DHCP message that is cut short",
        "DEBUG dns: answer from 10.0.2.2 ignored: ",
    ] {
        assert!(
            log.iter().any(|told| told.starts_with(line)),
            "{line}: {log:#?}"
        );
    }
}

/// The server names itself in no message, so nobody can choose it.
#[test]
fn dhcp_answers_that_were_ignored() {
    let mut plan = plan(Protocol::Tftp);
    plan.settings += "dhcp_ms 10000\n";
    let fault = image_server::DhcpFault::NoServerId;
    let boot = e2e::Sim::new(&plan)
        .server(|server| server.faults.dhcp.always(fault))
        .run();
    boot.assert_failed(&plan, 0x0004_0006, Blame::Server);
    let told = boot.error().unwrap().to_string();
    assert!(told.contains("0x00040014"), "{told}");
    assert!(boot.took() < Duration::from_secs(15));
}

/// Eight servers answer each question at once, at full length. The ninth offer is the first with a boot file.
#[test]
fn a_burst_of_offers() {
    for protocol in super::BOTH {
        let plan = plan(protocol);
        let middle = from_server(|_, frame| {
            let offer = is_udp_to(&frame, 68) && frame.get(282..285) == Some(&[53, 1, 2]);
            let mut out = Vec::new();
            for other in 1..=8u8 {
                if !offer {
                    break;
                }
                // Another server, another address, no boot information, padding up to 1,400 octets.
                let mut rival = frame[..282].to_vec();
                rival[29] = 100 + other;
                rival[61] = 100 + other;
                rival[62..66].fill(0);
                rival.extend([53, 1, 2, 54, 4, 10, 0, 2, 100 + other, 51, 4, 0, 0, 1, 0]);
                rival.resize(1_400, 0);
                rival.push(255);
                mend(&mut rival);
                out.push(rival);
            }
            out.push(frame);
            out
        });
        boot(&plan, |_| (), middle).assert_booted(&plan);
    }
}
