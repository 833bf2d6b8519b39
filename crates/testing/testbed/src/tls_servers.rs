//! Real servers over TLS, and the hostile one, at port 443 of a [`Host`].
//!
//! All speak one version of TLS, 1.3 if not told otherwise, and show the identity that they are given. nginx serves the host's
//! files as they are; `openssl s_server` serves a copy of them, one request a connection; `gnutls-serv`
//! has one answer to every request, one request a connection.

use crate::netns::{Host, Port};
use crate::servers::{Nginx, Program, Server};
use anyhow::{Context, Result};
use hostile_tls::{Listener, Script};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use test_pki::{Identity, Pki};

/// The port of HTTPS.
pub const HTTPS: u16 = 443;

/// What a server shows, and whom it lets in.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Chain and key.
    pub identity: Identity,
    /// Clients must have a certificate from the root of these (mutual TLS).
    pub clients: Option<Pki>,
    /// TLS 1.2 and nothing else, in place of TLS 1.3 and nothing else.
    pub old: bool,
}

impl Tls {
    /// A server that anybody may talk to.
    pub fn open(identity: Identity) -> Self {
        Self {
            identity,
            clients: None,
            old: false,
        }
    }

    /// A server for clients with a certificate from the root of `clients`.
    pub fn mutual(identity: Identity, clients: Pki) -> Self {
        Self {
            clients: Some(clients),
            ..Self::open(identity)
        }
    }
}

/// The same in files, as servers want it.
struct Files {
    place: PathBuf,
    leaf: PathBuf,
    rest: Option<PathBuf>,
    chain: PathBuf,
    key: PathBuf,
    clients: Option<PathBuf>,
}

impl Files {
    fn write(host: &Host, server: &str, tls: &Tls) -> Result<Self> {
        let place = host.workspace(server)?;
        let write = |name: &str, text: &str| -> Result<PathBuf> {
            let path = place.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(path)
        };
        let pem = |one| test_pki::pem_of(one);
        let leaf: String = tls.identity.chain.iter().take(1).map(pem).collect();
        let rest: String = tls.identity.chain.iter().skip(1).map(pem).collect();
        let clients = tls.clients.map(|pki| pki.root_pem()).transpose()?;
        Ok(Self {
            leaf: write("leaf.pem", &leaf)?,
            rest: match rest.as_str() {
                "" => None,
                rest => Some(write("rest.pem", rest)?),
            },
            chain: write("chain.pem", &tls.identity.chain_pem())?,
            key: write("key.pem", &tls.identity.key_pem())?,
            clients: clients.map(|pem| write("clients.pem", &pem)).transpose()?,
            place,
        })
    }
}

/// Starts nginx with records as large as it likes; `lines` go into the `server` block.
///
/// # Errors
/// When it is missing, does not like its configuration, or does not open its port.
pub fn nginx(host: &Host, tls: &Tls, lines: &str) -> Result<Nginx> {
    let files = Files::write(host, "nginx-tls", tls)?;
    let version = if tls.old { "TLSv1.2" } else { "TLSv1.3" };
    let mut own = format!(
        "ssl_protocols {version};\nssl_certificate {};\nssl_certificate_key {};\n",
        files.chain.display(),
        files.key.display()
    );
    if let Some(clients) = &files.clients {
        let clients = clients.display();
        own += &format!(
            "ssl_verify_client on;\nssl_verify_depth 4;\nssl_client_certificate {clients};\n"
        );
    }
    Nginx::start_at(host, HTTPS, "ssl", &(own + lines))
}

/// Starts `openssl s_server` on a copy of the host's files as they are now. Its log has a line `FILE:` and
/// the path for each request.
///
/// # Errors
/// When it is missing, does not like its arguments, or does not open its port.
pub fn openssl(host: &Host, tls: &Tls, arguments: &[&str]) -> Result<Server> {
    let files = Files::write(host, "openssl", tls)?;
    let copy = files.place.join("files");
    copy_with_heads(&host.files(), &copy)?;
    let mut command = host.namespace.command(Program::OpenSsl.find()?);
    command
        .current_dir(&copy)
        .args(["s_server", "-HTTP", "-http_server_binmode"])
        .arg(if tls.old { "-tls1_2" } else { "-tls1_3" })
        .args(["-no-CAfile", "-no-CApath"])
        .arg("-accept")
        .arg(format!("{}:{HTTPS}", host.address))
        .arg("-cert")
        .arg(&files.leaf)
        .arg("-key")
        .arg(&files.key);
    if let Some(rest) = &files.rest {
        command.arg("-cert_chain").arg(rest);
    }
    if let Some(clients) = &files.clients {
        command.args(["-Verify", "4", "-verify_return_error"]);
        command.arg("-verifyCAfile").arg(clients);
    }
    command.args(arguments);
    let log = files.place.join("log");
    let ports = [Port::Tcp(HTTPS)];
    Server::start("openssl s_server", command, host, log, None, &ports)
}

/// Copies a directory for `s_server -HTTP`, which wants the head of the answer in the file.
fn copy_with_heads(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_with_heads(&entry.path(), &place)?;
            continue;
        }
        let octets = fs::read(entry.path())?;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            octets.len()
        );
        fs::write(&place, [head.as_bytes(), &octets].concat())
            .with_context(|| format!("cannot write {}", place.display()))?;
    }
    Ok(())
}

/// Starts `gnutls-serv`, which answers every request by HTTP/1.0 with `answer` and its length.
///
/// # Errors
/// When it is missing, does not like its arguments, or does not open its port.
pub fn gnutls_serv(host: &Host, tls: &Tls, answer: &[u8], arguments: &[&str]) -> Result<Server> {
    let files = Files::write(host, "gnutls", tls)?;
    let data = files.place.join("answer");
    fs::write(&data, answer)?;
    let mut command = host.namespace.command(Program::GnutlsServ.find()?);
    let version = if tls.old { "1.2" } else { "1.3" };
    command
        .arg("--http")
        .arg(format!("--priority=NORMAL:-VERS-ALL:+VERS-TLS{version}"))
        .args(["--port", &HTTPS.to_string()])
        .arg(format!("--httpdata={}", data.display()))
        .arg(format!("--x509certfile={}", files.chain.display()))
        .arg(format!("--x509keyfile={}", files.key.display()));
    match &files.clients {
        None => command.arg("--disable-client-cert"),
        Some(clients) => command
            .args(["--require-client-cert", "--verify-client-cert"])
            .arg(format!("--x509cafile={}", clients.display())),
    };
    command.args(arguments);
    let log = files.place.join("log");
    let ports = [Port::Tcp(HTTPS)];
    Server::start("gnutls-serv", command, host, log, None, &ports)
}

/// Starts the server that misbehaves: the nth connection gets the nth script, further ones the last.
///
/// # Errors
/// When its port is taken.
pub fn hostile(
    host: &Host,
    identity: Identity,
    scripts: Vec<Script>,
    seed: u64,
) -> Result<Listener> {
    let listener = host
        .namespace
        .enter(|| TcpListener::bind((host.address, HTTPS)))?
        .with_context(|| format!("port {HTTPS} of {}", host.address))?;
    Ok(Listener::start(listener, identity, scripts, seed)?)
}
