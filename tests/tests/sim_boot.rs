//! Whole boots in the simulated world.

use netboot_app::Outcome;
use recovery_model::DeviceOutcome;
use test_pki::Pki;
use testbed::https::Https;
use testbed::plan::Pointer;
use testbed::{Plan, Protocol, host, sim};

/// Boots, and checks that the device got every image octet by octet and booted.
fn boots(plan: &Plan) -> (host::Outcome, String) {
    let mut console = String::new();
    let outcome = sim::boot(plan, &mut console).expect("a usable plan");
    assert_eq!(outcome.report.error, None, "{console}");
    assert_eq!(outcome.device, DeviceOutcome::Booted, "{console}");
    assert_eq!(outcome.stall, None, "{console}");
    for (index, image) in plan.images.iter().enumerate() {
        let got = &outcome.images[index];
        assert_eq!(got.sha256, Some(image.padded_sha256()), "image {index}");
        assert!(got.activated && got.verified, "image {index}");
        assert_eq!(got.dropped_words, 0, "image {index}");
        let told = &outcome.report.images[index];
        assert_eq!(told.octets, image.bytes.len() as u64);
        assert_eq!(told.sha256, Some(image.sha256()));
        assert_eq!(told.outcome, Outcome::Activated);
    }
    (outcome, console)
}

#[test]
fn three_images_by_each_protocol_and_pointer() {
    for protocol in [Protocol::Tftp, Protocol::Http, Protocol::Https] {
        for pointer in [Pointer::Directory, Pointer::Toc, Pointer::FlashImage] {
            let plan = Plan {
                protocol,
                pointer,
                expect: true,
                https: Some(Https::new(Pki::new(1))),
                ..Plan::default()
            };
            let (_, console) = boots(&plan);
            println!("{console}");
        }
    }
}
