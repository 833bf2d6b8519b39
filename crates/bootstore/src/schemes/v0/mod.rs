//! Scheme V0: the trust quorum protocol as a state machine without I/O.
//!
//! The caller owns connections, time and storage. It tells the [`Fsm`] what happened, stores the state
//! when the machine says so, and then sends what [`Fsm::drain_envelopes`] yields. The machine yields no
//! envelope while an unstored change is pending, so that no message can overtake the state it depends on.
//!
//! ```text
//!   init_rack / init_learner / load_rack_secret / on_connected / on_disconnected / handle / tick
//!        |
//!        v
//!   needs_persist()? -- yes --> store state(), then persisted()
//!        |
//!        v
//!   drain_envelopes() --> send
//! ```
//!
//! - [`fsm`]: the calls; the rest of the machine is in private modules beside it.
//! - [`state`]: what is stored.
//! - [`message`]: what nodes say to each other.
//! - [`output`]: what the machine tells its caller.
//! - [`error`]: what can go wrong.

mod collection;
pub mod error;
pub mod fsm;
mod learn;
pub mod message;
mod outbox;
pub mod output;
mod peers;
mod rack_init;
mod responses;
pub mod state;

pub use error::{ApiError, MsgError};
pub use fsm::{Config, Fsm};
pub use message::{Envelope, Message, RemoteError, Request, Response};
pub use output::ApiOutput;
pub use state::State;

use core::fmt;

/// Greatest number of peers that are connected at the same time.
pub const PEERS_MAX: usize = 64;
/// Greatest number of collections of shares that run at the same time: own loads and learners together.
pub const COLLECTIONS_MAX: usize = 8;
/// Greatest number of learners to which one member gives shares.
pub const LEARNERS_MAX: usize = 32;

/// Scheme 0: channels are neither encrypted nor authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct V0Scheme;

impl V0Scheme {
    /// Number of the scheme on the wire.
    pub const NUMBER: u32 = 0;
}

impl fmt::Display for V0Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "scheme 0: shares over plain TCP; protects against theft of fewer boards than the threshold, \
             not against anybody on the bootstrap network",
        )
    }
}
