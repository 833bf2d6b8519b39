//! The packages of this workspace, as `cargo metadata` tells them.
//!
//! - A library crate is a package that may be published.
//! - A crate with the category `no-std::no-alloc` is for ROMs.
//! - `package.metadata.netboot.one-of` lists features one of which the crate needs.

use crate::setup::cargo;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use testbed::rom;

/// The category of crates for ROMs.
pub const FOR_ROMS: &str = "no-std::no-alloc";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// A package.
#[derive(Deserialize)]
pub struct Package {
    /// Name of the package.
    pub name: String,
    features: BTreeMap<String, Vec<String>>,
    /// Categories of the registry.
    pub categories: Vec<String>,
    /// `None`: to any registry. An empty list: never.
    publish: Option<Vec<String>>,
    #[cfg(test)]
    manifest_path: std::path::PathBuf,
    metadata: Option<Extra>,
}

#[derive(Deserialize)]
struct Extra {
    netboot: Option<Needs>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Needs {
    one_of: Vec<String>,
}

impl Package {
    fn is_library(&self) -> bool {
        self.publish.as_ref().is_none_or(|to| !to.is_empty())
    }

    /// Whether ROMs link the crate.
    pub fn is_for_roms(&self) -> bool {
        self.categories.iter().any(|category| category == FOR_ROMS)
    }

    /// The features but `default`.
    pub fn features(&self) -> impl Iterator<Item = &str> {
        let names = self.features.keys().map(String::as_str);
        names.filter(|name| *name != "default")
    }

    /// Whether the crate has features unless its user declines them.
    pub fn has_defaults(&self) -> bool {
        self.features
            .get("default")
            .is_some_and(|default| !default.is_empty())
    }

    /// Features one of which the crate needs; none for most crates.
    pub fn one_of(&self) -> Vec<&str> {
        let needs = self.metadata.as_ref();
        let needs = needs.and_then(|extra| extra.netboot.as_ref());
        let one_of = needs.map(|needs| needs.one_of.iter().map(String::as_str));
        one_of.into_iter().flatten().collect()
    }

    /// The folder of the package.
    #[cfg(test)]
    pub fn folder(&self) -> &std::path::Path {
        self.manifest_path.parent().unwrap()
    }

    /// A package for tests, in this folder, with features and metadata as cargo writes them.
    #[cfg(test)]
    pub fn of_json(folder: &str, features: &str, extra: &str) -> Self {
        let text = format!(
            r#"{{"name": "x", "features": {features}, "categories": [], "publish": null, "metadata": {extra}, "manifest_path": "{folder}/Cargo.toml"}}"#
        );
        serde_json::from_str(&text).unwrap()
    }
}

/// The workspace's packages that may be published.
///
/// # Errors
/// Fails when cargo does.
pub fn libraries() -> Result<Vec<Package>> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(rom::workspace())
        .output()
        .context("cannot start cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("cargo metadata in another form")?;
    let all = metadata.packages.into_iter();
    Ok(all.filter(Package::is_library).collect())
}
