//! The network boot library itself, in the simulated world and without a device: commands that a boot does not use, single HTTP
//! exchanges, and a protocol of somebody else's.

mod carrier;
mod commands;
mod exchange;
mod families;
mod ipv6;
mod leases6;
mod takeover;

use image_server::{ServerConfig, World};
use netboot::{Buffers, Network, NetworkOptions, Slots};
use netboot_core::{AbortReason, Blame, Coded, Digest, ImageSink, Instant};
use netboot_ipxe::{Delivery, IpxeInterface as _, NetworkConfig};
use netsim::LinkConfig;
use testbed::Plan;
use testbed::plan::{CLIENT, SERVER};
use testbed::sim::{SimDevice, SimPlatform};

/// HTTP receive buffer in octets.
const TCP: usize = 16 * 1024;

type Net = Network<'static, SimDevice, SimPlatform>;

/// The server of the default plan, changed by `change`, and a station without an address.
fn world(change: impl FnOnce(&mut ServerConfig)) -> (image_server::SharedWorld, Net) {
    station_of(Plan::default().server(), change, |_| ())
}

fn station_of(
    mut server: ServerConfig,
    change: impl FnOnce(&mut ServerConfig),
    options: impl FnOnce(&mut NetworkOptions),
) -> (image_server::SharedWorld, Net) {
    change(&mut server);
    let world = World::shared(server, LinkConfig::PERFECT);
    let mut network = NetworkOptions::default();
    network.dhcp.probe = netboot::ArpProbe::Off;
    options(&mut network);
    let device = SimDevice::new(world.clone());
    let platform = SimPlatform::new(world.clone(), 5);
    let buffers = Box::leak(Box::new(Buffers::<TCP>::new()));
    let slots = Box::leak(Box::new(Slots::new()));
    let net = Network::new(device, platform, buffers, slots, network);
    (world, net)
}

/// A station with a static address, ready for commands that end within a minute of virtual time.
fn configured(change: impl FnOnce(&mut ServerConfig)) -> (image_server::SharedWorld, Net) {
    let (world, mut net) = world(change);
    net.ifconfig(&NetworkConfig::new(CLIENT.into(), 24))
        .expect("a usable address");
    net.set_deadline(Instant::ZERO + netboot_core::Duration::from_secs(60));
    (world, net)
}

/// A file of the server.
fn uri(scheme: &str, path: &str) -> netboot_core::Uri {
    netboot_core::Uri::parse(&format!("{scheme}://{SERVER}/{path}")).expect("a URI")
}

/// Keeps what is delivered.
#[derive(Default)]
struct Memory {
    octets: Vec<u8>,
    /// Whether it has used what it holds, and takes nothing back.
    uses: bool,
}

#[derive(Clone, Copy, Debug)]
struct Never;

impl std::fmt::Display for Never {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl Coded for Never {
    fn code(&self) -> u32 {
        1
    }

    fn blame(&self) -> Blame {
        Blame::Caller
    }
}

impl ImageSink for Memory {
    type Error = Never;

    fn begin(&mut self, _: Instant, _: u64) -> Result<(), Never> {
        self.octets.clear();
        Ok(())
    }

    fn window(&mut self, _: Instant) -> Result<usize, Never> {
        Ok(1_000)
    }

    fn write(&mut self, _: Instant, data: &[u8]) -> Result<(), Never> {
        self.octets.extend_from_slice(data);
        Ok(())
    }

    fn end(&mut self, _: Instant) -> Result<(), Never> {
        Ok(())
    }

    fn poll_ready(&mut self, _: Instant) -> Result<bool, Never> {
        Ok(true)
    }

    fn activate(&mut self, _: Instant) -> Result<(), Never> {
        Ok(())
    }

    fn withdraw(&mut self, _: Instant) -> bool {
        !self.uses
    }

    fn abort(&mut self, _: Instant, _: AbortReason) {}
}

/// The delivery holds exactly `octets`, and says so.
fn assert_delivered(delivery: &mut Delivery<Memory>, octets: &[u8]) {
    use netboot_ipxe::Deliver as _;
    use sha2::Digest as _;
    assert!(delivery.is_complete());
    assert_eq!(delivery.position(), octets.len() as u64);
    assert_eq!(
        delivery.digest(),
        Some(Digest(sha2::Sha256::digest(octets).into()))
    );
    assert!(delivery.sink().octets == octets, "other octets");
}
