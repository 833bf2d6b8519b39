//! The control socket: one request and one answer for each connection, each a line of JSON.

use crate::early_json::EarlyJson;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Greatest number of octets of a line.
pub const LINE_MAX: u64 = 64 * 1024;

/// What can be asked of the daemon.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// What state the node is in.
    Status,
    /// Start the initialisation of a rack.
    InitRack {
        /// Names of all members, `kind:model:identifier`.
        members: Vec<String>,
    },
    /// Become a learner.
    Learn,
    /// Recover the rack secret and use it once; it never leaves the daemon.
    Unlock {
        /// What to do with the secret.
        #[serde(default, rename = "use")]
        usage: Usage,
    },
    /// Tell the network configuration.
    ConfigGet,
    /// Replace the network configuration.
    ConfigSet {
        /// The configuration.
        config: Blob,
        /// Its generation; the next one when absent.
        generation: Option<u64>,
    },
    /// Erase this node's share and network configuration.
    Reset {
        /// The node's identifier, as a confirmation.
        identifier: String,
    },
}

/// What an unlocked secret is used for. Octets are in hexadecimal.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Usage {
    /// To see that the rack unlocks.
    #[default]
    Check,
    /// To derive the key with this label.
    Key {
        /// What the key is for.
        label: String,
    },
    /// To seal a secret.
    Seal {
        /// What the secret is for.
        label: String,
        /// The secret.
        octets: String,
    },
    /// To open a sealed secret.
    Open {
        /// What the secret is for.
        label: String,
        /// The sealed secret.
        octets: String,
    },
}

/// A network configuration in one of its forms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blob {
    /// An early network configuration.
    Early(EarlyJson),
    /// Other octets, in hexadecimal.
    Raw(String),
}

/// What the daemon answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// The request failed.
    Error {
        /// One sentence.
        message: String,
        /// The library's number of the error, if it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u32>,
    },
    /// To `status`.
    Status(Status),
    /// To `init-rack`: the initialisation has started, or is complete for a rack of one.
    Started {
        /// UUID of the new rack.
        rack_uuid: String,
    },
    /// To `learn`, `config-set` and `reset`.
    Done,
    /// To `unlock`.
    Unlocked {
        /// UUID of the rack.
        rack_uuid: String,
        /// Equal on two nodes if they recovered the same secret; tells nothing of the secret.
        check: String,
        /// Time that it took to collect the shares, in milliseconds.
        milliseconds: u64,
        /// The key, the sealed or the opened secret, in hexadecimal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        octets: Option<String>,
    },
    /// To `config-get`.
    Config {
        /// Generation of the configuration.
        generation: u64,
        /// The configuration.
        config: Blob,
    },
}

/// State of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The node's board.
    pub board: String,
    /// `uninitialized`, `initial-member`, `learning` or `learned`.
    pub state: String,
    /// What the scheme is and what it protects against.
    pub scheme: String,
    /// Where the node listens.
    pub address: String,
    /// UUID of the node's rack.
    pub rack_uuid: Option<String>,
    /// Number of shares that unlock the rack.
    pub threshold: Option<u8>,
    /// Names of the initial members, if this node is one.
    pub members: Vec<String>,
    /// Progress of an initialisation that this node coordinates: members that have their package, and all.
    pub init: Option<(u8, u8)>,
    /// Why an initialisation has failed; the rack has to be reset.
    pub failed: Option<String>,
    /// Learners that this node has set a share aside for.
    pub learners: Vec<String>,
    /// Connected peers.
    pub peers: Vec<Peer>,
    /// Generation of the network configuration; 0 when there is none.
    pub network_generation: u64,
    /// Connections that were refused or ended for an error since the daemon started.
    pub refused_connections: u64,
    /// Process id of the daemon.
    pub pid: u32,
}

/// A connected peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// The peer's board.
    pub board: String,
    /// The other end of the connection.
    pub address: String,
    /// Whether this node opened the connection.
    pub dialed: bool,
}

impl Answer {
    /// An error without a number.
    pub fn error(message: impl ToString) -> Self {
        Self::Error {
            message: message.to_string(),
            code: None,
        }
    }

    /// An error of the library.
    pub fn coded(error: &impl netboot_core::Coded) -> Self {
        Self::Error {
            message: error.to_string(),
            code: Some(error.code()),
        }
    }
}

/// Asks the daemon behind a control socket.
///
/// # Errors
/// No daemon is there, or it does not answer within `patience`. An error of the request is an [`Answer`].
pub fn ask(socket: &Path, request: &Request, patience: Duration) -> Result<Answer> {
    let mut stream = UnixStream::connect(socket).with_context(|| {
        format!(
            "no daemon answers at {}: start bootstored, or name its control socket with --control",
            socket.display()
        )
    })?;
    stream.set_read_timeout(Some(patience))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(stream)
        .read_line(&mut answer)
        .context("the daemon does not answer in time")?;
    if answer.is_empty() {
        bail!("the daemon ended without an answer");
    }
    Ok(serde_json::from_str(&answer)?)
}
