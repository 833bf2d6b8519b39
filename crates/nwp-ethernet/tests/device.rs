//! The driver against the model of the device.

use netboot_core::{Device, FrameSlot, TxSlot};
use netboot_nwp_ethernet::registers::{MAC_LOW, RX_AVAIL, RX_LEN, STATUS, TX_READY};
use netboot_nwp_ethernet::{Buffers, FRAME_MAX, NoAddress, NwpEthernet, QUEUE, Registers, Stats};
use nwp_ethernet_model::{EthernetModel, ModelRegisters, Tally};
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

const MAC: [u8; 6] = [0x02, 0xca, 0x11, 0x50, 0x00, 0x07];

type Driver<'a> = NwpEthernet<'a, ModelRegisters<'a>>;

/// Runs `test` on a driver and the other side of its registers. The driver must not have made an access that no register takes.
fn with_driver(test: impl FnOnce(&mut Driver<'_>, &RefCell<EthernetModel>)) {
    let model = RefCell::new(EthernetModel::new(MAC));
    let mut buffers = Buffers::new();
    let mut driver = NwpEthernet::new(ModelRegisters(&model), &mut buffers).unwrap();
    test(&mut driver, &model);
    let Tally {
        ignored_starts,
        strange,
        ..
    } = model.borrow().tally();
    assert_eq!((ignored_starts, strange), (0, 0));
}

/// A frame that is like no other.
fn frame(number: u8, len: usize) -> Vec<u8> {
    (0..len).map(|at| number.wrapping_add(at as u8)).collect()
}

fn received(driver: &mut Driver<'_>) -> Option<Vec<u8>> {
    driver.receive().map(|received| received.frame.to_vec())
}

fn sent(model: &RefCell<EthernetModel>) -> Option<Vec<u8>> {
    let mut model = model.borrow_mut();
    let frame = model.outgoing().map(<[u8]>::to_vec);
    model.finish_sending();
    frame
}

#[test]
fn the_device_says_what_it_is() {
    with_driver(|driver, _| {
        let info = driver.info();
        assert_eq!((info.mac, info.mtu, info.rx_ring), (MAC, 1500, 16));
        assert!(driver.link_up());
        assert_eq!(Driver::HELD_FRAMES, 1);
    });
}

#[test]
fn an_address_that_no_station_has_is_no_device() {
    for (mac, refused) in [
        ([0; 6], true),
        ([0xff; 6], true),
        ([0x01, 0, 0x5e, 0, 0, 1], true),
        ([0, 0, 0, 0, 0, 1], false),
        ([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff], false),
    ] {
        let model = RefCell::new(EthernetModel::new(mac));
        let mut buffers = Buffers::new();
        let driver = NwpEthernet::new(ModelRegisters(&model), &mut buffers);
        assert_eq!(driver.err(), refused.then_some(NoAddress), "{mac:x?}");
    }
}

#[test]
fn frames_of_every_length_come_in_as_they_were_and_on_a_word() {
    with_driver(|driver, model| {
        for len in 14..=FRAME_MAX {
            model.borrow_mut().arrive(&frame(len as u8, len));
            let received = driver.receive().unwrap();
            assert_eq!(received.frame, frame(len as u8, len));
            assert!(!received.rx_checksum_verified);
            // Where the IP header begins.
            assert_eq!(received.frame[14..].as_ptr() as usize % 4, 0, "{len}");
        }
        assert!(driver.receive().is_none());
        assert_eq!(driver.stats().rx_frames as usize, FRAME_MAX - 13);
    });
}

#[test]
fn frames_of_every_length_go_out_as_they_were() {
    with_driver(|driver, model| {
        for len in 1..=FRAME_MAX {
            let wanted = frame(len as u8, len);
            let result = driver.transmit().unwrap().send(len, |octets| {
                octets.copy_from_slice(&wanted);
                len
            });
            assert_eq!(result, len);
            assert_eq!(sent(model), Some(wanted));
        }
        // What is too long is cut, and does not leave the window.
        let slot = driver.transmit().unwrap();
        assert_eq!(slot.send(FRAME_MAX + 1, |octets| octets.len()), FRAME_MAX);
        assert_eq!(sent(model).map(|frame| frame.len()), Some(FRAME_MAX));
        assert_eq!(driver.stats().tx_frames as usize, FRAME_MAX + 1);
    });
}

#[test]
fn a_frame_comes_with_a_buffer_for_the_answer() {
    with_driver(|driver, model| {
        model.borrow_mut().arrive(&frame(1, 60));
        let received = driver.receive().unwrap();
        let question = received.frame;
        received
            .tx
            .send(60, |octets| octets.copy_from_slice(question));
        assert_eq!(sent(model), Some(frame(1, 60)));
    });
}

#[test]
fn while_a_frame_is_on_its_way_nothing_is_sent_and_none_is_lost() {
    with_driver(|driver, model| {
        let first = driver.transmit().unwrap();
        first.send(60, |octets| octets.fill(9));
        model.borrow_mut().arrive(&frame(1, 60));
        assert!(driver.transmit().is_none());
        assert!(driver.receive().is_none());
        assert_eq!(sent(model), Some(vec![9; 60]));
        assert_eq!(received(driver), Some(frame(1, 60)));
    });
}

#[test]
fn a_full_queue_loses_what_comes_last_and_goes_on() {
    with_driver(|driver, model| {
        for number in 0..20 {
            model.borrow_mut().arrive(&frame(number, 60));
        }
        assert_eq!(model.borrow().tally().overflow, 4);
        for number in 0..16 {
            assert_eq!(received(driver), Some(frame(number, 60)));
        }
        assert_eq!(received(driver), None);
        model.borrow_mut().arrive(&frame(99, 60));
        assert_eq!(received(driver), Some(frame(99, 60)));
    });
}

#[test]
fn frames_for_which_there_is_no_room_are_dropped_and_counted() {
    with_driver(|driver, model| {
        model.borrow_mut().arrive(&frame(1, FRAME_MAX + 1));
        model.borrow_mut().arrive(&frame(2, 1536));
        model.borrow_mut().arrive(&frame(3, 60));
        assert_eq!(received(driver), Some(frame(3, 60)));
        let stats = Stats {
            rx_frames: 1,
            tx_frames: 0,
            errors: 2,
        };
        assert_eq!(driver.stats(), stats);
    });
}

#[test]
fn a_kept_frame_stays_while_others_come() {
    with_driver(|driver, model| {
        assert_eq!(driver.hold(), None);
        model.borrow_mut().arrive(&frame(1, 100));
        assert!(driver.receive().is_some());
        let slot = driver.hold().unwrap();
        assert_eq!(driver.hold(), None, "kept twice");
        for number in 10..50 {
            model.borrow_mut().arrive(&frame(number, FRAME_MAX));
            assert_eq!(received(driver), Some(frame(number, FRAME_MAX)));
            assert_eq!(driver.hold(), None, "two frames are kept");
            assert_eq!(driver.held(&slot), frame(1, 100));
        }
        let same = FrameSlot(slot.0);
        driver.release(slot);
        assert_eq!(driver.held(&same), [0u8; 0]);
        // A frame that nobody kept is gone with the next call.
        assert!(driver.receive().is_none());
        assert_eq!(driver.hold(), None);
    });
}

#[test]
fn slots_that_name_no_kept_frame_are_empty_and_releasing_them_does_nothing() {
    with_driver(|driver, model| {
        model.borrow_mut().arrive(&frame(1, 60));
        assert!(driver.receive().is_some());
        let slot = driver.hold().unwrap();
        model.borrow_mut().arrive(&frame(2, 60));
        assert!(driver.receive().is_some());
        for number in (0..=255).filter(|number| *number != slot.0) {
            assert_eq!(driver.held(&FrameSlot(number)), [0u8; 0], "{number}");
            driver.release(FrameSlot(number));
        }
        assert_eq!(driver.held(&slot), frame(1, 60));
    });
}

/// Registers that say the same whatever is read, and count.
struct Constant<'a> {
    value: u32,
    accesses: &'a Cell<usize>,
}

impl Registers for Constant<'_> {
    fn read(&mut self, offset: u32) -> u32 {
        self.accesses.set(self.accesses.get() + 1);
        match (offset, self.value) {
            // Only a device with an address is driven.
            (MAC_LOW, _) => 0x0002,
            // It always has a frame.
            (STATUS, 0) => TX_READY | RX_AVAIL,
            (_, value) => value,
        }
    }

    fn write(&mut self, _: u32, _: u32) {
        self.accesses.set(self.accesses.get() + 1);
    }
}

#[test]
fn a_device_that_shows_nonsense_does_not_keep_the_caller() {
    for value in [u32::MAX, 0] {
        let accesses = &Cell::new(0);
        let mut buffers = Buffers::new();
        let registers = Constant { value, accesses };
        let mut driver = NwpEthernet::new(registers, &mut buffers).unwrap();
        accesses.set(0);
        assert!(driver.receive().is_none());
        assert_eq!(accesses.get(), 3 * QUEUE, "{value:#x}");
        assert_eq!(driver.stats().errors as usize, QUEUE);
    }
}

/// What happens to the driver and the device.
#[derive(Clone, Debug)]
enum Step {
    Arrive(usize),
    Receive,
    Send(usize),
    FinishSending,
    Hold,
    Release,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0usize..1600).prop_map(Step::Arrive),
        4 => Just(Step::Receive),
        1 => (1usize..1600).prop_map(Step::Send),
        1 => Just(Step::FinishSending),
        2 => Just(Step::Hold),
        1 => Just(Step::Release),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    /// The driver against a list of frames, in any order of calls.
    #[test]
    fn no_frame_is_changed_reordered_or_lost_without_a_count(steps in steps()) {
        with_driver(|driver, model| {
            let (mut queue, mut number) = (VecDeque::new(), 0u8);
            let (mut lent, mut kept) = (None, None::<(FrameSlot, Vec<u8>)>);
            let (mut errors, mut on_its_way) = (0, None);
            for step in steps {
                match step {
                    Step::Arrive(len) => {
                        number = number.wrapping_add(1);
                        model.borrow_mut().arrive(&frame(number, len));
                        if (14..=1536).contains(&len) && queue.len() < QUEUE {
                            queue.push_back(frame(number, len));
                        }
                    }
                    Step::Receive => {
                        let mut wanted = None;
                        while on_its_way.is_none() && wanted.is_none() && !queue.is_empty() {
                            wanted = queue.pop_front().filter(|frame| frame.len() <= FRAME_MAX);
                            errors += u32::from(wanted.is_none());
                        }
                        assert_eq!(received(driver), wanted);
                        lent = wanted;
                    }
                    Step::Send(len) => match (driver.transmit(), &on_its_way) {
                        (Some(slot), None) => {
                            let octets = frame(number, len.min(FRAME_MAX));
                            slot.send(len, |place| place.copy_from_slice(&octets));
                            on_its_way = Some(octets);
                        }
                        (slot, busy) => assert!(slot.is_none() && busy.is_some()),
                    },
                    Step::FinishSending => assert_eq!(sent(model), on_its_way.take()),
                    Step::Hold => match driver.hold() {
                        Some(slot) => {
                            assert!(kept.is_none());
                            kept = Some((slot, lent.take().expect("no frame to keep")));
                        }
                        None => assert!(kept.is_some() || lent.is_none()),
                    },
                    Step::Release => {
                        if let Some((slot, _)) = kept.take() {
                            driver.release(slot);
                        }
                    }
                }
                if let Some((slot, frame)) = &kept {
                    assert_eq!(driver.held(slot), frame);
                }
            }
            assert_eq!(driver.stats().errors, errors);
        });
    }
}

/// A device whose registers show something else at each read, and that counts the reads.
struct Changing<'c> {
    state: u64,
    lengths: &'c Cell<u32>,
    last_length: &'c Cell<u32>,
}

impl Registers for Changing<'_> {
    fn read(&mut self, offset: u32) -> u32 {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let random = (self.state >> 33) as u32;
        match offset {
            MAC_LOW => 0x5011_ca02,
            STATUS => random | TX_READY | RX_AVAIL,
            RX_LEN => {
                self.lengths.set(self.lengths.get() + 1);
                // Nearly every one is a length that a frame can have.
                self.last_length.set(random % (FRAME_MAX as u32 + 40));
                self.last_length.get()
            }
            _ => random,
        }
    }

    fn write(&mut self, _: u32, _: u32) {}
}

/// What the driver has checked is what it uses: the length of a frame is read once, and the frame that it hands out lies in its own buffer.
#[test]
fn a_device_that_changes_its_mind_between_two_reads_is_read_once() {
    let (lengths, last_length) = (Cell::new(0), Cell::new(0));
    let registers = Changing {
        state: 7,
        lengths: &lengths,
        last_length: &last_length,
    };
    let mut buffers = Buffers::new();
    let mut driver = NwpEthernet::new(registers, &mut buffers).unwrap();
    let mut frames = 0;
    for _ in 0..2_000 {
        let errors = driver.stats().errors;
        let before = lengths.get();
        let received = driver.receive().map(|received| {
            let (first, second) = (received.frame.to_vec(), received.frame.to_vec());
            assert_eq!(first, second);
            first.len()
        });
        let dropped = driver.stats().errors.wrapping_sub(errors);
        if let Some(len) = received {
            frames += 1;
            assert_eq!(len as u32, last_length.get());
            assert_eq!(lengths.get(), before + dropped + 1, "once for each frame");
        }
    }
    assert!(frames > 1_000, "{frames}");
}
