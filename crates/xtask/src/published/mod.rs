//! What holds for every crate that goes to the registry.
//!
//! | module | what |
//! |---|---|
//! | [`errors`] | public error types implement `core::error::Error` |
//! | [`pages`] | the crate's page has an example that compiles and a list of its features |

mod errors;
mod pages;

use std::fs;
use std::path::{Path, PathBuf};
use testbed::rom;

/// A library crate that is published.
struct Package {
    name: String,
    folder: PathBuf,
    manifest: String,
}

impl Package {
    /// All code of the library without its unit tests.
    fn source(&self) -> String {
        source(&self.folder.join("src"))
    }

    /// The text of one of the crate's files.
    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.folder.join(path)).unwrap_or_default()
    }
}

/// The published library crates of this workspace.
fn published() -> Vec<Package> {
    let mut packages = Vec::new();
    let mut folders = vec![rom::workspace()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let hidden = name.to_string_lossy().starts_with('.');
            let elsewhere = ["examples", "src", "target"]
                .iter()
                .any(|folder| name == *folder);
            if entry.file_type().unwrap().is_dir() && !hidden && !elsewhere {
                folders.push(path);
            } else if name == "Cargo.toml" && folder.join("src/lib.rs").is_file() {
                let manifest = fs::read_to_string(&path).unwrap();
                let quoted = manifest.split("name = \"").nth(1).unwrap();
                let name = quoted.split('"').next().unwrap().to_string();
                if !manifest.contains("publish = false") {
                    packages.push(Package {
                        name,
                        folder: folder.clone(),
                        manifest,
                    });
                }
            }
        }
    }
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
