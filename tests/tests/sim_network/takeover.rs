//! An image whose transfer broke, and the next place that is asked for it.

use super::{Memory, Net, configured, uri};
use image_server::{Content, HttpFault, Rule};
use netboot::NetError;
use netboot_ipxe::{Deliver, Delivery, ExecError, IpxeInterface, Part};

const SIZE: usize = 60_000;
const BROKEN_AT: usize = 20_000;

/// Octets of a file; files of different seeds differ everywhere.
fn file(seed: u8) -> Vec<u8> {
    (0..SIZE).map(|at| (at % 241) as u8 ^ seed).collect()
}

/// Asks for `name` and delivers what there is.
fn execute(
    net: &mut Net,
    name: &str,
    delivery: &mut Delivery<Memory>,
) -> Result<(), ExecError<NetError>> {
    let handle = net
        .imgfetch(&uri("http", name), None, None)
        .map_err(ExecError::Transfer)?;
    let image = net.imgload(&handle).map_err(ExecError::Transfer)?;
    net.imgexec(image, delivery)
}

/// A place is asked twice before anything of it is delivered. What broke was another file, and nothing of the new one may follow it, however often the
/// new one was asked for.
#[test]
fn a_file_that_was_asked_for_twice_is_still_another_file() {
    for asked in 0..3 {
        let (_, mut net) = configured(|server| {
            for (name, seed) in [("one.bin", 0), ("two.bin", 0x55)] {
                server
                    .files
                    .insert(name.into(), Content::Bytes(file(seed).into()));
            }
            let http = &mut server.faults.http;
            let of = |fault| Rule::new(fault).named("one.bin");
            http.add(of(HttpFault::CloseAfter(BROKEN_AT as u64)).times(1));
            http.add(of(HttpFault::Status(404, None)).after(1));
        });
        let sink = Memory {
            uses: true,
            ..Memory::default()
        };
        let mut delivery = Delivery::new(sink);
        let broken = execute(&mut net, "one.bin", &mut delivery);
        assert!(matches!(broken, Err(ExecError::Transfer(_))), "{broken:?}");
        assert_eq!(delivery.position(), BROKEN_AT as u64);
        for _ in 0..asked {
            net.imgfetch(&uri("http", "two.bin"), None, None).unwrap();
        }
        let refused = Err(ExecError::Refused(NetError::ContentChanged));
        assert_eq!(
            execute(&mut net, "two.bin", &mut delivery),
            refused,
            "{asked}"
        );
        assert_eq!(delivery.sink().octets, file(0)[..BROKEN_AT]);
    }
}

/// A part of a file goes on within the part, and only the same part does.
#[test]
fn a_part_goes_on_where_it_broke_and_another_part_does_not() {
    const PART: Part = Part {
        offset: 1_001,
        len: 50_000,
    };
    let shifted = Part {
        offset: 1_002,
        ..PART
    };
    for (part, same) in [(PART, true), (shifted, false)] {
        let (world, mut net) = configured(|server| {
            server
                .files
                .insert("disk.img".into(), Content::Bytes(file(0).into()));
            let http = &mut server.faults.http;
            let of = |fault| Rule::new(fault).named("disk.img");
            http.add(of(HttpFault::CloseAfter(BROKEN_AT as u64)).times(1));
            http.add(of(HttpFault::Status(404, None)).after(1).times(1));
        });
        let sink = Memory {
            uses: true,
            ..Memory::default()
        };
        let mut delivery = Delivery::new(sink);
        let disk = uri("http", "disk.img");
        let broken = net.sanboot(&disk, PART, &mut delivery);
        assert!(matches!(broken, Err(ExecError::Transfer(_))), "{broken:?}");
        let ended = net.sanboot(&disk, part, &mut delivery);
        let octets = &delivery.sink().octets;
        if same {
            assert_eq!(ended, Ok(()));
            assert!(*octets == file(0)[1_001..][..50_000], "other octets");
            let world = world.borrow();
            let mut last = world
                .server
                .served()
                .iter()
                .filter(|served| served.status == 206);
            assert_eq!(last.next_back().unwrap().offset, 1_001 + BROKEN_AT as u64);
        } else {
            assert_eq!(ended, Err(ExecError::Refused(NetError::ContentChanged)));
            assert!(*octets == file(0)[1_001..][..BROKEN_AT], "other octets");
        }
    }
}
