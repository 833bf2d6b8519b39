//! What the server does with names, messages and files that are not what they should be.

use crate::common::{Folder, octets};
use crate::running::{Asking, Running};
use netboot_ubp::wire::{Answer, DATA_MAX, Name};
use rustix::process::Signal;
use std::os::unix::fs::symlink;

/// Codes of the specification.
const NOT_FOUND: u16 = 1;
const REFUSED: u16 = 2;
const FAILED: u16 = 3;
const GONE: u16 = 4;

#[test]
fn names_that_lead_elsewhere() {
    let outside = Folder::new();
    outside.put("secret", b"secret");
    let folder = Folder::new();
    folder.put("a/fw.bin", &octets(5000));
    folder.put(".hidden", b"hidden");
    folder.put("damaged.nbv", &folder.packed(&octets(5000))[..3000]);
    symlink(outside.path("secret"), folder.path("link")).unwrap();
    symlink(outside.path(""), folder.path("a/out")).unwrap();
    symlink("a", folder.path("current")).unwrap();
    let mut running = Running::start(&folder, "127.0.0.1", &[]);
    let asking = Asking::of(running.address);
    let from = asking.0.local_addr().unwrap();
    asking.open(Name::Path(b"/a\x1b]0;x\x07"));
    assert_eq!(asking.error(7), NOT_FOUND);
    let line = format!("{from} /a?]0;x?: refused: file not found");
    assert_eq!(running.report(), line);
    for (path, code) in [
        ("/none", NOT_FOUND),
        ("/a", NOT_FOUND),
        ("/", NOT_FOUND),
        ("//a/fw.bin", NOT_FOUND),
        ("/../etc/passwd", REFUSED),
        ("/a/../../etc/passwd", REFUSED),
        ("/%2e%2e/etc/passwd", REFUSED),
        ("/a/./fw.bin", REFUSED),
        ("/.hidden", REFUSED),
        ("/.none", REFUSED),
        ("/link", REFUSED),
        ("/a/out/secret", REFUSED),
        ("/damaged.nbv", FAILED),
    ] {
        asking.open(Name::Path(path.as_bytes()));
        assert_eq!(asking.error(7), code, "{path}");
    }
    asking.open(Name::Digest(netboot_verity::Digest([7; 32])));
    assert_eq!(asking.error(7), NOT_FOUND);
    // The same ways to a file that is inside.
    for path in ["/a/fw.bin", "a/fw%2ebin", "/current/fw.bin"] {
        asking.opened(path);
    }
    assert_eq!(running.metric("errors_total{code=\"1\"}"), 6);
    assert_eq!(running.metric("errors_total{code=\"2\"}"), 8);
    assert_eq!(running.metric("errors_total{code=\"3\"}"), 1);
    assert_eq!(running.metric("opens_total"), 18);
    let (status, errors) = running.stop(Signal::TERM);
    assert_eq!(status, Some(0));
    assert!(
        errors.starts_with("netboot: /damaged.nbv: not served: "),
        "{errors}"
    );
    assert_eq!(errors.lines().count(), 1);
}

#[test]
fn garbage_and_wrong_cookies_get_no_answer() {
    let folder = Folder::new();
    folder.put("fw.bin", &octets(5000));
    let running = Running::start(&folder, "127.0.0.1", &[]);
    let asking = Asking::of(running.address);
    let (cookie, id) = asking.opened("/fw.bin");
    let mut random = netboot_core::fuzz::Random(3);
    for len in [0, 1, 16, 31, 33, 287, 289, 2000, 2048, 3000] {
        let message: Vec<u8> = (0..len).map(|_| random.octet()).collect();
        asking.0.send(&message).unwrap();
    }
    running.wait_for("ignored_total", 10);
    asking.get(cookie ^ 1, id, 1, 0);
    asking.get(cookie, id ^ 1, 1, 0);
    asking.report(cookie ^ 1, id, 0);
    let other = Asking::of(running.address);
    other.get(cookie, id, 1, 0);
    running.wait_for("wrong_cookies_total", 4);
    assert!(asking.is_silent() && other.is_silent());
    assert_eq!(running.metric("gets_total"), 0);
    asking.get(cookie, id, 1, 0);
    asking.answer(|answer| assert!(matches!(answer, Answer::Data { number: 0, .. })));
    assert_eq!(running.metric("gets_total"), 1);
    assert_eq!(running.metric("blocks_total"), 1);
    // META and one DATA.
    assert_eq!(running.metric("octets_total"), 80 + DATA_MAX as u64);
}

#[test]
fn a_changed_file_is_gone() {
    let folder = Folder::new();
    let running = Running::start(&folder, "127.0.0.1", &[]);
    let asking = Asking::of(running.address);
    // Written over, replaced, removed.
    for change in 0..3 {
        folder.put("fw.bin", &octets(50_000));
        let (cookie, id) = asking.opened("/fw.bin");
        asking.get(cookie, id, 0b10, 0);
        asking.answer(|answer| assert!(matches!(answer, Answer::Data { number: 1, .. })));
        match change {
            0 => folder.put("fw.bin", &vec![1; 50_000]),
            1 => {
                folder.put("new", &vec![2; 50_000]);
                std::fs::rename(folder.path("new"), folder.path("fw.bin")).unwrap();
            }
            _ => std::fs::remove_file(folder.path("fw.bin")).unwrap(),
        }
        asking.get(cookie, id, 0b10, 0);
        assert_eq!(asking.error(cookie), GONE, "change {change}");
        if change < 2 {
            let (_, new) = asking.opened("/fw.bin");
            assert_ne!(new, id);
        }
    }
    assert_eq!(running.metric("errors_total{code=\"4\"}"), 3);
}

#[test]
fn a_burst_ends_with_the_file_it_is_of() {
    let folder = Folder::new();
    folder.put("fw.bin", &octets(60_000));
    let running = Running::start(&folder, "127.0.0.1", &[]);
    let asking = Asking::of(running.address);
    let (cookie, id) = asking.opened("/fw.bin");
    // The blocks of this GET take more than a second.
    asking.get(cookie, id, u64::MAX, 30_000);
    let mut whole = folder.packed(&octets(60_000));
    whole.drain(..1024);
    let mut came = 0;
    running.wait_for("bursts", 1);
    let mut changed = false;
    while running.metric("bursts") > 0 || came == 0 {
        if came == 5 && !changed {
            // The tree's nodes are in memory; the data are not.
            folder.put("fw.bin", &vec![9; 60_000]);
            changed = true;
        }
        if changed && asking.is_silent() {
            continue;
        }
        if !changed {
            asking.answer(|answer| match answer {
                Answer::Data { number, block, .. } => {
                    assert!(whole[number as usize * 1024..].starts_with(block));
                    came += 1;
                }
                other => panic!("{other:?}"),
            });
        }
    }
    let blocks = running.metric("blocks_total");
    assert!((5..10).contains(&blocks), "{blocks} blocks");
}
