//! Boards boot from what the operator's tool has made (`crates/cli`), in the simulated world.

use e2e::{Boot, Sim};
use image_server::{Content, ServerConfig};
use netboot_core::Blame;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use test_pki::{Pki, pem_of};
use testbed::plan::{Pointer, SERVER, firmware, sha256};
use testbed::sztp::{People, SERIAL, Sztp, option, serve};
use testbed::{Https, Plan, Protocol};

/// Runs the tool, which has to succeed; what it said.
fn netboot(line: &[&str]) -> String {
    let mut said = Vec::new();
    let right = netboot_cli::command::call(line, &mut said).unwrap();
    let said = String::from_utf8(said).unwrap();
    assert!(right, "{said}");
    said
}

/// The name of a file in a folder, for the command line.
fn at(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().into()
}

/// Serves all files of a folder.
fn serve_folder(folder: &Path, below: &str, server: &mut ServerConfig) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
        match path.is_dir() {
            true => serve_folder(&path, &format!("{name}/"), server),
            false => {
                let content = Content::Bytes(fs::read(&path).unwrap().into());
                server.files.insert(name, content);
            }
        }
    }
}

/// A boot from a folder that `publish` has filled, after `change`.
fn published(change: impl FnOnce(&Path)) -> (Plan, Boot) {
    published_with(&[], change)
}

/// The same with further options of `publish`.
fn published_with(more: &[&str], change: impl FnOnce(&Path)) -> (Plan, Boot) {
    let images = firmware(&[20_000, 3_000, 2_001]);
    let folder = TempDir::new().unwrap();
    let (release, web) = (folder.path().join("release"), folder.path().join("web"));
    fs::create_dir(&release).unwrap();
    fs::create_dir(&web).unwrap();
    let names = ["caliptra-fw.bin", "soc-manifest.bin", "mcu-runtime.bin"];
    for (name, image) in names.into_iter().zip(&images) {
        fs::write(release.join(name), &image.bytes).unwrap();
    }
    let (from, to) = (at(&release, ""), at(&web, ""));
    netboot(&[&["publish", &from, "--to", &to], more].concat());
    netboot(&["inspect", &at(&web, "boot.ipxe")]);
    change(&web);
    let plan = Plan {
        protocol: Protocol::Http,
        images,
        settings: "probe off\nretry 1\n".into(),
        script: Some(fs::read_to_string(web.join("boot.ipxe")).unwrap()),
        // The board knows no digests but those of the script.
        expect: false,
        ..Plan::default()
    };
    // The server has what the web server would have, and none of the plan's own images.
    let boot = Sim::new(&plan)
        .server(|server| {
            for name in names {
                server.files.remove(name);
            }
            serve_folder(&web, "", server);
        })
        .run();
    (plan, boot)
}

/// Boards with verified streaming boot from the packed objects. One wrong bit in an object ends the boot before the block with it goes into the device.
#[test]
fn a_published_folder_boots_from_packed_files() {
    let (plan, boot) = published_with(&["--packed"], |_| ());
    boot.assert_booted(&plan);
    // A transfer may be asked for before it is needed.
    let names: BTreeSet<_> = boot.served.iter().map(|one| one.name.as_str()).collect();
    let objects = names.iter().filter(|name| name.starts_with("objects/"));
    let packed = names
        .iter()
        .filter(|name| name.starts_with("objects/verity/"));
    assert_eq!((objects.count(), packed.count()), (3, 3));
    let (plan, boot) = published_with(&["--packed"], |web| {
        for object in fs::read_dir(web.join("objects/verity")).unwrap() {
            let path = object.unwrap().path();
            let mut octets = fs::read(&path).unwrap();
            *octets.last_mut().unwrap() ^= 1;
            fs::write(&path, octets).unwrap();
        }
    });
    boot.assert_failed(&plan, 0x0005_001F, Blame::Server);
}

#[test]
fn a_published_folder_boots_a_board() {
    let (plan, boot) = published(|_| ());
    boot.assert_booted(&plan);
    let served = boot.served.iter().map(|one| one.name.as_str());
    let objects: BTreeSet<&str> = served.filter(|name| name.contains("objects/")).collect();
    assert_eq!(objects.len(), 3, "{objects:?}");
    assert!(objects.iter().all(|name| name.contains("objects/sha256/")));
}

#[test]
fn an_object_that_was_changed_behind_the_publisher_boots_nothing() {
    let (plan, boot) = published(|web| {
        let sums = fs::read_dir(web.join("objects/sha256")).unwrap();
        for object in sums {
            let path = object.unwrap().path();
            let mut octets = fs::read(&path).unwrap();
            octets[1000] ^= 1;
            fs::write(&path, octets).unwrap();
        }
    });
    boot.assert_failed(&plan, 0x0007_0003, Blame::Server);
}

#[test]
fn a_board_boots_by_an_answer_that_the_tool_has_packed() {
    for signed in [true, false] {
        let mut https = Https::new(Pki::with_intermediate(21));
        https.trusted = !signed;
        let plan = Plan {
            protocol: Protocol::Https,
            images: firmware(&[20_000, 3_000, 2_004]),
            pointer: Pointer::FlashImage,
            settings: "probe off\nretry 1\norder sztp\n".into(),
            https: Some(https),
            sztp: Some(Sztp {
                has_anchors: !signed,
                // The voucher is of today.
                time: netboot_x509::TimePolicy::Floor(testbed::sztp::NOW),
                ..Sztp::new()
            }),
            ..Plan::default()
        };
        let answer = packed(&plan.flash_image(), signed);
        let boot = Sim::new(&plan)
            .server(|server| {
                serve(&mut server.http.posts, &[answer]);
                let named = option(&format!("https://{SERVER}"));
                server.lease.options.push(named);
            })
            .run();
        boot.assert_booted(&plan);
    }
}

/// The answer of a bootstrap server, for the device of the plan.
fn packed(flash: &[u8], signed: bool) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let path = |name: &str| at(folder, name);
    let people = People::new();
    for (name, text) in [
        ("masa.pem", people.masa.chain_pem()),
        ("masa.key", people.masa.key_pem()),
        ("owner.pem", people.owner.chain_pem()),
        ("owner.key", people.owner.key_pem()),
        ("masa-ca.pem", pem_of(&people.masa_root.as_slice().into())),
        ("owner-ca.pem", pem_of(&people.domain.as_slice().into())),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    fs::write(folder.join("flash.bin"), flash).unwrap();
    netboot(&["inspect", &path("flash.bin")]);
    let uri = format!("http://{SERVER}/flash.bin");
    let file = path("flash.bin");
    let (conveyed, reply) = (path("conveyed.cms"), path("reply.json"));
    let onboarding = ["sztp", "pack", "onboarding", "--image", &uri];
    let mut line = [&onboarding[..], &["--image-file", &file, "-o", &conveyed]].concat();
    let (certificate, key) = (path("owner.pem"), path("owner.key"));
    if signed {
        line.extend(["--signer", &certificate, "--key", &key]);
    }
    let said = netboot(&line);
    assert!(said.contains(&sha256(flash).to_string()), "{said}");
    let (owner, voucher) = (path("owner.cms"), path("voucher.vcj"));
    let (masa, masa_key) = (path("masa.pem"), path("masa.key"));
    let owner_ca = path("owner-ca.pem");
    let signer = ["--signer", &masa, "--key", &masa_key, "-o", &voucher];
    let head = [
        "sztp",
        "pack",
        "voucher",
        "--serial",
        SERIAL,
        "--owner-ca",
        &owner_ca,
    ];
    netboot(&[&head[..], &signer].concat());
    let head = ["sztp", "pack", "owner-certificate", "--certificate"];
    netboot(&[&head[..], &[&certificate, "-o", &owner]].concat());
    let mut line = vec![
        "sztp",
        "pack",
        "reply",
        "--conveyed",
        &conveyed,
        "-o",
        &reply,
    ];
    let roots = path("masa-ca.pem");
    if signed {
        line.extend(["--owner-certificate", &owner, "--voucher", &voucher]);
        line.extend(["--vouchers", &roots, "--serial", SERIAL]);
    }
    netboot(&line);
    fs::read(&reply).unwrap()
}
