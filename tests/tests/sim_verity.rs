//! Whole boots from packed files, whose blocks are verified before they go into the device.

use e2e::{Boot, Sim};
use image_server::{Content, HttpFault, Protocol as Server, Rule, ServerConfig, TftpFault};
use netboot_core::{Blame, Digest};
use netboot_verity::Tree;
use testbed::plan::{FILE_NAMES, Image, firmware};
use testbed::{Https, Plan, Protocol};

/// Octets of image 0.
const SIZE: usize = 60_000;
/// The other name of the image server, and the name of the packed file there.
const MIRROR: &str = "mirror.lab";
const OTHER: &str = "other/place.nbv";

const WRONG_BLOCK: u32 = 0x0005_001f;
const NOT_PACKED: u32 = 0x000d_0001;
const WRONG_HEAD: u32 = 0x000d_0003;
const DIGEST: u32 = 0x0007_0003;
const SIZE_MISMATCH: u32 = 0x0007_0002;

/// The packed form of a file, and the verity digest.
fn pack(data: &[u8]) -> (Vec<u8>, Digest) {
    let tree = Tree::of(data);
    let packed = tree.pack(data).unwrap();
    (packed, tree.digest())
}

/// A boot by this protocol, with a second place for image 0 under another name of the server.
fn plan(protocol: Protocol) -> Plan {
    let scheme = protocol.scheme();
    Plan {
        protocol,
        images: firmware(&[SIZE, 3_000, 2_001]),
        settings: format!(
            "probe off\nretry continue\nsettle_ms 20\ndefault 0 {scheme}://{MIRROR}/{OTHER}\n"
        ),
        https: (protocol == Protocol::Https)
            .then(|| Https::new(test_pki::Pki::with_intermediate(31))),
        ..Plan::default()
    }
}

/// The same with the verity digest of image 0 in the settings.
fn known(protocol: Protocol) -> Plan {
    let mut plan = plan(protocol);
    let (_, digest) = pack(&plan.images[0].bytes);
    plan.settings += &format!("verity 0 {digest}\n");
    plan
}

/// Boots from a server whose file for image 0 is packed, under both of its names.
fn boot(plan: &Plan, change: impl FnOnce(&mut ServerConfig)) -> Boot {
    let (packed, _) = pack(&plan.images[0].bytes);
    Sim::new(plan)
        .server(|server| {
            server.lease.dns = vec![server.ip];
            server.dns.insert(MIRROR.into(), server.ip);
            for name in [FILE_NAMES[0], OTHER] {
                let packed = Content::Bytes(packed.as_slice().into());
                server.files.insert(name.into(), packed);
            }
            change(server);
        })
        .run()
}

/// Offsets and lengths of what went over the wire of a file.
fn pieces(boot: &Boot, server: Server, name: &str) -> Vec<(u64, u64)> {
    let served = boot.served(server, name);
    let served = served.iter().filter(|served| served.status < 300);
    served
        .map(|served| (served.offset, served.octets))
        .collect()
}

fn packed_len() -> u64 {
    pack(&[0; SIZE]).0.len() as u64
}

#[test]
fn a_packed_file_boots_by_every_protocol() {
    for protocol in [Protocol::Tftp, Protocol::Http, Protocol::Https] {
        let plan = known(protocol);
        let boot = boot(&plan, |_| ());
        boot.assert_booted(&plan);
        let (_, digest) = pack(&plan.images[0].bytes);
        let line = format!(" verity={digest} expected=true");
        assert!(boot.console.contains(&line), "{}", boot.console);
        assert!(!boot.console.contains(" sha256= "), "{}", boot.console);
        // Nobody asked for a SHA-256 beside it.
        assert_eq!(boot.outcome.report.images[0].sha256, None);
        assert_eq!(boot.outcome.report.images[0].octets, SIZE as u64);
    }
}

#[test]
fn a_packed_file_is_known_by_its_head_and_boots_without_a_digest() {
    let mut plan = plan(Protocol::Http);
    boot(&plan, |_| ()).assert_booted(&plan);
    // The SHA-256 of the image, or of the file as it lies on the server.
    plan.expect = true;
    let outcome = boot(&plan, |_| ());
    outcome.assert_booted(&plan);
    assert!(outcome.outcome.report.images[0].sha256.is_some());
    plan.expect = false;
    let file = testbed::plan::sha256(&pack(&plan.images[0].bytes).0);
    plan.settings += &format!("expect 0 - {file}\n");
    boot(&plan, |_| ()).assert_booted(&plan);
    let wrong = format!("{}", Digest([7; 32]));
    plan.settings = plan.settings.replace(&file.to_string(), &wrong);
    boot(&plan, |_| ()).assert_failed(&plan, DIGEST, Blame::Server);
}

/// A wrong block costs one request for the rest from that block on.
#[test]
fn a_wrong_block_is_asked_for_again_where_it_was() {
    let plan = known(Protocol::Http);
    let total = packed_len();
    // The first node and the second one, and data of the first block and of the last one.
    for (offset, again) in [
        (1024, 1024),
        (2048 + 5, 2048),
        (3 * 1024 + 1, 3 * 1024),
        (total - 1, total - SIZE as u64 % 1024),
    ] {
        let boot = boot(&plan, |server| {
            let fault = Rule::new(HttpFault::Corrupt(offset));
            server.faults.http.add(fault.named(FILE_NAMES[0]).times(1));
        });
        boot.assert_booted(&plan);
        let pieces = pieces(&boot, Server::Http, FILE_NAMES[0]);
        assert_eq!(pieces.len(), 2, "{pieces:?}");
        assert_eq!(pieces[1], (again, total - again), "{pieces:?}");
        assert_eq!(boot.outcome.report.images[0].resumes, 1);
        assert_eq!(boot.outcome.report.images[0].retries, 0);
    }
}

/// A server whose file is damaged gives what is right of it, and the mirror the rest: nothing has to be compared.
#[test]
fn the_mirror_sends_what_the_first_server_has_wrong() {
    let plan = known(Protocol::Http);
    let total = packed_len();
    for offset in [5_000, 40_000] {
        let boot = boot(&plan, |server| {
            let fault = Rule::new(HttpFault::Corrupt(offset));
            server.faults.http.add(fault.named(FILE_NAMES[0]));
        });
        boot.assert_booted(&plan);
        let from = offset / 1024 * 1024;
        let rest = *pieces(&boot, Server::Http, OTHER).last().unwrap();
        assert_eq!(rest, (from, total - from), "{}", boot.console);
        let line = format!("code=0x{WRONG_BLOCK:08x} blame=server offset={from}");
        assert!(boot.console.contains(&line), "{}", boot.console);
    }
}

/// The mirror speaks another protocol, knows no ranges, and has no entity tags.
#[test]
fn any_source_brings_the_rest() {
    let mut plan = known(Protocol::Http);
    plan.settings = plan.settings.replace("http://", "tftp://");
    let damaged = |server: &mut ServerConfig| {
        let fault = Rule::new(HttpFault::Corrupt(40_000));
        server.faults.http.add(fault.named(FILE_NAMES[0]));
    };
    boot(&plan, damaged).assert_booted(&plan);
    let plan = known(Protocol::Http);
    let outcome = boot(&plan, |server| {
        damaged(server);
        server.http.etag = image_server::EtagKind::None;
        server.http.last_modified = None;
    });
    outcome.assert_booted(&plan);
    let last = *pieces(&outcome, Server::Http, OTHER).last().unwrap();
    assert_eq!(last.0, 40_000 / 1024 * 1024);
    let outcome = boot(&plan, |server| {
        damaged(server);
        let other = Rule::new(HttpFault::IgnoreRange);
        server.faults.http.add(other.named(OTHER));
    });
    outcome.assert_booted(&plan);
}

#[test]
fn a_broken_transfer_goes_on_at_any_octet() {
    for after in [0, 3, 8, 500, 1023, 1024, 1025, 30_000, packed_len() - 1] {
        let plan = known(Protocol::Http);
        let outcome = boot(&plan, |server| {
            let fault = Rule::new(HttpFault::CloseAfter(after));
            server.faults.http.add(fault.named(FILE_NAMES[0]).times(1));
        });
        outcome.assert_booted(&plan);
        let plan = known(Protocol::Tftp);
        let outcome = boot(&plan, |server| {
            let fault = Rule::new(TftpFault::DieAfter(after));
            server.faults.tftp.add(fault.named(FILE_NAMES[0]).times(1));
        });
        outcome.assert_booted(&plan);
    }
}

/// A head of another file, a file that is not packed, one of another length: nothing goes into the device, and the mirror is asked.
#[test]
fn another_file_is_refused_before_its_first_octet() {
    let other = Image::pseudo_random("other", SIZE, 9).bytes;
    let (packed, _) = pack(&other);
    let mut longer = pack(&known(Protocol::Http).images[0].bytes).0;
    longer.push(0);
    for (content, (code, blame)) in [
        (packed.as_slice(), (WRONG_HEAD, Blame::Server)),
        (&other, (NOT_PACKED, Blame::Configuration)),
        (&longer, (WRONG_HEAD, Blame::Server)),
        (b"404".as_slice(), (NOT_PACKED, Blame::Configuration)),
    ] {
        for protocol in [Protocol::Http, Protocol::Tftp] {
            let mut plan = known(protocol);
            let replace = |server: &mut ServerConfig, name: &str| {
                let content = Content::Bytes(content.into());
                server.files.insert(name.into(), content);
            };
            let outcome = boot(&plan, |server| replace(server, FILE_NAMES[0]));
            outcome.assert_booted(&plan);
            let line = format!("code=0x{code:08x}");
            assert!(outcome.console.contains(&line), "{}", outcome.console);
            // Nobody has the right one.
            plan.settings = plan.settings.replace("default ", "#");
            let outcome = boot(&plan, |server| replace(server, FILE_NAMES[0]));
            outcome.assert_failed(&plan, code, blame);
            assert!(!outcome.outcome.report.images[0].octets > 0);
        }
    }
}

/// The board knows the size of the image, too: a packed file of another one is refused by its head.
#[test]
fn the_size_is_that_of_the_image() {
    let mut plan = known(Protocol::Http);
    plan.settings += &format!("expect 1 3000 -\nexpect 2 {} -\n", 2_001);
    boot(&plan, |_| ()).assert_booted(&plan);
    let (_, digest) = pack(&plan.images[0].bytes);
    let before = format!("verity 0 {digest}\n");
    plan.settings = plan.settings.replace(&before, "") + &format!("expect 0 59999 -\n{before}");
    plan.settings = plan.settings.replace("default ", "#");
    boot(&plan, |_| ()).assert_failed(&plan, SIZE_MISMATCH, Blame::Server);
}

/// A script says the digests, and wants nothing else delivered.
#[test]
fn a_script_names_the_digest() {
    let plan = plan(Protocol::Http);
    let all: Vec<(Vec<u8>, Digest)> = plan.images.iter().map(|image| pack(&image.bytes)).collect();
    let script = |digests: &[String]| {
        let mut script = String::from("#!ipxe\nimgtrust --permanent\n");
        for (index, digest) in digests.iter().enumerate() {
            script += &format!("imgfetch --name image-{index} --verity {digest} {index}.nbv\n");
        }
        script + "boot\n"
    };
    let run = |script: String| {
        let plan = Plan {
            script: Some(script),
            settings: "probe off\nretry continue\n".into(),
            ..plan.clone()
        };
        let boot = Sim::new(&plan)
            .server(|server| {
                for (index, (packed, _)) in all.iter().enumerate() {
                    let packed = Content::Bytes(packed.as_slice().into());
                    server.files.insert(format!("{index}.nbv"), packed);
                }
            })
            .run();
        (plan, boot)
    };
    let mut digests: Vec<String> = all.iter().map(|(_, digest)| digest.to_string()).collect();
    let (plan, boot) = run(script(&digests));
    boot.assert_booted(&plan);
    digests[1] = Digest([1; 32]).to_string();
    let (plan, boot) = run(script(&digests));
    boot.assert_failed(&plan, WRONG_HEAD, Blame::Server);
    digests[1] = "abc".into();
    let (plan, boot) = run(script(&digests));
    boot.assert_failed(&plan, 0x000a_0008, Blame::Configuration);
}

/// A board that knows both digests takes the SHA-256 of the image, and that of the packed file as well.
#[test]
fn either_sha256_may_stand_beside_the_verity_digest() {
    let before = known(Protocol::Http);
    let image = &before.images[0].bytes;
    for (digest, is_right) in [
        (testbed::plan::sha256(image), true),
        (testbed::plan::sha256(&pack(image).0), true),
        (Digest([7; 32]), false),
    ] {
        let mut plan = before.clone();
        plan.settings += &format!("expect 0 - {digest}\n");
        let outcome = boot(&plan, |_| ());
        match is_right {
            true => outcome.assert_booted(&plan),
            false => outcome.assert_failed(&plan, DIGEST, Blame::Server),
        };
    }
}

/// An image whose verity digest is known runs as a script only if its SHA-256 proves it: nobody verifies the blocks of a script.
#[test]
fn a_plain_file_with_a_verity_digest_is_no_script() {
    let script = "#!ipxe\necho the other script ran\n";
    let (_, digest) = pack(script.as_bytes());
    let plan = Plan {
        script: Some(format!(
            "#!ipxe\nimgfetch --name other --verity {digest} other.ipxe\nchain other\n"
        )),
        settings: "probe off\nretry continue\n".into(),
        ..plan(Protocol::Http)
    };
    for content in [script, "#!ipxe\necho a stranger's script ran\n"] {
        let outcome = Sim::new(&plan)
            .server(|server| {
                let content = Content::Bytes(content.as_bytes().into());
                server.files.insert("other.ipxe".into(), content);
            })
            .run();
        outcome.assert_failed(&plan, NOT_PACKED, Blame::Configuration);
        assert!(!outcome.console.contains("script ran"));
    }
}
