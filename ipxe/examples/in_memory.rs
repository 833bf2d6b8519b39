//! A network boot library without a network: the commands over files in memory. Tests of an application need no more.
//!
//! One server breaks in mid-image; the delivery goes on from another one, and the consumer notices nothing.
//!
//! `cargo run -p netboot-ipxe --example in_memory`

use netboot_core::{AbortReason, Blame, Coded, Duration, ImageSink, Instant};
use netboot_ipxe::{
    Deliver, Delivery, DhcpGoal, ExecError, ImageHandle, IpxeInterface, LoadedImage, NetworkConfig,
    Part, Route, Uri,
};
use std::collections::BTreeMap;
use std::fmt;

fn main() {
    let image: Vec<u8> = (0..10_000_u32).map(|octet| (octet % 251) as u8).collect();
    let mut network = Memory::default();
    let mut add = |uri: &str, octets: &[u8], breaks_at| {
        let file = File {
            octets: octets.to_vec(),
            breaks_at,
        };
        network.files.insert(uri.into(), file);
    };
    add("http://192.0.2.1/fw.bin", &image, Some(4_000));
    add("http://192.0.2.2/other.bin", &[7; 10_000], None);
    add("tftp://192.0.2.3/fw.bin", &image, None);

    // One delivery, as many sources as it takes.
    let mut delivery = Delivery::new(Store::default());
    for uri in [
        "http://192.0.2.1/fw.bin",
        "http://192.0.2.2/other.bin",
        "tftp://192.0.2.3/fw.bin",
    ] {
        let uri = Uri::parse(uri).expect("a URI");
        match network.chain(&uri, &mut delivery) {
            Ok(()) => break,
            Err(error) => println!("{uri}: {error:?} at octet {}", delivery.position()),
        }
    }
    println!("complete: {}", delivery.is_complete());
    println!("SHA-256:  {}", delivery.digest().expect("a hash"));
    println!("right:    {}", delivery.into_sink().0 == image);
}

/// Files by URI, and a clock that moves only when somebody sleeps.
#[derive(Default)]
struct Memory {
    files: BTreeMap<String, File>,
    now: Instant,
    config: Option<NetworkConfig>,
}

struct File {
    octets: Vec<u8>,
    /// The connection breaks here.
    breaks_at: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NoSuchFile,
    Broken,
    AnotherFile,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::NoSuchFile => "the server does not have the file",
            Fault::Broken => "the connection broke",
            Fault::AnotherFile => "the server has another file than the one before",
        })
    }
}

impl Coded for Fault {
    fn code(&self) -> u32 {
        0x7fff_0001 + *self as u32
    }

    fn blame(&self) -> Blame {
        Blame::Server
    }
}

impl Memory {
    fn file(&self, uri: &Uri) -> Result<&File, Fault> {
        self.files.get(uri.as_str()).ok_or(Fault::NoSuchFile)
    }
}

impl IpxeInterface for Memory {
    type Error = Fault;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn random(&mut self) -> u32 {
        // Nobody else is there to come at the same time.
        0
    }

    fn set_deadline(&mut self, _deadline: Instant) {}

    fn dhcp(&mut self, _goal: DhcpGoal) -> Result<&NetworkConfig, Fault> {
        let address = [192, 0, 2, 50].into();
        Ok(self.config.insert(NetworkConfig::new(address, 24)))
    }

    fn ifconfig(&mut self, config: &NetworkConfig) -> Result<(), Fault> {
        self.config = Some(config.clone());
        Ok(())
    }

    fn config(&self) -> Option<&NetworkConfig> {
        self.config.as_ref()
    }

    fn route(&mut self, _route: &Route) -> Result<(), Fault> {
        Ok(())
    }

    fn imgfetch(
        &mut self,
        uri: &Uri,
        name: Option<&str>,
        _part: Option<Part>,
    ) -> Result<ImageHandle, Fault> {
        let size = self.file(uri)?.octets.len() as u64;
        let name = name.unwrap_or("image").chars().take(netboot_ipxe::NAME_LEN);
        Ok(ImageHandle {
            name: name.filter(char::is_ascii).collect(),
            uri: uri.clone(),
            size: Some(size),
            id: 1,
        })
    }

    fn imgload<'h>(&mut self, handle: &'h ImageHandle) -> Result<LoadedImage<'h>, Fault> {
        let size = self.file(&handle.uri)?.octets.len() as u64;
        Ok(LoadedImage { handle, size })
    }

    fn imgexec(
        &mut self,
        image: LoadedImage<'_>,
        delivery: &mut dyn Deliver,
    ) -> Result<(), ExecError<Fault>> {
        let file = self.file(&image.handle.uri).map_err(ExecError::Transfer)?;
        let sink = |_| ExecError::Sink;
        // What was delivered stays delivered: this source has to have the same octets up to there.
        if let Some(size) = delivery.size() {
            let start = file.octets.get(..delivery.position() as usize);
            let same = start.map(sha256) == Some(delivery.digest().map(|digest| digest.0));
            if size != image.size || !same {
                return Err(ExecError::Refused(Fault::AnotherFile));
            }
            delivery.resumed();
        }
        delivery.begin(self.now, image.size).map_err(sink)?;
        loop {
            let at = delivery.position() as usize;
            if file.breaks_at.is_some_and(|end| at >= end) {
                return Err(ExecError::Transfer(Fault::Broken));
            }
            let rest = file.octets.get(at..).unwrap_or_default();
            if rest.is_empty() {
                return delivery.end(self.now).map_err(sink);
            }
            // A library with a network polls it while the window is 0.
            let window = delivery.window(self.now).map_err(sink)?;
            let piece = rest.get(..window.min(1_000)).unwrap_or(rest);
            delivery.write(self.now, piece).map_err(sink)?;
        }
    }

    fn echo(&mut self, message: &str) {
        println!("{message}");
    }

    fn sleep(&mut self, span: Duration) -> Result<(), Fault> {
        self.now += span;
        Ok(())
    }

    fn exit(&mut self) {}
}

fn sha256(octets: &[u8]) -> Option<[u8; 32]> {
    use sha2::{Digest, Sha256};
    Some(Sha256::digest(octets).into())
}

/// Keeps an image in memory. Octets that it has count as used: it never begins anew.
#[derive(Default)]
struct Store(Vec<u8>);

impl ImageSink for Store {
    type Error = Fault;

    fn begin(&mut self, _: Instant, _size: u64) -> Result<(), Fault> {
        Ok(())
    }

    fn window(&mut self, _: Instant) -> Result<usize, Fault> {
        Ok(256)
    }

    fn write(&mut self, _: Instant, data: &[u8]) -> Result<(), Fault> {
        self.0.extend(data);
        Ok(())
    }

    fn end(&mut self, _: Instant) -> Result<(), Fault> {
        Ok(())
    }

    fn poll_ready(&mut self, _: Instant) -> Result<bool, Fault> {
        Ok(true)
    }

    fn activate(&mut self, _: Instant) -> Result<(), Fault> {
        Ok(())
    }

    fn withdraw(&mut self, _: Instant) -> bool {
        self.0.is_empty()
    }

    fn abort(&mut self, _: Instant, _: AbortReason) {}
}
