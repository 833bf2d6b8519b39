//! A device to try with: the mailbox over UDP and MCTP over TCP.
//!
//! `cargo run -p util-device --example device [UDP-PORT MCTP-PORT]`

use util_device::server::{Link, MctpServer, UdpServer};
use util_device::{Device, DeviceConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut ports = std::env::args().skip(1).map(|text| text.parse::<u16>());
    let udp = ports.next().transpose()?.unwrap_or(62222);
    let mctp = ports.next().transpose()?.unwrap_or(62223);
    let device = Device::new(DeviceConfig::default());
    let mailbox = UdpServer::start(("127.0.0.1", udp), device.clone(), Link::default())?;
    let endpoint = MctpServer::start(("127.0.0.1", mctp), device, 9)?;
    println!(
        "udp://{}\nmctp+tcp://{}",
        mailbox.address(),
        endpoint.address()
    );
    mailbox.join();
    endpoint.join();
    Ok(())
}
