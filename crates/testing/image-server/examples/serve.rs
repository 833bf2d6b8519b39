//! Serves files to a QEMU guest: `serve SOCKET FILE...`; the first file is the boot file.
//!
//! ```sh
//! cargo run --release --example serve -- /tmp/net.sock fw.bin &
//! qemu-system-riscv32 ... -netdev stream,id=n,server=off,addr.type=unix,addr.path=/tmp/net.sock
//! ```
//!
//! What goes over the wire is left in `SOCKET.pcap`.
#[cfg(unix)]
fn main() -> std::io::Result<()> {
    use image_server::qemu::{self, Event};
    use image_server::{ImageServer, ServerConfig};
    use netboot_core::Instant;
    use netsim::{Link, LinkConfig};
    use std::path::{Path, PathBuf};
    use std::sync::atomic::AtomicBool;

    let mut arguments = std::env::args().skip(1);
    let socket = PathBuf::from(arguments.next().unwrap_or_else(|| "net.sock".into()));
    let mut config = ServerConfig::default();
    for path in arguments {
        let name = Path::new(&path).file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let content = std::fs::read(&path)?;
        config.lease.boot_file.get_or_insert(name.clone());
        config.files.insert(name, content.into());
    }
    config.lease.next_server = Some(config.ip);
    config.lease.server_name = Some(config.ip.to_string());

    let mut link = Link::new(config.seed, LinkConfig::default());
    let capture = std::fs::File::create(socket.with_extension("pcap"))?;
    link.capture(Box::new(capture));
    let server = ImageServer::new(config, Instant::ZERO);
    let stop = AtomicBool::new(false);
    let report = qemu::run(
        qemu::listen(&socket)?,
        server,
        link,
        &stop,
        |_, event| match event {
            Event::Served(served) => println!("{served}"),
            other => println!("{other:?}"),
        },
    )?;
    println!("{} {:?}", report.ended, report.link.stats());
    Ok(())
}

#[cfg(not(unix))]
fn main() {}
