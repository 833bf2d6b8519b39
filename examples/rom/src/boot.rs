//! The parts put together: memory, policy, one call.

use crate::board;
use crate::platform::{Board, Uart, now};
use core::mem::MaybeUninit;
use core::ptr::addr_of_mut;
use example_mac::mac::{self, Mac, Registers};
use netboot::{Network, NetworkOptions, Slots};
use netboot_app::console::{LineObserver, write_error, write_report};
use netboot_app::{AppConfig, BootApp, FixedSource, OnFailure, Policy};
use netboot_core::{Coded, Console, Duration};
use ocp_recovery::{AgentConfig, MmioBus, RecoveryAgent};

/// Receive buffers: one for the present frame, one to keep, one more. Sixteen frames wait in the MAC.
const RX: usize = 3;
/// HTTP receive buffer, octets: throughput is at most this for each round trip.
const TCP: usize = 16 * 1024;

/// How often and how long to try.
const POLICY: Policy = Policy {
    on_failure: OnFailure::Retry(3),
    retry_wait: Duration::from_secs(1),
    attempt_deadline: Duration::from_secs(120),
    total_deadline: Duration::from_secs(600),
    device_resets: 0,
};

/// Where images are if the network names no place, or nothing good is there.
const DEFAULTS: &[FixedSource<'static>] = &[
    FixedSource {
        index: 0,
        uri: "tftp://192.0.2.1/caliptra-fw.bin",
    },
    FixedSource {
        index: 1,
        uri: "tftp://192.0.2.1/soc-manifest.bin",
    },
    FixedSource {
        index: 2,
        uri: "tftp://192.0.2.1/mcu-fw.bin",
    },
];

/// The MAC's registers in memory.
struct Mmio;

impl Registers for Mmio {
    fn read(&mut self, offset: u32) -> u32 {
        board::read(board::MAC + offset as usize)
    }

    fn write(&mut self, offset: u32, value: u32) {
        board::write(board::MAC + offset as usize, value);
    }
}

type Nic = Mac<Mmio, RX>;
type Net = Network<'static, &'static mut Nic, Board>;
type App = BootApp<'static, &'static mut Net, MmioBus, LineObserver<Uart>>;

// All zero at the start, so they take no flash.
static mut FRAMES: mac::Buffers<RX> = mac::Buffers::new();
static mut BUFFERS: netboot::Buffers<TCP> = netboot::Buffers::new();
// Written at the start.
static mut SLOTS: MaybeUninit<Slots<'static>> = MaybeUninit::uninit();
static mut NIC: MaybeUninit<Nic> = MaybeUninit::uninit();
static mut NET: MaybeUninit<Net> = MaybeUninit::uninit();
static mut APP: MaybeUninit<App> = MaybeUninit::uninit();

/// Boots. Gives the status of the boot, 0 for success.
pub fn run() -> u32 {
    let app = match start() {
        Ok(app) => app,
        Err(status) => return status,
    };
    app.run();
    let report = app.report();
    let status = report.status();
    write_report(&mut Uart, report);
    status
}

/// Makes a value where it will stay. The place is an argument and this is a function of its own, so that the compiler builds the value
/// there and not on the stack.
#[inline(never)]
fn put<T>(place: &'static mut MaybeUninit<T>, make: impl FnOnce() -> T) -> &'static mut T {
    place.write(make())
}

#[inline(never)]
fn start() -> Result<&'static mut App, u32> {
    // SAFETY: `run` is called once, from `main`, and nothing else names these statics: each has this one reference.
    let (frames, buffers, slots, nic, net, app) = unsafe {
        (
            &mut *addr_of_mut!(FRAMES),
            &mut *addr_of_mut!(BUFFERS),
            &mut *addr_of_mut!(SLOTS),
            &mut *addr_of_mut!(NIC),
            &mut *addr_of_mut!(NET),
            &mut *addr_of_mut!(APP),
        )
    };
    let slots = put(slots, Slots::new);
    let nic = put(nic, || Mac::new(Mmio, frames));
    let net = put(net, || {
        Network::new(nic, Board::new(), buffers, slots, NetworkOptions::default())
    });
    // SAFETY: the board has the I3C core there, and nothing else drives its registers.
    let bus = unsafe { MmioBus::new(board::RECOVERY) };
    let agent =
        RecoveryAgent::new(bus, AgentConfig::default(), now()).map_err(|error| say(&error))?;
    let config = AppConfig {
        policy: POLICY,
        defaults: DEFAULTS,
        ..AppConfig::default()
    };
    Ok(put(app, || {
        BootApp::new(net, agent, LineObserver(Uart), config)
    }))
}

/// Writes an error that comes before the boot.
fn say(error: &dyn Coded) -> u32 {
    let out: &mut dyn Console = &mut Uart;
    out.text("@start");
    write_error(out, error);
    out.text("\n");
    error.code()
}
