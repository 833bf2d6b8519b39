//! A network card behind which somebody rewrites frames.
//!
//! Chance that flips bits on a wire is caught by checksums. Whoever wants to reach the parsers has to
//! mend them: a frame is damaged in its headers or in its payload, and IPv4, UDP and TCP checksums are
//! then made right again.

use crate::wire::{ETHERNET, mend};
use netboot_core::fuzz::Random;
use netboot_core::{Device, DeviceInfo, FrameSlot, Received};
use std::collections::VecDeque;
use testbed::ethernet::HeldFrames;
use testbed::sim::{SimDevice, SimTx};

/// Frames of the past that may come again.
const MEMORY: usize = 16;

/// How the station is attacked.
#[derive(Clone, Debug)]
pub struct Attack {
    /// Of all choices.
    pub seed: u64,
    /// Frames in 256 that are rewritten.
    pub rewritten: u8,
    /// Frames in 256 after which a further, made-up one comes.
    pub injected: u8,
}

/// The station's card.
pub struct HostileDevice {
    inner: SimDevice,
    attack: Attack,
    chance: Random,
    /// Frames that passed, as material.
    seen: VecDeque<Vec<u8>>,
    /// A made-up frame that comes next.
    next: Option<Vec<u8>>,
    current: Vec<u8>,
    /// The frame that is kept.
    held: HeldFrames,
}

impl HostileDevice {
    /// `inner`, attacked.
    pub fn new(inner: SimDevice, attack: Attack) -> Self {
        Self {
            inner,
            chance: Random(attack.seed),
            attack,
            seen: VecDeque::new(),
            next: None,
            current: Vec::new(),
            held: HeldFrames::default(),
        }
    }

    /// The next frame, as the attacker wants it.
    fn pick(&mut self) -> Option<Vec<u8>> {
        if let Some(frame) = self.next.take() {
            return Some(frame);
        }
        let mut frame = self.inner.receive()?.frame.to_vec();
        if self.seen.len() == MEMORY {
            self.seen.pop_front();
        }
        self.seen.push_back(frame.clone());
        if self.chance.octet() < self.attack.injected {
            let from = self.chance.below(self.seen.len());
            let mut other = match self.chance.below(6) {
                0 => noise(&frame, &mut self.chance),
                _ => self.seen[from].clone(),
            };
            rewrite(&mut other, &mut self.chance);
            self.next = Some(other);
        }
        if self.chance.octet() < self.attack.rewritten {
            rewrite(&mut frame, &mut self.chance);
        }
        Some(frame)
    }
}

impl Device for HostileDevice {
    type Tx<'a> = SimTx<'a>;

    const HELD_FRAMES: usize = HeldFrames::MOST;

    fn info(&self) -> DeviceInfo {
        self.inner.info()
    }

    fn link_up(&mut self) -> bool {
        self.inner.link_up()
    }

    fn set_multicast(&mut self, _: &[[u8; 6]]) {}

    fn receive(&mut self) -> Option<Received<'_, SimTx<'_>>> {
        self.current = self.pick()?;
        Some(Received {
            frame: &self.current,
            rx_checksum_verified: false,
            tx: self.inner.transmit()?,
        })
    }

    fn transmit(&mut self) -> Option<SimTx<'_>> {
        self.inner.transmit()
    }

    fn hold(&mut self) -> Option<FrameSlot> {
        self.held.hold(std::mem::take(&mut self.current))
    }

    fn held(&self, slot: &FrameSlot) -> &[u8] {
        self.held.get(slot)
    }

    fn release(&mut self, slot: FrameSlot) {
        self.held.release(&slot);
    }
}

/// Random octets behind an Ethernet header for the station, as IPv4 or ARP.
fn noise(like: &[u8], chance: &mut Random) -> Vec<u8> {
    let mut frame = like.get(..12).unwrap_or_default().to_vec();
    frame.extend([0x08, [0x00, 0x06][chance.below(2)]]);
    // Often enough something that begins like an IPv4 header of the usual length.
    frame.push(0x45);
    let length = chance.below(1_400);
    frame.extend((0..length).map(|_| chance.octet()));
    frame
}

/// Damages a frame in one to four places and mends its checksums.
fn rewrite(frame: &mut Vec<u8>, chance: &mut Random) {
    for _ in 0..1 + chance.below(4) {
        damage(frame, chance);
    }
    mend(frame);
}

fn damage(frame: &mut Vec<u8>, chance: &mut Random) {
    // The headers up to the payload of TCP, or all of it.
    let reach = match chance.below(3) {
        0 => frame.len(),
        1 => frame.len().min(60),
        _ => frame.len().min(ETHERNET + 20 + 8 + 64),
    };
    let at = chance.below(reach);
    match chance.below(8) {
        0 => frame.truncate(at),
        1 => {
            let more = chance.below(64);
            frame.extend((0..more).map(|_| chance.octet()));
        }
        2 | 3 => {
            if let Some(octet) = frame.get_mut(at) {
                *octet ^= 1 << chance.below(8);
            }
        }
        4 => {
            if let Some(octet) = frame.get_mut(at) {
                *octet = [0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF][chance.below(6)];
            }
        }
        5 => {
            let end = frame.len().min(at + 1 + chance.below(16));
            for octet in frame.get_mut(at..end).unwrap_or_default() {
                *octet = chance.octet();
            }
        }
        6 => {
            let end = frame.len().min(at + chance.below(32));
            let piece = frame.get(at..end).unwrap_or_default().to_vec();
            let to = chance.below(frame.len());
            frame.splice(to..to, piece);
        }
        _ => {
            let end = frame.len().min(at + chance.below(32));
            frame.drain(at.min(end)..end);
        }
    }
    frame.truncate(ETHERNET + 1_500);
}
