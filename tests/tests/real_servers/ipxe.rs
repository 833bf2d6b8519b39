//! iPXE judges how the ROM runs scripts.
//!
//! iPXE and the ROM run the same scripts, those in `ipxe/`, against the same dnsmasq and nginx, each in a network of its own. A driver chains one
//! script after the other in one boot. What the two asked of the servers and what they wrote has to be the same, by these rules:
//!
//! - Requests by HTTP are compared by method, target and status, in their order, for each script: up to the fetch of `/end/NUMBER`.
//! - Files by TFTP are compared by name and by whether they were there, in their order, over the whole boot.
//! - Texts are compared as whole lines, for each script: those of `echo` from the mark `~` on, and those of `show`. Progress and complaints
//!   in the words of each program are not compared.
//! - The ROM holds no image, so that it fetches each one again when it delivers it. That happens once, when all scripts are over, behind the fetch of
//!   `/end/all`. There the images that are asked for have to be those that the driver has named.
//! - Each line that differs is in [`DIFFERENCES`], with both of its forms.

use crate::{DHCP, DNS, TFTP, plan};
use netboot_core::Digest;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use testbed::ipxe::{COLUMNS, Facts};
use testbed::netns::{Lan, SERVER};
use testbed::plan::{Image, firmware};
use testbed::qemu::{self, QemuOptions};
use testbed::real::{self, put_files};
use testbed::rom::{self, RomOptions};
use testbed::servers::{Nginx, Program, Server, dnsmasq};
use testbed::{Plan, ipxe};

/// What both machines know of themselves.
const FACTS: Facts = Facts {
    uuid: "00112233-4455-6677-8899-aabbccddeeff",
    manufacturer: "Example",
    product: "board-2",
    serial: "A17",
    asset: "99",
};
/// What a text begins with that is compared.
const MARK: &str = "~ ";
/// Time that iPXE may take for all scripts.
const PATIENCE: Duration = Duration::from_secs(200);
/// Scripts that have to be there at least.
const MANY: usize = 40;

/// What nginx answers beside the files.
const PLACES: &str = "location = /status/403 { return 403; }
    location = /status/410 { return 410; }
    location = /status/500 { return 500; }
    location = /status/503 { return 503; }
    location = /moved/301 { return 301 /case/scripts/one.bin; }
    location = /moved/302 { return 302 http://$host/case/scripts/one.bin; }
    location = /moved/307 { return 307 ../case/scripts/one.bin; }
    location = /moved/script { return 302 /case/scripts/relative.ipxe; }
    location = /moved/away { return 302 /none; }";

/// Texts or requests of a script that differ between iPXE and the ROM. `docs/src/script.md` has the reason.
struct Difference {
    script: &'static str,
    ipxe: &'static [&'static str],
    rom: &'static [&'static str],
}

/// All differences. One that is no longer there makes the test fail.
const DIFFERENCES: &[Difference] = &[
    // The ROM sends a URI as it was written; iPXE reads it, and writes it in its own way.
    Difference {
        script: "escapes_in_uri",
        ipxe: &["GET /case/q/x?mac=02%3A00%3A00%3A00%3A00%3A15&ip=10.0.2.100 404"],
        rom: &["GET /case/q/x?mac=02:00:00:00:00:15&ip=10.0.2.100 404"],
    },
    Difference {
        script: "escapes_in_uri",
        ipxe: &["GET /case/q/x%20y/z 404"],
        // iPXE takes a relative name with a colon for a scheme, so that it asks nobody.
        rom: &[
            "GET /case/q/x?mac=02:00:00:00:00:15 404",
            "GET /case/q/x%20y%2Fz 404",
        ],
    },
    // Dots within a path.
    Difference {
        script: "relative",
        ipxe: &["GET /case/scripts/../scripts/one.bin 200"],
        rom: &["GET /case/scripts/one.bin 200"],
    },
    // The name that `show` writes.
    Difference {
        script: "show_network",
        ipxe: &[
            "net0.dhcp/ip:ipv4 = 10.0.2.100",
            "net0.dhcp/ip:ipv4 = 10.0.2.100",
            "net0.dhcp/hostname:string = node-7",
            "net0.dhcp/next-server:ipv4 = 10.0.2.2",
            "smbios/serial:string = A17",
        ],
        rom: &[
            "ip:ipv4 = 10.0.2.100",
            "net0/ip:ipv4 = 10.0.2.100",
            "hostname:string = node-7",
            "next-server:ipv4 = 10.0.2.2",
            "serial:string = A17",
        ],
    },
    // The scope `dhcp` of the interface that was opened last.
    Difference {
        script: "dhcp_settings",
        ipxe: &["[]"],
        rom: &["[10.0.2.100]"],
    },
    // The octets of the UUID have the order of its text rather than that of the SMBIOS table.
    Difference {
        script: "uuid",
        ipxe: &[
            "smbios/uuid:uuid = 00112233-4455-6677-8899-aabbccddeeff",
            "33:22:11:00:55:44:77:66:88:99:aa:bb:cc:dd:ee:ff",
            "refused",
        ],
        rom: &[
            "uuid:uuid = 00112233-4455-6677-8899-aabbccddeeff",
            "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
            "taken",
        ],
    },
    // Commands that Debian's iPXE is built without, and a number that is too large.
    Difference {
        script: "not_in_debian",
        ipxe: &["no such command", "no such command", "0x1"],
        rom: &["10.0.2.2", "timed", "refused"],
    },
];

/// A script that is judged.
struct Case {
    name: String,
    text: Vec<u8>,
}

/// Where the scripts lie.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_servers/ipxe")
}

/// All scripts, by name.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (path, text) in files(&directory()) {
        if let Some(name) = path.strip_suffix(".ipxe")
            && !name.contains('/')
        {
            let name = name.to_owned();
            cases.push(Case { name, text });
        }
    }
    cases
}

/// The files below a directory, by their paths relative to it.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            let below = files(&path).into_iter();
            found.extend(below.map(|(below, text)| (format!("{name}/{below}"), text)));
        } else {
            found.push((name, fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// The script that chains the `count` scripts, frees what each leaves, and boots the images.
fn driver(count: usize, images: &[Image]) -> String {
    let end = count + 1;
    let mut text = format!(
        "#!ipxe\nset k:int32 0\n:next\ninc k\niseq ${{k}} {end} && goto over ||\n\
         echo ~ case ${{k}}\nchain case/${{k}} && echo ~ done || echo ~ failed\n\
         imgfetch /end/${{k}}\nimgfree\n"
    );
    for variable in ["a", "b", "c", "d", "n"] {
        text += &format!("clear {variable} ||\n");
    }
    text += "goto next\n:over\n";
    for image in images {
        text += &format!("imgfetch /images/{}\n", image.name);
    }
    text += "imgfetch /end/all\necho ~ all is over\nboot\n";
    text
}

/// Puts the scripts, and what they ask for, on the server.
fn put(lan: &Lan, cases: &[Case], plan: &Plan) {
    let put = |path: &str, octets: &[u8]| lan.server.put(path, octets).unwrap();
    for (number, case) in (1..).zip(cases) {
        put(&format!("case/{number}"), &case.text);
        put(&format!("end/{number}"), b"end");
    }
    for (path, text) in files(&directory().join("scripts")) {
        put(&format!("case/scripts/{path}"), &text);
    }
    // Editors, and Git, like other ends of lines.
    let dos = b"#!ipxe\r\nset a 1\r\n\r\necho ~ [${a}]\r\n:x\r\n";
    put("case/scripts/dos.ipxe", dos);
    put("case/scripts/no-end.ipxe", b"#!ipxe\necho ~ last line");
    put("case/scripts/one.bin", &[1; 300]);
    put("case/scripts/deep/two.bin", &[2; 3_000]);
    let by_uuid = format!("case/nodes/uuid-{}.ipxe", FACTS.uuid);
    put(&by_uuid, b"#!ipxe\necho ~ by uuid\n");
    put("case/boards/board-2/A17", b"board");
    put(&format!("files/{}/fallback", FACTS.uuid), b"files");
    put("case/q/a b", b"blank");
    put("end/all", b"end");
    let driver = driver(cases.len(), &plan.images);
    put("driver.ipxe", driver.as_bytes());
    put_files(lan, plan, "images/").unwrap();
}

/// What one of the two did with the scripts.
#[derive(Debug, Default, PartialEq)]
struct Run {
    /// The texts of each script.
    texts: Vec<Vec<String>>,
    /// The requests by HTTP of each script.
    requests: Vec<Vec<String>>,
    /// The files by TFTP of all scripts.
    tftp: Vec<String>,
    /// The images that were named when all scripts were over.
    named: BTreeSet<String>,
    /// The images that were asked for after that.
    delivered: BTreeSet<String>,
}

/// A network with the servers of one run.
struct World {
    lan: Lan,
    tftp: Server,
    web: Nginx,
}

impl World {
    fn new(cases: &[Case], plan: &Plan) -> Self {
        let lan = Lan::new().unwrap();
        put(&lan, cases, plan);
        let lines = format!(
            "dhcp-range=10.0.2.100,10.0.2.150,255.255.255.0,1h\n\
             dhcp-host={},10.0.2.100,node-7\ndomain=netboot.test\nlocal=/netboot.test/\n\
             host-record=fw.netboot.test,{SERVER}\ndhcp-option=3,10.0.2.1\n\
             dhcp-option-force=224,site\ndhcp-option-force=42,10.0.2.9\nenable-tftp\n\
             dhcp-boot=http://{SERVER}/driver.ipxe,,{SERVER}",
            qemu::MAC
        );
        let tftp = dnsmasq(&lan.server, &lines, &[DHCP, DNS, TFTP]).unwrap();
        let web = Nginx::start(&lan.server, PLACES).unwrap();
        Self { lan, tftp, web }
    }

    /// What the servers and the console tell of a run of `count` scripts.
    fn told(&self, count: usize, console: &str) -> Run {
        let mut run = Run {
            texts: texts(console, count),
            requests: vec![Vec::new()],
            ..Run::default()
        };
        let mut over = false;
        for request in self.web.requests().unwrap() {
            let target = request.uri.as_str();
            let line = format!("{} {target} {}", request.method, request.status);
            match target {
                "/driver.ipxe" => {}
                "/end/all" => over = true,
                _ if target.starts_with("/images/") => {
                    let images = if over {
                        &mut run.delivered
                    } else {
                        &mut run.named
                    };
                    images.insert(line);
                }
                _ => {
                    run.requests.last_mut().unwrap().push(line);
                    if target.starts_with("/end/") {
                        run.requests.push(Vec::new());
                    }
                }
            }
        }
        assert!(over, "the scripts did not come to their end");
        assert_eq!(run.requests.pop(), Some(Vec::new()));
        let root = self.lan.server.files();
        let root = format!("{}/", root.display());
        for line in self.tftp.lines(&["dnsmasq-tftp", &root]) {
            let (_, rest) = line.split_once(&root).unwrap();
            let name = rest.split(' ').next().unwrap_or_default();
            let there = !line.contains("not found");
            run.tftp.push(format!("{name} {there}"));
        }
        run
    }
}

/// The texts on a console that are compared, by script.
fn texts(console: &str, count: usize) -> Vec<Vec<String>> {
    let mut texts = vec![Vec::new()];
    for line in without_escapes(console).lines() {
        let line = line.trim_end();
        let text = match line.find(MARK) {
            _ if line.starts_with('@') => continue,
            Some(at) => &line[at + MARK.len()..],
            None if is_shown(line) => line,
            None => continue,
        };
        assert!(text.len() + MARK.len() < COLUMNS, "too wide: {text}");
        match text {
            "all is over" => break,
            _ if is_begin(text) => texts.push(Vec::new()),
            _ => texts.last_mut().unwrap().push(text.to_owned()),
        }
    }
    // Before the first script there is nothing.
    assert_eq!(texts.remove(0), Vec::<String>::new());
    assert_eq!(texts.len(), count);
    texts
}

/// Whether the driver says that a script begins.
fn is_begin(text: &str) -> bool {
    let number = text.strip_prefix("case ");
    number.is_some_and(|number| number.parse::<usize>().is_ok())
}

/// Whether a line is what `show` writes: name, type and value of a setting.
fn is_shown(line: &str) -> bool {
    let head = line.split_once(" =").map(|(head, _)| head);
    head.is_some_and(|head| head.contains(':') && !head.contains(' '))
}

/// A console without what moves the cursor and chooses colours. A cursor that is moved ends the line.
fn without_escapes(console: &str) -> String {
    let mut text = String::new();
    let mut rest = console.chars();
    while let Some(char) = rest.next() {
        match char {
            '\u{1b}' if rest.as_str().starts_with('[') => {
                if rest.by_ref().skip(1).find(char::is_ascii_alphabetic) == Some('H') {
                    text.push('\n');
                }
            }
            _ => text.push(char),
        }
    }
    text
}

/// Lets iPXE run the scripts.
fn by_ipxe(cases: &[Case], plan: &Plan) -> Run {
    let world = World::new(cases, plan);
    let first = "#!ipxe\ndhcp || dhcp || dhcp\nchain ${filename}\n";
    let mut console = ipxe::start(&world.lan, first, &FACTS).unwrap();
    let over = console.expect(&format!("{MARK}all is over"), Instant::now() + PATIENCE);
    let text = console.text().to_owned();
    drop(console);
    over.unwrap();
    world.told(cases.len(), &text)
}

/// Lets the ROM run the scripts. It has to boot the device at the end.
fn by_rom(rom: PathBuf, cases: &[Case], plan: &Plan) -> Run {
    let world = World::new(cases, plan);
    let options = QemuOptions::new(rom);
    let booted = real::boot_rom(&world.lan, plan, &options, &mut |_| {}).unwrap();
    assert_eq!(booted.parsed.cause(), None);
    assert!(booted.parsed.booted());
    for (got, image) in booted.parsed.device_images.iter().zip(&plan.images) {
        let sha256: Digest = image.padded_sha256();
        assert_eq!(got.sha256, Some(sha256.to_string()));
    }
    let memory = booted.parsed.memory.unwrap();
    assert!(memory.stack_used < memory.stack_size, "{memory:?}");
    let run = world.told(cases.len(), &booted.lines.join("\n"));
    assert_eq!(run.delivered, run.named, "the ROM fetches what was named");
    run
}

/// Says what differs between the two, script by script.
fn compare(cases: &[Case], ipxe: &Run, rom: &Run) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let known = DIFFERENCES.iter().filter(|known| known.script == case.name);
        let mut texts = ipxe.texts[number].clone();
        let mut requests = ipxe.requests[number].clone();
        for difference in known {
            if !replace(&mut texts, difference) && !replace(&mut requests, difference) {
                let name = &case.name;
                complaints.push(format!(
                    "{name}: iPXE no longer writes {:?}",
                    difference.ipxe
                ));
            }
        }
        for (what, theirs, ours) in [
            ("texts", &texts, &rom.texts[number]),
            ("requests", &requests, &rom.requests[number]),
        ] {
            if theirs != ours {
                let name = &case.name;
                complaints.push(format!(
                    "{name}: {what}\n  iPXE: {theirs:#?}\n  ROM: {ours:#?}"
                ));
            }
        }
    }
    for (what, same) in [
        ("files by TFTP", ipxe.tftp == rom.tftp),
        ("images", ipxe.named == rom.named),
    ] {
        if !same {
            complaints.push(format!("{what}\n  iPXE: {ipxe:#?}\n  ROM: {rom:#?}"));
        }
    }
    complaints
}

/// Puts the ROM's lines in the place of iPXE's. Says whether those were there.
fn replace(lines: &mut Vec<String>, difference: &Difference) -> bool {
    let len = difference.ipxe.len();
    let mut places = lines.windows(len.max(1));
    let Some(at) = places.position(|window| window == difference.ipxe) else {
        return false;
    };
    let ours = difference.rom.iter().map(|line| (*line).to_owned());
    lines.splice(at..at + len, ours);
    true
}

#[test]
fn ipxe_and_the_rom_run_scripts_alike() {
    use crate::rom::asked_for_rom;
    const NEEDS: [Program; 4] = [
        Program::Dnsmasq,
        Program::Nginx,
        Program::QemuPc,
        Program::Ipxe,
    ];
    if !asked_for_rom(&NEEDS) {
        return;
    }
    let built = rom::build_once(&RomOptions {
        script: true,
        script_extras: true,
        settings: true,
        ..RomOptions::default()
    });
    let rom = built.unwrap().image;
    let cases = cases();
    assert!(cases.len() >= MANY, "{} scripts", cases.len());
    let plan = Plan {
        images: firmware(&[5_000, 1_468, 7]),
        settings: plan().settings + &FACTS.settings(),
        ..plan()
    };
    // Each has a network of its own.
    let (ipxe, rom) = std::thread::scope(|scope| {
        let ipxe = scope.spawn(|| by_ipxe(&cases, &plan));
        let rom = by_rom(rom, &cases, &plan);
        (ipxe.join().unwrap(), rom)
    });
    let complaints = compare(&cases, &ipxe, &rom);
    let requests: usize = rom.requests.iter().map(Vec::len).sum();
    let texts: usize = rom.texts.iter().map(Vec::len).sum();
    println!(
        "{} scripts, {requests} requests, {texts} lines",
        cases.len()
    );
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn what_is_compared_is_taken_from_a_console() {
    let console = "\u{1b}[2Jnoise\r\n~ case 1\r\n@fetch t=1\r\nkey?~ a  b\r\n\u{1b}[02;36H  ~ c \
                   \u{1b}[0m\r\n~ case 2\r\nnet0/ip:ipv4 = 10.0.2.100\r\nfile... ok\r\n~ all is over\r\n~ late\r\n";
    let expected: [&[&str]; 2] = [&["a  b", "c"], &["net0/ip:ipv4 = 10.0.2.100"]];
    assert_eq!(texts(console, 2), expected);
}

#[test]
fn a_difference_has_to_be_there() {
    let difference = Difference {
        script: "x",
        ipxe: &["b"],
        rom: &["B", "C"],
    };
    let mut lines = ["a", "b", "d"].map(String::from).to_vec();
    assert!(replace(&mut lines, &difference));
    assert_eq!(lines, ["a", "B", "C", "d"]);
    assert!(!replace(&mut lines, &difference));
}

#[test]
fn the_driver_fits_the_buffer_of_a_script() {
    let count = cases().len();
    let text = driver(count, &plan().images);
    assert!(text.len() <= 4096, "{} octets", text.len());
    for case in cases() {
        assert!(case.text.len() <= 4096, "{}", case.name);
        assert!(case.text.starts_with(b"#!ipxe"), "{}", case.name);
    }
}
