//! The configuration file of the daemon.

use anyhow::{Context, Result, bail, ensure};
use bootstore::schemes::Scheme;
use bootstore::{Baseboard, BaseboardKind};
use serde::Deserialize;
use std::net::{SocketAddr, SocketAddrV6};
use std::path::{Path, PathBuf};

/// An example of the file, for `--help`.
pub const EXAMPLE: &str = r#"# /etc/bootstore.toml
identifier = "sled-1"                # serial number of this board, unique in the rack
model = "mcu"
listen = "[fd00::1]:12346"           # where peers connect; of two nodes, the higher address dials
peers = ["[fd00::2]:12346", "[fd00::3]:12346"]
state_dir = "/var/lib/bootstore"     # only this daemon writes here
control = "/run/bootstore/control.sock"
boards = "[::]:12346"                # optional: UDP address where boards ask for the network configuration
scheme = 1                           # 1: mutual TLS; 0: plain TCP, see below

[tls]                                # for scheme 1
certificate = "/etc/bootstore/idevid.pem"   # own certificate first, then the chain
key = "/etc/bootstore/idevid.key"
anchors = "/etc/bootstore/anchors.pem"
allow = ["pc:mcu:sled-1", "pc:mcu:sled-2", "pc:mcu:sled-3"]   # kind:model:identifier; the identifier is the
                                                              # serialNumber in the certificate's subject"#;

/// The file as it is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    identifier: String,
    model: String,
    listen: SocketAddrV6,
    #[serde(default)]
    peers: Vec<SocketAddrV6>,
    state_dir: PathBuf,
    control: PathBuf,
    boards: Option<SocketAddr>,
    scheme: u32,
    tls: Option<TlsFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsFile {
    certificate: PathBuf,
    key: PathBuf,
    anchors: PathBuf,
    allow: Vec<String>,
}

/// What the daemon needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// This board.
    pub id: Baseboard,
    /// Where peers connect.
    pub listen: SocketAddrV6,
    /// Where the peers listen.
    pub peers: Vec<SocketAddrV6>,
    /// Directory of the state.
    pub state_dir: PathBuf,
    /// Path of the control socket.
    pub control: PathBuf,
    /// UDP address at which boards ask for the network configuration.
    pub boards: Option<SocketAddr>,
    /// Scheme 1's files; scheme 0 when absent.
    pub tls: Option<TlsFiles>,
}

/// Files and lists of scheme 1.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Own certificate and its chain, PEM.
    pub certificate: PathBuf,
    /// Key of the own certificate, PEM.
    pub key: PathBuf,
    /// Trust anchors of the peers' certificates, PEM.
    pub anchors: PathBuf,
    /// Boards that may connect.
    pub allow: Vec<Baseboard>,
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// The file cannot be read, or says something impossible; the message says what.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is wrong", path.display()))
    }

    /// Reads a configuration from text.
    ///
    /// # Errors
    /// The text says something impossible; the message says what.
    pub fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text)?;
        let id = Baseboard::new(BaseboardKind::Pc, &file.identifier, &file.model)
            .context("`identifier` has 1 to 64 octets, and `model` at most 32")?;
        ensure!(
            !file.listen.ip().is_unspecified() && file.listen.port() != 0,
            "`listen` needs an address and a port of its own, as peers compare and dial it"
        );
        let tls = match (file.scheme, file.tls) {
            (0, None) => None,
            (0, Some(_)) => bail!("scheme 0 uses no TLS: remove [tls], or set scheme = 1"),
            (1, None) => bail!("scheme 1 needs [tls]; scheme = 0 would be plain TCP, see --help"),
            (1, Some(tls)) => Some(TlsFiles {
                certificate: tls.certificate,
                key: tls.key,
                anchors: tls.anchors,
                allow: tls
                    .allow
                    .iter()
                    .map(|text| parse_board(text))
                    .collect::<Result<_>>()?,
            }),
            (other, _) => bail!("scheme {other} is unknown; there are 0 and 1"),
        };
        Ok(Self {
            id,
            listen: file.listen,
            peers: file.peers,
            state_dir: file.state_dir,
            control: file.control,
            boards: file.boards,
            tls,
        })
    }

    /// The scheme that the daemon speaks.
    pub const fn scheme(&self) -> Scheme {
        match self.tls {
            Some(_) => Scheme::V1,
            None => Scheme::V0,
        }
    }
}

/// Reads a board's name, `kind:model:identifier`, such as `pc:mcu:sled-1`.
///
/// # Errors
/// The text has another form, or a part is too long.
pub fn parse_board(text: &str) -> Result<Baseboard> {
    let mut parts = text.splitn(3, ':');
    let (kind, model, identifier) = (parts.next(), parts.next(), parts.next());
    let board = match (kind, model, identifier) {
        (Some("pc"), Some(model), Some(id)) => Baseboard::new(BaseboardKind::Pc, id, model),
        (Some("gimlet"), Some(model), Some(id)) => Baseboard::new(BaseboardKind::Gimlet, id, model),
        _ => None,
    };
    board.with_context(|| {
        format!("`{text}` is no board: write kind:model:identifier, such as pc:mcu:sled-1")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_right() {
        let config = Config::parse(EXAMPLE).unwrap();
        assert_eq!(config.scheme(), Scheme::V1);
        assert_eq!(config.tls.unwrap().allow.len(), 3);
    }

    #[test]
    fn plain_tcp_has_to_be_asked_for() {
        let without = EXAMPLE.split("[tls]").next().unwrap();
        let error = Config::parse(without).unwrap_err().to_string();
        assert!(error.contains("scheme 1 needs [tls]"), "{error}");
        let plain = without.replace("scheme = 1", "scheme = 0");
        assert_eq!(Config::parse(&plain).unwrap().scheme(), Scheme::V0);
        assert!(Config::parse(&EXAMPLE.replace("scheme = 1", "scheme = 0")).is_err());
        assert!(Config::parse(&plain.replace("scheme = 0", "scheme = 7")).is_err());
        assert!(Config::parse(&plain.replace("scheme = 0 ", "")).is_err());
        assert!(Config::parse(&plain.replace("[fd00::1]", "[::]")).is_err());
    }

    #[test]
    fn boards_have_names() {
        assert_eq!(parse_board("pc:m:a:b").unwrap().identifier, "a:b");
        for wrong in ["", "pc:m", "x:m:a", "pc:m:"] {
            assert!(parse_board(wrong).is_err(), "{wrong}");
        }
    }
}
