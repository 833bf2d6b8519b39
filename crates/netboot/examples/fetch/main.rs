//! Fetches a file in a simulated world: DHCP, then TFTP and HTTP from the image server over a link that loses frames, in
//! virtual time. On a board everything but the world is the same.
//!
//! `cargo run -p netboot --example fetch`

mod store;
mod world;

use image_server::{Content, LeaseConfig, ServerConfig, World};
use netboot::{Buffers, NetError, Network, NetworkOptions, Slots};
use netboot_ipxe::{Deliver as _, Delivery, DhcpGoal, ExecError, IpxeInterface, Uri};
use netsim::LinkConfig;
use store::Store;
use world::{Clock, Ethernet};

fn main() -> Result<(), ExecError<NetError>> {
    let image: Vec<u8> = (0..200_000_u32).map(|octet| (octet % 253) as u8).collect();
    let mut server = ServerConfig {
        lease: LeaseConfig {
            boot_file: Some("fw.bin".into()),
            ..LeaseConfig::default()
        },
        ..ServerConfig::default()
    };
    let file = Content::Bytes(image.clone().into());
    server.files.insert("fw.bin".into(), file);
    let link = LinkConfig {
        loss: 0.01,
        ..LinkConfig::with_delay(netboot_core::Duration::from_micros(200))
    };
    let world = World::shared(server, link);

    // A ROM has these two in statics.
    let buffers = Box::leak(Box::new(Buffers::<{ 16 * 1024 }>::new()));
    let slots = Box::leak(Box::new(Slots::new()));
    let (device, platform) = (Ethernet::new(world.clone()), Clock(world.clone(), 1));
    let mut network = Network::new(device, platform, buffers, slots, NetworkOptions::default());

    let config = network
        .dhcp(DhcpGoal::BootFiles)
        .map_err(ExecError::Transfer)?;
    println!(
        "{} address {}/{}",
        world.borrow().now,
        config.address,
        config.prefix_len
    );
    for uri in ["tftp://10.0.0.1/fw.bin", "http://10.0.0.1/fw.bin"] {
        let uri = Uri::parse(uri).expect("a URI");
        let mut delivery = Delivery::new(Store::default());
        network.chain(&uri, &mut delivery)?;
        let same = delivery.sink().0 == image;
        println!(
            "{} {uri}: {} octets in {}, the same: {same}",
            world.borrow().now,
            delivery.position(),
            delivery.duration()
        );
    }
    let lost = world.borrow().link.stats().from_server.lost;
    println!("{} frames of the server were lost on the way", lost);
    Ok(())
}
