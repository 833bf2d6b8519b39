//! Fetches a file over a TAP device of a Linux host: the library over a real network, in one page.
//!
//! ```sh
//! ip tuntap add tap0 mode tap user $USER && ip addr add 10.9.0.1/24 dev tap0 && ip link set tap0 up
//! dnsmasq -d -p0 -i tap0 --dhcp-range=10.9.0.10,10.9.0.20 --enable-tftp --tftp-root=$PWD &
//! cargo run -p netboot --example fetch_tap -- tap0 tftp://10.9.0.1/fw.bin fw.bin
//! ```

#[path = "fetch/store.rs"]
mod store;

use netboot::{Buffers, Network, NetworkOptions, Slots};
use netboot::{Device, DeviceInfo, Duration, FrameSlot, Instant, Platform, Received, TxSlot, Uri};
use netboot_ipxe::{Delivery, DhcpGoal, IpxeInterface};
use rand_core::OsRng;
use smoltcp::phy::{Device as _, Medium, RxToken as _, TunTapInterface, TxToken, wait};
use std::os::fd::{AsRawFd as _, RawFd};

/// The TAP device as an Ethernet. `frame` is the frame that came last, `held` the one that the library keeps.
struct Ethernet {
    tap: TunTapInterface,
    frame: Vec<u8>,
    held: Option<Vec<u8>>,
}

/// A free transmit buffer.
struct Tx<T>(T);

impl<T: TxToken> TxSlot for Tx<T> {
    fn send<R>(self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        self.0.consume(len, fill)
    }
}

impl Device for Ethernet {
    type Tx<'a> = Tx<<TunTapInterface as smoltcp::phy::Device>::TxToken<'a>>;

    const HELD_FRAMES: usize = 1;

    fn info(&self) -> DeviceInfo {
        // The kernel queues some 500 frames. The library must not ask for more than it can look at in time.
        DeviceInfo {
            mac: [2, 0, 0, 0, 0, 9],
            mtu: 1500,
            rx_ring: 32,
        }
    }

    fn link_up(&mut self) -> bool {
        true
    }

    fn set_multicast(&mut self, _groups: &[[u8; 6]]) {}

    fn receive(&mut self) -> Option<Received<'_, Self::Tx<'_>>> {
        let (rx, tx) = self.tap.receive(smoltcp::time::Instant::ZERO)?;
        self.frame = rx.consume(<[u8]>::to_vec);
        Some(Received {
            frame: &self.frame,
            rx_checksum_verified: false,
            tx: Tx(tx),
        })
    }

    fn transmit(&mut self) -> Option<Self::Tx<'_>> {
        self.tap.transmit(smoltcp::time::Instant::ZERO).map(Tx)
    }

    fn hold(&mut self) -> Option<FrameSlot> {
        if self.held.is_some() {
            return None;
        }
        self.held = Some(std::mem::take(&mut self.frame));
        Some(FrameSlot(0))
    }

    fn held(&self, _slot: &FrameSlot) -> &[u8] {
        self.held.as_deref().unwrap_or_default()
    }

    fn release(&mut self, _slot: FrameSlot) {
        self.held = None;
    }
}

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
        let _ = wait(
            self.tap,
            Some(smoltcp::time::Duration::from_micros(span.as_micros())),
        );
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
    let ethernet = Ethernet {
        tap,
        frame: Vec::new(),
        held: None,
    };
    // A ROM has these two in statics.
    let mut buffers = Buffers::<{ 64 * 1024 }>::new();
    let mut slots = Slots::new();
    let mut network = Network::new(
        ethernet,
        host,
        &mut buffers,
        &mut slots,
        NetworkOptions::default(),
    );

    let config = network.dhcp(DhcpGoal::Address)?;
    println!("address {}/{}", config.address, config.prefix_len);
    let mut delivery = Delivery::new(store::Store::default());
    network.chain(&Uri::parse(uri)?, &mut delivery)?;
    network.exit();
    println!(
        "{} octets in {}",
        delivery.sink().0.len(),
        delivery.duration()
    );
    std::fs::write(path, &delivery.sink().0)?;
    Ok(())
}
