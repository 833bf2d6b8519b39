#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod boards;
pub mod config;
pub mod control;
pub mod daemon;
pub mod early_json;
pub mod link;
pub mod record;
mod requests;
pub mod store;
pub mod tls;

/// What the schemes protect against, for `--help` and the status.
pub const THREAT_MODEL: &str = "\
What this protects against, and what it does not

The primary goal is that somebody who walks up to a rack and takes a few drives or one or two whole boards home
cannot recover what is encrypted on them. Each board stores its own share of the rack secret. K = N/2 + 1 shares
recover it, so of a rack of 16 boards nine have to be stolen.

Scheme 0 (scheme = 0) protects against such offline theft only. Its channels are plain TCP. Whoever can listen on the
bootstrap network can read the shares and recover the rack secret. Whoever can connect to it can take part in the
protocol and recover the rack secret at will; nothing authenticates a board. Anybody there can also replace the
network configuration, which in addition freezes it if the highest generation is used.

Scheme 1 (the default) runs the same protocol inside TLS 1.3. Both ends show a certificate, such as the IDevID of the
board, that leads to a configured anchor, and both ends are on a list of allowed boards. A stranger on the network can
then neither read nor take part. It does not protect against an allowed board that has been taken over: such a board
can ask for shares. The network configuration is still not signed; any allowed board can replace it.

Neither scheme protects a secret on a board that is unlocked, or rotates the rack secret when a board has been lost.
A node never switches between the schemes, and never negotiates them.";
