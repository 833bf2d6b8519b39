//! Answers of DHCP servers: where they go, what they point to, and what is wrong with them.

use super::{BOTH, boot, plan, wire};
use e2e::wire::{DHCP_OPTIONS, EVERYBODY, dhcp_tail, from_server, is_udp_to, redirect};
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

/// Puts all files into the directory `images/`.
pub fn in_images(server: &mut image_server::ServerConfig) {
    let files = std::mem::take(&mut server.files);
    server.files = files
        .into_iter()
        .map(|(name, content)| (format!("images/{name}"), content))
        .collect();
}

/// Directory `images/` by TFTP, and what the lease says of the server.
fn by_name(plan: &Plan, change: impl FnOnce(&mut image_server::LeaseConfig)) -> e2e::Boot {
    boot(
        plan,
        |server| {
            in_images(server);
            server.lease.boot_file = Some("images/".into());
            server.lease.next_server = None;
            change(&mut server.lease);
        },
        wire(),
    )
}

/// Neither a label nor a whole name that nobody knows stands in the way of the address beside it.
#[test]
fn a_name_beside_an_address_need_not_resolve() {
    let plan = plan(Protocol::Tftp);
    for placement in [BootPlacement::Options, BootPlacement::Fields] {
        for dns in [vec![], vec![SERVER], vec![Ipv4Addr::new(10, 0, 2, 66)]] {
            for name in ["pxeserver", "pxeserver.lab.example"] {
                let boot = by_name(&plan, |lease| {
                    lease.server_name = Some(name.into());
                    lease.next_server = Some(SERVER);
                    lease.placement = placement;
                    lease.dns = dns.clone();
                });
                boot.assert_booted(&plan);
            }
        }
    }
}

/// A PXE menu of nothing but the local disk, one whose server does not answer, and one that its own server has no file for. Without a menu the error is
/// the usual one.
#[test]
fn a_pxe_menu_that_gives_no_boot_file_is_refused_by_name() {
    let disk: &[u8] = b"\x09\x07\x00\x00\x04disk\xff";
    let dead: &[u8] = b"\x08\x07\x80\x00\x01\x0a\x00\x02\x42\x09\x04\x80\x00\x01a\xff";
    let empty: &[u8] = b"\x09\x04\x80\x00\x01a\xff";
    for (menu, code) in [
        (Some(disk), 0x0007_0013),
        (Some(dead), 0x0007_0013),
        (Some(empty), 0x0007_0013),
        (None, 0x0007_0001),
    ] {
        let plan = plan(Protocol::Tftp);
        let boot = boot(
            &plan,
            |server| {
                server.lease.boot_file = None;
                server.proxy = Some(image_server::ProxyConfig {
                    ip: Ipv4Addr::new(10, 0, 2, 9),
                    options: menu.map(|menu| (43, menu.to_vec())).into_iter().collect(),
                    ..image_server::ProxyConfig::default()
                });
            },
            wire(),
        );
        boot.assert_failed(&plan, code, Blame::Configuration);
        assert!(
            boot.took() < netboot_core::Duration::from_secs(15),
            "{}",
            boot.took()
        );
    }
}

/// A ProxyDHCP server names a file and no server: it is the server itself, or those of its option 150.
#[test]
fn a_proxy_that_names_only_a_file_has_it_itself() {
    let proxy = Ipv4Addr::new(10, 0, 2, 9);
    for (options, from) in [
        (vec![], proxy),
        (vec![(150, SERVER.octets().to_vec())], SERVER),
    ] {
        let plan = plan(Protocol::Tftp);
        let asked = std::sync::Arc::new(std::sync::Mutex::new(None));
        let seen = asked.clone();
        let middle: Middle = Box::new(move |_, side, frame, out| {
            if is_udp_to(&frame, 69) {
                let address: [u8; 4] = frame[30..34].try_into().unwrap();
                *seen.lock().unwrap() = Some(Ipv4Addr::from(address));
            }
            out.push((side, frame));
        });
        let boot = boot(
            &plan,
            |server| {
                in_images(server);
                server.lease.boot_file = None;
                server.proxy = Some(image_server::ProxyConfig {
                    ip: proxy,
                    boot_file: Some("images/".into()),
                    options: options.clone(),
                    ..image_server::ProxyConfig::default()
                });
            },
            middle,
        );
        boot.assert_booted(&plan);
        assert_eq!(*asked.lock().unwrap(), Some(from));
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
            let middle = from_server(move |_, frame| vec![dhcp_tail(frame, &cut)]);
            boot(&plan, |_| (), middle).assert_booted(&plan);
        }
    }
}

/// What servers send and other clients stumble over: an identifier twice, octets behind END, options without a value,
/// a name that ends in NULs.
#[test]
fn odd_options_of_servers_are_taken() {
    for protocol in BOTH {
        let plan = plan(protocol);
        let behind = [&[255][..], &[0xde; 37]].concat();
        let empty = [12, 0, 15, 0, 43, 0, 255];
        for tail in [&[54, 4, 10, 0, 2, 2, 255][..], &behind, &empty] {
            let tail = tail.to_vec();
            let middle = from_server(move |_, frame| vec![dhcp_tail(frame, &tail)]);
            boot(&plan, |_| (), middle).assert_booted(&plan);
        }
        // Each value has an octet too many.
        let long = image_server::DhcpFault::Malformed(image_server::DhcpDamage::OptionLengths);
        boot(&plan, |server| server.faults.dhcp.always(long), wire()).assert_booted(&plan);
        let place = format!("{}://{SERVER}/", protocol.scheme());
        let boot = boot(
            &plan,
            |server| {
                server.lease.boot_file = None;
                server.lease.options = vec![(67, [place.as_bytes(), &[0, 0]].concat())];
            },
            wire(),
        );
        boot.assert_booted(&plan);
    }
}

/// Every message of the server is damaged in its frame or in its options, so that none can be used, and the boot says which
/// damage it was.
#[test]
fn messages_that_are_all_damaged_are_told_as_answers_of_a_server() {
    use image_server::{DhcpDamage, DhcpFault};
    for (damage, last) in [
        (DhcpDamage::Short, "0x00040010"),
        (DhcpDamage::Cookie, "0x00040011"),
    ] {
        let mut plan = plan(Protocol::Tftp);
        plan.settings += "dhcp_ms 10000\n";
        let fault = DhcpFault::Malformed(damage);
        let boot = boot(&plan, |server| server.faults.dhcp.always(fault), wire());
        boot.assert_failed(&plan, 0x0004_0006, Blame::Server);
        let told = boot.error().unwrap().to_string();
        assert!(told.contains(last), "{damage:?}: {told}");
    }
}

/// A damaged message among good ones costs a repetition and nothing else.
#[test]
fn one_damaged_message_costs_a_repetition() {
    use image_server::{DhcpDamage, DhcpFault, Rule};
    for damage in [
        DhcpDamage::Cookie,
        DhcpDamage::Short,
        DhcpDamage::NoEnd,
        DhcpDamage::OptionLengths,
        DhcpDamage::Opcode,
        DhcpDamage::Noise,
    ] {
        for message in ["discover", "request"] {
            let plan = plan(Protocol::Tftp);
            let rule = Rule::new(DhcpFault::Malformed(damage)).named(message);
            let boot = boot(
                &plan,
                |server| server.faults.dhcp.add(rule.times(1)),
                wire(),
            );
            boot.assert_booted(&plan);
            assert!(
                boot.took() < netboot_core::Duration::from_secs(5),
                "{damage:?}"
            );
        }
    }
}

/// A blank is a character of a file name, so the server has no file of a name that is padded with blanks, and the images beside it are found.
/// No URI has a blank in it, and the boot says where it stands.
#[test]
fn blanks_behind_the_boot_file_are_part_of_its_name() {
    let plan = plan(Protocol::Tftp);
    let uri = format!("tftp://{SERVER}/ ");
    let told = boot(&plan, |server| server.lease.boot_file = Some(uri), wire());
    told.assert_failed(&plan, 0x0001_0002, Blame::Configuration);
    for placement in [BootPlacement::Options, BootPlacement::Fields] {
        let boot = by_name(&plan, |lease| {
            lease.boot_file = Some("images/  ".into());
            lease.placement = placement;
        });
        boot.assert_booted(&plan);
    }
}

/// The last option of the acknowledgement, which continues the boot file's name (RFC 3396), goes beyond the message. The offer had the whole name, but
/// which one the server means nobody knows, so no place is guessed.
#[test]
fn a_pointer_that_goes_beyond_its_message_is_damaged() {
    let fault = image_server::DhcpFault::Malformed(image_server::DhcpDamage::Overrun);
    for (message, booted) in [("discover", true), ("request", false)] {
        let plan = plan(Protocol::Tftp);
        let rule = image_server::Rule::new(fault.clone()).named(message);
        let boot = boot(&plan, |server| server.faults.dhcp.add(rule), wire());
        match booted {
            true => boot.assert_booted(&plan),
            false => boot.assert_failed(&plan, 0x0007_0011, Blame::Configuration),
        };
    }
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
    let ack =
        is_udp_to(frame, 68) && frame.get(DHCP_OPTIONS..DHCP_OPTIONS + 3) == Some(&[53, 1, 5]);
    let mut nak = ack.then(|| frame[..DHCP_OPTIONS].to_vec())?;
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
