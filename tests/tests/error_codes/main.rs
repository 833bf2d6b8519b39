//! The table of error numbers: `docs/src/errors.md` is what this prints, and the test fails when they
//! disagree. A number that was released never changes its meaning, so a difference in the table deserves
//! a thought before
//!
//! ```text
//! UPDATE_DOCS=1 cargo test -p e2e --test error_codes
//! ```
//!
//! Each list in [`lists`] is also a `match` without a wildcard: a variant that is added to an error and
//! not to its list does not compile.

mod boot_source;
mod bootstore;
mod cms;
mod lists;
mod recovery;
mod rom;
mod san;
mod script;
mod sztp;
mod tls;
mod ubp;
mod verity;

use netboot_core::{Blame, Coded, Module};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// One error number.
struct Row {
    code: u32,
    /// Type and variant.
    name: String,
    /// What a console shows, with facts of one case.
    text: String,
    blame: Blame,
    /// What to do about it.
    advice: &'static str,
    /// The pairs of a console line that tell the facts of the case.
    facts: String,
}

impl Row {
    fn of(name: &str, error: &dyn Coded, advice: &'static str) -> Self {
        let mut facts = String::new();
        error.facts(&mut facts);
        Self {
            facts,
            code: error.code(),
            name: name.into(),
            text: error.to_string(),
            blame: error.blame(),
            advice,
        }
    }
}

/// The modules in their order, with the headings of their tables.
const MODULES: [(Module, &str); 17] = [
    (Module::Uri, "The address of a file"),
    (Module::Tftp, "TFTP"),
    (Module::Http, "HTTP"),
    (Module::Dhcp, "DHCP"),
    (Module::Network, "The network"),
    (Module::Recovery, "The device"),
    (Module::App, "The boot application"),
    (Module::Toc, "The table of contents"),
    (Module::Tls, "TLS"),
    (Module::Ipxe, "Scripts and disks"),
    (Module::Rom, "The ROM"),
    (Module::BootSource, "The boot source"),
    (Module::Verity, "Verified streaming"),
    (Module::Cms, "Signed messages"),
    (Module::Sztp, "Secure zero-touch provisioning"),
    (Module::Ubp, "The UDP boot protocol"),
    (Module::Bootstore, "The bootstore"),
];

fn rows() -> Vec<Row> {
    let mut rows = lists::all();
    rows.extend(recovery::rows());
    rows.extend(tls::rows());
    rows.extend(rom::rows());
    rows.extend(boot_source::rows());
    rows.extend(script::rows());
    rows.extend(san::rows());
    rows.extend(verity::rows());
    rows.extend(cms::rows());
    rows.extend(sztp::rows());
    rows.extend(ubp::rows());
    rows.extend(bootstore::rows());
    rows.sort_by_key(|row| row.code);
    rows
}

const HEAD: &str = "\
# Error codes

A boot ends with a status of 32 bits: 0, or one of these numbers. The upper half says which part failed,
the lower half what happened. It stands in the `@finished` and `@report` lines of the
[console](console.md) and in the `code=` of each failed attempt. An exit code has room for eight bits, so QEMU ends with the lowest seven bits of the number, or with 1
where these are 0: it tells failure from success, and the console tells the number.

*Blame* is who has to act:

| blame | look at |
|---|---|
| configuration | what an operator wrote: DHCP options, URIs, the table of contents |
| server | the server, which answered and said no, or has the wrong file |
| peer | the server's software, which breaks its protocol; or somebody who pretends to be it |
| network | cables, switches, VLANs, firewalls, addresses: nothing came through, or not enough |
| device | the Caliptra device and its registers |
| caller | the integration of the library into the ROM |

A number never changes its meaning. The texts are those of the console, with the facts of one case.
";

fn document() -> String {
    let mut text = HEAD.to_string();
    let rows = rows();
    for (module, heading) in MODULES {
        let upper = module as u32;
        write!(text, "\n## {upper:#06x} {heading}\n\n").expect("a string");
        text.push_str("| number | name | text | blame | what to do |\n|---|---|---|---|---|\n");
        for row in rows.iter().filter(|row| row.code >> 16 == upper) {
            let Row {
                code,
                name,
                text: shown,
                blame,
                advice,
                facts: _,
            } = row;
            writeln!(
                text,
                "| `{code:#010x}` | `{name}` | {} | {} | {advice} |",
                shown.replace('|', "\\|"),
                blame.as_str()
            )
            .expect("a string");
        }
    }
    text
}

#[test]
fn numbers_are_unique_and_belong_to_their_module() {
    let mut names: BTreeMap<u32, String> = BTreeMap::new();
    let modules: BTreeSet<u32> = MODULES.iter().map(|(module, _)| *module as u32).collect();
    for row in rows() {
        assert_ne!(row.code & 0xFFFF, 0, "{} has no number", row.name);
        assert!(
            modules.contains(&(row.code >> 16)),
            "{} is in no module",
            row.name
        );
        let other = names.insert(row.code, row.name.clone());
        assert_eq!(
            other, None,
            "{} has the number {:#010x} too",
            row.name, row.code
        );
    }
    let used: BTreeSet<u32> = names.keys().map(|code| code >> 16).collect();
    assert_eq!(used, modules);
}

#[test]
fn every_number_says_what_happened_and_what_to_do() {
    let mut texts = BTreeSet::new();
    for row in rows() {
        let Row {
            name, text, advice, ..
        } = row;
        assert!(text.len() >= 10 && !text.contains('\n'), "{name}: {text:?}");
        assert!(!text.ends_with('.'), "{name}: {text:?} is part of a line");
        assert!(
            advice.len() >= 30 && advice.ends_with('.'),
            "{name}: {advice:?}"
        );
        assert!(
            !advice.contains('|') && !advice.contains('\n'),
            "{name}: {advice:?}"
        );
        assert!(
            texts.insert(text.clone()),
            "{name}: {text:?} is said of another error too"
        );
    }
}

#[test]
fn the_book_has_this_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/errors.md");
    let wanted = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).expect("docs/src/errors.md can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = wanted
        .lines()
        .map(Some)
        .chain(std::iter::repeat(None))
        .zip(found.lines().map(Some).chain(std::iter::repeat(None)))
        .take_while(|(wanted, found)| wanted.is_some() || found.is_some())
        .find(|(wanted, found)| wanted != found);
    assert!(
        differs.is_none() && wanted == found,
        "docs/src/errors.md is not what the code says; is the change meant? Then \
         UPDATE_DOCS=1 cargo test -p e2e --test error_codes\ncode: {:?}\nbook: {:?}",
        differs.and_then(|(wanted, _)| wanted),
        differs.and_then(|(_, found)| found),
    );
}

/// `text` without what is in parentheses.
fn without_parentheses(text: &str) -> String {
    let mut depth = 0;
    let mut open = String::new();
    for character in text.chars() {
        match character {
            '(' => {
                depth += 1;
                open.truncate(open.trim_end().len());
            }
            ')' => depth -= 1,
            _ if depth == 0 => open.push(character),
            _ => {}
        }
    }
    open.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A ROM without sentences writes the facts of a case as pairs, and the host puts them into the sentence: it is then the one that the
/// error itself has.
#[test]
fn the_facts_of_a_line_are_those_of_the_sentence() {
    let mut told = 0;
    for row in rows().iter().filter(|row| !row.facts.is_empty()) {
        let blame = row.blame.as_str();
        let line = format!(
            "@attempt-failed t=1 code={:#010x} blame={blame}{}",
            row.code, row.facts
        );
        let said = netboot_lines::Said::parse(&line).unwrap();
        let Some(netboot_lines::Said::AttemptFailed { error, .. }) = said else {
            panic!("{line}");
        };
        let plain = |text: &str| without_parentheses(text).replace("0x", "");
        assert_eq!(plain(&error.message), plain(&row.text), "{line}");
        told += 1;
    }
    assert!(told >= 14, "{told}");
}
