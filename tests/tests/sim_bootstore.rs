//! Boots without DHCP, by the network configuration that a rack remembers: out of the board's own ledger, or from a node.
//!
//! What a node of the simulated network answers is written by the code of `crates/bootstore` that the daemon has.

use bootstore::early::EarlyNetConfig;
use e2e::{Boot, Sim};
use image_server::{NodeConfig, NodeFault, Protocol as Served, ServerConfig};
use netboot_core::{Blame, ConfigOrigin, Duration};
use netsim::{Middle, Side};
use std::net::IpAddr;
use testbed::plan::{CLIENT, FILE_NAMES, Family, Pointer, SERVER, firmware};
use testbed::rack::{MemoryLedger, Remembered, node, serve};
use testbed::{Plan, Protocol};

const NOT_HTTPS: u32 = 0x0007_0007;
const NO_DHCP: u32 = 0x0004_0002;
const TORN: u32 = 0x0014_00a2;
const LATE_OR_SILENT: u32 = 0x0014_00b1;
const NOTHING_NEWER: u32 = 0x0014_00b2;
const NO_CONFIG: u32 = 0x0014_00b3;
const NO_ADDRESS: u32 = 0x0014_00b4;
const NO_SERVER: u32 = 0x0014_00b5;
const MALFORMED: u32 = 0x0014_0081;
const NONCE: u32 = 0x0014_0082;
const CONFIG: u32 = 0x0014_0084;
const GENERATION: u32 = 0x0014_0085;
const TRIED: u32 = 0x0014_0086;

/// A board that has nothing of its own, on a network without DHCP.
fn bare(family: Family) -> Plan {
    Plan {
        protocol: Protocol::Http,
        images: firmware(&[20_000, 3_000, 2_001]),
        settings: "probe off\ndhcp_ms 3000\nretry 1\nattempt_ms 30000\n".into(),
        expect: true,
        family,
        ..Plan::default()
    }
}

/// The same with this ledger, or this order, or whatever the lines say.
fn with(mut plan: Plan, lines: &str) -> Plan {
    plan.settings += lines;
    plan
}

fn boot(plan: &Plan, nodes: Vec<NodeConfig>) -> Boot {
    boot_with(plan, nodes, |_| ())
}

fn boot_with(plan: &Plan, nodes: Vec<NodeConfig>, change: impl FnOnce(&mut ServerConfig)) -> Boot {
    let sim = Sim::new(plan).server(|server| {
        server.lease.enabled = false;
        if let Some(ipv6) = &mut server.ipv6 {
            ipv6.router = false;
            ipv6.dhcp = None;
        }
        server.nodes = nodes;
        change(server);
    });
    sim.run()
}

/// Setting lines of a ledger in which these configurations were stored.
fn ledger(configs: &[EarlyNetConfig]) -> String {
    MemoryLedger::with(configs).settings()
}

/// A configuration that leads to files that are not there.
fn nowhere(plan: &Plan, generation: u64) -> EarlyNetConfig {
    let mut config = plan.early(generation);
    config.servers.clear();
    serve(&mut config, &format!("http://{SERVER}/nowhere/"));
    config
}

fn count(boot: &Boot, protocol: Served) -> usize {
    let served = boot.served.iter();
    served.filter(|served| served.protocol == protocol).count()
}

/// The `from` and the `generation` of each configuration that the boot used.
fn used(boot: &Boot) -> Vec<(String, String)> {
    let lines = boot.console.lines();
    let lines = lines.filter(|line| line.starts_with("@bootstore "));
    let value = |line: &str, key: &str| {
        let mut pairs = line.split(' ').filter_map(|pair| pair.split_once('='));
        let found = pairs.find(|(name, _)| *name == key);
        found.map_or(String::new(), |(_, value)| value.to_string())
    };
    lines
        .map(|line| (value(line, "from"), value(line, "generation")))
        .collect()
}

fn ledger_used(generation: u64) -> (String, String) {
    ("ledger".into(), generation.to_string())
}

/// The link-local address of node `number`, and a generation.
fn node_used(number: u8, generation: u64) -> (String, String) {
    (
        format!("fe80::ff:fe00:1{number:02x}"),
        generation.to_string(),
    )
}

/// The sources of the images, by the console.
fn sources(boot: &Boot) -> Vec<&str> {
    let lines = boot.console.lines();
    let fetching = lines.filter(|line| line.starts_with("@fetching "));
    fetching
        .filter_map(|line| line.split_once("source="))
        .map(|(_, source)| source)
        .collect()
}

#[test]
fn a_board_without_dhcp_boots_by_its_own_ledger() {
    for family in [Family::Ipv4, Family::Ipv6] {
        for pointer in [Pointer::Directory, Pointer::Toc, Pointer::FlashImage] {
            for protocol in [Protocol::Http, Protocol::Tftp] {
                let plan = Plan {
                    protocol,
                    pointer,
                    remembered: Some(Remembered::Ledger),
                    ..bare(family)
                };
                let boot = Sim::new(&plan).run();
                boot.assert_booted(&plan);
                assert_eq!(used(&boot), [ledger_used(1)], "{}", boot.console);
                assert_eq!(count(&boot, Served::Bootstore), 0);
                let config = boot.outcome.config.as_ref().unwrap();
                assert_eq!(config.origin, ConfigOrigin::Static);
                match family {
                    Family::Ipv4 => assert_eq!(config.address, IpAddr::from(CLIENT)),
                    _ => assert_eq!(config.address.to_string(), "fd00::2:0:ff:fe00:15"),
                }
                if pointer == Pointer::Directory {
                    assert!(sources(&boot).iter().all(|source| *source == "bootstore"));
                }
            }
        }
    }
}

#[test]
fn a_board_without_dhcp_and_without_a_ledger_asks_a_node() {
    for family in [Family::Ipv6, Family::Both] {
        let plan = Plan {
            remembered: Some(Remembered::Node),
            ..bare(family)
        };
        let boot = Sim::new(&plan).run();
        boot.assert_booted(&plan);
        assert_eq!(used(&boot), [node_used(1, 1)], "{}", boot.console);
        assert_eq!(count(&boot, Served::Bootstore), 1);
        // DHCP has 3 s, the node 200 ms, and routers 4 s; the device settles in 3 s.
        assert!(boot.took() < Duration::from_secs(11), "{}", boot.took());
    }
}

/// DHCP comes first where it stands first, and is not asked at all where it is not listed.
#[test]
fn the_order_says_who_is_asked_for_an_address() {
    let lines = |plan: &Plan| ledger(&[plan.early(4)]);
    for (order, first, asked) in [
        ("dhcp bootstore", "dhcp", true),
        ("bootstore dhcp", "bootstore", false),
        ("bootstore", "bootstore", false),
        ("default bootstore", "bootstore", false),
        ("toc bootstore", "bootstore", true),
    ] {
        let plan = bare(Family::Ipv4);
        let plan = with(plan.clone(), &format!("{}order {order}\n", lines(&plan)));
        let boot = boot_with(&plan, vec![], |server| server.lease.enabled = true);
        boot.assert_booted(&plan);
        assert_eq!(sources(&boot)[0], first, "{order}: {}", boot.console);
        assert_eq!(count(&boot, Served::Dhcp) > 0, asked, "{order}");
    }
    // The bootstore is not used where it is not listed.
    let plan = bare(Family::Ipv4);
    let plan = with(plan.clone(), &format!("{}order dhcp\n", lines(&plan)));
    let boot = boot(&plan, vec![]);
    boot.assert_failed(&plan, NO_DHCP, Blame::Network);
    assert!(used(&boot).is_empty());
}

#[test]
fn dhcp_takes_over_where_the_bootstore_has_nothing() {
    let plan = with(bare(Family::Ipv4), "order bootstore dhcp\n");
    let boot = boot_with(&plan, vec![], |server| server.lease.enabled = true);
    boot.assert_booted(&plan);
    assert_eq!(boot.attempts_failed(), [NO_CONFIG], "{}", boot.console);
    // And where what it has leads nowhere.
    let plan = bare(Family::Ipv4);
    let lines = ledger(&[nowhere(&plan, 4)]);
    let plan = with(plan, &format!("{lines}order bootstore dhcp\n"));
    let boot = boot_with(&plan, vec![], |server| server.lease.enabled = true);
    boot.assert_booted(&plan);
    let order = ["bootstore", "bootstore", "dhcp"];
    assert_eq!(sources(&boot)[..3], order, "{}", boot.console);
}

/// A network whose DHCP server names no boot file, and one whose boot server is gone.
#[test]
fn the_ledgers_servers_serve_beside_dhcp() {
    let plan = bare(Family::Ipv4);
    let plan = with(plan.clone(), &ledger(&[plan.early(4)]));
    let bare_lease = boot_with(&plan, vec![], |server| {
        server.lease.enabled = true;
        server.lease.boot_file = None;
    });
    bare_lease.assert_booted(&plan);
    assert!(matches!(
        bare_lease.outcome.config.as_ref().unwrap().origin,
        ConfigOrigin::Dhcp(_)
    ));
    let gone = boot_with(&plan, vec![], |server| {
        server.lease.enabled = true;
        server.lease.boot_file = Some(format!("http://{SERVER}/nowhere/"));
    });
    gone.assert_booted(&plan);
    assert_eq!(
        sources(&gone)[..2],
        ["dhcp", "bootstore"],
        "{}",
        gone.console
    );
    // Without a ledger a node is asked, by a station that has an address of DHCP's.
    let plan = with(bare(Family::Both), "bootstore ask\n");
    let told = node(1, &plan.early(3));
    let asked = boot_with(&plan, vec![told], |server| {
        server.lease.enabled = true;
        server.lease.boot_file = None;
    });
    asked.assert_booted(&plan);
    assert_eq!(used(&asked), [node_used(1, 3)], "{}", asked.console);
}

/// A board that speaks IPv4 alone asks the nodes that it knows, once it has an address.
#[test]
fn a_station_of_ipv4_asks_a_node_that_it_knows() {
    let plan = bare(Family::Ipv4);
    let lines = format!(
        "{}bootstore ask {SERVER}\norder bootstore\n",
        ledger(&[nowhere(&plan, 2)])
    );
    let plan = with(plan, &lines);
    let found = boot(&plan, vec![node(1, &plan.early(3))]);
    found.assert_booted(&plan);
    let by_server = (SERVER.to_string(), "3".to_string());
    assert_eq!(
        used(&found),
        [ledger_used(2), by_server],
        "{}",
        found.console
    );
    // Without an address it can ask nobody, and says so.
    let plan = with(bare(Family::Ipv4), "bootstore ask\n");
    let boot = boot(&plan, vec![node(1, &plan.early(3))]);
    boot.assert_failed(&plan, 0x0005_0001, Blame::Caller);
    assert_eq!(count(&boot, Served::Bootstore), 0);
}

#[test]
fn a_damaged_slot_is_named_and_the_other_one_is_used() {
    let plan = bare(Family::Ipv4);
    let mut damaged = MemoryLedger::with(&[plan.early(5), plan.early(6)]);
    damaged.0[1][30] ^= 1;
    let older = with(plan.clone(), &damaged.settings());
    let ended = boot(&older, vec![]);
    ended.assert_booted(&older);
    assert_eq!(
        ended.attempts_failed(),
        [NO_DHCP, TORN],
        "{}",
        ended.console
    );
    assert!(ended.console.contains("slot=b"), "{}", ended.console);
    assert_eq!(used(&ended), [ledger_used(5)]);
    // With both damaged, a node is asked; without one the boot ends with a name.
    damaged.0[0][30] ^= 1;
    let lines = damaged.settings();
    let both = Plan {
        family: Family::Both,
        ..with(plan.clone(), &format!("{lines}bootstore ask\n"))
    };
    let ended = boot(&both, vec![node(1, &plan.early(3))]);
    ended.assert_booted(&both);
    assert_eq!(ended.attempts_failed()[1..], [TORN, TORN]);
    assert_eq!(used(&ended), [node_used(1, 3)]);
    let alone = with(plan, &lines);
    let ended = boot(&alone, vec![]);
    ended.assert_failed(&alone, NO_CONFIG, Blame::Configuration);
    assert!(ended.attempts_failed().starts_with(&[NO_DHCP, TORN, TORN]));
}

/// Nodes that do something wrong, alone and beside a healthy one: each has a name, and keeps no board from the healthy one's answer.
#[test]
fn nodes_that_are_wrong_are_named_and_waited_past() {
    let base = bare(Family::Ipv6);
    let good = |number| node(number, &base.early(6));
    let wrong = |fault| NodeConfig {
        fault: Some(fault),
        ..good(1)
    };
    let late = NodeConfig {
        delay: Duration::from_secs(16),
        ..good(1)
    };
    let cases: [(NodeConfig, u32, Blame); 8] = [
        (wrong(NodeFault::Flipped(0)), MALFORMED, Blame::Peer),
        (wrong(NodeFault::Truncated(1)), MALFORMED, Blame::Peer),
        (wrong(NodeFault::Noise), MALFORMED, Blame::Peer),
        (wrong(NodeFault::Nonce), NONCE, Blame::Peer),
        (wrong(NodeFault::Generation(7)), GENERATION, Blame::Peer),
        (wrong(NodeFault::Flipped(30)), CONFIG, Blame::Peer),
        (late, LATE_OR_SILENT, Blame::Network),
        (NodeConfig::default(), LATE_OR_SILENT, Blame::Network),
    ];
    let only = with(
        base.clone(),
        "bootstore ask\norder bootstore\nretry continue\n",
    );
    for (node, code, blame) in cases {
        let alone = boot(&only, vec![node.clone()]);
        alone.assert_failed(&only, code, blame);
        let took = alone.took();
        assert!(took < Duration::from_secs(17), "{node:?}: {took}");
        let beside = boot(&only, vec![node.clone(), good(2)]);
        beside.assert_booted(&only);
        assert_eq!(used(&beside), [node_used(2, 6)], "{node:?}");
        // A shorter patience ends sooner.
        let hasty = with(only.clone(), "bootstore_ms 1200\n");
        let ended = boot(&hasty, vec![node]);
        let took = ended.took();
        assert!(
            ended.error().is_some() && took < Duration::from_secs(3),
            "{took}"
        );
    }
}

#[test]
fn an_answer_that_comes_twice_or_late_is_one_answer() {
    let base = bare(Family::Ipv6);
    let plan = with(base.clone(), "bootstore ask\norder bootstore\n");
    let twice = NodeConfig {
        copies: 3,
        ..node(1, &base.early(6))
    };
    let ended = boot(&plan, vec![twice]);
    ended.assert_booted(&plan);
    assert_eq!(used(&ended), [node_used(1, 6)]);
    // After the second question, so that both answers come.
    let slow = NodeConfig {
        delay: Duration::from_millis(800),
        ..node(1, &base.early(6))
    };
    let ended = boot(&plan, vec![slow]);
    ended.assert_booted(&plan);
    assert_eq!(used(&ended), [node_used(1, 6)]);
    // The first three questions are lost.
    let deaf = NodeConfig {
        deaf: 3,
        ..node(1, &base.early(6))
    };
    let ended = boot(&plan, vec![deaf]);
    ended.assert_booted(&plan);
    assert_eq!(count(&ended, Served::Bootstore), 4);
}

#[test]
fn the_newest_answer_wins() {
    let base = bare(Family::Ipv6);
    let plan = with(base.clone(), "bootstore ask\norder bootstore\n");
    let slower = NodeConfig {
        delay: Duration::from_millis(100),
        ..node(2, &base.early(9))
    };
    let ended = boot(
        &plan,
        vec![
            node(1, &nowhere(&base, 7)),
            slower,
            node(3, &nowhere(&base, 8)),
        ],
    );
    ended.assert_booted(&plan);
    assert_eq!(used(&ended), [node_used(2, 9)]);
}

/// The ledger's servers are gone, and the rack has a newer configuration: the board finds it, and takes no older one.
#[test]
fn a_node_is_asked_when_the_boot_by_the_ledger_has_failed() {
    let base = bare(Family::Ipv6);
    let lines = format!(
        "{}bootstore ask\norder bootstore\n",
        ledger(&[nowhere(&base, 5)])
    );
    let plan = with(base.clone(), &lines);
    let newer = boot(&plan, vec![node(1, &base.early(6))]);
    newer.assert_booted(&plan);
    assert_eq!(used(&newer), [ledger_used(5), node_used(1, 6)]);
    // A node that says it is new, or gives what is old, gets nowhere: the board stays with its own.
    for generation in [5, 4, 1] {
        let old = NodeConfig {
            fault: Some(NodeFault::Stale),
            ..node(1, &base.early(generation))
        };
        let ended = boot(&plan, vec![old]);
        let failed = ended.attempts_failed();
        assert!(
            ended.error().is_some() && failed.contains(&NOTHING_NEWER),
            "{failed:x?}"
        );
        assert!(used(&ended).iter().all(|used| *used == ledger_used(5)));
    }
    // With nobody there it is tried again with what there is.
    let alone = boot(&plan, vec![]);
    assert!(alone.attempts_failed().contains(&LATE_OR_SILENT));
    assert_eq!(
        used(&alone),
        [ledger_used(5), ledger_used(5)],
        "{}",
        alone.console
    );
}

/// Somebody on the link answers with the highest generation there is, and leads the board nowhere. The next round takes a lower one.
#[test]
fn a_node_that_lies_costs_one_round() {
    let base = bare(Family::Ipv6);
    let plan = with(base.clone(), "bootstore ask\norder bootstore\n");
    let liar = node(1, &nowhere(&base, u64::MAX - 1));
    let ended = boot(&plan, vec![liar.clone(), node(2, &base.early(3))]);
    ended.assert_booted(&plan);
    let both = [node_used(1, u64::MAX - 1), node_used(2, 3)];
    assert_eq!(used(&ended), both, "{}", ended.console);
    // Alone, it is named, and the boot goes on to the next source.
    let places: String = FILE_NAMES
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let server = testbed::plan::SERVER6;
            format!("default {index} http://[{server}]/{name}\n")
        })
        .collect();
    let plan = with(
        base.clone(),
        &format!("{places}bootstore ask\norder bootstore default\n"),
    );
    let ended = boot(&plan, vec![liar.clone()]);
    ended.assert_booted(&plan);
    assert_eq!(sources(&ended)[..2], ["bootstore", "default"]);
    let plan = with(base, "bootstore ask\norder bootstore\n");
    let ended = boot(&plan, vec![liar]);
    assert!(
        ended.attempts_failed().contains(&TRIED),
        "{}",
        ended.console
    );
    assert!(ended.took() < Duration::from_secs(60), "{}", ended.took());
}

/// What nobody has authenticated only points: a board that requires HTTPS gets no images by anything else.
#[test]
fn an_answer_cannot_downgrade_a_board_that_requires_https() {
    let base = bare(Family::Ipv6);
    let plan = with(
        base.clone(),
        "bootstore ask\norder bootstore\nrequire https\n",
    );
    let ended = boot(&plan, vec![node(1, &base.early(3))]);
    ended.assert_failed(&plan, NOT_HTTPS, Blame::Configuration);
    assert_eq!(count(&ended, Served::Http) + count(&ended, Served::Tftp), 0);
    // The same answer boots a board that does not ask for more.
    let open = with(base.clone(), "bootstore ask\norder bootstore\n");
    boot(&open, vec![node(1, &base.early(3))]).assert_booted(&open);
    // An HTTPS server behind it is the next place.
    let mut mixed = base.early(3);
    serve(&mut mixed, "https://[fd00:0:0:2::9]/");
    let ended = boot(&plan, vec![node(1, &mixed)]);
    assert!(ended.error().is_some());
    assert_eq!(count(&ended, Served::Http), 0, "{}", ended.console);
    assert!(
        ended
            .console
            .contains("uri=https://[fd00:0:0:2::9]/caliptra-fw.bin source=bootstore")
    );
}

#[test]
fn every_server_of_the_configuration_is_tried() {
    let base = bare(Family::Ipv4);
    let mut config = nowhere(&base, 3);
    serve(&mut config, "not a uri".replace(' ', "-").as_str());
    serve(&mut config, &format!("http://{SERVER}/"));
    let plan = with(
        base.clone(),
        &format!("{}order bootstore\n", ledger(&[config])),
    );
    boot(&plan, vec![]).assert_booted(&plan);
    // Also where the first one has a boot file that cannot be read.
    let mut config = base.early(3);
    config.servers.clear();
    serve(&mut config, &format!("http://{SERVER}/nowhere.toc"));
    serve(&mut config, &format!("http://{SERVER}/boot.toc"));
    let lines = format!("{}order toc bootstore\n", ledger(&[config]));
    let plan = with(base, &lines);
    boot(&plan, vec![]).assert_booted(&plan);
}

#[test]
fn a_configuration_that_does_not_help_this_board_is_named() {
    let base = bare(Family::Ipv4);
    let mut other = base.early(3);
    if let Some(v4) = &mut other.v4 {
        v4.hosts[0].0 = [2, 0, 0, 0, 0, 0x16];
    }
    let mut lost = base.early(3);
    lost.servers.clear();
    let mut foreign = bare(Family::Ipv6).early(3);
    foreign.generation = 3;
    for (config, code) in [(other, NO_ADDRESS), (lost, NO_SERVER)] {
        let plan = with(
            base.clone(),
            &format!("{}order bootstore\n", ledger(&[config])),
        );
        let ended = boot(&plan, vec![]);
        let failed = ended.attempts_failed();
        assert_eq!(failed[0], code, "{}", ended.console);
        ended.assert_failed(&plan, NO_CONFIG, Blame::Configuration);
    }
    // A configuration of IPv6 alone for a board that speaks none.
    let plan = with(base, &format!("{}order bootstore\n", ledger(&[foreign])));
    let failed = boot(&plan, vec![]).attempts_failed();
    assert_eq!(failed[0], 0x0005_0008, "{failed:x?}");
}

/// The far end of the cable is a trunk. The nodes are on it without a tag, and the images in the VLAN that the configuration names.
#[test]
fn the_configurations_vlan_is_used() {
    let base = bare(Family::Ipv6);
    let mut config = base.early(3);
    config.vlan = Some(42);
    let plan = with(base, "bootstore ask\norder bootstore\n");
    let tagged = |frame: &[u8]| [&frame[..12], &[0x81, 0, 0, 42], &frame[12..]].concat();
    let trunk: Middle = Box::new(
        move |_, from, frame: Vec<u8>, out: &mut Vec<(Side, Vec<u8>)>| {
            // The server's frames go out both ways; a station takes those of its own VLAN.
            match from {
                Side::Server => {
                    out.push((from, tagged(&frame)));
                    out.push((from, frame));
                }
                Side::Client => match frame.get(12..16) {
                    Some([0x81, 0, 0, 42]) => {
                        out.push((from, [&frame[..12], &frame[16..]].concat()))
                    }
                    _ if frame.windows(4).any(|four| four == b"BSQ1") => out.push((from, frame)),
                    // Whatever else has no tag leads nowhere.
                    _ => {}
                },
            }
        },
    );
    let sim = Sim::new(&plan).middle(trunk).server(|server| {
        server.lease.enabled = false;
        if let Some(ipv6) = &mut server.ipv6 {
            ipv6.router = false;
            ipv6.dhcp = None;
        }
        server.nodes = vec![node(1, &config)];
    });
    let ended = sim.run();
    ended.assert_booted(&plan);
    assert_eq!(used(&ended), [node_used(1, 3)]);
}

/// The same world, the same boot: the source draws on nothing but the station's random numbers.
#[test]
fn a_boot_by_a_node_is_the_same_again() {
    let plan = Plan {
        remembered: Some(Remembered::Node),
        ..bare(Family::Both)
    };
    let (one, other) = (Sim::new(&plan).run(), Sim::new(&plan).run());
    assert_eq!(one.console, other.console);
}
