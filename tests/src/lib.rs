//! What the whole-system tests share.
//!
//! - [`sim`]: one boot in the simulated world, with everything about it open to change: the server,
//!   the device, and what happens at a given time; guarded against hanging.
//! - [`expect`]: what a boot that ended has to look like.
//! - [`hostile`]: a network card behind which somebody rewrites frames.
//! - [`logged`]: the log of a boot.
//! - [`porting`]: the snippets of the book's page on porting.
//! - [`wire`]: frames made by hand, for what stands between the station and its server.
//! - [`segment`]: TCP segments made and changed by hand.
//! - [`campaign`]: boots with random faults, an oracle, and the shortest list of faults for a failure.
//! - [`chance`]: choices that follow from a seed.
//! - [`watch`]: many boots on two threads, each with an eye on the real clock.
#![forbid(unsafe_code)]

pub mod campaign;
pub mod chance;
pub mod expect;
pub mod hostile;
pub mod logged;
pub mod porting;
pub mod segment;
pub mod sim;
pub mod watch;
pub mod wire;

pub use chance::Chance;
pub use expect::{Boot, is_digest_right};
pub use sim::Sim;
