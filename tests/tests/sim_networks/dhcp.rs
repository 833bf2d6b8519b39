//! Answers of DHCP servers: where they go, what they point to, and what is wrong with them.

use super::{BOTH, boot, plan, wire};
use e2e::wire::{EVERYBODY, from_server, is_udp_to, redirect};
use image_server::BootPlacement;
use netboot_core::Blame;
use netsim::Middle;
use std::net::Ipv4Addr;
use testbed::ethernet::MAC;
use testbed::plan::{CLIENT, SERVER};
use testbed::{Plan, Protocol};

/// Servers that do not heed the BROADCAST flag, and relays that clear it, send to the address that they offer.
#[test]
fn answers_to_an_address_that_the_station_does_not_have_yet() {
    for protocol in BOTH {
        let plan = plan(protocol);
        for mac in [MAC, EVERYBODY] {
            let middle = from_server(move |_, mut frame| {
                if is_udp_to(&frame, 68) {
                    redirect(&mut frame, mac, CLIENT);
                }
                vec![frame]
            });
            boot(&plan, |_| (), middle).assert_booted(&plan);
        }
    }
}

/// Directory `images/` by TFTP, and what the lease says of the server.
fn by_name(plan: &Plan, change: impl FnOnce(&mut image_server::LeaseConfig)) -> e2e::Boot {
    boot(
        plan,
        |server| {
            let files = std::mem::take(&mut server.files);
            server.files = files
                .into_iter()
                .map(|(name, content)| (format!("images/{name}"), content))
                .collect();
            server.lease.boot_file = Some("images/".into());
            server.lease.next_server = None;
            change(&mut server.lease);
        },
        wire(),
    )
}

#[test]
fn a_label_beside_an_address_need_not_resolve() {
    let plan = plan(Protocol::Tftp);
    for placement in [BootPlacement::Options, BootPlacement::Fields] {
        for dns in [vec![], vec![SERVER], vec![Ipv4Addr::new(10, 0, 2, 66)]] {
            let boot = by_name(&plan, |lease| {
                lease.server_name = Some("pxeserver".into());
                lease.next_server = Some(SERVER);
                lease.placement = placement;
                lease.dns = dns.clone();
            });
            boot.assert_booted(&plan);
        }
    }
}

#[test]
fn option_150_or_the_server_itself_where_nothing_else_is_named() {
    let plan = plan(Protocol::Tftp);
    by_name(&plan, |_| ()).assert_booted(&plan);
    by_name(&plan, |lease| {
        lease.options = vec![(150, SERVER.octets().to_vec())];
    })
    .assert_booted(&plan);
    // The first one is dead.
    let two = [Ipv4Addr::new(10, 0, 2, 66).octets(), SERVER.octets()].concat();
    by_name(&plan, |lease| lease.options = vec![(150, two)]).assert_booted(&plan);
}

/// What stands before an option that is cut short is taken.
#[test]
fn a_message_whose_last_option_is_cut_short() {
    for protocol in BOTH {
        let plan = plan(protocol);
        for cut in [&[12, 5, b'a'][..], &[12], &[43, 200, 1, 2, 3]] {
            let cut = cut.to_vec();
            let middle = from_server(move |_, frame| vec![with_tail(frame, &cut)]);
            boot(&plan, |_| (), middle).assert_booted(&plan);
        }
    }
}

/// A DHCP message whose options end in `tail` in place of the END option; another frame as it is.
fn with_tail(mut frame: Vec<u8>, tail: &[u8]) -> Vec<u8> {
    if !is_udp_to(&frame, 68) {
        return frame;
    }
    let mut at = 14 + 20 + 8 + 240;
    while frame[at] != 255 {
        at += if frame[at] == 0 {
            1
        } else {
            2 + usize::from(frame[at + 1])
        };
    }
    frame.truncate(at);
    frame.extend(tail);
    e2e::wire::mend(&mut frame);
    frame
}

/// The images are never looked for at another place than the one that is named.
#[test]
fn a_damaged_pointer_is_told_and_leads_nowhere_else() {
    for bad in [&b"http://10.0.2.2/\n"[..], b"http://10.0.2.2/\xff", b"\x01"] {
        let plan = plan(Protocol::Tftp);
        let boot = boot(
            &plan,
            |server| {
                server.lease.boot_file = None;
                server.lease.next_server = Some(SERVER);
                server.lease.options = vec![(67, bad.to_vec())];
            },
            wire(),
        );
        boot.assert_failed(&plan, 0x0007_0011, Blame::Configuration);
        let fetched =
            |served: &&image_server::Served| served.protocol != image_server::Protocol::Dhcp;
        assert_eq!(boot.served.iter().find(fetched), None);
    }
}

/// Before each ACK somebody else says NAK, without telling who.
#[test]
fn a_refusal_that_does_not_say_from_whom_is_not_believed() {
    for id in [None, Some(Ipv4Addr::new(10, 0, 2, 7))] {
        let plan = plan(Protocol::Tftp);
        let middle: Middle = from_server(move |_, frame| match nak(&frame, id) {
            Some(nak) => vec![nak, frame],
            None => vec![frame],
        });
        boot(&plan, |_| (), middle).assert_booted(&plan);
    }
}

/// A DHCPNAK from 10.0.2.7 for the client that `frame` acknowledges a lease of.
fn nak(frame: &[u8], id: Option<Ipv4Addr>) -> Option<Vec<u8>> {
    let options = 14 + 20 + 8 + 240;
    let ack = is_udp_to(frame, 68) && frame.get(options..options + 3) == Some(&[53, 1, 5]);
    let mut nak = ack.then(|| frame[..options].to_vec())?;
    nak[26..30].copy_from_slice(&[10, 0, 2, 7]);
    // No address, no server.
    nak[58..66].fill(0);
    nak.extend([53, 1, 6]);
    if let Some(id) = id {
        nak.extend([54, 4]);
        nak.extend(id.octets());
    }
    nak.push(255);
    e2e::wire::mend(&mut nak);
    Some(nak)
}

/// A boot file with backslashes: what lies beside it is asked for with backslashes.
#[test]
fn backslashes_are_separators_where_the_boot_file_has_them() {
    for file in [r"Boot\FW\", r"\Boot\FW\boot.toc", r"Boot\FW\pxe.n12"] {
        let plan = plan(Protocol::Tftp);
        let directory = file.rsplit_once('\\').unwrap().0;
        let boot = boot(
            &plan,
            |server| {
                let files = std::mem::take(&mut server.files);
                server.files = files
                    .into_iter()
                    .filter(|(name, _)| name != "boot.toc" || file.ends_with("boot.toc"))
                    .map(|(name, content)| (format!("{directory}\\{name}"), content))
                    .collect();
                if file.ends_with("n12") {
                    let other = image_server::Content::Bytes((*b"some loader").into());
                    server.files.insert(file.into(), other);
                }
                server.lease.boot_file = Some(file.into());
                server.lease.next_server = Some(SERVER);
            },
            wire(),
        );
        boot.assert_booted(&plan);
    }
}
