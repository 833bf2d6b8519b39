//! `redirect`: bootstrap servers that a device has to ask instead (RFC 8572, section 6.2).

use super::conveyed::ConveyedArgs;
use crate::sztp::{files, inspect, judgement, message};
use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use netboot_core::Uri;
use netboot_core::uri::Host;
use netboot_sztp::{Conveyed, MAX_REDIRECTS};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

/// The options of `redirect`.
#[derive(Args)]
pub struct RedirectArgs {
    /// A server, in the order in which devices ask: its name or address, its port unless that is 443, and certificates with which it proves
    /// itself (PEM or DER)
    #[arg(long, value_name = "HOST[:PORT][=FILE]", required = true)]
    server: Vec<String>,
    #[command(flatten)]
    conveyed: ConveyedArgs,
}

/// Makes a redirect.
pub fn run(arguments: &RedirectArgs, out: &mut dyn Write) -> Result<()> {
    let most = usize::from(MAX_REDIRECTS);
    let count = arguments.server.len();
    ensure!(
        count <= most,
        "there are {count} servers, and a device takes {most} at most"
    );
    let mut servers = Vec::new();
    let mut anchors = Vec::new();
    for text in &arguments.server {
        let (host, anchor) = match text.split_once('=') {
            Some((host, anchor)) => (host, Some(Path::new(anchor))),
            None => (text.as_str(), None),
        };
        servers.push(server(host, anchor).with_context(|| format!("--server {text}"))?);
        anchors.extend(anchor);
    }
    let content = json!({
        "ietf-sztp-conveyed-info:redirect-information": { "bootstrap-server": servers }
    });
    let content = content.to_string();
    let refused = "a device would refuse the redirect";
    let conveyed = Conveyed::parse(content.as_bytes()).context(refused)?;
    judgement::follow(content.as_bytes(), true).context(refused)?;
    arguments.conveyed.write(&content, &anchors, out)?;
    inspect::conveyed_information(&conveyed, "", out)
}

/// One server.
fn server(text: &str, anchor: Option<&Path>) -> Result<Value> {
    let uri = Uri::parse(&format!("https://{text}/"))?;
    let alone =
        uri.target() == "/" && !uri.has_credentials() && !text.contains(['/', '?', '#', '@']);
    ensure!(alone, "a server is a host, and perhaps a port");
    let address = match uri.host() {
        Host::Name(name) => name.to_owned(),
        Host::V4(address) => address.to_string(),
        Host::V6(address) => address.to_string(),
    };
    let mut server = json!({ "address": address, "port": uri.port() });
    if let Some(path) = anchor {
        if path.as_os_str().is_empty() {
            bail!("no file is named behind the =");
        }
        let certificates = files::certificates(path)?;
        let message = message::certificates_only(&certificates)
            .with_context(|| path.display().to_string())?;
        server["trust-anchor"] = STANDARD.encode(message).into();
    }
    Ok(server)
}
