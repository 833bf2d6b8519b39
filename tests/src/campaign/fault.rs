//! What can go wrong with one boot, as a list that can be made shorter.

use super::spoof::Spoof;
use crate::chance::Chance;
use crate::hostile::Attack;
use image_server::{Content, Dhcp6Fault, DhcpDamage, DhcpFault, DnsFault, HttpFault, TftpFault};
use netboot_core::{Duration, Instant};
use netsim::LinkConfig;
use recovery_model::{Refusal, ResetAt, Stuck};
use std::net::Ipv4Addr;

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
    /// What the DHCPv6 server does wrong.
    Dhcp6(Dhcp6Fault, u32, Times),
    /// The router does not hear so many questions, and what it tells is valid for so many seconds.
    Router(u32, u32),
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
pub const KINDS: [&str; 16] = [
    "link: loss, doubles, order, damage, delay, rate",
    "link down",
    "frames rewritten and made up, right checksums",
    "ARP, NDP, DHCP, DNS, TFTP or TCP forged on the link",
    "DHCP server",
    "DNS server",
    "TFTP server",
    "web server",
    "server dies",
    "file changes in mid-transfer",
    "device hangs",
    "device refuses a right image",
    "device is reset",
    "DHCPv6 server",
    "router",
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
        match chance.between(0, 23) {
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
            20..=21 => Fault::Dhcp6(dhcp6(chance), skip, times),
            22 => Fault::Router(skip, chance.pick(&[0, 1, 5, 7_200])),
            23 => Fault::Spoof(Spoof::draw_ipv6(chance)),
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
            Fault::Dhcp6(..) => 13,
            Fault::Router(..) => 14,
        }
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

fn dhcp6(chance: &mut Chance) -> Dhcp6Fault {
    let delay = span(chance);
    chance.pick(&[
        Dhcp6Fault::Silent,
        Dhcp6Fault::Delay(delay),
        Dhcp6Fault::Duplicate,
        Dhcp6Fault::WrongId,
        Dhcp6Fault::WrongClient,
        Dhcp6Fault::NoServerId,
        Dhcp6Fault::NoAddress,
        Dhcp6Fault::NoBinding,
        Dhcp6Fault::NoBootFile,
        Dhcp6Fault::Truncated,
        Dhcp6Fault::Garbage,
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
