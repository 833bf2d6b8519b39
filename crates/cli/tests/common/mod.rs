//! A folder with files, and the tool in it.

// Each test program uses a part of it.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A folder.
pub struct Folder(TempDir);

/// Octets that depend on their place.
pub fn octets(size: usize) -> Vec<u8> {
    (0..size as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn put(&self, name: &str, octets: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, octets).unwrap();
    }

    pub fn get(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The files in it and in the folders below it, in their order.
    pub fn names(&self) -> Vec<String> {
        fn add(folder: &Path, from: &Path, names: &mut Vec<String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => add(&path, from, names),
                    false => {
                        let name = path.strip_prefix(from).unwrap();
                        names.push(name.to_str().unwrap().into());
                    }
                }
            }
        }
        let mut names = Vec::new();
        add(self.0.path(), self.0.path(), &mut names);
        names.sort();
        names
    }

    /// Runs a program here; its exit code and what it wrote.
    pub fn run(&self, program: &str, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code().unwrap(), text)
    }

    pub fn netboot(&self, arguments: &[&str]) -> (i32, String) {
        self.run(env!("CARGO_BIN_EXE_netboot"), arguments)
    }

    /// A packed file, by the library.
    pub fn packed(&self, data: &[u8]) -> Vec<u8> {
        netboot_verity::Tree::of(data).pack(data).unwrap()
    }
}
