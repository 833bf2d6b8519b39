//! What holds for every crate that goes to the registry.
//!
//! | module | what |
//! |---|---|
//! | [`errors`] | public error types implement `core::error::Error` |
//! | [`pages`] | the crate's page has an example that compiles and a list of its features |

mod errors;
mod pages;

use crate::packages::{Package, libraries};
use std::fs;
use std::path::{Path, PathBuf};

impl Package {
    /// All code of the library without its unit tests.
    fn source(&self) -> String {
        source(&self.folder().join("src"))
    }

    /// The text of one of the crate's files.
    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.folder().join(path)).unwrap_or_default()
    }
}

/// The published crates with a library.
fn published() -> Vec<Package> {
    let mut packages = libraries().unwrap();
    packages.retain(|package| package.folder().join("src/lib.rs").is_file());
    assert!(
        packages.len() > 20,
        "the search finds {} crates",
        packages.len()
    );
    packages
}

/// All code below `folder` without its unit tests.
fn source(folder: &Path) -> String {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    let mut all = String::new();
    for path in files {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            all += &source(&path);
        } else if path.extension().is_some_and(|end| end == "rs") && !stem.ends_with("tests") {
            let text = fs::read_to_string(&path).unwrap();
            all += text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        }
    }
    all
}
