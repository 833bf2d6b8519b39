//! What this ROM believes of HTTPS servers, and the memory for it. All of it was fixed when the image was built.

use core::mem::MaybeUninit;
use core::ptr::addr_of_mut;
use netboot::Tls;
#[cfg(not(feature = "https-small-records"))]
use netboot_tls::channel::LARGE_RECORDS as RECORDS;
use netboot_tls::channel::SEND;
#[cfg(feature = "https-small-records")]
use netboot_tls::channel::SMALL_RECORDS as RECORDS;
use netboot_tls::verify::{DEFAULT_ALGORITHMS, MAX_DEPTH, TimePolicy, Trust, TrustPolicy};

mod compiled {
    include!(concat!(env!("OUT_DIR"), "/trust.rs"));
}

/// A record's contents, which are decrypted where they lie, begin with a whole word: behind the five octets of its header.
#[repr(C, align(4))]
struct Receive {
    _before: [u8; 3],
    records: [u8; RECORDS],
}

static mut RECEIVE: Receive = Receive {
    _before: [0; 3],
    records: [0; RECORDS],
};
/// Octets of a request, and of the board's own certificates.
#[cfg(feature = "sztp")]
const OUT: usize = SEND + 2048;
#[cfg(not(feature = "sztp"))]
const OUT: usize = SEND;

static mut TRANSMIT: [u8; OUT] = [0; OUT];
static mut TLS: MaybeUninit<Tls<'static>> = MaybeUninit::uninit();

/// What is known of the time: there is no clock. When the image was built is the earliest that it can be.
const TIME: TimePolicy = match compiled::FLOOR {
    Some(built) => TimePolicy::Floor(built),
    None => TimePolicy::None,
};

/// Whether any server is believed.
#[cfg(feature = "sztp")]
pub const HAS_TRUST: bool = !compiled::ROOTS.is_empty() || !compiled::KEYS.is_empty();

/// Who is believed: HTTPS servers, and those who sign images.
pub const TRUST: Trust<'static> = Trust {
    policy: TrustPolicy::Pinned {
        roots: compiled::ROOTS,
        keys: compiled::KEYS,
    },
    time: TIME,
    algorithms: DEFAULT_ALGORITHMS,
    max_depth: MAX_DEPTH,
};

/// The channel, in a static of its own.
///
/// # Safety
/// To be called once.
#[inline(never)]
pub unsafe fn channel() -> &'static mut Tls<'static> {
    // SAFETY: called once, so these are the only references.
    let (receive, transmit, place) = unsafe {
        (
            &mut *addr_of_mut!(RECEIVE.records),
            &mut *addr_of_mut!(TRANSMIT),
            &mut *addr_of_mut!(TLS),
        )
    };
    #[cfg(feature = "sztp")]
    // SAFETY: called once, as this function is.
    let identity = unsafe { crate::identity::identity() };
    #[cfg(not(feature = "sztp"))]
    let identity = None;
    crate::place::put(place, || Tls::new(receive, transmit, TRUST, identity))
}
