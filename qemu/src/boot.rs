//! Puts the parts together and boots.

use crate::board;
use crate::clock;
use crate::console::Line;
use crate::emulation;
use crate::entropy::{Entropy, Source};
use crate::fault;
use crate::place::put;
use crate::platform::{Board, Net};
use crate::stack;
use crate::straps;
use core::mem::MaybeUninit;
use core::ptr::addr_of_mut;
use netboot::{Network, Slots};
use netboot_app::console::{write_error, write_report};
#[cfg(feature = "trace")]
use netboot_app::trace::{Trace, TracingObserver, write_trace};
use netboot_app::{AppConfig, BootApp, FixedSource};
#[cfg(not(feature = "tiny"))]
use netboot_core::Device as _;
use netboot_core::{Blame, Console};
use netboot_ipxe::IpxeInterface;
use ocp_recovery::{MmioBus, RecoveryAgent};
#[cfg(feature = "bootstore")]
use rom_parts::bootstore_settings::SettingsLedger;
use rom_parts::settings::{BadLine, MAX_IMAGES, Settings};
use rom_parts::sizes::TCP;

#[cfg(feature = "nwp")]
use crate::coprocessor as ethernet;
#[cfg(not(feature = "nwp"))]
use crate::virtio as ethernet;

/// A tiny ROM says how it ended, not how it goes.
#[cfg(feature = "tiny")]
struct Lines;
#[cfg(feature = "tiny")]
impl netboot_app::Observer for Lines {
    fn event(&mut self, _: netboot_core::Instant, _: &netboot_app::Event<'_>) {}
}
#[cfg(not(feature = "tiny"))]
type Lines = netboot_app::console::LineObserver<Line>;
#[cfg(not(feature = "trace"))]
type Watcher = Lines;
#[cfg(feature = "trace")]
type Watcher = TracingObserver<'static, Lines>;

type App = BootApp<'static, &'static mut Net, MmioBus, Watcher>;

/// A reset leaves it alone: the section is not initialised.
#[cfg(feature = "trace")]
#[unsafe(link_section = ".uninit.trace")]
static mut TRACE: MaybeUninit<Trace> = MaybeUninit::uninit();
static mut BUFFERS: netboot::Buffers<TCP> = netboot::Buffers::new();
#[cfg(feature = "parallel")]
static mut LANES: netboot::Lanes<TCP, { rom_parts::sizes::LANES }> = netboot::Lanes::new();
static mut SLOTS: MaybeUninit<Slots<'static>> = MaybeUninit::uninit();
#[cfg(feature = "script")]
static mut SCRIPTS: netboot_app::ScriptSpace<4096, 3> = netboot_app::ScriptSpace::new();
#[cfg(feature = "script")]
static mut TERMINAL: crate::uart::Uart = crate::uart::Uart;
#[cfg(feature = "bootstore")]
static mut LEDGER: Option<SettingsLedger<'static>> = None;
static mut CONFIG: MaybeUninit<Settings> = MaybeUninit::uninit();
static mut DEFAULTS: MaybeUninit<[FixedSource<'static>; MAX_IMAGES]> = MaybeUninit::uninit();
static mut NET: MaybeUninit<Net> = MaybeUninit::uninit();
#[cfg(feature = "verity")]
static mut HASHER: netboot_ipxe::Software = netboot_ipxe::Software::new();
#[cfg(feature = "verity")]
static mut UNPACKER: MaybeUninit<netboot_ipxe::Unpacker<&'static mut dyn netboot_ipxe::Hasher>> =
    MaybeUninit::uninit();
#[cfg(feature = "ubp")]
static mut UBP_HASHER: netboot_ipxe::Software = netboot_ipxe::Software::new();
#[cfg(feature = "ubp")]
static mut UBP: MaybeUninit<netboot::Ubp<'static>> = MaybeUninit::uninit();
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
    #[cfg(feature = "trace")]
    let trace = {
        // SAFETY: any octets are a `Trace`, and `run` is called once, so this is the only reference.
        let trace = unsafe { (*addr_of_mut!(TRACE)).assume_init_mut() };
        let begun = trace.begin(clock::now());
        out.number("attempt", u64::from(begun.attempt));
        if begun.cut_off {
            out.text("\n");
            write_trace(out, trace);
            out.text("@cut-off");
        }
        trace
    };
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
    #[cfg(feature = "trace")]
    let watcher = TracingObserver {
        trace,
        observer: lines(),
    };
    #[cfg(not(feature = "trace"))]
    let watcher = lines();
    let status = match start(settings, entropy, watcher) {
        Ok(app) => finish(app),
        Err(status) => {
            #[cfg(feature = "stay")]
            print_costs();
            status
        }
    };
    #[cfg(not(feature = "stay"))]
    print_costs();
    if stack::high_water() >= stack::size() {
        out.text("@stack exhausted\n");
        return fault::STACK;
    }
    #[cfg(feature = "trace")]
    restart(status, settings);
    status
}

/// After a boot that failed: writes the last events, and resets the machine if the settings ask for another attempt.
#[cfg(feature = "trace")]
fn restart(status: u32, settings: &Settings) {
    // SAFETY: the boot is over, and with it the observer that had the other reference.
    let trace = unsafe { (*addr_of_mut!(TRACE)).assume_init_ref() };
    if status != 0 {
        write_trace(&mut Line, trace);
        if trace.attempts() <= settings.restarts {
            board::reset();
        }
    }
}

/// What writes the progress of the boot to the console.
fn lines() -> Lines {
    #[cfg(feature = "tiny")]
    return Lines;
    #[cfg(not(feature = "tiny"))]
    return netboot_app::console::LineObserver(Line);
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

#[inline(never)]
// The result lies in a static; it borrows nothing of the settings.
#[allow(clippy::mut_from_ref)]
fn start(
    settings: &'static Settings,
    entropy: Entropy,
    watcher: Watcher,
) -> Result<&'static mut App, u32> {
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
    let app = put(place, || BootApp::new(net, agent, watcher, config));
    #[cfg(feature = "script")]
    app.use_scripts(scripts(settings));
    #[cfg(feature = "verity")]
    {
        // SAFETY: `run` is called once, so these are the only references.
        let (hasher, place) = unsafe { (&mut *addr_of_mut!(HASHER), &mut *addr_of_mut!(UNPACKER)) };
        app.use_unpacker(put(place, || netboot_ipxe::Unpacker::new(hasher)));
    }
    // SAFETY: `run` is called once.
    #[cfg(feature = "sztp")]
    app.use_provisioning(unsafe { crate::provisioning::provisioning(settings) });
    #[cfg(feature = "bootstore")]
    {
        // SAFETY: `run` is called once, so this is the only reference.
        let ledger = unsafe { &mut *addr_of_mut!(LEDGER) };
        app.use_ledger(ledger.insert(SettingsLedger(&settings.sources.bootstore)));
    }
    Ok(app)
}

/// What scripts need.
#[cfg(feature = "script")]
#[inline(never)]
fn scripts(settings: &'static Settings) -> netboot_app::Scripts<'static> {
    // SAFETY: `run` is called once, so these are the only references.
    let (space, terminal) = unsafe { (&mut *addr_of_mut!(SCRIPTS), &mut *addr_of_mut!(TERMINAL)) };
    let scripts = netboot_app::Scripts::new(space, terminal, settings.sources.facts());
    #[cfg(feature = "verify")]
    let scripts = scripts.with_signers(crate::https::TRUST);
    match settings.sources.board.shell {
        true => scripts.with_script("#!ipxe\nshell\nautoboot\n"),
        false => scripts,
    }
}

/// The library, in a static of its own.
#[inline(never)]
#[allow(clippy::mut_from_ref)]
fn network(settings: &'static Settings, entropy: Entropy) -> Result<&'static mut Net, u32> {
    // SAFETY: `run` is called once, and the emulation runs.
    let device = unsafe { ethernet::device() }.ok_or_else(|| {
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
        out.word("link", if device.link_up() { "up" } else { "down" });
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
    #[cfg(feature = "ubp")]
    {
        // SAFETY: `run` is called once, so these are the only references.
        let (hasher, place) = unsafe { (&mut *addr_of_mut!(UBP_HASHER), &mut *addr_of_mut!(UBP)) };
        let options = netboot::UbpOptions::default();
        net.use_ubp(put(place, || netboot::Ubp::new(hasher, options)));
    }
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
    #[cfg(not(feature = "stay"))]
    net.exit();
    // SAFETY: the emulation was started.
    unsafe { emulation::report() };
    #[cfg(feature = "stay")]
    stay(app, status);
    status
}

/// Writes what the boot cost, stays up if it went well, and leaves the network then.
#[cfg(feature = "stay")]
#[inline(never)]
fn stay(app: &mut App, status: u32) {
    print_costs();
    let versions = crate::stay::versions(app.report());
    if status == 0 {
        // SAFETY: `run` is called once, and so is this; the emulation was started.
        unsafe { crate::stay::run(app.network(), versions) };
    }
    app.network().exit();
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
