//! Holds the error types of the published crates against `core::error::Error`.
//!
//! A type is an error type when a public function returns it in the `Err` of a `Result`, or when its name ends like one. Each
//! implements `core::error::Error`, so that `?` and `Box<dyn Error>` take it. The search reads the source: a new error type needs no row here.

use super::published;
use std::collections::BTreeSet;

/// Ends of names that only errors have.
const ENDINGS: [&str; 5] = ["Error", "Fault", "Failure", "Failed", "Malformed"];

/// Types that are found and need no implementation, with the reason.
const EXEMPT: [(&str, &str, &str); 10] = [
    (
        "caliptra-util-host-cbinding",
        "CaliptraError",
        "a result code of the C interface, with a value for success",
    ),
    (
        "bootstore",
        "ExpiredRequests",
        "a list of requests, each with its own error",
    ),
    ("netboot-app", "OnFailure", "a choice of the policy"),
    (
        "netboot-lines",
        "Failure",
        "what a console line says, a value",
    ),
    (
        "netboot",
        "Instant",
        "the time at which a caller asks again",
    ),
    ("netboot", "RouteRefused", "private"),
    ("netboot", "Stop", "private"),
    ("netboot-app", "SourceError", "private"),
    ("netboot-app", "Stop", "private"),
    ("netboot-http", "Fault", "private"),
];

/// The types in the `Err` of the results of public functions. `Self::Error` and type parameters are left out.
fn returned(source: &str) -> BTreeSet<String> {
    let functions = source
        .split("pub fn ")
        .chain(source.split("pub const fn "))
        .skip(1);
    functions
        .filter_map(|rest| {
            let signature = rest.split(['{', ';']).next()?;
            let (_, result) = signature.split_once("-> ")?;
            let (_, arguments) = result.split_once("Result<")?;
            let mut depth = 0;
            let mut last = None;
            let mut end = 0;
            for (at, letter) in arguments.char_indices() {
                match letter {
                    '<' | '(' | '[' => depth += 1,
                    '>' | ')' | ']' if depth == 0 => {
                        end = at;
                        break;
                    }
                    '>' | ')' | ']' => depth -= 1,
                    ',' if depth == 0 => last = last.or(Some(at + 1)),
                    _ => {}
                }
            }
            let error = arguments.get(last?..end)?.trim().trim_end_matches(',');
            let error = error.split('<').next()?.rsplit("::").next()?;
            (error.len() > 1 && error != "Error").then(|| error.to_string())
        })
        .collect()
}

/// Public types whose names end like those of errors.
fn named(source: &str) -> BTreeSet<String> {
    let items = source
        .split("\npub enum ")
        .skip(1)
        .chain(source.split("\npub struct ").skip(1));
    let names =
        items.filter_map(|rest| rest.split(|letter: char| !letter.is_alphanumeric()).next());
    names
        .filter(|name| ENDINGS.iter().any(|end| name.ends_with(end)))
        .map(str::to_string)
        .collect()
}

fn is_exempt(package: &str, name: &str) -> bool {
    EXEMPT.iter().any(|row| (row.0, row.1) == (package, name))
}

#[test]
fn every_public_error_is_an_error() {
    let mut found = 0;
    let mut missing = Vec::new();
    for package in published() {
        let (name_of_it, source) = (&package.name, &package.source());
        for name in returned(source).union(&named(source)) {
            let has = |text: &str| {
                let mut ends = source.match_indices(text).map(|(at, _)| at + text.len());
                ends.any(|end| !source[end..].starts_with(char::is_alphanumeric))
            };
            let of_its_own = ["enum", "struct", "type"]
                .iter()
                .any(|item| has(&format!("{item} {name}")));
            let implemented = has(&format!("::error::Error for {name}"));
            found += u32::from(implemented);
            if of_its_own && !implemented && !is_exempt(name_of_it, name) {
                missing.push(format!("{name_of_it}: {name}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "these do not implement core::error::Error: {missing:#?}"
    );
    assert!(found > 30, "the search finds only {found} errors");
}

#[test]
fn the_search_finds_errors_by_signature_and_by_name() {
    let source = "\npub enum WireFault { A }\npub fn read<'a>(from: &[(u8, u8)]) -> Result<(Found<'a, 4>, u8), crate::TooShort> {\n        \npub const fn b() -> Option<u8> {}\npub fn c() -> Result<(), E> {}\npub fn d(\n) -> Result<\n    (),\n    Late<N>,\n> {";
    assert_eq!(named(source), ["WireFault".to_string()].into());
    assert_eq!(
        returned(source),
        ["Late".to_string(), "TooShort".to_string()].into()
    );
}
