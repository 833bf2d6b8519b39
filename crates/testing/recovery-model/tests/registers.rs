//! The registers by literal numbers from the reference, so that driver and model cannot both be wrong in
//! the same way by sharing a constant.

use netboot_core::{Duration, Instant};
use ocp_recovery::{RegisterBus, RegisterMap};
use recovery_model::{
    CoreVersion, DeviceConfig, ModelBus, Personality, RecoveryModel, StallKind, Stuck,
};
use std::cell::{Cell, RefCell};

const NOW: Instant = Instant::ZERO;

/// A device that does nothing by itself.
fn quiet(core: CoreVersion) -> RecoveryModel {
    let mut config = DeviceConfig::new(core, Personality::Rom2_1_2, &[]);
    config.faults.stuck = Some(Stuck::Startup);
    RecoveryModel::new(config, NOW)
}

#[test]
fn reset_values() {
    for core in [CoreVersion::V1p4, CoreVersion::V1p5] {
        let mut model = quiet(core);
        for (offset, value) in [
            (0x040, 0x0000_0100),
            (0x100, 0x0000_20C0),
            (0x104, 0x2050_434F),
            (0x108, 0x5643_4552),
            (0x10C, 0),
            (0x130, 0),
            (0x13C, 0),
            (0x140, 0),
            (0x148, 0),
            (0x14C, 0),
            (0x150, 1),
            (0x154, 0),
            (0x158, 0),
            (0x15C, 0x40),
            (0x160, 64),
            (0x164, 0),
        ] {
            assert_eq!(model.read(NOW, offset), value, "{offset:#x}");
        }
        assert_eq!(model.stall(), None);
    }
}

#[test]
fn capability_chains() {
    let chains: [(CoreVersion, &[(u32, u32)]); 2] = [
        (
            CoreVersion::V1p4,
            &[
                (0x100, 0x20C0),
                (0x180, 0x1012),
                (0x1C0, 0x10C4),
                (0x200, 0x18C1),
                (0x260, 0x0202),
                (0x268, 0x0100),
            ],
        ),
        (
            CoreVersion::V1p5,
            &[
                (0x100, 0x20C0),
                (0x180, 0x2012),
                (0x200, 0x40C4),
                (0x300, 0x1AC1),
                (0x368, 0x0202),
                (0x370, 0x0100),
            ],
        ),
    ];
    for (core, chain) in chains {
        let model = RefCell::new(quiet(core));
        let clock = Cell::new(NOW);
        let mut bus = ModelBus::new(&model, &clock);
        let mut offset = bus.read32(0x40);
        for (at, header) in chain {
            assert_eq!((offset, bus.read32(offset)), (*at, *header));
            offset += 4 * (header >> 8);
        }
        assert_eq!(RegisterMap::discover(&mut bus).unwrap().core, core);
        assert_eq!(model.borrow().stall(), None);
    }
}

#[test]
fn access_types_of_the_recovery_interface() {
    for core in [CoreVersion::V1p4, CoreVersion::V1p5] {
        let mut model = quiet(core);
        // What all ones leave behind: read-only registers nothing, others their fields.
        for (offset, left) in [
            (0x100, 0x0000_20C0),
            (0x104, 0x2050_434F),
            (0x108, 0x5643_4552),
            (0x10C, 0xFFFF_FFFF),
            (0x110, 0x00FF_FFFF),
            (0x114, 0xFFFF_FFFF),
            (0x118, 0xFFFF_FFFF),
            (0x128, 0xFFFF_FFFF),
            (0x12C, 0),
            (0x130, 0xFFFF_FFFF),
            (0x134, 0xFFFF_FFFF),
            (0x138, 0x00FF_FF00),
            (0x13C, 0x0000_FFFF),
            (0x140, 0x0000_FFFF),
            (0x144, 0xFFFF_FFFF),
            (0x14C, 0xFFFF_FFFF),
            (0x150, 1),
            (0x154, 0),
            (0x158, 0),
            (0x15C, 64),
            (0x160, 64),
            (0x164, 0),
        ] {
            model.write(NOW, offset, 0xFFFF_FFFF);
            assert_eq!(model.read(NOW, offset), left, "{offset:#x}");
        }
        // The protocol error did not outlive the read.
        assert_eq!(model.read(NOW, 0x130), 0xFFFF_00FF);
        assert_eq!(model.stall(), None);
    }
}

#[test]
fn sideband_and_write_ones_clear() {
    for (core, cfg, w1c) in [
        (CoreVersion::V1p4, 0x20C, 0x210),
        (CoreVersion::V1p5, 0x30C, 0x310),
    ] {
        let mut model = quiet(core);
        // A plain write cannot activate.
        model.write(NOW, 0x13C, 0x000F_0100);
        assert_eq!(model.read(NOW, 0x13C), 0x0000_0100);
        model.write(NOW, w1c, 0x0000_0F00);
        assert_eq!(model.read(NOW, 0x13C), 0x000F_0100);
        assert_eq!(model.read(NOW, w1c), 0);
        // Firmware's way to consume it leaves 0x0E in hardware.
        model.write(NOW, 0x13C, 0x0001_0100);
        assert_eq!(model.read(NOW, 0x13C), 0x000E_0100);
        // A read-modify-write clears all of it.
        model.write(NOW, w1c, 0x0000_0F00);
        let value = model.read(NOW, 0x13C);
        model.write(NOW, 0x13C, value);
        assert_eq!(model.read(NOW, 0x13C), 0x0000_0100);

        model.write(NOW, w1c, 0x0000_0001);
        assert_eq!(model.read(NOW, 0x138), 1);
        model.write(NOW, 0x138, 0x0000_0F01);
        assert_eq!(model.read(NOW, 0x138), 0x0000_0F00);

        // Bypass is one way; PAYLOAD_DONE is not.
        model.write(NOW, cfg, 3);
        assert_eq!(model.read(NOW, cfg), 3);
        model.write(NOW, cfg, 0);
        assert_eq!(model.read(NOW, cfg), 1);
        model.reset();
        assert_eq!(model.read(NOW, cfg), 0);
    }
}

#[test]
fn fifo_indices_and_resets() {
    for (core, cfg, w1c, port) in [
        (CoreVersion::V1p4, 0x20C, 0x210, 0x1E8),
        (CoreVersion::V1p5, 0x30C, 0x310, 0x27C),
    ] {
        let mut model = quiet(core);
        model.write(NOW, cfg, 1);
        for reset in [(w1c, 0x0001_0000), (0x148, 0x0000_0100)] {
            for word in 0..5 {
                model.write(NOW, port, word);
            }
            assert_eq!(model.read(NOW, 0x150), 0);
            assert_eq!(model.read(NOW, 0x154), 5);
            assert_eq!(model.read(NOW, 0x158), 0);
            model.write(NOW, reset.0, reset.1);
            assert_eq!(model.read(NOW, 0x150), 1);
            assert_eq!(model.read(NOW, 0x154), 0);
            assert_eq!(model.read(NOW, 0x148), 0);
        }
        for word in 0..64 {
            model.write(NOW, port, word);
        }
        assert_eq!(model.read(NOW, 0x150), 2);
        // Hardware takes PAYLOAD_DONE back while the FIFO is full.
        model.write(NOW, cfg, 3);
        assert_eq!(model.read(NOW, cfg), 1);
        // The 65th word is lost, without a sign.
        model.write(NOW, port, 64);
        assert_eq!(model.images()[0].dropped_words, 1);
        assert_eq!(model.stall(), None);
    }
}

#[test]
fn soc_management_holds_what_it_has() {
    let mut old = quiet(CoreVersion::V1p4);
    let mut new = quiet(CoreVersion::V1p5);
    for (rel, reset, left) in [
        (0x04, 0, 0xFFFF_FFFF),
        (0x2C, 0, 0x000F_FFFF),
        (0x50, 0xC, 0xFFFF_FFFF),
        (0x54, 0x12C, 0xFFFF_FFFF),
        (0x58, 0xEA60, 0xFFFF_FFFF),
    ] {
        for (model, base) in [(&mut old, 0x200), (&mut new, 0x300)] {
            assert_eq!(model.read(NOW, base + rel), reset);
            model.write(NOW, base + rel, 0xFFFF_FFFF);
            assert_eq!(model.read(NOW, base + rel), left);
        }
    }
    assert_eq!(new.read(NOW, 0x360), 0xEA60);
    assert_eq!(new.read(NOW, 0x35C), 0);
}

#[test]
fn accesses_that_hang_the_bus_are_latched() {
    use StallKind::*;
    let later = NOW + Duration::from_millis(7);
    for (offset, write, kind) in [
        (0x080, false, PioControl),
        (0x0B0, true, PioControl),
        (0x0B4, false, Unmapped),
        (0x374, true, Unmapped),
        (0x1000, false, Unmapped),
        (0xFFFF_FFFC, true, Unmapped),
        (0x131, false, Unaligned),
        (0x168, false, FifoDataRead),
        (0x27C, true, NotBypassed),
    ] {
        let mut model = quiet(CoreVersion::V1p5);
        if write {
            model.write(later, offset, 5);
        } else {
            model.read(later, offset);
        }
        let stall = model.stall().unwrap();
        assert_eq!((stall.kind, stall.offset, stall.at), (kind, offset, later));
        assert_eq!(stall.value, write.then_some(5));
        // The bus is dead, and the first stall stays.
        assert_eq!(model.read(later, 0x104), 0);
        model.write(later, 0x80, 1);
        assert_eq!(model.stall(), Some(stall));
        model.reset();
        assert_eq!(model.stall(), None);
        assert_eq!(model.read(later, 0x104), 0x2050_434F);
    }
}
