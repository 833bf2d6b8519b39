//! `netboot inspect`: what it says of files that are right, and of files with one thing wrong.

mod common;

use common::Folder;
use netboot_app::toc::{FILENAME, RawEntry, RawHeader, VERSION, checksum};
use test_pki::sztp::{self, VoucherFields};
use test_pki::{Pki, pem_of};
use zerocopy::IntoBytes;

/// Inspects a file that is called `file`; its words have to contain all of these.
fn says(folder: &Folder, octets: &[u8], right: bool, parts: &[&str]) -> String {
    folder.put("file", octets);
    let (code, text) = folder.netboot(&["inspect", "file"]);
    assert_eq!(code, i32::from(!right), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    text
}

#[test]
fn a_packed_file_with_one_thing_wrong() {
    let folder = Folder::new();
    let data = common::octets(100_000);
    let digest = netboot_verity::Tree::of(&data).digest().to_string();
    let packed = folder.packed(&data);
    let text = says(
        &folder,
        &packed,
        true,
        &[
            "packed file for verified streaming",
            "of a file of 100000 octets, in 103 blocks of 1024 octets, with 2 levels of hashes",
            &format!("verity digest of that file {digest}"),
            "all blocks are right",
        ],
    );
    // Only one verity digest is told: that of the image, not that of the packed file.
    assert_eq!(text.matches("verity digest").count(), 1, "{text}");
    for (at, parts) in [
        // The version of the head, the size, the root, the top node, the first node below it, the last octet.
        (
            8,
            &["wrong: the packed file is of a version or kind that is not known"][..],
        ),
        (264, &["wrong: "]),
        (
            272,
            &["wrong: block 0 is not what it has to be, at octet 1024 of the packed file"],
        ),
        (1024, &["block 0 is not", "at octet 1024"]),
        (
            2048 + 500,
            &["block 1 is not", "at octet 2048", "(number 0x"],
        ),
        (packed.len() - 1, &["block 102 is not", "at octet 105472"]),
    ] {
        let mut octets = packed.clone();
        octets[at] ^= 1;
        says(&folder, &octets, false, parts);
    }
    let short = &packed[..packed.len() - 1];
    let len = packed.len();
    let text = format!("it ends at octet {}, and has to have {len} octets", len - 1);
    says(&folder, short, false, &[&text]);
    says(&folder, &packed[..500], false, &["wrong: "]);
    let long = [&packed[..], b"x"].concat();
    says(
        &folder,
        &long,
        false,
        &["wrong: octets follow the last block"],
    );
    // An empty file has a packed file, too.
    says(
        &folder,
        &folder.packed(b""),
        true,
        &["of a file of 0 octets"],
    );
}

/// An image of a table.
struct Image {
    identifier: u32,
    octets: Vec<u8>,
    /// Its file; empty for an image behind the table.
    filename: &'static str,
}

fn table(images: &[Image]) -> Vec<u8> {
    let mut offset = size_of::<RawHeader>() + images.len() * size_of::<RawEntry>();
    let mut header = RawHeader {
        version: VERSION.into(),
        image_count: (images.len() as u16).into(),
        payload_offset: (offset as u32).into(),
        header_checksum: 0.into(),
    };
    header.header_checksum = checksum(&header.as_bytes()[..8]).into();
    let mut file = header.as_bytes().to_vec();
    let mut behind = Vec::new();
    for image in images {
        let mut filename = [0; FILENAME];
        filename[..image.filename.len()].copy_from_slice(image.filename.as_bytes());
        let mut entry = RawEntry {
            identifier: image.identifier.into(),
            offset: (offset as u32).into(),
            size: (image.octets.len() as u32).into(),
            filename,
            image_checksum: checksum(&image.octets).into(),
            info_checksum: 0.into(),
        };
        entry.info_checksum = checksum(&entry.as_bytes()[..80]).into();
        file.extend_from_slice(entry.as_bytes());
        if image.filename.is_empty() {
            offset += image.octets.len();
            behind.extend_from_slice(&image.octets);
        }
    }
    [file, behind].concat()
}

fn images(filename: &'static str) -> Vec<Image> {
    let image = |identifier, size| Image {
        identifier,
        octets: common::octets(size),
        filename: "",
    };
    let mut images = vec![
        image(0, 200_000),
        image(1, 999),
        image(2, 70_001),
        image(0x1000, 10),
    ];
    images[1].filename = filename;
    images
}

#[test]
fn a_flash_image_with_one_thing_wrong() {
    let folder = Folder::new();
    let flash = table(&images(""));
    says(
        &folder,
        &flash,
        true,
        &[
            "table of contents, version 3, with 4 images",
            "image 0 (Caliptra FMC and RT), 200000 octets, from octet 348: right by its checksum",
            "image 1 (SoC manifest), 999 octets, from octet 200348: right by its checksum",
            "image 2 (MCU runtime), 70001 octets, from octet 201347: right by its checksum",
            "images with an identifier of 4 or more, at which no boot looks: 1",
        ],
    );
    for (at, parts) in [
        (8, &["header has a wrong checksum"][..]),
        (12, &["wrong: table of contents: wrong checksum of entry 0"]),
        (
            12 + 84 + 3,
            &["wrong: table of contents: wrong checksum of entry 1"],
        ),
        (
            348,
            &[
                "image 0 (Caliptra FMC and RT), 200000 octets, from octet 348: wrong: its checksum is",
                "image 1 (SoC manifest), 999 octets, from octet 200348: right",
            ],
        ),
        (
            201_347 + 70_000,
            &["image 2 (MCU runtime), 70001 octets, from octet 201347: wrong: its checksum is"],
        ),
    ] {
        let mut octets = flash.clone();
        octets[at] ^= 1;
        says(&folder, &octets, false, parts);
    }
    says(
        &folder,
        &flash[..201_400],
        false,
        &["wrong: the file ends before octet 271348"],
    );
    says(
        &folder,
        &flash[..100],
        false,
        &["wrong: table of contents is cut short"],
    );
    let mut none = images("");
    none.remove(0);
    says(&folder, &table(&none), false, &["there is no image 0"]);
}

#[test]
fn a_table_names_files_beside_it() {
    let folder = Folder::new();
    let toc = table(&images("fw/soc.bin"));
    let line = "image 1 (SoC manifest), 999 octets, in \"fw/soc.bin\": ";
    says(
        &folder,
        &toc,
        true,
        &[&format!("{line}there is no such file beside the table")],
    );
    folder.put("fw/soc.bin", &common::octets(999));
    says(
        &folder,
        &toc,
        true,
        &[&format!("{line}right by its checksum beside the table")],
    );
    folder.put("fw/soc.bin", &common::octets(998));
    says(
        &folder,
        &toc,
        false,
        &[&format!("{line}wrong: the file has 998 octets")],
    );
    folder.put("fw/soc.bin", &[1; 999]);
    says(
        &folder,
        &toc,
        false,
        &[&format!("{line}wrong: its checksum is")],
    );
    // A name that leads out of the folder is not followed.
    let toc = table(&images("../soc.bin"));
    says(
        &folder,
        &toc,
        true,
        &["there is no such file beside the table"],
    );
}

#[test]
fn a_script_is_run_for_show() {
    let folder = Folder::new();
    let text = says(
        &folder,
        b"#!ipxe\nset base http://10.0.2.2/fw\nimgfetch --name image-0 ${base}/a.bin || shell\nnslookup there images.example\necho ${there}\nboot\n",
        true,
        &[
            "fetches http://10.0.2.2/fw/a.bin as image-0",
            "answers the device's requests",
            "the script ends",
        ],
    );
    assert!(!text.contains("prompt"), "{text}");
    for (script, right, part) in [
        (
            &b"#!ipxe\nroute\nimgfech a.bin\n"[..],
            false,
            "wrong: script line 3: ",
        ),
        (
            b"#!ipxe\nimgfetch --nonsense a.bin\n",
            false,
            "wrong: script line 2: ",
        ),
        (b"#!ipxe\ngoto nowhere\n", false, "wrong: script line 2: "),
        (b"#!ipxe\n\xff\n", false, "wrong: "),
        (
            b"#!ipxe\nexit 3\n",
            true,
            "the script ends here, by script line 2: ",
        ),
        (
            b"#!ipxe\nisset ${caliptra/image-index}\n",
            true,
            "the script ends here, by script line 2: ",
        ),
        (
            b"#!ipxe\n:again\ngoto again\n",
            true,
            "the script ends here, by ",
        ),
        (
            b"#!ipxe\n:again\nimgfetch a\ngoto again\n",
            true,
            "and so on: 64 commands are looked at",
        ),
    ] {
        says(&folder, script, right, &[part]);
    }
    let long = [
        b"#!ipxe\n# ".to_vec(),
        vec![b'x'; 5000],
        b"\nboot\n".to_vec(),
    ]
    .concat();
    says(
        &folder,
        &long,
        false,
        &["wrong: it has 5015 octets, and boards read 4096 at most"],
    );
}

#[test]
fn what_bootstrap_servers_hand_out() {
    let folder = Folder::new();
    let (masa, _) = sztp::signer(1, "MASA").unwrap();
    let (owner, domain) = sztp::signer(2, "Owner").unwrap();
    let voucher = sztp::voucher(&masa, &VoucherFields::new("SN-7", &domain).json()).unwrap();
    let parts = [
        "voucher in JSON, signed",
        "for serial number SN-7",
        "made at 2024-06-01T00:00:00Z",
    ];
    says(&folder, &voucher, true, &parts);
    says(&folder, sztp::base64(&voucher).as_bytes(), true, &parts);
    let answer = sztp::answer(&voucher, None);
    says(
        &folder,
        answer.as_bytes(),
        true,
        &["answer of a bootstrap server"],
    );
    says(&folder, &owner.chain[0], true, &["certificate of CN=Owner"]);
    let both = [owner.chain_pem(), owner.key_pem()].concat();
    let text = says(
        &folder,
        both.as_bytes(),
        true,
        &[
            "certificate of CN=Owner",
            "private key, of which nothing is shown",
        ],
    );
    let key = owner.key_pem();
    assert!(!text.contains(key.lines().nth(1).unwrap()), "{text}");
    let root = Pki::new(2).root().unwrap();
    says(
        &folder,
        pem_of(&root).as_bytes(),
        true,
        &["certificate of CN=Test Root"],
    );
}

#[test]
fn other_files_have_digests() {
    let folder = Folder::new();
    let data = common::octets(70_000);
    folder.put("file", &data);
    let sum = folder.run("sha256sum", &["file"]).1;
    let verity = netboot_verity::Tree::of(&data).digest();
    let digests = [
        format!("SHA-256       {}", &sum[..64]),
        format!("verity digest {verity}"),
    ];
    says(
        &folder,
        &data,
        true,
        &[
            &digests[0],
            &digests[1],
            "file, 70000 octets",
            "nothing that is known here",
        ],
    );
    // It begins like a message.
    says(
        &folder,
        &[0x30, 0x82, 0x10, 0x00, 1, 2, 3],
        true,
        &["nothing that is known here"],
    );
    says(&folder, &[0xff; 5], true, &["nothing that is known here"]);
    says(&folder, b"", false, &["the file is empty"]);
    let (code, text) = folder.netboot(&["inspect", "nowhere"]);
    assert!(code == 1 && text.contains("cannot read nowhere"), "{text}");
    let (code, text) = folder.netboot(&["inspect", "."]);
    assert!(code == 1 && text.contains(". is no file"), "{text}");
    folder.put("packed", &folder.packed(&data)[..2000]);
    let (code, text) = folder.netboot(&["inspect", "packed", "file"]);
    assert!(
        code == 1 && text.contains("file is empty"),
        "all of them are shown: {text}"
    );
    let sparse = std::fs::File::create(folder.path("large")).unwrap();
    sparse.set_len((1 << 30) + 1).unwrap();
    let (code, text) = folder.netboot(&["inspect", "large"]);
    assert!(
        code == 0 && text.contains("no verity digest: a file of 1073741825 octets is larger"),
        "{text}"
    );
}
