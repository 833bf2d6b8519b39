//! iPXE scripts that a server hands out, or that the board has of its own, in the simulated world.

mod chained;
mod disks;
mod examples;
mod images;
mod network;
mod person;
mod running;
mod settings;
mod signatures;

use e2e::{Boot, Sim};
use image_server::{Content, Protocol as Served, ServerConfig};
use testbed::plan::firmware;
use testbed::{Plan, Protocol};

/// Three images and their delivery.
const ALL: &str =
    "imgfetch caliptra-fw.bin\nimgfetch soc-manifest.bin\nimgfetch mcu-runtime.bin\nboot";

/// A boot whose boot file is a script with these lines.
fn plan(protocol: Protocol, lines: &str) -> Plan {
    Plan {
        protocol,
        images: firmware(&[20_000, 3_000, 2_001]),
        settings: "probe off\nretry continue\n".into(),
        script: Some(format!("#!ipxe\n{lines}\n")),
        expect: true,
        ..Plan::default()
    }
}

/// Boots with this script by HTTP.
fn boot(lines: &str, change: impl FnOnce(&mut ServerConfig)) -> (Plan, Boot) {
    let plan = plan(Protocol::Http, lines);
    let boot = Sim::new(&plan).server(change).run();
    (plan, boot)
}

/// Serves another file.
fn serve(server: &mut ServerConfig, name: &str, octets: &[u8]) {
    let content = Content::Bytes(octets.into());
    server.files.insert(name.into(), content);
}

/// Serves the image `from` as `to` too.
fn copy(server: &mut ServerConfig, from: &str, to: &str) {
    let content = server.files.get(from).expect("an image").clone();
    server.files.insert(to.into(), content);
}

/// The names that were asked for by HTTP, in their order.
fn asked(boot: &Boot) -> Vec<&str> {
    let served = boot.served.iter();
    let served = served.filter(|served| served.protocol == Served::Http);
    served.map(|served| served.name.as_str()).collect()
}
