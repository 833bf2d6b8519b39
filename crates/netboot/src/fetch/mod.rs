//! One image: which octets of which file, and how to go on when the transfer breaks.
//!
//! A transfer that is taken up again must bring the rest of the *same* file, whether it comes from the same server or from
//! another. With HTTP, a range request under `If-Range` makes the server prove it (RFC 9110, section 13.1.5). Without a
//! validator, with TFTP and with another server, the file is read from its start: the octets already delivered are hashed again
//! and not delivered twice, and the two hashes must agree.
//!
//! | file | what |
//! |---|---|
//! | `deliver` | the image into its delivery, with resumption |
//! | `pace` | whether the server sends fast enough for a boot |
//! | `file` | the file that is open: size, part, validator |

mod deliver;
mod file;
#[cfg(feature = "robust")]
mod pace;

pub(crate) use deliver::{Stop, deliver};
pub(crate) use file::Fetch;
