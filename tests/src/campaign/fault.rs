//! What can go wrong with one boot, as a list that can be made shorter.

use super::case::Case;
use super::spoof::Spoof;
use crate::chance::Chance;
use crate::hostile::Attack;
use image_server::{Content, DhcpDamage, DhcpFault, DnsFault, HttpFault, Rule, TftpFault};
use netboot_core::{Duration, Instant};
use netsim::LinkConfig;
use recovery_model::{Refusal, ResetAt, Stuck};
use std::net::Ipv4Addr;
use testbed::plan::EndSignal;

/// One thing that goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Frames are lost, doubled, held back, damaged or slowed.
    Link(LinkConfig),
    /// The cable is out from this moment on, for so long.
    LinkDown(Instant, Duration),
    /// Frames are rewritten, and others made up, with right checksums.
    Rewritten(Attack),
    /// Somebody on the link sends false messages before the true ones.
    Spoof(Spoof),
    /// What the DHCP server does wrong, with so many messages after the first ones.
    Dhcp(DhcpFault, u32, Times),
    /// What the DNS server does wrong.
    Dns(DnsFault, u32, Times),
    /// What the TFTP server does wrong.
    Tftp(TftpFault, u32, Times),
    /// What the web server does wrong.
    Http(HttpFault, u32, Times),
    /// The server dies.
    Dies(Instant),
    /// The first transfer of this image's file breaks after so many octets, and by then the file is another one of the same size.
    Changes(u64, usize),
    /// The device hangs.
    Stuck(Stuck),
    /// The device refuses a right image.
    Refuses(Refusal),
    /// The device is reset by somebody else.
    Reset(ResetAt),
}

/// How often a fault befalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// So many times.
    Some(u32),
    /// Every time.
    Always,
}

/// The words for the kinds of faults, in the order of [`Fault::kind`].
pub const KINDS: [&str; 14] = [
    "link: loss, doubles, order, damage, delay, rate",
    "link down",
    "frames rewritten and made up, right checksums",
    "ARP, DHCP, DNS, TFTP or TCP forged on the link",
    "DHCP server",
    "DNS server",
    "TFTP server",
    "web server",
    "server dies",
    "file changes in mid-transfer",
    "device hangs",
    "device refuses a right image",
    "device is reset",
    "none",
];

impl Fault {
    /// Draws a fault.
    pub fn draw(chance: &mut Chance, images: usize) -> Self {
        let skip = chance.between(0, 4) as u32;
        let times = match chance.percent(25) {
            true => Times::Always,
            false => Times::Some(chance.between(1, 3) as u32),
        };
        let at = Instant::from_micros(chance.between(0, 4_000_000));
        let index = chance.between(0, images as u64 - 1) as u8;
        let after = chance.between(0, 40_000) as u32;
        match chance.between(0, 19) {
            0..=3 => Fault::Link(link(chance)),
            4 => Fault::LinkDown(at, Duration::from_millis(chance.between(50, 20_000))),
            5 => Fault::Rewritten(Attack {
                seed: chance.between(0, u64::MAX - 1),
                rewritten: chance.between(0, 60) as u8,
                injected: chance.between(0, 60) as u8,
            }),
            6..=8 => Fault::Spoof(Spoof::draw(chance)),
            9..=10 => Fault::Dhcp(dhcp(chance), skip, times),
            11 => Fault::Dns(dns(chance), skip, times),
            12..=13 => Fault::Tftp(tftp(chance), skip, times),
            14..=15 => Fault::Http(http(chance), skip, times),
            16 => Fault::Dies(at),
            17 => Fault::Changes(chance.between(1, 30_000), usize::from(index)),
            18 => Fault::Stuck(chance.pick(&[
                Stuck::Startup,
                Stuck::Asking(index),
                Stuck::Draining { index, after },
                Stuck::Pending(index),
                Stuck::Activating(index),
                Stuck::Verifying(index),
            ])),
            _ if chance.percent(50) => Fault::Refuses(Refusal {
                index,
                reason: chance.pick(&[0x0A, 0x80, 0x88, 0x94]),
            }),
            _ => Fault::Reset(ResetAt { index, after }),
        }
    }

    /// The kind of the fault: an index into [`KINDS`].
    pub fn kind(&self) -> usize {
        match self {
            Fault::Link(_) => 0,
            Fault::LinkDown(..) => 1,
            Fault::Rewritten(_) => 2,
            Fault::Spoof(_) => 3,
            Fault::Dhcp(..) => 4,
            Fault::Dns(..) => 5,
            Fault::Tftp(..) => 6,
            Fault::Http(..) => 7,
            Fault::Dies(_) => 8,
            Fault::Changes(..) => 9,
            Fault::Stuck(_) => 10,
            Fault::Refuses(_) => 11,
            Fault::Reset(_) => 12,
        }
    }

    /// Makes it go wrong in `case`.
    pub fn apply(&self, case: &mut Case) {
        let faults = &mut case.server.faults;
        match self.clone() {
            Fault::Link(link) => case.plan.link = worse(case.plan.link, link),
            Fault::LinkDown(at, span) => case.down.push((at, span)),
            Fault::Rewritten(attack) => case.attack = Some(attack),
            Fault::Spoof(spoof) => case.spoofs.push(spoof),
            Fault::Dhcp(fault, skip, times) => faults.dhcp.add(rule(fault, skip, times)),
            Fault::Dns(fault, skip, times) => faults.dns.add(rule(fault, skip, times)),
            Fault::Tftp(fault, skip, times) => faults.tftp.add(rule(fault, skip, times)),
            Fault::Http(fault, skip, times) => {
                // A body that ends with the connection includes these octets. Only a digest shows that they do not belong there.
                if matches!(fault, HttpFault::Trailing(_)) {
                    case.plan.expect = true;
                }
                faults.http.add(rule(fault, skip, times));
            }
            Fault::Dies(at) => {
                let earlier = faults.dies_at.map_or(at, |other| other.min(at));
                faults.dies_at = Some(earlier);
            }
            Fault::Changes(octets, index) => {
                let (name, other) = case.changed(index);
                let other = Content::Bytes(other.into());
                let faults = &mut case.server.faults;
                let broken = Rule::new(TftpFault::DieAfter(octets));
                faults.tftp.add(broken.named(&name).times(1));
                let changed = Rule::new(TftpFault::Replace(other.clone()));
                faults.tftp.add(changed.named(&name).after(1));
                let broken = Rule::new(HttpFault::ResetAfter(octets));
                faults.http.add(broken.named(&name).times(1));
                let changed = Rule::new(HttpFault::Replace(other));
                faults.http.add(changed.named(&name).after(1));
                case.changes.push(index);
            }
            Fault::Stuck(stuck) => {
                case.device.faults.stuck = Some(stuck);
                // A device that hangs in its last verification shows what one shows that runs. Only the platform can tell.
                if stuck == Stuck::Verifying(case.device.last_index()) {
                    case.plan.end = EndSignal::True;
                }
            }
            Fault::Refuses(refusal) => case.device.faults.refuse = Some(refusal),
            Fault::Reset(reset) => case.device.faults.reset = Some(reset),
        }
    }
}

fn rule<F>(fault: F, skip: u32, times: Times) -> Rule<F> {
    let rule = Rule::new(fault).after(skip);
    match times {
        Times::Some(times) => rule.times(times),
        Times::Always => rule,
    }
}

fn link(chance: &mut Chance) -> LinkConfig {
    let micros = Duration::from_micros;
    let mut link = LinkConfig::PERFECT;
    match chance.between(0, 6) {
        0 => link.loss = chance.between(1, 300) as f64 / 1_000.0,
        1 => link.duplicate = chance.between(1, 200) as f64 / 1_000.0,
        2 => link.reorder = chance.between(1, 200) as f64 / 1_000.0,
        3 => link.corrupt = chance.between(1, 100) as f64 / 1_000.0,
        4 => {
            link.delay = micros(chance.between(1, 500_000));
            link.jitter = micros(chance.pick(&[0, 1_000, 100_000]));
        }
        5 => link.bandwidth_bps = Some(chance.pick(&[1_000_000, 2_000_000, 10_000_000])),
        _ => link.ring_limit = Some(chance.pick(&[16, 20, 32])),
    }
    link
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

fn span(chance: &mut Chance) -> Duration {
    Duration::from_millis(chance.pick(&[100, 1_000, 3_000, 15_000, 70_000]))
}

fn dhcp(chance: &mut Chance) -> DhcpFault {
    let delay = span(chance);
    let address = Ipv4Addr::from(chance.between(0, u32::MAX.into()) as u32);
    chance.pick(&[
        DhcpFault::Silent,
        DhcpFault::Nak,
        DhcpFault::NoBootInfo,
        DhcpFault::Delay(delay),
        DhcpFault::Malformed(DhcpDamage::Cookie),
        DhcpFault::Malformed(DhcpDamage::Short),
        DhcpFault::Malformed(DhcpDamage::Overrun),
        DhcpFault::Malformed(DhcpDamage::NoEnd),
        DhcpFault::Malformed(DhcpDamage::OptionLengths),
        DhcpFault::Malformed(DhcpDamage::Opcode),
        DhcpFault::Malformed(DhcpDamage::Noise),
        DhcpFault::Overload,
        DhcpFault::SplitOptions,
        DhcpFault::Padded,
        DhcpFault::WrongXid,
        DhcpFault::WrongChaddr,
        DhcpFault::MessageType(chance_type(address)),
        DhcpFault::NoServerId,
        DhcpFault::NoLeaseTime,
        DhcpFault::Address(address),
        DhcpFault::Duplicate,
    ])
}

/// A message type that follows from an address.
fn chance_type(address: Ipv4Addr) -> u8 {
    address.octets()[0] % 10
}

fn dns(chance: &mut Chance) -> DnsFault {
    let delay = span(chance);
    let address = Ipv4Addr::from(chance.between(0, u32::MAX.into()) as u32);
    let noise: Vec<u8> = (0..chance.between(0, 60))
        .map(|_| chance.between(0, 255) as u8)
        .collect();
    chance.pick(&[
        DnsFault::Silent,
        DnsFault::Rcode(2),
        DnsFault::Rcode(3),
        DnsFault::WrongId,
        DnsFault::Truncated,
        DnsFault::Alias,
        DnsFault::PointerLoop,
        DnsFault::Short,
        DnsFault::Address(address),
        DnsFault::Records(3, noise),
        DnsFault::Delay(delay),
    ])
}

fn other_file(chance: &mut Chance) -> Content {
    Content::Pattern {
        size: chance.between(0, 60_000),
        seed: chance.between(0, 99),
    }
}

fn tftp(chance: &mut Chance) -> TftpFault {
    let somewhere = chance.between(0, 40_000);
    let (slow, other) = (span(chance), other_file(chance));
    chance.pick(&[
        TftpFault::NoAnswer,
        TftpFault::ForeignTid,
        TftpFault::Truncate(somewhere),
        TftpFault::Tsize(somewhere),
        TftpFault::Oack(vec![("blksize".into(), "65464".into())]),
        TftpFault::Oack(vec![("windowsize".into(), "65535".into())]),
        TftpFault::Oack(vec![("tsize".into(), "-1".into())]),
        TftpFault::LargerBlksize,
        TftpFault::MalformedOack,
        TftpFault::RefuseOptions,
        TftpFault::IgnoreOptions,
        TftpFault::Error(1, "no such file".into()),
        TftpFault::Error(0, "out of order".into()),
        TftpFault::ErrorAfter(somewhere, 3, "disk full".into()),
        TftpFault::DieAfter(somewhere),
        TftpFault::DuplicateData,
        TftpFault::Corrupt(somewhere),
        TftpFault::Replace(other),
        TftpFault::Slow(slow),
        TftpFault::LoseBlock(somewhere / 1_000),
        TftpFault::Burst(60, 1_000),
        TftpFault::UnknownOpcode,
    ])
}

fn http(chance: &mut Chance) -> HttpFault {
    let somewhere = chance.between(0, 40_000);
    let (delay, other) = (span(chance), other_file(chance));
    let length = chance.between(0, 2_000) as i64 - 1_000;
    chance.pick(&[
        HttpFault::NeverAnswer,
        HttpFault::Delay(delay),
        HttpFault::ResetAfter(somewhere),
        HttpFault::CloseAfter(somewhere),
        HttpFault::StallAfter(somewhere),
        HttpFault::Drip(1_000 + somewhere * 10),
        HttpFault::ContentLength(length),
        HttpFault::ContentRange("bytes 7-99/100".into()),
        HttpFault::IgnoreRange,
        HttpFault::Replace(other),
        HttpFault::Corrupt(somewhere),
        HttpFault::RedirectLoop,
        HttpFault::Redirect(302, "http://10.0.2.77/elsewhere".into()),
        HttpFault::Redirect(307, format!("/{}", "x".repeat(somewhere as usize / 16))),
        HttpFault::Status(404, None),
        HttpFault::Status(503, Some(2)),
        HttpFault::Status(503, Some(86_400)),
        HttpFault::GarbageHead,
        HttpFault::HugeHead(50_000),
        HttpFault::Interim(3),
        HttpFault::BadChunk,
        HttpFault::Http10,
        HttpFault::SilentClose,
        HttpFault::Trailing(b"nobody asked for this".to_vec()),
        HttpFault::Burst(60, 1_000),
    ])
}
