//! Somebody on the link who sees every frame, and sends false messages before the true ones.

use crate::chance::Chance;
use crate::wire::{ETHERNET, arp, arp_request, is_ipv4, mend};
use image_server::Ipv6Config;
use image_server::router::{advertisement, claim};
use netsim::{Middle, Side};
use std::net::Ipv6Addr;

/// Hardware address of whoever does it.
const FORGER: [u8; 6] = [2, 0, 0, 0, 0, 0x66];

/// Which messages are forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forged {
    /// Answers to ARP questions, with another hardware address.
    Arp,
    /// Claims to the address that the station would like to have.
    Conflict,
    /// DHCP answers.
    Dhcp,
    /// DNS answers.
    Dns,
    /// TFTP packets.
    Tftp,
    /// TCP segments: resets, and other octets.
    Tcp,
    /// Advertisements of a router with another prefix, or without one.
    Router,
    /// Claims to addresses of IPv6 that somebody asks for: the server's, and those that the station would like to have.
    Neighbor,
}

/// What is forged, and how often.
#[derive(Clone, Debug)]
pub struct Spoof {
    /// Which messages.
    pub forged: Forged,
    /// In this share of all cases, in percent.
    pub percent: u64,
    /// Of all choices.
    pub seed: u64,
}

impl Spoof {
    /// Draws one.
    pub fn draw(chance: &mut Chance) -> Self {
        Self {
            forged: chance.pick(&[
                Forged::Arp,
                Forged::Conflict,
                Forged::Dhcp,
                Forged::Dns,
                Forged::Tftp,
                Forged::Tcp,
            ]),
            percent: chance.pick(&[2, 10, 50, 100]),
            seed: chance.between(0, u64::MAX - 1),
        }
    }

    /// Draws one that is about IPv6.
    pub fn draw_ipv6(chance: &mut Chance) -> Self {
        Self {
            forged: chance.pick(&[Forged::Router, Forged::Neighbor]),
            ..Self::draw(chance)
        }
    }

    /// Puts whoever does all of `spoofs` onto the link.
    pub fn middle(spoofs: &[Spoof]) -> Option<Middle> {
        if spoofs.is_empty() {
            return None;
        }
        let mut forgers: Vec<_> = spoofs
            .iter()
            .map(|spoof| (spoof.clone(), Chance::new(spoof.seed)))
            .collect();
        Some(Box::new(move |_, from, frame, out| {
            for (spoof, chance) in &mut forgers {
                if let Some(false_frame) = forge(spoof, chance, from, &frame) {
                    out.push((Side::Server, false_frame));
                }
            }
            out.push((from, frame));
        }))
    }
}

/// A false frame for the station, on the occasion of this one.
fn forge(spoof: &Spoof, chance: &mut Chance, from: Side, frame: &[u8]) -> Option<Vec<u8>> {
    let question = arp_request(frame).filter(|_| from == Side::Client);
    let own: [u8; 6] = frame.get(6..12)?.try_into().ok()?;
    match spoof.forged {
        Forged::Arp => {
            let (own_ip, asked) = question.filter(|(own, _)| !own.is_unspecified())?;
            let answer = arp(own, 2, (FORGER, asked), (own, own_ip));
            return chance.percent(spoof.percent).then_some(answer);
        }
        Forged::Conflict => {
            let (_, asked) = question.filter(|(own, _)| own.is_unspecified())?;
            let claim = arp(own, 2, (FORGER, asked), (own, asked));
            return chance.percent(spoof.percent).then_some(claim);
        }
        Forged::Router | Forged::Neighbor => {
            let forged = forge_ipv6(spoof.forged, chance, from, frame)?;
            return chance.percent(spoof.percent).then_some(forged);
        }
        _ => {}
    }
    if from == Side::Client || !is_ipv4(frame) || !chance.percent(spoof.percent) {
        return None;
    }
    let protocol = *frame.get(23)?;
    let port = |at: usize| {
        frame
            .get(at..at + 2)
            .map(|octets| u16::from_be_bytes([octets[0], octets[1]]))
    };
    let (source, udp) = (port(34)?, protocol == 17);
    let (matches, payload) = match spoof.forged {
        Forged::Dhcp => (udp && source == 67, 42),
        Forged::Dns => (udp && source == 53, 42),
        Forged::Tftp => (udp && source != 67 && source != 53, 42),
        Forged::Tcp => (protocol == 6, 54),
        _ => (false, 0),
    };
    if !matches || frame.len() < payload {
        return None;
    }
    let mut false_frame = frame.to_vec();
    match (spoof.forged, chance.between(0, 3)) {
        // A reset, mostly with the right number, else with one that is off by some.
        (Forged::Tcp, 0) => {
            false_frame.truncate(payload);
            false_frame[47] = 0x14;
        }
        (Forged::Tcp, 1) => {
            let number = u32::from_be_bytes(false_frame[38..42].try_into().ok()?);
            let number = number.wrapping_add(chance.between(0, 70_000) as u32);
            false_frame[38..42].copy_from_slice(&number.to_be_bytes());
        }
        // An error in place of what comes.
        (Forged::Tftp, 0) => {
            false_frame.truncate(payload);
            false_frame.extend([0, 5, 0, chance.between(0, 9) as u8, b'x', 0]);
        }
        // Another port, as somebody who does not know it.
        (Forged::Tftp | Forged::Dns, 1) => false_frame[34] ^= 1 << chance.between(0, 7),
        _ => {
            for _ in 0..chance.between(1, 4) {
                let at = chance.between(payload as u64, false_frame.len() as u64) as usize;
                if let Some(octet) = false_frame.get_mut(at) {
                    *octet = chance.between(0, 255) as u8;
                }
            }
        }
    }
    let len = (false_frame.len() - ETHERNET) as u16;
    false_frame[16..18].copy_from_slice(&len.to_be_bytes());
    mend(&mut false_frame);
    Some(false_frame)
}

/// A false message of ICMPv6, on the occasion of a question of the station.
fn forge_ipv6(forged: Forged, chance: &mut Chance, from: Side, frame: &[u8]) -> Option<Vec<u8>> {
    let is_ndp = frame.get(12..14) == Some(&[0x86, 0xdd]) && frame.get(20) == Some(&58);
    if from == Side::Server || !is_ndp {
        return None;
    }
    match (forged, frame.get(54)?) {
        (Forged::Router, 133) => {
            let config = Ipv6Config {
                address: Ipv6Addr::new(0xfd66, 0, 0, 0, 0, 0, 0, 1),
                managed: chance.percent(50),
                other: chance.percent(50),
                autonomous: chance.percent(50),
                router_lifetime: chance.pick(&[0, 1, 1_800]),
                valid_lifetime: chance.pick(&[0, 3, 7_200]),
                mtu: chance.pick(&[None, Some(1_280), Some(68)]),
                ..Ipv6Config::default()
            };
            Some(advertisement(FORGER, &config))
        }
        (Forged::Neighbor, 135) => {
            let target: [u8; 16] = frame.get(62..78)?.try_into().ok()?;
            Some(claim(FORGER, target.into()))
        }
        _ => None,
    }
}
