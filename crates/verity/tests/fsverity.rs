//! The digests, descriptors and trees are those of the program `fsverity` (Debian package of that name), bit for bit.

use netboot_verity::{Head, Layout, Tree};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Sizes around each edge of a block, of a node and of a level.
const SIZES: [usize; 16] = [
    0,
    1,
    1023,
    1024,
    1025,
    2048,
    31 << 10,
    32 << 10,
    (32 << 10) + 1,
    33 << 10,
    100_000,
    (1 << 20) - 1,
    1 << 20,
    (1 << 20) + 1,
    3_333_333,
    (32 << 20) + 5,
];

/// Octets that depend on their place.
fn file(size: usize) -> Vec<u8> {
    (0..size as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

/// What `fsverity digest --block-size=1024` prints for [`file`] of some sizes; made with fsverity-utils 1.5.
const VECTORS: [(usize, &str); 6] = [
    (
        0,
        "f2cca36b9b1b7f07814e4284b10121809133e7cb9c4528c8f6846e85fc624ffa",
    ),
    (
        1,
        "564b7eb7ffda106d78a6b4aa080769012ec9a79ad64e0bff064211de3640fd52",
    ),
    (
        1024,
        "f7d7188df07fe844f8654962dbb9ceaf8bbde243b68220969425a8073bd7fd6f",
    ),
    (
        1025,
        "f474c6decfdd05146a7f5d8560b0a293893fd6368ebd6a3ee2d18f1cbb18befc",
    ),
    (
        100_000,
        "758ff8f198168f9df599f8f0fe8b31f606cc648015919e950b301ba5b4058f13",
    ),
    (
        1_048_577,
        "b64a2eb33277b9920ffe03b360bd3983c9664ef6e30a0c5c8108d3e6b36b7a56",
    ),
];

#[test]
fn digests_are_those_that_fsverity_once_printed() {
    for (size, digest) in VECTORS {
        assert_eq!(Tree::of(&file(size)).digest().to_string(), digest, "{size}");
    }
}

/// Whether the program is there. In continuous integration it has to be.
fn is_installed() -> bool {
    if Command::new("fsverity").arg("--version").output().is_ok() {
        return true;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "run `apt-get install fsverity`"
    );
    eprintln!("SKIPPED: fsverity is missing: run `apt-get install fsverity`");
    false
}

/// Runs fsverity on a file: its digest, descriptor and tree.
fn judge(directory: &Path, data: &[u8]) -> (String, Vec<u8>, Vec<u8>) {
    let path = |name| directory.join(name);
    fs::write(path("file"), data).unwrap();
    let option = |name, file| format!("--out-{name}={}", path(file).display());
    let output = Command::new("fsverity")
        .args(["digest", "--block-size=1024", "--compact"])
        .args([
            option("descriptor", "descriptor"),
            option("merkle-tree", "tree"),
        ])
        .arg(path("file"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let digest = String::from_utf8(output.stdout).unwrap();
    let read = |name| fs::read(path(name)).unwrap();
    (digest.trim().into(), read("descriptor"), read("tree"))
}

#[test]
fn fsverity_is_of_the_same_opinion() {
    if !is_installed() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for size in SIZES {
        let data = file(size);
        let tree = Tree::of(&data);
        let (digest, descriptor, octets) = judge(directory.path(), &data);
        assert_eq!(tree.digest().to_string(), digest, "{size}");
        assert_eq!(tree.descriptor().octets()[..], descriptor, "{size}");
        assert!(tree.octets() == octets, "{size}: the trees differ");
        let layout = Layout::new(size as u64).unwrap();
        let packed = tree.pack(&data).unwrap();
        assert_eq!(packed.len() as u64, layout.packed() + 1024);
        assert!(Head::is_packed(&packed));
    }
}
