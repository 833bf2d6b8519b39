//! The first octets of a connection: which scheme a node speaks.

use super::error::WireError;
use crate::schemes::Scheme;

/// Octets of a hello.
pub const HELLO_LEN: usize = 16;
/// The only version of each scheme.
pub const VERSION: u32 = 0;

/// `scheme: u32 ‖ version: u32 ‖ reserved: u64`, all in network order. Both sides send it at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The scheme that the sender speaks.
    pub scheme: Scheme,
}

impl Hello {
    /// The octets.
    pub const fn to_bytes(self) -> [u8; HELLO_LEN] {
        let mut octets = [0; HELLO_LEN];
        let scheme = self.scheme.number().to_be_bytes();
        octets[0] = scheme[0];
        octets[1] = scheme[1];
        octets[2] = scheme[2];
        octets[3] = scheme[3];
        octets
    }

    /// Reads a peer's hello. Schemes are never negotiated: the peer must speak the same as this node.
    ///
    /// # Errors
    /// [`WireError::Scheme`] for another scheme or version. The reserved octets are ignored.
    pub fn check(self, octets: &[u8; HELLO_LEN]) -> Result<(), WireError> {
        let [s0, s1, s2, s3, v0, v1, v2, v3, ..] = *octets;
        let scheme = u32::from_be_bytes([s0, s1, s2, s3]);
        let version = u32::from_be_bytes([v0, v1, v2, v3]);
        if scheme == self.scheme.number() && version == VERSION {
            Ok(())
        } else {
            Err(WireError::Scheme { scheme, version })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_do_not_mix() {
        let (v0, v1) = (Hello { scheme: Scheme::V0 }, Hello { scheme: Scheme::V1 });
        assert_eq!(v0.to_bytes(), [0; 16]);
        assert_eq!(v0.check(&v0.to_bytes()), Ok(()));
        assert_eq!(
            v1.check(&v0.to_bytes()),
            Err(WireError::Scheme {
                scheme: 0,
                version: 0
            })
        );
        assert_eq!(
            v0.check(&v1.to_bytes()),
            Err(WireError::Scheme {
                scheme: 1,
                version: 0
            })
        );
        let mut newer = v0.to_bytes();
        newer[7] = 1;
        assert!(v0.check(&newer).is_err());
    }
}
