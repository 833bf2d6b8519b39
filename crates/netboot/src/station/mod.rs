//! The station: the IP stack with an address, a lease, a clock and a deadline.
//!
//! | file | what |
//! |---|---|
//! | `station` | the one loop that everything waits in, and the one owner of its pacing |
//! | `lease` | the DHCP client on its socket, and the ARP probe |
//! | `address` | the station's address, routes and routers |
//! | `names` | the resolver on its socket |
//! | `resolve` | host name to address |

mod address;
mod lease;
#[cfg(feature = "dns")]
mod names;
mod resolve;
#[allow(clippy::module_inception)]
mod station;

pub(crate) use lease::{Lease, MESSAGE_MAX, State};
#[cfg(feature = "dns")]
pub(crate) use names::Names;
pub use resolve::resolve;
pub(crate) use station::StationParts;
pub use station::{Failed, Internal, Station, Step};
