//! `sgdisk` (Debian package gdisk) and `fdisk` (Debian package fdisk) make disks and say what is on them.

use super::partition;
use netboot_core::fuzz::Random;
use netboot_ipxe::Part;
use netboot_ipxe::san::{GptError, Selector};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where a program is. In continuous integration it has to be somewhere.
fn program(name: &str, package: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    places.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    let found = places
        .into_iter()
        .map(|place| place.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        let advice = format!("{name} is missing: run `apt-get install {package}`");
        assert!(std::env::var_os("CI").is_none(), "{advice}");
        eprintln!("SKIPPED: {advice}");
    }
    found
}

/// Runs a program with lines for its input, and returns what it says.
fn run(program: &Path, arguments: &[String], lines: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{} {arguments:?}: {said}{}",
        program.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

/// A file with an empty disk.
fn empty(directory: &Path, octets: u64) -> PathBuf {
    let path = directory.join("disk");
    fs::File::create(&path).unwrap().set_len(octets).unwrap();
    path
}

/// What a tool says of a partition.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    first: u64,
    last: u64,
    unique: String,
    label: String,
}

/// What `sgdisk` says of one partition.
fn told_by_sgdisk(sgdisk: &Path, disk: &Path, number: usize) -> Told {
    let said = run(
        sgdisk,
        &[format!("-i{number}"), disk.display().to_string()],
        "",
    );
    let field = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}: {said}"))
            .trim()
            .to_string()
    };
    let number = |name| field(name).split(' ').next().unwrap().parse().unwrap();
    Told {
        first: number("First sector:"),
        last: number("Last sector:"),
        unique: field("Partition unique GUID:"),
        label: field("Partition name:").trim_matches('\'').to_string(),
    }
}

fn part(told: &Told, block: u64) -> Part {
    Part {
        offset: told.first * block,
        len: (told.last - told.first + 1) * block,
    }
}

#[test]
fn sgdisk_is_of_the_same_opinion() {
    let Some(sgdisk) = program("sgdisk", "gdisk") else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let mut random = Random(17);
    for round in 0..4 {
        // Tables of up to 256 entries, and labels with letters of all kinds but those beyond 16 bits, which sgdisk prints wrong.
        let blocks = 2_000 + random.below(10_000) as u64;
        let entries = [128, 4, 64, 256][round % 4];
        let disk = empty(directory.path(), 512 * blocks);
        let mut arguments = vec![format!("--resize-table={entries}"), "-a1".into()];
        let mut next = 100;
        let mut labels = Vec::new();
        for number in 1..=4.min(entries) {
            let first = next + random.below(200);
            let last = first + random.below(200);
            next = last + 1;
            let label = match random.below(3) {
                0 => format!("p{number}"),
                1 => format!("Ä{number} 界"),
                _ => "x".repeat(35) + &number.to_string(),
            };
            arguments.push(format!("-n{number}:{first}:{last}"));
            arguments.push(format!("-c{number}:{label}"));
            labels.push(label);
        }
        arguments.push(disk.display().to_string());
        run(&sgdisk, &arguments, "");
        let whole = fs::read(&disk).unwrap();
        for (number, label) in (1..).zip(&labels) {
            let told = told_by_sgdisk(&sgdisk, &disk, number);
            assert_eq!(&told.label, label);
            let expected = Ok(part(&told, 512));
            for selector in [Selector::label(label), Selector::unique(&told.unique)] {
                let (found, reader) = partition(&whole, selector.unwrap(), 700);
                assert_eq!((found, reader.damage()), (expected, None), "{told:?}");
            }
        }
        // Both find the second table, whatever happened to the first one.
        let damage = [
            (512, GptError::NoTable),
            (512 + 91, GptError::HeaderChecksum),
            (1024, GptError::TableChecksum),
        ];
        for (place, error) in damage {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x80;
            fs::write(&disk, &damaged).unwrap();
            let told = told_by_sgdisk(&sgdisk, &disk, 2);
            let (found, reader) = partition(&damaged, Selector::label(&labels[1]).unwrap(), 700);
            assert_eq!(found, Ok(part(&told, 512)));
            assert_eq!(
                reader.damage(),
                Some(error).filter(|error| *error != GptError::NoTable)
            );
        }
    }
    // Two partitions with one label.
    let disk = empty(directory.path(), 1 << 20);
    let mut arguments: Vec<String> = ["-a1", "-n1:64:99", "-n2:100:199", "-c1:same", "-c2:same"]
        .map(String::from)
        .into();
    arguments.push(disk.display().to_string());
    run(&sgdisk, &arguments, "");
    let found = partition(
        &fs::read(&disk).unwrap(),
        Selector::label("same").unwrap(),
        4096,
    )
    .0;
    assert_eq!(found, Err(GptError::Ambiguous { count: 2 }));
}

/// What `fdisk` is told to make the disk of `vectors/fdisk-4096.hex`.
fn script() -> String {
    let lines = [
        "g",
        "x",
        "i",
        "6b1f4a3c-9d52-4e0b-8a77-2f1c5e9d0b34",
        "r",
        "n",
        "1",
        "256",
        "511",
        "n",
        "2",
        "512",
        "1000",
        "t",
        "1",
        "1",
        "x",
        "n",
        "1",
        "EFI",
        "n",
        "2",
        "firmware",
        "u",
        "1",
        "0a1b2c3d-4e5f-4061-8273-8495a6b7c8d9",
        "u",
        "2",
        "6f2c35a1-8d0f-4a9e-93c1-0f5a2d7be410",
        "r",
        "w",
        "",
    ];
    lines.join("\n")
}

#[test]
fn fdisk_is_of_the_same_opinion() {
    let Some(fdisk) = program("fdisk", "fdisk") else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let disk = empty(directory.path(), 4 << 20);
    let path = disk.display().to_string();
    run(
        &fdisk,
        &["-b".into(), "4096".into(), path.clone()],
        &script(),
    );
    let whole = fs::read(&disk).unwrap();
    let arguments = ["-b", "4096", "-l", "-o", "Start,End,UUID,Name", &path].map(String::from);
    let said = run(&fdisk, &arguments, "");
    let lines = said
        .lines()
        .skip_while(|line| !line.trim_start().starts_with("Start"))
        .skip(1);
    let told: Vec<Told> = lines
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            Told {
                first: words[0].parse().unwrap(),
                last: words[1].parse().unwrap(),
                unique: words[2].into(),
                label: words[3].into(),
            }
        })
        .collect();
    assert_eq!(told.len(), 2, "{said}");
    for told in &told {
        for selector in [Selector::label(&told.label), Selector::unique(&told.unique)] {
            let (found, reader) = partition(&whole, selector.unwrap(), 4096);
            assert_eq!(found, Ok(part(told, 4096)));
            assert_eq!((reader.block_len(), reader.damage()), (4096, None));
        }
    }
    let vector = super::vector(include_str!("vectors/fdisk-4096.hex"));
    assert!(vector == whole, "the vector is what fdisk makes");
}
