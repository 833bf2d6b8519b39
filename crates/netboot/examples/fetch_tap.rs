//! Fetches a file over a TAP device of a Linux host: the library over a real network, in one page.
//!
//! ```sh
//! ip tuntap add tap0 mode tap user $USER && ip addr add 10.9.0.1/24 dev tap0 && ip link set tap0 up
//! dnsmasq -d -p0 -i tap0 --dhcp-range=10.9.0.10,10.9.0.20 --enable-tftp --tftp-root=$PWD &
//! cargo run -p netboot --features phy --example fetch_tap -- tap0 tftp://10.9.0.1/fw.bin fw.bin
//! ```

#[path = "fetch/store.rs"]
mod store;

use netboot::{Buffers, Network, NetworkOptions, PhyDevice, Slots};
use netboot::{Duration, Instant, Platform, Uri};
use netboot_ipxe::{Delivery, DhcpGoal, IpxeInterface};
use rand_core::OsRng;
use smoltcp::phy::{Medium, TunTapInterface, wait};
use std::os::fd::{AsRawFd as _, RawFd};

/// Hardware address of the station.
const MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
/// The kernel queues some 500 frames. The library must not ask for more than it can look at in time.
const RX_RING: usize = 32;

/// The host's clock, and its random numbers. It sleeps until a frame comes.
struct Host {
    started: std::time::Instant,
    tap: RawFd,
    random: OsRng,
}

impl Platform for Host {
    type Rng = OsRng;

    fn now(&mut self) -> Instant {
        Instant::from_micros(self.started.elapsed().as_micros() as u64)
    }

    fn idle(&mut self, until: Instant) {
        let span = until.since(self.now()).min(Duration::from_millis(100));
        let span = smoltcp::time::Duration::from_micros(span.as_micros());
        let _ = wait(self.tap, Some(span));
    }

    fn rng(&mut self) -> &mut OsRng {
        &mut self.random
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, uri, path] = words.as_slice() else {
        return Err("usage: fetch_tap TAP-DEVICE URI FILE".into());
    };
    let tap = TunTapInterface::new(name, Medium::Ethernet)?;
    let host = Host {
        started: std::time::Instant::now(),
        tap: tap.as_raw_fd(),
        random: OsRng,
    };
    let device: PhyDevice<_> = PhyDevice::new(tap, MAC, RX_RING);
    // A ROM has these two in statics.
    let mut buffers = Buffers::<{ 64 * 1024 }>::new();
    let mut slots = Slots::new();
    let options = NetworkOptions::default();
    let mut network = Network::new(device, host, &mut buffers, &mut slots, options);

    let config = network.dhcp(DhcpGoal::Address)?;
    println!("address {}/{}", config.address, config.prefix_len);
    let mut delivery = Delivery::new(store::Store::default());
    network.chain(&Uri::parse(uri)?, &mut delivery)?;
    network.exit();
    let took = delivery.duration();
    let octets = &delivery.sink().0;
    println!("{} octets in {took}", octets.len());
    std::fs::write(path, octets)?;
    Ok(())
}
