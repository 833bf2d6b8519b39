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
static mut TRANSMIT: [u8; SEND] = [0; SEND];
static mut TLS: MaybeUninit<Tls<'static>> = MaybeUninit::uninit();

/// Who is believed: HTTPS servers, and those who sign images.
pub const TRUST: Trust<'static> = Trust {
    policy: TrustPolicy::Pinned {
        roots: compiled::ROOTS,
        keys: compiled::KEYS,
    },
    // There is no clock. When the image was built is the earliest that it can be.
    time: match compiled::FLOOR {
        Some(built) => TimePolicy::Floor(built),
        None => TimePolicy::None,
    },
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
    crate::place::put(place, || Tls::new(receive, transmit, TRUST, None))
}
