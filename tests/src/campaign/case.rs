//! One boot of the campaign: what it is without faults, what each fault does to it, and how it is run.

use super::fault::{Fault, Times};
use super::spoof::Spoof;
use crate::chance::Chance;
use crate::hostile::Attack;
use crate::{Boot, Sim};
use image_server::config::{EtagKind, Framing};
use image_server::{Content, HttpFault, Rule, ServerConfig, TftpFault};
use netboot_core::{Digest, Duration, Instant};
use netsim::LinkConfig;
use recovery_model::{DeviceConfig, Stuck, padded_sha256};
use std::fmt::Write as _;
use testbed::plan::{EndSignal, Family, Pointer, SERVER, SERVER6, firmware};
use testbed::{Plan, Protocol};

/// Time for the whole boot, in ms.
pub const TOTAL_MS: u64 = 120_000;
/// Name of the server, for boots that find it by DNS.
const NAME: &str = "images.example";
/// Faults of one boot, at the most.
const MOST: u64 = 6;

/// One boot.
pub struct Case {
    /// What is booted, and how.
    pub plan: Plan,
    /// The server.
    pub server: ServerConfig,
    /// The device.
    pub device: DeviceConfig,
    /// When the cable is out, and for how long.
    pub down: Vec<(Instant, Duration)>,
    /// The images whose files change.
    pub changes: Vec<usize>,
    /// Who rewrites frames.
    pub attack: Option<Attack>,
    /// Who forges messages.
    pub spoofs: Vec<Spoof>,
}

/// The faults that a seed draws. One boot in ten has none.
pub fn faults(seed: u64) -> Vec<Fault> {
    let mut chance = Chance::new(seed ^ 0x000f_a017);
    if chance.percent(10) {
        return Vec::new();
    }
    (0..chance.between(1, MOST))
        .map(|_| Fault::draw(&mut chance, 3))
        .collect()
}

impl Case {
    /// The boot of `seed` with these faults.
    pub fn new(seed: u64, faults: &[Fault]) -> Self {
        // A sum or a digest would show a mixture of two files, so this boot knows none.
        let blind = faults
            .iter()
            .any(|fault| matches!(fault, Fault::Changes(..)));
        let mut case = Self::without_faults(seed, blind);
        for fault in faults {
            case.suffer(fault.clone());
        }
        if case.plan.end == EndSignal::True {
            // A platform that can tell does not conclude it from quiet registers.
            case.plan.settings += "settle_ms 600000\n";
        }
        case
    }

    /// Lets a fault befall the boot.
    fn suffer(&mut self, fault: Fault) {
        let faults = &mut self.server.faults;
        match fault {
            Fault::Link(link) => self.plan.link = worse(self.plan.link, link),
            Fault::LinkDown(at, span) => self.down.push((at, span)),
            Fault::Rewritten(attack) => self.attack = Some(attack),
            Fault::Spoof(spoof) => self.spoofs.push(spoof),
            Fault::Dhcp(fault, skip, times) => faults.dhcp.add(rule(fault, skip, times)),
            Fault::Dhcp6(fault, skip, times) => faults.dhcp6.add(rule(fault, skip, times)),
            Fault::Router(deaf, lifetime) => {
                if let Some(ipv6) = &mut self.server.ipv6 {
                    ipv6.deaf = deaf;
                    ipv6.valid_lifetime = lifetime;
                    ipv6.router_lifetime = lifetime.min(1_800) as u16;
                }
            }
            Fault::Dns(fault, skip, times) => faults.dns.add(rule(fault, skip, times)),
            Fault::Tftp(fault, skip, times) => faults.tftp.add(rule(fault, skip, times)),
            Fault::Http(fault, skip, times) => {
                // A body that ends with the connection includes these octets. Only a digest shows that they do not belong there.
                if matches!(fault, HttpFault::Trailing(_)) {
                    self.plan.expect = true;
                }
                faults.http.add(rule(fault, skip, times));
            }
            Fault::Dies(at) => {
                let earlier = faults.dies_at.map_or(at, |other| other.min(at));
                faults.dies_at = Some(earlier);
            }
            Fault::Changes(octets, index) => {
                let (name, other) = self.changed(index);
                let other = Content::Bytes(other.into());
                let faults = &mut self.server.faults;
                let broken = Rule::new(TftpFault::DieAfter(octets));
                faults.tftp.add(broken.named(&name).times(1));
                let changed = Rule::new(TftpFault::Replace(other.clone()));
                faults.tftp.add(changed.named(&name).after(1));
                let broken = Rule::new(HttpFault::ResetAfter(octets));
                faults.http.add(broken.named(&name).times(1));
                let changed = Rule::new(HttpFault::Replace(other));
                faults.http.add(changed.named(&name).after(1));
                self.changes.push(index);
            }
            Fault::Stuck(stuck) => {
                self.device.faults.stuck = Some(stuck);
                // A device that hangs in its last verification shows what one shows that runs. Only the platform can tell.
                if stuck == Stuck::Verifying(self.device.last_index()) {
                    self.plan.end = EndSignal::True;
                }
            }
            Fault::Refuses(refusal) => self.device.faults.refuse = Some(refusal),
            Fault::Reset(reset) => self.device.faults.reset = Some(reset),
        }
    }

    fn without_faults(seed: u64, blind: bool) -> Self {
        let mut chance = Chance::new(seed);
        let mut plan = Plan {
            protocol: chance.pick(&[Protocol::Tftp, Protocol::Http]),
            pointer: chance.pick(&[Pointer::Directory, Pointer::Toc, Pointer::FlashImage]),
            images: firmware(&chance.sizes()),
            link: LinkConfig::with_delay(Duration::from_micros(
                chance.pick(&[0, 100, 2_000, 20_000]),
            )),
            expect: chance.percent(75),
            // What a released device has used of a wrong file can only be ended by a reset.
            can_reset: chance.percent(80),
            end: chance.pick(&[EndSignal::None, EndSignal::True]),
            parallel: chance.percent(20),
            seed,
            ..Plan::default()
        };
        if blind {
            plan.pointer = Pointer::Directory;
            plan.expect = false;
        }
        let core = chance.pick(&["v1p4", "v1p5"]);
        let personality = chance.pick(&["documented", "rom-2.1.0", "rom-2.1.2"]);
        let rate = chance.pick(&[0, 50_000, 1_000_000]);
        let verify = chance.between(0, 300);
        plan.device =
            format!("personality {personality}\ncore {core}\nrate {rate}\nverify_ms {verify}\n");
        plan.settings = settings(&mut chance);
        let mut families = Chance::new(seed ^ 0x6006);
        plan.family = families.pick(&[Family::Ipv4, Family::Ipv4, Family::Ipv6, Family::Both]);
        let mut server = plan.server();
        if let Some(ipv6) = &mut server.ipv6 {
            // The address comes from the router's prefix, or from the server, or from either.
            ipv6.autonomous = families.percent(50);
            ipv6.other = families.percent(30);
            if ipv6.autonomous && families.percent(50) {
                ipv6.managed = false;
                ipv6.other = true;
            }
            if let Some(dhcp) = &mut ipv6.dhcp {
                dhcp.rapid_commit = families.percent(20);
                dhcp.preference = families.pick(&[0, 0, 255]);
            }
        }
        habits(&mut chance, &mut server);
        if chance.percent(30) {
            server.lease.dns = vec![SERVER];
            server.dns.insert(NAME.into(), SERVER);
            let place = server.lease.boot_file.take();
            server.lease.boot_file = place.map(|place| place.replace(&SERVER.to_string(), NAME));
            if let Some(ipv6) = &mut server.ipv6 {
                ipv6.names.insert(NAME.into(), SERVER6);
                if let Some(dhcp) = &mut ipv6.dhcp {
                    dhcp.dns = vec![SERVER6];
                    let place = dhcp.boot_file.take();
                    let literal = format!("[{SERVER6}]");
                    dhcp.boot_file = place.map(|place| place.replace(&literal, NAME));
                }
            }
        }
        let device = testbed::host::device_config(&plan).expect("a readable device text");
        Self {
            plan,
            server,
            device,
            down: Vec::new(),
            changes: Vec::new(),
            attack: None,
            spoofs: Vec::new(),
        }
    }

    /// Boots.
    pub fn boot(&self) -> Boot {
        let mut sim = Sim::new(&self.plan);
        sim.server = self.server.clone();
        sim.device = self.device;
        if let Some(attack) = &self.attack {
            sim = sim.attacked(attack.clone());
        }
        if let Some(middle) = Spoof::middle(&self.spoofs) {
            sim = sim.middle(middle);
        }
        for (at, span) in &self.down {
            sim = sim
                .at(*at, |world| world.link.set_down(true))
                .at(*at + *span, |world| world.link.set_down(false));
        }
        sim.run()
    }

    /// Name and new octets of a file that changes.
    pub(super) fn changed(&self, index: usize) -> (String, Vec<u8>) {
        let image = &self.plan.images[index];
        let other = image.bytes.iter().map(|octet| octet ^ 0x55).collect();
        (image.name.clone(), other)
    }

    /// What the server has published of an image, at one time or another, as the device hashes it.
    pub fn published(&self, index: usize) -> Vec<Digest> {
        let mut all = vec![self.plan.images[index].padded_sha256()];
        if self.changes.contains(&index) {
            all.push(padded_sha256(&self.changed(index).1));
        }
        all
    }

    /// What is to be known of the boot beyond its console.
    pub fn story(&self) -> String {
        let sizes: Vec<_> = self
            .plan
            .images
            .iter()
            .map(|image| image.bytes.len())
            .collect();
        format!(
            "{} by {:?} over {:?}, sizes {sizes:?}, expected {}, {:?}\n{:?}\n{:?}\n{}{}",
            self.server.lease.boot_file.as_deref().unwrap_or("nothing"),
            self.plan.protocol,
            self.plan.family,
            self.plan.expect,
            self.plan.link,
            self.server.http,
            self.server.tftp,
            self.plan.device,
            self.plan.settings,
        )
    }
}

fn settings(chance: &mut Chance) -> String {
    let retry = chance.pick(&["continue", "1", "3", "forever"]);
    let mut text = format!("retry {retry}\nattempt_ms 60000\ntotal_ms {TOTAL_MS}\n");
    let mut line = |chance: &mut Chance, words: &str, values: &[u32]| {
        if chance.percent(40) {
            writeln!(text, "{words} {}", chance.pick(values)).expect("a string");
        }
    };
    line(chance, "blksize", &[64, 512, 1_024, 1_428]);
    line(chance, "windowsize", &[1, 2, 7, 40]);
    if chance.percent(30) {
        text.push_str("probe off\n");
    }
    text
}

fn habits(chance: &mut Chance, server: &mut ServerConfig) {
    let http = &mut server.http;
    http.framing = chance.pick(&[
        Framing::Length,
        Framing::Length,
        Framing::Chunked,
        Framing::Close,
    ]);
    http.chunk = chance.pick(&[7, 1_000, 100_000]);
    http.etag = chance.pick(&[
        EtagKind::Strong,
        EtagKind::Strong,
        EtagKind::Weak,
        EtagKind::None,
    ]);
    http.ranges = chance.percent(80);
    http.keep_alive = chance.percent(80);
    let tftp = &mut server.tftp;
    tftp.options = chance.percent(85);
    tftp.tsize = chance.percent(80);
    tftp.max_blksize = chance.pick(&[0, 512, 1_468]);
    tftp.max_windowsize = chance.pick(&[0, 1, 8]);
}

fn rule<F>(fault: F, skip: u32, times: Times) -> Rule<F> {
    let rule = Rule::new(fault).after(skip);
    match times {
        Times::Some(times) => rule.times(times),
        Times::Always => rule,
    }
}

/// Gives a link that is as bad as the worse one in each respect.
fn worse(one: LinkConfig, other: LinkConfig) -> LinkConfig {
    fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
        one.into_iter().chain(other).min()
    }
    LinkConfig {
        delay: one.delay.max(other.delay),
        jitter: one.jitter.max(other.jitter),
        loss: one.loss.max(other.loss),
        duplicate: one.duplicate.max(other.duplicate),
        reorder: one.reorder.max(other.reorder),
        corrupt: one.corrupt.max(other.corrupt),
        bandwidth_bps: least(one.bandwidth_bps, other.bandwidth_bps),
        queue_limit: least(one.queue_limit, other.queue_limit),
        ring_limit: least(one.ring_limit, other.ring_limit),
    }
}
