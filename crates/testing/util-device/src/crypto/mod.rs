//! The cryptographic mailbox.

pub(crate) mod aes;
pub(crate) mod ec;
pub(crate) mod gcm;
pub(crate) mod keys;
pub(crate) mod random;
pub(crate) mod seal;
pub(crate) mod sha;

/// Most octets of data in one command.
pub(crate) const MAX_DATA: usize = 4096;
