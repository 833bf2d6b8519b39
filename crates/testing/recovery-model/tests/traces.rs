//! The model shows what released Caliptra ROMs showed, line for line (reference, section 4), with the
//! real agent as its counterpart.

mod common;

use common::{World, expecting, image};
use netboot_core::ImageSink;
use ocp_recovery::{AgentConfig, AgentEvent, Reason, RecoveryError, RegisterBus};
use recovery_model::{
    CoreVersion, DeviceConfig, DeviceOutcome, ExpectedImage, Personality, padded_sha256,
};

/// The lines from the first request on.
fn lines(world: &World) -> Vec<[u32; 3]> {
    let trace = world.trace.borrow();
    let start = trace.iter().position(|line| line[1] == 1).unwrap();
    trace[start..].to_vec()
}

#[test]
fn good_boot_of_rom_2_1_2() {
    let images = [image(0, 4002), image(1, 30_696), image(2, 257)];
    // Slow enough that filling and draining take time.
    let world = World::new(DeviceConfig {
        consume_rate: 1_000_000,
        ..expecting(CoreVersion::V1p5, Personality::Rom2_1_2, &images)
    });
    let mut agent = world.agent(AgentConfig::default());
    assert_eq!(world.boot(&mut agent, &images), Ok(vec![0, 1, 2]));
    assert_eq!(agent.bus_mut().read32(0x10C), 0x1AB1_0101);
    assert_eq!(
        lines(&world),
        [
            [0x00120003, 0x01, 0x00000000], // 0 awaiting
            [0x00120004, 0x01, 0x00000000], // 0 drained
            [0x00120004, 0x02, 0x000F0000], // 0 activated
            [0x00120004, 0x02, 0x00010000], // 0 verified
            [0x00120004, 0x11, 0x00010000], // 0 -> 1
            [0x00120003, 0x11, 0x00010000], // 1 awaiting
            [0x00120004, 0x11, 0x00010000], // 1 drained
            [0x00120004, 0x02, 0x000F0000], // 1 activated
            [0x00120004, 0x02, 0x00010000], // 1 verified
            [0x00120003, 0x02, 0x00010000], // 1 -> 2
            [0x00120003, 0x21, 0x00010000], // 2 awaiting
            [0x00120004, 0x21, 0x00010000], // 2 drained
            [0x00120004, 0x22, 0x000F0000], // 2 activated, and the end
        ]
    );
}

#[test]
fn good_boot_as_documented() {
    let images = [image(0, 64), image(1, 64), image(2, 64)];
    let world = World::expecting(CoreVersion::V1p5, Personality::Documented, &images);
    let mut agent = world.agent(AgentConfig::default());
    assert_eq!(world.boot(&mut agent, &images), Ok(vec![0, 1, 2]));
    // The agent is content with the first sign of success; the device goes on.
    world.idle();
    assert_eq!(
        lines(&world),
        [
            [0x00120003, 0x01, 0x00000000],
            [0x00120004, 0x01, 0x00000000],
            [0x00120004, 0x02, 0x000F0000],
            [0x00120004, 0x02, 0x00000000],
            [0x00120003, 0x02, 0x00000000],
            [0x00120003, 0x11, 0x00000000],
            [0x00120004, 0x11, 0x00000000],
            [0x00120004, 0x12, 0x000F0000],
            [0x00120004, 0x12, 0x00000000],
            [0x00120003, 0x12, 0x00000000],
            [0x00120003, 0x21, 0x00000000],
            [0x00120004, 0x21, 0x00000000],
            [0x00120004, 0x22, 0x000F0000],
            [0x00120004, 0x23, 0x000F0000],
            [0x00120001, 0x23, 0x000F0000],
        ]
    );
}

/// Boots with one image replaced; gives the error, the trace after that image's activation, and
/// CPTRA_FW_ERROR_FATAL.
fn boot_with(
    personality: Personality,
    wrong_index: usize,
    wrong: Vec<u8>,
) -> (RecoveryError, Vec<[u32; 3]>, u32) {
    let right = [image(0, 4000), image(1, 3000), image(2, 2000)];
    let mut given = right.clone();
    given[wrong_index] = wrong;
    let world = World::expecting(CoreVersion::V1p5, personality, &right);
    let mut agent = world.agent(AgentConfig::default());
    let error = world.boot(&mut agent, &given).unwrap_err();
    world.assert_no_violation();
    // A failure is said again and again, and nothing can be begun any more.
    assert_eq!(agent.poll(world.now()), Err(error));
    assert_eq!(agent.begin(world.now(), 4), Err(error));
    let model = world.model.borrow();
    let DeviceOutcome::Failed {
        index, fw_error, ..
    } = model.outcome()
    else {
        panic!("{:?}", model.outcome());
    };
    assert_eq!(usize::from(index), wrong_index);
    for (index, record) in model.images().iter().enumerate() {
        assert_eq!(record.verified, index < wrong_index);
    }
    let lines = lines(&world);
    let asked = lines
        .iter()
        .position(|line| line[1] == 1 | (wrong_index as u32) << 4);
    let of_this = &lines[asked.unwrap()..];
    let activated = of_this.iter().position(|line| line[2] == 0x000F0000);
    (error, of_this[activated.unwrap()..].to_vec(), fw_error)
}

fn tampered(index: usize) -> Vec<u8> {
    let mut octets = image(index as u32, [4000, 3000, 2000][index]);
    octets[1234] ^= 1;
    octets
}

fn refused(
    index: u8,
    device_status: u8,
    recovery_status: u8,
    reason: Option<u16>,
) -> RecoveryError {
    RecoveryError::DeviceRefused {
        index,
        device_status,
        recovery_status,
        reason: reason.map(Reason),
    }
}

#[test]
fn garbage_image_0() {
    let (error, lines, fw_error) = boot_with(Personality::Rom2_1_2, 0, image(8, 100));
    assert_eq!(error, refused(0, 0xE, 0x0D, Some(0x04)));
    assert_eq!(lines.last().unwrap()[..2], [0x0004000E, 0x0D]);
    assert_eq!(fw_error, 0x000B0001);
}

#[test]
fn tampered_firmware_bundle() {
    let (error, lines, fw_error) = boot_with(Personality::Rom2_1_2, 0, tampered(0));
    assert_eq!(error, refused(0, 0xE, 0x0D, Some(0x85)));
    assert_eq!(
        lines[lines.len() - 2..],
        [
            [0x00120004, 0x0D, 0x00010000],
            [0x0085000E, 0x0D, 0x00010000]
        ]
    );
    assert_eq!(fw_error, 0x000B0016);
}

#[test]
fn tampered_firmware_bundle_with_rom_2_1_0() {
    let (error, lines, fw_error) = boot_with(Personality::Rom2_1_0, 0, tampered(0));
    assert_eq!(error, refused(0, 0xF, 0x0D, None));
    assert_eq!(lines.last(), Some(&[0x0012000F, 0x0D, 0x00010000]));
    assert_eq!(fw_error, 0x000B0016);
}

#[test]
fn tampered_soc_manifest() {
    let (error, lines, fw_error) = boot_with(Personality::Rom2_1_2, 1, tampered(1));
    assert_eq!(error, refused(1, 0xE, 0x1D, Some(0x06)));
    assert_eq!(
        lines,
        [
            [0x00120004, 0x02, 0x000F0000],
            [0x00120004, 0x1D, 0x000F0000],
            [0x0006000E, 0x1D, 0x000F0000]
        ]
    );
    assert_eq!(fw_error, 0x000E0047);
}

#[test]
fn tampered_mcu_image() {
    let (error, lines, fw_error) = boot_with(Personality::Rom2_1_2, 2, tampered(2));
    assert_eq!(error, refused(2, 0xE, 0x2D, Some(0x0C)));
    assert_eq!(
        lines,
        [
            [0x00120004, 0x22, 0x000F0000],
            [0x00120004, 0x2D, 0x000F0000],
            [0x000C000E, 0x2D, 0x000F0000]
        ]
    );
    assert_eq!(fw_error, 0x000B0016);
}

#[test]
fn tampered_later_images_with_rom_2_1_0() {
    for (index, status, reason) in [(1, 0x1D, 0x06), (2, 0x2D, 0x0C)] {
        let (error, lines, _) = boot_with(Personality::Rom2_1_0, index, tampered(index));
        assert_eq!(error, refused(index as u8, 0xE, status, Some(reason)));
        assert_eq!(
            lines[lines.len() - 2..],
            [
                [0x00120004, u32::from(status), 0x000F0000],
                [u32::from(reason) << 16 | 0xE, u32::from(status), 0x000F0000]
            ]
        );
    }
}

/// Files that are shorter or longer than what the signed metadata says.
#[test]
fn sizes_that_differ() {
    let right = |index: usize| image(index as u32, [4000, 3000, 2000][index]);
    let cut = |index, by| {
        let mut octets = right(index);
        octets.truncate(octets.len() - by);
        octets
    };
    for by in [4, 256] {
        let (error, _, fw_error) = boot_with(Personality::Rom2_1_2, 0, cut(0, by));
        assert_eq!(error, refused(0, 0xE, 0x0D, Some(0x86)));
        assert_eq!(fw_error, 0x000B002F);
        let (error, ..) = boot_with(Personality::Rom2_1_2, 1, cut(1, by));
        assert_eq!(error, refused(1, 0xE, 0x1D, Some(0x06)));
        let (error, ..) = boot_with(Personality::Rom2_1_2, 2, cut(2, by));
        assert_eq!(error, refused(2, 0xE, 0x2D, Some(0x0C)));
    }
    // Octets behind images 0 and 1 do not matter; behind the last image they do.
    for trailing in [1, 4, 256, 3_000] {
        let images = [0, 1, 2].map(right);
        let mut given = images.clone();
        for image in &mut given[..2] {
            image.extend(vec![0xA5; trailing]);
        }
        let world = World::expecting(CoreVersion::V1p5, Personality::Rom2_1_2, &images);
        let mut agent = world.agent(AgentConfig::default());
        assert_eq!(world.boot(&mut agent, &given), Ok(vec![0, 1, 2]));
        let mut longer = right(2);
        longer.extend(vec![0xA5; trailing]);
        let (error, ..) = boot_with(Personality::Rom2_1_2, 2, longer);
        assert_eq!(error, refused(2, 0xE, 0x2D, Some(0x0C)));
    }
}

/// The digest of an image whose size is no multiple of 4 covers the padding.
#[test]
fn padding_is_hashed() {
    let mut expected = [0x5A; 7];
    expected[6] = 0;
    assert_eq!(
        ExpectedImage::of(&expected[..6]).sha256,
        padded_sha256(&[0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0, 0])
    );
    // SHA-256 of "abc" and one octet 0, by another implementation.
    assert_eq!(
        padded_sha256(b"abc").to_string(),
        "dc1114cd074914bd872cc1f9a23ec910ea2203bc79779ab2e17da25782a624fc"
    );
}

#[test]
fn rom_2_1_0_announces_fewer_capabilities_and_is_accepted() {
    let images = [image(0, 8)];
    let world = World::expecting(CoreVersion::V1p4, Personality::Rom2_1_0, &images);
    let mut agent = world.agent(AgentConfig::default());
    assert_eq!(
        world.next_event(&mut agent),
        Ok(AgentEvent::ImageRequested { index: 0 })
    );
    assert_eq!(agent.bus_mut().read32(0x10C), 0x1891_0101);
}
