//! `sanboot`: images that are partitions of a disk, or parts of a flash image.

use super::{asked, boot, plan};
use e2e::Sim;
use image_server::{Content, HttpFault, Rule};
use netboot_core::Blame;
use netboot_ipxe::san::model::{Disk, Partition};
use testbed::plan::{Pointer, SERVER};
use testbed::{Plan, Protocol};

const NO_PARTITION: u32 = 0x000a_004a;
const NO_TABLE: u32 = 0x000a_0040;

/// A disk with the images of a plan, whose sizes are multiples of a block.
fn disk(plan: &Plan, labels: [&str; 3]) -> Vec<u8> {
    let mut first = 64;
    let partitions: Vec<_> = plan
        .images
        .iter()
        .zip(labels)
        .zip(1u8..)
        .map(|((image, label), nth)| {
            let blocks = image.bytes.len() as u64 / 512;
            let partition = Partition {
                of_type: [0xaf; 16],
                unique: [nth; 16],
                blocks: (first, first + blocks - 1),
                label,
            };
            first += blocks + 3;
            partition
        })
        .collect();
    let model = Disk::new(512, 512, &partitions);
    let mut disk = vec![0; 512 * 512];
    model.read(0, &mut disk);
    for (image, partition) in plan.images.iter().zip(&partitions) {
        let start = partition.blocks.0 as usize * 512;
        disk[start..start + image.bytes.len()].copy_from_slice(&image.bytes);
    }
    disk
}

/// A plan whose images fill partitions.
fn of_blocks(lines: &str) -> Plan {
    Plan {
        images: testbed::plan::firmware(&[40 * 512, 6 * 512, 4 * 512]),
        ..plan(Protocol::Http, lines)
    }
}

const LABELS: [&str; 3] = ["caliptra-fmc-rt", "soc-manifest", "mcu-rt"];

#[test]
fn one_disk_serves_a_recovery() {
    for protocol in [Protocol::Http, Protocol::Tftp] {
        let plan = Plan {
            protocol,
            ..of_blocks("sanboot disk.img")
        };
        let octets = disk(&plan, LABELS);
        let boot = Sim::new(&plan)
            .server(|server| super::serve(server, "disk.img", &octets))
            .run();
        boot.assert_booted(&plan);
    }
}

#[test]
fn a_partition_is_named_by_its_label_or_its_guid() {
    let lines = "sanboot --filename one d\nsanboot --filename 02020202-0202-0202-0202-020202020202 d\n\
        sanboot -f three d";
    let plan = of_blocks(lines);
    let octets = disk(&plan, ["one", "two", "three"]);
    let boot = Sim::new(&plan)
        .server(|server| super::serve(server, "d", &octets))
        .run();
    boot.assert_booted(&plan);
}

#[test]
fn a_flash_image_is_a_disk_too() {
    let plan = Plan {
        pointer: Pointer::FlashImage,
        ..of_blocks("sanboot flash.bin")
    };
    let boot = Sim::new(&plan).run();
    boot.assert_booted(&plan);
    // A table's checksum is compared where it is the only thing that is known.
    let mut plan = plan;
    plan.expect = false;
    plan.corrupt = Some(1);
    let boot = Sim::new(&plan).run();
    boot.assert_failed(&plan, 0x0007_0004, Blame::Server);
}

#[test]
fn another_server_has_the_same_disk() {
    let plan = of_blocks(&format!(
        "sanboot http://10.0.2.99/d gone http://{SERVER}/d"
    ));
    let octets = disk(&plan, LABELS);
    let boot = Sim::new(&plan)
        .server(|server| super::serve(server, "d", &octets))
        .run();
    boot.assert_booted(&plan);
    assert!(asked(&boot).contains(&"gone"));
}

#[test]
fn a_table_that_breaks_off_is_read_on() {
    let plan = of_blocks("sanboot d");
    let octets = disk(&plan, LABELS);
    let boot = Sim::new(&plan)
        .server(|server| {
            super::serve(server, "d", &octets);
            let http = &mut server.faults.http;
            http.add(
                Rule::new(HttpFault::CloseAfter(40))
                    .named("d")
                    .after(1)
                    .times(3),
            );
        })
        .run();
    boot.assert_booted(&plan);
}

#[test]
fn what_is_no_disk_and_what_is_not_on_it_is_named() {
    let (plan, boot) = boot("sanboot caliptra-fw.bin", |_| ());
    boot.assert_failed(&plan, NO_TABLE, Blame::Server);
    let plan = of_blocks("sanboot --filename nothing d");
    let octets = disk(&plan, LABELS);
    let boot = Sim::new(&plan)
        .server(|server| {
            server
                .files
                .insert("d".into(), Content::Bytes(octets.into()));
        })
        .run();
    boot.assert_failed(&plan, NO_PARTITION, Blame::Configuration);
    assert_eq!(boot.outcome.images[0].octets, 0);
}
