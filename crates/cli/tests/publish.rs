//! `netboot publish`: what lies in the folder of the web server afterwards, and what is left alone.

mod common;

use common::Folder;
use netboot_ipxe::script::{Check, Command, Menus, Outcome, Script, Step, Variables};
use std::fs;
use std::time::{Duration, UNIX_EPOCH};

const IMAGES: [(&str, usize); 3] = [
    ("caliptra-fw.bin", 70_000),
    ("soc-manifest.bin", 4_000),
    ("mcu-runtime.bin", 100_001),
];

/// A folder with the images of a release, and that of a web server with a file of somebody else's.
fn release() -> Folder {
    let folder = Folder::new();
    for (name, size) in IMAGES {
        folder.put(&format!("release/{name}"), &common::octets(size));
        let file = fs::File::open(folder.path(&format!("release/{name}"))).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1_700_000_000))
            .unwrap();
    }
    folder.put("release/.hidden", b"hidden");
    folder.put("release/old/caliptra-fw.bin", b"old");
    folder.put("release/mine.ipxe", b"#!ipxe\nshell\n");
    folder.put("web/index.html", b"<p>hello");
    folder
}

const PUBLISH: [&str; 4] = ["publish", "release", "--to", "web"];

fn publish(folder: &Folder, more: &[&str]) -> String {
    let (code, text) = folder.netboot(&[&PUBLISH[..], more].concat());
    assert_eq!(code, 0, "{text}");
    text
}

fn refuses(folder: &Folder, more: &[&str], why: &str) {
    let (code, text) = folder.netboot(&[&PUBLISH[..], more].concat());
    assert!(code != 0 && text.contains(why), "{code}: {text}");
}

/// Pairs of an image's name and of its place or its SHA-256.
type Pairs = Vec<(String, String)>;

/// What a board's engine asks for: images with their places, and with their digests; and whether it boots.
fn asked(script: &[u8]) -> (Pairs, Pairs, bool) {
    let (mut fetched, mut verified, mut boots) = (Vec::new(), Vec::new(), false);
    let mut settings = Variables::<256>::new();
    let mut menus = Menus::new();
    let mut script = Script::new(script).unwrap();
    loop {
        match script.poll(&mut settings, &mut menus) {
            Step::Run(Command::ImgFetch(image)) => {
                fetched.push((image.name.unwrap().into(), image.source.unwrap().into()));
            }
            Step::Run(Command::ImgVerify {
                image,
                check: Check::Sha256(digest),
                ..
            }) => {
                verified.push((image.into(), digest.to_string()));
            }
            Step::Run(Command::ImgExec(image)) => boots = image.source.is_none(),
            Step::Run(other) => panic!("{other:?}"),
            Step::End(result) => {
                result.unwrap();
                return (fetched, verified, boots);
            }
        }
        script.answer(Outcome::Done, &mut settings, &mut menus);
    }
}

#[test]
fn a_board_finds_by_the_script_what_the_digests_say() {
    let folder = release();
    let text = publish(&folder, &[]);
    assert!(
        text.contains("mcu-runtime.bin, 100001 octets, image 2"),
        "{text}"
    );
    let (fetched, verified, boots) = asked(&folder.get("web/boot.ipxe"));
    assert!(boots);
    assert_eq!((fetched.len(), verified.len()), (3, 3));
    for (index, (name, size)) in IMAGES.into_iter().enumerate() {
        let data = common::octets(size);
        let (image, place) = &fetched[index];
        assert_eq!(*image, format!("image-{index}"), "{name}");
        assert!(folder.get(&format!("web/{place}")) == data, "{name}");
        let sum = folder.run("sha256sum", &[&format!("release/{name}")]).1;
        assert_eq!(verified[index], (image.clone(), sum[..64].into()));
        assert_eq!(*place, format!("objects/sha256/{}", &sum[..64]));
        let time = |name: &str| fs::metadata(folder.path(name)).unwrap().modified().unwrap();
        assert_eq!(
            time(&format!("web/{place}")),
            time(&format!("release/{name}"))
        );
        // The packed file, by the digest that the script tells in a comment.
        let verity = netboot_verity::Tree::of(&data).digest().to_string();
        let packed = folder.get(&format!("web/objects/verity/{verity}"));
        assert!(packed == folder.packed(&data), "{name}");
        assert_eq!(
            time(&format!("web/objects/verity/{verity}")),
            time(&format!("release/{name}"))
        );
        let script = String::from_utf8(folder.get("web/boot.ipxe")).unwrap();
        assert!(script.contains(&format!("\n# {verity}\n")), "{script}");
    }
    // Nothing else: neither hidden files nor folders nor scripts, and nothing half-written.
    let names = folder.names();
    let web: Vec<_> = names
        .iter()
        .filter(|name| name.starts_with("web/"))
        .collect();
    assert_eq!(web.len(), 3 + 3 + 1 + 1, "{web:?}");
    assert_eq!(folder.get("web/index.html"), b"<p>hello");
}

#[test]
fn a_second_call_touches_nothing() {
    let folder = release();
    publish(&folder, &[]);
    let times = || {
        let web = folder
            .names()
            .into_iter()
            .filter(|name| name.starts_with("web/"));
        let times = web.map(|name| {
            let metadata = fs::metadata(folder.path(&name)).unwrap();
            (name, metadata.modified().unwrap())
        });
        times.collect::<Vec<_>>()
    };
    let before = times();
    let text = publish(&folder, &[]);
    assert_eq!(text.matches("was there").count(), 7, "{text}");
    assert!(!text.contains("written"), "{text}");
    assert_eq!(times(), before);
}

#[test]
fn a_new_release_leaves_the_old_objects() {
    let folder = release();
    publish(&folder, &[]);
    let old = asked(&folder.get("web/boot.ipxe")).0;
    folder.put("release/caliptra-fw.bin", b"new");
    let text = publish(&folder, &[]);
    assert!(text.contains("web/boot.ipxe: written"), "{text}");
    let new = asked(&folder.get("web/boot.ipxe")).0;
    assert!(old[0] != new[0] && old[1..] == new[1..]);
    assert!(folder.get(&format!("web/{}", old[0].1)) == common::octets(70_000));
    assert_eq!(folder.get(&format!("web/{}", new[0].1)), b"new");
}

#[test]
fn damaged_objects_are_written_anew() {
    let folder = release();
    publish(&folder, &[]);
    let names = folder.names();
    let objects: Vec<_> = names
        .iter()
        .filter(|name| name.contains("/objects/"))
        .collect();
    assert_eq!(objects.len(), 6);
    for name in objects {
        let whole = folder.get(name);
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        for damaged in [&flipped[..], &whole[..whole.len() - 1], b""] {
            folder.put(name, damaged);
            let text = publish(&folder, &[]);
            assert!(
                text.contains("was there and damaged, written anew"),
                "{text}"
            );
            assert!(folder.get(name) == whole, "{name}");
        }
    }
}

#[test]
fn files_without_an_index_are_named() {
    let folder = release();
    folder.put("release/soc.bin", b"soc");
    let text = publish(&folder, &[]);
    assert!(
        text.contains("soc.bin, 3 octets, not in the script"),
        "{text}"
    );
    assert_eq!(asked(&folder.get("web/boot.ipxe")).0.len(), 3);
    let text = publish(&folder, &["--image", "5=soc.bin", "--script", "five.ipxe"]);
    assert!(text.contains("soc.bin, 3 octets, image 5"), "{text}");
    let fetched = asked(&folder.get("web/five.ipxe")).0;
    assert_eq!(fetched[3].0, "image-5");
    assert_eq!(folder.get(&format!("web/{}", fetched[3].1)), b"soc");
}

#[test]
fn odd_calls_are_named_and_leave_the_script() {
    let folder = release();
    publish(&folder, &[]);
    let script = folder.get("web/boot.ipxe");
    let names = folder.names();
    for (more, why) in [
        (&["--script", "index.html"][..], "is none of ours"),
        (&["--script", "../boot.ipxe"], "a name for a file in web"),
        (&["--script", ".boot"], "a name for a file in web"),
        (&["--image", "1=nowhere"], "release has no image nowhere"),
        (&["--image", "9=soc-manifest.bin"], "a number from 0 to 7"),
        (&["--image", "soc-manifest.bin"], "an index and a file"),
        (
            &["--image", "0=soc-manifest.bin"],
            "caliptra-fw.bin and soc-manifest.bin are both image 0",
        ),
    ] {
        refuses(&folder, more, why);
        assert_eq!(folder.names(), names, "{more:?}");
    }
    for (line, why) in [
        (["publish", "nowhere", "--to", "web"], "cannot read nowhere"),
        (
            ["publish", "release", "--to", "nowhere"],
            "nowhere is no folder",
        ),
        (
            ["publish", "release/old", "--to", "web/index.html"],
            "web/index.html is no folder",
        ),
        (
            ["publish", "web", "--to", "web"],
            "web has no image whose index is known",
        ),
    ] {
        let (code, text) = folder.netboot(&line);
        assert!(code == 1 && text.contains(why), "{line:?}: {text}");
    }
    folder.put("release/image-3.bin", b"");
    refuses(&folder, &[], "image-3.bin is empty");
    let sparse = fs::File::create(folder.path("release/image-3.bin")).unwrap();
    sparse.set_len((1 << 30) + 1).unwrap();
    folder.put("release/caliptra-fw.bin", b"new");
    refuses(&folder, &[], "larger than can be verified here");
    folder.put("release/image-3.bin", &folder.packed(b"image"));
    refuses(&folder, &[], "is packed already");
    // The script names what it named before, and that is there.
    assert_eq!(folder.get("web/boot.ipxe"), script);
    for (_, place) in asked(&script).0 {
        assert!(folder.path("web").join(place).is_file());
    }
}
