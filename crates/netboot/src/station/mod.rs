//! The station: the IP stack with an address, a lease, a clock and a deadline.
//!
//! | file | what |
//! |---|---|
//! | `station` | the one loop that everything waits in, and the one owner of its pacing |
//! | `lease6` | the DHCPv6 client on its UDP port |
//! | `lease` | the DHCP client on its UDP port, and the ARP probe |
//! | `acquire` | an address of one family or the other, looked for side by side |
//! | `address` | the station's address, routes and routers |
//! | `ipv6` | the station's addresses of IPv6, and what routers say of the link |
//! | `step` | what one step of a wait came to |
//! | `by_hand` | an address of IPv6 that somebody has set |
//! | `converse` | an exchange of datagrams for the caller |
//! | `syslog` | lines for the server that takes the log |
//! | `pace` | how many of them may go out in a second |
//! | `ping` | one echo request |
//! | `path` | the MTU, and what is tried when the way may have changed |
//! | `names` | the resolvers |
//! | `resolve` | host name to address |

#[cfg(feature = "ipv6")]
mod acquire;
mod address;
#[cfg(all(feature = "bootstore", feature = "ipv6"))]
mod by_hand;
#[cfg(feature = "bootstore")]
mod converse;
#[cfg(feature = "ipv6")]
mod ipv6;
mod lease;
#[cfg(feature = "ipv6")]
mod lease6;
#[cfg(feature = "dns")]
mod names;
#[cfg(feature = "syslog")]
mod pace;
mod path;
#[cfg(feature = "ping")]
mod ping;
mod resolve;
#[allow(clippy::module_inception)]
mod station;
mod step;
#[cfg(feature = "syslog")]
mod syslog;

#[cfg(feature = "ipv6")]
pub(crate) use ipv6::Ipv6;
pub(crate) use lease::Lease;
#[cfg(not(feature = "ipv6"))]
pub(crate) use lease::State;
#[cfg(feature = "ipv6")]
pub(crate) use lease6::Lease6;
#[cfg(feature = "dns")]
pub(crate) use names::Names;
#[cfg(feature = "ping")]
pub(crate) use ping::ping;
pub use resolve::resolve;
pub(crate) use station::StationParts;
pub use station::{Failed, Internal, Station};
pub use step::Step;
