//! A whole boot without a network: the boot application between files in memory and an emulated Caliptra device, in virtual
//! time, with the console that a ROM has.
//!
//! `cargo run -p netboot-app --features texts --example boot`

use netboot_app::console::{LineObserver, write_report};
use netboot_app::{AppConfig, BootApp, Expected, FixedSource};
use netboot_core::uri::UriError;
use netboot_core::{Blame, Coded, Digest, Duration, Instant};
use netboot_ipxe::{
    Deliver, DhcpGoal, ExecError, ImageHandle, IpxeInterface, LoadedImage, NetworkConfig, Part,
    Route, Uri,
};
use ocp_recovery::{AgentConfig, CoreVersion, RecoveryAgent, RecoveryError};
use recovery_model::{DeviceConfig, ExpectedImage, ModelBus, Personality, RecoveryModel};
use std::cell::{Cell, RefCell};
use std::fmt;

/// Where the three images of a Caliptra subsystem are.
const SOURCES: [FixedSource<'static>; 3] = [
    FixedSource {
        index: 0,
        uri: "tftp://192.0.2.1/caliptra.bin",
    },
    FixedSource {
        index: 1,
        uri: "tftp://192.0.2.1/manifest.bin",
    },
    FixedSource {
        index: 2,
        uri: "tftp://192.0.2.1/mcu.bin",
    },
];

fn main() -> Result<(), RecoveryError> {
    let images = [vec![0x11; 4_000], vec![0x22; 30_000], vec![0x33; 100_000]];
    let device = images.each_ref().map(|image| ExpectedImage::of(image));
    // What fuses or a signed manifest say about the images.
    let expected = [0_u8, 1, 2].map(|index| {
        let image = &images[usize::from(index)];
        let expected = Expected {
            size: Some(image.len() as u64),
            sha256: Some(Digest(ExpectedImage::of(image).sha256.0)),
            ..Expected::default()
        };
        (index, expected)
    });

    let config = DeviceConfig::new(CoreVersion::V1p5, Personality::Rom2_1_2, &device);
    let model = RefCell::new(RecoveryModel::new(config, Instant::ZERO));
    let clock = Cell::new(Instant::ZERO);
    let bus = ModelBus::new(&model, &clock);
    let agent = RecoveryAgent::new(bus, AgentConfig::default(), clock.get())?;
    let network = Memory {
        images: &images,
        model: &model,
        clock: &clock,
        config: None,
    };
    let config = AppConfig {
        fixed: &SOURCES,
        expected: &expected,
        ..AppConfig::default()
    };

    let mut console = String::new();
    let mut app = BootApp::new(network, agent, LineObserver(&mut console), config);
    let report = app.run().clone();
    drop(app);
    write_report(&mut console, &report);
    for line in console.lines() {
        if !line.starts_with("@delivered") {
            println!("{line}");
        }
    }
    println!(
        "status {:#010x}; the device: {:?}",
        report.status(),
        model.borrow().outcome()
    );
    Ok(())
}

/// The three images, and the clock that the device lives by.
struct Memory<'a> {
    images: &'a [Vec<u8>; 3],
    model: &'a RefCell<RecoveryModel>,
    clock: &'a Cell<Instant>,
    config: Option<NetworkConfig>,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    NoSuchFile,
    BadUri,
}

impl From<UriError> for Fault {
    fn from(_: UriError) -> Self {
        Fault::BadUri
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::NoSuchFile => "no such file",
            Fault::BadUri => "a URI that cannot be read",
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

impl Memory<'_> {
    fn image(&self, uri: &Uri) -> Result<&[u8], Fault> {
        let source = SOURCES.iter().find(|source| source.uri == uri.as_str());
        let image = source.and_then(|source| self.images.get(usize::from(source.index)));
        image.map(Vec::as_slice).ok_or(Fault::NoSuchFile)
    }

    /// Lets time pass, for the device too.
    fn pass(&self, span: Duration) {
        self.clock.set(self.clock.get() + span);
        self.model.borrow_mut().tick(self.clock.get());
    }
}

impl IpxeInterface for Memory<'_> {
    type Error = Fault;

    fn now(&mut self) -> Instant {
        self.clock.get()
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
        _name: Option<&str>,
        _part: Option<Part>,
    ) -> Result<ImageHandle, Fault> {
        Ok(ImageHandle {
            name: Default::default(),
            uri: uri.clone(),
            size: Some(self.image(uri)?.len() as u64),
            id: 1,
        })
    }

    fn imgload<'h>(&mut self, handle: &'h ImageHandle) -> Result<LoadedImage<'h>, Fault> {
        let size = self.image(&handle.uri)?.len() as u64;
        Ok(LoadedImage { handle, size })
    }

    fn imgexec(
        &mut self,
        image: LoadedImage<'_>,
        delivery: &mut dyn Deliver,
    ) -> Result<(), ExecError<Fault>> {
        let octets = self.image(&image.handle.uri).map_err(ExecError::Transfer)?;
        let sink = |_| ExecError::Sink;
        delivery.begin(self.clock.get(), image.size).map_err(sink)?;
        loop {
            let at = usize::try_from(delivery.position()).unwrap_or(usize::MAX);
            let rest = octets.get(at..).unwrap_or_default();
            if rest.is_empty() {
                return delivery.end(self.clock.get()).map_err(sink);
            }
            let window = delivery.window(self.clock.get()).map_err(sink)?;
            let piece = rest.get(..window).unwrap_or(rest);
            delivery.write(self.clock.get(), piece).map_err(sink)?;
            self.pass(Duration::from_micros(20));
        }
    }

    fn echo(&mut self, message: &str) {
        println!("{message}");
    }

    fn sleep(&mut self, span: Duration) -> Result<(), Fault> {
        self.pass(span);
        Ok(())
    }

    fn exit(&mut self) {}
}
