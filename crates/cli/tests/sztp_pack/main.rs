//! What `netboot sztp pack` makes is right in the eyes of OpenSSL and of the code that devices have, and odd calls leave nothing behind.

mod artifacts;
#[path = "../common/mod.rs"]
mod common;
mod desk;
mod odd;
