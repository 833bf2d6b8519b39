//! A device that waits to be recovered, behind I3C over TCP. It accepts any three images.
//!
//! `cargo run -p caliptra-util-host-recover --features server --example server [PORT]`

use caliptra_util_host_recover::server::{I3cServer, LinkFaults};
use recovery_model::DeviceConfig;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args()
        .nth(1)
        .map_or(Ok(65534), |text| text.parse::<u16>())?;
    let config = DeviceConfig {
        accept_any: true,
        ..DeviceConfig::default()
    };
    let server = I3cServer::start(("127.0.0.1", port), 0x3B, config, LinkFaults::default())?;
    println!(
        "caliptra-util recover --to i3c-tcp:{} --from A --from B --from C",
        server.address()
    );
    server.join();
    Ok(())
}
