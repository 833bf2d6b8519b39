//! Somebody on the link who sees every frame, and sends false messages before the true ones.

use crate::chance::Chance;
use crate::wire::{ETHERNET, arp, arp_request, is_ipv4, mend};
use netsim::{Middle, Side};

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
        Forged::Arp | Forged::Conflict => (false, 0),
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
