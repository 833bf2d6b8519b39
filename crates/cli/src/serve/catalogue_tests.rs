//! Files that are found, changed, held and given up.

use super::*;
use netboot_verity::Tree;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
    catalogue: Catalogue,
}

impl Bench {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let catalogue = Catalogue::new(Webroot::new(folder.path()).unwrap());
        Self { folder, catalogue }
    }

    fn put(&self, name: &str, octets: &[u8]) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        fs::write(path, octets).unwrap();
    }

    fn find(&self, name: &str) -> Result<Object, ErrorCode> {
        self.catalogue.find(&Name::Path(name.as_bytes()))
    }
}

fn packed(data: &[u8]) -> Vec<u8> {
    Tree::of(data).pack(data).unwrap()
}

#[test]
fn an_object_has_to_be_what_its_name_says() {
    let bench = Bench::new();
    let data = vec![7; 5000];
    let digest = Tree::of(&data).digest();
    let other = Digest([0xab; 32]);
    bench.put(&format!("{PACKED}/{digest}"), &packed(&data));
    bench.put(&format!("{PACKED}/{other}"), &packed(&data));
    let found = bench.catalogue.find(&Name::Digest(digest)).unwrap();
    assert_eq!(found.digest, digest);
    assert_eq!(bench.catalogue.shown(found.id()), Some(digest.to_string()));
    let wrong = bench.catalogue.find(&Name::Digest(other));
    assert_eq!(wrong, Err(ErrorCode::FAILED));
    // A plain file with the right digest is no packed file.
    bench.put(&format!("{PACKED}/{digest}"), &data);
    let plain = bench.catalogue.find(&Name::Digest(digest));
    assert_eq!(plain, Err(ErrorCode::FAILED));
    let missing = bench.catalogue.find(&Name::Digest(Digest([1; 32])));
    assert_eq!(missing, Err(ErrorCode::NOT_FOUND));
    bench.put("x.nbv", &data);
    assert_eq!(bench.find("x.nbv"), Err(ErrorCode::FAILED));
}

#[test]
fn a_changed_file_is_gone_and_found_anew() {
    let bench = Bench::new();
    let mut out = [0; BLOCK];
    bench.put("fw.bin", &[1; 5000]);
    let old = bench.find("/fw.bin").unwrap();
    assert!(bench.catalogue.has(old.id()));
    assert_eq!(bench.catalogue.block(old.id(), 1, &mut out), Some(BLOCK));
    bench.put("fw.bin", &[2; 5001]);
    // A block is not given even before anybody has looked at the file's time.
    assert_eq!(bench.catalogue.block(old.id(), 1, &mut out), None);
    assert!(!bench.catalogue.has(old.id()));
    let new = bench.find("/fw.bin").unwrap();
    assert_ne!(new.digest, old.digest);
    assert!(bench.catalogue.has(new.id()));
    // The same size and the same time.
    let path = bench.folder.path().join("fw.bin");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    bench.put("fw.bin", &[3; 5001]);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(time).unwrap();
    assert!(bench.catalogue.has(new.id()), "nothing tells it yet");
    assert_eq!(bench.catalogue.block(new.id(), 1, &mut out), None);
    assert!(!bench.catalogue.has(new.id()));
    assert_eq!(
        bench.find("/fw.bin").unwrap().digest,
        Tree::of(&[3; 5001]).digest()
    );
}

#[test]
fn a_file_under_two_names_survives_a_change_of_one() {
    let bench = Bench::new();
    for name in ["a", "b"] {
        bench.put(name, &[1; 5000]);
        bench.find(name).unwrap();
    }
    let id = bench.find("a").unwrap().id();
    bench.put("a", &[2; 4000]);
    assert!(bench.catalogue.has(id));
    assert_eq!(bench.catalogue.shown(id).as_deref(), Some("/b"));
    let mut out = [0; BLOCK];
    assert_eq!(bench.catalogue.block(id, 1, &mut out), Some(BLOCK));
    fs::remove_file(bench.folder.path().join("b")).unwrap();
    assert!(!bench.catalogue.has(id));
}

#[test]
fn a_large_file_is_answered_later() {
    let bench = Bench::new();
    let data = vec![5; (STEP * (AT_ONCE + 2)) as usize * BLOCK + 1];
    bench.put("large", &data);
    bench.catalogue.set_now(Instant::from_millis(1));
    assert!(bench.find("large").is_err());
    assert!(bench.catalogue.is_pending());
    let mut steps = 0;
    while bench.catalogue.work() {
        steps += 1;
    }
    assert_eq!(steps, 3);
    bench.catalogue.set_now(Instant::from_millis(2));
    let found = bench.find("large").unwrap();
    assert!(!bench.catalogue.is_pending());
    assert_eq!(found.digest, Tree::of(&data).digest());
    assert_eq!(bench.catalogue.files(), 1);
}

#[test]
fn a_file_that_changes_while_its_tree_is_made_fails() {
    let bench = Bench::new();
    bench.put("large", &vec![5; (STEP * (AT_ONCE + 2)) as usize * BLOCK]);
    assert!(bench.find("large").is_err());
    let path = bench.folder.path().join("large");
    let file = fs::File::options().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut &file, b"x").unwrap();
    while bench.catalogue.work() {}
    assert_eq!(bench.catalogue.files(), 0);
    // It is another file now, and read anew.
    bench.catalogue.set_now(Instant::from_millis(2));
    assert!(bench.find("large").is_err());
    assert!(bench.catalogue.is_pending());
}

#[test]
fn a_file_that_was_repaired_is_found_after_a_while() {
    let bench = Bench::new();
    let whole = packed(&[5; 40_000]);
    let mut damaged = whole.clone();
    damaged[1024] ^= 1;
    let path = bench.folder.path().join("fw.nbv");
    let time = std::time::SystemTime::UNIX_EPOCH;
    let put = |octets: &[u8]| {
        bench.put("fw.nbv", octets);
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(time).unwrap();
    };
    put(&damaged);
    let find = |millis| {
        bench.catalogue.set_now(Instant::from_millis(millis));
        bench.find("fw.nbv").map(|object| object.digest)
    };
    assert_eq!(find(5), Err(ErrorCode::FAILED));
    // The size and the time are those of before.
    put(&whole);
    assert_eq!(find(AGAIN.as_millis() + 4), Err(ErrorCode::FAILED));
    let digest = Tree::of(&[5; 40_000]).digest();
    assert_eq!(find(AGAIN.as_millis() + 5), Ok(digest));
}

#[test]
fn files_of_running_transfers_stay() {
    let bench = Bench::new();
    for at in 0..=FILES {
        bench.put(&format!("{at}"), at.to_string().as_bytes());
    }
    let at = |millis| bench.catalogue.set_now(Instant::from_millis(millis));
    at(1);
    let first = bench.find("0").unwrap().id();
    assert!(bench.catalogue.has(first));
    at(2);
    let second = bench.find("1").unwrap().id();
    at(3);
    for name in 2..=FILES {
        bench.find(&name.to_string()).unwrap();
    }
    assert_eq!(bench.catalogue.files(), FILES);
    assert!(bench.catalogue.has(first), "a client had asked for blocks");
    assert!(
        !bench.catalogue.has(second),
        "it was asked for least lately"
    );
    // When all are in use there is no room: the client is not answered.
    for name in 0..=FILES {
        if let Ok(object) = bench.find(&name.to_string()) {
            bench.catalogue.has(object.id());
        }
    }
    at(4);
    let left: Vec<_> = (0..=FILES)
        .filter(|name| bench.find(&name.to_string()).is_err())
        .collect();
    assert_eq!(left.len(), 1);
    assert!(bench.catalogue.is_pending());
    at(4 + HOLD.as_millis());
    assert!(bench.find(&left[0].to_string()).is_ok());
}

#[test]
fn names_are_shown_without_control_characters() {
    assert_eq!(shown("a b/grün"), "/a b/grün");
    assert_eq!(shown("a\u{202e}\u{1b}[2J"), "/a??[2J");
}
