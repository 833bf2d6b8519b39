//! Networks as they are: switches, routers and servers that do what reports of real networks tell.

mod arp;
mod connections;
mod dhcp;
mod link;
mod mtu;
mod names;
mod redirects;
mod relay;
mod routes;
mod tftp;
mod told;

use e2e::{Boot, Sim};
use image_server::ServerConfig;
use netsim::Middle;
use testbed::plan::firmware;
use testbed::{Plan, Protocol};

const BOTH: [Protocol; 2] = [Protocol::Tftp, Protocol::Http];

/// Sizes of the images.
const SIZES: [usize; 3] = [60_000, 3_000, 2_001];

/// A boot by `protocol` that gives up at the first error.
fn plan(protocol: Protocol) -> Plan {
    Plan {
        protocol,
        images: firmware(&SIZES),
        settings: "probe off\nretry continue\n".into(),
        ..Plan::default()
    }
}

/// Boots `plan` from a server that `change` has changed, with `middle` between.
fn boot(plan: &Plan, change: impl FnOnce(&mut ServerConfig), middle: Middle) -> Boot {
    Sim::new(plan).server(change).middle(middle).run()
}

/// Nothing between station and server.
fn wire() -> Middle {
    Box::new(|_, from, frame, out| out.push((from, frame)))
}

/// A server that has to make or to fetch the file first gets the time that it needs, and one that says when to come back is obeyed.
#[test]
fn a_server_that_needs_long_for_its_first_octet() {
    use image_server::HttpFault;
    use netboot_core::Duration;
    for seconds in [15, 45] {
        let plan = plan(Protocol::Http);
        let late = HttpFault::Delay(Duration::from_secs(seconds));
        let boot = Sim::new(&plan)
            .server(|server| server.faults.http.once(late))
            .run();
        boot.assert_booted(&plan);
        assert_eq!(
            boot.served(image_server::Protocol::Http, "caliptra-fw.bin")
                .len(),
            1
        );
        assert!(boot.took() < Duration::from_secs(seconds + 5));
    }
}
