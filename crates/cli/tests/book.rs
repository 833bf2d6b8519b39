//! The commands of the book's page on the tool, as an operator types them.

mod common;

use common::Folder;
use std::path::Path;
use std::process::Command;

/// A page of the book.
fn page(name: &str) -> String {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src");
    std::fs::read_to_string(book.join(name)).unwrap()
}

/// The blocks of a page in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("\n```{language}\n");
    let parts = page.split(fence.as_str()).skip(1);
    parts
        .map(|part| part.split("\n```").next().unwrap().to_owned())
        .collect()
}

/// Runs commands in a folder, with the tool on the path.
fn run(folder: &Folder, commands: &[String]) -> String {
    let tool = Path::new(env!("CARGO_BIN_EXE_netboot")).parent().unwrap();
    let path = format!("{}:{}", tool.display(), std::env::var("PATH").unwrap());
    let script = format!("set -eu\n{}", commands.join("\n"));
    let output = Command::new("bash")
        .args(["-c", &script])
        .env("PATH", path)
        .current_dir(folder.path(""))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    text
}

/// The files that the pages want.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.put("firmware.bin", &common::octets(300_000));
    for (name, size) in [
        ("caliptra-fw.bin", 100_000),
        ("soc-manifest.bin", 4_000),
        ("mcu-runtime.bin", 70_000),
    ] {
        folder.put(&format!("release/{name}"), &common::octets(size));
    }
    folder
}

/// The authorities and what they issue, by the commands of the page on provisioning.
fn authorities(folder: &Folder) {
    let page = page("sztp.md");
    let commands = blocks(&page, "sh");
    assert!(
        commands[1].contains("issue masa masa-ca"),
        "{}",
        commands[1]
    );
    run(folder, &commands[..2]);
}

#[test]
fn the_page_on_the_tool() {
    let folder = folder();
    authorities(&folder);
    let text = run(&folder, &blocks(&page("netboot-tool.md"), "sh"));
    for part in [
        "all blocks are right by this digest",
        "image 2",
        "as image-0",
        "A device believes it: the owner has signed it",
        "redirect to bootstrap.example port 8443, with a trust anchor",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn the_short_way_of_the_page_on_provisioning() {
    let folder = folder();
    authorities(&folder);
    let page = page("sztp.md");
    let short: Vec<String> = blocks(&page, "text")
        .into_iter()
        .filter(|block| block.starts_with("netboot sztp "))
        .collect();
    let text = run(&folder, &short);
    assert_eq!(text.matches("A device believes it: ").count(), 2, "{text}");
    // The files have the names of the long way, whose other commands go on with them.
    let judge = &blocks(&page, "sh")[4];
    assert!(judge.starts_with("openssl cms -verify "), "{judge}");
    run(&folder, std::slice::from_ref(judge));
}

#[test]
fn the_example_of_a_damaged_file() {
    let folder = Folder::new();
    let mut packed = folder.packed(&common::octets(100_000));
    packed[18_432 + 700] ^= 1;
    folder.put("caliptra-fw.bin.nbv", &packed);
    let (code, text) = folder.netboot(&["inspect", "caliptra-fw.bin.nbv"]);
    assert_eq!(code, 1);
    let blocks = blocks(&page("netboot-tool.md"), "text");
    let example = blocks
        .iter()
        .find_map(|block| block.strip_prefix("$ netboot inspect caliptra-fw.bin.nbv\n"));
    assert_eq!(example.unwrap(), text.trim_end());
}

/// The unit of the page is the file, and systemd finds nothing wrong with it.
#[test]
fn the_unit_of_the_server() {
    let unit = include_str!("../systemd/netboot-serve.service");
    let blocks = blocks(&page("netboot-tool.md"), "ini");
    assert_eq!(blocks, [unit.trim_end()]);
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        assert!(
            std::env::var_os("CI").is_none(),
            "run `apt-get install systemd`"
        );
        eprintln!("SKIPPED: systemd-analyze is missing: run `apt-get install systemd`");
        return;
    }
    // It wants the program to be there.
    let unit = unit.replace("/usr/local/bin/netboot", env!("CARGO_BIN_EXE_netboot"));
    let folder = Folder::new();
    folder.put("netboot-serve.service", unit.as_bytes());
    let line = ["verify", "--man=no", "netboot-serve.service"];
    assert_eq!(folder.run("systemd-analyze", &line), (0, String::new()));
}
