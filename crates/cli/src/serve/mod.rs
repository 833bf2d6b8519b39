//! `netboot serve`: the files of a folder by the UDP boot protocol, to one client at a time or to many, by unicast.
//!
//! | file | what |
//! |---|---|
//! | `webroot` | which files clients may have |
//! | `verified` | one file with its tree; each block is hashed before it is sent |
//! | `catalogue` | the files that are open |
//! | `bursts` | the blocks that are to be sent, and when |
//! | `renewal` | the key of the cookies |
//! | `station` | all of it in one thread |
//! | `lines` | what the operator reads |
//! | `counters`, `http` | numbers for Prometheus |
//! | `rate`, `socket`, `signals` | what an operator and the system say |

mod bursts;
mod catalogue;
mod counters;
mod http;
mod lines;
mod rate;
mod renewal;
mod signals;
mod socket;
mod station;
mod verified;
mod webroot;

use anyhow::Result;
use clap::Args;
use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;

/// The options of `serve`.
#[derive(Args)]
pub struct ServeArgs {
    /// The folder that is served: packed files and others by their paths, and what `netboot publish` has put into it by verity digests
    webroot: PathBuf,
    /// The address and the UDP port. The default is for IPv4, too, where the system allows it
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "[::]:6910")]
    bind: SocketAddr,
    /// Most octets in a second that are sent to all clients together, such as 100M. Beyond it they are told when to come again
    #[arg(long, value_name = "OCTETS_PER_SECOND")]
    rate: Option<rate::Rate>,
    /// The address and the TCP port of an HTTP server with /metrics for Prometheus, and /healthz
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics: Option<SocketAddr>,
    /// Print no lines for transfers that clients report, and for names that are refused
    #[arg(long)]
    quiet: bool,
}

/// Serves until SIGTERM or SIGINT comes.
///
/// # Errors
/// When the folder is none, or an address cannot be had.
pub fn run(arguments: &ServeArgs, out: &mut dyn Write) -> Result<()> {
    let shown = arguments.webroot.display();
    let webroot = webroot::Webroot::new(&arguments.webroot)?;
    let socket = socket::open(arguments.bind)?;
    let http = arguments.metrics.map(http::Http::bind).transpose()?;
    let stop = signals::watch()?;
    writeln!(out, "serving {shown} at UDP {}", socket.local_addr()?)?;
    if let Some(http) = &http {
        writeln!(out, "metrics at http://{}/metrics", http.address()?)?;
    }
    out.flush()?;
    // The gaps between blocks are shorter than the 50 µs by which the system is late otherwise.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
    let lines = lines::Lines::new((!arguments.quiet).then_some(out));
    let catalogue = catalogue::Catalogue::new(webroot);
    let rate = arguments.rate.map(|rate| rate.0);
    station::Station::new(socket, catalogue, rate, http, lines)?.run(&stop)
}
