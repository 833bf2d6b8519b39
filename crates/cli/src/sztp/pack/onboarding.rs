//! `onboarding`: what a device has to run, and how it has to configure that (RFC 8572, section 6.3).

use super::conveyed::ConveyedArgs;
use crate::sztp::{files, inspect};
use crate::tree;
use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, ValueEnum};
use netboot_core::{Digest, Uri};
use netboot_sztp::{Conveyed, MAX_IMAGE_PLACES};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The options of `onboarding`.
#[derive(Args)]
pub struct OnboardingArgs {
    /// Where the image can be downloaded, the preferred place first (tftp, http or https)
    #[arg(long, value_name = "URI", requires = "digest")]
    image: Vec<String>,
    /// The image: its SHA-256 is what devices compare
    #[arg(long, value_name = "FILE", group = "digest", requires = "image")]
    image_file: Option<PathBuf>,
    /// The SHA-256 of the image in hexadecimal digits, where the file is not at hand
    #[arg(long, value_name = "HEX", group = "digest", requires = "image")]
    image_sha256: Option<String>,
    /// Name of the software in the image. A device that runs this name and version already does not install it again
    #[arg(long, value_name = "TEXT", requires_all = ["image", "os_version"])]
    os_name: Option<String>,
    /// Version of the software in the image
    #[arg(long, value_name = "TEXT", requires_all = ["image", "os_name"])]
    os_version: Option<String>,
    /// A script that runs before the configuration is used
    #[arg(long, value_name = "FILE")]
    pre_script: Option<PathBuf>,
    /// The configuration
    #[arg(long, value_name = "FILE", requires = "handling")]
    configuration: Option<PathBuf>,
    /// How the configuration is used
    #[arg(long, value_enum, requires = "configuration")]
    handling: Option<Handling>,
    /// A script that runs after the configuration was used
    #[arg(long, value_name = "FILE")]
    post_script: Option<PathBuf>,
    #[command(flatten)]
    conveyed: ConveyedArgs,
}

/// How a configuration is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Handling {
    /// It is added to what is there
    Merge,
    /// It takes the place of what is there
    Replace,
}

/// Makes onboarding information.
pub fn run(arguments: &OnboardingArgs, out: &mut dyn Write) -> Result<()> {
    let mut members = Map::new();
    if !arguments.image.is_empty() {
        members.insert("boot-image".into(), boot_image(arguments)?);
    }
    for (name, path) in [
        ("pre-configuration-script", &arguments.pre_script),
        ("configuration", &arguments.configuration),
        ("post-configuration-script", &arguments.post_script),
    ] {
        if let Some(path) = path {
            members.insert(name.into(), STANDARD.encode(files::read(path)?).into());
        }
    }
    ensure!(
        !members.is_empty(),
        "there is nothing to do: name an image, a configuration or a script"
    );
    if let Some(handling) = arguments.handling {
        let handling = match handling {
            Handling::Merge => "merge",
            Handling::Replace => "replace",
        };
        members.insert("configuration-handling".into(), handling.into());
    }
    let content = json!({ "ietf-sztp-conveyed-info:onboarding-information": members }).to_string();
    let conveyed = Conveyed::parse(content.as_bytes());
    let conveyed = conveyed.context("a device would refuse the onboarding information")?;
    let inputs: Vec<&Path> = [
        &arguments.image_file,
        &arguments.pre_script,
        &arguments.configuration,
        &arguments.post_script,
    ]
    .into_iter()
    .filter_map(Option::as_deref)
    .collect();
    arguments.conveyed.write(&content, &inputs, out)?;
    inspect::conveyed_information(&conveyed, "", out)
}

fn boot_image(arguments: &OnboardingArgs) -> Result<Value> {
    let most = usize::from(MAX_IMAGE_PLACES);
    let count = arguments.image.len();
    ensure!(
        count <= most,
        "there are {count} places of the image, and a device takes {most} at most"
    );
    for place in &arguments.image {
        Uri::parse(place).with_context(|| format!("--image {place}"))?;
    }
    let digest = match (&arguments.image_file, &arguments.image_sha256) {
        (Some(path), _) => {
            let (digest, len) = tree::sha256(path)?;
            ensure!(len > 0, "{} is empty", path.display());
            digest
        }
        (None, Some(text)) => Digest::from_hex(text)
            .with_context(|| format!("--image-sha256 {text}: 64 hexadecimal digits"))?,
        // The command line demands one of the two.
        (None, None) => anyhow::bail!("the image needs --image-file or --image-sha256"),
    };
    // `yang:hex-string` (RFC 6991, section 3).
    let octets: Vec<String> = digest
        .0
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    let mut image = json!({
        "download-uri": arguments.image,
        "image-verification": [{
            "hash-algorithm": "ietf-sztp-conveyed-info:sha-256",
            "hash-value": octets.join(":"),
        }],
    });
    if let (Some(name), Some(version)) = (&arguments.os_name, &arguments.os_version) {
        ensure!(
            !name.is_empty() && !version.is_empty(),
            "--os-name or --os-version is empty"
        );
        image["os-name"] = name.as_str().into();
        image["os-version"] = version.as_str().into();
    }
    Ok(image)
}
