//! A crate's page on the registry and in the documentation is its README: it has an example, which the documentation tests compile, and a
//! row for each feature.

use super::published;
use crate::packages::Package;

/// Crates whose users write another language than Rust, so that no documentation test can compile their example.
const OTHER_LANGUAGE: [&str; 1] = ["caliptra-util-host-cbinding"];
/// Crates that are a program: their README shows the command.
const PROGRAM: [&str; 2] = ["bootstored", "netboot-cli"];

/// What the page lacks.
fn faults(package: &Package) -> Vec<String> {
    let readme = package.text("README.md");
    let library = package.text("src/lib.rs");
    let mut faults = Vec::new();
    let is = |list: &[&str]| list.contains(&package.name.as_str());
    if !is(&PROGRAM) && !library.contains("#![doc = include_str!(\"../README.md\")]") {
        faults.push("the README is not the crate's page".into());
    }
    if library.lines().any(|line| line.starts_with("//!"))
        && library.contains("include_str!(\"../README.md\")")
    {
        faults.push("src/lib.rs has a page beside the README".into());
    }
    if !is(&PROGRAM) && !is(&OTHER_LANGUAGE) && !readme.contains("\n```rust") {
        faults.push("no example".into());
    }
    let listed = readme
        .split("\n## Features\n")
        .nth(1)
        .map(|rest| rest.split("\n## ").next().unwrap());
    let features: Vec<&str> = package.features().collect();
    match listed {
        None if !is(&PROGRAM) => faults.push("no list of features".into()),
        Some(listed) if features.is_empty() && !listed.contains("has no features") => {
            faults.push("does not say that there are no features".into())
        }
        Some(listed) => faults.extend(
            features
                .iter()
                .filter(|name| !listed.contains(&format!("\n| `{name}` |")))
                .map(|name| format!("no row for feature {name}")),
        ),
        None => {}
    }
    faults
}

#[test]
fn every_crate_page_has_an_example_and_its_features() {
    let packages = published();
    let faults: Vec<_> = packages
        .iter()
        .flat_map(|package| {
            faults(package)
                .into_iter()
                .map(|fault| format!("{}: {fault}", package.name))
        })
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_page_without_its_parts_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    let at = folder.path().display().to_string();
    let package = Package::of_json(&at, r#"{"default": ["a"], "a": []}"#, "null");
    let write = |path: &str, text: &str| std::fs::write(folder.path().join(path), text).unwrap();
    write("src/lib.rs", "//! A page.\n");
    write("README.md", "# x\n");
    assert_eq!(faults(&package).len(), 3);
    write("src/lib.rs", "#![doc = include_str!(\"../README.md\")]\n");
    write(
        "README.md",
        "# x\n\n```rust\n```\n\n## Features\n\n| `b` | no | b |\n",
    );
    assert_eq!(faults(&package), ["no row for feature a"]);
    write(
        "README.md",
        "# x\n\n```rust\n```\n\n## Features\n\n| `a` | no | b |\n",
    );
    assert!(faults(&package).is_empty());
    let package = Package::of_json(&at, "{}", "null");
    assert_eq!(
        faults(&package),
        ["does not say that there are no features"]
    );
}
