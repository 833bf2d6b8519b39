//! The driver against a model of the MAC's registers.

use crate::mac::{
    Buffers, CHECKSUM_OK, FRAME_MAX, LINK_UP, Mac, QUEUE, RX_AVAIL, RX_POP, Registers, Stats,
    TX_READY, TX_START, offset,
};
use netboot_core::{Device, FrameSlot, TxSlot};
use std::boxed::Box;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::vec::Vec;

const ADDRESS: [u8; 6] = [0x02, 0xca, 0x11, 0x50, 0x00, 0x07];

/// What the other side of the registers sees.
#[derive(Default)]
struct Wire {
    queue: VecDeque<(Vec<u8>, bool)>,
    /// Frames that came while the queue was full.
    lost: usize,
    sent: Vec<Vec<u8>>,
    tx: Vec<u8>,
    tx_len: u32,
    tx_busy: bool,
    link_up: bool,
}

impl Wire {
    fn arrive(&mut self, frame: &[u8]) {
        self.arrive_checked(frame, false);
    }

    fn arrive_checked(&mut self, frame: &[u8], checksum_ok: bool) {
        match self.queue.len() < QUEUE {
            true => self.queue.push_back((frame.to_vec(), checksum_ok)),
            false => self.lost += 1,
        }
    }
}

#[derive(Clone, Default)]
struct Model(Rc<RefCell<Wire>>);

impl Registers for Model {
    fn read(&mut self, offset: u32) -> u32 {
        let wire = self.0.borrow();
        let first = wire.queue.front();
        match offset {
            offset::STATUS => {
                let bit = |set, bit| if set { bit } else { 0 };
                bit(!wire.tx_busy, TX_READY)
                    | bit(first.is_some(), RX_AVAIL)
                    | bit(wire.link_up, LINK_UP)
                    | (wire.queue.len() as u32) << 8
            }
            offset::RX_LEN => first.map_or(0, |(frame, checked)| {
                frame.len() as u32 | if *checked { CHECKSUM_OK } else { 0 }
            }),
            offset::MAC_LOW => u32::from_le_bytes(*ADDRESS.first_chunk().unwrap()),
            offset::MAC_HIGH => 0xdead_0000 | u32::from(ADDRESS[4]) | u32::from(ADDRESS[5]) << 8,
            0x800..0x1000 => {
                assert_eq!(offset % 4, 0);
                let (frame, _) = first.expect("no frame, and the window was read");
                let at = (offset - 0x800) as usize;
                // Behind the frame the window shows what was there before.
                let octet = |at: usize| frame.get(at).copied().unwrap_or(0xee);
                u32::from_le_bytes(core::array::from_fn(|more| octet(at + more)))
            }
            _ => panic!("{offset:#x} is no register that can be read"),
        }
    }

    fn write(&mut self, offset: u32, value: u32) {
        let mut wire = self.0.borrow_mut();
        match offset {
            offset::CTRL if value == RX_POP => {
                wire.queue.pop_front().expect("no frame to drop");
            }
            offset::CTRL if value == TX_START => {
                assert!(!wire.tx_busy, "sent while the last frame is on its way");
                let len = wire.tx_len as usize;
                let frame = wire.tx[..len].to_vec();
                wire.sent.push(frame);
            }
            offset::TX_LEN => wire.tx_len = value,
            0x100..0x800 => {
                let at = (offset - 0x100) as usize;
                if wire.tx.len() < at + 4 {
                    wire.tx.resize(at + 4, 0);
                }
                wire.tx[at..at + 4].copy_from_slice(&value.to_le_bytes());
            }
            _ => panic!("{value:#x} was written to {offset:#x}"),
        }
    }
}

fn driver<const N: usize>() -> (Mac<Model, N>, Rc<RefCell<Wire>>) {
    let model = Model::default();
    let wire = model.0.clone();
    (Mac::new(model, Box::leak(Box::new(Buffers::new()))), wire)
}

/// A frame that is like no other.
fn frame(number: u8, len: usize) -> Vec<u8> {
    (0..len).map(|at| number.wrapping_add(at as u8)).collect()
}

fn received<const N: usize>(mac: &mut Mac<Model, N>) -> Option<Vec<u8>> {
    mac.receive().map(|received| received.frame.to_vec())
}

#[test]
fn the_address_comes_from_the_registers() {
    let info = driver::<2>().0.info();
    assert_eq!((info.mac, info.mtu, info.rx_ring), (ADDRESS, 1500, QUEUE));
}

#[test]
fn frames_of_every_length_come_in_as_they_were_and_on_a_word() {
    let (mut mac, wire) = driver::<2>();
    for len in 14..=FRAME_MAX {
        let sent = frame(len as u8, len);
        wire.borrow_mut().arrive(&sent);
        let received = mac.receive().unwrap();
        assert_eq!(received.frame, sent);
        // Where the IP header begins.
        assert_eq!(received.frame[14..].as_ptr() as usize % 4, 0, "{len}");
    }
    assert!(mac.receive().is_none());
    assert_eq!(mac.stats().rx_frames as usize, FRAME_MAX - 13);
}

#[test]
fn frames_of_every_length_go_out_as_they_were() {
    let (mut mac, wire) = driver::<2>();
    for len in 0..=FRAME_MAX {
        let wanted = frame(len as u8, len);
        let result = mac.transmit().unwrap().send(len, |octets| {
            octets.copy_from_slice(&wanted);
            len
        });
        assert_eq!(result, len);
        assert_eq!(wire.borrow().sent.last(), Some(&wanted));
    }
    // What is too long is cut, and does not leave the window.
    let shown = mac
        .transmit()
        .unwrap()
        .send(FRAME_MAX + 1, |octets| octets.len());
    assert_eq!(shown, FRAME_MAX);
}

#[test]
fn a_frame_comes_with_a_buffer_for_the_answer() {
    let (mut mac, wire) = driver::<2>();
    wire.borrow_mut().arrive(&frame(1, 60));
    let received = mac.receive().unwrap();
    let question = received.frame.to_vec();
    received
        .tx
        .send(60, |octets| octets.copy_from_slice(&question));
    assert_eq!(wire.borrow().sent, [question]);
}

#[test]
fn while_the_last_frame_is_on_its_way_nothing_is_sent_and_none_is_lost() {
    let (mut mac, wire) = driver::<2>();
    wire.borrow_mut().tx_busy = true;
    wire.borrow_mut().arrive(&frame(1, 60));
    assert!(mac.transmit().is_none());
    assert!(mac.receive().is_none());
    wire.borrow_mut().tx_busy = false;
    assert_eq!(received(&mut mac), Some(frame(1, 60)));
}

#[test]
fn a_full_queue_loses_what_comes_last_and_goes_on() {
    let (mut mac, wire) = driver::<2>();
    for number in 0..20 {
        wire.borrow_mut().arrive(&frame(number, 60));
    }
    assert_eq!(wire.borrow().lost, 4);
    for number in 0..16 {
        assert_eq!(received(&mut mac), Some(frame(number, 60)));
    }
    assert_eq!(received(&mut mac), None);
    wire.borrow_mut().arrive(&frame(99, 60));
    assert_eq!(received(&mut mac), Some(frame(99, 60)));
}

#[test]
fn held_frames_stay_while_others_come() {
    let (mut mac, wire) = driver::<4>();
    let mut slots = Vec::new();
    for number in 0..3 {
        wire.borrow_mut()
            .arrive(&frame(number, 60 + usize::from(number)));
        assert!(mac.receive().is_some());
        slots.push(mac.hold().unwrap());
    }
    for number in 10..50 {
        wire.borrow_mut().arrive(&frame(number, 1514));
        assert_eq!(received(&mut mac), Some(frame(number, 1514)));
        // One buffer is always left to receive into.
        assert_eq!(mac.hold(), None);
    }
    for (number, slot) in (0..).zip(&slots) {
        assert_eq!(mac.held(slot), frame(number, 60 + usize::from(number)));
    }
    mac.release(slots.remove(1));
    wire.borrow_mut().arrive(&frame(77, 100));
    assert!(mac.receive().is_some());
    let slot = mac.hold().unwrap();
    assert_eq!(mac.held(&slot), frame(77, 100));
    assert_eq!(mac.held(&slots[0]), frame(0, 60));
}

#[test]
fn only_a_lent_frame_can_be_held_and_only_a_held_one_read_or_released() {
    let (mut mac, wire) = driver::<3>();
    assert_eq!(mac.hold(), None);
    wire.borrow_mut().arrive(&frame(1, 60));
    assert!(mac.receive().is_some());
    let slot = mac.hold().unwrap();
    assert_eq!(mac.hold(), None, "held twice");
    let same = FrameSlot(slot.0);
    mac.release(slot);
    assert_eq!(mac.held(&same), [0u8; 0]);
    mac.release(same);
    for number in [0, 1, 2, 200] {
        assert_eq!(mac.held(&FrameSlot(number)), [0u8; 0]);
        mac.release(FrameSlot(number));
    }
    // A frame that nobody held is gone with the next call.
    wire.borrow_mut().arrive(&frame(2, 60));
    assert!(mac.receive().is_some());
    assert!(mac.receive().is_none());
    assert_eq!(mac.hold(), None);
}

#[test]
fn the_checksum_flag_is_the_one_of_its_frame() {
    let (mut mac, wire) = driver::<2>();
    for checked in [false, true, false] {
        wire.borrow_mut().arrive_checked(&frame(1, 60), checked);
    }
    for checked in [false, true, false] {
        let received = mac.receive().unwrap();
        assert_eq!(
            (received.rx_checksum_verified, received.frame.len()),
            (checked, 60)
        );
    }
}

#[test]
fn the_link_is_what_the_status_says_now() {
    let (mut mac, wire) = driver::<2>();
    assert!(!mac.link_up());
    wire.borrow_mut().link_up = true;
    assert!(mac.link_up());
    wire.borrow_mut().link_up = false;
    assert!(!mac.link_up());
}

#[test]
fn frames_that_can_be_none_are_dropped_and_counted() {
    let (mut mac, wire) = driver::<2>();
    for len in [0, 13, FRAME_MAX + 1, 60, 0xffff] {
        wire.borrow_mut().arrive(&frame(5, len));
    }
    assert_eq!(received(&mut mac), Some(frame(5, 60)));
    assert_eq!(received(&mut mac), None);
    let errors = Stats {
        rx_frames: 1,
        tx_frames: 0,
        errors: 4,
    };
    assert_eq!(mac.stats(), errors);
}
