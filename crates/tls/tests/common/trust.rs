//! The trust of a client in a test.

use netboot_tls::verify::{DEFAULT_ALGORITHMS, MAX_DEPTH, TimePolicy, Trust, TrustPolicy};

/// Trust in these roots, of a client that has no clock.
pub fn trust<'a>(roots: &'a [&'a [u8]]) -> Trust<'a> {
    Trust {
        policy: TrustPolicy::Pinned { roots, keys: &[] },
        time: TimePolicy::None,
        algorithms: DEFAULT_ALGORITHMS,
        max_depth: MAX_DEPTH,
    }
}
