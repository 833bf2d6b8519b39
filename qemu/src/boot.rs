//! Puts the parts together and boots.

use crate::board;
use crate::clock::{self, Board};
use crate::console::Line;
use crate::emulation;
use crate::entropy::{Entropy, Source};
use crate::fault;
use crate::stack;
use crate::straps;
use core::mem::MaybeUninit;
use core::ptr::addr_of_mut;
use netboot::{Network, Slots};
use netboot_app::console::{write_error, write_report};
use netboot_app::{AppConfig, BootApp, FixedSource};
#[cfg(not(feature = "tiny"))]
use netboot_core::Device as _;
use netboot_core::{Blame, Console};
use netboot_ipxe::IpxeInterface;
use netboot_virtio::VirtioNet;
use ocp_recovery::{MmioBus, RecoveryAgent};
use rom_parts::settings::{BadLine, MAX_IMAGES, Settings};
use rom_parts::sizes::{RX, TCP};

/// Descriptors of each virtio queue.
const QUEUE: usize = RX.next_power_of_two();
/// Transmit buffers.
const TX: usize = 2;

type Nic = VirtioNet<QUEUE, RX, TX>;
pub type Net = Network<'static, &'static mut Nic, Board>;
/// A tiny ROM says how it ended, not how it goes.
#[cfg(feature = "tiny")]
type Watcher = ();
#[cfg(not(feature = "tiny"))]
type Watcher = netboot_app::console::LineObserver<Line>;

type App = BootApp<'static, &'static mut Net, MmioBus, Watcher>;

static mut FRAMES: netboot_virtio::Buffers<RX, TX> = netboot_virtio::Buffers::new();
static mut BUFFERS: netboot::Buffers<TCP> = netboot::Buffers::new();
#[cfg(feature = "parallel")]
static mut LANES: netboot::Lanes<TCP, { rom_parts::sizes::LANES }> = netboot::Lanes::new();
static mut SLOTS: MaybeUninit<Slots<'static>> = MaybeUninit::uninit();
static mut CONFIG: MaybeUninit<Settings> = MaybeUninit::uninit();
static mut DEFAULTS: MaybeUninit<[FixedSource<'static>; MAX_IMAGES]> = MaybeUninit::uninit();
static mut NIC: MaybeUninit<Nic> = MaybeUninit::uninit();
static mut NET: MaybeUninit<Net> = MaybeUninit::uninit();
static mut APP: MaybeUninit<App> = MaybeUninit::uninit();

/// Boots; gives the status of the boot, 0 for success.
pub fn run() -> u32 {
    // SAFETY: called once, from `main`.
    unsafe { emulation::start() };
    let out: &mut dyn Console = &mut Line;
    let settings = match settings() {
        Ok(settings) => settings,
        Err(bad) => {
            out.text("@settings boot ");
            bad.tell(out);
            return fault::SETTINGS;
        }
    };
    let entropy = Entropy::new();
    let source = match entropy.source() {
        Source::Host => "host",
        // Transaction ids and ports can be guessed.
        Source::Weak => "weak",
    };
    out.text(concat!("@rom version=", env!("CARGO_PKG_VERSION")));
    out.word("entropy", source);
    out.text("\n");
    #[cfg(feature = "panic-at-start")]
    {
        out.text(if netboot_rom_support::copies_are_right() {
            "@copies right\n"
        } else {
            "@copies wrong\n"
        });
        assert!(!core::hint::black_box(true), "as asked for");
    }
    #[cfg(feature = "bench")]
    if let Some(uri) = &settings.bench.uri {
        return match network(settings, entropy) {
            Ok(net) => crate::bench::run(net, uri, &settings.bench),
            Err(status) => status,
        };
    }
    let status = match start(settings, entropy) {
        Ok(app) => finish(app),
        Err(status) => status,
    };
    print_costs();
    if stack::high_water() >= stack::size() {
        out.text("@stack exhausted\n");
        return fault::STACK;
    }
    status
}

/// The settings from outside, or the defaults.
#[inline(never)]
fn settings() -> Result<&'static Settings, BadLine> {
    // SAFETY: `run` is called once, so this is the only reference.
    let settings = unsafe { (*addr_of_mut!(CONFIG)).write(Settings::default()) };
    let text = straps::boot().ok_or(BadLine { line: 0 })?;
    settings.parse(text)?;
    Ok(settings)
}

/// The network device, in a static of its own.
#[inline(never)]
fn device() -> Option<&'static mut Nic> {
    for window in 0..board::VIRTIO_COUNT {
        // SAFETY: `run` is called once. A window without a network device leaves the buffers unused, so
        // they can be offered to the next one.
        let frames = unsafe { &mut *addr_of_mut!(FRAMES) };
        let base = board::VIRTIO + window * board::VIRTIO_STRIDE;
        // SAFETY: QEMU's virt machine has a virtio window at each of these addresses.
        if let Ok(device) = unsafe { VirtioNet::new(base, frames) } {
            // SAFETY: as above.
            return Some(unsafe { (*addr_of_mut!(NIC)).write(device) });
        }
    }
    None
}

#[inline(never)]
// The result lies in a static; it borrows nothing of the settings.
#[allow(clippy::mut_from_ref)]
fn start(settings: &'static Settings, entropy: Entropy) -> Result<&'static mut App, u32> {
    let net = network(settings, entropy)?;
    // SAFETY: the window is the recovery interface's, and its emulation runs.
    let bus = unsafe { MmioBus::new(board::RECOVERY) };
    let agent = RecoveryAgent::new(bus, settings.agent, clock::now())
        .map_err(|error| report_error(&error))?;
    #[cfg_attr(
        not(feature = "settings"),
        expect(unused_mut, reason = "only settings change it")
    )]
    let mut config = AppConfig {
        policy: settings.policy,
        expected: &settings.expected,
        defaults: defaults(settings),
        ..AppConfig::default()
    };
    #[cfg(feature = "settings")]
    settings.sources.apply(&mut config);
    // SAFETY: `run` is called once, so this is the only reference.
    let place = unsafe { &mut *addr_of_mut!(APP) };
    Ok(put(place, || {
        #[cfg(feature = "tiny")]
        let watcher = ();
        #[cfg(not(feature = "tiny"))]
        let watcher = netboot_app::console::LineObserver(Line);
        BootApp::new(net, agent, watcher, config)
    }))
}

/// Makes a value where it will stay. `place` is an argument so that the compiler knows nobody else
/// sees it, and builds the value there instead of on the stack.
#[inline(never)]
pub fn put<T>(place: &'static mut MaybeUninit<T>, make: impl FnOnce() -> T) -> &'static mut T {
    place.write(make())
}

/// The library, in a static of its own.
#[inline(never)]
#[allow(clippy::mut_from_ref)]
fn network(settings: &'static Settings, entropy: Entropy) -> Result<&'static mut Net, u32> {
    let device = device().ok_or_else(|| {
        let out: &mut dyn Console = &mut Line;
        out.text("@start");
        out.key("code");
        out.hex(fault::NO_DEVICE);
        out.word("blame", Blame::Caller.as_str());
        out.text("\n");
        fault::NO_DEVICE
    })?;
    // SAFETY: `run` is called once, so these are the only references.
    let (buffers, slots, place) = unsafe {
        (
            &mut *addr_of_mut!(BUFFERS),
            put(&mut *addr_of_mut!(SLOTS), Slots::new),
            &mut *addr_of_mut!(NET),
        )
    };
    // Known before DHCP, so that the station can be found on a switch and in a server's table when there is no answer.
    #[cfg(not(feature = "tiny"))]
    {
        let out: &mut dyn Console = &mut Line;
        out.text("@nic");
        out.key("mac");
        out.mac(device.info().mac);
        out.text("\n");
    }
    let board = Board::new(entropy);
    let net = put(place, || {
        Network::new(device, board, buffers, slots, settings.network)
    });
    // SAFETY: `run` is called once, so this is the only reference.
    #[cfg(feature = "parallel")]
    net.use_lanes(unsafe { &mut *addr_of_mut!(LANES) });
    // SAFETY: `run` is called once.
    #[cfg(feature = "https")]
    net.use_tls(unsafe { crate::https::channel() });
    Ok(net)
}

/// The compiled-in places, as the application wants them.
fn defaults(settings: &'static Settings) -> &'static [FixedSource<'static>] {
    let mut defaults = [FixedSource { index: 0, uri: "" }; MAX_IMAGES];
    for (to, (index, uri)) in defaults.iter_mut().zip(&settings.defaults) {
        *to = FixedSource { index: *index, uri };
    }
    // SAFETY: `run` is called once, so this is the only reference.
    let defaults = unsafe { (*addr_of_mut!(DEFAULTS)).write(defaults) };
    defaults.get(..settings.defaults.len()).unwrap_or_default()
}

fn report_error(error: &dyn netboot_core::Coded) -> u32 {
    let out: &mut dyn Console = &mut Line;
    out.text("@start");
    write_error(out, error);
    out.text("\n");
    error.code()
}

#[inline(never)]
fn finish(app: &'static mut App) -> u32 {
    app.run();
    let report = app.report();
    let status = report.status();
    let out: &mut dyn Console = &mut Line;
    write_report(out, report);
    let net = app.network();
    let stats = net.device().stats();
    out.text("@net");
    out.number("rx", u64::from(stats.rx_frames));
    out.number("tx", u64::from(stats.tx_frames));
    out.number("errors", u64::from(stats.errors));
    out.text("\n");
    net.exit();
    // SAFETY: the emulation was started.
    unsafe { emulation::report() };
    status
}

#[inline(never)]
fn print_costs() {
    let counts = emulation::counts();
    let total = riscv::register::minstret::read64();
    let out: &mut dyn Console = &mut Line;
    out.text("@instret");
    out.number("total", total);
    out.number("emulated", counts.instructions);
    out.number("traps", counts.traps);
    out.text("\n@memory");
    out.number("static", stack::static_ram() as u64);
    out.number("stack_used", stack::high_water() as u64);
    out.number("stack_size", stack::size() as u64);
    out.text("\n");
}
