//! Caches before a web server, as a site has them between its origin and its racks.

use crate::netns::{Host, Port};
use crate::servers::{Nginx, Program, Server};
use anyhow::Result;
use std::net::Ipv4Addr;

/// Starts nginx as a cache of the web server at `origin`, port 80. It fetches and keeps files in slices of 16 KiB, whatever part a client asks for;
/// `lines` go into its `server` block.
///
/// # Errors
/// When it is missing, does not like its configuration, or does not open port 80.
pub fn slicing_nginx(host: &Host, origin: Ipv4Addr, lines: &str) -> Result<Nginx> {
    let lines = format!(
        "{lines}\n    location / {{ slice 16k; proxy_cache images; proxy_cache_key $uri$slice_range; \
         proxy_set_header Range $slice_range; proxy_http_version 1.1; proxy_cache_valid 200 206 1h; \
         proxy_pass http://{origin}; }}"
    );
    let http = "proxy_cache_path cache keys_zone=images:1m;";
    Nginx::start_with(host, 80, "", http, &lines)
}

/// Starts Varnish as a cache of the web server at `origin`, port 80.
///
/// # Errors
/// When it is missing, or does not open port 80.
pub fn varnish(host: &Host, origin: Ipv4Addr) -> Result<Server> {
    let place = host.workspace("varnish")?;
    let mut command = host.namespace.command(Program::Varnish.find()?);
    command.args(["-F", "-j", "none", "-s", "malloc,16m"]);
    command.arg("-n").arg(&place);
    command.args(["-a", &format!("{}:80", host.address)]);
    command.args(["-b", &format!("{origin}:80")]);
    let log = place.join("log");
    Server::start("varnishd", command, host, log, None, &[Port::Tcp(80)])
}
